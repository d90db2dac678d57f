/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/listeners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/handover.h"
#include "os/files.h"
#include "os/sockets.h"

/* "https://[::]:443", "http://…", or without a scheme, which is as `is_tls` says. */
static struct edge_listener read_listener(const char *text, bool is_tls)
{
    struct edge_listener listener = {.address = text, .is_tls = is_tls};
    for (int i = 0; i < 2; i++) {
        const char *scheme = i == 0 ? "http://" : "https://";
        if (strncmp(text, scheme, strlen(scheme)) == 0)
            listener = (struct edge_listener){.address = text + strlen(scheme), .is_tls = i == 1};
    }
    return listener;
}

/* What the manifest says of an address holds for a socket of systemd that is bound to it. */
static struct edge_listener activated(const struct edge_server *server, size_t number)
{
    const struct app_server *settings = &server->app->app->server;
    struct edge_listener listener = {0};
    listener.address = handover_activated_at(server, number, &listener.is_tls);
    for (size_t i = 0; i < settings->listen_count; i++) {
        if (strcmp(settings->listen[i].address, listener.address) == 0) {
            listener.is_tls |= settings->listen[i].is_tls;
            listener.proxy_protocol = settings->listen[i].proxy_protocol;
        }
    }
    return listener;
}

void listeners_choose(struct edge_server *server)
{
    const struct edge_options *options = server->options;
    const struct app_server *settings = &server->app->app->server;
    size_t given = options->listen_count, passed = handover_activated(server);
    size_t count = passed > 0 ? passed : given > 0 ? given : settings->listen_count;
    if (passed == 0 && given == 0 && !app_wants_http(server->app->app))
        return;
    bool has_tls = options->tls_cert != NULL;
    for (size_t i = 0; i < settings->listen_count && given == 0; i++)
        has_tls &= !settings->listen[i].is_tls; /* then the manifest says which ones */
    for (size_t i = 0; i < count && i < LISTENERS_MAX; i++) {
        struct edge_listener *to = &server->listeners[server->listener_count++];
        if (passed > 0)
            *to = activated(server, i);
        else if (given > 0)
            *to = read_listener(options->listen[i], has_tls);
        else
            *to = (struct edge_listener){.address = settings->listen[i].address,
                                         .is_tls = settings->listen[i].is_tls || has_tls,
                                         .proxy_protocol = settings->listen[i].proxy_protocol};
    }
}

/* ---- Sockets ----------------------------------------------------------------------------- */

/* A row of server->listeners for the sockets of one that are more than there are workers: their
 * connections have to be accepted too. */
static uint32_t add_row(struct edge_server *server, uint32_t listener)
{
    uint32_t row = server->listener_count;
    if (row == LISTENERS_MAX)
        return row;
    server->listeners[row] = server->listeners[listener];
    server->listeners[row].is_further = true;
    server->listener_count++;
    for (uint32_t k = 0; k < server->worker_count; k++)
        server->sockets[k][row] = -1;
    return row;
}

/* Sockets that were given: each goes to a worker, and workers that are left share. False: there are none. */
static bool take_given(struct edge_server *server, uint32_t listener, struct log_buffer *log)
{
    const char *address = server->listeners[listener].address;
    uint32_t count = 0, row = listener, workers = server->worker_count;
    int fd;
    while ((fd = handover_take(server, HANDOVER_HTTP, address)) >= 0) {
        uint32_t worker = count % workers;
        if (count > 0 && worker == 0)
            row = add_row(server, listener);
        if (row == LISTENERS_MAX) {
            log_line(log, LOG_WARN, NULL, NULL, "%s: too many sockets were handed over", address);
            file_close(fd);
            continue;
        }
        handover_offer(server, HANDOVER_HTTP, address, fd);
        server->sockets[worker][row] = fd;
        count++;
    }
    for (uint32_t k = count; k < workers && count > 0; k++) {
        if (file_duplicate(server->sockets[k % count][listener], &fd) == OS_OK)
            server->sockets[k][listener] = fd;
    }
    return count > 0;
}

static enum stint_status open_one(struct edge_server *server, uint32_t listener, int *group,
                                  struct log_buffer *log)
{
    const char *address = server->listeners[listener].address;
    struct stint_error error = {0};
    for (uint32_t k = 0; k < server->worker_count; k++)
        server->sockets[k][listener] = -1;
    if (take_given(server, listener, log))
        return STINT_OK;
    enum stint_status status = socket_listen_group(address, server->worker_count, group, &error);
    if (status != STINT_OK) {
        log_line(log, LOG_ERROR, NULL, NULL, "%s; '--listen ADDRESS:PORT' chooses another address",
                 error.message);
        return status;
    }
    for (uint32_t k = 0; k < server->worker_count; k++) {
        server->sockets[k][listener] = group[k];
        handover_offer(server, HANDOVER_HTTP, address, group[k]);
    }
    return STINT_OK;
}

enum stint_status listeners_open(struct edge_server *server, struct log_buffer *log)
{
    uint32_t workers = server->worker_count, count = server->listener_count;
    enum stint_status worst = STINT_OK;
    int *group = alloc_get_zeroed(&alloc_root, workers, sizeof(*group));
    server->sockets = alloc_get_zeroed(&alloc_root, workers, sizeof(*server->sockets));
    if (group == NULL || server->sockets == NULL)
        worst = STINT_NOMEM;
    for (uint32_t i = 0; i < count && worst != STINT_NOMEM; i++) {
        enum stint_status status = open_one(server, i, group, log);
        worst = status != STINT_OK ? status : worst;
    }
    alloc_put(&alloc_root, group, workers * sizeof(*group));
    return worst;
}

const int *listeners_of(struct edge_server *server, uint32_t worker)
{
    server->sockets_taken = worker + 1;
    return server->sockets[worker];
}

void listeners_close(struct edge_server *server)
{
    if (server->sockets == NULL)
        return;
    for (uint32_t k = server->sockets_taken; k < server->worker_count; k++) {
        for (uint32_t i = 0; i < server->listener_count; i++) {
            if (server->sockets[k][i] > 0)
                file_close(server->sockets[k][i]);
        }
    }
    alloc_put(&alloc_root, server->sockets, server->worker_count * sizeof(*server->sockets));
}

void listeners_announce(struct edge_server *server, struct log_buffer *log)
{
    const struct app *app = server->app->app;
    char address[80];
    if (server->listener_count == 0)
        log_line(log, LOG_INFO, NULL, NULL,
                 "nothing is listened on: the application has redis triggers alone");
    for (uint32_t i = 0; server->listener_count == 0 && i < app->redis_count; i++) {
        if (!server->options->quiet)
            printf("Serving redis channel %s\n", app->redis[i].channel);
    }
    for (uint32_t i = 0; i < server->listener_count; i++) {
        struct edge_listener *listener = &server->listeners[i];
        if (listener->is_further ||
            socket_local_address(server->sockets[0][i], address, sizeof(address)))
            continue;
        (void)snprintf(listener->bound, sizeof(listener->bound), "%s", address);
        const char *scheme = listener->is_tls ? "https" : "http";
        if (listener->is_tls && server->https_port == 0)
            server->https_port = (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
        log_line(log, LOG_INFO, NULL, NULL, "serving on %s://%s", scheme, address);
        if (!server->options->quiet)
            printf("Serving %s://%s\n", scheme, address);
    }
    (void)fflush(stdout);
    log_flush(log);
}
