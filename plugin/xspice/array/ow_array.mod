#include "ow_part.h"

void cm_ow_array(ARGS)
{
    ow_part_array(mif_private);
}
