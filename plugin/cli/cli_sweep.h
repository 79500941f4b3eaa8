/* What the commands about stores share: figures as a table. */
#ifndef OW_CLI_SWEEP_H
#define OW_CLI_SWEEP_H

#include "cli_spec.h"
#include "ow_pool.h"
#include "ow_sweep.h"

/* The table of the points that are done, how many are not, and the JSON; the exit code: 0 when
 * all are done and keep their limits. */
int cli_sweep_answer(struct ow_store *store, const char *name, const struct cli_output *output);

#endif
