/* SPDX-License-Identifier: Apache-2.0 */
/* A handler of wasi:http; the path of the request says what it does. */
#include "p2_guest.h"

#define HTTP "wasi:http/types@0.2.6"
#define OCT "wasi:http/types@0.2.0-rc-2023-10-18"

struct fields_result {
    u8 is_error;
    union {
        u32 value;
        u8 code;
    };
};
struct option_string {
    u8 is_some;
    struct list text;
};
struct option_scheme {
    u8 is_some;
    u8 scheme __attribute__((aligned(4)));
    struct list other;
};
struct method {
    u8 method;
    struct list other;
};
struct error_result {
    u8 is_error;
    u8 code __attribute__((aligned(8)));
    u8 is_some __attribute__((aligned(8)));
    u64 bytes;
    u64 rest;
};
struct trailers {
    u8 is_some;
    u8 is_taken __attribute__((aligned(8)));
    u8 is_error __attribute__((aligned(8)));
    u8 has_fields __attribute__((aligned(8)));
    u32 fields;
    u64 rest[3];
};
struct entry {
    struct list name, value;
};
/* result<_, header-error> */
struct status {
    u8 is_error, code;
};

IMPORT(HTTP, "[constructor]fields") u32 fields_new(void);
IMPORT(HTTP, "[static]fields.from-list")
void fields_from_list(const struct entry *, u32, struct fields_result *);
IMPORT(HTTP, "[method]fields.get") void fields_get(u32, const char *, u32, struct list *);
IMPORT(HTTP, "[method]fields.has") u32 fields_has(u32, const char *, u32);
IMPORT(HTTP, "[method]fields.set")
void fields_set(u32, const char *, u32, const struct list *, u32, struct status *);
IMPORT(HTTP, "[method]fields.append")
void fields_append(u32, const char *, u32, const void *, u32, struct status *);
IMPORT(HTTP, "[method]fields.delete") void fields_delete(u32, const char *, u32, struct status *);
IMPORT(HTTP, "[method]fields.entries") void fields_entries(u32, struct list *);
IMPORT(HTTP, "[method]fields.clone") u32 fields_clone(u32);
IMPORT(HTTP, "[resource-drop]fields") void drop_fields(u32);
IMPORT(HTTP, "[method]incoming-request.method") void request_method(u32, struct method *);
IMPORT(HTTP, "[method]incoming-request.path-with-query")
void request_path(u32, struct option_string *);
IMPORT(HTTP, "[method]incoming-request.scheme") void request_scheme(u32, struct option_scheme *);
IMPORT(HTTP, "[method]incoming-request.authority")
void request_authority(u32, struct option_string *);
IMPORT(HTTP, "[method]incoming-request.headers") u32 request_headers(u32);
IMPORT(HTTP, "[method]incoming-request.consume") void request_consume(u32, struct result *);
IMPORT(HTTP, "[resource-drop]incoming-request") void drop_request(u32);
IMPORT(HTTP, "[method]incoming-body.stream") void body_stream(u32, struct result *);
IMPORT(HTTP, "[static]incoming-body.finish") u32 body_finish(u32);
IMPORT(HTTP, "[method]future-trailers.get") void trailers_get(u32, struct trailers *);
IMPORT(HTTP, "[method]future-trailers.subscribe") u32 trailers_subscribe(u32);
IMPORT(HTTP, "[constructor]outgoing-response") u32 response_new(u32);
IMPORT(HTTP, "[method]outgoing-response.set-status-code") u32 set_status(u32, u32);
IMPORT(HTTP, "[method]outgoing-response.status-code") u32 get_status(u32);
IMPORT(HTTP, "[method]outgoing-response.headers") u32 response_headers(u32);
IMPORT(HTTP, "[method]outgoing-response.body") void response_body(u32, struct result *);
IMPORT(HTTP, "[method]outgoing-body.write") void body_write(u32, struct result *);
IMPORT(HTTP, "[static]outgoing-body.finish") void finish(u32, u32, u32, struct error_result *);
IMPORT(HTTP, "[resource-drop]outgoing-body") void drop_body(u32);
IMPORT(HTTP, "[static]response-outparam.set")
void outparam_set(u32, u32, u32, u32, u64, u32, u32, u32, u32);
IMPORT(HTTP, "[resource-drop]response-outparam") void drop_outparam(u32);
IMPORT("wasi:io/streams@0.2.0", "[method]input-stream.blocking-read")
void blocking_read(u32, u64, struct result *);
IMPORT("wasi:io/streams@0.2.0", "[resource-drop]input-stream") void drop_input(u32);
IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void block(u32);
IMPORT(OCT, "[constructor]fields") u32 fields_new_oct(const struct entry *, u32);
IMPORT(OCT, "[constructor]outgoing-response") u32 response_new_oct(u32, u32);
IMPORT(OCT, "[method]outgoing-response.write") void response_write_oct(u32, struct result *);
IMPORT(OCT, "[static]response-outparam.set") void outparam_set_oct(u32, u32, u32, u32, u32);
IMPORT(OCT, "[static]outgoing-body.finish") void finish_oct(u32, u32, u32);

static u32 body, stream;

static void put(const void *data, u32 bytes)
{
    struct result result;
    blocking_write(stream, data, bytes, &result);
}

static void put_text(const char *text)
{
    put(text, length(text));
}

static void put_field(const char *name, u64 value)
{
    char digits[20];
    u32 at = sizeof(digits);
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    put_text(name);
    put_text(" ");
    put(digits + at, sizeof(digits) - at);
    put_text("\n");
}

static void respond(u32 outparam, u32 fields, u32 status)
{
    struct result result;
    u32 response = response_new(fields);
    set_status(response, status);
    response_body(response, &result);
    body = result.value;
    outparam_set(outparam, 0, response, 0, 0, 0, 0, 0, 0);
    body_write(body, &result);
    stream = result.value;
}

static u32 end(u32 has_trailers, u32 trailers)
{
    struct error_result result;
    drop_output(stream);
    finish(body, has_trailers, trailers, &result);
    return result.is_error ? result.code : 0;
}

static void echo(u32 request, u32 outparam)
{
    struct result result;
    struct method method;
    struct option_string path, authority;
    struct option_scheme scheme;
    struct trailers trailers;
    struct list list;
    request_consume(request, &result);
    u32 incoming = result.value;
    request_consume(request, &result);
    u32 again = result.is_error;
    respond(outparam, fields_clone(request_headers(request)), 201);
    request_method(request, &method);
    put_field("method", method.method);
    if (method.method == 9)
        put(method.other.data, method.other.count);
    request_path(request, &path);
    put(path.text.data, path.text.count);
    request_authority(request, &authority);
    put(authority.text.data, authority.text.count);
    request_scheme(request, &scheme);
    put_field(" scheme", scheme.scheme);
    fields_get(request_headers(request), "X-Two", 5, &list);
    put_field("values", list.count);
    put_field("again", again);
    drop_request(request);
    body_stream(incoming, &result);
    u32 in = result.value;
    for (;;) {
        heap_used = 0;
        blocking_read(in, 1 << 16, &result);
        if (result.is_error)
            break;
        put(result.list.data, result.list.count);
    }
    put_field("\nend", result.error_case & 255);
    drop_input(in);
    u32 future = body_finish(incoming);
    block(trailers_subscribe(future));
    trailers_get(future, &trailers);
    put_field("trailers", trailers.is_some * 1000 + trailers.is_taken * 100 +
                              trailers.is_error * 10 + trailers.has_fields);
    trailers_get(future, &trailers);
    put_field("taken", trailers.is_taken);
    end(0, 0);
}

static void fields(u32 request, u32 outparam)
{
    struct status status;
    struct list list;
    struct fields_result made;
    struct list two[2] = {{(u8 *)"one", 3}, {(u8 *)"two", 3}};
    struct list bad[2] = {{(u8 *)"one", 3}, {(u8 *)"t\nwo", 4}};
    struct entry entries[2] = {{{(u8 *)"a", 1}, {(u8 *)"1", 1}}, {{(u8 *)"A", 1}, {(u8 *)"2", 1}}};
    respond(outparam, fields_new(), 200);
    u32 fields = fields_new();
    fields_append(fields, "Name", 4, "x", 1, &status);
    put_field("append", status.is_error);
    fields_append(fields, "na me", 5, "x", 1, &status);
    put_field("syntax", status.is_error * 10 + status.code);
    fields_append(fields, "name", 4, "a\r\nb", 4, &status);
    put_field("value", status.is_error * 10 + status.code);
    fields_append(fields, "Transfer-Encoding", 17, "x", 1, &status);
    put_field("forbidden", status.is_error * 10 + status.code);
    fields_append(fields, "", 0, "x", 1, &status);
    put_field("empty", status.is_error * 10 + status.code);
    fields_set(fields, "NAME", 4, two, 2, &status);
    fields_get(fields, "name", 4, &list);
    put_field("set", status.is_error * 10 + list.count);
    fields_set(fields, "name", 4, bad, 2, &status);
    fields_get(fields, "name", 4, &list);
    put_field("not set", status.is_error * 10 + list.count);
    put_field("has", fields_has(fields, "nAME", 4) * 10 + fields_has(fields, "none", 4));
    fields_delete(fields, "name", 4, &status);
    fields_entries(fields, &list);
    put_field("deleted", list.count);
    fields_from_list(entries, 2, &made);
    fields_entries(made.value, &list);
    put_field("list", list.count);
    fields_get(made.value, "a", 1, &list);
    put(((struct list *)list.data)[1].data, 1);
    entries[1].name.count = 0;
    fields_from_list(entries, 2, &made);
    put_field("\nbad list", made.is_error * 10 + made.code);
    fields_append(request_headers(request), "a", 1, "b", 1, &status);
    put_field("immutable", status.is_error * 10 + status.code);
    u32 response = response_new(fields_new());
    put_field("status", get_status(response));
    put_field("wrong", set_status(response, 99) * 10 + set_status(response, 1000));
    fields_set(response_headers(response), "a", 1, two, 1, &status);
    put_field("immutable", status.is_error * 10 + status.code);
    end(0, 0);
}

/* Handles for the fields of a request whose others are gone, and of a response that was sent. */
static void kept_fields(u32 request, u32 outparam)
{
    struct status status;
    struct list list;
    u32 first = request_headers(request), second = request_headers(request), sent = fields_new();
    drop_fields(first);
    fields_append(sent, "x-kept", 6, "1", 1, &status);
    u32 response = response_new(sent), headers = response_headers(response);
    outparam_set(outparam, 0, response, 0, 0, 0, 0, 0, 0);
    fields_get(headers, "x-kept", 6, &list);
    say("response", list.count);
    fields_get(second, "x-two", 5, &list);
    say("request", list.count);
    fields_get(request_headers(request), "x-two", 5, &list);
    say("again", list.count);
}

static void lengths(u32 outparam, const char *text)
{
    struct status status;
    u32 headers = fields_new();
    fields_append(headers, "content-length", 14, "5", 1, &status);
    respond(outparam, headers, 200);
    put_text(text);
    u32 code = end(0, 0);
    say("code", code);
}

static void large(u32 outparam)
{
    respond(outparam, fields_new(), 200);
    for (u32 i = 0; i < 1000; i++)
        put(heap, 10000);
    end(0, 0);
}

static void with_trailers(u32 outparam)
{
    struct status status;
    u32 trailers = fields_new();
    fields_append(trailers, "x-sum", 5, "42", 2, &status);
    respond(outparam, fields_new(), 200);
    put_text("body\n");
    end(1, trailers);
}

static void oldest(u32 outparam)
{
    struct result result;
    struct entry entry = {{(u8 *)"x-old", 5}, {(u8 *)"yes", 3}};
    u32 response = response_new_oct(202, fields_new_oct(&entry, 1));
    response_write_oct(response, &result);
    body = result.value;
    outparam_set_oct(outparam, 0, response, 0, 0);
    body_write(body, &result);
    stream = result.value;
    put_text("old\n");
    drop_output(stream);
    finish_oct(body, 0, 0);
}

EXPORT("wasi:http/incoming-handler@0.2.0#handle") void handle(u32 request, u32 outparam)
{
    struct option_string path;
    request_path(request, &path);
#define IS(name) same("/" name, path.text.data, path.text.count)
    if (IS("fields")) {
        fields(request, outparam);
    } else if (IS("kept-fields")) {
        kept_fields(request, outparam);
    } else if (IS("length")) {
        lengths(outparam, "fives");
    } else if (IS("short")) {
        lengths(outparam, "four");
    } else if (IS("large")) {
        large(outparam);
    } else if (IS("trailers")) {
        with_trailers(outparam);
    } else if (IS("oldest")) {
        oldest(outparam);
    } else if (IS("error")) {
        outparam_set(outparam, 1, 16, 0, 0, 0, 0, 0, 0);
    } else if (IS("bad-error")) {
        outparam_set(outparam, 1, 39, 0, 0, 0, 0, 0, 0);
    } else if (IS("none")) {
        drop_outparam(outparam);
    } else if (IS("no-body")) {
        outparam_set(outparam, 0, response_new(fields_new()), 0, 0, 0, 0, 0, 0);
    } else if (IS("unfinished")) {
        respond(outparam, fields_new(), 200);
        put_text("begun");
        drop_output(stream);
        drop_body(body);
    } else if (IS("twice")) {
        respond(outparam, fields_new(), 200);
        respond(outparam, fields_new(), 200);
    } else if (IS("used-headers")) {
        u32 headers = fields_new();
        response_new(headers);
        drop_fields(headers);
    } else if (IS("many")) {
        struct status status;
        u32 headers = fields_new();
        for (;;)
            fields_append(headers, "name", 4, heap + 1000, 0, &status);
    } else if (IS("trap")) {
        __builtin_trap();
    } else {
        echo(request, outparam);
    }
}
