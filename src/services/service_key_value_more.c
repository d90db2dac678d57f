/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:keyvalue/atomics and batch. */
#include "services/services_int.h"

enum { ERROR_OTHER = 2 };              /* of the store's error */
enum { CAS_STORE_ERROR, CAS_FAILED }; /* of cas-error */

static const char *message_of(const struct kv_job *job)
{
    return job->job.message[0] != '\0' ? job->job.message : "the store failed";
}

static bool set_value(struct service_object *object, const struct kv_job *job)
{
    struct service_cell cell;
    const uint8_t *data;
    struct service_reader reader = service_reader_of(&job->cells);
    buf_clear(&object->value);
    object->has_value = service_next(&reader, &cell, &data) && cell.kind != SQLITE_KIND_NULL;
    return !object->has_value || cell.bytes == 0 || buf_append(&object->value, data, cell.bytes);
}

/* ---- Compare and swap -------------------------------------------------------------------- */

/* A cas handle for what the key has now, which `job` has read; 0 without a failure: there is no room. */
static enum stint_status make_cas(struct host_component_call *call, const struct kv_job *job,
                                  uint32_t *ret_handle)
{
    struct services_guest *guest = service_of(call);
    struct service_object *object = service_new(guest, SERVICE_CAS);
    *ret_handle = 0;
    if (object == NULL)
        return STINT_OK;
    const struct wasm_name *key = &job->pairs[0].key;
    object->file = job->job.file;
    if ((key->bytes > 0 && !buf_append(&object->key, key->text, key->bytes)) ||
        !set_value(object, job)) {
        service_end(guest, object);
        return p2_no_memory(call);
    }
    return service_give(call, object, ret_handle);
}

enum stint_status service_cas_new(struct host_component_call *call, uint64_t *slots)
{
    struct service_object *bucket;
    struct arena arena;
    struct kv_pair pair = {.value = NULL};
    struct kv_job job;
    uint32_t handle = 0;
    enum stint_status status = service_get(call, slots[0], SERVICE_BUCKET, &bucket);
    if (status != STINT_OK)
        return status;
    arena_init(&arena, &alloc_root);
    kv_job_init(&job, bucket->file, KV_GET, &pair, 1);
    status = host_get_string(call, &arena, p2_u32(slots[1]), p2_u32(slots[2]), &pair.key);
    if (status == STINT_OK)
        status = kv_do(call, &job);
    if (status == STINT_OK && job.job.end != SQLITE_END_DONE) {
        status = service_error(call, slots[3], SERVICE_RESULT, ERROR_OTHER, message_of(&job));
    } else if (status == STINT_OK) {
        status = make_cas(call, &job, &handle);
        if (status == STINT_OK)
            status = handle == 0 ? service_error(call, slots[3], SERVICE_RESULT, ERROR_OTHER,
                                                 "too many cas handles are open")
                                 : service_ok(call, slots[3], SERVICE_RESULT, &handle, 1);
    }
    kv_job_free(&job);
    arena_free(&arena);
    return status;
}

enum stint_status service_cas_current(struct host_component_call *call, uint64_t *slots)
{
    struct service_object *cas;
    uint32_t words[3] = {0};
    enum stint_status status = service_get(call, slots[0], SERVICE_CAS, &cas);
    if (status == STINT_OK && cas->has_value) {
        words[0] = 1;
        status = service_blob(call, cas->value.data, cas->value.bytes, words + 1);
    }
    return status == STINT_OK ? service_ok(call, slots[1], SERVICE_RESULT, words, 3) : status;
}

/* result<_, cas-error>: 20 bytes. */
static enum stint_status put_swapped(struct host_component_call *call, const struct kv_job *job,
                                     uint64_t pointer)
{
    uint32_t words[4] = {0};
    enum stint_status status = STINT_OK;
    bool is_stored = job->job.end == SQLITE_END_DONE;
    if (is_stored && job->is_done)
        return service_ok(call, pointer, 20, words, 4);
    if (is_stored) {
        words[0] = CAS_FAILED;
        status = make_cas(call, job, &words[1]);
    }
    if (status == STINT_OK && (!is_stored || words[1] == 0)) {
        words[0] = CAS_STORE_ERROR;
        words[1] = ERROR_OTHER;
        const char *text = is_stored ? "too many cas handles are open" : message_of(job);
        status = service_text(call, text, strlen(text), words + 2);
    }
    if (status == STINT_OK)
        status = service_ok(call, pointer, 20, words, 4);
    /* The same words, but as an error. */
    uint8_t *at = status == STINT_OK ? host_at(call, p2_u32(pointer), 20, 4) : NULL;
    if (at != NULL)
        at[0] = 1;
    return status;
}

enum stint_status service_cas_swap(struct host_component_call *call, uint64_t *slots)
{
    struct service_object *cas;
    struct kv_job job;
    enum stint_status status = service_take(call, slots[0], SERVICE_CAS, &cas);
    if (status != STINT_OK)
        return status;
    struct kv_pair pair = {.key = {.text = (const char *)cas->key.data,
                                   .bytes = (uint32_t)cas->key.bytes},
                           .bytes = p2_u32(slots[2])};
    pair.value = host_at(call, p2_u32(slots[1]), pair.bytes, 1);
    kv_job_init(&job, cas->file, KV_SWAP, &pair, 1);
    job.has_old = cas->has_value;
    job.old = cas->value.data;
    job.old_bytes = cas->value.bytes;
    status = pair.value != NULL ? kv_do(call, &job) : STINT_TRAP;
    if (status == STINT_OK)
        status = put_swapped(call, &job, slots[3]);
    kv_job_free(&job);
    service_end(service_of(call), cas);
    return status;
}

/* result<s64, error>: 24 bytes, the payload at 8. */
enum stint_status service_bucket_increment(struct host_component_call *call, uint64_t *slots)
{
    struct service_object *bucket;
    struct arena arena;
    struct kv_pair pair = {.value = NULL};
    struct kv_job job;
    uint32_t words[2] = {0};
    uint8_t *at;
    enum stint_status status = service_get(call, slots[0], SERVICE_BUCKET, &bucket);
    if (status != STINT_OK)
        return status;
    arena_init(&arena, &alloc_root);
    kv_job_init(&job, bucket->file, KV_INCREMENT, &pair, 1);
    job.delta = (int64_t)slots[3];
    status = host_get_string(call, &arena, p2_u32(slots[1]), p2_u32(slots[2]), &pair.key);
    if (status == STINT_OK)
        status = kv_do(call, &job);
    bool is_stored = status == STINT_OK && job.job.end == SQLITE_END_DONE;
    if (status == STINT_OK && !is_stored)
        status = service_text(call, message_of(&job), strlen(message_of(&job)), words);
    if (status == STINT_OK)
        status = p2_result(call, slots[4], 24, 8, &at);
    if (status == STINT_OK && is_stored) {
        bytes_put64(at + 8, (uint64_t)job.number);
    } else if (status == STINT_OK) {
        at[0] = 1;
        at[8] = ERROR_OTHER;
        bytes_put32(at + 12, words[0]);
        bytes_put32(at + 16, words[1]);
    }
    kv_job_free(&job);
    arena_free(&arena);
    return status;
}

/* ---- Batches ----------------------------------------------------------------------------- */

/* The pairs of a list: strings, each with a list<u8> behind it where `each_bytes` is 16. */
static enum stint_status read_pairs(struct host_component_call *call, uint32_t pointer,
                                    uint32_t count, uint32_t each_bytes, struct arena *arena,
                                    struct kv_pair **ret_pairs)
{
    struct kv_pair *pairs = arena_get_zeroed(arena, (size_t)count + 1, sizeof(*pairs));
    const uint8_t *at = host_at(call, pointer, (uint64_t)count * each_bytes, 4);
    enum stint_status status = at == NULL ? STINT_TRAP : STINT_OK;
    if (status == STINT_OK && pairs == NULL)
        return p2_no_memory(call);
    for (uint32_t i = 0; i < count && status == STINT_OK; i++, at += each_bytes) {
        status = host_get_string(call, arena, bytes_get32(at), bytes_get32(at + 4), &pairs[i].key);
        if (status == STINT_OK && each_bytes == 16) {
            pairs[i].bytes = bytes_get32(at + 12);
            pairs[i].value = host_at(call, bytes_get32(at + 8), pairs[i].bytes, 1);
            status = pairs[i].value != NULL ? STINT_OK : STINT_TRAP;
        }
    }
    *ret_pairs = pairs;
    return status;
}

/* list<tuple<string, option<list<u8>>>>: 20 bytes each. */
static enum stint_status put_many(struct host_component_call *call, const struct kv_job *job,
                                  uint64_t pointer)
{
    struct service_cell cell;
    const uint8_t *data;
    struct service_reader reader = service_reader_of(&job->cells);
    uint32_t list[2] = {0, job->count};
    enum stint_status status = host_realloc(call, job->count * 20, 4, &list[0]);
    for (uint32_t i = 0; i < job->count && status == STINT_OK; i++) {
        const struct wasm_name *key = &job->pairs[i].key;
        uint32_t words[5] = {0};
        status = service_text(call, key->text, key->bytes, words);
        if (status == STINT_OK && service_next(&reader, &cell, &data) &&
            cell.kind != SQLITE_KIND_NULL) {
            words[2] = 1;
            status = service_blob(call, data, cell.bytes, words + 3);
        }
        if (status == STINT_OK)
            status = service_words(call, list[0] + i * 20, words, 5);
    }
    return status == STINT_OK ? service_ok(call, pointer, SERVICE_RESULT, list, 2) : status;
}

static enum stint_status run_many(struct host_component_call *call, enum kv_op op, uint64_t *slots)
{
    struct service_object *bucket;
    struct arena arena;
    struct kv_pair *pairs;
    struct kv_job job;
    uint32_t count = p2_u32(slots[2]);
    enum stint_status status = service_get(call, slots[0], SERVICE_BUCKET, &bucket);
    if (status != STINT_OK)
        return status;
    if (count > SERVICE_LIST_MAX)
        return service_error(call, slots[3], SERVICE_RESULT, ERROR_OTHER, "the list is too long");
    arena_init(&arena, &alloc_root);
    status = read_pairs(call, p2_u32(slots[1]), count, op == KV_SET ? 16 : 8, &arena, &pairs);
    if (status == STINT_OK) {
        kv_job_init(&job, bucket->file, op, pairs, count);
        status = kv_do(call, &job);
        if (status == STINT_OK && job.job.end != SQLITE_END_DONE)
            status = service_error(call, slots[3], SERVICE_RESULT, ERROR_OTHER, message_of(&job));
        else if (status == STINT_OK)
            status = op == KV_GET ? put_many(call, &job, slots[3])
                                  : service_ok(call, slots[3], SERVICE_RESULT, NULL, 0);
        kv_job_free(&job);
    }
    arena_free(&arena);
    return status;
}

enum stint_status service_bucket_get_many(struct host_component_call *call, uint64_t *slots)
{
    return run_many(call, KV_GET, slots);
}

enum stint_status service_bucket_set_many(struct host_component_call *call, uint64_t *slots)
{
    return run_many(call, KV_SET, slots);
}

enum stint_status service_bucket_delete_many(struct host_component_call *call, uint64_t *slots)
{
    return run_many(call, KV_DELETE, slots);
}
