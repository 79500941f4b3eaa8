/* `ohmweave sweep`, `export` and `rerun` as a user runs them, and as a night treats them:
 * killed at any moment, out of time, memory and disk.  No finished point is lost or run twice.
 */
#define _GNU_SOURCE
#include "ow_run.h"

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>

#include "ow_sets.h"
#include "ow_store.h"
#include "ow_table.h"

#define N(table) ((int)(sizeof(table) / sizeof(table)[0]))

static const char small[] =
    "vmm: {weights: {random: [4, 2]}, inputs: {random: [6, 4], seed: 2}}\n"
    "device: {set: ow_benign, sigma_d2d: 0.05}\n"
    "sweep: {array.r_wordline: [0.5, 2, 5], seeds: 4}\n";

/* Some seconds in all, so that there is time to do something to it. */
static const char slow[] = "vmm: {weights: {random: [12, 6]}, inputs: {random: [20, 12]}}\n"
                           "device: {set: ow_benign, sigma_d2d: 0.05}\n"
                           "sweep: {array.r_wordline: [0.5, 2, 5], seeds: 4}\n";

static void set_up(void)
{
    enter_directory();
    put("small.yaml", small);
    put("slow.yaml", slow);
}

/* W [4][2]. */
static void put_table(const char *path)
{
    put(path, "0.5,-1\n0.25,0.75\n-0.3,0.1\n0.9,0.2\n");
}

/* A set of parameters as its file has it. */
static char *get_set(const char *name)
{
    const struct ow_set *set = ow_set_find(name);
    ck_assert_ptr_nonnull(set);
    return strdup(set->text);
}

/* One line on standard error that holds both; what would be run may have been said before. */
static void check_refusal_after_plan(struct outcome *o, const char *place, const char *word)
{
    free(o->out);
    o->out = strdup("");
    check_refusal(o, 2, place, word, NULL);
}

static void nap(double s)
{
    const struct timespec t = {.tv_sec = (time_t)s, .tv_nsec = (long)(1e9 * fmod(s, 1.0))};
    nanosleep(&t, NULL);
}

/* ---- looking into a store -------------------------------------------------------------- */

enum { MOST = 64 };

struct rows {
    size_t n, n_done;
    struct {
        enum ow_point_status status;
        int attempts, pass;
        double wall_s;
        int64_t seed, peak;
        char *result, *spec, *settings, *error;
    } row[MOST];
};

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static enum ow_status take_row(void *data, const struct ow_point_record *r,
                               struct ow_error *err)
{
    struct rows *rows = data;
    ck_assert_uint_lt(rows->n, MOST);
    ck_assert_uint_eq(r->id, rows->n); /* each number once */
    rows->row[rows->n].status = r->status;
    rows->row[rows->n].attempts = r->attempts;
    rows->row[rows->n].pass = r->pass;
    rows->row[rows->n].wall_s = r->wall_s;
    rows->row[rows->n].seed = r->seed;
    rows->row[rows->n].peak = r->peak_bytes;
    rows->row[rows->n].result = copy(r->result);
    rows->row[rows->n].spec = copy(r->spec);
    rows->row[rows->n].settings = copy(r->settings);
    rows->row[rows->n].error = copy(r->error);
    rows->n++;
    rows->n_done += r->status == OW_POINT_DONE;
    return OW_OK;
}

static struct rows read_rows(const char *path)
{
    struct rows rows = {0};
    struct ow_store *store;
    struct ow_error err = {0};
    const struct ow_store_query all = {.with_result = true, .with_spec = true};
    ck_assert_ok(ow_store_open(path, OW_STORE_READ, &store, &err), err);
    ck_assert_ok(ow_store_each(store, &all, take_row, &rows, &err), err);
    ow_store_close(store);
    return rows;
}

static void rows_finish(struct rows *rows)
{
    for (size_t k = 0; k < rows->n; k++) {
        free(rows->row[k].result);
        free(rows->row[k].spec);
        free(rows->row[k].settings);
        free(rows->row[k].error);
    }
}

/* A result without what a clock has said. */
static char *without_times(const char *result)
{
    json_t *json = parse_json(result);
    json_t *solver = json_object_get(json, "solver");
    json_object_del(solver, "wall_s");
    json_object_del(solver, "setup_s");
    json_object_del(solver, "control_wall_s");
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    json_decref(json);
    return text;
}

static void check_same(const struct rows *a, const struct rows *b)
{
    ck_assert_uint_eq(a->n, b->n);
    for (size_t k = 0; k < a->n; k++) {
        ck_assert_int_eq(a->row[k].status, OW_POINT_DONE);
        ck_assert_int_eq(b->row[k].status, OW_POINT_DONE);
        char *x = without_times(a->row[k].result), *y = without_times(b->row[k].result);
        ck_assert_str_eq(x, y);
        ck_assert_str_eq(a->row[k].spec, b->row[k].spec);
        free(x);
        free(y);
    }
}

static void sweep(const char *arguments, int code)
{
    struct outcome o = run("ohmweave sweep %s", arguments);
    ck_assert_msg(o.code == code, "sweep %s: exit code %d, expected %d: %s", arguments, o.code,
                  code, o.err);
    outcome_finish(&o);
}

/* ---- what comes out --------------------------------------------------------------------- */

START_TEST(test_points_are_those_of_vmm)
{
    sweep("small.yaml --store s.db --jobs 2", 0);
    struct rows rows = read_rows("s.db");
    ck_assert_uint_eq(rows.n, 12);
    put("point.yaml",
        "vmm: {weights: {random: [4, 2], seed: 1}, inputs: {random: [6, 4], seed: "
        "2}}\ndevice: {set: ow_benign, sigma_d2d: 0.05}\n");
    for (size_t k = 0; k < rows.n; k += 5) {
        static const char *const r[] = {"0.5", "2", "5"};
        struct outcome o = run("ohmweave vmm point.yaml --set seed=%zu --set "
                               "array.r_wordline=%s --json -",
                               1 + k % 4, r[k / 4]);
        check_stands(&o);
        json_t *here = parse_json(o.out), *there = parse_json(rows.row[k].result);
        ck_assert_close(number_at(here, "energy.per_mac"), number_at(there, "energy.per_mac"),
                        1e-14, 0.0);
        ck_assert_close(number_at(here, "accuracy.raw.total.csnr_db"),
                        number_at(there, "accuracy.raw.total.csnr_db"), 1e-13, 0.0);
        ck_assert_int_eq((int)rows.row[k].seed, (int)(1 + k % 4));
        ck_assert(rows.row[k].wall_s > 0.0 && rows.row[k].peak > 1000000);
        ck_assert_int_eq(rows.row[k].attempts, 1);
        json_decref(here);
        json_decref(there);
        outcome_finish(&o);
    }
    rows_finish(&rows);
}
END_TEST

START_TEST(test_jobs_and_order_change_nothing)
{
    sweep("small.yaml --store a.db --jobs 1", 0);
    sweep("small.yaml --store b.db --jobs 5", 0);
    struct rows a = read_rows("a.db"), b = read_rows("b.db");
    check_same(&a, &b);
    char *first = without_times(a.row[0].result), *second = without_times(a.row[1].result);
    ck_assert_str_ne(first, second); /* seeds do spread devices */
    free(first);
    free(second);
    rows_finish(&a);
    rows_finish(&b);
}
END_TEST

START_TEST(test_table_json_and_dry_run)
{
    struct outcome o = run("ohmweave sweep small.yaml --dry-run");
    check_stands(&o);
    ck_assert_ptr_nonnull(strstr(o.out, "12 points = 3 array.r_wordline x 4 seed"));
    outcome_finish(&o);
    o = run("ohmweave sweep small.yaml --store s.db");
    check_stands(&o);
    ck_assert_ptr_nonnull(strstr(o.out, "12 points done (s.db)"));
    ck_assert_ptr_nonnull(strstr(o.out, "4/4")); /* a line for all seeds: medians */
    ck_assert_ptr_nonnull(strstr(o.out, "ENOB min"));
    json_t *result[4]; /* of the first line */
    struct rows rows = read_rows("s.db");
    double csnr[4];
    for (int k = 0; k < 4; k++) {
        result[k] = parse_json(rows.row[k].result);
        csnr[k] = number_at(result[k], "accuracy.raw.total.csnr_db");
        json_decref(result[k]);
    }
    double sum = 0.0, least = csnr[0], most = csnr[0];
    for (int k = 0; k < 4; k++) {
        sum += csnr[k];
        least = fmin(least, csnr[k]);
        most = fmax(most, csnr[k]);
    }
    char median[32];
    snprintf(median, sizeof median, "       0.5%10.1f", 0.5 * (sum - least - most));
    ck_assert_msg(strstr(o.out, median) != NULL, "no '%s' in %s", median, o.out);
    rows_finish(&rows);
    outcome_finish(&o);
    o = run("ohmweave sweep small.yaml --store s.db --resume --json -");
    check_stands(&o);
    json_t *json = parse_json(o.out);
    ck_assert_double_eq(number_at(json, "count.done"), 12.0);
    const json_t *point = json_array_get(json_object_get(json, "points"), 7);
    const json_t *settings = json_object_get(point, "settings");
    ck_assert_double_eq(json_number_value(json_object_get(settings, "array.r_wordline")), 2.0);
    ck_assert_double_eq(json_number_value(json_object_get(settings, "seed")), 4.0);
    json_decref(json);
    outcome_finish(&o);
}
END_TEST

START_TEST(test_limits_decide_the_exit_code)
{
    static const struct {
        const char *limits;
        int code, pass;
    } row[] = {{"{accuracy.raw.rel_l2: {max: 1}}", 0, 1},
               {"{energy.per_mac: {max: 1a}}", 2, -1},
               {"{energy.per_mac: {max: 1e-18}}", 1, 0}};
    for (int k = 0; k < N(row); k++) {
        char name[20], arguments[200];
        snprintf(name, sizeof name, "s%d.db", k);
        FILE *f = fopen("limited.yaml", "wb");
        fprintf(f, "%slimits: %s\n", small, row[k].limits);
        fclose(f);
        snprintf(arguments, sizeof arguments, "limited.yaml --store %s", name);
        sweep(arguments, row[k].code);
        if (row[k].code == 2) {
            ck_assert_int_ne(access(name, F_OK), 0); /* nothing was begun */
            continue;
        }
        struct rows rows = read_rows(name);
        for (size_t p = 0; p < rows.n; p++)
            ck_assert_int_eq(rows.row[p].pass, row[k].pass);
        rows_finish(&rows);
    }
}
END_TEST

START_TEST(test_export_and_rerun)
{
    sweep("small.yaml --store s.db", 0);
    struct outcome o =
        run("ohmweave export s.db --csv t.csv --npy out --figure energy.per_mac");
    check_stands(&o);
    outcome_finish(&o);
    struct rows rows = read_rows("s.db");
    struct ow_error err = {0};
    struct ow_matrix energy, wire;
    ck_assert_ok(ow_table_load("out/energy.per_mac.npy", &energy, &err), err);
    ck_assert_ok(ow_table_load("out/array.r_wordline.npy", &wire, &err), err);
    ck_assert_uint_eq(energy.rows, 12);
    char *csv = get("t.csv", NULL), *line = csv, *rest;
    line = strtok_r(csv, "\r\n", &rest);
    ck_assert_str_eq(line, "point,status,array.r_wordline,seed,pass,attempts,wall_s,cpu_s,"
                           "peak_bytes,error,energy.per_mac");
    for (size_t k = 0; k < 12; k++) {
        static const double r[] = {0.5, 2.0, 5.0};
        json_t *result = parse_json(rows.row[k].result);
        ck_assert_double_eq(energy.a[k], number_at(result, "energy.per_mac"));
        ck_assert_double_eq(wire.a[k], r[k / 4]);
        line = strtok_r(NULL, "\r\n", &rest);
        ck_assert_ptr_nonnull(line);
        ck_assert_double_eq(strtod(strrchr(line, ',') + 1, NULL), energy.a[k]);
        json_decref(result);
    }
    ck_assert_ptr_null(strtok_r(NULL, "\r\n", &rest));
    free(csv);
    ow_matrix_finish(&energy);
    ow_matrix_finish(&wire);
    rows_finish(&rows);
    o = run("ohmweave rerun s.db 7");
    check_stands(&o);
    ck_assert_ptr_nonnull(strstr(o.out, "figures to the last bit"));
    outcome_finish(&o);
    o = run("ohmweave rerun s.db 12");
    check_refusal(&o, 2, "s.db: ", "no point 12", NULL);
    o = run("ohmweave rerun s.db -- -1");
    check_refusal(&o, 2, "'-1'", "number of a point", NULL);
    o = run("ohmweave export none.db");
    check_refusal(&o, 2, "none.db: ", "No such file", NULL);
    o = run("ohmweave export s.db --figure energy.per_mack");
    check_refusal(&o, 2, "--figure=energy.per_mack", "no such figure", NULL);
    o = run("ohmweave export s.db --csv s.db");
    check_refusal(&o, 2, "s.db: ", "is read by this command", NULL);
    o = run("ohmweave rerun s.db 7 --json s.db");
    check_refusal(&o, 2, "s.db: ", "is read by this command", NULL);
    o = run("ohmweave sweep small.yaml --store s.db --resume --json s.db");
    check_refusal(&o, 2, "s.db: ", "is read by this command", NULL);
    rows = read_rows("s.db");
    ck_assert_uint_eq(rows.n, 12);
    rows_finish(&rows);
}
END_TEST

/* ---- stores and specifications that do not fit --------------------------------------------
 */

START_TEST(test_only_the_same_sweep_resumes)
{
    put_table("w.csv");
    put("f.yaml", "vmm: {weights: w.csv, inputs: {random: [6, 4]}}\ndevice: {set: ow_benign}\n"
                  "sweep: {array.r_wordline: [0.5, 2]}\n");
    sweep("f.yaml --store s.db", 0);
    struct outcome o = run("ohmweave sweep f.yaml --store s.db");
    check_refusal_after_plan(&o, "s.db: ", "--resume");
    o = run("ohmweave sweep f.yaml --store s.db --resume --set input.v_read=0.1");
    check_refusal_after_plan(&o, "f.yaml: ", "specification is another");
    o = run("ohmweave sweep f.yaml --store s.db --resume --set sweep.array.r_wordline=[0.5,3]");
    check_refusal_after_plan(&o, "f.yaml: ", "sweep is another");
    put("w.csv", "1,2\n3,4\n5,6\n7,9\n");
    o = run("ohmweave sweep f.yaml --store s.db --resume");
    check_refusal_after_plan(&o, "f.yaml: ", "input file has changed");
    o = run("ohmweave rerun s.db 0");
    ck_assert_int_eq(o.code, 1); /* other weights: other figures, and why */
    ck_assert_ptr_nonnull(strstr(o.err, "w.csv: has changed"));
    ck_assert_ptr_nonnull(strstr(o.err, "figures differ"));
    outcome_finish(&o);
    o = run("ohmweave sweep f.yaml --store f.yaml --resume");
    check_refusal_after_plan(&o, "f.yaml: ", "no store");
    o = run("ohmweave sweep small.yaml --store /none/s.db");
    check_refusal_after_plan(&o, "/none/s.db", "No such file");
    o = run("ohmweave sweep small.yaml --store=");
    check_refusal_after_plan(&o, "a store without a name", "expected a file");
    o = run("ohmweave sweep small.yaml --store :memory:"); /* SQLite would forget it */
    check_refusal_after_plan(&o, ":memory:: ", "expected a file");
    o = run("ohmweave sweep small.yaml --store .");
    check_refusal_after_plan(&o, ".: ", "expected a file");
    o = run("ohmweave export .");
    check_refusal(&o, 2, ".: ", "expected a file", NULL);
    o = run("ohmweave sweep small.yaml --store /none/s.db");
    check_refusal_after_plan(&o, "/none/s.db", "No such file");
    o = run("ohmweave sweep small.yaml");
    ck_assert_int_eq(o.code, 2);
    outcome_finish(&o);
    o = run("ohmweave vmm small.yaml");
    check_refusal(&o, 2, "small.yaml:3:9: ", "ohmweave sweep", NULL);
    put("p.yaml", "vmm: {weights: w.csv, inputs: {random: [6, 4]}}\ndevice: {set: ow_benign}\n"
                  "program: {pulses: {v_set: -1, v_reset: 1, t_width: 1n}}\n"
                  "sweep: {array.r_wordline: [0.5, 2]}\n");
    o = run("ohmweave sweep p.yaml --store p.db"); /* not point by point */
    check_refusal(&o, 2, "p.yaml:3:27: ", "`ohmweave sweep` would ignore the section program",
                  NULL);
}
END_TEST

/* ---- a bad night ---------------------------------------------------------------------------
 */

static pid_t start_sweep(const char *arguments)
{
    char line[300];
    snprintf(line, sizeof line, "ohmweave sweep %s", arguments);
    return start(line, ".out", ".err");
}

static size_t count_done(const char *path)
{
    struct ow_store *store;
    size_t count[OW_N_POINT_STATUS];
    if (ow_store_open(path, OW_STORE_READ, &store, NULL))
        return 0; /* not begun yet */
    const enum ow_status st = ow_store_count(store, count, NULL);
    ow_store_close(store);
    return st ? 0 : count[OW_POINT_DONE];
}

/* Until the store has n points, for at most a minute. */
static void await(const char *path, size_t n)
{
    for (int k = 0; k < 6000 && count_done(path) < n; k++)
        nap(0.01);
    ck_assert_uint_ge(count_done(path), n);
}

/* Killed again and again, at moments that depend on everything; what was done stays done. */
START_TEST(test_kill_at_any_moment)
{
    size_t done = 0;
    int n_killed = 0;
    for (int k = 0; k < 40; k++) {
        const pid_t pid = start_sweep(k == 0 ? "slow.yaml --store s.db --jobs 2"
                                             : "slow.yaml --store s.db --jobs 2 --resume");
        nap(0.05 + 0.04 * (k % 7));
        kill(pid, SIGKILL);
        const int code = wait_for(pid);
        n_killed += code == 128 + SIGKILL;
        const size_t now = count_done("s.db");
        ck_assert_uint_ge(now, done);
        done = now;
        if (code == 0)
            break;
        if (k == 0 && now == 0 && access("s.db", F_OK) != 0)
            k = -1; /* before it had begun: once more */
    }
    ck_assert_int_gt(n_killed, 0);
    sweep("slow.yaml --store s.db --resume", 0); /* also if it was killed while it made it */
    sweep("slow.yaml --store whole.db", 0);
    struct rows a = read_rows("s.db"), b = read_rows("whole.db");
    check_same(&a, &b);
    for (size_t k = 0; k < a.n; k++)
        ck_assert_int_eq(a.row[k].attempts, 1); /* a point that was cut short is no attempt */
    rows_finish(&a);
    rows_finish(&b);
}
END_TEST

/* Killed before it had written anything into it: a database without tables. */
START_TEST(test_a_blank_store_is_a_new_one)
{
    static const char *const arguments[] = {"small.yaml --store s0.db",
                                            "small.yaml --store s1.db --resume"};
    for (int k = 0; k < N(arguments); k++) {
        sqlite3 *db;
        char name[] = "s0.db";
        name[1] = (char)('0' + k);
        ck_assert_int_eq(sqlite3_open(name, &db), SQLITE_OK);
        sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA user_version = 0", NULL, NULL,
                     NULL);
        sqlite3_close(db);
        ck_assert_int_eq(access(name, F_OK), 0);
        sweep(arguments[k], 0);
    }
}
END_TEST

START_TEST(test_interrupt_keeps_what_is_done)
{
    const pid_t pid = start_sweep("slow.yaml --store s.db --jobs 2");
    await("s.db", 3);
    kill(pid, SIGINT);
    ck_assert_int_eq(wait_for(pid), 1);
    char *err = get(".err", NULL);
    ck_assert_ptr_nonnull(strstr(err, "cancelled"));
    ck_assert_ptr_nonnull(strstr(err, "--resume"));
    free(err);
    struct rows rows = read_rows("s.db");
    ck_assert_uint_ge(rows.n_done, 3);
    ck_assert_uint_lt(rows.n_done, rows.n);
    rows_finish(&rows);
    ck_assert_int_eq(count_files(".", "s.db-"), 0); /* an orderly end leaves one file */
    sweep("slow.yaml --store s.db --resume", 0);
}
END_TEST

/* The processes that a process has made. */
static pid_t child_of(pid_t pid, int which)
{
    char path[100];
    int child = 0;
    for (int k = 0; k < 1000; k++, nap(0.01)) {
        snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
        FILE *f = fopen(path, "r");
        int n = 0;
        while (f && fscanf(f, "%d", &child) == 1 && n < which)
            n++;
        if (f)
            fclose(f);
        if (child > 0 && n == which)
            return child;
    }
    ck_abort_msg("no worker");
}

/* As `pkill -INT ohmweave` or a batch system does: everyone gets it, and no point is blamed. */
START_TEST(test_interrupt_of_all_processes)
{
    const pid_t pid = start_sweep("slow.yaml --store s.db --jobs 2");
    await("s.db", 1);
    kill(child_of(pid, 0), SIGTERM);
    kill(child_of(pid, 1), SIGINT);
    nap(0.1);
    kill(pid, SIGTERM);
    ck_assert_int_eq(wait_for(pid), 1);
    struct rows rows = read_rows("s.db");
    for (size_t k = 0; k < rows.n; k++)
        ck_assert_msg(rows.row[k].status == OW_POINT_DONE ||
                          rows.row[k].status == OW_POINT_OPEN,
                      "point %zu: %s", k, rows.row[k].error);
    rows_finish(&rows);
}
END_TEST

START_TEST(test_a_crash_costs_one_point)
{
    const pid_t pid = start_sweep("slow.yaml --store s.db --jobs 2");
    await("s.db", 2);
    kill(child_of(pid, 0), SIGKILL); /* what no sanitizer makes something else of */
    ck_assert_int_eq(wait_for(pid), 1);
    struct rows rows = read_rows("s.db");
    ck_assert_uint_eq(rows.n_done, rows.n - 1);
    for (size_t k = 0; k < rows.n; k++)
        if (rows.row[k].status != OW_POINT_DONE) {
            ck_assert_int_eq(rows.row[k].status, OW_POINT_CRASHED);
            ck_assert_ptr_nonnull(strstr(rows.row[k].error, "Killed"));
            ck_assert_ptr_nonnull(rows.row[k].spec); /* so that it can be looked into */
        }
    rows_finish(&rows);
    sweep("slow.yaml --store s.db --resume", 0);
    sweep("slow.yaml --store whole.db", 0);
    struct rows a = read_rows("s.db"), b = read_rows("whole.db");
    check_same(&a, &b);
    rows_finish(&a);
    rows_finish(&b);
}
END_TEST

START_TEST(test_a_hang_costs_one_point)
{
    put("many.yaml", "vmm: {weights: {random: [4, 2]}, inputs: {random: [6, 4], seed: 2}}\n"
                     "device: {set: ow_benign, sigma_d2d: 0.05}\n"
                     "sweep: {array.r_wordline: [0.5, 2, 5], seeds: 20}\n");
    const pid_t pid = start_sweep("many.yaml --store s.db --jobs 2 --timeout 6");
    await("s.db", 2);
    kill(child_of(pid, 0), SIGSTOP); /* it will answer no more */
    ck_assert_int_eq(wait_for(pid), 1);
    struct rows rows = read_rows("s.db");
    ck_assert_uint_eq(rows.n_done, rows.n - 1);
    for (size_t k = 0; k < rows.n; k++)
        if (rows.row[k].status != OW_POINT_DONE) {
            ck_assert_int_eq(rows.row[k].status, OW_POINT_TIMEOUT);
            ck_assert(rows.row[k].wall_s >= 6.0);
        }
    rows_finish(&rows);
    sweep("many.yaml --store s.db --resume", 0);
    rows = read_rows("s.db");
    ck_assert_uint_eq(rows.n_done, rows.n);
    rows_finish(&rows);
}
END_TEST

/* A limit of this process that the program inherits. */
static void limit(int resource, rlim_t value, struct rlimit *was)
{
    getrlimit(resource, was);
    const struct rlimit now = {.rlim_cur = value, .rlim_max = was->rlim_max};
    ck_assert_int_eq(setrlimit(resource, &now), 0);
}

START_TEST(test_lack_of_memory_costs_those_points)
{
    struct rlimit was;
    put("big.yaml", "vmm: {inputs: {random: [3, 1]}}\ndevice: {set: ow_benign}\n"
                    "sweep: {size: [4, 700, 8]}\nengine: {name: dc}\n");
    const pid_t probe = fork();
    if (probe == 0) {
        limit(RLIMIT_DATA, 48 << 20, &was);
        _exit(wait_for(start_sweep("big.yaml --store s.db --memory 0")));
    }
    ck_assert_int_eq(wait_for(probe), 1);
    struct rows rows = read_rows("s.db");
    ck_assert_int_eq(rows.row[0].status, OW_POINT_DONE);
    ck_assert_int_eq(rows.row[1].status, OW_POINT_MEMORY);
    ck_assert_ptr_nonnull(strstr(rows.row[1].error, "out of memory"));
    ck_assert_int_eq(rows.row[2].status, OW_POINT_DONE);
    rows_finish(&rows);
    struct outcome o = run("ohmweave sweep big.yaml --store t.db --memory 20meg");
    check_refusal_after_plan(&o, "point 1, an array of 700 x 700", "array.tile");
}
END_TEST

/* A file that may not grow stands for a disk that is full. */
START_TEST(test_a_full_disk_loses_nothing)
{
    struct rlimit was;
    const pid_t probe = fork();
    if (probe == 0) {
        limit(RLIMIT_FSIZE, 80000, &was); /* the signal that goes with it is the program's */
        _exit(wait_for(start_sweep("slow.yaml --store s.db")));
    }
    ck_assert_int_eq(wait_for(probe), 1);
    char *err = get(".err", NULL);
    ck_assert_ptr_nonnull(strstr(err, "ohmweave: s.db: "));
    ck_assert_ptr_nonnull(strstr(err, "--resume"));
    free(err);
    struct rows rows = read_rows("s.db");
    ck_assert_uint_gt(rows.n_done, 0);
    ck_assert_uint_lt(rows.n_done, rows.n);
    rows_finish(&rows);
    sweep("slow.yaml --store s.db --resume", 0);
    sweep("slow.yaml --store whole.db", 0);
    struct rows a = read_rows("s.db"), b = read_rows("whole.db");
    check_same(&a, &b);
    rows_finish(&a);
    rows_finish(&b);
}
END_TEST

START_TEST(test_points_that_fail_are_tried_again)
{
    put("f.yaml", "vmm: {weights: {random: [4, 2]}, inputs: {random: [6, 4]}}\n"
                  "device: {set: ow_benign}\nsweep: {device.g_max: [100u, 1]}\n");
    for (int k = 1; k <= 2; k++) {
        sweep(k == 1 ? "f.yaml --store s.db" : "f.yaml --store s.db --resume", 1);
        struct rows rows = read_rows("s.db");
        ck_assert_int_eq(rows.row[0].status, OW_POINT_DONE);
        ck_assert_int_eq(rows.row[0].attempts, 1);
        ck_assert_int_eq(rows.row[1].status, OW_POINT_FAILED);
        ck_assert_int_eq(rows.row[1].attempts, k);
        ck_assert_ptr_nonnull(strstr(rows.row[1].error, "f.yaml:3:30: device.g_max"));
        rows_finish(&rows);
    }
    struct outcome o = run("ohmweave rerun s.db 1");
    ck_assert_int_eq(o.code, 2);
    ck_assert_ptr_nonnull(strstr(o.err, "device.g_max"));
    outcome_finish(&o);
}
END_TEST

/* ---- names are data
 * -------------------------------------------------------------------------- */

START_TEST(test_names_are_data)
{
    static const char name[] =
        "it's \"a\" set'); DROP TABLE point;-- $(touch hit) `touch hit`.inc";
    char *set = get_set("ow_benign"), text[600];
    put(name, set);
    free(set);
    snprintf(text, sizeof text,
             "vmm: {weights: {random: [4, 2]}, inputs: {random: [6, 4]}}\n"
             "sweep:\n  device.set: ['%s', ow_benign]\n",
             "it''s \"a\" set''); DROP TABLE point;-- $(touch hit) `touch hit`.inc");
    put("names.yaml", text);
    sweep("names.yaml --store s'`$(touch.db", 0);
    struct rows rows = read_rows("s'`$(touch.db");
    ck_assert_uint_eq(rows.n_done, 2);
    json_t *settings = parse_json(rows.row[0].settings);
    ck_assert_str_eq(json_string_value(json_object_get(settings, "device.set")), name);
    json_decref(settings);
    char *a = without_times(rows.row[0].result), *b = without_times(rows.row[1].result);
    ck_assert_str_eq(a, b);
    free(a);
    free(b);
    rows_finish(&rows);
    struct outcome o = run("ohmweave rerun s'`$(touch.db 0");
    check_stands(&o);
    outcome_finish(&o);
    o = run("ohmweave export s'`$(touch.db --figure energy.total");
    check_stands(&o);
    ck_assert_ptr_nonnull(strstr(o.out,
                                 "\"it's \"\"a\"\" set'); DROP TABLE point;-- $(touch hit) "
                                 "`touch hit`.inc\""));
    outcome_finish(&o);
    ck_assert_int_ne(access("hit", F_OK), 0);
}
END_TEST

/* A path beside the specification, whatever the directory; an override's is the shell's. */
START_TEST(test_swept_paths_are_the_specifications)
{
    ck_assert_int_eq(mkdir("sub", 0777), 0);
    put_table("sub/w.csv");
    put_table("v.csv");
    put("sub/f.yaml", "vmm: {weights: w.csv, inputs: {random: [6, 4]}}\n"
                      "device: {set: ow_benign}\nsweep: {vmm.weights: [w.csv]}\n");
    sweep("sub/f.yaml --store s.db", 0);
    sweep("sub/f.yaml --store t.db --set sweep.vmm.weights=[v.csv,w.csv]", 2);
    sweep("sub/f.yaml --store t.db --set sweep.vmm.weights=[v.csv,sub/w.csv]", 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch");
    TCase *answer = tcase_create("answer");
    tcase_set_timeout(answer, 200);
    tcase_add_checked_fixture(answer, set_up, leave_directory);
    tcase_add_test(answer, test_points_are_those_of_vmm);
    tcase_add_test(answer, test_jobs_and_order_change_nothing);
    tcase_add_test(answer, test_table_json_and_dry_run);
    tcase_add_test(answer, test_limits_decide_the_exit_code);
    tcase_add_test(answer, test_export_and_rerun);
    tcase_add_test(answer, test_only_the_same_sweep_resumes);
    tcase_add_test(answer, test_names_are_data);
    tcase_add_test(answer, test_swept_paths_are_the_specifications);
    suite_add_tcase(suite, answer);
    TCase *night = tcase_create("night");
    tcase_set_timeout(night, 300);
    tcase_add_checked_fixture(night, set_up, leave_directory);
    tcase_add_test(night, test_kill_at_any_moment);
    tcase_add_test(night, test_a_blank_store_is_a_new_one);
    tcase_add_test(night, test_interrupt_keeps_what_is_done);
    tcase_add_test(night, test_interrupt_of_all_processes);
    tcase_add_test(night, test_a_crash_costs_one_point);
    tcase_add_test(night, test_a_hang_costs_one_point);
    if (!getenv("OW_SHADOW"))
        tcase_add_test(night, test_lack_of_memory_costs_those_points);
    tcase_add_test(night, test_a_full_disk_loses_nothing);
    tcase_add_test(night, test_points_that_fail_are_tried_again);
    suite_add_tcase(suite, night);
    return run_suite(suite);
}
