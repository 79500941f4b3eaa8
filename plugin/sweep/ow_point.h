/* One point of a sweep: a specification becomes a result, and what that will take. */
#ifndef OW_POINT_H
#define OW_POINT_H

#include "ow_spec.h"
#include "ow_vmm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The resolved specification as YAML without comments; free() it. */
enum ow_status ow_point_print(const struct ow_spec *spec, char **text, struct ow_error *err);

/* Both texts are owned by the caller, who free()s them: the resolved specification as YAML,
 * which is there after a failure of the run too, and what `vmm --json` writes on one line. */
struct ow_point_result {
    char *spec, *result;
};
enum ow_status ow_point_run(const struct ow_spec *spec, const struct ow_vmm_options *options,
                            struct ow_point_result *out, struct ow_error *err);
void ow_point_result_finish(struct ow_point_result *result);

/* Rough, from the sizes alone: right within a factor of three or so on a machine of 2024. */
struct ow_point_estimate {
    size_t rows, cols; /* of one array              */
    double seconds;    /* on one processor          */
    double bytes;      /* resident, of the process  */
};
/* Reads no more than the sizes of matrices in files.  OW_ERR_INPUT as ow_problem_init(). */
enum ow_status ow_point_estimate(const struct ow_spec *spec, struct ow_point_estimate *out,
                                 struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
