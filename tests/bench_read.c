/* For scripts/bench --scale: the first read of a specification by the engine on one thread,
 * with the solver it would choose or with KLU on the whole matrix, what it must have moved
 * through memory, and how far it is from the same read at a tighter tolerance.  One line of
 * JSON.
 *
 *   bench_read SPEC lines|klu RTOL_OF_THE_REFERENCE|0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_engine.h"
#include "ow_host.h"
#include "ow_problem.h"

static int fail(const struct ow_error *err)
{
    fprintf(stderr, "bench_read: %s\n", err->text);
    return EXIT_FAILURE;
}

/* Largest difference of two sets of sense outputs, of the span of the second. */
static double difference(const double v[], const double reference[], size_t cols)
{
    double lo = INFINITY, hi = -INFINITY, off = 0.0;
    for (size_t j = 0; j < cols; j++) {
        lo = fmin(lo, reference[j]);
        hi = fmax(hi, reference[j]);
        off = fmax(off, fabs(v[j] - reference[j]));
    }
    return off / (hi - lo);
}

/* What a read by the lines' solver moves at least, in bytes a cell, if nothing stays in a cache
 * from one sweep over all cells to the next: arrays of 16 bytes (both nodes in double
 * precision) or 4 (single precision, of one node), read or written and allocated on a write.  A
 * step sums up history and prediction (2 q + 3 of them at order q), weighs (3), and looks at
 * the result, its error and its powers (6, and the states); a correction makes a right-hand
 * side of the prediction and its slope (56), folds and substitutes bit lines (40), solves word
 * lines and judges that (36), and writes the result (40). */
static double bytes_moved(const struct ow_effort *effort)
{
    return 16.0 * (2.0 * (double)effort->orders + 12.0 * (double)effort->steps) +
           8.0 * (double)effort->steps + 172.0 * (double)effort->corrections +
           100.0 * (double)effort->iterations + 40.0 * (double)effort->matrices;
}

int main(int argc, char **argv)
{
    struct ow_error err = {.text = "arguments: see the source"};
    struct ow_spec spec = {0};
    struct ow_problem problem = {0};
    struct ow_circuit *circuit = NULL;
    struct ow_engine *engine = NULL, *reference = NULL;
    struct ow_reading got = {0}, want = {0};
    double off = -1.0, off_early = -1.0;
    if (argc != 4 || ow_spec_load(argv[1], NULL, &spec, &err) ||
        ow_problem_init(&spec, &problem, &err))
        return fail(&err);
    double *amplitude = calloc(problem.array->xb.rows, sizeof *amplitude);
    if (!amplitude || ow_host_reading(problem.array, &got, &err) ||
        ow_host_reading(problem.array, &want, &err))
        return fail(&err);
    ow_array_amplitudes(problem.array, 0, amplitude);

    struct ow_engine_options options = {.rtol = spec.engine.rtol,
                                        .v_scale = problem.array->v_scale};
    const double begin = ow_seconds();
    if (ow_circuit_create(&problem.array->xb, &circuit, &err))
        return fail(&err);
    if (strcmp(argv[2], "klu") == 0)
        circuit->is_grid = false; /* any circuit, as far as the engine knows */
    if (ow_engine_create(circuit, &options, false, &engine, &err) ||
        ow_engine_read(engine, amplitude, &problem.array->pulse, NULL, &got, &err))
        return fail(&err);
    const double seconds = ow_seconds() - begin;
    const struct ow_effort effort = ow_engine_effort(engine);
    const double moved =
        bytes_moved(&effort) * (double)problem.array->xb.rows * (double)problem.array->xb.cols;

    options.rtol = strtod(argv[3], NULL);
    if (options.rtol > 0.0) {
        if (ow_engine_create(circuit, &options, false, &reference, &err) ||
            ow_engine_read(reference, amplitude, &problem.array->pulse, NULL, &want, &err))
            return fail(&err);
        off = difference(got.v_sample, want.v_sample, problem.array->xb.cols);
        /* Also sampled while the outputs move: a tenth of an edge and half of one after it. */
        const double part[] = {0.1, 0.5};
        for (size_t k = 0; k < sizeof part / sizeof *part; k++) {
            struct ow_pulse pulse = problem.array->pulse;
            pulse.t_read = part[k] * pulse.t_rise;
            if (ow_engine_read(engine, amplitude, &pulse, NULL, &got, &err) ||
                ow_engine_read(reference, amplitude, &pulse, NULL, &want, &err))
                return fail(&err);
            off_early = fmax(off_early,
                             difference(got.v_sample, want.v_sample, problem.array->xb.cols));
        }
    }
    printf("{\"seconds\": %.6g, \"off\": %.3g, \"off_early\": %.3g, \"moved\": %.6g, "
           "\"steps\": %ld, \"corrections\": %ld, \"iterations\": %ld, \"matrices\": %ld}\n",
           seconds, off, off_early, moved, effort.steps, effort.corrections, effort.iterations,
           effort.matrices);
    ow_engine_destroy(engine);
    ow_engine_destroy(reference);
    ow_circuit_destroy(circuit);
    ow_reading_finish(&got);
    ow_reading_finish(&want);
    ow_problem_finish(&problem);
    ow_spec_finish(&spec);
    free(amplitude);
    return EXIT_SUCCESS;
}
