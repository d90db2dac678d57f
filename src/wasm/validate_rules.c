/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/validate_rules.h"

#include <string.h>

static uint8_t special_action(enum op op)
{
    switch (op) {
    case OP_LOCAL_GET:
        return ACTION_LOCAL_GET;
    case OP_LOCAL_SET:
        return ACTION_LOCAL_SET;
    case OP_LOCAL_TEE:
        return ACTION_LOCAL_TEE;
    case OP_GLOBAL_GET:
        return ACTION_GLOBAL_GET;
    case OP_GLOBAL_SET:
        return ACTION_GLOBAL_SET;
    case OP_BLOCK:
        return ACTION_BLOCK;
    case OP_LOOP:
        return ACTION_LOOP;
    case OP_IF:
        return ACTION_IF;
    case OP_ELSE:
        return ACTION_ELSE;
    case OP_END:
        return ACTION_END;
    case OP_BR:
        return ACTION_BR;
    case OP_BR_IF:
        return ACTION_BR_IF;
    case OP_RETURN:
        return ACTION_RETURN;
    case OP_UNREACHABLE:
        return ACTION_UNREACHABLE;
    case OP_CALL:
        return ACTION_CALL;
    case OP_DROP:
        return ACTION_DROP;
    case OP_SELECT:
        return ACTION_SELECT;
    default:
        return ACTION_OTHER;
    }
}

/* `a` is i32: rules are for 32-bit memories. */
static valtype letter_type(char letter)
{
    switch (letter) {
    case 'l':
        return VT_I64;
    case 'f':
        return VT_F32;
    case 'd':
        return VT_F64;
    case 'v':
        return VT_V128;
    default:
        return VT_I32;
    }
}

/* Immediates of a plain operator; false where a rule cannot say what they are. */
static bool fill_immediates(const struct wasm_module *module, const struct op_info *info,
                            struct op_rule *rule)
{
    rule->first_max = 0xff;
    switch (info->immediate) {
    case IMM_NONE:
        return true;
    case IMM_MEMARG:
        if (module->memory_count == 0 || module->memories[0].limits.is_64)
            return false;
        rule->skip_bytes = 1;
        rule->first_max = info->arg;
        rule->leb_bytes_max = 5;
        return true;
    case IMM_I32:
        rule->leb_bytes_max = 5;
        rule->fifth_bias = 8;
        return true;
    case IMM_I64:
        rule->leb_bytes_max = 4;
        return true;
    case IMM_F32:
        rule->skip_bytes = 4;
        return true;
    case IMM_F64:
        rule->skip_bytes = 8;
        return true;
    case IMM_V128:
        rule->skip_bytes = 16;
        return true;
    case IMM_LANE:
        rule->skip_bytes = 1;
        rule->first_max = info->arg - 1;
        return true;
    default:
        return false;
    }
}

static void fill_rule(const struct wasm_module *module, enum op op, struct op_rule *rule)
{
    *rule = (struct op_rule){.action = ACTION_OTHER};
    if (op == OP_INVALID || (module->features & op_infos[op].feature) == 0)
        return;
    const struct op_info *info = &op_infos[op];
    if (info->signature[0] == '*') {
        rule->action = special_action(op);
        return;
    }
    const char *colon = strchr(info->signature, ':');
    int pops = (int)(colon - info->signature), pushes = (int)strlen(colon + 1);
    if (pops > 2 || pushes > 1 || !fill_immediates(module, info, rule))
        return;
    for (int i = 0; i < pops; i++) {
        rule->operands[1 - i] = letter_type(colon[-1 - i]);
        rule->operands_mask[1 - i] = UINT32_MAX;
    }
    rule->height_change = (int8_t)(pushes - pops);
    rule->result_at = pushes != 0 ? -1 : 0;
    rule->result = letter_type(colon[1]);
    rule->action = ACTION_PLAIN;
}

void validate_rules_begin(struct body_rules *rules)
{
    for (unsigned byte = 0; byte < COUNT_OF(rules->by_byte); byte++)
        rules->by_byte[byte].action = ACTION_UNKNOWN;
}

void validate_rules_learn(const struct wasm_module *module, uint8_t byte, struct body_rules *rules)
{
    enum { PREFIX_VECTOR = 0xfd };
    fill_rule(module, (enum op)op_from_byte[byte], &rules->by_byte[byte]);
    if (byte != PREFIX_VECTOR || (module->features & FEATURE_SIMD) == 0)
        return;
    for (unsigned code = 0; code < COUNT_OF(rules->vector); code++)
        fill_rule(module, op_from_code(PREFIX_VECTOR, code), &rules->vector[code]);
    rules->by_byte[byte].action = ACTION_VECTOR;
}
