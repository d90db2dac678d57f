/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on descriptors other than reading and writing. */
#include "wasi/host_dir.h"
#include "wasi/p1_int.h"

enum os_error p1_fd_advise(struct p1_call *call, const uint64_t *args)
{
    struct p1_descriptor *descriptor;
    uint32_t advice = p1_u32(args[3]);
    enum os_error error = p1_find_file(call, p1_u32(args[0]), P1_FD_ADVISE, &descriptor);
    if (error)
        return error;
    if (advice > FILE_ADVICE_NO_REUSE)
        return OS_INVAL;
    return file_advise(descriptor->file.fd, args[1], args[2], (enum file_advice)advice);
}

enum os_error p1_fd_allocate(struct p1_call *call, const uint64_t *args)
{
    struct p1_descriptor *descriptor;
    enum os_error error = p1_find_file(call, p1_u32(args[0]), P1_FD_ALLOCATE, &descriptor);
    return error ? error : host_file_allocate(&descriptor->file, args[1], args[2]);
}

enum os_error p1_fd_close(struct p1_call *call, const uint64_t *args)
{
    return p1_table_close(&call->wasi->table, p1_u32(args[0]));
}

enum os_error p1_fd_datasync(struct p1_call *call, const uint64_t *args)
{
    struct p1_descriptor *descriptor;
    enum os_error error = p1_find(call, p1_u32(args[0]), P1_FD_DATASYNC, &descriptor);
    return error ? error : host_file_sync(&descriptor->file, &call->wait, true);
}

enum os_error p1_fd_sync(struct p1_call *call, const uint64_t *args)
{
    struct p1_descriptor *descriptor;
    enum os_error error = p1_find(call, p1_u32(args[0]), P1_FD_SYNC, &descriptor);
    return error ? error : host_file_sync(&descriptor->file, &call->wait, false);
}

enum os_error p1_fd_fdstat_get(struct p1_call *call, const uint64_t *args)
{
    enum { FDSTAT_BYTES = 24 };
    struct p1_descriptor *descriptor;
    uint8_t *at = p1_at(call, p1_u32(args[1]), FDSTAT_BYTES);
    if (at == NULL)
        return OS_FAULT;
    enum os_error error = p1_find(call, p1_u32(args[0]), 0, &descriptor);
    if (error)
        return error;
    memset(at, 0, FDSTAT_BYTES);
    at[0] = p1_filetype(descriptor->file.type);
    bytes_put16(at + 2, descriptor->fdflags);
    bytes_put64(at + 8, descriptor->rights_base);
    bytes_put64(at + 16, descriptor->rights_inheriting);
    return OS_OK;
}

enum os_error p1_fd_fdstat_set_flags(struct p1_call *call, const uint64_t *args)
{
    enum { SYNC = P1_FDFLAGS_DSYNC | P1_FDFLAGS_RSYNC | P1_FDFLAGS_SYNC };
    struct p1_descriptor *descriptor;
    uint32_t fdflags = p1_u32(args[1]);
    if (fdflags & ~(uint32_t)P1_FDFLAGS_ALL)
        return OS_INVAL;
    enum os_error error = p1_find(call, p1_u32(args[0]), P1_FD_FDSTAT_SET_FLAGS, &descriptor);
    if (error)
        return error;
    if ((fdflags ^ descriptor->fdflags) & SYNC)
        return OS_NOTSUP;
    unsigned flags = descriptor->file.flags & ~(unsigned)FILE_APPEND;
    if (fdflags & P1_FDFLAGS_APPEND)
        flags |= FILE_APPEND;
    error = host_file_set_flags(&descriptor->file, flags, fdflags & P1_FDFLAGS_NONBLOCK);
    if (!error)
        descriptor->fdflags = (uint16_t)fdflags;
    return error;
}

enum os_error p1_fd_fdstat_set_rights(struct p1_call *call, const uint64_t *args)
{
    struct p1_descriptor *descriptor;
    enum os_error error = p1_find(call, p1_u32(args[0]), 0, &descriptor);
    if (error)
        return error;
    if (args[1] & ~descriptor->rights_base || args[2] & ~descriptor->rights_inheriting)
        return OS_NOTCAPABLE;
    descriptor->rights_base = args[1];
    descriptor->rights_inheriting = args[2];
    return OS_OK;
}

enum os_error p1_fd_filestat_get(struct p1_call *call, const uint64_t *args)
{
    struct p1_descriptor *descriptor;
    struct file_stat stat;
    uint8_t *at = p1_at(call, p1_u32(args[1]), p1_filestat_bytes(call->abi));
    if (at == NULL)
        return OS_FAULT;
    enum os_error error = p1_find(call, p1_u32(args[0]), P1_FD_FILESTAT_GET, &descriptor);
    if (!error)
        error = file_stat_of(descriptor->file.fd, &stat);
    if (!error)
        p1_put_filestat(call->abi, at, &stat);
    return error;
}

enum os_error p1_fd_filestat_set_size(struct p1_call *call, const uint64_t *args)
{
    struct p1_descriptor *descriptor;
    enum os_error error = p1_find_file(call, p1_u32(args[0]), P1_FD_FILESTAT_SET_SIZE, &descriptor);
    return error ? error : host_file_set_size(&descriptor->file, args[1]);
}

enum os_error p1_fd_filestat_set_times(struct p1_call *call, const uint64_t *args)
{
    struct p1_descriptor *descriptor;
    struct file_time accessed, modified;
    enum os_error error = p1_times(args[1], args[2], p1_u32(args[3]), &accessed, &modified);
    if (!error)
        error = p1_find(call, p1_u32(args[0]), P1_FD_FILESTAT_SET_TIMES, &descriptor);
    return error ? error : host_file_set_times(&descriptor->file, accessed, modified);
}

enum os_error p1_fd_prestat_get(struct p1_call *call, const uint64_t *args)
{
    enum { PRESTAT_BYTES = 8, TAG_DIR = 0 };
    struct p1_descriptor *descriptor;
    uint8_t *at = p1_at(call, p1_u32(args[1]), PRESTAT_BYTES);
    if (at == NULL)
        return OS_FAULT;
    enum os_error error = p1_find(call, p1_u32(args[0]), 0, &descriptor);
    /* C libraries look for the first OS_BADF, and take any other error for a broken host. */
    if (error || descriptor->preopen_name == NULL)
        return OS_BADF;
    bytes_put32(at, TAG_DIR);
    bytes_put32(at + 4, descriptor->preopen_name_bytes);
    return OS_OK;
}

enum os_error p1_fd_prestat_dir_name(struct p1_call *call, const uint64_t *args)
{
    struct p1_descriptor *descriptor;
    uint32_t room = p1_u32(args[2]);
    enum os_error error = p1_find(call, p1_u32(args[0]), 0, &descriptor);
    if (error || descriptor->preopen_name == NULL)
        return OS_BADF;
    if (room < descriptor->preopen_name_bytes)
        return OS_NAMETOOLONG;
    uint8_t *at = p1_at(call, p1_u32(args[1]), descriptor->preopen_name_bytes);
    if (at == NULL)
        return OS_FAULT;
    memcpy(at, descriptor->preopen_name, descriptor->preopen_name_bytes);
    return OS_OK;
}

enum os_error p1_fd_renumber(struct p1_call *call, const uint64_t *args)
{
    return p1_table_renumber(&call->wasi->table, p1_u32(args[0]), p1_u32(args[1]));
}

/* ---- Directory entries ------------------------------------------------------------------- */

/* What fits of a `dirent` and its name; returns how much that is. */
static uint32_t put_entry(uint8_t *at, uint32_t room, const struct file_entry *entry)
{
    enum { DIRENT_BYTES = 24 };
    uint8_t header[DIRENT_BYTES] = {0};
    bytes_put64(header, entry->next);
    bytes_put64(header + 8, entry->inode);
    bytes_put32(header + 16, (uint32_t)entry->name_bytes);
    header[20] = p1_filetype(entry->type);
    uint32_t header_bytes = room < DIRENT_BYTES ? room : DIRENT_BYTES;
    memcpy(at, header, header_bytes);
    room -= header_bytes;
    uint32_t name_bytes = room < entry->name_bytes ? room : (uint32_t)entry->name_bytes;
    memcpy(at + header_bytes, entry->name, name_bytes);
    return header_bytes + name_bytes;
}

/* A buffer that is full to the last byte tells that there may be more: the last entry in it may be cut
 * off, and the guest asks again from the one before. */
enum os_error p1_fd_readdir(struct p1_call *call, const uint64_t *args)
{
    enum { LOOK_EVERY = 64 };
    struct p1_descriptor *descriptor;
    struct host_entries entries;
    uint32_t room = p1_u32(args[2]);
    uint8_t *at = p1_at(call, p1_u32(args[1]), room);
    uint8_t *result = p1_at(call, p1_u32(args[4]), 4);
    if (at == NULL || result == NULL)
        return OS_FAULT;
    enum os_error error = p1_find_dir(call, p1_u32(args[0]), P1_FD_READDIR, &descriptor);
    if (!error)
        error = host_entries_start(&entries, &descriptor->file, args[3], room);
    uint32_t used = 0;
    for (uint32_t i = 1; !error && used < room; i++) {
        struct file_entry entry;
        error = host_entries_next(&entries, &entry);
        if (error || entry.name == NULL)
            break;
        used += put_entry(at + used, room - used, &entry);
        if (i % LOOK_EVERY == 0 && host_wait_is_over(&call->wait))
            return OS_STOPPED;
    }
    /* What was found before an error counts; the error comes again with the next call. */
    if (error && used == 0)
        return error;
    bytes_put32(result, used);
    return OS_OK;
}
