#include "ow_part.h"

void cm_ow_array_monitor(ARGS)
{
    ow_part_monitor(mif_private);
}
