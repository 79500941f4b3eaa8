/* What the generated code models share: one evaluation of one instance. */
#ifndef OW_CODEMODEL_H
#define OW_CODEMODEL_H

#include "ngspice/cm.h"

#include "ow_model.h"

/* The body of every code model; the layout of ports, parameters and static variables is
 * that of the generated ifspec.ifs: port 0 is the device, port 1 + s its state s,
 * parameter k row k of the table, static variable 0 the instance's data. */
void ow_codemodel(const struct ow_model *model, Mif_Private_t *mif);

#endif
