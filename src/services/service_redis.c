/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis for guests: fermyon:spin/redis@2.0.0, whose connections are handles, and the same before it had
 * versions, whose functions begin with an address. Connections that are as they were when they were
 * opened go on to the next guest of the component.
 */
#include <stdio.h>
#include <string.h>

#include "services/services_int.h"

enum { ERROR_ADDRESS, ERROR_FULL, ERROR_TYPE, ERROR_OTHER };
enum { ERROR_OF_1 = 1, PARAMETER_BYTES = 16, VALUE_BYTES = 16, DEPTH_MAX = 8 };

/* What a command's reply becomes. */
enum answer { ANSWER_NOTHING, ANSWER_OPTION, ANSWER_S64, ANSWER_U32, ANSWER_TEXTS, ANSWER_VALUES };

/* A function on its way. */
struct ask {
    struct host_component_call *call;
    bool is_first; /* the interface without a version */
    enum answer answer;
    uint64_t pointer; /* of the result */
    const uint64_t *slots; /* after the connection or address */
    struct service_object *object; /* the connection; of the first version, one for this call */
    struct arena arena;
    const char **words;
    size_t *bytes;
    size_t count;
    bool changes; /* the connection: nobody else gets it afterwards */
};

/* ---- Errors ------------------------------------------------------------------------------ */

/* Where the payload of the result is, which is as aligned as its largest case. */
static uint32_t payload_at(const struct ask *ask)
{
    return ask->answer == ANSWER_S64 || (ask->is_first && ask->answer == ANSWER_U32) ? 8 : 4;
}

static enum stint_status fail(struct ask *ask, uint8_t number, const char *text)
{
    uint32_t at = payload_at(ask);
    uint8_t *result;
    if (!ask->is_first)
        return service_error_at(ask->call, ask->pointer, at == 8 ? 24 : 16, at, number,
                                number == ERROR_OTHER ? text : NULL);
    /* An enum, without words: `result<_, error>` is two bytes. */
    bool is_small = ask->answer == ANSWER_NOTHING;
    enum stint_status status = p2_result(ask->call, ask->pointer, is_small ? 2 : at == 8 ? 16 : 12,
                                         is_small ? 1 : at, &result);
    if (status != STINT_OK)
        return status;
    result[0] = 1;
    result[is_small ? 1 : at] = ERROR_OF_1;
    return STINT_OK;
}

/* ---- Connections ------------------------------------------------------------------------- */

void service_redis_end(struct services_guest *guest, struct service_object *object)
{
    if (object->url == NULL)
        return;
    if (object->redis != NULL && !object->is_changed)
        redis_link_give(guest->services->redis, object->redis, guest->component);
    else
        redis_link_free(object->redis);
    alloc_put(guest->alloc, object->url, sizeof(*object->url));
    object->url = NULL;
    object->redis = NULL;
    guest->links--;
}

/* A link for the object; NET_FAILED with its message. */
static enum net_end connect(struct net_task *task, struct services_guest *guest,
                            struct service_object *object)
{
    if (object->redis == NULL) {
        object->is_changed = false;
        object->redis = redis_link_take(guest->services->redis, object->url, guest->component);
    }
    return object->redis != NULL ? NET_DONE : redis_link_open(task, object->url, &object->redis);
}

static const char *scheme_of(const struct redis_url *url)
{
    return url->has_tls ? "rediss" : "redis";
}

/* The object for an address, or an error that has been said: then it is NULL. */
static enum stint_status open_address(struct ask *ask, uint64_t pointer, uint64_t bytes,
                                      struct service_object **ret_object)
{
    struct services_guest *guest = service_of(ask->call);
    struct wasm_name address;
    struct redis_url url;
    *ret_object = NULL;
    enum stint_status status = host_get_string(ask->call, &ask->arena, p2_u32(pointer),
                                               p2_u32(bytes), &address);
    if (status != STINT_OK)
        return status;
    if (memchr(address.text, '\0', address.bytes) != NULL ||
        redis_url_parse(address.text, &url) != NULL)
        return fail(ask, ERROR_ADDRESS, NULL);
    bool may_reach = service_may_reach(guest, scheme_of(&url), &url.place);
    if (!may_reach || !service_may_connect(guest)) {
        service_called(guest, SERVICES_REDIS, NULL, NET_FAILED, false);
        return fail(ask, may_reach ? ERROR_FULL : ERROR_ADDRESS, NULL);
    }
    struct net_task task = service_task(ask->call, scheme_of(&url));
    url.tls = url.has_tls ? service_tls_of(guest, &task, &url.place) : NULL;
    if (url.has_tls && url.tls == NULL) {
        service_called(guest, SERVICES_REDIS, &task, NET_FAILED, false);
        return fail(ask, ERROR_OTHER, task.message);
    }
    struct service_object *object = service_new(guest, SERVICE_REDIS);
    if (object == NULL)
        return fail(ask, ERROR_FULL, NULL);
    object->url = alloc_get(guest->alloc, sizeof(url));
    if (object->url == NULL) {
        service_end(guest, object);
        return p2_no_memory(ask->call);
    }
    memcpy(object->url, &url, sizeof(url));
    guest->links++;
    enum net_end end = connect(&task, guest, object);
    if (end == NET_DONE) {
        *ret_object = object;
        return STINT_OK;
    }
    service_called(guest, SERVICES_REDIS, &task, end, false);
    service_end(guest, object);
    return end == NET_STOPPED ? p2_stopped(ask->call) : fail(ask, ERROR_OTHER, task.message);
}

enum stint_status service_redis_open(struct host_component_call *call, uint64_t *slots)
{
    struct ask ask = {.call = call, .pointer = slots[2]};
    struct service_object *object;
    uint32_t handle;
    arena_init(&ask.arena, &alloc_root);
    enum stint_status status = open_address(&ask, slots[0], slots[1], &object);
    if (status == STINT_OK && object != NULL) {
        status = service_give(call, object, &handle);
        if (status == STINT_OK)
            status = service_ok(call, ask.pointer, SERVICE_RESULT, &handle, 1);
    }
    arena_free(&ask.arena);
    return status;
}

/* ---- Commands ---------------------------------------------------------------------------- */

static bool reserve(struct ask *ask, size_t count)
{
    ask->words = arena_get_zeroed(&ask->arena, count, sizeof(*ask->words));
    ask->bytes = arena_get_zeroed(&ask->arena, count, sizeof(*ask->bytes));
    return ask->words != NULL && ask->bytes != NULL;
}

static void add(struct ask *ask, const char *word, size_t bytes)
{
    ask->words[ask->count] = word;
    ask->bytes[ask->count++] = bytes;
}

/* The text in two slots. */
static enum stint_status add_text(struct ask *ask, const uint64_t *slots)
{
    struct wasm_name text;
    enum stint_status status =
        host_get_string(ask->call, &ask->arena, p2_u32(slots[0]), p2_u32(slots[1]), &text);
    if (status == STINT_OK)
        add(ask, text.text, text.bytes);
    return status;
}

static enum stint_status add_blob(struct ask *ask, uint32_t pointer, uint32_t bytes)
{
    /* The guest waits meanwhile, so its memory stays as it is. */
    const uint8_t *data = host_at(ask->call, pointer, bytes, 1);
    if (data == NULL)
        return STINT_TRAP;
    add(ask, (const char *)data, bytes);
    return STINT_OK;
}

static enum stint_status add_texts(struct ask *ask, uint32_t pointer, uint32_t count)
{
    const uint8_t *at = host_at(ask->call, pointer, (uint64_t)count * 8, 4);
    enum stint_status status = at != NULL ? STINT_OK : STINT_TRAP;
    for (uint32_t i = 0; i < count && status == STINT_OK; i++, at += 8)
        status = add_text(ask, (const uint64_t[]){bytes_get32(at), bytes_get32(at + 4)});
    return status;
}

/* redis-parameter: int64 and binary. */
static enum stint_status add_parameters(struct ask *ask, uint32_t pointer, uint32_t count)
{
    const uint8_t *at = host_at(ask->call, pointer, (uint64_t)count * PARAMETER_BYTES, 8);
    enum stint_status status = at != NULL ? STINT_OK : STINT_TRAP;
    for (uint32_t i = 0; i < count && status == STINT_OK; i++, at += PARAMETER_BYTES) {
        if (at[0] > 1)
            return p2_trap(ask->call, "invalid variant discriminant");
        if (at[0] == 1) {
            status = add_blob(ask, bytes_get32(at + 8), bytes_get32(at + 12));
            continue;
        }
        char *text = arena_get(&ask->arena, 24);
        if (text == NULL)
            return p2_no_memory(ask->call);
        add(ask, text, (size_t)snprintf(text, 24, "%lld", (long long)bytes_get64(at + 8)));
    }
    return status;
}

/* ---- Replies ----------------------------------------------------------------------------- */

static size_t count_values(const struct redis_reply *reply, int depth)
{
    const struct redis_api *api = redis_api();
    struct redis_view view = api->view(reply);
    size_t count = 0;
    if (view.kind != REDIS_KIND_LIST)
        return 1;
    for (size_t i = 0; i < view.bytes && depth < DEPTH_MAX; i++)
        count += count_values(api->item(reply, i), depth + 1);
    return count;
}

/* Lists in lists are one after the other: the guest's list is flat. */
static enum stint_status put_values(struct ask *ask, const struct redis_reply *reply, int depth,
                                    uint32_t list, uint32_t *at)
{
    enum { VALUE_NIL, VALUE_STATUS, VALUE_INT64, VALUE_BINARY };
    struct redis_view view = redis_api()->view(reply);
    enum stint_status status = STINT_OK;
    uint32_t words[4] = {VALUE_NIL, 0, 0, 0};
    switch (view.kind) {
    case REDIS_KIND_LIST:
        for (size_t i = 0; i < view.bytes && depth < DEPTH_MAX && status == STINT_OK; i++)
            status = put_values(ask, redis_api()->item(reply, i), depth + 1, list, at);
        return status;
    case REDIS_KIND_INTEGER:
        words[0] = VALUE_INT64;
        words[2] = (uint32_t)(uint64_t)view.integer;
        words[3] = (uint32_t)((uint64_t)view.integer >> 32);
        break;
    case REDIS_KIND_BYTES:
        words[0] = VALUE_BINARY;
        status = service_blob(ask->call, view.text, view.bytes, words + 2);
        break;
    case REDIS_KIND_STATUS:
    case REDIS_KIND_ERROR: /* within a list, as of EXEC */
        words[0] = VALUE_STATUS;
        status = service_text(ask->call, view.text, view.bytes, words + 2);
        break;
    default:
        break;
    }
    if (status == STINT_OK)
        status = service_words(ask->call, list + (*at)++ * VALUE_BYTES, words, 4);
    return status;
}

static enum stint_status put_texts(struct ask *ask, const struct redis_reply *reply, size_t count,
                                   uint32_t list)
{
    enum stint_status status = STINT_OK;
    for (size_t i = 0; i < count && status == STINT_OK; i++) {
        struct redis_view item = redis_api()->view(redis_api()->item(reply, i));
        uint32_t words[2];
        status = service_text(ask->call, item.text, item.text != NULL ? item.bytes : 0, words);
        if (status == STINT_OK)
            status = service_words(ask->call, list + (uint32_t)i * 8, words, 2);
    }
    return status;
}

static enum stint_status put_list(struct ask *ask, const struct redis_reply *reply,
                                  const struct redis_view *view)
{
    bool is_texts = ask->answer == ANSWER_TEXTS;
    size_t count = is_texts ? view->bytes : count_values(reply, 0);
    uint32_t words[2] = {0, (uint32_t)count}, at = 0;
    if (is_texts && view->kind != REDIS_KIND_LIST)
        return fail(ask, ERROR_TYPE, NULL);
    if (count > REDIS_ITEMS_MAX)
        return fail(ask, ERROR_OTHER, "the result is too large");
    enum stint_status status = host_realloc(
        ask->call, (uint32_t)count * (is_texts ? 8 : VALUE_BYTES), is_texts ? 4 : 8, &words[0]);
    if (status == STINT_OK)
        status = is_texts ? put_texts(ask, reply, count, words[0])
                          : put_values(ask, reply, 0, words[0], &at);
    return status == STINT_OK
               ? service_ok(ask->call, ask->pointer, ask->is_first ? 12 : 16, words, 2)
               : status;
}

static enum stint_status put_number(struct ask *ask, int64_t number)
{
    uint32_t words[3] = {(uint32_t)(uint64_t)number, (uint32_t)((uint64_t)number >> 32), 0};
    if (payload_at(ask) == 4)
        return service_ok(ask->call, ask->pointer, 16, words, 1);
    /* At 8: result<s64, error> */
    words[2] = words[1];
    words[1] = words[0];
    words[0] = 0;
    return service_ok(ask->call, ask->pointer, ask->is_first ? 16 : 24, words, 3);
}

/* option<payload>; without the option, nothing is empty. */
static enum stint_status put_payload(struct ask *ask, const struct redis_view *view)
{
    uint32_t words[3] = {view->kind != REDIS_KIND_NIL, 0, 0};
    enum stint_status status = STINT_OK;
    if (words[0] != 0 || ask->is_first)
        status = service_blob(ask->call, view->text, view->text != NULL ? view->bytes : 0, words + 1);
    if (status != STINT_OK)
        return status;
    return ask->is_first ? service_ok(ask->call, ask->pointer, 12, words + 1, 2)
                         : service_ok(ask->call, ask->pointer, 16, words, 3);
}

static bool begins(const struct redis_view *view, const char *text)
{
    return view->bytes >= strlen(text) && memcmp(view->text, text, strlen(text)) == 0;
}

static enum stint_status put_refused(struct ask *ask, const struct redis_view *view)
{
    char text[NET_MESSAGE_BYTES];
    bool is_type = begins(view, "WRONGTYPE") || begins(view, "ERR value is not an integer");
    snprintf(text, sizeof(text), "%.*s", (int)(view->bytes < 180 ? view->bytes : 180), view->text);
    return fail(ask, is_type && ask->answer != ANSWER_VALUES ? ERROR_TYPE : ERROR_OTHER, text);
}

static enum stint_status put_reply(struct ask *ask, const struct redis_reply *reply)
{
    struct redis_view view = redis_api()->view(reply);
    uint8_t *ignored;
    if (view.kind == REDIS_KIND_ERROR)
        return put_refused(ask, &view);
    switch (ask->answer) {
    case ANSWER_NOTHING:
        return ask->is_first ? p2_result(ask->call, ask->pointer, 2, 1, &ignored)
                             : service_ok(ask->call, ask->pointer, SERVICE_RESULT, NULL, 0);
    case ANSWER_OPTION:
        return view.kind == REDIS_KIND_BYTES || view.kind == REDIS_KIND_NIL
                   ? put_payload(ask, &view)
                   : fail(ask, ERROR_TYPE, NULL);
    case ANSWER_S64:
    case ANSWER_U32:
        return view.kind == REDIS_KIND_INTEGER ? put_number(ask, view.integer)
                                               : fail(ask, ERROR_TYPE, NULL);
    default:
        return put_list(ask, reply, &view);
    }
}

/* ---- Asking ------------------------------------------------------------------------------ */

static enum stint_status run(struct ask *ask)
{
    struct services_guest *guest = service_of(ask->call);
    struct net_task task = service_task(ask->call, scheme_of(ask->object->url));
    const struct redis_command command = {ask->words, ask->bytes, ask->count};
    struct redis_reply *reply;
    if (!service_may_call(guest)) {
        service_called(guest, SERVICES_REDIS, NULL, NET_FAILED, false);
        return fail(ask, ERROR_OTHER, SERVICE_CALLS_TEXT);
    }
    enum net_end end = connect(&task, guest, ask->object);
    bool is_connected = end == NET_DONE;
    if (is_connected) {
        ask->object->is_changed |= ask->changes;
        end = redis_link_ask(&task, ask->object->redis, &command, &reply);
        if (end != NET_DONE) {
            redis_link_free(ask->object->redis);
            ask->object->redis = NULL;
        }
    }
    if (end == NET_DONE && redis_api()->view(reply).kind == REDIS_KIND_ERROR)
        service_failed(guest, SERVICES_REDIS, &task);
    else
        service_called(guest, SERVICES_REDIS, &task, end, is_connected);
    if (end == NET_STOPPED)
        return p2_stopped(ask->call);
    if (end != NET_DONE)
        return fail(ask, ERROR_OTHER, task.message);
    enum stint_status status = put_reply(ask, reply);
    redis_api()->reply_free(reply);
    return status;
}

/* What is between the address and the result. */
typedef enum stint_status (*words_fn)(struct ask *ask, const char *name);

static enum stint_status ask_for(struct host_component_call *call, uint64_t *slots, bool is_first,
                                 const char *name, unsigned slot_count, enum answer answer,
                                 words_fn words)
{
    struct ask ask = {.call = call,
                      .is_first = is_first,
                      .answer = answer,
                      .slots = slots + (is_first ? 2 : 1),
                      .pointer = slots[(is_first ? 2 : 1) + slot_count]};
    enum stint_status status;
    arena_init(&ask.arena, &alloc_root);
    status = is_first ? open_address(&ask, slots[0], slots[1], &ask.object)
                      : service_get(call, slots[0], SERVICE_REDIS, &ask.object);
    /* Without an object the error has been said. */
    if (status == STINT_OK && ask.object != NULL) {
        status = words(&ask, name);
        if (is_first)
            service_end(service_of(call), ask.object);
    }
    arena_free(&ask.arena);
    return status;
}

/* NAME TEXT */
static enum stint_status one_text(struct ask *ask, const char *name)
{
    if (!reserve(ask, 2))
        return p2_no_memory(ask->call);
    add(ask, name, strlen(name));
    enum stint_status status = add_text(ask, ask->slots);
    return status == STINT_OK ? run(ask) : status;
}

/* NAME TEXT BLOB */
static enum stint_status text_and_blob(struct ask *ask, const char *name)
{
    if (!reserve(ask, 3))
        return p2_no_memory(ask->call);
    add(ask, name, strlen(name));
    enum stint_status status = add_text(ask, ask->slots);
    if (status == STINT_OK)
        status = add_blob(ask, p2_u32(ask->slots[2]), p2_u32(ask->slots[3]));
    return status == STINT_OK ? run(ask) : status;
}

static enum stint_status too_many(struct ask *ask)
{
    return fail(ask, ERROR_OTHER, "the list is too long");
}

/* NAME TEXT… ; Redis has no command without any. */
static enum stint_status only_texts(struct ask *ask, const char *name)
{
    uint32_t count = p2_u32(ask->slots[1]);
    if (count > SERVICE_LIST_MAX)
        return too_many(ask);
    if (count == 0)
        return put_number(ask, 0);
    if (!reserve(ask, count + 1))
        return p2_no_memory(ask->call);
    add(ask, name, strlen(name));
    enum stint_status status = add_texts(ask, p2_u32(ask->slots[0]), count);
    return status == STINT_OK ? run(ask) : status;
}

/* NAME TEXT TEXT… */
static enum stint_status text_and_texts(struct ask *ask, const char *name)
{
    uint32_t count = p2_u32(ask->slots[3]);
    if (count > SERVICE_LIST_MAX)
        return too_many(ask);
    if (count == 0)
        return put_number(ask, 0);
    if (!reserve(ask, count + 2))
        return p2_no_memory(ask->call);
    add(ask, name, strlen(name));
    enum stint_status status = add_text(ask, ask->slots);
    if (status == STINT_OK)
        status = add_texts(ask, p2_u32(ask->slots[2]), count);
    return status == STINT_OK ? run(ask) : status;
}

/* A word of a list of words, without regard to case. */
static bool is_word_of(const char *list, const char *word, size_t bytes)
{
    for (const char *at = list; *at != '\0'; at += strcspn(at, " "), at += *at == ' ') {
        size_t length = strcspn(at, " "), i = 0;
        while (i < bytes && length == bytes && (word[i] >= 'a' && word[i] <= 'z'
                                                    ? word[i] - 'a' + 'A'
                                                    : word[i]) == at[i])
            i++;
        if (length == bytes && i == bytes)
            return true;
    }
    return false;
}

/* Commands after which a connection speaks otherwise. */
static const char refused_words[] = "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE MONITOR SYNC PSYNC";
/* Those that leave it as it was; after others it is not given on to anybody. */
static const char plain_words[] =
    "APPEND BITCOUNT BITPOS COPY DBSIZE DECR DECRBY DEL ECHO EXISTS EXPIRE EXPIREAT EXPIRETIME "
    "GEOADD GEODIST GEOPOS GEOSEARCH GET GETDEL GETEX GETRANGE GETSET HDEL HEXISTS HGET HGETALL "
    "HINCRBY HINCRBYFLOAT HKEYS HLEN HMGET HMSET HRANDFIELD HSCAN HSET HSETNX HSTRLEN HVALS INCR "
    "INCRBY INCRBYFLOAT KEYS LINDEX LINSERT LLEN LMOVE LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM "
    "MGET MSET MSETNX PERSIST PEXPIRE PEXPIREAT PFADD PFCOUNT PFMERGE PING PSETEX PTTL PUBLISH "
    "RANDOMKEY RENAME RENAMENX RPOP RPOPLPUSH RPUSH RPUSHX SADD SCAN SCARD SDIFF SET SETBIT SETEX "
    "SETNX SETRANGE SINTER SISMEMBER SMEMBERS SMISMEMBER SMOVE SPOP SRANDMEMBER SREM SSCAN STRLEN "
    "SUNION TIME TOUCH TTL TYPE UNLINK XACK XADD XDEL XINFO XLEN XRANGE XREVRANGE XTRIM ZADD ZCARD "
    "ZCOUNT ZINCRBY ZMSCORE ZPOPMAX ZPOPMIN ZRANGE ZRANGEBYSCORE ZRANK ZREM ZREVRANGE ZREVRANK "
    "ZSCAN ZSCORE";

static enum stint_status any_command(struct ask *ask, const char *name)
{
    uint32_t count = p2_u32(ask->slots[3]);
    (void)name;
    if (count > SERVICE_LIST_MAX)
        return too_many(ask);
    if (!reserve(ask, count + 1))
        return p2_no_memory(ask->call);
    enum stint_status status = add_text(ask, ask->slots);
    if (status == STINT_OK)
        status = add_parameters(ask, p2_u32(ask->slots[2]), count);
    if (status != STINT_OK)
        return status;
    if (is_word_of(refused_words, ask->words[0], ask->bytes[0]))
        return fail(ask, ERROR_OTHER, "this command is not offered: a reply would not be its last");
    if (!is_word_of(plain_words, ask->words[0], ask->bytes[0]))
        ask->changes = true;
    return run(ask);
}

/* ---- The table --------------------------------------------------------------------------- */

/* `slots`: of the parameters after the connection or the address. */
#define COMMAND(function, name, slots_, answer, words)                                             \
    enum stint_status service_redis_##function(struct host_component_call *call, uint64_t *slots)  \
    {                                                                                              \
        return ask_for(call, slots, false, name, slots_, answer, words);                           \
    }                                                                                              \
    enum stint_status service_redis1_##function(struct host_component_call *call, uint64_t *slots) \
    {                                                                                              \
        return ask_for(call, slots, true, name, slots_, answer, words);                            \
    }

COMMAND(publish, "PUBLISH", 4, ANSWER_NOTHING, text_and_blob)
COMMAND(get, "GET", 2, ANSWER_OPTION, one_text)
COMMAND(set, "SET", 4, ANSWER_NOTHING, text_and_blob)
COMMAND(incr, "INCR", 2, ANSWER_S64, one_text)
COMMAND(del, "DEL", 2, ANSWER_U32, only_texts)
COMMAND(sadd, "SADD", 4, ANSWER_U32, text_and_texts)
COMMAND(smembers, "SMEMBERS", 2, ANSWER_TEXTS, one_text)
COMMAND(srem, "SREM", 4, ANSWER_U32, text_and_texts)
COMMAND(execute, "", 4, ANSWER_VALUES, any_command)
