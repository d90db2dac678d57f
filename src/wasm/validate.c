/* SPDX-License-Identifier: Apache-2.0 */
/* The validator's operand stack, blocks and messages, which all instructions share. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "wasm/limits.h"
#include "wasm/validate_int.h"

void validator_init(struct validator *v, const struct wasm_module *module, const uint8_t *at,
                    const uint8_t *end, struct stint_error *error)
{
    memset(v, 0, sizeof(*v));
    reader_init(&v->r, module, at, end, error);
    v->types = module->types_registry;
    v->op_text = "the end";
}

void validator_free(struct validator *v)
{
    struct alloc *alloc = v->r.module->alloc;
    alloc_put(alloc, v->stack, (size_t)(v->stack_end - v->stack) * sizeof(*v->stack));
    alloc_put(alloc, v->frames, v->frame_capacity * sizeof(*v->frames));
    alloc_put(alloc, v->locals, v->local_capacity * sizeof(*v->locals));
    alloc_put(alloc, v->locals_set, v->locals_set_capacity);
    alloc_put(alloc, v->set_log, v->set_log_capacity * sizeof(*v->set_log));
}

/* Failures. */

void validator_fail(struct validator *v, enum stint_status status, const char *format, ...)
{
    char text[STINT_ERROR_MESSAGE_BYTES];
    va_list args;
    if (reader_failed(&v->r))
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    reader_fail(&v->r, status, v->op_at, "%s, at %s", text, v->op_text);
}

void validator_fail_types(struct validator *v, const uint8_t *at, valtype wanted, valtype found,
                          const char *what)
{
    char wanted_text[TYPE_TEXT_BYTES], found_text[TYPE_TEXT_BYTES];
    if (reader_failed(&v->r))
        return;
    reader_format_type(v->r.module, wanted, wanted_text, sizeof(wanted_text));
    reader_format_type(v->r.module, found, found_text, sizeof(found_text));
    reader_fail(&v->r, STINT_INVALID, at, "type mismatch: %s %s, but found %s", what, wanted_text,
                found_text);
}

bool validator_need_feature(struct validator *v, uint32_t feature)
{
    return reader_need_feature(&v->r, feature, v->op_at, v->op_text);
}

/* In the words of the reference interpreter, which the test suite quotes. */
static void fail_operand(struct validator *v, valtype wanted, bool has_found, valtype found)
{
    char wanted_text[TYPE_TEXT_BYTES], found_text[TYPE_TEXT_BYTES] = "";
    if (reader_failed(&v->r))
        return;
    reader_format_type(v->r.module, wanted, wanted_text, sizeof(wanted_text));
    if (has_found)
        reader_format_type(v->r.module, found, found_text, sizeof(found_text));
    validator_fail(v, STINT_INVALID, "type mismatch: instruction requires [%s] but stack has [%s]",
                   wanted_text, found_text);
}

/* Operands. */

bool validator_reserve(struct validator *v, size_t count)
{
    /* In a body, what the instructions to come may push is reserved as well. */
    size_t need = count + (v->is_const ? 0 : (size_t)(v->r.end - v->r.at));
    if (LIKELY((size_t)(v->stack_end - v->sp) >= need))
        return true;
    size_t used = v->stack == NULL ? 0 : (size_t)(v->sp - v->stack);
    size_t capacity = (size_t)(v->stack_end - v->stack);
    if (used + count > LIMIT_OPERANDS) {
        validator_fail(v, STINT_LIMIT, "too many operands at once: the limit is %d",
                       LIMIT_OPERANDS);
        return false;
    }
    if (!vec_reserve(v->r.module->alloc, &v->stack, &capacity, used + need + STACK_PAD,
                     sizeof(*v->stack))) {
        reader_fail_nomem(&v->r);
        return false;
    }
    if (used == 0) {
        used = STACK_PAD;
        memset(v->stack, 0xff, STACK_PAD * sizeof(*v->stack));
    }
    v->sp = v->stack + used;
    v->stack_end = v->stack + capacity;
    return true;
}

valtype validator_pop_any(struct validator *v)
{
    if (v->sp[-1] != STACK_MARK)
        return *--v->sp;
    if (!validator_top(v)->is_unreachable)
        validator_fail(v, STINT_INVALID,
                       "type mismatch: instruction requires one more operand but stack has []");
    return VT_BOT;
}

valtype validator_pop_ref(struct validator *v)
{
    valtype type = validator_pop_any(v);
    if (type == VT_BOT || vt_is_ref(type))
        return type;
    char text[TYPE_TEXT_BYTES];
    validator_fail(v, STINT_INVALID,
                   "type mismatch: instruction requires a reference but stack has [%s]",
                   reader_format_type(v->r.module, type, text, sizeof(text)));
    return VT_BOT;
}

valtype validator_pop_unequal(struct validator *v, valtype wanted)
{
    valtype found = v->sp[-1];
    if (found == STACK_MARK) {
        if (!validator_top(v)->is_unreachable)
            fail_operand(v, wanted, false, VT_BOT);
        return VT_BOT;
    }
    v->sp--;
    if (!types_matches(v->types, found, wanted))
        fail_operand(v, wanted, true, found);
    return found;
}

void validator_pop_types(struct validator *v, const valtype *types, uint32_t count)
{
    while (count-- > 0)
        validator_pop(v, types[count]);
}

void validator_push_types(struct validator *v, const valtype *types, uint32_t count)
{
    if (count > 1 && !validator_reserve(v, count))
        return;
    for (uint32_t i = 0; i < count; i++)
        validator_push(v, types[i]);
}

void validator_set_unreachable(struct validator *v)
{
    struct frame *frame = validator_top(v);
    v->sp = v->stack + frame->mark + 1;
    frame->is_unreachable = true;
}

/* Blocks. */

/* Room for one more frame. The capacity never exceeds the limit, so that whoever finds room need not
 * ask for it. */
static bool grow_frames(struct validator *v)
{
    struct alloc *alloc = v->r.module->alloc;
    size_t capacity = v->frame_capacity == 0 ? 32 : v->frame_capacity * 2;
    if (v->frame_count < v->frame_capacity)
        return true;
    if (v->frame_capacity == LIMIT_CONTROL_DEPTH) {
        validator_fail(v, STINT_LIMIT, "too many nested blocks: the limit is %d",
                       LIMIT_CONTROL_DEPTH);
        return false;
    }
    if (capacity > LIMIT_CONTROL_DEPTH)
        capacity = LIMIT_CONTROL_DEPTH;
    struct frame *frames = alloc_resize(alloc, v->frames, v->frame_capacity * sizeof(*frames),
                                        capacity * sizeof(*frames));
    if (frames == NULL) {
        reader_fail_nomem(&v->r);
        return false;
    }
    v->frames = frames;
    v->frame_capacity = capacity;
    return true;
}

void validator_enter(struct validator *v, enum frame_kind kind, const struct block_type *type)
{
    if (!grow_frames(v))
        return;
    validator_pop_types(v, type->params, type->param_count);
    if (!validator_reserve(v, (size_t)type->param_count + 2))
        return;
    struct frame *frame = &v->frames[v->frame_count++];
    *frame = (struct frame){
        .type = *type,
        .mark = (uint32_t)(v->sp - v->stack),
        .label_count = kind == FRAME_LOOP ? type->param_count : type->result_count,
        .set_count = (uint32_t)v->set_count,
        .kind = (uint8_t)kind,
    };
    validator_push(v, STACK_MARK);
    validator_push_types(v, type->params, type->param_count);
}

void validator_forget_sets(struct validator *v, size_t set_count)
{
    while (v->set_count > set_count)
        v->locals_set[v->set_log[--v->set_count]] = false;
}

struct frame *validator_read_label(struct validator *v)
{
    uint32_t depth = read_u32(&v->r);
    if (reader_failed(&v->r))
        return NULL;
    if (depth >= v->frame_count) {
        validator_fail(v, STINT_INVALID, "unknown label %u: %zu blocks are open", depth,
                       v->frame_count);
        return NULL;
    }
    return &v->frames[v->frame_count - 1 - depth];
}

/* Immediates. */

uint32_t validator_read_index(struct validator *v, uint32_t count, const char *what)
{
    uint32_t index = read_u32(&v->r);
    return validator_check_index(v, index, count, what) ? index : UINT32_MAX;
}

bool validator_check_index(struct validator *v, uint32_t index, uint32_t count, const char *what)
{
    if (UNLIKELY(index >= count))
        validator_fail(v, STINT_INVALID, "unknown %s %u: there are %u", what, index, count);
    return !reader_failed(&v->r);
}

const struct type_def *validator_read_type(struct validator *v, enum type_kind kind)
{
    static const char *const kinds[] = {"function", "struct", "array"};
    const struct wasm_module *module = v->r.module;
    uint32_t index = validator_read_index(v, module->type_count, "type");
    if (index == UINT32_MAX)
        return NULL;
    if (module->types[index]->kind == kind)
        return module->types[index];
    validator_fail(v, STINT_INVALID, "type mismatch: type %u is of kind %s, not %s", index,
                   kinds[module->types[index]->kind], kinds[kind]);
    return NULL;
}

const struct wasm_table *validator_read_table(struct validator *v)
{
    uint32_t index = validator_read_index(v, v->r.module->table_count, "table");
    return index == UINT32_MAX ? NULL : &v->r.module->tables[index];
}

const struct memory_type *validator_read_memory(struct validator *v)
{
    uint32_t index = validator_read_index(v, v->r.module->memory_count, "memory");
    return index == UINT32_MAX ? NULL : &v->r.module->memories[index];
}

const struct wasm_elem *validator_read_elem(struct validator *v)
{
    return validator_get_elem(v, read_u32(&v->r));
}

const struct wasm_elem *validator_get_elem(struct validator *v, uint32_t index)
{
    uint32_t count = v->r.module->elem_count;
    return validator_check_index(v, index, count, "elem segment") ? &v->r.module->elems[index]
                                                                  : NULL;
}

bool validator_read_data(struct validator *v)
{
    return validator_need_data_count(v) &&
           validator_read_index(v, v->r.module->data_count, "data segment") != UINT32_MAX;
}

bool validator_need_data_count(struct validator *v)
{
    if (!v->r.module->has_data_count)
        validator_fail(v, STINT_MALFORMED, "data count section required");
    return v->r.module->has_data_count;
}

void validator_declare_function(struct validator *v, uint32_t function)
{
    /* Only the decoder, which is making the module, gets here. */
    struct wasm_module *module = (struct wasm_module *)(uintptr_t)v->r.module;
    if (module->func_declared == NULL) {
        module->func_declared = arena_get_zeroed(&module->arena, (module->func_count + 7) / 8, 1);
        if (module->func_declared == NULL) {
            reader_fail_nomem(&v->r);
            return;
        }
    }
    module->func_declared[function / 8] |= (uint8_t)(1u << function % 8);
}
