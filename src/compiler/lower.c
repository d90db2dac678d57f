/* SPDX-License-Identifier: Apache-2.0 */
/* Functions: prologue, the loop over a body's operators, the end. See lower_int.h. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/leb128.h"
#include "compiler/lower_int.h"

/* ---- The operand stack ------------------------------------------------------------------------ */

void lower_push(struct lower *l, LLVMValueRef v, valtype type)
{
    l->stack[l->height++] = (struct value){v, type};
}

/* An operand that waits in memory. */
LLVMValueRef operand_load(struct lower *l, uint32_t height)
{
    struct unit *u = l->unit;
    valtype type = l->stack[height].type;
    if (l->state->osr != NULL && !(l->state->may_collect && lower_is_gc_ref(u, type)))
        return LLVMBuildLoad2(u->builder, lower_type(u, type), osr_home(l, height), "");
    return load_as(l, u->i32, shadow_operand(l, height), 8, MEMORY_SHADOW);
}

struct value lower_pop(struct lower *l)
{
    struct value value = l->stack[--l->height];
    if (value.v == NULL)
        value.v = operand_load(l, l->height);
    return value;
}

LLVMValueRef lower_pop_v(struct lower *l)
{
    return lower_pop(l).v;
}

/* ---- Immediates ------------------------------------------------------------------------------- */

uint32_t lower_u32(struct lower *l)
{
    return (uint32_t)leb_next_unsigned(&l->at);
}

int32_t lower_s32(struct lower *l)
{
    return (int32_t)leb_next_signed(&l->at);
}

int64_t lower_s64(struct lower *l)
{
    return leb_next_signed(&l->at);
}

uint64_t lower_u64(struct lower *l)
{
    return leb_next_unsigned(&l->at);
}

const uint8_t *lower_bytes(struct lower *l, uint32_t count)
{
    const uint8_t *bytes = l->at;
    l->at += count;
    return bytes;
}

heaptype lower_heap_index(struct lower *l, uint32_t *ret_module_type)
{
    const uint8_t *at = l->at;
    int64_t index = leb_next_signed(&at);
    *ret_module_type = index < 0 ? TYPE_ID_NONE : (uint32_t)index;
    return body_heaptype(l->unit->wasm, &l->at);
}

valtype lower_valtype(struct lower *l)
{
    return body_valtype(l->unit->wasm, &l->at);
}

/* ---- Blocks ----------------------------------------------------------------------------------- */

LLVMBasicBlockRef lower_block(struct lower *l, const char *name)
{
    return LLVMAppendBasicBlockInContext(l->unit->context, l->fn, name);
}

LLVMBasicBlockRef lower_here(struct lower *l)
{
    return LLVMGetInsertBlock(l->unit->builder);
}

void lower_goto(struct lower *l, LLVMBasicBlockRef to)
{
    LLVMBuildBr(l->unit->builder, to);
}

void lower_branch(struct lower *l, LLVMValueRef condition, LLVMBasicBlockRef then,
                  LLVMBasicBlockRef otherwise, LLVMValueRef weights)
{
    LLVMValueRef br = LLVMBuildCondBr(l->unit->builder, condition, then, otherwise);
    if (weights != NULL)
        LLVMSetMetadata(br, l->unit->md_prof, weights);
}

void lower_continue_at(struct lower *l, LLVMBasicBlockRef block)
{
    LLVMPositionBuilderAtEnd(l->unit->builder, block);
}

LLVMValueRef lower_entry_alloca(struct lower *l, LLVMTypeRef type, const char *name)
{
    return LLVMBuildAlloca(l->unit->entry_builder, type, name);
}

void lower_set_place(struct lower *l, uint32_t offset_bytes)
{
    struct lower_state *s = l->state;
    struct unit *u = l->unit;
    if (s->place_bytes == offset_bytes)
        return;
    s->place_bytes = offset_bytes;
    LLVMMetadataRef place =
        LLVMDIBuilderCreateDebugLocation(u->context, offset_bytes, 0, s->scope, NULL);
    LLVMSetCurrentDebugLocation2(u->builder, place);
}

/* ---- A function's frame ----------------------------------------------------------------------- */

static struct lower *cleared(struct unit *u)
{
    struct lower *l = &u->state->lower;
    struct lower_state *s = &u->state->state, kept = *s;
    for (uint32_t i = 0; i < s->cached_count; i++)
        s->cache[s->cached[i]] = NULL;
    *s = (struct lower_state){
        .loops = kept.loops,
        .cache = kept.cache,
        .cached = kept.cached,
        .leaves = kept.leaves,
        .phis = kept.phis,
        .catches = kept.catches,
        .stack_capacity = kept.stack_capacity,
        .control_capacity = kept.control_capacity,
        .local_capacity = kept.local_capacity,
        .loop_capacity = kept.loop_capacity,
        .phi_capacity = kept.phi_capacity,
        .catch_capacity = kept.catch_capacity,
        .leave_capacity = kept.leave_capacity,
        .cached_capacity = kept.cached_capacity,
        .place_bytes = UINT32_MAX,
    };
    memcpy(s->cache_part, kept.cache_part, sizeof(s->cache_part));
    *l = (struct lower){
        .unit = u, .locals = l->locals, .stack = l->stack, .controls = l->controls, .state = s};
    return l;
}

/* The builder of the entry block gets the function's own place. */
static void begin_blocks(struct lower *l, uint32_t offset_bytes)
{
    struct unit *u = l->unit;
    l->entry = lower_block(l, "entry");
    LLVMBasicBlockRef body = lower_block(l, "body");
    lower_continue_at(l, l->entry);
    l->state->scope = LLVMGetSubprogram(l->fn);
    lower_set_place(l, offset_bytes);
    l->entry_end = LLVMBuildBr(u->builder, body);
    LLVMPositionBuilderBefore(u->entry_builder, l->entry_end);
    LLVMSetCurrentDebugLocation2(u->entry_builder, LLVMGetCurrentDebugLocation2(u->builder));
    lower_continue_at(l, body);
}

struct lower *lower_begin(struct unit *u, LLVMValueRef fn, LLVMValueRef context,
                          uint32_t offset_bytes)
{
    struct lower *l = cleared(u);
    if (!vec_reserve(u->arena->alloc, &l->stack, &l->state->stack_capacity, LOWER_STACK_SPARE,
                     sizeof(*l->stack))) {
        u->failed = true;
        return NULL;
    }
    l->fn = fn;
    l->context = context;
    begin_blocks(l, offset_bytes);
    l->run = context_field(l, NATIVE_CONTEXT_RUN);
    if (u->options->metered)
        l->fuel = lower_entry_alloca(l, u->i64, "fuel");
    return l;
}

void lower_add_leave(struct lower *l, LLVMValueRef instruction)
{
    struct lower_state *s = l->state;
    if (!vec_reserve(l->unit->arena->alloc, &s->leaves, &s->leave_capacity, s->leave_count + 1u,
                     sizeof(*s->leaves))) {
        l->unit->failed = true;
        return;
    }
    s->leaves[s->leave_count++] = instruction;
}

/* Where shadow slots were used: takes the room in the entry block and gives it back at all exits. */
static void finish_shadow(struct lower *l)
{
    struct lower_state *s = l->state;
    struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    if (s->frame == NULL)
        return;
    uint64_t bytes = (uint64_t)s->frame_slots * 8;
    /* The entry so far, then the check, then the rest. */
    LLVMBasicBlockRef rest = LLVMGetInstructionParent(l->entry_end);
    LLVMBasicBlockRef body = LLVMGetSuccessor(l->entry_end, 0);
    LLVMBasicBlockRef room = lower_block(l, "room"), full = lower_block(l, "full");
    LLVMInstructionEraseFromParent(l->entry_end);
    lower_continue_at(l, rest);
    LLVMValueRef top = address_at(l, s->frame, bytes);
    LLVMValueRef limit_at = address_at(l, l->run, NATIVE_RUN_SHADOW_LIMIT);
    LLVMValueRef limit = load_as(l, u->ptr, limit_at, 8, MEMORY_CONTEXT);
    lower_branch(l, LLVMBuildICmp(b, LLVMIntUGT, top, limit, ""), full, room, u->cold_branch);
    lower_continue_at(l, full);
    LLVMValueRef fuel = l->fuel;
    l->fuel = NULL; /* not filled yet */
    if (l->fuel_given != NULL)
        store_as(l, l->fuel_given, address_at(l, l->run, NATIVE_RUN_FUEL), 8, MEMORY_FUEL);
    trap_now(l, STINT_TRAP_STACK_OVERFLOW);
    l->fuel = fuel;
    lower_continue_at(l, room);
    LLVMBuildMemSet(b, s->frame, LLVMConstInt(u->i8, 0, false), const_i64(u, bytes), 8);
    LLVMValueRef top_at = address_at(l, l->run, NATIVE_RUN_SHADOW_TOP);
    store_as(l, top, top_at, 8, MEMORY_CONTEXT);
    lower_goto(l, body);
    for (uint32_t i = 0; i < s->leave_count; i++) {
        LLVMPositionBuilderBefore(b, s->leaves[i]);
        top_at = address_at(l, l->run, NATIVE_RUN_SHADOW_TOP);
        store_as(l, s->frame, top_at, 8, MEMORY_CONTEXT);
    }
}

void lower_finish(struct lower *l)
{
    if (l->unit->failed)
        return;
    finish_shadow(l);
    LLVMClearInsertionPosition(l->unit->builder);
}

/* ---- Returns ---------------------------------------------------------------------------------- */

/* Results beyond the first lie in run->values. */
void store_more_results(struct lower *l, const struct type_def *type, const LLVMValueRef *values)
{
    if (type->result_count < 2)
        return;
    LLVMValueRef area = address_at(l, l->run, NATIVE_RUN_VALUES);
    uint32_t slot = 0;
    for (uint32_t i = 1; i < type->result_count; i++) {
        LLVMValueRef v = values[i];
        if (type->results[i] == VT_F32)
            v = LLVMBuildBitCast(l->unit->builder, v, l->unit->i32, "");
        if (LLVMTypeOf(v) == l->unit->i32)
            v = LLVMBuildZExt(l->unit->builder, v, l->unit->i64, "");
        store_as(l, v, address_at(l, area, (uint64_t)slot * 8), 8, MEMORY_CONTEXT);
        slot += vt_slots(type->results[i]);
    }
}

void load_more_results(struct lower *l, const struct type_def *type)
{
    if (type->result_count < 2)
        return;
    LLVMValueRef area = address_at(l, l->run, NATIVE_RUN_VALUES);
    uint32_t slot = 0;
    for (uint32_t i = 1; i < type->result_count; i++) {
        LLVMTypeRef as = lower_type(l->unit, type->results[i]);
        LLVMValueRef at = address_at(l, area, (uint64_t)slot * 8);
        lower_push(l, load_as(l, as, at, 8, MEMORY_CONTEXT), type->results[i]);
        slot += vt_slots(type->results[i]);
    }
}

/* What a function returns: its first result (NULL: none), and what fuel is left. */
static LLVMValueRef build_return(struct lower *l, LLVMValueRef value)
{
    struct unit *u = l->unit;
    if (l->fuel_given != NULL) {
        LLVMValueRef left = LLVMBuildLoad2(u->builder, u->i64, l->fuel, "");
        if (value == NULL)
            return LLVMBuildRet(u->builder, left);
        LLVMTypeRef type = LLVMGetReturnType(LLVMGlobalGetValueType(l->fn));
        LLVMValueRef both = LLVMBuildInsertValue(u->builder, LLVMGetPoison(type), value, 0, "");
        return LLVMBuildRet(u->builder, LLVMBuildInsertValue(u->builder, both, left, 1, ""));
    }
    fuel_spill(l);
    return value != NULL ? LLVMBuildRet(u->builder, value) : LLVMBuildRetVoid(u->builder);
}

/* The block that returns, made at the first return. */
static LLVMBasicBlockRef exit_block(struct lower *l)
{
    struct lower_state *s = l->state;
    struct unit *u = l->unit;
    if (s->exit != NULL)
        return s->exit;
    LLVMBasicBlockRef here = lower_here(l);
    s->exit = lower_block(l, "exit");
    lower_continue_at(l, s->exit);
    bool has_value = l->type->result_count > 0 && s->osr == NULL;
    if (has_value)
        s->exit_phi = LLVMBuildPhi(u->builder, lower_type(u, l->type->results[0]), "");
    lower_add_leave(l, build_return(l, s->exit_phi));
    lower_continue_at(l, here);
    return s->exit;
}

/* Returns `values`: the first, and those in run->values; or all in the slots of an OSR entry. */
void return_values(struct lower *l, const LLVMValueRef *values)
{
    struct lower_state *s = l->state;
    LLVMBasicBlockRef exit = exit_block(l);
    if (s->osr != NULL) {
        for (uint32_t i = 0, slot = 0; i < l->type->result_count; i++) {
            struct value value = {values[i], l->type->results[i]};
            slot_store(l, s->osr->slots, slot, value);
            slot += vt_slots(value.type);
        }
    } else if (l->type->result_count > 0) {
        store_more_results(l, l->type, values);
        LLVMBasicBlockRef here = lower_here(l);
        LLVMAddIncoming(s->exit_phi, (LLVMValueRef *)&values[0], &here, 1);
    }
    lower_goto(l, exit);
}

void lower_leave_pending(struct lower *l)
{
    struct lower_state *s = l->state;
    LLVMBasicBlockRef exit = exit_block(l);
    if (s->exit_phi != NULL) {
        LLVMBasicBlockRef here = lower_here(l);
        LLVMValueRef none = LLVMGetPoison(lower_type(l->unit, l->type->results[0]));
        LLVMAddIncoming(s->exit_phi, &none, &here, 1);
    }
    lower_goto(l, exit);
}

/* ---- Locals ----------------------------------------------------------------------------------- */

static bool read_locals(struct lower *l)
{
    struct lower_state *s = l->state;
    const struct wasm_module *m = l->unit->wasm;
    const uint8_t *at = l->at;
    uint64_t count = l->type->param_count;
    uint32_t groups = lower_u32(l);
    for (uint32_t g = 0; g < groups; g++) {
        count += lower_u32(l);
        (void)lower_valtype(l);
    }
    if (!vec_reserve(l->unit->arena->alloc, &l->locals, &s->local_capacity, count + 1,
                     sizeof(*l->locals)))
        return false;
    uint32_t n = 0;
    for (; n < l->type->param_count; n++)
        l->locals[n].type = l->type->params[n];
    (void)leb_next_unsigned(&at);
    for (uint32_t g = 0; g < groups; g++) {
        uint64_t many = leb_next_unsigned(&at);
        valtype type = body_valtype(m, &at);
        while (many-- > 0)
            l->locals[n++].type = type;
    }
    l->local_count = n;
    return true;
}

/* Places for the locals: allocas, or slots of the shadow frame. Fills nothing. */
static void place_locals(struct lower *l)
{
    struct lower_state *s = l->state;
    for (uint32_t i = 0; i < l->local_count; i++) {
        struct local *local = &l->locals[i];
        local->llvm = lower_type(l->unit, local->type);
        local->is_shadow = s->may_collect && lower_is_gc_ref(l->unit, local->type);
        if (local->is_shadow)
            local->place = shadow_slot(l, s->frame_operands++);
        else
            local->place = lower_entry_alloca(l, local->llvm, "");
    }
}

void local_store(struct lower *l, const struct local *local, LLVMValueRef v)
{
    if (local->is_shadow)
        store_as(l, v, local->place, 8, MEMORY_SHADOW);
    else
        LLVMBuildStore(l->unit->builder, v, local->place);
}

LLVMValueRef local_load(struct lower *l, const struct local *local)
{
    if (local->is_shadow)
        return load_as(l, local->llvm, local->place, 8, MEMORY_SHADOW);
    return LLVMBuildLoad2(l->unit->builder, local->llvm, local->place, "");
}

static void fill_locals(struct lower *l)
{
    for (uint32_t i = 0; i < l->local_count; i++) {
        const struct local *local = &l->locals[i];
        if (i < l->type->param_count)
            local_store(l, local, LLVMGetParam(l->fn, i));
        else if (!local->is_shadow)
            local_store(l, local, LLVMConstNull(local->llvm));
    }
}

/* ---- The body --------------------------------------------------------------------------------- */

/* Reads over an operator that cannot be reached; false at the `else` or `end` that ends this. */
static bool skip_dead(struct lower *l)
{
    struct lower_state *s = l->state;
    const uint8_t *at = l->at;
    enum op op = body_op(&at);
    if (s->dead_depth == 0 && (op == OP_ELSE || op == OP_END))
        return false;
    body_skip_immediates(&at, op);
    l->at = at;
    s->loop_next += op == OP_LOOP;
    if (op == OP_BLOCK || op == OP_LOOP || op == OP_IF || op == OP_TRY_TABLE)
        s->dead_depth++;
    else if (op == OP_END)
        s->dead_depth--;
    return true;
}

static void lower_operator(struct lower *l, enum op op)
{
    if (op_infos[op].prefix == 0xfd) {
        (void)lower_vector_op(l, op);
        return;
    }
    if (lower_variable_op(l, op) || lower_number_op(l, op) || lower_memory_op(l, op) ||
        lower_control_op(l, op) || lower_table_op(l, op) || lower_object_op(l, op))
        return;
    (void)lower_exception_op(l, op);
}

void lower_body(struct lower *l)
{
    struct lower_state *s = l->state;
    control_push_function(l);
    struct alloc *alloc = l->unit->arena->alloc;
    while (l->depth > 0 && !l->unit->failed) {
        if (l->is_dead && skip_dead(l))
            continue;
        if (!vec_reserve(alloc, &l->stack, &s->stack_capacity,
                         (size_t)l->height + LOWER_STACK_SPARE, sizeof(*l->stack))) {
            l->unit->failed = true;
            return;
        }
        l->offset_bytes = (uint32_t)(l->at - l->unit->wasm->bytes);
        enum op op = body_op(&l->at);
        if (scan_has_place(op))
            lower_set_place(l, l->offset_bytes);
        lower_operator(l, op);
    }
}

bool lower_prepare(struct lower *l, uint32_t own_index)
{
    const struct wasm_module *m = l->unit->wasm;
    const struct wasm_body *body = &m->bodies[own_index];
    l->own_index = own_index;
    l->func_index = m->import_func_count + own_index;
    l->type_index = l->unit->type_of_func[l->func_index];
    l->type = m->types[l->type_index];
    l->at = m->bytes + body->offset_bytes;
    l->end = l->at + body->size_bytes;
    if (!read_locals(l) || !scan_body(l)) {
        l->unit->failed = true;
        return false;
    }
    place_locals(l);
    return true;
}

/*
 * The charge at the start. Where it uses the slice up, the function ends with a jump to a thunk that
 * takes the next slice and calls it anew. A call that comes back here would need a frame, which small
 * functions have no other use for.
 */
static void charge_entry(struct lower *l)
{
    struct unit *u = l->unit;
    uint32_t operators = l->state->entry_fuel, count = l->type->param_count;
    if (l->fuel == NULL || operators == 0 || u->options->strict) {
        fuel_charge(l, operators, NULL);
        return;
    }
    LLVMValueRef args[LOWER_VALUES_MAX];
    LLVMGetParams(l->fn, args);
    LLVMValueRef left = LLVMBuildSub(u->builder, l->fuel_given, const_i64(u, operators), "");
    LLVMBuildStore(u->builder, left, l->fuel);
    LLVMValueRef used_up = LLVMBuildICmp(u->builder, LLVMIntSLT, left, const_i64(u, 0), "");
    LLVMBasicBlockRef spent = lower_block(l, "spent"), goes_on = lower_block(l, "");
    lower_branch(l, used_up, spent, goes_on, u->cold_branch);
    lower_continue_at(l, spent);
    args[count + 1] = left;
    LLVMValueRef call = LLVMBuildCall2(u->builder, unit_func_type(u, l->type_index),
                                       spent_function(l, operators), args, count + 2, "");
    unit_mark_call(u, call, count, unit_convention(u));
    LLVMSetTailCallKind(call, LLVMTailCallKindMustTail);
    LLVMBuildRet(u->builder, call);
    lower_add_leave(l, call);
    lower_continue_at(l, goes_on);
}

bool lower_function(struct unit *u, uint32_t own_index, bool inline_only)
{
    const struct wasm_module *m = u->wasm;
    uint32_t func_index = m->import_func_count + own_index;
    uint32_t offset_bytes = m->bodies[own_index].offset_bytes;
    LLVMValueRef fn = unit_func(u, func_index);
    char name[32];
    snprintf(name, sizeof(name), "f.%u", func_index);
    unit_begin_function(u, fn, name, offset_bytes);
    if (inline_only)
        LLVMSetLinkage(fn, LLVMAvailableExternallyLinkage);
    uint32_t param_count = m->types[u->type_of_func[func_index]]->param_count;
    LLVMValueRef context = LLVMGetParam(fn, param_count);
    struct lower *l = lower_begin(u, fn, context, offset_bytes);
    if (l == NULL || !lower_prepare(l, own_index))
        return false;
    fill_locals(l);
    fuel_take(l);
    charge_entry(l);
    lower_frame(l);
    lower_body(l);
    lower_finish(l);
    return !u->failed;
}
