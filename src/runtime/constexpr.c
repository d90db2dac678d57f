/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/constexpr.h"

#include <string.h>

#include "base/leb128.h"
#include "runtime/runtime_int.h"

enum { INLINE_SLOTS = 16 };

bool const_push(struct const_roots *stack, uint64_t value, bool is_traced)
{
    if (stack->height == stack->capacity) {
        struct alloc *alloc = &stack->instance->store->alloc;
        size_t old = stack->capacity, wide = old * 2;
        uint64_t *slots = alloc_get(alloc, wide * sizeof(*slots));
        uint8_t *traced = alloc_get(alloc, wide);
        if (slots == NULL || traced == NULL) {
            alloc_put(alloc, slots, wide * sizeof(*slots));
            alloc_put(alloc, traced, wide);
            (void)error_set(stack->error, STINT_NOMEM, STINT_NO_OFFSET,
                            "no memory for a constant expression");
            return false;
        }
        memcpy(slots, stack->slots, old * sizeof(*slots));
        memcpy(traced, stack->traced, old);
        if (old > INLINE_SLOTS) {
            alloc_put(alloc, stack->slots, old * sizeof(*slots));
            alloc_put(alloc, stack->traced, old);
        }
        stack->slots = slots;
        stack->traced = traced;
        stack->capacity = wide;
    }
    stack->slots[stack->height] = value;
    stack->traced[stack->height++] = is_traced;
    return true;
}

static uint64_t binary(enum op op, uint64_t a, uint64_t b)
{
    switch (op) {
    case OP_I32_ADD:
        return (uint32_t)(a + b);
    case OP_I32_SUB:
        return (uint32_t)(a - b);
    case OP_I32_MUL:
        return (uint32_t)(a * b);
    case OP_I64_ADD:
        return a + b;
    case OP_I64_SUB:
        return a - b;
    default:
        return a * b;
    }
}

/* `size` bytes of the code as one number. */
static uint64_t read_bytes(const uint8_t **at, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, *at, size);
    *at += size;
    return value;
}

static bool push_global(struct const_roots *stack, uint32_t index)
{
    const struct global *global = stack->instance->globals[index];
    return const_push(stack, global->cell[0], global->is_traced) &&
           (vt_slots(global->type.type) == 1 || const_push(stack, global->cell[1], false));
}

/* Executes one instruction other than `end`; false when it failed, with `status` set. */
static bool step(struct const_roots *stack, enum op op, const uint8_t **at,
                 enum stint_status *status)
{
    *status = STINT_NOMEM; /* what a failed push means */
    switch (op) {
    case OP_I32_CONST:
        return const_push(stack, (uint32_t)leb_next_signed(at), false);
    case OP_I64_CONST:
        return const_push(stack, (uint64_t)leb_next_signed(at), false);
    case OP_F32_CONST:
        return const_push(stack, read_bytes(at, 4), false);
    case OP_F64_CONST:
        return const_push(stack, read_bytes(at, 8), false);
    case OP_V128_CONST:
        return const_push(stack, read_bytes(at, 8), false) &&
               const_push(stack, read_bytes(at, 8), false);
    case OP_REF_NULL:
        (void)leb_next_signed(at);
        return const_push(stack, 0, false);
    case OP_REF_FUNC: {
        struct func *func = instance_func(stack->instance, (uint32_t)leb_next_unsigned(at));
        return const_push(stack, (uintptr_t)func, false);
    }
    case OP_GLOBAL_GET:
        return push_global(stack, (uint32_t)leb_next_unsigned(at));
    case OP_I32_ADD:
    case OP_I32_SUB:
    case OP_I32_MUL:
    case OP_I64_ADD:
    case OP_I64_SUB:
    case OP_I64_MUL: {
        uint64_t *top = &stack->slots[--stack->height];
        top[-1] = binary(op, top[-1], top[0]);
        return true;
    }
    default:
        *status = const_eval_gc(stack, op, at);
        return *status == STINT_OK;
    }
}

static enum op next_op(const uint8_t **at)
{
    uint8_t byte = *(*at)++;
    if (byte < 0xfb || byte == 0xff)
        return (enum op)op_from_byte[byte];
    return op_from_code(byte, (uint32_t)leb_next_unsigned(at));
}

static enum stint_status eval_code(struct stint_instance *instance, const struct const_expr *expr,
                                   uint64_t ret_value[2], struct stint_error *error)
{
    struct stint_store *store = instance->store;
    uint64_t slots[INLINE_SLOTS];
    uint8_t traced[INLINE_SLOTS];
    struct const_roots stack = {.slots = slots,
                                .traced = traced,
                                .capacity = INLINE_SLOTS,
                                .instance = instance,
                                .error = error};
    const uint8_t *at = instance->module->wasm->bytes + expr->offset_bytes;
    enum stint_status status = STINT_OK;
    store->const_roots = &stack;
    for (;;) {
        enum op op = next_op(&at);
        if (op == OP_END) {
            memcpy(ret_value, stack.slots, vt_slots(expr->type) * sizeof(*ret_value));
            status = STINT_OK;
            break;
        }
        if (!step(&stack, op, &at, &status))
            break;
    }
    store->const_roots = NULL;
    if (stack.capacity > INLINE_SLOTS) {
        alloc_put(&store->alloc, stack.slots, stack.capacity * sizeof(*stack.slots));
        alloc_put(&store->alloc, stack.traced, stack.capacity);
    }
    return status;
}

enum stint_status const_eval(struct stint_instance *instance, const struct const_expr *expr,
                             uint64_t ret_value[2], struct stint_error *error)
{
    switch ((enum const_kind)expr->kind) {
    case CONST_BITS:
        memcpy(ret_value, expr->bits, vt_slots(expr->type) * sizeof(*ret_value));
        break;
    case CONST_REF_NULL:
        ret_value[0] = 0;
        break;
    case CONST_REF_FUNC:
        ret_value[0] = (uintptr_t)instance_func(instance, expr->index);
        break;
    case CONST_GLOBAL_GET:
        memcpy(ret_value, instance->globals[expr->index]->cell,
               vt_slots(expr->type) * sizeof(*ret_value));
        break;
    case CONST_CODE:
        return eval_code(instance, expr, ret_value, error);
    }
    return STINT_OK;
}
