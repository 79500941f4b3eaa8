#define _GNU_SOURCE /* asprintf */
#include "cli_cluster.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ow_clock.h"
#include "ow_slurm.h"

/* ---- options ----------------------------------------------------------------------- */

enum { KEY_EXECUTOR = 0x300, KEY_ARRAY, KEY_PARTITION, KEY_SBATCH, KEY_PROGRAM };
enum { MOST_TASKS = 100000 };

static const struct argp_option options[] = {
    {"executor", KEY_EXECUTOR, "NAME", 0,
     "who runs the points: local, or slurm: an array of jobs on a cluster (local)", 0},
    {"array", KEY_ARRAY, "N[%M]", 0,
     "slurm: cut the points into N tasks, M of them at a time (at least half a minute each, "
     "at most 300)",
     0},
    {"partition", KEY_PARTITION, "NAMES", 0, "slurm: partitions, as for sbatch", 0},
    {"sbatch", KEY_SBATCH, "OPTION", 0,
     "slurm: one more option for sbatch, such as --sbatch=--time=2:00:00 (any number of times)",
     0},
    {"task-program", KEY_PROGRAM, "FILE", 0,
     "slurm: what the tasks run, such as a script that starts a container (this program)", 0},
    {0}};

static bool read_count(const char *text, char **end, size_t *count)
{
    if (*text < '0' || *text > '9')
        return false;
    const unsigned long n = strtoul(text, end, 10);
    *count = n;
    return n >= 1 && n <= MOST_TASKS;
}

static void parse_array(const char *text, struct cli_cluster *c, struct argp_state *state)
{
    char *end;
    const bool is_fine =
        read_count(text, &end, &c->n_task) &&
        (*end == '\0' ||
         (*end == '%' && read_count(end + 1, &end, &c->at_once) && *end == '\0'));
    if (!is_fine)
        argp_error(
            state,
            "--array=%s: expected a number of tasks from 1 to %d, or 200%%20 for 20 at a "
            "time",
            text, MOST_TASKS);
}

static error_t add_extra(struct cli_cluster *c, const char *text, struct argp_state *state)
{
    if (text[0] != '-' || text[1] == '\0' || strcmp(text, "--") == 0)
        argp_error(state,
                   "--sbatch=%s: expected an option of sbatch in one word, such as "
                   "--account=NAME",
                   text);
    const char **more = realloc(c->extra, (c->n_extra + 2) * sizeof *more);
    if (!more)
        return ENOMEM;
    c->extra = more;
    more[c->n_extra++] = text;
    more[c->n_extra] = NULL;
    return 0;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct cli_cluster *c = state->input;
    switch (key) {
    case KEY_EXECUTOR:
        if (strcmp(text, ow_slurm.name) == 0)
            c->scheduler = &ow_slurm;
        else if (strcmp(text, "local") == 0)
            c->scheduler = NULL;
        else
            argp_error(state, "--executor=%s: expected local or slurm", text);
        return 0;
    case KEY_ARRAY:
        parse_array(text, c, state);
        return 0;
    case KEY_PARTITION:
        c->partition = text;
        return 0;
    case KEY_SBATCH:
        return add_extra(c, text, state);
    case KEY_PROGRAM:
        c->program = text;
        return 0;
    case ARGP_KEY_END:
        if (!c->scheduler && (c->n_task || c->partition || c->extra || c->program))
            argp_error(state, "--array, --partition, --sbatch and --task-program are for "
                              "--executor=slurm");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_cluster_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

void cli_cluster_finish(struct cli_cluster *c)
{
    free(c->extra);
}

/* ---- before ------------------------------------------------------------------------ */

static enum ow_status find_program(const struct cli_cluster *c, char path[PATH_MAX],
                                   struct ow_error *err)
{
    if (c->program) {
        if (realpath(c->program, path) && access(path, X_OK) == 0)
            return OW_OK;
        return ow_fail(err, OW_ERR_FILE, "--task-program: %s: %s", c->program, strerror(errno));
    }
    const ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (n <= 0)
        return ow_fail(err, OW_ERR_HOST, "/proc/self/exe: %s", strerror(errno));
    path[n] = '\0';
    return OW_OK;
}

enum ow_status cli_cluster_check(const struct cli_cluster *c, const struct cli_spec *spec,
                                 const char *store_path, bool is_new, struct ow_error *err)
{
    struct stat is;
    char program[PATH_MAX];
    enum ow_status st = ow_cluster_check(store_path, c->scheduler, is_new, err);
    if (st || !c->scheduler)
        return st;
    if (stat(spec->path, &is) != 0 || !S_ISREG(is.st_mode))
        return ow_fail(err, OW_ERR_FILE,
                       "%s: expected a regular file, which the tasks can read as well",
                       spec->path);
    st = find_program(c, program, err);
    return st ? st : c->scheduler->check(err);
}

/* ---- meanwhile --------------------------------------------------------------------- */

struct watch {
    bool is_on;
    double begin; /* when the first task was seen running, 0 before */
};

static void clear_line(const struct watch *w)
{
    if (w->is_on)
        fprintf(stderr, "\r\033[K");
}

static void show(void *data, const struct ow_cluster_progress *p)
{
    struct watch *w = data;
    const size_t n_left = p->n_waiting + p->n_running,
                 n_done = p->n_task > n_left ? p->n_task - n_left : 0;
    const double now = ow_seconds();
    if (!w->is_on)
        return;
    if (w->begin == 0.0 && p->n_running > 0)
        w->begin = now;
    fprintf(stderr, "\r\033[Ktasks: %zu of %zu done, %zu running", n_done, p->n_task,
            p->n_running);
    if (p->n_waiting > 0)
        fprintf(stderr, ", %zu waiting%s%s%s", p->n_waiting, p->reason[0] ? " (" : "",
                p->reason, p->reason[0] ? ")" : "");
    if (n_done > 0 && n_left > 0 && w->begin > 0.0)
        fprintf(stderr, ", about %.0f min left",
                ceil((now - w->begin) / (double)n_done * (double)n_left / 60.0));
    fflush(stderr);
}

static void tell(void *data, const char *line)
{
    const struct watch *w = data;
    clear_line(w);
    fprintf(stderr, "ohmweave: %s\n", line);
}

static void ended(void *data, const struct ow_point_record *point)
{
    const struct watch *w = data;
    if (point->status == OW_POINT_DONE)
        return;
    clear_line(w);
    fprintf(stderr, "ohmweave: point %zu %s: %s\n", point->id,
            ow_point_status_str(point->status), point->error ? point->error : "");
}

/* ---- the run ----------------------------------------------------------------------- */

static void free_words(char **word)
{
    for (size_t k = 0; word && word[k]; k++)
        free(word[k]);
    free(word);
}

/* What decides the answers of this command, for the tasks. */
static char **make_words(const struct cli_spec *spec, const struct cli_cluster_how *how)
{
    size_t n = 0;
    bool is_fine = true;
    char **word = calloc(spec->n_override + 3, sizeof *word);
    for (size_t k = 0; word && is_fine && k < spec->n_override; k++)
        is_fine = asprintf(&word[n++], "--set=%s", spec->overrides[k]) >= 0;
    if (word && is_fine && !isnan(how->timeout_s))
        is_fine = asprintf(&word[n++], "--timeout=%.17g", how->timeout_s) >= 0;
    if (word && is_fine && !isnan(how->memory))
        is_fine = asprintf(&word[n++], "--memory=%.17g", how->memory) >= 0;
    if (word && !is_fine) {
        word[n - 1] = NULL;
        free_words(word);
        word = NULL;
    }
    return word;
}

enum ow_status cli_cluster_run(const struct cli_cluster *c, const struct cli_spec *spec,
                               struct ow_store *store, const char *store_path,
                               const struct ow_plan *plan, const struct ow_sweep_cost *cost,
                               const struct cli_cluster_how *how, struct ow_error *err)
{
    char program[PATH_MAX], directory[PATH_MAX];
    struct watch watch = {.is_on = isatty(STDERR_FILENO)};
    enum ow_status st = find_program(c, program, err);
    if (st)
        return st;
    if (!getcwd(directory, sizeof directory))
        return ow_fail(err, OW_ERR_FILE, "the current directory: %s", strerror(errno));
    char **word = make_words(spec, how);
    if (!word)
        return ow_fail(err, OW_ERR_NOMEM, "sweep: out of memory");
    const struct ow_cluster_options o = {.scheduler = c->scheduler,
                                         .program = program,
                                         .directory = directory,
                                         .spec = spec->path,
                                         .word = (const char *const *)word,
                                         .has_memory = !isnan(how->memory),
                                         .jobs = how->jobs,
                                         .n_task = c->n_task,
                                         .at_once = c->at_once,
                                         .partition = c->partition,
                                         .extra = c->extra,
                                         .n_again = 3,
                                         .pause_least = 1.0,
                                         .pause_most = 15.0,
                                         .settle_s = 10.0,
                                         .cancel = &cli_cancelled,
                                         .progress = show,
                                         .say = tell,
                                         .ended = ended,
                                         .data = &watch};
    st = ow_cluster_run(store, store_path, plan, cost, &o, err);
    clear_line(&watch);
    free_words(word);
    return st;
}
