/* Sweeps from within: the points of a plan, limits, the store, and processes that end badly. */
#define _GNU_SOURCE
#include "ow_check.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ow_figures.h"
#include "ow_limits.h"
#include "ow_plan.h"
#include "ow_pool.h"
#include "ow_store.h"
#include "ow_sweep.h"

#define N(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* ---- plans ----------------------------------------------------------------------------- */

#define HEAD                                                                                   \
    "vmm: {weights: {random: [4, 2]}, inputs: {random: [5, 4], seed: 9}}\n"                    \
    "device: {set: ow_benign}\n"                                                               \
    "seed: 7\n"

struct study {
    struct ow_spec outline;
    struct ow_plan plan;
};

static enum ow_status study_try(const char *text, struct study *s, struct ow_error *err)
{
    enum ow_status st =
        ow_spec_outline_text(text, strlen(text), "s.yaml", NULL, &s->outline, err);
    if (!st && (st = ow_plan_init(&s->outline, &s->plan, err)))
        ow_spec_finish(&s->outline);
    return st;
}

static void study_init(const char *text, struct study *s)
{
    struct ow_error err = {0};
    ck_assert_ok(study_try(text, s, &err), err);
}

static void study_finish(struct study *s)
{
    ow_plan_finish(&s->plan);
    ow_spec_finish(&s->outline);
}

static struct ow_spec point_spec(const struct study *s, size_t k)
{
    struct ow_error err = {0};
    struct ow_spec spec;
    ck_assert_ok(ow_plan_spec(&s->plan, k, &spec, &err), err);
    return spec;
}

START_TEST(test_last_axis_is_fastest)
{
    static const double r_w[] = {0.5, 2.0, 7.0}, r_b[] = {3.0, 5.0};
    struct study s;
    study_init(HEAD "sweep: {array.r_wordline: [0.5, 2, 7], array.r_bitline: [3, 5]}\n", &s);
    ck_assert_uint_eq(s.plan.n_point, 6);
    for (size_t k = 0; k < 6; k++) {
        struct ow_spec spec = point_spec(&s, k);
        ck_assert_double_eq(spec.array.r_wordline, r_w[k / 2]);
        ck_assert_double_eq(spec.array.r_bitline, r_b[k % 2]);
        ck_assert_uint_eq(spec.sweep.n, 0); /* a point is no sweep */
        ow_spec_finish(&spec);
    }
    json_t *json = ow_plan_json(&s.plan, 3);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(text, "{\"array.r_bitline\":5,\"array.r_wordline\":2}");
    free(text);
    json_decref(json);
    study_finish(&s);
}
END_TEST

START_TEST(test_zips_go_together)
{
    static const double r_w[] = {1.0, 2.0}, r_b[] = {10.0, 20.0}, t[] = {5e-9, 6e-9, 7e-9};
    struct study s;
    study_init(HEAD
               "sweep:\n"
               "  zip: [{array.r_wordline: [1, 2], array.r_bitline: [10, 20]},\n"
               "        {input.t_read: [5n, 6n, 7n], device.params.alpha_off: [1, 2, 3]}]\n",
               &s);
    ck_assert_uint_eq(s.plan.n_point, 6);
    for (size_t k = 0; k < 6; k++) {
        struct ow_spec spec = point_spec(&s, k);
        ck_assert_double_eq(spec.array.r_wordline, r_w[k / 3]);
        ck_assert_double_eq(spec.array.r_bitline, r_b[k / 3]);
        ck_assert_double_eq(spec.input.t_read, t[k % 3]);
        const size_t p = ow_param_index(spec.device.model, "alpha_off");
        ck_assert_double_eq(spec.device.param[p], (double)(k % 3 + 1));
        ow_spec_finish(&spec);
    }
    study_finish(&s);
}
END_TEST

static const struct {
    const char *range;
    size_t n;
    double value[5];
} ranges[] = {
    {"{from: 1, to: 1k, steps: 4, scale: log}", 4, {1.0, 10.0, 100.0, 1000.0}},
    {"{from: 2, to: 0, steps: 5}", 5, {2.0, 1.5, 1.0, 0.5, 0.0}},
    {"{from: 0.5, to: 8, steps: 5, scale: log}", 5, {0.5, 1.0, 2.0, 4.0, 8.0}},
    {"{from: 0.1, to: 0.3, steps: 3, scale: lin}", 3, {0.1, 0.2, 0.3}},
};

START_TEST(test_ranges_meet_round_numbers)
{
    struct study s;
    char text[400];
    snprintf(text, sizeof text, HEAD "sweep: {array.r_wordline: %s}\n", ranges[_i].range);
    study_init(text, &s);
    ck_assert_uint_eq(s.plan.n_point, ranges[_i].n);
    for (size_t k = 0; k < ranges[_i].n; k++) {
        struct ow_spec spec = point_spec(&s, k);
        ck_assert_double_eq(spec.array.r_wordline, ranges[_i].value[k]);
        ow_spec_finish(&spec);
    }
    study_finish(&s);
}
END_TEST

START_TEST(test_counts_are_rounded_and_sizes_even)
{
    static const size_t bits[] = {2, 5, 8}, size[] = {4, 10, 24};
    struct study s;
    study_init("vmm: {inputs: {random: [5, 1], seed: 9}}\ndevice: {set: ow_benign}\n"
               "sweep: {size: {from: 4, to: 24, steps: 3, scale: log},\n"
               "        adc.bits: {from: 2, to: 8, steps: 3}}\n",
               &s);
    for (size_t k = 0; k < 9; k++) {
        struct ow_spec spec = point_spec(&s, k);
        ck_assert_uint_eq(spec.adc.bits, bits[k % 3]);
        ck_assert_uint_eq(spec.vmm.weights.rows, size[k / 3]);
        ck_assert_uint_eq(spec.vmm.weights.cols, size[k / 3] / 2);
        ck_assert_uint_eq(spec.vmm.inputs.rows, 5);
        ck_assert_uint_eq(spec.vmm.inputs.cols, size[k / 3]);
        ck_assert_uint_eq(spec.vmm.inputs.random_seed, 9);
        ow_spec_finish(&spec);
    }
    study_finish(&s);
}
END_TEST

/* Monte Carlo spreads devices; a swept seed changes the task as well. */
START_TEST(test_seeds_keep_the_task)
{
    struct study s;
    study_init(HEAD "sweep: {seeds: 3, array.r_wordline: [1, 2]}\n", &s);
    ck_assert_uint_eq(s.plan.n_point, 6);
    for (size_t k = 0; k < 6; k++) {
        struct ow_spec spec = point_spec(&s, k);
        ck_assert_double_eq(spec.array.r_wordline, k < 3 ? 1.0 : 2.0); /* seeds last */
        ck_assert_uint_eq(spec.seed, 7 + k % 3);
        ck_assert_double_eq(spec.device.param[OW_SEED], 7.0 + (double)(k % 3));
        ck_assert_uint_eq(spec.vmm.weights.random_seed, 7);
        ck_assert_uint_eq(spec.vmm.inputs.random_seed, 9);
        ck_assert_int_eq(ow_plan_seed(&s.plan, k), (int)(7 + k % 3));
        ow_spec_finish(&spec);
    }
    study_finish(&s);
    study_init(HEAD "sweep: {seed: [3, 4]}\n", &s);
    struct ow_spec spec = point_spec(&s, 1);
    ck_assert_uint_eq(spec.seed, 4);
    ck_assert_uint_eq(spec.vmm.weights.random_seed, 4);
    ow_spec_finish(&spec);
    study_finish(&s);
    study_init(HEAD "sweep: {seeds: 2, vmm.weights: [{random: [4, 1]}, {random: [4, 3], "
                    "seed: 5}]}\n",
               &s);
    for (size_t k = 0; k < 4; k++) {
        spec = point_spec(&s, k);
        ck_assert_uint_eq(spec.vmm.weights.cols, k < 2 ? 1 : 3);
        ck_assert_uint_eq(spec.vmm.weights.random_seed, k < 2 ? 7 : 5);
        ow_spec_finish(&spec);
    }
    study_finish(&s);
}
END_TEST

/* Refused at the place of the value: FILE:LINE:COLUMN, then the words. */
static const struct {
    const char *sweep, *place, *word;
} refused[] = {
    {"{}", "s.yaml: ", "missing"},
    {"{array.r_wordlin: [1]}", "s.yaml:4:9: ", "did you mean r_wordline"},
    {"{array: {r_wordline: [1]}}", "s.yaml:4:9: ", "is a section"},
    {"{array.r_wordline: 5}", "s.yaml:4:27: ", "expected a list"},
    {"{array.r_wordline: []}", "s.yaml:4:27: ", "empty"},
    {"{array.r_wordline: [1, -2]}", "s.yaml:4:31: ", "too small"},
    {"{array.r_wordline: [1, nan]}", "s.yaml:4:31: ", "not a number"},
    {"{array.r_wordline: {from: 1, to: 2}}", "s.yaml:4:27: ", "no range"},
    {"{array.r_wordline: {from: 1, to: 2, steps: 1}}", "s.yaml:4:51: ", "from 2 to 10000000"},
    {"{array.r_wordline: {from: 1, to: 2, steps: 2.5}}", "s.yaml:4:51: ", "whole"},
    {"{array.r_wordline: {from: 0, to: 2, steps: 3, scale: log}}", "s.yaml:4:27: ", "above 0"},
    {"{array.r_wordline: {from: 1, to: 2, steps: 3, scale: ln}}",
     "s.yaml:4:61: ", "lin or log"},
    {"{array.r_wordline: {from: 1, to: 2, step: 3}}", "s.yaml:4:44: ", "unknown key"},
    {"{mapping.levels: {from: 2, to: 4, steps: 9}}", "s.yaml:4:25: ", "comes twice"},
    {"{array.r_wordline: {from: 2, to: 2, steps: 2}}", "s.yaml:4:27: ", "comes twice"},
    {"{seeds: 0}", "s.yaml:4:16: ", "from 1 to 10000000"},
    {"{seeds: 5g}", "s.yaml:4:16: ", "from 1 to 10000000"},
    {"{seeds: 2, seed: [1, 2]}", "s.yaml:4:9: ", "twice"},
    {"{size: [4, 7]}", "s.yaml:4:19: ", "even"},
    {"{size: [4], vmm.inputs: [{random: [3, 4]}]}", "s.yaml:4:16: ", "vmm.inputs"},
    {"{zip: {array.r_wordline: [1, 2], array.r_bitline: [1]}}", "s.yaml:4:58: ", "expected 2"},
    {"{zip: 3}", "s.yaml:4:14: ", "expected {KEY"},
    {"{zip: {seeds: 3}}", "s.yaml:4:15: ", "unknown key"},
    {"{sweep: [1]}", "s.yaml:4:9: ", "cannot be swept"},
    {"{limits: [1]}", "s.yaml:4:9: ", "cannot be swept"},
    {"{program.scheme: [v2, v3]}", "s.yaml:4:9: ", "cannot be swept"},
    {"{array.r_wordline: [1], zip: {array.r_wordline: [2]}}", "s.yaml:4:38: ", "twice"},
    {"{device.model: [team, tem]}", "s.yaml:4:30: ", "expected team"},
    {"{device.params.r_onn: [1k]}", "s.yaml:4:31: ", "no such parameter"},
    {"{vmm.weights: [gone.npy]}", "s.yaml:4:23: ", "No such file"},
    {"{seeds: 10k, engine.rtol: {from: 1e-6, to: 1e-3, steps: 10k}}", "s.yaml: ", "points"},
};

START_TEST(test_wrong_sweeps_are_refused_at_their_place)
{
    struct study s;
    struct ow_error err = {0};
    char text[600];
    snprintf(text, sizeof text, HEAD "sweep: %s\n", refused[_i].sweep);
    const enum ow_status st = study_try(text, &s, &err);
    ck_assert_msg(st == OW_ERR_INPUT || st == OW_ERR_FILE, "'%s' gave: %s", refused[_i].sweep,
                  ow_status_str(st));
    ck_assert_msg(strncmp(err.text, refused[_i].place, strlen(refused[_i].place)) == 0,
                  "'%s' gave: %s, expected at %s", refused[_i].sweep, err.text,
                  refused[_i].place);
    ck_assert_msg(strstr(err.text, refused[_i].word) != NULL, "'%s' gave: %s, expected '%s'",
                  refused[_i].sweep, err.text, refused[_i].word);
}
END_TEST

/* One combination that cannot be is a point that fails, not a sweep that is refused. */
START_TEST(test_a_bad_combination_is_a_point)
{
    struct study s;
    struct ow_error err = {0};
    struct ow_spec spec;
    study_init(HEAD "sweep: {device.g_min: [1u, 50u], device.g_max: [10u, 100u]}\n", &s);
    ck_assert_int_eq(ow_plan_spec(&s.plan, 2, &spec, &err), OW_ERR_INPUT);
    ck_assert_msg(strstr(err.text, "s.yaml:4:49: device.g_max") != NULL, "%s", err.text);
    study_finish(&s);
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------- */

static enum ow_status limits_try(const char *text, struct ow_limits *limits,
                                 struct ow_error *err)
{
    struct ow_spec outline;
    enum ow_status st = ow_spec_outline_text(text, strlen(text), "l.yaml", NULL, &outline, err);
    if (!st) {
        st = ow_limits_init(&outline, limits, err);
        ow_spec_finish(&outline);
    }
    return st;
}

START_TEST(test_limits_are_kept_or_missed)
{
    struct ow_limits limits, again;
    struct ow_error err = {0};
    char misses[300];
    ck_assert_ok(
        limits_try("limits: {accuracy.array.enob: {min: 6}, energy.per_mac: {max: 5f}, "
                   "latency.worst: {min: 1n, max: 9n}}\n",
                   &limits, &err),
        err);
    ck_assert_str_eq(limits.limit[0].name, "accuracy.array.total.enob");
    static const struct {
        const char *enob, *energy, *latency, *misses;
    } row[] = {
        {"6", "5e-15", "2e-9", ""},
        {"5.99", "1e-15", "2e-9", "accuracy.array.total.enob = 5.99, min 6"},
        {"7", "6e-15", "2e-9", "energy.per_mac = 6e-15, max 5e-15"},
        {"7", "6e-15", "null", "energy.per_mac = 6e-15, max 5e-15; latency.worst has no value"},
        {"7", "1e-15", "1e-10", "latency.worst = 1e-10, min 1e-09"},
    };
    for (int k = 0; k < N(row); k++) {
        char text[300];
        snprintf(text, sizeof text,
                 "{\"accuracy\": {\"array\": {\"total\": {\"enob\": %s}}}, \"energy\": "
                 "{\"per_mac\": %s}, \"latency\": {\"worst\": %s}}",
                 row[k].enob, row[k].energy, row[k].latency);
        json_t *result = json_loads(text, 0, NULL);
        ck_assert_ptr_nonnull(result);
        const bool keeps = ow_limits_keep(&limits, result, misses, sizeof misses);
        ck_assert_int_eq(keeps, row[k].misses[0] == '\0');
        ck_assert_str_eq(misses, row[k].misses);
        json_decref(result);
    }
    json_t *json = ow_limits_json(&limits);
    ow_limits_from_json(json, &again);
    json_decref(json);
    ck_assert_uint_eq(again.n, 3);
    ck_assert_double_eq(again.limit[2].max, 9e-9);
    ck_assert(isnan(again.limit[0].max));
}
END_TEST

static const struct {
    const char *limits, *place, *word;
} refused_limits[] = {
    {"{accuracy.enob: {min: 1}}", "l.yaml:1:10: ", "accuracy.raw.total.enob"},
    {"{energy.per_mac: 5f}", "l.yaml:1:26: ", "{min: A}"},
    {"{energy.per_mac: {}}", "l.yaml:1:26: ", "{min: A}"},
    {"{energy.per_mac: {most: 5f}}", "l.yaml:1:27: ", "min and max"},
    {"{energy.per_mac: {max: much}}", "l.yaml:1:32: ", "number in J"},
    {"{energy.per_mac: {min: 2f, max: 1f}}", "l.yaml:1:26: ", "above"},
};

START_TEST(test_wrong_limits_are_refused_at_their_place)
{
    struct ow_limits limits;
    struct ow_error err = {0};
    char text[200];
    snprintf(text, sizeof text, "limits: %s\n", refused_limits[_i].limits);
    ck_assert_int_eq(limits_try(text, &limits, &err), OW_ERR_INPUT);
    ck_assert_msg(
        strncmp(err.text, refused_limits[_i].place, strlen(refused_limits[_i].place)) == 0 &&
            strstr(err.text, refused_limits[_i].word),
        "%s gave: %s", refused_limits[_i].limits, err.text);
}
END_TEST

/* ---- stores ---------------------------------------------------------------------------- */

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[2][200];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static void make_dir(void)
{
    strcpy(dir, "/tmp/ow-sweep-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static struct ow_store *store_make(const char *path, size_t n)
{
    struct ow_store *store;
    struct ow_error err = {0};
    ck_assert_ok(ow_store_open(path, OW_STORE_CREATE, &store, &err), err);
    ck_assert_ok(ow_store_begin(store, &err), err);
    for (size_t k = 0; k < n; k++) {
        const struct ow_point_record row = {
            .id = k, .settings = "{\"size\": \"it's; DROP TABLE point\"}", .seed = 4294967295};
        ck_assert_ok(ow_store_add(store, &row, &err), err);
    }
    ck_assert_ok(ow_store_commit(store, &err), err);
    return store;
}

static void store_put(struct ow_store *store, size_t id, enum ow_point_status status,
                      const char *text)
{
    struct ow_error err = {0};
    const struct ow_point_record row = {.id = id,
                                        .status = status,
                                        .pass = -1,
                                        .wall_s = 0.25,
                                        .cpu_s = NAN,
                                        .peak_bytes = -1,
                                        .error = status == OW_POINT_DONE ? NULL : text,
                                        .result = status == OW_POINT_DONE ? text : NULL,
                                        .spec = "seed: 1\n"};
    ck_assert_ok(ow_store_put(store, &row, &err), err);
}

/* What a row holds, as text. */
static enum ow_status show_row(void *data, const struct ow_point_record *r,
                               struct ow_error *err)
{
    char *text = data;
    snprintf(text + strlen(text), 4000 - strlen(text), "%zu %s %d %s %s|", r->id,
             ow_point_status_str(r->status), r->attempts, r->error ? r->error : "-",
             r->result ? r->result : "-");
    return OW_OK;
}

static void check_rows(const char *path, const char *expected)
{
    struct ow_store *store;
    struct ow_error err = {0};
    char text[4000] = "";
    const struct ow_store_query all = {.with_result = true};
    ck_assert_ok(ow_store_open(path, OW_STORE_READ, &store, &err), err);
    ck_assert_ok(ow_store_each(store, &all, show_row, text, &err), err);
    ow_store_close(store);
    ck_assert_str_eq(text, expected);
}

START_TEST(test_a_done_point_stays)
{
    make_dir();
    const char *path = in_dir("a.db");
    struct ow_store *store = store_make(path, 3);
    store_put(store, 0, OW_POINT_FAILED, "it's \"so\"");
    store_put(store, 2, OW_POINT_DONE, "{}");
    store_put(store, 0, OW_POINT_DONE, "{\"a\":1}");
    store_put(store, 0, OW_POINT_FAILED, "too late");
    size_t count[OW_N_POINT_STATUS];
    struct ow_error err = {0};
    ck_assert_ok(ow_store_count(store, count, &err), err);
    ck_assert_uint_eq(count[OW_POINT_DONE], 2);
    ck_assert_uint_eq(count[OW_POINT_OPEN], 1);
    ow_store_close(store);
    check_rows(path, "0 done 2 - {\"a\":1}|1 open 0 - -|2 done 1 - {}|");
    remove_dir();
}
END_TEST

START_TEST(test_stores_that_are_none)
{
    static const struct {
        const char *bytes, *word;
    } file[] = {{"", "no store"}, {"vmm: {}\n", "no store"}, {"SQLite format 3", "no store"}};
    struct ow_store *store;
    struct ow_error err = {0};
    make_dir();
    for (int k = 0; k < N(file); k++) {
        FILE *f = fopen(in_dir("x"), "wb");
        fwrite(file[k].bytes, 1, strlen(file[k].bytes), f);
        fclose(f);
        ck_assert_int_eq(ow_store_open(in_dir("x"), OW_STORE_READ, &store, &err), OW_ERR_FILE);
        ck_assert_msg(strstr(err.text, file[k].word) != NULL, "%s", err.text);
    }
    ck_assert_int_eq(ow_store_open(in_dir("none"), OW_STORE_WRITE, &store, &err), OW_ERR_FILE);
    sqlite3 *db; /* somebody else's database */
    ck_assert_int_eq(sqlite3_open(in_dir("other.db"), &db), SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE point(id)", NULL, NULL, NULL);
    sqlite3_close(db);
    ck_assert_int_eq(ow_store_open(in_dir("other.db"), OW_STORE_WRITE, &store, &err),
                     OW_ERR_FILE);
    ck_assert_msg(strstr(err.text, "no store") != NULL, "%s", err.text);
    ck_assert_int_eq(ow_store_open(in_dir("gone/a.db"), OW_STORE_CREATE, &store, &err),
                     OW_ERR_FILE);
    remove_dir();
}
END_TEST

START_TEST(test_one_writer_and_readers)
{
    struct ow_store *store, *other;
    struct ow_error err = {0};
    make_dir();
    store = store_make(in_dir("a.db"), 2);
    ck_assert_int_eq(ow_store_open(in_dir("a.db"), OW_STORE_WRITE, &other, &err), OW_ERR_FILE);
    ck_assert_msg(strstr(err.text, "another") != NULL, "%s", err.text);
    ck_assert_int_eq(ow_store_open(in_dir("a.db"), OW_STORE_CREATE, &other, &err), OW_ERR_FILE);
    store_put(store, 1, OW_POINT_DONE, "{}");
    check_rows(in_dir("a.db"), "0 open 0 - -|1 done 1 - {}|"); /* while it is written to */
    ow_store_close(store);
    ck_assert_int_eq(access(in_dir("a.db-lock"), F_OK), -1);
    ck_assert_int_eq(access(in_dir("a.db-wal"), F_OK), -1);
    ck_assert_ok(ow_store_open(in_dir("a.db"), OW_STORE_WRITE, &other, &err), err);
    ow_store_close(other);
    remove_dir();
}
END_TEST

/* A process that is killed right after a put: the row is there, and the store can be used. */
START_TEST(test_a_put_survives_its_process)
{
    make_dir();
    const char *path = in_dir("a.db");
    for (size_t k = 0; k < 20; k++) {
        const pid_t pid = fork();
        if (pid == 0) {
            struct ow_store *store;
            if (k == 0)
                store = store_make(path, 20);
            else if (ow_store_open(path, OW_STORE_WRITE, &store, NULL))
                _exit(1);
            store_put(store, k, OW_POINT_DONE, "{}");
            kill(getpid(), SIGKILL);
        }
        int status;
        waitpid(pid, &status, 0);
        ck_assert(WIFSIGNALED(status));
    }
    struct ow_store *store;
    struct ow_error err = {0};
    size_t count[OW_N_POINT_STATUS];
    ck_assert_ok(ow_store_open(path, OW_STORE_WRITE, &store, &err), err);
    ck_assert_ok(ow_store_count(store, count, &err), err);
    ck_assert_uint_eq(count[OW_POINT_DONE], 20);
    ow_store_close(store);
    remove_dir();
}
END_TEST

START_TEST(test_merge_takes_what_is_new)
{
    make_dir();
    struct ow_store *main_store = store_make(in_dir("a.db"), 4), *shard;
    struct ow_error err = {0};
    store_put(main_store, 0, OW_POINT_DONE, "{\"a\":0}");
    store_put(main_store, 1, OW_POINT_FAILED, "first");
    shard = store_make(in_dir("b.db"), 4);
    store_put(shard, 0, OW_POINT_DONE, "{\"a\":9}"); /* done already: stays */
    store_put(shard, 1, OW_POINT_DONE, "{\"a\":1}");
    store_put(shard, 2, OW_POINT_CRASHED, "gone");
    ow_store_close(shard);
    for (int k = 0; k < 2; k++) { /* twice is not harmful to what is done */
        ck_assert_ok(ow_store_merge(main_store, in_dir("b.db"), &err), err);
        store_put(main_store, 2, OW_POINT_DONE, "{\"a\":2}");
    }
    ck_assert_int_eq(ow_store_merge(main_store, in_dir("none.db"), &err), OW_ERR_FILE);
    ow_store_close(main_store);
    check_rows(in_dir("a.db"),
               "0 done 1 - {\"a\":0}|1 done 2 - {\"a\":1}|2 done 2 - {\"a\":2}|3 open 0 - -|");
    remove_dir();
}
END_TEST

/* ---- processes ------------------------------------------------------------------------- */

enum { FINE, ABORTS, IS_KILLED, HANGS, ANSWERS_MUCH, WANTS_MEMORY, EXITS, N_KIND };

struct pool_log {
    enum ow_pool_end end[64];
    int signal[64], n[64];
    char answer[64][16];
    size_t bytes[64];
    sig_atomic_t cancel;
    size_t cancel_after; /* answers */
    size_t n_answer;
    int *at_work, *most; /* shared by processes, or NULL */
};

static void work(void *data, size_t task, struct ow_bytes *answer)
{
    static char much[1 << 20];
    const struct pool_log *log = data;
    if (log->at_work) {
        const int now = __atomic_add_fetch(log->at_work, 1, __ATOMIC_SEQ_CST);
        if (now > *log->most)
            *log->most = now;
        usleep(20000);
        __atomic_sub_fetch(log->at_work, 1, __ATOMIC_SEQ_CST);
    }
    switch (task % N_KIND) {
    case ABORTS:
        abort();
    case IS_KILLED:
        kill(getpid(), SIGKILL);
        break;
    case HANGS:
        for (;;)
            pause();
    case ANSWERS_MUCH:
        memset(much, 'm', sizeof much);
        ow_bytes_add(answer, much, sizeof much);
        return;
    case WANTS_MEMORY: {
        char *p = malloc((size_t)1 << 31);
        const char *word = p ? "got" : "no";
        ow_bytes_add(answer, word, strlen(word) + 1);
        free(p);
        return;
    }
    case EXITS:
        _exit(0);
    default:
        break;
    }
    char text[16];
    snprintf(text, sizeof text, "%zu", task * task);
    ow_bytes_add(answer, text, strlen(text) + 1);
}

static enum ow_status take(void *data, const struct ow_pool_answer *a, struct ow_error *err)
{
    struct pool_log *log = data;
    log->end[a->task] = a->end;
    log->signal[a->task] = a->signal;
    log->n[a->task]++;
    log->bytes[a->task] = a->n;
    if (a->end == OW_POOL_ANSWERED)
        snprintf(log->answer[a->task], sizeof log->answer[0], "%.15s", a->bytes);
    if (++log->n_answer == log->cancel_after)
        log->cancel = 1;
    return OW_OK;
}

static struct ow_pool_cost cost(void *data, size_t task)
{
    return (struct ow_pool_cost){.bytes = 100e6,
                                 .timeout_s = task % N_KIND == HANGS ? 0.2 : 30.0};
}

static struct ow_pool_cost costless(void *data, size_t task)
{
    return (struct ow_pool_cost){0};
}

/* 1 and 3 workers, each task ending in its own way, and the others none the worse for it. */
START_TEST(test_every_way_to_end)
{
    struct pool_log log = {0};
    struct ow_error err = {0};
    size_t task[14];
    const struct ow_pool pool = {.data = &log,
                                 .work = work,
                                 .done = take,
                                 .cost = cost,
                                 .n_worker = _i == 0 ? 1 : 3,
                                 .memory = 1e9};
    for (size_t k = 0; k < 14; k++)
        task[k] = 13 - k;
    ck_assert_ok(ow_pool_run(&pool, task, 14, &err), err);
    for (size_t k = 0; k < 14; k++) {
        ck_assert_int_eq(log.n[k], 1);
        char square[16];
        snprintf(square, sizeof square, "%zu", k * k);
        switch (k % N_KIND) {
        case FINE:
            ck_assert_int_eq(log.end[k], OW_POOL_ANSWERED);
            ck_assert_str_eq(log.answer[k], square);
            break;
        case ABORTS:
            ck_assert_int_eq(log.end[k], OW_POOL_DIED);
            ck_assert_int_eq(log.signal[k], SIGABRT);
            break;
        case IS_KILLED:
            ck_assert_int_eq(log.end[k], OW_POOL_DIED);
            ck_assert_int_eq(log.signal[k], SIGKILL);
            break;
        case HANGS:
            ck_assert_int_eq(log.end[k], OW_POOL_TIMEOUT);
            break;
        case ANSWERS_MUCH:
            ck_assert_int_eq(log.end[k], OW_POOL_ANSWERED);
            ck_assert_uint_eq(log.bytes[k], 1 << 20);
            break;
        case WANTS_MEMORY:
            ck_assert_int_eq(log.end[k], OW_POOL_ANSWERED);
            ck_assert_str_eq(log.answer[k], getenv("OW_SHADOW") ? "got" : "no");
            break;
        default:
            ck_assert_int_eq(log.end[k], OW_POOL_DIED);
            ck_assert_int_eq(log.signal[k], 0);
        }
    }
}
END_TEST

/* 100 MB each: with 250 MB two at a time, with 50 MB one. */
START_TEST(test_memory_is_shared_out)
{
    int *shared = mmap(NULL, 2 * sizeof *shared, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct pool_log log = {.at_work = &shared[0], .most = &shared[1]};
    struct ow_error err = {0};
    size_t task[16];
    for (size_t k = 0; k < N(task); k++)
        task[k] = k % 8 * N_KIND;
    const struct ow_pool pool = {.data = &log,
                                 .work = work,
                                 .done = take,
                                 .cost = cost,
                                 .n_worker = 4,
                                 .memory = _i == 0 ? 250e6 : 50e6};
    ck_assert_ok(ow_pool_run(&pool, task, N(task), &err), err);
    ck_assert_int_eq(shared[1], _i == 0 ? 2 : 1);
    munmap(shared, 2 * sizeof *shared);
}
END_TEST

START_TEST(test_cancel_stops_what_hangs)
{
    const size_t task[] = {0, HANGS, 7, HANGS + N_KIND, 14, 21};
    struct pool_log log = {.cancel_after = 1};
    struct ow_error err = {0};
    const struct ow_pool pool = {.data = &log,
                                 .work = work,
                                 .done = take,
                                 .cost = costless,
                                 .n_worker = 2,
                                 .cancel = &log.cancel};
    ck_assert_int_eq(ow_pool_run(&pool, task, N(task), &err), OW_ERR_CANCELLED);
    ck_assert_uint_lt(log.n_answer, 6);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
}
END_TEST

static void hang_and_tell(void *data, size_t task, struct ow_bytes *answer)
{
    const pid_t pid = getpid();
    if (write(*(int *)data, &pid, sizeof pid) == sizeof pid)
        for (;;)
            pause();
}

START_TEST(test_workers_die_with_their_caller)
{
    int fd[2];
    pid_t worker[2];
    ck_assert_int_eq(pipe(fd), 0);
    const pid_t caller = fork();
    if (caller == 0) {
        const size_t task[] = {0, 1};
        const struct ow_pool pool = {.data = &fd[1],
                                     .work = hang_and_tell,
                                     .done = take,
                                     .cost = costless,
                                     .n_worker = 2};
        ow_pool_run(&pool, task, 2, NULL);
        _exit(0);
    }
    for (int k = 0; k < 2; k++)
        ck_assert_int_eq(read(fd[0], &worker[k], sizeof worker[k]), sizeof worker[k]);
    kill(caller, SIGKILL);
    waitpid(caller, NULL, 0);
    close(fd[1]);
    char end; /* of file: nobody holds the other side any more */
    ck_assert_int_eq(read(fd[0], &end, 1), 0);
    close(fd[0]);
}
END_TEST

/* ---- what a sweep will take -------------------------------------------------------------- */

START_TEST(test_costs_follow_the_sizes)
{
    struct study s;
    struct ow_sweep_cost c;
    struct ow_error err = {0};
    study_init("vmm: {inputs: {random: [10, 1]}}\ndevice: {set: ow_benign}\n"
               "sweep: {array.r_wordline: [1, 2], size: [16, 64, 8], seeds: 5}\n",
               &s);
    ck_assert_ok(ow_sweep_cost_init(&s.plan, &c, &err), err);
    ck_assert_uint_eq(c.n, 3);
    double sum = 0.0;
    for (size_t k = 0; k < s.plan.n_point; k++) {
        static const size_t size[] = {16, 64, 8};
        const struct ow_point_estimate *e = ow_sweep_cost_of(&c, k);
        ck_assert_uint_eq(e->rows, size[k / 5 % 3]);
        ck_assert_uint_eq(e->cols, size[k / 5 % 3]);
        sum += e->seconds;
    }
    ck_assert_close(c.seconds, sum, 1e-12, 0.0);
    ck_assert_uint_eq(c.largest / 5 % 3, 1);
    ck_assert_int_eq(ow_sweep_fits(&c, 2.0 * c.bytes, &err), OW_OK);
    ck_assert_int_eq(ow_sweep_fits(&c, 0.5 * c.bytes, &err), OW_ERR_INPUT);
    ck_assert_msg(strstr(err.text, "64 x 64") && strstr(err.text, "array.tile"), "%s",
                  err.text);
    ck_assert(ow_sweep_free_memory() > 1e6);
    ow_sweep_cost_finish(&c);
    study_finish(&s);
}
END_TEST

/* 10 x 6 weights on arrays of 4 x 5 lines, two outputs each: 3 x 3 arrays. */
START_TEST(test_costs_know_tiles)
{
    struct study s;
    struct ow_sweep_cost c;
    struct ow_error err = {0};
    study_init("vmm: {weights: {random: [10, 6]}, inputs: {random: [10, 10]}}\n"
               "device: {set: ow_benign}\nsweep: {array.tile: [[4, 5], [4, 4]]}\n",
               &s);
    ck_assert_ok(ow_sweep_cost_init(&s.plan, &c, &err), err);
    ck_assert_uint_eq(c.n, 2);
    ck_assert_uint_eq(c.estimate[0].rows, 4);
    ck_assert_uint_eq(c.estimate[0].cols, 4);
    ck_assert_close(c.estimate[0].seconds, c.estimate[1].seconds, 1e-12, 0.0);
    ow_sweep_cost_finish(&c);
    study_finish(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep");
    TCase *plan = tcase_create("plan");
    tcase_set_timeout(plan, 60);
    tcase_add_test(plan, test_last_axis_is_fastest);
    tcase_add_test(plan, test_zips_go_together);
    tcase_add_loop_test(plan, test_ranges_meet_round_numbers, 0, N(ranges));
    tcase_add_test(plan, test_counts_are_rounded_and_sizes_even);
    tcase_add_test(plan, test_seeds_keep_the_task);
    tcase_add_loop_test(plan, test_wrong_sweeps_are_refused_at_their_place, 0, N(refused));
    tcase_add_test(plan, test_a_bad_combination_is_a_point);
    tcase_add_loop_test(plan, test_wrong_limits_are_refused_at_their_place, 0,
                        N(refused_limits));
    tcase_add_test(plan, test_limits_are_kept_or_missed);
    tcase_add_test(plan, test_costs_follow_the_sizes);
    tcase_add_test(plan, test_costs_know_tiles);
    suite_add_tcase(suite, plan);
    TCase *store = tcase_create("store");
    tcase_set_timeout(store, 60);
    tcase_add_test(store, test_a_done_point_stays);
    tcase_add_test(store, test_stores_that_are_none);
    tcase_add_test(store, test_one_writer_and_readers);
    tcase_add_test(store, test_a_put_survives_its_process);
    tcase_add_test(store, test_merge_takes_what_is_new);
    suite_add_tcase(suite, store);
    TCase *pool = tcase_create("pool");
    tcase_set_timeout(pool, 60);
    tcase_add_loop_test(pool, test_every_way_to_end, 0, 2);
    tcase_add_loop_test(pool, test_memory_is_shared_out, 0, 2);
    tcase_add_test(pool, test_cancel_stops_what_hangs);
    tcase_add_test(pool, test_workers_die_with_their_caller);
    suite_add_tcase(suite, pool);
    return run_suite(suite);
}
