#include "ow_behind.h"

struct ow_behind ow_behind_of(const struct ow_linear *lin, size_t j)
{
    const struct ow_circuit *ckt = lin->sys->circuit;
    const struct ow_sense *sense = &ckt->xb->sense;
    const double gamma = lin->gamma;
    struct ow_behind f = {.y_in = lin->mass * ow_circuit_c(ckt, ckt->sense_in[j])};
    if (!ckt->n_amp) {
        f.y_in += gamma / sense->r_f;
        return f;
    }
    const struct ow_amp *amp = &ckt->amp[j];
    double d_in, d_a;
    ow_amp_drive(sense, lin->sys->v_node[amp->in], lin->sys->v_node[amp->inner], &d_in, &d_a);
    f.k_back = lin->mass * sense->c_f + gamma / sense->r_f;
    f.a_own = lin->mass * lin->sys->tau - gamma * d_a;
    f.a_in = gamma * d_in;
    f.k_inner = gamma / sense->r_out;
    f.c_out = lin->mass * ow_circuit_c(ckt, amp->out) + f.k_back + f.k_inner;
    f.k_in = f.k_back + f.k_inner * f.a_in / f.a_own;
    f.y_in += f.k_back - f.k_back * f.k_in / f.c_out;
    return f;
}

double ow_behind_fold(struct ow_behind *f, const struct ow_circuit *ckt, size_t j,
                      const double rhs[])
{
    const double f_in = rhs[ckt->sense_in[j] - ckt->first_free];
    if (!ckt->n_amp)
        return f_in;
    f->f_inner = rhs[ckt->amp[j].inner - ckt->first_free];
    f->f_out = rhs[ckt->amp[j].out - ckt->first_free] + f->k_inner * f->f_inner / f->a_own;
    return f_in + f->k_back * f->f_out / f->c_out;
}

void ow_behind_unfold(const struct ow_behind *f, const struct ow_circuit *ckt, size_t j,
                      double v_in, double solution[])
{
    solution[ckt->sense_in[j] - ckt->first_free] = v_in;
    if (ckt->n_amp) {
        solution[ckt->amp[j].out - ckt->first_free] = (f->f_out + f->k_in * v_in) / f->c_out;
        solution[ckt->amp[j].inner - ckt->first_free] =
            (f->f_inner + f->a_in * v_in) / f->a_own;
    }
}
