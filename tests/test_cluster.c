/* Sweeps on a cluster, without one: chunks and lists, other programs, the rounds of an array
 * with a scheduler that loses what a test wants it to, and the program with an sbatch and an
 * squeue that are scripts of the test.  check_slurm.py has a real Slurm.
 *
 * Environment, set by meson: OW_PROGRAM is the program. */
#define _GNU_SOURCE
#include "ow_run.h"

#include <sqlite3.h>
#include <time.h>

#include "ow_chunks.h"
#include "ow_cluster.h"
#include "ow_command.h"
#include "ow_shard.h"

#define N(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* Three points an axis, each some milliseconds. */
#define SWEEP                                                                                  \
    "vmm: {weights: {random: [4, 2], seed: 1}, inputs: {random: [6, 4], seed: 2}}\n"           \
    "device: {set: ow_benign}\n"                                                               \
    "engine: {name: dc}\n"                                                                     \
    "sweep: {array.r_wordline: [0.5, 1, 2], seeds: 4}\n"
enum { N_POINT = 12 };

/* ---- chunks ---------------------------------------------------------------------------- */

START_TEST(test_chunks_are_a_partition_of_equal_cost)
{
    enum { N_CARD = 1003, N_CHUNK = 7 };
    size_t point[N_CARD], seen[2 * N_CARD] = {0};
    double seconds[N_CARD], sum[N_CHUNK] = {0.0}, all = 0.0;
    struct ow_chunks c;
    struct ow_error err = {0};
    for (size_t k = 0; k < N_CARD; k++) {
        point[k] = 2 * k + 1;
        all += seconds[k] = 0.1 + (double)(k % 31 * (k % 31)); /* sizes differ 1:9000 */
    }
    ck_assert_ok(ow_chunks_cut(point, seconds, N_CARD, N_CHUNK, &c, &err), err);
    ck_assert_uint_eq(c.n, N_CHUNK);
    ck_assert_uint_eq(c.begin[0], 0);
    ck_assert_uint_eq(c.begin[N_CHUNK], N_CARD);
    for (size_t j = 0; j < N_CHUNK; j++)
        for (size_t k = c.begin[j]; k < c.begin[j + 1]; k++) {
            ck_assert(k == c.begin[j] || c.point[k] > c.point[k - 1]);
            ck_assert_uint_lt(c.point[k], 2 * N_CARD);
            ck_assert_uint_eq(seen[c.point[k]]++, 0);
            sum[j] += seconds[c.point[k] / 2];
        }
    for (size_t k = 0; k < N_CARD; k++)
        ck_assert_uint_eq(seen[point[k]], 1);
    /* no two chunks differ by more than one card, the largest of which costs 900 of 39,000 */
    for (size_t j = 0; j < N_CHUNK; j++)
        ck_assert_close(sum[j], all / N_CHUNK, 0.03, 0.0);
    ow_chunks_finish(&c);
}
END_TEST

START_TEST(test_tasks_have_half_a_minute_and_are_hundreds)
{
    ck_assert_uint_eq(ow_chunks_number(3.0, 1000, 1), 1);
    ck_assert_uint_eq(ow_chunks_number(100.0, 1000, 1), 3);
    ck_assert_uint_eq(ow_chunks_number(100.0, 2, 1), 2);
    ck_assert_uint_eq(ow_chunks_number(1e4, 1000, 4), 83);
    ck_assert_uint_eq(ow_chunks_number(1e9, 100000, 1), 300);
}
END_TEST

/* ---- lists of points ------------------------------------------------------------------- */

START_TEST(test_lists_of_points_come_back_sorted_and_once)
{
    static const size_t list[] = {12, 3, 99, 3, 0};
    static const size_t sorted[] = {0, 3, 12, 99};
    size_t *point, n;
    struct ow_error err = {0};
    ck_assert_ok(ow_points_write("list", list, 5, &err), err);
    ck_assert_ok(ow_points_read("list", 100, &point, &n, &err), err);
    ck_assert_uint_eq(n, 4);
    ck_assert_mem_eq(point, sorted, sizeof sorted);
    free(point);
}
END_TEST

START_TEST(test_what_is_no_list_is_refused_with_its_line)
{
    static const struct {
        const char *text, *place;
    } bad[] = {{"1\n2\n100\n", "list:3: '100'"},
               {"1\n-2\n", "list:2: '-2'"},
               {"1\n\n2\n", "list:2: ''"},
               {"7 \n", "list:1: '7 '"},
               {"99999999999999999999999\n", "list:1: '99"},
               {"", "list: expected"}};
    size_t *point, n;
    for (int k = 0; k < N(bad); k++) {
        struct ow_error err = {0};
        put("list", bad[k].text);
        ck_assert_int_eq(ow_points_read("list", 100, &point, &n, &err), OW_ERR_INPUT);
        ck_assert_msg(strncmp(err.text, bad[k].place, strlen(bad[k].place)) == 0, "%s",
                      err.text);
    }
}
END_TEST

/* ---- other programs -------------------------------------------------------------------- */

START_TEST(test_words_reach_a_program_as_they_are)
{
    const char *const word[] = {"printf", "%s|%s|%s", "a b'\"", "$(touch no)`touch no`\n*",
                                "",       NULL};
    struct ow_command_answer a;
    struct ow_error err = {0};
    ck_assert_ok(ow_command_run(word, NULL, 60.0, &a, &err), err);
    ck_assert_int_eq(a.code, 0);
    ck_assert_str_eq(a.out, "a b'\"|$(touch no)`touch no`\n*|");
    ck_assert_str_eq(a.err, "");
    ow_command_answer_finish(&a);
    ck_assert_int_eq(count_files(".", "no"), 0);
}
END_TEST

START_TEST(test_what_a_program_says_and_how_it_ends)
{
    const char *const word[] = {"sh", "-c", "echo \"$A $B\"; echo no >&2; exit 3", NULL};
    const char *const killed[] = {"sh", "-c", "kill -9 $$", NULL};
    const char *const without[] = {"A=", NULL};
    struct ow_command_answer a;
    struct ow_error err = {0};
    setenv("A", "1", 1);
    setenv("B", "2", 1);
    ck_assert_ok(ow_command_run(word, without, 60.0, &a, &err), err);
    ck_assert_int_eq(a.code, 3);
    ck_assert_str_eq(a.out, " 2\n");
    ck_assert_str_eq(a.err, "no\n");
    ow_command_answer_finish(&a);
    ck_assert_ok(ow_command_run(killed, NULL, 60.0, &a, &err), err);
    ck_assert_int_eq(a.code, 128 + SIGKILL);
    ow_command_answer_finish(&a);
}
END_TEST

START_TEST(test_a_program_that_is_missing_or_hangs_is_an_error)
{
    const char *const missing[] = {"no-such-program-here", NULL};
    const char *const hangs[] = {"sh", "-c", "sleep 100 & sleep 100", NULL};
    struct ow_command_answer a;
    struct ow_error err = {0};
    if (ow_command_run(missing, NULL, 60.0, &a, &err) == OW_OK) { /* valgrind, see the header */
        ck_assert_int_eq(a.code, 127);
        ow_command_answer_finish(&a);
    } else
        ck_assert_ptr_nonnull(strstr(err.text, "no-such-program-here: No such file"));
    ck_assert_int_eq(ow_command_run(hangs, NULL, 0.2, &a, &err), OW_ERR_HOST);
    ck_assert_ptr_nonnull(strstr(err.text, "no answer within 0.2 s"));
}
END_TEST

START_TEST(test_many_lines_become_one)
{
    char line[40];
    ck_assert_str_eq(ow_command_line("x: error: no\x1b[2J\nx: error: never\n",
                                     "x: error: ", line, sizeof line),
                     "no?[2J; never");
    ck_assert_str_eq(ow_command_line("12345", "", line, 4), "123");
}
END_TEST

/* ---- a scheduler that loses things ----------------------------------------------------- */

/* Tasks run at once, in submit(), but for those that the test wants lost. */
static struct {
    int n_submitted;
    size_t n_task;        /* of the last array                                    */
    unsigned lost[8];     /* of each submission, which tasks are lost: bits       */
    bool is_refusing;     /* submit() fails                                       */
    bool is_cancelled;    /* somebody has cancelled the lost ones                 */
    int busy_looks;       /* so often look() finds the array in the queue still   */
    int n_look, n_silent; /* and so often it does not answer                      */
    char name[40];
} fake;

static volatile sig_atomic_t cancel;

static enum ow_status fake_submit(const struct ow_scheduler_array *a, char id[OW_SCHEDULER_ID],
                                  struct ow_error *err)
{
    if (fake.is_refusing)
        return ow_fail(err, OW_ERR_HOST, "sbatch: no such partition");
    for (size_t k = 0; k < a->n_task; k++) {
        char number[32];
        snprintf(number, sizeof number, "%zu", k);
        setenv("FAKE_TASK", number, 1);
        const char *const word[] = {"sh", a->script, NULL};
        struct ow_command_answer answer;
        if (fake.lost[fake.n_submitted] >> k & 1)
            continue;
        ck_assert_ok(ow_command_run(word, NULL, 60.0, &answer, err), *err);
        ck_assert_msg(answer.err[0] == '\0', "%s", answer.err);
        ow_command_answer_finish(&answer);
    }
    fake.n_submitted++;
    fake.n_task = a->n_task;
    strcpy(fake.name, a->name);
    strcpy(id, "77");
    return OW_OK;
}

static enum ow_status fake_look(const char *name, const char *id,
                                struct ow_scheduler_state *out, struct ow_error *err)
{
    ck_assert_str_eq(name, fake.name);
    *out = (struct ow_scheduler_state){0};
    if (fake.n_silent > 0) {
        fake.n_silent--;
        return ow_fail(err, OW_ERR_HOST, "squeue: no answer");
    }
    if (fake.n_look++ < fake.busy_looks) {
        out->n_running = 1;
        strcpy(out->id, "77");
    }
    out->n_cancelled = fake.is_cancelled;
    return OW_OK;
}

static const struct ow_scheduler fake_scheduler = {.name = "fake",
                                                   .preamble = "task=$FAKE_TASK\nmemory=\n",
                                                   .cancel = "fakecancel",
                                                   .submit = fake_submit,
                                                   .look = fake_look};

struct front {
    struct ow_spec outline;
    struct ow_plan plan;
    struct ow_limits limits;
    struct ow_sweep_cost cost;
    struct ow_store *store;
    struct ow_cluster_options o;
    char said[4000];
};

static void hear(void *data, const char *line)
{
    struct front *f = data;
    strncat(f->said, line, sizeof f->said - strlen(f->said) - 1);
    strncat(f->said, "\n", sizeof f->said - strlen(f->said) - 1);
}

static void front_init(struct front *f, enum ow_store_mode mode)
{
    struct ow_error err = {0};
    *f = (struct front){0};
    cancel = 0;
    if (mode == OW_STORE_CREATE) {
        memset(&fake, 0, sizeof fake);
        put("s.yaml", SWEEP);
    }
    ck_assert_ok(ow_spec_outline("s.yaml", NULL, &f->outline, &err), err);
    ck_assert_ok(ow_plan_init(&f->outline, &f->plan, &err), err);
    ck_assert_uint_eq(f->plan.n_point, N_POINT);
    ck_assert_ok(ow_limits_init(&f->outline, &f->limits, &err), err);
    ck_assert_ok(ow_sweep_cost_init(&f->plan, &f->cost, &err), err);
    ck_assert_ok(ow_store_open("r.db", mode, &f->store, &err), err);
    if (mode == OW_STORE_CREATE)
        ck_assert_ok(ow_sweep_describe(f->store, &f->plan, &f->limits, "0", &err), err);
    f->o = (struct ow_cluster_options){.scheduler = &fake_scheduler,
                                       .program = program(),
                                       .directory = dir,
                                       .spec = "s.yaml",
                                       .jobs = 1,
                                       .n_task = 3,
                                       .n_again = 3,
                                       .pause_least = 1e-3,
                                       .pause_most = 2e-3,
                                       .settle_s = 1e-3,
                                       .cancel = &cancel,
                                       .say = hear,
                                       .data = f};
}

static enum ow_status front_run(struct front *f, struct ow_error *err)
{
    *err = (struct ow_error){0};
    return ow_cluster_run(f->store, "r.db", &f->plan, &f->cost, &f->o, err);
}

static size_t front_done(struct front *f)
{
    size_t count[OW_N_POINT_STATUS];
    struct ow_error err = {0};
    ck_assert_ok(ow_store_count(f->store, count, &err), err);
    return count[OW_POINT_DONE];
}

static void front_finish(struct front *f)
{
    ow_store_close(f->store);
    ow_sweep_cost_finish(&f->cost);
    ow_plan_finish(&f->plan);
    ow_spec_finish(&f->outline);
}

/* Everything is done and nothing is left behind. */
static void check_whole(struct front *f)
{
    ck_assert_uint_eq(front_done(f), N_POINT);
    ck_assert_msg(access("r.db.tasks", F_OK) != 0, "the folder is still there");
}

START_TEST(test_an_array_does_all_points)
{
    struct front f;
    struct ow_error err;
    front_init(&f, OW_STORE_CREATE);
    fake.busy_looks = 2;
    fake.n_silent = 2;
    ck_assert_ok(front_run(&f, &err), err);
    ck_assert_int_eq(fake.n_submitted, 1);
    ck_assert_uint_eq(fake.n_task, 3);
    ck_assert_ptr_nonnull(strstr(f.said, "job 77 of fake: 12 points in 3 tasks"));
    ck_assert_ptr_nonnull(strstr(f.said, "squeue: no answer"));
    check_whole(&f);
    front_finish(&f);
}
END_TEST

START_TEST(test_lost_tasks_are_submitted_again)
{
    struct front f;
    struct ow_error err;
    front_init(&f, OW_STORE_CREATE);
    fake.lost[0] = 5; /* tasks 0 and 2 of 3, then the last of the three that remain */
    fake.lost[1] = 4;
    ck_assert_ok(front_run(&f, &err), err);
    ck_assert_int_eq(fake.n_submitted, 3);
    ck_assert_ptr_nonnull(strstr(f.said, "lost tasks with 8 points"));
    ck_assert_ptr_nonnull(strstr(f.said, "(1 of 3)"));
    ck_assert_ptr_nonnull(strstr(f.said, "(2 of 3)"));
    check_whole(&f);
    front_finish(&f);
}
END_TEST

START_TEST(test_what_is_lost_again_and_again_is_left)
{
    struct front f;
    struct ow_error err;
    front_init(&f, OW_STORE_CREATE);
    for (int k = 0; k < 4; k++)
        fake.lost[k] = 1;
    ck_assert_int_eq(front_run(&f, &err), OW_ERR_HOST);
    ck_assert_int_eq(fake.n_submitted, 4);
    ck_assert_msg(strncmp(err.text, "1 points are left: their tasks were lost 4 times", 48) ==
                      0,
                  "%s", err.text);
    ck_assert_uint_eq(front_done(&f), N_POINT - 1);
    /* and whoever tries again does the rest alone */
    ck_assert_ok(front_run(&f, &err), err);
    ck_assert_uint_eq(fake.n_task, 1);
    check_whole(&f);
    front_finish(&f);
}
END_TEST

START_TEST(test_what_somebody_cancelled_stays_so)
{
    struct front f;
    struct ow_error err;
    front_init(&f, OW_STORE_CREATE);
    fake.lost[0] = 2;
    fake.is_cancelled = true;
    ck_assert_int_eq(front_run(&f, &err), OW_ERR_HOST);
    ck_assert_int_eq(fake.n_submitted, 1);
    ck_assert_ptr_nonnull(
        strstr(err.text, "4 points are left: 1 tasks of job 77 were cancelled"));
    ck_assert_uint_eq(front_done(&f), 8);
    front_finish(&f);
}
END_TEST

START_TEST(test_a_task_that_cannot_begin_is_not_tried_again)
{
    struct front f;
    struct ow_error err;
    front_init(&f, OW_STORE_CREATE);
    f.o.spec = "not-on-this-node.yaml";
    ck_assert_int_eq(front_run(&f, &err), OW_ERR_HOST);
    ck_assert_int_eq(fake.n_submitted, 1);
    ck_assert_ptr_nonnull(strstr(err.text, "12 points are left, a task could not begin: "
                                           "not-on-this-node.yaml: cannot be opened"));
    ck_assert_int_eq(count_files("r.db.tasks/round-1", "log-"), 3);
    f.o.spec = "s.yaml";
    f.o.directory = "/no such directory";
    ck_assert_int_eq(front_run(&f, &err), OW_ERR_HOST);
    ck_assert_ptr_nonnull(strstr(err.text, "/no such directory"));
    f.o.directory = dir;
    f.o.program = "/no such program";
    ck_assert_int_eq(front_run(&f, &err), OW_ERR_HOST);
    ck_assert_ptr_nonnull(strstr(err.text, "/no such program: not found"));
    f.o.program = program();
    ck_assert_ok(front_run(&f, &err), err);
    check_whole(&f);
    front_finish(&f);
}
END_TEST

START_TEST(test_a_specification_that_was_changed_meanwhile_is_not_mixed)
{
    struct front f;
    struct ow_error err;
    front_init(&f, OW_STORE_CREATE);
    char *text = strdup(SWEEP);
    memcpy(strstr(text, "0.5"), "0.4", 3);
    put("s.yaml", text);
    free(text);
    f.o.n_again = 0;
    ck_assert_int_eq(front_run(&f, &err), OW_ERR_HOST);
    ck_assert_uint_eq(front_done(&f), 0);
    ck_assert_ptr_nonnull(strstr(f.said, "is not of this sweep: the specification is another"));
    front_finish(&f);
}
END_TEST

START_TEST(test_a_refused_array_leaves_nothing)
{
    struct front f;
    struct ow_error err;
    front_init(&f, OW_STORE_CREATE);
    fake.is_refusing = true;
    ck_assert_int_eq(front_run(&f, &err), OW_ERR_HOST);
    ck_assert_str_eq(err.text, "sbatch: no such partition");
    ck_assert_int_ne(access("r.db.tasks", F_OK), 0);
    front_finish(&f);
}
END_TEST

static void stop_waiting(void *data, const struct ow_cluster_progress *p)
{
    ck_assert_uint_eq(p->n_running, 1);
    cancel = 1;
}

START_TEST(test_a_front_end_that_stops_is_picked_up)
{
    struct front f;
    struct ow_error err;
    front_init(&f, OW_STORE_CREATE);
    fake.busy_looks = 1;
    fake.lost[0] = 1;
    f.o.progress = stop_waiting;
    ck_assert_int_eq(front_run(&f, &err), OW_ERR_CANCELLED);
    ck_assert_ptr_nonnull(strstr(err.text, "--resume"));
    ck_assert_ptr_nonnull(strstr(err.text, "`fakecancel 77`"));
    ck_assert_uint_eq(front_done(&f), 0);
    ck_assert_int_eq(ow_cluster_check("r.db", NULL, false, &err), OW_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "job 77"));
    ck_assert_int_eq(ow_cluster_check("r.db", &fake_scheduler, false, &err), OW_OK);
    ck_assert_int_eq(ow_cluster_check("r.db", &fake_scheduler, true, &err), OW_ERR_FILE);
    front_finish(&f);
    /* by the next one: that array is not submitted twice, and what it lost is */
    front_init(&f, OW_STORE_WRITE);
    ck_assert_ok(front_run(&f, &err), err);
    ck_assert_ptr_nonnull(strstr(f.said, "going on with job 77"));
    ck_assert_int_eq(fake.n_submitted, 2);
    check_whole(&f);
    ck_assert_int_eq(ow_cluster_check("r.db", NULL, false, &err), OW_OK);
    front_finish(&f);
}
END_TEST

/* Killed before it wrote the array's number down: it is found by its name. */
START_TEST(test_an_array_without_a_number_is_found_by_its_name)
{
    struct front f;
    struct ow_error err;
    front_init(&f, OW_STORE_CREATE);
    fake.busy_looks = 2;
    f.o.progress = stop_waiting;
    ck_assert_int_eq(front_run(&f, &err), OW_ERR_CANCELLED);
    char *text = get("r.db.tasks/job", NULL), *id = strstr(text, "\"77\"");
    ck_assert_ptr_nonnull(id);
    memcpy(id, "\"\"  ", 4);
    put("r.db.tasks/job", text);
    free(text);
    front_finish(&f);
    front_init(&f, OW_STORE_WRITE);
    ck_assert_ok(front_run(&f, &err), err);
    ck_assert_int_eq(fake.n_submitted, 1);
    check_whole(&f);
    front_finish(&f);
}
END_TEST

static void ignore(void *data, const struct ow_point_record *row) {}

/* Killed while it merged: what is merged already is not run again. */
START_TEST(test_a_merge_that_was_interrupted_goes_on)
{
    struct front f;
    struct ow_error err;
    front_init(&f, OW_STORE_CREATE);
    fake.busy_looks = 1;
    f.o.progress = stop_waiting;
    ck_assert_int_eq(front_run(&f, &err), OW_ERR_CANCELLED);
    ck_assert_ok(ow_shard_merge(f.store, "r.db.tasks/round-1/shard-1", ignore, NULL, &err),
                 err);
    ck_assert_int_ne(access("r.db.tasks/round-1/shard-1", F_OK), 0);
    ck_assert_uint_eq(front_done(&f), 4);
    front_finish(&f);
    front_init(&f, OW_STORE_WRITE);
    ck_assert_ok(front_run(&f, &err), err);
    ck_assert_int_eq(fake.n_submitted, 1);
    check_whole(&f);
    front_finish(&f);
}
END_TEST

START_TEST(test_a_damaged_shard_is_left_aside)
{
    struct front f;
    struct ow_error err;
    front_init(&f, OW_STORE_CREATE);
    fake.busy_looks = 1;
    f.o.progress = stop_waiting;
    ck_assert_int_eq(front_run(&f, &err), OW_ERR_CANCELLED);
    put("r.db.tasks/round-1/shard-1",
        "no store at all, but a file that somebody has written to");
    front_finish(&f);
    front_init(&f, OW_STORE_WRITE);
    ck_assert_ok(front_run(&f, &err), err);
    ck_assert_ptr_nonnull(strstr(f.said, "shard-1: is no store of a sweep; it is left aside"));
    ck_assert_int_eq(fake.n_submitted, 2);
    ck_assert_uint_eq(front_done(&f), N_POINT);
    ck_assert_int_eq(access("r.db.tasks/round-1/shard-1", F_OK), 0);
    front_finish(&f);
}
END_TEST

START_TEST(test_a_damaged_note_is_said)
{
    static const char *const bad[] = {
        "", "{", "{\"name\": \"a\"}",
        "{\"name\": \"a\", \"id\": \"1\", \"round\": 0, \"tasks\": 3}",
        "{\"name\": 3, \"id\": \"1\", \"round\": 1, \"tasks\": 3}"};
    struct front f;
    struct ow_error err;
    front_init(&f, OW_STORE_CREATE);
    ck_assert_int_eq(mkdir("r.db.tasks", 0777), 0);
    for (int k = 0; k < N(bad); k++) {
        put("r.db.tasks/job", bad[k]);
        ck_assert_int_eq(front_run(&f, &err), OW_ERR_FILE);
        ck_assert_ptr_nonnull(strstr(err.text, "r.db.tasks/job: is damaged"));
    }
    front_finish(&f);
}
END_TEST

/* ---- shards ---------------------------------------------------------------------------- */

START_TEST(test_a_shard_goes_on_where_it_was)
{
    static const size_t point[] = {2, 5, 11};
    struct front f;
    struct ow_store *shard;
    struct ow_error err = {0};
    size_t count[OW_N_POINT_STATUS];
    front_init(&f, OW_STORE_CREATE);
    put("a.new", "an earlier attempt was killed while it made this");
    ck_assert_ok(ow_shard_open("a", &f.plan, &f.limits, "0", point, 3, &shard, &err), err);
    const struct ow_point_record row = {.id = 5,
                                        .status = OW_POINT_DONE,
                                        .seed = -1,
                                        .pass = -1,
                                        .wall_s = 1.0,
                                        .cpu_s = NAN,
                                        .peak_bytes = -1,
                                        .result = "{}"};
    ck_assert_ok(ow_store_put(shard, &row, &err), err);
    ck_assert_msg(access("a-shm", F_OK) != 0, "memory shared with other machines");
    ow_store_close(shard);
    ck_assert_int_eq(count_files(".", "a"), 1);
    ck_assert_ok(ow_shard_open("a", &f.plan, &f.limits, "0", point, 3, &shard, &err), err);
    ck_assert_ok(ow_store_count(shard, count, &err), err);
    ck_assert_uint_eq(count[OW_POINT_DONE], 1);
    ck_assert_uint_eq(count[OW_POINT_OPEN], 2);
    /* while a task writes to it, nobody merges it */
    ck_assert_int_eq(ow_shard_merge(f.store, "a", ignore, NULL, &err), OW_ERR_FILE);
    ow_store_close(shard);
    ck_assert_ok(ow_shard_merge(f.store, "a", ignore, NULL, &err), err);
    ck_assert_uint_eq(front_done(&f), 1);
    ck_assert_int_eq(count_files(".", "a"), 0);
    front_finish(&f);
}
END_TEST

/* ---- the program, with scripts for sbatch and squeue ------------------------------------ */

/* A name that wants to be more than a name, for every reader on the way. */
#define NASTY "a b'\"$(touch hacked)`touch hacked`;touch hacked|%j%a*#\n#SBATCH --wrap=x\\"
/* As YAML writes that file in double quotes. */
#define NASTY_YAML                                                                             \
    "\"a b'\\\"$(touch hacked)`touch hacked`;touch hacked|%j%a*#\\n#SBATCH --wrap=x\\\\.csv\""

/* sbatch writes its words down, one a line with a newline as "\n", runs the tasks unless
 * fake/later is there, and is as loud as fake/refuse. */
static const char sbatch[] =
    "#!/bin/sh\n"
    "[ \"${1-}\" = --version ] && exit 0\n"
    "[ -e \"$FAKE/refuse\" ] && { cat \"$FAKE/refuse\" >&2; exit 1; }\n"
    "echo x >>\"$FAKE/count\"\n"
    "for word; do printf '%s' \"$word\" | tr '\\n' '?'; echo; done >\"$FAKE/words\"\n"
    "for script; do :; done\n"
    "[ -e \"$FAKE/memory\" ] && export SLURM_MEM_PER_CPU=500 SLURM_CPUS_PER_TASK=2\n"
    "cp \"$script\" \"$FAKE/script\"\n"
    "n=$(sed -n 's/^--array=0-\\([0-9]*\\).*/\\1/p' \"$FAKE/words\")\n"
    "k=0\n"
    "while [ ! -e \"$FAKE/later\" ] && [ \"$k\" -le \"$n\" ]; do\n"
    "    (cd / && SLURM_ARRAY_TASK_ID=$k sh \"$script\")\n"
    "    k=$((k + 1))\n"
    "done >&2\n"
    "echo a line from the site\n"
    "echo 4242\n";
static const char squeue[] = "#!/bin/sh\n"
                             "[ \"${SQUEUE_PARTITION-}\" ] && exit 1\n"
                             "cat \"$FAKE/queue\" 2>/dev/null || :\n";

static void put_fakes(void)
{
    char *path;
    ck_assert_int_eq(mkdir("bin", 0777), 0);
    ck_assert_int_eq(mkdir("fake", 0777), 0);
    put("bin/sbatch", sbatch);
    put("bin/squeue", squeue);
    ck_assert_int_eq(chmod("bin/sbatch", 0755) + chmod("bin/squeue", 0755), 0);
    ck_assert_int_gt(asprintf(&path, "%s/bin:%s", dir, getenv("PATH")), 0);
    setenv("PATH", path, 1);
    free(path);
    ck_assert_int_gt(asprintf(&path, "%s/fake", dir), 0);
    setenv("FAKE", path, 1);
    free(path);
    setenv("SQUEUE_PARTITION", "another", 1);
    put("s.yaml", SWEEP);
}

static char *path_before; /* tests may share a process: CK_FORK=no */

static void set_up(void)
{
    path_before = strdup(getenv("PATH"));
    enter_directory();
}

static void tear_down(void)
{
    static const char *const name[] = {"FAKE", "SQUEUE_PARTITION", "SLURM_ARRAY_TASK_ID",
                                       "SLURM_MEM_PER_NODE"};
    setenv("PATH", path_before, 1);
    free(path_before);
    for (int k = 0; k < N(name); k++)
        unsetenv(name[k]);
    leave_directory();
}

/* Words as they are, where run() would split them. */
static pid_t start_words(const char *const word[])
{
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid > 0)
        return pid;
    signal(SIGINT, SIG_DFL);
    if (!freopen(".out", "wb", stdout) || !freopen(".err", "wb", stderr) ||
        !freopen("/dev/null", "rb", stdin))
        _exit(126);
    execv(program(), (char *const *)word);
    _exit(127);
}

static struct outcome run_words(const char *const word[])
{
    struct outcome o = {.code = wait_for(start_words(word))};
    o.out = get(".out", NULL);
    o.err = get(".err", NULL);
    return o;
}

static void check_code(const struct outcome *o, int code)
{
    ck_assert_msg(o->code == code, "exit code %d, expected %d: %s", o->code, code, o->err);
}

/* How often sbatch took an array. */
static int count_arrays(void)
{
    if (access("fake/count", F_OK) != 0)
        return 0;
    char *text = get("fake/count", NULL);
    const int n = (int)strlen(text) / 2;
    free(text);
    return n;
}

/* Rows of two stores agree in all but times, places and versions. */
static void check_same_results(const char *path, const char *other)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    char *sql;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_gt(asprintf(&sql, "ATTACH '%s' AS o", other), 0);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    free(sql);
    ck_assert_int_eq(
        sqlite3_prepare_v2(
            db,
            "SELECT count(*) FROM point AS p JOIN o.point AS q ON p.id = q.id"
            " WHERE p.status = 'done' AND q.status = 'done' AND p.settings = q.settings"
            " AND p.seed = q.seed AND p.spec = q.spec AND p.attempts = q.attempts"
            " AND json_remove(p.result, '$.solver') = json_remove(q.result, '$.solver')"
            " AND p.result ->> '$.solver.steps' = q.result ->> '$.solver.steps'",
            -1, &statement, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(statement, 0), N_POINT);
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

START_TEST(test_slurm_changes_nothing_else)
{
    put_fakes();
    struct outcome here = run("ohmweave sweep s.yaml --store here.db");
    check_stands(&here);
    struct outcome there =
        run("ohmweave sweep s.yaml --store there.db --executor slurm --array 5 "
            "--jobs 2 --partition p,q --sbatch=--time=1:00 --sbatch -Aacc");
    check_code(&there, 0);
    const char *here_table = strstr(here.out, "\n\n"), *there_table = strstr(there.out, "\n\n");
    ck_assert(here_table && there_table);
    const size_t n = (size_t)(strstr(here_table, "\n12 points done") - here_table);
    ck_assert_msg(strncmp(here_table, there_table, n) == 0, "%s%s", here.out, there.out);
    check_same_results("here.db", "there.db");
    static const char *const wanted[] = {"--parsable\n",        "--requeue\n",
                                         "--array=0-4\n",       "--cpus-per-task=2\n",
                                         "--partition=p,q\n",   "--time=1:00\n-Aacc\n",
                                         "--open-mode=append\n"};
    char *words = get("fake/words", NULL);
    for (int k = 0; k < N(wanted); k++)
        ck_assert_msg(strstr(words, wanted[k]) != NULL, "no %s in %s", wanted[k], words);
    ck_assert_int_ne(access("there.db.tasks", F_OK), 0);
    free(words);
    outcome_finish(&here);
    outcome_finish(&there);
}
END_TEST

START_TEST(test_names_are_data_on_the_way_to_a_task)
{
    put_fakes();
    ck_assert_int_eq(mkdir(NASTY, 0777), 0);
    ck_assert_int_eq(chdir(NASTY), 0);
    put(NASTY ".yaml", SWEEP);
    put(NASTY ".csv", "0.5,-1\n0.25,0.75\n-0.3,0.1\n0.9,0.2\n");
    const char *const word[] = {"ohmweave",
                                "sweep",
                                "--store",
                                NASTY ".db",
                                "--executor=slurm",
                                "--array=3%2",
                                "--set",
                                "vmm.weights=" NASTY_YAML,
                                "--sbatch=--comment=" NASTY,
                                "--partition=" NASTY,
                                "--",
                                NASTY ".yaml",
                                NULL};
    struct outcome o = run_words(word);
    ck_assert_msg(o.code == 0, "%s%s", o.out, o.err);
    outcome_finish(&o);
    ck_assert_int_eq(count_files(".", "hacked"), 0);
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert_int_eq(count_files(".", "hacked"), 0);
    ck_assert_int_eq(access("/hacked", F_OK), -1);
    char *words = get("fake/words", NULL);
    ck_assert_ptr_nonnull(strstr(words, "\n--array=0-2%2\n"));
    ck_assert_ptr_nonnull(strstr(words, "\n--output=/dev/null\n")); /* a backslash: see there */
    ck_assert_ptr_nonnull(strstr(words, "\n--comment=a b'\"$(touch hacked)`"));
    free(words);
}
END_TEST

START_TEST(test_percent_signs_in_names_are_no_patterns)
{
    put_fakes();
    ck_assert_int_eq(mkdir("50%j", 0777), 0);
    struct outcome o = run("ohmweave sweep s.yaml --store 50%%j/s.db --executor slurm");
    check_code(&o, 0);
    outcome_finish(&o);
    char *words = get("fake/words", NULL), *wanted;
    ck_assert_int_gt(
        asprintf(&wanted, "\n--output=%s/50%%%%j/s.db.tasks/round-1/log-%%a\n", dir), 0);
    ck_assert_msg(strstr(words, wanted) != NULL, "no %s in %s", wanted, words);
    free(wanted);
    free(words);
}
END_TEST

START_TEST(test_what_slurm_refuses_is_said_in_one_line)
{
    put_fakes();
    put("fake/refuse", "sbatch: error: invalid partition specified: x\n"
                       "sbatch: error: Batch job submission failed: Invalid partition name\n");
    struct outcome o = run("ohmweave sweep s.yaml --store s.db --executor slurm --partition x");
    check_code(&o, 1);
    ck_assert_ptr_nonnull(strstr(o.err,
                                 "ohmweave: sbatch: invalid partition specified: x; Batch "
                                 "job submission failed: Invalid partition name"));
    outcome_finish(&o);
    ck_assert_int_ne(access("s.db.tasks", F_OK), 0);
    ck_assert_int_eq(unlink("fake/refuse"), 0);
    o = run("ohmweave sweep s.yaml --store s.db --executor slurm --resume");
    check_code(&o, 0);
    outcome_finish(&o);
}
END_TEST

START_TEST(test_without_slurm_there_is_one_clear_line)
{
    put("s.yaml", SWEEP);
    setenv("PATH", dir, 1);
    struct outcome o = run("ohmweave sweep s.yaml --store s.db --executor slurm --json -");
    check_refusal(&o, 1, "--executor=slurm: sbatch is not in PATH", "login node", NULL);
    ck_assert_int_ne(access("s.db", F_OK), 0);
}
END_TEST

START_TEST(test_arguments_for_a_cluster_are_checked)
{
    static const struct {
        const char *words, *said;
    } bad[] = {{"--executor pbs", "expected local or slurm"},
               {"--executor slurm --array 0", "expected a number of tasks"},
               {"--executor slurm --array 5%", "expected a number of tasks"},
               {"--executor slurm --array 5%2x", "expected a number of tasks"},
               {"--executor slurm --array -1", "expected a number of tasks"},
               {"--executor slurm --sbatch script.sh", "expected an option of sbatch"},
               {"--executor slurm --sbatch --", "expected an option of sbatch"},
               {"--executor slurm --points p", "exclude each other"},
               {"--array 5", "are for --executor=slurm"},
               {"--executor slurm --task-program no/such", "--task-program: no/such"}};
    put_fakes();
    for (int k = 0; k < N(bad); k++) {
        struct outcome o = run("ohmweave sweep s.yaml --store s.db %s", bad[k].words);
        check_code(&o, 2);
        ck_assert_msg(strstr(o.err, bad[k].said) != NULL, "%s: %s", bad[k].words, o.err);
        ck_assert_int_ne(access("s.db", F_OK), 0);
        outcome_finish(&o);
    }
    ck_assert_int_eq(count_arrays(), 0);
}
END_TEST

START_TEST(test_a_folder_of_another_sweep_is_not_mixed)
{
    put_fakes();
    ck_assert_int_eq(mkdir("s.db.tasks", 0777), 0);
    struct outcome o = run("ohmweave sweep s.yaml --store s.db --executor slurm --json -");
    check_refusal(&o, 2, "s.db.tasks: is there already", "--resume", NULL);
    ck_assert_int_ne(access("s.db", F_OK), 0);
}
END_TEST

static void wait_for_text(const char *path, const char *word)
{
    for (int k = 0; k < 6000; k++) { /* a minute */
        char *text = access(path, F_OK) == 0 ? get(path, NULL) : NULL;
        const bool is_there = text && strstr(text, word);
        free(text);
        if (is_there)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    ck_abort_msg("no '%s' in %s", word, path);
}

/* Ctrl-C, and kill -9, while the array is in the queue. */
START_TEST(test_the_front_end_may_go_and_come_back)
{
    static const int by[] = {SIGINT, SIGKILL};
    const char *const first[] = {"ohmweave",   "sweep", "s.yaml",    "--store", "s.db",
                                 "--executor", "slurm", "--array=4", NULL};
    const char *const again[] = {"ohmweave",   "sweep", "s.yaml",   "--store", "s.db",
                                 "--executor", "slurm", "--resume", NULL};
    char *number;
    put_fakes();
    put("fake/later", "");
    put("fake/queue", "4242|PD|Resources\n4242|PD|Resources\n4242|R|None\n4242|CD|None\n");
    pid_t pid = start_words(first);
    wait_for_text("s.db.tasks/job", "\"4242\"");
    ck_assert_int_eq(kill(pid, by[_i]), 0);
    ck_assert_int_eq(wait_for(pid), by[_i] == SIGINT ? 1 : 128 + SIGKILL);
    if (by[_i] == SIGINT) {
        wait_for_text(".err", "job 4242 goes on");
        wait_for_text(".err", "`scancel 4242` ends it");
    }
    /* the points are somewhere else: they are not run here as well */
    struct outcome o = run("ohmweave sweep s.yaml --store s.db --resume --json -");
    check_refusal(&o, 2, "s.db.tasks: job 4242", "--executor=slurm", NULL);
    pid = start_words(again);
    wait_for_text(".err", "going on with job 4242");
    for (int k = 0; k < 4; k++) { /* meanwhile the tasks run */
        ck_assert_int_gt(asprintf(&number, "%d", k), 0);
        setenv("SLURM_ARRAY_TASK_ID", number, 1);
        free(number);
        ck_assert_int_eq(wait_for(start("sh fake/script", ".task", ".task")), 0);
    }
    ck_assert_int_eq(unlink("fake/queue"), 0);
    ck_assert_int_eq(wait_for(pid), 0);
    ck_assert_int_eq(count_arrays(), 1);
    ck_assert_int_ne(access("s.db.tasks", F_OK), 0);
    o = run("ohmweave sweep s.yaml --store here.db");
    check_stands(&o);
    outcome_finish(&o);
    check_same_results("here.db", "s.db");
}
END_TEST

START_TEST(test_held_tasks_are_said)
{
    const char *const word[] = {"ohmweave", "sweep",      "s.yaml", "--store",
                                "s.db",     "--executor", "slurm",  NULL};
    put_fakes();
    put("fake/queue", "4242|PD|launch failed requeued held\n");
    const pid_t pid = start_words(word);
    wait_for_text(".err", "1 tasks are held (launch failed requeued held)");
    ck_assert_int_eq(unlink("fake/queue"), 0);
    ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

/* What a task may take is what Slurm gives it, not what the machine has. */
START_TEST(test_a_task_keeps_to_its_memory)
{
    put_fakes();
    put("fake/memory", "");
    setenv("SLURM_MEM_PER_NODE", "7", 1); /* of the front end, which may be a job as well */
    put("bin/show", "#!/bin/sh\nfor w; do echo \"$w\"; done >\"$FAKE/task\"\n");
    ck_assert_int_eq(chmod("bin/show", 0755), 0);
    struct outcome o = run("ohmweave sweep s.yaml --store s.db --executor slurm --timeout 60 "
                           "--task-program bin/show --set seed=4");
    check_code(&o, 1); /* as it has done nothing */
    outcome_finish(&o);
    char *words = get("fake/task", NULL);
    ck_assert_ptr_nonnull(strstr(words, "sweep\n--set=seed=4\n--timeout=60\n--jobs=1\n"
                                        "--memory=1048576000\n--points="));
    free(words);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cluster");
    TCase *inside = tcase_create("inside"), *rounds = tcase_create("rounds"),
          *whole = tcase_create("whole");
    tcase_add_checked_fixture(inside, enter_directory, leave_directory);
    tcase_set_timeout(inside, 60);
    tcase_add_test(inside, test_chunks_are_a_partition_of_equal_cost);
    tcase_add_test(inside, test_tasks_have_half_a_minute_and_are_hundreds);
    tcase_add_test(inside, test_lists_of_points_come_back_sorted_and_once);
    tcase_add_test(inside, test_what_is_no_list_is_refused_with_its_line);
    tcase_add_test(inside, test_words_reach_a_program_as_they_are);
    tcase_add_test(inside, test_what_a_program_says_and_how_it_ends);
    tcase_add_test(inside, test_a_program_that_is_missing_or_hangs_is_an_error);
    tcase_add_test(inside, test_many_lines_become_one);
    suite_add_tcase(s, inside);
    tcase_add_checked_fixture(rounds, enter_directory, leave_directory);
    tcase_set_timeout(rounds, 120);
    tcase_add_test(rounds, test_an_array_does_all_points);
    tcase_add_test(rounds, test_lost_tasks_are_submitted_again);
    tcase_add_test(rounds, test_what_is_lost_again_and_again_is_left);
    tcase_add_test(rounds, test_what_somebody_cancelled_stays_so);
    tcase_add_test(rounds, test_a_task_that_cannot_begin_is_not_tried_again);
    tcase_add_test(rounds, test_a_specification_that_was_changed_meanwhile_is_not_mixed);
    tcase_add_test(rounds, test_a_refused_array_leaves_nothing);
    tcase_add_test(rounds, test_a_front_end_that_stops_is_picked_up);
    tcase_add_test(rounds, test_an_array_without_a_number_is_found_by_its_name);
    tcase_add_test(rounds, test_a_merge_that_was_interrupted_goes_on);
    tcase_add_test(rounds, test_a_damaged_shard_is_left_aside);
    tcase_add_test(rounds, test_a_damaged_note_is_said);
    tcase_add_test(rounds, test_a_shard_goes_on_where_it_was);
    suite_add_tcase(s, rounds);
    tcase_add_checked_fixture(whole, set_up, tear_down);
    tcase_set_timeout(whole, 240);
    tcase_add_test(whole, test_slurm_changes_nothing_else);
    tcase_add_test(whole, test_names_are_data_on_the_way_to_a_task);
    tcase_add_test(whole, test_percent_signs_in_names_are_no_patterns);
    tcase_add_test(whole, test_what_slurm_refuses_is_said_in_one_line);
    tcase_add_test(whole, test_without_slurm_there_is_one_clear_line);
    tcase_add_test(whole, test_arguments_for_a_cluster_are_checked);
    tcase_add_test(whole, test_a_folder_of_another_sweep_is_not_mixed);
    tcase_add_loop_test(whole, test_the_front_end_may_go_and_come_back, 0, 2);
    tcase_add_test(whole, test_held_tasks_are_said);
    tcase_add_test(whole, test_a_task_keeps_to_its_memory);
    suite_add_tcase(s, whole);
    return run_suite(s);
}
