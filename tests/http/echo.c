/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server with fixed answers, for the tests of src/http's server: http_echo [KEY=VALUE…]
 *
 * It prints "listening on ADDRESS" and serves until SIGTERM or SIGINT, then drains. Keys are those of
 * the table `settings`, and address=HOST:PORT, drain_ms=N. What paths do stands at `routes`.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "http/http_server.h"
#include "http/http_tls.h"
#include "os/clock.h"
#include "os/plugin.h"

static struct http_server *server;
static uv_loop_t loop;
static uint64_t drain_ms = 2000;

/* ---- Exchanges ---------------------------------------------------------------------------- */

enum { PIECE_BYTES = 16384 };

/* What an exchange that is not answered at once has to remember. */
struct job {
    struct http_exchange *exchange;
    void (*go)(struct job *job); /* on with it: bytes, room or time came */
    uint64_t left, total, seed;
    uint8_t *data; /* read, and not yet written: `bytes` from `at` */
    size_t at, bytes;
    bool is_end;
    uv_timer_t timer;
    bool has_timer;
};

static const struct http_header text_plain[] = {
    {"content-type", "text/plain", 12, 10},
};

static void answer(struct http_exchange *exchange, unsigned status, const char *text, size_t bytes)
{
    http_respond(exchange, status, text_plain, 1, bytes);
    (void)http_write(exchange, text, bytes);
    http_finish(exchange, NULL, 0);
}

static struct job *begin(struct http_exchange *exchange, void (*go)(struct job *job))
{
    struct job *job = calloc(1, sizeof(*job));
    if (job == NULL)
        abort();
    job->exchange = exchange;
    job->go = go;
    http_exchange_set_user(exchange, job);
    return job;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct job *job = handle->data;
    free(job->data);
    free(job);
}

static void drop(struct job *job)
{
    if (job->has_timer) {
        uv_close((uv_handle_t *)&job->timer, on_timer_closed);
        return;
    }
    free(job->data);
    free(job);
}

/* "name=123" in the query. */
static uint64_t number_of(const struct http_exchange *exchange, const char *name,
                          uint64_t otherwise)
{
    const char *at = strchr(http_exchange_request(exchange)->path, '?');
    size_t bytes = strlen(name);
    while (at != NULL) {
        at++;
        if (!strncmp(at, name, bytes) && at[bytes] == '=')
            return strtoull(at + bytes + 1, NULL, 10);
        at = strchr(at, '&');
    }
    return otherwise;
}

/* ---- What paths do ------------------------------------------------------------------------ */

static void hello(struct http_exchange *exchange)
{
    answer(exchange, 200, "Hello, world!\n", 14);
}

static void go_echo(struct job *job)
{
    struct http_exchange *exchange = job->exchange;
    for (;;) {
        if (job->at == job->bytes) {
            job->at = job->bytes = 0;
            enum os_error error = http_body_read(exchange, job->data, PIECE_BYTES, &job->bytes);
            if (error != OS_OK)
                return;
            if (job->bytes == 0) {
                size_t count;
                const struct http_header *trailers = http_trailers(exchange, &count);
                http_finish(exchange, trailers, count);
                return;
            }
        }
        job->at += http_write(exchange, job->data + job->at, job->bytes - job->at);
        if (job->at < job->bytes)
            return;
    }
}

/* The body comes back; with its length where it has one. */
static void echo(struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct job *job = begin(exchange, go_echo);
    job->data = malloc(PIECE_BYTES);
    uint64_t limit = number_of(exchange, "limit", UINT64_MAX);
    if (limit != UINT64_MAX)
        http_body_limit(exchange, limit);
    if (number_of(exchange, "late", 0) == 0)
        http_respond(exchange, 200, text_plain, 1,
                     request->has_length ? request->content_length : HTTP_LENGTH_UNKNOWN);
    go_echo(job);
}

static void go_sink(struct job *job)
{
    uint8_t data[PIECE_BYTES];
    size_t bytes;
    enum os_error error;
    while ((error = http_body_read(job->exchange, data, sizeof(data), &bytes)) == OS_OK) {
        job->total += bytes;
        for (size_t i = 0; i < bytes; i++)
            job->seed = job->seed * 31 + data[i];
        if (bytes > 0)
            continue;
        char text[80];
        int written =
            snprintf(text, sizeof(text), "%" PRIu64 " %016" PRIx64 "\n", job->total, job->seed);
        answer(job->exchange, 200, text, (size_t)written);
        return;
    }
}

/* The body's length and a checksum of it. */
static void sink(struct http_exchange *exchange)
{
    uint64_t limit = number_of(exchange, "limit", UINT64_MAX);
    if (limit != UINT64_MAX)
        http_body_limit(exchange, limit);
    go_sink(begin(exchange, go_sink));
}

static void go_big(struct job *job)
{
    uint8_t data[65536];
    while (job->left > 0) {
        size_t bytes = job->left < sizeof(data) ? (size_t)job->left : sizeof(data);
        for (size_t i = 0; i < bytes; i++)
            data[i] = (uint8_t)('a' + (job->total + i) % 26);
        size_t taken = http_write(job->exchange, data, bytes);
        job->left -= taken;
        job->total += taken;
        if (taken < bytes)
            return;
    }
    http_finish(job->exchange, NULL, 0);
}

/* ?bytes=N of the alphabet; ?chunked=1 without a length; ?say=N says another one. */
static void big(struct http_exchange *exchange)
{
    struct job *job = begin(exchange, go_big);
    job->left = number_of(exchange, "bytes", 0);
    uint64_t length = number_of(exchange, "say", job->left);
    if (number_of(exchange, "chunked", 0))
        length = HTTP_LENGTH_UNKNOWN;
    http_respond(exchange, (unsigned)number_of(exchange, "status", 200), text_plain, 1, length);
    go_big(job);
}

static void go_trailers(struct job *job)
{
    uint8_t data[PIECE_BYTES];
    size_t bytes, count;
    while (http_body_read(job->exchange, data, sizeof(data), &bytes) == OS_OK) {
        if (bytes > 0)
            continue;
        const struct http_header *trailers = http_trailers(job->exchange, &count);
        for (size_t i = 0; i < count; i++) {
            char line[512];
            int written = snprintf(line, sizeof(line), "%s=%.*s\n", trailers[i].name,
                                   (int)trailers[i].value_bytes, trailers[i].value);
            (void)http_write(job->exchange, line, (size_t)written);
        }
        const struct http_header mine[] = {{"X-Sum", "42", 5, 2}, {"x-split", "a\r\nb: c", 7, 7}};
        http_finish(job->exchange, mine, 2);
        return;
    }
}

/* The request's trailers as text, and two of its own, one of which is unfit. */
static void trailers(struct http_exchange *exchange)
{
    http_respond(exchange, 200, text_plain, 1, HTTP_LENGTH_UNKNOWN);
    go_trailers(begin(exchange, go_trailers));
}

static void on_slow(uv_timer_t *timer)
{
    struct job *job = timer->data;
    answer(job->exchange, 200, "late\n", 5);
}

/* Answers after ?ms=N. */
static void slow(struct http_exchange *exchange)
{
    struct job *job = begin(exchange, NULL);
    job->has_timer = true;
    uv_timer_init(&loop, &job->timer);
    job->timer.data = job;
    uv_timer_start(&job->timer, on_slow, number_of(exchange, "ms", 100), 0);
}

/* Never answers. */
static void never(struct http_exchange *exchange)
{
    (void)begin(exchange, NULL);
}

/* Breaks off: at once, or with ?after=1 in the middle of a body. */
static void abort_it(struct http_exchange *exchange)
{
    if (number_of(exchange, "after", 0)) {
        http_respond(exchange, 200, text_plain, 1, HTTP_LENGTH_UNKNOWN);
        (void)http_write(exchange, "some", 4);
    }
    http_abort(exchange);
}

static void put_address(char *text, size_t room, const struct inet_address *address)
{
    const uint8_t *ip = address->ip;
    if (!address->is_v6) {
        (void)snprintf(text, room, "%u.%u.%u.%u:%u", ip[0], ip[1], ip[2], ip[3], address->port);
        return;
    }
    char *at = text;
    for (int i = 0; i < 16; i += 2)
        at += snprintf(at, room - (size_t)(at - text), "%02x%02x:", ip[i], ip[i + 1]);
    (void)snprintf(at, room - (size_t)(at - text), "%u", address->port);
}

/* What the server made of the request. */
static void show(struct http_exchange *exchange)
{
    static char text[1 << 20];
    char peer[80], local[80];
    const struct http_request *request = http_exchange_request(exchange);
    put_address(peer, sizeof(peer), &request->peer);
    put_address(local, sizeof(local), &request->local);
    size_t at = (size_t)snprintf(
        text, sizeof(text),
        "%s %s://%s %s %u tls=%d length=%" PRId64 " body=%d\npeer %s\nlocal %s\n", request->method,
        request->scheme, request->authority, request->path, request->version, request->is_tls,
        request->has_length ? (int64_t)request->content_length : -1, request->has_body, peer,
        local);
    for (size_t i = 0; i < request->header_count && at + 4096 < sizeof(text); i++) {
        const struct http_header *header = &request->headers[i];
        at += (size_t)snprintf(text + at, 4096, "%s: %.*s\n", header->name,
                               (int)header->value_bytes, header->value);
    }
    answer(exchange, 200, text, at);
}

/* Headers that must not get through, and an own date. */
static void unfit(struct http_exchange *exchange)
{
    static const struct http_header headers[] = {
        {"X-Good", "1", 6, 1},
        {"x-split", "a\r\nset-cookie: b", 7, 16},
        {"x bad", "1", 5, 1},
        {"x-nul", "a\0b", 5, 3},
        {"", "1", 0, 1},
        {"Connection", "x-good", 10, 6},
        {"Transfer-Encoding", "chunked", 17, 7},
        {"Content-Length", "99", 14, 2},
        {"Upgrade", "h2c", 7, 3},
        {"date", "never", 4, 5},
    };
    http_respond(exchange, 200, headers, COUNT_OF(headers), 2);
    (void)http_write(exchange, "ok and what is too much", 23);
    http_finish(exchange, NULL, 0);
}

static void stats(struct http_exchange *exchange)
{
    struct http_server_stats s;
    char text[1024];
    uint64_t kib = 0;
    size_t rss = 0;
    if (uv_resident_set_memory(&rss) == 0)
        kib = rss / 1024;
    http_server_stats(server, &s);
    int bytes =
        snprintf(text, sizeof(text),
                 "{\"accepted\": %" PRIu64 ", \"closed\": %" PRIu64 ", \"requests\": %" PRIu64
                 ", \"refused\": %" PRIu64 ", \"timeouts\": %" PRIu64 ", \"resets\": %" PRIu64
                 ", \"open\": %u, \"idle\": %u, \"exchanges\": %u, \"received\": %" PRIu64
                 ", \"sent\": %" PRIu64 ", \"postponed\": %" PRIu64 ", \"handshakes\": %" PRIu64
                 ", \"bad_handshakes\": %" PRIu64 ", \"rss_kib\": %" PRIu64 "}\n",
                 s.accepted, s.closed, s.requests, s.refused, s.timeouts, s.resets, s.open, s.idle,
                 s.exchanges, s.received_bytes, s.sent_bytes, s.postponed, s.handshakes, s.bad_handshakes, kib);
    answer(exchange, 200, text, (size_t)bytes);
}

static const struct {
    const char *path;
    void (*serve)(struct http_exchange *exchange);
} routes[] = {
    {"/hello", hello}, {"/echo", echo},         {"/sink", sink},   {"/big", big},
    {"/slow", slow},   {"/trailers", trailers}, {"/never", never}, {"/abort", abort_it},
    {"/show", show},   {"/unfit", unfit},       {"/stats", stats}, {"*", show},
};

static void on_request(void *env, struct http_exchange *exchange)
{
    const char *path = http_exchange_request(exchange)->path;
    size_t bytes = strcspn(path, "?");
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        if (strlen(routes[i].path) == bytes && !memcmp(path, routes[i].path, bytes)) {
            routes[i].serve(exchange);
            return;
        }
    }
    answer(exchange, 404, "nothing here\n", 13);
}

static void on_news(void *env, struct http_exchange *exchange)
{
    struct job *job = http_exchange_user(exchange);
    if (job != NULL && job->go != NULL)
        job->go(job);
}

static void on_end(void *env, struct http_exchange *exchange)
{
    struct job *job = http_exchange_user(exchange);
    if (job != NULL)
        drop(job);
}

static void on_drained(void *env, struct http_server *drained)
{
    uv_stop(&loop);
}

/* ---- The program -------------------------------------------------------------------------- */

static struct http_config config;

static const struct {
    const char *name;
    size_t at, bytes;
    uint64_t unit;
} settings[] = {
#define SETTING(name, field, unit)                                                                 \
    {name, offsetof(struct http_config, field), sizeof(config.field), unit}
    SETTING("head_bytes", limits.head_bytes, 1),
    SETTING("body_bytes", limits.body_bytes, 1),
    SETTING("fields_max", fields_max, 1),
    SETTING("connections_max", connections_max, 1),
    SETTING("streams_max", streams_max, 1),
    SETTING("send_bytes_max", send_bytes_max, 1),
    SETTING("receive_bytes_max", receive_bytes_max, 1),
    SETTING("head_ms", head_timeout_ns, 1000000),
    SETTING("idle_ms", idle_timeout_ns, 1000000),
    SETTING("body_ms", body_timeout_ns, 1000000),
    SETTING("send_ms", send_timeout_ns, 1000000),
    SETTING("body_rate", body_rate_min, 1),
    SETTING("without_h2", without_h2, 1),
};

static bool set(const char *name, size_t name_bytes, uint64_t value)
{
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        if (strlen(settings[i].name) != name_bytes || memcmp(name, settings[i].name, name_bytes))
            continue;
        value *= settings[i].unit;
        memcpy((char *)&config + settings[i].at, &value, settings[i].bytes);
        return true;
    }
    return false;
}

/* ---- TLS ---------------------------------------------------------------------------------- */

static struct http_tls *tls;
static struct http_tls_files tls_files[4];
static size_t tls_file_count;

/* tls=CERTIFICATE,KEY; may be given several times. */
static bool add_files(char *text)
{
    char *comma = strchr(text, ',');
    if (comma == NULL || tls_file_count == COUNT_OF(tls_files))
        return false;
    *comma = '\0';
    tls_files[tls_file_count++] = (struct http_tls_files){text, comma + 1};
    return true;
}

static bool load_tls(struct http_listen *how)
{
    struct stint_error error = {0};
    struct http_tls_config tls_config = {.files = tls_files, .file_count = tls_file_count};
    char message[400];
    const void *table;
    if (plugin_table("libstint-tls.so", HTTP_TLS_SYMBOL, HTTP_TLS_API_VERSION, &table, &error) !=
        STINT_OK) {
        fprintf(stderr, "http_echo: %s\n", error.message);
        return false;
    }
    tls = ((const struct http_tls_api *)table)->create(&tls_config, message, sizeof(message));
    how->tls = tls;
    if (tls == NULL) {
        fprintf(stderr, "http_echo: %s\n", message);
        return false;
    }
    uint8_t keys[1][HTTP_TLS_TICKET_KEY_BYTES] = {"a key that is good enough for a test"};
    tls->api->set_ticket_keys(tls, keys, 1);
    return true;
}

static void on_reload(uv_signal_t *handle, int number)
{
    char message[400] = "reloaded";
    if (tls != NULL)
        (void)tls->api->reload(tls, message, sizeof(message));
    printf("%s\n", message);
    fflush(stdout);
}

static void on_signal(uv_signal_t *handle, int number)
{
    static bool is_draining;
    if (is_draining)
        return;
    is_draining = true;
    http_server_drain(server, clock_now_ns(OS_CLOCK_MONOTONIC) + drain_ms * 1000000u);
}

static int serve(const char *address, const struct http_listen *how)
{
    struct stint_error error = {0};
    struct http_handler handler = {.request = on_request,
                                   .readable = on_news,
                                   .writable = on_news,
                                   .end = on_end,
                                   .drained = on_drained};
    uv_signal_t signals[3];
    char bound[80];
    int fd;
    uv_loop_init(&loop);
    if (socket_listen_tcp(address, &fd, &error) != STINT_OK ||
        http_server_create(&loop, &config, &handler, NULL, &server, &error) != STINT_OK ||
        http_server_listen(server, fd, how, &error) != STINT_OK ||
        socket_local_address(fd, bound, sizeof(bound)) != OS_OK) {
        fprintf(stderr, "http_echo: %s\n", error.message);
        return 1;
    }
    for (int i = 0; i < 3; i++) {
        static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
        uv_signal_init(&loop, &signals[i]);
        uv_signal_start(&signals[i], i < 2 ? on_signal : on_reload, numbers[i]);
        uv_unref((uv_handle_t *)&signals[i]);
    }
    printf("listening on %s\n", bound);
    fflush(stdout);
    uv_run(&loop, UV_RUN_DEFAULT);
    http_server_free(server);
    if (tls != NULL)
        tls->api->free(tls);
    for (int i = 0; i < 3; i++)
        uv_close((uv_handle_t *)&signals[i], NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    int result = uv_loop_close(&loop);
    if (result != 0)
        fprintf(stderr, "http_echo: handles are left: %s\n", uv_strerror(result));
    return result != 0;
}

int main(int argc, char **argv)
{
    const char *address = "127.0.0.1:0";
    struct http_listen how = {0};
    config = http_config_default();
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        size_t bytes = equals ? (size_t)(equals - argv[i]) : 0;
        if (bytes == 7 && !memcmp(argv[i], "address", 7)) {
            address = equals + 1;
        } else if (bytes == 8 && !memcmp(argv[i], "drain_ms", 8)) {
            drain_ms = strtoull(equals + 1, NULL, 10);
        } else if (bytes == 5 && !memcmp(argv[i], "proxy", 5)) {
            how.proxy_protocol = true;
        } else if (bytes == 3 && !memcmp(argv[i], "tls", 3)) {
            if (!add_files(argv[i] + 4))
                return 2;
        } else if (!equals || !set(argv[i], bytes, strtoull(equals + 1, NULL, 10))) {
            fprintf(stderr, "http_echo: what is %s?\n", argv[i]);
            return 2;
        }
    }
    return tls_file_count == 0 || load_tls(&how) ? serve(address, &how) : 1;
}
