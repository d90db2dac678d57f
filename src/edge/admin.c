/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/admin.h"

#include <stdlib.h>
#include <string.h>

#include "app/address.h"
#include "edge/admin_files.h"
#include "edge/admin_history.h"
#include "edge/admin_state.h"
#include "edge/certificates.h"
#include "edge/handover.h"
#include "edge/monitor_http.h"
#include "os/files.h"
#include "os/sockets.h"

enum { SAMPLE_MS = 1000, CONNECTIONS_MAX = 64 };

struct admin {
    struct edge_server *server;
    struct monitor_view *view;
    struct lock *lock; /* of view->app */
    struct admin_history history;
    struct http_server *http;
    uv_timer_t sample;
    bool has_timer;
    int fd; /* of the listener; -1: it was taken over */
    struct monitor_token token;
};

/* ---- Answers ----------------------------------------------------------------------------- */

static struct http_header header(const char *name, const char *value)
{
    return (struct http_header){name, value, (uint32_t)strlen(name), (uint32_t)strlen(value)};
}

/* Everything comes from here, and nothing is written into a page but as text; this is the second line. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                             "connect-src 'self'; base-uri 'none'; form-action 'none'; "
                             "frame-ancestors 'none'";

static void answer_with(struct http_exchange *exchange, unsigned status, const char *type)
{
    const struct http_header headers[] = {
        header("content-type", type),
        header("content-security-policy", policy),
        header("cache-control", "no-store"),
        header("x-content-type-options", "nosniff"),
        header("referrer-policy", "no-referrer"),
        header("cross-origin-opener-policy", "same-origin"),
        header("cross-origin-resource-policy", "same-origin"),
        /* The last one is of these two alone. */
        status == 405 ? header("allow", "GET, HEAD") : header("www-authenticate", "Bearer"),
    };
    monitor_answer_send(exchange, status, headers,
                        COUNT_OF(headers) - (status != 401 && status != 405));
}

static void say(struct http_exchange *exchange, struct monitor_answer *answer, unsigned status,
                const char *text)
{
    (void)buf_append_string(&answer->text, text);
    answer_with(exchange, status, "text/plain; charset=utf-8");
}

/* The number behind "since=" in the query; 0: none. */
static uint64_t since_of(const char *path)
{
    const char *query = strchr(path, '?');
    return query != NULL && strncmp(query, "?since=", 7) == 0 ? strtoull(query + 7, NULL, 10) : 0;
}

static void send_state(struct admin *admin, struct http_exchange *exchange,
                       struct monitor_answer *answer, const char *path)
{
    lock_take(admin->lock);
    bool is_whole = admin_print_state(admin->view, &admin->history, since_of(path), &answer->text);
    lock_give(admin->lock);
    if (is_whole) {
        answer_with(exchange, 200, "application/json");
        return;
    }
    buf_clear(&answer->text);
    say(exchange, answer, 503, "Out of memory\n");
}

static void on_request(void *env, struct http_exchange *exchange)
{
    struct admin *admin = env;
    const struct http_request *http = http_exchange_request(exchange);
    struct monitor_answer *answer = monitor_answer_begin(exchange);
    size_t path_bytes = strcspn(http->path, "?");
    if (answer == NULL)
        return;
    if (admin->token.bytes == 0 && !address_is_loopback(http->authority)) {
        say(exchange, answer, 421,
            "This page is for http://127.0.0.1 and http://localhost alone; give it a token to have it "
            "under other names.\n");
        return;
    }
    if (strcmp(http->method, "GET") != 0 && strcmp(http->method, "HEAD") != 0) {
        say(exchange, answer, 405, "This page is for reading only.\n");
        return;
    }
    for (size_t i = 0; i < admin_file_count; i++) {
        const struct admin_file *file = &admin_files[i];
        if (strlen(file->path) == path_bytes && memcmp(file->path, http->path, path_bytes) == 0) {
            answer->fixed = file->data;
            answer->fixed_bytes = (size_t)(file->end - file->data);
            answer_with(exchange, 200, file->type);
            return;
        }
    }
    if (path_bytes != 10 || memcmp(http->path, "/api/state", 10) != 0)
        say(exchange, answer, 404, "There is / and /api/state.\n");
    else if (!monitor_token_is_given(&admin->token, http))
        say(exchange, answer, 401, "This needs the token, as Authorization: Bearer TOKEN.\n");
    else
        send_state(admin, exchange, answer, http->path);
}

static void on_drained(void *env, struct http_server *server)
{
    struct admin *admin = env;
    (void)server;
    uv_close((uv_handle_t *)&admin->sample, NULL);
}

static const struct http_handler handler = {on_request, monitor_on_readable, monitor_on_writable,
                                            monitor_on_answered, on_drained};

/* ---- Preparation ------------------------------------------------------------------------- */

const char *admin_address(struct edge_server *server)
{
    static const char plain[] = "http://", secure[] = "https://";
    const struct app_server *settings = &server->app->app->server;
    const char *given = server->options->admin;
    if (given == NULL) {
        server->admin_is_tls = settings->admin_is_tls && settings->admin_listen[0] != '\0';
        return settings->admin_listen;
    }
    server->admin_is_tls = strncmp(given, secure, sizeof(secure) - 1) == 0;
    if (server->admin_is_tls)
        return given + sizeof(secure) - 1;
    return strncmp(given, plain, sizeof(plain) - 1) == 0 ? given + sizeof(plain) - 1 : given;
}

enum stint_status admin_open(struct edge_server *server, struct log_buffer *log,
                             struct admin **ret_admin)
{
    const struct edge_options *options = server->options;
    const struct app_server *settings = &server->app->app->server;
    const char *address = admin_address(server);
    const char *token_file = options->admin_token_file != NULL ? options->admin_token_file
                                                               : settings->admin_token_file;
    struct stint_error error = {0};
    char bound[80];
    if (address[0] == '\0')
        return STINT_OK;
    struct admin *admin = alloc_get_zeroed(&alloc_root, 1, sizeof(*admin));
    if (admin == NULL)
        return STINT_NOMEM;
    admin->fd = -1;
    admin->server = server;
    *ret_admin = admin;
    if (token_file[0] == '\0' && !address_is_loopback(address)) {
        log_line(log, LOG_ERROR, NULL, NULL,
                 "admin: %s is not a loopback address, so everyone who reaches it could look: give "
                 "--admin-token-file FILE, or listen on 127.0.0.1",
                 address);
        return STINT_INVALID;
    }
    enum stint_status status = handover_listen(server, HANDOVER_ADMIN, address, &admin->fd, &error);
    if (status != STINT_OK)
        log_line(log, LOG_ERROR, NULL, NULL, "admin: %s", error.message);
    if (!monitor_token_read(&admin->token, token_file, "the admin page", log))
        status = STINT_IO;
    if (status == STINT_OK && socket_local_address(admin->fd, bound, sizeof(bound)) == OS_OK)
        log_line(log, LOG_INFO, NULL, NULL, "admin page on http%s://%s/",
                 server->admin_is_tls ? "s" : "", bound);
    return status;
}

static void on_sample(uv_timer_t *timer)
{
    struct admin *admin = timer->data;
    admin_history_sample(&admin->history, admin->server);
}

enum stint_status admin_start(struct admin *admin, uv_loop_t *uv, struct monitor_view *view,
                              struct lock *lock, struct stint_error *error)
{
    const struct edge_server *server = admin->server;
    const struct http_listen how = {
        .tls = server->admin_is_tls ? certificates_tls(server->certificates) : NULL};
    struct http_config config = http_config_default();
    config.connections_max = CONNECTIONS_MAX;
    config.limits.body_bytes = 0;
    admin->view = view;
    admin->lock = lock;
    uv_timer_init(uv, &admin->sample);
    admin->sample.data = admin;
    admin->has_timer = true;
    admin_history_sample(&admin->history, admin->server);
    uv_timer_start(&admin->sample, on_sample, SAMPLE_MS, SAMPLE_MS);
    enum stint_status status =
        http_server_create(uv, &config, &handler, admin, &admin->http, error);
    int fd = admin->fd;
    if (status != STINT_OK)
        return status;
    admin->fd = -1;
    return http_server_listen(admin->http, fd, &how, error);
}

void admin_stop(struct admin *admin)
{
    if (admin == NULL || !admin->has_timer)
        return;
    if (admin->http != NULL)
        http_server_close(admin->http);
    else
        uv_close((uv_handle_t *)&admin->sample, NULL);
}

void admin_free(struct admin *admin)
{
    if (admin == NULL)
        return;
    http_server_free(admin->http);
    if (admin->fd >= 0)
        file_close(admin->fd);
    alloc_put(&alloc_root, admin, sizeof(*admin));
}
