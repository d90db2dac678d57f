/* SPDX-License-Identifier: Apache-2.0 */
/* The translator's main loop, and the finished function. See translate_int.h. */
#include <string.h>

#include "base/leb128.h"
#include "interp/translate_int.h"

/* ---- Variables, constants, select ------------------------------------------------------------------- */

static void global_get(struct translator *t)
{
    uint32_t global = (uint32_t)leb_next_unsigned(&t->at);
    valtype type = t->module->globals[global].type.type;
    bool is_vector = type == VT_V128;
    struct ins *i =
        tr_emit(t, is_vector ? H_global_get_V : H_global_get_S, is_vector ? SHAPE_ONE : SHAPE_GET,
                is_vector ? RESULT_SLOT : RESULT_INT);
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
    if (x.kind == ENTRY_CONST && !(HAS_SELECT_PLACES && tr_const_fits(&x)))
        (void)tr_use_slot(t, &x);
    if (y.kind == ENTRY_CONST && !(HAS_SELECT_PLACES && tr_const_fits(&y)))
        (void)tr_use_slot(t, &y);
    int32_t fk;
    if (k.kind == ENTRY_TEMP && HAS_SELECT_PLACES) {
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
        tr_push_temp(t, VT_MAKE_REF(module_func_type(t->module, function)->id), t->n - 1);
    } else if (op == OP_REF_IS_NULL) {
        tr_equal_zero(t, true);
    } else if (op == OP_REF_EQ) {
        tr_binary_int(t, &lowerings[OP_I64_EQ], VT_I32);
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
    uint32_t first =
        type->param_count > 0 ? t->stack[t->height - type->param_count].home : tr_top_slot(t);
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
    case OP_I64_CONST:
        tr_push_const(t, VT_I64, (uint64_t)leb_next_signed(&t->at));
        break;
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
    case OP_DROP:
        tr_pop(t);
        break;
    case OP_SELECT:
        select_op(t);
        break;
    case OP_SELECT_T:
        select_typed(t);
        break;
    case OP_LOCAL_SET:
        tr_set_local(t, (uint32_t)leb_next_unsigned(&t->at), false);
        break;
    case OP_LOCAL_TEE:
        tr_set_local(t, (uint32_t)leb_next_unsigned(&t->at), true);
        break;
    case OP_GLOBAL_GET:
        global_get(t);
        break;
    case OP_GLOBAL_SET:
        global_set(t);
        break;
    case OP_I32_CONST:
    case OP_I64_CONST:
    case OP_F32_CONST:
    case OP_F64_CONST:
        constant(t, op);
        break;
    case OP_I32_EQZ:
        tr_equal_zero(t, false);
        break;
    case OP_I64_EQZ:
        tr_equal_zero(t, true);
        break;
    case OP_I32_WRAP_I64:
    case OP_I32_REINTERPRET_F32:
        retype(t, VT_I32);
        break;
    case OP_I64_REINTERPRET_F64:
        retype(t, VT_I64);
        break;
    case OP_F32_REINTERPRET_I32:
        retype(t, VT_F32);
        break;
    case OP_F64_REINTERPRET_I64:
        retype(t, VT_F64);
        break;
    case OP_MEMORY_SIZE:
        tr_memory_size(t);
        break;
    case OP_MEMORY_GROW:
        tr_memory_grow(t);
        break;
    case OP_MEMORY_FILL:
    case OP_MEMORY_COPY:
    case OP_MEMORY_INIT:
        tr_bulk_memory(t, op);
        break;
    case OP_DATA_DROP:
    case OP_ELEM_DROP:
        i = tr_emit(t, op == OP_DATA_DROP ? H_data_drop : H_elem_drop, SHAPE_ONE, RESULT_NONE);
        i->a = (int32_t)leb_next_unsigned(&t->at);
        break;
    case OP_TABLE_COPY:
        tr_table_copy(t);
        break;
    case OP_TABLE_GET:
    case OP_TABLE_SET:
    case OP_TABLE_SIZE:
    case OP_TABLE_GROW:
    case OP_TABLE_FILL:
    case OP_TABLE_INIT:
        tr_table_op(t, op);
        break;
    case OP_REF_NULL:
    case OP_REF_IS_NULL:
    case OP_REF_FUNC:
    case OP_REF_EQ:
    case OP_REF_AS_NON_NULL:
        ref_op(t, op);
        break;
    case OP_NOP:
        break;
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
    case OP_LOOP:
        tr_block(t, op);
        break;
    case OP_IF:
        tr_if(t);
        break;
    case OP_ELSE:
        tr_else(t);
        break;
    case OP_END:
        *ret_ends = !tr_end(t);
        break;
    case OP_TRY_TABLE:
        tr_try_table(t);
        break;
    case OP_BR_IF:
        tr_br_if(t);
        break;
    case OP_BR_ON_NULL:
        tr_br_on_null(t, true);
        break;
    case OP_BR_ON_NON_NULL:
        tr_br_on_null(t, false);
        break;
    case OP_BR_ON_CAST:
        tr_br_on_cast(t, false);
        break;
    case OP_BR_ON_CAST_FAIL:
        tr_br_on_cast(t, true);
        break;
    case OP_CALL:
    case OP_CALL_INDIRECT:
    case OP_CALL_REF:
        tr_call(t, op);
        break;
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
    default:
        return false;
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
        enum op op = body_op(&t->at);
        if (t->is_metered)
            t->fuel[t->controls[t->depth - 1].loop] += op_fuel(op);
        /* The most frequent first. */
        if (op == OP_LOCAL_GET)
            tr_push_local(t, (uint32_t)leb_next_unsigned(&t->at));
        else if (lowerings[op].family != 0)
            tr_plain_op(t, op);
        else if (!control_op(t, op, &ends))
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
    const struct type_def *type = module_func_type(m, m->import_func_count + own_index);
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
    for (int32_t k = 0; k < t->n; k++) {
        const struct ins *i = &t->ins[k];
        struct cell *cell = &cells[k];
        cell->handler = interp_handler(pick_handler(i));
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
    size_t size =
        sizeof(struct func_extra) + cells_bytes + catches_bytes + maps_bytes + slots_bytes;
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

enum { INS_AT_FIRST = 512 };

static struct translator *translator_of(struct module_code *code)
{
    struct alloc *alloc = &code->module->engine->alloc;
    if (code->translator != NULL)
        return code->translator;
    struct translator *t = alloc_get_zeroed(alloc, 1, sizeof(*t));
    /* Most functions fit, and what none reaches is not touched; growing from little copies. */
    if (t != NULL && !vec_reserve(alloc, &t->ins, &t->ins_capacity, INS_AT_FIRST, sizeof(*t->ins))) {
        translator_free(t, alloc);
        t = NULL;
    }
    code->translator = t;
    return t;
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

enum stint_status interp_cell_offset(struct module_code *code, uint32_t own_index, bool is_metered,
                                     uint32_t cell, uint32_t *ret_offset_bytes)
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
