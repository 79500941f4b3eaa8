#include "ow_part.h"

void cm_ow_array_port(ARGS)
{
    ow_part_port(mif_private);
}
