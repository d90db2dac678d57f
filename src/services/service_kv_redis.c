/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on a key-value store in Redis, laid out as Spin's: a key of the store is a key of the
 * database, numbers are decimal text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "services/services_int.h"

enum { LINKS_MAX = 32, PAUSE_NS = 1000000 }; /* of one store, in use */
#define TIMEOUT_NS UINT64_C(5000000000)
#define SCAN_COUNT "1000"

struct kv_redis {
    struct kv_job *kv;
    struct redis_link *link;
    struct net_task task;
    bool is_refused; /* by the server, which said why: the link is fine */
};

/* ---- Commands ---------------------------------------------------------------------------- */

static enum net_end refused(struct kv_redis *redis, const struct redis_view *view)
{
    redis->is_refused = true;
    return net_fail(&redis->task, "%.*s", (int)(view->bytes < 160 ? view->bytes : 160), view->text);
}

/* A reply of this kind, or nil where that is `may_be_nil`. The caller frees it. */
static enum net_end receive(struct kv_redis *redis, enum redis_kind kind, bool may_be_nil,
                            struct redis_reply **ret_reply, struct redis_view *ret_view)
{
    struct redis_reply *reply;
    enum net_end end = redis_link_receive(&redis->task, redis->link, &reply);
    if (end != NET_DONE)
        return end;
    struct redis_view view = redis_api()->view(reply);
    if (view.kind == kind || (may_be_nil && view.kind == REDIS_KIND_NIL)) {
        *ret_reply = reply;
        *ret_view = view;
        return NET_DONE;
    }
    end = view.kind == REDIS_KIND_ERROR ? refused(redis, &view)
                                        : net_fail(&redis->task, "Redis answers something else");
    redis_api()->reply_free(reply);
    return end;
}

static enum net_end send_words(struct kv_redis *redis, size_t count, const char *const *words,
                               const size_t *bytes)
{
    const struct redis_command command = {words, bytes, count};
    /* Each command has its time: a store of many keys is read in many. */
    redis->task.until_ns = clock_now_ns(OS_CLOCK_MONOTONIC) + TIMEOUT_NS;
    return redis_link_send(&redis->task, redis->link, &command);
}

/* NAME KEY, or NAME KEY VALUE. */
static enum net_end send_pair(struct kv_redis *redis, const char *name, const struct kv_pair *pair,
                              const void *value, size_t value_bytes)
{
    const char *words[] = {name, pair->key.text, value};
    const size_t bytes[] = {strlen(name), pair->key.bytes, value_bytes};
    return send_words(redis, value != NULL ? 3 : 2, words, bytes);
}

static bool put_cell(struct buf *cells, uint32_t kind, const struct redis_view *view)
{
    bool has = view->kind == REDIS_KIND_BYTES || view->kind == REDIS_KIND_STATUS;
    const struct service_cell cell = {.kind = has ? kind : SQLITE_KIND_NULL,
                                      .bytes = has ? (uint32_t)view->bytes : 0};
    return service_put_cell(cells, cell, has ? view->text : NULL);
}

/* ---- Values ------------------------------------------------------------------------------ */

static enum net_end no_room(struct kv_redis *redis)
{
    return net_fail(&redis->task, "the result is too large");
}

static enum net_end get_one(struct kv_redis *redis)
{
    struct redis_reply *reply;
    struct redis_view view;
    enum net_end end = send_pair(redis, "GET", &redis->kv->pairs[0], NULL, 0);
    if (end == NET_DONE)
        end = receive(redis, REDIS_KIND_BYTES, true, &reply, &view);
    if (end != NET_DONE)
        return end;
    if (!put_cell(&redis->kv->cells, SQLITE_KIND_BLOB, &view))
        end = no_room(redis);
    redis_api()->reply_free(reply);
    return end;
}

/* NAME with the keys of all pairs, and their values for MSET. */
static enum net_end send_all(struct kv_redis *redis, const char *name, bool has_values)
{
    const struct kv_job *kv = redis->kv;
    struct arena arena;
    size_t each = has_values ? 2 : 1, total = 1 + kv->count * each;
    arena_init(&arena, &alloc_root);
    const char **words = arena_get_zeroed(&arena, total, sizeof(*words));
    size_t *bytes = arena_get_zeroed(&arena, total, sizeof(*bytes));
    enum net_end end = NET_FAILED;
    if (words == NULL || bytes == NULL) {
        end = net_fail(&redis->task, "out of memory for a command");
    } else {
        words[0] = name;
        bytes[0] = strlen(name);
        for (uint32_t i = 0; i < kv->count; i++) {
            words[1 + i * each] = kv->pairs[i].key.text;
            bytes[1 + i * each] = kv->pairs[i].key.bytes;
            if (has_values) {
                words[2 + i * 2] = kv->pairs[i].value;
                bytes[2 + i * 2] = kv->pairs[i].bytes;
            }
        }
        end = send_words(redis, total, words, bytes);
    }
    arena_free(&arena);
    return end;
}

static enum net_end get_all(struct kv_redis *redis)
{
    struct redis_reply *reply;
    struct redis_view view;
    enum net_end end = send_all(redis, "MGET", false);
    if (end == NET_DONE)
        end = receive(redis, REDIS_KIND_LIST, false, &reply, &view);
    if (end != NET_DONE)
        return end;
    if (view.bytes != redis->kv->count)
        end = net_fail(&redis->task, "Redis answers something else");
    for (size_t i = 0; i < view.bytes && end == NET_DONE; i++) {
        struct redis_view item = redis_api()->view(redis_api()->item(reply, i));
        if (!put_cell(&redis->kv->cells, SQLITE_KIND_BLOB, &item))
            end = no_room(redis);
    }
    redis_api()->reply_free(reply);
    return end;
}

/* The answer, of which nothing but its kind matters. */
static enum net_end finish(struct kv_redis *redis, enum net_end end, enum redis_kind kind)
{
    struct redis_reply *reply;
    struct redis_view view;
    if (end == NET_DONE)
        end = receive(redis, kind, false, &reply, &view);
    if (end != NET_DONE)
        return end;
    redis->kv->number = view.integer;
    redis->kv->is_done = view.integer != 0;
    redis_api()->reply_free(reply);
    return NET_DONE;
}

static enum net_end increment(struct kv_redis *redis)
{
    char delta[24];
    int bytes = snprintf(delta, sizeof(delta), "%lld", (long long)redis->kv->delta);
    return finish(redis,
                  send_pair(redis, "INCRBY", &redis->kv->pairs[0], delta, (size_t)bytes),
                  REDIS_KIND_INTEGER);
}

/* ---- Compare and swap -------------------------------------------------------------------- */

static bool is_as_before(const struct kv_job *kv)
{
    struct service_cell cell = {.kind = SQLITE_KIND_NULL};
    const uint8_t *data = NULL;
    struct service_reader reader = service_reader_of(&kv->cells);
    bool has = service_next(&reader, &cell, &data) && cell.kind != SQLITE_KIND_NULL;
    return has == kv->has_old &&
           (!has || (cell.bytes == kv->old_bytes &&
                     (cell.bytes == 0 || memcmp(data, kv->old, cell.bytes) == 0)));
}

/* Of a transaction: OK, QUEUED, and a list, or nil where somebody else was faster. */
static enum net_end commit(struct kv_redis *redis)
{
    const struct kv_pair *pair = &redis->kv->pairs[0];
    struct redis_reply *reply;
    struct redis_view view;
    enum net_end end = send_words(redis, 1, (const char *const[]){"MULTI"}, (const size_t[]){5});
    if (end == NET_DONE)
        end = send_pair(redis, "SET", pair, pair->value, pair->bytes);
    if (end == NET_DONE)
        end = send_words(redis, 1, (const char *const[]){"EXEC"}, (const size_t[]){4});
    end = finish(redis, end, REDIS_KIND_STATUS);
    end = finish(redis, end, REDIS_KIND_STATUS);
    if (end == NET_DONE)
        end = receive(redis, REDIS_KIND_LIST, true, &reply, &view);
    if (end != NET_DONE)
        return end;
    redis->kv->is_done = view.kind == REDIS_KIND_LIST;
    redis_api()->reply_free(reply);
    return NET_DONE;
}

static enum net_end swap(struct kv_redis *redis)
{
    struct kv_job *kv = redis->kv;
    enum net_end end =
        finish(redis, send_pair(redis, "WATCH", &kv->pairs[0], NULL, 0), REDIS_KIND_STATUS);
    if (end == NET_DONE)
        end = get_one(redis);
    if (end != NET_DONE)
        return end;
    if (!is_as_before(kv)) {
        end = finish(redis,
                     send_words(redis, 1, (const char *const[]){"UNWATCH"}, (const size_t[]){7}),
                     REDIS_KIND_STATUS);
        kv->is_done = false;
        return end;
    }
    end = commit(redis);
    if (end != NET_DONE || kv->is_done)
        return end;
    buf_clear(&kv->cells);
    end = get_one(redis);
    kv->is_done = false;
    return end;
}

/* ---- Keys -------------------------------------------------------------------------------- */

/* Some of the keys from the cursor on, which becomes the next one; "0" begins and ends. */
static enum net_end scan(struct kv_redis *redis, struct buf *cursor)
{
    struct buf *cells = &redis->kv->cells;
    const struct redis_api *api = redis_api();
    struct redis_reply *reply;
    struct redis_view view;
    const char *words[] = {"SCAN", (const char *)cursor->data, "COUNT", SCAN_COUNT};
    const size_t bytes[] = {4, cursor->bytes, 5, sizeof(SCAN_COUNT) - 1};
    enum net_end end = send_words(redis, 4, words, bytes);
    if (end == NET_DONE)
        end = receive(redis, REDIS_KIND_LIST, false, &reply, &view);
    if (end != NET_DONE)
        return end;
    const struct redis_reply *list = view.bytes == 2 ? api->item(reply, 1) : NULL;
    struct redis_view keys = api->view(list);
    buf_clear(cursor);
    if (list != NULL && keys.kind == REDIS_KIND_LIST) {
        struct redis_view next = api->view(api->item(reply, 0));
        if (next.kind != REDIS_KIND_BYTES || !buf_append(cursor, next.text, next.bytes))
            end = net_fail(&redis->task, "Redis answers something else");
    } else {
        end = net_fail(&redis->task, "Redis answers something else");
    }
    for (size_t i = 0; end == NET_DONE && i < keys.bytes; i++) {
        struct redis_view key = api->view(api->item(list, i));
        if (!service_put_cell(cells, (struct service_cell){SERVICE_ROW, 0, 1}, NULL) ||
            !put_cell(cells, SQLITE_KIND_TEXT, &key))
            end = no_room(redis);
    }
    api->reply_free(reply);
    return end;
}

static bool is_end(const struct buf *cursor)
{
    return cursor->bytes == 1 && cursor->data[0] == '0';
}

struct key {
    const uint8_t *data;
    uint32_t bytes;
};

static int compare_keys(const void *a, const void *b)
{
    const struct key *left = a, *right = b;
    uint32_t bytes = left->bytes < right->bytes ? left->bytes : right->bytes;
    int order = bytes > 0 ? memcmp(left->data, right->data, bytes) : 0;
    return order != 0 ? order : (left->bytes > right->bytes) - (left->bytes < right->bytes);
}

/* A scan may give a key twice. In order, each once. */
static bool sort_keys(struct buf *cells)
{
    struct service_reader reader = service_reader_of(cells);
    struct service_cell cell;
    const uint8_t *data;
    struct buf sorted;
    size_t count = 0, at = 0;
    while (service_next(&reader, &cell, &data))
        count += cell.kind == SERVICE_ROW;
    struct key *keys = alloc_get_zeroed(&alloc_root, count + 1, sizeof(*keys));
    if (keys == NULL)
        return false;
    reader = service_reader_of(cells);
    while (service_next(&reader, &cell, &data)) {
        if (cell.kind != SERVICE_ROW)
            keys[at++] = (struct key){data, cell.bytes};
    }
    qsort(keys, at, sizeof(*keys), compare_keys);
    buf_init(&sorted, cells->alloc, cells->limit_bytes);
    bool fits = true;
    for (size_t i = 0; i < at && fits; i++) {
        if (i > 0 && compare_keys(&keys[i - 1], &keys[i]) == 0)
            continue;
        fits = service_put_cell(&sorted, (struct service_cell){SERVICE_ROW, 0, 1}, NULL) &&
               service_put_cell(&sorted, (struct service_cell){SQLITE_KIND_TEXT, keys[i].bytes, 0},
                                keys[i].data);
    }
    alloc_put(&alloc_root, keys, (count + 1) * sizeof(*keys));
    buf_free(cells);
    *cells = sorted;
    return fits;
}

static enum net_end get_keys(struct kv_redis *redis)
{
    struct buf *cursor = &redis->kv->cursor;
    enum net_end end = NET_DONE;
    buf_clear(cursor);
    (void)buf_append_byte(cursor, '0');
    do {
        end = scan(redis, cursor);
    } while (end == NET_DONE && !is_end(cursor));
    buf_clear(cursor);
    if (end == NET_DONE && !sort_keys(&redis->kv->cells))
        end = no_room(redis);
    return end;
}

/* A page ends where a scan does; the cursor is that of Redis. */
static enum net_end get_page(struct kv_redis *redis)
{
    struct kv_job *kv = redis->kv;
    const struct wasm_name *from = &kv->pairs[0].key;
    enum net_end end = NET_DONE;
    bool is_first = kv->op == KV_FIRST_PAGE;
    for (uint32_t i = 0; i < from->bytes && !is_first; i++) {
        if (from->text[i] < '0' || from->text[i] > '9')
            return net_fail(&redis->task, "this is no cursor of the store");
    }
    buf_clear(&kv->cursor);
    if (!is_first)
        (void)buf_append(&kv->cursor, from->text, from->bytes);
    if (kv->cursor.bytes == 0)
        (void)buf_append_byte(&kv->cursor, '0');
    do {
        end = scan(redis, &kv->cursor);
    } while (end == NET_DONE && kv->cells.bytes == 0 && !is_end(&kv->cursor));
    if (is_end(&kv->cursor))
        buf_clear(&kv->cursor);
    return end;
}

/* ---- Jobs -------------------------------------------------------------------------------- */

static enum net_end run(struct kv_redis *redis)
{
    struct kv_job *kv = redis->kv;
    const struct kv_pair *pair = kv->pairs; /* NULL where nothing is asked for */
    buf_clear(&kv->cells); /* of a try before */
    switch (kv->op) {
    case KV_KEYS:
        return get_keys(redis);
    case KV_FIRST_PAGE:
    case KV_PAGE:
        return get_page(redis);
    case KV_EXISTS:
        return finish(redis, send_pair(redis, "EXISTS", pair, NULL, 0), REDIS_KIND_INTEGER);
    case KV_INCREMENT:
        return increment(redis);
    case KV_SWAP:
        return swap(redis);
    case KV_GET:
        if (kv->count == 0)
            return NET_DONE; /* a link is all that is asked for */
        return kv->count == 1 ? get_one(redis) : get_all(redis);
    case KV_SET:
        if (kv->count == 0)
            return NET_DONE;
        return finish(redis, send_all(redis, "MSET", true), REDIS_KIND_STATUS);
    default:
        if (kv->count == 0)
            return NET_DONE;
        return finish(redis, send_all(redis, "DEL", false), REDIS_KIND_INTEGER);
    }
}

static bool may_repeat(const struct kv_job *kv)
{
    return kv->op != KV_INCREMENT && kv->op != KV_SWAP;
}

/* One of the store's places for links, for which others may be waited. */
static enum net_end enter(struct net_task *task, struct service_file *file)
{
    size_t ready;
    while (atomic_fetch_add(&file->redis_links, 1) >= LINKS_MAX) {
        atomic_fetch_sub(&file->redis_links, 1);
        uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
        if (now_ns >= task->until_ns)
            return net_fail(task, "all connections to the store are busy");
        if (host_wait_any(&task->wait, NULL, 0, now_ns + PAUSE_NS, &ready) != OS_OK)
            return NET_STOPPED;
    }
    return NET_DONE;
}

/* A link that waited in the pool may be broken without a sign; what may be done twice is. */
static enum net_end run_on_link(struct kv_redis *redis, const struct services_guest *guest)
{
    struct link_pool *pool = guest->services->redis;
    struct redis_url url;
    memcpy(&url, redis->kv->job.file->redis, sizeof(url));
    url.tls = url.has_tls ? service_tls_of(guest, &redis->task, &url.place) : NULL;
    if (url.has_tls && url.tls == NULL)
        return NET_FAILED;
    for (;;) {
        enum net_end end = NET_DONE;
        redis->link = redis_link_take(pool, &url, NULL);
        bool is_old = redis->link != NULL;
        if (!is_old)
            end = redis_link_open(&redis->task, &url, &redis->link);
        if (end != NET_DONE)
            return end;
        end = run(redis);
        /* What a transaction leaves behind is not known. */
        if (end == NET_DONE || (redis->is_refused && redis->kv->op != KV_SWAP)) {
            redis_link_give(pool, redis->link, NULL);
            return end;
        }
        redis_link_free(redis->link);
        if (end == NET_STOPPED || !is_old || !may_repeat(redis->kv))
            return end;
    }
}

enum stint_status kv_redis_do(struct host_component_call *call, struct kv_job *kv)
{
    struct service_job *job = &kv->job;
    struct kv_redis redis = {.kv = kv, .task = {.wait = p2_wait(call), .scheme = "redis"}};
    job->services = service_of(call)->services;
    job->end = SQLITE_END_FAILED;
    redis.task.until_ns = clock_now_ns(OS_CLOCK_MONOTONIC) + TIMEOUT_NS;
    if (job->file->refusal != NULL) {
        (void)snprintf(job->message, sizeof(job->message), "%s", job->file->refusal);
        return STINT_OK;
    }
    enum net_end end = enter(&redis.task, job->file);
    if (end == NET_DONE) {
        end = run_on_link(&redis, service_of(call));
        atomic_fetch_sub(&job->file->redis_links, 1);
    }
    if (end == NET_STOPPED)
        return p2_stopped(call);
    if (end == NET_DONE)
        job->end = SQLITE_END_DONE;
    else
        (void)snprintf(job->message, sizeof(job->message), "%s", redis.task.message);
    return STINT_OK;
}
