/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annotations with a meaning (appendix "Custom Sections and Annotations"): @name, @custom and
 * @metadata.code.branch_hint. Each takes effect at the token it stands in front of; one that no
 * step of the parser asks for is misplaced.
 */
#include <string.h>

#include "base/utf8.h"
#include "wasm/text_int.h"

bool text_annotations_init(struct text_parser *p)
{
    if (p->source->annotation_count == 0)
        return true;
    p->annotation_used =
        arena_get_zeroed(&p->arena, p->source->annotation_count, sizeof(*p->annotation_used));
    return p->annotation_used != NULL || text_nomem(p);
}

/* The number of the first annotation in front of `token` or a later one. */
static uint32_t first_annotation(const struct text_source *source, uint32_t token)
{
    uint32_t low = 0, high = source->annotation_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (source->annotations[middle].token < token)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct text_annotation *text_take_annotation(struct text_parser *p, enum annotation_kind kind,
                                                   uint32_t token)
{
    const struct text_source *source = p->source;
    if (source->annotation_count == 0)
        return NULL;
    for (uint32_t i = first_annotation(source, token);
         i < source->annotation_count && source->annotations[i].token == token; i++) {
        if (source->annotations[i].kind == kind && !p->annotation_used[i]) {
            p->annotation_used[i] = true;
            return &source->annotations[i];
        }
    }
    return NULL;
}

static bool fail_annotation(struct text_parser *p, uint32_t offset, const char *message)
{
    p->status = text_error_at(p->source, offset, p->error, STINT_SYNTAX, "%s", message);
    return false;
}

bool text_annotations_check(struct text_parser *p)
{
    const struct text_source *source = p->source;
    for (uint32_t i = first_annotation(source, p->first);
         i < source->annotation_count && source->annotations[i].token <= p->end; i++) {
        if (!p->annotation_used[i])
            return fail_annotation(p, source->annotations[i].offset,
                                   "misplaced annotation: it means nothing here");
    }
    return true;
}

/* A string token's bytes, which must be UTF-8, copied to the arena. */
static bool copy_name(struct text_parser *p, const struct text_token *token,
                      struct wasm_name *ret_name)
{
    buf_clear(&p->scratch);
    if (!text_append_string(p->source, token, &p->scratch))
        return text_nomem(p);
    if (!utf8_is_valid(p->scratch.data, p->scratch.bytes))
        return fail_annotation(p, token->offset, "malformed UTF-8 encoding in an annotation");
    char *copy = arena_copy(&p->arena, p->scratch.data, p->scratch.bytes);
    if (copy == NULL)
        return text_nomem(p);
    *ret_name = (struct wasm_name){copy, (uint32_t)p->scratch.bytes};
    return true;
}

bool text_name_annotation(struct text_parser *p, struct wasm_name *name)
{
    const struct text_annotation *annotation = text_take_annotation(p, ANNOTATION_NAME, p->at);
    if (annotation == NULL)
        return true;
    const struct text_token *tokens = p->source->annotation_tokens + annotation->first;
    if (tokens[0].kind != TOKEN_STRING || tokens[1].kind != TOKEN_END)
        return fail_annotation(p, annotation->offset, "@name annotation: one string is expected");
    return copy_name(p, &tokens[0], name);
}

/* ---- @custom ----------------------------------------------------------------------------- */

static bool section_by_name(const struct text_parser *p, const struct text_token *token,
                            enum section *ret_section)
{
    static const char *const names[] = {
#define X(name, id, text) text,
        SECTION_MAP(X)
#undef X
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (text_token_is(p->source, token, names[i])) {
            *ret_section = (enum section)i;
            return true;
        }
    }
    return false;
}

/* "before x", "after x", "before first" or "after last", behind the parenthesis. */
static bool read_placement(struct text_parser *p, const struct text_token *tokens, int *ret_slot)
{
    enum section section;
    bool is_before = text_token_is(p->source, &tokens[0], "before");
    if (!is_before && !text_token_is(p->source, &tokens[0], "after"))
        return fail_annotation(p, tokens[0].offset,
                               "@custom annotation: malformed placement, before or after is "
                               "expected");
    if (is_before && text_token_is(p->source, &tokens[1], "first"))
        *ret_slot = CUSTOM_FIRST;
    else if (!is_before && text_token_is(p->source, &tokens[1], "last"))
        *ret_slot = CUSTOM_LAST;
    else if (section_by_name(p, &tokens[1], &section))
        *ret_slot = is_before ? text_slot_before(section) : text_slot_after(section);
    else
        return fail_annotation(p, tokens[1].offset, "@custom annotation: malformed section kind");
    if (tokens[2].kind != TOKEN_CLOSE)
        return fail_annotation(p, tokens[2].offset, "@custom annotation: ) is expected");
    return true;
}

/* A new custom section of that name, empty so far. */
static struct buf *add_custom(struct text_parser *p, int slot, struct wasm_name name)
{
    if (!vec_reserve(p->alloc, &p->customs, &p->custom_capacity, (size_t)p->custom_count + 1,
                     sizeof(*p->customs)))
        return NULL;
    struct text_custom *custom = &p->customs[p->custom_count++];
    custom->slot = slot;
    buf_init(&custom->content, p->alloc, SIZE_MAX);
    buf_append_uleb(&custom->content, name.bytes);
    buf_append(&custom->content, name.text, name.bytes);
    return &custom->content;
}

static bool read_custom(struct text_parser *p, const struct text_annotation *annotation)
{
    const struct text_token *tokens = p->source->annotation_tokens + annotation->first;
    struct wasm_name name;
    int slot = CUSTOM_LAST;
    if (tokens[0].kind != TOKEN_STRING)
        return fail_annotation(p, annotation->offset, "@custom annotation: missing section name");
    if (!copy_name(p, tokens++, &name))
        return false;
    if (tokens[0].kind == TOKEN_OPEN) {
        if (!read_placement(p, tokens + 1, &slot))
            return false;
        tokens += 4;
    }
    struct buf *content = add_custom(p, slot, name);
    if (content == NULL)
        return text_nomem(p);
    for (; tokens->kind == TOKEN_STRING; tokens++) {
        if (!text_append_string(p->source, tokens, content))
            return text_nomem(p);
    }
    if (tokens->kind != TOKEN_END)
        return fail_annotation(p, tokens->offset, "@custom annotation: unexpected token");
    return true;
}

bool text_custom_annotations(struct text_parser *p)
{
    const struct text_annotation *annotation;
    while ((annotation = text_take_annotation(p, ANNOTATION_CUSTOM, p->at)) != NULL) {
        if (!read_custom(p, annotation))
            return false;
    }
    return true;
}

/* ---- Branch hints ------------------------------------------------------------------------ */

bool text_hint_annotation(struct text_parser *p, uint32_t token, enum op op, bool *ret_has_hint,
                          uint8_t *ret_hint)
{
    *ret_has_hint = false;
    const struct text_annotation *annotation =
        text_take_annotation(p, ANNOTATION_BRANCH_HINT, token);
    if (annotation == NULL)
        return true;
    if (op != OP_IF && op != OP_BR_IF)
        return fail_annotation(p, annotation->offset,
                               "branch hint: invalid target, if or br_if is expected behind it");
    if (p->function == UINT32_MAX)
        return fail_annotation(p, annotation->offset, "branch hint: not in a function");
    const struct text_token *tokens = p->source->annotation_tokens + annotation->first;
    buf_clear(&p->scratch);
    if (tokens[0].kind != TOKEN_STRING || tokens[1].kind != TOKEN_END ||
        !text_append_string(p->source, &tokens[0], &p->scratch) || p->scratch.bytes != 1 ||
        p->scratch.data[0] > 1)
        return fail_annotation(p, annotation->offset,
                               "branch hint: \"\\00\" or \"\\01\" is expected");
    *ret_has_hint = true;
    *ret_hint = p->scratch.data[0];
    return true;
}

void text_add_hint(struct text_parser *p, uint8_t hint)
{
    buf_append_uleb(&p->function_hints, p->body.bytes);
    buf_append_byte(&p->function_hints, 1);
    buf_append_byte(&p->function_hints, hint);
    p->hint_count++;
}

void text_end_hints(struct text_parser *p)
{
    if (p->hint_count == 0)
        return;
    buf_append_uleb(&p->hints, p->function);
    buf_append_uleb(&p->hints, p->hint_count);
    buf_append(&p->hints, p->function_hints.data, p->function_hints.bytes);
    p->hints.failed = p->hints.failed || p->function_hints.failed;
    buf_clear(&p->function_hints);
    p->hint_count = 0;
    p->hint_function_count++;
}

bool text_finish_hints(struct text_parser *p)
{
    static const char name[] = "metadata.code.branch_hint";
    if (p->hint_function_count == 0)
        return true;
    struct buf *content =
        add_custom(p, text_slot_before(SECTION_CODE), (struct wasm_name){name, sizeof(name) - 1});
    if (content == NULL)
        return text_nomem(p);
    buf_append_uleb(content, p->hint_function_count);
    buf_append(content, p->hints.data, p->hints.bytes);
    content->failed = content->failed || p->hints.failed;
    return true;
}
