/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on a key-value store: the table that Spin keeps in SQLite. */
#include <stdio.h>
#include <string.h>

#include "services/services_int.h"

#define SQL(name, text) static const char name[] = text
#define PLACE " FROM spin_key_value WHERE store=?1 AND key=?2"
SQL(sql_get, "SELECT value" PLACE);
SQL(sql_exists, "SELECT 1" PLACE);
SQL(sql_delete, "DELETE" PLACE);
SQL(sql_set, "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3) "
             "ON CONFLICT (store, key) DO UPDATE SET value=?3");
SQL(sql_keys, "SELECT key FROM spin_key_value WHERE store=?1");
SQL(sql_page, "SELECT key FROM spin_key_value WHERE store=?1 AND key>?2 ORDER BY key LIMIT 1001");
SQL(sql_first, "SELECT key FROM spin_key_value WHERE store=?1 ORDER BY key LIMIT 1001");
SQL(sql_begin, "BEGIN IMMEDIATE");
SQL(sql_commit, "COMMIT");

static struct sqlite_value text_of(const char *text, size_t bytes)
{
    return (struct sqlite_value){.kind = SQLITE_KIND_TEXT, .data = text, .bytes = bytes};
}

static struct sqlite_value blob_of(const void *data, size_t bytes)
{
    return (struct sqlite_value){.kind = SQLITE_KIND_BLOB, .data = data, .bytes = bytes};
}

#define RUN(kv, link, sql, count, pair, cells)                                                     \
    run_kept(kv, link, sql, sizeof(sql) - 1, count, pair, cells)

/* The parameters are the store, then the key, then the value of the pair, `count` of them. */
static enum sqlite_end run_kept(struct kv_job *kv, struct sqlite_link *link, const char *sql,
                                size_t sql_bytes, size_t count, const struct kv_pair *pair,
                                struct buf *cells)
{
    struct sqlite_value values[3] = {text_of(kv->job.file->label, strlen(kv->job.file->label))};
    if (count > 1)
        values[1] = text_of(pair->key.text, pair->key.bytes);
    if (count > 2)
        values[2] = blob_of(pair->value, pair->bytes);
    return service_run(&kv->job, link, sql, sql_bytes, true, values, count, cells);
}

/* One cell for the key's value, NULL if there is none. */
static enum sqlite_end get(struct kv_job *kv, struct sqlite_link *link, const struct kv_pair *pair,
                           struct buf *cells)
{
    struct service_cell cell = {.kind = SQLITE_KIND_NULL};
    const uint8_t *data = NULL;
    struct buf row;
    buf_init(&row, cells->alloc, SERVICE_ANSWER_BYTES_MAX);
    enum sqlite_end end = RUN(kv, link, sql_get, 2, pair, &row);
    struct service_reader reader = service_reader_of(&row);
    while (end == SQLITE_END_DONE && cell.kind != SERVICE_ROW && service_next(&reader, &cell, &data)) {
    }
    /* The row's one value follows it. */
    if (cell.kind != SERVICE_ROW || !service_next(&reader, &cell, &data))
        cell = (struct service_cell){.kind = SQLITE_KIND_NULL};
    if (end == SQLITE_END_DONE && !service_put_cell(cells, cell, data))
        end = SQLITE_END_FAILED;
    buf_free(&row);
    return end;
}

/* The first cell in `cells` that get made: whether there is one, and what. */
static bool first_value(const struct buf *cells, const uint8_t **ret_data, size_t *ret_bytes)
{
    struct service_cell cell;
    struct service_reader reader = service_reader_of(cells);
    if (!service_next(&reader, &cell, ret_data) || cell.kind == SQLITE_KIND_NULL)
        return false;
    *ret_bytes = cell.bytes;
    return true;
}

/* Numbers are 8 bytes, little-endian, as in Spin's stores; shorter ones are filled up with zeros. */
static enum sqlite_end increment(struct kv_job *kv, struct sqlite_link *link)
{
    const uint8_t *data = NULL;
    size_t bytes = 0;
    uint8_t number[8] = {0};
    struct kv_pair pair = kv->pairs[0];
    enum sqlite_end end = get(kv, link, &pair, &kv->cells);
    if (end != SQLITE_END_DONE)
        return end;
    if (first_value(&kv->cells, &data, &bytes)) {
        if (bytes > sizeof(number)) {
            (void)snprintf(kv->job.message, sizeof(kv->job.message),
                           "the value is not a number of 8 bytes");
            return SQLITE_END_FAILED;
        }
        if (bytes > 0)
            memcpy(number, data, bytes);
    }
    uint64_t sum = bytes_get64(number) + (uint64_t)kv->delta;
    bytes_put64(number, sum);
    kv->number = (int64_t)sum;
    pair.value = number;
    pair.bytes = sizeof(number);
    return RUN(kv, link, sql_set, 3, &pair, NULL);
}

static enum sqlite_end swap(struct kv_job *kv, struct sqlite_link *link)
{
    const uint8_t *data = NULL;
    size_t bytes = 0;
    enum sqlite_end end = get(kv, link, &kv->pairs[0], &kv->cells);
    if (end != SQLITE_END_DONE)
        return end;
    bool has = first_value(&kv->cells, &data, &bytes);
    kv->is_done = has == kv->has_old &&
                  (!has || (bytes == kv->old_bytes &&
                            (bytes == 0 || memcmp(data, kv->old, bytes) == 0)));
    return kv->is_done ? RUN(kv, link, sql_set, 3, &kv->pairs[0], NULL) : SQLITE_END_DONE;
}

static enum sqlite_end exists(struct kv_job *kv, struct sqlite_link *link)
{
    enum sqlite_end end = RUN(kv, link, sql_exists, 2, &kv->pairs[0], &kv->cells);
    struct service_reader reader = service_reader_of(&kv->cells);
    struct service_cell cell;
    const uint8_t *data;
    kv->is_done = false;
    while (service_next(&reader, &cell, &data))
        kv->is_done |= cell.kind == SERVICE_ROW;
    return end;
}

static enum sqlite_end run_pairs(struct kv_job *kv, struct sqlite_link *link)
{
    enum sqlite_end end = SQLITE_END_DONE;
    for (uint32_t i = 0; i < kv->count && end == SQLITE_END_DONE; i++) {
        const struct kv_pair *pair = &kv->pairs[i];
        if (kv->op == KV_GET)
            end = get(kv, link, pair, &kv->cells);
        else if (kv->op == KV_SET)
            end = RUN(kv, link, sql_set, 3, pair, NULL);
        else
            end = RUN(kv, link, sql_delete, 2, pair, NULL);
    }
    return end;
}

static enum sqlite_end run_one(struct kv_job *kv, struct sqlite_link *link)
{
    switch (kv->op) {
    case KV_KEYS:
        return RUN(kv, link, sql_keys, 1, NULL, &kv->cells);
    case KV_FIRST_PAGE:
        return RUN(kv, link, sql_first, 1, NULL, &kv->cells);
    case KV_PAGE:
        return RUN(kv, link, sql_page, 2, &kv->pairs[0], &kv->cells);
    case KV_EXISTS:
        return exists(kv, link);
    case KV_INCREMENT:
        return increment(kv, link);
    case KV_SWAP:
        return swap(kv, link);
    default:
        return run_pairs(kv, link);
    }
}

static enum sqlite_end run(struct service_job *job, struct sqlite_link *link)
{
    struct kv_job *kv = (struct kv_job *)job;
    /* One statement is a transaction by itself. */
    bool is_many =
        kv->op == KV_INCREMENT || kv->op == KV_SWAP || (kv->count > 1 && kv->op != KV_GET);
    enum sqlite_end end = SQLITE_END_DONE;
    buf_clear(&kv->cells); /* of a try before */
    if (is_many)
        end = service_run(job, link, sql_begin, sizeof(sql_begin) - 1, true, NULL, 0, NULL);
    if (end == SQLITE_END_DONE)
        end = run_one(kv, link);
    if (is_many && end == SQLITE_END_DONE)
        end = service_run(job, link, sql_commit, sizeof(sql_commit) - 1, true, NULL, 0, NULL);
    return end;
}

void kv_job_init(struct kv_job *job, struct service_file *file,
                 enum kv_op op, const struct kv_pair *pairs, uint32_t count)
{
    *job = (struct kv_job){.job = {.file = file, .run = run}, .op = op, .pairs = pairs, .count = count};
    buf_init(&job->cells, &alloc_root, SERVICE_ANSWER_BYTES_MAX);
    buf_init(&job->cursor, &alloc_root, SERVICE_MESSAGE_BYTES);
}

enum stint_status kv_do(struct host_component_call *call, struct kv_job *job)
{
    return job->job.file->redis != NULL ? kv_redis_do(call, job) : service_do(call, &job->job);
}

void kv_job_free(struct kv_job *job)
{
    buf_free(&job->cells);
    buf_free(&job->cursor);
}
