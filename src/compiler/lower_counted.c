/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counted loops: those that LLVM is given without fuel inside. Toolchains end most loops with
 *
 *   local.get X  i32.const STEP  i32.add  local.tee X  [BOUND  i32.ne]  br_if 0  end
 *
 * Where nothing else leaves such a loop, nothing in it calls, traps or loops, and nothing else writes
 * X or BOUND, the number of passes is known before the first, and so is what they cost. The sum is
 * taken at once where the slice has it; where it has not, passes are paid for one by one, or as many
 * at a time as the slice pays for: so fuel runs out before the same pass as ever.
 *
 * LOOP_WHOLE: the number of passes is a constant, and they are cheap.
 *
 *   pays for all? --no--> the loop once more, as any other (cold; shape LOOP_METERED, `rest`)
 *     | yes                 |
 *   header ... br_if 0 -.   |
 *     ^-----------------'   |
 *   done <------------------'
 *
 * LOOP_CHUNKS: the number of passes is computed.
 *
 *   chunk: pays for all? --no--> pays for how many? ---none: a slice, one pass
 *     ^      | yes                 |
 *     |    header ... count down -.
 *     |      ^--------------------'
 *     '--- br_if 0
 */
#include <string.h>

#include "compiler/lower_int.h"

/* A tenth of a slice: what costs more is not expected to fit into the rest of one. */
enum { WHOLE_FUEL_MAX = 20000 };

/* ---- Finding (for lower_scan.c) ----------------------------------------------------------------- */

/* An operator with its immediate, where that is a number. */
struct seen {
    enum op op;
    int32_t number;
    const uint8_t *at;
};
enum { SEEN_COUNT = 7 };

static bool is_plain_number(enum op op)
{
    if (op >= OP_I32_DIV_S && op <= OP_I32_REM_U)
        return false;
    if (op >= OP_I64_DIV_S && op <= OP_I64_REM_U)
        return false;
    if (op >= OP_I32_TRUNC_F32_S && op <= OP_I32_TRUNC_F64_U)
        return false;
    return op < OP_I64_TRUNC_F32_S || op > OP_I64_TRUNC_F64_U;
}

/* Neither traps (but by a fault), nor calls, nor leaves, except by a label. */
static bool is_plain(enum op op)
{
    if (op_infos[op].prefix == 0xfd)
        return true;
    if (op >= OP_I32_CONST && op <= OP_I64_EXTEND32_S)
        return is_plain_number(op);
    if (op >= OP_I32_LOAD && op <= OP_I64_STORE32)
        return true;
    if (op >= OP_I32_TRUNC_SAT_F32_S && op <= OP_I64_TRUNC_SAT_F64_U)
        return true;
    switch (op) {
    case OP_NOP:
    case OP_BLOCK:
    case OP_IF:
    case OP_ELSE:
    case OP_END:
    case OP_BR:
    case OP_BR_IF:
    case OP_DROP:
    case OP_SELECT:
    case OP_LOCAL_GET:
    case OP_LOCAL_SET:
    case OP_LOCAL_TEE:
    case OP_GLOBAL_GET:
    case OP_GLOBAL_SET:
        return true;
    default:
        return false;
    }
}

static struct seen read_operator(const uint8_t **at)
{
    struct seen seen = {.at = *at};
    seen.op = body_op(at);
    const uint8_t *number = *at;
    if (seen.op == OP_I32_CONST)
        seen.number = (int32_t)leb_next_signed(&number);
    else if (seen.op == OP_BR || seen.op == OP_BR_IF || seen.op == OP_LOCAL_GET ||
             seen.op == OP_LOCAL_SET || seen.op == OP_LOCAL_TEE)
        seen.number = (int32_t)leb_next_unsigned(&number);
    body_skip_immediates(at, seen.op);
    return seen;
}

/* local.get X, i32.const STEP, i32.add, local.tee X */
static bool is_advance(const struct seen *seen, struct loop_count *ret_count)
{
    if (seen[0].op != OP_LOCAL_GET || seen[1].op != OP_I32_CONST || seen[2].op != OP_I32_ADD ||
        seen[3].op != OP_LOCAL_TEE || seen[0].number != seen[3].number || seen[1].number == 0 ||
        seen[1].number == INT32_MIN)
        return false;
    ret_count->counter = (uint32_t)seen[0].number;
    ret_count->step = seen[1].number;
    return true;
}

static bool is_bound(const struct seen *seen, struct loop_count *ret_count)
{
    ret_count->is_local = seen->op == OP_LOCAL_GET;
    ret_count->bound = (uint32_t)seen->number;
    return seen->op == OP_I32_CONST || seen->op == OP_LOCAL_GET;
}

/* `seen`: the last operators of the loop, br_if the last of them. */
static bool is_counted(const struct seen seen[SEEN_COUNT], struct loop_count *ret_count)
{
    if (seen[6].op != OP_BR_IF || seen[6].number != 0)
        return false;
    ret_count->branch = seen[6].at;
    if (is_advance(&seen[2], ret_count))
        return true;
    if (seen[5].op != OP_I32_NE)
        return false;
    return (is_advance(&seen[0], ret_count) && is_bound(&seen[4], ret_count)) ||
           (is_advance(&seen[1], ret_count) && is_bound(&seen[0], ret_count));
}

/* Whether the loop writes its counter once, and its bound never. */
static bool keeps_bound(const uint8_t *at, const struct loop_count *count)
{
    uint32_t writes = 0;
    while (at < count->branch) {
        struct seen seen = read_operator(&at);
        if (seen.op != OP_LOCAL_SET && seen.op != OP_LOCAL_TEE)
            continue;
        writes += (uint32_t)seen.number == count->counter;
        if (count->is_local && (uint32_t)seen.number == count->bound)
            return false;
    }
    return writes == 1 && !(count->is_local && count->bound == count->counter);
}

void scan_counted(const uint8_t *body, const uint8_t *end, struct loop_count *ret_count)
{
    struct seen seen[SEEN_COUNT];
    struct loop_count count;
    uint32_t depth = 0, leaving = 0;
    memset(seen, 0, sizeof(seen));
    memset(&count, 0, sizeof(count));
    for (const uint8_t *at = body; at < end;) {
        struct seen next = read_operator(&at);
        if (!is_plain(next.op))
            return;
        if (next.op == OP_END && depth-- == 0)
            break;
        if (next.op == OP_BLOCK || next.op == OP_IF)
            depth++;
        leaving += (next.op == OP_BR || next.op == OP_BR_IF) && (uint32_t)next.number >= depth;
        memmove(seen, seen + 1, sizeof(seen) - sizeof(seen[0]));
        seen[SEEN_COUNT - 1] = next;
    }
    /* The branch at the end is the only one with this loop's label or one further out. */
    if (leaving == 1 && is_counted(seen, &count) && keeps_bound(body, &count))
        *ret_count = count;
}

/* ---- Beginning ---------------------------------------------------------------------------------- */

static bool is_wanted(const struct lower *l, const struct control *c)
{
    const struct compiler_options *options = l->unit->options;
    const struct wasm_module *m = l->unit->wasm;
    const struct lower_state *s = l->state;
    if (l->fuel == NULL || options->opt_level < 2 || options->for_size || options->strict ||
        s->loops[c->loop].count.branch == NULL ||
        (s->osr != NULL && s->osr->loop_offset == c->offset_bytes))
        return false;
    for (uint32_t i = 0; i < m->memory_count; i++)
        if (m->memories[i].limits.is_64)
            return false;
    return true;
}

/* What the current block has last stored to a local, if that is a constant. */
static bool find_constant(struct lower *l, uint32_t local, uint32_t *ret_value)
{
    enum { INSTRUCTIONS_MAX = 200 };
    LLVMValueRef place = l->locals[local].place, at = LLVMGetLastInstruction(lower_here(l));
    for (uint32_t n = 0; at != NULL && n < INSTRUCTIONS_MAX; n++) {
        if (LLVMIsAStoreInst(at) != NULL && LLVMGetOperand(at, 1) == place) {
            LLVMValueRef v = LLVMGetOperand(at, 0);
            if (LLVMIsAConstantInt(v) == NULL)
                return false;
            *ret_value = (uint32_t)LLVMConstIntGetZExtValue(v);
            return true;
        }
        at = LLVMGetPreviousInstruction(at);
    }
    return false;
}

/* How often the loop passes; 0: not known here, or more often than there are numbers. */
static uint32_t constant_passes(struct lower *l, const struct loop_count *count)
{
    uint32_t start, bound = count->bound;
    if (!find_constant(l, count->counter, &start) ||
        (count->is_local && !find_constant(l, count->bound, &bound)))
        return 0;
    uint32_t way = count->step > 0 ? bound - start : start - bound;
    uint32_t step = (uint32_t)(count->step > 0 ? count->step : -count->step);
    return way % step == 0 ? way / step : 0;
}

static void begin_whole(struct lower *l, struct control *c, uint64_t fuel)
{
    const struct unit *u = l->unit;
    LLVMBasicBlockRef pays = lower_block(l, "pays");
    c->shape = LOOP_WHOLE;
    c->rest = lower_block(l, "rest");
    c->done = lower_block(l, "done");
    c->header = lower_block(l, "loop");
    LLVMValueRef left = LLVMBuildLoad2(u->builder, u->i64, l->fuel, "");
    left = LLVMBuildSub(u->builder, left, const_i64(u, fuel), "");
    LLVMValueRef is_short = LLVMBuildICmp(u->builder, LLVMIntSLT, left, const_i64(u, 0), "");
    lower_branch(l, is_short, c->rest, pays, u->cold_branch);
    lower_continue_at(l, pays);
    LLVMBuildStore(u->builder, left, l->fuel);
    lower_goto(l, c->header);
    lower_continue_at(l, c->header);
}

/* The passes from here on, as i64, and whether that is their number (else it is endless, nearly). */
static LLVMValueRef build_passes(struct lower *l, const struct loop_count *count,
                                 LLVMValueRef *ret_is_exact)
{
    const struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    LLVMValueRef start = local_load(l, &l->locals[count->counter]);
    LLVMValueRef bound = count->is_local ? local_load(l, &l->locals[count->bound])
                                         : const_i32(u, count->bound);
    bool is_up = count->step > 0;
    LLVMValueRef step = const_i32(u, (uint32_t)(is_up ? count->step : -count->step));
    LLVMValueRef way = LLVMBuildSub(b, is_up ? bound : start, is_up ? start : bound, "");
    LLVMValueRef over = LLVMBuildURem(b, way, step, "");
    LLVMValueRef is_exact =
        LLVMBuildAnd(b, LLVMBuildICmp(b, LLVMIntEQ, over, const_i32(u, 0), ""),
                     LLVMBuildICmp(b, LLVMIntNE, way, const_i32(u, 0), ""), "");
    *ret_is_exact = is_exact;
    return LLVMBuildZExt(b, LLVMBuildUDiv(b, way, step, ""), u->i64, "");
}

/* Where the slice does not pay for all: for how many passes it pays, at least one. */
static void pay_part(struct lower *l, const struct control *c, LLVMValueRef is_exact, uint32_t fuel,
                     LLVMBasicBlockRef run)
{
    const struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    LLVMBasicBlockRef some = lower_block(l, "some"), one = lower_block(l, "one");
    LLVMValueRef left = LLVMBuildLoad2(b, u->i64, l->fuel, ""), each = const_i64(u, fuel);
    LLVMValueRef passes = LLVMBuildUDiv(b, left, each, "");
    LLVMValueRef is_some = LLVMBuildICmp(b, LLVMIntNE, passes, const_i64(u, 0), "");
    lower_branch(l, LLVMBuildAnd(b, is_exact, is_some, ""), some, one, NULL);
    lower_continue_at(l, some);
    LLVMBuildStore(b, passes, c->passes);
    LLVMValueRef paid = LLVMBuildMul(b, passes, each, "");
    LLVMBuildStore(b, LLVMBuildSub(b, left, paid, ""), l->fuel);
    lower_goto(l, run);
    lower_continue_at(l, one);
    fuel_charge(l, fuel, NULL);
    LLVMBuildStore(b, const_i64(u, 1), c->passes);
    lower_goto(l, run);
}

static void begin_chunks(struct lower *l, struct control *c, const struct loop_facts *facts)
{
    const struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    LLVMBasicBlockRef all = lower_block(l, "all"), part = lower_block(l, "part");
    c->shape = LOOP_CHUNKS;
    c->outer = lower_block(l, "chunk");
    c->header = lower_block(l, "loop");
    c->passes = lower_entry_alloca(l, u->i64, "passes");
    lower_goto(l, c->outer);
    lower_continue_at(l, c->outer);
    LLVMValueRef is_exact, passes = build_passes(l, &facts->count, &is_exact);
    LLVMValueRef left = LLVMBuildLoad2(b, u->i64, l->fuel, "");
    left = LLVMBuildSub(b, left, LLVMBuildMul(b, passes, const_i64(u, facts->fuel), ""), "");
    LLVMValueRef pays = LLVMBuildICmp(b, LLVMIntSGE, left, const_i64(u, 0), "");
    lower_branch(l, LLVMBuildAnd(b, is_exact, pays, ""), all, part, u->hot_branch);
    lower_continue_at(l, part);
    pay_part(l, c, is_exact, facts->fuel, c->header);
    lower_continue_at(l, all);
    LLVMBuildStore(b, passes, c->passes);
    LLVMBuildStore(b, left, l->fuel);
    lower_goto(l, c->header);
    lower_continue_at(l, c->header);
}

bool counted_begin(struct lower *l, struct control *c)
{
    const struct loop_facts *facts = &l->state->loops[c->loop];
    if (!is_wanted(l, c))
        return false;
    c->body = l->at;
    uint64_t passes = constant_passes(l, &facts->count);
    if (passes != 0 && passes * facts->fuel <= WHOLE_FUEL_MAX)
        begin_whole(l, c, passes * facts->fuel);
    else
        begin_chunks(l, c, facts);
    return true;
}

/* ---- The end ------------------------------------------------------------------------------------ */

bool counted_branch(struct lower *l, struct control *c, LLVMValueRef condition)
{
    const struct unit *u = l->unit;
    if (c->op != OP_LOOP || c->shape == LOOP_METERED ||
        u->wasm->bytes + l->offset_bytes != l->state->loops[c->loop].count.branch)
        return false;
    LLVMBasicBlockRef goes_on = lower_block(l, "");
    if (c->shape == LOOP_WHOLE) {
        lower_branch(l, condition, c->header, goes_on, NULL);
    } else {
        LLVMBasicBlockRef ends = lower_block(l, "");
        LLVMValueRef left = LLVMBuildLoad2(u->builder, u->i64, c->passes, "");
        left = LLVMBuildSub(u->builder, left, const_i64(u, 1), "");
        LLVMBuildStore(u->builder, left, c->passes);
        LLVMValueRef again = LLVMBuildICmp(u->builder, LLVMIntNE, left, const_i64(u, 0), "");
        lower_branch(l, again, c->header, ends, NULL);
        lower_continue_at(l, ends);
        lower_branch(l, condition, c->outer, goes_on, u->cold_branch);
    }
    lower_continue_at(l, goes_on);
    return true;
}

/* The loop that hardly ever runs is left as it is. */
static void keep_small(struct unit *u, LLVMValueRef branch)
{
    static const char *const hints[] = {"llvm.loop.vectorize.enable", "llvm.loop.unroll.disable"};
    LLVMMetadataRef name = LLVMMDStringInContext2(u->context, hints[0], strlen(hints[0]));
    LLVMMetadataRef never[] = {name, LLVMValueAsMetadata(LLVMConstInt(u->i1, 0, false))};
    LLVMMetadataRef unroll = LLVMMDStringInContext2(u->context, hints[1], strlen(hints[1]));
    LLVMMetadataRef itself = LLVMTemporaryMDNode(u->context, NULL, 0);
    LLVMMetadataRef parts[] = {itself, LLVMMDNodeInContext2(u->context, never, 2),
                               LLVMMDNodeInContext2(u->context, &unroll, 1)};
    LLVMMetadataRef loop = LLVMMDNodeInContext2(u->context, parts, 3);
    LLVMMetadataReplaceAllUsesWith(itself, loop);
    LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(u->context, "llvm.loop", 9),
                    LLVMMetadataAsValue(u->context, loop));
}

bool counted_end(struct lower *l, struct control *c)
{
    if (c->shape != LOOP_WHOLE)
        return false;
    lower_goto(l, c->done);
    lower_continue_at(l, c->rest);
    c->shape = LOOP_METERED;
    l->at = c->body;
    return true;
}

void counted_join(struct lower *l, const struct control *c, LLVMValueRef latch)
{
    if (latch != NULL)
        keep_small(l->unit, latch);
    lower_goto(l, c->done);
    lower_continue_at(l, c->done);
}
