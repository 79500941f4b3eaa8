/* The host in a build without sharedspice.h: it says so. */
#include "ow_spice.h"

static enum ow_status absent(struct ow_error *err)
{
    return ow_fail(err, OW_ERR_HOST,
                   "this ohmweave was built without the ngspice host (sharedspice.h of the "
                   "Debian package libngspice0-dev)");
}

enum ow_status ow_spice_open(const struct ow_spice_options *options, struct ow_spice **out,
                             struct ow_error *err)
{
    return absent(err);
}

void ow_spice_close(struct ow_spice *spice) {}

enum ow_status ow_spice_read(struct ow_spice *spice, const struct ow_circuit *circuit,
                             const double amplitude[], const struct ow_pulse *pulse,
                             const double *x_begin, struct ow_reading *out,
                             struct ow_error *err)
{
    return absent(err);
}

enum ow_status ow_spice_couple(struct ow_spice *spice, const struct ow_circuit *circuit,
                               const struct ow_circuit *bare,
                               const struct ow_couple_options *options,
                               const double amplitude[], const struct ow_pulse *pulse,
                               const double *x_begin, struct ow_reading *out,
                               struct ow_error *err)
{
    return absent(err);
}

enum ow_status ow_spice_run(struct ow_spice *spice, const struct ow_spice_job *job,
                            struct ow_error *err)
{
    return absent(err);
}
