/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libstint-http.so: HTTP requests through libcurl. The program loads it with dlopen when a guest first
 * makes a request, and finds this one symbol:
 *
 *   const void *stint_http_client(void);   a struct http_client_api
 *
 * Thread-safe.
 */
#ifndef HTTP_HTTP_CLIENT_H
#define HTTP_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_CLIENT_SYMBOL "stint_http_client"
enum {
    HTTP_CLIENT_VERSION = 4,
    HTTP_CLIENT_LATER = -2, /* of `read`: nothing yet */
};

struct http_client_header {
    const char *name; /* terminated */
    const uint8_t *value;
    size_t name_bytes, value_bytes;
};

/* An address that is about to be connected to. */
struct http_client_address {
    bool is_v6;
    uint8_t ip[16]; /* v4: the first four */
    uint16_t port;
};

/* Instead of the system's authorities and no certificate of our own. Files (PEM), or NULL. */
struct http_client_tls {
    bool is_set;
    const char *authorities;
    bool with_system; /* the system's too */
    const char *certificate, *key;
};

struct http_client_request {
    const char *method;
    const char *url; /* "https://example.org/path"; http or https */
    const struct http_client_header *headers;
    size_t header_count;
    bool has_body;
    struct http_client_tls tls;
    /* 0: the library's. */
    uint64_t connect_timeout_ns, first_byte_timeout_ns, between_bytes_timeout_ns;

    /*
     * Called by `perform` in its own thread; those that say false end the request. Both bodies are on
     * their way at once: who waits for a part of one says so, and has no effect on the other.
     */
    void *env;
    bool (*is_cancelled)(void *env); /* asked a few times a second */
    bool (*allows)(void *env, const struct http_client_address *address);
    /* The next bytes of the body; 0: the end, -1: there will be no whole body, HTTP_CLIENT_LATER. */
    int64_t (*read)(void *env, void *data, size_t bytes);
    bool (*header)(void *env, const struct http_client_header *header);
    bool (*start)(void *env, unsigned status); /* once, after the headers */
    /* How many bytes were taken, the rest being offered again later; -1: no more are wanted. */
    int64_t (*write)(void *env, const void *data, size_t bytes);
    /* Whether `read`, else `write`, would get on now; else `ret_fd` becomes ready to read when that
     * may have changed. NULL: they always get on. */
    bool (*look)(void *env, bool is_read, int *ret_fd);
    bool (*trailer)(void *env, const struct http_client_header *header);
    /* What `wake` takes, from now on; NULL: no more. May be NULL. */
    void (*runs)(void *env, void *transfer);
};

/* What came of it: 0, or 1 + the case of wasi:http/types.error-code. */
struct http_client_api {
    uint32_t version; /* HTTP_CLIENT_VERSION */
    uint32_t (*perform)(const struct http_client_request *request);
    /* From any thread: `is_cancelled` is asked at once. */
    void (*wake)(void *transfer);
};

#endif
