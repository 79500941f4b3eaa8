/* What a person includes: the subcircuits, the corners, the decks of netlists/examples, the
 * parameter sets, and what a wrong parameter says.  All of it in ngspice, with a built
 * ohmweave.cm; without them the program says so and tests nothing. */
#include <glob.h>
#include <stdio.h>

#include "ow_check.h"
#include "ow_model.h"
#include "ow_sets.h"

#if defined(OW_CODEMODEL) && defined(OW_NGSPICE)
#include "ow_deck.h"

/* ---- subcircuits, decks, corners --------------------------------------------------------- */

START_TEST(test_include_is_what_the_tables_say)
{
    char *kept = slurp(OW_NETLISTS "/ohmweave.inc"), *fresh = slurp(OW_GENERATED_INC);
    ck_assert_msg(strcmp(kept, fresh) == 0,
                  "netlists/ohmweave.inc is out of date: copy %s over it", OW_GENERATED_INC);
    free(kept), free(fresh);
}
END_TEST

/* Every deck there is. */
static glob_t examples;

static int find_examples(void)
{
    return glob(OW_NETLISTS "/examples/*.cir", 0, NULL, &examples) == 0 ? (int)examples.gl_pathc
                                                                        : 0;
}

/* A folder with the decks and all that they include, and into the decks. */
static void enter_examples(void)
{
    ck_assert_int_eq(system("mkdir examples && cp " OW_NETLISTS "/ohmweave.inc " OW_NETLISTS
                            "/ohmweave.lib . && cp -r " OW_NETLISTS
                            "/periphery . && cp " OW_NETLISTS "/examples/*.cir " OW_NETLISTS
                            "/examples/array_4x4.* examples"),
                     0);
    ck_assert_int_eq(chdir("examples"), 0);
}

/* From their own folder, beside a link to the code models, as in a built source tree. */
START_TEST(test_example_passes)
{
    char command[256], wanted[64], name[40];
    ck_assert_int_eq(sscanf(strrchr(examples.gl_pathv[_i], '/'), "/%39[a-z0-9_].cir", name), 1);
    enter_examples();
    snprintf(command, sizeof command, OW_NGSPICE " -b %s.cir", name);
    snprintf(wanted, sizeof wanted, "PASS %s", name);
    const int status = run(command, "log");
    char *log = slurp("log");
    ck_assert_msg(status == 0 && strstr(log, wanted) && !strstr(log, "FAIL"), "%s", log);
    free(log);
    /* Without results nothing is compared, which is no success. */
    ck_assert_int_eq(system("sed -i 's/^run$//; s/^tran .*//' *.cir"), 0);
    ck_assert_int_ne(run(command, "log"), 0);
    log = slurp("log");
    ck_assert_msg(!strstr(log, wanted), "%s", log);
    free(log);
    ck_assert_int_eq(chdir(".."), 0);
}
END_TEST

/* Every file of the periphery has the subcircuit of its name, its pins begin with the five that
 * all have, and 64 instances from the one file that has all find a DC solution. */
START_TEST(test_periphery_is_uniform)
{
    glob_t files;
    ck_assert_int_eq(glob(OW_NETLISTS "/periphery/ow_*.inc", 0, NULL, &files), 0);
    ck_assert_uint_ge(files.gl_pathc, 11);
    for (size_t f = 0; f < files.gl_pathc; f++) {
        char name[64], begin[160];
        ck_assert_int_eq(sscanf(strrchr(files.gl_pathv[f], '/'), "/%63[a-z0-9_].inc", name), 1);
        snprintf(begin, sizeof begin, "\n.subckt %s in out ref vdd vss ", name);
        char *text = slurp(files.gl_pathv[f]);
        const char *at = strstr(text, begin);
        ck_assert_msg(at != NULL, "no%s in %s", begin, files.gl_pathv[f]);
        ck_assert_msg(strstr(at + 1, "\n.subckt ") == NULL, "%s has two", files.gl_pathv[f]);
        at += strlen(begin);
        struct text t = {0};
        add(&t, ".include " OW_NETLISTS "/periphery/generic_tt.inc\n"
                "v_dd vdd 0 0.9\nv_ss vss 0 -0.9\nv_in w 0 0.1\n");
        for (int k = 0; k < 64; k++) {
            add(&t, "r%d w in%d 10k\nx%d in%d out%d 0 vdd vss", k, k, k, k, k);
            /* all other pins are clocks at rest, or voltages or outputs that may be held */
            for (const char *word = at; *word && *word != '\n'; word += strspn(word, " ")) {
                const size_t n = strcspn(word, " \n");
                if (!memchr(word, '=', n))
                    add(&t, " vss");
                word += n;
            }
            add(&t, " %s\n", name);
        }
        add(&t, ".op\n");
        write_deck(t.s, "out0 out63");
        const int status = run(OW_NGSPICE " -b deck.cir", "log");
        char *log = slurp("log");
        ck_assert_msg(status == 0 && !strstr(log, "rror") && !strstr(log, "singular") &&
                          !strstr(log, "source stepping"),
                      "%s: %.3000s", name, log);
        free(log), free(t.s), free(text);
    }
    globfree(&files);
}
END_TEST

/* What is made of transistors keeps its promises in the other corners of generic.lib, too. */
static const struct {
    const char *deck, *corner;
} cornered[] = {
    {"tia_cmos", "ff"}, {"conveyor_rgc", "ff"}, {"strongarm", "ff"}, {"driver_cmos", "ff"},
    {"tia_cmos", "ss"}, {"conveyor_rgc", "ss"}, {"strongarm", "ss"}, {"driver_cmos", "ss"},
};

START_TEST(test_periphery_in_corners)
{
    char command[256], wanted[64];
    enter_examples();
    snprintf(command, sizeof command, "sed -i 's/generic.lib tt/generic.lib %s/w hits' %s.cir",
             cornered[_i].corner, cornered[_i].deck);
    ck_assert_int_eq(system(command), 0);
    char *hits = slurp("hits");
    ck_assert_str_ne(hits, "");
    free(hits);
    snprintf(command, sizeof command, OW_NGSPICE " -b %s.cir", cornered[_i].deck);
    snprintf(wanted, sizeof wanted, "PASS %s", cornered[_i].deck);
    const int status = run(command, "log");
    char *log = slurp("log");
    ck_assert_msg(status == 0 && strstr(log, wanted), "%s", log);
    free(log);
    ck_assert_int_eq(chdir(".."), 0);
}
END_TEST

/* `ow_team` or `ow_team_x` and then a blank. */
static bool has_device(const char *deck, const char *model)
{
    char wanted[2][64];
    snprintf(wanted[0], sizeof wanted[0], "ow_%s ", model);
    snprintf(wanted[1], sizeof wanted[1], "ow_%s_x ", model);
    return strstr(deck, wanted[0]) || strstr(deck, wanted[1]);
}

START_TEST(test_every_model_has_an_example)
{
    bool is_found = false;
    for (size_t k = 0; k < examples.gl_pathc && !is_found; k++) {
        char *deck = slurp(examples.gl_pathv[k]);
        is_found = has_device(deck, ow_models[_i]->name);
        free(deck);
    }
    ck_assert_msg(is_found, "no deck in %s/examples has an ow_%s", OW_NETLISTS,
                  ow_models[_i]->name);
}
END_TEST

/* The second way of netlists/README.md; the first is in every deck here, the third in the
 * tests of libngspice. */
START_TEST(test_spiceinit_loads)
{
    FILE *init = fopen(".spiceinit", "w");
    ck_assert_ptr_nonnull(init);
    fputs("codemodel ./ohmweave.cm\n", init);
    ck_assert_int_eq(fclose(init), 0);
    FILE *deck = fopen("deck.cir", "w");
    ck_assert_ptr_nonnull(deck);
    fprintf(deck,
            "* no .control\n.include %s/ohmweave.inc\nv1 in 0 0.1\n"
            "x1 in 0 ow_team r_on=1k r_off=3k x0=0\n.op\n.print op i(v1)\n.end\n",
            OW_NETLISTS);
    ck_assert_int_eq(fclose(deck), 0);
    ck_assert_int_eq(run(OW_NGSPICE " -b deck.cir", "log"), 0);
    char *log = slurp("log");
    ck_assert_msg(strstr(log, "-1.00000e-04"), "no 0.1 V / 1 kohm in: %s", log);
    free(log);
}
END_TEST

/* The schematic of netlists/xschem, netlisted there without a screen, is the deck team_loop. */
START_TEST(test_xschem)
{
    if (system("command -v xschem >/dev/null") != 0) {
        puts("skipped: xschem is not installed");
        return;
    }
    ck_assert_int_eq(system("cp " OW_NETLISTS
                            "/ohmweave.inc . && mkdir xschem && cp " OW_NETLISTS
                            "/xschem/* xschem"),
                     0);
    ck_assert_int_eq(chdir("xschem"), 0);
    run("xschem -x -r -q -n -s --rcfile xschemrc ow_loop.sch", "log");
    if (access("ow_loop.spice", R_OK) != 0) {
        char *log = slurp("log");
        ck_abort_msg("xschem wrote no netlist: %.2000s", log);
    }
    ck_assert_int_eq(run(OW_NGSPICE " -b ow_loop.spice", "log"), 0);
    char *log = slurp("log");
    const char *at = strstr(log, "x_max");
    ck_assert_msg(at != NULL, "no x_max in %.2000s", log);
    ck_assert_close(strtod(strchr(at, '=') + 1, NULL), 0.448218, 0.0, 1e-5);
    free(log);
    ck_assert_int_eq(chdir(".."), 0);
}
END_TEST

/* ow_scale(id) and ow_rate(id) for ids 1 to n, as resistors at 1 A; the deck may list them
 * backwards. */
static void corner(const char *section, int seed, bool is_reversed, size_t n, double out[])
{
    struct text t = {0}, saved = {0};
    add(&t, ".param ow_seed=%d\n.lib %s/ohmweave.lib %s\n", seed, OW_NETLISTS, section);
    for (size_t k = 0; k < n; k++) {
        const size_t id = is_reversed ? n - k : k + 1;
        add(&t,
            "i%zu 0 s%zu 1\nr%zu s%zu 0 {ow_scale(%zu)}\n"
            "i%zub 0 f%zu 1\nr%zub f%zu 0 {ow_rate(%zu)}\n",
            id, id, id, id, id, id, id, id, id, id);
    }
    add(&t, "v1 in 0 0\n.dc v1 0 1 2\n"); /* one point */
    for (size_t k = 0; k < n; k++)
        add(&saved, " s%zu f%zu", k + 1, k + 1);
    struct saved s = simulate(t.s, saved.s);
    ck_assert_uint_eq(s.n_vector, 2 * n + 1); /* vector 0 is the sweep */
    for (size_t k = 0; k < 2 * n; k++)
        out[k] = saved_at(&s, 0, k + 1);
    free(s.value), free(t.s), free(saved.s);
}

START_TEST(test_corners)
{
    enum { N = 100 };
    double one[2 * N], again[2 * N], other[2 * N];
    const char *const name[] = {"tt", "ff", "ss"};
    const double factor[] = {1.0, 1.1, 0.9};
    for (int c = 0; c < 3; c++) {
        corner(name[c], 1, false, 1, one);
        ck_assert_close(one[0], factor[c], 1e-9, 0.0);
        ck_assert_close(one[1], factor[c], 1e-9, 0.0);
    }
    corner("mc", 1, false, N, one);
    corner("mc", 1, true, N, again);
    corner("mc", 2, false, N, other);
    double mean[2] = {0}, square[2] = {0}, cross = 0.0;
    for (int k = 0; k < 2 * N; k++) {
        ck_assert_close(one[k], again[k], 1e-12, 0.0); /* whatever the order */
        ck_assert(one[k] != other[k]);
        mean[k % 2] += log(one[k]) / N;
        square[k % 2] += log(one[k]) * log(one[k]) / N;
        cross += k % 2 ? log(one[k]) * log(one[k - 1]) / N : 0.0;
    }
    /* three standard errors: of the mean 0.05/sqrt(100), of the deviation 1/sqrt(2) of that,
     * of a correlation 1/sqrt(100) */
    for (int c = 0; c < 2; c++) {
        ck_assert_close(mean[c], 0.0, 0.0, 0.015);
        ck_assert_close(sqrt(square[c]), 0.05, 0.0, 0.0106);
    }
    ck_assert_double_lt(fabs(cross) / (0.05 * 0.05), 0.3);
}
END_TEST

/* ---- parameter sets ---------------------------------------------------------------------- */

/* An instance of `card`: with all states left open. */
static void add_instance(struct text *t, const struct ow_model *m, const char *name,
                         const char *card)
{
    add(t, "a%s %%gd(in 0)", name);
    for (size_t s = 0; s < m->n_state; s++)
        add(t, " null");
    add(t, " %s\n", card);
}

/* Behind `name = ` in ngspice's output. */
static double printed(const char *log, const char *name)
{
    char wanted[120];
    snprintf(wanted, sizeof wanted, "%s = ", name);
    const char *at = strstr(log, wanted);
    ck_assert_msg(at != NULL, "no '%s' in %.2000s", wanted, log);
    return strtod(at + strlen(wanted), NULL);
}

/* ngspice reads the file of a set, by .include or in a section of a .lib: every number of
 * its card, and of the defaults, is that of device.set.  Choices are words, which ngspice
 * does not print: what they do is in test_xspice.c. */
START_TEST(test_set_is_the_same_in_ngspice)
{
    const struct ow_set *set = &ow_sets[_i / 2];
    const struct ow_model *m = NULL;
    double param[OW_MAX_PARAMS];
    struct ow_error err = {0};
    struct text t = {0};
    char name[100];
    ck_assert_ok(ow_set_model(set->text, set->name, &m, &err), err);
    ow_params_default(m, param);
    ck_assert_ok(ow_set_apply(set->text, set->name, m, param, &err), err);
    if (_i % 2) {
        add(&t, ".lib wanted\n.include %s/%s.inc\n.endl wanted\n.lib other\n.endl other\n",
            OW_SETS, set->name);
        write_file("sets.lib", t.s);
        t.n = 0;
        add(&t, ".lib sets.lib wanted\n");
    } else
        add(&t, ".include %s/%s.inc\n", OW_SETS, set->name);
    add(&t, "v1 in 0 0.1\n");
    add_instance(&t, m, "1", set->name);
    add(&t, ".op\n.control\npre_codemodel ./ohmweave.cm\nrun\nset numdgt=17\n");
    for (size_t k = 0; k < m->n_param; k++)
        if (!m->param[k].choice)
            add(&t, "print @%s[%s]\n", set->name, m->param[k].name);
    add(&t, "quit 0\n.endc\n");
    write_deck(t.s, "all");
    ck_assert_int_eq(run(OW_NGSPICE " -b deck.cir", "log"), 0);
    char *log = slurp("log");
    for (size_t k = 0; k < m->n_param; k++) {
        if (m->param[k].choice)
            continue;
        snprintf(name, sizeof name, "@%s[%s]", set->name, m->param[k].name);
        /* ngspice's number reader may be a last bit off */
        ck_assert_close(printed(log, name), param[k], 4e-16, 0.0);
    }
    free(log), free(t.s);
}
END_TEST

/* ---- parameters that are refused --------------------------------------------------------- */

/* One instance for each parameter of a model, below or above its range (a choice: a word that
 * it does not know): each is named with its parameter, and the analysis fails. */
START_TEST(test_every_range_is_kept)
{
    const struct ow_model *m = ow_models[_i / 2];
    const bool is_above = _i % 2;
    struct text t = {0};
    char wanted[200], name[32], card[32];
    add(&t, "v1 in 0 0.1\n");
    for (size_t k = 0; k < m->n_param; k++) {
        const struct ow_param *row = &m->param[k];
        snprintf(name, sizeof name, "_%zu", k);
        snprintf(card, sizeof card, "m%zu", k);
        add_instance(&t, m, name, card);
        if (row->choice)
            add(&t, ".model m%zu ow_%s(%s=\"nonsense\")\n", k, m->name, row->name);
        else
            add(&t, ".model m%zu ow_%s(%s=%.17g)\n", k, m->name, row->name,
                is_above ? row->hi + 0.1 * fabs(row->hi) + 1.0
                         : row->lo - 0.1 * fabs(row->lo) - 1.0);
    }
    add(&t, ".op\n");
    write_deck(t.s, "all");
    run(OW_NGSPICE " -b deck.cir", "log");
    char *log = slurp("log");
    for (size_t k = 0; k < m->n_param; k++) {
        snprintf(wanted, sizeof wanted, "Instance: a_%zu   Message: ERROR - ow_%s: %s = ", k,
                 m->name, m->param[k].name);
        ck_assert_msg(strstr(log, wanted) != NULL, "no '%s' in: %.2000s", wanted, log);
    }
    ck_assert_msg(strstr(log, "aborted") != NULL, "not aborted: %.2000s", log);
    free(log), free(t.s);
}
END_TEST

#endif

int main(void)
{
    Suite *suite = suite_create("decks");
#if defined(OW_CODEMODEL) && defined(OW_NGSPICE)
    TCase *tc = tcase_create("ngspice");
    tcase_set_timeout(tc, 110);
    tcase_add_checked_fixture(tc, make_folder, remove_folder);
    tcase_add_test(tc, test_include_is_what_the_tables_say);
    tcase_add_loop_test(tc, test_example_passes, 0, find_examples());
    tcase_add_test(tc, test_periphery_is_uniform);
    tcase_add_loop_test(tc, test_periphery_in_corners, 0,
                        (int)(sizeof cornered / sizeof *cornered));
    tcase_add_loop_test(tc, test_every_model_has_an_example, 0, (int)ow_n_models);
    tcase_add_test(tc, test_spiceinit_loads);
    tcase_add_test(tc, test_corners);
    tcase_add_test(tc, test_xschem);
    tcase_add_loop_test(tc, test_set_is_the_same_in_ngspice, 0, 2 * (int)ow_n_sets);
    tcase_add_loop_test(tc, test_every_range_is_kept, 0, 2 * (int)ow_n_models);
    suite_add_tcase(suite, tc);
#else
    puts("skipped: ohmweave.cm not built or ngspice missing; scripts/setup fetches what it "
         "needs");
#endif
    return run_suite(suite);
}
