/* Pictures by gnuplot, a process of its own that gets a script and gives a picture.
 *
 * It is started without a shell and reads no file of its user, knows no file's name but its
 * own, and takes no markup out of texts: whatever a text holds, gnuplot draws it.
 *
 *   struct ow_gnuplot g;
 *   ow_gnuplot_begin(&g, &err);
 *   ow_gnuplot_term(&g, OW_PICTURE_SVG, 500, 300, 14);
 *   fputs("set xlabel ", g.to);
 *   ow_gnuplot_text(g.to, label);
 *   fputs("\n$d << E\n1 2\n2 4\nE\nplot $d with lines\n", g.to);
 *   ow_gnuplot_save(&g, "picture.svg", &err);       or _draw(), into memory
 */
#ifndef OW_GNUPLOT_H
#define OW_GNUPLOT_H

#include <stddef.h>
#include <stdio.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ow_picture { OW_PICTURE_SVG, OW_PICTURE_PNG };

struct ow_gnuplot {
    FILE *to; /* the script, in memory */
    char *script;
    size_t n;
};

/* OW_ERR_NOMEM. */
enum ow_status ow_gnuplot_begin(struct ow_gnuplot *g, struct ow_error *err);
/* A terminal of so many pixels (PNG: twice as many, for the same picture) and letters of so
 * many points; UTF-8, without markup, on white. */
void ow_gnuplot_term(struct ow_gnuplot *g, enum ow_picture kind, int width, int height,
                     int letters);

/* A text as a gnuplot string: whatever it holds, it stays that text on one line.  Control
 * characters become blanks, what is no UTF-8 becomes '?'. */
void ow_gnuplot_text(FILE *to, const char *text);
/* The same for the label of a tic, which gnuplot takes as a format. */
void ow_gnuplot_tic(FILE *to, const char *text);

/* Draw, and forget the script whatever the outcome.  *picture is NUL-terminated, free() it.
 * OW_ERR_HOST: gnuplot is missing or fails, with what it said; OW_ERR_FILE. */
enum ow_status ow_gnuplot_draw(struct ow_gnuplot *g, char **picture, size_t *n,
                               struct ow_error *err);
enum ow_status ow_gnuplot_save(struct ow_gnuplot *g, const char *path, struct ow_error *err);
/* Fine on one that is drawn already or zeroed. */
void ow_gnuplot_discard(struct ow_gnuplot *g);

/* The SVG inside a page with others: without its prologue and title, its names `prefix` and so
 * not those of the others, images with sharp pixels. */
void ow_gnuplot_put_inline(const char *svg, const char *prefix, FILE *to);

#ifdef __cplusplus
}
#endif
#endif
