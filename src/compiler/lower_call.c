/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls. Functions with code in this image are called directly. All others through their struct
 * func: where its key says that it has code of our class and exactly the type wanted, through its
 * address; else through a thunk ("slow.…") that goes to the runtime.
 *
 * Calls through a table whose elements are known compare the index where few elements are of the
 * type, and call those directly, so that LLVM may inline them; else they compare the type of the
 * element's row, and call the code that the row names.
 */
#include "compiler/lower_int.h"

static bool is_in_image(const struct unit *u, uint32_t func_index)
{
    uint32_t imported = u->wasm->import_func_count;
    return func_index >= imported && u->is_compiled[func_index - imported] != 0;
}

/* A call that is being made. */
struct call {
    uint32_t type_index;
    const struct type_def *type;
    LLVMValueRef args[LOWER_VALUES_MAX]; /* room for what follows the parameters */
};

static void begin_call(struct lower *l, struct call *call, uint32_t type_index)
{
    call->type_index = type_index;
    call->type = l->unit->wasm->types[type_index];
    for (uint32_t i = call->type->param_count; i > 0; i--)
        call->args[i - 1] = lower_pop_v(l);
}

/* Context, and fuel where it is metered, behind `n` arguments. Returns how many there are then. */
static uint32_t add_context(struct lower *l, struct call *call, uint32_t n, LLVMValueRef context)
{
    call->args[n++] = context;
    if (l->fuel != NULL)
        call->args[n++] = LLVMBuildLoad2(l->unit->builder, l->unit->i64, l->fuel, "");
    return n;
}

/* Calls code of our class with this context; what it returns still has the fuel in it. */
static LLVMValueRef call_whole(struct lower *l, struct call *call, LLVMValueRef code,
                              LLVMValueRef context)
{
    struct unit *u = l->unit;
    uint32_t n = call->type->param_count, count = add_context(l, call, n, context);
    LLVMValueRef result = LLVMBuildCall2(u->builder, unit_func_type(u, call->type_index), code,
                                         call->args, count, "");
    unit_mark_call(u, result, n, unit_convention(u));
    return result;
}

static LLVMValueRef call_code(struct lower *l, struct call *call, LLVMValueRef code,
                              LLVMValueRef context)
{
    return fuel_from_call(l, call->type, call_whole(l, call, code, context));
}

static LLVMValueRef call_slow(struct lower *l, struct call *call, enum slow_kind kind,
                              LLVMValueRef first, LLVMValueRef second)
{
    struct unit *u = l->unit;
    LLVMTypeRef type;
    LLVMValueRef fn = slow_function(u, kind, call->type_index, &type);
    uint32_t n = kind == SLOW_FINISH ? 0 : call->type->param_count, context = n;
    n = add_context(l, call, n, l->context);
    if (first != NULL)
        call->args[n++] = first;
    if (second != NULL)
        call->args[n++] = second;
    LLVMValueRef result = LLVMBuildCall2(u->builder, type, fn, call->args, n, "");
    unit_mark_call(u, result, context, LLVMCCallConv);
    return fuel_from_call(l, call->type, result);
}

/* ---- After a call ----------------------------------------------------------------------------- */

void take_results(struct lower *l, const struct type_def *type, LLVMValueRef result)
{
    if (type->result_count == 0)
        return;
    lower_push(l, result, type->results[0]);
    load_more_results(l, type);
}

/* The first result of ways that meet in the current block. */
static LLVMValueRef merge(struct lower *l, const struct call *call, LLVMValueRef *results,
                          LLVMBasicBlockRef *from, uint32_t count)
{
    if (call->type->result_count == 0)
        return results[0];
    LLVMTypeRef type = lower_type(l->unit, call->type->results[0]);
    LLVMValueRef phi = LLVMBuildPhi(l->unit->builder, type, "");
    LLVMAddIncoming(phi, results, from, count);
    return phi;
}

static LLVMValueRef pending_now(struct lower *l)
{
    LLVMValueRef at = address_at(l, l->run, NATIVE_RUN_PENDING);
    return load_as(l, l->unit->i32, at, 4, MEMORY_CONTEXT);
}

static LLVMValueRef pending_is(struct lower *l, LLVMValueRef pending, uint32_t what)
{
    return LLVMBuildICmp(l->unit->builder, LLVMIntEQ, pending, const_i32(l->unit, what), "");
}

/* Goes to the handlers where an exception is pending; finishes a tail call that is. */
static LLVMValueRef look_at_pending(struct lower *l, struct call *call, LLVMValueRef result)
{
    struct unit *u = l->unit;
    if ((u->code_class & NATIVE_CLASS_PENDING) == 0)
        return result;
    LLVMBasicBlockRef goes_on = lower_block(l, "");
    LLVMValueRef pending = pending_now(l);
    LLVMValueRef none = pending_is(l, pending, NATIVE_PENDING_NONE);
    if ((u->code_class & NATIVE_CLASS_TAILCC) == 0) {
        lower_branch(l, none, goes_on, exception_target(l), u->hot_branch);
        lower_continue_at(l, goes_on);
        return result;
    }
    LLVMBasicBlockRef some = lower_block(l, "pending"), tail = lower_block(l, "tail");
    LLVMBasicBlockRef from[2] = {lower_here(l), tail};
    lower_branch(l, none, goes_on, some, u->hot_branch);
    lower_continue_at(l, some);
    lower_branch(l, pending_is(l, pending, NATIVE_PENDING_TAIL), tail, exception_target(l), NULL);
    lower_continue_at(l, tail);
    LLVMValueRef results[2] = {result, call_slow(l, call, SLOW_FINISH, NULL, NULL)};
    none = pending_is(l, pending_now(l), NATIVE_PENDING_NONE);
    lower_branch(l, none, goes_on, exception_target(l), u->hot_branch);
    lower_continue_at(l, goes_on);
    return merge(l, call, results, from, 2);
}

static void end_call(struct lower *l, struct call *call, LLVMValueRef result)
{
    result = look_at_pending(l, call, result);
    take_results(l, call->type, result);
}

/* ---- Calls through struct func ---------------------------------------------------------------- */

static LLVMValueRef func_field(struct lower *l, LLVMValueRef func, uint32_t offset, LLVMTypeRef type)
{
    return load_as(l, type, address_at(l, func, offset), 8, MEMORY_CONTEXT);
}

/* i1: whether a function has code of our class and exactly this type. */
static LLVMValueRef has_code(struct lower *l, LLVMValueRef func, uint32_t type_index)
{
    struct unit *u = l->unit;
    LLVMValueRef key = func_field(l, func, NATIVE_FUNC_KEY, u->i64);
    LLVMValueRef wanted =
        LLVMBuildPtrToInt(u->builder, type_pointer(l, type_index), u->i64, "");
    if (u->code_class != 0)
        wanted = LLVMBuildOr(u->builder, wanted, const_i64(u, u->code_class), "");
    return LLVMBuildICmp(u->builder, LLVMIntEQ, key, wanted, "");
}

/* The slow way of a call, in a block of its own. */
struct slow_call {
    LLVMBasicBlockRef block;
    enum slow_kind kind;
    LLVMValueRef first, second;
};

/* The two ways of a call: the block of the fast one has been entered, the slow one's not. Ends it. */
static void call_both(struct lower *l, struct call *call, LLVMValueRef code, LLVMValueRef context,
                      const struct slow_call *slow)
{
    LLVMBasicBlockRef join = lower_block(l, "");
    LLVMValueRef results[2];
    LLVMBasicBlockRef from[2] = {lower_here(l), slow->block};
    results[0] = call_code(l, call, code, context);
    lower_goto(l, join);
    lower_continue_at(l, slow->block);
    results[1] = call_slow(l, call, slow->kind, slow->first, slow->second);
    lower_goto(l, join);
    lower_continue_at(l, join);
    end_call(l, call, merge(l, call, results, from, 2));
}

static void call_func_or_slow(struct lower *l, struct call *call, LLVMValueRef func,
                              const struct slow_call *slow)
{
    LLVMValueRef code = func_field(l, func, NATIVE_FUNC_CODE, l->unit->ptr);
    LLVMValueRef context = func_field(l, func, NATIVE_FUNC_INSTANCE, l->unit->ptr);
    call_both(l, call, code, context, slow);
}

/* Calls a function that is not null. */
static void call_through(struct lower *l, struct call *call, LLVMValueRef func,
                         enum slow_kind kind, LLVMValueRef first, bool is_likely)
{
    LLVMBasicBlockRef fast = lower_block(l, "fast"), slow = lower_block(l, "slow");
    spill_operands(l);
    lower_branch(l, has_code(l, func, call->type_index), fast, slow,
                 is_likely ? l->unit->hot_branch : NULL);
    lower_continue_at(l, fast);
    call_func_or_slow(l, call, func, &(struct slow_call){slow, kind, first, NULL});
}

/* The element of a table (its struct), in a block where it is not null; all else goes to `slow`. */
static LLVMValueRef element_of(struct lower *l, LLVMValueRef object, LLVMValueRef index,
                               LLVMBasicBlockRef slow)
{
    struct unit *u = l->unit;
    LLVMValueRef count =
        load_as(l, u->i64, address_at(l, object, NATIVE_TABLE_COUNT), 8, MEMORY_TABLES);
    LLVMBasicBlockRef inside = lower_block(l, ""), found = lower_block(l, "");
    lower_branch(l, LLVMBuildICmp(u->builder, LLVMIntULT, index, count, ""), inside, slow,
                 u->hot_branch);
    lower_continue_at(l, inside);
    LLVMValueRef elements =
        load_as(l, u->ptr, address_at(l, object, NATIVE_TABLE_ELEMENTS), 8, MEMORY_TABLES);
    LLVMValueRef at = LLVMBuildGEP2(u->builder, u->i64, elements, &index, 1, "");
    LLVMValueRef func = load_as(l, u->ptr, at, 8, MEMORY_TABLES);
    lower_branch(l, LLVMBuildIsNotNull(u->builder, func, ""), found, slow, u->hot_branch);
    lower_continue_at(l, found);
    return func;
}

static LLVMValueRef pop_table_index(struct lower *l, uint32_t table)
{
    LLVMValueRef index = lower_pop_v(l);
    if (l->unit->wasm->tables[table].type.limits.is_64)
        return index;
    return LLVMBuildZExt(l->unit->builder, index, l->unit->i64, "");
}

/* The code of a fixed table's element that is of this type; all else goes to `slow`. */
static LLVMValueRef fixed_code(struct lower *l, uint32_t table, LLVMValueRef index,
                               uint32_t type_index, LLVMBasicBlockRef slow)
{
    struct unit *u = l->unit;
    LLVMValueRef rows = unit_fixed_table(u, table);
    LLVMValueRef count = const_i64(u, u->fixed_tables[table].count);
    LLVMBasicBlockRef inside = lower_block(l, ""), found = lower_block(l, "fast");
    lower_branch(l, LLVMBuildICmp(u->builder, LLVMIntULT, index, count, ""), inside, slow,
                 u->hot_branch);
    lower_continue_at(l, inside);
    LLVMValueRef row = LLVMBuildGEP2(u->builder, u->i64, rows, &index, 1, "");
    LLVMValueRef id = LLVMBuildLoad2(u->builder, u->i32, row, "");
    LLVMValueRef wanted = const_i32(u, u->wasm->types[type_index]->id);
    lower_branch(l, LLVMBuildICmp(u->builder, LLVMIntEQ, id, wanted, ""), found, slow,
                 u->hot_branch);
    lower_continue_at(l, found);
    LLVMValueRef offset = LLVMBuildLoad2(u->builder, u->i32, address_at(l, row, 4), "");
    return address(l, rows, LLVMBuildSExt(u->builder, offset, u->i64, ""));
}

/* Whether an element has code here, and this very type. */
static bool is_target(const struct unit *u, uint32_t func, uint32_t type_index)
{
    return func != FIXED_NULL && is_in_image(u, func) &&
           module_func_type(u->wasm, func)->id == u->wasm->types[type_index]->id;
}

/* What calls of this type through a fixed table may reach. */
static const struct targets *find_targets(const struct unit *u, uint32_t table,
                                          uint32_t type_index)
{
    const struct fixed_table *fixed = &u->fixed_tables[table];
    struct targets *targets = &u->state->targets[type_index];
    if (targets->is_known && targets->table == table)
        return targets;
    *targets = (struct targets){.is_known = true, .table = table};
    if (u->options->opt_level < 2 || u->options->for_size)
        return targets;
    for (uint32_t i = 0; i < fixed->count; i++) {
        if (!is_target(u, fixed->funcs[i], type_index))
            continue;
        if (targets->count == TARGETS_MAX) {
            targets->count = 0;
            return targets;
        }
        targets->elements[targets->count++] = i;
    }
    return targets;
}

/* Calls the target that the index names, directly; all else goes the slow way. */
static void call_targets(struct lower *l, struct call *call, LLVMValueRef index,
                         const struct targets *targets, const struct slow_call *slow)
{
    struct unit *u = l->unit;
    const struct fixed_table *fixed = &u->fixed_tables[targets->table];
    LLVMBasicBlockRef from[TARGETS_MAX + 1], join = lower_block(l, "");
    LLVMValueRef results[TARGETS_MAX + 1];
    LLVMValueRef choice = LLVMBuildSwitch(u->builder, index, slow->block, targets->count);
    for (uint32_t i = 0; i < targets->count; i++) {
        from[i] = lower_block(l, "target");
        LLVMAddCase(choice, const_i64(u, targets->elements[i]), from[i]);
        lower_continue_at(l, from[i]);
        LLVMValueRef code = unit_func(u, fixed->funcs[targets->elements[i]]);
        results[i] = call_code(l, call, code, l->context);
        lower_goto(l, join);
    }
    from[targets->count] = slow->block;
    lower_continue_at(l, slow->block);
    results[targets->count] = call_slow(l, call, slow->kind, slow->first, slow->second);
    lower_goto(l, join);
    lower_continue_at(l, join);
    end_call(l, call, merge(l, call, results, from, targets->count + 1));
}

static void call_indirect(struct lower *l)
{
    struct call call;
    uint32_t type_index = lower_u32(l), table = lower_u32(l);
    LLVMValueRef index = pop_table_index(l, table);
    begin_call(l, &call, type_index);
    spill_operands(l);
    const struct slow_call slow = {lower_block(l, "slow"), SLOW_TABLE, index,
                                   const_i32(l->unit, table)};
    if (l->unit->fixed_tables[table].funcs != NULL) {
        const struct targets *targets = find_targets(l->unit, table, type_index);
        if (targets->count > 0) {
            call_targets(l, &call, index, targets, &slow);
            return;
        }
        LLVMValueRef code = fixed_code(l, table, index, type_index, slow.block);
        call_both(l, &call, code, l->context, &slow);
        return;
    }
    LLVMBasicBlockRef fast = lower_block(l, "fast");
    LLVMValueRef func = element_of(l, table_object(l, table), index, slow.block);
    lower_branch(l, has_code(l, func, type_index), fast, slow.block, l->unit->hot_branch);
    lower_continue_at(l, fast);
    call_func_or_slow(l, &call, func, &slow);
}

void call_late(struct lower *l, uint32_t type_index, LLVMValueRef index, LLVMValueRef table)
{
    struct unit *u = l->unit;
    struct call call = {.type_index = type_index, .type = u->wasm->types[type_index]};
    LLVMBasicBlockRef slow = lower_block(l, "slow"), fast = lower_block(l, "fast");
    LLVMValueRef tables = context_field(l, NATIVE_CONTEXT_TABLES);
    LLVMValueRef place = LLVMBuildGEP2(u->builder, u->ptr, tables, &table, 1, "");
    LLVMValueRef object = load_as(l, u->ptr, place, 8, MEMORY_CONTEXT);
    LLVMValueRef func = element_of(l, object, index, slow);
    lower_branch(l, has_code(l, func, type_index), fast, slow, u->hot_branch);
    lower_continue_at(l, fast);
    for (uint32_t i = 0; i < call.type->param_count; i++)
        call.args[i] = LLVMGetParam(l->fn, i);
    LLVMValueRef code = func_field(l, func, NATIVE_FUNC_CODE, u->ptr);
    LLVMValueRef context = func_field(l, func, NATIVE_FUNC_INSTANCE, u->ptr);
    LLVMValueRef result = call_whole(l, &call, code, context);
    if (LLVMGetTypeKind(LLVMTypeOf(result)) == LLVMVoidTypeKind)
        LLVMBuildRetVoid(u->builder);
    else
        LLVMBuildRet(u->builder, result);
    lower_continue_at(l, slow);
}

/* The function reference on top of the stack, tested for null where its type allows it. */
static LLVMValueRef pop_function(struct lower *l)
{
    struct value ref = lower_pop(l);
    if (vt_is_nullable(ref.type))
        trap_if(l, LLVMBuildIsNull(l->unit->builder, ref.v, ""), STINT_TRAP_NULL_FUNCTION);
    return ref.v;
}

static void call_ref(struct lower *l)
{
    struct call call;
    uint32_t type_index = lower_u32(l);
    LLVMValueRef func = pop_function(l);
    begin_call(l, &call, type_index);
    call_through(l, &call, func, SLOW_FUNC, func, true);
}

/* ---- Calls by index --------------------------------------------------------------------------- */

/* The struct func of a function that this image has no code for. */
static LLVMValueRef func_object(struct lower *l, uint32_t func_index)
{
    uint32_t imported = l->unit->wasm->import_func_count;
    if (func_index < imported)
        return import_func(l, func_index);
    LLVMValueRef own = context_field(l, NATIVE_CONTEXT_OWN_FUNCS);
    return address_at(l, own, (uint64_t)(func_index - imported) * NATIVE_FUNC_BYTES);
}

static void call_index(struct lower *l)
{
    struct unit *u = l->unit;
    struct call call;
    uint32_t func_index = lower_u32(l);
    begin_call(l, &call, u->type_of_func[func_index]);
    if (is_in_image(u, func_index)) {
        spill_operands(l);
        end_call(l, &call, call_code(l, &call, unit_func(u, func_index), l->context));
        return;
    }
    LLVMValueRef func = func_object(l, func_index);
    if (func_index < u->wasm->import_func_count)
        call_through(l, &call, func, SLOW_FUNC, func, false);
    else
        call_through(l, &call, func, SLOW_INDEX, const_i32(u, func_index), true);
}

/* ---- Tail calls ------------------------------------------------------------------------------- */

/*
 * Leaves through a call. What can't be jumped to (a host function, code of another class or
 * instance) is left to the caller: the helper notes callee and arguments, and we return.
 */
static void tail_slow(struct lower *l, const struct call *call, enum native_import helper,
                      LLVMValueRef *args, unsigned count)
{
    struct unit *u = l->unit;
    const struct type_def *type = call->type;
    LLVMValueRef slots = helper_slots(l, type->param_slots > 0 ? type->param_slots : 1);
    for (uint32_t i = 0, slot = 0; i < type->param_count; i++) {
        slot_store(l, slots, slot, (struct value){call->args[i], type->params[i]});
        slot += vt_slots(type->params[i]);
    }
    args[count] = slots;
    fuel_spill(l);
    LLVMValueRef result = call_import(l, helper, args, count + 1);
    fuel_reload(l);
    LLVMBasicBlockRef exits = lower_block(l, "exits"), returns = lower_block(l, "");
    LLVMValueRef is_exit =
        LLVMBuildICmp(u->builder, LLVMIntEQ, result, const_i32(u, NATIVE_EXIT), "");
    lower_branch(l, is_exit, exits, returns, u->cold_branch);
    lower_continue_at(l, exits);
    leave_now(l);
    lower_continue_at(l, returns);
    lower_leave_pending(l);
}

/* Jumps to code of our class with our own context. */
static void tail_code(struct lower *l, struct call *call, LLVMValueRef code)
{
    struct unit *u = l->unit;
    if (l->state->osr != NULL) { /* of another convention: an ordinary call, then a return */
        LLVMValueRef values[LOWER_VALUES_MAX];
        uint32_t height = l->height;
        l->state->is_leaving = true;
        end_call(l, call, call_code(l, call, code, l->context));
        l->state->is_leaving = false;
        for (uint32_t i = 0; i < call->type->result_count; i++)
            values[i] = l->stack[height + i].v;
        l->height = height;
        return_values(l, values);
        return;
    }
    LLVMValueRef result = call_whole(l, call, code, l->context);
    LLVMSetTailCallKind(result, LLVMTailCallKindMustTail);
    if (call->type->result_count > 0 || l->fuel != NULL)
        LLVMBuildRet(u->builder, result);
    else
        LLVMBuildRetVoid(u->builder);
    lower_add_leave(l, result);
}

/* A tail call of a function that is not null: jumps where it may, else leaves it to the caller. */
static void tail_through(struct lower *l, struct call *call, LLVMValueRef func,
                         LLVMBasicBlockRef slow)
{
    struct unit *u = l->unit;
    LLVMBasicBlockRef same = lower_block(l, ""), fast = lower_block(l, "fast");
    lower_branch(l, has_code(l, func, call->type_index), same, slow, u->hot_branch);
    lower_continue_at(l, same);
    LLVMValueRef instance = func_field(l, func, NATIVE_FUNC_INSTANCE, u->ptr);
    LLVMValueRef is_ours = LLVMBuildICmp(u->builder, LLVMIntEQ, instance, l->context, "");
    lower_branch(l, is_ours, fast, slow, u->hot_branch);
    lower_continue_at(l, fast);
    tail_code(l, call, func_field(l, func, NATIVE_FUNC_CODE, u->ptr));
    lower_continue_at(l, slow);
}

static void return_call_index(struct lower *l)
{
    struct unit *u = l->unit;
    struct call call;
    uint32_t func_index = lower_u32(l);
    begin_call(l, &call, u->type_of_func[func_index]);
    if (is_in_image(u, func_index)) {
        tail_code(l, &call, unit_func(u, func_index));
    } else {
        LLVMValueRef func = func_object(l, func_index), args[2];
        tail_through(l, &call, func, lower_block(l, "slow"));
        args[0] = const_i32(u, func_index);
        tail_slow(l, &call, NATIVE_IMPORT_tail_index, args, 1);
    }
    l->is_dead = true;
}

static void return_call_indirect(struct lower *l)
{
    struct call call;
    uint32_t type_index = lower_u32(l), table = lower_u32(l);
    LLVMValueRef index = pop_table_index(l, table), args[4];
    begin_call(l, &call, type_index);
    LLVMBasicBlockRef slow = lower_block(l, "slow");
    tail_through(l, &call, element_of(l, table_object(l, table), index, slow), slow);
    args[0] = const_i32(l->unit, table);
    args[1] = index;
    args[2] = const_i32(l->unit, type_index);
    tail_slow(l, &call, NATIVE_IMPORT_tail_table, args, 3);
    l->is_dead = true;
}

static void return_call_ref(struct lower *l)
{
    struct call call;
    uint32_t type_index = lower_u32(l);
    LLVMValueRef func = pop_function(l), args[2];
    begin_call(l, &call, type_index);
    tail_through(l, &call, func, lower_block(l, "slow"));
    args[0] = func;
    tail_slow(l, &call, NATIVE_IMPORT_tail_func, args, 1);
    l->is_dead = true;
}

bool lower_call_op(struct lower *l, enum op op)
{
    switch (op) {
    case OP_CALL:
        call_index(l);
        return true;
    case OP_CALL_INDIRECT:
        call_indirect(l);
        return true;
    case OP_CALL_REF:
        call_ref(l);
        return true;
    case OP_RETURN_CALL:
        return_call_index(l);
        return true;
    case OP_RETURN_CALL_INDIRECT:
        return_call_indirect(l);
        return true;
    case OP_RETURN_CALL_REF:
        return_call_ref(l);
        return true;
    default:
        return false;
    }
}
