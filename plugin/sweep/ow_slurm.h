/* Slurm, by its commands sbatch and squeue (20.02 or later). */
#ifndef OW_SLURM_H
#define OW_SLURM_H

#include "ow_scheduler.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct ow_scheduler ow_slurm;

#ifdef __cplusplus
}
#endif
#endif
