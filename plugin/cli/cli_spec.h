/* What the commands that take a specification share: SPEC, --set, --resolved, and the
 * places where files are. */
#ifndef OW_CLI_SPEC_H
#define OW_CLI_SPEC_H

#include "cli.h"
#include "ow_problem.h"

struct cli_spec {
    const char *path;
    const char **overrides; /* NULL-terminated, owned */
    size_t n_override;
    bool allows_commands; /* --allow-commands */
    bool is_resolved;     /* print the specification and stop */

    struct ow_spec spec;
    struct ow_problem problem;
    bool has_spec, has_problem;
};

/* A child parser; its input is a struct cli_spec. */
extern const struct argp cli_spec_argp;

/* Load, and with --resolved print.  True: go on; false: end with *code. */
bool cli_spec_load(struct cli_spec *s, const char *command, int *code);
void cli_spec_finish(struct cli_spec *s);

/* Where an answer goes, NULL where it does not: --out DIR and --json FILE.  Commands have an
 * option with CLI_KEY_OUT and CLI_KEY_JSON each, in their own words, and end their parsers in
 * cli_output_parse(). */
struct cli_output {
    const char *out, *json;
};
enum { CLI_KEY_OUT = 0x1000, CLI_KEY_JSON };
error_t cli_output_parse(int key, char *text, struct cli_output *output);
/* Asked before a long run: can all of it be written?  Makes the directory. */
bool cli_output_check(const struct cli_output *output, struct ow_error *err);
/* Whether standard output is free for a table: the JSON does not go there. */
bool cli_output_has_table(const struct cli_output *output);

/* ohmweave.cm: $OHMWEAVE_CM, else beside this program in a build tree, else where it was
 * installed.  Says in err where it looked. */
bool cli_find_codemodel(char *path, size_t size, struct ow_error *err);

enum { CLI_PATH_SIZE = 4096 };
/* The same where the specification's engine is ngspice; else "". */
bool cli_codemodel_for(const struct ow_spec *spec, char path[CLI_PATH_SIZE],
                       struct ow_error *err);
/* DIRECTORY/NAME.npy; false when that is too long. */
bool cli_path_in(char path[CLI_PATH_SIZE], const char *directory, const char *name,
                 struct ow_error *err);
bool cli_save_table(const char *directory, const char *name, const struct ow_matrix *m,
                    struct ow_error *err);

/* Make the directory (and check that it can be written to); NULL: nothing to do. */
bool cli_make_directory(const char *path, struct ow_error *err);

#endif
