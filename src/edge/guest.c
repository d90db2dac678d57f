/* SPDX-License-Identifier: Apache-2.0 */
/* Guests as components; core modules are in guest_core.c. */
#include "edge/guest_int.h"

#include <string.h>

#include "api/component_code.h"
#include "base/buf.h"
#include "os/files.h"
#include "runtime/native.h"

static const char handler_interface[] = "wasi:http/incoming-handler";
const char guest_command_hint[] =
    "; it is a command, which executor = { type = \"wagi\" } of its trigger runs";

static enum stint_status no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
}

/* ---- What a guest writes ----------------------------------------------------------------- */

enum { LINE_BYTES_MAX = 4096 };

static void put_line(struct guest_output *output)
{
    const struct guest_host *host = output->host;
    const struct guest_warmup *warmup = host->warmup;
    if (warmup != NULL)
        warmup->log(warmup->env, output->is_stderr, (const char *)output->line.data,
                    output->line.bytes);
    else if (host->guest->config.log != NULL)
        host->guest->config.log(host->user, output->is_stderr, (const char *)output->line.data,
                                output->line.bytes);
    buf_clear(&output->line);
}

static enum os_error on_write(struct host_sink *sink, const struct host_wait *wait,
                              const void *data, size_t bytes)
{
    (void)wait;
    struct guest_output *output = (struct guest_output *)sink;
    const uint8_t *at = data, *end = at + bytes;
    while (at < end) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
        size_t piece = (size_t)((newline != NULL ? newline : end) - at);
        size_t room = LINE_BYTES_MAX - output->line.bytes;
        /* What is longer than a line may be is cut into several. */
        bool is_cut = piece > room;
        (void)buf_append(&output->line, at, is_cut ? room : piece);
        at += is_cut ? room : piece + (newline != NULL);
        if (is_cut || newline != NULL)
            put_line(output);
    }
    return OS_OK;
}

static void output_init(struct guest_output *output, struct guest_host *host, bool is_stderr)
{
    output->sink.write = on_write;
    output->host = host;
    output->is_stderr = is_stderr;
    buf_init(&output->line, &alloc_root, LINE_BYTES_MAX);
}

/* A last line without an end. */
static void output_flush(struct guest_output *output)
{
    if (output->line.bytes > 0)
        put_line(output);
}

void guest_host_flush(struct guest_host *host)
{
    output_flush(&host->outputs[0]);
    output_flush(&host->outputs[1]);
}

void guest_host_say(struct guest_host *host, const char *line)
{
    struct guest_output *output = &host->outputs[1];
    output_flush(output);
    (void)buf_append_string(&output->line, line);
    output_flush(output);
}

/* ---- What a guest asks others ------------------------------------------------------------ */

static void on_call_begin(void *env, struct wasi_p2_call *call)
{
    const struct guest_host *host = env;
    if (host->user != NULL && host->guest->config.call_begin != NULL)
        host->guest->config.call_begin(host->user, call);
}

static void on_call_end(void *env, const struct wasi_p2_call *call)
{
    const struct guest_host *host = env;
    if (host->user != NULL && host->guest->config.call_end != NULL)
        host->guest->config.call_end(host->user, call);
}

static void on_service_call(void *env, const struct services_call *call)
{
    const struct guest_host *host = env;
    if (host->user != NULL && host->guest->config.service_called != NULL)
        host->guest->config.service_called(host->user, call);
}

/* ---- A slot's host ----------------------------------------------------------------------- */

static enum os_error on_request(void *env, const struct host_http_request *request,
                                struct host_http_job **ret_job)
{
    struct guest_host *host = env;
    /* Warm-ups are nobody's request, so there is nothing to chain to. */
    if (host->user == NULL)
        return OS_NOTCAPABLE;
    return host->guest->config.chain(host->user, request, ret_job);
}

enum stint_status guest_host_create(struct guest *guest, struct guest_host **ret_host,
                                    struct stint_error *error)
{
    const struct guest_config *config = &guest->config;
    struct alloc *alloc = &guest->engine->alloc;
    struct guest_host *host = alloc_get_zeroed(alloc, 1, sizeof(*host));
    if (host == NULL)
        return no_memory(error);
    host->guest = guest;
    output_init(&host->outputs[0], host, false);
    output_init(&host->outputs[1], host, true);
    host->shared = wasi_p1_config_default();
    host->shared.stdin_fd = host->shared.stdout_fd = host->shared.stderr_fd = -1;
    host->shared.stdout_sink = &host->outputs[0].sink;
    host->shared.stderr_sink = &host->outputs[1].sink;
    host->shared.args = &config->id;
    host->shared.arg_count = 1;
    host->shared.env = config->env;
    host->shared.env_count = config->env_count;
    host->shared.dirs = config->dirs;
    host->shared.dir_count = config->dir_count;
    enum stint_status status = guest->is_command ? guest_cgi_create(host, error) : STINT_OK;
    struct wasi_p2_config p2 = wasi_p2_config_default(&host->shared);
    p2.net = config->net;
    p2.outbound = config->outbound;
    host->inside = (struct host_http_inside){host, on_request};
    p2.outbound.inside = config->chain != NULL ? &host->inside : NULL;
    p2.watch = (struct wasi_p2_watch){host, on_call_begin, on_call_end};
    if (status == STINT_OK)
        status = wasi_p2_create(alloc, &p2, &host->p2, error);
    const struct services_world world = {.net = config->net,
                                         .log = &host->outputs[1].sink,
                                         .calls = host->p2 != NULL ? wasi_p2_calls(host->p2) : NULL,
                                         .called = on_service_call,
                                         .env = host};
    if (status == STINT_OK && config->services != NULL)
        status = services_guest_create(config->services, config->component, &world, alloc,
                                       &host->services, error);
    if (status == STINT_OK)
        *ret_host = host;
    else
        guest_host_free(host);
    return status;
}

void guest_host_free(struct guest_host *host)
{
    if (host == NULL)
        return;
    services_guest_free(host->services);
    wasi_p2_free(host->p2);
    wasi_p1_free(host->p1);
    guest_cgi_free(host);
    buf_free(&host->outputs[0].line);
    buf_free(&host->outputs[1].line);
    alloc_put(&host->guest->engine->alloc, host, sizeof(*host));
}

enum stint_status guest_host_restart(struct guest_host *host)
{
    struct stint_error ignored = {0};
    guest_host_flush(host);
    if (host->services != NULL)
        services_guest_restart(host->services);
    wasi_p2_restart(host->p2);
    if (host->cgi != NULL)
        guest_cgi_restart(host);
    host->user = NULL;
    return host->p1 != NULL ? wasi_p1_restart(host->p1, &host->shared, &ignored) : STINT_OK;
}

/* ---- Slots of components ----------------------------------------------------------------- */

static enum stint_status make_slot(void *env, struct stint_store *store,
                                   struct component_pool_host *ret_host, struct stint_error *error)
{
    struct guest_host *host;
    enum stint_status status = guest_host_create(env, &host, error);
    if (status != STINT_OK)
        return status;
    store->user = host;
    ret_host->env = host;
    host->resolvers[host->resolver_count++] = wasi_p2_resolver(host->p2);
    if (host->services != NULL)
        host->resolvers[host->resolver_count++] = services_resolver(host->services);
    if (host->guest->notes.apart_count > 0)
        ret_host->resolvers[ret_host->resolver_count++] = guest_deny_resolver(host);
    for (uint32_t i = 0; i < host->resolver_count; i++)
        ret_host->resolvers[ret_host->resolver_count++] = host->resolvers[i];
    return STINT_OK;
}

static enum stint_status reset_slot(void *env, void *slot_env)
{
    (void)env;
    return guest_host_restart(slot_env);
}

static void end_slot(void *env, void *slot_env)
{
    (void)env;
    guest_host_free(slot_env);
}

static enum stint_status keep_handle(void *env, void *slot_env, const struct resource_type *type,
                                     uint32_t rep, uint32_t *ret_word, struct stint_error *error)
{
    const struct guest_host *host = slot_env;
    (void)env;
    if (wasi_p2_has_type(host->p2, type))
        return wasi_p2_keep(host->p2, rep, host->guest->resources, ret_word, error);
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "a %s is open", type->name);
}

static enum stint_status reopen_handle(void *env, void *slot_env, const struct resource_type *type,
                                       uint32_t word, uint32_t *ret_rep, struct stint_error *error)
{
    const struct guest_host *host = slot_env;
    (void)env;
    (void)type;
    return wasi_p2_reopen(host->p2, host->guest->resources, word, ret_rep, error);
}

static const struct plan_export *find_http(const struct guest *guest)
{
    static const char *const versions[] = {"@0.2.0", "@0.2.0-rc-2023-11-10",
                                           "@0.2.0-rc-2023-10-18"};
    const struct plan_export *found = NULL;
    for (size_t i = 0; i < COUNT_OF(versions) && found == NULL; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s%s", handler_interface, versions[i]);
        found = plan_find(guest->plan, name, "handle");
    }
    return found != NULL && found->func->param_count == 2 ? found : NULL;
}

/* Whether it handles requests in the way of WASI 0.3, which is not this one. */
static bool is_of_wasi_0_3(const struct guest *guest)
{
    static const char start[] = "wasi:http/handler@0.3.";
    uint32_t count;
    const struct plan_export *exports = plan_exports(guest->plan, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct wasm_name *interface = &exports[i].interface;
        if (interface->bytes >= strlen(start) &&
            memcmp(interface->text, start, strlen(start)) == 0)
            return true;
    }
    return false;
}

static enum stint_status find_handler(struct guest *guest, struct stint_error *error)
{
    enum guest_kind kind = guest->config.kind;
    if (kind == GUEST_SILENT)
        return STINT_OK;
    const struct plan_export *run = plan_find(guest->plan, "wasi:cli/run@0.2.0", "run");
    if (kind != GUEST_COMMAND)
        guest->handler = find_http(guest);
    if (guest->handler != NULL)
        return STINT_OK;
    guest->handler = kind != GUEST_HANDLER ? run : NULL;
    guest->is_command = guest->handler != NULL;
    if (guest->is_command)
        return STINT_OK;
    if (kind == GUEST_COMMAND)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET,
                         "the component does not export wasi:cli/run, which the executor 'wagi' runs");
    if (is_of_wasi_0_3(guest))
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "the component exports wasi:http/handler of WASI 0.3, which is not "
                         "supported: build it for WASI 0.2, with %s",
                         handler_interface);
    return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET,
                     "the component does not export %s, so it cannot answer requests%s",
                     handler_interface, run != NULL ? guest_command_hint : "");
}

static enum stint_status create_component(struct guest *guest, struct stint_error *error)
{
    struct component_refusal refusal;
    const struct module_origin origin = {guest->config.path, guest->bytes.stat, 0};
    guest->origin = origin;
    enum stint_status status =
        component_code_create(guest->engine, guest->bytes.data, guest->bytes.bytes, true,
                              &guest->origin, &guest->file, &refusal, error);
    if (status == STINT_OK && refusal.reason[0] != '\0')
        (void)snprintf(guest->refusal, sizeof(guest->refusal), "%s; %s", refusal.reason,
                       refusal.remedy);
    if (status == STINT_OK)
        status = guest_parts_compose(guest, &guest->file, error);
    if (status == STINT_OK)
        status = plan_create(guest->file, &guest->plan, error);
    if (status == STINT_OK)
        status = guest_deny_prepare(guest, error);
    if (status == STINT_OK)
        status = find_handler(guest, error);
    if (status == STINT_OK)
        status = guest_message_find(guest, error);
    if (status != STINT_OK)
        return status;
    struct component_pool_config config = component_pool_config_default();
    config.make = make_slot;
    config.reset = reset_slot;
    config.end = end_slot;
    config.keep = keep_handle;
    config.reopen = reopen_handle;
    config.env = guest;
    config.limits = guest->config.limits;
    config.slots_max = guest->config.instances_max;
    config.slots_warm = guest->config.instances_warm;
    /* An instance that serves several requests may do so in several workers. */
    config.uses_stay = guest->config.reuse_max <= 1;
    return component_pool_create(guest->plan, &config, &guest->components, error);
}

/* ---- Loading ----------------------------------------------------------------------------- */

enum stint_status guest_file_read(const char *path, struct guest_file *file,
                                  struct stint_error *error)
{
    struct buf bytes;
    int fd;
    enum os_error reason = file_open_host(path, FILE_READ, &fd);
    if (!reason)
        reason = file_stat_of(fd, &file->stat);
    else
        fd = -1;
    if (!reason && file->stat.type != FILE_REGULAR)
        reason = file->stat.type == FILE_DIRECTORY ? OS_ISDIR : OS_INVAL;
    if (reason) {
        file_close(fd);
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "%s", os_error_text(reason));
    }
    buf_init(&bytes, &alloc_root, GUEST_FILE_BYTES_MAX);
    while (!reason && bytes.bytes < file->stat.size_bytes) {
        size_t left = file->stat.size_bytes - bytes.bytes, done = 0;
        if (!buf_reserve(&bytes, left))
            break;
        struct file_span span = {bytes.data + bytes.bytes, left};
        reason = file_read(fd, &span, 1, (int64_t)bytes.bytes, &done);
        if (done == 0)
            break;
        bytes.bytes += done;
    }
    file_close(fd);
    if (reason || bytes.bytes != file->stat.size_bytes) {
        buf_free(&bytes);
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "%s",
                         reason ? os_error_text(reason) : "it is too large, or is being written");
    }
    file->data = bytes.data;
    file->bytes = bytes.bytes;
    file->capacity_bytes = bytes.capacity_bytes;
    return STINT_OK;
}

/* "\0asm", then layer 1 for components, version 1 for modules. */
bool guest_file_is_component(const struct guest_file *file)
{
    return file->bytes >= 8 && file->data[6] == 1;
}

void guest_file_free(struct guest_file *file)
{
    alloc_put(&alloc_root, file->data, file->capacity_bytes);
    file->data = NULL;
}

static bool copy_strings(struct arena *arena, const char *const *strings, size_t count,
                         const char *const **ret_copy)
{
    const char **copy = arena_get_zeroed(arena, count + 1, sizeof(*copy));
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = arena_copy_string(arena, strings[i], strlen(strings[i]));
        if (copy[i] == NULL)
            return false;
    }
    *ret_copy = copy;
    return copy != NULL;
}

static bool copy_config(struct guest *guest, const struct guest_config *from)
{
    struct guest_config *config = &guest->config;
    struct arena *arena = &guest->arena;
    *config = *from;
    config->id = arena_copy_string(arena, from->id, strlen(from->id));
    config->path = arena_copy_string(arena, from->path, strlen(from->path));
    const char *entry = from->entry != NULL ? from->entry : "_start";
    config->entry = arena_copy_string(arena, entry, strlen(entry));
    struct wasi_p1_dir *dirs = arena_get_zeroed(arena, from->dir_count + 1, sizeof(*dirs));
    if (config->id == NULL || config->path == NULL || config->entry == NULL || dirs == NULL)
        return false;
    for (size_t i = 0; i < from->dir_count; i++) {
        dirs[i] = from->dirs[i];
        dirs[i].host_path = arena_copy_string(arena, from->dirs[i].host_path,
                                              strlen(from->dirs[i].host_path));
        dirs[i].guest_path = arena_copy_string(arena, from->dirs[i].guest_path,
                                               strlen(from->dirs[i].guest_path));
        if (dirs[i].host_path == NULL || dirs[i].guest_path == NULL)
            return false;
    }
    config->dirs = dirs;
    return copy_strings(arena, from->env, from->env_count, &config->env);
}

static enum stint_status create_core(struct guest *guest, struct stint_error *error)
{
    if (guest->config.dependency_count > 0)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "it is a core module, and dependencies are for components: 'stint component "
                         "new' makes one of it");
    return guest_core_create(guest, error);
}

enum stint_status guest_create(struct stint_engine *engine, const struct guest_config *config,
                               struct guest **ret_guest, struct stint_error *error)
{
    struct guest *guest = alloc_get_zeroed(&engine->alloc, 1, sizeof(*guest));
    if (guest == NULL)
        return no_memory(error);
    guest->engine = engine;
    lock_init(&guest->kept_lock);
    arena_init(&guest->arena, &engine->alloc);
    enum stint_status status = copy_config(guest, config) ? STINT_OK : no_memory(error);
    if (status == STINT_OK)
        status = guest_file_read(guest->config.path, &guest->bytes, error);
    if (status == STINT_OK && config->wants_digest) {
        uint8_t digest[SHA256_BYTES];
        sha256_of(guest->bytes.data, guest->bytes.bytes, digest);
        sha256_hex(digest, guest->digest);
    }
    if (status == STINT_OK)
        status = guest_file_is_component(&guest->bytes) ? create_component(guest, error)
                                                        : create_core(guest, error);
    if (status == STINT_OK && config->wants_digest)
        guest_parts_digest(guest);
    if (status == STINT_OK)
        *ret_guest = guest;
    else
        guest_free(guest);
    return status;
}

static void give_back(struct guest *guest, struct guest_use *use)
{
    if (use->component != NULL)
        component_pool_give(guest->components, use->component);
    else
        pool_give(guest->modules, use->module);
}

void guest_free(struct guest *guest)
{
    if (guest == NULL)
        return;
    for (struct guest_use *use; (use = guest->kept) != NULL;) {
        guest->kept = use->next;
        give_back(guest, use);
    }
    lock_free(&guest->kept_lock);
    component_pool_free(guest->components);
    pool_free(guest->modules);
    wasi_p2_kept_free(guest->resources);
    plan_release(guest->plan);
    component_release(guest->file);
    rt_module_release(guest->module);
    guest_parts_free(guest);
    guest_file_free(&guest->bytes);
    arena_free(&guest->arena);
    alloc_put(&guest->engine->alloc, guest, sizeof(*guest));
}

const char *guest_digest(const struct guest *guest, uint64_t *ret_file_bytes)
{
    *ret_file_bytes = guest->bytes.bytes;
    return guest->digest;
}

const char *guest_digest_of_all(const struct guest *guest)
{
    return guest->digest_of_all;
}

const char *guest_refusal(const struct guest *guest)
{
    return guest->refusal[0] != '\0' ? guest->refusal : NULL;
}

static bool module_has_code(const struct stint_module *module)
{
    return atomic_load_explicit(&module->native, memory_order_acquire) != NULL;
}

bool guest_is_command(const struct guest *guest)
{
    return guest->is_command;
}

const char *const *guest_env(const struct guest *guest, size_t *ret_count)
{
    *ret_count = guest->config.env_count;
    return guest->config.env;
}

bool guest_has_code(const struct guest *guest)
{
    if (guest->module != NULL)
        return module_has_code(guest->module);
    for (uint32_t i = 0; i < guest->file->module_count; i++) {
        if (module_has_code(guest->file->modules[i]))
            return true;
    }
    return false;
}

/* ---- Machine code ------------------------------------------------------------------------ */

enum { QUICK_FROM_BYTES = 1 << 20 }; /* larger modules are not optimised as far */

static int ask_cancelled(void *context, uint32_t done, uint32_t total)
{
    (void)done;
    (void)total;
    return atomic_load_explicit((const atomic_int *)context, memory_order_relaxed);
}

static enum stint_status compile_module(struct stint_module *module, const atomic_int *is_cancelled,
                                        struct stint_error *error)
{
    const struct tier_config *tier = &module->engine->config.tier;
    if (module_has_code(module) || tier->source == NULL)
        return STINT_OK;
    if (tier->uses_cache && tier->source->find(module) == STINT_OK)
        return STINT_OK;
    const struct tier_request request = {
        .jobs = 1,
        .is_quick = module->wasm->size_bytes > QUICK_FROM_BYTES,
        .is_kept = tier->uses_cache,
        .progress = ask_cancelled,
        .progress_context = (void *)(uintptr_t)is_cancelled,
    };
    return tier->source->compile(module, &request, error);
}

/* Slots made before call what was there then, mostly the interpreter. */
static void renew(struct guest *guest)
{
    if (guest->components != NULL)
        component_pool_renew(guest->components);
    if (guest->modules != NULL)
        pool_renew(guest->modules);
}

enum stint_status guest_compile(struct guest *guest, const atomic_int *is_cancelled,
                                struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    if (guest->module != NULL)
        status = compile_module(guest->module, is_cancelled, error);
    for (uint32_t i = 0; guest->module == NULL && i < guest->file->module_count && status == STINT_OK;
         i++)
        status = compile_module(guest->file->modules[i], is_cancelled, error);
    if (status == STINT_OK)
        renew(guest);
    return status;
}

/* Takes half of those off the list that nobody has asked for, but one, and begins to count anew. */
static struct guest_use *cut_kept(struct guest *guest)
{
    struct guest_use *cut = NULL;
    lock_take(&guest->kept_lock);
    if (guest->kept_min > 1) {
        struct guest_use *last = guest->kept;
        guest->kept_count -= guest->kept_min / 2;
        for (uint32_t i = 1; i < guest->kept_count; i++)
            last = last->next;
        cut = last->next;
        last->next = NULL;
    }
    guest->kept_min = guest->kept_count;
    lock_give(&guest->kept_lock);
    return cut;
}

uint32_t guest_cool(struct guest *guest)
{
    struct guest_use *use = cut_kept(guest);
    for (struct guest_use *next; use != NULL; use = next) {
        next = use->next;
        give_back(guest, use);
    }
    return guest->components != NULL ? component_pool_cool(guest->components)
                                     : pool_cool(guest->modules);
}

void guest_stats(struct guest *guest, struct pool_stats *ret_stats)
{
    if (guest->components != NULL)
        component_pool_stats(guest->components, ret_stats);
    else
        pool_stats(guest->modules, ret_stats);
    lock_take(&guest->kept_lock);
    ret_stats->idle += guest->kept_count;
    lock_give(&guest->kept_lock);
}

/* ---- Uses -------------------------------------------------------------------------------- */

static struct guest_use *take_kept(struct guest *guest)
{
    if (guest->config.reuse_max <= 1)
        return NULL;
    lock_take(&guest->kept_lock);
    struct guest_use *use = guest->kept;
    if (use != NULL) {
        guest->kept = use->next;
        if (--guest->kept_count < guest->kept_min)
            guest->kept_min = guest->kept_count;
    }
    lock_give(&guest->kept_lock);
    return use;
}

enum stint_status guest_take(struct guest *guest, void *user, struct guest_use **ret_use,
                             struct stint_error *error)
{
    struct component_instance *component = NULL;
    struct stint_instance *module = NULL;
    struct guest_use *kept = take_kept(guest);
    if (kept != NULL) {
        kept->host->user = user;
        *ret_use = kept;
        return STINT_OK;
    }
    enum stint_status status = guest->components != NULL
                                   ? component_pool_take_still(guest->components, &component, error)
                                   : pool_take_still(guest->modules, &module, error);
    if (status != STINT_OK)
        return status;
    struct stint_store *store =
        component != NULL ? component_instance_store(component) : module->store;
    struct guest_host *host = store->user;
    host->user = user;
    host->use = (struct guest_use){
        .host = host, .store = store, .component = component, .module = module};
    *ret_use = &host->use;
    return STINT_OK;
}

enum stint_status guest_start(struct guest_use *use, struct stint_error *error)
{
    const struct guest *guest = use->host->guest;
    if (use->served > 0)
        return STINT_OK;
    return use->component != NULL ? component_pool_start(guest->components, use->component, error)
                                  : pool_start(guest->modules, use->module, error);
}

struct stint_store *guest_use_store(struct guest_use *use)
{
    return use->store;
}

static enum stint_status call_component(struct guest_use *use,
                                        const struct p2_exchange_handles *handles,
                                        struct stint_error *error)
{
    const struct plan_export *handler = use->host->guest->handler;
    struct arena arena;
    struct cvalue result;
    const struct cvalue args[2] = {
        {.type = handler->func->params[0].type,
         .handle = {handles->request_type, handles->request_rep}},
        {.type = handler->func->params[1].type,
         .handle = {handles->outparam_type, handles->outparam_rep}},
    };
    arena_init(&arena, &alloc_root);
    enum stint_status status =
        component_call(use->component, handler, args, &arena, &result, error);
    arena_free(&arena);
    return status;
}

enum stint_status guest_handle(struct guest_use *use, const struct p2_request *request,
                               struct stint_error *error)
{
    struct p2_exchange_handles handles;
    enum stint_status status =
        p2_exchange_create(use->host->p2, request, &use->exchange, error);
    if (status == STINT_OK)
        status = p2_exchange_open(use->exchange, &handles, error);
    if (status != STINT_OK)
        return status;
    return use->component != NULL ? call_component(use, &handles, error)
                                  : guest_core_call(use, &handles, error);
}

const struct p2_response *guest_use_response(struct guest_use *use)
{
    if (use->host->cgi != NULL)
        return guest_cgi_response(use->host);
    return use->exchange != NULL ? p2_exchange_response(use->exchange) : NULL;
}

bool guest_use_add_trailers(struct guest_use *use, const struct p2_header *trailers, size_t count)
{
    return use->exchange == NULL ||
           p2_exchange_add_trailers(use->exchange, trailers, count) == STINT_OK;
}

const struct p2_header *guest_use_trailers(struct guest_use *use, size_t *ret_count)
{
    *ret_count = 0;
    return use->exchange != NULL ? p2_exchange_trailers(use->exchange, ret_count) : NULL;
}

uint64_t guest_use_memory_bytes(const struct guest_use *use)
{
    uint64_t bytes = 0;
    for (const struct memory *at = use->store->memories; at != NULL; at = at->next)
        bytes += at->bytes;
    return bytes;
}

/* What belonged to the request goes; what the guest has open stays. */
static void keep(struct guest *guest, struct guest_use *use)
{
    struct guest_host *host = use->host;
    guest_host_flush(host);
    wasi_p2_renew(host->p2); /* which tells of calls that it ends */
    host->user = NULL;
    rt_timeout_set(use->store, 0);
    rt_fuel_set(use->store, UINT64_MAX);
    atomic_store(&use->store->interrupt, false);
    lock_take(&guest->kept_lock);
    use->next = guest->kept;
    guest->kept = use;
    guest->kept_count++;
    lock_give(&guest->kept_lock);
}

void guest_give(struct guest_use *use, bool is_good)
{
    struct guest *guest = use->host->guest;
    use->store->waiter = NULL;
    p2_exchange_release(use->exchange);
    use->exchange = NULL;
    if (is_good && !guest->is_command && ++use->served < guest->config.reuse_max)
        keep(guest, use);
    else
        give_back(guest, use);
}
