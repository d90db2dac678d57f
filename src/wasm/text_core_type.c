/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Core types in the text of a component (component-model Explainer.md: core:deftype). A module type
 * has an index space of types of its own, to which the uses of function types in its imports and
 * exports add, as they do in a module; each such type becomes a declaration in front of its use.
 */
#include <string.h>

#include "wasm/text_int.h"

enum { CODE_MODULE_TYPE = 0x50, CODE_SUB_PREFIX = 0x00, CODE_SUB = 0x50 };
enum { DECL_IMPORT, DECL_TYPE, DECL_ALIAS, DECL_EXPORT };

/* A module type while it is read. */
struct module_type {
    struct buf decls, decl;
    uint32_t count;
};

/* Appends p->decl as a declaration, and the types that it needed before it. */
static void add_decl(struct text_parser *p, struct module_type *m, uint8_t code)
{
    struct buf *types = &p->sections[SECTION_TYPE];
    if (types->bytes != 0) {
        buf_append_byte(&m->decls, DECL_TYPE);
        buf_append(&m->decls, types->data, types->bytes);
        m->count++;
        buf_clear(types);
    }
    if (code == DECL_TYPE)
        return;
    buf_append_byte(&m->decls, code);
    buf_append(&m->decls, m->decl.data, m->decl.bytes);
    m->decls.failed |= m->decl.failed || types->failed;
    m->count++;
}

static bool read_rec(struct text_parser *p)
{
    uint32_t first = p->at;
    for (; text_at_form(p, "type"); p->at = text_peek(p)->size + 1) {
        uint32_t open = p->at;
        p->at += 2;
        if (!text_bind(p, SPACE_TYPE))
            return false;
        p->at = open;
    }
    p->at = first;
    return text_field_rec(p);
}

/* (alias outer C x (type $id?)), from behind `alias`. */
static bool read_alias(struct text_parser *p, struct buf *buf)
{
    enum { SORT_TYPE = 0x10, TARGET_OUTER = 0x01 };
    uint32_t outer_count, index;
    if (!text_accept_keyword(p, "outer"))
        return text_expected(p, "outer");
    p->status = p->core_scope->alias(p->core_scope->context, &p->at, &outer_count, &index);
    if (p->status != STINT_OK)
        return false;
    if (!text_expect_form(p, "type") || !text_bind(p, SPACE_TYPE) || !text_expect_close(p))
        return false;
    buf_append_byte(buf, SORT_TYPE);
    buf_append_byte(buf, TARGET_OUTER);
    buf_append_uleb(buf, outer_count);
    buf_append_uleb(buf, index);
    return text_add_foreign_type(p);
}

static bool read_decl(struct text_parser *p, struct module_type *m)
{
    uint8_t code = DECL_TYPE;
    bool ok;
    buf_clear(&m->decl);
    if (text_accept_form(p, "type")) {
        ok = text_bind(p, SPACE_TYPE) && text_field_type(p);
    } else if (text_accept_form(p, "rec")) {
        ok = read_rec(p);
    } else if (text_accept_form(p, "alias")) {
        code = DECL_ALIAS;
        ok = read_alias(p, &m->decl);
    } else if (text_accept_form(p, "import")) {
        code = DECL_IMPORT;
        ok = text_name(p, &m->decl) && text_name(p, &m->decl) && text_extern_type(p, &m->decl);
    } else if (text_accept_form(p, "export")) {
        code = DECL_EXPORT;
        ok = text_name(p, &m->decl) && text_extern_type(p, &m->decl);
    } else {
        return text_expected(p, "a declaration of a module type, such as import or export,");
    }
    if (!ok || !text_expect_close(p))
        return false;
    add_decl(p, m, code);
    return true;
}

/* The declarations, up to the closing parenthesis. */
static bool read_module_type(struct text_parser *p, struct buf *ret_type)
{
    struct module_type m = {.count = 0};
    bool ok = true;
    buf_init(&m.decls, p->alloc, SIZE_MAX);
    buf_init(&m.decl, p->alloc, SIZE_MAX);
    while (ok && !text_at(p, TOKEN_CLOSE))
        ok = read_decl(p, &m);
    if (ok) {
        buf_append_byte(ret_type, CODE_MODULE_TYPE);
        buf_append_uleb(ret_type, m.count);
        buf_append(ret_type, m.decls.data, m.decls.bytes);
        ok = (!m.decls.failed && !ret_type->failed) || text_nomem(p);
    }
    buf_free(&m.decls);
    buf_free(&m.decl);
    return ok;
}

/* Types of the component's own index space. A subtype that is not final looks like a module type. */
static bool read_plain_type(struct text_parser *p, bool is_group, struct buf *ret_type)
{
    const struct buf *types = &p->sections[SECTION_TYPE];
    if (is_group ? !text_field_rec(p) : !text_field_type(p))
        return false;
    if (types->failed)
        return text_nomem(p);
    if (types->bytes != 0 && types->data[0] == CODE_SUB)
        buf_append_byte(ret_type, CODE_SUB_PREFIX);
    return buf_append(ret_type, types->data, types->bytes) || text_nomem(p);
}

enum stint_status text_core_type(struct alloc *alloc, const struct text_source *source,
                                 enum text_core_form form, uint32_t *at,
                                 const struct text_core_scope *scope, struct buf *ret_type,
                                 struct stint_error *error)
{
    static const struct text_options options = {.names = false};
    struct text_parser p;
    text_parser_init(&p, alloc, source, &options, error);
    p.core_scope = scope;
    p.at = *at;
    bool ok = text_annotations_init(&p);
    if (form == CORE_TYPE_MODULE)
        ok = ok && read_module_type(&p, ret_type);
    else
        ok = ok && read_plain_type(&p, form == CORE_TYPE_GROUP, ret_type);
    enum stint_status status = ok ? STINT_OK : p.status;
    if (ok)
        *at = p.at;
    text_parser_free(&p);
    return status;
}
