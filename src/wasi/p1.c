/* SPDX-License-Identifier: Apache-2.0 */
/* Making a guest from its configuration, finding its functions, and the way into each of them. */
#include "wasi/p1.h"

#include <stdio.h>

#include "os/clock.h"
#include "os/sockets.h"
#include "wasi/p1_int.h"

struct p1_row {
    const char *name;
    const char *signature;
    p1_function function;
    enum p1_abi since;
};

static const struct p1_row rows[P1_ROW_COUNT] = {
#define P1(name, signature, since) {#name, signature, p1_##name, since},
#include "wasi/p1.def"
#undef P1
};

static const char *const abi_names[P1_ABI_COUNT] = {
    [P1_UNSTABLE] = "wasi_unstable",
    [P1_SNAPSHOT] = "wasi_snapshot_preview1",
};

enum { TYPES_MAX = 16 }; /* parameters in a signature */

/* ---- Creation ---------------------------------------------------------------------------- */

struct wasi_p1_config wasi_p1_config_default(void)
{
    return (struct wasi_p1_config){
        .stdin_fd = 0,
        .stdout_fd = 1,
        .stderr_fd = 2,
        .descriptors_max = WASI_P1_DESCRIPTORS_MAX,
    };
}

static enum stint_status no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET,
                     "out of memory for the guest's WASI state");
}

static enum stint_status copy_strings(struct wasi_p1 *wasi, const char *const *strings,
                                      size_t count, struct p1_strings *ret_strings,
                                      struct stint_error *error)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += strlen(strings[i]) + 1;
    /* Each needs a pointer beside its bytes in a memory of at most 4 GiB. */
    if (total > UINT32_MAX || count > UINT32_MAX / 4)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "arguments or environment are longer than a guest's memory");
    char *bytes = arena_get(&wasi->arena, total);
    if (bytes == NULL)
        return no_memory(error);
    *ret_strings = (struct p1_strings){bytes, (uint32_t)total, (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(strings[i]) + 1;
        memcpy(bytes, strings[i], size);
        bytes += size;
    }
    return STINT_OK;
}

static enum stint_status table_full(enum os_error reason, struct stint_error *error)
{
    if (reason == OS_NOMEM)
        return no_memory(error);
    return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                     "the guest is given more files than it may have open");
}

/* A standard stream. `unwanted` is the direction that it is not for: terminals are often open for
 * both. */
static enum stint_status add_stream(struct wasi_p1 *wasi, uint32_t number, int fd,
                                    struct host_sink *sink, uint64_t unwanted,
                                    struct stint_error *error)
{
    struct p1_descriptor descriptor = {0};
    /* The C library's stream may be closed: then so is the guest's. */
    if (fd < 0 && sink != NULL)
        descriptor.file = host_file_of_sink(sink);
    else if (fd < 0 || host_file_adopt(fd, false, &descriptor.file) != OS_OK)
        return STINT_OK;
    descriptor.rights_base = p1_rights_of(&descriptor.file) & ~unwanted;
    descriptor.rights_inheriting = P1_RIGHTS_ALL;
    descriptor.fdflags = descriptor.file.flags & FILE_APPEND ? P1_FDFLAGS_APPEND : 0;
    enum os_error reason = p1_table_add_at(&wasi->table, &descriptor, number);
    return reason ? table_full(reason, error) : STINT_OK;
}

static enum stint_status add_dir(struct wasi_p1 *wasi, uint32_t number,
                                 const struct wasi_p1_dir *dir, struct stint_error *error)
{
    const char *shown = dir->host_path ? dir->host_path : dir->guest_path;
    struct p1_descriptor descriptor = {.file = {.fd = dir->fd, .is_owned = true}};
    enum os_error reason = OS_OK;
    if (dir->host_path)
        reason = file_open_host(dir->host_path, FILE_READ | FILE_IS_DIRECTORY, &descriptor.file.fd);
    if (!reason)
        reason = host_file_adopt(descriptor.file.fd, true, &descriptor.file);
    if (reason)
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot open directory '%s': %s", shown,
                         os_error_text(reason));
    size_t name_bytes = strlen(dir->guest_path);
    descriptor.preopen_name = arena_copy_string(&wasi->arena, dir->guest_path, name_bytes);
    if (descriptor.file.type != FILE_DIRECTORY || descriptor.preopen_name == NULL) {
        bool is_directory = descriptor.file.type == FILE_DIRECTORY;
        host_file_close(&descriptor.file);
        return is_directory
                   ? no_memory(error)
                   : error_set(error, STINT_IO, STINT_NO_OFFSET, "'%s' is not a directory", shown);
    }
    descriptor.preopen_name_bytes = (uint32_t)name_bytes;
    descriptor.file.is_frozen = dir->is_read_only;
    descriptor.rights_base = p1_rights_of(&descriptor.file);
    descriptor.rights_inheriting = P1_RIGHTS_ALL;
    reason = p1_table_add_at(&wasi->table, &descriptor, number);
    return reason ? table_full(reason, error) : STINT_OK;
}

static enum stint_status add_socket(struct wasi_p1 *wasi, uint32_t number, int fd,
                                    struct stint_error *error)
{
    struct p1_descriptor descriptor = {0};
    enum os_error reason = host_file_adopt(fd, true, &descriptor.file);
    if (reason)
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot use socket %d: %s", fd,
                         os_error_text(reason));
    /* Ours from now on: so that no accept waits for a connection that another process took. */
    descriptor.file.is_host_nonblocking = file_set_nonblocking(fd, true) == OS_OK;
    descriptor.rights_base = p1_rights_of(&descriptor.file);
    descriptor.rights_inheriting = P1_RIGHTS_ALL;
    reason = p1_table_add_at(&wasi->table, &descriptor, number);
    return reason ? table_full(reason, error) : STINT_OK;
}

/* Directories come first: C libraries look for them from descriptor 3 on, up to the first descriptor
 * that is none. */
static enum stint_status fill_table(struct wasi_p1 *wasi, const struct wasi_p1_config *config,
                                    size_t *ret_dirs, size_t *ret_sockets,
                                    struct stint_error *error)
{
    uint32_t number = 3;
    enum stint_status status = add_stream(wasi, 0, config->stdin_fd, config->stdin_sink,
                                          P1_FD_WRITE, error);
    if (status == STINT_OK)
        status = add_stream(wasi, 1, config->stdout_fd, config->stdout_sink, P1_FD_READ, error);
    if (status == STINT_OK)
        status = add_stream(wasi, 2, config->stderr_fd, config->stderr_sink, P1_FD_READ, error);
    /* What is counted has been taken over, added or closed. */
    while (status == STINT_OK && *ret_dirs < config->dir_count)
        status = add_dir(wasi, number++, &config->dirs[(*ret_dirs)++], error);
    while (status == STINT_OK && *ret_sockets < config->socket_count)
        status = add_socket(wasi, number++, config->sockets[(*ret_sockets)++], error);
    return status;
}

enum stint_status wasi_p1_create(struct alloc *alloc, const struct wasi_p1_config *config,
                                 struct wasi_p1 **ret_wasi, struct stint_error *error)
{
    size_t dirs = 0, sockets = 0;
    enum stint_status status;
    struct wasi_p1 *wasi = alloc_get_zeroed(alloc, 1, sizeof(*wasi));
    if (wasi == NULL) {
        status = no_memory(error);
        goto fail;
    }
    wasi->alloc = alloc;
    arena_init(&wasi->arena, alloc);
    p1_table_init(&wasi->table, alloc, config->descriptors_max);
    status = copy_strings(wasi, config->args, config->arg_count, &wasi->args, error);
    if (status == STINT_OK)
        status = copy_strings(wasi, config->env, config->env_count, &wasi->env, error);
    if (status == STINT_OK)
        status = fill_table(wasi, config, &dirs, &sockets, error);
    if (status == STINT_OK) {
        *ret_wasi = wasi;
        return STINT_OK;
    }
fail:
    for (; dirs < config->dir_count; dirs++) {
        if (config->dirs[dirs].host_path == NULL)
            file_close(config->dirs[dirs].fd);
    }
    for (; sockets < config->socket_count; sockets++)
        file_close(config->sockets[sockets]);
    wasi_p1_free(wasi);
    return status;
}

enum stint_status wasi_p1_keep(struct wasi_p1 *wasi, struct stint_error *error)
{
    size_t count = wasi->table.count;
    wasi->kept = arena_copy(&wasi->arena, wasi->table.items, count * sizeof(*wasi->kept));
    wasi->kept_count = wasi->kept != NULL ? count : 0;
    return wasi->kept != NULL ? STINT_OK : no_memory(error);
}

/* Most guests open nothing, or close what they open. */
bool wasi_p1_is_as_kept(const struct wasi_p1 *wasi)
{
    size_t count = wasi->kept_count;
    bool is_same =
        wasi->table.count >= count &&
        (count == 0 || memcmp(wasi->table.items, wasi->kept, count * sizeof(*wasi->kept)) == 0);
    for (size_t i = count; i < wasi->table.count && is_same; i++)
        is_same = !wasi->table.items[i].is_open;
    return is_same;
}

enum stint_status wasi_p1_restart(struct wasi_p1 *wasi, const struct wasi_p1_config *config,
                                  struct stint_error *error)
{
    size_t dirs = 0, sockets = 0;
    if (wasi_p1_is_as_kept(wasi)) {
        wasi->table.count = (uint32_t)wasi->kept_count;
        wasi->table.free_from = 0;
        return STINT_OK;
    }
    p1_table_free(&wasi->table);
    p1_table_init(&wasi->table, wasi->alloc, config->descriptors_max);
    arena_free(&wasi->arena);
    enum stint_status status =
        copy_strings(wasi, config->args, config->arg_count, &wasi->args, error);
    if (status == STINT_OK)
        status = copy_strings(wasi, config->env, config->env_count, &wasi->env, error);
    if (status == STINT_OK)
        status = fill_table(wasi, config, &dirs, &sockets, error);
    return status == STINT_OK ? wasi_p1_keep(wasi, error) : status;
}

static struct p1_strings borrow(const struct wasi_strings *strings)
{
    return (struct p1_strings){strings->bytes, (uint32_t)strings->size_bytes,
                               (uint32_t)strings->count};
}

void wasi_p1_set_strings(struct wasi_p1 *wasi, const struct wasi_strings *args,
                         const struct wasi_strings *env)
{
    wasi->args = borrow(args);
    wasi->env = borrow(env);
}

void wasi_p1_free(struct wasi_p1 *wasi)
{
    if (wasi == NULL)
        return;
    p1_table_free(&wasi->table);
    arena_free(&wasi->arena);
    alloc_put(wasi->alloc, wasi, sizeof(*wasi));
}

/* ---- Calls ------------------------------------------------------------------------------- */

/* The deadline or an interruption ended a wait: what it was ends the guest. */
enum stint_status p1_stopped(struct stint_store *store, struct stint_error *error)
{
    if (store->deadline_ns != 0 && clock_now_ns(OS_CLOCK_MONOTONIC) >= store->deadline_ns)
        return error_set(error, STINT_TIMEOUT, STINT_NO_OFFSET, "time is up");
    atomic_store_explicit(&store->interrupt, false, memory_order_relaxed);
    return error_set(error, STINT_INTERRUPTED, STINT_NO_OFFSET, "interrupted");
}

/* The host function behind every import. */
static enum stint_status enter(struct host_call *host, uint64_t *slots)
{
    const struct p1_import *import = host->env;
    struct p1_call call = p1_begin(import, host->store, host->caller, host->error);
    enum os_error error = import->function(&call, slots);
    if (call.status != STINT_OK)
        return call.status;
    if (error == OS_STOPPED)
        return p1_stopped(host->store, host->error);
    slots[0] = (uint64_t)error;
    return STINT_OK;
}

/* ---- Imports ----------------------------------------------------------------------------- */

static bool equals(const char *name, const char *text, size_t bytes)
{
    return strlen(name) == bytes && !memcmp(name, text, bytes);
}

static bool find_abi(const char *module, size_t bytes, enum p1_abi *ret_abi)
{
    for (unsigned abi = 0; abi < P1_ABI_COUNT; abi++) {
        if (equals(abi_names[abi], module, bytes)) {
            *ret_abi = (enum p1_abi)abi;
            return true;
        }
    }
    return false;
}

static size_t find_row(enum p1_abi abi, const char *name, size_t bytes)
{
    size_t row = 0;
    while (row < P1_ROW_COUNT && (rows[row].since > abi || !equals(rows[row].name, name, bytes)))
        row++;
    return row;
}

bool wasi_p1_knows_module(const char *module, size_t module_bytes)
{
    enum p1_abi abi;
    return find_abi(module, module_bytes, &abi);
}

const char *wasi_p1_name(size_t number)
{
    return number < P1_ROW_COUNT ? rows[number].name : NULL;
}

/* "ii:i" as a registered type. */
static enum stint_status type_of(struct type_registry *types, const char *signature,
                                 uint32_t *ret_id)
{
    valtype values[TYPES_MAX];
    uint32_t count = 0, param_count = 0;
    for (const char *at = signature; *at; at++) {
        if (*at == ':')
            param_count = count;
        else
            values[count++] = *at == 'I' ? VT_I64 : VT_I32;
    }
    return types_add_func(types, values, param_count, values + param_count, count - param_count,
                          ret_id);
}

/* "(i32, i64)", cut off where `text` ends; returns where it ends there. */
static size_t format_types(const valtype *types, uint32_t count, char *text, size_t size, size_t at)
{
    for (uint32_t i = 0; i <= count && at + 1 < size; i++) {
        char name[32] = ")";
        if (i < count)
            (void)valtype_format(types[i], name, sizeof(name));
        int bytes = snprintf(text + at, size - at, "%s%s",
                             i == 0      ? "("
                             : i < count ? ", "
                                         : "",
                             name);
        at += bytes > 0 ? (size_t)bytes : 0;
    }
    return at < size ? at : size - 1;
}

static const char *format_function(const struct type_def *type, char *text, size_t size)
{
    size_t at = format_types(type->params, type->param_count, text, size, 0);
    (void)snprintf(text + at, size - at, " -> ");
    at += strlen(text + at);
    (void)format_types(type->results, type->result_count, text, size, at);
    return text;
}

enum stint_status wasi_p1_import(struct wasi_p1 *wasi, struct stint_store *store,
                                 const char *module, size_t module_bytes, const char *name,
                                 size_t name_bytes, const struct type_def *type,
                                 struct func **ret_func, struct stint_error *error)
{
    enum p1_abi abi;
    uint32_t type_id;
    if (!find_abi(module, module_bytes, &abi))
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "'%.*s' is not a WASI module",
                         (int)(module_bytes < 64 ? module_bytes : 64), module);
    size_t number = find_row(abi, name, name_bytes);
    if (number == P1_ROW_COUNT)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "%s has no function '%.*s'",
                         abi_names[abi], (int)(name_bytes < 64 ? name_bytes : 64), name);
    if (wasi->store != NULL && wasi->store != store)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "a guest's WASI state belongs to another store");
    const struct p1_row *row = &rows[number];
    enum stint_status status = type_of(store->engine->types, row->signature, &type_id);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "out of memory for types");
    if (type->id != type_id) {
        char ours[80], theirs[80];
        return error_set(
            error, STINT_UNLINKABLE, STINT_NO_OFFSET, "%s.%s has the type %s, not %s",
            abi_names[abi], row->name,
            format_function(types_get(store->engine->types, type_id), ours, sizeof(ours)),
            format_function(type, theirs, sizeof(theirs)));
    }

    struct p1_import *import = &wasi->imports[abi][number];
    import->wasi = wasi;
    import->function = row->function;
    import->abi = abi;
    wasi->store = store;
    if (import->func == NULL) {
        status = rt_func_create(store, type_id, enter, import, NULL, &import->func);
        if (status != STINT_OK)
            return error_set(error, status, STINT_NO_OFFSET, "out of memory for host functions");
        rt_func_set_words(import->func, p1_words);
    }
    *ret_func = import->func;
    return STINT_OK;
}
