/* The ngspice host: against plain `ngspice -b`, a dense linear solve and closed forms; and
 * every way in which it can fail, each of which must leave nothing behind. */
#include "ow_case.h"
#include "ow_netlist.h"
#include "ow_spice.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Set by meson where the code models are built; the environment wins. */
#ifndef OW_CODEMODEL
#define OW_CODEMODEL ""
#endif

static const char *codemodel(void)
{
    const char *path = getenv("OW_CODEMODEL");
    return path ? path : OW_CODEMODEL;
}

/* -- a temporary folder of the test's own, which the host must leave empty ----------------- */

static char tmp[] = "/tmp/ow-test-spice-XXXXXX", work[] = "/tmp/ow-Test-spice-XXXXXX";

static size_t remove_files(const char *folder)
{
    size_t n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (e->d_name[0] != '.' || strlen(e->d_name) > 2) {
            unlinkat(dirfd(dir), e->d_name, 0);
            n++;
        }
    if (dir)
        closedir(dir);
    return n;
}

static void set_up(void)
{
    strcpy(tmp + strlen(tmp) - 6, "XXXXXX");
    strcpy(work + strlen(work) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(tmp));
    ck_assert_ptr_nonnull(mkdtemp(work));
    setenv("TMPDIR", tmp, 1);
}

static void tear_down(void)
{
    const size_t n = remove_files(tmp);
    remove_files(work);
    rmdir(tmp);
    rmdir(work);
    ck_assert_msg(n == 0, "%zu files left in %s", n, tmp);
    errno = 0;
    ck_assert_msg(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "a child is left");
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* -- reads ------------------------------------------------------------------------------------
 */

struct bench {
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_spice *spice;
    struct ow_reading reading;
    struct ow_pulse pulse;
    double amplitude[8];
};

/* The crossbar was initialised; now the rest. */
static void bench_start(struct bench *b, double v)
{
    struct ow_error err = {0};
    const struct ow_spice_options options = {.codemodel = codemodel(), .timeout_s = 100.0};
    const size_t n_cell = b->xb.rows * b->xb.cols;
    for (size_t i = 0; i < ow_crossbar_sources(&b->xb); i++)
        b->amplitude[i] = v * (1.0 - 0.17 * (double)i);
    ck_assert_ok(ow_circuit_create(&b->xb, &b->circuit, &err), err);
    ck_assert_ok(ow_spice_open(&options, &b->spice, &err), err);
    ck_assert_int_eq(ow_reading_init(&b->reading, b->xb.cols, n_cell, b->xb.model->n_state),
                     OW_OK);
}

static void bench_read(struct bench *b, const double *x_begin)
{
    struct ow_error err = {0};
    ck_assert_ok(ow_spice_read(b->spice, b->circuit, b->amplitude, &b->pulse, x_begin,
                               &b->reading, &err),
                 err);
}

static void bench_finish(struct bench *b)
{
    ow_spice_close(b->spice);
    ow_reading_finish(&b->reading);
    ow_circuit_destroy(b->circuit);
    ow_crossbar_finish(&b->xb);
}

static const struct {
    const char *model;
    enum ow_sense_kind kind;
    double r_wordline, r_bitline, r_driver, c_cell;
} circuits[] = {
    {"team", OW_SENSE_RESISTOR, 3.7, 2.3, 53.0, 0.0},
    {"team", OW_SENSE_TIA, 3.7, 2.3, 53.0, 0.9e-15},
    {"stochastic", OW_SENSE_RESISTOR, 0.0, 2.3, 53.0, 0.9e-15},
    {"stochastic", OW_SENSE_TIA, 3.7, 0.0, 0.0, 0.0},
    {"driftdiff", OW_SENSE_RESISTOR, 3.7, 2.3, 0.0, 0.0},
    {"driftdiff", OW_SENSE_TIA, 0.0, 0.0, 0.0, 0.0},
    {"team", OW_SENSE_DRIVER, 3.7, 2.3, 53.0, 0.9e-15},
    {"stochastic", OW_SENSE_DRIVER, 3.7, 0.0, 53.0, 0.0},
};
enum { N_CIRCUITS = sizeof circuits / sizeof circuits[0] };

static void bench_circuit(struct bench *b, int k, double v)
{
    *b = (struct bench){.pulse = {.t_rise = 0.5e-9, .t_read = 9.5e-9}};
    case_init(&b->xb, 2, 3, circuits[k].model, circuits[k].kind);
    b->xb.r_wordline = circuits[k].r_wordline;
    b->xb.r_bitline = circuits[k].r_bitline;
    b->xb.r_driver = circuits[k].r_driver;
    b->xb.c_cell = circuits[k].c_cell;
    if (b->xb.model == ow_model_find("team")) { /* clear of the rails */
        case_param(&b->xb, "r_on", 9.1e3);
        case_param(&b->xb, "r_off", 470e3);
    }
    bench_start(b, v);
}

/* Ohmic cells at frozen states: `op` is a linear solve. */
START_TEST(test_dc_matches_dense_solve)
{
    struct bench b;
    double v_node[64];
    bench_circuit(&b, _i, 0.21);
    ck_assert_uint_le(b.circuit->n_node, 64);
    bench_read(&b, NULL);
    case_dense_op(b.circuit, b.amplitude, v_node);
    for (size_t j = 0; j < b.xb.cols; j++) /* vntol 1 nV, times a safety factor */
        ck_assert_close(b.reading.v_dc[j], v_node[b.circuit->sense_out[j]], 1e-7, 3e-9);
    bench_finish(&b);
}
END_TEST

/* The binary raw file of a deck that plain ngspice ran. */
struct raw {
    size_t n_var, n_point;
    char (*name)[64];
    double *value; /* [n_point][n_var] */
};

static struct raw raw_load(const char *path)
{
    struct raw raw = {0};
    char text[512];
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s is missing", path);
    while (fgets(text, sizeof text, f) && strcmp(text, "Binary:\n") != 0) {
        sscanf(text, "No. Variables: %zu", &raw.n_var);
        sscanf(text, "No. Points: %zu", &raw.n_point);
        if (strcmp(text, "Variables:\n") == 0) {
            raw.name = calloc(raw.n_var, sizeof *raw.name);
            ck_assert_ptr_nonnull(raw.name);
            for (size_t k = 0; k < raw.n_var; k++)
                ck_assert_int_eq(fscanf(f, " %*u %63s %*s ", raw.name[k]), 1);
            ck_assert_str_eq(fgets(text, sizeof text, f), "Binary:\n");
            break;
        }
    }
    raw.value = calloc(raw.n_var * raw.n_point, sizeof(double));
    ck_assert_ptr_nonnull(raw.value);
    ck_assert_uint_eq(fread(raw.value, sizeof(double) * raw.n_var, raw.n_point, f),
                      raw.n_point);
    fclose(f);
    return raw;
}

static size_t raw_column(const struct raw *raw, const char *node)
{
    char name[64];
    snprintf(name, sizeof name, "v(%s)", node);
    for (size_t k = 0; k < raw->n_var; k++)
        if (strcmp(raw->name[k], name) == 0 || strcmp(raw->name[k], node) == 0)
            return k;
    ck_abort_msg("no %s in the raw file", name);
    return 0;
}

/* The same deck in a stock `ngspice -b`: the same program, so the same numbers. */
START_TEST(test_plain_ngspice_agrees)
{
    struct bench b;
    struct ow_error err = {0};
    char path[128], raw_path[128], command[512], name[32], state[64];
    bench_circuit(&b, _i, 0.21);
    snprintf(path, sizeof path, "%s/deck.cir", work);
    snprintf(raw_path, sizeof raw_path, "%s/Wave.raw", work); /* folder has capitals, too */
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_ok(ow_netlist_write(b.circuit, b.amplitude, &b.pulse,
                                  &(struct ow_netlist_options){.codemodel = codemodel(),
                                                               .has_states = true,
                                                               .raw = raw_path},
                                  f, &err),
                 err);
    fclose(f);
    snprintf(command, sizeof command, "cd %s && ngspice -b deck.cir >log 2>&1", work);
    ck_assert_int_eq(system(command), 0);

    bench_read(&b, NULL);
    struct raw raw = raw_load(raw_path);
    ck_assert_uint_eq(raw.n_point, b.reading.wave.n);
    const double *last = raw.value + (raw.n_point - 1) * raw.n_var;
    for (size_t j = 0; j < b.xb.cols; j++) {
        ow_circuit_node_name(b.circuit, b.circuit->sense_out[j], name);
        const size_t column = raw_column(&raw, name);
        for (size_t k = 0; k < raw.n_point; k++) {
            ck_assert_close(b.reading.wave.t[k], raw.value[k * raw.n_var], 1e-15, 0.0);
            ck_assert_close(b.reading.wave.v[k * b.xb.cols + j],
                            raw.value[k * raw.n_var + column], 1e-12, 1e-15);
        }
    }
    for (size_t s = 0; s < b.xb.model->n_state; s++)
        for (size_t j = 0; j < b.reading.n_cell; j++) {
            ow_netlist_state_name(b.circuit, j, s, state);
            ck_assert_close(b.reading.x_end[s * b.reading.n_cell + j],
                            last[raw_column(&raw, state)], 1e-12, 1e-15);
        }
    free(raw.name);
    free(raw.value);
    bench_finish(&b);
}
END_TEST

/* Trapezoidal sums of a trapezoidal solution: far below the 1e-3 that a run may have. */
START_TEST(test_energy_balances)
{
    struct bench b;
    bench_circuit(&b, _i, 0.21);
    bench_read(&b, NULL);
    const struct ow_energy *e = &b.reading.energy;
    ck_assert(e->throughput > 0.0 && e->devices > 0.0);
    ck_assert((e->sense > 0.0) == (b.xb.sense.kind != OW_SENSE_DRIVER));
    ck_assert_msg(ow_energy_residual(e) < 1e-4, "residual %g", ow_energy_residual(e));
    ck_assert_close(e->quiescent,
                    b.circuit->n_amp ? 3 * 1.8 * 21e-6 * ow_pulse_end(&b.pulse) : 0.0, 1e-9,
                    0.0);
    /* Plain waveform facts: both ends included, the sampling point on the plateau. */
    const struct ow_waveform *w = &b.reading.wave;
    ck_assert(w->t[0] == 0.0);
    ck_assert_close(w->t[w->n - 1], ow_pulse_end(&b.pulse), 1e-9, 0.0);
    ck_assert_int_eq(b.reading.steps, (long)w->n - 1);
    ck_assert(b.reading.steps > 20 * 21 && b.reading.wall_s > 0.0);
    bench_finish(&b);
}
END_TEST

/* The settled output at the sampling time is the DC solution; at 0.21 V and 10 ns nothing
 * but the first model's state moves, and that hardly. */
START_TEST(test_sample_is_settled)
{
    struct bench b;
    bench_circuit(&b, _i, 0.21);
    bench_read(&b, NULL);
    for (size_t j = 0; j < b.xb.cols; j++)
        ck_assert_close(b.reading.v_sample[j], b.reading.v_dc[j], 1e-5, 1e-8);
    bench_finish(&b);
}
END_TEST

/* A cell between its source and ground sees the pulse itself. */
static void bench_single(struct bench *b, const char *model)
{
    *b = (struct bench){.pulse = {.t_rise = 2e-9, .t_read = 48e-9}};
    case_init(&b->xb, 1, 1, model, OW_SENSE_RESISTOR);
    b->xb.r_wordline = b->xb.r_bitline = b->xb.r_driver = b->xb.sense.r_f = 0.0;
}

/* VTEAM above its threshold, alpha 1, no window: x moves by k (v/v_off - 1)/travel dt, a
 * plateau and two ramps from the threshold up.  Then once more from where it ended. */
START_TEST(test_state_moves_and_carries)
{
    struct bench b;
    bench_single(&b, "team");
    case_param(&b.xb, "ctrl", 1.0);
    case_param(&b.xb, "window", 0.0);
    case_param(&b.xb, "alpha_off", 1.0);
    case_param(&b.xb, "v_off", 0.4);
    case_param(&b.xb, "k_off", 3e-9 / 60e-9);
    case_param(&b.xb, "x_on", 0.0);
    case_param(&b.xb, "x_off", 3e-9);
    bench_start(&b, 0.55);
    bench_read(&b, NULL);
    const double x0 = b.xb.spread[b.xb.model->program][0];
    const double over = 0.55 / 0.4 - 1.0; /* of the threshold */
    const double dw = 3e-9 / 60e-9 * over * (48e-9 + 2e-9 * (0.55 - 0.4) / 0.55) / 3e-9;
    const double moved = b.reading.x_end[0] - x0;
    ck_assert(fabs(dw) > 0.2);
    ck_assert_close(fabs(moved), dw, 1e-5, 0.0);
    const double x1 = b.reading.x_end[0];
    bench_read(&b, &x1);
    ck_assert_close(b.reading.x_end[0] - x1, moved, 1e-5, 0.0);
    bench_finish(&b);
}
END_TEST

/* Hazard e^(v/v0)/tau: the plateau decides when the integral reaches the draw. */
START_TEST(test_events_come_when_the_hazard_says)
{
    struct bench b;
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    bench_single(&b, "stochastic");
    case_param(&b.xb, "tau_set", 4e-3);
    case_param(&b.xb, "v_set", 0.1);
    case_param(&b.xb, "seed", 11.0);
    bench_start(&b, 1.23);
    ow_crossbar_cell(&b.xb, 0, param, x);
    const double rate = exp(1.23 / 0.1) / 4e-3, draw = x[1]; /* 1/s, of state h */
    /* A ramp to V counts as V/v0-th part of its time on the plateau. */
    const double ramp = 2e-9 * 0.1 / 1.23;
    const double t = 2e-9 - ramp + draw / rate;
    ck_assert_msg(t > 3e-9 && t < 45e-9, "this seed switches at %g s", t);
    bench_read(&b, NULL);
    ck_assert(b.reading.x_end[0] == 1.0 && b.reading.x_end[2] == 1.0);
    ck_assert_close(b.reading.t_event[0], t, 1e-4, 0.0);
    ck_assert(ow_energy_residual(&b.reading.energy) < 1e-4);
    /* Off before, on after: v^2 t / r, a ramp counts a third.  Trapezoids of 1/20 ramp add
     * 1/800 to the ramps' 1/70. */
    const double te = b.reading.t_event[0];
    const double on = ow_pulse_sample(&b.pulse) - te + 2e-9 / 3.0, off = te - 2e-9 + 2e-9 / 3.0;
    ck_assert_close(b.reading.energy.devices, 1.23 * 1.23 * (on / 1e4 + off / 1e6), 4e-5, 0.0);
    /* Without a voltage nothing happens, and t_event of the last read is forgotten. */
    b.amplitude[0] = 0.0;
    bench_read(&b, NULL);
    ck_assert(isnan(b.reading.t_event[0]) && b.reading.x_end[0] == 0.0);
    ck_assert(b.reading.energy.throughput == 0.0);
    bench_finish(&b);
}
END_TEST

/* -- ways to fail ----------------------------------------------------------------------------
 */

#define RC_DECK(control)                                                                       \
    "rc\nV1 a 0 DC 1 PWL(0 0 1n 1)\nR1 a b 1k\nC1 b 0 1p\n.tran 10p 10n 0 "                    \
    "10p\n.control\n" control "\n.endc\n.end\n"
/* 1e10 time points: hours. */
#define ENDLESS_DECK                                                                           \
    "endless\nV1 a 0 SIN(0 1 1g)\nR1 a b 1k\nC1 b 0 1p\n.tran 1p 10m 0 1p\n.control\nsave b\n" \
    "run\n.endc\n.end\n"

static const char *const node_b[] = {"b", NULL, "b"};

static const struct {
    const char *deck, *name, *text; /* vector asked for; what the message must say */
} failing[] = {
    {RC_DECK("op\nrun"), "nowhere", "'nowhere'"},
    {RC_DECK("op\nrun\nquit"), "b", "gave up"},
    {RC_DECK("op"), "b", "did not start"},
    {RC_DECK("run"), "b", "operating point"},
    {RC_DECK("op\ntran 10p 5n"), "b", "stopped at 5e-09 s"},
    {RC_DECK("pre_codemodel ./missing.cm\nop"), "b", "missing.cm"},
    {"broken\nV1 a 0 1\nX1 a 0 nosub\n.op\n.control\nrun\n.endc\n.end\n", "a", "nosub"},
    {"no model\nV1 a 0 1\na1 %gd(a 0) m1\n.model m1 ow_no(x=1)\n.control\nop\n.endc\n.end\n",
     "a", "m1"},
    /* A current that no voltage satisfies: from the start, or once V(a) passes 0.5 V. */
    {"no solution\nR1 0 b 1\nB1 b 0 I=V(b)>0 ? 1 : -1\n.tran 1p 10n\n.control\nop\nrun\n.endc\n"
     ".end\n",
     "b", "aborted"},
    {"no solution\nV1 a 0 DC 0 PWL(0 0 1n 1)\nR1 a b 1\nB1 b 0 I=V(b)>0.5 ? 1 : 0\n.tran 1p "
     "10n\n"
     ".control\nop\nrun\n.endc\n.end\n",
     "b", "too small"},
};

START_TEST(test_failures_are_told)
{
    struct ow_error err = {0};
    struct ow_spice *spice;
    ck_assert_ok(ow_spice_open(&(struct ow_spice_options){.timeout_s = 60.0}, &spice, &err),
                 err);
    const struct ow_spice_job job = {.deck = failing[_i].deck,
                                     .name = &failing[_i].name,
                                     .n_name = 1,
                                     .needs_op = true,
                                     .t_end = 10e-9};
    ck_assert_int_eq(ow_spice_run(spice, &job, &err), OW_ERR_HOST);
    ck_assert_int_eq(err.status, OW_ERR_HOST);
    ck_assert_msg(strstr(err.text, failing[_i].text) != NULL, "'%s' in '%s'", failing[_i].text,
                  err.text);
    ck_assert(!strchr(err.text, '\n'));
    /* The next run is none the worse for it. */
    const struct ow_spice_job good = {.deck = RC_DECK("op\nrun"),
                                      .name = node_b,
                                      .n_name = 3,
                                      .needs_op = true,
                                      .t_end = 10e-9};
    ck_assert_ok(ow_spice_run(spice, &good, &err), err);
    ow_spice_close(spice);
}
END_TEST

/* A script of the deck's own kills the simulator. */
static const struct {
    const char *signal, *text;
} crashes[] = {
    {"SEGV", "crashed (Segmentation fault)"},
    {"KILL", "crashed (Killed)"},
};

START_TEST(test_crashes_are_told)
{
    struct ow_error err = {0};
    struct ow_spice *spice;
    char path[128], deck[512];
    snprintf(path, sizeof path, "%s/crash", work);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "kill -%s $PPID\n", crashes[_i].signal); /* ngspice would take $ for its own */
    fclose(f);
    snprintf(deck, sizeof deck,
             "crash\nV1 a 0 1\nR1 a 0 1k\n.control\nop\nshell . %s\nop\n.endc\n.end\n", path);
    ck_assert_ok(ow_spice_open(&(struct ow_spice_options){.timeout_s = 60.0}, &spice, &err),
                 err);
    const struct ow_spice_job job = {.deck = deck, .name = node_b, .needs_op = true};
    ck_assert_int_eq(ow_spice_run(spice, &job, &err), OW_ERR_HOST);
    ck_assert_msg(strstr(err.text, crashes[_i].text) != NULL, "'%s' in '%s'", crashes[_i].text,
                  err.text);
    ow_spice_close(spice);
}
END_TEST

struct tally {
    size_t n;
    double last[3];
    enum ow_status answer;
    size_t answer_at;
};

static enum ow_status count(void *user, const struct ow_spice_point *p, struct ow_error *err)
{
    struct tally *t = user;
    ck_assert_uint_eq(p->n, 3);
    memcpy(t->last, p->value, sizeof t->last);
    if (++t->n == t->answer_at)
        return ow_fail(err, t->answer, "enough");
    return OW_OK;
}

/* 1 - e^(-t/RC) behind a ramp; a NULL name reads 0, a name may be asked for twice; what
 * the callback says ends the run. */
START_TEST(test_points_arrive)
{
    struct ow_error err = {0};
    struct ow_spice *spice;
    struct tally t = {0};
    ck_assert_ok(ow_spice_open(NULL, &spice, &err), err);
    struct ow_spice_job job = {.deck = RC_DECK("run"),
                               .name = node_b,
                               .n_name = 3,
                               .t_end = 10e-9,
                               .point = count,
                               .user = &t};
    ck_assert_ok(ow_spice_run(spice, &job, &err), err);
    ck_assert_uint_gt(t.n, 1000);
    ck_assert_close(t.last[0], 1.0 - (exp(-9.0) - exp(-10.0)), 1e-5, 0.0);
    ck_assert(t.last[1] == 0.0 && t.last[2] == t.last[0]);
    t = (struct tally){.answer = OW_ERR_BALANCE, .answer_at = 7};
    ck_assert_int_eq(ow_spice_run(spice, &job, &err), OW_ERR_BALANCE);
    ck_assert_str_eq(err.text, "enough");
    ck_assert_uint_eq(t.n, 7);
    ow_spice_close(spice);
}
END_TEST

START_TEST(test_timeout)
{
    struct ow_error err = {0};
    struct ow_spice *spice;
    ck_assert_ok(ow_spice_open(&(struct ow_spice_options){.timeout_s = 0.4}, &spice, &err),
                 err);
    const struct ow_spice_job job = {
        .deck = ENDLESS_DECK, .name = node_b, .n_name = 1, .t_end = 10e-3};
    const double t = now();
    ck_assert_int_eq(ow_spice_run(spice, &job, &err), OW_ERR_HOST);
    ck_assert(now() - t > 0.35 && now() - t < 5.0);
    ck_assert_ptr_nonnull(strstr(err.text, "timeout"));
    ow_spice_close(spice);
}
END_TEST

static volatile sig_atomic_t cancelled;

static void on_alarm(int signal_number)
{
    (void)signal_number;
    cancelled = 1;
}

START_TEST(test_cancel)
{
    struct ow_error err = {0};
    struct ow_spice *spice;
    const struct itimerval timer = {.it_value = {.tv_usec = 300000}};
    ck_assert_ok(ow_spice_open(&(struct ow_spice_options){.cancel = &cancelled}, &spice, &err),
                 err);
    const struct ow_spice_job job = {
        .deck = ENDLESS_DECK, .name = node_b, .n_name = 1, .t_end = 10e-3};
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &timer, NULL);
    const double t = now();
    ck_assert_int_eq(ow_spice_run(spice, &job, &err), OW_ERR_CANCELLED);
    ck_assert(now() - t > 0.25 && now() - t < 5.0);
    /* Once set, nothing starts any more. */
    ck_assert_int_eq(ow_spice_run(spice, &job, &err), OW_ERR_CANCELLED);
    ow_spice_close(spice);
}
END_TEST

START_TEST(test_no_ngspice_installed)
{
    struct ow_error err = {0};
    struct ow_spice *spice = NULL;
    ck_assert_int_eq(
        ow_spice_open(&(struct ow_spice_options){.library = "libnothing.so.7"}, &spice, &err),
        OW_ERR_HOST);
    ck_assert_ptr_null(spice);
    ck_assert_ptr_nonnull(strstr(err.text, "libnothing.so.7"));
    ck_assert_ptr_nonnull(strstr(err.text, "libngspice0"));
    /* A library, but of something else. */
    ck_assert_int_eq(
        ow_spice_open(&(struct ow_spice_options){.library = "libm.so.6"}, &spice, &err),
        OW_ERR_HOST);
    ck_assert_ptr_nonnull(strstr(err.text, "ngSpice_Init"));
}
END_TEST

START_TEST(test_no_code_models)
{
    struct ow_error err = {0};
    struct ow_spice *spice = NULL;
    ck_assert_int_eq(
        ow_spice_open(&(struct ow_spice_options){.codemodel = "/nowhere/x.cm"}, &spice, &err),
        OW_ERR_HOST);
    ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/x.cm"));
    /* A file, but no library: told by the run. */
    struct bench b = {.pulse = {.t_rise = 1e-9, .t_read = 1e-9}};
    char path[128];
    snprintf(path, sizeof path, "%s/empty file.cm", work);
    fclose(fopen(path, "w"));
    case_init(&b.xb, 1, 1, "team", OW_SENSE_RESISTOR);
    ck_assert_ok(ow_circuit_create(&b.xb, &b.circuit, &err), err);
    ck_assert_int_eq(ow_reading_init(&b.reading, 1, 1, 1), OW_OK);
    ck_assert_ok(ow_spice_open(&(struct ow_spice_options){.codemodel = path}, &b.spice, &err),
                 err);
    ck_assert_int_eq(
        ow_spice_read(b.spice, b.circuit, b.amplitude, &b.pulse, NULL, &b.reading, &err),
        OW_ERR_HOST);
    ck_assert_ptr_nonnull(strstr(err.text, "ohmweave.cm"));
    ow_spice_close(b.spice);
    /* None named at all. */
    ck_assert_ok(ow_spice_open(NULL, &b.spice, &err), err);
    ck_assert_int_eq(
        ow_spice_read(b.spice, b.circuit, b.amplitude, &b.pulse, NULL, &b.reading, &err),
        OW_ERR_HOST);
    ck_assert_ptr_nonnull(strstr(err.text, "ohmweave.cm"));
    bench_finish(&b);
}
END_TEST

START_TEST(test_no_room_for_temporary_files)
{
    struct ow_error err = {0};
    struct ow_spice *spice;
    ck_assert_ok(ow_spice_open(NULL, &spice, &err), err);
    setenv("TMPDIR", "/nowhere/at/all", 1);
    const struct ow_spice_job job = {.deck = RC_DECK("run"), .name = node_b, .n_name = 1};
    ck_assert_int_eq(ow_spice_run(spice, &job, &err), OW_ERR_FILE);
    ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/at/all"));
    ow_spice_close(spice);
}
END_TEST

/* ngspice reads .spiceinit of the working and the home folder; neither may matter. */
START_TEST(test_users_spiceinit_is_ignored)
{
    struct ow_error err = {0};
    struct ow_spice *spice;
    char path[128];
    snprintf(path, sizeof path, "%s/.spiceinit", work);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("quit\n", f);
    fclose(f);
    setenv("HOME", work, 1);
    ck_assert_int_eq(chdir(work), 0);
    ck_assert_ok(ow_spice_open(NULL, &spice, &err), err);
    const struct ow_spice_job job = {
        .deck = RC_DECK("run"), .name = node_b, .n_name = 1, .t_end = 10e-9};
    ck_assert_ok(ow_spice_run(spice, &job, &err), err);
    ow_spice_close(spice);
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

/* A parent that is killed takes its child along, and leaves no file.  The child is busy
 * without writing, so no broken pipe can end it.  Orphans come to this process, which
 * sees how they end. */
START_TEST(test_killed_parent_leaves_nothing)
{
    int status;
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    const pid_t parent = fork();
    if (parent == 0) {
        struct ow_error err = {0};
        struct ow_spice *spice;
        const struct ow_spice_job job = {
            .deck = RC_DECK("op\nwhile 1\nlet a=1\nend"), .name = node_b, .n_name = 1};
        if (ow_spice_open(NULL, &spice, &err) == OW_OK)
            ow_spice_run(spice, &job, &err);
        _exit(0);
    }
    usleep(700000); /* the run is on by then */
    kill(parent, SIGKILL);
    ck_assert_int_eq(waitpid(parent, &status, 0), parent);
    ck_assert(WIFSIGNALED(status)); /* it was still at it */
    const double t = now();
    pid_t child = 0;
    while (child == 0 && now() - t < 5.0) {
        child = waitpid(-1, &status, WNOHANG);
        usleep(10000);
    }
    ck_assert_msg(child > 0, "the child outlives its parent");
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spice");
    TCase *plain = tcase_create("host");
    tcase_add_checked_fixture(plain, set_up, tear_down);
    tcase_set_timeout(plain, 60.0);
    tcase_add_test(plain, test_points_arrive);
    tcase_add_loop_test(plain, test_failures_are_told, 0,
                        (int)(sizeof failing / sizeof failing[0]));
    tcase_add_loop_test(plain, test_crashes_are_told, 0, 2);
    tcase_add_test(plain, test_timeout);
    tcase_add_test(plain, test_cancel);
    tcase_add_test(plain, test_no_ngspice_installed);
    tcase_add_test(plain, test_no_code_models);
    tcase_add_test(plain, test_no_room_for_temporary_files);
    tcase_add_test(plain, test_users_spiceinit_is_ignored);
    tcase_add_test(plain, test_killed_parent_leaves_nothing);
    suite_add_tcase(suite, plain);
    if (access(codemodel(), R_OK) != 0) {
        fprintf(stderr, "skipped: reads of a crossbar, as there is no ohmweave.cm\n");
        return run_suite(suite);
    }
    TCase *reads = tcase_create("reads");
    tcase_add_checked_fixture(reads, set_up, tear_down);
    tcase_set_timeout(reads, 60.0);
    tcase_add_loop_test(reads, test_dc_matches_dense_solve, 0, N_CIRCUITS);
    tcase_add_loop_test(reads, test_plain_ngspice_agrees, 0, N_CIRCUITS);
    tcase_add_loop_test(reads, test_energy_balances, 0, N_CIRCUITS);
    tcase_add_loop_test(reads, test_sample_is_settled, 0, N_CIRCUITS);
    tcase_add_test(reads, test_state_moves_and_carries);
    tcase_add_test(reads, test_events_come_when_the_hazard_says);
    suite_add_tcase(suite, reads);
    return run_suite(suite);
}
