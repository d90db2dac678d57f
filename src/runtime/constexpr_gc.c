/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions of constant expressions that make objects. */
#include "base/leb128.h"
#include "runtime/constexpr.h"
#include "runtime/ops.h"

/* Replaces the top `slots` slots, which were the operands, by one reference. */
static enum stint_status replace(struct const_roots *stack, uint64_t slots, enum stint_trap trap,
                                 uint64_t ref)
{
    if (trap != STINT_TRAP_NONE)
        return error_set_trap(stack->error, trap);
    stack->height -= slots;
    return const_push(stack, ref, true) ? STINT_OK : STINT_NOMEM;
}

static uint32_t field_slots(const struct type_def *type)
{
    uint32_t slots = 0;
    for (uint32_t i = 0; i < type->field_count; i++)
        slots += vt_slots(type->fields[i].type);
    return slots;
}

enum stint_status const_eval_gc(struct const_roots *stack, enum op op, const uint8_t **at)
{
    struct stint_instance *instance = stack->instance;
    const struct type_def *const *types = instance->module->wasm->types;
    uint64_t *top = stack->slots + stack->height;
    uint64_t ref = 0, slots;
    enum stint_trap trap;
    const struct type_def *type;
    switch (op) {
    case OP_REF_I31:
        top[-1] = gc_make_i31((uint32_t)top[-1]);
        return STINT_OK;
    case OP_ANY_CONVERT_EXTERN:
    case OP_EXTERN_CONVERT_ANY:
        return STINT_OK;
    case OP_STRUCT_NEW:
        type = types[leb_next_unsigned(at)];
        slots = field_slots(type);
        trap = op_struct_new(instance, type, top - slots, &ref);
        return replace(stack, slots, trap, ref);
    case OP_STRUCT_NEW_DEFAULT:
        trap = op_struct_new_default(instance, types[leb_next_unsigned(at)], &ref);
        return replace(stack, 0, trap, ref);
    case OP_ARRAY_NEW:
        type = types[leb_next_unsigned(at)];
        slots = vt_slots(type->fields[0].type);
        trap = op_array_new(instance, type, top - 1 - slots, (uint32_t)top[-1], &ref);
        return replace(stack, slots + 1, trap, ref);
    case OP_ARRAY_NEW_DEFAULT:
        type = types[leb_next_unsigned(at)];
        trap = op_array_new_default(instance, type, (uint32_t)top[-1], &ref);
        return replace(stack, 1, trap, ref);
    case OP_ARRAY_NEW_FIXED: {
        type = types[leb_next_unsigned(at)];
        uint32_t length = (uint32_t)leb_next_unsigned(at);
        slots = (uint64_t)length * vt_slots(type->fields[0].type);
        trap = op_array_new_fixed(instance, type, top - slots, length, &ref);
        return replace(stack, slots, trap, ref);
    }
    default:
        return error_set(stack->error, STINT_INVALID, STINT_NO_OFFSET,
                         "not a constant instruction: %s", op_infos[op].text);
    }
}
