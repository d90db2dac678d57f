/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/host_lookup.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "os/event.h"
#include "os/thread.h"

enum { NAME_BYTES = 256 };

struct host_lookup {
    atomic_uint references; /* the guest's and the thread's */
    atomic_bool is_done;
    int fd;
    enum os_error error;
    size_t count;
    struct inet_address addresses[INET_LOOKUP_MAX];
    char name[NAME_BYTES];
};

static atomic_uint running;

void host_lookup_release(struct host_lookup *lookup)
{
    if (lookup == NULL ||
        atomic_fetch_sub_explicit(&lookup->references, 1, memory_order_acq_rel) != 1)
        return;
    file_close(lookup->fd);
    alloc_put(&alloc_root, lookup, sizeof(*lookup));
}

static void look_up(void *context)
{
    struct host_lookup *lookup = context;
    lookup->error = inet_lookup(lookup->name, lookup->addresses, &lookup->count);
    atomic_store_explicit(&lookup->is_done, true, memory_order_release);
    event_set(lookup->fd);
    host_lookup_release(lookup);
    atomic_fetch_sub_explicit(&running, 1, memory_order_relaxed);
}

enum os_error host_lookup_start(const char *name, struct host_lookup **ret_lookup)
{
    struct thread thread;
    size_t bytes = strlen(name);
    if (bytes >= NAME_BYTES)
        return OS_NOENT;
    /* Of no guest's memory: the thread may outlive it. */
    struct host_lookup *lookup = alloc_get_zeroed(&alloc_root, 1, sizeof(*lookup));
    if (lookup == NULL)
        return OS_NOMEM;
    memcpy(lookup->name, name, bytes);
    enum os_error error = event_create(&lookup->fd);
    if (error) {
        alloc_put(&alloc_root, lookup, sizeof(*lookup));
        return error;
    }
    atomic_init(&lookup->references, 2);
    if (inet_parse(name, &lookup->addresses[0])) {
        lookup->count = 1;
        atomic_init(&lookup->is_done, true);
        atomic_init(&lookup->references, 1);
    } else if (atomic_fetch_add_explicit(&running, 1, memory_order_relaxed) >= HOST_LOOKUPS_MAX ||
               !thread_start(&thread, look_up, lookup, false)) {
        atomic_fetch_sub_explicit(&running, 1, memory_order_relaxed);
        atomic_init(&lookup->references, 1);
        host_lookup_release(lookup);
        return OS_AGAIN;
    } else {
        thread_detach(&thread);
    }
    *ret_lookup = lookup;
    return OS_OK;
}

bool host_lookup_is_done(struct host_lookup *lookup, int *ret_fd)
{
    *ret_fd = lookup->fd;
    return atomic_load_explicit(&lookup->is_done, memory_order_acquire);
}

enum os_error host_lookup_result(const struct host_lookup *lookup,
                                 const struct inet_address **ret_addresses, size_t *ret_count)
{
    *ret_addresses = lookup->addresses;
    *ret_count = lookup->count;
    return lookup->error;
}
