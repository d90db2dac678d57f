/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libstint-tls.so: TLS 1.2 and 1.3 through OpenSSL 3, for a server and for its own requests to others.
 * Who needs it loads it with dlopen, and finds this one symbol:
 *
 *   const void *stint_tls_api(void);   a struct http_tls_api
 *
 * A struct http_tls may be used by several threads at once, a session by one.
 */
#ifndef HTTP_HTTP_TLS_H
#define HTTP_HTTP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_TLS_SYMBOL "stint_tls_api"
enum { HTTP_TLS_API_VERSION = 3 };
/* Of a key for session tickets: 16 bytes that name it, 32 for HMAC-SHA-256, 32 for AES-256. */
enum { HTTP_TLS_TICKET_KEY_BYTES = 80, HTTP_TLS_TICKET_KEYS_MAX = 4 };

struct http_tls_api;
struct http_tls_session;

/* Certificates and keys; the rest of it is private. */
struct http_tls {
    const struct http_tls_api *api;
};

struct http_tls_files {
    const char *certificate; /* PEM: the chain, the server's first */
    const char *key;         /* PEM */
    /* Names that it serves beside those in it: "example.org", "*.example.org". */
    const char *const *hosts;
    size_t host_count;
};

struct http_tls_config {
    /* A client's name picks the first that names it in `hosts`, else the first whose certificate is for
     * it; else it is the first of all. */
    const struct http_tls_files *files;
    size_t file_count;
    bool without_tls_1_2, without_h2;
};

/* For connections to others. */
struct http_tls_client_config {
    /* Who answers is checked against these authorities, a PEM file, or NULL; and those of the system.
     * With neither nobody is trusted. */
    const char *authorities;
    bool with_system;
    const char *certificate, *key; /* what to show when asked who we are: PEM; NULL: nothing */
    bool is_http;                  /* HTTP/1.1 is asked for by ALPN */
};

struct http_tls_certificate {
    char name[256];    /* its first DNS name, or its subject */
    int64_t expires_s; /* since 1970 */
};

enum http_tls_result { HTTP_TLS_OK, HTTP_TLS_WANTS_READ, HTTP_TLS_WANTS_WRITE, HTTP_TLS_FAILED };

struct http_tls_api {
    uint32_t version; /* HTTP_TLS_API_VERSION */
    const char *description;
    /* NULL: `message` says which file, and why. */
    struct http_tls *(*create)(const struct http_tls_config *config, char *message, size_t room);
    /* Reads the files again, for new connections; false, and all stays as it was, if one is wrong. */
    bool (*reload)(struct http_tls *tls, char *message, size_t room);
    void (*free)(struct http_tls *tls); /* accepts NULL; sessions may outlive it */
    /* The first encrypts new tickets, all decrypt. Without keys there are no tickets. */
    void (*set_ticket_keys)(struct http_tls *tls, const uint8_t keys[][HTTP_TLS_TICKET_KEY_BYTES],
                            size_t count);
    /* At most `max`; how many there are. */
    size_t (*certificates)(struct http_tls *tls, struct http_tls_certificate *ret, size_t max);

    /* On a connected socket, which stays the caller's; NULL: memory is out. */
    struct http_tls_session *(*begin)(struct http_tls *tls, int fd);
    enum http_tls_result (*handshake)(struct http_tls_session *session);
    /* 0 bytes: the peer has ended. */
    enum http_tls_result (*read)(struct http_tls_session *session, void *data, size_t room,
                                 size_t *ret_bytes);
    enum http_tls_result (*write)(struct http_tls_session *session, const void *data, size_t bytes,
                                  size_t *ret_bytes);
    bool (*has_pending)(struct http_tls_session *session); /* bytes that no event will tell of */
    bool (*is_h2)(struct http_tls_session *session);       /* ALPN chose it */
    void (*shut)(struct http_tls_session *session);        /* says that no more comes */
    void (*end)(struct http_tls_session *session);         /* accepts NULL */

    /* For connections of our own. Freed as the others are; sessions begin with `begin_client`, for a
     * name or an address (without brackets), which is what the certificate has to be for. */
    struct http_tls *(*create_client)(const struct http_tls_client_config *config, char *message,
                                      size_t room);
    struct http_tls_session *(*begin_client)(struct http_tls *tls, int fd, const char *host);
    /* After HTTP_TLS_FAILED: why; stays. */
    const char *(*problem)(struct http_tls_session *session);
    /* Whether another certificate of the server than this session's is the one for `name`. */
    bool (*is_for_another)(struct http_tls_session *session, const char *name);
};

#endif
