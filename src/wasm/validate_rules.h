/* SPDX-License-Identifier: Apache-2.0 */
/* What the fast loop of the validator (validate_run.c) knows of each opcode. */
#ifndef WASM_VALIDATE_RULES_H
#define WASM_VALIDATE_RULES_H

#include "wasm/module.h"

enum action {
    ACTION_OTHER,  /* not in the fast loop */
    ACTION_PLAIN,  /* all that its rule says */
    ACTION_VECTOR, /* the prefix of vector operators, which have rules of their own */
    ACTION_LOCAL_GET,
    ACTION_LOCAL_SET,
    ACTION_LOCAL_TEE,
    ACTION_GLOBAL_GET,
    ACTION_GLOBAL_SET,
    ACTION_BLOCK,
    ACTION_LOOP,
    ACTION_IF,
    ACTION_ELSE,
    ACTION_END,
    ACTION_BR,
    ACTION_BR_IF,
    ACTION_RETURN,
    ACTION_UNREACHABLE,
    ACTION_CALL,
    ACTION_DROP,
    ACTION_SELECT,
    ACTION_UNKNOWN, /* the rule is made when its opcode first comes up */
};

/*
 * A rule with ACTION_PLAIN: the operator takes up to two operands, which lie on top of the stack as
 * in `operands`, and gives up to one result. Its immediates are
 *
 *     skip_bytes bytes, of which the first is at most first_max; then, if leb_bytes_max is not 0, a
 *     LEB128 integer of at most that many bytes; fifth_bias + its fifth byte, modulo 128, is below 16
 *
 * which says it all for constants, lanes, and accesses to a 32-bit memory 0.
 */
struct op_rule {
    valtype operands[2], operands_mask[2];
    valtype result;
    int8_t height_change;
    int8_t result_at; /* index from the new top: -1; 0, past the top, for none */
    uint8_t action;   /* enum action */
    uint8_t skip_bytes, first_max, leb_bytes_max, fifth_bias;
    uint32_t unused; /* a size of 32 bytes makes an index a shift */
};

enum { RULES_VECTOR = 0x120, RULE_BYTES_MAX = 3 + 16 + 8 };

/* RULE_BYTES_MAX: what a plain operator may read from its opcode on, whatever the bytes are. */
struct body_rules {
    struct op_rule by_byte[256];
    struct op_rule vector[RULES_VECTOR]; /* by the code that follows 0xfd */
};

/*
 * Rules for the code of a module, with its features and its first memory. They start unknown and
 * are learnt opcode by opcode, those of vectors together: a small module needs few.
 */
void validate_rules_begin(struct body_rules *rules);
void validate_rules_learn(const struct wasm_module *module, uint8_t byte, struct body_rules *rules);

#endif
