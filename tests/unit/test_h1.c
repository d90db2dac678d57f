/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1.1 parser: ways to smuggle a request, each answered as RFC 9112 says, at once and byte by
 * byte; limits; resuming. tests/http/llhttp.py has the cases of correct messages.
 */
#include "../http/h1_trace.h"
#include "check.h"

#define L "\r\n"
#define GET "GET / HTTP/1.1" L "Host: a" L
#define POST "POST / HTTP/1.1" L "Host: a" L
#define CHUNKED POST "Transfer-Encoding: chunked" L L

static struct h1_trace whole, split;

/* What the trace says of `bytes`; NULL if it depends on how they are split. */
static const char *trace_bytes(enum h1_kind kind, const struct h1_limits *limits,
                               uint32_t field_max, const char *bytes, size_t size)
{
    whole.limits = split.limits = *limits;
    whole.field_max = split.field_max = field_max;
    h1_trace_begin(&whole, kind, size);
    h1_trace_feed(&whole, (const uint8_t *)bytes, size);
    h1_trace_begin(&split, kind, size);
    for (size_t at = 0; at <= size; at++)
        h1_trace_feed(&split, (const uint8_t *)bytes, at);
    const char *want = h1_trace_finish(&whole), *got = h1_trace_finish(&split);
    return strcmp(want, got) ? NULL : want;
}

struct row {
    const char *bytes;
    const char *last; /* the last line begins with this */
};

static void check_rows(enum h1_kind kind, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = trace_bytes(kind, &h1_limits_default, COUNT_OF(whole.fields),
                                      rows[i].bytes, strlen(rows[i].bytes));
        REQUIRE(got);
        size_t size = strlen(got);
        const char *last = got + size - (size > 0);
        while (last > got && last[-1] != '\n')
            last--;
        if (!CHECK(!strncmp(last, rows[i].last, strlen(rows[i].last))))
            printf("    row %zu: %s\n    got  %s    want %s\n", i, rows[i].bytes, last,
                   rows[i].last);
    }
}
#define CHECK_ROWS(kind, rows) check_rows(kind, rows, COUNT_OF(rows))

TEST(smuggling_lengths)
{
    static const struct row rows[] = {
        /* CL.TE, TE.CL: never both, in either order. */
        {POST "Content-Length: 6" L "Transfer-Encoding: chunked" L L "0" L L "G",
         "bad 400: Content-L"},
        {POST "Transfer-Encoding: chunked" L "Content-Length: 4" L L "5c" L, "bad 400: Content-L"},
        {POST "Content-Length: 0" L "Transfer-Encoding: chunked" L L, "bad 400: Content-L"},
        /* CL.CL: neither differing nor equal. */
        {POST "Content-Length: 5" L "Content-Length: 6" L L, "bad 400: Content-Length twice"},
        {POST "Content-Length: 5" L "Content-Length: 5" L L, "bad 400: Content-Length twice"},
        {POST "Content-Length: 5" L "content-length: 5" L L, "bad 400: Content-Length twice"},
        {POST "Content-Length: 5, 5" L L, "bad 400: Content-Length is not"},
        {POST "Content-Length: 5,6" L L, "bad 400: Content-Length is not"},
        /* Numbers that some read otherwise. */
        {POST "Content-Length: +5" L L, "bad 400"},
        {POST "Content-Length: -5" L L, "bad 400"},
        {POST "Content-Length: 0x5" L L, "bad 400"},
        {POST "Content-Length: 5 5" L L, "bad 400"},
        {POST "Content-Length: 5;" L L, "bad 400"},
        {POST "Content-Length: 5.0" L L, "bad 400"},
        {POST "Content-Length: 1e1" L L, "bad 400"},
        {POST "Content-Length:" L L, "bad 400"},
        {POST "Content-Length: \"5\"" L L, "bad 400"},
        {POST "Content-Length: 18446744073709551616" L L, "bad 400: Content-Length is too"},
        {POST "Content-Length: 18446744073709551615" L L, "more body"},
        {POST "Content-Length: 0005" L L "hello", "idle"},
        {POST "Content-Length: \t5 \t" L L "hello", "idle"},
        {POST "Content-Length : 5" L L "hello", "bad 400: a blank follows"},
        {POST "Content-Length\t: 5" L L "hello", "bad 400: a blank follows"},
        {POST "Content_Length: 5" L L, "idle"}, /* Another name. */
        {POST "Content-Length: 5" L L "hell", "more body"},
        {POST L "smuggled", "more head"}, /* Without a length there is no body. */
    };
    CHECK_ROWS(H1_REQUEST, rows);
}

TEST(smuggling_codings)
{
    static const struct row rows[] = {
        {POST "Transfer-Encoding: xchunked" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding: chunked, chunked" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding: chunked, identity" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding: identity" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding: gzip" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding: gzip, chunked" L L, "bad 501"},
        {POST "Transfer-Encoding: identity, chunked" L L, "bad 501"},
        {POST "Transfer-Encoding: chunked" L "Transfer-Encoding: cow" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding: cow" L "Transfer-Encoding: chunked" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding: chunked" L "Transfer-encoding: chunked" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding:" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding: chunked," L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding: ,chunked" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding: \"chunked\"" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding: chunked;q=1" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding: chunk" L L, "bad 400: Transfer"},
        {POST "Transfer-Encoding : chunked" L L, "bad 400: a blank follows"},
        {POST "Transfer-Encoding\v: chunked" L L, "bad 400: a wrong byte in a field name"},
        {POST "Transfer-Encoding: \vchunked" L L, "bad 400: a wrong byte in a field value"},
        {POST "Transfer-Encoding: chun\x01ked" L L, "bad 400: a wrong byte in a field value"},
        {POST "Transfer-Encoding: chunked\x7f" L L, "bad 400: a wrong byte in a field value"},
        {POST "Transfer-Encoding: \xa0"
              "chunked" L L,
         "bad 400: Transfer"},
        {POST " Transfer-Encoding: chunked" L L, "bad 400: a field line is folded"},
        {POST "X: y" L " Transfer-Encoding: chunked" L L, "bad 400: a field line is folded"},
        {POST "Transfer-Encoding:" L " chunked" L L, "bad 400: a field line is folded"},
        {POST "Transfer-Encoding:" L "\tchunked" L L, "bad 400: a field line is folded"},
        {POST "X: y\nTransfer-Encoding: chunked" L L, "bad 400: a wrong byte in a field value"},
        {POST "X: y\rTransfer-Encoding: chunked" L L, "bad 400: a CR without LF"},
        {POST "X\r" L "Transfer-Encoding: chunked" L L, "bad 400: a wrong byte in a field name"},
        {POST ": chunked" L L, "bad 400: a field name is empty"},
        {POST "Transfer-Encoding" L L, "bad 400: a wrong byte in a field name"},
        {POST "Transfer-Encoding: CHUNKED" L L "0" L L, "idle"},
        {POST "Transfer-Encoding: chunked \t" L L "0" L L, "idle"},
        {"POST / HTTP/1.0" L "Transfer-Encoding: chunked" L L, "bad 400: Transfer-Encoding in"},
        {"POST / HTTP/1.0" L "Host: a" L "Content-Length: 2" L L "ab", "closed rest=0"},
    };
    CHECK_ROWS(H1_REQUEST, rows);
}

TEST(smuggling_chunks)
{
    static const struct row rows[] = {
        {CHUNKED "5" L "hello" L "0" L L GET L, "idle"},
        {CHUNKED "5;a" L "hello" L "0;b=\"\\\"\r" L L, "bad 400: a wrong byte in a chunk's"},
        {CHUNKED "5;a=b;c=\"d e\\\"\" ; f" L "hello" L "0" L L, "idle"},
        {CHUNKED "5 ;a = b" L "hello" L "0" L L, "idle"},
        {CHUNKED "5 " L "hello" L "0" L L, "bad 400: a wrong byte in a chunk's"},
        {CHUNKED "5;" L "hello" L "0" L L, "bad 400: a wrong byte in a chunk's"},
        {CHUNKED "5;\nxx" L, "bad 400: a wrong byte in a chunk's"},
        {CHUNKED "5;a\nhello" L "0" L L, "bad 400: a wrong byte in a chunk's"},
        {CHUNKED "5;a\rhello" L "0" L L, "bad 400: a CR without LF after a chunk's"},
        {CHUNKED "5\nhello" L "0" L L, "bad 400: a chunk's size"},
        {CHUNKED "5\rhello" L "0" L L, "bad 400: a CR without LF after a chunk's"},
        {CHUNKED " 5" L "hello" L, "bad 400: a chunk's size"},
        {CHUNKED "0x5" L "hello" L, "bad 400: a chunk's size"},
        {CHUNKED "+5" L "hello" L, "bad 400: a chunk's size"},
        {CHUNKED "-1" L, "bad 400: a chunk's size"},
        {CHUNKED "5g" L, "bad 400: a chunk's size"},
        {CHUNKED L, "bad 400: a chunk's size"},
        {CHUNKED ";a" L, "bad 400: a chunk's size"},
        {CHUNKED "10000000000000005" L "hello" L, "bad 400: a chunk's size"},
        {CHUNKED "00000000000000005" L "hello" L, "bad 400: a chunk's size"},
        {CHUNKED "ffffffffffffffff" L "hello" L, "more body"},
        {CHUNKED "ffffffffffffffff" L, "more body"},
        {CHUNKED "1" L "a" L "ffffffffffffffff" L "b", "bad 413"},
        {CHUNKED "5" L "helloX" L "0" L L, "bad 400: no CRLF"},
        {CHUNKED "5" L "hello\n0" L L, "bad 400: no CRLF"},
        {CHUNKED "5" L "hello0" L L, "bad 400: no CRLF"},
        {CHUNKED "4" L "hello" L "0" L L, "bad 400: no CRLF"},
        {CHUNKED "0" L, "more trailer"},
        {CHUNKED "0" L "X-Sum: 1" L L, "idle"},
        {CHUNKED "0" L "Content-Length: 1" L L, "bad 400: a field that may not"},
        {CHUNKED "0" L "Transfer-Encoding: chunked" L L, "bad 400: a field that may not"},
        {CHUNKED "0" L "HOST: b" L L, "bad 400: a field that may not"},
        {CHUNKED "0" L "Authorization: b" L L, "bad 400: a field that may not"},
        {CHUNKED "0" L "X-Forwarded-For: b" L L, "bad 400: a field that may not"},
        {CHUNKED "0" L "X : 1" L L, "bad 400: a blank follows"},
        {CHUNKED "0" L " X: 1" L L, "bad 400: a field line is folded"},
        {CHUNKED "0" L "X: 1\n" L, "bad 400: a wrong byte"},
        {CHUNKED "0" L "GET /admin HTTP/1.1" L L, "bad 400: a blank follows"},
    };
    CHECK_ROWS(H1_REQUEST, rows);
}

TEST(request_lines_and_hosts)
{
    static const struct row rows[] = {
        {L L GET L, "idle"},
        {L L L GET L, "bad 400: empty lines"},
        {"\n" GET L, "bad 400: a wrong byte in the method"},
        {"\r" GET L, "bad 400: a CR without LF before"},
        {" " GET L, "bad 400: a wrong byte in the method"},
        {"GET  / HTTP/1.1" L L, "bad 400: a wrong byte in the request-target"},
        {"GET\t/ HTTP/1.1" L L, "bad 400: a wrong byte in the method"},
        {"GET /  HTTP/1.1" L L, "bad 400: no HTTP version"},
        {"GET / HTTP/1.1 " L L, "bad 400: no CRLF"},
        {"GET / HTTP/1.1\n", "bad 400: no CRLF"},
        {"GET / HTTP/1.1\r\r\n", "bad 400: no CRLF"},
        {"GET / http/1.1" L, "bad 400: no HTTP version"},
        {"GET / HTTP/1.10" L, "bad 400: no CRLF"},
        {"GET / HTTP/01.1" L, "bad 400: no HTTP version"},
        {"GET / HTTP/2.0" L L, "bad 505"},
        {"GET / HTTP/1.2" L L, "bad 505"},
        {"PRI * HTTP/2.0" L L "SM" L L, "bad 400: a request-target"},
        {"GET /" L L, "bad 400: a wrong byte in the request-target"},
        {"GET /\x80 HTTP/1.1" L L, "bad 400: a wrong byte in the request-target"},
        {"GET /a#b HTTP/1.1" L L, "bad 400: a wrong byte in the request-target"},
        {"GET /" L "Host: b HTTP/1.1" L L, "bad 400: a wrong byte in the request-target"},
        {"GET a HTTP/1.1" L L, "bad 400: a request-target"},
        {"GET * HTTP/1.1" L L, "bad 400: a request-target"},
        {"OPTIONS * HTTP/1.1" L "Host: a" L L, "idle"},
        {"options * HTTP/1.1" L "Host: a" L L, "bad 400: a request-target"},
        {"CONNECT a:443 HTTP/1.1" L "Host: a" L L "xy", "tunnel rest=2"},
        {"CONNECT a HTTP/1.1" L "Host: a" L L, "bad 400: a request-target"},
        {"CONNECT /a HTTP/1.1" L "Host: a" L L, "bad 400: a request-target"},
        {"CONNECT a:443 HTTP/1.1" L "Host: a" L "Content-Length: 1" L L, "bad 400: CONNECT"},
        {"GET ftp://a/ HTTP/1.1" L "Host: a" L L, "bad 400: a request-target"},
        {"GET http:///x HTTP/1.1" L "Host: a" L L, "bad 400: a request-target"},
        {"GET http://u@a/x HTTP/1.1" L "Host: a" L L, "bad 400: a request-target"},
        {"GET http://a:65536/x HTTP/1.1" L "Host: a" L L, "bad 400: a request-target"},
        {"GET http://a:1/x HTTP/1.1" L L, "bad 400: no Host"},
        {"GET / HTTP/1.1" L L, "bad 400: no Host"},
        {"GET / HTTP/1.0" L L, "closed rest=0"},
        {"GET / HTTP/1.0" L "Connection: keep-alive" L L, "idle"},
        {GET "Host: a" L L, "bad 400: Host twice"},
        {GET "host: b" L L, "bad 400: Host twice"},
        {"GET / HTTP/1.1" L "Host:" L L, "bad 400: Host is not"},
        {"GET / HTTP/1.1" L "Host: a b" L L, "bad 400: Host is not"},
        {"GET / HTTP/1.1" L "Host: a, b" L L, "bad 400: Host is not"},
        {"GET / HTTP/1.1" L "Host: a/b" L L, "bad 400: Host is not"},
        {"GET / HTTP/1.1" L "Host: a@b" L L, "bad 400: Host is not"},
        {"GET / HTTP/1.1" L "Host: a:b" L L, "bad 400: Host is not"},
        {"GET / HTTP/1.1" L "Host: a:1:2" L L, "bad 400: Host is not"},
        {"GET / HTTP/1.1" L "Host: :80" L L, "bad 400: Host is not"},
        {"GET / HTTP/1.1" L "Host: %6" L L, "bad 400: Host is not"},
        {"GET / HTTP/1.1" L "Host: [::1" L L, "bad 400: Host is not"},
        {"GET / HTTP/1.1" L "Host: [::1]:8080" L L, "idle"},
        {GET "Connection: close" L L GET L, "closed rest="},
        {GET "Connection: x, CLOSE ,y" L L, "closed rest=0"},
        {GET "Expect: 200-ok" L L, "bad 417"},
        {GET L GET L GET L, "idle"},
    };
    CHECK_ROWS(H1_REQUEST, rows);
}

TEST(an_absolute_target_outweighs_host)
{
    const char *text = "GET http://a:8/b?c HTTP/1.1" L "Host: other" L L;
    const char *got = trace_bytes(H1_REQUEST, &h1_limits_default, 8, text, strlen(text));
    REQUIRE(got);
    CHECK(strstr(got, " absolute authority=a:8 path=/b?c ") != NULL);
}

TEST(responses)
{
    static const struct row rows[] = {
        {"HTTP/1.1 200 OK" L "Content-Length: 2" L L "ab", "idle"},
        {"HTTP/1.1 200 OK" L L "ab", "until close"},
        {"HTTP/1.1 204 No" L "Content-Length: 2" L L, "idle"},
        {"HTTP/1.1 304 No" L "Content-Length: 2" L L, "idle"},
        {"HTTP/1.1 100 Go" L L "HTTP/1.1 200 OK" L "Content-Length: 0" L L, "idle"},
        {"HTTP/1.1 101 Go" L L "xyz", "tunnel rest=3"},
        {"HTTP/1.1 200 OK" L "Content-Length: 2" L "Transfer-Encoding: chunked" L L, "bad 502"},
        {"HTTP/1.1 200 OK" L "Content-Length: 2" L "Content-Length: 3" L L, "bad 502"},
        {"HTTP/1.1 200 OK" L "Transfer-Encoding: chunked" L L "x", "bad 502"},
        {"HTTP/1.1 20 OK" L L, "bad 502"},
        {"HTTP/1.1 2000 OK" L L, "bad 502"},
        {"HTTP/1.1  200 OK" L L, "bad 502"},
        {"HTTP/1.1 200 O\nK" L L, "bad 502"},
        {L "HTTP/1.1 200 OK" L L, "bad 502"},
    };
    static const struct row head[] = {{"HTTP/1.1 200 OK" L "Content-Length: 2" L L, "idle"}};
    static const struct row connect[] = {{"HTTP/1.1 200 OK" L L "x", "tunnel rest=1"}};
    CHECK_ROWS(H1_RESPONSE, rows);
    CHECK_ROWS(H1_RESPONSE_TO_HEAD, head);
    CHECK_ROWS(H1_RESPONSE_TO_CONNECT, connect);
}

/* The last line that is said of `text` under limits. */
static void check_limit(const struct h1_limits *limits, uint32_t field_max, const char *text,
                        const char *want)
{
    const char *got = trace_bytes(H1_REQUEST, limits, field_max, text, strlen(text));
    REQUIRE(got);
    if (!CHECK(strstr(got, want) != NULL))
        printf("    got %s    want %s\n", got, want);
}

TEST(limits_are_inclusive)
{
    static const char text[] =
        POST "Transfer-Encoding: chunked" L L "3;a=b" L "abc" L "0" L "X: 1" L L;
    struct h1_limits fits = {.head_bytes = sizeof POST - 1 + 30,
                             .target_bytes = 1,
                             .method_bytes = 4,
                             .extension_bytes = 4,
                             .trailer_bytes = 8,
                             .body_bytes = 3};
    struct h1_limits tight = fits;
    check_limit(&fits, 2, text, "idle");
    check_limit(&fits, 1, text, "bad 431: too many fields");
    check_limit(&fits, 0, text, "bad 431: too many fields");
    tight.head_bytes--;
    check_limit(&tight, 2, text, "bad 431: the head");
    tight = fits, tight.target_bytes--;
    check_limit(&tight, 2, text, "bad 414");
    tight = fits, tight.method_bytes--;
    check_limit(&tight, 2, text, "bad 501");
    tight = fits, tight.extension_bytes--;
    check_limit(&tight, 2, text, "bad 413: chunk extensions");
    tight = fits, tight.trailer_bytes--;
    check_limit(&tight, 2, text, "bad 431: the trailer");
    tight = fits, tight.body_bytes--;
    check_limit(&tight, 2, text, "bad 413: the body");
    check_limit(&tight, 2, POST "Content-Length: 3" L L, "bad 413: the body");
    check_limit(&tight, 2, POST "Content-Length: 2" L L "ab", "idle");
}

/* Everything that has come was looked at once: nothing is left to be read again. */
TEST(resumes_where_it_stopped)
{
    static uint8_t data[1 << 16];
    static const char *const starts[] = {"", "GET /", GET, GET "X: "};
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        struct h1_field fields[4];
        struct h1_head head;
        struct h1_limits limits = h1_limits_default;
        size_t at = strlen(starts[i]);
        limits.head_bytes = limits.target_bytes = limits.method_bytes = sizeof data;
        memset(data, 'a', sizeof data);
        memcpy(data, starts[i], at);
        h1_head_init(&head, H1_REQUEST, fields, COUNT_OF(fields));
        for (size_t size = at + 1; size <= sizeof data; size += 97) {
            CHECK(h1_head_parse(&head, &limits, data, size) == H1_MORE);
            CHECK_INT(head.lines.scan, size);
        }
    }
}

TEST(a_failure_stays)
{
    struct h1_field fields[4];
    struct h1_head head;
    static const uint8_t bad[] = "GET / HTTP/1.1\n", good[] = GET L;
    h1_head_init(&head, H1_REQUEST, fields, COUNT_OF(fields));
    CHECK(h1_head_parse(&head, &h1_limits_default, bad, sizeof bad - 1) == H1_BAD);
    CHECK(h1_head_parse(&head, &h1_limits_default, good, sizeof good - 1) == H1_BAD);
    CHECK_INT(head.lines.answer, 400);
    h1_head_init(&head, H1_REQUEST, fields, COUNT_OF(fields));
    CHECK(h1_head_parse(&head, &h1_limits_default, good, sizeof good - 1) == H1_DONE);
    CHECK(h1_head_parse(&head, &h1_limits_default, good, sizeof good - 1) == H1_DONE);
}

TEST(nul_and_controls_are_refused_everywhere)
{
    static const char text[] = GET "X-Name: some value that is long enough" L L;
    char copy[sizeof text];
    for (size_t at = 0; at < sizeof text - 1; at++) {
        for (int c = 0; c < 0x20; c++) {
            if (c == '\t' || text[at] == c)
                continue;
            memcpy(copy, text, sizeof text);
            copy[at] = (char)c;
            const char *got = trace_bytes(H1_REQUEST, &h1_limits_default, 4, copy, sizeof text - 1);
            REQUIRE(got);
            CHECK(!strncmp(got, "bad 400", 7));
        }
    }
}

CHECK_MAIN
