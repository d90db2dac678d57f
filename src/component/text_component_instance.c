/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of components and of core modules (Explainer.md: Instance Definitions). */
#include "component/text_component_int.h"

enum { FROM_DEFINITION = 0x00, FROM_EXPORTS = 0x01 };

/* ---- Core instances ---------------------------------------------------------------------- */

/* (export "name" (func $f))*, up to the closing parenthesis: left in `work`. */
static bool core_exports(struct ctext *p)
{
    enum comp_sort sort;
    uint32_t count = 0, index;
    ctext_byte(p, FROM_EXPORTS);
    size_t mark = p->work.bytes;
    for (; !ctext_at(p, TOKEN_CLOSE); count++) {
        if (!ctext_expect_form(p, "export") || !ctext_name(p))
            return false;
        if (!(ctext_at_form(p, "core") ? ctext_sort_form(p, false, &sort)
                                       : ctext_sort_form(p, true, &sort)) ||
            !ctext_ref(p, sort, &index))
            return false;
        ctext_core_sort(p, sort);
        ctext_uleb(p, index);
        if (!ctext_expect_close(p) || !ctext_expect_close(p))
            return false;
    }
    ctext_insert_count(p, mark, count);
    return true;
}

/* (with "name" (instance …)), from behind `with`. */
static bool core_arg(struct ctext *p)
{
    uint32_t index;
    if (!ctext_name(p))
        return false;
    if (!ctext_accept_core_form(p, "instance") && !ctext_expect_form(p, "instance"))
        return false;
    if (ctext_at_index(p)) {
        if (!ctext_index(p, SORT_CORE_INSTANCE, &index))
            return false;
    } else {
        size_t mark = p->work.bytes;
        if (!core_exports(p) ||
            !ctext_define(p, CSECTION_CORE_INSTANCE, mark, SORT_CORE_INSTANCE, NULL, &index))
            return false;
    }
    ctext_core_sort(p, SORT_CORE_INSTANCE);
    ctext_uleb(p, index);
    return ctext_expect_close(p) && ctext_expect_close(p);
}

/* From behind `instantiate`. */
static bool instantiate(struct ctext *p, enum comp_sort sort, bool (*read_arg)(struct ctext *p))
{
    uint32_t index, count = 0;
    ctext_byte(p, FROM_DEFINITION);
    if (!ctext_index_or_ref(p, sort, &index))
        return false;
    ctext_uleb(p, index);
    size_t mark = p->work.bytes;
    for (; !ctext_at(p, TOKEN_CLOSE); count++) {
        if (!ctext_expect_form(p, "with") || !read_arg(p))
            return false;
    }
    ctext_insert_count(p, mark, count);
    return ctext_expect_close(p);
}

bool ctext_field_core_instance(struct ctext *p)
{
    struct ctext_id id;
    uint32_t index;
    size_t mark = p->work.bytes;
    if (!ctext_optional_id(p, &id))
        return false;
    bool ok = ctext_accept_form(p, "instantiate") ? instantiate(p, SORT_CORE_MODULE, core_arg)
                                                  : core_exports(p);
    return ok && ctext_define(p, CSECTION_CORE_INSTANCE, mark, SORT_CORE_INSTANCE, &id, &index);
}

/* ---- Instances of components ------------------------------------------------------------- */

static bool exports(struct ctext *p)
{
    enum comp_sort ignored;
    uint32_t count = 0;
    ctext_byte(p, FROM_EXPORTS);
    size_t mark = p->work.bytes;
    for (; !ctext_at(p, TOKEN_CLOSE); count++) {
        if (!ctext_expect_form(p, "export") || !ctext_extern_name(p) || !ctext_item(p, &ignored) ||
            !ctext_expect_close(p))
            return false;
    }
    ctext_insert_count(p, mark, count);
    return true;
}

/* (with "name" (sort …)) or (with "name" (instance (export …)*)), from behind `with`. */
static bool read_arg(struct ctext *p)
{
    enum comp_sort ignored;
    uint32_t index;
    if (!ctext_name(p))
        return false;
    const struct text_token *tokens = p->source->tokens + p->at;
    if (!ctext_at_form(p, "instance") ||
        (tokens[2].kind != TOKEN_OPEN && tokens[2].kind != TOKEN_CLOSE))
        return ctext_item(p, &ignored) && ctext_expect_close(p);
    p->at += 2;
    size_t mark = p->work.bytes;
    if (!exports(p) || !ctext_define(p, CSECTION_INSTANCE, mark, SORT_INSTANCE, NULL, &index))
        return false;
    ctext_sort(p, SORT_INSTANCE);
    ctext_uleb(p, index);
    return ctext_expect_close(p) && ctext_expect_close(p);
}

bool ctext_field_instance(struct ctext *p)
{
    struct ctext_id id;
    uint32_t inline_exports, index;
    bool is_done;
    size_t mark = p->work.bytes;
    if (!ctext_optional_id(p, &id) || !ctext_skip_exports(p, &inline_exports) ||
        !ctext_inline_import(p, SORT_INSTANCE, &id, &is_done, &index))
        return false;
    if (!is_done && !ctext_inline_alias(p, SORT_INSTANCE, &id, &is_done, &index))
        return false;
    if (!is_done) {
        bool ok = ctext_accept_form(p, "instantiate") ? instantiate(p, SORT_COMPONENT, read_arg)
                                                      : exports(p);
        if (!ok || !ctext_define(p, CSECTION_INSTANCE, mark, SORT_INSTANCE, &id, &index))
            return false;
    }
    return ctext_keep_exports(p, inline_exports, SORT_INSTANCE, index);
}
