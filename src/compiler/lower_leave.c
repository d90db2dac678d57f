/* SPDX-License-Identifier: Apache-2.0 */
/* Ways out of machine code: traps, helpers, fuel; and what lives in memory meanwhile. */
#include <string.h>

#include "base/buf.h"
#include "compiler/lower_int.h"

/* ---- Traps ------------------------------------------------------------------------------------ */

/*
 * Code generation merges equal ends of blocks, traps that must not be merged among them. This has no
 * instruction, but is unequal to any other of its kind.
 */
static void emit_unlike(struct lower *l)
{
    struct unit *u = l->unit;
    LLVMTypeRef type = LLVMFunctionType(u->void_type, &u->i32, 1, false);
    LLVMValueRef nothing =
        LLVMGetInlineAsm(type, "", 0, "i", 1, true, false, LLVMInlineAsmDialectATT, false);
    LLVMValueRef number = const_i32(u, l->offset_bytes);
    LLVMBuildCall2(u->builder, type, nothing, &number, 1, "");
}

/* The trap instruction, at the end of the current block. What the counter holds is written back
 * first: the fuel that a failed call used is exact. */
static void emit_trap(struct lower *l, enum stint_trap trap)
{
    struct unit *u = l->unit;
    fuel_spill(l);
    if (u->options->strict)
        emit_unlike(l);
    LLVMValueRef code = LLVMConstInt(u->i8, NATIVE_TRAP_BASE + (unsigned)trap, false);
    LLVMValueRef call = intrinsic(l, "llvm.ubsantrap", NULL, 0, &code, 1);
    LLVMAttributeIndex at = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;
    LLVMAddCallSiteAttribute(call, at, u->noreturn);
    if (u->options->strict)
        LLVMAddCallSiteAttribute(call, at, u->nomerge);
    LLVMBuildUnreachable(u->builder);
}

void trap_if(struct lower *l, LLVMValueRef condition, enum stint_trap trap)
{
    LLVMBasicBlockRef traps = lower_block(l, "trap"), goes_on = lower_block(l, "");
    lower_branch(l, condition, traps, goes_on, l->unit->cold_branch);
    lower_continue_at(l, traps);
    emit_trap(l, trap);
    lower_continue_at(l, goes_on);
}

void trap_now(struct lower *l, enum stint_trap trap)
{
    emit_trap(l, trap);
    l->is_dead = true;
}

/* ---- Fuel ------------------------------------------------------------------------------------- */

static LLVMValueRef fuel_field(struct lower *l)
{
    return address_at(l, l->run, NATIVE_RUN_FUEL);
}

void fuel_spill(struct lower *l)
{
    if (l->fuel == NULL)
        return;
    LLVMValueRef left = LLVMBuildLoad2(l->unit->builder, l->unit->i64, l->fuel, "");
    store_as(l, left, fuel_field(l), 8, MEMORY_FUEL);
}

void fuel_reload(struct lower *l)
{
    if (l->fuel == NULL)
        return;
    LLVMValueRef left = load_as(l, l->unit->i64, fuel_field(l), 8, MEMORY_FUEL);
    LLVMBuildStore(l->unit->builder, left, l->fuel);
}

void fuel_take(struct lower *l)
{
    if (l->fuel == NULL)
        return;
    l->fuel_given = LLVMGetParam(l->fn, l->type->param_count + 1);
    LLVMBuildStore(l->unit->builder, l->fuel_given, l->fuel);
}

LLVMValueRef fuel_from_call(struct lower *l, const struct type_def *type, LLVMValueRef call)
{
    LLVMBuilderRef b = l->unit->builder;
    if (l->fuel == NULL)
        return call;
    if (type->result_count == 0) {
        LLVMBuildStore(b, call, l->fuel);
        return NULL;
    }
    LLVMBuildStore(b, LLVMBuildExtractValue(b, call, 1, ""), l->fuel);
    return LLVMBuildExtractValue(b, call, 0, "");
}

void fuel_charge(struct lower *l, uint32_t operators, LLVMBasicBlockRef again)
{
    struct unit *u = l->unit;
    if (l->fuel == NULL || (operators == 0 && again == NULL))
        return;
    LLVMValueRef left = LLVMBuildLoad2(u->builder, u->i64, l->fuel, "");
    left = LLVMBuildSub(u->builder, left, const_i64(u, operators), "");
    LLVMBuildStore(u->builder, left, l->fuel);
    LLVMValueRef used_up = LLVMBuildICmp(u->builder, LLVMIntSLT, left, const_i64(u, 0), "");
    LLVMBasicBlockRef slice = lower_block(l, "slice"), goes_on = lower_block(l, "");
    lower_branch(l, used_up, slice, goes_on, u->cold_branch);
    lower_continue_at(l, slice);
    left = LLVMBuildLoad2(u->builder, u->i64, l->fuel, "");
    left = call_slice(l, left);
    LLVMBuildStore(u->builder, left, l->fuel);
    lower_goto(l, again != NULL ? again : goes_on);
    lower_continue_at(l, goes_on);
}

/* ---- The shadow stack ------------------------------------------------------------------------- */

LLVMValueRef shadow_slot(struct lower *l, uint32_t slot)
{
    struct lower_state *s = l->state;
    struct unit *u = l->unit;
    if (s->frame == NULL) {
        LLVMValueRef offset = const_i64(u, NATIVE_RUN_SHADOW_TOP);
        LLVMValueRef at = LLVMBuildGEP2(u->entry_builder, u->i8, l->run, &offset, 1, "");
        s->frame = LLVMBuildLoad2(u->entry_builder, u->ptr, at, "shadow");
        LLVMSetAlignment(s->frame, 8);
        LLVMSetMetadata(s->frame, u->md_alias_scope, u->scope_lists[MEMORY_CONTEXT]);
        LLVMSetMetadata(s->frame, u->md_noalias, u->noalias_lists[MEMORY_CONTEXT]);
    }
    if (slot >= s->frame_slots)
        s->frame_slots = slot + 1;
    return address_at(l, s->frame, (uint64_t)slot * 8);
}

LLVMValueRef shadow_operand(struct lower *l, uint32_t height)
{
    return shadow_slot(l, l->state->frame_operands + height);
}

void spill_operands(struct lower *l)
{
    if (!l->state->may_collect)
        return;
    for (uint32_t i = 0; i < l->height; i++) {
        struct value *value = &l->stack[i];
        if (value->v == NULL || !lower_is_gc_ref(l->unit, value->type) || LLVMIsConstant(value->v))
            continue;
        store_as(l, value->v, shadow_operand(l, i), 8, MEMORY_SHADOW);
        value->v = NULL;
    }
}

/* ---- Helpers ---------------------------------------------------------------------------------- */

static const char *const signatures[NATIVE_IMPORT_COUNT] = {
    [NATIVE_IMPORT_leave] = ":",
    [NATIVE_IMPORT_call_words] = "pllll:w",
#define HELPER(id, signature) [NATIVE_IMPORT_##id] = signature,
#include "runtime/native_helpers.def"
#undef HELPER
};

static LLVMTypeRef letter_type(const struct unit *u, char letter)
{
    switch (letter) {
    case 'l':
        return u->i64;
    case 'p':
        return u->ptr;
    case 'w': {
        LLVMTypeRef words[] = {u->i64, u->i64};
        return LLVMStructTypeInContext(u->context, words, 2, false);
    }
    case '\0':
        return u->void_type;
    default:
        return u->i32;
    }
}

static LLVMTypeRef helper_type(const struct unit *u, const char *signature)
{
    LLVMTypeRef params[12];
    unsigned count = 0;
    params[count++] = u->ptr;
    for (; *signature != ':'; signature++)
        params[count++] = letter_type(u, *signature);
    return LLVMFunctionType(letter_type(u, signature[1]), params, count, false);
}

LLVMValueRef import_pointer(struct lower *l, enum native_import import)
{
    struct unit *u = l->unit;
    LLVMValueRef at = address_at(l, u->imports, (uint64_t)import * 8);
    LLVMValueRef pointer = LLVMBuildLoad2(u->builder, u->ptr, at, "");
    LLVMSetAlignment(pointer, 8);
    LLVMSetMetadata(pointer, u->md_invariant_load, u->empty_node);
    return pointer;
}

LLVMValueRef call_import(struct lower *l, enum native_import import, LLVMValueRef *args,
                         unsigned arg_count)
{
    struct unit *u = l->unit;
    LLVMValueRef all[12];
    all[0] = l->context;
    for (unsigned i = 0; i < arg_count; i++)
        all[i + 1] = args[i];
    LLVMValueRef call = LLVMBuildCall2(u->builder, helper_type(u, signatures[import]),
                                       import_pointer(l, import), all, arg_count + 1, "");
    LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, u->nounwind);
    return call;
}

void leave_now(struct lower *l)
{
    fuel_spill(l);
    LLVMValueRef call = call_import(l, NATIVE_IMPORT_leave, NULL, 0);
    LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                             l->unit->noreturn);
    LLVMBuildUnreachable(l->unit->builder);
}

void deal_with_result(struct lower *l, LLVMValueRef result)
{
    struct unit *u = l->unit;
    LLVMBasicBlockRef fails = lower_block(l, "fails"), goes_on = lower_block(l, "");
    LLVMValueRef failed = LLVMBuildICmp(u->builder, LLVMIntNE, result, const_i32(u, NATIVE_OK), "");
    lower_branch(l, failed, fails, goes_on, u->cold_branch);
    lower_continue_at(l, fails);
    if ((u->code_class & NATIVE_CLASS_PENDING) != 0) {
        LLVMBasicBlockRef leaves = lower_block(l, "leaves");
        LLVMValueRef exits =
            LLVMBuildICmp(u->builder, LLVMIntEQ, result, const_i32(u, NATIVE_EXIT), "");
        lower_branch(l, exits, leaves, exception_target(l), NULL);
        lower_continue_at(l, leaves);
    }
    leave_now(l);
    lower_continue_at(l, goes_on);
}

LLVMValueRef call_helper(struct lower *l, enum native_import helper, unsigned effects,
                         LLVMValueRef *args, unsigned arg_count)
{
    if ((effects & EFFECT_COLLECTS) != 0)
        spill_operands(l);
    if ((effects & EFFECT_FUEL) != 0)
        fuel_spill(l);
    LLVMValueRef result = call_import(l, helper, args, arg_count);
    if ((effects & EFFECT_FUEL) != 0)
        fuel_reload(l);
    if (strchr(signatures[helper], ':')[1] == 'r')
        deal_with_result(l, result);
    return result;
}

/* ---- Slots ------------------------------------------------------------------------------------ */

LLVMValueRef helper_slots(struct lower *l, uint32_t count)
{
    struct lower_state *s = l->state;
    struct unit *u = l->unit;
    if (s->scratch == NULL)
        s->scratch = LLVMBuildArrayAlloca(u->entry_builder, u->i64, const_i32(u, 1), "slots");
    if (count > s->scratch_count) {
        s->scratch_count = count;
        LLVMSetOperand(s->scratch, 0, const_i32(u, count));
    }
    return s->scratch;
}

LLVMValueRef word_of(struct lower *l, struct value value)
{
    struct unit *u = l->unit;
    LLVMValueRef v = value.v;
    if (value.type == VT_F32)
        v = LLVMBuildBitCast(u->builder, v, u->i32, "");
    else if (value.type == VT_F64)
        v = LLVMBuildBitCast(u->builder, v, u->i64, "");
    if (LLVMTypeOf(v) == u->i32)
        v = LLVMBuildZExt(u->builder, v, u->i64, "");
    return v;
}

LLVMValueRef value_of_word(struct lower *l, LLVMValueRef word, valtype type)
{
    struct unit *u = l->unit;
    if (type == VT_I32 || type == VT_F32)
        word = LLVMBuildTrunc(u->builder, word, u->i32, "");
    return LLVMBuildBitCast(u->builder, word, lower_type(u, type), "");
}

void slot_store(struct lower *l, LLVMValueRef slots, uint32_t slot, struct value value)
{
    struct unit *u = l->unit;
    LLVMValueRef v = value.type == VT_F64 ? value.v : word_of(l, value);
    LLVMValueRef store = LLVMBuildStore(u->builder, v, address_at(l, slots, (uint64_t)slot * 8));
    LLVMSetAlignment(store, 8);
}

LLVMValueRef slot_load(struct lower *l, LLVMValueRef slots, uint32_t slot, valtype type)
{
    struct unit *u = l->unit;
    LLVMValueRef load = LLVMBuildLoad2(u->builder, lower_type(u, type),
                                       address_at(l, slots, (uint64_t)slot * 8), "");
    LLVMSetAlignment(load, 8);
    return load;
}
