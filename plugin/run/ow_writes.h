/* What a specification's `program` section asks for: where every cell of the array shall
 * end, and the pulses that are to bring it there.
 *
 * One pulse selects cells of one word line, to raise their conductance (SET) or to lower it
 * (RESET).  At its height v the sources stand at
 *
 *                                  V/2 scheme     V/3 scheme
 *   word line, selected            v              v
 *   word line, others              v/2            v/3
 *   bit line, selected             0              0
 *   bit line, others               v/2            2v/3
 *
 * so that a cell that is not selected sees v/2 (on a selected line) or nothing in the one,
 * and a third of v in either direction in the other, but for what the wires add. */
#ifndef OW_WRITES_H
#define OW_WRITES_H

#include "ow_mapping.h"
#include "ow_spec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One pulse: the cells of word line `row` in columns first .. last that need it. */
struct ow_write {
    size_t row, first, last;
    bool is_set;
};

struct ow_writes {
    const struct ow_spec *spec;     /* borrowed                                           */
    struct ow_matrix target, begin; /* [rows][cols] S                                     */
    double range;                   /* S, g_max - g_min                                   */
    size_t n_row;
    size_t *row;            /* [n_row] word lines to program, in this order               */
    size_t n;               /* 0: the specification reads                                 */
    struct ow_write *write; /* [n] what cells need as they begin: SET before RESET        */
};

/* `target` is taken over, also on failure.  `begin` is what the cells hold before the first
 * pulse.  OW_ERR_INPUT for rows that the array has not and where nothing is to be done. */
enum ow_status ow_writes_init(const struct ow_spec *spec, struct ow_matrix *target,
                              const struct ow_mapping *begin, struct ow_writes *out,
                              struct ow_error *err);
void ow_writes_finish(struct ow_writes *w);

/* Groups of cells that get a pulse together: the whole of each row, or each of its cells. */
size_t ow_writes_groups(const struct ow_writes *w);
/* The pulse of one polarity for group number k, in the order of `row`. */
struct ow_write ow_writes_group(const struct ow_writes *w, size_t k, bool is_set);

/* Whether the pulse selects column j, whose cell on the pulse's word line holds g (S): it is
 * farther than the tolerance from its target, on the side that the pulse moves it from. */
bool ow_write_selects(const struct ow_writes *w, const struct ow_write *write, size_t j,
                      double g);

/* Heights of all sources [rows + cols] in V, where g_row[cols] (S) is what the word line's
 * cells hold.  Returns how many cells are selected. */
size_t ow_write_amplitudes(const struct ow_writes *w, const struct ow_write *write,
                           const double g_row[], double amplitude[]);

#ifdef __cplusplus
}
#endif
#endif
