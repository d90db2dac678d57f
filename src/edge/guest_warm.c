/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warm-ups: one request outside of the server, whose guest waits in the thread of the caller. Nobody reads
 * its answer, so the waiter does.
 */
#include "edge/guest_int.h"
#include "os/clock.h"

enum { SLICE_NS = 4000000, PIECE_BYTES = 16 << 10 };

struct warming {
    struct waiter waiter;
    const struct guest_warmup *warmup;
    struct guest_use *use;
    uint64_t cpu_start_ns;
    bool is_over_cpu, is_cancelled;
};

static uint64_t cpu_now_ns(void)
{
    return clock_now_ns(OS_CLOCK_THREAD_CPU);
}

/* Whether there was anything to take away. */
static bool drain(struct warming *warming)
{
    uint8_t piece[PIECE_BYTES];
    const struct p2_response *response = guest_use_response(warming->use);
    size_t bytes = 0, all = 0;
    while (response != NULL && response->state == P2_RESPONSE_SET && response->body != NULL &&
           host_pipe_read(response->body, piece, sizeof(piece), &bytes) == OS_OK && bytes > 0)
        all += bytes;
    return all > 0;
}

/* ---- The waiter -------------------------------------------------------------------------- */

/* Interrupts the guest where it is to end. */
static void check(struct warming *warming)
{
    const struct guest_warmup *warmup = warming->warmup;
    warming->is_over_cpu |= cpu_now_ns() - warming->cpu_start_ns > warmup->cpu_ns;
    warming->is_cancelled |= warmup->is_cancelled != NULL && atomic_load(warmup->is_cancelled) != 0;
    if (warming->is_over_cpu || warming->is_cancelled)
        rt_interrupt(warming->use->store);
}

static enum os_error on_wait(struct waiter *waiter, struct ready_item *items, size_t count,
                             uint64_t timeout_ns, size_t *ret_ready)
{
    struct warming *warming = (struct warming *)waiter;
    check(warming);
    *ret_ready = 0;
    if (drain(warming) || warming->is_cancelled)
        return OS_OK;
    return ready_wait(items, count, timeout_ns < SLICE_NS ? timeout_ns : SLICE_NS, ret_ready);
}

static enum os_error on_work(struct waiter *waiter, void (*run)(void *arg), void *arg)
{
    (void)waiter;
    run(arg);
    return OS_OK;
}

static void on_yield(struct waiter *waiter)
{
    check((struct warming *)waiter);
}

/* ---- The request ------------------------------------------------------------------------- */

/* What makes an end state one that requests may begin with. */
static enum stint_status judge(struct warming *warming, enum stint_status status,
                               struct guest_warm *ret_warm, struct stint_error *error)
{
    const struct p2_response *response = guest_use_response(warming->use);
    if (status == STINT_INTERRUPTED && warming->is_over_cpu) {
        error_clear(error);
        return error_set(error, STINT_FUEL, STINT_NO_OFFSET, "it took more than its CPU time");
    }
    if (status != STINT_OK)
        return status;
    if (response == NULL || response->state != P2_RESPONSE_SET)
        return error_set(error, STINT_INVALID, STINT_NO_OFFSET, "it gave no answer");
    ret_warm->status = response->status;
    if (response->status >= 500)
        return error_set(error, STINT_INVALID, STINT_NO_OFFSET, "it answered %u", response->status);
    return STINT_OK;
}

/* Runs the request; the exchange is left to the caller. */
static enum stint_status run(struct guest_use *use, const struct guest_warmup *warmup,
                             struct guest_warm *ret_warm, struct stint_error *error)
{
    struct warming warming = {.waiter = {on_wait, on_work, on_yield},
                              .warmup = warmup,
                              .use = use,
                              .cpu_start_ns = cpu_now_ns()};
    struct stint_store *store = use->store;
    use->host->warmup = warmup;
    store->waiter = &warming.waiter;
    if (warmup->timeout_ns != UINT64_MAX)
        rt_timeout_set(store, warmup->timeout_ns);
    if (warmup->fuel != UINT64_MAX)
        rt_fuel_set(store, warmup->fuel);
    enum stint_status status = guest_start(use, error);
    if (status == STINT_OK)
        status = guest_handle(use, warmup->request, error);
    (void)drain(&warming);
    ret_warm->cpu_ns = cpu_now_ns() - warming.cpu_start_ns;
    ret_warm->memory_bytes = guest_use_memory_bytes(use);
    status = judge(&warming, status, ret_warm, error);
    store->waiter = NULL;
    guest_host_flush(use->host);
    use->host->warmup = NULL;
    return status;
}

/* ---- The snapshot ------------------------------------------------------------------------ */

/* The same request again: some guests handle one in their life, and others are left in a state that the
 * next one finds broken. */
static enum stint_status check_use(const struct guest_warmup *warmup, struct guest_use *use,
                                   struct stint_error *error)
{
    struct guest_warm ignored = {0};
    struct stint_error detail = {0};
    enum stint_status status = run(use, warmup, &ignored, &detail);
    p2_exchange_release(use->exchange);
    use->exchange = NULL;
    return status == STINT_OK || status == STINT_INTERRUPTED
               ? status
               : error_set(error, status, STINT_NO_OFFSET, "asked the same again, %s%.300s",
                           detail.status == STINT_TRAP ? "it trapped: " : "", detail.message);
}

static enum stint_status check_component(void *env, struct component_instance *instance,
                                         struct stint_error *error)
{
    struct stint_store *store = component_instance_store(instance);
    struct guest_host *host = store->user;
    host->use = (struct guest_use){.host = host, .store = store, .component = instance};
    return check_use(env, &host->use, error);
}

static enum stint_status check_module(void *env, struct stint_instance *instance,
                                      struct stint_error *error)
{
    struct guest_host *host = instance->store->user;
    host->use = (struct guest_use){.host = host, .store = instance->store, .module = instance};
    return check_use(env, &host->use, error);
}

static enum stint_status snapshot(struct guest *guest, struct guest_use *use,
                                  const struct guest_warmup *warmup, struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    void *env = (void *)(uintptr_t)warmup;
    guest->resources = wasi_p2_kept_create(&guest->engine->alloc);
    if (guest->resources == NULL)
        status = error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    else if (use->module != NULL)
        status = guest_core_keep(use, error);
    if (status != STINT_OK) {
        guest_give(use, false);
        return status;
    }
    p2_exchange_release(use->exchange);
    use->exchange = NULL;
    return use->component != NULL
               ? component_pool_snapshot(guest->components, use->component, check_component, env,
                                         error)
               : pool_snapshot(guest->modules, use->module, check_module, env, error);
}

enum stint_status guest_warm_up(struct guest *guest, const struct guest_warmup *warmup,
                                struct guest_warm *ret_warm, struct stint_error *error)
{
    struct guest_use *use;
    *ret_warm = (struct guest_warm){0};
    if (guest->is_command || guest->config.kind == GUEST_SILENT)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         guest->is_command ? "it is a command, which ends with its request"
                                           : "it answers no requests");
    enum stint_status status = guest_take(guest, NULL, &use, error);
    if (status != STINT_OK)
        return status;
    status = run(use, warmup, ret_warm, error);
    if (status == STINT_OK)
        return snapshot(guest, use, warmup, error);
    guest_give(use, false);
    return status;
}
