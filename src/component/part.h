/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One component instance at run time, the root or a nested one (CanonicalABI.md: ComponentInstance).
 * Private to src/component.
 */
#ifndef COMPONENT_PART_H
#define COMPONENT_PART_H

#include "component/handle.h"

struct component_instance;

enum { CONTEXT_SLOTS = 2 };

struct component_part {
    struct handle_table handles;
    struct component_part *parent; /* NULL: the root */
    struct component_instance *root;
    bool may_enter;                  /* no call is inside */
    bool may_leave;                  /* false while realloc or post-return runs */
    struct handle_scope *scope;      /* of the call that is inside */
    uint64_t context[CONTEXT_SLOTS]; /* of that call (context.get, context.set) */
};

#endif
