/* The answer of a vector-matrix product: what `vmm` and `rerun` print and write. */
#ifndef OW_CLI_VMM_H
#define OW_CLI_VMM_H

#include "cli_spec.h"
#include "ow_vmm.h"
#include "ow_vmm_json.h"

/* The table, --json and --out; the exit code.  The table comes before the files, so that a
 * full disk does not cost the result. */
int cli_vmm_report(const struct cli_output *output, const struct ow_problem *problem,
                   const struct ow_vmm_result *result);

#endif
