/* SPDX-License-Identifier: Apache-2.0 */
/* What a body holds and costs. */
#include "base/buf.h"
#include "compiler/lower_int.h"

static bool collects(enum op op)
{
    switch (op) {
    case OP_CALL:
    case OP_CALL_INDIRECT:
    case OP_CALL_REF:
    case OP_RETURN_CALL:
    case OP_RETURN_CALL_INDIRECT:
    case OP_RETURN_CALL_REF:
    case OP_THROW:
    case OP_STRUCT_NEW:
    case OP_STRUCT_NEW_DEFAULT:
    case OP_ARRAY_NEW:
    case OP_ARRAY_NEW_DEFAULT:
    case OP_ARRAY_NEW_FIXED:
    case OP_ARRAY_NEW_DATA:
    case OP_ARRAY_NEW_ELEM:
    case OP_ARRAY_INIT_ELEM:
    case OP_TABLE_INIT:
        return true;
    default:
        return false;
    }
}

/* The loop around each open block, outermost first: a stack over lower_state.cache's memory would
 * tie it to the module's size, so it has its own. */
struct open_blocks {
    uint32_t *loops;
    size_t capacity;
    uint32_t depth;
};

static bool open_block(struct lower *l, struct open_blocks *open, uint32_t loop)
{
    if (!vec_reserve(l->unit->arena->alloc, &open->loops, &open->capacity, open->depth + 1u,
                     sizeof(*open->loops)))
        return false;
    open->loops[open->depth++] = loop;
    return true;
}

static bool new_loop(struct lower *l)
{
    struct lower_state *s = l->state;
    if (!vec_reserve(l->unit->arena->alloc, &s->loops, &s->loop_capacity, s->loop_count + 1u,
                     sizeof(*s->loops)))
        return false;
    s->loops[s->loop_count++] = (struct loop_facts){0};
    return true;
}

static bool scan_operators(struct lower *l, struct open_blocks *open)
{
    struct lower_state *s = l->state;
    const uint8_t *at = l->at;
    if (!open_block(l, open, LOOP_NONE))
        return false;
    while (open->depth > 0 && at < l->end) {
        enum op op = body_op(&at);
        uint32_t loop = open->loops[open->depth - 1];
        if (loop == LOOP_NONE)
            s->entry_fuel += op_fuel(op);
        else
            s->loops[loop].fuel += op_fuel(op);
        if (loop != LOOP_NONE)
            s->loops[loop].calls_indirectly |= op == OP_CALL_INDIRECT || op == OP_CALL_REF;
        s->may_collect |= collects(op);
        bool is_bare = op == OP_LOOP && *at == 0x40; /* without parameters and results */
        body_skip_immediates(&at, op);
        if (op == OP_LOOP && !new_loop(l))
            return false;
        if (op == OP_LOOP) {
            loop = s->loop_count - 1;
            if (is_bare)
                scan_counted(at, l->end, &s->loops[loop].count);
        }
        if (op == OP_BLOCK || op == OP_LOOP || op == OP_IF || op == OP_TRY_TABLE) {
            if (!open_block(l, open, loop))
                return false;
        } else if (op == OP_END) {
            open->depth--;
        }
    }
    return true;
}

bool scan_body(struct lower *l)
{
    struct open_blocks open = {0};
    bool done = scan_operators(l, &open);
    alloc_put(l->unit->arena->alloc, open.loops, open.capacity * sizeof(*open.loops));
    return done;
}

bool scan_has_place(enum op op)
{
    const struct op_info *info = &op_infos[op];
    switch ((enum op_immediate)info->immediate) {
    case IMM_NONE:
        /* Divisions, conversions, and what tests references. */
        return info->prefix != 0xfd &&
               !(op >= OP_I32_EQZ && op <= OP_F64_GE) && op != OP_END && op != OP_DROP;
    case IMM_MEMARG:
    case IMM_MEMARG_LANE:
    case IMM_FUNC:
    case IMM_TYPE:
    case IMM_CALL_INDIRECT:
    case IMM_TABLE:
    case IMM_MEMORY:
    case IMM_DATA_MEMORY:
    case IMM_DATA:
    case IMM_MEMORY2:
    case IMM_ELEM_TABLE:
    case IMM_ELEM:
    case IMM_TABLE2:
    case IMM_TAG:
    case IMM_TYPE_FIELD:
    case IMM_TYPE_COUNT:
    case IMM_TYPE_DATA:
    case IMM_TYPE_ELEM:
    case IMM_TYPE2:
    case IMM_HEAP:
    case IMM_BR_CAST:
        return true;
    case IMM_BLOCK:
        return op == OP_LOOP;
    default:
        return false;
    }
}

uint32_t lower_class(const struct wasm_module *wasm)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < wasm->func_count - wasm->import_func_count; i++) {
        const uint8_t *at = wasm->bytes + wasm->bodies[i].offset_bytes;
        const uint8_t *end = at + wasm->bodies[i].size_bytes;
        for (uint64_t groups = leb_next_unsigned(&at); groups > 0; groups--) {
            body_skip_leb(&at);
            body_skip_valtype(&at);
        }
        while (at < end) {
            enum op op = body_op(&at);
            body_skip_immediates(&at, op);
            if (op == OP_RETURN_CALL || op == OP_RETURN_CALL_INDIRECT || op == OP_RETURN_CALL_REF)
                found |= NATIVE_CLASS_PENDING | NATIVE_CLASS_TAILCC;
            else if (op == OP_TRY_TABLE || op == OP_THROW || op == OP_THROW_REF)
                found |= NATIVE_CLASS_PENDING;
        }
    }
    return found;
}
