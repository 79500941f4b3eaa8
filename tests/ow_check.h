/* What every test program shares: a comparison that prints both numbers, and a main(). */
#ifndef OW_CHECK_H
#define OW_CHECK_H

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* |a - b| <= rtol max(|a|, |b|) + atol */
#define ck_assert_close(a, b, rtol, atol)                                                      \
    do {                                                                                       \
        const double ck_a = (a), ck_b = (b), ck_r = (rtol), ck_t = (atol);                     \
        ck_assert_msg(fabs(ck_a - ck_b) <= ck_r * fmax(fabs(ck_a), fabs(ck_b)) + ck_t,         \
                      "%s = %.17g, %s = %.17g: they differ by %.3g, allowed %.3g relative, "   \
                      "%.3g absolute",                                                         \
                      #a, ck_a, #b, ck_b, fabs(ck_a - ck_b), ck_r, ck_t);                      \
    } while (0)

#define ck_assert_ok(call, err) ck_assert_msg((call) == OW_OK, "%s: %s", #call, (err).text)

/* Where the tests' own data lie: set by meson. */
static inline const char *test_data_dir(void)
{
    const char *dir = getenv("OW_TEST_DATA");
    return dir ? dir : "tests/data";
}

static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
