/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/failures.h"

#include <stdio.h>
#include <string.h>

#include "edge/request.h"
#include "os/clock.h"

struct failures {
    struct lock lock;
    uint64_t count;
    struct failure items[FAILURES_MAX]; /* number n is at n % FAILURES_MAX */
};

bool failures_create(struct failures **ret_failures)
{
    struct failures *failures = alloc_get_zeroed(&alloc_root, 1, sizeof(*failures));
    if (failures == NULL)
        return false;
    lock_init(&failures->lock);
    *ret_failures = failures;
    return true;
}

void failures_free(struct failures *failures)
{
    if (failures == NULL)
        return;
    lock_free(&failures->lock);
    alloc_put(&alloc_root, failures, sizeof(*failures));
}

void failures_add(struct failures *failures, const struct request *request, const char *message,
                  const struct buf *backtrace)
{
    const char *route = request->route != NULL ? request->route->route : NULL;
    lock_take(&failures->lock);
    uint64_t number = ++failures->count;
    struct failure *failure = &failures->items[number % FAILURES_MAX];
    failure->number = number;
    failure->unix_ns = clock_now_ns(OS_CLOCK_REALTIME);
    failure->kind = metrics_failure_name(request->status);
    (void)snprintf(failure->component, sizeof(failure->component), "%s",
                   request->component->app->id);
    (void)snprintf(failure->route, sizeof(failure->route), "%s", route != NULL ? route : "");
    (void)snprintf(failure->request, sizeof(failure->request), "%s", request->id);
    (void)snprintf(failure->message, sizeof(failure->message), "%s", message);
    size_t bytes = backtrace != NULL ? backtrace->bytes : 0;
    if (bytes >= sizeof(failure->backtrace))
        bytes = sizeof(failure->backtrace) - 1;
    if (bytes > 0)
        memcpy(failure->backtrace, backtrace->data, bytes);
    failure->backtrace[bytes] = '\0';
    lock_give(&failures->lock);
}

uint64_t failures_count(struct failures *failures)
{
    lock_take(&failures->lock);
    uint64_t count = failures->count;
    lock_give(&failures->lock);
    return count;
}

bool failures_get(struct failures *failures, uint64_t number, struct failure *ret_failure)
{
    lock_take(&failures->lock);
    const struct failure *failure = &failures->items[number % FAILURES_MAX];
    bool is_there = number > 0 && failure->number == number;
    if (is_there)
        *ret_failure = *failure;
    lock_give(&failures->lock);
    return is_there;
}
