/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/body.h"

enum op body_op(const uint8_t **at)
{
    uint8_t byte = *(*at)++;
    if (byte < 0xfb)
        return (enum op)op_from_byte[byte];
    return op_from_code(byte, (uint32_t)leb_next_unsigned(at));
}

void body_skip_leb(const uint8_t **at)
{
    while ((*(*at)++ & 0x80) != 0)
        continue;
}

void body_skip_memarg(const uint8_t **at)
{
    uint64_t flags = leb_next_unsigned(at);
    if ((flags & 64) != 0)
        body_skip_leb(at);
    body_skip_leb(at);
}

/* A number, or a reference's byte and a heap type: block types are the same with an index, too. */
void body_skip_valtype(const uint8_t **at)
{
    uint8_t byte = **at;
    body_skip_leb(at);
    if (byte == VT_REF || byte == VT_REF_NULL)
        body_skip_leb(at);
}

static void skip_catches(const uint8_t **at)
{
    for (uint64_t count = leb_next_unsigned(at); count > 0; count--) {
        uint8_t kind = *(*at)++;
        if (kind < CATCH_EVERY)
            body_skip_leb(at);
        body_skip_leb(at);
    }
}

/* How many numbers in LEB128, then how many bytes make up an immediate, for those of fixed form; the
 * others have their case below. The flags of br_on_cast are a byte below 128, hence a number. */
static const struct {
    uint8_t numbers, bytes;
} forms[] = {
    [IMM_NONE] = {0, 0},          [IMM_BLOCK] = {0, 0},       [IMM_LABEL] = {1, 0},
    [IMM_BR_TABLE] = {0, 0},      [IMM_FUNC] = {1, 0},        [IMM_TYPE] = {1, 0},
    [IMM_CALL_INDIRECT] = {2, 0}, [IMM_LOCAL] = {1, 0},       [IMM_GLOBAL] = {1, 0},
    [IMM_TABLE] = {1, 0},         [IMM_MEMARG] = {0, 0},      [IMM_MEMARG_LANE] = {0, 1},
    [IMM_MEMORY] = {1, 0},        [IMM_DATA_MEMORY] = {2, 0}, [IMM_DATA] = {1, 0},
    [IMM_MEMORY2] = {2, 0},       [IMM_ELEM_TABLE] = {2, 0},  [IMM_ELEM] = {1, 0},
    [IMM_TABLE2] = {2, 0},        [IMM_I32] = {1, 0},         [IMM_I64] = {1, 0},
    [IMM_F32] = {0, 4},           [IMM_F64] = {0, 8},         [IMM_V128] = {0, 16},
    [IMM_SHUFFLE] = {0, 16},      [IMM_LANE] = {0, 1},        [IMM_HEAP] = {1, 0},
    [IMM_SELECT_T] = {0, 0},      [IMM_TRY_TABLE] = {0, 0},   [IMM_TAG] = {1, 0},
    [IMM_TYPE_FIELD] = {2, 0},    [IMM_TYPE_COUNT] = {2, 0},  [IMM_TYPE_DATA] = {2, 0},
    [IMM_TYPE_ELEM] = {2, 0},     [IMM_TYPE2] = {2, 0},       [IMM_BR_CAST] = {4, 0},
};
_Static_assert(COUNT_OF(forms) == IMM_BR_CAST + 1, "every immediate has a row");

void body_skip_immediates(const uint8_t **at, enum op op)
{
    unsigned immediate = op_infos[op].immediate;
    uint64_t numbers = forms[immediate].numbers;
    switch (immediate) {
    case IMM_BLOCK:
        body_skip_valtype(at);
        break;
    case IMM_BR_TABLE:
        numbers = leb_next_unsigned(at) + 1;
        break;
    case IMM_MEMARG:
    case IMM_MEMARG_LANE:
        body_skip_memarg(at);
        break;
    case IMM_SELECT_T:
        for (uint64_t count = leb_next_unsigned(at); count > 0; count--)
            body_skip_valtype(at);
        break;
    case IMM_TRY_TABLE:
        body_skip_valtype(at);
        skip_catches(at);
        break;
    default:
        break;
    }
    for (; numbers > 0; numbers--)
        body_skip_leb(at);
    *at += forms[immediate].bytes;
}

uint32_t op_fuel(enum op op)
{
    switch (op) {
    case OP_NOP:
    case OP_BLOCK:
    case OP_LOOP:
    case OP_ELSE:
    case OP_END:
    case OP_TRY_TABLE:
        return 0;
    default:
        return 1;
    }
}

heaptype body_heaptype(const struct wasm_module *module, const uint8_t **at)
{
    int64_t value = leb_next_signed(at);
    if (value < 0)
        return (heaptype)(HEAP_ABSTRACT | ((uint32_t)value & 0x7f));
    return module->types[value]->id;
}

valtype body_valtype(const struct wasm_module *module, const uint8_t **at)
{
    uint8_t byte = *(*at)++;
    if (byte == VT_REF || byte == VT_REF_NULL)
        return byte | (valtype)body_heaptype(module, at) << 8;
    if (byte >= VT_V128)
        return byte;
    return VT_MAKE_REF_NULL(HEAP_ABSTRACT | byte);
}
