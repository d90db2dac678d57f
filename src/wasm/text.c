/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/text.h"

#include <string.h>

#include "wasm/text_int.h"

/* ---- The parser's life ------------------------------------------------------------------- */

void text_parser_init(struct text_parser *p, struct alloc *alloc, const struct text_source *source,
                      const struct text_options *options, struct stint_error *error)
{
    memset(p, 0, sizeof(*p));
    p->alloc = alloc;
    p->source = source;
    p->options = options;
    p->error = error;
    p->function = UINT32_MAX;
    arena_init(&p->arena, alloc);
    map_init(&p->signatures, alloc);
    text_symbols_init(p);
    struct buf *bufs[] = {&p->scratch, &p->list,    &p->params, &p->results,
                          &p->body,    &p->pending, &p->hints,  &p->function_hints};
    for (size_t i = 0; i < COUNT_OF(bufs); i++)
        buf_init(bufs[i], alloc, SIZE_MAX);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        buf_init(&p->sections[i], alloc, SIZE_MAX);
}

void text_parser_free(struct text_parser *p)
{
    struct buf *bufs[] = {&p->scratch, &p->list,    &p->params, &p->results,
                          &p->body,    &p->pending, &p->hints,  &p->function_hints};
    for (size_t i = 0; i < COUNT_OF(bufs); i++)
        buf_free(bufs[i]);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        buf_free(&p->sections[i]);
    for (uint32_t i = 0; i < p->custom_count; i++)
        buf_free(&p->customs[i].content);
    alloc_put(p->alloc, p->customs, p->custom_capacity * sizeof(*p->customs));
    alloc_put(p->alloc, p->fields, p->field_capacity * sizeof(*p->fields));
    alloc_put(p->alloc, p->types, p->type_capacity * sizeof(*p->types));
    alloc_put(p->alloc, p->frames, p->frame_capacity * sizeof(*p->frames));
    map_free(&p->signatures);
    text_symbols_free(p);
    arena_free(&p->arena);
}

/* ---- First pass: the fields and their identifiers ---------------------------------------- */

static const struct field_kind {
    const char *keyword;
    enum text_space space; /* which the field takes an index of; SPACE_COUNT: none or several */
    bool is_definition;    /* of something that can also be imported */
    bool (*encode)(struct text_parser *p);
} field_kinds[] = {
    {"type", SPACE_TYPE, false, text_field_type},
    {"rec", SPACE_COUNT, false, text_field_rec},
    {"import", SPACE_COUNT, false, text_field_import},
    {"func", SPACE_FUNC, true, text_field_func},
    {"table", SPACE_TABLE, true, text_field_table},
    {"memory", SPACE_MEMORY, true, text_field_memory},
    {"global", SPACE_GLOBAL, true, text_field_global},
    {"tag", SPACE_TAG, true, text_field_tag},
    {"export", SPACE_COUNT, false, text_field_export},
    {"start", SPACE_COUNT, false, text_field_start},
    {"elem", SPACE_ELEM, false, text_field_elem},
    {"data", SPACE_DATA, false, text_field_data},
};

static bool is_type(const struct field_kind *kind)
{
    return kind->encode == text_field_type || kind->encode == text_field_rec;
}

/* Binds the types of (rec …). */
static bool bind_rec(struct text_parser *p)
{
    while (!text_at(p, TOKEN_CLOSE)) {
        uint32_t open = p->at;
        if (!text_expect_form(p, "type") || !text_bind(p, SPACE_TYPE))
            return false;
        p->at = p->source->tokens[open].size + 1;
    }
    return true;
}

static bool check_import(struct text_parser *p, uint32_t open)
{
    if (!p->has_definition)
        return true;
    return text_fail_at(p, open + 1, "an import behind a definition: imports come first");
}

/*
 * Looks for what matters early within a definition: whether it is an import, and an inline
 * segment, which takes an index. Stands behind its identifier; `open` is its parenthesis.
 */
static bool bind_inline(struct text_parser *p, enum text_space space, uint32_t open)
{
    const struct text_token *tokens = p->source->tokens;
    while (text_at_form(p, "export"))
        p->at = text_peek(p)->size + 1;
    if (text_at_form(p, "import"))
        return check_import(p, open);
    p->has_definition = true;
    if (space != SPACE_TABLE && space != SPACE_MEMORY)
        return true;
    for (uint32_t close = tokens[open].size; p->at < close; p->at++) {
        if (space == SPACE_TABLE && text_at_form(p, "elem"))
            return text_bind(p, SPACE_ELEM);
        if (space == SPACE_MEMORY && text_at_form(p, "data"))
            return text_bind(p, SPACE_DATA);
        if (text_at(p, TOKEN_OPEN))
            p->at = text_peek(p)->size;
    }
    return true;
}

/* Binds the field whose parenthesis is token `open`; stands behind its keyword. */
static bool bind_field(struct text_parser *p, const struct field_kind *kind, uint32_t open)
{
    if (kind->encode == text_field_import)
        return check_import(p, open) && text_bind_import(p);
    if (kind->encode == text_field_rec)
        return bind_rec(p);
    if (kind->space == SPACE_COUNT)
        return true;
    return text_bind(p, kind->space) && (!kind->is_definition || bind_inline(p, kind->space, open));
}

static bool list_field(struct text_parser *p)
{
    uint32_t open = p->at;
    if (!text_expect_open(p))
        return false;
    for (uint32_t i = 0; i < COUNT_OF(field_kinds); i++) {
        if (!text_at_keyword(p, field_kinds[i].keyword))
            continue;
        if (!vec_reserve(p->alloc, &p->fields, &p->field_capacity, (size_t)p->field_count + 1,
                         sizeof(*p->fields)))
            return text_nomem(p);
        p->fields[p->field_count++] = (struct text_field){p->at++, i};
        if (!bind_field(p, &field_kinds[i], open))
            return false;
        p->at = p->source->tokens[open].size + 1;
        return true;
    }
    return text_expected(p, "a field of a module, such as func or memory,");
}

static bool list_fields(struct text_parser *p)
{
    p->at = p->first;
    if (!text_name_annotation(p, &p->module_name))
        return false;
    while (p->at < p->end) {
        if (!text_custom_annotations(p) || !list_field(p))
            return false;
    }
    return text_custom_annotations(p);
}

/* ---- The other passes -------------------------------------------------------------------- */

/* Encodes the types, or all the rest. */
static bool encode_fields(struct text_parser *p, bool types)
{
    for (uint32_t i = 0; i < p->field_count; i++) {
        const struct field_kind *kind = &field_kinds[p->fields[i].kind];
        if (is_type(kind) != types)
            continue;
        p->at = p->fields[i].token + 1;
        if (!kind->encode(p) || !text_expect_close(p))
            return false;
    }
    return true;
}

static enum stint_status encode_module(struct alloc *alloc, const struct text_source *source,
                                       const struct text_module_head *head,
                                       const struct text_options *options, struct buf *ret_binary,
                                       struct stint_error *error)
{
    struct text_parser p;
    text_parser_init(&p, alloc, source, options, error);
    p.first = head->first;
    p.end = head->end;
    bool ok = (head->id == TOKEN_NONE || text_id(&p, head->id, &p.module_name)) &&
              text_annotations_init(&p) && list_fields(&p) && encode_fields(&p, true) &&
              encode_fields(&p, false) && text_annotations_check(&p) && text_finish_hints(&p) &&
              text_encode(&p, ret_binary);
    enum stint_status status = ok ? STINT_OK : p.status;
    text_parser_free(&p);
    return status;
}

/* ---- Modules in other forms -------------------------------------------------------------- */

enum stint_status text_module_head(const struct text_source *source, uint32_t open,
                                   struct text_module_head *ret_head, struct stint_error *error)
{
    const struct text_token *tokens = source->tokens;
    struct text_module_head head = {.id = TOKEN_NONE, .first = open + 2};
    head.is_component = tokens[open].kind == TOKEN_OPEN &&
                        text_token_is(source, &tokens[open + 1], "component");
    if (tokens[open].kind != TOKEN_OPEN ||
        (!head.is_component && !text_token_is(source, &tokens[open + 1], "module")))
        return text_error_at(source, tokens[open].offset, error, STINT_SYNTAX,
                             "(module …) is expected here");
    head.end = tokens[open].size;
    head.is_definition = text_token_is(source, &tokens[head.first], "definition");
    head.first += head.is_definition;
    if (tokens[head.first].kind == TOKEN_ID || tokens[head.first].kind == TOKEN_ID_QUOTED)
        head.id = head.first++;
    if (text_token_is(source, &tokens[head.first], "binary"))
        head.form = MODULE_BINARY;
    else if (text_token_is(source, &tokens[head.first], "quote"))
        head.form = MODULE_QUOTE;
    head.first += head.form != MODULE_TEXT;
    *ret_head = head;
    return STINT_OK;
}

enum stint_status text_append_strings(const struct text_source *source, uint32_t first,
                                      uint32_t end, struct buf *ret_bytes,
                                      struct stint_error *error)
{
    size_t start = ret_bytes->bytes;
    for (uint32_t i = first; i < end; i++) {
        const struct text_token *token = &source->tokens[i];
        enum stint_status status = STINT_OK;
        if (token->kind != TOKEN_STRING)
            status = text_error_at(source, token->offset, error, STINT_SYNTAX,
                                   "a string is expected here");
        else if (!text_append_string(source, token, ret_bytes))
            status = error_set(error, STINT_NOMEM, STINT_NO_OFFSET,
                               "out of memory for a module in strings");
        if (status != STINT_OK) {
            ret_bytes->bytes = start;
            return status;
        }
    }
    return STINT_OK;
}

/* The head of a text that is one (module …), or of bare fields as if it were. */
static enum stint_status whole_text_head(const struct text_source *source,
                                         struct text_module_head *ret_head,
                                         struct stint_error *error)
{
    const struct text_token *tokens = source->tokens;
    if (tokens[0].kind != TOKEN_OPEN || !text_token_is(source, &tokens[1], "module")) {
        *ret_head = (struct text_module_head){.id = TOKEN_NONE, .end = source->token_count};
        return STINT_OK;
    }
    enum stint_status status = text_module_head(source, 0, ret_head, error);
    if (status == STINT_OK && tokens[ret_head->end + 1].kind != TOKEN_END)
        status = text_error_at(source, tokens[ret_head->end + 1].offset, error, STINT_SYNTAX,
                               "the text should end behind its module");
    return status;
}

enum stint_status text_encode_quoted(struct alloc *alloc, const struct text_source *outer,
                                     const struct text_module_head *outer_head,
                                     const struct text_options *options,
                                     const struct text_quoted *how, struct buf *ret_binary,
                                     struct stint_error *error)
{
    struct buf text;
    struct text_source source = {.alloc = alloc};
    struct text_module_head head;
    buf_init(&text, alloc, LIMIT_TEXT_BYTES);
    enum stint_status status =
        text_append_strings(outer, outer_head->first, outer_head->end, &text, error);
    if (status == STINT_OK)
        status = text_lex(alloc, (const char *)text.data, text.bytes, &source, error);
    if (status == STINT_OK)
        status = how->head(&source, &head, error);
    if (status == STINT_OK && (head.form != MODULE_TEXT || head.is_definition))
        status = text_error_at(&source, source.tokens[1].offset, error, STINT_SYNTAX,
                               "a quoted %s must be plain text", how->what);
    if (status == STINT_OK)
        status = how->encode(alloc, &source, &head, options, ret_binary, error);
    text_source_free(&source);
    buf_free(&text);
    return status;
}

static const struct text_quoted quoted_module = {"module", whole_text_head, encode_module};

enum stint_status text_encode_form(struct alloc *alloc, const struct text_source *source,
                                   const struct text_module_head *head,
                                   const struct text_options *options, struct buf *ret_binary,
                                   struct stint_error *error)
{
    switch (head->form) {
    case MODULE_TEXT:
        return encode_module(alloc, source, head, options, ret_binary, error);
    case MODULE_BINARY:
        return text_append_strings(source, head->first, head->end, ret_binary, error);
    case MODULE_QUOTE:
        break;
    }
    return text_encode_quoted(alloc, source, head, options, &quoted_module, ret_binary, error);
}

enum stint_status text_to_binary(struct alloc *alloc, const char *text, size_t bytes,
                                 const struct text_options *options, struct buf *ret_binary,
                                 struct stint_error *error)
{
    struct text_source source;
    struct text_module_head head;
    enum stint_status status = text_lex(alloc, text, bytes, &source, error);
    if (status != STINT_OK)
        return status;
    status = whole_text_head(&source, &head, error);
    if (status == STINT_OK)
        status = text_encode_form(alloc, &source, &head, options, ret_binary, error);
    text_source_free(&source);
    return status;
}
