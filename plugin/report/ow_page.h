/* The page as HTML.  Whatever a text holds, it stays text. */
#ifndef OW_PAGE_H
#define OW_PAGE_H

#include <stdio.h>

#include "ow_answer.h"

/* A picture with what is said below it; without an svg, why there is none. */
struct ow_plate {
    char *svg, *caption; /* owned */
    bool is_wide;
    const char *heading; /* of the section that begins with it, or NULL */
};

struct ow_page {
    const struct ow_survey *s;
    const char *version;
    const struct ow_plate *plate; /* [n_plate] */
    size_t n_plate;
    size_t point;           /* that was looked at closely             */
    const json_t *warnings; /* of its run; NULL: none                 */
};

void ow_page_write(const struct ow_page *page, FILE *to);

/* A text between tags or within a quoted attribute. */
void ow_page_text(FILE *to, const char *text);

/* Tables of combinations and points. */
void ow_page_tables(const struct ow_survey *s, FILE *to);

#endif
