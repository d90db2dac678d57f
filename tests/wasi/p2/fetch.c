/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:http/outgoing-handler: POSTs or GETs from argument 1 (authority), 2 (path), 3 (a body); 4 is the
 * scheme, 5 a timeout that is set to 200 ms. */
#include "p2_guest.h"

#define HTTP "wasi:http/types@0.2.0"

struct handle_result {
    u8 is_error;
    u8 code __attribute__((aligned(8)));
    u64 rest[3];
};
struct future_result {
    u8 is_some;
    u8 is_taken __attribute__((aligned(8)));
    u8 is_error __attribute__((aligned(8)));
    u32 value __attribute__((aligned(8)));
    u64 rest[3];
};

IMPORT(HTTP, "[constructor]fields") u32 fields_new(void);
IMPORT(HTTP, "[constructor]outgoing-request") u32 request_new(u32);
IMPORT(HTTP, "[method]outgoing-request.set-method") u32 set_method(u32, u32, u32, u32);
IMPORT(HTTP, "[method]outgoing-request.set-scheme") u32 set_scheme(u32, u32, u32, u32, u32);
IMPORT(HTTP, "[method]outgoing-request.set-authority") u32 set_authority(u32, u32, u8 *, u32);
IMPORT(HTTP, "[method]outgoing-request.set-path-with-query") u32 set_path(u32, u32, u8 *, u32);
IMPORT(HTTP, "[method]outgoing-request.body") void request_body(u32, struct result *);
IMPORT(HTTP, "[method]outgoing-body.write") void body_write(u32, struct result *);
IMPORT(HTTP, "[static]outgoing-body.finish") void finish(u32, u32, u32, void *);
IMPORT("wasi:http/outgoing-handler@0.2.0", "handle")
void send(u32, u32, u32, struct handle_result *);
IMPORT(HTTP, "[method]future-incoming-response.subscribe") u32 subscribe(u32);
IMPORT(HTTP, "[method]future-incoming-response.get") void get(u32, struct future_result *);
IMPORT(HTTP, "[method]incoming-response.status") u32 status(u32);
IMPORT(HTTP, "[method]incoming-response.consume") void consume(u32, struct result *);
IMPORT(HTTP, "[method]incoming-body.stream") void stream_of(u32, struct result *);
IMPORT(HTTP, "[constructor]request-options") u32 options_new(void);
IMPORT(HTTP, "[method]request-options.set-connect-timeout") u32 set_connect(u32, u32, u64);
IMPORT(HTTP, "[method]request-options.set-first-byte-timeout") u32 set_first(u32, u32, u64);
IMPORT(HTTP, "[method]request-options.set-between-bytes-timeout") u32 set_between(u32, u32, u64);
IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void block(u32);
IMPORT("wasi:io/streams@0.2.0", "[method]input-stream.blocking-read")
void blocking_read(u32, u64, struct result *);

static u32 options(struct list timeout)
{
    enum { TIMEOUT_NS = 200000000 };
    u32 made = options_new();
    if (same("connect", timeout.data, timeout.count))
        set_connect(made, 1, TIMEOUT_NS);
    if (same("first", timeout.data, timeout.count))
        set_first(made, 1, TIMEOUT_NS);
    if (same("between", timeout.data, timeout.count))
        set_between(made, 1, TIMEOUT_NS);
    return made;
}

EXPORT("wasi:cli/run@0.2.0#run") u32 run(void)
{
    struct handle_result sent;
    struct future_result future;
    struct result result;
    u64 ignored[5];
    struct list body = argument(3);
    u32 request = request_new(fields_new());
    set_scheme(request, 1, same("https", argument(4).data, argument(4).count), 0, 0);
    set_authority(request, 1, argument(1).data, argument(1).count);
    set_path(request, 1, argument(2).data, argument(2).count);
    u32 outgoing = 0;
    if (body.count > 0) {
        set_method(request, 2, 0, 0);
        request_body(request, &result);
        outgoing = result.value;
    }
    u32 has_options = argument(5).count > 0;
    send(request, has_options, has_options ? options(argument(5)) : 0, &sent);
    if (sent.is_error) {
        say("denied", sent.code);
        return 1;
    }
    u32 response = *(u32 *)&sent.code;
    if (outgoing != 0) {
        body_write(outgoing, &result);
        u32 out = result.value;
        blocking_write(out, body.data, body.count, &result);
        drop_output(out);
        finish(outgoing, 0, 0, ignored);
    }
    block(subscribe(response));
    get(response, &future);
    if (future.is_error) {
        say("failed", future.value & 255);
        return 1;
    }
    say("status", status(future.value));
    consume(future.value, &result);
    stream_of(result.value, &result);
    u32 in = result.value;
    for (;;) {
        blocking_read(in, 65536, &result);
        if (result.is_error)
            break;
        print_bytes(result.list.data, result.list.count);
        heap_used = 0;
    }
    say("\nend", result.error_case & 255);
    return 0;
}
