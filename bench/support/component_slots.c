/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warm slots of wasi:http handlers, a component's or a core module's that imports WASI 0.2 by name: takes
 * an instance, hands it a request, reads what it answers, and gives it back.
 *
 *   component_slots interp|aot CYCLES APP.wasm...
 *
 * A line a handler, "NAME TIER FIRST TAKE EXCHANGE CALL GIVE CYCLE BYTES": medians in microseconds, of
 * the time to the handler's first instruction (taking and opening an exchange), of the parts, and of
 * whole cycles without the stops between (processor time); then the bytes that a reset copied.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/compile.h"
#include "api/component_code.h"
#include "component/component_pool.h"
#include "interp/interp.h"
#include "wasi/p2.h"
#include "wasi/p2_http.h"

enum { FILE_BYTES_MAX = 256 << 20, PARTS = 5, BLOCK = 16 };

/* What a slot's guest may do. */
struct host {
    struct wasi_p1 *p1;
    struct wasi_p2 *p2;
};

struct app {
    struct stint_engine *engine;
    struct component_file *file;
    struct plan *plan;
    struct component_pool *components;
    const struct plan_export *handler;
    struct stint_module *module;
    struct stint_pool *modules;
    uint32_t handler_index;
    struct arena arena;
};

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* Of this process: what takes long is interrupted by others. */
static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void check(enum stint_status status, const struct stint_error *error)
{
    if (status == STINT_OK)
        return;
    fprintf(stderr, "component_slots: %s: %s\n", status_text(status), error->message);
    exit(1);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

/* ---- What the pools ask for ---------------------------------------------------------------- */

static enum stint_status make_host(struct host **ret_host, struct stint_error *error)
{
    struct wasi_p1_config shared = wasi_p1_config_default();
    struct wasi_p2_config config = wasi_p2_config_default(&shared);
    struct host *host = alloc_get_zeroed(&alloc_root, 1, sizeof(*host));
    if (host == NULL)
        return STINT_NOMEM;
    enum stint_status status = wasi_p1_create(&alloc_root, &shared, &host->p1, error);
    if (status == STINT_OK)
        status = wasi_p2_create(&alloc_root, &config, &host->p2, error);
    *ret_host = host;
    return status;
}

static enum stint_status make_slot(void *env, struct stint_store *store,
                                   struct component_pool_host *ret_host, struct stint_error *error)
{
    struct host *host;
    (void)env;
    (void)store;
    enum stint_status status = make_host(&host, error);
    if (status == STINT_OK)
        *ret_host = (struct component_pool_host){
            .env = host, .resolvers = {wasi_p2_resolver(host->p2)}, .resolver_count = 1};
    return status;
}

static enum stint_status reset_slot(void *env, void *slot_env)
{
    (void)env;
    wasi_p2_restart(((struct host *)slot_env)->p2);
    return STINT_OK;
}

static void end_slot(void *env, void *slot_env)
{
    struct host *host = slot_env;
    (void)env;
    wasi_p2_free(host->p2);
    wasi_p1_free(host->p1);
    alloc_put(&alloc_root, host, sizeof(*host));
}

static enum stint_status link_module(void *env, struct stint_store *store,
                                     struct extern_value *ret_imports, struct stint_error *error)
{
    const struct app *app = env;
    const struct wasm_module *wasm = app->module->wasm;
    struct host *host;
    enum stint_status status = make_host(&host, error);
    store->user = host;
    for (uint32_t i = 0; i < wasm->import_count && status == STINT_OK; i++) {
        const struct wasm_import *import = &wasm->imports[i];
        const char *from = import->module.text, *name = import->field.text;
        uint32_t from_bytes = import->module.bytes, name_bytes = import->field.bytes;
        struct func **func = &ret_imports[i].func;
        if (import->kind != EXTERN_FUNC)
            continue;
        const struct type_def *type = module_func_type(wasm, import->index);
        if (wasi_p1_knows_module(from, from_bytes))
            status = wasi_p1_import(host->p1, store, from, from_bytes, name, name_bytes, type, func,
                                    error);
        else
            status = wasi_p2_import(host->p2, store, from, from_bytes, name, name_bytes, type, func,
                                    error);
        ret_imports[i].kind = EXTERN_FUNC;
    }
    return status;
}

static enum stint_status reset_module(void *env, struct stint_store *store)
{
    (void)env;
    wasi_p2_restart(((struct host *)store->user)->p2);
    return STINT_OK;
}

/* ---- Making -------------------------------------------------------------------------------- */

static uint8_t *read_file(const char *path, size_t *ret_bytes)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    if (file == NULL || bytes == NULL) {
        fprintf(stderr, "component_slots: cannot read %s\n", path);
        exit(1);
    }
    *ret_bytes = fread(bytes, 1, FILE_BYTES_MAX, file);
    fclose(file);
    return bytes;
}

static void open_component(struct app *app, const uint8_t *bytes, size_t size)
{
    struct stint_error error = {0};
    struct component_refusal refusal = {{0}, NULL};
    struct component_pool_config config = component_pool_config_default();
    config.make = make_slot;
    config.reset = reset_slot;
    config.end = end_slot;
    check(component_code_create(app->engine, bytes, size, true, NULL, &app->file, &refusal, &error),
          &error);
    if (refusal.reason[0] != '\0')
        fprintf(stderr, "component_slots: %s\n", refusal.reason);
    check(plan_create(app->file, &app->plan, &error), &error);
    app->handler = plan_find(app->plan, "wasi:http/incoming-handler@0.2.0", "handle");
    if (app->handler == NULL)
        exit(1);
    check(component_pool_create(app->plan, &config, &app->components, &error), &error);
}

static void open_module(struct app *app, const uint8_t *bytes, size_t size)
{
    struct stint_error error = {0};
    struct pool_config config = pool_config_default();
    config.link = link_module;
    config.reset = reset_module;
    config.env = app;
    check(rt_module_create(app->engine, bytes, size, true, &app->module, &error), &error);
    const struct wasm_module *wasm = app->module->wasm;
    app->handler_index = UINT32_MAX;
    for (uint32_t i = 0; i < wasm->export_count; i++) {
        if (wasi_p2_is_export(wasm->exports[i].name.text, wasm->exports[i].name.bytes,
                              "wasi:http/incoming-handler", "handle"))
            app->handler_index = wasm->exports[i].index;
    }
    if (app->handler_index == UINT32_MAX)
        exit(1);
    check(pool_create(app->module, &config, &app->modules, &error), &error);
}

static void close_app(struct app *app)
{
    component_pool_free(app->components);
    plan_release(app->plan);
    component_release(app->file);
    pool_free(app->modules);
    rt_module_release(app->module);
    arena_free(&app->arena);
    engine_release(app->engine);
}

/* ---- Cycles -------------------------------------------------------------------------------- */

static void call_component(struct app *app, struct component_instance *instance,
                           const struct p2_exchange_handles *handles)
{
    struct stint_error error = {0};
    struct cvalue result;
    struct cvalue args[2] = {
        {.type = app->handler->func->params[0].type,
         .handle = {handles->request_type, handles->request_rep}},
        {.type = app->handler->func->params[1].type,
         .handle = {handles->outparam_type, handles->outparam_rep}},
    };
    check(component_call(instance, app->handler, args, &app->arena, &result, &error), &error);
}

static void call_module(struct app *app, struct stint_instance *instance, struct wasi_p2 *p2,
                        const struct p2_exchange_handles *handles)
{
    struct stint_error error = {0};
    struct handle_table *table = wasi_p2_handles(p2);
    uint32_t request, outparam;
    check(handle_add(table, handles->request_type, handles->request_rep, NULL, &request, &error),
          &error);
    check(handle_add(table, handles->outparam_type, handles->outparam_rep, NULL, &outparam, &error),
          &error);
    uint64_t slots[] = {request, outparam};
    check(rt_call(instance->store, instance_func(instance, app->handler_index), slots, &error),
          &error);
}

/* As a server's small requests are. */
static void make_request(struct wasi_p2 *p2, struct p2_exchange **ret_exchange,
                         struct p2_exchange_handles *ret_handles)
{
    static const struct p2_header headers[] = {
        {"host", (const uint8_t *)"localhost:8080", 4, 14},
        {"user-agent", (const uint8_t *)"bench/1", 10, 7},
        {"accept", (const uint8_t *)"*/*", 6, 3},
        {"x-country", (const uint8_t *)"AT", 9, 2},
    };
    struct p2_request request = {.method = "GET",
                                 .scheme = "http",
                                 .authority = "localhost:8080",
                                 .path_with_query = "/?country=AT",
                                 .headers = headers,
                                 .header_count = COUNT_OF(headers)};
    struct stint_error error = {0};
    check(p2_exchange_create(p2, &request, ret_exchange, &error), &error);
    check(p2_exchange_open(*ret_exchange, ret_handles, &error), &error);
}

static void read_response(struct p2_exchange *exchange)
{
    uint8_t buffer[4096];
    const struct p2_response *response = p2_exchange_response(exchange);
    size_t bytes = 0, total = 0;
    if (response->state != P2_RESPONSE_SET || response->status != 200) {
        fprintf(stderr, "component_slots: no answer: %d %u\n", response->state, response->status);
        exit(1);
    }
    while (response->body != NULL &&
           host_pipe_read(response->body, buffer, sizeof(buffer), &bytes) == OS_OK && bytes > 0)
        total += bytes;
    if (total == 0)
        exit(1);
}

/* One request; the times after each part go to `at`, unless it is NULL. */
static void cycle(struct app *app, double *at)
{
    struct stint_error error = {0};
    struct component_instance *component = NULL;
    struct stint_instance *module = NULL;
    struct p2_exchange *exchange;
    struct p2_exchange_handles handles;
    struct wasi_p2 *p2;
    double stops[PARTS + 1];
    if (at == NULL)
        at = stops;
    at[0] = at == stops ? 0 : now_us();
    if (app->components != NULL) {
        check(component_pool_take(app->components, &component, &error), &error);
        p2 = ((struct host *)component_instance_slot_env(component))->p2;
    } else {
        check(pool_take(app->modules, &module, &error), &error);
        p2 = ((struct host *)module->store->user)->p2;
    }
    at[1] = at == stops ? 0 : now_us();
    make_request(p2, &exchange, &handles);
    at[2] = at == stops ? 0 : now_us();
    if (component != NULL)
        call_component(app, component, &handles);
    else
        call_module(app, module, p2, &handles);
    at[3] = at == stops ? 0 : now_us();
    read_response(exchange);
    p2_exchange_release(exchange);
    at[4] = at == stops ? 0 : now_us();
    if (component != NULL)
        component_pool_give(app->components, component);
    else
        pool_give(app->modules, module);
    at[5] = at == stops ? 0 : now_us();
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void measure(struct app *app, const char *path, const char *tier, unsigned cycles)
{
    double *took[PARTS + 1], at[PARTS + 1];
    struct pool_stats before, after;
    for (unsigned i = 0; i < PARTS + 1; i++) {
        took[i] = calloc(cycles, sizeof(double));
        if (took[i] == NULL)
            exit(1);
    }
    for (unsigned i = 0; i < cycles / 10 + 3; i++)
        cycle(app, NULL);
    for (unsigned i = 0; i < cycles; i++) {
        cycle(app, at);
        for (unsigned k = 0; k < PARTS; k++)
            took[k][i] = at[k + 1] - at[k];
        took[PARTS][i] = at[2] - at[0];
    }
    if (app->components != NULL)
        component_pool_stats(app->components, &before);
    else
        pool_stats(app->modules, &before);
    double *blocks = calloc(cycles / BLOCK + 1, sizeof(double));
    if (blocks == NULL)
        exit(1);
    for (unsigned i = 0; i < cycles / BLOCK + 1; i++) {
        double start = cpu_us();
        for (unsigned k = 0; k < BLOCK; k++)
            cycle(app, NULL);
        blocks[i] = (cpu_us() - start) / BLOCK;
    }
    if (app->components != NULL)
        component_pool_stats(app->components, &after);
    else
        pool_stats(app->modules, &after);
    printf("%s %s", name_of(path), tier);
    printf(" %.2f", median(took[PARTS], cycles));
    printf(" %.2f %.2f %.2f %.2f", median(took[0], cycles), median(took[1], cycles),
           median(took[2], cycles), median(took[4], cycles));
    printf(" %.2f", median(blocks, cycles / BLOCK + 1));
    printf(" %.0f\n", (double)(after.copied_bytes - before.copied_bytes) /
                          (double)(after.takes - before.takes));
    fflush(stdout);
    for (unsigned i = 0; i < PARTS + 1; i++)
        free(took[i]);
    free(blocks);
}

int main(int argc, char **argv)
{
    unsigned cycles = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (argc < 4 || cycles < 1) {
        fprintf(stderr, "usage: component_slots interp|aot CYCLES APP.wasm...\n");
        return 2;
    }
    bool is_aot = strcmp(argv[1], "aot") == 0;
    for (int i = 3; i < argc; i++) {
        struct app app = {.engine = NULL};
        size_t size;
        uint8_t *bytes = read_file(argv[i], &size);
        struct engine_config config = engine_config_default();
        config.tier.mode = is_aot ? TIER_AOT : TIER_INTERP;
        config.is_metered = is_aot;
        config.tier.source = compile_source();
        config.tier.uses_cache = config.tier.is_looked_up = is_aot;
        config.tier.opt_level = 2;
        arena_init(&app.arena, &alloc_root);
        if (engine_create(&config, &interp_ops, &app.engine) != STINT_OK)
            return 1;
        if (component_is_binary(bytes, size))
            open_component(&app, bytes, size);
        else
            open_module(&app, bytes, size);
        measure(&app, argv[i], argv[1], cycles);
        close_app(&app);
        free(bytes);
    }
    return 0;
}
