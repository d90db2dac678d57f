/* SPDX-License-Identifier: Apache-2.0 */
/* What reading and printing of WAVE share. */
#ifndef COMPONENT_WAVE_INT_H
#define COMPONENT_WAVE_INT_H

#include <string.h>

#include "component/wave.h"

/* Words that mean something by themselves: as labels they are written with a %. */
static inline bool wave_is_word(const char *text, size_t bytes)
{
    static const char *const words[] = {"true", "false", "inf", "nan", "some", "none", "ok", "err"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i]) == bytes && memcmp(words[i], text, bytes) == 0)
            return true;
    }
    return false;
}

/* list<u8>, which values keep as bytes. */
static inline bool wave_is_blob(const struct ctype *type)
{
    return type->kind == CTYPE_LIST && type->members[0].type->kind == CTYPE_U8;
}

#endif
