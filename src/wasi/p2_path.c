/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:filesystem: paths beneath directories, attributes, entries of directories, preopens. */
#include "base/map.h"
#include "base/utf8.h"
#include "wasi/p2_file.h"

enum { NS_PER_SECOND = 1000000000 };
enum { SYMLINK_FOLLOW = 1 };

enum stint_status p2_path(struct host_component_call *call, uint64_t pointer, uint64_t units,
                          char ret_path[HOST_PATH_BYTES], enum os_error *ret_error)
{
    struct arena *arena = &p2_of(call)->arena;
    struct arena_mark mark = arena_mark(arena);
    struct wasm_name name;
    enum stint_status status = host_get_string(call, arena, p2_u32(pointer), p2_u32(units), &name);
    if (status != STINT_OK)
        return status;
    *ret_error = OS_OK;
    if (name.bytes >= HOST_PATH_BYTES)
        *ret_error = OS_NAMETOOLONG;
    else if (name.bytes > 0 && memchr(name.text, '\0', name.bytes) != NULL)
        *ret_error = OS_INVAL;
    if (!*ret_error) {
        if (name.bytes > 0)
            memcpy(ret_path, name.text, name.bytes);
        ret_path[name.bytes] = '\0';
    }
    arena_rewind(arena, mark);
    return STINT_OK;
}

/* A directory and a path: what most functions start from. */
static enum stint_status take(struct host_component_call *call, uint64_t handle, uint64_t pointer,
                              uint64_t units, struct p2_descriptor **ret_descriptor,
                              char ret_path[HOST_PATH_BYTES], enum os_error *ret_error)
{
    enum stint_status status = p2_get_descriptor(call, handle, ret_descriptor);
    return status == STINT_OK ? p2_path(call, pointer, units, ret_path, ret_error) : status;
}

typedef enum os_error (*path_function)(const struct host_file *dir, const char *path);

static enum stint_status simple(struct host_component_call *call, const uint64_t *slots,
                                path_function function)
{
    char path[HOST_PATH_BYTES];
    struct p2_descriptor *dir;
    enum os_error error;
    enum stint_status status = take(call, slots[0], slots[1], slots[2], &dir, path, &error);
    if (status != STINT_OK)
        return status;
    return p2_put_file_error(call, slots[3], error ? error : function(&dir->file, path));
}

enum stint_status p2_descriptor_create_directory_at(struct host_component_call *call,
                                                    uint64_t *slots)
{
    return simple(call, slots, host_dir_make);
}

enum stint_status p2_descriptor_remove_directory_at(struct host_component_call *call,
                                                    uint64_t *slots)
{
    return simple(call, slots, host_dir_remove);
}

enum stint_status p2_descriptor_unlink_file_at(struct host_component_call *call, uint64_t *slots)
{
    return simple(call, slots, host_dir_unlink);
}

/* ---- Two paths --------------------------------------------------------------------------- */

/* slots: directory, path (2), directory, path (2), result */
static enum stint_status take_two(struct host_component_call *call, const uint64_t *slots,
                                  struct p2_descriptor **ret_from, char from[HOST_PATH_BYTES],
                                  struct p2_descriptor **ret_to, char to[HOST_PATH_BYTES],
                                  enum os_error *ret_error)
{
    enum os_error first = OS_OK, second = OS_OK;
    enum stint_status status = take(call, slots[0], slots[1], slots[2], ret_from, from, &first);
    if (status == STINT_OK)
        status = take(call, slots[3], slots[4], slots[5], ret_to, to, &second);
    if (status == STINT_OK)
        *ret_error = first ? first : second;
    return status;
}

enum stint_status p2_descriptor_rename_at(struct host_component_call *call, uint64_t *slots)
{
    char from[HOST_PATH_BYTES], to[HOST_PATH_BYTES];
    struct p2_descriptor *from_dir, *to_dir;
    enum os_error error;
    enum stint_status status = take_two(call, slots, &from_dir, from, &to_dir, to, &error);
    if (status != STINT_OK)
        return status;
    if (!error)
        error = host_dir_rename(&from_dir->file, from, &to_dir->file, to);
    return p2_put_file_error(call, slots[6], error);
}

enum stint_status p2_descriptor_link_at(struct host_component_call *call, uint64_t *slots)
{
    char from[HOST_PATH_BYTES], to[HOST_PATH_BYTES];
    struct p2_descriptor *from_dir, *to_dir;
    const uint64_t paths[] = {slots[0], slots[2], slots[3], slots[4], slots[5], slots[6]};
    enum os_error error;
    enum stint_status status = take_two(call, paths, &from_dir, from, &to_dir, to, &error);
    if (status != STINT_OK)
        return status;
    /* A link to what a link points to: Linux cannot make that safely. */
    if (!error && p2_u32(slots[1]) & SYMLINK_FOLLOW)
        error = OS_INVAL;
    if (!error)
        error = host_dir_link(&from_dir->file, from, &to_dir->file, to);
    return p2_put_file_error(call, slots[7], error);
}

enum stint_status p2_descriptor_symlink_at(struct host_component_call *call, uint64_t *slots)
{
    char target[HOST_PATH_BYTES], path[HOST_PATH_BYTES];
    struct p2_descriptor *dir;
    const uint64_t paths[] = {slots[0], slots[1], slots[2], slots[0], slots[3], slots[4]};
    enum os_error error;
    enum stint_status status = take_two(call, paths, &dir, target, &dir, path, &error);
    if (status != STINT_OK)
        return status;
    if (!error)
        error = host_dir_symlink(&dir->file, path, target);
    return p2_put_file_error(call, slots[5], error);
}

enum stint_status p2_descriptor_readlink_at(struct host_component_call *call, uint64_t *slots)
{
    char path[HOST_PATH_BYTES], text[HOST_PATH_BYTES];
    struct p2_descriptor *dir;
    size_t bytes = 0;
    enum os_error error;
    uint8_t *at;
    enum stint_status status = take(call, slots[0], slots[1], slots[2], &dir, path, &error);
    if (status != STINT_OK)
        return status;
    if (!error)
        error = host_dir_readlink(&dir->file, path, text, sizeof(text), &bytes);
    if (!error && !utf8_is_valid((const uint8_t *)text, bytes))
        error = OS_ILSEQ;
    status = p2_file_result(call, slots[3], 12, 4, error, &at);
    return status == STINT_OK && at != NULL ? p2_put_string(call, text, bytes, at) : status;
}

/* ---- Attributes -------------------------------------------------------------------------- */

/* option<datetime>: 0 case  8 seconds  16 nanoseconds */
static void put_time(uint8_t *at, uint64_t ns)
{
    at[0] = 1;
    bytes_put64(at + 8, ns / NS_PER_SECOND);
    bytes_put32(at + 16, (uint32_t)(ns % NS_PER_SECOND));
}

/* result<descriptor-stat, error-code>; the record: 0 type  8 links  16 size  24, 48, 72 times */
static enum stint_status put_stat(struct host_component_call *call, uint64_t pointer,
                                  const struct file_stat *stat, enum os_error error)
{
    uint8_t *at;
    enum stint_status status = p2_file_result(call, pointer, 104, 8, error, &at);
    if (status != STINT_OK || at == NULL)
        return status;
    at[0] = p2_file_type(stat->type);
    bytes_put64(at + 8, stat->links);
    bytes_put64(at + 16, stat->size_bytes);
    put_time(at + 24, stat->accessed_ns);
    put_time(at + 48, stat->modified_ns);
    put_time(at + 72, stat->changed_ns);
    return STINT_OK;
}

/* What tells objects apart, without telling the guest where they are. */
static enum stint_status put_hash(struct host_component_call *call, uint64_t pointer,
                                  const struct file_stat *stat, enum os_error error)
{
    uint8_t *at;
    enum stint_status status = p2_file_result(call, pointer, 24, 8, error, &at);
    if (status != STINT_OK || at == NULL)
        return status;
    const uint64_t identity[] = {stat->device, stat->inode};
    bytes_put64(at, hash_bytes(identity, sizeof(identity), 1));
    bytes_put64(at + 8, hash_bytes(identity, sizeof(identity), 2));
    return STINT_OK;
}

/* Of an open descriptor. */
static enum stint_status stat_of(struct host_component_call *call, uint64_t handle,
                                 struct file_stat *ret_stat, enum os_error *ret_error)
{
    struct p2_descriptor *descriptor;
    enum stint_status status = p2_get_descriptor(call, handle, &descriptor);
    if (status == STINT_OK)
        *ret_error = file_stat_of(descriptor->file.fd, ret_stat);
    return status;
}

/* slots: directory, path-flags, path (2) */
static enum stint_status stat_at(struct host_component_call *call, const uint64_t *slots,
                                 struct file_stat *ret_stat, enum os_error *ret_error)
{
    char path[HOST_PATH_BYTES];
    struct p2_descriptor *dir;
    enum stint_status status = take(call, slots[0], slots[2], slots[3], &dir, path, ret_error);
    if (status == STINT_OK && !*ret_error)
        *ret_error = host_dir_stat(&dir->file, path, p2_u32(slots[1]) & SYMLINK_FOLLOW, ret_stat);
    return status;
}

enum stint_status p2_descriptor_stat(struct host_component_call *call, uint64_t *slots)
{
    struct file_stat stat = {0};
    enum os_error error;
    enum stint_status status = stat_of(call, slots[0], &stat, &error);
    return status == STINT_OK ? put_stat(call, slots[1], &stat, error) : status;
}

enum stint_status p2_descriptor_stat_at(struct host_component_call *call, uint64_t *slots)
{
    struct file_stat stat = {0};
    enum os_error error;
    enum stint_status status = stat_at(call, slots, &stat, &error);
    return status == STINT_OK ? put_stat(call, slots[4], &stat, error) : status;
}

enum stint_status p2_descriptor_metadata_hash(struct host_component_call *call, uint64_t *slots)
{
    struct file_stat stat = {0};
    enum os_error error;
    enum stint_status status = stat_of(call, slots[0], &stat, &error);
    return status == STINT_OK ? put_hash(call, slots[1], &stat, error) : status;
}

enum stint_status p2_descriptor_metadata_hash_at(struct host_component_call *call, uint64_t *slots)
{
    struct file_stat stat = {0};
    enum os_error error;
    enum stint_status status = stat_at(call, slots, &stat, &error);
    return status == STINT_OK ? put_hash(call, slots[4], &stat, error) : status;
}

enum stint_status p2_descriptor_is_same_object(struct host_component_call *call, uint64_t *slots)
{
    struct file_stat a = {0}, b = {0};
    enum os_error a_error, b_error;
    enum stint_status status = stat_of(call, slots[0], &a, &a_error);
    if (status == STINT_OK)
        status = stat_of(call, slots[1], &b, &b_error);
    if (status == STINT_OK)
        slots[0] = !a_error && !b_error && a.device == b.device && a.inode == b.inode;
    return status;
}

/* new-timestamp in three slots: case, seconds, nanoseconds. */
static enum os_error time_of(const uint64_t *slots, struct file_time *ret_time)
{
    enum { NO_CHANGE, NOW, TIMESTAMP };
    uint32_t which = p2_u32(slots[0]), ns = p2_u32(slots[2]);
    *ret_time = (struct file_time){.kind = which == NOW ? FILE_TIME_NOW : FILE_TIME_KEEP};
    if (which != TIMESTAMP)
        return OS_OK;
    if (ns >= NS_PER_SECOND)
        return OS_INVAL;
    if (slots[1] > (uint64_t)INT64_MAX / NS_PER_SECOND - 1)
        return OS_OVERFLOW;
    *ret_time = (struct file_time){FILE_TIME_SET, slots[1] * NS_PER_SECOND + ns};
    return OS_OK;
}

enum stint_status p2_descriptor_set_times(struct host_component_call *call, uint64_t *slots)
{
    struct p2_descriptor *descriptor;
    struct file_time accessed, modified;
    enum stint_status status = p2_get_descriptor(call, slots[0], &descriptor);
    if (status != STINT_OK)
        return status;
    enum os_error error = time_of(slots + 1, &accessed);
    if (!error)
        error = time_of(slots + 4, &modified);
    if (!error)
        error = host_file_set_times(&descriptor->file, accessed, modified);
    return p2_put_file_error(call, slots[7], error);
}

enum stint_status p2_descriptor_set_times_at(struct host_component_call *call, uint64_t *slots)
{
    char path[HOST_PATH_BYTES];
    struct p2_descriptor *dir;
    struct file_time accessed, modified;
    enum os_error error;
    enum stint_status status = take(call, slots[0], slots[2], slots[3], &dir, path, &error);
    if (status != STINT_OK)
        return status;
    if (!error)
        error = time_of(slots + 4, &accessed);
    if (!error)
        error = time_of(slots + 7, &modified);
    if (!error)
        error = host_dir_set_times(&dir->file, path, p2_u32(slots[1]) & SYMLINK_FOLLOW, accessed,
                                   modified);
    return p2_put_file_error(call, slots[10], error);
}

/* ---- Opening ----------------------------------------------------------------------------- */

enum { OPEN_CREATE = 1, OPEN_DIRECTORY = 2, OPEN_EXCLUSIVE = 4, OPEN_TRUNCATE = 8 };

static unsigned open_flags(uint32_t path_flags, uint32_t open, uint32_t flags)
{
    return (path_flags & SYMLINK_FOLLOW ? FILE_FOLLOW : 0) |
           (flags & P2_FLAG_READ || !(flags & P2_FLAG_WRITE) ? FILE_READ : 0) |
           (flags & P2_FLAG_WRITE ? FILE_WRITE : 0) | (flags & P2_FLAG_FILE_SYNC ? FILE_SYNC : 0) |
           (flags & P2_FLAG_DATA_SYNC ? FILE_DSYNC : 0) | (open & OPEN_CREATE ? FILE_CREATE : 0) |
           (open & OPEN_DIRECTORY ? FILE_IS_DIRECTORY : 0) |
           (open & OPEN_EXCLUSIVE ? FILE_EXCLUSIVE : 0) |
           (open & OPEN_TRUNCATE ? FILE_TRUNCATE : 0);
}

static enum stint_status add_file(struct host_component_call *call, struct host_file *file,
                                  uint32_t flags, uint32_t *ret_handle)
{
    struct p2_descriptor *descriptor;
    enum stint_status status = p2_new(call, P2_DESCRIPTOR, &descriptor);
    if (status != STINT_OK) {
        host_file_close(file);
        return status;
    }
    descriptor->file = *file;
    if (file->type == FILE_DIRECTORY)
        flags = P2_FLAG_READ | (file->is_frozen ? 0 : P2_FLAG_MUTATE_DIRECTORY);
    descriptor->flags = (uint8_t)flags;
    return p2_give(call, &descriptor->base, ret_handle);
}

static enum stint_status open_at(struct host_component_call *call, const uint64_t *slots,
                                 uint64_t pointer)
{
    char path[HOST_PATH_BYTES];
    struct p2_descriptor *dir;
    struct host_file file;
    enum os_error error;
    uint32_t open = p2_u32(slots[4]), flags = p2_u32(slots[5]), handle = 0;
    uint8_t *at;
    enum stint_status status = take(call, slots[0], slots[2], slots[3], &dir, path, &error);
    if (status != STINT_OK)
        return status;
    if (!error && open & OPEN_DIRECTORY && open & (OPEN_CREATE | OPEN_EXCLUSIVE | OPEN_TRUNCATE))
        error = OS_INVAL;
    /* Linux truncates what is open for reading, too; elsewhere that is undefined. */
    if (!error && open & OPEN_TRUNCATE && !(flags & P2_FLAG_WRITE))
        error = OS_INVAL;
    if (!error)
        error = host_dir_open(&dir->file, path, open_flags(p2_u32(slots[1]), open, flags), &file);
    if (!error)
        status = add_file(call, &file, flags & ~(uint32_t)P2_FLAG_MUTATE_DIRECTORY, &handle);
    if (status == STINT_OK)
        status = p2_file_result(call, pointer, 8, 4, error, &at);
    if (status == STINT_OK && at != NULL)
        bytes_put32(at, handle);
    return status;
}

enum stint_status p2_descriptor_open_at(struct host_component_call *call, uint64_t *slots)
{
    return open_at(call, slots, slots[6]);
}

/* The first candidate has the mode of new files beside; the host's umask decides that here. */
enum stint_status p2_descriptor_open_at_oct(struct host_component_call *call, uint64_t *slots)
{
    return open_at(call, slots, slots[7]);
}

/* slots: directory, path-flags, path (2), case of access-type, modes, result */
enum stint_status p2_descriptor_access_at(struct host_component_call *call, uint64_t *slots)
{
    enum { ACCESS = 0, READABLE = 1, WRITABLE = 2 };
    char path[HOST_PATH_BYTES];
    struct p2_descriptor *dir;
    struct host_file file;
    struct file_stat stat = {0};
    enum os_error error;
    bool follow = p2_u32(slots[1]) & SYMLINK_FOLLOW;
    enum stint_status status = take(call, slots[0], slots[2], slots[3], &dir, path, &error);
    if (status != STINT_OK)
        return status;
    if (!error)
        error = host_dir_stat(&dir->file, path, follow, &stat);
    uint32_t modes = p2_u32(slots[4]) == ACCESS ? p2_u32(slots[5]) : 0;
    bool is_dir = stat.type == FILE_DIRECTORY;
    unsigned flags = (modes & READABLE || !(modes & WRITABLE) ? FILE_READ : 0) |
                     (modes & WRITABLE && !is_dir ? FILE_READ | FILE_WRITE : 0) |
                     (follow ? FILE_FOLLOW : 0);
    if (!error && modes & WRITABLE && is_dir && dir->file.is_frozen)
        error = OS_ROFS;
    if (!error && modes & (READABLE | WRITABLE)) {
        error = host_dir_open(&dir->file, path, flags, &file);
        if (!error)
            host_file_close(&file);
    }
    return p2_put_file_error(call, slots[6], error);
}

/* ---- Entries of directories -------------------------------------------------------------- */

void p2_entries_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    (void)wasi;
    host_file_close(&((struct p2_entries *)object)->file);
}

enum stint_status p2_descriptor_read_directory(struct host_component_call *call, uint64_t *slots)
{
    struct p2_descriptor *dir;
    struct p2_entries *stream;
    struct host_file file;
    uint32_t handle = 0;
    uint8_t *at;
    enum stint_status status = p2_get_descriptor(call, slots[0], &dir);
    if (status != STINT_OK)
        return status;
    enum os_error error = host_dir_open(&dir->file, ".", FILE_READ | FILE_IS_DIRECTORY, &file);
    if (!error) {
        status = p2_new(call, P2_DIRECTORY_ENTRY_STREAM, &stream);
        if (status != STINT_OK) {
            host_file_close(&file);
            return status;
        }
        stream->file = file;
        error = host_entries_start(&stream->entries, &stream->file, 0, SIZE_MAX);
        if (error)
            p2_release(p2_of(call), &stream->base);
        else
            status = p2_give(call, &stream->base, &handle);
    }
    if (status == STINT_OK)
        status = p2_file_result(call, slots[1], 8, 4, error, &at);
    if (status == STINT_OK && at != NULL)
        bytes_put32(at, handle);
    return status;
}

/* result<option<directory-entry>, error-code>: 0 case  4 option  8 type  12 name */
enum stint_status p2_read_directory_entry(struct host_component_call *call, uint64_t *slots)
{
    struct p2_entries *stream;
    struct file_entry entry;
    enum os_error error;
    bool is_dot;
    uint8_t *at;
    enum stint_status status = p2_get(call, slots[0], P2_DIRECTORY_ENTRY_STREAM, &stream);
    if (status != STINT_OK)
        return status;
    do {
        error = host_entries_next(&stream->entries, &entry);
        is_dot =
            !error && entry.name != NULL && (!strcmp(entry.name, ".") || !strcmp(entry.name, ".."));
    } while (is_dot);
    if (!error && entry.name != NULL &&
        !utf8_is_valid((const uint8_t *)entry.name, entry.name_bytes))
        error = OS_ILSEQ;
    status = p2_file_result(call, slots[1], 20, 4, error, &at);
    if (status != STINT_OK || at == NULL || entry.name == NULL)
        return status;
    at[0] = 1;
    at[4] = p2_file_type(entry.type);
    return p2_put_string(call, entry.name, entry.name_bytes, at + 8);
}

/* ---- Preopens ---------------------------------------------------------------------------- */

/* list<tuple<descriptor, string>>: 0 handle  4 name, 12 bytes each */
enum stint_status p2_get_directories(struct host_component_call *call, uint64_t *slots)
{
    enum { EACH = 12 };
    const struct wasi_p2 *wasi = p2_of(call);
    uint32_t pointer, bytes = (uint32_t)wasi->preopen_count * EACH;
    uint8_t *list, *at;
    enum stint_status status = host_realloc(call, bytes, 4, &pointer);
    if (status == STINT_OK)
        status = p2_result(call, pointer, bytes, 4, &list);
    for (size_t i = 0; i < wasi->preopen_count && status == STINT_OK; i++) {
        const struct p2_preopen *preopen = &wasi->preopens[i];
        struct host_file file = preopen->file;
        uint32_t handle;
        file.is_owned = false; /* it stays open for the next who asks */
        status = add_file(call, &file, 0, &handle);
        if (status != STINT_OK)
            break;
        bytes_put32(list + i * EACH, handle);
        status = p2_put_string(call, preopen->name, preopen->name_bytes, list + i * EACH + 4);
    }
    if (status == STINT_OK)
        status = p2_result(call, slots[0], 8, 4, &at);
    if (status != STINT_OK)
        return status;
    bytes_put32(at, pointer);
    bytes_put32(at + 4, (uint32_t)wasi->preopen_count);
    return STINT_OK;
}
