/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key-value stores: fermyon:spin/key-value@2.0.0, the same before it had versions, and
 * wasi:keyvalue/store. They differ in how a store is named (a handle or a plain number) and in the cases
 * of their errors.
 */
#include "services/services_int.h"

#include <string.h>

/* How one of the interfaces says things. */
struct flavour {
    enum service_type type;
    bool is_numbered;   /* stores are numbers, not handles */
    uint8_t full;       /* cases of the error: too many stores */
    uint8_t unknown, denied, other;
    uint8_t invalid, missing; /* numbered: no such store is open, no such key */
};

static const struct flavour spin2 = {SERVICE_STORE, false, 0, 1, 2, 3, 0, 0};
static const struct flavour spin1 = {SERVICE_STORE, true, 0, 1, 2, 5, 3, 4};
static const struct flavour wasi = {SERVICE_BUCKET, false, 2, 0, 1, 2, 0, 0};

static const char *message_of(const struct kv_job *job)
{
    return job->job.message[0] != '\0' ? job->job.message : "the store failed";
}

static enum stint_status failed(struct host_component_call *call, const struct flavour *flavour,
                                uint64_t pointer, const struct kv_job *job)
{
    return service_error(call, pointer, SERVICE_RESULT, flavour->other, message_of(job));
}

/* The store in slots[0]; `ret_file` NULL: the error was said already. */
static enum stint_status file_of(struct host_component_call *call, const struct flavour *flavour,
                                 uint64_t self, uint64_t pointer, struct service_file **ret_file)
{
    struct service_object *object;
    if (flavour->is_numbered) {
        object = service_at(service_of(call), p2_u32(self), flavour->type);
        *ret_file = object != NULL ? object->file : NULL;
        return object != NULL ? STINT_OK
                              : service_error(call, pointer, SERVICE_RESULT, flavour->invalid, NULL);
    }
    enum stint_status status = service_get(call, self, flavour->type, &object);
    if (status == STINT_OK)
        *ret_file = object->file;
    return status;
}

/* ---- Open -------------------------------------------------------------------------------- */

static enum stint_status open_found(struct host_component_call *call,
                                    const struct flavour *flavour, uint64_t pointer,
                                    struct service_file *file)
{
    struct services_guest *guest = service_of(call);
    struct kv_job job;
    uint32_t handle;
    /* So that a store that cannot be opened says so here. */
    kv_job_init(&job, file, KV_GET, NULL, 0);
    enum stint_status status = kv_do(call, &job);
    if (status == STINT_OK && job.job.end != SQLITE_END_DONE)
        return failed(call, flavour, pointer, &job);
    struct service_object *object = status == STINT_OK ? service_new(guest, flavour->type) : NULL;
    if (status != STINT_OK)
        return status;
    if (object == NULL)
        return service_error(call, pointer, SERVICE_RESULT, flavour->full,
                             flavour->full == flavour->other ? "too many stores are open" : NULL);
    object->file = file;
    if (flavour->is_numbered)
        handle = service_number(guest, object);
    else
        status = service_give(call, object, &handle);
    return status == STINT_OK ? service_ok(call, pointer, SERVICE_RESULT, &handle, 1) : status;
}

static enum stint_status open_store(struct host_component_call *call,
                                    const struct flavour *flavour, uint64_t *slots)
{
    struct arena arena;
    struct wasm_name label;
    struct service_file *file;
    arena_init(&arena, &alloc_root);
    enum stint_status status =
        host_get_string(call, &arena, p2_u32(slots[0]), p2_u32(slots[1]), &label);
    if (status == STINT_OK) {
        /* A label with a NUL in it is none that a manifest could list. */
        bool is_label = memchr(label.text, '\0', label.bytes) == NULL;
        switch (service_find(service_of(call), true, is_label ? label.text : "", &file)) {
        case SERVICE_OPENS:
            status = open_found(call, flavour, slots[2], file);
            break;
        case SERVICE_UNKNOWN:
            status = service_error(call, slots[2], SERVICE_RESULT, flavour->unknown, NULL);
            break;
        default:
            status = service_error(call, slots[2], SERVICE_RESULT, flavour->denied, NULL);
        }
    }
    arena_free(&arena);
    return status;
}

/* ---- One key ----------------------------------------------------------------------------- */

static enum stint_status put_got(struct host_component_call *call, const struct flavour *flavour,
                                 uint64_t pointer, const struct kv_job *job)
{
    uint32_t words[3] = {1, 0, 0};
    struct service_cell cell = {.kind = SQLITE_KIND_NULL};
    const uint8_t *data = NULL;
    struct service_reader reader = service_reader_of(&job->cells);
    bool is_there = service_next(&reader, &cell, &data) && cell.kind != SQLITE_KIND_NULL;
    if (!is_there && flavour->is_numbered)
        return service_error(call, pointer, SERVICE_RESULT, flavour->missing, NULL);
    words[0] = is_there;
    enum stint_status status =
        is_there ? service_blob(call, data, cell.bytes, words + 1) : STINT_OK;
    /* An option has a word for whether it is there. */
    if (status == STINT_OK)
        status = flavour->is_numbered ? service_ok(call, pointer, SERVICE_RESULT, words + 1, 2)
                                      : service_ok(call, pointer, SERVICE_RESULT, words, 3);
    return status;
}

static enum stint_status put_answer(struct host_component_call *call,
                                    const struct flavour *flavour, uint64_t pointer,
                                    const struct kv_job *job)
{
    uint32_t word = job->is_done;
    if (job->job.end != SQLITE_END_DONE)
        return failed(call, flavour, pointer, job);
    if (job->op == KV_GET)
        return put_got(call, flavour, pointer, job);
    return service_ok(call, pointer, SERVICE_RESULT, &word, job->op == KV_EXISTS);
}

static enum stint_status run_op(struct host_component_call *call, const struct flavour *flavour,
                                enum kv_op op, uint64_t *slots)
{
    struct service_file *file;
    struct arena arena;
    struct kv_pair pair = {.value = NULL};
    struct kv_job job;
    uint64_t pointer = slots[op == KV_SET ? 5 : 3];
    enum stint_status status = file_of(call, flavour, slots[0], pointer, &file);
    if (status != STINT_OK || file == NULL)
        return status;
    arena_init(&arena, &alloc_root);
    kv_job_init(&job, file, op, &pair, 1);
    status = host_get_string(call, &arena, p2_u32(slots[1]), p2_u32(slots[2]), &pair.key);
    if (status == STINT_OK && op == KV_SET) {
        pair.bytes = p2_u32(slots[4]);
        /* The guest waits meanwhile, so its memory stays as it is. */
        pair.value = host_at(call, p2_u32(slots[3]), pair.bytes, 1);
        status = pair.value != NULL ? STINT_OK : STINT_TRAP;
    }
    if (status == STINT_OK)
        status = kv_do(call, &job);
    if (status == STINT_OK)
        status = put_answer(call, flavour, pointer, &job);
    kv_job_free(&job);
    arena_free(&arena);
    return status;
}

/* ---- Keys -------------------------------------------------------------------------------- */

/* A list of the texts in `cells`, SERVICE_PAGE_KEYS at most for a page, with a cursor if there are more. */
static enum stint_status put_keys(struct host_component_call *call, const struct buf *cells,
                                  uint32_t count, uint32_t ret_words[2])
{
    struct service_reader reader = service_reader_of(cells);
    struct service_cell cell;
    const uint8_t *data;
    uint32_t at = 0;
    enum stint_status status = host_realloc(call, count * 8, 4, &ret_words[0]);
    ret_words[1] = count;
    while (status == STINT_OK && at < count && service_next(&reader, &cell, &data)) {
        uint32_t words[2];
        if (cell.kind != SERVICE_ROW) {
            /* The names of the columns: one. */
            if (cell.kind == SERVICE_COLUMNS)
                (void)service_next(&reader, &cell, &data);
            continue;
        }
        if (!service_next(&reader, &cell, &data))
            break;
        status = service_text(call, data, cell.bytes, words);
        if (status == STINT_OK)
            status = service_words(call, ret_words[0] + at++ * 8, words, 2);
    }
    return status;
}

static uint32_t count_keys(const struct buf *cells)
{
    struct service_reader reader = service_reader_of(cells);
    struct service_cell cell;
    const uint8_t *data;
    uint32_t count = 0;
    while (service_next(&reader, &cell, &data))
        count += cell.kind == SERVICE_ROW;
    return count;
}

static enum stint_status get_keys(struct host_component_call *call, const struct flavour *flavour,
                                  uint64_t *slots)
{
    struct service_file *file;
    struct kv_job job;
    uint32_t words[2];
    enum stint_status status = file_of(call, flavour, slots[0], slots[1], &file);
    if (status != STINT_OK || file == NULL)
        return status;
    kv_job_init(&job, file, KV_KEYS, NULL, 0);
    status = kv_do(call, &job);
    if (status == STINT_OK && job.job.end != SQLITE_END_DONE) {
        status = failed(call, flavour, slots[1], &job);
    } else if (status == STINT_OK) {
        status = put_keys(call, &job.cells, count_keys(&job.cells), words);
        if (status == STINT_OK)
            status = service_ok(call, slots[1], SERVICE_RESULT, words, 2);
    }
    kv_job_free(&job);
    return status;
}

/* A page of keys, and the last of them as the cursor when more follow. */
static enum stint_status put_page(struct host_component_call *call, const struct kv_job *job,
                                  uint64_t pointer)
{
    uint32_t words[5] = {0}, last[2];
    uint32_t count = count_keys(&job->cells);
    bool is_more = job->job.file->redis == NULL && count > SERVICE_PAGE_KEYS;
    if (is_more)
        count = SERVICE_PAGE_KEYS;
    enum stint_status status = put_keys(call, &job->cells, count, words);
    if (status == STINT_OK && is_more) {
        const uint8_t *at = host_at(call, words[0] + (count - 1) * 8, 8, 4);
        if (at == NULL)
            return STINT_TRAP;
        last[0] = bytes_get32(at);
        last[1] = bytes_get32(at + 4);
        /* A copy: each text of a result is the guest's to free. */
        struct arena arena;
        struct wasm_name key;
        arena_init(&arena, &alloc_root);
        status = host_get_string(call, &arena, last[0], last[1], &key);
        words[2] = 1;
        if (status == STINT_OK)
            status = service_text(call, key.text, key.bytes, words + 3);
        arena_free(&arena);
    }
    if (status == STINT_OK && job->cursor.bytes > 0) {
        words[2] = 1;
        status = service_text(call, job->cursor.data, job->cursor.bytes, words + 3);
    }
    return status == STINT_OK ? service_ok(call, pointer, 24, words, 5) : status;
}

enum stint_status service_bucket_list_keys(struct host_component_call *call, uint64_t *slots)
{
    struct service_file *file;
    struct arena arena;
    struct kv_pair pair = {.key = {.text = "", .bytes = 0}};
    struct kv_job job;
    enum stint_status status = file_of(call, &wasi, slots[0], slots[4], &file);
    if (status != STINT_OK)
        return status;
    arena_init(&arena, &alloc_root);
    kv_job_init(&job, file, p2_u32(slots[1]) == 0 ? KV_FIRST_PAGE : KV_PAGE, &pair, 1);
    if (p2_u32(slots[1]) != 0)
        status = host_get_string(call, &arena, p2_u32(slots[2]), p2_u32(slots[3]), &pair.key);
    if (status == STINT_OK)
        status = kv_do(call, &job);
    if (status == STINT_OK)
        status = job.job.end == SQLITE_END_DONE
                     ? put_page(call, &job, slots[4])
                     : service_error(call, slots[4], 24, wasi.other, message_of(&job));
    kv_job_free(&job);
    arena_free(&arena);
    return status;
}

/* ---- The table --------------------------------------------------------------------------- */

#define OPENS(name, flavour)                                                                       \
    enum stint_status service_##name(struct host_component_call *call, uint64_t *slots)            \
    {                                                                                              \
        return open_store(call, &(flavour), slots);                                                \
    }
#define OP(name, flavour, op)                                                                      \
    enum stint_status service_##name(struct host_component_call *call, uint64_t *slots)            \
    {                                                                                              \
        return run_op(call, &(flavour), op, slots);                                                \
    }
#define KEYS(name, flavour)                                                                        \
    enum stint_status service_##name(struct host_component_call *call, uint64_t *slots)            \
    {                                                                                              \
        return get_keys(call, &(flavour), slots);                                                  \
    }

OPENS(kv_open, spin2)
OP(kv_get, spin2, KV_GET)
OP(kv_set, spin2, KV_SET)
OP(kv_delete, spin2, KV_DELETE)
OP(kv_exists, spin2, KV_EXISTS)
KEYS(kv_keys, spin2)

OPENS(kv1_open, spin1)
OP(kv1_get, spin1, KV_GET)
OP(kv1_set, spin1, KV_SET)
OP(kv1_delete, spin1, KV_DELETE)
OP(kv1_exists, spin1, KV_EXISTS)
KEYS(kv1_keys, spin1)

enum stint_status service_kv1_close(struct host_component_call *call, uint64_t *slots)
{
    struct services_guest *guest = service_of(call);
    service_end(guest, service_at(guest, p2_u32(slots[0]), SERVICE_STORE));
    return STINT_OK;
}

OPENS(bucket_open, wasi)
OP(bucket_get, wasi, KV_GET)
OP(bucket_set, wasi, KV_SET)
OP(bucket_delete, wasi, KV_DELETE)
OP(bucket_exists, wasi, KV_EXISTS)
