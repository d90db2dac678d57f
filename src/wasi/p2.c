/* SPDX-License-Identifier: Apache-2.0 */
/* Making a guest from its configuration, and the objects behind its handles. */
#include "wasi/p2.h"

#include <stdio.h>

#include "wasi/p2_file.h"
#include "wasi/p2_http_int.h"
#include "wasi/p2_net.h"

struct type_info {
    const char *name;
    size_t bytes;
    void (*end)(struct wasi_p2 *wasi, struct p2_object *object);
};

static const struct type_info infos[P2_TYPE_COUNT] = {
#define P2_TYPE(id, name, object, end) {name, sizeof(object), end},
#include "wasi/p2_types.def"
#undef P2_TYPE
};

static enum stint_status no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET,
                     "out of memory for the guest's WASI state");
}

/* ---- Creation ---------------------------------------------------------------------------- */

struct wasi_p2_config wasi_p2_config_default(const struct wasi_p1_config *shared)
{
    return (struct wasi_p2_config){.shared = shared,
                                   .outbound = {UINT64_MAX, UINT64_MAX, 0, NULL},
                                   .objects_max = WASI_P2_OBJECTS_MAX,
                                   .body_bytes_max = HOST_PIPE_BYTES};
}

static enum stint_status copy_strings(struct wasi_p2 *wasi, const char *const *strings,
                                      size_t count, struct wasi_strings *ret_strings,
                                      struct stint_error *error)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        total += strlen(strings[i]) + 1;
    char *bytes = arena_get(&wasi->arena, total + 1);
    if (bytes == NULL)
        return no_memory(error);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(strings[i]) + 1;
        memcpy(bytes + at, strings[i], size);
        at += size;
    }
    *ret_strings = (struct wasi_strings){bytes, total, count};
    return STINT_OK;
}

void wasi_p2_set_command(struct wasi_p2 *wasi, const struct wasi_strings *args,
                         const struct wasi_strings *env, struct host_pipe *input)
{
    wasi->args = *args;
    wasi->env = *env;
    wasi->input = input;
}

static enum stint_status open_dir(struct wasi_p2 *wasi, const struct wasi_p1_dir *dir,
                                  struct p2_preopen *ret_preopen, struct stint_error *error)
{
    const char *shown = dir->host_path ? dir->host_path : dir->guest_path;
    struct p2_preopen preopen = {.name_bytes = strlen(dir->guest_path)};
    int fd;
    enum os_error reason = dir->host_path
                               ? file_open_host(dir->host_path, FILE_READ | FILE_IS_DIRECTORY, &fd)
                               : file_duplicate(dir->fd, &fd);
    if (!reason)
        reason = host_file_adopt(fd, true, &preopen.file);
    if (!reason && preopen.file.type != FILE_DIRECTORY) {
        host_file_close(&preopen.file);
        reason = OS_NOTDIR;
    }
    if (reason)
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot open directory '%s': %s", shown,
                         os_error_text(reason));
    preopen.file.is_frozen = dir->is_read_only;
    preopen.name = arena_copy_string(&wasi->arena, dir->guest_path, preopen.name_bytes);
    if (preopen.name == NULL) {
        host_file_close(&preopen.file);
        return no_memory(error);
    }
    *ret_preopen = preopen;
    return STINT_OK;
}

static enum stint_status open_dirs(struct wasi_p2 *wasi, const struct wasi_p1_config *config,
                                   struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    wasi->preopens = arena_get_zeroed(&wasi->arena, config->dir_count, sizeof(*wasi->preopens));
    if (wasi->preopens == NULL)
        return no_memory(error);
    for (size_t i = 0; i < config->dir_count && status == STINT_OK; i++) {
        status = open_dir(wasi, &config->dirs[i], &wasi->preopens[i], error);
        wasi->preopen_count += status == STINT_OK;
    }
    return status;
}

static enum stint_status drop(void *env, uint32_t rep, struct stint_error *error)
{
    struct wasi_p2 *wasi = env;
    (void)error;
    if (rep < wasi->count)
        p2_release(wasi, wasi->objects[rep].object);
    return STINT_OK;
}

enum stint_status wasi_p2_create(struct alloc *alloc, const struct wasi_p2_config *config,
                                 struct wasi_p2 **ret_wasi, struct stint_error *error)
{
    const struct wasi_p1_config *shared = config->shared;
    struct wasi_p2 *wasi = alloc_get_zeroed(alloc, 1, sizeof(*wasi));
    if (wasi == NULL)
        return no_memory(error);
    wasi->alloc = alloc;
    arena_init(&wasi->arena, alloc);
    handles_init(&wasi->handles, alloc);
    wasi->net = config->net;
    wasi->outbound = config->outbound;
    wasi->watch = config->watch;
    wasi->objects_max = config->objects_max;
    wasi->body_bytes_max = config->body_bytes_max;
    wasi->stdio[0] = shared->stdin_fd;
    wasi->stdio[1] = shared->stdout_fd;
    wasi->stdio[2] = shared->stderr_fd;
    wasi->sinks[1] = shared->stdout_sink;
    wasi->sinks[2] = shared->stderr_sink;
    for (int type = 0; type < P2_TYPE_COUNT; type++)
        wasi->types[type] =
            (struct resource_type){.name = infos[type].name, .drop = drop, .env = wasi};
    enum stint_status status =
        copy_strings(wasi, shared->args, shared->arg_count, &wasi->args, error);
    if (status == STINT_OK)
        status = copy_strings(wasi, shared->env, shared->env_count, &wasi->env, error);
    if (status == STINT_OK)
        status = open_dirs(wasi, shared, error);
    if (status != STINT_OK) {
        wasi_p2_free(wasi);
        return status;
    }
    *ret_wasi = wasi;
    return STINT_OK;
}

/* Whatever is left. Ends look at each other's objects, so all memory stays until the last has run. */
static void end_objects(struct wasi_p2 *wasi)
{
    wasi->is_ending = true;
    for (uint32_t i = 0; i < wasi->count; i++) {
        struct p2_object *object = wasi->objects[i].object;
        if (object != NULL && infos[object->type].end != NULL)
            infos[object->type].end(wasi, object);
    }
    for (uint32_t i = 0; i < wasi->count; i++) {
        struct p2_object *object = wasi->objects[i].object;
        if (object != NULL)
            alloc_put(wasi->alloc, object, infos[object->type].bytes);
    }
    wasi->is_ending = false;
    wasi->count = wasi->in_use = wasi->free_first = 0;
}

void wasi_p2_renew(struct wasi_p2 *wasi)
{
    wasi->outbound_calls = 0;
}

void wasi_p2_restart(struct wasi_p2 *wasi)
{
    end_objects(wasi);
    wasi->outbound_calls = 0;
    handles_clear(&wasi->handles);
    wasi->realloc_of = NULL;
}

uint64_t *wasi_p2_calls(struct wasi_p2 *wasi)
{
    return &wasi->outbound_calls;
}

void wasi_p2_free(struct wasi_p2 *wasi)
{
    if (wasi == NULL)
        return;
    end_objects(wasi);
    handles_free(&wasi->handles);
    for (size_t i = 0; i < wasi->preopen_count; i++)
        host_file_close(&wasi->preopens[i].file);
    alloc_put(wasi->alloc, wasi->objects, wasi->capacity * sizeof(*wasi->objects));
    alloc_put(wasi->alloc, wasi->scratch, wasi->scratch != NULL ? P2_SCRATCH_BYTES : 0);
    arena_free(&wasi->arena);
    alloc_put(wasi->alloc, wasi, sizeof(*wasi));
}

struct handle_table *wasi_p2_handles(struct wasi_p2 *wasi)
{
    return &wasi->handles;
}

/* ---- Objects ----------------------------------------------------------------------------- */

static enum stint_status find_slot(struct wasi_p2 *wasi, uint32_t *ret_rep,
                                   struct stint_error *error)
{
    if (wasi->in_use >= wasi->objects_max)
        return error_set(error, STINT_TRAP, STINT_NO_OFFSET,
                         "the guest has %u resources open, "
                         "more than it may",
                         wasi->in_use);
    if (wasi->free_first != 0) {
        *ret_rep = wasi->free_first;
        wasi->free_first = wasi->objects[*ret_rep].next_free;
        return STINT_OK;
    }
    uint32_t rep = wasi->count == 0 ? 1 : wasi->count;
    if (!vec_reserve(wasi->alloc, &wasi->objects, &wasi->capacity, (size_t)rep + 1,
                     sizeof(*wasi->objects)))
        return no_memory(error);
    wasi->objects[0] = (struct p2_object_slot){NULL, 0};
    wasi->count = rep + 1;
    *ret_rep = rep;
    return STINT_OK;
}

enum stint_status p2_new_object(struct wasi_p2 *wasi, enum p2_type type,
                                struct p2_object **ret_object, struct stint_error *error)
{
    struct p2_object *object = alloc_get_zeroed(wasi->alloc, 1, infos[type].bytes);
    if (object == NULL)
        return no_memory(error);
    enum stint_status status = find_slot(wasi, &object->rep, error);
    if (status != STINT_OK) {
        alloc_put(wasi->alloc, object, infos[type].bytes);
        return status;
    }
    object->references = 1;
    object->type = (uint8_t)type;
    wasi->objects[object->rep].object = object;
    wasi->in_use++;
    *ret_object = object;
    return STINT_OK;
}

enum stint_status p2_new(struct host_component_call *call, enum p2_type type, void *ret_object)
{
    struct p2_object *object;
    enum stint_status status = p2_new_object(p2_of(call), type, &object, call->error);
    if (status == STINT_OK)
        memcpy(ret_object, &object, sizeof(object));
    return status;
}

void p2_retain(struct p2_object *object)
{
    object->references++;
}

void p2_release(struct wasi_p2 *wasi, struct p2_object *object)
{
    if (object == NULL || wasi->is_ending || --object->references > 0)
        return;
    const struct type_info *info = &infos[object->type];
    if (info->end != NULL)
        info->end(wasi, object);
    struct p2_object_slot *slot = &wasi->objects[object->rep];
    *slot = (struct p2_object_slot){NULL, wasi->free_first};
    wasi->free_first = object->rep;
    wasi->in_use--;
    alloc_put(wasi->alloc, object, info->bytes);
}

/* A handle of ours always has an object; a table that someone else filled might not. */
static enum stint_status object_of(struct host_component_call *call, uint32_t rep,
                                   enum p2_type type, void *ret_object)
{
    const struct wasi_p2 *wasi = p2_of(call);
    struct p2_object *object = rep < wasi->count ? wasi->objects[rep].object : NULL;
    if (rep == P2_GONE) {
        char text[120];
        (void)snprintf(text, sizeof(text), "a handle's resource, of type %s, ended with the "
                                           "request of the warm-up", infos[type].name);
        return p2_trap(call, text);
    }
    if (object == NULL || object->type != type)
        return p2_trap(call, "a handle has no resource behind it");
    memcpy(ret_object, &object, sizeof(object));
    return STINT_OK;
}

enum stint_status p2_get(struct host_component_call *call, uint64_t handle, enum p2_type type,
                         void *ret_object)
{
    struct handle *found;
    enum stint_status status = handle_get(call->guest->handles, &p2_of(call)->types[type],
                                          p2_u32(handle), &found, call->error);
    return status == STINT_OK ? object_of(call, found->rep, type, ret_object) : status;
}

enum stint_status p2_take(struct host_component_call *call, uint64_t handle, enum p2_type type,
                          void *ret_object)
{
    uint32_t rep;
    enum stint_status status = handle_take(call->guest->handles, &p2_of(call)->types[type],
                                           p2_u32(handle), &rep, call->error);
    return status == STINT_OK ? object_of(call, rep, type, ret_object) : status;
}

enum stint_status p2_give(struct host_component_call *call, struct p2_object *object,
                          uint32_t *ret_handle)
{
    struct wasi_p2 *wasi = p2_of(call);
    enum stint_status status = handle_add(call->guest->handles, &wasi->types[object->type],
                                          object->rep, NULL, ret_handle, call->error);
    if (status != STINT_OK)
        p2_release(wasi, object);
    return status;
}

enum stint_status p2_return(struct host_component_call *call, struct p2_object *object,
                            uint64_t *slots)
{
    uint32_t handle;
    enum stint_status status = p2_give(call, object, &handle);
    if (status == STINT_OK)
        slots[0] = handle;
    return status;
}
