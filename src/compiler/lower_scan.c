/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading validated bodies: operators, immediates, types; and what a body costs. Fuel is a matter of
 * the text alone: unreachable operators count like any other, and those of a loop that cannot be
 * reached count nowhere.
 */
#include "base/buf.h"
#include "base/leb128.h"
#include "compiler/lower_int.h"

enum op scan_op(const uint8_t **at)
{
    uint8_t byte = *(*at)++;
    if (byte < 0xfb)
        return (enum op)op_from_byte[byte];
    return op_from_code(byte, (uint32_t)leb_next_unsigned(at));
}

static void skip_leb(const uint8_t **at)
{
    while ((*(*at)++ & 0x80) != 0)
        continue;
}

static void skip_lebs(const uint8_t **at, uint64_t count)
{
    while (count-- > 0)
        skip_leb(at);
}

/* A value type is one byte, or a reference's byte and a heap type. */
static void skip_valtype(const uint8_t **at)
{
    uint8_t byte = *(*at)++;
    if (byte == VT_REF || byte == VT_REF_NULL)
        skip_leb(at);
}

static void skip_block_type(const uint8_t **at)
{
    uint8_t byte = **at;
    if (byte == VT_REF || byte == VT_REF_NULL)
        skip_valtype(at);
    else
        skip_leb(at);
}

static void skip_memarg(const uint8_t **at)
{
    uint64_t flags = leb_next_unsigned(at);
    skip_lebs(at, (flags & 64) != 0 ? 2 : 1);
}

static void skip_catches(const uint8_t **at)
{
    for (uint64_t count = leb_next_unsigned(at); count > 0; count--) {
        uint8_t kind = *(*at)++;
        skip_lebs(at, kind < CATCH_EVERY ? 2 : 1);
    }
}

void scan_skip(const uint8_t **at, enum op op)
{
    switch ((enum op_immediate)op_infos[op].immediate) {
    case IMM_NONE:
        break;
    case IMM_BLOCK:
        skip_block_type(at);
        break;
    case IMM_BR_TABLE:
        skip_lebs(at, leb_next_unsigned(at) + 1);
        break;
    case IMM_CALL_INDIRECT:
    case IMM_DATA_MEMORY:
    case IMM_MEMORY2:
    case IMM_ELEM_TABLE:
    case IMM_TABLE2:
    case IMM_TYPE_FIELD:
    case IMM_TYPE_COUNT:
    case IMM_TYPE_DATA:
    case IMM_TYPE_ELEM:
    case IMM_TYPE2:
        skip_lebs(at, 2);
        break;
    case IMM_MEMARG:
        skip_memarg(at);
        break;
    case IMM_MEMARG_LANE:
        skip_memarg(at);
        (*at)++;
        break;
    case IMM_F32:
        *at += 4;
        break;
    case IMM_F64:
        *at += 8;
        break;
    case IMM_V128:
    case IMM_SHUFFLE:
        *at += 16;
        break;
    case IMM_LANE:
        (*at)++;
        break;
    case IMM_SELECT_T:
        for (uint64_t count = leb_next_unsigned(at); count > 0; count--)
            skip_valtype(at);
        break;
    case IMM_TRY_TABLE:
        skip_block_type(at);
        skip_catches(at);
        break;
    case IMM_BR_CAST:
        (*at)++;
        skip_lebs(at, 3);
        break;
    case IMM_LABEL:
    case IMM_FUNC:
    case IMM_TYPE:
    case IMM_LOCAL:
    case IMM_GLOBAL:
    case IMM_TABLE:
    case IMM_MEMORY:
    case IMM_DATA:
    case IMM_ELEM:
    case IMM_I32:
    case IMM_I64:
    case IMM_HEAP:
    case IMM_TAG:
        skip_leb(at);
        break;
    }
}

/* ---- Types ------------------------------------------------------------------------------------ */

heaptype scan_heaptype(const struct wasm_module *wasm, const uint8_t **at,
                       uint32_t *ret_module_type)
{
    int64_t value = leb_next_signed(at);
    *ret_module_type = TYPE_ID_NONE;
    if (value < 0)
        return (heaptype)(HEAP_ABSTRACT | ((uint32_t)value & 0x7f));
    *ret_module_type = (uint32_t)value;
    return wasm->types[value]->id;
}

valtype scan_valtype(const struct wasm_module *wasm, const uint8_t **at)
{
    uint32_t ignored;
    uint8_t byte = *(*at)++;
    if (byte == VT_REF)
        return VT_MAKE_REF(scan_heaptype(wasm, at, &ignored));
    if (byte == VT_REF_NULL)
        return VT_MAKE_REF_NULL(scan_heaptype(wasm, at, &ignored));
    if (byte >= VT_V128)
        return byte;
    return VT_MAKE_REF_NULL(HEAP_ABSTRACT | byte);
}

/* ---- What a body holds ------------------------------------------------------------------------ */

static uint32_t fuel_of(enum op op)
{
    switch (op) {
    case OP_NOP:
    case OP_BLOCK:
    case OP_LOOP:
    case OP_ELSE:
    case OP_END:
    case OP_TRY_TABLE:
        return 0;
    default:
        return 1;
    }
}

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
        enum op op = scan_op(&at);
        uint32_t loop = open->loops[open->depth - 1];
        if (loop == LOOP_NONE)
            s->entry_fuel += fuel_of(op);
        else
            s->loops[loop].fuel += fuel_of(op);
        if (loop != LOOP_NONE)
            s->loops[loop].calls_indirectly |= op == OP_CALL_INDIRECT || op == OP_CALL_REF;
        s->may_collect |= collects(op);
        scan_skip(&at, op);
        if (op == OP_LOOP && !new_loop(l))
            return false;
        if (op == OP_LOOP)
            loop = s->loop_count - 1;
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
            skip_leb(&at);
            skip_valtype(&at);
        }
        while (at < end) {
            enum op op = scan_op(&at);
            scan_skip(&at, op);
            if (op == OP_RETURN_CALL || op == OP_RETURN_CALL_INDIRECT || op == OP_RETURN_CALL_REF)
                found |= NATIVE_CLASS_PENDING | NATIVE_CLASS_TAILCC;
            else if (op == OP_TRY_TABLE || op == OP_THROW || op == OP_THROW_REF)
                found |= NATIVE_CLASS_PENDING;
        }
    }
    return found;
}
