/* SPDX-License-Identifier: Apache-2.0 */
#include "services/service_net.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "wasi/host_lookup.h"

enum net_end net_fail(struct net_task *task, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)vsnprintf(task->message, sizeof(task->message), format, list);
    va_end(list);
    return NET_FAILED;
}

static enum net_end fail_at(struct net_task *task, const struct net_place *place, const char *what)
{
    return net_fail(task, "%.128s:%u: %s", place->host, place->port, what);
}

/* ---- Places ------------------------------------------------------------------------------ */

static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '-' || c == '_';
}

bool net_place_parse(const char *text, size_t bytes, uint16_t port, struct net_place *ret_place)
{
    struct net_place place = {.port = port};
    struct inet_address ignored;
    size_t host = 0;
    bool has_brackets = bytes > 0 && text[0] == '[';
    if (has_brackets) {
        const char *end = memchr(text, ']', bytes);
        host = end != NULL ? (size_t)(end - text) + 1 : bytes + 1;
    } else {
        while (host < bytes && is_host_byte(text[host]))
            host++;
    }
    if (host == 0 || host > bytes || host >= sizeof(place.host))
        return false;
    memcpy(place.host, text, host);
    if (has_brackets) {
        char inside[NET_HOST_BYTES] = "";
        memcpy(inside, text + 1, host - 2);
        if (!inet_parse(inside, &ignored) || !ignored.is_v6)
            return false;
    }
    if (host < bytes) {
        uint32_t number = 0;
        if (text[host] != ':' || host + 1 == bytes)
            return false;
        for (size_t i = host + 1; i < bytes; i++) {
            if (text[i] < '0' || text[i] > '9' || number > UINT16_MAX)
                return false;
            number = number * 10 + (uint32_t)(text[i] - '0');
        }
        if (number == 0 || number > UINT16_MAX)
            return false;
        place.port = (uint16_t)number;
    }
    *ret_place = place;
    return true;
}

/* ---- Waiting ----------------------------------------------------------------------------- */

/* Until the descriptor is ready for `wanted`, READY_READ or READY_WRITE. */
static enum net_end await(struct net_task *task, const struct net_place *place, int fd,
                          int16_t wanted)
{
    struct ready_item item = {.fd = fd, .wanted = wanted};
    size_t ready = 0;
    switch (host_wait_any(&task->wait, &item, 1, task->until_ns, &ready)) {
    case OS_OK:
        task->is_late = ready == 0;
        return ready > 0 ? NET_DONE : fail_at(task, place, "no answer in time");
    case OS_STOPPED:
        return NET_STOPPED;
    default:
        return fail_at(task, place, "the server cannot wait for it");
    }
}

/* ---- Names ------------------------------------------------------------------------------- */

static enum net_end look_up(struct net_task *task, const struct net_place *place,
                            struct inet_address *addresses, size_t *ret_count)
{
    struct host_lookup *lookup;
    const struct inet_address *found;
    enum net_end end = NET_DONE;
    int fd;
    if (host_lookup_start(place->host, &lookup))
        return fail_at(task, place, "too many names are being looked up");
    while (end == NET_DONE && !host_lookup_is_done(lookup, &fd))
        end = await(task, place, fd, READY_READ);
    if (end == NET_DONE && host_lookup_result(lookup, &found, ret_count))
        end = fail_at(task, place, "there is no address for this name");
    for (size_t i = 0; end == NET_DONE && i < *ret_count; i++)
        addresses[i] = found[i];
    host_lookup_release(lookup);
    return end;
}

/* A host without the brackets of IPv6. */
static void bare_host(const struct net_place *place, char ret_host[NET_HOST_BYTES])
{
    size_t bytes = strlen(place->host);
    bool has_brackets = place->host[0] == '[';
    memcpy(ret_host, place->host + has_brackets, bytes + 1 - has_brackets);
    if (has_brackets)
        ret_host[bytes - 2] = '\0';
}

/* The addresses that the task's policy lets it use; at least one. */
static enum net_end resolve(struct net_task *task, const struct net_place *place,
                            struct inet_address ret_addresses[INET_LOOKUP_MAX], size_t *ret_count)
{
    char inside[NET_HOST_BYTES];
    size_t count = 0, kept = 0;
    bare_host(place, inside);
    if (inet_parse(inside, &ret_addresses[0])) {
        count = 1;
    } else {
        enum net_end end = look_up(task, place, ret_addresses, &count);
        if (end != NET_DONE)
            return end;
    }
    for (size_t i = 0; i < count; i++) {
        struct inet_address address = ret_addresses[i];
        address.port = place->port;
        if (task->net == NULL ||
            host_net_judge_address(task->net, task->scheme, place->host, &address))
            ret_addresses[kept++] = address;
    }
    *ret_count = kept;
    return kept > 0 ? NET_DONE
                    : fail_at(task, place, "its address is private, and no rule names that");
}

/* ---- Connecting -------------------------------------------------------------------------- */

static enum net_end connect_one(struct net_task *task, const struct net_place *place,
                                const struct inet_address *address, int *ret_fd)
{
    int fd;
    if (inet_create(address->is_v6, false, &fd))
        return fail_at(task, place, "there is no socket for it");
    enum os_error error = inet_connect(fd, address);
    enum net_end end = NET_DONE;
    if (error == OS_INPROGRESS) {
        end = await(task, place, fd, READY_WRITE);
        error = end == NET_DONE ? inet_error(fd) : OS_OK;
    }
    if (end == NET_DONE && error)
        end = fail_at(task, place, os_error_text(error));
    if (end != NET_DONE) {
        file_close(fd);
        return end;
    }
    (void)!inet_set_option(fd, address->is_v6, INET_NO_DELAY, 1);
    *ret_fd = fd;
    return NET_DONE;
}

/* For what TLS waits; NET_DONE: it may be tried again. */
static enum net_end await_tls(struct net_task *task, const struct net_place *place,
                              const struct net_stream *stream, enum http_tls_result result)
{
    return await(task, place, stream->fd,
                 result == HTTP_TLS_WANTS_WRITE ? READY_WRITE : READY_READ);
}

static bool wants_more(enum http_tls_result result)
{
    return result == HTTP_TLS_WANTS_READ || result == HTTP_TLS_WANTS_WRITE;
}

static enum net_end fail_of(struct net_task *task, const struct net_place *place,
                            const struct net_stream *stream, enum os_error error)
{
    if (stream->session == NULL)
        return fail_at(task, place, os_error_text(error));
    return net_fail(task, "%.100s:%u: TLS: %.80s", place->host, place->port,
                    stream->api->problem(stream->session));
}

static enum net_end shake_hands(struct net_task *task, const struct net_place *place,
                                struct http_tls *tls, struct net_stream *stream)
{
    char host[NET_HOST_BYTES];
    bare_host(place, host);
    stream->api = tls->api;
    stream->session = tls->api->begin_client(tls, stream->fd, host);
    if (stream->session == NULL)
        return net_fail(task, "out of memory for a connection");
    for (;;) {
        enum http_tls_result result = stream->api->handshake(stream->session);
        if (result == HTTP_TLS_OK)
            return NET_DONE;
        if (!wants_more(result))
            return fail_of(task, place, stream, OS_CONNRESET);
        enum net_end end = await_tls(task, place, stream, result);
        if (end != NET_DONE)
            return end;
    }
}

enum net_end net_connect(struct net_task *task, const struct net_place *place, struct http_tls *tls,
                         struct net_stream *ret_stream)
{
    struct inet_address addresses[INET_LOOKUP_MAX];
    size_t count;
    enum net_end end = resolve(task, place, addresses, &count);
    for (size_t i = 0; end != NET_STOPPED && i < count; i++) {
        struct net_stream stream = NET_CLOSED;
        end = connect_one(task, place, &addresses[i], &stream.fd);
        if (end == NET_DONE && tls != NULL)
            end = shake_hands(task, place, tls, &stream);
        if (end == NET_DONE) {
            *ret_stream = stream;
            break;
        }
        net_close(&stream);
        if (clock_now_ns(OS_CLOCK_MONOTONIC) >= task->until_ns)
            break;
    }
    return end;
}

void net_close(struct net_stream *stream)
{
    if (stream->session != NULL) {
        stream->api->shut(stream->session);
        stream->api->end(stream->session);
    }
    if (stream->fd >= 0)
        file_close(stream->fd);
    *stream = NET_CLOSED;
}

/* ---- Connections ------------------------------------------------------------------------- */

/* OS_AGAIN: `ret_wanted` says when to try again. */
static enum os_error send_some(struct net_stream *stream, const void *data, size_t bytes,
                               size_t *ret_bytes, int16_t *ret_wanted)
{
    struct file_span span = {(void *)(uintptr_t)data, bytes};
    *ret_wanted = READY_WRITE;
    if (stream->session == NULL)
        return socket_send(stream->fd, &span, 1, ret_bytes);
    enum http_tls_result result = stream->api->write(stream->session, data, bytes, ret_bytes);
    if (result == HTTP_TLS_WANTS_READ)
        *ret_wanted = READY_READ;
    return result == HTTP_TLS_OK ? OS_OK : wants_more(result) ? OS_AGAIN : OS_CONNRESET;
}

/* The same; 0 bytes: the server has ended. */
static enum os_error receive_some(struct net_stream *stream, void *room, size_t bytes,
                                  size_t *ret_bytes, int16_t *ret_wanted)
{
    struct file_span span = {room, bytes};
    bool is_truncated;
    *ret_wanted = READY_READ;
    if (stream->session == NULL)
        return socket_receive(stream->fd, &span, 1, 0, ret_bytes, &is_truncated);
    enum http_tls_result result = stream->api->read(stream->session, room, bytes, ret_bytes);
    if (result == HTTP_TLS_WANTS_WRITE)
        *ret_wanted = READY_WRITE;
    return result == HTTP_TLS_OK ? OS_OK : wants_more(result) ? OS_AGAIN : OS_CONNRESET;
}

enum net_end net_send(struct net_task *task, const struct net_place *place,
                      struct net_stream *stream, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    while (bytes > 0) {
        int16_t wanted;
        size_t done = 0;
        enum os_error error = send_some(stream, at, bytes, &done, &wanted);
        enum net_end end = NET_DONE;
        if (error == OS_AGAIN)
            end = await(task, place, stream->fd, wanted);
        else if (error)
            end = fail_of(task, place, stream, error);
        if (end != NET_DONE)
            return end;
        at += done;
        bytes -= done;
    }
    return NET_DONE;
}

void net_try_send(struct net_stream *stream, const void *data, size_t bytes)
{
    int16_t ignored;
    size_t done;
    if (stream->fd >= 0)
        (void)!send_some(stream, data, bytes, &done, &ignored);
}

enum net_end net_receive(struct net_task *task, const struct net_place *place,
                         struct net_stream *stream, void *room, size_t bytes, size_t *ret_bytes)
{
    for (;;) {
        int16_t wanted;
        size_t done = 0;
        enum os_error error = receive_some(stream, room, bytes, &done, &wanted);
        enum net_end end = NET_DONE;
        if (error == OS_AGAIN)
            end = await(task, place, stream->fd, wanted);
        else if (error)
            end = fail_of(task, place, stream, error);
        else if (done == 0)
            end = fail_at(task, place, "the connection was closed");
        if (end != NET_DONE)
            return end;
        if (done > 0) {
            *ret_bytes = done;
            return NET_DONE;
        }
    }
}

bool net_is_quiet(const struct net_stream *stream)
{
    return stream->fd >= 0 && host_wait_look(stream->fd, READY_READ) == OS_AGAIN &&
           (stream->session == NULL || !stream->api->has_pending(stream->session));
}
