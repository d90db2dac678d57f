/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI 0.2 under a guest that calls whatever it likes: every function of every version, in any order,
 * with handles that may be right, pointers that may be inside, and memory that it writes in between; now
 * and then the host has no memory left. Calls may trap or fail, nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interp/interp.h"
#include "os/clock.h"
#include "wasi/host_net.h"
#include "wasi/p2_core.h"
#include "wasi/p2_http.h"

enum { CALLS_MAX = 300, ROWS_MAX = 1200, DEADLINE_NS = 3000000, PARAMS_MAX = 24 };

struct input {
    const uint8_t *at, *end;
};

struct guest {
    struct host_guest side;
    uint32_t used;
};

static struct {
    const struct p2_row *row;
    const struct resource_type *type; /* of a method's self, or NULL */
} rows[ROWS_MAX];
static size_t row_count;
static struct stint_engine *engine;
static struct stint_store *store;
static struct host_net *net;
static struct guest guest;
static char folder[] = "/tmp/stint-fuzz-p2-XXXXXX";

static uint8_t next(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static uint32_t next_32(struct input *input)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 8 | next(input);
    return value;
}

static void need(bool is_so)
{
    if (!is_so)
        abort();
}

/* ---- The guest --------------------------------------------------------------------------- */

static enum stint_status realloc_fn(struct host_call *call, uint64_t *slots)
{
    uint32_t align = (uint32_t)slots[2], bytes = (uint32_t)slots[3];
    struct memory *memory = guest.side.memory;
    need(align != 0 && align <= 8 && slots[0] == 0);
    uint64_t at = (guest.used + (uint64_t)align - 1) & ~((uint64_t)align - 1);
    if (at + bytes > memory->bytes)
        at = 0; /* again from the beginning: what is there is the guest's own to lose */
    if (bytes > memory->bytes)
        at = memory->bytes - 4; /* not inside */
    guest.used = (uint32_t)(at + bytes < memory->bytes ? at + bytes : 0);
    slots[0] = at;
    return STINT_OK;
}

/* Names that stand for the outside are left out: a lookup would ask for them. */
static void gather_rows(void)
{
    static const char *const versions[] = {"@0.2.3", "@0.2.0-rc-2023-11-10",
                                           "@0.2.0-rc-2023-10-18"};
    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        for (size_t i = 0; wasi_p2_interface_name(i) != NULL; i++) {
            char name[128];
            uint8_t interface;
            unsigned version;
            int bytes =
                snprintf(name, sizeof(name), "%s%s", wasi_p2_interface_name(i), versions[v]);
            struct wasm_name whole = {name, (uint32_t)bytes};
            if (!p2_find_interface(whole, &interface, &version))
                continue;
            for (size_t k = 0; wasi_p2_function_name(k) != NULL && row_count < ROWS_MAX; k++) {
                const char *function = wasi_p2_function_name(k);
                struct wasm_name wanted = {function, (uint32_t)strlen(function)};
                struct p2_found found = p2_find(interface, version, wanted);
                bool is_known = found.row == NULL || strcmp(function, "resolve-addresses") == 0;
                for (size_t n = 0; n < row_count && !is_known; n++)
                    is_known = rows[n].row == found.row;
                if (!is_known)
                    rows[row_count++].row = found.row;
            }
        }
    }
    need(row_count > 200 && row_count < ROWS_MAX);
}

/* "[method]fields.get" has a handle of `fields` first. */
static void find_selves(struct wasi_p2 *wasi)
{
    for (size_t i = 0; i < row_count; i++) {
        const char *name = rows[i].row->name, *dot = strchr(name, '.');
        size_t prefix = sizeof("[method]") - 1;
        rows[i].type = NULL;
        if (strncmp(name, "[method]", prefix) != 0 || dot == NULL)
            continue;
        size_t bytes = (size_t)(dot - name) - prefix;
        for (int type = 0; type < P2_TYPE_COUNT; type++) {
            const char *other = wasi->types[type].name;
            if (strlen(other) == bytes && memcmp(other, name + prefix, bytes) == 0)
                rows[i].type = &wasi->types[type];
        }
    }
}

static void prepare(void)
{
    static const valtype params[4] = {VT_I32, VT_I32, VT_I32, VT_I32};
    struct engine_config config = engine_config_default();
    struct store_limits limits = store_limits_default();
    struct memory_type type = {.limits = {.min = 1, .max = 1, .has_max = true}};
    struct stint_error error = {0};
    uint32_t type_id;
    config.is_metered = true;
    need(engine_create(&config, &interp_ops, &engine) == STINT_OK);
    need(store_create(engine, &limits, &store) == STINT_OK);
    need(types_add_func(engine->types, params, 4, params, 1, &type_id) == STINT_OK);
    need(rt_memory_create(store, &type, &guest.side.memory, &error) == STINT_OK);
    need(rt_func_create(store, type_id, realloc_fn, NULL, NULL, &guest.side.realloc) == STINT_OK);
    guest.side.store = store;
    /* Sockets may be bound, and connected where nobody is. */
    net = host_net_create(&alloc_root);
    need(net != NULL && host_net_allow(net, "127.0.0.1:1-6", &error) == STINT_OK);
    need(mkdtemp(folder) != NULL);
    gather_rows();
}

/* ---- Calls ------------------------------------------------------------------------------- */

/* A handle of the type, or of any; `number` chooses. */
static uint32_t pick_handle(const struct resource_type *type, uint8_t number)
{
    struct handle_table *handles = guest.side.handles;
    uint32_t last = 0;
    for (uint32_t at = handles_next(handles, 0); at != 0; at = handles_next(handles, at)) {
        struct stint_error error = {0};
        struct handle *handle;
        if (type != NULL && handle_get(handles, type, at, &handle, &error) != STINT_OK)
            continue;
        last = at;
        if (number-- == 0)
            return at;
    }
    return last;
}

static uint64_t make_param(struct input *input, char letter)
{
    uint8_t how = next(input);
    if (letter == 'I')
        return how < 200 ? how * 7u : (uint64_t)next_32(input) << 32 | next_32(input);
    if (how < 64)
        return how % 10; /* a case, a flag, a count */
    if (how < 128)
        return pick_handle(NULL, how % 16);
    if (how < 224)
        return 16 + (how % 32) * 64; /* a place in memory */
    return next_32(input);
}

static bool call_one(struct wasi_p2 *wasi, struct input *input)
{
    uint64_t slots[PARAMS_MAX] = {0};
    struct stint_error error = {0};
    size_t number = (size_t)(next(input) << 8 | next(input)) % row_count, count = 0;
    const struct p2_row *row = rows[number].row;
    for (const char *at = row->signature; *at != ':'; at++) {
        need(count < PARAMS_MAX);
        bool is_self = count == 0 && rows[number].type != NULL && next(input) < 240;
        slots[count++] =
            is_self ? pick_handle(rows[number].type, next(input) % 4) : make_param(input, *at);
    }
    struct host_component_call call = {.guest = &guest.side, .env = wasi, .error = &error};
    enum stint_status status = row->function(&call, slots);
    /* Whoever fails says why. */
    need(status == STINT_OK || error.status != STINT_OK || status == STINT_EXIT ||
         status == STINT_NOMEM);
    return status != STINT_EXIT && status != STINT_TIMEOUT && status != STINT_INTERRUPTED;
}

static void drop_one(struct input *input)
{
    struct handle_table *handles = guest.side.handles;
    uint32_t index = pick_handle(NULL, next(input));
    for (size_t i = 0; i < row_count; i++) {
        struct stint_error error = {0};
        uint32_t rep;
        bool was_owned;
        const struct resource_type *type = rows[i].type;
        if (type == NULL || handle_drop(handles, type, index, &rep, &was_owned, &error) != STINT_OK)
            continue;
        if (was_owned)
            (void)type->drop(type->env, rep, &error);
        return;
    }
}

static void write_memory(struct input *input)
{
    uint32_t at = 16 + next(input) % 32 * 64u, bytes = next(input) % 64;
    for (uint32_t i = 0; i < bytes; i++)
        guest.side.memory->base[at + i] = next(input);
}

static void open_exchange(struct wasi_p2 *wasi, struct p2_exchange **ret_exchange)
{
    static const uint8_t value[] = "v";
    const struct p2_header header = {"name", value, 4, 1};
    struct p2_request request = {.method = "POST",
                                 .scheme = "http",
                                 .authority = "a:1",
                                 .path_with_query = "/",
                                 .headers = &header,
                                 .header_count = 1};
    struct p2_exchange_handles handles;
    struct stint_error error = {0};
    uint32_t index;
    if (p2_exchange_create(wasi, &request, ret_exchange, &error) != STINT_OK)
        return;
    if (p2_exchange_open(*ret_exchange, &handles, &error) != STINT_OK)
        return;
    need(handle_add(guest.side.handles, handles.request_type, handles.request_rep, NULL, &index,
                    &error) == STINT_OK);
    need(handle_add(guest.side.handles, handles.outparam_type, handles.outparam_rep, NULL, &index,
                    &error) == STINT_OK);
}

static void run(struct wasi_p2 *wasi, struct input *input)
{
    struct p2_exchange *exchange = NULL;
    uint8_t mode = next(input);
    guest.side.handles = wasi_p2_handles(wasi);
    guest.side.encoding = mode % 3;
    guest.used = 4096;
    memset(guest.side.memory->base, 0, 4096);
    find_selves(wasi);
    open_exchange(wasi, &exchange);
    if (mode >= 128)
        atomic_store(&engine->alloc.fail_at,
                     atomic_load(&engine->alloc.calls) + 1 + next(input) % 64);
    for (int i = 0; i < CALLS_MAX && input->at < input->end; i++) {
        uint8_t what = next(input);
        bool goes_on = true;
        store->deadline_ns = clock_now_ns(OS_CLOCK_MONOTONIC) + DEADLINE_NS;
        if (what < 64)
            write_memory(input);
        else if (what < 80)
            drop_one(input);
        else
            goes_on = call_one(wasi, input);
        if (!goes_on)
            break;
    }
    atomic_store(&engine->alloc.fail_at, 0);
    p2_exchange_release(exchange);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    struct stint_error error = {0};
    static const char *const args[] = {"guest", "one"}, *const env[] = {"A=b"};
    static unsigned runs;
    if (engine == NULL)
        prepare();
    /* What guests have written is thrown away now and then. */
    if (runs++ % 512 == 0) {
        char command[96];
        (void)snprintf(command, sizeof(command), "rm -rf %s && mkdir %s", folder, folder);
        need(system(command) == 0);
    }
    const struct wasi_p1_dir dirs[] = {
        {.host_path = folder, .guest_path = "/"},
        {.host_path = folder, .guest_path = "/fixed", .is_read_only = true}};
    struct wasi_p1_config shared = {.args = args,
                                    .arg_count = 2,
                                    .env = env,
                                    .env_count = 1,
                                    .dirs = dirs,
                                    .dir_count = 2,
                                    .stdin_fd = -1,
                                    .stdout_fd = -1,
                                    .stderr_fd = -1};
    struct wasi_p2_config config = wasi_p2_config_default(&shared);
    struct wasi_p2 *wasi;
    config.net = net;
    config.objects_max = 64;
    config.body_bytes_max = 512;
    need(wasi_p2_create(&engine->alloc, &config, &wasi, &error) == STINT_OK);
    run(wasi, &input);
    wasi_p2_free(wasi);
    return 0;
}
