/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts in the text format: .wast. */
#include <string.h>

#include "base/number.h"
#include "wast/script.h"

enum { RESULTS_MAX = 1000 }; /* of one command; also of arguments and alternatives */

struct reader {
    struct script *script;
    const struct text_source *source;
    uint32_t at;
    uint32_t line, line_offset; /* of the last command: lines are counted along */
    struct buf scratch;
    struct script_value *values; /* of the list that is being read */
    size_t value_capacity;
    struct script_result *results;
    size_t result_capacity;
    struct stint_error *error;
    enum stint_status status;
};

/* ---- Tokens ------------------------------------------------------------------------------ */

static const struct text_token *peek(const struct reader *r)
{
    return &r->source->tokens[r->at];
}

static bool fail(struct reader *r, const char *message)
{
    r->status = text_error_at(r->source, peek(r)->offset, r->error, STINT_SYNTAX, "%s", message);
    return false;
}

static bool nomem(struct reader *r)
{
    r->status =
        error_set(r->error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory while reading a script");
    return false;
}

static bool at_form(const struct reader *r, const char *keyword)
{
    return peek(r)->kind == TOKEN_OPEN && text_token_is(r->source, peek(r) + 1, keyword);
}

static bool accept_form(struct reader *r, const char *keyword)
{
    bool found = at_form(r, keyword);
    r->at += found ? 2 : 0;
    return found;
}

static bool expect_close(struct reader *r)
{
    if (peek(r)->kind != TOKEN_CLOSE)
        return fail(r, ") is expected here");
    r->at++;
    return true;
}

static bool is_id(const struct text_token *token)
{
    return token->kind == TOKEN_ID || token->kind == TOKEN_ID_QUOTED;
}

/* The bytes of a string or identifier, copied where the text itself will not do. */
static bool read_name(struct reader *r, struct wasm_name *ret_name)
{
    const struct text_token *token = peek(r);
    r->at++;
    if (token->kind == TOKEN_ID) {
        *ret_name = (struct wasm_name){r->source->text + token->offset + 1, token->size - 1};
        return true;
    }
    buf_clear(&r->scratch);
    if (!text_append_string(r->source, token, &r->scratch))
        return nomem(r);
    char *copy = arena_copy(&r->script->arena, r->scratch.data, r->scratch.bytes);
    if (copy == NULL)
        return nomem(r);
    *ret_name = (struct wasm_name){copy, (uint32_t)r->scratch.bytes};
    return true;
}

static bool read_string(struct reader *r, struct wasm_name *ret_name)
{
    if (peek(r)->kind != TOKEN_STRING)
        return fail(r, "a string is expected here");
    return read_name(r, ret_name);
}

/* An identifier, if one stands here. */
static bool read_id(struct reader *r, struct wasm_name *ret_name)
{
    return !is_id(peek(r)) || read_name(r, ret_name);
}

/* ---- Values ------------------------------------------------------------------------------ */

/* An integer of up to 64 bits. */
static bool read_integer(struct reader *r, unsigned bits, uint64_t *ret_value)
{
    const struct text_token *token = peek(r);
    if (token->kind != TOKEN_ATOM ||
        number_integer(r->source->text + token->offset, token->size, bits, ret_value) != NUMBER_OK)
        return fail(r, "an integer that fits its type is expected here");
    r->at++;
    return true;
}

/* A float, or one of the two patterns of not-a-number. */
static bool read_float(struct reader *r, unsigned bits, uint64_t *ret_value, uint8_t *ret_nan)
{
    const struct text_token *token = peek(r);
    *ret_value = 0;
    *ret_nan = NAN_NONE;
    if (text_token_is(r->source, token, "nan:canonical"))
        *ret_nan = NAN_CANONICAL;
    else if (text_token_is(r->source, token, "nan:arithmetic"))
        *ret_nan = NAN_ARITHMETIC;
    else if (token->kind != TOKEN_ATOM || number_float(r->source->text + token->offset, token->size,
                                                       bits, &r->scratch, ret_value) != NUMBER_OK)
        return fail(r, "a floating-point number is expected here");
    r->at++;
    return true;
}

static bool read_vector(struct reader *r, struct script_value *value)
{
    static const struct {
        const char *name;
        uint8_t bits;
        bool is_float;
    } shapes[] = {{"i8x16", 8, false},  {"i16x8", 16, false}, {"i32x4", 32, false},
                  {"i64x2", 64, false}, {"f32x4", 32, true},  {"f64x2", 64, true}};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        if (!text_token_is(r->source, peek(r), shapes[i].name))
            continue;
        r->at++;
        value->lane_bits = shapes[i].bits;
        value->is_float = shapes[i].is_float;
        for (unsigned lane = 0; lane < 128u / value->lane_bits; lane++) {
            uint64_t bits;
            bool ok = value->is_float ? read_float(r, value->lane_bits, &bits, &value->nan[lane])
                                      : read_integer(r, value->lane_bits, &bits);
            if (!ok)
                return false;
            unsigned bit = lane * value->lane_bits;
            value->bits[bit / 64] |= bits << bit % 64;
        }
        return true;
    }
    return fail(r, "the shape of a vector is expected here");
}

/* Whether anything stands before the parenthesis that closes. */
static bool at_end(const struct reader *r)
{
    return peek(r)->kind == TOKEN_CLOSE;
}

static bool read_reference(struct reader *r, struct script_value *value)
{
    static const struct {
        const char *name;
        enum script_type type;
    } patterns[] = {{"ref.func", VALUE_REF_FUNC},   {"ref.extern", VALUE_REF_EXTERN},
                    {"ref.any", VALUE_REF_ANY},     {"ref.eq", VALUE_REF_EQ},
                    {"ref.i31", VALUE_REF_I31},     {"ref.struct", VALUE_REF_STRUCT},
                    {"ref.array", VALUE_REF_ARRAY}, {"ref.exn", VALUE_REF_EXN},
                    {"ref.host", VALUE_REF_HOST},   {"ref.null", VALUE_REF_NULL}};
    for (size_t i = 0; i < COUNT_OF(patterns); i++) {
        if (!text_token_is(r->source, peek(r), patterns[i].name))
            continue;
        r->at++;
        value->type = (uint8_t)patterns[i].type;
        if (at_end(r))
            return value->type != VALUE_REF_HOST || fail(r, "a number is expected here");
        if (value->type == VALUE_REF_NULL) {
            r->at++; /* the heap type: a null fits in any */
            return true;
        }
        if (value->type != VALUE_REF_EXTERN && value->type != VALUE_REF_HOST)
            return fail(r, ") is expected here");
        value->type = VALUE_REF_HOST;
        return read_integer(r, 32, &value->bits[0]);
    }
    return fail(r, "a constant or a pattern of a result is expected here");
}

/* (t.const …), (ref.… …) */
static bool read_value(struct reader *r, struct script_value *ret_value)
{
    static const struct {
        const char *name;
        enum script_type type;
    } constants[] = {{"i32.const", VALUE_I32},
                     {"i64.const", VALUE_I64},
                     {"f32.const", VALUE_F32},
                     {"f64.const", VALUE_F64},
                     {"v128.const", VALUE_V128}};
    struct script_value value = {0};
    bool ok = false, found = false;
    if (peek(r)->kind != TOKEN_OPEN)
        return fail(r, "a constant is expected here");
    for (size_t i = 0; i < COUNT_OF(constants) && !found; i++) {
        found = accept_form(r, constants[i].name);
        value.type = (uint8_t)constants[i].type;
    }
    if (!found) {
        r->at++;
        ok = read_reference(r, &value);
    } else if (value.type == VALUE_V128) {
        ok = read_vector(r, &value);
    } else {
        unsigned bits = value.type == VALUE_I32 || value.type == VALUE_F32 ? 32 : 64;
        ok = value.type == VALUE_I32 || value.type == VALUE_I64
                 ? read_integer(r, bits, &value.bits[0])
                 : read_float(r, bits, &value.bits[0], &value.nan[0]);
    }
    if (!ok || !expect_close(r))
        return false;
    *ret_value = value;
    return true;
}

/* All values that stand here, in the arena. */
static bool read_values(struct reader *r, const struct script_value **ret_values,
                        uint32_t *ret_count)
{
    uint32_t count = 0;
    for (; peek(r)->kind == TOKEN_OPEN; count++) {
        if (count == RESULTS_MAX)
            return fail(r, "too many values");
        if (!vec_reserve(r->script->arena.alloc, &r->values, &r->value_capacity, count + 1,
                         sizeof(*r->values)))
            return nomem(r);
        if (!read_value(r, &r->values[count]))
            return false;
    }
    *ret_values = arena_copy(&r->script->arena, r->values, count * sizeof(*r->values));
    *ret_count = count;
    return *ret_values != NULL || nomem(r);
}

/* One result: a pattern, or (either pattern…). */
static bool read_result(struct reader *r, struct script_result *ret_result)
{
    struct script_value value;
    if (accept_form(r, "either"))
        return read_values(r, &ret_result->options, &ret_result->option_count) && expect_close(r);
    if (!read_value(r, &value))
        return false;
    ret_result->options = arena_copy(&r->script->arena, &value, sizeof(value));
    ret_result->option_count = 1;
    return ret_result->options != NULL || nomem(r);
}

static bool read_results(struct reader *r, struct script_command *command)
{
    uint32_t count = 0;
    for (; peek(r)->kind == TOKEN_OPEN; count++) {
        if (count == RESULTS_MAX)
            return fail(r, "too many results");
        if (!vec_reserve(r->script->arena.alloc, &r->results, &r->result_capacity, count + 1,
                         sizeof(*r->results)))
            return nomem(r);
        if (!read_result(r, &r->results[count]))
            return false;
    }
    command->results = arena_copy(&r->script->arena, r->results, count * sizeof(*r->results));
    command->result_count = count;
    return command->results != NULL || nomem(r);
}

/* ---- Commands ---------------------------------------------------------------------------- */

/* (invoke $m? "f" value*) or (get $m? "g") */
static bool read_action(struct reader *r, struct script_action *action)
{
    action->is_get = accept_form(r, "get");
    if (!action->is_get && !accept_form(r, "invoke"))
        return fail(r, "(invoke …) or (get …) is expected here");
    if (!read_id(r, &action->module) || !read_string(r, &action->name))
        return false;
    if (!action->is_get && !read_values(r, &action->args, &action->arg_count))
        return false;
    return expect_close(r);
}

/* (module …), which is read when it is its turn. */
static bool read_module(struct reader *r, struct script_module *module)
{
    struct text_module_head head;
    r->status = text_module_head(r->source, r->at, &head, r->error);
    if (r->status != STINT_OK)
        return false;
    *module = (struct script_module){
        .form = FORM_SOURCE, .open = r->at, .is_definition = head.is_definition};
    r->at = head.id;
    if (head.id != TOKEN_NONE && !read_name(r, &module->id))
        return false;
    r->at = head.end + 1;
    return true;
}

/* (module instance $i? $m?), from behind `instance`. */
static bool read_instance(struct reader *r, struct script_command *command)
{
    return read_id(r, &command->id) && read_id(r, &command->of) && expect_close(r);
}

static bool read_register(struct reader *r, struct script_command *command)
{
    return read_string(r, &command->of) && read_id(r, &command->id) && expect_close(r);
}

/* What stands behind the keyword of an assertion. */
static bool read_assertion(struct reader *r, struct script_command *command, bool about_module,
                           bool has_message)
{
    command->has_module = about_module || (command->kind == ASSERT_TRAP && at_form(r, "module"));
    if (command->has_module ? !read_module(r, &command->module) : !read_action(r, &command->action))
        return false;
    if (command->kind == ASSERT_RETURN && !read_results(r, command))
        return false;
    return (!has_message || read_string(r, &command->message)) && expect_close(r);
}

static bool read_command(struct reader *r, struct script_command *command)
{
    static const struct {
        const char *name;
        enum script_kind kind;
        bool about_module, has_message;
    } assertions[] = {
        {"assert_return", ASSERT_RETURN, false, false},
        {"assert_trap", ASSERT_TRAP, false, true},
        {"assert_exhaustion", ASSERT_EXHAUSTION, false, true},
        {"assert_exception", ASSERT_EXCEPTION, false, false},
        {"assert_malformed", ASSERT_MALFORMED, true, true},
        {"assert_invalid", ASSERT_INVALID, true, true},
        {"assert_unlinkable", ASSERT_UNLINKABLE, true, true},
        {"assert_malformed_custom", ASSERT_MALFORMED_CUSTOM, true, true},
        {"assert_invalid_custom", ASSERT_INVALID_CUSTOM, true, true},
    };
    for (size_t i = 0; i < COUNT_OF(assertions); i++) {
        if (accept_form(r, assertions[i].name)) {
            command->kind = (uint8_t)assertions[i].kind;
            return read_assertion(r, command, assertions[i].about_module,
                                  assertions[i].has_message);
        }
    }
    if (at_form(r, "module") && text_token_is(r->source, peek(r) + 2, "instance")) {
        command->kind = SCRIPT_INSTANCE;
        r->at += 3;
        return read_instance(r, command);
    }
    if (at_form(r, "module")) {
        command->kind = SCRIPT_MODULE;
        command->has_module = true;
        return read_module(r, &command->module);
    }
    if (accept_form(r, "register")) {
        command->kind = SCRIPT_REGISTER;
        return read_register(r, command);
    }
    if (at_form(r, "invoke") || at_form(r, "get")) {
        command->kind = SCRIPT_ACTION;
        return read_action(r, &command->action);
    }
    return fail(r, "unknown command: a module, an action or an assertion is expected here");
}

/* Counts lines from the last command on. */
static uint32_t next_line(struct reader *r, uint32_t offset)
{
    for (; r->line_offset < offset; r->line_offset++)
        r->line += r->source->text[r->line_offset] == '\n';
    return r->line;
}

/* Whether the text is a single module without its parenthesis. */
static bool is_bare_module(const struct reader *r)
{
    static const char *const fields[] = {"type",   "rec",    "import", "func", "table", "memory",
                                         "global", "export", "start",  "elem", "data",  "tag"};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (at_form(r, fields[i]))
            return true;
    }
    return false;
}

static bool read_commands(struct reader *r)
{
    bool is_bare = is_bare_module(r);
    while (peek(r)->kind != TOKEN_END) {
        struct script_command *command = script_add(r->script);
        if (command == NULL)
            return nomem(r);
        command->line = next_line(r, peek(r)->offset);
        if (is_bare) {
            command->kind = SCRIPT_MODULE;
            command->has_module = true;
            command->module = (struct script_module){.form = FORM_SOURCE, .is_whole = true};
            return true;
        }
        if (!read_command(r, command))
            return false;
    }
    return true;
}

enum stint_status script_read_text(struct alloc *alloc, const char *text, size_t bytes,
                                   struct script *ret_script, struct stint_error *error)
{
    struct script script = {0};
    enum stint_status status = text_lex(alloc, text, bytes, &script.source, error);
    if (status != STINT_OK)
        return status;
    arena_init(&script.arena, alloc);
    struct reader r = {.script = &script, .source = &script.source, .line = 1, .error = error};
    buf_init(&r.scratch, alloc, SIZE_MAX);
    bool ok = read_commands(&r);
    buf_free(&r.scratch);
    alloc_put(alloc, r.values, r.value_capacity * sizeof(*r.values));
    alloc_put(alloc, r.results, r.result_capacity * sizeof(*r.results));
    if (!ok) {
        script_free(&script);
        return r.status;
    }
    *ret_script = script;
    return STINT_OK;
}
