/* SPDX-License-Identifier: Apache-2.0 */
/* What the functions of preview 1 share: structures in guest memory, and finding descriptors. */
#include "base/utf8.h"
#include "wasi/p1_int.h"

/* Errors, file types, advice and shutdown flags go to and from the guest as they are. */
_Static_assert(OS_2BIG == 1 && OS_NOENT == 44 && OS_XDEV == 75 && OS_NOTCAPABLE == 76, "errno");
_Static_assert(FILE_DIRECTORY == 3 && FILE_SYMLINK == 7, "filetype");
_Static_assert(FILE_ADVICE_NO_REUSE == 5, "advice");

/* ---- Guest memory ------------------------------------------------------------------------ */

enum os_error p1_path(const struct p1_call *call, uint32_t pointer, uint32_t bytes,
                      char ret_path[HOST_PATH_BYTES])
{
    const uint8_t *path = p1_at(call, pointer, bytes);
    if (path == NULL)
        return OS_FAULT;
    if (bytes >= HOST_PATH_BYTES)
        return OS_NAMETOOLONG;
    /* Copied before it is checked: another thread of the guest may write there. */
    if (bytes > 0)
        memcpy(ret_path, path, bytes);
    ret_path[bytes] = '\0';
    if (memchr(ret_path, '\0', bytes) != NULL)
        return OS_INVAL;
    return utf8_is_valid((const uint8_t *)ret_path, bytes) ? OS_OK : OS_ILSEQ;
}

enum os_error p1_spans(const struct p1_call *call, uint32_t pointer, uint32_t count,
                       struct file_span ret_spans[P1_SPANS_MAX])
{
    enum { IOVEC_BYTES = 8 };
    if (count > P1_SPANS_MAX)
        return OS_INVAL;
    const uint8_t *list = p1_at(call, pointer, (uint64_t)count * IOVEC_BYTES);
    if (list == NULL)
        return OS_FAULT;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bytes = bytes_get32(list + (size_t)i * IOVEC_BYTES + 4);
        ret_spans[i].data = p1_at(call, bytes_get32(list + (size_t)i * IOVEC_BYTES), bytes);
        ret_spans[i].bytes = bytes;
        if (ret_spans[i].data == NULL)
            return OS_FAULT;
    }
    return OS_OK;
}

void p1_put_filestat(enum p1_abi abi, uint8_t *at, const struct file_stat *stat)
{
    memset(at, 0, p1_filestat_bytes(abi));
    bytes_put64(at, stat->device);
    bytes_put64(at + 8, stat->inode);
    at[16] = p1_filetype(stat->type);
    if (abi == P1_UNSTABLE) {
        bytes_put32(at + 20, stat->links < UINT32_MAX ? (uint32_t)stat->links : UINT32_MAX);
        at += 24;
    } else {
        bytes_put64(at + 24, stat->links);
        at += 32;
    }
    bytes_put64(at, stat->size_bytes);
    bytes_put64(at + 8, stat->accessed_ns);
    bytes_put64(at + 16, stat->modified_ns);
    bytes_put64(at + 24, stat->changed_ns);
}

static struct file_time time_of(uint64_t ns, bool is_set, bool is_now)
{
    return (struct file_time){
        is_now   ? FILE_TIME_NOW
        : is_set ? FILE_TIME_SET
                 : FILE_TIME_KEEP,
        ns,
    };
}

enum os_error p1_times(uint64_t accessed_ns, uint64_t modified_ns, uint32_t fstflags,
                       struct file_time *ret_accessed, struct file_time *ret_modified)
{
    enum { ATIM = 1, ATIM_NOW = 2, MTIM = 4, MTIM_NOW = 8, ALL = 15 };
    bool is_double = (fstflags & (ATIM | ATIM_NOW)) == (ATIM | ATIM_NOW) ||
                     (fstflags & (MTIM | MTIM_NOW)) == (MTIM | MTIM_NOW);
    if (is_double || fstflags & ~(uint32_t)ALL)
        return OS_INVAL;
    *ret_accessed = time_of(accessed_ns, fstflags & ATIM, fstflags & ATIM_NOW);
    *ret_modified = time_of(modified_ns, fstflags & MTIM, fstflags & MTIM_NOW);
    return OS_OK;
}

/* ---- Descriptors ------------------------------------------------------------------------- */

enum os_error p1_find(const struct p1_call *call, uint32_t number, uint64_t rights,
                      struct p1_descriptor **ret_descriptor)
{
    struct p1_descriptor *descriptor = p1_table_find(&call->wasi->table, number);
    if (descriptor == NULL)
        return OS_BADF;
    *ret_descriptor = descriptor;
    return rights & ~descriptor->rights_base ? OS_NOTCAPABLE : OS_OK;
}

enum os_error p1_find_file(const struct p1_call *call, uint32_t number, uint64_t rights,
                           struct p1_descriptor **ret_descriptor)
{
    enum os_error error = p1_find(call, number, rights, ret_descriptor);
    if (error == OS_BADF)
        return error;
    struct p1_descriptor *descriptor = *ret_descriptor;
    if (descriptor->file.type == FILE_DIRECTORY)
        return OS_ISDIR;
    uint64_t missing = rights & ~descriptor->rights_base;
    if (missing & (P1_FD_READ | P1_FD_WRITE))
        return OS_BADF;
    if (missing & (P1_FD_SEEK | P1_FD_TELL) && host_file_is_stream(&descriptor->file))
        return OS_SPIPE;
    return error;
}

enum os_error p1_find_dir(const struct p1_call *call, uint32_t number, uint64_t rights,
                          struct p1_descriptor **ret_descriptor)
{
    enum os_error error = p1_find(call, number, rights, ret_descriptor);
    if (error != OS_BADF && (*ret_descriptor)->file.type != FILE_DIRECTORY)
        return OS_NOTDIR;
    return error;
}

enum os_error p1_add_file(struct p1_call *call, const struct host_file *file, uint64_t rights_base,
                          uint64_t rights_inheriting, uint16_t fdflags, uint32_t *ret_number)
{
    struct p1_descriptor descriptor = {
        .file = *file,
        .rights_base = rights_base & p1_rights_of(file),
        .rights_inheriting = rights_inheriting & P1_RIGHTS_ALL,
        .fdflags = fdflags,
    };
    return p1_table_add(&call->wasi->table, &descriptor, ret_number);
}
