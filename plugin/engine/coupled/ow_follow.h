/* How an array's lines follow its ports: the quasi-static response G^-1 of the node voltages to
 * the ports', states frozen. */
#ifndef OW_FOLLOW_H
#define OW_FOLLOW_H

#include "ow_newton.h"

struct ow_follow {
    struct ow_system *sys; /* borrowed */
    struct ow_newton *newton;
    double *g;     /* [n_cell] S, the cells' in G */
    double *rhs;   /* [n_free] A, workspace       */
    bool is_ready; /* G is factored               */
};

/* The mass is borrowed.  OW_ERR_NOMEM. */
enum ow_status ow_follow_init(struct ow_system *sys, const struct ow_mass *mass,
                              struct ow_follow *out);
void ow_follow_finish(struct ow_follow *follow);

/* Take the conductances of the placed point.  OW_ERR_NOMEM; a singular G has no response. */
enum ow_status ow_follow_update(struct ow_follow *follow);

/* to[n_free] += the response to d[n_source], in any one unit; y[n_free] is workspace.  Leaves
 * the system at another point. */
enum ow_status ow_follow_add(struct ow_follow *follow, const double d[], double y[],
                             double to[]);

#endif
