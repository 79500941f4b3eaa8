#define _GNU_SOURCE /* asprintf, strcasestr */
#include "ow_slurm.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ow_command.h"

#define PATIENCE 120.0 /* s; Slurm's commands try for that long themselves */

/* A user's own squeue settings would hide tasks, SBATCH_WAIT would make sbatch wait for the
 * array; and where the front end is a job itself, its own limits are not those of the tasks. */
static const char *const without[] = {"SQUEUE_",        "SBATCH_WAIT=",         "SLURM_ARRAY_",
                                      "SLURM_MEM_PER_", "SLURM_CPUS_PER_TASK=", NULL};

/* ---- sbatch ------------------------------------------------------------------------ */

enum { N_OWN = 16 };

struct words {
    const char **word; /* owned list */
    char *made[N_OWN]; /* owned texts */
    size_t n, n_made;
    int is_short;
};

static void add(struct words *w, const char *text)
{
    w->word[w->n++] = text;
}

static void add_text(struct words *w, const char *option, const char *value)
{
    char *text = NULL;
    if (asprintf(&text, "%s%s", option, value) < 0) {
        w->is_short = 1;
        return;
    }
    add(w, w->made[w->n_made++] = text);
}

static void words_finish(struct words *w)
{
    for (size_t k = 0; k < w->n_made; k++)
        free(w->made[k]);
    free(w->word);
}

/* Slurm replaces %a and the like in names of files, and %% is a percent sign; a backslash
 * turns all of that off, so a name with one cannot be said.  (The script writes to its log in
 * any case; here it is for what Slurm itself has to add.)  NULL without memory. */
static char *log_pattern(const char *log)
{
    const size_t n = strlen(log);
    char *pattern = malloc(2 * n + 8), *to = pattern;
    if (!pattern)
        return NULL;
    if (strchr(log, '\\'))
        return strcpy(pattern, "/dev/null");
    for (; *log; log++) {
        if (*log == '%')
            *to++ = '%';
        *to++ = *log;
    }
    strcpy(to, "-%a");
    return pattern;
}

static void add_own(struct words *w, const struct ow_scheduler_array *a, const char *log)
{
    char text[64];
    add(w, "sbatch");
    add(w, "--parsable");
    add(w, "--requeue");
    add(w, "--open-mode=append");
    add(w, "--chdir=/"); /* is there on every node; the script goes where it must */
    add_text(w, "--job-name=", a->name);
    snprintf(text, sizeof text, "0-%zu", a->n_task - 1);
    if (a->at_once)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%%%zu", a->at_once);
    add_text(w, "--array=", text);
    snprintf(text, sizeof text, "%u", a->cpus);
    add(w, "--ntasks=1");
    add_text(w, "--cpus-per-task=", text);
    add_text(w, "--output=", log);
    if (a->partition)
        add_text(w, "--partition=", a->partition);
}

/* "1234" or "1234;cluster", in the last line: sites let sbatch say more. */
static int read_id(const char *text, char id[OW_SCHEDULER_ID])
{
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    size_t begin = n;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    const size_t digits = strspn(text + begin, "0123456789");
    if (digits == 0 || n - begin >= OW_SCHEDULER_ID ||
        (begin + digits < n && text[begin + digits] != ';'))
        return 0;
    memcpy(id, text + begin, n - begin);
    id[n - begin] = '\0';
    return 1;
}

static enum ow_status say_refusal(const char *command, const struct ow_command_answer *answer,
                                  struct ow_error *err)
{
    char prefix[32], line[600];
    snprintf(prefix, sizeof prefix, "%s: error: ", command);
    ow_command_line(answer->err[0] ? answer->err : answer->out, prefix, line, sizeof line);
    return ow_fail(err, OW_ERR_HOST, "%s: %s (exit code %d)", command,
                   line[0] ? line : "no reason given", answer->code);
}

static enum ow_status submit(const struct ow_scheduler_array *a, char id[OW_SCHEDULER_ID],
                             struct ow_error *err)
{
    struct words w = {0};
    struct ow_command_answer answer = {0};
    size_t n_extra = 0;
    while (a->extra && a->extra[n_extra])
        n_extra++;
    w.word = calloc(N_OWN + n_extra + 2, sizeof *w.word);
    char *log = log_pattern(a->log);
    enum ow_status st = OW_ERR_NOMEM;
    if (w.word && log) {
        add_own(&w, a, log);
        for (size_t k = 0; k < n_extra; k++)
            add(&w, a->extra[k]);
        add(&w, a->script);
    }
    if (!w.word || !log || w.is_short)
        ow_fail(err, st, "sbatch: out of memory");
    else if (!(st = ow_command_run(w.word, without, PATIENCE, &answer, err))) {
        if (answer.code != 0)
            st = say_refusal("sbatch", &answer, err);
        else if (!read_id(answer.out, id))
            st = ow_fail(err, OW_ERR_HOST, "sbatch: expected the number of a job, got '%s'",
                         ow_command_line(answer.out, "", (char[200]){0}, 200));
    }
    ow_command_answer_finish(&answer);
    words_finish(&w);
    free(log);
    return st;
}

/* ---- squeue ------------------------------------------------------------------------ */

/* Of squeue's short states, those that still wait and those that have ended. */
static const char *const waiting[] = {"PD", "RQ", "RH", "RF", "RD", "SE", NULL};
static const char *const ended[] = {"CD", "F",  "TO", "NF", "CA", "OOM",
                                    "PR", "BF", "DL", "RV", NULL};

static int is_one_of(const char *state, const char *const list[])
{
    for (size_t k = 0; list[k]; k++)
        if (strcmp(state, list[k]) == 0)
            return 1;
    return 0;
}

/* "1234|PD|Resources" */
static void read_line(char *line, struct ow_scheduler_state *out)
{
    char *rest, *id = strtok_r(line, "|", &rest), *state = strtok_r(NULL, "|", &rest),
                *reason = strtok_r(NULL, "|", &rest);
    if (!id || !state)
        return;
    if (!out->id[0])
        snprintf(out->id, sizeof out->id, "%s", id);
    if (is_one_of(state, waiting)) {
        out->n_waiting++;
        const int is_held = reason && strcasestr(reason, "held");
        out->n_held += is_held != 0;
        if (reason && strcmp(reason, "None") != 0 && (is_held || !out->reason[0]))
            snprintf(out->reason, sizeof out->reason, "%s", reason);
    } else if (!is_one_of(state, ended)) {
        out->n_running++;
    }
    out->n_cancelled += strcmp(state, "CA") == 0;
    out->n_late += strcmp(state, "TO") == 0 || strcmp(state, "DL") == 0;
}

/* By name: a number may have been given to somebody else's job since, and Slurm calls one that
 * it has forgotten an error.  One user's jobs are little work for it. */
static enum ow_status look(const char *name, const char *id, struct ow_scheduler_state *out,
                           struct ow_error *err)
{
    char user[40], by_name[100], clusters[OW_SCHEDULER_ID + 16];
    const char *cluster = strchr(id, ';');
    const char *word[] = {"squeue", "--noheader", "--array",           "--states=all",
                          user,     by_name,      "--format=%F|%t|%r", NULL,
                          NULL};
    struct ow_command_answer answer;
    snprintf(user, sizeof user, "--user=%lu", (unsigned long)getuid());
    snprintf(by_name, sizeof by_name, "--name=%s", name);
    if (cluster) {
        snprintf(clusters, sizeof clusters, "--clusters=%s", cluster + 1);
        word[7] = clusters;
    }
    enum ow_status st = ow_command_run(word, without, PATIENCE, &answer, err);
    if (st)
        return st;
    *out = (struct ow_scheduler_state){0};
    if (answer.code != 0)
        st = say_refusal("squeue", &answer, err);
    else {
        char *rest, *line = strtok_r(answer.out, "\n", &rest);
        for (; line; line = strtok_r(NULL, "\n", &rest))
            read_line(line, out);
    }
    ow_command_answer_finish(&answer);
    return st;
}

/* ---- the commands are there -------------------------------------------------------- */

static enum ow_status check(struct ow_error *err)
{
    static const char *const command[] = {"sbatch", "squeue"};
    for (size_t k = 0; k < 2; k++) {
        const char *const word[] = {command[k], "--version", NULL};
        struct ow_command_answer answer;
        int code = 127;
        if (ow_command_run(word, without, PATIENCE, &answer, NULL) == OW_OK) {
            code = answer.code;
            ow_command_answer_finish(&answer);
        }
        if (code == 127)
            return ow_fail(err, OW_ERR_HOST,
                           "--executor=slurm: %s is not in PATH: expected Slurm's commands, as "
                           "on a login node of the cluster",
                           command[k]);
    }
    return OW_OK;
}

/* SLURM_MEM_PER_... are there where memory is shared out, in units of 2^20 bytes. */
static const char preamble[] =
    "task=${SLURM_ARRAY_TASK_ID:?is not set: run this by sbatch --array}\n"
    "memory=\n"
    "if [ -n \"${SLURM_MEM_PER_NODE-}\" ]; then\n"
    "    memory=$((SLURM_MEM_PER_NODE * 1048576))\n"
    "elif [ -n \"${SLURM_MEM_PER_CPU-}\" ]; then\n"
    "    memory=$((SLURM_MEM_PER_CPU * ${SLURM_CPUS_PER_TASK:-1} * 1048576))\n"
    "fi\n";

const struct ow_scheduler ow_slurm = {.name = "slurm",
                                      .preamble = preamble,
                                      .cancel = "scancel",
                                      .check = check,
                                      .submit = submit,
                                      .look = look};
