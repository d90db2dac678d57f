/* SPDX-License-Identifier: Apache-2.0 */
/* What guests may ask of servers elsewhere: where to, how often, how long, how many at a time. */
#include <stdio.h>

#include "os/clock.h"
#include "services/services_int.h"
#include "wasi/host_file.h"

struct net_task service_task(struct host_component_call *call, const char *scheme)
{
    const struct services_guest *guest = service_of(call);
    uint64_t most_ns = guest->component->limits.outbound_timeout_ns;
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    return (struct net_task){
        .wait = p2_wait(call),
        .start_ns = now_ns,
        .until_ns = most_ns < HOST_WAIT_FOREVER - now_ns ? now_ns + most_ns : HOST_WAIT_FOREVER,
        .net = guest->world.net,
        .scheme = scheme};
}

struct http_tls *service_tls_of(const struct services_guest *guest, struct net_task *task,
                                const struct net_place *place)
{
    return service_tls_for(guest->services->tls, guest->component, place, task->message,
                           sizeof(task->message));
}

static void say(const struct services_guest *guest, const char *line, int bytes)
{
    if (guest->world.log != NULL && bytes > 0)
        (void)!guest->world.log->write(guest->world.log, &(struct host_wait){0}, line, (size_t)bytes);
}

bool service_may_reach(struct services_guest *guest, const char *scheme,
                       const struct net_place *place)
{
    char line[NET_HOST_BYTES + 160];
    const char *why = guest->world.net == NULL
                          ? "it may reach nothing"
                          : host_net_judge_url(guest->world.net, scheme, place->host, place->port);
    if (why == NULL)
        return true;
    say(guest, line,
        snprintf(line, sizeof(line), "refused: a connection to %s://%s:%u: %s\n", scheme,
                 place->host, place->port, why));
    return false;
}

bool service_may_call(struct services_guest *guest)
{
    static const char line[] = "refused: a call to a server: " SERVICE_CALLS_TEXT "\n";
    uint64_t *calls = guest->world.calls;
    if (calls == NULL || *calls < guest->component->limits.outbound_calls) {
        if (calls != NULL)
            (*calls)++;
        return true;
    }
    say(guest, line, sizeof(line) - 1);
    return false;
}

bool service_may_connect(struct services_guest *guest)
{
    static const char line[] = "refused: a connection to a server: it has as many at a time as it "
                               "may (outbound_concurrency)\n";
    if (guest->links < guest->component->limits.outbound_concurrency)
        return true;
    say(guest, line, sizeof(line) - 1);
    return false;
}

/* ---- What came of them ------------------------------------------------------------------- */

static void tell(struct services_guest *guest, enum services_server server,
                 const struct net_task *task, enum services_end end)
{
    struct services_call call = {.server = server, .end = end};
    if (guest->world.called == NULL)
        return;
    if (task != NULL) {
        call.start_ns = task->start_ns;
        call.end_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    }
    guest->world.called(guest->world.env, &call);
}

void service_called(struct services_guest *guest, enum services_server server,
                    const struct net_task *task, enum net_end end, bool is_connected)
{
    tell(guest, server, task,
         task == NULL         ? SERVICES_REFUSED
         : end == NET_DONE    ? SERVICES_ANSWERED
         : end == NET_STOPPED ? SERVICES_CANCELLED
         : task->is_late      ? SERVICES_TIMEOUT
         : is_connected       ? SERVICES_FAILED
                              : SERVICES_UNREACHABLE);
}

void service_failed(struct services_guest *guest, enum services_server server,
                    const struct net_task *task)
{
    tell(guest, server, task, SERVICES_FAILED);
}
