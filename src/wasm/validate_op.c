/* SPDX-License-Identifier: Apache-2.0 */
/* Any one instruction (core specification 3.4): its immediates, then its signature in op.def. */
#include <string.h>

#include "base/buf.h"
#include "wasm/limits.h"
#include "wasm/validate_int.h"

enum op validate_read_op(struct validator *v)
{
    struct reader *r = &v->r;
    v->op_at = r->at;
    v->op_text = "the end";
    uint8_t byte = read_byte(r);
    enum op op = (enum op)op_from_byte[byte];
    uint32_t code = 0;
    if (op == OP_INVALID && byte >= 0xfb && byte <= 0xfd) {
        code = read_u32(r);
        op = op_from_code(byte, code);
        if (op == OP_INVALID)
            reader_fail(r, STINT_MALFORMED, v->op_at, "illegal opcode %02x %02x", byte, code);
    } else if (op == OP_INVALID) {
        reader_fail(r, STINT_MALFORMED, v->op_at, "illegal opcode %02x", byte);
    }
    if (reader_failed(r))
        return OP_INVALID;
    v->op_text = op_infos[op].text;
    return op;
}

/* Reads a memory argument; the address type of its memory, or VT_BOT on failure. */
static valtype read_memarg(struct validator *v, unsigned log2_bytes)
{
    enum { HAS_MEMORY = 64 };
    const struct wasm_module *module = v->r.module;
    uint32_t flags = read_u32(&v->r);
    uint32_t memory = 0;
    if (flags >= 2 * HAS_MEMORY) {
        validator_fail(v, STINT_MALFORMED, "malformed memop flags 0x%x", flags);
        return VT_BOT;
    }
    if ((flags & HAS_MEMORY) != 0) {
        if (!validator_need_feature(v, FEATURE_MULTI_MEMORY))
            return VT_BOT;
        memory = read_u32(&v->r);
    }
    uint64_t offset = read_u64(&v->r);
    if (reader_failed(&v->r))
        return VT_BOT;
    if (memory >= module->memory_count) {
        validator_fail(v, STINT_INVALID, "unknown memory %u: the module has %u", memory,
                       module->memory_count);
        return VT_BOT;
    }
    if ((flags & (HAS_MEMORY - 1)) > log2_bytes)
        validator_fail(v, STINT_INVALID,
                       "alignment must not be larger than natural: 2^%u is, 2^%u is natural",
                       flags & (HAS_MEMORY - 1), log2_bytes);
    const struct wasm_limits *limits = &module->memories[memory].limits;
    if (!limits->is_64 && offset > UINT32_MAX)
        validator_fail(v, STINT_INVALID, "offset out of range: %llu in a 32-bit memory",
                       (unsigned long long)offset);
    return address_type(limits);
}

static void read_lane(struct validator *v, unsigned lanes)
{
    uint8_t lane = read_byte(&v->r);
    if (lane >= lanes)
        validator_fail(v, STINT_INVALID, "invalid lane index %u: there are %u lanes", lane, lanes);
}

static void read_shuffle(struct validator *v)
{
    for (int i = 0; i < 16; i++)
        read_lane(v, 32);
}

/* Reads the immediates of an instruction that has a signature; the type that `a` stands for. */
static valtype read_immediates(struct validator *v, const struct op_info *info)
{
    valtype address = VT_I32;
    const struct memory_type *memory;
    switch (info->immediate) {
    case IMM_NONE:
        break;
    case IMM_I32:
        read_s32(&v->r);
        break;
    case IMM_I64:
        read_s64(&v->r);
        break;
    case IMM_F32:
        read_bytes(&v->r, 4);
        break;
    case IMM_F64:
        read_bytes(&v->r, 8);
        break;
    case IMM_V128:
        read_bytes(&v->r, 16);
        break;
    case IMM_SHUFFLE:
        read_shuffle(v);
        break;
    case IMM_LANE:
        read_lane(v, info->arg);
        break;
    case IMM_MEMARG:
        address = read_memarg(v, info->arg);
        break;
    case IMM_MEMARG_LANE:
        address = read_memarg(v, info->arg);
        read_lane(v, 16u >> info->arg);
        break;
    case IMM_MEMORY:
        memory = validator_read_memory(v);
        if (memory != NULL)
            address = address_type(&memory->limits);
        break;
    case IMM_DATA:
        validator_read_data(v);
        break;
    case IMM_ELEM:
        validator_read_elem(v);
        break;
    default:
        validator_fail(v, STINT_UNSUPPORTED, "not supported");
        break;
    }
    return address;
}

static valtype letter_type(char letter, valtype address)
{
    switch (letter) {
    case 'i':
        return VT_I32;
    case 'l':
        return VT_I64;
    case 'f':
        return VT_F32;
    case 'd':
        return VT_F64;
    case 'v':
        return VT_V128;
    default:
        return address;
    }
}

static void apply_signature(struct validator *v, const char *signature, valtype address)
{
    const char *colon = strchr(signature, ':');
    for (const char *p = colon; p > signature && !reader_failed(&v->r);)
        validator_pop(v, letter_type(*--p, address));
    for (const char *p = colon + 1; *p != '\0'; p++)
        validator_push(v, letter_type(*p, address));
}

/* memory.init and memory.copy, whose operands have the types of two address spaces. */
static void memory_op(struct validator *v, enum op op)
{
    const struct memory_type *memory, *source;
    valtype address;
    if (op == OP_MEMORY_INIT) {
        if (!validator_need_data_count(v))
            return;
        uint32_t data = read_u32(&v->r);
        if ((memory = validator_read_memory(v)) == NULL ||
            !validator_check_index(v, data, v->r.module->data_count, "data segment"))
            return;
        validator_pop(v, VT_I32);
        validator_pop(v, VT_I32);
        validator_pop(v, address_type(&memory->limits));
        return;
    }
    if ((memory = validator_read_memory(v)) == NULL || (source = validator_read_memory(v)) == NULL)
        return;
    address = memory->limits.is_64 && source->limits.is_64 ? VT_I64 : VT_I32;
    validator_pop(v, address);
    validator_pop(v, address_type(&source->limits));
    validator_pop(v, address_type(&memory->limits));
}

/* Notes that a local without a default now has a value. */
static void note_set(struct validator *v, uint32_t local)
{
    if (local < v->plain_locals || v->locals_set[local])
        return;
    if (!vec_reserve(v->r.module->alloc, &v->set_log, &v->set_log_capacity, v->set_count + 1,
                     sizeof(*v->set_log))) {
        reader_fail_nomem(&v->r);
        return;
    }
    v->locals_set[local] = true;
    v->set_log[v->set_count++] = local;
}

static void local_op(struct validator *v, enum op op)
{
    uint32_t local = validator_read_index(v, (uint32_t)v->local_count, "local");
    if (local == UINT32_MAX)
        return;
    valtype type = v->locals[local];
    if (op == OP_LOCAL_GET) {
        if (local >= v->plain_locals && !v->locals_set[local])
            validator_fail(v, STINT_INVALID, "uninitialized local %u", local);
    } else {
        validator_pop(v, type);
        note_set(v, local);
    }
    if (op != OP_LOCAL_SET)
        validator_push(v, type);
}

static void global_op(struct validator *v, enum op op)
{
    uint32_t index = validator_read_index(v, v->r.module->global_count, "global");
    if (index == UINT32_MAX)
        return;
    const struct global_type *type = &v->r.module->globals[index].type;
    if (op == OP_GLOBAL_GET) {
        validator_push(v, type->type);
        return;
    }
    if (!type->is_mutable)
        validator_fail(v, STINT_INVALID, "immutable global %u", index);
    validator_pop(v, type->type);
}

void validate_op(struct validator *v, enum op op)
{
    const struct op_info *info = &op_infos[op];
    if (!validator_need_feature(v, info->feature))
        return;
    if (info->signature[0] != '*') {
        valtype address = read_immediates(v, info);
        if (!reader_failed(&v->r))
            apply_signature(v, info->signature, address);
        return;
    }
    if (info->prefix == 0xfb) {
        validate_gc_op(v, op);
        return;
    }
    switch (op) {
    case OP_LOCAL_GET:
    case OP_LOCAL_SET:
    case OP_LOCAL_TEE:
        local_op(v, op);
        break;
    case OP_GLOBAL_GET:
    case OP_GLOBAL_SET:
        global_op(v, op);
        break;
    case OP_MEMORY_INIT:
    case OP_MEMORY_COPY:
        memory_op(v, op);
        break;
    case OP_CALL:
    case OP_CALL_INDIRECT:
    case OP_CALL_REF:
    case OP_RETURN_CALL:
    case OP_RETURN_CALL_INDIRECT:
    case OP_RETURN_CALL_REF:
        validate_call_op(v, op);
        break;
    case OP_BR:
    case OP_BR_IF:
    case OP_BR_TABLE:
    case OP_BR_ON_NULL:
    case OP_BR_ON_NON_NULL:
    case OP_RETURN:
        validate_branch_op(v, op);
        break;
    case OP_TABLE_GET:
    case OP_TABLE_SET:
    case OP_TABLE_SIZE:
    case OP_TABLE_GROW:
    case OP_TABLE_FILL:
    case OP_TABLE_COPY:
    case OP_TABLE_INIT:
        validate_table_op(v, op);
        break;
    case OP_REF_NULL:
    case OP_REF_IS_NULL:
    case OP_REF_FUNC:
    case OP_REF_EQ:
    case OP_REF_AS_NON_NULL:
        validate_ref_op(v, op);
        break;
    default:
        validate_control_op(v, op);
        break;
    }
}
