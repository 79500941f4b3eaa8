#include "ow_part.h"

void cm_ow_array_more(ARGS)
{
    ow_part_more(mif_private);
}
