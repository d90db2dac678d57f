/* SPDX-License-Identifier: Apache-2.0 */
/* A guest for the tests of Redis and MQTT: "/OPERATION/ARGUMENT" over HTTP, whose headers "address" and
 * "second" say where and what else, and messages of a channel. */
#include "say.h"

#define REDIS "fermyon:spin/redis@2.0.0"
#define REDIS1 "fermyon:spin/redis"
#define MQTT "fermyon:spin/mqtt@2.0.0"
#define TEXT const char *text, size_t bytes
#define MORE const void *data, size_t data_bytes
#define ADDRESS const char *address, size_t address_bytes

GUEST_IMPORT(REDIS, "[static]connection.open") void redis_open(TEXT, uint32_t *r);
GUEST_IMPORT(REDIS, "[method]connection.publish") void redis_publish(uint32_t c, TEXT, MORE, uint32_t *r);
GUEST_IMPORT(REDIS, "[method]connection.get") void redis_get(uint32_t c, TEXT, uint32_t *r);
GUEST_IMPORT(REDIS, "[method]connection.set") void redis_set(uint32_t c, TEXT, MORE, uint32_t *r);
GUEST_IMPORT(REDIS, "[method]connection.incr") void redis_incr(uint32_t c, TEXT, uint64_t *r);
GUEST_IMPORT(REDIS, "[method]connection.del") void redis_del(uint32_t c, MORE, uint32_t *r);
GUEST_IMPORT(REDIS, "[method]connection.sadd") void redis_sadd(uint32_t c, TEXT, MORE, uint32_t *r);
GUEST_IMPORT(REDIS, "[method]connection.smembers") void redis_smembers(uint32_t c, TEXT, uint32_t *r);
GUEST_IMPORT(REDIS, "[method]connection.srem") void redis_srem(uint32_t c, TEXT, MORE, uint32_t *r);
GUEST_IMPORT(REDIS, "[method]connection.execute") void redis_execute(uint32_t c, TEXT, MORE, uint32_t *r);
GUEST_IMPORT(REDIS, "[resource-drop]connection") void redis_drop(uint32_t c);

GUEST_IMPORT(REDIS1, "publish") void redis1_publish(ADDRESS, TEXT, MORE, uint8_t *r);
GUEST_IMPORT(REDIS1, "get") void redis1_get(ADDRESS, TEXT, uint32_t *r);
GUEST_IMPORT(REDIS1, "set") void redis1_set(ADDRESS, TEXT, MORE, uint8_t *r);
GUEST_IMPORT(REDIS1, "incr") void redis1_incr(ADDRESS, TEXT, uint64_t *r);
GUEST_IMPORT(REDIS1, "del") void redis1_del(ADDRESS, MORE, uint64_t *r);
GUEST_IMPORT(REDIS1, "sadd") void redis1_sadd(ADDRESS, TEXT, MORE, uint64_t *r);
GUEST_IMPORT(REDIS1, "smembers") void redis1_smembers(ADDRESS, TEXT, uint32_t *r);
GUEST_IMPORT(REDIS1, "srem") void redis1_srem(ADDRESS, TEXT, MORE, uint64_t *r);
GUEST_IMPORT(REDIS1, "execute") void redis1_execute(ADDRESS, TEXT, MORE, uint32_t *r);

GUEST_IMPORT(MQTT, "[static]connection.open")
void mqtt_open(TEXT, const char *user, size_t user_bytes, MORE, uint64_t keep_alive_s, uint32_t *r);
GUEST_IMPORT(MQTT, "[method]connection.publish")
void mqtt_publish(uint32_t c, TEXT, MORE, uint32_t qos, uint32_t *r);
GUEST_IMPORT(MQTT, "[resource-drop]connection") void mqtt_drop(uint32_t c);

/* An error: its case, and its text if it has one. */
static bool failed_at(const uint32_t *r, int payload)
{
    if ((r[0] & 0xff) == 0)
        return false;
    say(GUEST_TEXT("error "));
    say_number(r[payload] & 0xff);
    if ((r[payload] & 0xff) >= 2 && r[payload + 2] > 0) {
        say(GUEST_TEXT(": "));
        say_at(r[payload + 1], r[payload + 2]);
    }
    return true;
}

static bool failed(const uint32_t *r)
{
    return failed_at(r, 1);
}

static bool is(struct guest_text op, const char *name)
{
    return guest_text_equal(op, (struct guest_text){name, __builtin_strlen(name)});
}

/* ---- Redis ------------------------------------------------------------------------------- */

static void say_values(const uint32_t *r)
{
    for (uint32_t i = 0; i < r[2]; i++) {
        const uint32_t *item = (const uint32_t *)(uintptr_t)(r[1] + i * 16);
        switch (item[0] & 0xff) {
        case 0:
            say(GUEST_TEXT("nil"));
            break;
        case 2:
            say_number(*(const int64_t *)(item + 2));
            break;
        default:
            say((item[0] & 0xff) == 1 ? GUEST_TEXT("+") : GUEST_TEXT("$"));
            say_at(item[2], item[3]);
        }
        say(GUEST_TEXT("\n"));
    }
}

/* The body's lines as texts (pointer, length), or as parameters: lines of "#42" are numbers. */
static uint32_t lines[16384];

static uint32_t split(bool is_parameters)
{
    uint32_t count = 0, each = is_parameters ? 4 : 2;
    for (size_t at = 0, end; at < value_bytes && count < 4096; at = end + 1) {
        uint32_t *line = lines + count++ * each;
        for (end = at; end < value_bytes && value[end] != '\n'; end++) {
        }
        uint32_t *pair = is_parameters ? line + 2 : line;
        if (is_parameters)
            line[0] = 1;
        pair[0] = (uint32_t)(uintptr_t)(value + at);
        pair[1] = (uint32_t)(end - at);
        if (is_parameters && value[at] == '#') {
            int64_t number = 0;
            bool is_negative = value[at + 1] == '-';
            for (size_t i = at + 1 + is_negative; i < end; i++)
                number = number * 10 + (value[i] - '0');
            line[0] = 0;
            *(int64_t *)pair = is_negative ? -number : number;
        }
    }
    return count;
}

static void say_texts(const uint32_t *r)
{
    for (uint32_t i = 0; i < r[2]; i++) {
        const uint32_t *item = (const uint32_t *)(uintptr_t)(r[1] + i * 8);
        say_at(item[0], item[1]);
        say(GUEST_TEXT(" "));
    }
}

/* One operation on a connection; `key` is a command for "execute". */
static void operate(uint32_t c, struct guest_text op, struct guest_text key)
{
    uint32_t r[6] = {0};
    uint64_t number[3] = {0};
    if (is(op, "get")) {
        redis_get(c, key.text, key.bytes, r);
        if (!failed(r)) {
            if ((r[1] & 0xff) == 0)
                say(GUEST_TEXT("(none)"));
            else
                say_at(r[2], r[3]);
        }
    } else if (is(op, "set") || is(op, "publish")) {
        if (is(op, "set"))
            redis_set(c, key.text, key.bytes, value, value_bytes, r);
        else
            redis_publish(c, key.text, key.bytes, value, value_bytes, r);
        if (!failed(r))
            say(GUEST_TEXT("done"));
    } else if (is(op, "incr")) {
        redis_incr(c, key.text, key.bytes, number);
        if (!failed_at((const uint32_t *)number, 2))
            say_number((int64_t)number[1]);
    } else if (is(op, "del") || is(op, "sadd") || is(op, "srem")) {
        uint32_t count = split(false);
        if (is(op, "del"))
            redis_del(c, lines, count, r);
        else if (is(op, "sadd"))
            redis_sadd(c, key.text, key.bytes, lines, count, r);
        else
            redis_srem(c, key.text, key.bytes, lines, count, r);
        if (!failed(r))
            say_number(r[1]);
    } else if (is(op, "smembers")) {
        redis_smembers(c, key.text, key.bytes, r);
        if (!failed(r))
            say_texts(r);
    } else if (is(op, "execute")) {
        redis_execute(c, key.text, key.bytes, lines, split(true), r);
        if (!failed(r))
            say_values(r);
    } else {
        for (int i = 0; i < 200 && !failed(r); i++)
            redis_get(c, key.text, key.bytes, r);
    }
}

static void say_small(const uint8_t *r)
{
    if (r[0] == 0) {
        say(GUEST_TEXT("done"));
        return;
    }
    say(GUEST_TEXT("error "));
    say_number(r[1]);
}

static void say_number_1(const uint64_t *r)
{
    if ((r[0] & 0xff) == 0) {
        say_number((int64_t)r[1]);
        return;
    }
    say(GUEST_TEXT("error "));
    say_number((int64_t)(r[1] & 0xff));
}

static void first_version(struct guest_text at, struct guest_text op, struct guest_text key)
{
    uint32_t r[4] = {0};
    uint64_t number[2] = {0};
    if (is(op, "get1")) {
        redis1_get(at.text, at.bytes, key.text, key.bytes, r);
        if (!failed(r))
            say_at(r[1], r[2]);
    } else if (is(op, "set1")) {
        redis1_set(at.text, at.bytes, key.text, key.bytes, value, value_bytes, (uint8_t *)r);
        say_small((const uint8_t *)r);
    } else if (is(op, "publish1")) {
        redis1_publish(at.text, at.bytes, key.text, key.bytes, value, value_bytes, (uint8_t *)r);
        say_small((const uint8_t *)r);
    } else if (is(op, "incr1")) {
        redis1_incr(at.text, at.bytes, key.text, key.bytes, number);
        say_number_1(number);
    } else if (is(op, "del1")) {
        redis1_del(at.text, at.bytes, lines, split(false), number);
        say_number_1(number);
    } else if (is(op, "sadd1")) {
        redis1_sadd(at.text, at.bytes, key.text, key.bytes, lines, split(false), number);
        say_number_1(number);
    } else if (is(op, "srem1")) {
        redis1_srem(at.text, at.bytes, key.text, key.bytes, lines, split(false), number);
        say_number_1(number);
    } else if (is(op, "smembers1")) {
        redis1_smembers(at.text, at.bytes, key.text, key.bytes, r);
        if (!failed(r))
            say_texts(r);
    } else {
        redis1_execute(at.text, at.bytes, key.text, key.bytes, lines, split(true), r);
        if (!failed(r))
            say_values(r);
    }
}

static void redis(struct guest_text at, struct guest_text op, struct guest_text key,
                  struct guest_text second)
{
    uint32_t r[4] = {0};
    if (is(op, "fill")) {
        int64_t count = 0;
        for (redis_open(at.text, at.bytes, r); r[0] == 0; redis_open(at.text, at.bytes, r))
            count++;
        say_number(count);
        say(GUEST_TEXT(" "));
        (void)failed(r);
        return;
    }
    redis_open(at.text, at.bytes, r);
    if (failed(r))
        return;
    uint32_t connection = r[1];
    operate(connection, op, key);
    if (second.text != NULL) {
        say(GUEST_TEXT(", "));
        operate(connection, second, key);
    }
    redis_drop(connection);
}

/* ---- MQTT -------------------------------------------------------------------------------- */

/* The headers "user", "password" and "keep-alive-s", a digit. */
static void mqtt(struct http_request *request, struct guest_text at, struct guest_text op,
                 struct guest_text topic)
{
    struct guest_text user = http_header(request, GUEST_TEXT("user"));
    struct guest_text password = http_header(request, GUEST_TEXT("password"));
    struct guest_text keep_alive = http_header(request, GUEST_TEXT("keep-alive-s"));
    uint64_t keep_alive_s = keep_alive.bytes > 0 ? (uint64_t)(keep_alive.text[0] - '0') : 5;
    uint32_t r[4] = {0};
    mqtt_open(at.text, at.bytes, user.text, user.bytes, password.text, password.bytes, keep_alive_s, r);
    if (failed(r))
        return;
    uint32_t connection = r[1];
    uint32_t qos = (uint32_t)(op.text[op.bytes - 1] - '0');
    for (int i = 0; i < 3 && !failed(r); i++)
        mqtt_publish(connection, topic.text, topic.bytes, value, value_bytes, qos, r);
    if (r[0] == 0)
        say(GUEST_TEXT("published"));
    mqtt_drop(connection);
}

void http_handle(struct http_request *request, struct http_response *response)
{
    struct guest_text path = http_path(request), op, argument, piece;
    struct guest_text address = http_header(request, GUEST_TEXT("address"));
    struct guest_text second = http_header(request, GUEST_TEXT("second"));
    size_t slash = 1;
    while (slash < path.bytes && path.text[slash] != '/')
        slash++;
    op = (struct guest_text){path.text + 1, slash - 1};
    argument = (struct guest_text){path.text + slash + 1,
                                   slash < path.bytes ? path.bytes - slash - 1 : 0};
    while (value_bytes < sizeof(value) &&
           (piece = http_read(request, sizeof(value) - value_bytes)).bytes > 0) {
        __builtin_memcpy(value + value_bytes, piece.text, piece.bytes);
        value_bytes += piece.bytes;
    }
    out = response;
    http_start(response, 200);
    if (op.bytes > 4 && is((struct guest_text){op.text, 4}, "mqtt"))
        mqtt(request, address, op, argument);
    else if (op.text[op.bytes - 1] == '1')
        first_version(address, op, argument);
    else
        redis(address, op, argument, second);
}

/* ---- Messages ---------------------------------------------------------------------------- */

/*
 * "trap", "spin" and "fail" do so; others are kept under the key "message" of the server whose URL stands
 * before the first newline.
 */
__attribute__((export_name("fermyon:spin/inbound-redis#handle-message")))
uint8_t *handle_message(char *data, size_t bytes);

uint8_t *handle_message(char *data, size_t bytes)
{
    static uint8_t result[2];
    struct guest_text message = {data, bytes};
    uint8_t r[2] = {0};
    size_t end = 0;
    if (is(message, "trap"))
        __builtin_trap();
    while (is(message, "spin"))
        __asm__ volatile("");
    if (is(message, "fail")) {
        result[0] = result[1] = 1;
        return result;
    }
    while (end < bytes && data[end] != '\n')
        end++;
    if (end == bytes)
        return result;
    redis1_set(data, end, "message", 7, data + end + 1, bytes - end - 1, r);
    result[0] = r[0];
    result[1] = r[0];
    return result;
}
