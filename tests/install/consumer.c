/* A C program that uses the installed library: one read of a 2 x 2 crossbar with the
 * engine, against Ohm's law.  tests/check_install.py compiles it with what pkg-config says:
 *
 *   cc consumer.c $(pkg-config --cflags --libs ohmweave) */
#include <math.h>
#include <stdio.h>

#include <ow_engine.h>

/* Every cell at the on end of TEAM's travel: `r` ohm. */
static void all_on(struct ow_crossbar *xb, double r)
{
    double *x0 = ow_crossbar_spread(xb, xb->model->program);
    for (size_t k = 0; x0 && k < xb->rows * xb->cols; k++)
        x0[k] = 0.0;
    xb->param[ow_param_index(xb->model, "r_on")] = r;
    xb->param[ow_param_index(xb->model, "r_off")] = 100.0 * r;
}

int main(void)
{
    const double r = 23e3, r_f = 7e3;        /* ohm */
    const double amplitude[] = {0.17, 0.05}; /* V, below TEAM's thresholds in current */
    const struct ow_pulse pulse = {.t_rise = 0.5e-9, .t_read = 20e-9}; /* s */
    const struct ow_engine_options options = {.rtol = 1e-7, .v_scale = 0.2};
    struct ow_error err = {0};
    struct ow_crossbar xb = {0};
    struct ow_circuit *circuit = NULL;
    struct ow_engine *engine = NULL;
    struct ow_reading reading = {0};

    enum ow_status st = ow_crossbar_init(&xb, 2, 2, ow_model_find("team"), &err);
    if (!st) {
        all_on(&xb, r);
        xb.c_wordline = xb.c_bitline = 0.1e-15;
        xb.sense = (struct ow_sense){.kind = OW_SENSE_TIA,
                                     .r_f = r_f,
                                     .c_f = 1e-15,
                                     .gain = 1e5,
                                     .gbw = 1e9,
                                     .r_out = 100.0,
                                     .c_in = 5e-15,
                                     .c_load = 10e-15,
                                     .vdd = 1.8,
                                     .i_q = 20e-6};
    }
    if (!st)
        st = ow_circuit_create(&xb, &circuit, &err);
    if (!st)
        st = ow_reading_init(&reading, xb.cols, 4, xb.model->n_state);
    if (!st)
        st = ow_engine_create(circuit, &options, false, &engine, &err);
    if (!st)
        st = ow_engine_read(engine, amplitude, &pulse, NULL, &reading, &err);

    int code = 1;
    if (st)
        fprintf(stderr, "%s: %s\n", ow_status_str(st), err.text);
    else {
        /* No wires, so i = (0.17 + 0.05)/r into a virtual ground.  That settles with gbw over
         * the noise gain 1 + 2 r_f/r = 1.6: after 20 ns e^-78.  What is left is the finite
         * gain, 1.6e-5, and the solver. */
        const double expected = -r_f * (amplitude[0] + amplitude[1]) / r;
        const double off = fabs(reading.v_sample[1] / expected - 1.0);
        printf("v_out %.9g V, Ohm's law %.9g V: off by %.1e\n", reading.v_sample[1], expected,
               off);
        code = off < 1e-4 ? 0 : 1;
    }
    ow_engine_destroy(engine);
    ow_reading_finish(&reading);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
    return code;
}
