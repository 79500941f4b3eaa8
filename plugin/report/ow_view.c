#include "ow_view.h"

#include <math.h>
#include <string.h>

#include "ow_words.h"

bool ow_view_can_show(const struct ow_survey *s, size_t axis)
{
    return s->axis[axis].n > 1 && axis != s->seeds;
}

size_t ow_view_stay(const struct ow_survey *s, size_t axis)
{
    const struct ow_axis *a = &s->axis[axis];
    size_t best = 0, most = 0;
    if (a->n == 1 || axis == s->seeds)
        return 0;
    for (size_t k = 0; k < a->n; k++) {
        size_t n = 0;
        for (size_t row = 0; row < s->n_row; row++)
            n += s->status[row] == OW_POINT_DONE && ow_survey_index(s, row, axis) == k;
        if (n > most) {
            most = n;
            best = k;
        }
        if (k == 63) /* of long axes the first values will do */
            break;
    }
    return best;
}

static size_t choose_x(const struct ow_survey *s)
{
    for (size_t k = 0; k < s->n_axis; k++)
        if (s->axis[k].is_size && ow_view_can_show(s, k))
            return k;
    for (size_t k = 0; k < s->n_axis; k++)
        if (s->axis[k].is_number && ow_view_can_show(s, k))
            return k;
    for (size_t k = 0; k < s->n_axis; k++)
        if (ow_view_can_show(s, k))
            return k;
    return s->n_axis;
}

/* Multiply the lines by `shown` values of an axis, evenly spaced with both ends. */
static void split(struct ow_view *v, size_t axis, size_t n, size_t shown)
{
    const size_t before = v->n_line;
    for (size_t line = before * shown; line-- > 0;) {
        memmove(v->index[line], v->index[line / shown], sizeof v->index[line]);
        v->index[line][axis] = (line % shown * (n - 1) + (shown - 1) / 2) / (shown - 1);
    }
    v->n_line = before * shown;
    v->n_shown[axis] = shown;
}

/* One value more for each axis in turn, as long as there are not too many lines. */
static void share(const struct ow_survey *s, const struct ow_view *v, size_t n_line,
                  size_t n_shown[])
{
    size_t product = 1;
    bool is_more = true;
    while (is_more) {
        is_more = false;
        for (size_t k = 0; k < s->n_axis; k++) {
            const size_t more = product / n_shown[k] * (n_shown[k] + 1);
            if (k == v->x || !ow_view_can_show(s, k) || n_shown[k] == s->axis[k].n ||
                more > n_line)
                continue;
            product = more;
            n_shown[k]++;
            is_more = true;
        }
    }
}

struct ow_view ow_view_choose(const struct ow_survey *s, size_t n_line)
{
    struct ow_view v = {.x = choose_x(s), .n_line = 1};
    size_t n_shown[OW_SURVEY_MAX_AXES];
    for (size_t k = 0; k < s->n_axis; k++) {
        n_shown[k] = 1;
        if (k != v.x)
            v.index[0][k] = ow_view_stay(s, k);
    }
    share(s, &v, n_line, n_shown);
    for (size_t k = 0; k < s->n_axis; k++)
        if (k != v.x && ow_view_can_show(s, k)) {
            v.n_shown[k] = 1;
            if (n_shown[k] > 1)
                split(&v, k, s->axis[k].n, n_shown[k]);
        }
    return v;
}

size_t ow_view_places(const struct ow_survey *s, const struct ow_view *v)
{
    return v->x < s->n_axis ? s->axis[v->x].n : 1;
}

size_t ow_view_combo(const struct ow_survey *s, const struct ow_view *v, size_t line,
                     size_t place)
{
    size_t index[OW_SURVEY_MAX_AXES];
    memcpy(index, v->index[line], sizeof index);
    if (v->x < s->n_axis)
        index[v->x] = place;
    return ow_combo_at(s, index);
}

/* ---- in words ---------------------------------------------------------------------- */

/* Do its values say by themselves what they are? */
static bool is_telling(const char *name)
{
    static const char *const telling[] = {"device.set", "device.model", "engine.name"};
    for (size_t k = 0; k < sizeof telling / sizeof telling[0]; k++)
        if (strcmp(name, telling[k]) == 0)
            return true;
    return false;
}

void ow_view_value(const struct ow_survey *s, size_t axis, size_t k, char text[120])
{
    const struct ow_axis *a = &s->axis[axis];
    const char *dot = strrchr(a->name, '.');
    char name[100], value[108];
    ow_words_cut(dot ? dot + 1 : a->name, 18, name);
    ow_words_cut(a->text[k], 24, value);
    if (a->is_size)
        snprintf(text, 120, "%.32s \xc3\x97 %.32s", value, value);
    else if (is_telling(a->name))
        snprintf(text, 120, "%.110s", value);
    else
        snprintf(text, 120, "%.70s %.45s", name, value);
}

void ow_view_line(const struct ow_survey *s, const struct ow_view *v, size_t line,
                  char text[200])
{
    size_t n = 0;
    text[0] = '\0';
    for (size_t k = 0; k < s->n_axis && n < 199; k++) {
        char value[120];
        if (v->n_shown[k] < 2)
            continue;
        ow_view_value(s, k, v->index[line][k], value);
        n += (size_t)snprintf(text + n, 200 - n, "%s%s", n ? ", " : "", value);
    }
}

void ow_view_axis(const struct ow_survey *s, size_t axis, FILE *to)
{
    fputs(s->axis[axis].name, to);
    if (s->axis[axis].others)
        fprintf(to, " (with %s)", s->axis[axis].others);
}

void ow_view_rest(const struct ow_survey *s, const struct ow_view *v, FILE *to)
{
    size_t n = 0;
    for (size_t k = 0; k < s->n_axis; k++)
        if (v->n_shown[k] == 1) {
            char value[120];
            ow_view_value(s, k, v->index[0][k], value);
            fprintf(to, "%s%s", n++ ? ", " : " Shown at ", value);
        }
    if (n)
        fputs(" alone; the other combinations are in the table.", to);
    for (size_t k = 0; k < s->n_axis; k++)
        if (v->n_shown[k] > 1 && v->n_shown[k] < s->axis[k].n) {
            fputs(" Of ", to);
            ow_view_axis(s, k, to);
            fprintf(to, " %zu of %zu values are shown.", v->n_shown[k], s->axis[k].n);
        }
}

void ow_view_combination(const struct ow_survey *s, size_t combo, bool with_size, FILE *to)
{
    size_t n = 0;
    for (size_t k = 0; k < s->n_axis; k++) {
        char value[120];
        if (!ow_view_can_show(s, k) || (s->axis[k].is_size && !with_size))
            continue;
        ow_view_value(s, k, ow_combo_index(s, combo, k), value);
        fprintf(to, "%s%s", n++ ? ", " : "", value);
    }
}
