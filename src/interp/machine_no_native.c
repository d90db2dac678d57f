/* SPDX-License-Identifier: Apache-2.0 */
#include "interp/cell.h"

void interp_divert(struct module_code *code, struct interp_func *func, uint32_t own_index)
{
    (void)code;
    (void)func;
    (void)own_index;
}

void interp_native_end(struct module_code *code)
{
    (void)code;
}
