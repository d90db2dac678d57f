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
    struct component_part *parent; /* NULL: a root */
    bool may_enter;                /* no call is inside, or in one that is inside it */
    bool may_leave;                /* false while realloc or post-return runs */
    uint16_t backpressure;
    uint64_t context[CONTEXT_SLOTS]; /* of the call that is inside (context.get, context.set) */
};

/*
 * CanonicalABI.md: may_enter_from, enter_from, leave_to. Between `part` and `common`, which is entered
 * already (NULL: nothing is), everything has to be free. After a failure nobody leaves, so that what was
 * inside is not entered again.
 */
static inline bool part_enter(struct component_part *part, const struct component_part *common)
{
    for (const struct component_part *p = part; p != common; p = p->parent) {
        if (!p->may_enter)
            return false;
    }
    for (struct component_part *p = part; p != common; p = p->parent)
        p->may_enter = false;
    part->context[0] = part->context[1] = 0;
    return true;
}
static inline void part_leave(struct component_part *part, const struct component_part *common)
{
    for (struct component_part *p = part; p != common; p = p->parent)
        p->may_enter = true;
}

#endif
