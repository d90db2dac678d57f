/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the sections of a module together (core specification 5.5), the name section last. */
#include <string.h>

#include "wasm/text_int.h"

/* A section, or a subsection: id, size, content. */
static void append_section(struct buf *binary, uint8_t id, const struct buf *content)
{
    buf_append_byte(binary, id);
    buf_append_uleb(binary, content->bytes);
    buf_append(binary, content->data, content->bytes);
    binary->failed = binary->failed || content->failed;
}

/* ---- Names ------------------------------------------------------------------------------- */

static void append_name(struct buf *buf, struct wasm_name name)
{
    buf_append_uleb(buf, name.bytes);
    buf_append(buf, name.text, name.bytes);
}

/* The names of an index space; nothing where none has one. */
static void append_name_map(struct buf *names, uint8_t id, const struct text_symbols *symbols,
                            struct buf *content)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < symbols->count; i++)
        count += symbols->names[i].text != NULL;
    if (count == 0)
        return;
    buf_clear(content);
    buf_append_uleb(content, count);
    for (uint32_t i = 0; i < symbols->count; i++) {
        if (symbols->names[i].text == NULL)
            continue;
        buf_append_uleb(content, i);
        append_name(content, symbols->names[i]);
    }
    append_section(names, id, content);
}

/* Names of locals by function, or of fields by type. They are listed in that order. */
static void append_indirect_map(struct buf *names, uint8_t id, const struct text_subnames *sub,
                                struct buf *content)
{
    uint32_t outer_count = 0;
    if (sub->count == 0)
        return;
    for (uint32_t i = 0; i < sub->count; i++)
        outer_count += i == 0 || sub->items[i].outer != sub->items[i - 1].outer;
    buf_clear(content);
    buf_append_uleb(content, outer_count);
    for (uint32_t i = 0; i < sub->count;) {
        uint32_t end = i, outer = sub->items[i].outer;
        while (end < sub->count && sub->items[end].outer == outer)
            end++;
        buf_append_uleb(content, outer);
        buf_append_uleb(content, end - i);
        for (; i < end; i++) {
            buf_append_uleb(content, sub->items[i].inner);
            append_name(content, sub->items[i].name);
        }
    }
    append_section(names, id, content);
}

static void append_names(struct text_parser *p, struct buf *binary)
{
    static const struct {
        uint8_t id;
        enum text_space space;
    } maps[] = {{NAMES_TYPE, SPACE_TYPE},     {NAMES_TABLE, SPACE_TABLE},
                {NAMES_MEMORY, SPACE_MEMORY}, {NAMES_GLOBAL, SPACE_GLOBAL},
                {NAMES_ELEM, SPACE_ELEM},     {NAMES_DATA, SPACE_DATA}};
    struct buf names, *content = &p->list;
    buf_init(&names, p->alloc, SIZE_MAX);
    append_name(&names, (struct wasm_name){"name", 4});
    size_t empty_bytes = names.bytes;
    if (p->module_name.text != NULL) {
        buf_clear(content);
        append_name(content, p->module_name);
        append_section(&names, NAMES_MODULE, content);
    }
    append_name_map(&names, NAMES_FUNC, &p->spaces[SPACE_FUNC], content);
    append_indirect_map(&names, NAMES_LOCAL, &p->local_names, content);
    for (size_t i = 0; i < COUNT_OF(maps); i++)
        append_name_map(&names, maps[i].id, &p->spaces[maps[i].space], content);
    append_indirect_map(&names, NAMES_FIELD, &p->field_names, content);
    append_name_map(&names, NAMES_TAG, &p->spaces[SPACE_TAG], content);
    if (names.bytes > empty_bytes || names.failed)
        append_section(binary, SECTION_ID_CUSTOM, &names);
    buf_free(&names);
}

/* ---- Sections ---------------------------------------------------------------------------- */

static void append_customs(struct text_parser *p, int slot, struct buf *binary)
{
    for (uint32_t i = 0; i < p->custom_count; i++) {
        if (p->customs[i].slot == slot)
            append_section(binary, SECTION_ID_CUSTOM, &p->customs[i].content);
    }
}

/* A section whose content is a vector: its count goes in front. */
static void append_vector(struct text_parser *p, enum section section, uint8_t id,
                          struct buf *binary)
{
    struct buf *content = &p->sections[section], *count = &p->scratch;
    buf_clear(count);
    buf_append_uleb(count, p->counts[section]);
    buf_append_byte(binary, id);
    buf_append_uleb(binary, count->bytes + content->bytes);
    buf_append(binary, count->data, count->bytes);
    buf_append(binary, content->data, content->bytes);
    binary->failed = binary->failed || content->failed || count->failed;
}

bool text_encode(struct text_parser *p, struct buf *ret_binary)
{
    static const uint8_t ids[] = {
#define X(name, id, text) id,
        SECTION_MAP(X)
#undef X
    };
    static const uint8_t magic[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    size_t start = ret_binary->bytes;
    if (p->needs_data_count) {
        buf_append_uleb(&p->sections[SECTION_DATA_COUNT], p->counts[SECTION_DATA]);
        p->counts[SECTION_DATA_COUNT] = 1;
    }
    buf_append(ret_binary, magic, sizeof(magic));
    append_customs(p, CUSTOM_FIRST, ret_binary);
    for (int i = 0; i < SECTION_COUNT; i++) {
        append_customs(p, text_slot_before((enum section)i), ret_binary);
        if (i == SECTION_START || i == SECTION_DATA_COUNT) {
            if (p->counts[i] != 0)
                append_section(ret_binary, ids[i], &p->sections[i]);
        } else if (p->counts[i] != 0) {
            append_vector(p, (enum section)i, ids[i], ret_binary);
        }
        append_customs(p, text_slot_after((enum section)i), ret_binary);
    }
    append_customs(p, CUSTOM_LAST, ret_binary);
    if (p->options->names)
        append_names(p, ret_binary);
    if (!ret_binary->failed)
        return true;
    ret_binary->bytes = start;
    return text_nomem(p);
}
