/* CVODE's vectors (ow_vector.h), whose sums wait: whatever looks at a vector, and whenever,
 * finds what the same operations on plain arrays, made at once, have left there, to the last
 * bit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_check.h"
#include "ow_vector.h"

enum { N_VECTOR = 7, N_OPERATION = 600 };

/* Steele and Vigna's SplitMix64, below n. */
static size_t draw(unsigned long long *state, size_t n)
{
    unsigned long long z = *state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (z ^ (z >> 31)) % n;
}

/* Some are 1, which copies and adds; none lets entries grow beyond bounds for long. */
static double factor(unsigned long long *state)
{
    return draw(state, 3) ? (double)draw(state, 1000) / 1000.0 - 0.5 : 1.0;
}

struct both {
    struct ow_vector_space space;
    N_Vector v[N_VECTOR];
    double *plain[N_VECTOR];
    size_t n;
};

static void look(const struct both *b, size_t k)
{
    ck_assert(memcmp(N_VGetArrayPointer(b->v[k]), b->plain[k], b->n * sizeof(double)) == 0);
}

static void sum(struct both *b, double p, size_t x, double q, size_t y, size_t z)
{
    N_VLinearSum(p, b->v[x], q, b->v[y], b->v[z]);
    for (size_t k = 0; k < b->n; k++)
        b->plain[z][k] = p * b->plain[x][k] + q * b->plain[y][k];
}

static void multiple(struct both *b, double p, size_t x, size_t z)
{
    N_VScale(p, b->v[x], b->v[z]);
    for (size_t k = 0; k < b->n; k++)
        b->plain[z][k] = p * b->plain[x][k];
}

/* The end of a step: x into all behind it. */
static void history(struct both *b, size_t x)
{
    double part[N_VECTOR] = {0.0};
    const size_t n_behind = N_VECTOR - 1 - x;
    for (size_t m = 0; m < n_behind; m++)
        part[m] = 0.25 * (double)(m + 1);
    if (n_behind > 0)
        N_VScaleAddMulti((int)n_behind, part, b->v[x], b->v + x + 1, b->v + x + 1);
    for (size_t m = 0; m < n_behind; m++)
        for (size_t k = 0; k < b->n; k++)
            b->plain[x + 1 + m][k] += part[m] * b->plain[x][k];
}

static void norm(const struct both *b, size_t x, size_t w)
{
    const size_t few = b->space.few, split = b->space.split;
    double lines = 0.0, behind = 0.0, two = 0.0, four = 0.0;
    for (size_t k = 0; k < b->n; k++) {
        const double a = b->plain[x][k] * b->plain[w][k], square = a * a;
        lines += k < few ? square : 0.0;
        behind += k >= few && k < split ? square : 0.0;
        two += k < split ? 0.0 : square;
        four += k < split ? 0.0 : square * square;
    }
    const double states = two > 0.0 ? sqrt(four / two) : 0.0;
    const double nodes =
        sqrt(lines / (double)b->n + (split > few ? behind / (double)(split - few) : 0.0));
    /* sums of positive numbers in another order: n eps at most */
    ck_assert_close(N_VWrmsNorm(b->v[x], b->v[w]), fmax(nodes, states), 1e-11, 0.0);
}

/* z = sum of three of them, which may be z itself. */
static void combination(struct both *b, double p, size_t x, double q, size_t y, size_t z)
{
    double part[] = {p, q, -0.5};
    N_Vector of[] = {b->v[x], b->v[y], b->v[z]};
    if (x == y || y == z || x == z)
        return;
    N_VLinearCombination(3, part, of, b->v[z]);
    for (size_t k = 0; k < b->n; k++)
        b->plain[z][k] = -0.5 * b->plain[z][k] + p * b->plain[x][k] + q * b->plain[y][k];
}

static void weights(struct both *b, size_t x, size_t w)
{
    ow_vector_weigh(b->v[x], b->v[w]);
    for (size_t k = 0; k < b->n; k++) {
        const double atol = k < b->space.split ? b->space.atol : b->space.atol_behind;
        b->plain[w][k] = 1.0 / (b->space.rtol * fabs(b->plain[x][k]) + atol);
    }
}

/* Also while others wait that read it, or write it in vain. */
static void overwrite(struct both *b, size_t z, double value)
{
    double *v = ow_vector_overwrite(b->v[z]);
    for (size_t k = 0; k < b->n; k++)
        v[k] = b->plain[z][k] = value + (double)(k % 7);
}

/* What goes into it then is lost, and nothing else. */
static void ignore(struct both *b, size_t x, size_t z)
{
    if (x == z)
        return;
    ow_vector_ignore(b->v[z]);
    N_VScale(3.0, b->v[x], b->v[z]);
    b->space.unread = NULL;
}

static void change(struct both *b, size_t z, size_t k, double value)
{
    N_VGetArrayPointer(b->v[z])[k] = value;
    b->plain[z][k] = value;
}

static void operate(struct both *b, unsigned long long *seed)
{
    const size_t what = draw(seed, 16), x = draw(seed, N_VECTOR), y = draw(seed, N_VECTOR),
                 z = draw(seed, N_VECTOR), k = draw(seed, b->n);
    const double p = factor(seed), q = factor(seed);
    if (what < 4)
        sum(b, p, x, q, y, z);
    else if (what < 6)
        sum(b, 1.0, z, q, y, z);
    else if (what < 8)
        multiple(b, p, x, z);
    else if (what == 8)
        history(b, x);
    else if (what == 9)
        norm(b, x, y);
    else if (what == 10)
        change(b, z, k, 1.0 + p);
    else if (what == 11)
        combination(b, p, x, q, y, z);
    else if (what == 12)
        weights(b, x, z);
    else if (what == 13)
        overwrite(b, z, p);
    else if (what == 14)
        ignore(b, x, z);
    else
        multiple(b, 0.5, z, z);
    if (draw(seed, 4) == 0)
        look(b, y);
    if (draw(seed, 40) == 0)
        N_VConst(0.0, b->v[z]), memset(b->plain[z], 0, b->n * sizeof(double));
}

/* In the cache, where all sums are made together, one more than that, and many chunks. */
static const struct {
    size_t n, few, split;
    int n_threads;
} space[] = {{1, 1, 1, 1},
             {777, 650, 700, 1},
             {8193, 8193, 8193, 1},
             {20011, 20000, 20011, 1},
             {30011, 8900, 9001, 2}};

START_TEST(test_sums_that_wait_are_those_of_plain_arrays)
{
    struct both b = {.n = space[_i].n};
    unsigned long long seed = 1234 + (unsigned long long)_i;
    SUNContext context;
    ck_assert_int_eq(SUNContext_Create(NULL, &context), 0);
    ck_assert_int_eq(ow_vector_space_init(&b.space, b.n, 3, space[_i].n_threads), OW_OK);
    b.space.few = space[_i].few;
    b.space.split = space[_i].split;
    b.space.rtol = 1e-3;
    b.space.atol = 0.1;
    b.space.atol_behind = 0.3;
    for (size_t m = 0; m < N_VECTOR; m++) {
        b.v[m] = m ? N_VClone(b.v[0]) : ow_vector_create(b.n, &b.space, context);
        b.plain[m] = malloc(b.n * sizeof(double));
        ck_assert_ptr_nonnull(b.plain[m]);
        double *v = N_VGetArrayPointer(b.v[m]);
        for (size_t k = 0; k < b.n; k++)
            v[k] = b.plain[m][k] = (double)draw(&seed, 2001) / 1000.0 - 1.0;
    }
    for (size_t k = 0; k < N_OPERATION; k++)
        operate(&b, &seed);
    ow_vector_space_make(&b.space);
    ck_assert_uint_eq(b.space.n_sum, 0);
    for (size_t m = 0; m < N_VECTOR; m++)
        look(&b, m);
    for (size_t m = N_VECTOR; m-- > 0; free(b.plain[m]))
        N_VDestroy(b.v[m]);
    ow_vector_space_finish(&b.space);
    SUNContext_Free(&context);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("vector");
    tcase_add_loop_test(tc, test_sums_that_wait_are_those_of_plain_arrays, 0,
                        (int)(sizeof space / sizeof space[0]));
    Suite *suite = suite_create("vector");
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
