/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of our own that copy and fill memory 0, for sizes that are only known when they run. Most
 * are a few bytes: up to 63, which cost no fuel, are moved in place, with two or four loads and stores
 * that overlap. All else goes to a second function; what is out of bounds, does not fit the slice or
 * is large goes on to the helper.
 */
#include "compiler/lower_int.h"

enum {
    SMALL_BYTES_MAX = 63,
    PLAIN_BYTES_MAX = 4 << 20, /* the helper looks at the time after so many */
};

/* The parameters of all four: from, for a copy, or else value. */
enum { PARAM_TO, PARAM_FROM, PARAM_BYTES, PARAM_CONTEXT, PARAM_FUEL };

static const valtype params[] = {VT_I64, VT_I64, VT_I64};
static const struct type_def type_of_move = {
    .kind = TYPE_FUNC, .params = params, .param_count = COUNT_OF(params)};

static LLVMTypeRef move_type(struct unit *u)
{
    return unit_func_type_with(u, &type_of_move, NULL, 0);
}

static LLVMValueRef declare(struct unit *u, const char *name)
{
    LLVMValueRef fn = LLVMAddFunction(u->module, name, move_type(u));
    LLVMAttributeIndex at = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;
    LLVMSetLinkage(fn, LLVMInternalLinkage);
    LLVMAddAttributeAtIndex(fn, at, u->nounwind);
    LLVMAddAttributeAtIndex(fn, at, u->noinline);
    unit_mark_context(u, fn, PARAM_CONTEXT, true);
    return fn;
}

static LLVMValueRef call_move(struct lower *l, LLVMValueRef fn, LLVMValueRef *args)
{
    struct unit *u = l->unit;
    unsigned count = l->fuel != NULL ? PARAM_FUEL + 1 : PARAM_FUEL;
    LLVMValueRef call = LLVMBuildCall2(u->builder, move_type(u), fn, args, count, "");
    unit_mark_call(u, call, PARAM_CONTEXT, LLVMCCallConv);
    return call;
}

bool lower_move(struct lower *l, enum native_import helper, LLVMValueRef to, LLVMValueRef from,
                LLVMValueRef bytes)
{
    struct unit *u = l->unit;
    struct move *move = &u->state->moves[helper == NATIVE_IMPORT_memory_copy];
    if (u->wasm->memories[0].limits.is_64)
        return false;
    if (move->small == NULL) {
        move->small = declare(u, "stint.move");
        move->large = declare(u, "stint.move.large");
    }
    LLVMValueRef args[] = {LLVMBuildZExt(u->builder, to, u->i64, ""),
                           LLVMBuildZExt(u->builder, from, u->i64, ""),
                           LLVMBuildZExt(u->builder, bytes, u->i64, ""), l->context, NULL};
    if (l->fuel != NULL)
        args[PARAM_FUEL] = LLVMBuildLoad2(u->builder, u->i64, l->fuel, "");
    (void)fuel_from_call(l, &type_of_move, call_move(l, move->small, args));
    return true;
}

/* ---- What both have ----------------------------------------------------------------------------- */

/* One of these functions, being defined. */
struct body {
    struct lower *l;
    LLVMValueRef params[PARAM_FUEL + 1];
    LLVMValueRef to, from; /* addresses; from is NULL for a fill */
};

static bool begin(struct body *body, struct unit *u, LLVMValueRef fn, bool is_copy)
{
    unit_begin_function(u, fn, "move", 0);
    /* Wider registers would have to be cleared before the end. */
    unit_add_text(u, fn, "prefer-vector-width", "128");
    struct lower *l = lower_begin(u, fn, LLVMGetParam(fn, PARAM_CONTEXT), 0);
    if (l == NULL)
        return false;
    LLVMGetParams(fn, body->params);
    l->type = &type_of_move;
    fuel_take(l);
    body->l = l;
    body->to = address(l, memory_base(l, 0), body->params[PARAM_TO]);
    body->from = is_copy ? address(l, memory_base(l, 0), body->params[PARAM_FROM]) : NULL;
    return true;
}

static LLVMValueRef at_least(struct body *body, LLVMValueRef value, uint64_t limit)
{
    struct unit *u = body->l->unit;
    return LLVMBuildICmp(u->builder, LLVMIntUGE, value, const_i64(u, limit), "");
}

/* Whether the operation stays inside the memory. All of it is below 1 << 33. */
static LLVMValueRef is_inside(struct body *body)
{
    struct lower *l = body->l;
    struct unit *u = l->unit;
    LLVMValueRef last = body->params[PARAM_TO];
    if (body->from != NULL) {
        LLVMValueRef other = body->params[PARAM_FROM];
        LLVMValueRef above = LLVMBuildICmp(u->builder, LLVMIntUGT, other, last, "");
        last = LLVMBuildSelect(u->builder, above, other, last, "");
    }
    LLVMValueRef end = LLVMBuildAdd(u->builder, last, body->params[PARAM_BYTES], "");
    LLVMValueRef size =
        load_as(l, u->i64, address_at(l, memory_object(l, 0), NATIVE_MEMORY_BYTES), 8, MEMORY_CONTEXT);
    return LLVMBuildICmp(u->builder, LLVMIntULE, end, size, "");
}

static void go_to(struct body *body, LLVMValueRef condition, LLVMBasicBlockRef then,
                  LLVMValueRef weights)
{
    LLVMBasicBlockRef otherwise = lower_block(body->l, "");
    lower_branch(body->l, condition, then, otherwise, weights);
    lower_continue_at(body->l, otherwise);
}

/* ---- Few bytes ----------------------------------------------------------------------------------- */

/* The byte of a fill in all bytes of an integer, or in a vector of two. */
static LLVMValueRef spread(struct body *body, LLVMTypeRef type)
{
    struct unit *u = body->l->unit;
    LLVMBuilderRef b = u->builder;
    LLVMValueRef byte = LLVMBuildAnd(b, body->params[PARAM_FROM], const_i64(u, 0xff), "");
    LLVMValueRef all = LLVMBuildMul(b, byte, const_i64(u, 0x0101010101010101), "");
    if (type != u->v2i64)
        return LLVMBuildTrunc(b, all, type, "");
    LLVMValueRef both = LLVMBuildInsertElement(b, LLVMGetPoison(type), all, const_i32(u, 0), "");
    return LLVMBuildInsertElement(b, both, all, const_i32(u, 1), "");
}

/* Moves `count` pieces, half of them from the start on and half up to the end, and returns. */
static void move_pieces(struct body *body, LLVMTypeRef type, uint32_t piece_bytes, uint32_t count)
{
    struct lower *l = body->l;
    struct unit *u = l->unit;
    LLVMValueRef at[4], pieces[4], bytes = body->params[PARAM_BYTES];
    for (uint32_t i = 0; i < count; i++) {
        uint64_t below = (uint64_t)(count - i) * piece_bytes;
        at[i] = i < (count + 1) / 2 ? const_i64(u, (uint64_t)i * piece_bytes)
                                    : LLVMBuildSub(u->builder, bytes, const_i64(u, below), "");
    }
    for (uint32_t i = 0; i < count; i++)
        pieces[i] = body->from == NULL
                        ? spread(body, type)
                        : load_as(l, type, address(l, body->from, at[i]), 1, linear_kind(u, 0));
    for (uint32_t i = 0; i < count; i++)
        store_as(l, pieces[i], address(l, body->to, at[i]), 1, linear_kind(u, 0));
    return_values(l, NULL);
}

static void move_few(struct body *body)
{
    struct lower *l = body->l;
    struct unit *u = l->unit;
    const struct {
        uint32_t bytes_min;
        LLVMTypeRef type;
        uint32_t piece_bytes, count;
    } ways[] = {{4, u->i32, 4, 2},   {2, u->i16, 2, 2},    {1, u->i8, 1, 1}, {32, u->v2i64, 16, 4},
                {16, u->v2i64, 16, 2}};
    enum { WAYS_BELOW_8 = 3 };
    LLVMValueRef bytes = body->params[PARAM_BYTES];
    LLVMBasicBlockRef more = lower_block(l, "");
    go_to(body, at_least(body, bytes, 8), more, NULL);
    for (uint32_t i = 0; i < COUNT_OF(ways); i++) {
        if (i == WAYS_BELOW_8) {
            return_values(l, NULL); /* nothing */
            lower_continue_at(l, more);
        }
        LLVMBasicBlockRef here, way = lower_block(l, "");
        go_to(body, at_least(body, bytes, ways[i].bytes_min), way, NULL);
        here = lower_here(l);
        lower_continue_at(l, way);
        move_pieces(body, ways[i].type, ways[i].piece_bytes, ways[i].count);
        lower_continue_at(l, here);
    }
    move_pieces(body, u->i64, 8, 2);
}

static void define_small(struct unit *u, const struct move *move, bool is_copy)
{
    struct body body;
    if (!begin(&body, u, move->small, is_copy))
        return;
    struct lower *l = body.l;
    LLVMBasicBlockRef large = lower_block(l, "large"), inside = lower_block(l, "");
    go_to(&body, at_least(&body, body.params[PARAM_BYTES], SMALL_BYTES_MAX + 1), large, NULL);
    lower_branch(l, is_inside(&body), inside, large, u->hot_branch);
    lower_continue_at(l, inside);
    move_few(&body);
    lower_continue_at(l, large);
    (void)fuel_from_call(l, &type_of_move, call_move(l, move->large, body.params));
    return_values(l, NULL);
    lower_finish(l);
}

/* ---- Many ----------------------------------------------------------------------------------------- */

static void call_library(struct body *body)
{
    struct lower *l = body->l;
    struct unit *u = l->unit;
    bool is_copy = body->from != NULL;
    LLVMTypeRef second = is_copy ? u->ptr : u->i32, types[] = {u->ptr, second, u->i64};
    LLVMValueRef args[] = {body->to, body->from, body->params[PARAM_BYTES]};
    if (!is_copy)
        args[1] = LLVMBuildTrunc(u->builder, body->params[PARAM_FROM], u->i32, "");
    LLVMTypeRef type = LLVMFunctionType(u->ptr, types, COUNT_OF(types), false);
    LLVMValueRef callee =
        import_pointer(l, is_copy ? NATIVE_IMPORT_memmove : NATIVE_IMPORT_memset);
    LLVMValueRef call = LLVMBuildCall2(u->builder, type, callee, args, COUNT_OF(args), "");
    LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, u->nounwind);
}

static void call_the_helper(struct body *body)
{
    struct lower *l = body->l;
    const struct unit *u = l->unit;
    LLVMValueRef *p = body->params, zero = const_i32(u, 0);
    if (body->from != NULL) {
        LLVMValueRef args[] = {zero, zero, p[PARAM_TO], p[PARAM_FROM], p[PARAM_BYTES]};
        call_helper(l, NATIVE_IMPORT_memory_copy, EFFECT_FUEL, args, COUNT_OF(args));
    } else {
        LLVMValueRef value = LLVMBuildTrunc(u->builder, p[PARAM_FROM], u->i32, "");
        LLVMValueRef args[] = {zero, p[PARAM_TO], value, p[PARAM_BYTES]};
        call_helper(l, NATIVE_IMPORT_memory_fill, EFFECT_FUEL, args, COUNT_OF(args));
    }
    return_values(l, NULL);
}

static void define_large(struct unit *u, const struct move *move, bool is_copy)
{
    struct body body;
    if (!begin(&body, u, move->large, is_copy))
        return;
    struct lower *l = body.l;
    LLVMBuilderRef b = u->builder;
    LLVMValueRef bytes = body.params[PARAM_BYTES];
    LLVMBasicBlockRef helper = lower_block(l, "helper"), inside = lower_block(l, "");
    go_to(&body, at_least(&body, bytes, PLAIN_BYTES_MAX + 1), helper, u->cold_branch);
    lower_branch(l, is_inside(&body), inside, helper, u->hot_branch);
    lower_continue_at(l, inside);
    if (l->fuel != NULL) {
        LLVMValueRef cost = LLVMBuildLShr(b, bytes, const_i64(u, 6), "");
        LLVMValueRef left = LLVMBuildSub(b, body.params[PARAM_FUEL], cost, "");
        go_to(&body, LLVMBuildICmp(b, LLVMIntSLT, left, const_i64(u, 0), ""), helper,
              u->cold_branch);
        LLVMBuildStore(b, left, l->fuel);
    }
    call_library(&body);
    return_values(l, NULL);
    lower_continue_at(l, helper);
    call_the_helper(&body);
    lower_finish(l);
}

void define_moves(struct unit *u)
{
    for (unsigned is_copy = 0; is_copy < COUNT_OF(u->state->moves); is_copy++) {
        const struct move *move = &u->state->moves[is_copy];
        if (move->small == NULL)
            continue;
        define_small(u, move, is_copy != 0);
        define_large(u, move, is_copy != 0);
    }
}
