/* For tests of models: the closed-form curves of data/analytic. */
#ifndef OW_CURVE_H
#define OW_CURVE_H

#include <stdio.h>

#include "ow_check.h"

/* Rows of a reference curve; '#' lines are comments. */
struct curve {
    size_t n_row;
    double row[100][4];
};

static inline void load_curve(const char *name, size_t n_col, struct curve *curve)
{
    char path[1024], line[512];
    snprintf(path, sizeof path, "%s/analytic/%s.csv", test_data_dir(), name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    curve->n_row = 0;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#')
            continue;
        ck_assert(curve->n_row < 100);
        const char *at = line;
        for (size_t c = 0; c < n_col; c++) {
            char *end;
            curve->row[curve->n_row][c] = strtod(at, &end);
            ck_assert_msg(end != at, "%s: %s", path, line);
            at = *end == ',' ? end + 1 : end;
        }
        curve->n_row++;
    }
    fclose(file);
    ck_assert(curve->n_row > 10);
}

#endif
