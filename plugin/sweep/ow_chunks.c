#include "ow_chunks.h"

#include <math.h>
#include <stdlib.h>

#define LEAST_SECONDS 30.0
enum { MOST_TASKS = 300 };

size_t ow_chunks_number(double seconds, size_t n_point, unsigned jobs)
{
    const double n = floor(seconds / (LEAST_SECONDS * jobs));
    const double most = n_point < MOST_TASKS ? (double)n_point : MOST_TASKS;
    return (size_t)fmin(fmax(n, 1.0), most);
}

struct card {
    size_t point;
    double seconds;
};

static int by_cost(const void *a, const void *b)
{
    const struct card *s = a, *t = b;
    if (s->seconds != t->seconds)
        return s->seconds > t->seconds ? -1 : 1;
    return s->point < t->point ? -1 : s->point > t->point;
}

static int by_number(const void *a, const void *b)
{
    const size_t s = *(const size_t *)a, t = *(const size_t *)b;
    return s < t ? -1 : s > t;
}

/* Card k goes to: 0 1 2 2 1 0 0 1 2 ... */
static size_t chunk_of(size_t k, size_t n_chunk)
{
    const size_t at = k % n_chunk;
    return k / n_chunk % 2 ? n_chunk - 1 - at : at;
}

static void deal(const struct card card[], size_t n, struct ow_chunks *c)
{
    for (size_t k = 0; k < n; k++)
        c->begin[chunk_of(k, c->n) + 1]++;
    for (size_t k = 0; k < c->n; k++)
        c->begin[k + 1] += c->begin[k];
    /* begin[] as the place of the next card, then set back by one chunk */
    for (size_t k = 0; k < n; k++)
        c->point[c->begin[chunk_of(k, c->n)]++] = card[k].point;
    for (size_t k = c->n; k > 0; k--)
        c->begin[k] = c->begin[k - 1];
    c->begin[0] = 0;
    for (size_t k = 0; k < c->n; k++)
        qsort(c->point + c->begin[k], c->begin[k + 1] - c->begin[k], sizeof *c->point,
              by_number);
}

enum ow_status ow_chunks_cut(const size_t point[], const double seconds[], size_t n,
                             size_t n_chunk, struct ow_chunks *out, struct ow_error *err)
{
    struct ow_chunks c = {.n = n_chunk,
                          .begin = calloc(n_chunk + 1, sizeof *c.begin),
                          .point = calloc(n, sizeof *c.point)};
    struct card *card = calloc(n, sizeof *card);
    if (!c.begin || !c.point || !card) {
        ow_chunks_finish(&c);
        free(card);
        return ow_fail(err, OW_ERR_NOMEM, "tasks of a sweep: out of memory");
    }
    for (size_t k = 0; k < n; k++)
        card[k] = (struct card){point[k], seconds[k]};
    qsort(card, n, sizeof *card, by_cost);
    deal(card, n, &c);
    free(card);
    *out = c;
    return OW_OK;
}

void ow_chunks_finish(struct ow_chunks *c)
{
    free(c->begin);
    free(c->point);
    *c = (struct ow_chunks){0};
}
