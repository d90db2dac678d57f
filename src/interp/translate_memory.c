/* SPDX-License-Identifier: Apache-2.0 */
/* Loads, stores, bulk operations, tables. */
#include "base/leb128.h"
#include "interp/translate_int.h"

/* ---- Memory --------------------------------------------------------------------------------------- */

struct memarg {
    uint32_t memory;
    uint64_t offset;
    bool is_64, is_far;
};

static struct memarg read_memarg(struct translator *t)
{
    struct memarg m = {0};
    uint64_t flags = leb_next_unsigned(&t->at);
    if ((flags & 64) != 0)
        m.memory = (uint32_t)leb_next_unsigned(&t->at);
    m.offset = leb_next_unsigned(&t->at);
    m.is_64 = t->module->memories[m.memory].limits.is_64;
    m.is_far = m.memory != 0 || m.is_64;
    return m;
}

/* The second cell of an access in the general form. */
static void far_cell(struct translator *t, const struct memarg *m)
{
    struct ins *second = tr_emit_data(t);
    second->a = m->is_64 ? 64 : 32;
    second->k = m->offset;
}

void translate_load(struct translator *t, enum op op, valtype type)
{
    const struct lowering *how = &lowerings[op];
    struct memarg m = read_memarg(t);
    struct entry index = tr_pop(t);
    if (m.is_far) {
        int32_t field = tr_use_slot(t, &index);
        /* The general handlers know integers only, so floats are not in their accumulator. */
        struct ins *i = tr_emit(t, pick_far(op), SHAPE_ONE, RESULT_INT);
        int32_t at = t->n - 1;
        i->a = field;
        i->c = slot_offset(tr_top_slot(t));
        i->d = (int32_t)m.memory;
        far_cell(t, &m);
        tr_push_temp(t, type, at);
        return;
    }
    uint8_t place;
    int32_t field = tr_use_int(t, &index, true, &place);
    struct ins *i = tr_emit(t, how->family, (enum shape)how->shape, (enum result)how->result);
    i->pa = place;
    i->a = field;
    i->d = (int32_t)(uint32_t)m.offset;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

void translate_store(struct translator *t, enum op op)
{
    struct memarg m = read_memarg(t);
    struct entry value = tr_pop(t), index = tr_pop(t);
    if (m.is_far) {
        int32_t index_field = tr_use_slot(t, &index), value_field = tr_use_slot(t, &value);
        struct ins *i = tr_emit(t, pick_far(op), SHAPE_ONE, RESULT_NONE);
        i->a = index_field;
        i->b = value_field;
        i->d = (int32_t)m.memory;
        far_cell(t, &m);
        return;
    }
    if (index.kind == ENTRY_CONST && !tr_const_fits(&index))
        (void)tr_use_slot(t, &index);
    if (value.kind == ENTRY_CONST && !tr_const_fits(&value))
        (void)tr_use_slot(t, &value);
    uint8_t index_place, value_place = PLACE_S;
    int32_t value_field = 0;
    unsigned family = lowerings[op].family;
    enum shape shape = SHAPE_STORE;
    bool is_float = value.type == VT_F64 || value.type == VT_F32;
    if (is_float && value.kind != ENTRY_CONST) {
        value_field = tr_use_float(t, &value, &value_place);
        if (value_place != PLACE_F)
            value_field = tr_use_int(t, &value, false, &value_place);
        FLOAT_ACC(else {
            family = value.type == VT_F64 ? H_f64_store_SF : H_f32_store_SF;
            shape = SHAPE_FSTORE;
        })
    } else {
        value_field = tr_use_int(t, &value, true, &value_place);
    }
    int32_t index_field = tr_use_int(t, &index, true, &index_place);
    struct ins *i = tr_emit(t, family, shape, RESULT_NONE);
    i->pa = index_place;
    i->a = index_field;
    i->pb = value_place;
    i->b = value_field;
    i->d = (int32_t)(uint32_t)m.offset;
}

/* Width of the indices of a table or memory, as the handlers want it. */
static int32_t width(bool is_64)
{
    return is_64 ? 64 : 32;
}

/* Three operands in slots, popped; gives the offset of the first. */
static int32_t three_slots(struct translator *t)
{
    tr_settle_top(t, 3);
    t->height -= 3;
    return slot_offset(t->stack[t->height].home);
}

void tr_bulk_memory(struct translator *t, enum op op)
{
    const struct wasm_module *m = t->module;
    uint32_t first = (uint32_t)leb_next_unsigned(&t->at);
    uint32_t second = op == OP_MEMORY_FILL ? 0 : (uint32_t)leb_next_unsigned(&t->at);
    int32_t at = three_slots(t);
    unsigned handler = op == OP_MEMORY_FILL   ? H_memory_fill
                       : op == OP_MEMORY_COPY ? H_memory_copy
                                              : H_memory_init;
    struct ins *i = tr_emit(t, handler, SHAPE_ONE, RESULT_NONE);
    i->a = at;
    i->b = (int32_t)first;
    i->d = (int32_t)second;
    bool to_64 = m->memories[op == OP_MEMORY_INIT ? second : first].limits.is_64;
    bool from_64 = op == OP_MEMORY_COPY && m->memories[second].limits.is_64;
    struct ins *data = tr_emit_data(t);
    data->a = width(to_64);
    data->c = width(from_64);
    data->b = width(op == OP_MEMORY_FILL ? to_64 : to_64 && from_64);
    data->d = t->is_metered;
}

void tr_memory_size(struct translator *t)
{
    uint32_t memory = (uint32_t)leb_next_unsigned(&t->at);
    struct ins *i = tr_emit(t, H_memory_size, SHAPE_ONE, RESULT_INT);
    i->a = (int32_t)memory;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, t->module->memories[memory].limits.is_64 ? VT_I64 : VT_I32, t->n - 1);
}

void tr_memory_grow(struct translator *t)
{
    uint32_t memory = (uint32_t)leb_next_unsigned(&t->at);
    struct entry delta = tr_pop(t);
    int32_t field = tr_use_slot(t, &delta);
    struct ins *i = tr_emit(t, H_memory_grow, SHAPE_ONE, RESULT_INT);
    i->a = field;
    i->b = (int32_t)memory;
    i->d = width(t->module->memories[memory].limits.is_64);
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, delta.type, t->n - 1);
}

/* ---- Tables ---------------------------------------------------------------------------------------- */

void tr_table_op(struct translator *t, enum op op)
{
    const struct wasm_module *m = t->module;
    uint32_t elem = op == OP_TABLE_INIT ? (uint32_t)leb_next_unsigned(&t->at) : 0;
    uint32_t table = (uint32_t)leb_next_unsigned(&t->at);
    const struct table_type *type = &m->tables[table].type;
    static const struct {
        uint16_t op, handler;
        uint8_t operands;
    } rows[] = {
        {OP_TABLE_GET, H_table_get, 1},   {OP_TABLE_SET, H_table_set, 2},
        {OP_TABLE_SIZE, H_table_size, 0}, {OP_TABLE_GROW, H_table_grow, 2},
        {OP_TABLE_FILL, H_table_fill, 3}, {OP_TABLE_INIT, H_table_init, 3},
    };
    size_t row = 0;
    while (rows[row].op != op)
        row++;
    uint32_t count = rows[row].operands;
    tr_settle_top(t, count);
    t->height -= count;
    int32_t at = slot_offset(tr_top_slot(t));
    enum result result = op == OP_TABLE_GET                           ? RESULT_SLOT
                         : op == OP_TABLE_SIZE || op == OP_TABLE_GROW ? RESULT_INT
                                                                      : RESULT_NONE;
    struct ins *i = tr_emit(t, rows[row].handler, SHAPE_ONE, result);
    i->a = at;
    i->b = (int32_t)table;
    i->c = op == OP_TABLE_INIT ? (int32_t)elem : at;
    i->d = width(type->limits.is_64);
    if (op == OP_TABLE_GET)
        tr_push_temp(t, type->element, t->n - 1);
    else if (result == RESULT_INT)
        tr_push_temp(t, type->limits.is_64 ? VT_I64 : VT_I32, t->n - 1);
}

void tr_table_copy(struct translator *t)
{
    uint32_t to = (uint32_t)leb_next_unsigned(&t->at);
    uint32_t from = (uint32_t)leb_next_unsigned(&t->at);
    bool to_64 = t->module->tables[to].type.limits.is_64;
    bool from_64 = t->module->tables[from].type.limits.is_64;
    int32_t at = three_slots(t);
    struct ins *i = tr_emit(t, H_table_copy, SHAPE_ONE, RESULT_NONE);
    i->a = at;
    i->b = (int32_t)to;
    i->d = (int32_t)from;
    struct ins *data = tr_emit_data(t);
    data->a = width(to_64);
    data->c = width(from_64);
    data->b = width(to_64 && from_64);
    data->d = t->is_metered;
}
