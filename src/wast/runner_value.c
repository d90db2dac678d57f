/* SPDX-License-Identifier: Apache-2.0 */
/* Values of scripts and values of the machine. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/gc.h"
#include "wast/runner_int.h"

/* ---- Arguments --------------------------------------------------------------------------- */

/* Host object number n is a host reference to this address; never dereferenced. */
static void *host_pointer(uint64_t number)
{
    return (void *)(uintptr_t)(number + 1);
}

static enum stint_status fail_argument(struct stint_error *error, uint32_t index)
{
    return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                     "argument %u does not fit the function's type", index);
}

/* A number or null; host references are put in later. */
static bool plain_to_slots(const struct script_value *value, valtype type, uint64_t *slots)
{
    static const valtype numbers[] = {[VALUE_I32] = VT_I32,
                                      [VALUE_I64] = VT_I64,
                                      [VALUE_F32] = VT_F32,
                                      [VALUE_F64] = VT_F64,
                                      [VALUE_V128] = VT_V128};
    if (value->type == VALUE_REF_NULL || value->type == VALUE_REF_HOST) {
        slots[0] = 0;
        return vt_is_ref(type);
    }
    if (value->type >= COUNT_OF(numbers) || numbers[value->type] != type)
        return false;
    memcpy(slots, value->bits, vt_slots(type) * sizeof(*slots));
    return true;
}

/*
 * Host references are allocated one by one, which may move those before: they are held by handles
 * until all are there.
 */
static enum stint_status hosts_to_slots(struct runner *r, const struct type_def *type,
                                        const struct script_action *action, uint64_t *slots,
                                        struct stint_error *error)
{
    enum { HOSTS_MAX = 16 };
    uint32_t handles[HOSTS_MAX], at[HOSTS_MAX], count = 0, slot = 0;
    struct gc_heap *heap = NULL;
    enum stint_status status = STINT_OK;
    for (uint32_t i = 0; i < action->arg_count && status == STINT_OK; i++) {
        uint32_t this_slot = slot;
        slot += vt_slots(type->params[i]);
        if (action->args[i].type != VALUE_REF_HOST)
            continue;
        if (count == HOSTS_MAX)
            return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "too many host references");
        heap = gc_heap_of(r->store, error);
        gc_ref ref = heap == NULL
                         ? GC_NULL
                         : gc_new_host(heap, host_pointer(action->args[i].bits[0]), NULL, error);
        if (ref == GC_NULL || !gc_root_push(heap, ref, &handles[count]))
            status = error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no room for references");
        else
            at[count++] = this_slot;
    }
    while (count > 0) {
        count--;
        slots[at[count]] = gc_root_get(heap, handles[count]);
        gc_root_pop(heap, handles[count]);
    }
    return status;
}

enum stint_status values_to_slots(struct runner *r, const struct type_def *type,
                                  const struct script_action *action, uint64_t *slots,
                                  struct stint_error *error)
{
    uint64_t *slot = slots;
    if (action->arg_count != type->param_count)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "%u arguments for a function that takes %u", action->arg_count,
                         type->param_count);
    for (uint32_t i = 0; i < action->arg_count; i++) {
        if (!plain_to_slots(&action->args[i], type->params[i], slot))
            return fail_argument(error, i);
        slot += vt_slots(type->params[i]);
    }
    return hosts_to_slots(r, type, action, slots, error);
}

/* ---- Results ----------------------------------------------------------------------------- */

/* Whether a float of 32 or 64 bits is what the pattern says. */
static bool float_matches(enum script_nan nan, uint64_t wanted, uint64_t given, unsigned bits)
{
    uint64_t quiet = bits == 32 ? 0x7fc00000 : UINT64_C(0x7ff8000000000000);
    uint64_t sign = UINT64_C(1) << (bits - 1);
    switch (nan) {
    case NAN_CANONICAL:
        return (given & ~sign) == quiet;
    case NAN_ARITHMETIC:
        return (given & quiet) == quiet;
    default:
        return given == wanted;
    }
}

static bool vector_matches(const struct script_value *value, const uint64_t *slots)
{
    if (!value->is_float)
        return memcmp(value->bits, slots, 16) == 0;
    uint64_t mask = UINT64_MAX >> (64 - value->lane_bits);
    for (unsigned lane = 0; lane < 128u / value->lane_bits; lane++) {
        unsigned bit = lane * value->lane_bits;
        if (!float_matches(value->nan[lane], value->bits[bit / 64] >> bit % 64 & mask,
                           slots[bit / 64] >> bit % 64 & mask, value->lane_bits))
            return false;
    }
    return true;
}

static bool reference_matches(struct runner *r, const struct script_value *value, valtype type,
                              uint64_t slot)
{
    static const heaptype heaps[] = {
        [VALUE_REF_ANY] = HEAP_ANY,       [VALUE_REF_EQ] = HEAP_EQ,
        [VALUE_REF_I31] = HEAP_I31,       [VALUE_REF_STRUCT] = HEAP_STRUCT,
        [VALUE_REF_ARRAY] = HEAP_ARRAY,   [VALUE_REF_EXN] = HEAP_EXN,
        [VALUE_REF_EXTERN] = HEAP_EXTERN,
    };
    heaptype top = types_heap_top(r->engine->types, vt_heap(type));
    if (value->type == VALUE_REF_NULL)
        return slot == 0;
    if (slot == 0)
        return false;
    if (value->type == VALUE_REF_FUNC)
        return top == HEAP_FUNC;
    if (top == HEAP_FUNC || r->store->gc == NULL)
        return value->type == VALUE_REF_I31 && top == HEAP_ANY && gc_is_i31((gc_ref)slot);
    if (value->type == VALUE_REF_HOST) {
        void *pointer;
        return gc_host_pointer(r->store->gc, (gc_ref)slot, &pointer) &&
               pointer == host_pointer(value->bits[0]);
    }
    if (value->type == VALUE_REF_EXTERN || value->type == VALUE_REF_EXN)
        return top == heaps[value->type];
    return top == HEAP_ANY && gc_ref_is(r->store->gc, (gc_ref)slot, heaps[value->type]);
}

static bool option_matches(struct runner *r, const struct script_value *value, valtype type,
                           const uint64_t *slots)
{
    switch (value->type) {
    case VALUE_I32:
        return type == VT_I32 && (uint32_t)slots[0] == (uint32_t)value->bits[0];
    case VALUE_I64:
        return type == VT_I64 && slots[0] == value->bits[0];
    case VALUE_F32:
        return type == VT_F32 &&
               float_matches(value->nan[0], (uint32_t)value->bits[0], (uint32_t)slots[0], 32);
    case VALUE_F64:
        return type == VT_F64 && float_matches(value->nan[0], value->bits[0], slots[0], 64);
    case VALUE_V128:
        return type == VT_V128 && vector_matches(value, slots);
    default:
        return vt_is_ref(type) && reference_matches(r, value, type, slots[0]);
    }
}

bool value_matches(struct runner *r, const struct script_result *result, valtype type,
                   const uint64_t *slots)
{
    for (uint32_t i = 0; i < result->option_count; i++) {
        if (option_matches(r, &result->options[i], type, slots))
            return true;
    }
    return false;
}

/* ---- Words for them ---------------------------------------------------------------------- */

static void format_float(const char *type, uint64_t bits, unsigned width, char *text, size_t size)
{
    float f32;
    double f64;
    uint32_t word = (uint32_t)bits;
    memcpy(&f32, &word, sizeof(f32));
    memcpy(&f64, &bits, sizeof(f64));
    if (width == 32)
        snprintf(text, size, "%s 0x%08" PRIx32 " (%.9g)", type, word, (double)f32);
    else
        snprintf(text, size, "%s 0x%016" PRIx64 " (%.17g)", type, bits, f64);
}

static void format_number(valtype type, const uint64_t *slots, char *text, size_t size)
{
    switch (type) {
    case VT_I32:
        snprintf(text, size, "i32 %" PRId32, (int32_t)slots[0]);
        break;
    case VT_I64:
        snprintf(text, size, "i64 %" PRId64, (int64_t)slots[0]);
        break;
    case VT_F32:
        format_float("f32", slots[0], 32, text, size);
        break;
    case VT_F64:
        format_float("f64", slots[0], 64, text, size);
        break;
    default:
        snprintf(text, size, "v128 i32x4 0x%08x 0x%08x 0x%08x 0x%08x", (uint32_t)slots[0],
                 (uint32_t)(slots[0] >> 32), (uint32_t)slots[1], (uint32_t)(slots[1] >> 32));
    }
}

char *runner_value_format(struct runner *r, valtype type, const uint64_t *slots, char *text,
                          size_t size)
{
    char name[40];
    void *pointer;
    if (!vt_is_ref(type)) {
        format_number(type, slots, text, size);
        return text;
    }
    valtype_format(type, name, sizeof(name));
    bool is_func = types_heap_top(r->engine->types, vt_heap(type)) == HEAP_FUNC;
    if (slots[0] == 0)
        snprintf(text, size, "%s null", name);
    else if (!is_func && r->store->gc != NULL &&
             gc_host_pointer(r->store->gc, (gc_ref)slots[0], &pointer))
        snprintf(text, size, "%s host %" PRIu64, name, (uint64_t)(uintptr_t)pointer - 1);
    else if (!is_func && gc_is_i31((gc_ref)slots[0]))
        snprintf(text, size, "%s i31 %" PRIu64, name, slots[0] >> 1);
    else
        snprintf(text, size, "%s", name);
    return text;
}

/* What the lanes that may hold several bit patterns allow. */
static const char *nan_text(const struct script_value *value)
{
    for (size_t lane = 0; lane < COUNT_OF(value->nan); lane++) {
        if (value->nan[lane] != NAN_NONE)
            return value->nan[lane] == NAN_CANONICAL ? " (nan:canonical)" : " (nan:arithmetic)";
    }
    return "";
}

static void format_option(const struct script_value *value, char *text, size_t size)
{
    static const valtype numbers[] = {[VALUE_I32] = VT_I32,
                                      [VALUE_I64] = VT_I64,
                                      [VALUE_F32] = VT_F32,
                                      [VALUE_F64] = VT_F64,
                                      [VALUE_V128] = VT_V128};
    static const char *const references[] = {
        [VALUE_REF_NULL] = "a null",         [VALUE_REF_FUNC] = "a function",
        [VALUE_REF_EXTERN] = "an externref", [VALUE_REF_ANY] = "an anyref",
        [VALUE_REF_EQ] = "an eqref",         [VALUE_REF_I31] = "an i31",
        [VALUE_REF_STRUCT] = "a struct",     [VALUE_REF_ARRAY] = "an array",
        [VALUE_REF_EXN] = "an exception",
    };
    char number[VALUE_TEXT_BYTES];
    if (value->type == VALUE_REF_HOST) {
        snprintf(text, size, "host %" PRIu64, value->bits[0]);
    } else if (value->type > VALUE_V128) {
        snprintf(text, size, "%s", references[value->type]);
    } else if (value->type != VALUE_V128 && value->nan[0] != NAN_NONE) {
        snprintf(text, size, "%s%s", value->type == VALUE_F32 ? "f32" : "f64", nan_text(value));
    } else {
        format_number(numbers[value->type], value->bits, number, sizeof(number));
        snprintf(text, size, "%s%s", number, nan_text(value));
    }
}

char *result_format(const struct script_result *result, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < result->option_count && used + 8 < size; i++) {
        if (i > 0)
            used += (size_t)snprintf(text + used, size - used, " or ");
        format_option(&result->options[i], text + used, size - used);
        used = strlen(text);
    }
    return text;
}
