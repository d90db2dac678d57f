/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the host (component/cvalue.h) into guests and out of them. Private to src/component. */
#ifndef COMPONENT_CANON_VALUE_H
#define COMPONENT_CANON_VALUE_H

#include "component/canon.h"
#include "component/cvalue.h"

/* All that a result may come to: guests can let the parts of a value lie on top of each other. */
#define CANON_LIFT_BYTES_MAX ((uint64_t)1 << 30)

struct canon_values {
    const struct host_guest *guest;
    const struct resource_type *const *resources;
    struct handle_scope *scope; /* lowering: of the call */
    struct arena *arena;        /* lifting: where values go */
    uint64_t bytes_left;        /* lifting: CANON_LIFT_BYTES_MAX at first */
    struct stint_error *error;
};

/* Whether the host's value is one of `type`: STINT_ARGUMENT says what is wrong. Lowering needs it. */
MUST_CHECK enum stint_status canon_value_check(const struct ctype *type, const struct cvalue *value,
                                               const struct resource_type *const *resources,
                                               struct stint_error *error);
MUST_CHECK enum stint_status canon_lower_flat(const struct canon_values *values,
                                              const struct ctype *type, const struct cvalue *value,
                                              uint64_t *slots);
/* `to` is in bounds for the whole type. */
MUST_CHECK enum stint_status canon_lower_memory(const struct canon_values *values,
                                                const struct ctype *type,
                                                const struct cvalue *value, uint8_t *to);
MUST_CHECK enum stint_status canon_lift_flat(struct canon_values *values, const struct ctype *type,
                                             const uint64_t *slots, struct cvalue *ret_value);
MUST_CHECK enum stint_status canon_lift_memory(struct canon_values *values,
                                               const struct ctype *type, const uint8_t *from,
                                               struct cvalue *ret_value);

/* The type of what a list or map holds, as far as values need it: of maps NULL (key and value). */
static inline bool canon_is_blob(const struct ctype *type)
{
    return type->kind == CTYPE_LIST && type->members[0].type->kind == CTYPE_U8;
}

/* The payload of a case, or NULL. */
static inline const struct ctype *canon_payload(const struct ctype *type, uint32_t index)
{
    if (type->kind == CTYPE_OPTION)
        return index == 0 ? NULL : type->members[0].type;
    return type->members[index].type;
}

static inline uint32_t canon_case_count(const struct ctype *type)
{
    return type->kind == CTYPE_OPTION ? 2 : type->member_count;
}

/* How the pair of a map's key and value lies in memory. */
struct canon_pair {
    uint32_t value_offset_bytes, size_bytes, align_bytes;
};
static inline struct canon_pair canon_pair_of(const struct ctype *map)
{
    const struct ctype *key = map->members[0].type, *value = map->members[1].type;
    struct canon_pair pair;
    uint32_t align = value->align_bytes;
    pair.align_bytes = key->align_bytes > align ? key->align_bytes : align;
    pair.value_offset_bytes = (key->size_bytes + align - 1) & ~(align - 1);
    pair.size_bytes = (pair.value_offset_bytes + value->size_bytes + pair.align_bytes - 1) &
                      ~(pair.align_bytes - 1);
    return pair;
}

#endif
