/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:http/types.fields: header fields and trailers. */
#include "wasi/p2_http_int.h"

enum { INVALID_SYNTAX = 0, FORBIDDEN = 1, IMMUTABLE = 2, ALLOWED = 0xff };

/* ---- Lists ------------------------------------------------------------------------------- */

static size_t block_bytes(const struct p2_header *header)
{
    return (size_t)header->name_bytes + 1 + header->value_bytes;
}

static bool is_in_texts(const struct p2_field_list *list, const struct p2_header *header)
{
    return (uintptr_t)header->name - (uintptr_t)list->texts < list->texts_bytes;
}

static void remove_at(struct alloc *alloc, struct p2_field_list *list, size_t index)
{
    struct p2_header *header = &list->items[index];
    list->total_bytes -= block_bytes(header);
    if (!is_in_texts(list, header))
        alloc_put(alloc, (void *)(uintptr_t)header->name, block_bytes(header));
    memmove(header, header + 1, (list->count - index - 1) * sizeof(*header));
    list->count--;
}

void p2_field_list_free(struct alloc *alloc, struct p2_field_list *list)
{
    while (list->count > 0)
        remove_at(alloc, list, list->count - 1);
    alloc_put(alloc, list->items, list->capacity * sizeof(*list->items));
    alloc_put(alloc, list->texts, list->texts_bytes);
    *list = (struct p2_field_list){.items = NULL};
}

enum stint_status p2_field_list_reserve(struct alloc *alloc, struct p2_field_list *list,
                                        size_t count, size_t bytes)
{
    if (count == 0 || count > P2_LIST_MAX || bytes > P2_FIELDS_BYTES_MAX)
        return STINT_OK;
    if (!vec_reserve(alloc, &list->items, &list->capacity, count, sizeof(*list->items)))
        return STINT_NOMEM;
    list->texts = alloc_get(alloc, bytes);
    if (list->texts == NULL)
        return STINT_NOMEM;
    list->texts_bytes = bytes;
    return STINT_OK;
}

/* Room for a field's texts, of the list's or of its own. */
static char *get_block(struct alloc *alloc, struct p2_field_list *list, size_t bytes)
{
    if (bytes > list->texts_bytes - list->texts_used)
        return alloc_get(alloc, bytes);
    char *block = list->texts + list->texts_used;
    list->texts_used += bytes;
    return block;
}

enum stint_status p2_field_list_add(struct alloc *alloc, struct p2_field_list *list,
                                    const char *name, size_t name_bytes, const void *value,
                                    size_t value_bytes)
{
    size_t room = P2_FIELDS_BYTES_MAX - list->total_bytes;
    if (list->count >= P2_LIST_MAX || name_bytes >= room || value_bytes > room - name_bytes - 1)
        return STINT_LIMIT;
    if (!vec_reserve(alloc, &list->items, &list->capacity, list->count + 1, sizeof(*list->items)))
        return STINT_NOMEM;
    char *block = get_block(alloc, list, name_bytes + 1 + value_bytes);
    if (block == NULL)
        return STINT_NOMEM;
    if (name_bytes > 0)
        memcpy(block, name, name_bytes);
    block[name_bytes] = '\0';
    if (value_bytes > 0)
        memcpy(block + name_bytes + 1, value, value_bytes);
    list->items[list->count++] = (struct p2_header){
        .name = block,
        .value = (const uint8_t *)block + name_bytes + 1,
        .name_bytes = (uint32_t)name_bytes,
        .value_bytes = (uint32_t)value_bytes,
    };
    list->total_bytes += name_bytes + 1 + value_bytes;
    return STINT_OK;
}

enum stint_status p2_field_list_copy(struct alloc *alloc, const struct p2_field_list *from,
                                     struct p2_field_list *to)
{
    enum stint_status status = STINT_OK;
    if (to->items == NULL)
        status = p2_field_list_reserve(alloc, to, from->count, from->total_bytes);
    for (size_t i = 0; i < from->count && status == STINT_OK; i++) {
        const struct p2_header *header = &from->items[i];
        status = p2_field_list_add(alloc, to, header->name, header->name_bytes, header->value,
                                   header->value_bytes);
    }
    return status;
}

void p2_field_list_move(struct p2_field_list *from, struct p2_field_list *to)
{
    *to = *from;
    *from = (struct p2_field_list){.items = NULL};
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_named(const struct p2_header *header, const char *name, size_t bytes)
{
    if (header->name_bytes != bytes)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if (lower(header->name[i]) != lower(name[i]))
            return false;
    }
    return true;
}

static bool is_text(const char *name, size_t bytes, const char *text)
{
    struct p2_header header = {.name = text, .name_bytes = (uint32_t)strlen(text)};
    return is_named(&header, name, bytes);
}

bool p2_read_length(const uint8_t *value, size_t bytes, uint64_t *ret_length)
{
    uint64_t length = 0;
    if (bytes == 0 || bytes > 18)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
        length = length * 10 + (uint64_t)(value[i] - '0');
    }
    *ret_length = length;
    return true;
}

bool p2_field_list_length(const struct p2_field_list *list, uint64_t *ret_bytes)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct p2_header *header = &list->items[i];
        if (is_text(header->name, header->name_bytes, "content-length"))
            return p2_read_length(header->value, header->value_bytes, ret_bytes);
    }
    return false;
}

/* ---- Rules ------------------------------------------------------------------------------- */

bool p2_is_token(const char *text, size_t bytes)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < bytes; i++) {
        char c = lower(text[i]);
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_plain && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return bytes > 0;
}

static bool is_value(const uint8_t *value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if ((value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            return false;
    }
    return true;
}

/* What is the connection's, not the message's, and so the host's alone. */
static bool is_forbidden(const char *name, size_t bytes)
{
#define NAME(text) {text, sizeof(text) - 1}
    static const struct {
        const char *text;
        size_t bytes;
    } names[] = {
        NAME("connection"),          NAME("keep-alive"), NAME("proxy-authenticate"),
        NAME("proxy-authorization"), NAME("host"),       NAME("proxy-connection"),
        NAME("transfer-encoding"),   NAME("upgrade"),    NAME("te"),
        NAME("http2-settings"),
    };
#undef NAME
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (names[i].bytes == bytes && is_text(name, bytes, names[i].text))
            return true;
    }
    return false;
}

static uint8_t check_name(const char *name, size_t bytes)
{
    if (!p2_is_token(name, bytes))
        return INVALID_SYNTAX;
    return is_forbidden(name, bytes) ? FORBIDDEN : ALLOWED;
}

/* ---- Objects ----------------------------------------------------------------------------- */

void p2_fields_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    p2_field_list_free(wasi->alloc, &((struct p2_fields *)object)->list);
}

enum stint_status p2_fields_failed(struct host_component_call *call, enum stint_status status)
{
    return status == STINT_LIMIT ? p2_trap(call, "header fields are too long") : p2_no_memory(call);
}

enum stint_status p2_fields_make(struct host_component_call *call, const struct p2_field_list *from,
                                 struct p2_fields **ret_fields)
{
    struct wasi_p2 *wasi = p2_of(call);
    struct p2_fields *fields;
    enum stint_status status = p2_new(call, P2_FIELDS, &fields);
    if (status != STINT_OK)
        return status;
    if (from != NULL)
        status = p2_field_list_copy(wasi->alloc, from, &fields->list);
    if (status != STINT_OK) {
        p2_release(wasi, &fields->base);
        return p2_fields_failed(call, status);
    }
    *ret_fields = fields;
    return STINT_OK;
}

enum stint_status p2_fields_new(struct host_component_call *call, uint64_t *slots)
{
    struct p2_fields *fields;
    enum stint_status status = p2_fields_make(call, NULL, &fields);
    return status == STINT_OK ? p2_return(call, &fields->base, slots) : status;
}

/* A name of the guest; rewind the arena to `ret_mark` when it is done with. */
static enum stint_status take_name(struct host_component_call *call, uint64_t pointer,
                                   uint64_t units, struct wasm_name *ret_name,
                                   struct arena_mark *ret_mark)
{
    struct arena *arena = &p2_of(call)->arena;
    *ret_mark = arena_mark(arena);
    return host_get_string(call, arena, p2_u32(pointer), p2_u32(units), ret_name);
}

/* Adds one; `ret_refusal` is a header-error or ALLOWED. */
static enum stint_status add(struct host_component_call *call, struct p2_fields *fields,
                             struct wasm_name name, uint32_t pointer, uint32_t bytes,
                             uint8_t *ret_refusal)
{
    const uint8_t *value = host_at(call, pointer, bytes, 1);
    if (value == NULL)
        return STINT_TRAP;
    *ret_refusal = check_name(name.text, name.bytes);
    if (*ret_refusal == ALLOWED && !is_value(value, bytes))
        *ret_refusal = INVALID_SYNTAX;
    if (*ret_refusal != ALLOWED)
        return STINT_OK;
    enum stint_status status =
        p2_field_list_add(p2_of(call)->alloc, &fields->list, name.text, name.bytes, value, bytes);
    return status == STINT_OK ? STINT_OK : p2_fields_failed(call, status);
}

/* list<tuple<string, list<u8>>>: 0 name  8 value, 16 bytes each */
static enum stint_status add_list(struct host_component_call *call, struct p2_fields *fields,
                                  uint64_t pointer, uint64_t count, uint8_t *ret_refusal)
{
    enum { EACH = 16 };
    const uint8_t *list = host_at(call, p2_u32(pointer), (uint64_t)p2_u32(count) * EACH, 4);
    enum stint_status status = list != NULL ? STINT_OK : STINT_TRAP;
    *ret_refusal = ALLOWED;
    for (uint32_t i = 0; i < p2_u32(count) && status == STINT_OK && *ret_refusal == ALLOWED; i++) {
        const uint8_t *entry = list + (size_t)i * EACH;
        struct arena_mark mark;
        struct wasm_name name;
        status = take_name(call, bytes_get32(entry), bytes_get32(entry + 4), &name, &mark);
        if (status == STINT_OK)
            status = add(call, fields, name, bytes_get32(entry + 8), bytes_get32(entry + 12),
                         ret_refusal);
        arena_rewind(&p2_of(call)->arena, mark);
    }
    return status;
}

/* result<fields, header-error>: 0 case  4 handle or error */
enum stint_status p2_fields_from_list(struct host_component_call *call, uint64_t *slots)
{
    struct p2_fields *fields;
    uint32_t handle = 0;
    uint8_t refusal, *at;
    enum stint_status status = p2_fields_make(call, NULL, &fields);
    if (status != STINT_OK)
        return status;
    status = add_list(call, fields, slots[0], slots[1], &refusal);
    if (status != STINT_OK || refusal != ALLOWED)
        p2_release(p2_of(call), &fields->base);
    else
        status = p2_give(call, &fields->base, &handle);
    if (status == STINT_OK)
        status = p2_result(call, slots[2], 8, 4, &at);
    if (status != STINT_OK)
        return status;
    at[0] = refusal != ALLOWED;
    bytes_put32(at + 4, refusal != ALLOWED ? refusal : handle);
    return STINT_OK;
}

static enum stint_status refused(struct host_component_call *call)
{
    return p2_trap(call, "a header field is not allowed");
}

enum stint_status p2_fields_new_oct(struct host_component_call *call, uint64_t *slots)
{
    struct p2_fields *fields;
    uint8_t refusal;
    enum stint_status status = p2_fields_make(call, NULL, &fields);
    if (status != STINT_OK)
        return status;
    status = add_list(call, fields, slots[0], slots[1], &refusal);
    if (status == STINT_OK && refusal != ALLOWED)
        status = refused(call);
    if (status != STINT_OK) {
        p2_release(p2_of(call), &fields->base);
        return status;
    }
    return p2_return(call, &fields->base, slots);
}

/* ---- Reading ----------------------------------------------------------------------------- */

static enum stint_status put_value(struct host_component_call *call, const struct p2_header *header,
                                   uint8_t *at)
{
    uint32_t pointer;
    enum stint_status status = p2_put_bytes(call, header->value, header->value_bytes, &pointer);
    if (status != STINT_OK)
        return status;
    bytes_put32(at, pointer);
    bytes_put32(at + 4, header->value_bytes);
    return STINT_OK;
}

/* The list of the values of `name`, or of all names and values where it is NULL. */
static enum stint_status put_list(struct host_component_call *call, const struct p2_fields *fields,
                                  const struct wasm_name *name, uint64_t result)
{
    const struct p2_field_list *list = &fields->list;
    uint32_t each = name != NULL ? 8 : 16, count = 0, pointer;
    uint8_t *items, *at;
    for (size_t i = 0; i < list->count; i++)
        count += name == NULL || is_named(&list->items[i], name->text, name->bytes);
    enum stint_status status = host_realloc(call, count * each, 4, &pointer);
    if (status == STINT_OK)
        status = p2_result(call, pointer, count * each, 4, &items);
    for (size_t i = 0; i < list->count && status == STINT_OK; i++) {
        const struct p2_header *header = &list->items[i];
        if (name != NULL && !is_named(header, name->text, name->bytes))
            continue;
        if (name == NULL)
            status = p2_put_string(call, header->name, header->name_bytes, items);
        if (status == STINT_OK)
            status = put_value(call, header, items + each - 8);
        items += each;
    }
    if (status == STINT_OK)
        status = p2_result(call, result, 8, 4, &at);
    if (status != STINT_OK)
        return status;
    bytes_put32(at, pointer);
    bytes_put32(at + 4, count);
    return STINT_OK;
}

static enum stint_status get_fields(struct host_component_call *call, uint64_t handle,
                                    struct p2_fields **ret_fields)
{
    return p2_get(call, handle, P2_FIELDS, ret_fields);
}

enum stint_status p2_fields_get(struct host_component_call *call, uint64_t *slots)
{
    struct p2_fields *fields;
    struct arena_mark mark = arena_mark(&p2_of(call)->arena);
    struct wasm_name name;
    enum stint_status status = get_fields(call, slots[0], &fields);
    if (status == STINT_OK)
        status = take_name(call, slots[1], slots[2], &name, &mark);
    if (status == STINT_OK)
        status = put_list(call, fields, &name, slots[3]);
    arena_rewind(&p2_of(call)->arena, mark);
    return status;
}

enum stint_status p2_fields_has(struct host_component_call *call, uint64_t *slots)
{
    struct p2_fields *fields;
    struct arena_mark mark = arena_mark(&p2_of(call)->arena);
    struct wasm_name name;
    bool has = false;
    enum stint_status status = get_fields(call, slots[0], &fields);
    if (status == STINT_OK)
        status = take_name(call, slots[1], slots[2], &name, &mark);
    for (size_t i = 0; status == STINT_OK && i < fields->list.count; i++)
        has |= is_named(&fields->list.items[i], name.text, name.bytes);
    arena_rewind(&p2_of(call)->arena, mark);
    slots[0] = has;
    return status;
}

enum stint_status p2_fields_entries(struct host_component_call *call, uint64_t *slots)
{
    struct p2_fields *fields;
    enum stint_status status = get_fields(call, slots[0], &fields);
    return status == STINT_OK ? put_list(call, fields, NULL, slots[1]) : status;
}

enum stint_status p2_fields_clone(struct host_component_call *call, uint64_t *slots)
{
    struct p2_fields *fields, *copy;
    enum stint_status status = get_fields(call, slots[0], &fields);
    if (status == STINT_OK)
        status = p2_fields_make(call, &fields->list, &copy);
    return status == STINT_OK ? p2_return(call, &copy->base, slots) : status;
}

/* ---- Changing ---------------------------------------------------------------------------- */

enum change { CHANGE_SET, CHANGE_DELETE, CHANGE_APPEND };

/* Values of a set: list<list<u8>>. All are checked before anything changes. */
static enum stint_status set_values(struct host_component_call *call, struct p2_fields *fields,
                                    struct wasm_name name, const uint64_t *slots,
                                    uint8_t *ret_refusal)
{
    uint32_t count = p2_u32(slots[1]);
    size_t before = fields->list.count;
    const uint8_t *list = host_at(call, p2_u32(slots[0]), (uint64_t)count * 8, 4);
    if (list == NULL)
        return STINT_TRAP;
    enum stint_status status = STINT_OK;
    for (uint32_t i = 0; i < count && status == STINT_OK && *ret_refusal == ALLOWED; i++)
        status = add(call, fields, name, bytes_get32(list + (size_t)i * 8),
                     bytes_get32(list + (size_t)i * 8 + 4), ret_refusal);
    if (status != STINT_OK)
        return status;
    /* Refused: the new ones go; else the old ones of that name. */
    struct alloc *alloc = p2_of(call)->alloc;
    if (*ret_refusal != ALLOWED) {
        while (fields->list.count > before)
            remove_at(alloc, &fields->list, fields->list.count - 1);
        return STINT_OK;
    }
    for (size_t i = before; i-- > 0;) {
        if (is_named(&fields->list.items[i], name.text, name.bytes))
            remove_at(alloc, &fields->list, i);
    }
    return STINT_OK;
}

static enum stint_status change(struct host_component_call *call, const uint64_t *slots,
                                enum change how, uint8_t *ret_refusal)
{
    struct p2_fields *fields;
    struct arena_mark mark = arena_mark(&p2_of(call)->arena);
    struct wasm_name name;
    enum stint_status status = get_fields(call, slots[0], &fields);
    if (status == STINT_OK)
        status = take_name(call, slots[1], slots[2], &name, &mark);
    if (status == STINT_OK)
        *ret_refusal =
            fields->is_immutable ? (uint8_t)IMMUTABLE : check_name(name.text, name.bytes);
    if (status == STINT_OK && *ret_refusal == ALLOWED) {
        if (how == CHANGE_APPEND)
            status = add(call, fields, name, p2_u32(slots[3]), p2_u32(slots[4]), ret_refusal);
        else if (how == CHANGE_SET)
            status = set_values(call, fields, name, slots + 3, ret_refusal);
        for (size_t i = fields->list.count; how == CHANGE_DELETE && i-- > 0;) {
            if (is_named(&fields->list.items[i], name.text, name.bytes))
                remove_at(p2_of(call)->alloc, &fields->list, i);
        }
    }
    arena_rewind(&p2_of(call)->arena, mark);
    return status;
}

/* result<_, header-error> */
static enum stint_status change_new(struct host_component_call *call, const uint64_t *slots,
                                    enum change how, uint64_t result)
{
    uint8_t refusal, *at;
    enum stint_status status = change(call, slots, how, &refusal);
    if (status == STINT_OK)
        status = p2_result(call, result, 2, 1, &at);
    if (status == STINT_OK && refusal != ALLOWED) {
        at[0] = 1;
        at[1] = refusal;
    }
    return status;
}

static enum stint_status change_oct(struct host_component_call *call, const uint64_t *slots,
                                    enum change how)
{
    uint8_t refusal;
    enum stint_status status = change(call, slots, how, &refusal);
    return status == STINT_OK && refusal != ALLOWED ? refused(call) : status;
}

enum stint_status p2_fields_set(struct host_component_call *call, uint64_t *slots)
{
    return change_new(call, slots, CHANGE_SET, slots[5]);
}

enum stint_status p2_fields_delete(struct host_component_call *call, uint64_t *slots)
{
    return change_new(call, slots, CHANGE_DELETE, slots[3]);
}

enum stint_status p2_fields_append(struct host_component_call *call, uint64_t *slots)
{
    return change_new(call, slots, CHANGE_APPEND, slots[5]);
}

enum stint_status p2_fields_set_oct(struct host_component_call *call, uint64_t *slots)
{
    return change_oct(call, slots, CHANGE_SET);
}

enum stint_status p2_fields_delete_oct(struct host_component_call *call, uint64_t *slots)
{
    return change_oct(call, slots, CHANGE_DELETE);
}

enum stint_status p2_fields_append_oct(struct host_component_call *call, uint64_t *slots)
{
    return change_oct(call, slots, CHANGE_APPEND);
}
