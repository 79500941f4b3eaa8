/* Arrays as parts of plain ngspice circuits (plugin/xspice/ow_part.h): against the same arrays
 * made of single devices, one analysis after the other, several arrays, and what is refused. */
#include <stdio.h>

#include "ow_check.h"

#if defined(OW_ARRAY_CODEMODEL) && defined(OW_NGSPICE)
#include "ow_bare.h"
#include "ow_deck.h"
#include "ow_mix.h"
#include "ow_path.h"

enum { ROWS = 5, COLS = 4, PORTS = ROWS + COLS };

/* Cells in states that a set of the write tests moves at 1.2 V, on slow lines. */
static const char spec_text[] =
    "vmm:    { weights: {random: [5, 2], seed: 7} }\n"
    "array:  { r_wordline: 31, r_bitline: 17, c_wordline: 9f, c_bitline: 7f }\n"
    "device: { model: team, set: team_write, g_min: 15u, g_max: 80u }\n"
    "engine: { rtol: 1e-6 }\n";

static void enter(void)
{
    make_folder();
    write_file("a.yaml", spec_text);
}

/* ---- what has no host in it ------------------------------------------------------------- */

/* Of a linear F in three dimensions three differences are enough, where plain iterations take
 * hundreds. */
START_TEST(test_mixing_solves_linear_fixed_points)
{
    static const double a[3][3] = {{0.91, 0.07, -0.2}, {0.03, -0.83, 0.11}, {0.0, 0.21, 0.97}};
    static const double b[3] = {0.3, -0.2, 0.05};
    struct ow_mix mix;
    double v[3] = {0.0}, f[3], r = 0.0;
    ck_assert(ow_mix_init(&mix, 3));
    for (int run = 0; run < 2; run++) {
        ow_mix_clear(&mix);
        for (int step = 0; step < 6; step++) {
            r = 0.0;
            for (int i = 0; i < 3; i++) {
                f[i] = b[i];
                for (int j = 0; j < 3; j++)
                    f[i] += a[i][j] * v[j];
                r = fmax(r, fabs(f[i] - v[i]));
            }
            if (step == 1) /* the first is plain */
                ck_assert_double_gt(r, 1e-3);
            ow_mix_step(&mix, v, f, f);
            memcpy(v, f, sizeof v);
        }
        ck_assert_double_lt(r, 1e-9);
        memset(v, 0, sizeof v);
    }
    ow_mix_finish(&mix);
}
END_TEST

START_TEST(test_paths_in_lower_case)
{
    char found[OW_PATH_SIZE];
    make_folder();
    ck_assert_int_eq(
        system("mkdir -p Some/Where && touch Some/Where/File.Yaml Some/ab Some/aB"), 0);
    ck_assert(ow_path_find("some/where/file.yaml", NULL, found));
    ck_assert_str_eq(found, "Some/Where/File.Yaml");
    ck_assert(ow_path_find("where/file.yaml", "Some", found));
    ck_assert_str_eq(found, "Some/Where/File.Yaml");
    ck_assert(ow_path_find("Some/aB", NULL, found)); /* as it stands */
    ck_assert_str_eq(found, "Some/aB");
    ck_assert(ow_path_find("some/ab", NULL, found));
    ck_assert_str_eq(found, "Some/ab");
    ck_assert(!ow_path_find("some/AB", NULL, found)); /* which one? */
    ck_assert(!ow_path_find("some/other.yaml", NULL, found));
    ck_assert_str_eq(found, "some/other.yaml");
    remove_folder();
}
END_TEST

/* ---- decks ------------------------------------------------------------------------------ */

static void add_array(struct text *t, const char *param)
{
    add(t, "aarr %%v [");
    for (int k = 0; k < PORTS; k++)
        add(t, " %c%d", k < ROWS ? 'p' : 'q', k < ROWS ? k : k - ROWS);
    add(t, "] arr\n.model arr ow_array(spec=\"a.yaml\"%s)\n", param);
    for (int k = 0; k < PORTS; k++)
        add(t, "ap%d %%g %c%d mp%d\n.model mp%d ow_array_port(index=%d)\n", k,
            k < ROWS ? 'p' : 'q', k < ROWS ? k : k - ROWS, k, k, k);
    add(t, "amon [e0 e1 e2 e3 e4] mon\n.model mon ow_array_monitor\n");
}

/* The same out of its parts: node wI_J and bI_J at a cell. */
static void add_parts(struct text *t)
{
    struct ow_bare bare;
    struct ow_error err = {0};
    ck_assert_ok(ow_bare_load("a.yaml", NULL, &bare, &err), err);
    const struct ow_crossbar *xb = &bare.xb;
    ck_assert_uint_eq(xb->rows, ROWS);
    ck_assert_uint_eq(xb->cols, COLS);
    for (int k = 0; k < ROWS * COLS; k++) {
        const int i = k / COLS, j = k % COLS;
        if (j == 0)
            add(t, "rw%d p%d w%d_%d %g\n", k, i, i, j, xb->r_wordline);
        else
            add(t, "rw%d w%d_%d w%d_%d %g\n", k, i, j - 1, i, j, xb->r_wordline);
        if (i == ROWS - 1)
            add(t, "rb%d b%d_%d q%d %g\n", k, i, j, j, xb->r_bitline);
        else
            add(t, "rb%d b%d_%d b%d_%d %g\n", k, i, j, i + 1, j, xb->r_bitline);
        add(t, "cw%d w%d_%d 0 %g\ncb%d b%d_%d 0 %g\n", k, i, j, xb->c_wordline, k, i, j,
            xb->c_bitline);
        add(t, "a%d %%gd(w%d_%d b%d_%d) null m%d\n.model m%d ow_team(", k, i, j, i, j, k, k);
        for (size_t m = 0; m < xb->model->n_param; m++)
            if (m >= OW_N_COMMON)
                add(t, "\n+ %s=%.17g", xb->model->param[m].name,
                    xb->spread[m] ? xb->spread[m][k] : xb->param[m]);
        add(t, ")\n");
    }
    ow_bare_finish(&bare);
}

/* What is around it: from each source to its word line, from each bit line to ground. */
struct around {
    const char *name;
    double v;                        /* V */
    const char *r_driver, *l_driver; /* in series */
    const char *r_load, *l_load;     /* in series */
    const char *c_load;
    const char *tran, *options;
    double most; /* difference of the bit lines, of the largest voltage */
};

static void add_series(struct text *t, char kind, int k, const char *from, const char *to,
                       const char *r, const char *l)
{
    if (!l) {
        add(t, "r%c%d %s %s %s\n", kind, k, from, to, r);
        return;
    }
    add(t, "r%c%d %s m%c%d %s\n", kind, k, from, kind, k, r);
    add(t, "l%c%d m%c%d %s %s\n", kind, k, kind, k, to, l);
}

static void add_around(struct text *t, const struct around *a)
{
    char from[16], to[16];
    for (int k = 0; k < ROWS; k++) {
        const double v = a->v * (1.0 - 0.17 * k);
        add(t, "v%d s%d 0 dc %g pwl(0 0 1n %g 6n %g 7n 0)\n", k, k, v, v, v);
        snprintf(from, sizeof from, "s%d", k);
        snprintf(to, sizeof to, "p%d", k);
        add_series(t, 'd', k, from, to, a->r_driver, a->l_driver);
    }
    for (int k = 0; k < COLS; k++) {
        snprintf(from, sizeof from, "q%d", k);
        add_series(t, 's', k, from, "0", a->r_load, a->l_load);
        if (a->c_load)
            add(t, "cs%d q%d 0 %s\n", k, k, a->c_load);
    }
    add(t, ".tran %s\n.options numdgt=17 %s\n", a->tran, a->options);
}

/* A whole run; what it has to say is in `log`. */
static int run_deck(const struct text *circuit, const char *control)
{
    struct text deck = {0};
    add(&deck,
        "* test\n%s.control\npre_codemodel ./ohmweave.cm\npre_codemodel ./ohmweave_array.cm\n"
        "set filetype=ascii\nset numdgt=17\n%s\nquit 0\n.endc\n.end\n",
        circuit->s, control);
    write_file("deck.cir", deck.s);
    free(deck.s);
    return run(OW_NGSPICE " -b deck.cir", "log");
}

static struct saved results(const struct text *circuit, const char *control, const char *raw)
{
    remove(raw);
    const int status = run_deck(circuit, control);
    if (status != 0 || access(raw, R_OK) != 0) {
        char *log = slurp("log");
        ck_abort_msg("ngspice failed (status %d):\n%s", status, log);
    }
    return read_raw(raw);
}

/* ---- an array and its parts ------------------------------------------------------------- */

static const struct around around[] = {
    {"resistors", 0.2, "50", NULL, "100", NULL, "5f", "20p 10n", "", 3e-4},
    {"cells that move", 1.3, "50", NULL, "100", NULL, "5f", "20p 10n", "reltol=1e-5", 1e-3},
    {"tight", 0.2, "50", NULL, "100", NULL, "5f", "20p 10n", "reltol=1e-6 vntol=1n", 3e-4},
    {"Gear", 0.2, "50", NULL, "100", NULL, "5f", "20p 10n", "method=gear reltol=1e-5", 1e-3},
    {"floating bit lines", 0.2, "50", NULL, "1meg", NULL, "6f", "20p 10n", "reltol=1e-5", 1e-3},
    {"all floating", 0.2, "10meg", NULL, "1meg", NULL, "6f", "20p 10n", "reltol=1e-5", 1e-2},
    {"no other load", 0.2, "50", NULL, "1meg", NULL, NULL, "20p 10n", "reltol=1e-5", 1e-3},
    {"inductors", 0.2, "50", "2n", "100", "1n", "5f", "20p 10n", "reltol=1e-5", 3e-3},
    {"late", 0.2, "50", NULL, "100", NULL, "5f", "20p 10n 3n", "", 3e-4},
    {"without a DC point", 0.2, "50", NULL, "100", NULL, "5f", "20p 10n uic", "", 3e-4},
};
enum { N_AROUND = sizeof around / sizeof around[0] };

/* Bit lines at the same times. */
START_TEST(test_an_array_is_its_parts)
{
    static const char control[] = "run\nlinearize v(q0) v(q1) v(q2) v(q3) v(p0) v(p4)\n"
                                  "write out.raw v(q0) v(q1) v(q2) v(q3) v(p0) v(p4)";
    const struct around *a = &around[_i];
    struct text circuit[2] = {{0}, {0}};
    struct saved s[2];
    double most = 0.0, worst = 0.0;
    enter();
    for (int k = 0; k < 2; k++) {
        add_around(&circuit[k], a);
        if (k == 0)
            add_array(&circuit[k], "");
        else
            add_parts(&circuit[k]);
        s[k] = results(&circuit[k], control, "out.raw");
        free(circuit[k].s);
    }
    ck_assert_uint_eq(s[0].n_point, s[1].n_point);
    ck_assert_uint_gt(s[0].n_point, 100);
    for (size_t p = 0; p < s[0].n_point; p++)
        for (size_t v = 1; v < s[0].n_vector; v++) {
            most = fmax(most, fabs(saved_at(&s[1], p, v)));
            worst = fmax(worst, fabs(saved_at(&s[0], p, v) - saved_at(&s[1], p, v)));
        }
    ck_assert_msg(worst < a->most * most, "%s: off by %g V of %g V", a->name, worst, most);
    ck_assert_double_gt(most, 1e-3 * a->v);
    free(s[0].value);
    free(s[1].value);
    remove_folder();
}
END_TEST

/* ---- one after the other ---------------------------------------------------------------- */

static void same(const struct saved *a, const struct saved *b)
{
    ck_assert_uint_eq(a->n_point, b->n_point);
    ck_assert_uint_eq(a->n_vector, b->n_vector);
    ck_assert_mem_eq(a->value, b->value, a->n_point * a->n_vector * sizeof *a->value);
}

/* A run leaves nothing behind: the next is the same to the last digit, after another analysis,
 * after another circuit around it, and after it was read anew. */
START_TEST(test_runs_are_alike)
{
    static const char control[] =
        "op\nrun\nwrite first.raw v(q0) v(q3) e0 e1\nrun\nwrite second.raw v(q0) v(q3) e0 e1\n"
        "alter rs2 = 300\nrun\nwrite other.raw v(q0) v(q3) e0 e1\nalter rs2 = 100\n"
        "dc v0 0 0.2 0.05\nrun\nwrite third.raw v(q0) v(q3) e0 e1\n"
        "reset\nrun\nwrite fourth.raw v(q0) v(q3) e0 e1";
    static const char *const again[] = {"second.raw", "third.raw", "fourth.raw"};
    struct text circuit = {0};
    enter();
    add_around(&circuit, &around[1]);
    add_array(&circuit, "");
    struct saved first = results(&circuit, control, "first.raw");
    for (size_t k = 0; k < sizeof again / sizeof again[0]; k++) {
        struct saved s = read_raw(again[k]);
        same(&first, &s);
        free(s.value);
    }
    struct saved other = read_raw("other.raw");
    ck_assert(fabs(saved_last(&other, 3) / saved_last(&first, 3) - 1.0) > 1e-6);
    /* in through the lines and in the devices */
    ck_assert_close(saved_last(&first, 3), saved_last(&first, 4), 0.05, 0.0);
    free(other.value);
    free(first.value);
    free(circuit.s);
    remove_folder();
}
END_TEST

/* op and dc against the parts; the DC point is that of the states as programmed. */
START_TEST(test_dc_is_that_of_the_parts)
{
    static const char control[] = "dc v0 -0.2 0.3 0.05\nwrite out.raw v(q0) v(q1) v(q2) v(q3)";
    struct text circuit[2] = {{0}, {0}};
    struct saved s[2];
    enter();
    for (int k = 0; k < 2; k++) {
        add_around(&circuit[k], &around[2]);
        if (k == 0)
            add_array(&circuit[k], "");
        else
            add_parts(&circuit[k]);
        s[k] = results(&circuit[k], control, "out.raw");
        free(circuit[k].s);
    }
    ck_assert_uint_eq(s[0].n_point, 11);
    for (size_t p = 0; p < 11; p++)
        for (size_t v = 1; v < 5; v++)
            ck_assert_close(saved_at(&s[0], p, v), saved_at(&s[1], p, v), 1e-4, 2e-7);
    free(s[0].value);
    free(s[1].value);
    remove_folder();
}
END_TEST

/* Two calls of a subcircuit that the program wrote, its paths with capitals, one array behind
 * other loads than the other: each is as if it were alone. */
START_TEST(test_two_of_one_subcircuit)
{
    static const char control[] = "run\nlinearize v(q0) v(q3) v(y0) v(y3) e0 f0\n"
                                  "write out.raw v(q0) v(q3) v(y0) v(y3) e0 f0";
    struct text circuit = {0}, alone = {0};
    const char *program = getenv("OW_PROGRAM");
    char command[512];
    enter();
    ck_assert_ptr_nonnull(program);
    ck_assert_int_eq(system("mkdir Sub && cp a.yaml Sub/Array.yaml"), 0);
    snprintf(command, sizeof command,
             "%s netlist Sub/Array.yaml --array=Pair --monitor -o pair.inc", program);
    ck_assert_int_eq(run(command, "log"), 0);
    add_around(&circuit, &around[0]);
    add(&circuit, ".include pair.inc\n");
    for (int k = 0; k < COLS; k++)
        add(&circuit, "ry%d y%d 0 300\n", k, k);
    for (int k = 0; k < ROWS; k++)
        add(&circuit, "rx%d s%d x%d 50\n", k, k, k);
    add(&circuit, "xa p0 p1 p2 p3 p4 q0 q1 q2 q3 e0 e1 e2 e3 e4 pair id=1\n"
                  "xb x0 x1 x2 x3 x4 y0 y1 y2 y3 f0 f1 f2 f3 f4 pair id=2\n");
    struct saved both = results(&circuit, control, "out.raw");
    add_around(&alone, &around[0]);
    add_array(&alone, "");
    struct saved one = results(
        &alone, "run\nlinearize v(q0) v(q3) e0\nwrite out.raw v(q0) v(q3) e0", "out.raw");
    ck_assert_uint_eq(both.n_point, one.n_point);
    for (size_t p = 0; p < one.n_point; p++) {
        ck_assert_close(saved_at(&both, p, 1), saved_at(&one, p, 1), 1e-3, 2e-6);
        ck_assert_close(saved_at(&both, p, 2), saved_at(&one, p, 2), 1e-3, 2e-6);
    }
    ck_assert_close(saved_last(&both, 5), saved_last(&one, 3), 1e-3, 0.0);
    /* three times the load */
    ck_assert_close(saved_at(&both, 200, 3) / saved_at(&both, 200, 1), 3.0, 0.1, 0.0);
    ck_assert(saved_last(&both, 6) < saved_last(&both, 5));
    free(both.value);
    free(one.value);
    free(circuit.s);
    free(alone.s);
    remove_folder();
}
END_TEST

/* More lines than a card of ngspice holds: what enters on the left leaves below, in the DC
 * point and where all is at rest. */
START_TEST(test_more_lines_than_a_card_holds)
{
    enum { N = 130 };
    struct text circuit = {0};
    const char *program = getenv("OW_PROGRAM");
    char command[512];
    enter();
    ck_assert_ptr_nonnull(program);
    write_file("big.yaml", "vmm: {weights: {random: [130, 65], seed: 7}}\n"
                           "device: {model: team, set: ow_benign}\n");
    snprintf(command, sizeof command, "%s netlist big.yaml --array=big -o big.inc", program);
    ck_assert_int_eq(run(command, "log"), 0);
    add(&circuit, ".include big.inc\nv1 s 0 dc 0.2 pwl(0 0.2 1n 0.1)\nv2 g 0 0\n");
    for (int k = 0; k < N; k++)
        add(&circuit, "rp%d s p%d 50\nrq%d q%d g 100\n", k, k, k, k);
    add(&circuit, "x1");
    for (int k = 0; k < 2 * N; k++)
        add(&circuit, "%s%c%d", k % 10 ? " " : "\n+ ", k < N ? 'p' : 'q', k % N);
    add(&circuit, "\n+ big\n.tran 100p 3n\n.options numdgt=17 reltol=1e-5\n");
    struct saved s = results(&circuit, "run\nwrite out.raw i(v1) i(v2)", "out.raw");
    ck_assert_uint_gt(s.n_point, 20);
    ck_assert_uint_lt(s.n_point, 100);
    ck_assert_double_gt(saved_at(&s, 0, 2), 1e-3);
    ck_assert_close(saved_at(&s, 0, 2), -saved_at(&s, 0, 1), 1e-4, 0.0);
    ck_assert_close(saved_last(&s, 2), -saved_last(&s, 1), 1e-4, 0.0);
    ck_assert_close(saved_last(&s, 2), 0.5 * saved_at(&s, 0, 2), 1e-3, 0.0);
    free(s.value);
    free(circuit.s);
    remove_folder();
}
END_TEST

/* ---- what is refused -------------------------------------------------------------------- */

static const struct {
    const char *what, *to; /* replaced in the deck */
    const char *control, *message;
} refused[] = {
    {"mp5 ow_array_port(index=5)", "mp5 ow_array_port(index=77)", "run",
     "index = 77, and the array 'array' has 9 ports"},
    {"mp5 ow_array_port(index=5)", "mp5 ow_array_port(index=-1)", "run",
     "index = -1, and the array 'array' has 9 ports"},
    {"mp5 ow_array_port(index=5)", "mp5 ow_array_port(index=6)", "run",
     "index = 6: that port of the array 'array' is at another node"},
    {"mp5 ow_array_port(index=5)", "mp5 ow_array_port(index=5 array=\"b\")", "run",
     "there is no ow_array of the name 'b'"},
    {"ap5 %g q0", "ap5 %g q1", "run",
     "index = 5: that port of the array 'array' is at another"},
    {"ap5 %g", "*", "run", "port 5 has no ow_array_port"},
    {"a.yaml", "none.yaml", "run", "none.yaml: cannot be opened"},
    {"a.yaml", "bad.yaml", "run", "bad.yaml:2:17: device.model:"},
    {"a.yaml", "open.yaml", "run", "array.c_wordline"},
    {"spec=\"a.yaml\"", "", "run", "spec=\"FILE\" with a specification is missing"},
    {"spec=\"a.yaml\"", "spec=\"a.yaml\" g=\"g.csv\"", "run", "g.csv"},
    {"spec=\"a.yaml\"", "spec=\"a.yaml\" tol=2", "run", "tol = 2, expected"},
    {" p4 q0", " q0", "run", "8 nodes, and the array has 5 word lines and 4 bit lines"},
    {"ow_array_monitor", "ow_array_monitor(id=3)", "run",
     "there is no ow_array of the name 'array' with id = 3"},
    {"v0 s0 0 dc", "v0 s0 0 ac 1 dc", "ac dec 2 1meg 1g",
     "AC Analysis: an array takes part in op, dc and tran only"},
    {"", "", "tf v(q0) v0", "Transfer Function: an array takes part in op, dc and tran only"},
};
enum { N_REFUSED = sizeof refused / sizeof refused[0] };

static char *replaced(const char *text, const char *what, const char *to)
{
    const char *at = strstr(text, what);
    struct text t = {0};
    ck_assert_msg(at != NULL, "no %s", what);
    add(&t, "%.*s%s%s", (int)(at - text), text, to, at + strlen(what));
    return t.s;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

/* What fits a message of Check. */
static const char *end_of(const char *log)
{
    const size_t n = strlen(log);
    return n > 2000 ? log + n - 2000 : log;
}

/* One message, no results, and ngspice goes on. */
START_TEST(test_what_is_wrong_is_said_once)
{
    struct text circuit = {0};
    char control[128];
    const int n_message = strstr(refused[_i].to, "\"b\"") ? 2 : 1; /* port and array */
    enter();
    write_file("bad.yaml", "vmm: {weights: {random: [5, 2], seed: 7}}\ndevice: {model: no}\n");
    write_file("open.yaml",
               "vmm: {weights: {random: [5, 2], seed: 7}}\narray: {c_wordline: 0}\n");
    write_file("g.csv", "1e-5,oops\n");
    add_around(&circuit, &around[0]);
    add_array(&circuit, "");
    const struct text wrong = {.s = replaced(circuit.s, refused[_i].what, refused[_i].to)};
    snprintf(control, sizeof control, "%s\necho it goes on\n", refused[_i].control);
    ck_assert_int_eq(run_deck(&wrong, control), 0);
    char *log = slurp("log");
    ck_assert_msg(strstr(log, refused[_i].message) != NULL, "no '%s' in:\n%s",
                  refused[_i].message, end_of(log));
    ck_assert_msg(count(log, "ERROR - ") == n_message, "%d messages:\n%s",
                  count(log, "ERROR - "), end_of(log));
    ck_assert_msg(strstr(log, "it goes on") != NULL, "%s", end_of(log));
    ck_assert_msg(strstr(log, "aborted") || strstr(log, "failed"), "%s", end_of(log));
    free(log);
    free(wrong.s);
    free(circuit.s);
    remove_folder();
}
END_TEST

static Suite *part_suite(void)
{
    Suite *suite = suite_create("part");
    TCase *decks = tcase_create("decks");
    tcase_set_timeout(decks, 120);
    tcase_add_test(decks, test_mixing_solves_linear_fixed_points);
    tcase_add_test(decks, test_paths_in_lower_case);
    tcase_add_loop_test(decks, test_an_array_is_its_parts, 0, N_AROUND);
    tcase_add_test(decks, test_runs_are_alike);
    tcase_add_test(decks, test_dc_is_that_of_the_parts);
    tcase_add_test(decks, test_two_of_one_subcircuit);
    tcase_add_test(decks, test_more_lines_than_a_card_holds);
    tcase_add_loop_test(decks, test_what_is_wrong_is_said_once, 0, N_REFUSED);
    suite_add_tcase(suite, decks);
    return suite;
}
#endif

int main(void)
{
#if defined(OW_ARRAY_CODEMODEL) && defined(OW_NGSPICE)
    return run_suite(part_suite());
#else
    puts("no ngspice, or no code models");
    return EXIT_SUCCESS;
#endif
}
