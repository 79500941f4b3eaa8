/* What the commands about stores share: figures as a table. */
#ifndef OW_CLI_SWEEP_H
#define OW_CLI_SWEEP_H

#include "cli_spec.h"
#include "ow_pool.h"
#include "ow_sweep.h"

/* about.columns: [{"name": ..., "axis": ..., "values": [...]}].  A new reference. */
enum ow_status cli_sweep_columns(struct ow_store *store, json_t **columns,
                                 struct ow_error *err);

/* A row's settings and result as JSON, new references; *result is NULL where there is none. */
enum ow_status cli_sweep_row(const struct ow_point_record *row, json_t **settings,
                             json_t **result, struct ow_error *err);

/* The table of the points that are done, how many are not, and the JSON; the exit code: 0 when
 * all are done and keep their limits. */
int cli_sweep_answer(struct ow_store *store, const char *name, const struct cli_output *output);

#endif
