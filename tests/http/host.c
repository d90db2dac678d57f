/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for one HTTP request, until there is a server: calls the wasi:http handler of a component, or
 * of a core module that imports WASI 0.2 by name, and prints what it answers.
 *
 *     http_host [--net HOST:PORT] APP.wasm METHOD PATH [NAME:VALUE...]     the body comes from stdin
 *
 * Prints the status, the headers, an empty line, the body. Ends with 0, with 1 when the guest answers
 * with an error or not at all, and with 2 when something else is wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "component/plan.h"
#include "interp/interp.h"
#include "os/files.h"
#include "runtime/store.h"
#include "wasi/p1.h"
#include "wasi/p2.h"
#include "wasi/p2_http.h"

enum { HEADERS_MAX = 64, BODY_BYTES_MAX = 64 << 20, FILE_BYTES_MAX = 64 << 20 };

struct host {
    struct stint_engine *engine;
    struct component_file *component; /* with the next two, instead of module and instance */
    struct plan *plan;
    struct component_instance *component_instance;
    struct stint_module *module;
    struct stint_store *store;
    struct stint_instance *instance;
    struct wasi_p1 *p1;
    struct wasi_p2 *p2;
    struct extern_value *imports;
    struct p2_exchange *exchange;
    struct host_pipe *body;
    uint8_t *bytes;
    size_t size_bytes;
};

static enum stint_status read_app(struct host *host, const char *path, struct stint_error *error)
{
    FILE *file = fopen(path, "rb");
    host->bytes = alloc_get(&alloc_root, FILE_BYTES_MAX);
    if (file == NULL || host->bytes == NULL)
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot read %s", path);
    host->size_bytes = fread(host->bytes, 1, FILE_BYTES_MAX, file);
    fclose(file);
    struct engine_config config = engine_config_default();
    enum stint_status status = engine_create(&config, &interp_ops, &host->engine);
    if (status == STINT_OK && component_is_binary(host->bytes, host->size_bytes)) {
        status = component_create(host->engine, host->bytes, host->size_bytes, true,
                                  &host->component, error);
        if (status == STINT_OK)
            status = plan_create(host->component, &host->plan, error);
    } else if (status == STINT_OK)
        status = rt_module_create(host->engine, host->bytes, host->size_bytes, true, &host->module,
                                  error);
    struct store_limits limits = store_limits_default();
    return status == STINT_OK ? store_create(host->engine, &limits, &host->store) : status;
}

static enum stint_status open_wasi(struct host *host, struct stint_error *error)
{
    struct wasi_p1_config shared = wasi_p1_config_default();
    struct wasi_p2_config config = wasi_p2_config_default(&shared);
    config.body_bytes_max = BODY_BYTES_MAX;
    enum stint_status status = wasi_p1_create(&alloc_root, &shared, &host->p1, error);
    if (status == STINT_OK)
        status = wasi_p2_create(&alloc_root, &config, &host->p2, error);
    return status;
}

static enum stint_status link_module(struct host *host, struct stint_error *error)
{
    const struct wasm_module *wasm = host->module->wasm;
    enum stint_status status = STINT_OK;
    host->imports = alloc_get_zeroed(&alloc_root, wasm->import_count + 1, sizeof(*host->imports));
    if (host->imports == NULL)
        return STINT_NOMEM;
    for (uint32_t i = 0; i < wasm->import_count && status == STINT_OK; i++) {
        const struct wasm_import *import = &wasm->imports[i];
        struct extern_value *value = &host->imports[i];
        value->kind = EXTERN_MISSING;
        if (import->kind != EXTERN_FUNC)
            continue;
        const struct type_def *type = module_func_type(wasm, import->index);
        if (wasi_p1_knows_module(import->module.text, import->module.bytes))
            status =
                wasi_p1_import(host->p1, host->store, import->module.text, import->module.bytes,
                               import->field.text, import->field.bytes, type, &value->func, error);
        else
            status =
                wasi_p2_import(host->p2, host->store, import->module.text, import->module.bytes,
                               import->field.text, import->field.bytes, type, &value->func, error);
        value->kind = EXTERN_FUNC;
    }
    return status;
}

static enum stint_status instantiate(struct host *host, struct stint_error *error)
{
    if (host->plan != NULL) {
        struct host_resolver resolver = wasi_p2_resolver(host->p2);
        return component_instantiate(host->store, host->plan, &resolver, 1,
                                     &host->component_instance, error);
    }
    enum stint_status status = link_module(host, error);
    if (status == STINT_OK)
        status = instance_create(host->store, host->module, host->imports, &host->instance, error);
    return status;
}

/* Everything on stdin. */
static enum stint_status read_body(struct host *host)
{
    uint8_t buffer[4096];
    size_t bytes, done;
    if (host_pipe_create(&alloc_root, BODY_BYTES_MAX, &host->body))
        return STINT_NOMEM;
    while ((bytes = fread(buffer, 1, sizeof(buffer), stdin)) > 0) {
        if (host_pipe_write(host->body, buffer, bytes, &done))
            return STINT_NOMEM;
    }
    host_pipe_finish(host->body);
    return STINT_OK;
}

static enum stint_status make_request(struct host *host, int argc, char **argv,
                                      struct stint_error *error)
{
    struct p2_header headers[HEADERS_MAX];
    struct p2_request request = {.method = argv[0],
                                 .path_with_query = argv[1],
                                 .scheme = "http",
                                 .authority = "localhost",
                                 .headers = headers};
    for (int i = 2; i < argc && request.header_count < HEADERS_MAX; i++) {
        const char *colon = strchr(argv[i], ':');
        if (colon == NULL)
            return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "'%s' has no colon", argv[i]);
        headers[request.header_count++] =
            (struct p2_header){.name = argv[i],
                               .name_bytes = (uint32_t)(colon - argv[i]),
                               .value = (const uint8_t *)colon + 1,
                               .value_bytes = (uint32_t)strlen(colon + 1)};
    }
    enum stint_status status = read_body(host);
    request.body = host->body;
    return status == STINT_OK ? p2_exchange_create(host->p2, &request, &host->exchange, error)
                              : status;
}

static enum stint_status call_if_there(struct host *host, const char *name,
                                       struct stint_error *error)
{
    struct extern_value value;
    uint64_t slot = 0;
    if (host->instance == NULL)
        return STINT_OK;
    if (!instance_export(host->instance, name, strlen(name), &value) || value.kind != EXTERN_FUNC)
        return STINT_OK;
    return rt_call(host->store, value.func, &slot, error);
}

static struct func *find_handler(struct host *host)
{
    const struct wasm_module *wasm = host->module->wasm;
    for (uint32_t i = 0; i < wasm->export_count; i++) {
        const struct wasm_export *export = &wasm->exports[i];
        if (export->kind == EXTERN_FUNC &&
            wasi_p2_is_export(export->name.text, export->name.bytes, "wasi:http/incoming-handler",
                              "handle"))
            return instance_func(host->instance, export->index);
    }
    return NULL;
}

static enum stint_status call_handler(struct host *host, struct stint_error *error)
{
    struct p2_exchange_handles handles;
    struct handle_table *table = wasi_p2_handles(host->p2);
    uint32_t request, outparam;
    struct func *handler = find_handler(host);
    if (handler == NULL || handler->type->param_count != 2)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "there is no handler");
    enum stint_status status = p2_exchange_open(host->exchange, &handles, error);
    if (status == STINT_OK)
        status =
            handle_add(table, handles.request_type, handles.request_rep, NULL, &request, error);
    if (status == STINT_OK)
        status =
            handle_add(table, handles.outparam_type, handles.outparam_rep, NULL, &outparam, error);
    if (status != STINT_OK)
        return status;
    uint64_t slots[] = {request, outparam};
    return rt_call(host->store, handler, slots, error);
}

static enum stint_status call_component(struct host *host, struct stint_error *error)
{
    struct p2_exchange_handles handles;
    struct arena arena;
    struct cvalue result;
    const struct plan_export *handler =
        plan_find(host->plan, "wasi:http/incoming-handler@0.2.0", "handle");
    if (handler == NULL || handler->func->param_count != 2)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "there is no handler");
    enum stint_status status = p2_exchange_open(host->exchange, &handles, error);
    if (status != STINT_OK)
        return status;
    struct cvalue args[2] = {
        {.type = handler->func->params[0].type,
         .handle = {handles.request_type, handles.request_rep}},
        {.type = handler->func->params[1].type,
         .handle = {handles.outparam_type, handles.outparam_rep}},
    };
    arena_init(&arena, &alloc_root);
    status = component_call(host->component_instance, handler, args, &arena, &result, error);
    arena_free(&arena);
    return status;
}

static void print_headers(const struct p2_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%s: %.*s\n", headers[i].name, (int)headers[i].value_bytes,
               (const char *)headers[i].value);
}

/* The exit code. */
static int print_response(struct host *host)
{
    const struct p2_response *response = p2_exchange_response(host->exchange);
    uint8_t buffer[4096];
    size_t bytes, count;
    enum os_error error = OS_OK;
    if (response->state == P2_RESPONSE_FAILED)
        printf("error %s\n", p2_http_error_name(response->error_code));
    else if (response->state != P2_RESPONSE_SET)
        printf("no response\n");
    if (response->state != P2_RESPONSE_SET)
        return 1;
    printf("%u\n", response->status);
    print_headers(response->headers, response->header_count);
    printf("\n");
    while (response->body != NULL) {
        error = host_pipe_read(response->body, buffer, sizeof(buffer), &bytes);
        if (error || bytes == 0)
            break;
        fwrite(buffer, 1, bytes, stdout);
    }
    if (error)
        printf("\ncut off: %s\n",
               error == OS_IO ? p2_http_error_name((uint8_t)(host_pipe_code(response->body) - 1))
                              : "not finished");
    const struct p2_header *trailers = p2_exchange_trailers(host->exchange, &count);
    if (count > 0)
        printf("\n");
    print_headers(trailers, count);
    return error ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct stint_error error = {0};
    struct host host = {.engine = NULL};
    int code = 2;
    if (argc < 4) {
        fprintf(stderr, "usage: http_host APP.wasm METHOD PATH [NAME:VALUE...]\n");
        return 2;
    }
    enum stint_status status = read_app(&host, argv[1], &error);
    if (status == STINT_OK)
        status = open_wasi(&host, &error);
    if (status == STINT_OK)
        status = instantiate(&host, &error);
    if (status == STINT_OK)
        status = call_if_there(&host, "_initialize", &error);
    if (status == STINT_OK)
        status = make_request(&host, argc - 2, argv + 2, &error);
    if (status == STINT_OK)
        status = host.plan != NULL ? call_component(&host, &error) : call_handler(&host, &error);
    if (status == STINT_OK)
        code = print_response(&host);
    else
        fprintf(stderr, "http_host: %s: %s\n", status_text(status), error.message);
    p2_exchange_release(host.exchange);
    component_instance_free(host.component_instance);
    store_free(host.store);
    wasi_p2_free(host.p2);
    wasi_p1_free(host.p1);
    host_pipe_release(host.body);
    if (host.imports != NULL)
        alloc_put(&alloc_root, host.imports,
                  (host.module->wasm->import_count + 1) * sizeof(*host.imports));
    plan_release(host.plan);
    component_release(host.component);
    rt_module_release(host.module);
    engine_release(host.engine);
    alloc_put(&alloc_root, host.bytes, FILE_BYTES_MAX);
    return code;
}
