/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions, printed flat, each with the immediates that its row in op.def names. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "wasm/limits.h"
#include "wasm/print_int.h"

/* Of a whole module: few bytes can declare many locals. */
enum { LOCALS_MAX = 50000000 };

/* ---- Immediates -------------------------------------------------------------------------- */

static void print_space_index(struct printer *p, enum print_space space)
{
    out_text(p, " ");
    out_index(p, space, read_u32(&p->r));
}

/* An index that is left out where it is 0. */
static void print_optional_index(struct printer *p, enum print_space space)
{
    uint32_t index = read_u32(&p->r);
    if (index == 0)
        return;
    out_text(p, " ");
    out_index(p, space, index);
}

static void print_index_pair(struct printer *p, enum print_space space)
{
    uint32_t first = read_u32(&p->r), second = read_u32(&p->r);
    if (first == 0 && second == 0)
        return;
    out_text(p, " ");
    out_index(p, space, first);
    out_text(p, " ");
    out_index(p, space, second);
}

/* Segment and what it initialises; the text has them the other way around. */
static void print_segment_target(struct printer *p, enum print_space segments,
                                 enum print_space targets)
{
    uint32_t segment = read_u32(&p->r), target = read_u32(&p->r);
    if (target != 0) {
        out_text(p, " ");
        out_index(p, targets, target);
    }
    out_text(p, " ");
    out_index(p, segments, segment);
}

static void print_label(struct printer *p)
{
    out_format(p, " %u", read_u32(&p->r));
}

static void print_br_table(struct printer *p)
{
    uint32_t count = read_count(&p->r, UINT32_MAX, 1, "labels");
    for (uint32_t i = 0; i < count && !reader_failed(&p->r); i++)
        print_label(p);
    print_label(p);
}

static void print_call_indirect(struct printer *p)
{
    uint32_t type = read_u32(&p->r);
    print_optional_index(p, PRINT_TABLE);
    if (!reader_failed(&p->r))
        print_typeuse(p, type);
}

static void print_memarg(struct printer *p, unsigned natural_align)
{
    enum { HAS_MEMORY = 0x40 };
    const uint8_t *at = p->r.at;
    uint32_t align = read_u32(&p->r), memory = 0;
    if ((align & HAS_MEMORY) != 0)
        memory = read_u32(&p->r);
    uint64_t offset = read_u64(&p->r);
    if (align >= 2 * HAS_MEMORY)
        reader_fail(&p->r, STINT_MALFORMED, at, "malformed memop flags 0x%x", align);
    align &= HAS_MEMORY - 1;
    if (memory != 0) {
        out_text(p, " ");
        out_index(p, PRINT_MEMORY, memory);
    }
    if (offset != 0)
        out_format(p, " offset=%" PRIu64, offset);
    if (align != natural_align)
        out_format(p, " align=%" PRIu64, UINT64_C(1) << align);
}

static uint64_t little(const uint8_t *bytes, unsigned bits)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bits / 8; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

/* The exact number, and beside it what people read. */
static void print_float(struct printer *p, unsigned bits)
{
    const uint8_t *bytes = read_bytes(&p->r, bits / 8);
    if (bytes == NULL)
        return;
    uint64_t value = little(bytes, bits);
    uint32_t word = (uint32_t)value;
    float f32;
    double f64;
    memcpy(&f32, &word, sizeof(f32));
    memcpy(&f64, &value, sizeof(f64));
    if (bits == 32)
        f64 = (double)f32;
    out_text(p, " ");
    number_append_float(&p->out, value, bits);
    if (f64 == f64 && f64 - f64 == 0)
        out_format(p, " (;=%.*g;)", bits == 32 ? 9 : 17, f64);
}

static void print_v128(struct printer *p)
{
    const uint8_t *bytes = read_bytes(&p->r, 16);
    if (bytes == NULL)
        return;
    out_text(p, " i32x4");
    for (int lane = 0; lane < 4; lane++)
        out_format(p, " 0x%08" PRIx64, little(bytes + 4 * lane, 32));
}

static void print_lanes(struct printer *p, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        out_format(p, " %u", read_byte(&p->r));
}

/* " (result t…)" of select. */
static void print_select(struct printer *p)
{
    uint32_t count = read_count(&p->r, UINT32_MAX, 1, "types");
    out_text(p, " (result");
    for (uint32_t i = 0; i < count && !reader_failed(&p->r); i++) {
        out_text(p, " ");
        print_valtype(p);
    }
    out_text(p, ")");
}

static void print_reference(struct printer *p, bool is_nullable)
{
    out_text(p, is_nullable ? " (ref null " : " (ref ");
    print_heaptype(p);
    out_text(p, ")");
}

/* Of ref.null a heap type; else, where the operator says whether it is nullable, a reference. */
static void print_heap(struct printer *p, enum op op)
{
    if (op != OP_REF_NULL) {
        print_reference(p, op_infos[op].arg != 0);
        return;
    }
    out_text(p, " ");
    print_heaptype(p);
}

static void print_br_cast(struct printer *p)
{
    const uint8_t *at = p->r.at;
    uint8_t flags = read_byte(&p->r);
    if (flags > 3)
        reader_fail(&p->r, STINT_MALFORMED, at, "malformed cast flags 0x%02x", flags);
    print_label(p);
    print_reference(p, (flags & 1) != 0);
    print_reference(p, (flags & 2) != 0);
}

static void print_catches(struct printer *p)
{
    static const char *const names[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
    struct reader *r = &p->r;
    uint32_t count = read_count(r, UINT32_MAX, 2, "catch clauses");
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        uint8_t kind = read_byte(r);
        if (kind >= COUNT_OF(names)) {
            reader_fail(r, STINT_MALFORMED, r->at - 1, "unknown catch clause %u", kind);
            return;
        }
        out_format(p, " (%s", names[kind]);
        if (kind < 2)
            print_space_index(p, PRINT_TAG);
        print_label(p);
        out_text(p, ")");
    }
}

static void print_field_index(struct printer *p)
{
    uint32_t type = read_u32(&p->r), field = read_u32(&p->r);
    out_text(p, " ");
    out_index(p, PRINT_TYPE, type);
    out_text(p, " ");
    out_field(p, type, field);
}

static void print_local(struct printer *p, uint32_t function)
{
    out_text(p, " ");
    out_local(p, function, read_u32(&p->r));
}

/* Immediates of which several are in one space or another. */
static void print_index_immediates(struct printer *p, enum op_immediate kind)
{
    switch (kind) {
    case IMM_FUNC:
        print_space_index(p, PRINT_FUNC);
        break;
    case IMM_TYPE:
        print_space_index(p, PRINT_TYPE);
        break;
    case IMM_GLOBAL:
        print_space_index(p, PRINT_GLOBAL);
        break;
    case IMM_TABLE:
        print_optional_index(p, PRINT_TABLE);
        break;
    case IMM_MEMORY:
        print_optional_index(p, PRINT_MEMORY);
        break;
    case IMM_DATA:
        print_space_index(p, PRINT_DATA);
        break;
    case IMM_ELEM:
        print_space_index(p, PRINT_ELEM);
        break;
    case IMM_TAG:
        print_space_index(p, PRINT_TAG);
        break;
    case IMM_DATA_MEMORY:
        print_segment_target(p, PRINT_DATA, PRINT_MEMORY);
        break;
    case IMM_ELEM_TABLE:
        print_segment_target(p, PRINT_ELEM, PRINT_TABLE);
        break;
    case IMM_MEMORY2:
        print_index_pair(p, PRINT_MEMORY);
        break;
    case IMM_TABLE2:
        print_index_pair(p, PRINT_TABLE);
        break;
    case IMM_TYPE_FIELD:
        print_field_index(p);
        break;
    case IMM_TYPE_COUNT:
        print_space_index(p, PRINT_TYPE);
        out_format(p, " %u", read_u32(&p->r));
        break;
    case IMM_TYPE_DATA:
        print_space_index(p, PRINT_TYPE);
        print_space_index(p, PRINT_DATA);
        break;
    case IMM_TYPE_ELEM:
        print_space_index(p, PRINT_TYPE);
        print_space_index(p, PRINT_ELEM);
        break;
    case IMM_TYPE2:
        print_space_index(p, PRINT_TYPE);
        print_space_index(p, PRINT_TYPE);
        break;
    default:
        break;
    }
}

static void print_immediates(struct printer *p, enum op op, uint32_t function)
{
    const struct op_info *info = &op_infos[op];
    switch ((enum op_immediate)info->immediate) {
    case IMM_NONE:
        break;
    case IMM_BLOCK:
        print_blocktype(p);
        break;
    case IMM_TRY_TABLE:
        print_blocktype(p);
        print_catches(p);
        break;
    case IMM_LABEL:
        print_label(p);
        break;
    case IMM_BR_TABLE:
        print_br_table(p);
        break;
    case IMM_CALL_INDIRECT:
        print_call_indirect(p);
        break;
    case IMM_LOCAL:
        print_local(p, function);
        break;
    case IMM_MEMARG:
        print_memarg(p, info->arg);
        break;
    case IMM_MEMARG_LANE:
        print_memarg(p, info->arg);
        print_lanes(p, 1);
        break;
    case IMM_I32:
        out_format(p, " %" PRId32, read_s32(&p->r));
        break;
    case IMM_I64:
        out_format(p, " %" PRId64, read_s64(&p->r));
        break;
    case IMM_F32:
        print_float(p, 32);
        break;
    case IMM_F64:
        print_float(p, 64);
        break;
    case IMM_V128:
        print_v128(p);
        break;
    case IMM_SHUFFLE:
        print_lanes(p, 16);
        break;
    case IMM_LANE:
        print_lanes(p, 1);
        break;
    case IMM_HEAP:
        print_heap(p, op);
        break;
    case IMM_SELECT_T:
        print_select(p);
        break;
    case IMM_BR_CAST:
        print_br_cast(p);
        break;
    default:
        print_index_immediates(p, info->immediate);
        break;
    }
}

enum op print_instruction(struct printer *p, uint32_t function)
{
    struct reader *r = &p->r;
    const uint8_t *at = r->at;
    uint8_t prefix = 0;
    uint32_t code = read_byte(r);
    if (code == 0xfb || code == 0xfc || code == 0xfd) {
        prefix = (uint8_t)code;
        code = read_u32(r);
    }
    enum op op = reader_failed(r) ? OP_INVALID : op_from_code(prefix, code);
    if (op == OP_INVALID) {
        if (prefix == 0)
            reader_fail(r, STINT_MALFORMED, at, "illegal opcode 0x%02x", code);
        else
            reader_fail(r, STINT_MALFORMED, at, "illegal opcode 0x%02x 0x%02x", prefix, code);
        return OP_INVALID;
    }
    out_text(p, op_infos[op].text);
    print_immediates(p, op, function);
    return reader_failed(r) ? OP_INVALID : op;
}

/* ---- Sequences --------------------------------------------------------------------------- */

static bool opens_block(enum op op)
{
    return op_infos[op].immediate == IMM_BLOCK || op_infos[op].immediate == IMM_TRY_TABLE;
}

/* Whether the expression at p->r is one instruction and its end. Prints it on the way. */
static bool print_single(struct printer *p)
{
    struct reader saved = p->r;
    size_t start = p->out.bytes;
    out_text(p, " (");
    enum op op = print_instruction(p, UINT32_MAX);
    if (op != OP_INVALID && op != OP_END && op != OP_ELSE && !opens_block(op) &&
        p->r.at < p->r.end && *p->r.at == op_infos[OP_END].code) {
        p->r.at++;
        out_text(p, ")");
        return true;
    }
    if (reader_failed(&p->r))
        return true; /* the failure stays */
    p->r = saved;
    p->out.bytes = start;
    return false;
}

void print_expression(struct printer *p, const char *keyword)
{
    uint32_t depth = 0;
    if (print_single(p))
        return;
    if (keyword != NULL)
        out_format(p, " (%s", keyword);
    for (;;) {
        out_room(p);
        size_t start = p->out.bytes;
        out_text(p, " ");
        enum op op = print_instruction(p, UINT32_MAX);
        if (op == OP_INVALID)
            break;
        if (op == OP_END && depth == 0) {
            p->out.bytes = start; /* the text has none for the expression itself */
            break;
        }
        depth += opens_block(op);
        depth -= op == OP_END;
    }
    if (keyword != NULL)
        out_text(p, ")");
}

void print_locals(struct printer *p, uint32_t function, uint32_t local)
{
    struct reader *r = &p->r;
    struct print_group group = {.keyword = "local"};
    uint32_t runs = read_count(r, UINT32_MAX, 2, "locals"), total = 0;
    for (uint32_t i = 0; i < runs && !reader_failed(r); i++) {
        const uint8_t *at = r->at;
        uint32_t count = read_u32(r);
        total += count;
        if (total > LIMIT_LOCALS || total < count || count > LOCALS_MAX - p->local_total) {
            reader_fail(r, STINT_LIMIT, at, "too many locals to write them all down");
            return;
        }
        p->local_total += count;
        at = r->at;
        if (count == 0)
            skip_valtype(r);
        for (; count > 0 && !reader_failed(r); count--, local++) {
            r->at = at;
            group_next(p, &group, find_subname(&p->local_names, function, local));
            print_valtype(p);
        }
    }
    group_end(p, &group);
}
