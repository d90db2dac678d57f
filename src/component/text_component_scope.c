/* SPDX-License-Identifier: Apache-2.0 */
/* Index spaces, identifiers, and what is put together from definitions: sections and declarations. */
#include <string.h>

#include "component/text_component_int.h"

/* Beside an index in `indices`: the name of an outer definition, which one in this scope may take. */
static const uint64_t BOUND_IMPLICITLY = (uint64_t)1 << 32;

static const char *const sort_names[SORT_COUNT] = {
    [SORT_CORE_FUNC] = "core function", [SORT_CORE_TABLE] = "core table",
    [SORT_CORE_MEMORY] = "core memory", [SORT_CORE_GLOBAL] = "core global",
    [SORT_CORE_TAG] = "core tag",       [SORT_CORE_TYPE] = "core type",
    [SORT_CORE_MODULE] = "core module", [SORT_CORE_INSTANCE] = "core instance",
    [SORT_FUNC] = "function",           [SORT_VALUE] = "value",
    [SORT_TYPE] = "type",               [SORT_COMPONENT] = "component",
    [SORT_INSTANCE] = "instance",
};

/* ---- Scopes ------------------------------------------------------------------------------ */

bool ctext_open_scope(struct ctext *p, enum ctext_scope_kind kind, struct wasm_name id)
{
    struct ctext_scope *scope = alloc_get_zeroed(p->alloc, 1, sizeof(*scope));
    if (scope == NULL)
        return ctext_nomem(p);
    for (int i = 0; i < SORT_COUNT; i++)
        map_init(&scope->indices[i], p->alloc);
    buf_init(&scope->out, p->alloc, SIZE_MAX);
    buf_init(&scope->section, p->alloc, SIZE_MAX);
    scope->kind = (uint8_t)kind;
    scope->id = id;
    scope->parent = p->scope;
    p->scope = scope;
    return true;
}

void ctext_close_scope(struct ctext *p)
{
    struct ctext_scope *scope = p->scope;
    p->scope = scope->parent;
    for (int i = 0; i < SORT_COUNT; i++)
        map_free(&scope->indices[i]);
    buf_free(&scope->out);
    buf_free(&scope->section);
    alloc_put(p->alloc, scope->exports, scope->export_capacity * sizeof(*scope->exports));
    alloc_put(p->alloc, scope->named, scope->named_capacity * sizeof(*scope->named));
    alloc_put(p->alloc, scope, sizeof(*scope));
}

/* ---- Definitions ------------------------------------------------------------------------- */

void ctext_flush(struct ctext *p, struct ctext_scope *scope)
{
    uint8_t count[5];
    size_t count_bytes = 0;
    if (scope->section_count == 0)
        return;
    for (uint32_t left = scope->section_count; left != 0 || count_bytes == 0; left >>= 7)
        count[count_bytes++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    buf_append_byte(&scope->out, (uint8_t)scope->section_id);
    buf_append_uleb(&scope->out, count_bytes + scope->section.bytes);
    buf_append(&scope->out, count, count_bytes);
    buf_append(&scope->out, scope->section.data, scope->section.bytes);
    scope->out.failed |= scope->section.failed;
    buf_clear(&scope->section);
    scope->section_count = 0;
}

/* Whether a section holds one definition, rather than a vector of them. */
static bool is_single(enum ctext_section section)
{
    return section == CSECTION_CUSTOM || section == CSECTION_MODULE ||
           section == CSECTION_COMPONENT || section == CSECTION_START;
}

static void add_to_component(struct ctext *p, enum ctext_section section, const uint8_t *data,
                             size_t bytes)
{
    struct ctext_scope *scope = p->scope;
    if (section != scope->section_id || is_single(section))
        ctext_flush(p, scope);
    scope->section_id = section;
    if (is_single(section)) {
        buf_append_byte(&scope->out, (uint8_t)section);
        buf_append_uleb(&scope->out, bytes);
        buf_append(&scope->out, data, bytes);
        return;
    }
    buf_append(&scope->section, data, bytes);
    scope->section_count++;
}

bool ctext_add(struct ctext *p, enum ctext_section section, size_t mark)
{
    static const uint8_t decls[] = {
        [CSECTION_CORE_TYPE] = 0x00, [CSECTION_TYPE] = 0x01,   [CSECTION_ALIAS] = 0x02,
        [CSECTION_IMPORT] = 0x03,    [CSECTION_EXPORT] = 0x04,
    };
    struct ctext_scope *scope = p->scope;
    if (p->work.failed)
        return ctext_nomem(p);
    const uint8_t *data = p->work.data + mark;
    size_t bytes = p->work.bytes - mark;
    if (scope->kind == SCOPE_COMPONENT) {
        add_to_component(p, section, data, bytes);
    } else {
        buf_append_byte(&scope->out, decls[section]);
        buf_append(&scope->out, data, bytes);
        scope->decl_count++;
    }
    p->work.bytes = mark;
    return (!scope->out.failed && !scope->section.failed) || ctext_nomem(p);
}

static bool keep_name(struct ctext *p, enum comp_sort sort, uint32_t index, struct wasm_name name)
{
    struct ctext_scope *scope = p->scope;
    if (name.text == NULL || !p->options->names || scope->kind != SCOPE_COMPONENT)
        return true;
    if (!vec_reserve(p->alloc, &scope->named, &scope->named_capacity, scope->named_count + 1,
                     sizeof(*scope->named)))
        return ctext_nomem(p);
    scope->named[scope->named_count++] =
        (struct ctext_named){{.sort = (uint8_t)sort, .index = index}, name};
    return true;
}

bool ctext_bind(struct ctext *p, enum comp_sort sort, const struct ctext_id *id,
                uint32_t *ret_index)
{
    struct ctext_scope *scope = p->scope;
    uint32_t index = scope->counts[sort];
    if (id != NULL && id->id.text != NULL) {
        struct map *map = &scope->indices[sort];
        const uint64_t *found = map_find(map, id->id.text, id->id.bytes);
        if (found != NULL && (*found & BOUND_IMPLICITLY) == 0)
            return ctext_fail_at(p, id->token, "duplicate %s: $%.*s is bound already",
                                 sort_names[sort], (int)id->id.bytes, id->id.text);
        if (!map_put(map, id->id.text, id->id.bytes, index))
            return ctext_nomem(p);
    }
    if (id != NULL && !keep_name(p, sort, index, id->name))
        return false;
    scope->counts[sort]++;
    *ret_index = index;
    return true;
}

bool ctext_define(struct ctext *p, enum ctext_section section, size_t mark, enum comp_sort sort,
                  const struct ctext_id *id, uint32_t *ret_index)
{
    return ctext_add(p, section, mark) && ctext_bind(p, sort, id, ret_index);
}

/* ---- Indices ----------------------------------------------------------------------------- */

static bool is_outer_sort(enum comp_sort sort)
{
    return sort == SORT_CORE_MODULE || sort == SORT_CORE_TYPE || sort == SORT_TYPE ||
           sort == SORT_COMPONENT;
}

static bool fail_unknown(struct ctext *p, uint32_t token, enum comp_sort sort,
                         struct wasm_name name)
{
    return ctext_fail_at(p, token, "unknown %s $%.*s", sort_names[sort], (int)name.bytes,
                         name.text);
}

/* An alias of what an outer scope calls so. */
static bool add_outer_alias(struct ctext *p, enum comp_sort sort, struct wasm_name name,
                            uint32_t outer_count, uint32_t outer_index, uint32_t *ret_index)
{
    enum { TARGET_OUTER = 0x02 };
    size_t mark = p->work.bytes;
    ctext_sort(p, sort);
    ctext_byte(p, TARGET_OUTER);
    ctext_uleb(p, outer_count);
    ctext_uleb(p, outer_index);
    if (!ctext_define(p, CSECTION_ALIAS, mark, sort, NULL, ret_index))
        return false;
    return map_put(&p->scope->indices[sort], name.text, name.bytes,
                   *ret_index | BOUND_IMPLICITLY) ||
           ctext_nomem(p);
}

bool ctext_index(struct ctext *p, enum comp_sort sort, uint32_t *ret_index)
{
    struct wasm_name name;
    uint32_t token = p->at, outer_count = 0;
    if (!ctext_at_id(p))
        return ctext_u32(p, ret_index);
    if (!ctext_id_text(p, token, &name))
        return false;
    p->at++;
    for (const struct ctext_scope *s = p->scope; s != NULL; s = s->parent, outer_count++) {
        const uint64_t *found = map_find(&s->indices[sort], name.text, name.bytes);
        if (found == NULL)
            continue;
        if (outer_count == 0) {
            *ret_index = (uint32_t)*found;
            return true;
        }
        if (!is_outer_sort(sort))
            return ctext_fail_at(p, token,
                                 "%s $%.*s is defined in an outer component: only core modules, "
                                 "types and components can be used from there",
                                 sort_names[sort], (int)name.bytes, name.text);
        return add_outer_alias(p, sort, name, outer_count, (uint32_t)*found, ret_index);
    }
    return fail_unknown(p, token, sort, name);
}

bool ctext_outer(struct ctext *p, enum comp_sort sort, uint32_t *ret_count, uint32_t *ret_index)
{
    const struct ctext_scope *scope = p->scope;
    uint32_t count = 0;
    struct wasm_name name;
    if (!ctext_at_id(p)) {
        if (!ctext_u32(p, &count))
            return false;
        for (uint32_t i = 0; i < count && scope != NULL; i++)
            scope = scope->parent;
    } else {
        if (!ctext_id_text(p, p->at, &name))
            return false;
        while (scope != NULL && (scope->id.text == NULL || scope->id.bytes != name.bytes ||
                                 memcmp(scope->id.text, name.text, name.bytes) != 0)) {
            scope = scope->parent;
            count++;
        }
        if (scope == NULL)
            return ctext_fail_at(p, p->at, "unknown outer component $%.*s", (int)name.bytes,
                                 name.text);
        p->at++;
    }
    *ret_count = count;
    /* Two numbers are for the validator to judge. */
    if (!ctext_at_id(p))
        return ctext_u32(p, ret_index);
    if (!ctext_id_text(p, p->at, &name))
        return false;
    const uint64_t *found =
        scope == NULL ? NULL : map_find(&scope->indices[sort], name.text, name.bytes);
    if (found == NULL)
        return fail_unknown(p, p->at, sort, name);
    p->at++;
    *ret_index = (uint32_t)*found;
    return true;
}

/* ---- Inline exports ---------------------------------------------------------------------- */

bool ctext_at_inline(const struct ctext *p, const char *keyword)
{
    const struct text_token *tokens = p->source->tokens;
    if (!ctext_at_form(p, keyword) || tokens[p->at + 2].kind != TOKEN_STRING)
        return false;
    uint32_t at = p->at + 3;
    while (tokens[at].kind == TOKEN_OPEN &&
           (text_token_is(p->source, &tokens[at + 1], "implements") ||
            text_token_is(p->source, &tokens[at + 1], "versionsuffix") ||
            text_token_is(p->source, &tokens[at + 1], "external-id")))
        at = tokens[at].size + 1;
    return tokens[at].kind == TOKEN_CLOSE;
}

bool ctext_skip_exports(struct ctext *p, uint32_t *ret_first)
{
    *ret_first = p->at;
    while (ctext_at_inline(p, "export")) {
        if (p->scope->kind != SCOPE_COMPONENT)
            return ctext_fail_at(p, p->at, "an inline export is not possible in a type");
        p->at = ctext_peek(p)->size + 1;
    }
    return true;
}

bool ctext_keep_exports(struct ctext *p, uint32_t first, enum comp_sort sort, uint32_t index)
{
    struct ctext_scope *scope = p->scope;
    uint32_t at = p->at;
    bool ok = true;
    for (p->at = first; ok && ctext_at_inline(p, "export"); p->at = ctext_peek(p)->size + 1) {
        ok = vec_reserve(p->alloc, &scope->exports, &scope->export_capacity,
                         scope->export_count + 1, sizeof(*scope->exports)) ||
             ctext_nomem(p);
        if (ok)
            scope->exports[scope->export_count++] = (struct ctext_export){
                p->at + 2, {.sort = (uint8_t)sort, .index = index}};
    }
    p->at = at;
    return ok;
}

bool ctext_add_exports(struct ctext *p)
{
    uint32_t at = p->at, ignored;
    for (size_t i = 0; i < p->scope->export_count; i++) {
        const struct ctext_export *export = &p->scope->exports[i];
        size_t mark = p->work.bytes;
        p->at = export->token;
        if (!ctext_extern_name(p))
            return false;
        ctext_sort(p, (enum comp_sort)export->what.sort);
        ctext_uleb(p, export->what.index);
        ctext_byte(p, 0); /* no type */
        if (!ctext_define(p, CSECTION_EXPORT, mark, (enum comp_sort)export->what.sort, NULL,
                          &ignored))
            return false;
    }
    p->at = at;
    return true;
}

/* ---- Names ------------------------------------------------------------------------------- */

static void append_name(struct ctext *p, struct wasm_name name)
{
    ctext_uleb(p, name.bytes);
    buf_append(&p->work, name.text, name.bytes);
}

/* The names of one sort, as a subsection. */
static void add_sort_names(struct ctext *p, enum comp_sort sort)
{
    enum { SUBSECTION_SORT = 1 };
    const struct ctext_scope *scope = p->scope;
    size_t mark = p->work.bytes;
    uint32_t count = 0;
    for (size_t i = 0; i < scope->named_count; i++) {
        if (scope->named[i].what.sort != sort)
            continue;
        ctext_uleb(p, scope->named[i].what.index);
        append_name(p, scope->named[i].name);
        count++;
    }
    if (count == 0)
        return;
    ctext_insert_count(p, mark, count);
    size_t bytes = p->work.bytes;
    ctext_sort(p, sort);
    /* The sort belongs in front of what is there already. */
    uint8_t code[2];
    size_t code_bytes = p->work.failed ? 0 : p->work.bytes - bytes;
    for (size_t i = 0; i < code_bytes; i++)
        code[i] = p->work.data[bytes + i];
    p->work.bytes = bytes;
    if (!p->work.failed)
        buf_insert(&p->work, mark, code, code_bytes);
    ctext_insert_count(p, mark, (uint32_t)(p->work.bytes - mark));
    uint8_t id = SUBSECTION_SORT;
    if (!p->work.failed)
        buf_insert(&p->work, mark, &id, 1);
}

bool ctext_add_names(struct ctext *p, const struct ctext_id *component)
{
    static const char section[] = "component-name";
    enum { SUBSECTION_COMPONENT = 0 };
    size_t mark = p->work.bytes;
    if (!p->options->names || (p->scope->named_count == 0 && component->name.text == NULL))
        return true;
    append_name(p, (struct wasm_name){section, sizeof(section) - 1});
    if (component->name.text != NULL) {
        size_t name = p->work.bytes;
        append_name(p, component->name);
        ctext_insert_count(p, name, (uint32_t)(p->work.bytes - name));
        uint8_t id = SUBSECTION_COMPONENT;
        if (!p->work.failed)
            buf_insert(&p->work, name, &id, 1);
    }
    for (int sort = 0; sort < SORT_COUNT; sort++)
        add_sort_names(p, (enum comp_sort)sort);
    return ctext_add(p, CSECTION_CUSTOM, mark);
}
