/* SPDX-License-Identifier: Apache-2.0 */
/* Functions: canonical definitions (Explainer.md), and those that are imported or aliased in place. */
#include "component/text_component_int.h"

enum { CODE_LIFT = 0x00 };

const struct ctext_builtin ctext_builtins[] = {
    {"lower", 0x01, OPERAND_LOWER},
    {"resource.new", 0x02, OPERAND_TYPE},
    {"resource.drop", 0x03, OPERAND_TYPE},
    {"resource.rep", 0x04, OPERAND_TYPE},
    {"task.cancel", 0x05, OPERAND_NONE},
    {"subtask.cancel", 0x06, OPERAND_ASYNC},
    {"task.return", 0x09, OPERAND_RESULT_OPTIONS},
    {"context.get", 0x0a, OPERAND_SLOT},
    {"context.set", 0x0b, OPERAND_SLOT},
    {"thread.yield", 0x0c, OPERAND_CANCELLABLE},
    {"subtask.drop", 0x0d, OPERAND_NONE},
    {"stream.new", 0x0e, OPERAND_TYPE},
    {"stream.read", 0x0f, OPERAND_TYPE_OPTIONS},
    {"stream.write", 0x10, OPERAND_TYPE_OPTIONS},
    {"stream.cancel-read", 0x11, OPERAND_TYPE_ASYNC},
    {"stream.cancel-write", 0x12, OPERAND_TYPE_ASYNC},
    {"stream.drop-readable", 0x13, OPERAND_TYPE},
    {"stream.drop-writable", 0x14, OPERAND_TYPE},
    {"future.new", 0x15, OPERAND_TYPE},
    {"future.read", 0x16, OPERAND_TYPE_OPTIONS},
    {"future.write", 0x17, OPERAND_TYPE_OPTIONS},
    {"future.cancel-read", 0x18, OPERAND_TYPE_ASYNC},
    {"future.cancel-write", 0x19, OPERAND_TYPE_ASYNC},
    {"future.drop-readable", 0x1a, OPERAND_TYPE},
    {"future.drop-writable", 0x1b, OPERAND_TYPE},
    {"error-context.new", 0x1c, OPERAND_OPTIONS},
    {"error-context.debug-message", 0x1d, OPERAND_OPTIONS},
    {"error-context.drop", 0x1e, OPERAND_NONE},
    {"waitable-set.new", 0x1f, OPERAND_NONE},
    {"waitable-set.wait", 0x20, OPERAND_CANCELLABLE_MEMORY},
    {"waitable-set.poll", 0x21, OPERAND_CANCELLABLE_MEMORY},
    {"waitable-set.drop", 0x22, OPERAND_NONE},
    {"waitable.join", 0x23, OPERAND_NONE},
    {"backpressure.inc", 0x24, OPERAND_NONE},
    {"backpressure.dec", 0x25, OPERAND_NONE},
    {"thread.index", 0x26, OPERAND_NONE},
    {"thread.new-indirect", 0x27, OPERAND_CORE_TYPE_TABLE},
    {"thread.resume-later", 0x28, OPERAND_NONE},
    {"thread.suspend", 0x29, OPERAND_CANCELLABLE},
    {"thread.suspend-then-resume", 0x2a, OPERAND_CANCELLABLE},
    {"thread.yield-then-resume", 0x2b, OPERAND_CANCELLABLE},
    {"thread.suspend-then-promote", 0x2c, OPERAND_CANCELLABLE},
    {"thread.yield-then-promote", 0x2d, OPERAND_CANCELLABLE},
    {"thread.spawn-ref", 0x40, OPERAND_SHARED_CORE_TYPE},
    {"thread.spawn-indirect", 0x41, OPERAND_SHARED_CORE_TYPE_TABLE},
    {"thread.available-parallelism", 0x42, OPERAND_SHARED},
};
const size_t ctext_builtin_count = COUNT_OF(ctext_builtins);

/* ---- Options ----------------------------------------------------------------------------- */

/* One option; `ret_found` tells whether one stands here. */
static bool read_option(struct ctext *p, bool *ret_found)
{
    static const struct {
        const char *word;
        uint8_t code;
    } words[] = {{"string-encoding=utf8", 0x00},
                 {"string-encoding=utf16", 0x01},
                 {"string-encoding=latin1+utf16", 0x02},
                 {"async", 0x06}};
    static const struct {
        const char *keyword;
        uint8_t code, sort;
    } forms[] = {{"memory", 0x03, SORT_CORE_MEMORY},
                 {"realloc", 0x04, SORT_CORE_FUNC},
                 {"post-return", 0x05, SORT_CORE_FUNC},
                 {"callback", 0x07, SORT_CORE_FUNC}};
    *ret_found = true;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (ctext_accept_keyword(p, words[i].word)) {
            ctext_byte(p, words[i].code);
            return true;
        }
    }
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        uint32_t index;
        if (!ctext_accept_form(p, forms[i].keyword))
            continue;
        ctext_byte(p, forms[i].code);
        if (!ctext_ref_or_form(p, (enum comp_sort)forms[i].sort, &index))
            return false;
        ctext_uleb(p, index);
        return ctext_expect_close(p);
    }
    *ret_found = false;
    return true;
}

static bool read_options(struct ctext *p)
{
    size_t mark = p->work.bytes;
    uint32_t count = 0;
    bool found = true;
    while (found) {
        if (!read_option(p, &found))
            return false;
        count += found;
    }
    ctext_insert_count(p, mark, count);
    return true;
}

/* ---- Definitions ------------------------------------------------------------------------- */

static bool read_index(struct ctext *p, enum comp_sort sort)
{
    uint32_t index;
    if (!ctext_index_or_ref(p, sort, &index))
        return false;
    ctext_uleb(p, index);
    return true;
}

static void read_word(struct ctext *p, const char *word)
{
    ctext_byte(p, ctext_accept_keyword(p, word));
}

static bool read_slot(struct ctext *p)
{
    uint32_t slot;
    if (!ctext_core_valtype(p) || !ctext_u32(p, &slot))
        return false;
    ctext_uleb(p, slot);
    return true;
}

/* (memory …) of built-ins that have no other option. */
static bool read_memory(struct ctext *p)
{
    uint32_t index;
    if (!ctext_expect_form(p, "memory") || !ctext_ref_or_form(p, SORT_CORE_MEMORY, &index))
        return false;
    ctext_uleb(p, index);
    return ctext_expect_close(p);
}

static bool read_operands(struct ctext *p, enum ctext_operands operands)
{
    switch (operands) {
    case OPERAND_NONE:
        return true;
    case OPERAND_LOWER:
        ctext_byte(p, 0x00);
        return read_index(p, SORT_FUNC) && read_options(p);
    case OPERAND_TYPE:
        return read_index(p, SORT_TYPE);
    case OPERAND_TYPE_OPTIONS:
        return read_index(p, SORT_TYPE) && read_options(p);
    case OPERAND_TYPE_ASYNC:
        if (!read_index(p, SORT_TYPE))
            return false;
        read_word(p, "async");
        return true;
    case OPERAND_ASYNC:
        read_word(p, "async");
        return true;
    case OPERAND_CANCELLABLE:
        read_word(p, "cancellable");
        return true;
    case OPERAND_CANCELLABLE_MEMORY:
        read_word(p, "cancellable");
        return read_memory(p);
    case OPERAND_OPTIONS:
        return read_options(p);
    case OPERAND_RESULT_OPTIONS:
        return ctext_result(p) && read_options(p);
    case OPERAND_SLOT:
        return read_slot(p);
    case OPERAND_CORE_TYPE_TABLE:
        return read_index(p, SORT_CORE_TYPE) && read_index(p, SORT_CORE_TABLE);
    case OPERAND_SHARED:
        read_word(p, "shared");
        return true;
    case OPERAND_SHARED_CORE_TYPE:
        read_word(p, "shared");
        return read_index(p, SORT_CORE_TYPE);
    case OPERAND_SHARED_CORE_TYPE_TABLE:
        read_word(p, "shared");
        return read_index(p, SORT_CORE_TYPE) && read_index(p, SORT_CORE_TABLE);
    }
    return true;
}

/* A built-in, from its name on; left in `work`. */
static bool read_builtin(struct ctext *p)
{
    for (size_t i = 0; i < COUNT_OF(ctext_builtins); i++) {
        if (!ctext_accept_keyword(p, ctext_builtins[i].name))
            continue;
        ctext_byte(p, ctext_builtins[i].code);
        return read_operands(p, (enum ctext_operands)ctext_builtins[i].operands);
    }
    return ctext_expected(p, "lift, lower or the name of a built-in function");
}

/* From behind `lift`; the function's type has to follow. */
static bool read_lift(struct ctext *p)
{
    ctext_byte(p, CODE_LIFT);
    ctext_byte(p, 0x00);
    return read_index(p, SORT_CORE_FUNC) && read_options(p);
}

bool ctext_field_canon(struct ctext *p)
{
    struct ctext_id id;
    uint32_t index, type;
    size_t mark = p->work.bytes;
    if (!ctext_accept_keyword(p, "lift")) {
        if (!read_builtin(p))
            return false;
        if (!ctext_accept_core_form(p, "func"))
            return ctext_expected(p, "an option, or (core func …)");
        return ctext_optional_id(p, &id) && ctext_expect_close(p) &&
               ctext_define(p, CSECTION_CANON, mark, SORT_CORE_FUNC, &id, &index);
    }
    if (!read_lift(p))
        return false;
    if (!ctext_accept_form(p, "func"))
        return ctext_expected(p, "an option, or (func …)");
    if (!ctext_optional_id(p, &id) || !ctext_type_use(p, SORT_FUNC, &type))
        return false;
    ctext_uleb(p, type);
    return ctext_expect_close(p) && ctext_define(p, CSECTION_CANON, mark, SORT_FUNC, &id, &index);
}

/* A function type, then (canon lift …). */
static bool lifted_func(struct ctext *p, const struct ctext_id *id, uint32_t *ret_index)
{
    uint32_t type;
    size_t mark = p->work.bytes;
    if (!ctext_type_use(p, SORT_FUNC, &type) || !ctext_expect_form(p, "canon"))
        return false;
    if (!ctext_accept_keyword(p, "lift"))
        return ctext_expected(p, "lift");
    if (!read_lift(p))
        return false;
    ctext_uleb(p, type);
    return ctext_expect_close(p) &&
           ctext_define(p, CSECTION_CANON, mark, SORT_FUNC, id, ret_index);
}

bool ctext_field_func(struct ctext *p)
{
    struct ctext_id id;
    uint32_t exports, index;
    bool is_done;
    if (!ctext_optional_id(p, &id) || !ctext_skip_exports(p, &exports) ||
        !ctext_inline_import(p, SORT_FUNC, &id, &is_done, &index))
        return false;
    if (!is_done && !ctext_inline_alias(p, SORT_FUNC, &id, &is_done, &index))
        return false;
    if (!is_done && !lifted_func(p, &id, &index))
        return false;
    return ctext_keep_exports(p, exports, SORT_FUNC, index);
}

bool ctext_field_core_func(struct ctext *p)
{
    struct ctext_id id;
    uint32_t index;
    bool is_alias;
    size_t mark = p->work.bytes;
    if (!ctext_optional_id(p, &id) ||
        !ctext_inline_alias(p, SORT_CORE_FUNC, &id, &is_alias, &index))
        return false;
    if (is_alias)
        return true;
    if (!ctext_accept_form(p, "canon"))
        return ctext_expected(p, "(canon …) or (alias …)");
    return read_builtin(p) && ctext_expect_close(p) &&
           ctext_define(p, CSECTION_CANON, mark, SORT_CORE_FUNC, &id, &index);
}
