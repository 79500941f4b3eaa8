#define _GNU_SOURCE /* asprintf */
#include "ow_cluster.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ow_chunks.h"
#include "ow_clock.h"
#include "ow_command.h"
#include "ow_file.h"
#include "ow_shard.h"

#define FOLDER ".tasks" /* behind the store's name */
enum { JOB_BYTES_MAX = 1 << 16, MOST_TASKS_READ = 10000000 };

/* What was submitted. */
struct job {
    char name[40];
    char id[OW_SCHEDULER_ID]; /* "": killed before the scheduler's answer was written down */
    size_t round, n_task;
};

struct cluster {
    struct ow_store *store;
    const struct ow_plan *plan;
    const struct ow_sweep_cost *cost;
    const struct ow_cluster_options *o;
    char *folder; /* absolute */
    struct job job;
    bool *is_heard; /* [n_point] a task has told what became of it           */
    size_t *left;   /* [n_left <= n_point] points that nobody has told about */
    size_t n_left;
    size_t n_refused;  /* points of tasks that ended by themselves before they ran them */
    char refusal[300]; /* what the first of them said                                 */
};

static enum ow_status no_memory(struct ow_error *err)
{
    return ow_fail(err, OW_ERR_NOMEM, "sweep on a cluster: out of memory");
}

__attribute__((format(printf, 2, 3))) static void say(const struct cluster *c,
                                                      const char *format, ...)
{
    char line[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (c->o->say)
        c->o->say(c->o->data, line);
}

static bool is_cancelled(const struct cluster *c)
{
    return c->o->cancel && *c->o->cancel;
}

static void pause_for(const struct cluster *c, double seconds)
{
    const double end = ow_seconds() + seconds;
    for (double left = seconds; left > 0.0 && !is_cancelled(c); left = end - ow_seconds()) {
        const double slice = fmin(left, 0.1);
        nanosleep(&(struct timespec){.tv_nsec = (long)(1e9 * slice)}, NULL);
    }
}

/* ---- names ------------------------------------------------------------------------- */

/* FOLDER/round-ROUND/WHAT, or with a number FOLDER/round-ROUND/WHAT-NUMBER. */
static char *name_in(const struct cluster *c, size_t round, const char *what)
{
    char *name;
    return asprintf(&name, "%s/round-%zu/%s", c->folder, round, what) < 0 ? NULL : name;
}

static char *name_of(const struct cluster *c, size_t round, const char *what, size_t number)
{
    char *name;
    return asprintf(&name, "%s/round-%zu/%s-%zu", c->folder, round, what, number) < 0 ? NULL
                                                                                      : name;
}

/* "round-12" and 12; nothing before or after. */
static bool has_number(const char *name, const char *what, size_t *number)
{
    const size_t n = strlen(what);
    if (strncmp(name, what, n) != 0 || name[n] != '-')
        return false;
    const char *digits = name + n + 1;
    const size_t n_digit = strlen(digits);
    if (n_digit == 0 || n_digit > 9 || strspn(digits, "0123456789") != n_digit)
        return false;
    *number = strtoul(digits, NULL, 10);
    return true;
}

/* Call `file` for each number of a WHAT-NUMBER in a folder; the first failure ends it. */
static enum ow_status each_number(const char *folder, const char *what,
                                  enum ow_status (*file)(void *data, size_t number,
                                                         struct ow_error *err),
                                  void *data, struct ow_error *err)
{
    enum ow_status st = OW_OK;
    size_t number;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && !st && (e = readdir(d));)
        if (has_number(e->d_name, what, &number))
            st = file(data, number, err);
    if (d)
        closedir(d);
    return st;
}

/* ---- what was submitted ------------------------------------------------------------ */

static enum ow_status write_job(const struct cluster *c, struct ow_error *err)
{
    struct ow_file file = {0};
    char *path;
    if (asprintf(&path, "%s/job", c->folder) < 0)
        return no_memory(err);
    enum ow_status st = ow_file_create(path, &file, err);
    free(path);
    if (st)
        return st;
    json_t *job = json_pack("{s:s, s:s, s:s, s:I, s:I}", "scheduler", c->o->scheduler->name,
                            "name", c->job.name, "id", c->job.id, "round",
                            (json_int_t)c->job.round, "tasks", (json_int_t)c->job.n_task);
    if (!job || json_dumpf(job, file.to, JSON_INDENT(2)) != 0)
        st = no_memory(err);
    json_decref(job);
    fputc('\n', file.to);
    if (!st)
        return ow_file_commit(&file, err);
    ow_file_discard(&file);
    return st;
}

static void forget_job(struct cluster *c)
{
    char *path;
    if (asprintf(&path, "%s/job", c->folder) < 0)
        return;
    unlink(path);
    free(path);
    c->job = (struct job){0};
}

static bool take_job(const json_t *root, struct job *job)
{
    const char *name, *id;
    json_int_t round, n_task;
    if (!root || json_unpack((json_t *)root, "{s:s, s:s, s:I, s:I}", "name", &name, "id", &id,
                             "round", &round, "tasks", &n_task) != 0)
        return false;
    if (strlen(name) >= sizeof job->name || strlen(id) >= sizeof job->id || round < 1 ||
        n_task < 1 || n_task > MOST_TASKS_READ)
        return false;
    *job = (struct job){.round = (size_t)round, .n_task = (size_t)n_task};
    strcpy(job->name, name);
    strcpy(job->id, id);
    return true;
}

/* *job with round 0 if there is none. */
static enum ow_status read_job(const char *folder, struct job *job, struct ow_error *err)
{
    char *path, *text;
    size_t n;
    *job = (struct job){0};
    if (asprintf(&path, "%s/job", folder) < 0)
        return no_memory(err);
    enum ow_status st = OW_OK;
    if (access(path, F_OK) == 0 && !(st = ow_file_read(path, JOB_BYTES_MAX, &text, &n, err))) {
        json_t *root = json_loadb(text, n, 0, NULL);
        if (!take_job(root, job))
            st = ow_fail(err, OW_ERR_FILE,
                         "%s: is damaged: expected what was submitted; without the file the "
                         "points that are not done are submitted anew",
                         path);
        json_decref(root);
        free(text);
    }
    free(path);
    return st;
}

enum ow_status ow_cluster_check(const char *store_path, const struct ow_scheduler *scheduler,
                                bool is_new, struct ow_error *err)
{
    char *folder;
    struct job job;
    if (asprintf(&folder, "%s" FOLDER, store_path) < 0)
        return no_memory(err);
    enum ow_status st = OW_OK;
    if (scheduler && is_new && access(folder, F_OK) == 0)
        st = ow_fail(err, OW_ERR_FILE,
                     "%s: is there already, from another sweep: expected a new --store, or "
                     "--resume with that sweep's",
                     folder);
    else if (!scheduler && !is_new && !(st = read_job(folder, &job, err)) && job.round > 0)
        st =
            ow_fail(err, OW_ERR_INPUT,
                    "%s: job %s was to run these points: expected --executor=slurm, which goes "
                    "on with it, or that folder removed",
                    folder, job.id[0] ? job.id : job.name);
    free(folder);
    return st;
}

/* ---- the script of a task ---------------------------------------------------------- */

/* A name is data: inside single quotes the shell looks for their end and for nothing else. */
static void put_quoted(FILE *to, const char *text)
{
    fputc('\'', to);
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", to);
        else
            fputc(*text, to);
    fputc('\'', to);
}

/* The first command comes before the first name: sbatch looks for options in comments until
 * then. */
static void put_script(FILE *to, const struct cluster *c)
{
    const struct ow_cluster_options *o = c->o;
    fprintf(to,
            "#!/bin/sh\nset -u\n"
            "# A task of `ohmweave sweep`: made by it, and removed when it is done.\n%s"
            "round=",
            o->scheduler->preamble);
    put_quoted(to, c->folder);
    fprintf(to, "/round-%zu\n", c->job.round);
    fputs("exec >>\"$round/log-$task\" 2>&1\n"
          "rm -f \"$round/end-$task\"\n"
          "end() {\n"
          "    printf '%s\\n' \"$1\" >\"$round/end-$task\"\n"
          "    exit \"$1\"\n"
          "}\n"
          "cd ",
          to);
    put_quoted(to, o->directory);
    fputs(" || end 126\n", to);
    put_quoted(to, o->program);
    fputs(" sweep", to);
    for (size_t k = 0; o->word && o->word[k]; k++) {
        fputs(" \\\n    ", to);
        put_quoted(to, o->word[k]);
    }
    fprintf(to, " \\\n    --jobs=%u", o->jobs);
    if (!o->has_memory)
        fputs(" ${memory:+\"--memory=$memory\"}", to);
    fputs(" \\\n    --points=\"$round/points-$task\" --store=\"$round/shard-$task\" -- ", to);
    put_quoted(to, o->spec);
    fputs("\nend \"$?\"\n", to);
}

static enum ow_status write_script(const struct cluster *c, const char *path,
                                   struct ow_error *err)
{
    struct ow_file file = {0};
    const enum ow_status st = ow_file_create(path, &file, err);
    if (st)
        return st;
    put_script(file.to, c);
    return ow_file_commit(&file, err);
}

/* ---- a round: from points to an array ---------------------------------------------- */

static double seconds_of(const struct cluster *c, size_t point)
{
    return ow_sweep_cost_of(c->cost, point)->seconds + 1e-3;
}

static enum ow_status cut(const struct cluster *c, struct ow_chunks *chunks,
                          struct ow_error *err)
{
    double *seconds = calloc(c->n_left, sizeof *seconds), sum = 0.0;
    if (!seconds)
        return no_memory(err);
    for (size_t k = 0; k < c->n_left; k++)
        sum += seconds[k] = seconds_of(c, c->left[k]);
    const size_t n = c->o->n_task ? c->o->n_task : ow_chunks_number(sum, c->n_left, c->o->jobs);
    const enum ow_status st =
        ow_chunks_cut(c->left, seconds, c->n_left, n < c->n_left ? n : c->n_left, chunks, err);
    free(seconds);
    return st;
}

static enum ow_status write_lists(const struct cluster *c, const struct ow_chunks *chunks,
                                  struct ow_error *err)
{
    enum ow_status st = OW_OK;
    for (size_t k = 0; k < chunks->n && !st; k++) {
        char *path = name_of(c, c->job.round, "points", k);
        st = path ? ow_points_write(path, chunks->point + chunks->begin[k],
                                    chunks->begin[k + 1] - chunks->begin[k], err)
                  : no_memory(err);
        free(path);
    }
    return st;
}

static enum ow_status take_highest(void *data, size_t number, struct ow_error *err)
{
    size_t *highest = data;
    if (number > *highest)
        *highest = number;
    return OW_OK;
}

static enum ow_status make_directory(const char *path, struct ow_error *err)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST
               ? OW_OK
               : ow_fail(err, OW_ERR_FILE, "%s: %s", path, strerror(errno));
}

/* A folder for the next round, under a number that none has had. */
static enum ow_status make_round(struct cluster *c, struct ow_error *err)
{
    size_t highest = 0;
    enum ow_status st = each_number(c->folder, "round", take_highest, &highest, err);
    c->job.round = highest + 1;
    char *path = name_in(c, c->job.round, "");
    if (!st)
        st = path ? make_directory(path, err) : no_memory(err);
    free(path);
    return st;
}

/* By this the array is found in the queue, even if this process is killed before it hears the
 * array's number. */
static void invent_name(char name[40])
{
    unsigned long long bits = 0;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        bits = (unsigned long long)time(NULL) * 1000003ULL + (unsigned long long)getpid();
    snprintf(name, 40, "ohmweave-%016llx", bits);
}

static void remove_round(const struct cluster *c, size_t round, bool with_logs);

static enum ow_status submit_files(struct cluster *c, const char *script, const char *log,
                                   struct ow_error *err)
{
    const struct ow_scheduler_array array = {.name = c->job.name,
                                             .script = script,
                                             .log = log,
                                             .n_task = c->job.n_task,
                                             .at_once = c->o->at_once,
                                             .cpus = c->o->jobs,
                                             .partition = c->o->partition,
                                             .extra = c->o->extra};
    enum ow_status st;
    if ((st = write_script(c, script, err)) || (st = write_job(c, err)))
        return st;
    if ((st = c->o->scheduler->submit(&array, c->job.id, err))) {
        const size_t round = c->job.round;
        forget_job(c);
        remove_round(c, round, true);
        rmdir(c->folder);
        return st;
    }
    return write_job(c, err);
}

static enum ow_status submit(struct cluster *c, struct ow_error *err)
{
    struct ow_chunks chunks;
    enum ow_status st = cut(c, &chunks, err);
    if (st)
        return st;
    c->job = (struct job){.n_task = chunks.n};
    invent_name(c->job.name);
    if (!(st = make_round(c, err)))
        st = write_lists(c, &chunks, err);
    ow_chunks_finish(&chunks);
    if (st)
        return st;
    char *script = name_in(c, c->job.round, "task.sh"), *log = name_in(c, c->job.round, "log");
    st = script && log ? submit_files(c, script, log, err) : no_memory(err);
    free(script);
    free(log);
    if (!st)
        say(c, "job %s of %s: %zu points in %zu tasks; logs in %s/round-%zu", c->job.id,
            c->o->scheduler->name, c->n_left, c->job.n_task, c->folder, c->job.round);
    return st;
}

/* ---- waiting ----------------------------------------------------------------------- */

static const char *job_text(const struct cluster *c)
{
    return c->job.id[0] ? c->job.id : c->job.name;
}

static void show(const struct cluster *c, const struct ow_scheduler_state *state)
{
    const struct ow_cluster_progress p = {.n_task = c->job.n_task,
                                          .n_waiting = state->n_waiting,
                                          .n_running = state->n_running,
                                          .reason = state->reason};
    if (c->o->progress)
        c->o->progress(c->o->data, &p);
}

static enum ow_status wait_for_array(struct cluster *c, struct ow_scheduler_state *state,
                                     struct ow_error *err)
{
    double pause = c->o->pause_least;
    bool is_silent = false, is_held = false;
    for (;;) {
        struct ow_error why = {0};
        const bool is_known =
            c->o->scheduler->look(c->job.name, c->job.id, state, &why) == OW_OK;
        if (!is_known && !is_silent)
            say(c, "%s; asking again until it answers", why.text);
        is_silent = !is_known;
        if (is_known) {
            if (!c->job.id[0])
                strcpy(c->job.id, state->id);
            show(c, state);
            if (state->n_waiting + state->n_running == 0)
                return OW_OK;
            if (state->n_held > 0 && !is_held)
                say(c, "job %s: %zu tasks are held (%s) and wait until they are released",
                    job_text(c), state->n_held, state->reason);
            is_held = state->n_held > 0;
        }
        pause_for(c, pause);
        pause = fmin(1.5 * pause, c->o->pause_most);
        if (is_cancelled(c))
            return ow_fail(err, OW_ERR_CANCELLED,
                           "cancelled here, but job %s goes on: the same command with --resume "
                           "waits for it, `%s %s` ends it",
                           job_text(c), c->o->scheduler->cancel, job_text(c));
    }
}

/* Files of other machines may be seen late.  Making one in their folder makes the network's
 * file system look at it anew. */
static bool have_all_ended(const struct cluster *c)
{
    char *probe = name_in(c, c->job.round, "probe");
    FILE *f = probe ? fopen(probe, "w") : NULL;
    if (f)
        fclose(f);
    if (probe)
        unlink(probe);
    free(probe);
    bool is_there = true;
    for (size_t k = 0; k < c->job.n_task && is_there; k++) {
        char *end = name_of(c, c->job.round, "end", k);
        is_there = end && access(end, F_OK) == 0;
        free(end);
    }
    return is_there;
}

/* Until the array has left the queue and what its tasks have written is here. */
static enum ow_status wait_for_files(struct cluster *c, struct ow_scheduler_state *state,
                                     struct ow_error *err)
{
    for (;;) {
        const enum ow_status st = wait_for_array(c, state, err);
        if (st)
            return st;
        const double end = ow_seconds() + c->o->settle_s;
        bool is_there = have_all_ended(c);
        while (!is_there && ow_seconds() < end && !is_cancelled(c)) {
            pause_for(c, fmin(1.0, c->o->settle_s));
            is_there = have_all_ended(c);
        }
        struct ow_scheduler_state now;
        if (is_there || c->o->scheduler->look(c->job.name, c->job.id, &now, NULL) != OW_OK ||
            now.n_waiting + now.n_running == 0)
            return OW_OK; /* else one was put back into the queue meanwhile */
    }
}

/* ---- from shards to the store ------------------------------------------------------ */

static void took(void *data, const struct ow_point_record *row)
{
    struct cluster *c = data;
    if (row->id < c->plan->n_point)
        c->is_heard[row->id] = true;
    if (c->o->ended)
        c->o->ended(c->o->data, row);
}

struct place {
    struct cluster *c;
    size_t round;
};

/* A shard that cannot be merged is said and left: its points are not heard of. */
static enum ow_status merge_shard(void *data, size_t number, struct ow_error *err)
{
    const struct place *p = data;
    struct ow_error why = {0};
    char *path = name_of(p->c, p->round, "shard", number);
    if (!path)
        return no_memory(err);
    const enum ow_status st = ow_shard_merge(p->c->store, path, took, p->c, &why);
    if (st)
        say(p->c, "%s; it is left aside", why.text);
    free(path);
    return st == OW_ERR_NOMEM ? no_memory(err) : OW_OK;
}

static enum ow_status merge_round(void *data, size_t round, struct ow_error *err)
{
    struct place p = {data, round};
    char *path = name_in(p.c, round, "");
    const enum ow_status st =
        path ? each_number(path, "shard", merge_shard, &p, err) : no_memory(err);
    free(path);
    return st;
}

static bool is_ours(const char *name, bool with_logs)
{
    static const char *const what[] = {"points", "end", "log"};
    size_t number;
    for (size_t k = 0; k < 2u + with_logs; k++)
        if (has_number(name, what[k], &number))
            return true;
    const char *dot = strstr(name, ".new"); /* of a shard that never was */
    return strcmp(name, "task.sh") == 0 || strcmp(name, "probe") == 0 ||
           (strncmp(name, "shard-", 6) == 0 && dot);
}

/* What nobody needs any more; what somebody may (a log, a shard left aside) keeps the folder.
 */
static void remove_round(const struct cluster *c, size_t round, bool with_logs)
{
    char *path = name_in(c, round, "");
    DIR *d = path ? opendir(path) : NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        char *name = is_ours(e->d_name, with_logs) ? name_in(c, round, e->d_name) : NULL;
        if (name)
            unlink(name);
        free(name);
    }
    if (d)
        closedir(d);
    if (path)
        rmdir(path);
    free(path);
}

/* Exit codes of a task that will not do better next time: its input is refused, or the program
 * cannot be started.  What was killed, by whomever, may. */
static bool is_refusal(const struct cluster *c, size_t task)
{
    int code = 0;
    char *path = name_of(c, c->job.round, "end", task);
    FILE *f = path ? fopen(path, "r") : NULL;
    if (f && fscanf(f, "%d", &code) != 1)
        code = 0;
    if (f)
        fclose(f);
    free(path);
    return code == 2 || code == 126 || code == 127;
}

/* The last line of a task's log. */
static void read_last_words(const struct cluster *c, size_t task, char *words, size_t size)
{
    char bytes[2048];
    size_t n = 0;
    char *path = name_of(c, c->job.round, "log", task);
    FILE *f = path ? fopen(path, "r") : NULL;
    if (f && (fseek(f, -(long)(sizeof bytes - 1), SEEK_END) == 0 || fseek(f, 0, SEEK_SET) == 0))
        n = fread(bytes, 1, sizeof bytes - 1, f);
    if (f)
        fclose(f);
    free(path);
    while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == '\0'))
        n--;
    bytes[n] = '\0';
    const char *last = strrchr(bytes, '\n');
    ow_command_line(last ? last + 1 : bytes, "ohmweave: ", words, size);
}

/* Add the points of a task that were not heard of to those left. */
static enum ow_status find_left(struct cluster *c, size_t task, struct ow_error *err)
{
    size_t *point, n, n_missing = 0;
    char *path = name_of(c, c->job.round, "points", task);
    enum ow_status st =
        path ? ow_points_read(path, c->plan->n_point, &point, &n, err) : no_memory(err);
    free(path);
    if (st)
        return st;
    for (size_t k = 0; k < n; k++)
        n_missing += !c->is_heard[point[k]];
    if (n_missing > 0 && is_refusal(c, task)) {
        if (c->n_refused == 0)
            read_last_words(c, task, c->refusal, sizeof c->refusal);
        c->n_refused += n_missing;
        n_missing = 0;
    }
    for (size_t k = 0; k < n && n_missing > 0; k++)
        if (!c->is_heard[point[k]] && c->n_left < c->plan->n_point)
            c->left[c->n_left++] = point[k];
    free(point);
    return OW_OK;
}

static enum ow_status mark_done(void *data, const struct ow_point_record *row,
                                struct ow_error *err)
{
    struct cluster *c = data;
    if (row->id < c->plan->n_point)
        c->is_heard[row->id] = true;
    return OW_OK;
}

/* A shard may be missing because a front end before this one has merged it and was killed. */
static enum ow_status collect(struct cluster *c, struct ow_error *err)
{
    const struct ow_store_query done = {.statuses = 1u << OW_POINT_DONE};
    memset(c->is_heard, 0, c->plan->n_point * sizeof *c->is_heard);
    enum ow_status st = merge_round(c, c->job.round, err);
    if (!st)
        st = ow_store_each(c->store, &done, mark_done, c, err);
    c->n_left = 0;
    const size_t was_refused = c->n_refused;
    for (size_t k = 0; k < c->job.n_task && !st; k++)
        st = find_left(c, k, err);
    if (st)
        return st;
    const size_t round = c->job.round;
    forget_job(c);
    remove_round(c, round, c->n_left == 0 && c->n_refused == was_refused);
    return OW_OK;
}

/* ---- the whole --------------------------------------------------------------------- */

static enum ow_status list_row(void *data, const struct ow_point_record *row,
                               struct ow_error *err)
{
    struct cluster *c = data;
    if (row->id < c->plan->n_point)
        c->left[c->n_left++] = row->id;
    return OW_OK;
}

/* What earlier rounds have left behind, and then what is not done. */
static enum ow_status begin(struct cluster *c, struct ow_error *err)
{
    const struct ow_store_query open = {.statuses = ~(1u << OW_POINT_DONE)};
    const enum ow_status st = each_number(c->folder, "round", merge_round, c, err);
    return st ? st : ow_store_each(c->store, &open, list_row, c, err);
}

static enum ow_status say_what_is_left(const struct cluster *c, unsigned n_again,
                                       const struct ow_scheduler_state *state, const char *job,
                                       struct ow_error *err)
{
    if (state->n_cancelled > 0)
        return ow_fail(err, OW_ERR_HOST,
                       "%zu points are left: %zu tasks of job %s were cancelled", c->n_left,
                       state->n_cancelled, job);
    return ow_fail(err, OW_ERR_HOST,
                   "%zu points are left: their tasks were lost %u times%s; %s/round-* has the "
                   "logs",
                   c->n_left, n_again + 1,
                   state->n_late
                       ? " (the last time because their time was over: more tasks with "
                         "--array, or more time with --sbatch=--time=...)"
                       : "",
                   c->folder);
}

static enum ow_status rounds(struct cluster *c, struct ow_error *err)
{
    for (unsigned again = 0; c->n_left > 0 || c->job.round > 0; again++) {
        struct ow_scheduler_state state;
        char job[OW_SCHEDULER_ID];
        enum ow_status st;
        if (c->job.round == 0 && is_cancelled(c))
            return ow_fail(err, OW_ERR_CANCELLED, "cancelled before anything was submitted");
        if (c->job.round == 0 && (st = submit(c, err)))
            return st;
        if ((st = wait_for_files(c, &state, err)))
            return st;
        snprintf(job, sizeof job, "%s", job_text(c));
        if ((st = collect(c, err)))
            return st;
        if (c->n_left == 0)
            break;
        if (state.n_cancelled > 0 || again >= c->o->n_again)
            return say_what_is_left(c, again, &state, job, err);
        say(c, "job %s has lost tasks with %zu points%s: submitting them again (%u of %u)", job,
            c->n_left, state.n_late ? " (their time was over)" : "", again + 1, c->o->n_again);
    }
    if (c->n_refused > 0)
        return ow_fail(
            err, OW_ERR_HOST,
            "%zu points are left, a task could not begin: %s; %s/round-* has the logs",
            c->n_refused, c->refusal[0] ? c->refusal : "it does not say why", c->folder);
    return OW_OK;
}

static void remove_old_rounds(struct cluster *c)
{
    size_t highest = 0;
    each_number(c->folder, "round", take_highest, &highest, NULL);
    for (size_t k = 1; k <= highest; k++)
        remove_round(c, k, true);
    rmdir(c->folder);
}

static enum ow_status run(struct cluster *c, struct ow_error *err)
{
    enum ow_status st;
    if ((st = make_directory(c->folder, err)) || (st = read_job(c->folder, &c->job, err)))
        return st;
    if (c->job.round > 0)
        say(c, "going on with job %s of %s", job_text(c), c->o->scheduler->name);
    else if ((st = begin(c, err)))
        return st;
    if (!(st = rounds(c, err)))
        remove_old_rounds(c);
    return st;
}

enum ow_status ow_cluster_run(struct ow_store *store, const char *store_path,
                              const struct ow_plan *plan, const struct ow_sweep_cost *cost,
                              const struct ow_cluster_options *options, struct ow_error *err)
{
    struct cluster c = {.store = store,
                        .plan = plan,
                        .cost = cost,
                        .o = options,
                        .is_heard = calloc(plan->n_point, sizeof *c.is_heard),
                        .left = calloc(plan->n_point, sizeof *c.left)};
    char *whole = realpath(store_path, NULL);
    if (whole && asprintf(&c.folder, "%s" FOLDER, whole) < 0)
        c.folder = NULL;
    const enum ow_status st =
        !whole ? ow_fail(err, OW_ERR_FILE, "%s: %s", store_path, strerror(errno))
        : c.folder && c.is_heard && c.left ? run(&c, err)
                                           : no_memory(err);
    free(whole);
    free(c.folder);
    free(c.is_heard);
    free(c.left);
    return st;
}
