/* A user's netlist file, with two others beside it.  What is declared is words, and a file that
 * is accepted without a command has none that a plain search finds. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ow_subckt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/ow-fuzz-XXXXXX";

struct path {
    char text[64];
};

/* libFuzzer wants to stay where it is. */
static struct path path_of(const char *name)
{
    struct path p;
    snprintf(p.text, sizeof p.text, "%s/%s", folder, name);
    return p;
}

static void clean_up(void)
{
    unlink(path_of("a").text);
    unlink(path_of("b").text);
    unlink(path_of("c").text);
    rmdir(folder);
}

static void put(const char *name, const void *text, size_t n)
{
    FILE *f = fopen(path_of(name).text, "wb");
    if (!f || fwrite(text, 1, n, f) != n || fclose(f) != 0)
        abort();
}

static void begin(void)
{
    static const char other[] = ".lib tt\n.subckt amp in out r=1\n.ends\n.endl\n.include c\n";
    if (!mkdtemp(folder))
        abort();
    put("b", other, sizeof other - 1);
    put("c", "* last\n", 7);
    atexit(clean_up);
}

static void check_names(const struct ow_names *names)
{
    for (size_t k = 0; k < names->n; k++)
        if (!names->name[k][0] || strpbrk(names->name[k], " \t\r\n\v\f(),"))
            abort();
}

/* At the beginning of a line. */
static int has_control(const uint8_t *data, size_t size)
{
    static const char word[] = ".control";
    const size_t n = sizeof word - 1;
    for (size_t k = 0; k + n <= size; k++)
        if ((k == 0 || data[k - 1] == '\n') &&
            (strncasecmp((const char *)data + k, word, n) == 0 ||
             memcmp(data + k, "*#", 2) == 0))
            return 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const name[] = {NULL, "amp"};
    static int is_there;
    if (!is_there++)
        begin();
    put("a", data, size);
    for (int k = 0; k < 2; k++) {
        struct ow_error err = {0};
        struct ow_subckt s;
        if (ow_subckt_find(path_of("a").text, name[k], &s, &err) != OW_OK) {
            if (!err.text[0])
                abort();
            continue;
        }
        check_names(&s.pin);
        check_names(&s.param);
        if (!s.command && has_control(data, size))
            abort();
        ow_subckt_finish(&s);
    }
    return 0;
}
