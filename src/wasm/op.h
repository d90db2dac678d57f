/* SPDX-License-Identifier: Apache-2.0 */
/* Operators and features, derived from wasm/op.def and the feature table below. */
#ifndef WASM_OP_H
#define WASM_OP_H

#include "base/status.h"
#include "stint_config.h"

/*
 * Proposals as runtime bits: name, switch on the command line, on by default.
 * All of Wasm 3.0 is on; what is not in it is off.
 */
#define FEATURE_MAP(X)                                                                             \
    X(MVP, "mvp", 1)                                                                               \
    X(MUTABLE_GLOBAL, "mutable-global", 1)                                                         \
    X(SIGN_EXT, "sign-extension", 1)                                                               \
    X(SAT_FLOAT, "saturating-float-to-int", 1)                                                     \
    X(MULTI_VALUE, "multi-value", 1)                                                               \
    X(BULK, "bulk-memory", 1)                                                                      \
    X(REF_TYPES, "reference-types", 1)                                                             \
    X(SIMD, "simd", 1)                                                                             \
    X(RELAXED_SIMD, "relaxed-simd", 1)                                                             \
    X(TAIL_CALL, "tail-call", 1)                                                                   \
    X(EXTENDED_CONST, "extended-const", 1)                                                         \
    X(EXCEPTIONS, "exceptions", 1)                                                                 \
    X(MULTI_MEMORY, "multi-memory", 1)                                                             \
    X(MEMORY64, "memory64", 1)                                                                     \
    X(FUNC_REFS, "function-references", 1)                                                         \
    X(GC, "gc", 1)

enum feature_bit {
#define X(id, name, on) FEATURE_BIT_##id,
    FEATURE_MAP(X)
#undef X
    FEATURE_BIT_COUNT
};

enum feature {
#define X(id, name, on) FEATURE_##id = 1 << FEATURE_BIT_##id,
    FEATURE_MAP(X)
#undef X
};

/* What this build cannot run, whatever is switched on; and what is on unless switched off. */
#define X(id, name, on) | ((on) << FEATURE_BIT_##id)
enum {
    FEATURES_LEFT_OUT = (STINT_WITH_SIMD ? 0 : FEATURE_SIMD | FEATURE_RELAXED_SIMD) |
                        (STINT_WITH_GC ? 0 : FEATURE_GC | FEATURE_FUNC_REFS) |
                        (STINT_WITH_EXCEPTIONS ? 0 : FEATURE_EXCEPTIONS) |
                        (STINT_DEVICE ? FEATURE_MULTI_MEMORY | FEATURE_MEMORY64 : 0),
    FEATURES_DEFAULT = (0 FEATURE_MAP(X)) & ~FEATURES_LEFT_OUT
};
#undef X

/* What follows an opcode. Indices are LEB128 u32 unless said otherwise. */
enum op_immediate {
    IMM_NONE,
    IMM_BLOCK,         /* block type: s33 */
    IMM_LABEL,         /* label depth */
    IMM_BR_TABLE,      /* count, that many labels, default label */
    IMM_FUNC,          /* function */
    IMM_TYPE,          /* type */
    IMM_CALL_INDIRECT, /* type, table */
    IMM_LOCAL,         /* local */
    IMM_GLOBAL,        /* global */
    IMM_TABLE,         /* table */
    IMM_MEMARG,        /* alignment log2 (+ 64: a memory index follows), offset u64 */
    IMM_MEMARG_LANE,   /* MEMARG, lane byte */
    IMM_MEMORY,        /* memory */
    IMM_DATA_MEMORY,   /* data segment, memory */
    IMM_DATA,          /* data segment */
    IMM_MEMORY2,       /* destination memory, source memory */
    IMM_ELEM_TABLE,    /* element segment, table */
    IMM_ELEM,          /* element segment */
    IMM_TABLE2,        /* destination table, source table */
    IMM_I32,           /* s32 */
    IMM_I64,           /* s64 */
    IMM_F32,           /* 4 bytes */
    IMM_F64,           /* 8 bytes */
    IMM_V128,          /* 16 bytes */
    IMM_SHUFFLE,       /* 16 lane bytes */
    IMM_LANE,          /* lane byte */
    IMM_HEAP,          /* heap type: s33 */
    IMM_SELECT_T,      /* count (1), value type */
    IMM_TRY_TABLE,     /* block type, count, catch clauses */
    IMM_TAG,           /* tag */
    IMM_TYPE_FIELD,    /* struct type, field */
    IMM_TYPE_COUNT,    /* array type, number of elements */
    IMM_TYPE_DATA,     /* array type, data segment */
    IMM_TYPE_ELEM,     /* array type, element segment */
    IMM_TYPE2,         /* destination array type, source array type */
    IMM_BR_CAST,       /* flags byte (1: source nullable, 2: target nullable), label, heap, heap */
};

enum op {
#define OP(id, prefix, code, text, imm, arg, sig, feature) OP_##id,
#include "wasm/op.def"
#undef OP
    OP_COUNT,
    OP_INVALID = OP_COUNT,
/* What this build leaves out still has names, past every table: no module reaches them. */
#define OP(id, prefix, code, text, imm, arg, sig, feature) OP_##id,
#include STINT_WASM_OPS_GC_OFF
#include STINT_WASM_OPS_SIMD_OFF
#undef OP
};

/* The longest keyword. */
union op_text {
#define OP(id, prefix, code, text, imm, arg, sig, feature) char id[sizeof(text)];
#include "wasm/op.def"
#undef OP
};

/* Without pointers, so that the table is not relocated when the program starts. */
struct op_info {
    char text[sizeof(union op_text)];
    char signature[6];     /* "ii:i", or "*"; see op.def */
    uint32_t feature;      /* FEATURE_… */
    uint16_t code;
    uint8_t prefix;
    uint8_t immediate; /* enum op_immediate */
    uint8_t arg;
};

extern const struct op_info op_infos[OP_COUNT];

/* The operator with this prefix (0, 0xfb, 0xfc, 0xfd) and code, or OP_INVALID. */
enum op op_from_code(uint8_t prefix, uint32_t code);
/* One byte to operator for prefix 0, for loops over code: op_from_byte[byte] or OP_INVALID. */
extern const uint16_t op_from_byte[256];

/* "simd", …: the name a user gives to -W; NULL past the end. */
const char *feature_name(enum feature_bit bit);

#endif
