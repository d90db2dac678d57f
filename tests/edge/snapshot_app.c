/* SPDX-License-Identifier: Apache-2.0 */
/* A handler whose first request is dear, for tests of snapshots: the path of a request says what it does. */
#include "paths.h"

GUEST_IMPORT("wasi:clocks/monotonic-clock@0.2.0", "subscribe-duration")
uint32_t subscribe_duration(uint64_t ns);
GUEST_IMPORT("wasi:random/random@0.2.0", "get-random-u64") uint64_t random_u64(void);
GUEST_IMPORT("wasi:cli/stdout@0.2.0", "get-stdout") uint32_t get_stdout(void);
GUEST_IMPORT("wasi:io/streams@0.2.0", "[method]output-stream.blocking-write-and-flush")
void write_and_flush(uint32_t self, const char *data, size_t bytes, uint32_t *result);
GUEST_IMPORT("wasi:filesystem/preopens@0.2.0", "get-directories")
void get_directories(uint32_t result[2]);
GUEST_IMPORT("wasi:filesystem/types@0.2.0", "[method]descriptor.open-at")
void open_at(uint32_t self, uint32_t path_flags, const char *path, size_t bytes,
             uint32_t open_flags, uint32_t flags, uint32_t result[2]);
GUEST_IMPORT("wasi:filesystem/types@0.2.0", "[resource-drop]descriptor")
void descriptor_drop(uint32_t self);
GUEST_IMPORT("wasi:http/types@0.2.0", "[constructor]fields") uint32_t new_fields(void);
GUEST_IMPORT("wasi:http/types@0.2.0", "[method]fields.append")
void fields_append(uint32_t self, const char *name, size_t name_bytes, const char *value,
                   size_t value_bytes, uint32_t *result);
GUEST_IMPORT("wasi:http/types@0.2.0", "[method]fields.get")
void fields_get(uint32_t self, const char *name, size_t bytes, uint32_t result[2]);

enum { PAGES = 40, PAGE_BYTES = 65536 };
/* So that what is looked for is in memory only where it was written. */
#define SPREAD UINT64_C(0x9e3779b97f4a7c15)
#define GATHER UINT64_C(0xf1de83e19937733d) /* its inverse */

static unsigned setups, calls;
static uint64_t drawn;
static uint32_t out, directory, fields;
static uint64_t *grown;
static volatile uint64_t written[64];
static void (*answer)(struct http_response *response);

static char *put_number(char *at, uint64_t value)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (count > 0)
        *at++ = digits[--count];
    *at++ = ' ';
    return at;
}

static void say_state(struct http_response *response)
{
    char text[120], *at = text;
    uint32_t values[2] = {0, 0};
    if (fields != 0)
        fields_get(fields, "x-kept", 6, values);
    at = put_number(at, setups);
    at = put_number(at, calls);
    at = put_number(at, (uint64_t)__builtin_wasm_memory_size(0) >= PAGES);
    at = put_number(at, grown != NULL && grown[PAGE_BYTES] == SPREAD);
    at = put_number(at, values[1]);
    at = put_number(at, drawn);
    http_respond(response, 200, GUEST_TEXT("text/plain"),
                 (struct guest_text){text, (size_t)(at - text) - 1});
}

static void say_none(struct http_response *response)
{
    http_respond(response, 200, GUEST_TEXT("text/plain"), GUEST_TEXT("none"));
}

/* Numbers of which each needs the one before. */
static uint64_t burn(uint64_t turns)
{
    uint64_t value = turns;
    for (uint64_t i = 0; i < turns; i++)
        value = value * 6364136223846793005u + 1442695040888963407u;
    return value;
}

static void print(struct guest_text text)
{
    uint32_t result[3];
    if (out == 0)
        out = get_stdout();
    write_and_flush(out, text.text, text.bytes, result);
}

/* Once in an instance: what a runtime does at first. */
static void set_up(uint64_t turns)
{
    uint32_t directories[2], result[2];
    if (setups > 0)
        return;
    setups = 1 + (unsigned)(burn(turns) == 1);
    drawn = random_u64() % 1000000007;
    grown = (uint64_t *)(__builtin_wasm_memory_grow(0, PAGES) * PAGE_BYTES);
    grown[PAGE_BYTES] = SPREAD;
    get_directories(directories);
    if (directories[1] > 0)
        directory = *(uint32_t *)(uintptr_t)directories[0];
    fields = new_fields();
    fields_append(fields, "x-kept", 6, "1", 1, result);
    answer = say_state;
    print(GUEST_TEXT("set up\n"));
}

/* A file of the first directory, through the descriptor that set_up got; it stays open. */
static void open_file(struct http_response *response, bool stays)
{
    uint32_t result[2] = {1, 0};
    if (directory != 0)
        open_at(directory, 0, "kept.txt", 8, 0, 1, result);
    bool is_open = (result[0] & 0xff) == 0;
    if (is_open && !stays)
        descriptor_drop(result[1]);
    http_respond(response, 200, GUEST_TEXT("text/plain"),
                 is_open ? GUEST_TEXT("open") : GUEST_TEXT("no"));
}

/* How often a number is anywhere in memory. */
static uint64_t find(uint64_t wanted)
{
    const uint64_t *at = (const uint64_t *)64;
    const uint64_t *end = (const uint64_t *)(__builtin_wasm_memory_size(0) * PAGE_BYTES);
    uint64_t count = 0;
    for (; at < end; at++)
        count += *at * GATHER == wanted;
    return count;
}

static void write(uint64_t value)
{
    written[value % 64] = value * SPREAD;
    if (grown != NULL)
        grown[value % (PAGES * (PAGE_BYTES / 8))] = value * SPREAD;
    uint64_t *more = (uint64_t *)(__builtin_wasm_memory_grow(0, 1) * PAGE_BYTES);
    more[value % (PAGE_BYTES / 8)] = value * SPREAD;
}

static void say_number(struct http_response *response, uint64_t value)
{
    char text[24];
    char *end = put_number(text, value);
    http_respond(response, 200, GUEST_TEXT("text/plain"),
                 (struct guest_text){text, (size_t)(end - text) - 1});
}

void http_handle(struct http_request *request, struct http_response *response)
{
    struct guest_text path = http_path(request);
    if (answer == NULL)
        answer = say_none;
    calls++;
    if (begins(path, GUEST_TEXT("/setup"))) {
        set_up(number(path));
        answer(response);
    } else if (begins(path, GUEST_TEXT("/state"))) {
        answer(response);
    } else if (begins(path, GUEST_TEXT("/write"))) {
        write(number(path));
        say_number(response, find(number(path)));
    } else if (begins(path, GUEST_TEXT("/find"))) {
        say_number(response, find(number(path)));
    } else if (begins(path, GUEST_TEXT("/draw"))) {
        say_number(response, random_u64());
    } else if (begins(path, GUEST_TEXT("/print"))) {
        print(GUEST_TEXT("printed\n"));
        say_number(response, 0);
    } else if (begins(path, GUEST_TEXT("/pollable"))) {
        say_number(response, subscribe_duration(1));
    } else if (begins(path, GUEST_TEXT("/file"))) {
        set_up(0);
        open_file(response, true);
    } else if (begins(path, GUEST_TEXT("/look"))) {
        open_file(response, false);
    } else if (begins(path, GUEST_TEXT("/once"))) {
        if (calls > 1)
            __builtin_trap();
        say_number(response, 0);
    } else if (begins(path, GUEST_TEXT("/broken"))) {
        http_respond(response, 503, GUEST_TEXT("text/plain"), GUEST_TEXT("no\n"));
    } else if (begins(path, GUEST_TEXT("/trap"))) {
        __builtin_trap();
    } else if (begins(path, GUEST_TEXT("/big"))) {
        http_start(response, 200);
        for (uint64_t i = number(path); i > 0 && http_write(response, GUEST_TEXT("0123456789")); i--) {
        }
    } else if (begins(path, GUEST_TEXT("/spin"))) {
        for (volatile uint64_t i = 0;; i++) {
        }
    }
}
