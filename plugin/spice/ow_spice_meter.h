/* What is measured of the user's subcircuits in a deck: currents of sources and ammeters. */
#ifndef OW_SPICE_METER_H
#define OW_SPICE_METER_H

#include "ow_periphery.h"
#include "ow_spice.h"

enum { OW_METER_NAME = 80 };

struct ow_meter {
    const struct ow_circuit *circuit;
    bool is_coupled, has_driver, has_sense, has_adc; /* what the deck measures          */
    size_t n_supply[OW_N_BLOCK]; /* of drivers, of amplifiers, of converters      */
    size_t converted, n_vector;  /* where the converters' outputs begin; and all    */
    double t, before[9];         /* s, and W at the time point before; < 0: none           */
    double at_rest[OW_N_BLOCK];  /* W, of both supplies before the pulse                   */
    double sum[9];               /* J, see ow_spice_meter.c                                */
};

/* What the deck of this circuit measures. */
struct ow_meter ow_meter_of(const struct ow_circuit *circuit, bool is_coupled);

/* The names of its vectors: name[n_vector]. */
void ow_meter_names(const struct ow_meter *meter, char name[][OW_METER_NAME]);

/* A time point with value[n_vector]: adds to the sums by the trapezoidal rule. */
void ow_meter_take(struct ow_meter *meter, double t, const double value[]);

/* Output of column j in value[]; only of subcircuits and of coupled decks. */
double ow_meter_output(const struct ow_meter *meter, const double value[], size_t j);

/* What the converter of column j says, where there are any. */
double ow_meter_converted(const struct ow_meter *meter, const double value[], size_t j);

/* Of a coupled deck's own amplifiers: the gain node of column j. */
double ow_meter_gain(const struct ow_meter *meter, const double value[], size_t j);

/* Put the periphery's energies into e, whose others are the array's: of a flat deck those of
 * ow_power.h, of a coupled one what ow_array says.  t_end: s. */
void ow_meter_put(const struct ow_meter *meter, double t_end, struct ow_energy *e);

#endif
