/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for translate_gc.c in builds without collected objects: validation admits none. */
#include "interp/translate_int.h"

bool translate_gc(struct translator *t, enum op op)
{
    (void)t;
    (void)op;
    return false;
}

void tr_ref_test(struct translator *t, uint32_t from, valtype type, uint32_t to)
{
    (void)t;
    (void)from;
    (void)type;
    (void)to;
}
