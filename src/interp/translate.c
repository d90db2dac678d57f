/* SPDX-License-Identifier: Apache-2.0 */
/* The translator's main loop, and the finished function. See translate_int.h. */
#include <string.h>

#include "base/leb128.h"
#include "interp/translate_int.h"

/* ---- Operators with a plain signature --------------------------------------------------------- */

/* Families of unordered pairs have each pair once, by this order of places. */
static unsigned pair_rank(uint8_t place)
{
    static const uint8_t rank[] = {[PLACE_S] = 0, [PLACE_A] = 1, [PLACE_0] = 2, [PLACE_1] = 3,
                                   [PLACE_C] = 4};
    return rank[place];
}

static void binary_int(struct translator *t, const struct lowering *how, valtype type)
{
    struct entry y = tr_pop(t), x = tr_pop(t);
    uint8_t px, py;
    if (how->swap) {
        struct entry other = x;
        x = y;
        y = other;
    }
    /* Constants that do not fit are put into slots first: that must not part a producer from its
     * consumer. */
    if (x.kind == ENTRY_CONST && (y.kind == ENTRY_CONST || !tr_const_fits(&x)))
        (void)tr_use_slot(t, &x);
    if (y.kind == ENTRY_CONST && !tr_const_fits(&y))
        (void)tr_use_slot(t, &y);
    int32_t fy = tr_use_int(t, &y, true, &py);
    int32_t fx = tr_use_int(t, &x, true, &px);
    bool turn = how->shape == SHAPE_PAIR && pair_rank(px) > pair_rank(py);
    struct ins *i = tr_emit(t, how->family, (enum shape)how->shape, RESULT_INT);
    i->pa = turn ? py : px;
    i->a = turn ? fy : fx;
    i->pb = turn ? px : py;
    i->b = turn ? fx : fy;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

static void divide(struct translator *t, const struct lowering *how, valtype type)
{
    struct entry y = tr_pop(t), x = tr_pop(t);
    uint8_t py = PLACE_S;
    int32_t fx = tr_use_slot(t, &x);
    int32_t fy;
    if (y.kind == ENTRY_CONST && tr_const_fits(&y)) {
        fy = (int32_t)y.bits;
        py = PLACE_C;
    } else {
        fy = tr_use_slot(t, &y);
    }
    struct ins *i = tr_emit(t, how->family, SHAPE_DIVIDE, RESULT_INT);
    i->a = fx;
    i->pb = py;
    i->b = fy;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

static void binary_float(struct translator *t, const struct lowering *how, valtype type)
{
    struct entry y = tr_pop(t), x = tr_pop(t);
    uint8_t px = PLACE_S, py = PLACE_S;
    int32_t fx = 0, fy = 0;
    if (how->swap) {
        struct entry other = x;
        x = y;
        y = other;
    }
    if (x.kind == ENTRY_CONST && y.kind == ENTRY_CONST)
        (void)tr_use_slot(t, &x);
    bool kx = x.kind == ENTRY_CONST, ky = y.kind == ENTRY_CONST;
    if (!ky)
        fy = tr_use_float(t, &y, &py);
    if (!kx)
        fx = tr_use_float(t, &x, &px);
    struct ins *i =
        tr_emit(t, how->family, (enum shape)how->shape, (enum result)how->result);
    i->pa = kx ? PLACE_K : px;
    i->pb = ky ? PLACE_K : py;
    /* With a constant, k covers b: the other operand is in a, whichever side it is on. */
    i->a = kx ? fy : fx;
    if (kx)
        i->k = x.bits;
    else if (ky)
        i->k = y.bits;
    else
        i->b = fy;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

static void float_in_slots(struct translator *t, const struct lowering *how, valtype type)
{
    struct entry y = tr_pop(t), x = tr_pop(t);
    int32_t fx = tr_use_slot(t, &x), fy = tr_use_slot(t, &y);
    struct ins *i = tr_emit(t, how->family, SHAPE_FSLOW, (enum result)how->result);
    i->a = fx;
    i->b = fy;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

static void unary(struct translator *t, const struct lowering *how, valtype type)
{
    struct entry x = tr_pop(t);
    uint8_t place = PLACE_S;
    int32_t field;
    if (how->shape == SHAPE_FUNARY || how->shape == SHAPE_TRUNC)
        field = tr_use_float(t, &x, &place);
    else
        field = tr_use_int(t, &x, false, &place);
    struct ins *i =
        tr_emit(t, how->family, (enum shape)how->shape, (enum result)how->result);
    i->pa = place;
    i->a = field;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

/* eqz: turns a comparison that was just made around, or compares with zero. */
static void equal_zero(struct translator *t, bool is_64)
{
    struct entry *top = &t->stack[t->height - 1];
    uint16_t family;
    bool swaps;
    if (!is_64 && top->kind == ENTRY_TEMP && top->def >= 0 && top->def == t->n - 1) {
        struct ins *i = &t->ins[top->def];
        if (i->region == t->region && i->pd == PLACE_S && i->c == slot_offset(top->home) &&
            (i->shape == SHAPE_CMP || i->shape == SHAPE_FCMP) &&
            pick_inverse(i->family, &family, &swaps)) {
            i->family = family;
            if (swaps) {
                uint8_t place = i->pa;
                int32_t field = i->a;
                i->pa = i->pb;
                i->a = i->b;
                i->pb = place;
                i->b = field;
            }
            return;
        }
    }
    tr_push_const(t, is_64 ? VT_I64 : VT_I32, 0);
    binary_int(t, &lowerings[is_64 ? OP_I64_EQ : OP_I32_EQ], VT_I32);
}

static valtype type_of_letter(char letter)
{
    switch (letter) {
    case 'i': return VT_I32;
    case 'l': return VT_I64;
    case 'f': return VT_F32;
    default: return VT_F64;
    }
}

static bool plain_op(struct translator *t, enum op op)
{
    const struct lowering *how = &lowerings[op];
    if (how->family == 0)
        return false;
    const char *signature = op_infos[op].signature;
    valtype type = type_of_letter(strchr(signature, ':')[1]);
    switch ((enum shape)how->shape) {
    case SHAPE_FULL:
    case SHAPE_PAIR:
    case SHAPE_CMP: binary_int(t, how, type); return true;
    case SHAPE_DIVIDE: divide(t, how, type); return true;
    case SHAPE_FLOAT:
    case SHAPE_FCMP: binary_float(t, how, type); return true;
    case SHAPE_FSLOW: float_in_slots(t, how, type); return true;
    case SHAPE_UNARY:
    case SHAPE_FUNARY:
    case SHAPE_CONVERT:
    case SHAPE_TRUNC: unary(t, how, type); return true;
    case SHAPE_LOAD:
    case SHAPE_FLOAD: translate_load(t, op, type); return true;
    case SHAPE_STORE: translate_store(t, op); return true;
    default: return false;
    }
}

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
    struct ins *i =
        tr_emit(t, how->family, (enum shape)how->shape, (enum result)how->result);
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
        if (value_place == PLACE_F) {
            family = value.type == VT_F64 ? H_f64_store_SF : H_f32_store_SF;
            shape = SHAPE_FSTORE;
        } else {
            value_field = tr_use_int(t, &value, false, &value_place);
        }
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
static int32_t width(bool is_64) { return is_64 ? 64 : 32; }

/* Three operands in slots, popped; gives the offset of the first. */
static int32_t three_slots(struct translator *t)
{
    tr_settle_top(t, 3);
    t->height -= 3;
    return slot_offset(t->stack[t->height].home);
}

static void bulk_memory(struct translator *t, enum op op)
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

static void memory_size(struct translator *t)
{
    uint32_t memory = (uint32_t)leb_next_unsigned(&t->at);
    struct ins *i = tr_emit(t, H_memory_size, SHAPE_ONE, RESULT_INT);
    i->a = (int32_t)memory;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, t->module->memories[memory].limits.is_64 ? VT_I64 : VT_I32, t->n - 1);
}

static void memory_grow_op(struct translator *t)
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

static void table_op(struct translator *t, enum op op)
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
    enum result result = op == OP_TABLE_GET                            ? RESULT_SLOT
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

static void table_copy(struct translator *t)
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

/* ---- Variables, constants, select ------------------------------------------------------------------- */

static void global_get(struct translator *t)
{
    uint32_t global = (uint32_t)leb_next_unsigned(&t->at);
    valtype type = t->module->globals[global].type.type;
    bool is_vector = type == VT_V128;
    struct ins *i = tr_emit(t, is_vector ? H_global_get_V : H_global_get_S,
                         is_vector ? SHAPE_ONE : SHAPE_GET, is_vector ? RESULT_SLOT : RESULT_INT);
    i->a = (int32_t)global;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

static void global_set(struct translator *t)
{
    uint32_t global = (uint32_t)leb_next_unsigned(&t->at);
    struct entry value = tr_pop(t);
    if (value.type == VT_V128) {
        int32_t field = tr_use_slot(t, &value);
        struct ins *i = tr_emit(t, H_global_set_V, SHAPE_ONE, RESULT_NONE);
        i->a = (int32_t)global;
        i->b = field;
        return;
    }
    uint8_t place;
    int32_t field = tr_use_int(t, &value, true, &place);
    struct ins *i = tr_emit(t, H_global_set_S, SHAPE_SET, RESULT_NONE);
    i->a = (int32_t)global;
    i->pb = place;
    i->b = field;
}

static void select_op(struct translator *t)
{
    struct entry k = tr_pop(t), y = tr_pop(t), x = tr_pop(t);
    /* Unreachable code aside, both have one type; references take the more general one later. */
    valtype type = x.type;
    if (type == VT_V128) {
        int32_t fk = tr_use_slot(t, &k), fx = tr_use_slot(t, &x), fy = tr_use_slot(t, &y);
        struct ins *i = tr_emit(t, H_select_V, SHAPE_ONE, RESULT_SLOT);
        i->a = fx;
        i->b = fy;
        i->d = fk;
        i->c = slot_offset(tr_top_slot(t));
        tr_push_temp(t, type, t->n - 1);
        return;
    }
    uint8_t pk = PLACE_S, px = PLACE_S, py = PLACE_S;
    if (x.kind == ENTRY_CONST && !tr_const_fits(&x))
        (void)tr_use_slot(t, &x);
    if (y.kind == ENTRY_CONST && !tr_const_fits(&y))
        (void)tr_use_slot(t, &y);
    int32_t fk;
    if (k.kind == ENTRY_TEMP) {
        fk = tr_use_int(t, &k, false, &pk);
    } else {
        fk = tr_use_slot(t, &k);
    }
    int32_t fx = x.kind == ENTRY_CONST ? (int32_t)x.bits : tr_use_slot(t, &x);
    int32_t fy = y.kind == ENTRY_CONST ? (int32_t)y.bits : tr_use_slot(t, &y);
    px = x.kind == ENTRY_CONST ? PLACE_C : PLACE_S;
    py = y.kind == ENTRY_CONST ? PLACE_C : PLACE_S;
    struct ins *i = tr_emit(t, H_select_SSSS, SHAPE_SELECT, RESULT_INT);
    i->pa = px;
    i->a = fx;
    i->pb = py;
    i->b = fy;
    i->d = fk;
    i->chain = pk;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

static void select_typed(struct translator *t)
{
    (void)leb_next_unsigned(&t->at);
    valtype type = tr_valtype(t);
    select_op(t);
    t->stack[t->height - 1].type = type;
}

static void ref_op(struct translator *t, enum op op)
{
    if (op == OP_REF_NULL) {
        tr_push_const(t, VT_MAKE_REF_NULL(tr_heaptype(t)), 0);
    } else if (op == OP_REF_FUNC) {
        uint32_t function = (uint32_t)leb_next_unsigned(&t->at);
        struct ins *i = tr_emit(t, H_ref_func, SHAPE_ONE, RESULT_SLOT);
        i->a = (int32_t)function;
        i->c = slot_offset(tr_top_slot(t));
        tr_push_temp(t, VT_MAKE_REF(t->module->func_types[function]->id), t->n - 1);
    } else if (op == OP_REF_IS_NULL) {
        equal_zero(t, true);
    } else if (op == OP_REF_EQ) {
        binary_int(t, &lowerings[OP_I64_EQ], VT_I32);
    } else {
        struct entry e = tr_pop(t);
        int32_t field = tr_use_slot(t, &e);
        struct ins *i = tr_emit(t, H_ref_as_non_null, SHAPE_ONE, RESULT_SLOT);
        i->a = field;
        i->c = slot_offset(tr_top_slot(t));
        tr_push_temp(t, vt_non_null(e.type), t->n - 1);
    }
}

static void throw_op(struct translator *t, enum op op)
{
    if (op == OP_THROW_REF) {
        struct entry e = tr_pop(t);
        int32_t field = tr_use_slot(t, &e);
        tr_emit(t, H_throw_ref, SHAPE_ONE, RESULT_NONE)->a = field;
        return;
    }
    uint32_t tag = (uint32_t)leb_next_unsigned(&t->at);
    const struct type_def *type = t->module->tag_types[tag];
    tr_settle_top(t, type->param_count);
    uint32_t first = type->param_count > 0 ? t->stack[t->height - type->param_count].home
                                           : tr_top_slot(t);
    struct ins *i = tr_emit(t, H_throw, SHAPE_ONE, RESULT_NONE);
    i->a = slot_offset(first);
    i->b = (int32_t)tag;
    tr_note_roots(t, t->n - 1);
    t->height -= type->param_count;
}

/* Reinterpretations and wraps change the type and nothing else: slots hold bits. */
static void retype(struct translator *t, valtype type)
{
    struct entry e = tr_pop(t);
    if (e.kind == ENTRY_LOCAL || e.kind == ENTRY_CONST) {
        if (e.kind == ENTRY_CONST && type == VT_I32) {
            tr_push_const(t, type, (uint64_t)(int64_t)(int32_t)e.bits);
            return;
        }
        if (e.kind == ENTRY_CONST) {
            tr_push_const(t, type, e.bits);
            return;
        }
    }
    /* A local keeps being read in place, under its new type. */
    tr_push_temp(t, type, e.def);
    struct entry *top = &t->stack[t->height - 1];
    top->kind = e.kind;
    top->local = e.local;
}

static void constant(struct translator *t, enum op op)
{
    uint32_t word;
    uint64_t wide;
    switch (op) {
    case OP_I32_CONST:
        tr_push_const(t, VT_I32, (uint64_t)leb_next_signed(&t->at));
        break;
    case OP_I64_CONST: tr_push_const(t, VT_I64, (uint64_t)leb_next_signed(&t->at)); break;
    case OP_F32_CONST:
        memcpy(&word, t->at, 4);
        t->at += 4;
        tr_push_const(t, VT_F32, word);
        break;
    default:
        memcpy(&wide, t->at, 8);
        t->at += 8;
        tr_push_const(t, VT_F64, wide);
        break;
    }
}

/* ---- The loop ------------------------------------------------------------------------------------------ */

/* Operators that are neither plain nor structure. */
static void other_op(struct translator *t, enum op op)
{
    struct ins *i;
    switch (op) {
    case OP_DROP: tr_pop(t); break;
    case OP_SELECT: select_op(t); break;
    case OP_SELECT_T: select_typed(t); break;
    case OP_LOCAL_GET: tr_push_local(t, (uint32_t)leb_next_unsigned(&t->at)); break;
    case OP_LOCAL_SET: tr_set_local(t, (uint32_t)leb_next_unsigned(&t->at), false); break;
    case OP_LOCAL_TEE: tr_set_local(t, (uint32_t)leb_next_unsigned(&t->at), true); break;
    case OP_GLOBAL_GET: global_get(t); break;
    case OP_GLOBAL_SET: global_set(t); break;
    case OP_I32_CONST:
    case OP_I64_CONST:
    case OP_F32_CONST:
    case OP_F64_CONST: constant(t, op); break;
    case OP_I32_EQZ: equal_zero(t, false); break;
    case OP_I64_EQZ: equal_zero(t, true); break;
    case OP_I32_WRAP_I64:
    case OP_I32_REINTERPRET_F32: retype(t, VT_I32); break;
    case OP_I64_REINTERPRET_F64: retype(t, VT_I64); break;
    case OP_F32_REINTERPRET_I32: retype(t, VT_F32); break;
    case OP_F64_REINTERPRET_I64: retype(t, VT_F64); break;
    case OP_MEMORY_SIZE: memory_size(t); break;
    case OP_MEMORY_GROW: memory_grow_op(t); break;
    case OP_MEMORY_FILL:
    case OP_MEMORY_COPY:
    case OP_MEMORY_INIT: bulk_memory(t, op); break;
    case OP_DATA_DROP:
    case OP_ELEM_DROP:
        i = tr_emit(t, op == OP_DATA_DROP ? H_data_drop : H_elem_drop, SHAPE_ONE, RESULT_NONE);
        i->a = (int32_t)leb_next_unsigned(&t->at);
        break;
    case OP_TABLE_COPY: table_copy(t); break;
    case OP_TABLE_GET:
    case OP_TABLE_SET:
    case OP_TABLE_SIZE:
    case OP_TABLE_GROW:
    case OP_TABLE_FILL:
    case OP_TABLE_INIT: table_op(t, op); break;
    case OP_REF_NULL:
    case OP_REF_IS_NULL:
    case OP_REF_FUNC:
    case OP_REF_EQ:
    case OP_REF_AS_NON_NULL: ref_op(t, op); break;
    case OP_NOP: break;
    default:
        if (!translate_simd(t, op))
            (void)translate_gc(t, op);
        break;
    }
}

/* Structure and transfers; false when `op` is neither. Sets *ret_ends where the function ends. */
static bool control_op(struct translator *t, enum op op, bool *ret_ends)
{
    bool is_dead = false;
    switch (op) {
    case OP_BLOCK:
    case OP_LOOP: tr_block(t, op); break;
    case OP_IF: tr_if(t); break;
    case OP_ELSE: tr_else(t); break;
    case OP_END: *ret_ends = !tr_end(t); break;
    case OP_TRY_TABLE: tr_try_table(t); break;
    case OP_BR_IF: tr_br_if(t); break;
    case OP_BR_ON_NULL: tr_br_on_null(t, true); break;
    case OP_BR_ON_NON_NULL: tr_br_on_null(t, false); break;
    case OP_BR_ON_CAST: tr_br_on_cast(t, false); break;
    case OP_BR_ON_CAST_FAIL: tr_br_on_cast(t, true); break;
    case OP_CALL:
    case OP_CALL_INDIRECT:
    case OP_CALL_REF: tr_call(t, op); break;
    case OP_BR:
        tr_br(t);
        is_dead = true;
        break;
    case OP_BR_TABLE:
        tr_br_table(t);
        is_dead = true;
        break;
    case OP_RETURN:
        tr_return(t);
        is_dead = true;
        break;
    case OP_UNREACHABLE:
        tr_emit(t, H_unreachable, SHAPE_ONE, RESULT_NONE);
        is_dead = true;
        break;
    case OP_THROW:
    case OP_THROW_REF:
        throw_op(t, op);
        is_dead = true;
        break;
    case OP_RETURN_CALL:
    case OP_RETURN_CALL_INDIRECT:
    case OP_RETURN_CALL_REF:
        tr_call(t, op);
        is_dead = true;
        break;
    default: return false;
    }
    if (is_dead && !t->failed) {
        tr_skip_dead(t);
        *ret_ends = t->depth == 0;
    }
    return true;
}

static void translate_body(struct translator *t)
{
    bool ends = false;
    while (!ends && !t->failed) {
        t->op_offset = (uint32_t)(t->at - t->module->bytes);
        enum op op = tr_next_op(&t->at);
        t->fuel[t->controls[t->depth - 1].loop] += tr_op_fuel(op);
        if (!control_op(t, op, &ends) && !plain_op(t, op))
            other_op(t, op);
    }
}

/* Locals from the type and the body's declarations. */
static void read_locals(struct translator *t, const struct type_def *type)
{
    uint32_t groups, slot = 0;
    const uint8_t *at;
    uint64_t count = type->param_count;
    groups = (uint32_t)leb_next_unsigned(&t->at);
    at = t->at;
    for (uint32_t g = 0; g < groups; g++) {
        count += leb_next_unsigned(&t->at);
        (void)tr_valtype(t);
    }
    t->has_gc_locals = false;
    t->local_count = (uint32_t)count;
    if (!vec_reserve(t->alloc, &t->locals, &t->local_capacity, count + 1, sizeof(*t->locals))) {
        t->failed = true;
        return;
    }
    uint32_t n = 0;
    for (; n < type->param_count; n++)
        t->locals[n].type = type->params[n];
    t->at = at;
    for (uint32_t g = 0; g < groups; g++) {
        uint64_t many = leb_next_unsigned(&t->at);
        valtype vt = tr_valtype(t);
        while (many-- > 0)
            t->locals[n++].type = vt;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct local *l = &t->locals[i];
        l->slot = slot;
        l->last_use = l->last_writer = -1;
        l->weight = 0;
        slot += vt_slots(l->type);
        if (i + 1 == type->param_count)
            t->param_slots = slot;
        if (vt_is_ref(l->type) && tr_is_collected(t, l->type))
            t->has_gc_locals = true;
    }
    if (type->param_count == 0)
        t->param_slots = 0;
    /* A frame is never empty, so that recursion always uses stack. */
    t->local_slots = slot > 0 ? slot : 1;
}

static bool begin(struct translator *t, struct module_code *code, uint32_t own_index,
                  bool is_metered)
{
    const struct wasm_module *m = code->module->wasm;
    const struct wasm_body *body = &m->bodies[own_index];
    const struct type_def *type = m->func_types[m->import_func_count + own_index];
    t->code = code;
    t->module = m;
    t->alloc = &code->module->engine->alloc;
    t->is_metered = is_metered;
    t->failed = false;
    t->at = m->bytes + body->offset_bytes;
    t->end = t->at + body->size_bytes;
    t->n = 0;
    t->region = 0;
    t->height = t->depth = t->try_depth = t->max_slot = 0;
    t->catch_count = t->root_map_count = t->root_slot_count = 0;
    t->loop_count = 0;
    tr_new_region(t);
    if (!vec_reserve(t->alloc, &t->fuel, &t->fuel_capacity, 1, sizeof(*t->fuel)))
        return false;
    t->fuel[0] = 0;
    t->loop_count = 1;
    read_locals(t, type);
    if (t->failed)
        return false;
    tr_choose_pins(t);
    uint32_t slot0 = t->pin[0] >= 0 ? t->locals[t->pin[0]].slot : 0;
    uint32_t slot1 = t->pin[1] >= 0 ? t->locals[t->pin[1]].slot : 0;
    t->call_pins = CALL_PINS(slot0, slot1);
    tr_use_slots(t, t->local_slots);
    tr_begin_function(t, type);
    return !t->failed;
}

static void write_cells(const struct translator *t, struct cell *cells)
{
    const void *const *handlers = interp_handlers();
    for (int32_t k = 0; k < t->n; k++) {
        const struct ins *i = &t->ins[k];
        struct cell *cell = &cells[k];
        cell->handler = handlers[pick_handler(i)];
        cell->a = i->a;
        cell->c = i->c;
        cell->k = i->k;
        if (i->target >= 0)
            cell->c = (int32_t)((int64_t)(i->target - k) * (int64_t)sizeof(struct cell));
        if (i->loop >= 0)
            cell->d = (int32_t)t->fuel[i->loop];
    }
}

/* Catch clauses, those of inner blocks first, in the order of each block. */
static void write_catches(const struct translator *t, struct catch_clause *clauses)
{
    uint32_t out = 0;
    for (uint32_t end = t->catch_count; end > 0;) {
        uint32_t first = t->catches[end - 1].group;
        for (uint32_t i = first; i < end; i++)
            clauses[out++] = t->catches[i].clause;
        end = first;
    }
}

/* Lays the finished function out in one block: extra, cells, catches, root maps, root slots. */
static enum stint_status finish(struct translator *t, uint32_t own_index,
                                struct func_extra **ret_extra, struct interp_func *ret_func)
{
    size_t cells_bytes = (size_t)t->n * sizeof(struct cell);
    size_t catches_bytes = t->catch_count * sizeof(struct catch_clause);
    size_t maps_bytes = t->root_map_count * sizeof(struct root_map);
    size_t slots_bytes = t->root_slot_count * sizeof(uint32_t);
    size_t size = sizeof(struct func_extra) + cells_bytes + catches_bytes + maps_bytes + slots_bytes;
    struct func_extra *extra = alloc_get(t->alloc, size);
    if (extra == NULL)
        return STINT_NOMEM;
    struct cell *cells = (struct cell *)(extra + 1);
    struct catch_clause *catches = (struct catch_clause *)(void *)((uint8_t *)cells + cells_bytes);
    struct root_map *maps = (struct root_map *)(void *)((uint8_t *)catches + catches_bytes);
    uint32_t *slots = (uint32_t *)(void *)((uint8_t *)maps + maps_bytes);
    write_cells(t, cells);
    write_catches(t, catches);
    if (maps_bytes > 0)
        memcpy(maps, t->root_maps, maps_bytes);
    if (slots_bytes > 0)
        memcpy(slots, t->root_slots, slots_bytes);
    *extra = (struct func_extra){
        .index = t->module->import_func_count + own_index,
        .cell_count = (uint32_t)t->n,
        .catch_count = t->catch_count,
        .catches = catches,
        .root_map_count = t->root_map_count,
        .root_maps = maps,
        .root_slots = slots,
        .size_bytes = size,
    };
    *ret_extra = extra;
    *ret_func = (struct interp_func){
        .code = cells,
        .frame_inverse = ~(t->max_slot * CELL_SLOT_BYTES),
        .zero_from = t->param_slots,
        .zero_to = t->local_slots,
        .pins = t->call_pins,
        .fuel = t->is_metered ? t->fuel[0] : 0,
        .extra = extra,
    };
    return STINT_OK;
}

static struct translator *translator_of(struct module_code *code)
{
    if (code->translator == NULL)
        code->translator =
            alloc_get_zeroed(&code->module->engine->alloc, 1, sizeof(*code->translator));
    return code->translator;
}

enum stint_status interp_translate_func(struct module_code *code, uint32_t own_index,
                                        bool is_metered, struct func_extra **ret_extra,
                                        struct interp_func *ret_func)
{
    struct translator *t = translator_of(code);
    if (t == NULL || !begin(t, code, own_index, is_metered))
        return STINT_NOMEM;
    translate_body(t);
    if (t->failed)
        return STINT_NOMEM;
    return finish(t, own_index, ret_extra, ret_func);
}

enum stint_status interp_cell_offset(struct module_code *code, uint32_t own_index,
                                     bool is_metered, uint32_t cell, uint32_t *ret_offset_bytes)
{
    struct translator *t = translator_of(code);
    if (t == NULL || !begin(t, code, own_index, is_metered))
        return STINT_NOMEM;
    translate_body(t);
    if (t->failed || cell >= (uint32_t)t->n)
        return STINT_NOMEM;
    *ret_offset_bytes = t->ins[cell].offset_bytes;
    return STINT_OK;
}

void translator_free(struct translator *t, struct alloc *alloc)
{
    if (t == NULL)
        return;
    alloc_put(alloc, t->ins, t->ins_capacity * sizeof(*t->ins));
    alloc_put(alloc, t->stack, t->stack_capacity * sizeof(*t->stack));
    alloc_put(alloc, t->controls, t->control_capacity * sizeof(*t->controls));
    alloc_put(alloc, t->locals, t->local_capacity * sizeof(*t->locals));
    alloc_put(alloc, t->fuel, t->fuel_capacity * sizeof(*t->fuel));
    alloc_put(alloc, t->catches, t->catch_capacity * sizeof(*t->catches));
    alloc_put(alloc, t->root_maps, t->root_map_capacity * sizeof(*t->root_maps));
    alloc_put(alloc, t->root_slots, t->root_slot_capacity * sizeof(*t->root_slots));
    alloc_put(alloc, t, sizeof(*t));
}
