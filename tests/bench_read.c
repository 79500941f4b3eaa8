/* For scripts/bench --scale: the first read of a specification by the engine on one thread,
 * with the solver it would choose or with KLU on the whole matrix, and how far it is from the
 * same read at a tighter tolerance.  One line of JSON.
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
    printf("{\"seconds\": %.6g, \"off\": %.3g, \"off_early\": %.3g}\n", seconds, off,
           off_early);
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
