/* SPDX-License-Identifier: Apache-2.0 */
/* The translator's operand stack: lazy entries, accumulators, moves. */
#include <string.h>

#include "interp/translate_int.h"

static struct ins *append(struct translator *t)
{
    static _Thread_local struct ins nowhere;
    if (UNLIKELY((size_t)t->n == t->ins_capacity) &&
        !vec_reserve(t->alloc, &t->ins, &t->ins_capacity, (size_t)t->n + 1, sizeof(*t->ins))) {
        t->failed = true;
        return &nowhere;
    }
    struct ins *i = &t->ins[t->n++];
    memset(i, 0, sizeof(*i));
    i->target = i->chain = i->loop = -1;
    i->region = t->region;
    i->offset_bytes = t->op_offset;
    return i;
}

struct ins *tr_emit(struct translator *t, unsigned family, enum shape shape, enum result result)
{
    struct ins *i = append(t);
    i->family = (uint16_t)family;
    i->shape = (uint8_t)shape;
    i->result = (uint8_t)result;
    if (result == RESULT_INT || result == RESULT_ACC)
        t->acc_owner = t->n - 1;
    else if (result == RESULT_F64 && HAS_FLOAT_ACC)
        t->facc_owner = t->n - 1;
    else if (result == RESULT_F32 && HAS_FLOAT_ACC)
        t->sacc_owner = t->n - 1;
    return i;
}

struct ins *tr_emit_data(struct translator *t)
{
    struct ins *i = append(t);
    i->family = H_nop;
    i->shape = SHAPE_DATA;
    return i;
}

void tr_new_region(struct translator *t)
{
    t->region++;
    t->acc_owner = t->facc_owner = t->sacc_owner = -1;
}

uint32_t tr_top_slot(const struct translator *t)
{
    if (t->height == 0)
        return t->local_slots;
    const struct entry *e = &t->stack[t->height - 1];
    return e->home + vt_slots(e->type);
}

void tr_use_slots(struct translator *t, uint32_t end)
{
    if (end > t->max_slot)
        t->max_slot = end;
}

static struct entry *push(struct translator *t, valtype type)
{
    static _Thread_local struct entry nowhere;
    if (UNLIKELY(t->height == t->stack_capacity) &&
        !vec_reserve(t->alloc, &t->stack, &t->stack_capacity, (size_t)t->height + 1,
                     sizeof(*t->stack))) {
        t->failed = true;
        return &nowhere;
    }
    uint32_t home = tr_top_slot(t);
    /* The fields of the other kinds are never read. */
    struct entry *e = &t->stack[t->height++];
    e->type = type;
    e->home = home;
    e->def = -1;
    tr_use_slots(t, home + vt_slots(type));
    return e;
}

void tr_push_temp(struct translator *t, valtype type, int32_t def)
{
    struct entry *e = push(t, type);
    e->kind = ENTRY_TEMP;
    e->def = def;
}

void tr_push_local(struct translator *t, uint32_t local)
{
    struct entry *e = push(t, t->locals[local].type);
    e->kind = ENTRY_LOCAL;
    e->local = local;
}

void tr_push_const(struct translator *t, valtype type, uint64_t bits)
{
    struct entry *e = push(t, type);
    e->kind = ENTRY_CONST;
    e->bits = bits;
}

struct entry tr_pop(struct translator *t)
{
    static const struct entry nothing;
    return t->height == 0 ? nothing : t->stack[--t->height];
}

bool tr_const_fits(const struct entry *e)
{
    if (e->type == VT_I32 || e->type == VT_F32)
        return true;
    return (int64_t)e->bits == (int32_t)e->bits;
}

static uint8_t place_of_local(const struct translator *t, uint32_t local)
{
    if (t->pin[0] == (int32_t)local)
        return PLACE_0;
    return t->pin[1] == (int32_t)local ? PLACE_1 : PLACE_S;
}

/* Whether the producer of a temporary can still be told where to put its result. */
static bool is_open(const struct translator *t, const struct entry *e)
{
    return e->kind == ENTRY_TEMP && e->def >= 0 && t->ins[e->def].region == t->region &&
           t->ins[e->def].pd == PLACE_S && t->ins[e->def].c == slot_offset(e->home);
}

/*
 * Whether an accumulator that instruction `owner` wrote may stand for a value of this type. A
 * collection moves objects, so references are taken from it only at once.
 */
static bool is_fresh(const struct translator *t, int32_t owner, valtype type)
{
    return owner >= 0 && (!vt_is_ref(type) || owner == t->n - 1);
}

void tr_move_to(struct translator *t, struct entry *e, uint32_t slot, int32_t local)
{
    if (e->type == VT_V128) {
        int32_t from = tr_use_slot(t, e);
        struct ins *i = tr_emit(t, H_move_V, SHAPE_ONE, RESULT_NONE);
        i->a = from;
        i->c = slot_offset(slot);
    } else if (e->kind == ENTRY_CONST && !tr_const_fits(e)) {
        struct ins *i = tr_emit(t, 0, SHAPE_MOVE, RESULT_NONE);
        i->pa = PLACE_K;
        i->k = e->bits;
        i->c = slot_offset(slot);
        i->pd = local >= 0 ? place_of_local(t, (uint32_t)local) : PLACE_S;
    } else {
        /* A move reads the accumulator where it can but leaves the producer's slot alone. */
        uint8_t place = PLACE_S;
        int32_t field;
        if (e->kind == ENTRY_CONST) {
            place = PLACE_C;
            field = (int32_t)e->bits;
        } else if (e->kind == ENTRY_LOCAL) {
            place = place_of_local(t, e->local);
            field = slot_offset(t->locals[e->local].slot);
            t->locals[e->local].last_use = t->n;
        } else {
            field = slot_offset(e->home);
            if (e->def == t->acc_owner && is_fresh(t, e->def, e->type))
                place = PLACE_A;
        }
        struct ins *i = tr_emit(t, 0, SHAPE_MOVE, RESULT_NONE);
        i->pa = place;
        i->a = field;
        i->c = slot_offset(slot);
        i->pd = local >= 0 ? place_of_local(t, (uint32_t)local) : PLACE_S;
    }
    tr_use_slots(t, slot + vt_slots(e->type));
    if (local >= 0) {
        t->locals[local].last_use = t->n - 1;
        t->locals[local].last_writer = t->n - 1;
    }
}

void tr_settle(struct translator *t, uint32_t index)
{
    struct entry *e = &t->stack[index];
    if (e->kind == ENTRY_TEMP)
        return;
    tr_move_to(t, e, e->home, -1);
    e->kind = ENTRY_TEMP;
    e->def = -1;
}

void tr_settle_top(struct translator *t, uint32_t count)
{
    for (uint32_t i = t->height - count; i < t->height; i++)
        tr_settle(t, i);
}

void tr_settle_all(struct translator *t)
{
    tr_settle_top(t, t->height);
}

/* Puts a popped entry into its own slot, which is above everything that is live. */
static int32_t settle_popped(struct translator *t, struct entry *e)
{
    tr_move_to(t, e, e->home, -1);
    e->kind = ENTRY_TEMP;
    e->def = -1;
    return slot_offset(e->home);
}

/* Whether the producer can write the slot only: its handlers have no other destination. */
static bool writes_slot_only(const struct ins *i)
{
    switch ((enum shape)i->shape) {
    case SHAPE_ONE:
    case SHAPE_DIVIDE:
    case SHAPE_TRUNC:
    case SHAPE_FSLOW:
        return true;
    case SHAPE_FULL64:
    case SHAPE_PAIR64:
    case SHAPE_CMP64:
    case SHAPE_UNARY64:
        return !HAS_WIDE_PLACES;
    case SHAPE_SELECT:
        return !HAS_SELECT_PLACES;
    case SHAPE_FCMP:
        return !HAS_FLOAT_ACC;
    default:
        return false;
    }
}

int32_t tr_use_int(struct translator *t, struct entry *e, bool allow_const, uint8_t *ret_place)
{
    *ret_place = PLACE_S;
    if (e->kind == ENTRY_CONST) {
        if (!allow_const || !tr_const_fits(e))
            return settle_popped(t, e);
        *ret_place = PLACE_C;
        return (int32_t)e->bits;
    }
    if (e->kind == ENTRY_LOCAL) {
        struct local *local = &t->locals[e->local];
        *ret_place = place_of_local(t, e->local);
        local->last_use = t->n;
        if (*ret_place == PLACE_S && local->last_writer == t->acc_owner &&
            is_fresh(t, t->acc_owner, e->type))
            *ret_place = PLACE_A;
        return slot_offset(local->slot);
    }
    if (e->def == t->acc_owner && is_fresh(t, e->def, e->type)) {
        struct ins *def = &t->ins[e->def];
        if (def->result == RESULT_INT && is_open(t, e) && !writes_slot_only(def))
            def->pd = PLACE_A;
        *ret_place = PLACE_A;
    }
    return slot_offset(e->home);
}

int32_t tr_use_float(struct translator *t, struct entry *e, uint8_t *ret_place)
{
    bool is_double = e->type == VT_F64;
    int32_t owner = is_double ? t->facc_owner : t->sacc_owner;
    *ret_place = PLACE_S;
    if (e->kind == ENTRY_CONST)
        return settle_popped(t, e);
    if (e->kind == ENTRY_LOCAL) {
        struct local *local = &t->locals[e->local];
        local->last_use = t->n;
        if (owner >= 0 && local->last_writer == owner)
            *ret_place = PLACE_F;
        return slot_offset(local->slot);
    }
    if (e->def >= 0 && e->def == owner) {
        struct ins *def = &t->ins[e->def];
        if (is_open(t, e) && !writes_slot_only(def))
            def->pd = PLACE_F;
        *ret_place = PLACE_F;
    }
    return slot_offset(e->home);
}

int32_t tr_use_slot(struct translator *t, struct entry *e)
{
    if (e->kind == ENTRY_CONST)
        return settle_popped(t, e);
    if (e->kind == ENTRY_LOCAL) {
        t->locals[e->local].last_use = t->n;
        return slot_offset(t->locals[e->local].slot);
    }
    return slot_offset(e->home);
}

/* Whether the producer of `e` may write `local` itself, and makes it so. */
static bool retarget(struct translator *t, const struct entry *e, uint32_t local)
{
    struct local *l = &t->locals[local];
    if (!is_open(t, e) || l->last_use > e->def)
        return false;
    struct ins *def = &t->ins[e->def];
    if (def->result == RESULT_NONE || def->result == RESULT_ACC)
        return false;
    /*
     * A handler of this function may look at the local after a call in between threw; and the
     * temporary may be in the root map of an instruction in between.
     */
    bool is_last =
        e->def == t->n - 1 || (e->def == t->n - 2 && t->ins[t->n - 1].shape == SHAPE_DATA);
    if ((t->try_depth > 0 || vt_is_ref(e->type)) && !is_last)
        return false;
    uint8_t place = place_of_local(t, local);
    if (place != PLACE_S &&
        (def->result != RESULT_INT || def->shape == SHAPE_CMP || def->shape == SHAPE_CMP64 ||
         def->shape == SHAPE_FCMP || writes_slot_only(def)))
        return false;
    def->pd = place;
    def->c = slot_offset(l->slot);
    l->last_use = l->last_writer = e->def;
    return true;
}

void tr_set_local(struct translator *t, uint32_t local, bool tee)
{
    struct entry e = tr_pop(t);
    bool flushed = false;
    for (uint32_t i = 0; i < t->height; i++)
        if (t->stack[i].kind == ENTRY_LOCAL && t->stack[i].local == local) {
            tr_settle(t, i);
            flushed = true;
        }
    bool is_same = e.kind == ENTRY_LOCAL && e.local == local;
    if (!is_same && (flushed || !retarget(t, &e, local)))
        tr_move_to(t, &e, t->locals[local].slot, (int32_t)local);
    if (tee)
        tr_push_local(t, local);
}

bool tr_is_collected(const struct translator *t, valtype type)
{
    return vt_is_ref(type) && types_heap_top(t->module->types_registry, vt_heap(type)) != HEAP_FUNC;
}

static void add_root(struct translator *t, uint32_t slot)
{
    if (!vec_reserve(t->alloc, &t->root_slots, &t->root_slot_capacity, t->root_slot_count + 1,
                     sizeof(*t->root_slots))) {
        t->failed = true;
        return;
    }
    t->root_slots[t->root_slot_count++] = slot;
}

void tr_note_roots(struct translator *t, int32_t at)
{
    uint32_t first = t->root_slot_count;
    if (t->has_gc_locals)
        for (uint32_t i = 0; i < t->local_count; i++)
            if (tr_is_collected(t, t->locals[i].type))
                add_root(t, t->locals[i].slot);
    for (uint32_t i = 0; i < t->height; i++) {
        const struct entry *e = &t->stack[i];
        if (e->kind == ENTRY_TEMP && vt_is_ref(e->type) && tr_is_collected(t, e->type))
            add_root(t, e->home);
    }
    if (t->root_slot_count == first)
        return;
    if (!vec_reserve(t->alloc, &t->root_maps, &t->root_map_capacity, t->root_map_count + 1,
                     sizeof(*t->root_maps))) {
        t->failed = true;
        return;
    }
    t->root_maps[t->root_map_count++] = (struct root_map){
        .cell = (uint32_t)at, .first = first, .count = t->root_slot_count - first};
}
