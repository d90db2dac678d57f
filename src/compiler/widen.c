/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests' addresses are numbers of 32 bits that are used as 64. x86-64 extends them for nothing where
 * they are computed; but LLVM, which selects instructions block by block, only sees that inside one
 * block, and else moves them into a second register at each use. So after all passes each number that
 * is extended somewhere is extended right behind its definition, and phis of such numbers become phis
 * of 64 bits.
 */
#include "base/buf.h"
#include "compiler/compile_int.h"

/* From values of 32 bits to the same extended. */
struct pair {
    LLVMValueRef from, to;
};

struct widening {
    struct unit *unit;
    LLVMBuilderRef builder;
    LLVMValueRef fn;
    struct pair *pairs; /* open addressing; a power of two of them */
    size_t pair_count, pair_capacity;
    LLVMValueRef *phis;
    size_t phi_count, phi_capacity;
};

/* ---- Pairs ------------------------------------------------------------------------------------- */

static size_t slot_of(const struct widening *w, LLVMValueRef from)
{
    size_t mask = w->pair_capacity - 1;
    size_t i = ((uintptr_t)from >> 4) * 0x9e3779b97f4a7c15u >> 20 & mask;
    while (w->pairs[i].from != NULL && w->pairs[i].from != from)
        i = (i + 1) & mask;
    return i;
}

static struct pair *find(const struct widening *w, LLVMValueRef from)
{
    if (w->pair_capacity == 0)
        return NULL;
    struct pair *pair = &w->pairs[slot_of(w, from)];
    return pair->from != NULL ? pair : NULL;
}

static bool grow(struct widening *w)
{
    struct alloc *alloc = w->unit->arena->alloc;
    struct pair *old = w->pairs;
    size_t old_capacity = w->pair_capacity;
    size_t capacity = old_capacity > 0 ? old_capacity * 2 : 256;
    w->pairs = alloc_get_zeroed(alloc, capacity, sizeof(*w->pairs));
    if (w->pairs == NULL) {
        w->pairs = old;
        return false;
    }
    w->pair_capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].from != NULL)
            w->pairs[slot_of(w, old[i].from)] = old[i];
    alloc_put(alloc, old, old_capacity * sizeof(*old));
    return true;
}

static bool add_pair(struct widening *w, LLVMValueRef from, LLVMValueRef to)
{
    if (w->pair_count * 2 >= w->pair_capacity && !grow(w))
        return false;
    w->pairs[slot_of(w, from)] = (struct pair){from, to};
    w->pair_count++;
    return true;
}

/* ---- Values ------------------------------------------------------------------------------------ */

static bool is_i32(const struct widening *w, LLVMValueRef value)
{
    return LLVMTypeOf(value) == w->unit->i32;
}

static bool extends(const struct widening *w, LLVMValueRef user)
{
    return LLVMIsAZExtInst(user) != NULL && LLVMTypeOf(user) == w->unit->i64;
}

static bool is_extended(const struct widening *w, LLVMValueRef value)
{
    for (LLVMUseRef use = LLVMGetFirstUse(value); use != NULL; use = LLVMGetNextUse(use))
        if (extends(w, LLVMGetUser(use)))
            return true;
    return false;
}

/* Whether the processor extends what this computes, for nothing. */
static bool is_extended_for_nothing(LLVMValueRef instruction)
{
    switch (LLVMGetInstructionOpcode(instruction)) {
    case LLVMAdd:
    case LLVMSub:
    case LLVMMul:
    case LLVMAnd:
    case LLVMOr:
    case LLVMXor:
    case LLVMShl:
    case LLVMLShr:
    case LLVMAShr:
    case LLVMLoad:
    case LLVMSelect:
        return true;
    default:
        return false;
    }
}

/* The value extended right behind its definition; NULL: out of memory. */
static LLVMValueRef extended(struct widening *w, LLVMValueRef value)
{
    struct unit *u = w->unit;
    struct pair *known = find(w, value);
    if (known != NULL)
        return known->to;
    if (LLVMIsUndef(value)) /* whatever it is taken for, its upper half is zero */
        return LLVMConstInt(u->i64, 0, false);
    if (LLVMIsAConstantInt(value) != NULL)
        return LLVMConstInt(u->i64, LLVMConstIntGetZExtValue(value), false);
    if (LLVMIsAInstruction(value) != NULL)
        LLVMPositionBuilderBefore(w->builder, LLVMGetNextInstruction(value));
    else
        LLVMPositionBuilderBefore(w->builder,
                                  LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(w->fn)));
    LLVMValueRef result = LLVMBuildZExt(w->builder, value, u->i64, "");
    return add_pair(w, value, result) ? result : NULL;
}

/* Lets all that extends `value` be `to`. */
static void use_extended(struct widening *w, LLVMValueRef value, LLVMValueRef to)
{
    for (LLVMUseRef use = LLVMGetFirstUse(value); use != NULL;) {
        LLVMValueRef user = LLVMGetUser(use);
        use = LLVMGetNextUse(use);
        if (user == to || !extends(w, user))
            continue;
        LLVMReplaceAllUsesWith(user, to);
        LLVMInstructionEraseFromParent(user);
    }
}

/* ---- Phis -------------------------------------------------------------------------------------- */

static bool add_phi(struct widening *w, LLVMValueRef phi)
{
    if (find(w, phi) != NULL)
        return true;
    if (!vec_reserve(w->unit->arena->alloc, &w->phis, &w->phi_capacity, w->phi_count + 1,
                     sizeof(*w->phis)))
        return false;
    w->phis[w->phi_count++] = phi;
    LLVMPositionBuilderBefore(w->builder, phi);
    return add_pair(w, phi, LLVMBuildPhi(w->builder, w->unit->i64, ""));
}

/* The phis that are extended, and those whose values they take. */
static bool find_phis(struct widening *w)
{
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(w->fn); block != NULL;
         block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block);
             i != NULL && LLVMIsAPHINode(i) != NULL; i = LLVMGetNextInstruction(i))
            if (is_i32(w, i) && is_extended(w, i) && !add_phi(w, i))
                return false;
    for (size_t i = 0; i < w->phi_count; i++) {
        for (unsigned k = 0; k < LLVMCountIncoming(w->phis[i]); k++) {
            LLVMValueRef value = LLVMGetIncomingValue(w->phis[i], k);
            if (LLVMIsAPHINode(value) != NULL && !add_phi(w, value))
                return false;
        }
    }
    return true;
}

static bool fill_phi(struct widening *w, LLVMValueRef phi)
{
    for (unsigned k = 0; k < LLVMCountIncoming(phi); k++) {
        LLVMBasicBlockRef from = LLVMGetIncomingBlock(phi, k);
        LLVMValueRef value = extended(w, LLVMGetIncomingValue(phi, k));
        if (value == NULL)
            return false;
        LLVMAddIncoming(find(w, phi)->to, &value, &from, 1);
    }
    return true;
}

static void replace_phi(struct widening *w, LLVMValueRef phi)
{
    LLVMValueRef wide = find(w, phi)->to, first = phi;
    use_extended(w, phi, wide);
    while (LLVMIsAPHINode(first) != NULL)
        first = LLVMGetNextInstruction(first);
    LLVMPositionBuilderBefore(w->builder, first);
    LLVMReplaceAllUsesWith(phi, LLVMBuildTrunc(w->builder, wide, w->unit->i32, ""));
}

static bool widen_phis(struct widening *w)
{
    bool ok = find_phis(w);
    for (size_t i = 0; ok && i < w->phi_count; i++)
        ok = fill_phi(w, w->phis[i]);
    for (size_t i = 0; ok && i < w->phi_count; i++)
        replace_phi(w, w->phis[i]);
    for (size_t i = 0; ok && i < w->phi_count; i++)
        LLVMInstructionEraseFromParent(w->phis[i]);
    return ok;
}

/* ---- Functions --------------------------------------------------------------------------------- */

/* Whether it is extended in another block. */
static bool is_extended_elsewhere(const struct widening *w, LLVMValueRef instruction)
{
    LLVMBasicBlockRef block = LLVMGetInstructionParent(instruction);
    for (LLVMUseRef use = LLVMGetFirstUse(instruction); use != NULL; use = LLVMGetNextUse(use)) {
        LLVMValueRef user = LLVMGetUser(use);
        if (extends(w, user) && LLVMGetInstructionParent(user) != block)
            return true;
    }
    return false;
}

static bool widen_block(struct widening *w, LLVMBasicBlockRef block)
{
    for (LLVMValueRef i = LLVMGetFirstInstruction(block); i != NULL;
         i = LLVMGetNextInstruction(i)) {
        if (!is_i32(w, i) || !is_extended_for_nothing(i) ||
            (find(w, i) == NULL && !is_extended_elsewhere(w, i)))
            continue;
        LLVMValueRef to = extended(w, i);
        if (to == NULL)
            return false;
        use_extended(w, i, to);
    }
    return true;
}

static bool widen_function(struct unit *u, LLVMValueRef fn)
{
    struct widening w = {.unit = u, .builder = u->builder, .fn = fn};
    bool ok = widen_phis(&w);
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(fn); ok && block != NULL;
         block = LLVMGetNextBasicBlock(block))
        ok = widen_block(&w, block);
    alloc_put(u->arena->alloc, w.pairs, w.pair_capacity * sizeof(*w.pairs));
    alloc_put(u->arena->alloc, w.phis, w.phi_capacity * sizeof(*w.phis));
    return ok;
}

bool widen_addresses(struct unit *u)
{
    LLVMSetCurrentDebugLocation2(u->builder, NULL);
    for (LLVMValueRef fn = LLVMGetFirstFunction(u->module); fn != NULL;
         fn = LLVMGetNextFunction(fn))
        if (!LLVMIsDeclaration(fn) && !widen_function(u, fn))
            return false;
    return true;
}
