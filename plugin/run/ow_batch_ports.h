/* The reads of a batch that can be had from the array's ports (ow_ports.h). */
#ifndef OW_BATCH_PORTS_H
#define OW_BATCH_PORTS_H

#include "ow_batch.h"

/* If the simulator is dc, no noise changes the devices from read to read, they are linear and
 * that way is the cheaper one: do all reads that can be done so and mark them in is_done, which
 * was all false.  Their results are those of ow_host_read().  Failures likewise. */
enum ow_status ow_batch_ports(const struct ow_array *array,
                              const struct ow_batch_options *options, struct ow_batch *batch,
                              bool is_done[], struct ow_error *err);

#endif
