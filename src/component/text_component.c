/* SPDX-License-Identifier: Apache-2.0 */
/* Components as a whole: their fields, nested components and modules, and the forms of a text. */
#include "component/text_component.h"

#include "base/utf8.h"
#include "component/text_component_int.h"

static const uint8_t preamble[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};

/* ---- Imports in place -------------------------------------------------------------------- */

bool ctext_inline_import(struct ctext *p, enum comp_sort sort, const struct ctext_id *id,
                         bool *ret_found, uint32_t *ret_index)
{
    uint32_t type;
    size_t mark = p->work.bytes;
    *ret_found = ctext_at_inline(p, "import");
    if (!*ret_found)
        return true;
    p->at += 2;
    if (!ctext_extern_name(p) || !ctext_expect_close(p) || !ctext_type_use(p, sort, &type))
        return false;
    ctext_sort(p, sort);
    ctext_uleb(p, type);
    return ctext_define(p, CSECTION_IMPORT, mark, sort, id, ret_index);
}

/* ---- Fields ------------------------------------------------------------------------------ */

static bool read_fields(struct ctext *p, uint32_t end);

/* Fields up to `end` as a component, of which `id` is the name, appended to `work`. */
static bool component_body(struct ctext *p, const struct ctext_id *id, uint32_t end)
{
    if (!ctext_enter(p) || !ctext_open_scope(p, SCOPE_COMPONENT, id->id))
        return false;
    if (!read_fields(p, end) || !ctext_add_exports(p))
        return false;
    ctext_flush(p, p->scope);
    if (!ctext_add_names(p, id))
        return false;
    ctext_leave(p);
    buf_append(&p->work, preamble, sizeof(preamble));
    buf_append(&p->work, p->scope->out.data, p->scope->out.bytes);
    bool failed = p->scope->out.failed || p->work.failed;
    ctext_close_scope(p);
    return !failed || ctext_nomem(p);
}

static bool field_component(struct ctext *p)
{
    struct ctext_id id;
    uint32_t exports, index;
    bool is_done;
    size_t mark = p->work.bytes;
    uint32_t end = p->source->tokens[p->at - 2].size;
    if (!ctext_optional_id(p, &id) || !ctext_skip_exports(p, &exports) ||
        !ctext_inline_import(p, SORT_COMPONENT, &id, &is_done, &index))
        return false;
    if (!is_done && (!component_body(p, &id, end) ||
                     !ctext_define(p, CSECTION_COMPONENT, mark, SORT_COMPONENT, &id, &index)))
        return false;
    return ctext_keep_exports(p, exports, SORT_COMPONENT, index);
}

/* The fields of a core module up to `end`. */
static bool module_body(struct ctext *p, uint32_t id_token, uint32_t end)
{
    const struct text_module_head head = {.id = id_token, .first = p->at, .end = end};
    p->status = text_encode_form(p->alloc, p->source, &head, p->options, &p->work, p->error);
    p->at = end;
    return p->status == STINT_OK;
}

static bool field_core_module(struct ctext *p)
{
    struct ctext_id id;
    uint32_t exports, index;
    bool is_done;
    size_t mark = p->work.bytes;
    uint32_t end = p->source->tokens[p->at - 3].size;
    if (!ctext_optional_id(p, &id) || !ctext_skip_exports(p, &exports) ||
        !ctext_inline_import(p, SORT_CORE_MODULE, &id, &is_done, &index))
        return false;
    if (!is_done && !ctext_inline_alias(p, SORT_CORE_MODULE, &id, &is_done, &index))
        return false;
    uint32_t id_token = id.id.text != NULL ? id.token : TOKEN_NONE;
    if (!is_done && (!module_body(p, id_token, end) ||
                     !ctext_define(p, CSECTION_MODULE, mark, SORT_CORE_MODULE, &id, &index)))
        return false;
    return ctext_keep_exports(p, exports, SORT_CORE_MODULE, index);
}

/* (export $id? "name" (sort …) (type…)?) */
static bool field_export(struct ctext *p)
{
    struct ctext_id id;
    enum comp_sort sort, given;
    uint32_t index;
    size_t mark = p->work.bytes;
    if (!ctext_optional_id(p, &id) || !ctext_extern_name(p) || !ctext_item(p, &sort))
        return false;
    bool has_type = !ctext_at(p, TOKEN_CLOSE);
    ctext_byte(p, has_type);
    if (has_type && !ctext_extern_type(p, &given, NULL))
        return false;
    return ctext_define(p, CSECTION_EXPORT, mark, sort, &id, &index);
}

/* (start $f (value $v)* (result (value $id?))*) */
static bool field_start(struct ctext *p)
{
    uint32_t index, count = 0, results = 0;
    size_t start = p->work.bytes;
    if (!ctext_index(p, SORT_FUNC, &index))
        return false;
    ctext_uleb(p, index);
    size_t mark = p->work.bytes;
    for (; ctext_accept_form(p, "value"); count++) {
        if (!ctext_ref(p, SORT_VALUE, &index) || !ctext_expect_close(p))
            return false;
        ctext_uleb(p, index);
    }
    ctext_insert_count(p, mark, count);
    uint32_t first = p->at;
    for (; ctext_at_form(p, "result"); results++)
        p->at = ctext_peek(p)->size + 1;
    ctext_uleb(p, results);
    if (!ctext_add(p, CSECTION_START, start))
        return false;
    p->at = first;
    for (uint32_t i = 0; i < results; i++) {
        struct ctext_id id;
        p->at += 2;
        if (!ctext_expect_form(p, "value") || !ctext_optional_id(p, &id) ||
            !ctext_bind(p, SORT_VALUE, &id, &index) || !ctext_expect_close(p) ||
            !ctext_expect_close(p))
            return false;
    }
    return true;
}

/* (core table|memory|global|tag $id? (alias core export …)) */
static bool field_core_item(struct ctext *p)
{
    enum comp_sort sort;
    struct ctext_id id;
    uint32_t index;
    bool is_alias;
    if (!ctext_sort_form(p, false, &sort))
        return false;
    if (sort > SORT_CORE_TAG || !ctext_optional_id(p, &id))
        return ctext_expected(p, "another field of a component");
    if (!ctext_inline_alias(p, sort, &id, &is_alias, &index))
        return false;
    return is_alias || ctext_expected(p, "(alias core export …)");
}

static bool read_field(struct ctext *p)
{
    static const struct {
        const char *keyword;
        bool is_core;
        bool (*read)(struct ctext *p);
    } fields[] = {
        {"module", true, field_core_module}, {"instance", true, ctext_field_core_instance},
        {"type", true, ctext_field_core_type}, {"rec", true, ctext_field_core_rec},
        {"func", true, ctext_field_core_func}, {"component", false, field_component},
        {"instance", false, ctext_field_instance}, {"type", false, ctext_field_type},
        {"func", false, ctext_field_func}, {"canon", false, ctext_field_canon},
        {"import", false, ctext_field_import}, {"export", false, field_export},
        {"start", false, field_start},
    };
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (fields[i].is_core ? ctext_accept_core_form(p, fields[i].keyword)
                              : ctext_accept_form(p, fields[i].keyword))
            return fields[i].read(p) && ctext_expect_close(p);
    }
    if (ctext_accept_form(p, "alias"))
        return ctext_alias(p);
    if (ctext_at_form(p, "core"))
        return field_core_item(p) && ctext_expect_close(p);
    return ctext_expected(p, "a field of a component, such as func or instance,");
}

/* (@custom "name" "bytes"…) */
static bool read_custom(struct ctext *p, const struct text_annotation *annotation)
{
    const struct text_token *token = p->source->annotation_tokens + annotation->first;
    size_t mark = p->work.bytes;
    if (token->kind != TOKEN_STRING)
        return ctext_fail_at(p, p->at, "@custom annotation: a name is expected");
    if (!ctext_bytes(p, token++))
        return false;
    if (!utf8_is_valid(p->work.data + mark, p->work.bytes - mark))
        return ctext_fail_at(p, p->at, "malformed UTF-8 encoding in an annotation");
    ctext_insert_count(p, mark, (uint32_t)(p->work.bytes - mark));
    for (; token->kind == TOKEN_STRING; token++) {
        if (!ctext_bytes(p, token))
            return false;
    }
    if (token->kind != TOKEN_END)
        return ctext_fail_at(p, p->at, "@custom annotation: only strings are expected");
    return ctext_add(p, CSECTION_CUSTOM, mark);
}

/* The @custom annotations in front of the next token. */
static bool read_customs(struct ctext *p)
{
    const struct text_annotation *annotation;
    for (uint32_t i = 0; (annotation = ctext_annotation(p, ANNOTATION_CUSTOM, i)) != NULL; i++) {
        if (!read_custom(p, annotation))
            return false;
    }
    return true;
}

static bool read_fields(struct ctext *p, uint32_t end)
{
    while (p->at < end) {
        if (!read_customs(p) || !read_field(p))
            return false;
    }
    return read_customs(p);
}

/* ---- Forms ------------------------------------------------------------------------------- */

static enum stint_status encode_fields(struct alloc *alloc, const struct text_source *source,
                                       const struct text_module_head *head,
                                       const struct text_options *options, struct buf *ret_binary,
                                       struct stint_error *error)
{
    struct ctext p = {.alloc = alloc, .source = source, .options = options, .error = error};
    struct ctext_id id = {.token = 0};
    arena_init(&p.arena, alloc);
    buf_init(&p.work, alloc, SIZE_MAX);
    buf_init(&p.scratch, alloc, SIZE_MAX);
    p.at = head->id != TOKEN_NONE ? head->id : head->first;
    enum { WORK_BYTES = 1024 }; /* so that its data is never NULL */
    bool ok = buf_reserve(&p.work, WORK_BYTES) ? ctext_optional_id(&p, &id) : ctext_nomem(&p);
    p.at = head->first;
    ok = ok && component_body(&p, &id, head->end);
    if (ok && !buf_append(ret_binary, p.work.data, p.work.bytes))
        ok = ctext_nomem(&p);
    while (p.scope != NULL)
        ctext_close_scope(&p);
    buf_free(&p.work);
    buf_free(&p.scratch);
    arena_free(&p.arena);
    return ok ? STINT_OK : p.status;
}

/* The head of a text that is one (component …), or of bare fields as if it were. */
static enum stint_status whole_head(const struct text_source *source,
                                    struct text_module_head *ret_head, struct stint_error *error)
{
    const struct text_token *tokens = source->tokens;
    *ret_head = (struct text_module_head){
        .is_component = true, .id = TOKEN_NONE, .end = source->token_count};
    /* A component's fields can begin with one that is nested. */
    if (tokens[0].kind != TOKEN_OPEN || !text_token_is(source, &tokens[1], "component") ||
        tokens[tokens[0].size + 1].kind != TOKEN_END)
        return STINT_OK;
    return text_module_head(source, 0, ret_head, error);
}

static const struct text_quoted quoted_component = {"component", whole_head, encode_fields};

enum stint_status text_encode_component(struct alloc *alloc, const struct text_source *source,
                                        const struct text_module_head *head,
                                        const struct text_options *options,
                                        struct buf *ret_binary, struct stint_error *error)
{
    switch (head->form) {
    case MODULE_TEXT:
        return encode_fields(alloc, source, head, options, ret_binary, error);
    case MODULE_BINARY:
        return text_append_strings(source, head->first, head->end, ret_binary, error);
    case MODULE_QUOTE:
        break;
    }
    return text_encode_quoted(alloc, source, head, options, &quoted_component, ret_binary, error);
}

enum stint_status text_to_any_binary(struct alloc *alloc, const char *text, size_t bytes,
                                     const struct text_options *options, struct buf *ret_binary,
                                     struct stint_error *error)
{
    struct text_source source;
    struct text_module_head head;
    enum stint_status status = text_lex(alloc, text, bytes, &source, error);
    if (status != STINT_OK)
        return status;
    const struct text_token *tokens = source.tokens;
    if (tokens[0].kind != TOKEN_OPEN || !text_token_is(&source, &tokens[1], "component")) {
        text_source_free(&source);
        return text_to_binary(alloc, text, bytes, options, ret_binary, error);
    }
    status = text_module_head(&source, 0, &head, error);
    if (status == STINT_OK && tokens[head.end + 1].kind != TOKEN_END)
        status = text_error_at(&source, tokens[head.end + 1].offset, error, STINT_SYNTAX,
                               "the text should end behind its component");
    if (status == STINT_OK)
        status = text_encode_component(alloc, &source, &head, options, ret_binary, error);
    text_source_free(&source);
    return status;
}
