/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of components in scripts, calls of their exports, and the values of these. */
#include <stdio.h>
#include <string.h>

#include "component/plan.h"
#include "wast/runner_int.h"

/* ---- Instances --------------------------------------------------------------------------- */

enum stint_status runner_component_create(struct runner *r, struct component_file *file,
                                          struct component_instance **ret_instance,
                                          struct stint_error *error)
{
    struct plan *plan;
    enum stint_status status = plan_create(file, &plan, error);
    if (status != STINT_OK)
        return status;
    status = component_instantiate(r->store, plan, NULL, 0, ret_instance, error);
    plan_release(plan);
    return status;
}

void runner_component_free(struct component_instance *instance)
{
    component_instance_free(instance);
}

/* ---- Arguments --------------------------------------------------------------------------- */

static bool name_equal(struct wasm_name a, struct wasm_name b)
{
    return a.bytes == b.bytes && memcmp(a.text, b.text, a.bytes) == 0;
}

static enum stint_status no_value(struct stint_error *error, const struct ctype *type)
{
    char text[100];
    return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "not a value of type %s",
                     ctype_format(type, text, sizeof(text)));
}

/* The number of the label in the type; its member_count where there is none. */
static uint32_t label_index(const struct ctype *type, struct wasm_name label)
{
    uint32_t i = 0;
    while (i < type->member_count && !name_equal(type->members[i].name, label))
        i++;
    return i;
}

static enum stint_status make(const struct script_value *from, const struct ctype *type,
                              struct arena *arena, struct cvalue *to, struct stint_error *error);

static enum stint_status make_items(const struct script_value *from, const struct ctype *type,
                                    struct arena *arena, struct cvalue *to,
                                    struct stint_error *error)
{
    bool is_list = type->kind == CTYPE_LIST || type->kind == CTYPE_LIST_FIXED;
    uint32_t count = from->item_count;
    if (!is_list && count != type->member_count)
        return no_value(error, type);
    struct cvalue *items = arena_get_zeroed(arena, count, sizeof(*items));
    if (items == NULL)
        return STINT_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        enum stint_status status =
            make(&from->items[i], type->members[is_list ? 0 : i].type, arena, &items[i], error);
        if (status != STINT_OK)
            return status;
    }
    to->list.items = items;
    to->list.count = count;
    return STINT_OK;
}

static enum stint_status make_bytes(const struct script_value *from, struct arena *arena,
                                    struct cvalue *to)
{
    uint8_t *bytes = arena_get(arena, from->item_count);
    if (bytes == NULL)
        return STINT_NOMEM;
    for (uint32_t i = 0; i < from->item_count; i++)
        bytes[i] = (uint8_t)from->items[i].bits[0];
    to->blob.bytes = bytes;
    to->blob.size_bytes = from->item_count;
    return STINT_OK;
}

/* Which case of a variant, enum, option or result the script names. */
static uint32_t case_of(const struct script_value *from, const struct ctype *type)
{
    if (type->kind == CTYPE_OPTION)
        return from->item_count;
    return type->kind == CTYPE_RESULT ? (uint32_t)from->bits[0] : label_index(type, from->text);
}

static enum stint_status make_case(const struct script_value *from, const struct ctype *type,
                                   struct arena *arena, struct cvalue *to,
                                   struct stint_error *error)
{
    uint32_t index = case_of(from, type);
    bool is_option = type->kind == CTYPE_OPTION;
    if (index >= (is_option ? 2 : type->member_count))
        return no_value(error, type);
    const struct ctype *payload = type->members[is_option ? 0 : index].type;
    if (is_option && index == 0)
        payload = NULL;
    to->variant.index = index;
    if (payload == NULL || from->item_count == 0)
        return STINT_OK;
    to->variant.payload = arena_get_zeroed(arena, 1, sizeof(struct cvalue));
    if (to->variant.payload == NULL)
        return STINT_NOMEM;
    return make(&from->items[0], payload, arena, to->variant.payload, error);
}

static enum stint_status make_flags(const struct script_value *from, const struct ctype *type,
                                    struct arena *arena, struct cvalue *to,
                                    struct stint_error *error)
{
    to->flags.words = arena_get_zeroed(arena, 1, sizeof(uint32_t));
    if (to->flags.words == NULL)
        return STINT_NOMEM;
    to->flags.word_count = 1;
    for (uint32_t i = 0; i < from->item_count; i++) {
        uint32_t index = label_index(type, from->items[i].label);
        if (index >= type->member_count || index >= 32)
            return no_value(error, type);
        to->flags.words[0] |= 1u << index;
    }
    return STINT_OK;
}

/* The script's word for each kind of type. */
static const uint8_t script_types[] = {
    [CTYPE_BOOL] = VALUE_BOOL,     [CTYPE_S8] = VALUE_S8,           [CTYPE_U8] = VALUE_U8,
    [CTYPE_S16] = VALUE_S16,       [CTYPE_U16] = VALUE_U16,         [CTYPE_S32] = VALUE_S32,
    [CTYPE_U32] = VALUE_U32,       [CTYPE_S64] = VALUE_S64,         [CTYPE_U64] = VALUE_U64,
    [CTYPE_F32] = VALUE_F32,       [CTYPE_F64] = VALUE_F64,         [CTYPE_CHAR] = VALUE_CHAR,
    [CTYPE_STRING] = VALUE_STRING, [CTYPE_RECORD] = VALUE_RECORD,   [CTYPE_VARIANT] = VALUE_VARIANT,
    [CTYPE_LIST] = VALUE_LIST,     [CTYPE_LIST_FIXED] = VALUE_LIST, [CTYPE_TUPLE] = VALUE_TUPLE,
    [CTYPE_FLAGS] = VALUE_FLAGS,   [CTYPE_ENUM] = VALUE_ENUM,       [CTYPE_OPTION] = VALUE_OPTION,
    [CTYPE_RESULT] = VALUE_RESULT,
};

static bool is_of(const struct script_value *value, const struct ctype *type)
{
    return type->kind < COUNT_OF(script_types) && script_types[type->kind] == value->type &&
           type->kind != CTYPE_ERROR_CONTEXT;
}

static enum stint_status make(const struct script_value *from, const struct ctype *type,
                              struct arena *arena, struct cvalue *to, struct stint_error *error)
{
    to->type = type;
    if (!is_of(from, type))
        return no_value(error, type);
    switch (type->kind) {
    case CTYPE_BOOL:
        to->boolean = from->bits[0] != 0;
        return STINT_OK;
    case CTYPE_F32:
        to->f32_bits = (uint32_t)from->bits[0];
        return STINT_OK;
    case CTYPE_STRING:
        to->string = from->text;
        return STINT_OK;
    case CTYPE_LIST:
        if (type->members[0].type->kind == CTYPE_U8)
            return make_bytes(from, arena, to);
        return make_items(from, type, arena, to, error);
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
    case CTYPE_LIST_FIXED:
        return make_items(from, type, arena, to, error);
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        return make_case(from, type, arena, to, error);
    case CTYPE_FLAGS:
        return make_flags(from, type, arena, to, error);
    default:
        to->u = from->bits[0];
        return STINT_OK;
    }
}

enum stint_status runner_component_invoke(struct runner *r, struct component_instance *instance,
                                          const struct script_action *action, struct arena *arena,
                                          struct cvalue *ret_result, struct stint_error *error)
{
    char name[200];
    (void)r;
    snprintf(name, sizeof(name), "%.*s", (int)action->name.bytes, action->name.text);
    const struct plan_export *export = plan_find(component_instance_plan(instance), NULL, name);
    if (export == NULL)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "no function \"%s\"", name);
    if (export->func->param_count != action->arg_count)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "\"%s\" takes %u arguments", name,
                         export->func->param_count);
    struct cvalue *args = arena_get_zeroed(arena, action->arg_count, sizeof(*args));
    if (args == NULL)
        return STINT_NOMEM;
    for (uint32_t i = 0; i < action->arg_count; i++) {
        enum stint_status status =
            make(&action->args[i], export->func->params[i].type, arena, &args[i], error);
        if (status != STINT_OK)
            return status;
    }
    return component_call(instance, export, args, arena, ret_result, error);
}

/* ---- Results ----------------------------------------------------------------------------- */

static bool float_matches(const struct script_value *wanted, uint64_t bits, bool is_64)
{
    uint64_t nan = is_64 ? 0x7ff8000000000000 : 0x7fc00000;
    uint64_t sign = is_64 ? (uint64_t)1 << 63 : 0x80000000;
    if (wanted->nan[0] == NAN_CANONICAL)
        return (bits & ~sign) == nan;
    if (wanted->nan[0] == NAN_ARITHMETIC)
        return (bits & nan) == nan;
    return bits == wanted->bits[0];
}

static bool items_match(const struct script_value *wanted, const struct cvalue *value)
{
    const struct ctype *type = value->type;
    if (type->kind == CTYPE_LIST && type->members[0].type->kind == CTYPE_U8) {
        if (value->blob.size_bytes != wanted->item_count)
            return false;
        for (uint32_t i = 0; i < wanted->item_count; i++) {
            if (value->blob.bytes[i] != wanted->items[i].bits[0])
                return false;
        }
        return true;
    }
    if (value->list.count != wanted->item_count)
        return false;
    for (uint32_t i = 0; i < wanted->item_count; i++) {
        if (type->kind == CTYPE_RECORD &&
            !name_equal(type->members[i].name, wanted->items[i].label))
            return false;
        if (!runner_component_matches(&wanted->items[i], &value->list.items[i]))
            return false;
    }
    return true;
}

static bool case_matches(const struct script_value *wanted, const struct cvalue *value)
{
    if (case_of(wanted, value->type) != value->variant.index)
        return false;
    if (value->variant.payload == NULL || wanted->item_count == 0)
        return value->variant.payload == NULL && wanted->item_count == 0;
    return runner_component_matches(&wanted->items[0], value->variant.payload);
}

static bool flags_match(const struct script_value *wanted, const struct cvalue *value)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < wanted->item_count; i++) {
        uint32_t index = label_index(value->type, wanted->items[i].label);
        if (index >= value->type->member_count || index >= 32)
            return false;
        bits |= 1u << index;
    }
    return value->flags.words[0] == bits;
}

bool runner_component_matches(const struct script_value *wanted, const struct cvalue *value)
{
    if (value->type == NULL || !is_of(wanted, value->type))
        return false;
    switch (value->type->kind) {
    case CTYPE_BOOL:
        return value->boolean == (wanted->bits[0] != 0);
    case CTYPE_F32:
        return float_matches(wanted, value->f32_bits, false);
    case CTYPE_F64:
        return float_matches(wanted, value->f64_bits, true);
    case CTYPE_STRING:
        return name_equal(wanted->text, value->string);
    case CTYPE_LIST:
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
    case CTYPE_LIST_FIXED:
        return items_match(wanted, value);
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        return case_matches(wanted, value);
    case CTYPE_FLAGS:
        return flags_match(wanted, value);
    default:
        return value->u == wanted->bits[0];
    }
}

/* ---- Messages ---------------------------------------------------------------------------- */

char *runner_component_format(const struct cvalue *value, char *text, size_t size)
{
    char type[60];
    if (value->type == NULL)
        snprintf(text, size, "nothing");
    else if (value->type->kind == CTYPE_STRING)
        snprintf(text, size, "\"%.*s\"", (int)value->string.bytes, value->string.text);
    else if (value->type->flat_count == 1 && value->type->kind <= CTYPE_CHAR)
        snprintf(text, size, "%s %llu", ctype_format(value->type, type, sizeof(type)),
                 value->type->kind == CTYPE_BOOL ? (unsigned long long)value->boolean
                                                 : (unsigned long long)value->u);
    else
        snprintf(text, size, "a %s", ctype_format(value->type, type, sizeof(type)));
    return text;
}

char *runner_component_format_wanted(const struct script_value *wanted, char *text, size_t size)
{
    static const char *const names[] = {
        "bool", "s8",   "u8",     "s16",   "u16",     "s32", "u32",    "s64",    "u64",  "char",
        "",     "list", "record", "tuple", "variant", "",    "option", "result", "flags"};
    if (wanted->type == VALUE_STRING || wanted->type == VALUE_ENUM)
        snprintf(text, size, "\"%.*s\"", (int)wanted->text.bytes, wanted->text.text);
    else if (wanted->type < VALUE_BOOL)
        snprintf(text, size, "a float of bits %#llx", (unsigned long long)wanted->bits[0]);
    else if (wanted->type <= VALUE_CHAR)
        snprintf(text, size, "%s %llu", names[wanted->type - VALUE_BOOL],
                 (unsigned long long)wanted->bits[0]);
    else
        snprintf(text, size, "a %s of %u items", names[wanted->type - VALUE_BOOL],
                 wanted->item_count);
    return text;
}
