/* For scripts/bench --scale: an N x N array of one kind of device at DC, from the engine's
 * creation to the sense outputs, on THREADS threads: median and least seconds of the
 * repetitions, and what memory the engine took.  One line of JSON.
 *
 *   bench_dc N R_WIRE MODEL SET V_READ THREADS REPETITIONS */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_engine.h"
#include "ow_peak.h"
#include "ow_sets.h"

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int fail(const char *what)
{
    fprintf(stderr, "bench_dc: %s\n", what);
    return EXIT_FAILURE;
}

/* Uniform in [0, 1): a multiplicative congruential generator is enough here. */
static double uniform(unsigned long long *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(*state >> 11) * 0x1p-53;
}

int main(int argc, char **argv)
{
    struct ow_error err = {.text = "arguments: see the source"};
    struct ow_crossbar xb = {0};
    if (argc != 8)
        return fail(err.text);
    const size_t n = strtoul(argv[1], NULL, 10);
    const struct ow_model *model = ow_model_find(argv[3]);
    const int times = atoi(argv[7]);
    double *spent = malloc((size_t)(times > 0 ? times : 1) * sizeof *spent);
    double *v = malloc(n * sizeof *v), *v_sense = malloc(n * sizeof *v_sense);
    if (!model || !spent || !v || !v_sense || ow_crossbar_init(&xb, n, n, model, &err))
        return fail(err.text);
    const struct ow_set *set = ow_set_find(argv[4]);
    if (!set || ow_set_apply(set->text, set->name, model, xb.param, &err))
        return fail(err.text);
    xb.r_wordline = xb.r_bitline = strtod(argv[2], NULL);
    xb.r_driver = 50.0;
    xb.sense = (struct ow_sense){.kind = OW_SENSE_RESISTOR, .r_f = 50.0};
    unsigned long long seed = 1;
    for (size_t k = 0; k < n * n; k++)
        xb.spread[model->program][k] = 0.1 + 0.8 * uniform(&seed);
    for (size_t i = 0; i < n; i++)
        v[i] = strtod(argv[5], NULL) * uniform(&seed);
    const double before = peak_memory();
    const struct ow_engine_options options = {
        .rtol = 1e-5, .v_scale = strtod(argv[5], NULL), .n_threads = (unsigned)atoi(argv[6])};
    for (int k = 0; k < times; k++) {
        struct ow_circuit *circuit;
        struct ow_engine *engine;
        const double begin = ow_seconds();
        if (ow_circuit_create(&xb, &circuit, &err) ||
            ow_engine_create(circuit, &options, true, &engine, &err) ||
            ow_engine_dc(engine, v, NULL, v_sense, NULL, &err))
            return fail(err.text);
        spent[k] = ow_seconds() - begin;
        ow_engine_destroy(engine);
        ow_circuit_destroy(circuit);
    }
    qsort(spent, (size_t)times, sizeof *spent, compare);
    printf("{\"seconds\": %.6g, \"least\": %.6g, \"bytes_a_cell\": %.4g, \"sense\": %.12g}\n",
           spent[times / 2], spent[0], (peak_memory() - before) / (double)(n * n),
           v_sense[n / 2]);
    ow_crossbar_finish(&xb);
    free(spent);
    free(v);
    free(v_sense);
    return EXIT_SUCCESS;
}
