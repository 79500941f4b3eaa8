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
    bool is_resolved; /* print the specification and stop */

    struct ow_spec spec;
    struct ow_problem problem;
    bool has_spec, has_problem;
};

/* A child parser; its input is a struct cli_spec. */
extern const struct argp cli_spec_argp;

/* Load, and with --resolved print.  True: go on; false: end with *code. */
bool cli_spec_load(struct cli_spec *s, const char *command, int *code);
void cli_spec_finish(struct cli_spec *s);

/* ohmweave.cm: $OHMWEAVE_CM, else beside this program in a build tree, else where it was
 * installed.  Says in err where it looked. */
bool cli_find_codemodel(char *path, size_t size, struct ow_error *err);

enum { CLI_PATH_SIZE = 4096 };
/* DIRECTORY/NAME.npy; false when that is too long. */
bool cli_path_in(char path[CLI_PATH_SIZE], const char *directory, const char *name,
                 struct ow_error *err);
bool cli_save_table(const char *directory, const char *name, const struct ow_matrix *m,
                    struct ow_error *err);

/* Make the directory (and check that it can be written to). */
bool cli_make_directory(const char *path, struct ow_error *err);

#endif
