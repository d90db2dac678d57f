/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/op.h"

/* The tables are filled with "invalid" first and then by row: overriding is the point. */
#pragma GCC diagnostic ignored "-Woverride-init"

const struct op_info op_infos[OP_COUNT] = {
#define OP(id, prefix, code, text, imm, arg, sig, feature)                                         \
    [OP_##id] = {text, sig, FEATURE_##feature, code, prefix, IMM_##imm, arg},
#include "wasm/op.def"
#undef OP
};

/* Rows of another prefix land in element 256, past the table's end of use. */
#define SLOT(prefix, wanted, code, size) ((prefix) == (wanted) ? (code) : (size))

const uint16_t op_from_byte[256] = {
    [0 ... 255] = OP_INVALID,
#define OP(id, prefix, code, text, imm, arg, sig, feature)                                         \
    [(prefix) == 0 ? (code) : 0xff] = (prefix) == 0 ? OP_##id : OP_INVALID,
#include "wasm/op.def"
#undef OP
};

/* Prefixed operators: the largest code of each prefix is below 0x120. */
enum { PREFIXED_CODES = 0x120 };


static const uint16_t from_fb[PREFIXED_CODES + 1] = {
    [0 ... PREFIXED_CODES] = OP_INVALID,
#define OP(id, prefix, code, text, imm, arg, sig, feature)                                         \
    [SLOT(prefix, 0xfb, code, PREFIXED_CODES)] = (prefix) == 0xfb ? OP_##id : OP_INVALID,
#include "wasm/op.def"
#undef OP
};

static const uint16_t from_fc[PREFIXED_CODES + 1] = {
    [0 ... PREFIXED_CODES] = OP_INVALID,
#define OP(id, prefix, code, text, imm, arg, sig, feature)                                         \
    [SLOT(prefix, 0xfc, code, PREFIXED_CODES)] = (prefix) == 0xfc ? OP_##id : OP_INVALID,
#include "wasm/op.def"
#undef OP
};

static const uint16_t from_fd[PREFIXED_CODES + 1] = {
    [0 ... PREFIXED_CODES] = OP_INVALID,
#define OP(id, prefix, code, text, imm, arg, sig, feature)                                         \
    [SLOT(prefix, 0xfd, code, PREFIXED_CODES)] = (prefix) == 0xfd ? OP_##id : OP_INVALID,
#include "wasm/op.def"
#undef OP
};

enum op op_from_code(uint8_t prefix, uint32_t code)
{
    if (prefix == 0)
        return code < COUNT_OF(op_from_byte) ? (enum op)op_from_byte[code] : OP_INVALID;
    if (code >= PREFIXED_CODES)
        return OP_INVALID;
    switch (prefix) {
    case 0xfb: return (enum op)from_fb[code];
    case 0xfc: return (enum op)from_fc[code];
    case 0xfd: return (enum op)from_fd[code];
    default: return OP_INVALID;
    }
}

const char *feature_name(enum feature_bit bit)
{
    static const char *const names[] = {
#define X(id, name, on) name,
        FEATURE_MAP(X)
#undef X
    };
    return (unsigned)bit < COUNT_OF(names) ? names[bit] : NULL;
}
