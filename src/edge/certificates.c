/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/certificates.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "http/http_tls.h"
#include "os/clock.h"
#include "os/files.h"
#include "os/random.h"
#include "services/service_tls.h"

enum {
    KEYS_KEPT = 3, /* tickets live for so many rotations */
    CERTIFICATES_MAX = 64,
    SOON_DAYS = 14,
    DAY_S = 24 * 60 * 60,
    MESSAGE_BYTES = 512,
};

static const uint64_t second_ns = 1000000000;
static const uint64_t default_rotation_ns = UINT64_C(12) * 3600 * 1000000000;

/* What tells that a file is another one. */
struct file_state {
    uint64_t inode, size_bytes, modified_ns;
};

struct certificates {
    struct arena arena; /* paths: the application may be another one by then */
    const struct http_tls_api *api;
    struct http_tls *tls;
    struct http_tls_files *files;
    struct file_state *states; /* two of each of `files` */
    size_t count;
    uint8_t keys[KEYS_KEPT][HTTP_TLS_TICKET_KEY_BYTES];
    size_t key_count;
    uint64_t rotation_ns, rotate_at_ns, warn_at_ns; /* OS_CLOCK_MONOTONIC */
    struct lock lock; /* of what follows: what certificates_print says */
    struct http_tls_certificate *known;
    size_t known_count;
};

/* ---- Files ------------------------------------------------------------------------------- */

static struct file_state state_of(const char *path)
{
    struct file_stat stat;
    if (file_stat_host(path, &stat))
        return (struct file_state){0};
    return (struct file_state){stat.inode, stat.size_bytes, stat.modified_ns};
}

/* Whether some file is another one than it was at the last call. */
static bool look(struct certificates *certificates)
{
    bool is_other = false;
    for (size_t i = 0; i < certificates->count * 2; i++) {
        const struct http_tls_files *files = &certificates->files[i / 2];
        struct file_state *known = &certificates->states[i];
        const struct file_state now = state_of(i % 2 == 0 ? files->certificate : files->key);
        is_other |= now.inode != known->inode || now.size_bytes != known->size_bytes ||
                    now.modified_ns != known->modified_ns;
        *known = now;
    }
    return is_other;
}

/* As files were read, so that other threads need not ask the plug-in. */
static void remember(struct certificates *certificates)
{
    lock_take(&certificates->lock);
    size_t count =
        certificates->api->certificates(certificates->tls, certificates->known, CERTIFICATES_MAX);
    certificates->known_count = count < CERTIFICATES_MAX ? count : CERTIFICATES_MAX;
    lock_give(&certificates->lock);
}

/* Whether another of the same name ends before it: that one counts. */
static bool is_later(const struct certificates *certificates, size_t number)
{
    const struct http_tls_certificate *known = certificates->known;
    for (size_t i = 0; i < certificates->known_count; i++) {
        if (i != number && strcmp(known[i].name, known[number].name) == 0 &&
            (known[i].expires_s < known[number].expires_s ||
             (known[i].expires_s == known[number].expires_s && i < number)))
            return true;
    }
    return false;
}

void certificates_print(struct certificates *certificates, struct buf *out)
{
    static const char name[] = "stint_certificate_expiry_seconds";
    if (certificates == NULL)
        return;
    (void)buf_append_format(out, "# HELP %s When a certificate ends, since 1970.\n# TYPE %s gauge\n",
                            name, name);
    lock_take(&certificates->lock);
    for (size_t i = 0; i < certificates->known_count; i++) {
        if (is_later(certificates, i))
            continue;
        (void)buf_append_format(out, "%s{name=\"", name);
        (void)metrics_put_label(out, certificates->known[i].name);
        (void)buf_append_format(out, "\"} %" PRId64 "\n", certificates->known[i].expires_s);
    }
    lock_give(&certificates->lock);
}

static void warn_of_end(struct certificates *certificates, struct log_buffer *log, uint64_t now_ns)
{
    struct http_tls_certificate found[CERTIFICATES_MAX];
    int64_t now_s = (int64_t)(clock_now_ns(OS_CLOCK_REALTIME) / second_ns);
    size_t count = certificates->api->certificates(certificates->tls, found, CERTIFICATES_MAX);
    for (size_t i = 0; i < count && i < CERTIFICATES_MAX; i++) {
        int64_t left_s = found[i].expires_s - now_s;
        if (left_s < 0)
            log_line(log, LOG_ERROR, NULL, NULL, "the certificate of %s has expired", found[i].name);
        else if (left_s < SOON_DAYS * DAY_S)
            log_line(log, LOG_WARN, NULL, NULL,
                     "the certificate of %s expires in %" PRId64 " days", found[i].name,
                     left_s / DAY_S);
    }
    certificates->warn_at_ns = now_ns + DAY_S * second_ns;
}

void certificates_reload(struct certificates *certificates, struct log_buffer *log)
{
    char message[MESSAGE_BYTES];
    if (certificates == NULL)
        return;
    (void)look(certificates);
    if (!certificates->api->reload(certificates->tls, message, sizeof(message))) {
        log_line(log, LOG_ERROR, NULL, NULL, "the old certificates stay: %s", message);
        return;
    }
    log_line(log, LOG_INFO, NULL, NULL, "certificates read again");
    remember(certificates);
    warn_of_end(certificates, log, clock_now_ns(OS_CLOCK_MONOTONIC));
}

/* ---- Ticket keys ------------------------------------------------------------------------- */

static void rotate(struct certificates *certificates, uint64_t now_ns)
{
    uint8_t key[HTTP_TLS_TICKET_KEY_BYTES];
    certificates->rotate_at_ns = now_ns + certificates->rotation_ns;
    if (random_fill(key, sizeof(key)))
        return; /* the old key serves on */
    memmove(certificates->keys[1], certificates->keys[0], sizeof(key) * (KEYS_KEPT - 1));
    memcpy(certificates->keys[0], key, sizeof(key));
    if (certificates->key_count < KEYS_KEPT)
        certificates->key_count++;
    certificates->api->set_ticket_keys(certificates->tls, certificates->keys,
                                       certificates->key_count);
}

void certificates_tick(struct certificates *certificates, struct log_buffer *log)
{
    if (certificates == NULL)
        return;
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    if (look(certificates))
        certificates_reload(certificates, log);
    if (now_ns >= certificates->rotate_at_ns)
        rotate(certificates, now_ns);
    if (now_ns >= certificates->warn_at_ns)
        warn_of_end(certificates, log, now_ns);
}

/* ---- Creation ---------------------------------------------------------------------------- */

static bool copy_hosts(struct arena *arena, const struct app_texts *hosts,
                       struct http_tls_files *files)
{
    const char **copies = arena_get_zeroed(arena, hosts->count + (size_t)1, sizeof(*copies));
    if (copies == NULL)
        return false;
    files->hosts = copies;
    for (uint32_t i = 0; i < hosts->count; i++) {
        copies[i] = arena_copy_string(arena, hosts->items[i], strlen(hosts->items[i]));
        if (copies[i] == NULL)
            return false;
        files->host_count++;
    }
    return true;
}

static bool copy_files(struct certificates *certificates, const struct edge_server *server)
{
    const struct edge_options *options = server->options;
    const struct app_server *settings = &server->app->app->server;
    size_t count = options->tls_cert != NULL ? 1 : settings->certificate_count;
    struct arena *arena = &certificates->arena;
    certificates->files = arena_get_zeroed(arena, count + 1, sizeof(*certificates->files));
    certificates->states = arena_get_zeroed(arena, 2 * (count + 1), sizeof(*certificates->states));
    if (certificates->files == NULL || certificates->states == NULL)
        return false;
    certificates->count = count;
    for (size_t i = 0; i < count; i++) {
        const char *certificate = options->tls_cert, *key = options->tls_key;
        if (certificate == NULL) {
            certificate = settings->certificates[i].certificate_file;
            key = settings->certificates[i].key_file;
        }
        struct http_tls_files *files = &certificates->files[i];
        files->certificate = arena_copy_string(arena, certificate, strlen(certificate));
        files->key = arena_copy_string(arena, key, strlen(key));
        if (files->certificate == NULL || files->key == NULL ||
            (options->tls_cert == NULL && !copy_hosts(arena, &settings->certificates[i].hosts, files)))
            return false;
    }
    return true;
}

/* Each pair by itself, so that all mistakes are said. */
static enum stint_status open_files(struct certificates *certificates,
                                    const struct http_tls_config *config, struct log_buffer *log)
{
    enum stint_status status = STINT_OK;
    char message[MESSAGE_BYTES];
    for (size_t i = 0; i < certificates->count; i++) {
        struct http_tls_config one = *config;
        one.files = &certificates->files[i];
        one.file_count = 1;
        struct http_tls *tls = certificates->api->create(&one, message, sizeof(message));
        if (tls == NULL) {
            log_line(log, LOG_ERROR, NULL, NULL, "%s", message);
            status = STINT_INVALID;
        }
        certificates->api->free(tls);
    }
    if (status != STINT_OK)
        return status;
    certificates->tls = certificates->api->create(config, message, sizeof(message));
    if (certificates->tls != NULL)
        return STINT_OK;
    log_line(log, LOG_ERROR, NULL, NULL, "%s", message);
    return STINT_INVALID;
}

enum stint_status certificates_create(const struct edge_server *server, struct log_buffer *log,
                                      struct certificates **ret_certificates)
{
    const struct app_server *settings = &server->app->app->server;
    struct stint_error error = {0};
    struct certificates *certificates = alloc_get_zeroed(&alloc_root, 1, sizeof(*certificates));
    if (certificates == NULL)
        return STINT_NOMEM;
    arena_init(&certificates->arena, &alloc_root);
    lock_init(&certificates->lock);
    certificates->known =
        arena_get_zeroed(&certificates->arena, CERTIFICATES_MAX, sizeof(*certificates->known));
    enum stint_status status =
        certificates->known != NULL && copy_files(certificates, server)
            ? service_tls_load(&certificates->api, &error)
            : STINT_NOMEM;
    if (error.message[0] != '\0')
        log_line(log, LOG_ERROR, NULL, NULL, "%s", error.message);
    const struct http_tls_config config = {.files = certificates->files,
                                           .file_count = certificates->count,
                                           .without_tls_1_2 = settings->tls_13_only,
                                           .without_h2 = settings->without_h2};
    if (status == STINT_OK && certificates->count == 0) {
        log_line(log, LOG_ERROR, NULL, NULL,
                 "TLS needs a certificate: give --tls-cert and --tls-key, or certificates in "
                 "[application.tool.stint.tls]");
        status = STINT_INVALID;
    }
    if (status == STINT_OK)
        status = open_files(certificates, &config, log);
    if (status != STINT_OK) {
        certificates_free(certificates);
        return status;
    }
    certificates->rotation_ns =
        settings->ticket_rotation_ns != 0 ? settings->ticket_rotation_ns : default_rotation_ns;
    (void)look(certificates);
    remember(certificates);
    certificates_tick(certificates, log);
    *ret_certificates = certificates;
    return STINT_OK;
}

struct http_tls *certificates_tls(struct certificates *certificates)
{
    return certificates != NULL ? certificates->tls : NULL;
}

void certificates_free(struct certificates *certificates)
{
    if (certificates == NULL)
        return;
    if (certificates->tls != NULL)
        certificates->api->free(certificates->tls);
    arena_free(&certificates->arena);
    lock_free(&certificates->lock);
    memset(certificates, 0, sizeof(*certificates)); /* the keys */
    alloc_put(&alloc_root, certificates, sizeof(*certificates));
}
