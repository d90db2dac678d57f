/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts in the text format: .wast. */
#include "wast/script.h"

#include <string.h>

#include "wast/script_text_int.h"

enum { RESULTS_MAX = 1000 }; /* of one command */

/* ---- Tokens ------------------------------------------------------------------------------ */

bool script_fail(struct script_reader *r, const char *message)
{
    r->status = text_error_at(r->source, script_peek(r)->offset, r->error, STINT_SYNTAX, "%s", message);
    return false;
}

bool script_nomem(struct script_reader *r)
{
    r->status =
        error_set(r->error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory while reading a script");
    return false;
}

bool script_at_form(const struct script_reader *r, const char *keyword)
{
    return script_peek(r)->kind == TOKEN_OPEN && text_token_is(r->source, script_peek(r) + 1, keyword);
}

bool script_accept_form(struct script_reader *r, const char *keyword)
{
    bool found = script_at_form(r, keyword);
    r->at += found ? 2 : 0;
    return found;
}

bool script_expect_close(struct script_reader *r)
{
    if (script_peek(r)->kind != TOKEN_CLOSE)
        return script_fail(r, ") is expected here");
    r->at++;
    return true;
}

static bool is_id(const struct text_token *token)
{
    return token->kind == TOKEN_ID || token->kind == TOKEN_ID_QUOTED;
}

/* The bytes of a string or identifier, copied where the text itself will not do. */
static bool read_name(struct script_reader *r, struct wasm_name *ret_name)
{
    const struct text_token *token = script_peek(r);
    r->at++;
    if (token->kind == TOKEN_ID) {
        *ret_name = (struct wasm_name){r->source->text + token->offset + 1, token->size - 1};
        return true;
    }
    buf_clear(&r->scratch);
    if (!text_append_string(r->source, token, &r->scratch))
        return script_nomem(r);
    char *copy = arena_copy(&r->script->arena, r->scratch.data, r->scratch.bytes);
    if (copy == NULL)
        return script_nomem(r);
    *ret_name = (struct wasm_name){copy, (uint32_t)r->scratch.bytes};
    return true;
}

bool script_string(struct script_reader *r, struct wasm_name *ret_name)
{
    if (script_peek(r)->kind != TOKEN_STRING)
        return script_fail(r, "a string is expected here");
    return read_name(r, ret_name);
}

/* An identifier, if one stands here. */
static bool read_id(struct script_reader *r, struct wasm_name *ret_name)
{
    return !is_id(script_peek(r)) || read_name(r, ret_name);
}

/* ---- Results ----------------------------------------------------------------------------- */

/* One result: a pattern, or (either pattern…). */
static bool read_result(struct script_reader *r, struct script_result *ret_result)
{
    struct script_value value;
    if (script_accept_form(r, "either"))
        return script_values(r, &ret_result->options, &ret_result->option_count) && script_expect_close(r);
    if (!script_value(r, &value))
        return false;
    ret_result->options = arena_copy(&r->script->arena, &value, sizeof(value));
    ret_result->option_count = 1;
    return ret_result->options != NULL || script_nomem(r);
}

static bool read_results(struct script_reader *r, struct script_command *command)
{
    uint32_t count = 0;
    for (; script_peek(r)->kind == TOKEN_OPEN; count++) {
        if (count == RESULTS_MAX)
            return script_fail(r, "too many results");
        if (!vec_reserve(r->script->arena.alloc, &r->results, &r->result_capacity, count + 1,
                         sizeof(*r->results)))
            return script_nomem(r);
        if (!read_result(r, &r->results[count]))
            return false;
    }
    command->results = arena_copy(&r->script->arena, r->results, count * sizeof(*r->results));
    command->result_count = count;
    return command->results != NULL || script_nomem(r);
}

/* ---- Commands ---------------------------------------------------------------------------- */

/* (invoke $m? "f" value*) or (get $m? "g") */
static bool read_action(struct script_reader *r, struct script_action *action)
{
    action->is_get = script_accept_form(r, "get");
    if (!action->is_get && !script_accept_form(r, "invoke"))
        return script_fail(r, "(invoke …) or (get …) is expected here");
    if (!read_id(r, &action->module) || !script_string(r, &action->name))
        return false;
    if (!action->is_get && !script_values(r, &action->args, &action->arg_count))
        return false;
    return script_expect_close(r);
}

/* Whether a module or a component stands here. */
static bool at_module(const struct script_reader *r)
{
    return script_at_form(r, "module") || script_at_form(r, "component");
}

/* (module …), which is read when it is its turn. */
static bool read_module(struct script_reader *r, struct script_module *module)
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
static bool read_instance(struct script_reader *r, struct script_command *command)
{
    return read_id(r, &command->id) && read_id(r, &command->of) && script_expect_close(r);
}

static bool read_register(struct script_reader *r, struct script_command *command)
{
    return script_string(r, &command->of) && read_id(r, &command->id) && script_expect_close(r);
}

/* What stands behind the keyword of an assertion. */
static bool read_assertion(struct script_reader *r, struct script_command *command, bool about_module,
                           bool has_message)
{
    command->has_module = about_module || (command->kind == ASSERT_TRAP && at_module(r));
    if (command->has_module ? !read_module(r, &command->module) : !read_action(r, &command->action))
        return false;
    if (command->kind == ASSERT_RETURN && !read_results(r, command))
        return false;
    return (!has_message || script_string(r, &command->message)) && script_expect_close(r);
}

static bool read_command(struct script_reader *r, struct script_command *command)
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
        if (script_accept_form(r, assertions[i].name)) {
            command->kind = (uint8_t)assertions[i].kind;
            return read_assertion(r, command, assertions[i].about_module,
                                  assertions[i].has_message);
        }
    }
    if (at_module(r) && text_token_is(r->source, script_peek(r) + 2, "instance")) {
        command->kind = SCRIPT_INSTANCE;
        r->at += 3;
        return read_instance(r, command);
    }
    if (at_module(r)) {
        command->kind = SCRIPT_MODULE;
        command->has_module = true;
        return read_module(r, &command->module);
    }
    if (script_accept_form(r, "register")) {
        command->kind = SCRIPT_REGISTER;
        return read_register(r, command);
    }
    if (script_at_form(r, "invoke") || script_at_form(r, "get")) {
        command->kind = SCRIPT_ACTION;
        return read_action(r, &command->action);
    }
    return script_fail(r, "unknown command: a module, an action or an assertion is expected here");
}

/* Counts lines from the last command on. */
static uint32_t next_line(struct script_reader *r, uint32_t offset)
{
    for (; r->line_offset < offset; r->line_offset++)
        r->line += r->source->text[r->line_offset] == '\n';
    return r->line;
}

/* Whether the text is a single module without its parenthesis. */
static bool is_bare_module(const struct script_reader *r)
{
    static const char *const fields[] = {"type",   "rec",    "import", "func", "table", "memory",
                                         "global", "export", "start",  "elem", "data",  "tag"};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (script_at_form(r, fields[i]))
            return true;
    }
    return false;
}

static bool read_commands(struct script_reader *r)
{
    bool is_bare = is_bare_module(r);
    while (script_peek(r)->kind != TOKEN_END) {
        struct script_command *command = script_add(r->script);
        if (command == NULL)
            return script_nomem(r);
        command->line = next_line(r, script_peek(r)->offset);
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
    struct script_reader r = {.script = &script, .source = &script.source, .line = 1, .error = error};
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
