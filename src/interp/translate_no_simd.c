/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for translate_simd.c in builds without vectors: validation admits none. */
#include "interp/translate_int.h"

bool translate_simd(struct translator *t, enum op op)
{
    (void)t;
    (void)op;
    return false;
}
