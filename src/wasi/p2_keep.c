/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest has open, in stores that begin with the state of another one. Its memory has numbers of
 * handles in it, so each of them is either the same thing again, or gone but for its number.
 */
#include <stdio.h>

#include "wasi/p2_file.h"
#include "wasi/p2_http_int.h"

/* Words: P2_GONE, the standard streams, the network, then preopens, then header fields. */
enum {
    WORD_STDIN = 1,
    WORD_STDOUT,
    WORD_STDERR,
    WORD_NETWORK,
    WORD_PREOPENS,
    WORD_FIELDS = 1 << 24,
};

struct kept_fields {
    struct p2_field_list list;
    bool is_immutable;
};

struct kept_handle {
    uint32_t type; /* P2_TYPE_COUNT: a free one */
    uint32_t word; /* of a free one: the next free one */
};

struct wasi_p2_kept {
    struct alloc *alloc;
    struct kept_fields *fields;
    size_t field_count, field_capacity;
    struct kept_handle *handles; /* of a core module */
    uint32_t handle_count, free_first;
};

static enum stint_status no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for handles");
}

struct wasi_p2_kept *wasi_p2_kept_create(struct alloc *alloc)
{
    struct wasi_p2_kept *kept = alloc_get_zeroed(alloc, 1, sizeof(*kept));
    if (kept != NULL)
        kept->alloc = alloc;
    return kept;
}

void wasi_p2_kept_free(struct wasi_p2_kept *kept)
{
    if (kept == NULL)
        return;
    struct alloc *alloc = kept->alloc;
    for (size_t i = 0; i < kept->field_count; i++)
        p2_field_list_free(alloc, &kept->fields[i].list);
    alloc_put(alloc, kept->fields, kept->field_capacity * sizeof(*kept->fields));
    alloc_put(alloc, kept->handles, kept->handle_count * sizeof(*kept->handles));
    alloc_put(alloc, kept, sizeof(*kept));
}

static enum stint_status refuse(struct stint_error *error, const char *what)
{
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "%s is open", what);
}

bool wasi_p2_has_type(const struct wasi_p2 *wasi, const struct resource_type *type)
{
    return type->env == wasi;
}

/* ---- Keeping ----------------------------------------------------------------------------- */

static enum stint_status keep_input(const struct p2_input *input, uint32_t *ret_word,
                                    struct stint_error *error)
{
    if (input->owner != NULL)
        return refuse(error, "a stream of a file or socket");
    *ret_word = input->pipe != NULL ? P2_GONE : WORD_STDIN;
    return STINT_OK;
}

static enum stint_status keep_output(const struct wasi_p2 *wasi, const struct p2_output *output,
                                     uint32_t *ret_word, struct stint_error *error)
{
    if (output->pipe != NULL)
        *ret_word = P2_GONE;
    else if (output->owner != NULL)
        return refuse(error, "a stream of a file or socket");
    else if (output->file.sink != NULL ? output->file.sink == wasi->sinks[2]
                                       : output->file.fd == wasi->stdio[2])
        *ret_word = WORD_STDERR;
    else
        *ret_word = WORD_STDOUT;
    return STINT_OK;
}

static enum stint_status keep_descriptor(const struct wasi_p2 *wasi,
                                         const struct p2_descriptor *descriptor, uint32_t *ret_word,
                                         struct stint_error *error)
{
    for (size_t i = 0; i < wasi->preopen_count && !descriptor->file.is_owned; i++) {
        if (wasi->preopens[i].file.fd == descriptor->file.fd) {
            *ret_word = WORD_PREOPENS + (uint32_t)i;
            return STINT_OK;
        }
    }
    return refuse(error, descriptor->file.type == FILE_DIRECTORY ? "a directory" : "a file");
}

/* They are values, and guests keep some that many messages have. */
static enum stint_status keep_fields(struct wasi_p2_kept *kept, const struct p2_fields *fields,
                                     uint32_t *ret_word, struct stint_error *error)
{
    size_t number = kept->field_count;
    if (!vec_reserve(kept->alloc, &kept->fields, &kept->field_capacity, number + 1,
                     sizeof(*kept->fields)))
        return no_memory(error);
    kept->fields[number] = (struct kept_fields){.is_immutable = fields->is_immutable};
    kept->field_count++;
    if (p2_field_list_copy(kept->alloc, &fields->list, &kept->fields[number].list) != STINT_OK)
        return no_memory(error);
    *ret_word = WORD_FIELDS + (uint32_t)number;
    return STINT_OK;
}

enum stint_status wasi_p2_keep(const struct wasi_p2 *wasi, uint32_t rep, struct wasi_p2_kept *kept,
                               uint32_t *ret_word, struct stint_error *error)
{
    const struct p2_object *object = rep < wasi->count ? wasi->objects[rep].object : NULL;
    uint32_t word = P2_GONE;
    enum stint_status status = STINT_OK;
    switch (object != NULL ? object->type : P2_ERROR) {
    case P2_INPUT_STREAM:
        status = keep_input((const struct p2_input *)object, &word, error);
        break;
    case P2_OUTPUT_STREAM:
        status = keep_output(wasi, (const struct p2_output *)object, &word, error);
        break;
    case P2_DESCRIPTOR:
        status = keep_descriptor(wasi, (const struct p2_descriptor *)object, &word, error);
        break;
    case P2_NETWORK:
        word = WORD_NETWORK;
        break;
    case P2_FIELDS:
        status = keep_fields(kept, (const struct p2_fields *)object, &word, error);
        break;
    case P2_ERROR:
    case P2_INCOMING_REQUEST:
    case P2_OUTGOING_REQUEST:
    case P2_REQUEST_OPTIONS:
    case P2_RESPONSE_OUTPARAM:
    case P2_INCOMING_RESPONSE:
    case P2_INCOMING_BODY:
    case P2_FUTURE_TRAILERS:
    case P2_OUTGOING_RESPONSE:
    case P2_OUTGOING_BODY:
        break;
    default: {
        char what[48];
        (void)snprintf(what, sizeof(what), "a %s", wasi->types[object->type].name);
        return refuse(error, what);
    }
    }
    if (status == STINT_OK)
        *ret_word = word;
    return status;
}

/* ---- Opening again ----------------------------------------------------------------------- */

static enum stint_status reopen_preopen(struct host_component_call *call, size_t number,
                                        struct p2_object **ret_object)
{
    const struct wasi_p2 *wasi = p2_of(call);
    struct p2_descriptor *descriptor;
    enum stint_status status = p2_new(call, P2_DESCRIPTOR, &descriptor);
    if (status != STINT_OK)
        return status;
    descriptor->file = wasi->preopens[number].file;
    descriptor->file.is_owned = false;
    descriptor->flags = P2_FLAG_READ;
    if (!descriptor->file.is_frozen)
        descriptor->flags |= P2_FLAG_MUTATE_DIRECTORY;
    *ret_object = &descriptor->base;
    return STINT_OK;
}

static enum stint_status reopen_output(struct host_component_call *call, int number,
                                       struct p2_object **ret_object)
{
    struct p2_output *output;
    enum stint_status status = p2_open_output(call, number, &output);
    if (status == STINT_OK)
        *ret_object = &output->base;
    return status;
}

static enum stint_status reopen_input(struct host_component_call *call,
                                      struct p2_object **ret_object)
{
    struct p2_input *input;
    enum stint_status status = p2_open_input(call, &input);
    if (status == STINT_OK)
        *ret_object = &input->base;
    return status;
}

static enum stint_status reopen_fields(struct host_component_call *call,
                                       const struct kept_fields *from,
                                       struct p2_object **ret_object)
{
    struct p2_fields *fields;
    enum stint_status status = p2_fields_make(call, &from->list, &fields);
    if (status != STINT_OK)
        return status;
    fields->is_immutable = from->is_immutable;
    *ret_object = &fields->base;
    return STINT_OK;
}

enum stint_status wasi_p2_reopen(struct wasi_p2 *wasi, const struct wasi_p2_kept *kept,
                                 uint32_t word, uint32_t *ret_rep, struct stint_error *error)
{
    struct host_component_call call = {.env = wasi, .error = error};
    struct p2_object *object = NULL;
    enum stint_status status;
    switch (word) {
    case P2_GONE:
        *ret_rep = P2_GONE;
        return STINT_OK;
    case WORD_STDIN:
        status = reopen_input(&call, &object);
        break;
    case WORD_STDOUT:
    case WORD_STDERR:
        status = reopen_output(&call, word == WORD_STDOUT ? 1 : 2, &object);
        break;
    case WORD_NETWORK:
        status = p2_new_object(wasi, P2_NETWORK, &object, error);
        break;
    default:
        status = word >= WORD_FIELDS
                     ? reopen_fields(&call, &kept->fields[word - WORD_FIELDS], &object)
                     : reopen_preopen(&call, word - WORD_PREOPENS, &object);
        break;
    }
    if (status == STINT_OK)
        *ret_rep = object->rep;
    return status;
}

/* ---- Core modules ------------------------------------------------------------------------ */

enum stint_status wasi_p2_keep_handles(const struct wasi_p2 *wasi, struct wasi_p2_kept *kept,
                                       struct stint_error *error)
{
    const struct handle_table *from = &wasi->handles;
    kept->handles = alloc_get_zeroed(kept->alloc, from->count, sizeof(*kept->handles));
    if (kept->handles == NULL && from->count != 0)
        return no_memory(error);
    kept->handle_count = from->count;
    kept->free_first = from->free_first;
    for (uint32_t i = 1; i < from->count; i++) {
        const struct handle *handle = &from->items[i];
        struct kept_handle *to = &kept->handles[i];
        *to = (struct kept_handle){P2_TYPE_COUNT, handle->rep};
        if (handle->type == NULL)
            continue;
        if (!wasi_p2_has_type(wasi, handle->type))
            return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "a %s is open",
                             handle->type->name);
        to->type = (uint32_t)(handle->type - wasi->types);
        enum stint_status status = wasi_p2_keep(wasi, handle->rep, kept, &to->word, error);
        if (status != STINT_OK)
            return status;
    }
    return STINT_OK;
}

enum stint_status wasi_p2_reopen_handles(struct wasi_p2 *wasi, const struct wasi_p2_kept *kept,
                                         struct stint_error *error)
{
    struct handle_table *to = &wasi->handles;
    if (!handles_resize(to, kept->handle_count))
        return no_memory(error);
    for (uint32_t i = 1; i < kept->handle_count; i++) {
        const struct kept_handle *from = &kept->handles[i];
        to->items[i].rep = from->word;
        if (from->type == P2_TYPE_COUNT)
            continue;
        enum stint_status status =
            wasi_p2_reopen(wasi, kept, from->word, &to->items[i].rep, error);
        if (status != STINT_OK)
            return status;
        to->items[i].type = &wasi->types[from->type];
    }
    to->free_first = kept->free_first;
    return STINT_OK;
}
