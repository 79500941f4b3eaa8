/* For tests of runs: a specification in memory and what it describes.  Define STUDY_FILE, the
 * name that errors give it, before. */
#ifndef OW_STUDY_H
#define OW_STUDY_H

#include <string.h>

#include "ow_check.h"
#include "ow_problem.h"

struct study {
    struct ow_spec spec;
    struct ow_problem problem; /* borrows spec */
};

static inline enum ow_status study_try(const char *text, struct study *s, struct ow_error *err)
{
    memset(s, 0, sizeof *s);
    enum ow_status st = ow_spec_parse(text, strlen(text), STUDY_FILE, NULL, &s->spec, err);
    if (!st && (st = ow_problem_init(&s->spec, &s->problem, err)))
        ow_spec_finish(&s->spec);
    return st;
}

static inline void study_init(const char *text, struct study *s)
{
    struct ow_error err = {0};
    ck_assert_ok(study_try(text, s, &err), err);
}

/* An input error whose message holds `says`. */
static inline void study_refused(const char *text, const char *says)
{
    struct study s;
    struct ow_error err = {0};
    ck_assert_int_eq(study_try(text, &s, &err), OW_ERR_INPUT);
    ck_assert_msg(strstr(err.text, says), "'%s' in: %s", says, err.text);
}

static inline void study_finish(struct study *s)
{
    ow_problem_finish(&s->problem);
    ow_spec_finish(&s->spec);
}

#endif
