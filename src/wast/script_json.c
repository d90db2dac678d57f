/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts in the form that wast2json and its like write: commands as JSON, modules as files beside
 * it. Numbers are decimal integers in strings, floats as the integers that have their bits.
 */
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "base/utf8.h"
#include "wast/script.h"

enum { JSON_DEPTH_MAX = 32 };

struct reader {
    struct script *script;
    struct stint_error *error;
    enum stint_status status;
    uint32_t line; /* of the command */
};

static bool fail(struct reader *r, const char *message)
{
    r->status = error_set_at(r->error, STINT_SYNTAX, r->line, 1, "%s", message);
    return false;
}

static bool nomem(struct reader *r)
{
    r->status =
        error_set(r->error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory while reading a script");
    return false;
}

static struct wasm_name name_of(const struct json_value *value)
{
    if (value == NULL || value->kind != JSON_STRING)
        return (struct wasm_name){NULL, 0};
    return (struct wasm_name){value->text, value->text_bytes};
}

/* ---- Values ------------------------------------------------------------------------------ */

/* One number of `bits` bits; for floats also the two patterns. */
static bool read_number(struct reader *r, const struct json_value *text, unsigned bits,
                        uint64_t *ret_bits, uint8_t *ret_nan)
{
    *ret_bits = 0;
    *ret_nan = NAN_NONE;
    if (json_is(text, "nan:canonical"))
        *ret_nan = NAN_CANONICAL;
    else if (json_is(text, "nan:arithmetic"))
        *ret_nan = NAN_ARITHMETIC;
    else if (text == NULL || text->kind != JSON_STRING ||
             number_integer(text->text, text->text_bytes, bits, ret_bits) != NUMBER_OK)
        return fail(r, "a number that fits its type is expected");
    return true;
}

static bool read_vector(struct reader *r, const struct json_value *object,
                        struct script_value *value)
{
    static const struct {
        const char *name;
        uint8_t bits;
        bool is_float;
    } lanes[] = {{"i8", 8, false},   {"i16", 16, false}, {"i32", 32, false},
                 {"i64", 64, false}, {"f32", 32, true},  {"f64", 64, true}};
    const struct json_value *type = json_member(object, "lane_type");
    const struct json_value *list = json_member(object, "value");
    for (size_t i = 0; i < COUNT_OF(lanes); i++) {
        if (!json_is(type, lanes[i].name))
            continue;
        unsigned bits = lanes[i].bits, bit = 0;
        value->lane_bits = lanes[i].bits;
        value->is_float = lanes[i].is_float;
        if (list == NULL || list->kind != JSON_ARRAY || list->count != 128 / bits)
            return fail(r, "a vector has the wrong number of lanes");
        for (const struct json_value *lane = list->first; lane != NULL; lane = lane->next) {
            uint64_t number;
            uint8_t nan;
            if (!read_number(r, lane, bits, &number, &nan))
                return false;
            if (nan != NAN_NONE && !value->is_float)
                return fail(r, "a float's pattern stands in a lane of integers");
            if (nan != NAN_NONE)
                value->nan[bit / bits] = nan;
            value->bits[bit / 64] |= number << bit % 64;
            bit += bits;
        }
        return true;
    }
    return fail(r, "unknown lane_type");
}

/* ---- Values of components ---------------------------------------------------------------- */

static bool read_value(struct reader *r, const struct json_value *object,
                       struct script_value *ret_value);

/* A payload that may be absent: null, or a value. */
static bool read_payload(struct reader *r, const struct json_value *payload,
                         struct script_value *value)
{
    if (payload == NULL || payload->kind == JSON_NULL)
        return true;
    struct script_value *item = arena_get_zeroed(&r->script->arena, 1, sizeof(*item));
    if (item == NULL)
        return nomem(r);
    value->items = item;
    value->item_count = 1;
    return read_value(r, payload, item);
}

/* Elements of a list or tuple; of a record pairs of a label and a value; of flags labels. */
static bool read_items(struct reader *r, const struct json_value *list, struct script_value *value)
{
    if (list == NULL || list->kind != JSON_ARRAY)
        return fail(r, "the items of a value are a list");
    struct script_value *items =
        arena_get_zeroed(&r->script->arena, (size_t)list->count + 1, sizeof(*items));
    if (items == NULL)
        return nomem(r);
    value->items = items;
    value->item_count = list->count;
    for (const struct json_value *at = list->first; at != NULL; at = at->next, items++) {
        const struct json_value *item = at;
        struct wasm_name label = {NULL, 0};
        if (value->type == VALUE_RECORD && at->kind == JSON_ARRAY && at->count == 2) {
            label = name_of(at->first);
            item = at->first->next;
        } else if (value->type == VALUE_FLAGS) {
            label = name_of(at);
        }
        if (value->type != VALUE_FLAGS && !read_value(r, item, items))
            return false;
        items->label = label;
        if (label.text == NULL && (value->type == VALUE_RECORD || value->type == VALUE_FLAGS))
            return fail(r, "a field or flag without a label");
    }
    return true;
}

static bool read_char(struct reader *r, const struct json_value *text, struct script_value *value)
{
    uint32_t code_point = 0;
    if (text == NULL || text->kind != JSON_STRING || text->text_bytes == 0 ||
        utf8_decode((const uint8_t *)text->text, text->text_bytes, &code_point) != text->text_bytes)
        return fail(r, "a char is one character");
    value->bits[0] = code_point;
    return true;
}

/* False with `*ret_known` false where `object` is of a type that components do not have. */
static bool read_component_value(struct reader *r, const struct json_value *object, bool *ret_known,
                                 struct script_value *value)
{
    static const struct {
        const char *name;
        enum script_type type;
        uint8_t bits; /* of integers */
        bool is_signed;
    } types[] = {{"bool", VALUE_BOOL, 0, false},       {"s8", VALUE_S8, 8, true},
                 {"u8", VALUE_U8, 8, false},           {"s16", VALUE_S16, 16, true},
                 {"u16", VALUE_U16, 16, false},        {"s32", VALUE_S32, 32, true},
                 {"u32", VALUE_U32, 32, false},        {"s64", VALUE_S64, 64, true},
                 {"u64", VALUE_U64, 64, false},        {"char", VALUE_CHAR, 0, false},
                 {"string", VALUE_STRING, 0, false},   {"list", VALUE_LIST, 0, false},
                 {"record", VALUE_RECORD, 0, false},   {"tuple", VALUE_TUPLE, 0, false},
                 {"variant", VALUE_VARIANT, 0, false}, {"enum", VALUE_ENUM, 0, false},
                 {"option", VALUE_OPTION, 0, false},   {"result", VALUE_RESULT, 0, false},
                 {"flags", VALUE_FLAGS, 0, false}};
    const struct json_value *type = json_member(object, "type");
    const struct json_value *inner = json_member(object, "value");
    size_t i = 0;
    while (i < COUNT_OF(types) && !json_is(type, types[i].name))
        i++;
    *ret_known = i < COUNT_OF(types);
    if (!*ret_known)
        return false;
    value->type = (uint8_t)types[i].type;
    if (types[i].bits != 0) {
        uint8_t nan;
        if (!read_number(r, inner, types[i].bits, &value->bits[0], &nan))
            return false;
        unsigned above = 64 - types[i].bits;
        if (types[i].is_signed)
            value->bits[0] = (uint64_t)((int64_t)(value->bits[0] << above) >> above);
        return true;
    }
    const struct json_value *ok = json_member(inner, "Ok"), *err = json_member(inner, "Err");
    switch (types[i].type) {
    case VALUE_BOOL:
        value->bits[0] = inner != NULL && inner->kind == JSON_TRUE;
        return true;
    case VALUE_CHAR:
        return read_char(r, inner, value);
    case VALUE_STRING:
    case VALUE_ENUM:
        value->text = name_of(inner);
        return value->text.text != NULL || fail(r, "a string is expected");
    case VALUE_VARIANT:
        value->text = name_of(json_member(inner, "case"));
        if (value->text.text == NULL)
            return fail(r, "a variant without a case");
        return read_payload(r, json_member(inner, "payload"), value);
    case VALUE_OPTION:
        return read_payload(r, inner, value);
    case VALUE_RESULT:
        value->bits[0] = ok == NULL;
        if (ok == NULL && err == NULL)
            return fail(r, "a result is Ok or Err");
        return read_payload(r, ok != NULL ? ok : err, value);
    default:
        return read_items(r, inner, value);
    }
}

static bool read_value(struct reader *r, const struct json_value *object,
                       struct script_value *ret_value)
{
    static const struct {
        const char *name;
        enum script_type type;
        uint8_t bits; /* of numbers */
    } types[] = {{"i32", VALUE_I32, 32},
                 {"i64", VALUE_I64, 64},
                 {"f32", VALUE_F32, 32},
                 {"f64", VALUE_F64, 64},
                 {"v128", VALUE_V128, 128},
                 {"funcref", VALUE_REF_FUNC, 0},
                 {"externref", VALUE_REF_EXTERN, 0},
                 {"anyref", VALUE_REF_ANY, 0},
                 {"eqref", VALUE_REF_EQ, 0},
                 {"i31ref", VALUE_REF_I31, 0},
                 {"structref", VALUE_REF_STRUCT, 0},
                 {"arrayref", VALUE_REF_ARRAY, 0},
                 {"exnref", VALUE_REF_EXN, 0},
                 {"refnull", VALUE_REF_NULL, 0},
                 {"nullref", VALUE_REF_NULL, 0},
                 {"nullfuncref", VALUE_REF_NULL, 0},
                 {"nullexternref", VALUE_REF_NULL, 0},
                 {"nullexnref", VALUE_REF_NULL, 0}};
    const struct json_value *type = json_member(object, "type");
    const struct json_value *text = json_member(object, "value");
    struct script_value value = {0};
    size_t i = 0;
    while (i < COUNT_OF(types) && !json_is(type, types[i].name))
        i++;
    if (i == COUNT_OF(types)) {
        bool is_known;
        if (read_component_value(r, object, &is_known, &value)) {
            *ret_value = value;
            return true;
        }
        return is_known ? false : fail(r, "a value of an unknown type");
    }
    value.type = (uint8_t)types[i].type;
    if (value.type == VALUE_V128) {
        if (!read_vector(r, object, &value))
            return false;
    } else if (types[i].bits != 0) {
        if (!read_number(r, text, types[i].bits, &value.bits[0], &value.nan[0]))
            return false;
    } else if (json_is(text, "null")) {
        value.type = VALUE_REF_NULL;
    } else if (text != NULL) {
        uint8_t nan;
        value.type = VALUE_REF_HOST;
        if (!read_number(r, text, 32, &value.bits[0], &nan))
            return false;
    }
    *ret_value = value;
    return true;
}

/* A list of values, in the arena; nothing where `list` is NULL. */
static bool read_values(struct reader *r, const struct json_value *list,
                        const struct script_value **ret_values, uint32_t *ret_count)
{
    uint32_t count = list != NULL && list->kind == JSON_ARRAY ? list->count : 0;
    struct script_value *values =
        arena_get_zeroed(&r->script->arena, (size_t)count + 1, sizeof(*values));
    if (values == NULL)
        return nomem(r);
    const struct json_value *item = count != 0 ? list->first : NULL;
    for (uint32_t i = 0; i < count; i++, item = item->next) {
        if (!read_value(r, item, &values[i]))
            return false;
    }
    *ret_values = values;
    *ret_count = count;
    return true;
}

static bool read_results(struct reader *r, const struct json_value *list,
                         struct script_command *command)
{
    uint32_t count = list != NULL && list->kind == JSON_ARRAY ? list->count : 0;
    struct script_result *results =
        arena_get_zeroed(&r->script->arena, (size_t)count + 1, sizeof(*results));
    if (results == NULL)
        return nomem(r);
    const struct json_value *item = count != 0 ? list->first : NULL;
    for (uint32_t i = 0; i < count; i++, item = item->next) {
        if (json_is(json_member(item, "type"), "either")) {
            if (!read_values(r, json_member(item, "values"), &results[i].options,
                             &results[i].option_count))
                return false;
            continue;
        }
        struct script_value *value = arena_get(&r->script->arena, sizeof(*value));
        if (value == NULL)
            return nomem(r);
        if (!read_value(r, item, value))
            return false;
        results[i] = (struct script_result){value, 1};
    }
    command->results = results;
    command->result_count = count;
    return true;
}

/* ---- Commands ---------------------------------------------------------------------------- */

static bool read_action(struct reader *r, const struct json_value *object,
                        struct script_action *action)
{
    const struct json_value *type = json_member(object, "type");
    action->is_get = json_is(type, "get");
    action->module = name_of(json_member(object, "module"));
    action->name = name_of(json_member(object, "field"));
    if ((!action->is_get && !json_is(type, "invoke")) || action->name.text == NULL)
        return fail(r, "an action of an unknown type, or without a field");
    return read_values(r, json_member(object, "args"), &action->args, &action->arg_count);
}

static bool read_module(struct reader *r, const struct json_value *object,
                        struct script_module *module)
{
    struct wasm_name file = name_of(json_member(object, "filename"));
    if (file.text == NULL || memchr(file.text, 0, file.bytes) != NULL)
        return fail(r, "a module without a filename");
    module->form =
        json_is(json_member(object, "module_type"), "text") ? FORM_FILE_TEXT : FORM_FILE_BINARY;
    module->id = name_of(json_member(object, "name"));
    module->path = arena_copy_string(&r->script->arena, file.text, file.bytes);
    return module->path != NULL || nomem(r);
}

static bool read_command(struct reader *r, const struct json_value *object,
                         struct script_command *command)
{
    static const struct {
        const char *name;
        enum script_kind kind;
        bool has_module, has_action;
    } types[] = {
        {"module", SCRIPT_MODULE, true, false},
        {"module_definition", SCRIPT_MODULE, true, false},
        {"module_instance", SCRIPT_INSTANCE, false, false},
        {"register", SCRIPT_REGISTER, false, false},
        {"action", SCRIPT_ACTION, false, true},
        {"assert_return", ASSERT_RETURN, false, true},
        {"assert_trap", ASSERT_TRAP, false, true},
        {"assert_uninstantiable", ASSERT_TRAP, true, false},
        {"assert_exhaustion", ASSERT_EXHAUSTION, false, true},
        {"assert_exception", ASSERT_EXCEPTION, false, true},
        {"assert_malformed", ASSERT_MALFORMED, true, false},
        {"assert_invalid", ASSERT_INVALID, true, false},
        {"assert_unlinkable", ASSERT_UNLINKABLE, true, false},
        {"assert_malformed_custom", ASSERT_MALFORMED_CUSTOM, true, false},
        {"assert_invalid_custom", ASSERT_INVALID_CUSTOM, true, false},
    };
    const struct json_value *type = json_member(object, "type");
    uint64_t line;
    command->line = json_u64(json_member(object, "line"), &line) ? (uint32_t)line : 0;
    r->line = command->line;
    size_t i = 0;
    while (i < COUNT_OF(types) && !json_is(type, types[i].name))
        i++;
    if (i == COUNT_OF(types))
        return fail(r, "a command of an unknown type");
    command->kind = (uint8_t)types[i].kind;
    command->has_module = types[i].has_module;
    command->message = name_of(json_member(object, "text"));
    if (types[i].has_module && !read_module(r, object, &command->module))
        return false;
    command->module.is_definition = json_is(type, "module_definition");
    if (types[i].has_action && !read_action(r, json_member(object, "action"), &command->action))
        return false;
    if (command->kind == SCRIPT_REGISTER) {
        command->id = name_of(json_member(object, "name"));
        command->of = name_of(json_member(object, "as"));
    } else if (command->kind == SCRIPT_INSTANCE) {
        command->id = name_of(json_member(object, "instance"));
        command->of = name_of(json_member(object, "module"));
    }
    return read_results(r, json_member(object, "expected"), command);
}

enum stint_status script_read_json(struct alloc *alloc, const char *text, size_t bytes,
                                   struct script *ret_script, struct stint_error *error)
{
    struct script script = {0};
    const struct json_value *root;
    arena_init(&script.arena, alloc);
    struct reader r = {.script = &script, .error = error};
    r.status = json_parse(&script.arena, text, bytes, JSON_DEPTH_MAX, &root, error);
    bool ok = r.status == STINT_OK;
    const struct json_value *list = ok ? json_member(root, "commands") : NULL;
    if (ok && (list == NULL || list->kind != JSON_ARRAY))
        ok = fail(&r, "this is not a script: it has no list of commands");
    for (const struct json_value *item = ok ? list->first : NULL; ok && item != NULL;
         item = item->next) {
        struct script_command *command = script_add(&script);
        ok = command != NULL ? read_command(&r, item, command) : nomem(&r);
    }
    if (!ok) {
        script_free(&script);
        return r.status;
    }
    *ret_script = script;
    return STINT_OK;
}
