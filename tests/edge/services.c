/* SPDX-License-Identifier: Apache-2.0 */
/* A handler for the tests of host services: "/OPERATION/ARGUMENT", the body is the value. */
#include "say.h"

#define KV "fermyon:spin/key-value@2.0.0"
#define KV1 "fermyon:spin/key-value"
#define STORE "wasi:keyvalue/store@0.2.0-draft2"
#define ATOMICS "wasi:keyvalue/atomics@0.2.0-draft2"
#define BATCH "wasi:keyvalue/batch@0.2.0-draft2"
#define SQLITE "fermyon:spin/sqlite@2.0.0"
#define TEXT const char *text, size_t bytes
#define BLOB const void *data, size_t data_bytes

GUEST_IMPORT("fermyon:spin/variables@2.0.0", "get") void variable(TEXT, uint32_t *r);
GUEST_IMPORT("fermyon:spin/config", "get-config") void config(TEXT, uint32_t *r);
GUEST_IMPORT("wasi:config/store@0.2.0-draft-2024-09-27", "get") void wasi_get(TEXT, uint32_t *r);
GUEST_IMPORT("wasi:config/store@0.2.0-draft-2024-09-27", "get-all") void wasi_all(uint32_t *r);

GUEST_IMPORT(KV, "[static]store.open") void kv_open(TEXT, uint32_t *r);
GUEST_IMPORT(KV, "[method]store.get") void kv_get(uint32_t self, TEXT, uint32_t *r);
GUEST_IMPORT(KV, "[method]store.set") void kv_set(uint32_t self, TEXT, BLOB, uint32_t *r);
GUEST_IMPORT(KV, "[method]store.delete") void kv_delete(uint32_t self, TEXT, uint32_t *r);
GUEST_IMPORT(KV, "[method]store.exists") void kv_exists(uint32_t self, TEXT, uint32_t *r);
GUEST_IMPORT(KV, "[method]store.get-keys") void kv_keys(uint32_t self, uint32_t *r);
GUEST_IMPORT(KV, "[resource-drop]store") void kv_drop(uint32_t self);

GUEST_IMPORT(KV1, "open") void kv1_open(TEXT, uint32_t *r);
GUEST_IMPORT(KV1, "get") void kv1_get(uint32_t self, TEXT, uint32_t *r);
GUEST_IMPORT(KV1, "close") void kv1_close(uint32_t self);

GUEST_IMPORT(STORE, "open") void bucket_open(TEXT, uint32_t *r);
GUEST_IMPORT(STORE, "[method]bucket.list-keys")
void bucket_keys(uint32_t self, uint32_t has_cursor, TEXT, uint32_t *r);
GUEST_IMPORT(ATOMICS, "increment")
void increment(uint32_t self, TEXT, int64_t delta, uint64_t *r);
GUEST_IMPORT(ATOMICS, "[static]cas.new") void cas_new(uint32_t self, TEXT, uint32_t *r);
GUEST_IMPORT(ATOMICS, "[method]cas.current") void cas_current(uint32_t self, uint32_t *r);
GUEST_IMPORT(ATOMICS, "swap") void cas_swap(uint32_t cas, BLOB, uint32_t *r);
GUEST_IMPORT(BATCH, "get-many") void get_many(uint32_t self, BLOB, uint32_t *r);
GUEST_IMPORT(BATCH, "set-many") void set_many(uint32_t self, BLOB, uint32_t *r);
GUEST_IMPORT(BATCH, "delete-many") void delete_many(uint32_t self, BLOB, uint32_t *r);

GUEST_IMPORT(SQLITE, "[static]connection.open") void sql_open(TEXT, uint32_t *r);
GUEST_IMPORT(SQLITE, "[method]connection.execute")
void sql_execute(uint32_t self, TEXT, BLOB, uint32_t *r);

/* An error: its case, and its text if it has one. */
static bool failed(const uint32_t *r)
{
    if ((r[0] & 0xff) == 0)
        return false;
    say(GUEST_TEXT("error "));
    say_number(r[1] & 0xff);
    if (r[3] > 0) {
        say(GUEST_TEXT(": "));
        say_at(r[2], r[3]);
    }
    return true;
}

static void say_text(const uint32_t *r)
{
    if (!failed(r))
        say_at(r[1], r[2]);
}

static void say_option(const uint32_t *r)
{
    if (failed(r))
        return;
    if ((r[1] & 0xff) == 0)
        say(GUEST_TEXT("(none)"));
    else
        say_at(r[2], r[3]);
}

static void say_list(uint32_t pointer, uint32_t count)
{
    const uint32_t *items = (const uint32_t *)(uintptr_t)pointer;
    for (uint32_t i = 0; i < count; i++) {
        say_at(items[i * 2], items[i * 2 + 1]);
        say(GUEST_TEXT("\n"));
    }
}

static void key_value(struct guest_text op, struct guest_text key, struct guest_text label)
{
    uint32_t r[4] = {0}, store;
    kv_open(label.text, label.bytes, r);
    if (failed(r))
        return;
    store = r[1];
    if (guest_text_equal(op, GUEST_TEXT("get"))) {
        kv_get(store, key.text, key.bytes, r);
        say_option(r);
    } else if (guest_text_equal(op, GUEST_TEXT("set"))) {
        kv_set(store, key.text, key.bytes, value, value_bytes, r);
        if (!failed(r))
            say(GUEST_TEXT("set"));
    } else if (guest_text_equal(op, GUEST_TEXT("delete"))) {
        kv_delete(store, key.text, key.bytes, r);
        if (!failed(r))
            say(GUEST_TEXT("deleted"));
    } else if (guest_text_equal(op, GUEST_TEXT("exists"))) {
        kv_exists(store, key.text, key.bytes, r);
        if (!failed(r))
            say_number(r[1] & 0xff);
    } else if (guest_text_equal(op, GUEST_TEXT("keys"))) {
        kv_keys(store, r);
        if (!failed(r))
            say_list(r[1], r[2]);
    } else if (guest_text_equal(op, GUEST_TEXT("fill"))) {
        /* Opens stores until there are no more. */
        int64_t count = 1;
        for (kv_open(label.text, label.bytes, r); r[0] == 0; kv_open(label.text, label.bytes, r))
            count++;
        say_number(count);
        say(GUEST_TEXT(" "));
        (void)failed(r);
        return;
    }
    kv_drop(store);
}

static void first_version(struct guest_text key)
{
    uint32_t r[4] = {0}, store;
    kv1_open("default", 7, r);
    if (failed(r))
        return;
    store = r[1];
    kv1_get(store, key.text, key.bytes, r);
    say_text(r);
    say(GUEST_TEXT(", "));
    kv1_close(store);
    kv1_get(store, key.text, key.bytes, r);
    say_text(r);
}

static void swap(uint32_t bucket, struct guest_text key)
{
    uint32_t r[5] = {0}, cas;
    cas_new(bucket, key.text, key.bytes, r);
    if (failed(r))
        return;
    cas = r[1];
    cas_current(cas, r);
    say_option(r);
    /* Somebody else is faster. */
    uint64_t number[3];
    if (value_bytes == 0)
        increment(bucket, key.text, key.bytes, 1, number);
    cas_swap(cas, "new", 3, r);
    if (r[0] == 0) {
        say(GUEST_TEXT(", swapped"));
    } else if ((r[1] & 0xff) == 1) {
        say(GUEST_TEXT(", too late"));
        cas_swap(r[2], "newer", 5, r);
        say(r[0] == 0 ? GUEST_TEXT(", then swapped") : GUEST_TEXT(", again"));
    } else {
        (void)failed(r + 1);
    }
}

static void batch(uint32_t bucket)
{
    static const uint32_t none = 0;
    const char *keys = "abc";
    uint32_t r[4] = {0}, pairs[8], names[6];
    for (uint32_t i = 0; i < 2; i++) {
        pairs[i * 4] = (uint32_t)(uintptr_t)(keys + i);
        pairs[i * 4 + 2] = (uint32_t)(uintptr_t) "onetwo" + i * 3;
        pairs[i * 4 + 1] = 1;
        pairs[i * 4 + 3] = 3;
    }
    for (uint32_t i = 0; i < 3; i++) {
        names[i * 2] = (uint32_t)(uintptr_t)(keys + i);
        names[i * 2 + 1] = 1;
    }
    set_many(bucket, pairs, 2, r);
    (void)failed(r);
    get_many(bucket, names, 3, r);
    if (failed(r))
        return;
    for (uint32_t i = 0; i < r[2]; i++) {
        const uint32_t *item = (const uint32_t *)(uintptr_t)(r[1] + i * 20);
        say_at(item[0], item[1]);
        say(GUEST_TEXT("="));
        if ((item[2] & 0xff) != 0)
            say_at(item[3], item[4]);
        say(GUEST_TEXT(" "));
    }
    delete_many(bucket, names, 3, r);
    (void)failed(r);
    get_many(bucket, &none, 0, r);
    say_number(r[2]);
}

static void pages(uint32_t bucket)
{
    uint32_t r[6] = {0};
    uint32_t has = 0, cursor = 0, bytes = 0;
    do {
        bucket_keys(bucket, has, (const char *)(uintptr_t)cursor, bytes, r);
        if (failed(r))
            return;
        say_number(r[2]);
        say(GUEST_TEXT(" "));
        has = r[3] & 0xff;
        cursor = r[4];
        bytes = r[5];
    } while (has != 0);
}

static void wasi_key_value(struct guest_text op, struct guest_text key)
{
    uint32_t r[4] = {0};
    uint64_t number[3] = {0};
    bucket_open("default", 7, r);
    if (failed(r))
        return;
    if (guest_text_equal(op, GUEST_TEXT("count"))) {
        increment(r[1], key.text, key.bytes, 1, number);
        if (!failed((uint32_t[]){(uint32_t)number[0], (uint32_t)number[1],
                                 (uint32_t)(number[1] >> 32), (uint32_t)number[2]}))
            say_number((int64_t)number[1]);
    } else if (guest_text_equal(op, GUEST_TEXT("swap"))) {
        swap(r[1], key);
    } else if (guest_text_equal(op, GUEST_TEXT("batch"))) {
        batch(r[1]);
    } else {
        pages(r[1]);
    }
}

static void say_value(const uint32_t *cell)
{
    const uint64_t *bits = (const uint64_t *)(cell + 2);
    double real;
    __builtin_memcpy(&real, bits, sizeof(real));
    switch (cell[0] & 0xff) {
    case 0:
        say_number((int64_t)*bits);
        break;
    case 1:
        say_number((int64_t)(real * 1000));
        say(GUEST_TEXT("/1000"));
        break;
    case 2:
        say(GUEST_TEXT("'"));
        say_at(cell[2], cell[3]);
        say(GUEST_TEXT("'"));
        break;
    case 3:
        say(GUEST_TEXT("x"));
        say_number(cell[3]);
        break;
    default:
        say(GUEST_TEXT("null"));
    }
    say(GUEST_TEXT(" "));
}

static void say_rows(const uint32_t *r)
{
    if (failed(r))
        return;
    say_list(r[1], r[2]);
    for (uint32_t i = 0; i < r[4]; i++) {
        const uint32_t *row = (const uint32_t *)(uintptr_t)(r[3] + i * 8);
        for (uint32_t j = 0; j < row[1]; j++)
            say_value((const uint32_t *)(uintptr_t)(row[0] + j * 16));
        say(GUEST_TEXT("\n"));
    }
}

/* The statements in the body, a line each. With "values" the last one has five parameters. */
static void database(struct guest_text op, struct guest_text label)
{
    uint32_t r[5] = {0};
    const uint64_t values[10] = {0, (uint64_t)-42, 1, 0x3ff8000000000000, 2,
                                 (uint64_t)4 << 32 | (uintptr_t) "t\xc3\xa9x", 3,
                                 (uint64_t)2 << 32 | (uintptr_t) "\0\1", 4, 0};
    bool has_values = guest_text_equal(op, GUEST_TEXT("values"));
    sql_open(label.text, label.bytes, r);
    if (failed(r))
        return;
    uint32_t connection = r[1];
    for (size_t at = 0, end; at < value_bytes; at = end + 1) {
        for (end = at; end < value_bytes && value[end] != '\n'; end++) {
        }
        sql_execute(connection, value + at, end - at, values,
                    has_values && end == value_bytes ? 5 : 0, r);
        say_rows(r);
    }
}

void http_handle(struct http_request *request, struct http_response *response)
{
    struct guest_text path = http_path(request), op, argument, piece;
    struct guest_text store = http_header(request, GUEST_TEXT("store"));
    uint32_t r[4] = {0};
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
    if (guest_text_equal(op, GUEST_TEXT("variable"))) {
        variable(argument.text, argument.bytes, r);
        say_text(r);
    } else if (guest_text_equal(op, GUEST_TEXT("config"))) {
        config(argument.text, argument.bytes, r);
        say_text(r);
    } else if (guest_text_equal(op, GUEST_TEXT("wasi-config"))) {
        wasi_get(argument.text, argument.bytes, r);
        say_option(r);
    } else if (guest_text_equal(op, GUEST_TEXT("all"))) {
        wasi_all(r);
        if (!failed(r))
            say_list(r[1], r[2] * 2);
    } else if (guest_text_equal(op, GUEST_TEXT("first"))) {
        first_version(argument);
    } else if (guest_text_equal(op, GUEST_TEXT("sql")) ||
               guest_text_equal(op, GUEST_TEXT("values"))) {
        database(op, argument);
    } else if (guest_text_equal(op, GUEST_TEXT("count")) ||
               guest_text_equal(op, GUEST_TEXT("swap")) ||
               guest_text_equal(op, GUEST_TEXT("batch")) ||
               guest_text_equal(op, GUEST_TEXT("pages"))) {
        wasi_key_value(op, argument);
    } else {
        key_value(op, argument, store.text != NULL ? store : GUEST_TEXT("default"));
    }
}
