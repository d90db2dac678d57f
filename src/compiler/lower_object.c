/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References: null, functions, i31, tests and casts.
 *
 * A test compares the type id in the object's header with the wanted type's, which is a word of the
 * runtime: ids are given out when modules are loaded. Types that may have subtypes look into the
 * display of the object's own type then.
 */
#include "compiler/lower_object.h"

#include "compiler/lower_int.h"

/* Header words from here on are kinds that are no type ids (runtime/gc.h: GC_KIND_EXN, _HOST). */
#define KIND_FIRST UINT32_C(0xfffffffd)

/* ---- The heap -------------------------------------------------------------------------------- */

LLVMValueRef object_load_fixed(struct lower *l, LLVMTypeRef type, LLVMValueRef at, unsigned align)
{
    struct unit *u = l->unit;
    LLVMValueRef v = LLVMBuildLoad2(u->builder, type, at, "");
    LLVMSetAlignment(v, align);
    LLVMSetMetadata(v, u->md_invariant_load, u->empty_node);
    return v;
}

LLVMValueRef object_heap(struct lower *l)
{
    if (l->heap == NULL)
        l->heap = invariant_pointer(l, l->run, NATIVE_RUN_GC / 8);
    return l->heap;
}

LLVMValueRef object_base(struct lower *l)
{
    if (l->heap_base == NULL)
        l->heap_base = invariant_pointer(l, object_heap(l), NATIVE_GC_BASE / 8);
    return l->heap_base;
}

LLVMValueRef object_address(struct lower *l, LLVMValueRef ref)
{
    struct unit *u = l->unit;
    return address(l, object_base(l), LLVMBuildZExt(u->builder, ref, u->i64, ""));
}

LLVMValueRef object_type_id(struct lower *l, uint32_t module_type)
{
    _Static_assert(NATIVE_TYPE_ID == 0, "the address of a definition is that of its id");
    return entry_load(l, l->unit->i32, type_pointer(l, module_type));
}

const struct value *object_pop_many(struct lower *l, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct value value = lower_pop(l);
        l->stack[l->height] = value;
    }
    return &l->stack[l->height];
}

static LLVMValueRef is_null(struct lower *l, LLVMValueRef ref)
{
    return LLVMBuildIsNull(l->unit->builder, ref, "");
}

void object_trap_null(struct lower *l, struct value ref, enum stint_trap trap)
{
    if (vt_is_nullable(ref.type))
        trap_if(l, is_null(l, ref.v), trap);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* Whether the module has types of objects, so that the heap is there. */
static bool has_objects(const struct unit *u)
{
    for (uint32_t i = 0; i < u->wasm->type_count; i++) {
        if (u->wasm->types[i]->kind != TYPE_FUNC)
            return true;
    }
    return false;
}

/* struct type_def of a type id: see NATIVE_TYPES_FIRST_LOG2. */
static LLVMValueRef definition(struct lower *l, LLVMValueRef id)
{
    struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    LLVMValueRef log2 = const_i32(u, NATIVE_TYPES_FIRST_LOG2);
    LLVMValueRef one = const_i32(u, 1);
    LLVMValueRef block = LLVMBuildAdd(b, LLVMBuildLShr(b, id, log2, ""), one, "");
    LLVMValueRef clz_args[] = {block, LLVMConstInt(u->i1, 1, false)};
    LLVMValueRef clz = intrinsic(l, "llvm.ctlz", &u->i32, 1, clz_args, 2);
    LLVMValueRef chunk = LLVMBuildSub(b, const_i32(u, 31), clz, "");
    LLVMValueRef first = const_i32(u, 1 << NATIVE_TYPES_FIRST_LOG2);
    LLVMValueRef start = LLVMBuildSub(b, LLVMBuildShl(b, first, chunk, ""), first, "");
    LLVMValueRef chunks = object_load_fixed(l, u->ptr, address_at(l, l->run, NATIVE_RUN_TYPES), 8);
    LLVMValueRef slot = LLVMBuildShl(b, LLVMBuildZExt(b, chunk, u->i64, ""), const_i64(u, 3), "");
    LLVMValueRef definitions = object_load_fixed(l, u->ptr, address(l, chunks, slot), 8);
    LLVMValueRef at = LLVMBuildZExt(b, LLVMBuildSub(b, id, start, ""), u->i64, "");
    return address(l, definitions, LLVMBuildMul(b, at, const_i64(u, NATIVE_TYPE_BYTES), ""));
}

/* A test in steps, each of which may settle it; the answers meet in one block. */
struct test {
    LLVMBasicBlockRef done;
    LLVMValueRef answers[8];
    LLVMBasicBlockRef from[8];
    unsigned count;
};

static LLVMValueRef constant_bool(const struct unit *u, bool value)
{
    return LLVMConstInt(u->i1, value, false);
}

static void answer_from_here(struct lower *l, struct test *t, LLVMValueRef answer)
{
    t->answers[t->count] = answer;
    t->from[t->count++] = lower_here(l);
}

/* The answer where the condition holds; goes on where it does not. */
static void settle_if(struct lower *l, struct test *t, LLVMValueRef condition, bool answer)
{
    LLVMBasicBlockRef next = lower_block(l, "");
    answer_from_here(l, t, constant_bool(l->unit, answer));
    LLVMBuildCondBr(l->unit->builder, condition, t->done, next);
    lower_continue_at(l, next);
}

/* The last step. */
static LLVMValueRef settle(struct lower *l, struct test *t, LLVMValueRef answer)
{
    LLVMBuilderRef b = l->unit->builder;
    answer_from_here(l, t, answer);
    lower_goto(l, t->done);
    lower_continue_at(l, t->done);
    LLVMValueRef phi = LLVMBuildPhi(b, l->unit->i1, "");
    LLVMAddIncoming(phi, t->answers, t->from, t->count);
    return phi;
}

/* Whether `type`, a struct type_def, is the wanted one or below it, by its display. */
static LLVMValueRef is_below(struct lower *l, struct test *t, LLVMValueRef type,
                             LLVMValueRef wanted_id, uint32_t depth)
{
    struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    LLVMTypeRef i16 = u->i16;
    LLVMValueRef own = object_load_fixed(l, i16, address_at(l, type, NATIVE_TYPE_DEPTH), 2);
    LLVMValueRef too_short = LLVMBuildICmp(b, LLVMIntULT, own, LLVMConstInt(i16, depth, false), "");
    settle_if(l, t, too_short, false);
    LLVMValueRef display =
        object_load_fixed(l, u->ptr, address_at(l, type, NATIVE_TYPE_DISPLAY), 8);
    LLVMValueRef id = object_load_fixed(l, u->i32, address_at(l, display, (uint64_t)depth * 4), 4);
    return LLVMBuildICmp(b, LLVMIntEQ, id, wanted_id, "");
}

/* A function reference that is not null, against a type of the module. */
static LLVMValueRef func_is(struct lower *l, struct test *t, LLVMValueRef ref, uint32_t module_type)
{
    struct unit *u = l->unit;
    const struct type_def *wanted = u->wasm->types[module_type];
    LLVMValueRef type = load_as(l, u->ptr, address_at(l, ref, NATIVE_FUNC_TYPE), 8, MEMORY_CONTEXT);
    LLVMValueRef same =
        LLVMBuildICmp(u->builder, LLVMIntEQ, type, type_pointer(l, module_type), "");
    if (wanted->is_final)
        return same;
    settle_if(l, t, same, true);
    return is_below(l, t, type, object_type_id(l, module_type), wanted->depth);
}

/* An object that has a type id, against struct or array. */
static LLVMValueRef object_kind_is(struct lower *l, LLVMValueRef id, enum type_kind kind)
{
    struct unit *u = l->unit;
    LLVMValueRef at = address_at(l, definition(l, id), NATIVE_TYPE_KIND);
    LLVMValueRef own = object_load_fixed(l, u->i8, at, 1);
    return LLVMBuildICmp(u->builder, LLVMIntEQ, own, LLVMConstInt(u->i8, kind, false), "");
}

/* A reference that is not null and of the any hierarchy, against eq, struct, array or a type. */
static LLVMValueRef object_is(struct lower *l, struct test *t, struct value ref, heaptype heap,
                              uint32_t module_type)
{
    struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    heaptype known = vt_heap(ref.type);
    if (known == HEAP_ANY || known == HEAP_EQ || known == HEAP_I31) {
        LLVMValueRef is_i31 = LLVMBuildTrunc(b, ref.v, u->i1, "");
        settle_if(l, t, is_i31, heap == HEAP_EQ);
    }
    LLVMValueRef id =
        load_as(l, u->i32, address_at(l, object_address(l, ref.v), OBJECT_TYPE), 8, MEMORY_HEADERS);
    if (!heap_is_abstract(heap)) {
        const struct type_def *wanted = u->wasm->types[module_type];
        LLVMValueRef wanted_id = object_type_id(l, module_type);
        LLVMValueRef same = LLVMBuildICmp(b, LLVMIntEQ, id, wanted_id, "");
        if (wanted->is_final)
            return same;
        settle_if(l, t, same, true);
        if (known == HEAP_ANY)
            settle_if(l, t, LLVMBuildICmp(b, LLVMIntUGE, id, const_i32(u, KIND_FIRST), ""), false);
        return is_below(l, t, definition(l, id), wanted_id, wanted->depth);
    }
    LLVMValueRef is_host = LLVMBuildICmp(b, LLVMIntUGE, id, const_i32(u, KIND_FIRST), "");
    if (heap == HEAP_EQ)
        return LLVMBuildNot(b, is_host, "");
    if (known == HEAP_ANY)
        settle_if(l, t, is_host, false);
    return object_kind_is(l, id, heap == HEAP_STRUCT ? TYPE_STRUCT : TYPE_ARRAY);
}

/* What holds of every reference of this type that is not null; false where it has to be looked at. */
static bool is_settled(const struct lower *l, heaptype known, heaptype heap, bool *ret_answer)
{
    if (types_heap_matches(l->unit->wasm->types_registry, known, heap)) {
        *ret_answer = true;
        return true;
    }
    *ret_answer = false;
    return heap == HEAP_NONE || heap == HEAP_NOFUNC || heap == HEAP_NOEXTERN || heap == HEAP_NOEXN;
}

static LLVMValueRef test_by_helper(struct lower *l, struct value ref, heaptype heap,
                                   bool null_passes)
{
    struct unit *u = l->unit;
    LLVMValueRef args[] = {LLVMBuildZExt(u->builder, ref.v, u->i64, ""), const_i32(u, heap),
                           const_i32(u, null_passes)};
    LLVMValueRef answer = call_helper(l, NATIVE_IMPORT_ref_test, EFFECT_NONE, args, 3);
    return LLVMBuildICmp(u->builder, LLVMIntNE, answer, const_i32(u, 0), "");
}

LLVMValueRef lower_ref_test(struct lower *l, struct value ref, heaptype heap, uint32_t module_type,
                            bool null_passes)
{
    struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    bool answer, may_be_null = vt_is_nullable(ref.type);
    LLVMValueRef null = may_be_null ? is_null(l, ref.v) : constant_bool(u, false);
    if (is_settled(l, vt_heap(ref.type), heap, &answer)) {
        if (answer == null_passes)
            return constant_bool(u, answer);
        return answer ? LLVMBuildNot(b, null, "") : null;
    }
    if (heap == HEAP_I31) {
        LLVMValueRef is_i31 = LLVMBuildTrunc(b, ref.v, u->i1, "");
        return null_passes ? LLVMBuildOr(b, is_i31, null, "") : is_i31;
    }
    if (LLVMTypeOf(ref.v) != u->ptr && !has_objects(u))
        return test_by_helper(l, ref, heap, null_passes);
    struct test t = {.done = lower_block(l, "")};
    if (may_be_null)
        settle_if(l, &t, null, null_passes);
    LLVMValueRef last = LLVMTypeOf(ref.v) == u->ptr ? func_is(l, &t, ref.v, module_type)
                                                    : object_is(l, &t, ref, heap, module_type);
    return settle(l, &t, last);
}

/* ---- Operators ------------------------------------------------------------------------------- */

static void ref_null(struct lower *l)
{
    uint32_t module_type;
    valtype type = VT_MAKE_REF_NULL(lower_heap_index(l, &module_type));
    lower_push(l, LLVMConstNull(lower_type(l->unit, type)), type);
}

static void ref_func(struct lower *l)
{
    struct unit *u = l->unit;
    uint32_t index = lower_u32(l);
    LLVMValueRef arg = const_i32(u, index);
    LLVMValueRef ref = call_helper(l, NATIVE_IMPORT_ref_func, EFFECT_NONE, &arg, 1);
    lower_push(l, ref, VT_MAKE_REF(module_func_type(u->wasm, index)->id));
}

static void push_bool(struct lower *l, LLVMValueRef condition)
{
    lower_push(l, LLVMBuildZExt(l->unit->builder, condition, l->unit->i32, ""), VT_I32);
}

static void ref_test(struct lower *l, bool null_passes)
{
    uint32_t module_type = 0;
    heaptype heap = lower_heap_index(l, &module_type);
    push_bool(l, lower_ref_test(l, lower_pop(l), heap, module_type, null_passes));
}

static void ref_cast(struct lower *l, bool null_passes)
{
    uint32_t module_type = 0;
    heaptype heap = lower_heap_index(l, &module_type);
    struct value ref = lower_pop(l);
    LLVMValueRef passes = lower_ref_test(l, ref, heap, module_type, null_passes);
    trap_if(l, LLVMBuildNot(l->unit->builder, passes, ""), STINT_TRAP_CAST_FAILURE);
    lower_push(l, ref.v, null_passes ? VT_MAKE_REF_NULL(heap) : VT_MAKE_REF(heap));
}

static void ref_as_non_null(struct lower *l)
{
    struct value ref = lower_pop(l);
    object_trap_null(l, ref, STINT_TRAP_NULL_REFERENCE);
    lower_push(l, ref.v, vt_non_null(ref.type));
}

static void convert(struct lower *l, heaptype heap)
{
    struct value ref = lower_pop(l);
    lower_push(l, ref.v, vt_is_nullable(ref.type) ? VT_MAKE_REF_NULL(heap) : VT_MAKE_REF(heap));
}

static void ref_i31(struct lower *l)
{
    struct unit *u = l->unit;
    LLVMValueRef one = const_i32(u, 1);
    LLVMValueRef shifted = LLVMBuildShl(u->builder, lower_pop_v(l), one, "");
    lower_push(l, LLVMBuildOr(u->builder, shifted, one, ""), VT_MAKE_REF(HEAP_I31));
}

static void i31_get(struct lower *l, bool sign)
{
    struct unit *u = l->unit;
    struct value ref = lower_pop(l);
    object_trap_null(l, ref, STINT_TRAP_NULL_I31);
    LLVMValueRef one = const_i32(u, 1);
    lower_push(l,
               sign ? LLVMBuildAShr(u->builder, ref.v, one, "")
                    : LLVMBuildLShr(u->builder, ref.v, one, ""),
               VT_I32);
}

static bool reference_op(struct lower *l, enum op op)
{
    LLVMBuilderRef b = l->unit->builder;
    LLVMValueRef right;
    switch (op) {
    case OP_REF_NULL:
        ref_null(l);
        return true;
    case OP_REF_FUNC:
        ref_func(l);
        return true;
    case OP_REF_IS_NULL:
        push_bool(l, is_null(l, lower_pop_v(l)));
        return true;
    case OP_REF_EQ:
        right = lower_pop_v(l);
        push_bool(l, LLVMBuildICmp(b, LLVMIntEQ, lower_pop_v(l), right, ""));
        return true;
    case OP_REF_AS_NON_NULL:
        ref_as_non_null(l);
        return true;
    default:
        return false;
    }
}

bool lower_object_op(struct lower *l, enum op op)
{
    switch (op) {
    case OP_REF_TEST:
    case OP_REF_TEST_NULL:
        ref_test(l, op == OP_REF_TEST_NULL);
        return true;
    case OP_REF_CAST:
    case OP_REF_CAST_NULL:
        ref_cast(l, op == OP_REF_CAST_NULL);
        return true;
    case OP_ANY_CONVERT_EXTERN:
        convert(l, HEAP_ANY);
        return true;
    case OP_EXTERN_CONVERT_ANY:
        convert(l, HEAP_EXTERN);
        return true;
    case OP_REF_I31:
        ref_i31(l);
        return true;
    case OP_I31_GET_S:
    case OP_I31_GET_U:
        i31_get(l, op == OP_I31_GET_S);
        return true;
    default:
        return reference_op(l, op) || lower_struct_op(l, op) || lower_array_op(l, op);
    }
}
