#include "ow_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 32, PATH_SIZE = 256 };

struct scanner {
    const char *at;
    char path[PATH_SIZE]; /* of the value at hand, dotted    */
    size_t n_path;
    size_t before[MOST_DEPTH]; /* n_path of every object around it */
    bool is_array[MOST_DEPTH];
    size_t depth;
};

/* Past a string's end; false if there is none.  *begin and *n: what stands inside. */
static bool take_string(struct scanner *s, const char **begin, size_t *n)
{
    *begin = ++s->at;
    for (; *s->at && *s->at != '"'; s->at++)
        if (*s->at == '\\' && s->at[1])
            s->at++;
    *n = (size_t)(s->at - *begin);
    if (*s->at != '"')
        return false;
    s->at++;
    return true;
}

/* A key becomes the last part of the path; names that are longer than any figure's are none. */
static void append(struct scanner *s, const char *key, size_t n)
{
    const size_t from = s->before[s->depth - 1];
    const size_t dot = from > 0;
    if (from + dot + n >= PATH_SIZE) {
        s->n_path = PATH_SIZE;
        return;
    }
    if (dot)
        s->path[from] = '.';
    memcpy(s->path + from + dot, key, n);
    s->n_path = from + dot + n;
}

static bool open(struct scanner *s)
{
    if (s->depth == MOST_DEPTH)
        return false;
    s->is_array[s->depth] = *s->at == '[';
    s->before[s->depth++] = s->n_path;
    s->at++;
    return true;
}

static void store(const struct scanner *s, const struct ow_scan_name name[], size_t n,
                  const char *end, double value[])
{
    if (s->n_path > PATH_SIZE || s->is_array[s->depth - 1])
        return;
    for (size_t k = 0; k < n; k++)
        if (name[k].n == s->n_path && memcmp(name[k].text, s->path, s->n_path) == 0) {
            char *stop;
            value[k] = strtod(s->at, &stop);
            if (stop != end)
                value[k] = NAN;
        }
}

bool ow_scan(const char *json, const struct ow_scan_name name[], size_t n, double value[])
{
    struct scanner s = {.at = json + strspn(json, " \t\r\n")};
    for (size_t k = 0; k < n; k++)
        value[k] = NAN;
    if (*s.at != '{')
        return false;
    do {
        const char *begin;
        size_t length;
        switch (*s.at) {
        case '{':
        case '[':
            if (!open(&s))
                return false;
            break;
        case '}':
        case ']':
            if (s.is_array[s.depth - 1] != (*s.at == ']'))
                return false;
            s.depth--;
            s.n_path = s.before[s.depth];
            s.at++;
            break;
        case '"':
            if (!take_string(&s, &begin, &length))
                return false;
            s.at += strspn(s.at, " \t\r\n");
            if (*s.at == ':' && !s.is_array[s.depth - 1])
                append(&s, begin, length);
            break;
        case '\0':
            return false;
        default:
            length = strcspn(s.at, ",:{}[]\" \t\r\n");
            if (length == 0)
                length = 1;
            else if (*s.at == '-' || (*s.at >= '0' && *s.at <= '9'))
                store(&s, name, n, s.at + length, value);
            s.at += length;
        }
    } while (s.depth > 0);
    return s.at[strspn(s.at, " \t\r\n")] == '\0';
}
