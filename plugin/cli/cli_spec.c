#include "cli_spec.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ow_sweep.h"
#include "ow_table.h"

enum { KEY_SET = 0x1000, KEY_RESOLVED, KEY_ALLOW, KEY_KEYS };

static const struct argp_option options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0,
     "override a key of the specification, such as array.r_wordline=5 (any number of times)",
     0},
    {"resolved", KEY_RESOLVED, NULL, 0,
     "print the whole specification, every default and where each value came from, and stop",
     0},
    {"keys", KEY_KEYS, NULL, 0,
     "print every key that a specification may have, its default, meaning and range, and stop",
     0},
    {"allow-commands", KEY_ALLOW, NULL, 0,
     "run netlists of the periphery even if they hold commands for ngspice (.control): they "
     "may "
     "do anything on this machine",
     0},
    {0}};

/* As argp's --help: no specification is needed, and nothing else is done. */
static void print_keys(void)
{
    struct ow_error err = {0};
    const enum ow_status st = ow_spec_help(stdout, &err);
    exit(cli_finish(st && !ferror(stdout) ? cli_fail(&err) : EXIT_STANDS));
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct cli_spec *s = state->input;
    switch (key) {
    case KEY_SET: {
        const char **more = realloc(s->overrides, (s->n_override + 2) * sizeof *more);
        if (!more)
            return ENOMEM;
        s->overrides = more;
        more[s->n_override++] = text;
        more[s->n_override] = NULL;
        return 0;
    }
    case KEY_ALLOW:
        s->allows_commands = true;
        return 0;
    case KEY_KEYS:
        print_keys();
        return 0;
    case KEY_RESOLVED:
        s->is_resolved = true;
        return 0;
    case ARGP_KEY_ARG:
        if (s->path)
            argp_error(state, "unexpected argument '%s': one specification at a time", text);
        s->path = text;
        return 0;
    case ARGP_KEY_END:
        if (!s->path)
            argp_error(state, "a specification is required: SPEC.yaml");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_spec_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

/* A product that cannot fit: the machine would end whatever takes memory, with no word.  The
 * estimate is on the safe side, mostly by a factor of two. */
static enum ow_status check_memory(const struct ow_spec *spec, struct ow_error *err)
{
    const double there = ow_sweep_free_memory();
    struct ow_point_estimate e;
    struct ow_error none = {0}; /* what is wrong is found again, in its turn */
    if (ow_point_estimate(spec, &e, &none) || there <= 0.0 || e.bytes < 2.0 * there)
        return OW_OK;
    return ow_spec_fail(spec, "vmm.weights", err, OW_ERR_INPUT,
                        "an array of %zu x %zu needs about %.3g GB and there are %.3g GB: "
                        "expected smaller arrays, array.tile to cut the weights into such, or "
                        "engine.name dc, which takes less than half",
                        e.rows, e.cols, 1e-9 * e.bytes, 1e-9 * there);
}

bool cli_spec_load(struct cli_spec *s, const char *command, int *code)
{
    struct ow_error err = {0};
    if (ow_spec_load(s->path, s->overrides, &s->spec, &err)) {
        *code = cli_fail(&err);
        return false;
    }
    s->has_spec = true;
    s->spec.allows_commands = s->allows_commands;
    if (s->is_resolved) {
        /* what could not be printed is standard output's failure: see cli_finish() */
        const enum ow_status st = ow_spec_print(&s->spec, stdout, &err);
        *code = st && !ferror(stdout) ? cli_fail(&err) : EXIT_STANDS;
        return false;
    }
    if (ow_spec_keep_files(&s->spec, &err) || ow_spec_for(&s->spec, command, &err) ||
        (strcmp(command, "vmm") == 0 && check_memory(&s->spec, &err)) ||
        ow_problem_init(&s->spec, &s->problem, &err)) {
        *code = cli_fail(&err);
        return false;
    }
    s->has_problem = true;
    return true;
}

void cli_spec_finish(struct cli_spec *s)
{
    if (s->has_problem)
        ow_problem_finish(&s->problem);
    if (s->has_spec)
        ow_spec_finish(&s->spec);
    free(s->overrides);
}

bool cli_find_codemodel(char *path, size_t size, struct ow_error *err)
{
    char self[PATH_MAX], resolved[PATH_MAX];
    const char *given = getenv("OHMWEAVE_CM");
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    if (given)
        snprintf(path, size, "%s", given);
    else {
        snprintf(path, size, "%s/plugin/xspice/ohmweave.cm", self);
        if (access(path, R_OK) != 0)
            snprintf(path, size, "%s", OW_INSTALLED_CODEMODEL);
    }
    if (access(path, R_OK) != 0 || !realpath(path, resolved) || strlen(resolved) >= size) {
        ow_fail(err, OW_ERR_HOST,
                "the code models for ngspice are not there: %s cannot be read%s", path,
                given ? " (from OHMWEAVE_CM)"
                      : "; build with an ngspice source tree (scripts/setup fetches it), or "
                        "name the file in OHMWEAVE_CM");
        return false;
    }
    strcpy(path, resolved);
    return true;
}

bool cli_path_in(char path[CLI_PATH_SIZE], const char *directory, const char *name,
                 struct ow_error *err)
{
    if (snprintf(path, CLI_PATH_SIZE, "%s/%s.npy", directory, name) < CLI_PATH_SIZE)
        return true;
    ow_fail(err, OW_ERR_FILE, "%s: the name is too long", directory);
    return false;
}

bool cli_save_table(const char *directory, const char *name, const struct ow_matrix *m,
                    struct ow_error *err)
{
    char path[CLI_PATH_SIZE];
    return cli_path_in(path, directory, name, err) && ow_table_save(path, m, err) == OW_OK;
}

bool cli_make_directory(const char *path, struct ow_error *err)
{
    if (!path)
        return true;
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        ow_fail(err, OW_ERR_FILE, "%s: %s; expected a directory to write to", path,
                strerror(errno));
        return false;
    }
    struct stat is;
    if (stat(path, &is) != 0 || !S_ISDIR(is.st_mode) || access(path, W_OK | X_OK) != 0) {
        ow_fail(err, OW_ERR_FILE, "%s: expected a directory that can be written to", path);
        return false;
    }
    return true;
}

error_t cli_output_parse(int key, char *text, struct cli_output *output)
{
    switch (key) {
    case CLI_KEY_OUT:
        output->out = text;
        return 0;
    case CLI_KEY_JSON:
        output->json = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

bool cli_output_check(const struct cli_output *output, struct ow_error *err)
{
    return cli_check_writable(output->json, err) && cli_make_directory(output->out, err);
}

bool cli_output_has_table(const struct cli_output *output)
{
    return !output->json || strcmp(output->json, "-") != 0;
}

bool cli_codemodel_for(const struct ow_spec *spec, char path[CLI_PATH_SIZE],
                       struct ow_error *err)
{
    path[0] = '\0';
    return !ow_spec_needs_ngspice(spec) || cli_find_codemodel(path, CLI_PATH_SIZE, err);
}
