/* SPDX-License-Identifier: Apache-2.0 */
/* A handler for the tests of the server: the path of the request says what it does. */
#include "paths.h"

GUEST_IMPORT("wasi:clocks/monotonic-clock@0.2.0", "subscribe-duration")
uint32_t subscribe_duration(uint64_t ns);
GUEST_IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void pollable_block(uint32_t self);
GUEST_IMPORT("wasi:io/poll@0.2.0", "[resource-drop]pollable") void pollable_drop(uint32_t self);
GUEST_IMPORT("wasi:cli/stdout@0.2.0", "get-stdout") uint32_t get_stdout(void);
GUEST_IMPORT("wasi:cli/stderr@0.2.0", "get-stderr") uint32_t get_stderr(void);
GUEST_IMPORT("wasi:io/streams@0.2.0", "[method]output-stream.blocking-write-and-flush")
void write_and_flush(uint32_t self, const char *data, size_t bytes, uint32_t *result);
GUEST_IMPORT("wasi:io/streams@0.2.0", "[resource-drop]output-stream")
void output_drop(uint32_t self);

static char buffer[4096];
static unsigned calls; /* of this instance */

static void plain(struct http_response *response, struct guest_text text)
{
    http_respond(response, 200, GUEST_TEXT("text/plain"), text);
}

static void echo(struct http_request *request, struct http_response *response)
{
    struct guest_text piece;
    http_start(response, 200);
    while ((piece = http_read(request, sizeof(buffer))).bytes > 0) {
        if (!http_write(response, piece))
            return;
    }
}

static void big(struct http_response *response, uint64_t bytes)
{
    http_start(response, 200);
    for (size_t i = 0; i < sizeof(buffer); i++)
        buffer[i] = (char)('a' + i % 26);
    while (bytes > 0) {
        size_t piece = bytes < sizeof(buffer) ? (size_t)bytes : sizeof(buffer);
        if (!http_write(response, (struct guest_text){buffer, piece}))
            return;
        bytes -= piece;
    }
}

static void sleep_ms(uint64_t ms)
{
    uint32_t pollable = subscribe_duration(ms * 1000000);
    pollable_block(pollable);
    pollable_drop(pollable);
}

static void print(uint32_t stream, struct guest_text text)
{
    uint32_t result[3];
    write_and_flush(stream, text.text, text.bytes, result);
    output_drop(stream);
}

static void spin(void)
{
    for (volatile uint64_t i = 0;; i++) {
    }
}

/* Numbers of which each needs the one before: no compiler knows a shorter way to the last one. */
static void burn(uint64_t turns)
{
    static volatile uint64_t last;
    uint64_t value = turns;
    for (uint64_t i = 0; i < turns; i++)
        value = value * 6364136223846793005u + 1442695040888963407u;
    last = value;
}

static void count(struct http_response *response)
{
    char text[2] = {(char)('0' + ++calls), '\n'};
    plain(response, (struct guest_text){text, 2});
}

static void header(struct http_request *request, struct http_response *response)
{
    struct guest_text wanted = http_header(request, GUEST_TEXT("x-ask"));
    struct guest_text value = http_header(request, wanted);
    plain(response, value.text != NULL ? value : GUEST_TEXT("(none)"));
}

static void headers(struct http_response *response, uint64_t count)
{
    for (char name[] = "x-00"; count > 0; count--) {
        name[2] = (char)('0' + count / 10 % 10);
        name[3] = (char)('0' + count % 10);
        (void)http_set_header(response, (struct guest_text){name, 4}, GUEST_TEXT("there"));
    }
    plain(response, GUEST_TEXT("many\n"));
}

void http_handle(struct http_request *request, struct http_response *response)
{
    struct guest_text path = http_path(request);
    if (begins(path, GUEST_TEXT("/hello"))) {
        plain(response, GUEST_TEXT("hello\n"));
    } else if (begins(path, GUEST_TEXT("/echo"))) {
        echo(request, response);
    } else if (begins(path, GUEST_TEXT("/whole"))) {
        echo(request, response);
        if (http_failed(request))
            __builtin_trap();
    } else if (begins(path, GUEST_TEXT("/big"))) {
        big(response, number(path));
    } else if (begins(path, GUEST_TEXT("/sleep"))) {
        sleep_ms(number(path));
        plain(response, GUEST_TEXT("slept\n"));
    } else if (begins(path, GUEST_TEXT("/drip"))) {
        http_start(response, 200);
        for (int i = 0; i < 5 && http_write(response, GUEST_TEXT("drop\n")); i++)
            sleep_ms(number(path));
    } else if (begins(path, GUEST_TEXT("/trap"))) {
        __builtin_trap();
    } else if (begins(path, GUEST_TEXT("/late-trap"))) {
        http_start(response, 200);
        http_write(response, GUEST_TEXT("half"));
        sleep_ms(10);
        __builtin_trap();
    } else if (begins(path, GUEST_TEXT("/spin"))) {
        spin();
    } else if (begins(path, GUEST_TEXT("/burn"))) {
        burn(number(path));
        plain(response, GUEST_TEXT("burnt\n"));
    } else if (begins(path, GUEST_TEXT("/count"))) {
        count(response);
    } else if (begins(path, GUEST_TEXT("/length"))) {
        struct guest_text length = http_header(request, GUEST_TEXT("x-length"));
        (void)http_set_header(response, GUEST_TEXT("content-length"), length);
        plain(response, GUEST_TEXT("four"));
    } else if (begins(path, GUEST_TEXT("/headers"))) {
        headers(response, number(path));
    } else if (begins(path, GUEST_TEXT("/header"))) {
        header(request, response);
    } else if (begins(path, GUEST_TEXT("/print"))) {
        print(get_stdout(), GUEST_TEXT("to stdout\nand"));
        print(get_stdout(), GUEST_TEXT(" more\n"));
        print(get_stderr(), GUEST_TEXT("to stderr without an end"));
        plain(response, GUEST_TEXT("printed\n"));
    } else if (!begins(path, GUEST_TEXT("/nothing"))) {
        http_respond(response, 404, GUEST_TEXT("text/plain"), GUEST_TEXT("no such path\n"));
    }
}
