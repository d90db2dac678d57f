/* SPDX-License-Identifier: Apache-2.0 */
/* Function bodies: locals, the frame around the instructions, and the module's bodies in turn. */
#include "base/buf.h"
#include "wasm/limits.h"
#include "wasm/validate_int.h"
#include "wasm/validate_rules.h"

enum { CODE_END = 0x0b };

/* Appends `count` locals of a type; false when memory is out. */
static bool add_locals(struct validator *v, uint32_t count, valtype type)
{
    if (!vec_reserve(v->r.module->alloc, &v->locals, &v->local_capacity, v->local_count + count,
                     sizeof(*v->locals))) {
        reader_fail_nomem(&v->r);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        v->locals[v->local_count + i] = type;
    if (!vt_is_defaultable(type) && v->plain_locals > v->local_count)
        v->plain_locals = v->local_count;
    v->local_count += count;
    return true;
}

/* Reads the declarations; parameters come first and are always set. */
static void read_locals(struct validator *v)
{
    struct reader *r = &v->r;
    const uint8_t *at = r->at;
    uint32_t groups = read_count(r, UINT32_MAX, 2, "groups of locals");
    uint64_t total = v->func_type->param_count;
    v->local_count = 0;
    v->plain_locals = SIZE_MAX;
    for (uint32_t i = 0; i < v->func_type->param_count; i++) {
        if (!add_locals(v, 1, v->func_type->params[i]))
            return;
    }
    v->plain_locals = SIZE_MAX;
    for (uint32_t i = 0; i < groups && !reader_failed(r); i++) {
        uint32_t count = read_u32(r);
        valtype type = read_valtype(r);
        total += count;
        if (total <= LIMIT_LOCALS && !reader_failed(r) && !add_locals(v, count, type))
            return;
    }
    if (total - v->func_type->param_count > UINT32_MAX)
        reader_fail(r, STINT_MALFORMED, at, "too many locals: %llu", (unsigned long long)total);
    else if (total > LIMIT_LOCALS)
        reader_fail(r, STINT_LIMIT, at, "too many locals: %llu, the limit is %d",
                    (unsigned long long)total, LIMIT_LOCALS);
    if (v->plain_locals > v->local_count)
        v->plain_locals = v->local_count;
}

/* For functions with locals that must be set first: none is. */
static bool clear_locals_set(struct validator *v)
{
    if (v->plain_locals == v->local_count)
        return true;
    if (!vec_reserve(v->r.module->alloc, &v->locals_set, &v->locals_set_capacity, v->local_count,
                     1)) {
        reader_fail_nomem(&v->r);
        return false;
    }
    for (size_t i = 0; i < v->local_count; i++)
        v->locals_set[i] = i < v->func_type->param_count || vt_is_defaultable(v->locals[i]);
    return true;
}

/* Says it as a decoder would that reads on: it finds nothing, an `end`, or something else. */
static void fail_no_end(struct reader *r)
{
    const char *text = "END opcode expected";
    if (r->end == r->module->bytes + r->module->size_bytes)
        text = "unexpected end of section or function";
    else if (*r->end == CODE_END)
        text = "section size mismatch";
    reader_fail(r, STINT_MALFORMED, r->end, "%s: the body's last byte is not `end`", text);
}

static void validate_body(struct validator *v, struct body_rules *rules)
{
    struct reader *r = &v->r;
    const struct block_type block = {.results = v->func_type->results,
                                     .result_count = v->func_type->result_count};
    v->is_const = false;
    v->frame_count = v->set_count = 0;
    if (v->stack != NULL)
        v->sp = v->stack + STACK_PAD;
    read_locals(v);
    if (!clear_locals_set(v) || reader_failed(r))
        return;
    if (r->at == r->end || r->end[-1] != CODE_END) {
        fail_no_end(r);
        return;
    }
    validator_enter(v, FRAME_FUNCTION, &block);
    if (!reader_failed(r))
        validate_run(v, rules);
    if (reader_failed(r))
        return;
    if (v->frame_count != 0)
        reader_fail(r, STINT_MALFORMED, r->end,
                    "unexpected end of section or function: %zu blocks lack their `end`",
                    v->frame_count);
    else if (r->at != r->end)
        reader_fail(r, STINT_MALFORMED, r->at,
                    "section size mismatch: the body's last `end` is followed by %zu bytes",
                    (size_t)(r->end - r->at));
}

enum stint_status validate_bodies(const struct wasm_module *module, struct body_rules *rules,
                                  struct stint_error *error)
{
    struct validator v;
    validator_init(&v, module, module->bytes, module->bytes, error);
    for (uint32_t i = module->import_func_count; i < module->func_count; i++) {
        const struct wasm_body *body = &module->bodies[i - module->import_func_count];
        v.func_type = module_func_type(module, i);
        v.r.function = i;
        v.r.at = module->bytes + body->offset_bytes;
        v.r.end = v.r.at + body->size_bytes;
        validate_body(&v, rules);
        if (reader_failed(&v.r))
            break;
    }
    validator_free(&v);
    return v.r.status;
}

enum stint_status module_validate(const struct wasm_module *module, struct stint_error *error)
{
    struct body_rules rules;
    if (module->func_count == module->import_func_count)
        return STINT_OK;
    validate_rules_begin(&rules);
    return validate_bodies(module, &rules, error);
}
