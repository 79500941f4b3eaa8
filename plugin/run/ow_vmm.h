/* The main job: weights and inputs in, accuracy and energy per MAC out.
 *
 * In tiles (ow_problem.h) energies, conversions, drivers and amplifiers are those of all arrays
 * together (adding their results is not billed), a vector's latency is that of its slowest
 * array, and clipped and moved are over all of them.
 *
 * With inputs bit by bit (bit_serial) a vector takes as many reads, conversions and settling
 * times, one after the other, and that many cycles. */
#ifndef OW_VMM_H
#define OW_VMM_H

#include "ow_accuracy.h"
#include "ow_batch.h"
#include "ow_cost.h"
#include "ow_latency.h"
#include "ow_problem.h"
#include "ow_warnings.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_vmm_options {
    const char *codemodel; /* path of ohmweave.cm, for engine.name: ngspice               */
    unsigned n_worker;     /* 0: one a processor                                          */
    const volatile sig_atomic_t *cancel;
    void (*progress)(void *data, size_t n_done, size_t n_total); /* of both runs together */
    void *data;
};

struct ow_vmm_result {
    /* [n_vec][n_out] what came out, after the ADC; [n_vec n_phase][bit lines of all arrays, in
     * their order] V before it */
    struct ow_matrix y_circuit, v_sense;
    struct ow_matrix energy; /* [n_vec][1] J, physical, of each vector              */
    struct ow_accuracy accuracy;
    struct ow_range range;     /* full scale, units of Y: of the whole product        */
    struct ow_range adc_range; /* of the converters, see ow_convert_ranges()          */
    double clipped; /* fraction of the amplifiers at a rail; NaN for sense resistors */
    struct ow_cost cost;
    struct ow_cost_spec billing; /* what the cost was asked for                         */
    struct ow_latency latency;
    struct ow_input_statistics inputs;
    double moved;                /* of its travel: how far reads moved the farthest state */
    double steps;                /* time steps, mean of a read of one array             */
    struct ow_coupling coupling; /* of all reads by cosim                    */
    double wall_s;               /* s, the run itself, without the control run          */
    double setup_s;              /* s of that: before any read, see struct ow_batch     */
    double control_s;            /* s, the control run */

    /* The hand check and the control run: the same reads with ideal wires. */
    double hand_devices; /* J, mean of a vector: sum g v^2 t                    */
    struct ow_accuracy ideal_wires;

    struct ow_warnings warnings;
};

/* OW_ERR_BALANCE if the energy does not balance; nothing is returned then.  The control run
 * uses the dc engine if the specification does and cvode otherwise, but for subcircuits, which
 * only the specification's own engine simulates. */
enum ow_status ow_vmm_run(const struct ow_problem *problem,
                          const struct ow_vmm_options *options, struct ow_vmm_result *out,
                          struct ow_error *err);
void ow_vmm_result_finish(struct ow_vmm_result *result);

#ifdef __cplusplus
}
#endif
#endif
