/* What the files of ow_ports.h share: the set-up (ow_ports.c) and reads (ow_ports_read.c). */
#ifndef OW_PORTS_PARTS_H
#define OW_PORTS_PARTS_H

#include "ow_ports.h"
#include "ow_product.h"

/* Excitations come in LANES; forms are evaluated in tiles of TILE columns. */
enum { LANES = OW_PRODUCT_STEP, TILE = 64, BLOCK = OW_PORTS_BLOCK, Z_STRIDE = BLOCK + LANES };
_Static_assert(TILE % LANES == 0 && BLOCK % LANES == 0, "whole blocks of a product");

struct ow_ports {
    const struct ow_circuit *circuit; /* borrowed */
    size_t rows, cols;
    size_t wide_rows, wide_cols; /* ow_ports_wide() of them       */
    double r_loop;               /* ohm, r_f + r_out              */
    double v_linear;             /* V, up to which amplifiers are */
    size_t most_rails; /* with more of them at their rails a whole solution is cheaper */

    /* Excitations: the sources, then the offset, from first_clamp on J where there are
     * amplifiers; ow_ports_wide() of all, the rest not excited. */
    size_t first_clamp, n_excitation;
    double *sense;   /* [n_excitation][wide_cols] N; voltages where there are no amps  */
    double *source;  /* [n_excitation][wide_rows] S                                    */
    double *devices; /* [n_excitation][n_excitation] P and W: blocks of TILE above the */
    double *wires;   /*                              diagonal twice, below it 0        */
};

static inline bool ow_ports_has_amps(const struct ow_ports *p)
{
    return p->circuit->n_amp > 0;
}

static inline bool ow_ports_has_offset(const struct ow_ports *p)
{
    return ow_ports_has_amps(p) && p->circuit->xb->sense.v_os != 0.0;
}

static inline size_t ow_ports_round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Rounded up to an odd number of lanes: the columns of a product's factors shall not fall into
 * a few sets of the cache. */
static inline size_t ow_ports_wide(size_t n)
{
    return ow_ports_round_up(n + LANES, 2 * LANES) - LANES;
}

static inline enum ow_status ow_ports_no_memory(struct ow_error *err)
{
    return ow_fail(err, OW_ERR_NOMEM, "the array's ports: out of memory");
}

#endif
