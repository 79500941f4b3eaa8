/* `ohmweave sweep --executor slurm`: its options, and what is printed meanwhile. */
#ifndef OW_CLI_CLUSTER_H
#define OW_CLI_CLUSTER_H

#include "cli_spec.h"
#include "ow_cluster.h"

struct cli_cluster {
    const struct ow_scheduler *scheduler; /* NULL: the points run here          */
    size_t n_task, at_once;               /* --array N[%M]; 0: not given        */
    const char *partition, *program;
    const char **extra; /* NULL-terminated, owned */
    size_t n_extra;
};

/* A child parser; its input is a struct cli_cluster. */
extern const struct argp cli_cluster_argp;
void cli_cluster_finish(struct cli_cluster *cluster);

/* Before the store is opened: is all there that a run needs? */
enum ow_status cli_cluster_check(const struct cli_cluster *cluster, const struct cli_spec *spec,
                                 const char *store_path, bool is_new, struct ow_error *err);

/* What of `ohmweave sweep` is handed on to the tasks. */
struct cli_cluster_how {
    unsigned jobs;
    double timeout_s, memory; /* NaN: not given */
};
enum ow_status cli_cluster_run(const struct cli_cluster *cluster, const struct cli_spec *spec,
                               struct ow_store *store, const char *store_path,
                               const struct ow_plan *plan, const struct ow_sweep_cost *cost,
                               const struct cli_cluster_how *how, struct ow_error *err);

#endif
