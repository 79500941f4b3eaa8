/* The one description of a crossbar with its drivers and sense amplifiers.
 *
 *   source i --r_driver--r_wordline--o--r_wordline--o-- ...      word line i, columns 0..
 *                                    |              |
 *                                  cell           cell           TE on the word line,
 *                                    |              |            BE on the bit line
 *                                    o              o
 *                                    |r_bitline     |            bit line j, rows 0..
 *                                   ...            ...
 *                                    |r_bitline
 *                                  sense input j  ->  output j
 *
 * Each word-line segment ends at a cell, each bit-line segment begins at one, and the
 * last of them leads to the sense input; every segment's capacitance sits at its cell.
 * A cell is one device, or a memristor with an access device on its bit line (ow_series.h).
 * plugin/netlist writes the description as an ngspice deck and plugin/engine steps it
 * through CVODE; both read it through ow_circuit.h. */
#ifndef OW_CROSSBAR_H
#define OW_CROSSBAR_H

#include "ow_model.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ow_sense_kind {
    OW_SENSE_RESISTOR,   /* r_f from the sense input to ground; output = input      */
    OW_SENSE_TIA,        /* transimpedance amplifier, v_out = -r_f i at low speed   */
    OW_SENSE_SUBCKT,     /* a subcircuit of `periphery`: for ngspice, an open end here */
    OW_SENSE_INTEGRATOR, /* current conveyor into a capacitor, see below              */
    OW_SENSE_VOLTAGE,    /* of a specification: here a resistor, which is open        */
    OW_SENSE_DRIVER      /* nothing senses: r_f from the sense input to a source of
                            its own, which drives the bit line while it is written  */
};

/* Op-amp macromodel of the TIA, all voltages against signal ground, which is the middle
 * of the supply; the rails are +-vdd/2 =: +-S.  With the input voltage v_in and the
 * inner (gain) node v_a,
 *   tau dv_a/dt = gain (v_os - v_in - h(v_a)) - v_a,   tau = gain / (2 pi gbw)
 *   h(v) = OW_CLAMP_SLOPE OW_CLAMP_WIDTH (sp((v - S)/OW_CLAMP_WIDTH)
 *                                         - sp((-v - S)/OW_CLAMP_WIDTH)),
 *   sp(u) = ln(1 + e^u)
 * and the output node follows v_a through r_out.  h is the smooth supply clamp: it
 * acts on the gain node itself, so nothing winds up behind it.
 *
 * Integrator: the bit line ends in r_f at signal ground, the input resistance of a current
 * conveyor (Sedra, Smith, IEEE Trans. Circuit Theory 17 (1970) 132), which copies the current
 * onto a capacitor that was reset before the read,
 *   c_int dv_out/dt = -v_in / r_f,   v_out = 0 at t = 0.
 * Nothing comes back, so v_out is no unknown of the circuit: hosts integrate.  Class A: what
 * the output delivers is part of i_q, and c_int stores nothing in the balance, since the
 * reset takes it out again.  It has no clamp; beyond +-S an output counts as clipped. */
struct ow_sense {
    enum ow_sense_kind kind;
    double r_f;    /* ohm, > 0: feedback (TIA), input resistance (integrator), or sense
                      resistor or driver, which may also be 0 (the input is ground, or
                      the source) or inf (open)                              */
    double c_f;    /* F, parallel to r_f (TIA only)                          */
    double gain;   /* 1, open-loop DC gain                                   */
    double gbw;    /* Hz, gain-bandwidth product                             */
    double r_out;  /* ohm, > 0                                               */
    double c_in;   /* F, at the sense input                                  */
    double c_load; /* F, at the output (not of an integrator)                */
    double v_os;   /* V, input offset (TIA only)                             */
    double vdd;    /* V, supply from rail to rail                            */
    double i_q;    /* A, quiescent current of one amplifier or conveyor      */
    double r_in;   /* ohm, of a specification's integrator: r_f here         */
    double c_int;  /* F, > 0, of an integrator: all that is at its output    */
};

/* The knee lies well within 1 % of the rail, where an output counts as clipped: an
 * amplifier that has lost its input by 0.1 mV is less than 7 mV below its rail. */
#define OW_CLAMP_WIDTH 1e-3  /* V: 80 % of a 0.9 V rail is 180 widths away: e^-180 */
#define OW_CLAMP_SLOPE 100.0 /* an overdrive of 0.2 V moves v_a 2 mV past the rail */

struct ow_periphery; /* ow_periphery.h */

struct ow_crossbar {
    size_t rows, cols;                    /* physical word lines and bit lines      */
    double r_wordline, r_bitline;         /* ohm a segment, >= 0                    */
    double c_wordline, c_bitline;         /* F a segment, >= 0                      */
    double c_cell;                        /* F across every device, >= 0            */
    double r_driver;                      /* ohm, >= 0; inf leaves the word lines open */
    struct ow_sense sense;                /* one a bit line                         */
    const struct ow_periphery *periphery; /* borrowed; NULL: none of the user's own */
    const struct ow_model *model;
    double param[OW_MAX_PARAMS];   /* [n_param] shared by all cells          */
    double *spread[OW_MAX_PARAMS]; /* NULL or [rows*cols], row-major, owned: per-cell
                                      values; `id` and the programmed state always are */
};

/* A crossbar of default cells: spread[OW_ID] is 0, 1, 2, ... row by row, and the
 * programmed-state parameter is an array as well.  Electrical fields are zero, for the
 * caller to fill.  OW_ERR_NOMEM, or OW_ERR_RANGE for a size of 0 or an overflow. */
enum ow_status ow_crossbar_init(struct ow_crossbar *xb, size_t rows, size_t cols,
                                const struct ow_model *model, struct ow_error *err);
void ow_crossbar_finish(struct ow_crossbar *xb);

/* Give parameter k an own value in every cell (a copy of the shared one to begin
 * with); returns the [rows*cols] array, or NULL without memory. */
double *ow_crossbar_spread(struct ow_crossbar *xb, size_t k);

/* One cell's parameters and its initial states. */
void ow_crossbar_cell(const struct ow_crossbar *xb, size_t cell, double param[], double x[]);

/* Sources of the circuit: one a word line, then, where bit lines are driven, one a bit
 * line. */
static inline size_t ow_crossbar_sources(const struct ow_crossbar *xb)
{
    return xb->rows + (xb->sense.kind == OW_SENSE_DRIVER ? xb->cols : 0);
}

/* OW_SCALE of one cell. */
static inline double ow_crossbar_scale(const struct ow_crossbar *xb, size_t cell)
{
    return xb->spread[OW_SCALE] ? xb->spread[OW_SCALE][cell] : xb->param[OW_SCALE];
}

/* Ranges of the electrical fields and of every cell's parameters. */
enum ow_status ow_crossbar_check(const struct ow_crossbar *xb, struct ow_error *err);

/* Pulse on every source: 0 at t = 0, its amplitude from t_rise to t_rise + t_read, back at 0
 * after another t_rise.  The outputs are sampled where the falling edge begins; the run ends
 * t_read after it.  With widths each source falls when its own is over, and the outputs are
 * integrated over the whole run instead: their integral over t_rise + t_read, which is that of
 * a pulse of full width and height 1, stands in place of the sample. */
struct ow_pulse {
    double t_rise, t_read; /* s, both > 0                                             */
    const double *width;   /* [ow_crossbar_sources()] s at full height, 0 .. t_read; NULL:
                              t_read for all                                          */
};
static inline double ow_pulse_sample(const struct ow_pulse *p)
{
    return p->t_rise + p->t_read;
}
static inline double ow_pulse_end(const struct ow_pulse *p)
{
    return 2.0 * (p->t_rise + p->t_read);
}
static inline double ow_pulse_area(const struct ow_pulse *p)
{
    return p->t_rise + p->t_read;
}
/* s: how much of the area of a full pulse of height 1 an integrator has taken in when it is
 * read: with widths at the end, else where the falling edge begins. */
static inline double ow_pulse_integrated(const struct ow_pulse *p)
{
    return p->width ? ow_pulse_area(p) : p->t_read + 0.5 * p->t_rise;
}
/* V/V: what an integrator's output is when it is read, had its input been held meanwhile. */
static inline double ow_integrator_gain(const struct ow_sense *sense, const struct ow_pulse *p)
{
    return -ow_pulse_integrated(p) / (sense->r_f * sense->c_int);
}
/* Where the pulse of a source begins to fall. */
static inline double ow_pulse_fall(const struct ow_pulse *p, size_t source)
{
    return p->t_rise + (p->width ? p->width[source] : p->t_read);
}
/* Height at time t, from 0 to 1: of a pulse of full width, of a source. */
double ow_pulse_at(const struct ow_pulse *p, double t);
double ow_pulse_source_at(const struct ow_pulse *p, size_t source, double t);

#ifdef __cplusplus
}
#endif
#endif
