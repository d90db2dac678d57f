/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/notify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/files.h"
#include "os/local_sockets.h"

void notify_open(struct edge_server *server)
{
    server->notify_fd = local_notify_open();
}

void notify_ready(const struct edge_server *server)
{
    char text[128];
    /* After a replacement the manager learns whom it manages. */
    (void)snprintf(text, sizeof(text), "READY=1\nMAINPID=%ld\nSTATUS=Serving with %u threads",
                   (long)getpid(), server->worker_count);
    local_notify(server->notify_fd, text);
}

void notify_reloading(const struct edge_server *server)
{
    char text[96];
    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                   clock_now_ns(OS_CLOCK_MONOTONIC) / 1000);
    local_notify(server->notify_fd, text);
}

void notify_stopping(const struct edge_server *server)
{
    /* Where a successor serves, the service does not stop. */
    if (!atomic_load(&server->is_replaced))
        local_notify(server->notify_fd, "STOPPING=1");
}

uint64_t notify_watchdog_ns(void)
{
    const char *interval = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");
    if (interval == NULL ||
        (process != NULL && strtoul(process, NULL, 10) != (unsigned long)getpid()))
        return 0;
    return (uint64_t)strtoul(interval, NULL, 10) * 1000;
}

void notify_alive(struct edge_server *server)
{
    bool are_alive = true;
    for (uint32_t i = 0; i < server->worker_count; i++) {
        struct worker *worker = &server->workers[i];
        are_alive &= atomic_exchange(&worker->beats, 0) > 0;
        worker_ask(worker);
    }
    if (are_alive)
        local_notify(server->notify_fd, "WATCHDOG=1");
}

void notify_close(struct edge_server *server)
{
    if (server->notify_fd >= 0)
        file_close(server->notify_fd);
}
