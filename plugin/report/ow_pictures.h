/* The pictures that a survey gives, as gnuplot scripts, and what to say below them.
 *
 * `caption` takes plain text.  A picture that there is nothing for is OW_ERR_INPUT, with the
 * reason. */
#ifndef OW_PICTURES_H
#define OW_PICTURES_H

#include "ow_gnuplot.h"
#include "ow_survey.h"

struct ow_canvas {
    enum ow_picture kind;
    bool is_wide; /* as wide as the page, not half of it */
};

/* A figure against the view's x, with bands from 10 to 90 % of the seeds. */
enum ow_status ow_picture_lines(const struct ow_survey *s, size_t figure,
                                const struct ow_canvas *canvas, struct ow_gnuplot *g,
                                FILE *caption, struct ow_error *err);

/* A figure over two axes. */
enum ow_status ow_picture_heat(const struct ow_survey *s, size_t x, size_t y, size_t figure,
                               const struct ow_canvas *canvas, struct ow_gnuplot *g,
                               FILE *caption, struct ow_error *err);
/* Pairs of axes for it, the best first: [most][2]. */
size_t ow_picture_pairs(const struct ow_survey *s, size_t most, size_t pair[][2]);

/* Where the energy goes: parts of a MAC's, stacked, against x. */
enum ow_status ow_picture_parts(const struct ow_survey *s, const struct ow_canvas *canvas,
                                struct ow_gnuplot *g, FILE *caption, struct ow_error *err);

/* ---- shared with the pictures of one point ------------------------------------------ */

/* "#0072b2", ...: Okabe and Ito, distinguishable by everybody; in the order in which their
 * greys differ, too. */
const char *ow_picture_colour(size_t k);
void ow_picture_begin(struct ow_gnuplot *g, const struct ow_canvas *canvas, int height);
/* Viridis, which is as well a scale of greys. */
void ow_picture_palette(FILE *to);
/* A text that begins a sentence. */
void ow_picture_capital(FILE *to, const char *text);
/* The key below the picture, whose bottom margin has the room; `longest` name in letters. */
void ow_picture_key(FILE *to, size_t columns, size_t longest);
/* An axis label with its unit, if it has one: 'TITLE (UNIT)'. */
void ow_picture_label(FILE *to, const char *axis, const char *title, const char *unit);

#endif
