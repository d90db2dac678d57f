/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of all handlers: H_<name>, from the rows of ops_*.h. */
#ifndef INTERP_HANDLER_IDS_H
#define INTERP_HANDLER_IDS_H

#define OP(name, ...) H_##name,
enum handler {
#include "interp/ops_all.h"
    HANDLER_COUNT
};
#undef OP

#endif
