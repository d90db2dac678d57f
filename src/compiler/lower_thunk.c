/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small functions of our own: slow paths of calls, kept out of the code that hardly ever takes them;
 * the next slice of fuel; entries from the runtime.
 */
#include <stdio.h>

#include "compiler/lower_int.h"

/* All integer registers are the callee's to keep. Not preserve_all: LLVM 19 puts vzeroupper behind the
 * restored vector registers. And only for stint.slice, whose frame needs no 8 bytes of padding: LLVM 19
 * takes those off the stack with `pop rcx`, which is not the callee's to change here. */
enum { CONVENTION_PRESERVE_MOST = 14 };

static LLVMValueRef internal_function(struct unit *u, const char *name, LLVMTypeRef type)
{
    LLVMValueRef fn = LLVMAddFunction(u->module, name, type);
    LLVMAttributeIndex at = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;
    LLVMSetLinkage(fn, LLVMInternalLinkage);
    LLVMAddAttributeAtIndex(fn, at, u->nounwind);
    LLVMAddAttributeAtIndex(fn, at, u->noinline);
    return fn;
}

/* ---- Fuel ------------------------------------------------------------------------------------- */

static LLVMTypeRef slice_type(struct unit *u)
{
    LLVMTypeRef params[] = {u->ptr, u->i64};
    return LLVMFunctionType(u->i64, params, 2, false);
}

LLVMValueRef call_slice(struct lower *l, LLVMValueRef left)
{
    struct unit *u = l->unit;
    if (u->state->slice == NULL) {
        u->state->slice = internal_function(u, "stint.slice", slice_type(u));
        LLVMSetFunctionCallConv(u->state->slice, CONVENTION_PRESERVE_MOST);
        LLVMAddAttributeAtIndex(u->state->slice, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                                u->cold);
    }
    LLVMValueRef args[] = {l->context, left};
    LLVMValueRef call =
        LLVMBuildCall2(u->builder, slice_type(u), u->state->slice, args, 2, "");
    LLVMSetInstructionCallConv(call, CONVENTION_PRESERVE_MOST);
    return call;
}

static void define_slice(struct unit *u)
{
    LLVMValueRef fn = u->state->slice;
    unit_begin_function(u, fn, "stint.slice", 0);
    struct lower *l = lower_begin(u, fn, LLVMGetParam(fn, 0), 0);
    static const struct type_def nothing = {.kind = TYPE_FUNC};
    if (l == NULL)
        return;
    l->type = &nothing;
    l->fuel = NULL;
    LLVMValueRef at = address_at(l, l->run, NATIVE_RUN_FUEL);
    store_as(l, LLVMGetParam(fn, 1), at, 8, MEMORY_FUEL);
    LLVMValueRef result = call_import(l, NATIVE_IMPORT_fuel_slice, NULL, 0);
    LLVMBasicBlockRef leaves = lower_block(l, "leaves"), goes_on = lower_block(l, "");
    LLVMValueRef failed =
        LLVMBuildICmp(u->builder, LLVMIntNE, result, const_i32(u, NATIVE_OK), "");
    lower_branch(l, failed, leaves, goes_on, u->cold_branch);
    lower_continue_at(l, leaves);
    leave_now(l);
    lower_continue_at(l, goes_on);
    LLVMBuildRet(u->builder, load_as(l, u->i64, at, 8, MEMORY_FUEL));
    lower_finish(l);
}

/* A cold function of the type of the one being lowered. */
static LLVMValueRef sister_function(struct lower *l, const char *what)
{
    struct unit *u = l->unit;
    char name[32];
    snprintf(name, sizeof(name), "%s.%u", what, l->func_index);
    LLVMValueRef fn = internal_function(u, name, unit_func_type(u, l->type_index));
    LLVMSetFunctionCallConv(fn, unit_convention(u));
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, u->cold);
    unit_mark_context(u, fn, l->type->param_count, true);
    return fn;
}

LLVMValueRef spent_function(struct lower *l, uint32_t operators)
{
    struct spent *spent = &l->unit->state->spent[l->func_index];
    if (spent->fn == NULL)
        spent->fn = sister_function(l, "spent");
    spent->operators = operators;
    return spent->fn;
}

LLVMValueRef wild_function(struct lower *l)
{
    struct spent *spent = &l->unit->state->spent[l->func_index];
    if (spent->wild == NULL)
        spent->wild = sister_function(l, "wild");
    spent->operators = l->state->entry_fuel;
    return spent->wild;
}

static void define_spent(struct unit *u, uint32_t func_index)
{
    const struct spent *spent = &u->state->spent[func_index];
    uint32_t type_index = u->type_of_func[func_index];
    uint32_t count = u->wasm->types[type_index]->param_count;
    unit_begin_function(u, spent->fn, "spent", 0);
    struct lower *l = lower_begin(u, spent->fn, LLVMGetParam(spent->fn, count), 0);
    if (l == NULL)
        return;
    LLVMValueRef args[LOWER_VALUES_MAX];
    LLVMGetParams(spent->fn, args);
    /* The function charges again what it has charged. */
    args[count + 1] = LLVMBuildAdd(u->builder, call_slice(l, args[count + 1]),
                                   const_i64(u, spent->operators), "");
    LLVMValueRef call = LLVMBuildCall2(u->builder, unit_func_type(u, type_index),
                                       unit_func(u, func_index), args, count + 2, "");
    unit_mark_call(u, call, count, unit_convention(u));
    LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, u->noinline);
    LLVMBuildRet(u->builder, call);
    lower_finish(l);
}

/* ---- Slow calls ------------------------------------------------------------------------------- */

static const struct type_def *slow_type(const struct unit *u, enum slow_kind kind,
                                        uint32_t type_index, struct type_def *room)
{
    const struct type_def *type = u->wasm->types[type_index];
    if (kind != SLOW_FINISH)
        return type;
    *room = *type;
    room->param_count = room->param_slots = 0;
    return room;
}

static LLVMTypeRef slow_llvm_type(struct unit *u, enum slow_kind kind, uint32_t type_index)
{
    LLVMTypeRef more[2] = {kind == SLOW_FUNC ? u->ptr : kind == SLOW_INDEX ? u->i32 : u->i64, u->i32};
    uint32_t count = kind == SLOW_TABLE ? 2 : kind == SLOW_FINISH ? 0 : 1;
    struct type_def room;
    return unit_func_type_with(u, slow_type(u, kind, type_index, &room), more, count);
}

LLVMValueRef slow_function(struct unit *u, enum slow_kind kind, uint32_t type_index,
                           LLVMTypeRef *ret_type)
{
    static const char *const names[SLOW_KIND_COUNT] = {"func", "index", "table", "finish"};
    LLVMValueRef *place = &u->state->slow[kind][type_index];
    *ret_type = slow_llvm_type(u, kind, type_index);
    if (*place != NULL)
        return *place;
    char name[48];
    snprintf(name, sizeof(name), "slow.%s.%u", names[kind], type_index);
    *place = internal_function(u, name, *ret_type);
    struct type_def room;
    const struct type_def *type = slow_type(u, kind, type_index, &room);
    unit_mark_context(u, *place, type->param_count, true);
    return *place;
}

/* A function that may be a host function with a second way: the whole call, in registers. */
static LLVMValueRef call_words(struct lower *l)
{
    struct unit *u = l->unit;
    const struct type_def *type = l->type;
    LLVMValueRef args[1 + TYPE_WORDS_MAX];
    args[0] = LLVMGetParam(l->fn, type->param_count + 1 + (l->fuel != NULL));
    for (uint32_t i = 0; i < TYPE_WORDS_MAX; i++)
        args[1 + i] = i < type->param_count ? word_of(l, (struct value){LLVMGetParam(l->fn, i), type->params[i]})
                                            : LLVMGetPoison(u->i64);
    fuel_spill(l);
    LLVMValueRef result = call_import(l, NATIVE_IMPORT_call_words, args, 1 + TYPE_WORDS_MAX);
    LLVMValueRef status = LLVMBuildExtractValue(u->builder, result, 1, "");
    LLVMBasicBlockRef fails = lower_block(l, "fails"), goes_on = lower_block(l, "");
    LLVMValueRef failed = LLVMBuildICmp(u->builder, LLVMIntNE, status, const_i64(u, 0), "");
    lower_branch(l, failed, fails, goes_on, u->cold_branch);
    lower_continue_at(l, fails);
    fuel_reload(l);
    deal_with_result(l, call_import(l, NATIVE_IMPORT_words_failed, &status, 1));
    lower_goto(l, goes_on);
    lower_continue_at(l, goes_on);
    fuel_reload(l);
    if (type->result_count == 0)
        return NULL;
    LLVMValueRef word = LLVMBuildExtractValue(u->builder, result, 0, "");
    return value_of_word(l, word, type->results[0]);
}

/* Arguments to slots, the helper, results from there: all of a thunk's body. `type` says which of its
 * parameters are arguments. */
static void call_by_slots(struct lower *l, const struct type_def *type, LLVMValueRef slots,
                          enum native_import helper, LLVMValueRef *args, unsigned arg_count)
{
    for (uint32_t i = 0, slot = 0; i < type->param_count; i++) {
        slot_store(l, slots, slot, (struct value){LLVMGetParam(l->fn, i), type->params[i]});
        slot += vt_slots(type->params[i]);
    }
    fuel_spill(l);
    LLVMValueRef result = call_import(l, helper, args, arg_count);
    fuel_reload(l);
    deal_with_result(l, result);
    LLVMValueRef values[LOWER_VALUES_MAX];
    for (uint32_t i = 0, slot = 0; i < type->result_count; i++) {
        values[i] = slot_load(l, slots, slot, type->results[i]);
        slot += vt_slots(type->results[i]);
    }
    return_values(l, values);
}

/* Room for arguments and results. */
static LLVMValueRef slots_of(struct lower *l, const struct type_def *type)
{
    uint32_t count = type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    return helper_slots(l, count > 0 ? count : 1);
}

static void define_wild(struct unit *u, uint32_t func_index)
{
    const struct spent *spent = &u->state->spent[func_index];
    const struct type_def *type = u->wasm->types[u->type_of_func[func_index]];
    unit_begin_function(u, spent->wild, "wild", 0);
    struct lower *l = lower_begin(u, spent->wild, LLVMGetParam(spent->wild, type->param_count), 0);
    if (l == NULL)
        return;
    l->type = type;
    fuel_take(l);
    if (l->fuel != NULL) /* The interpreter charges again what was charged. */
        LLVMBuildStore(u->builder,
                       LLVMBuildAdd(u->builder, l->fuel_given, const_i64(u, spent->operators), ""),
                       l->fuel);
    LLVMValueRef args[2] = {const_i32(u, func_index), slots_of(l, type)};
    call_by_slots(l, type, args[1], NATIVE_IMPORT_interpret, args, 2);
    lower_finish(l);
}

/* The body of the thunk: calls the helper that it stands for. */
static void call_slow_helper(struct lower *l, enum slow_kind kind, uint32_t type_index,
                             LLVMValueRef slots)
{
    uint32_t first = l->type->param_count + 1 + (l->fuel != NULL);
    LLVMValueRef args[4] = {slots};
    enum native_import helper = NATIVE_IMPORT_finish_tail;
    unsigned count = 1;
    if (kind == SLOW_FUNC || kind == SLOW_INDEX) {
        helper = kind == SLOW_FUNC ? NATIVE_IMPORT_call_func : NATIVE_IMPORT_call_index;
        args[0] = LLVMGetParam(l->fn, first);
        args[1] = slots;
        count = 2;
    } else if (kind == SLOW_TABLE) {
        helper = NATIVE_IMPORT_call_table;
        args[0] = LLVMGetParam(l->fn, first + 1);
        args[1] = LLVMGetParam(l->fn, first);
        args[2] = const_i32(l->unit, type_index);
        args[3] = slots;
        count = 4;
    }
    call_by_slots(l, l->type, slots, helper, args, count);
}

static void define_slow(struct unit *u, enum slow_kind kind, uint32_t type_index)
{
    LLVMValueRef fn = u->state->slow[kind][type_index];
    struct type_def room;
    const struct type_def *type = slow_type(u, kind, type_index, &room);
    const struct type_def *full = u->wasm->types[type_index];
    unit_begin_function(u, fn, "slow", 0);
    struct lower *l = lower_begin(u, fn, LLVMGetParam(fn, type->param_count), 0);
    if (l == NULL)
        return;
    l->type = type;
    fuel_take(l);
    if (kind == SLOW_FUNC && type_fits_words(type)) {
        LLVMValueRef result = call_words(l);
        return_values(l, &result);
        lower_finish(l);
        return;
    }
    /* The rows of fixed tables know the code of this image only. */
    if (kind == SLOW_TABLE && u->options->functions != NULL)
        call_late(l, type_index, LLVMGetParam(fn, type->param_count + 1 + (l->fuel != NULL)),
                  LLVMGetParam(fn, type->param_count + 2 + (l->fuel != NULL)));
    call_slow_helper(l, kind, type_index, slots_of(l, full));
    lower_finish(l);
}

void define_thunks(struct unit *u)
{
    for (uint32_t i = 0; i < u->wasm->func_count; i++)
        if (u->state->spent[i].fn != NULL)
            define_spent(u, i);
    for (uint32_t i = 0; i < u->wasm->func_count; i++)
        if (u->state->spent[i].wild != NULL)
            define_wild(u, i);
    if (u->state->slice != NULL && LLVMIsDeclaration(u->state->slice))
        define_slice(u);
    for (unsigned kind = 0; kind < SLOW_KIND_COUNT; kind++)
        for (uint32_t i = 0; i < u->wasm->type_count; i++)
            if (u->state->slow[kind][i] != NULL && LLVMIsDeclaration(u->state->slow[kind][i]))
                define_slow(u, (enum slow_kind)kind, i);
}

/* ---- Entries ---------------------------------------------------------------------------------- */

bool lower_entry(struct unit *u, uint32_t type_index)
{
    const struct type_def *type = u->wasm->types[type_index];
    LLVMTypeRef params[] = {u->ptr, u->ptr, u->ptr};
    char name[32];
    snprintf(name, sizeof(name), "entry.%u", type_index);
    LLVMValueRef fn =
        LLVMAddFunction(u->module, name, LLVMFunctionType(u->void_type, params, 3, false));
    LLVMSetVisibility(fn, LLVMHiddenVisibility);
    unit_begin_function(u, fn, name, 0);
    unit_mark_context(u, fn, 1, false);
    struct lower *l = lower_begin(u, fn, LLVMGetParam(fn, 1), 0);
    if (l == NULL)
        return false;
    l->type = type;
    fuel_reload(l);
    LLVMValueRef slots = LLVMGetParam(fn, 2), args[LOWER_VALUES_MAX];
    uint32_t n = 0;
    for (uint32_t slot = 0; n < type->param_count; n++) {
        args[n] = slot_load(l, slots, slot, type->params[n]);
        slot += vt_slots(type->params[n]);
    }
    args[n++] = l->context;
    if (l->fuel != NULL)
        args[n++] = LLVMBuildLoad2(u->builder, u->i64, l->fuel, "");
    LLVMValueRef result =
        LLVMBuildCall2(u->builder, unit_func_type(u, type_index), LLVMGetParam(fn, 0), args, n, "");
    unit_mark_call(u, result, type->param_count, unit_convention(u));
    result = fuel_from_call(l, type, result);
    fuel_spill(l);
    if (type->result_count > 0) {
        take_results(l, type, result);
        for (uint32_t i = 0, slot = 0; i < type->result_count; i++) {
            slot_store(l, slots, slot, l->stack[i]);
            slot += vt_slots(type->results[i]);
        }
    }
    LLVMBuildRetVoid(u->builder);
    lower_finish(l);
    return !u->failed;
}
