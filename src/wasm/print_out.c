/* SPDX-License-Identifier: Apache-2.0 */
/* Output of the printers, and the words for indices. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/utf8.h"
#include "wasm/print_int.h"

enum {
    CHUNK_BYTES = 64 << 10,
    /* Deeper blocks are not indented further: output stays linear in the input. */
    INDENT_DEPTH_MAX = 40,
};

bool printer_init(struct printer *p, struct alloc *alloc, const uint8_t *bytes, size_t size_bytes,
                  const struct print_sink *sink, struct stint_error *error)
{
    static const uint8_t nothing[1];
    if (bytes == NULL)
        bytes = nothing;
    memset(p, 0, sizeof(*p));
    p->alloc = alloc;
    p->sink = sink;
    p->stub.bytes = bytes;
    p->stub.size_bytes = size_bytes;
    p->stub.features = UINT32_MAX;
    arena_init(&p->arena, alloc);
    reader_init(&p->r, &p->stub, bytes, bytes + size_bytes, error);
    buf_init(&p->out, alloc, SIZE_MAX);
    return buf_reserve(&p->out, CHUNK_BYTES + CHUNK_BYTES / 4);
}

static void flush(struct printer *p)
{
    if (p->out.failed)
        reader_fail_nomem(&p->r);
    if (p->out.bytes != 0 && p->r.status != STINT_IO &&
        !p->sink->write(p->sink->context, (const char *)p->out.data, p->out.bytes)) {
        reader_fail(&p->r, STINT_IO, NULL, "the output could not be written");
        p->r.status = STINT_IO; /* also behind another failure */
    }
    buf_clear(&p->out);
}

enum stint_status printer_finish(struct printer *p)
{
    flush(p);
    enum stint_status status = p->r.status;
    alloc_put(p->alloc, p->sections, p->section_capacity * sizeof(*p->sections));
    alloc_put(p->alloc, p->types, p->type_capacity * sizeof(*p->types));
    alloc_put(p->alloc, p->func_types, p->func_type_capacity * sizeof(*p->func_types));
    alloc_put(p->alloc, p->hints, p->hint_capacity * sizeof(*p->hints));
    alloc_put(p->alloc, p->local_names.items,
              p->local_names.capacity * sizeof(*p->local_names.items));
    alloc_put(p->alloc, p->field_names.items,
              p->field_names.capacity * sizeof(*p->field_names.items));
    buf_free(&p->out);
    arena_free(&p->arena);
    return status;
}

void out_text(struct printer *p, const char *text)
{
    buf_append_string(&p->out, text);
}

void out_format(struct printer *p, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (length > 0)
        buf_append(&p->out, text,
                   (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
}

void out_room(struct printer *p)
{
    if (p->out.bytes >= CHUNK_BYTES || p->out.failed)
        flush(p);
}

void out_line(struct printer *p, uint32_t depth)
{
    static const char blanks[2 * INDENT_DEPTH_MAX] = "                    "
                                                     "                    "
                                                     "                    "
                                                     "                    ";
    out_room(p);
    buf_append_byte(&p->out, '\n');
    buf_append(&p->out, blanks, 2 * (size_t)(depth < INDENT_DEPTH_MAX ? depth : INDENT_DEPTH_MAX));
}

/* ---- Strings and identifiers ------------------------------------------------------------- */

static void out_escaped(struct printer *p, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    const char text[] = {'\\', hex[byte >> 4], hex[byte & 15]};
    if (byte == '"' || byte == '\\') {
        buf_append_byte(&p->out, '\\');
        buf_append_byte(&p->out, byte);
    } else if (byte < 0x20 || byte >= 0x7f) {
        buf_append(&p->out, text, sizeof(text));
    } else {
        buf_append_byte(&p->out, byte);
    }
}

void out_string(struct printer *p, const uint8_t *bytes, size_t size)
{
    buf_append_byte(&p->out, '"');
    for (size_t i = 0; i < size && !reader_failed(&p->r); i++) {
        out_escaped(p, bytes[i]);
        out_room(p);
    }
    buf_append_byte(&p->out, '"');
}

void out_name(struct printer *p, struct wasm_name name)
{
    const uint8_t *text = (const uint8_t *)name.text;
    buf_append_byte(&p->out, '"');
    for (uint32_t i = 0; i < name.bytes;) {
        uint32_t code_point;
        size_t length = utf8_decode(text + i, name.bytes - i, &code_point);
        /* Control characters beyond ASCII too: they do not show. */
        if (length >= 2 && code_point >= 0xa0)
            buf_append(&p->out, text + i, length);
        else
            for (size_t k = 0; k < (length == 0 ? 1 : length); k++)
                out_escaped(p, text[i + k]);
        i += (uint32_t)(length == 0 ? 1 : length);
    }
    buf_append_byte(&p->out, '"');
}

static bool is_plain_id(struct wasm_name name)
{
    for (uint32_t i = 0; i < name.bytes; i++) {
        char c = name.text[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),;[]{}", c) != NULL)
            return false;
    }
    return true;
}

static void out_id(struct printer *p, struct wasm_name name)
{
    buf_append_byte(&p->out, '$');
    if (is_plain_id(name))
        buf_append(&p->out, name.text, name.bytes);
    else
        out_name(p, name);
}

void out_index(struct printer *p, enum print_space space, uint32_t index)
{
    const struct print_name *names = p->names[space];
    if (names != NULL && index < p->counts[space] && names[index].is_id)
        out_id(p, names[index].name);
    else
        out_format(p, "%u", index);
}

void out_binder(struct printer *p, enum print_space space, uint32_t index)
{
    const struct print_name *names = p->names[space];
    buf_append_byte(&p->out, ' ');
    if (names != NULL && index < p->counts[space])
        out_subname_binder(p, &names[index]);
    out_format(p, "(;%u;)", index);
}

void out_definition_name(struct printer *p, const struct print_name *name)
{
    if (name->is_id) {
        out_id(p, name->name);
    } else {
        out_text(p, "(@name ");
        out_name(p, name->name);
        out_text(p, ")");
    }
}

void out_subname_binder(struct printer *p, const struct print_name *name)
{
    if (name == NULL || name->name.text == NULL)
        return;
    out_definition_name(p, name);
    out_text(p, " ");
}

const struct print_name *find_subname(const struct print_subnames *names, uint32_t outer,
                                      uint32_t inner)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct print_subname *item = &names->items[middle];
        if (item->outer < outer || (item->outer == outer && item->inner < inner))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == names->count)
        return NULL;
    const struct print_subname *found = &names->items[low];
    return found->outer == outer && found->inner == inner ? &found->name : NULL;
}

static void out_subname(struct printer *p, const struct print_name *name, uint32_t index)
{
    if (name != NULL && name->is_id)
        out_id(p, name->name);
    else
        out_format(p, "%u", index);
}

void out_local(struct printer *p, uint32_t function, uint32_t local)
{
    out_subname(p, find_subname(&p->local_names, function, local), local);
}

void out_field(struct printer *p, uint32_t type, uint32_t field)
{
    out_subname(p, find_subname(&p->field_names, type, field), field);
}
