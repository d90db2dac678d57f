/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors of a preview 1 guest: small numbers for host files, with rights. */
#ifndef WASI_P1_TABLE_H
#define WASI_P1_TABLE_H

#include "base/alloc.h"
#include "wasi/host_file.h"

/* `rights` of the specification. */
#define P1_RIGHT(bit) (UINT64_C(1) << (bit))
#define P1_FD_DATASYNC P1_RIGHT(0)
#define P1_FD_READ P1_RIGHT(1)
#define P1_FD_SEEK P1_RIGHT(2)
#define P1_FD_FDSTAT_SET_FLAGS P1_RIGHT(3)
#define P1_FD_SYNC P1_RIGHT(4)
#define P1_FD_TELL P1_RIGHT(5)
#define P1_FD_WRITE P1_RIGHT(6)
#define P1_FD_ADVISE P1_RIGHT(7)
#define P1_FD_ALLOCATE P1_RIGHT(8)
#define P1_PATH_CREATE_DIRECTORY P1_RIGHT(9)
#define P1_PATH_CREATE_FILE P1_RIGHT(10)
#define P1_PATH_LINK_SOURCE P1_RIGHT(11)
#define P1_PATH_LINK_TARGET P1_RIGHT(12)
#define P1_PATH_OPEN P1_RIGHT(13)
#define P1_FD_READDIR P1_RIGHT(14)
#define P1_PATH_READLINK P1_RIGHT(15)
#define P1_PATH_RENAME_SOURCE P1_RIGHT(16)
#define P1_PATH_RENAME_TARGET P1_RIGHT(17)
#define P1_PATH_FILESTAT_GET P1_RIGHT(18)
#define P1_PATH_FILESTAT_SET_SIZE P1_RIGHT(19)
#define P1_PATH_FILESTAT_SET_TIMES P1_RIGHT(20)
#define P1_FD_FILESTAT_GET P1_RIGHT(21)
#define P1_FD_FILESTAT_SET_SIZE P1_RIGHT(22)
#define P1_FD_FILESTAT_SET_TIMES P1_RIGHT(23)
#define P1_PATH_SYMLINK P1_RIGHT(24)
#define P1_PATH_REMOVE_DIRECTORY P1_RIGHT(25)
#define P1_PATH_UNLINK_FILE P1_RIGHT(26)
#define P1_POLL_FD_READWRITE P1_RIGHT(27)
#define P1_SOCK_SHUTDOWN P1_RIGHT(28)
#define P1_SOCK_ACCEPT P1_RIGHT(29)
#define P1_RIGHTS_ALL (P1_RIGHT(30) - 1)

/* `fdflags` of the specification. */
enum {
    P1_FDFLAGS_APPEND = 1,
    P1_FDFLAGS_DSYNC = 2,
    P1_FDFLAGS_NONBLOCK = 4,
    P1_FDFLAGS_RSYNC = 8,
    P1_FDFLAGS_SYNC = 16,
    P1_FDFLAGS_ALL = 31,
};

struct p1_descriptor {
    struct host_file file;
    uint64_t rights_base, rights_inheriting;
    const char *preopen_name; /* NULL: not a preopen. Owned by the maker of the table. */
    uint32_t preopen_name_bytes;
    uint16_t fdflags; /* as the guest set them */
    bool is_open;
};

struct p1_table {
    struct alloc *alloc;
    struct p1_descriptor *items;
    size_t capacity;
    uint32_t count;     /* numbers in use are below */
    uint32_t free_from; /* no number below is free */
    uint32_t max;
};

void p1_table_init(struct p1_table *table, struct alloc *alloc, uint32_t max);
void p1_table_free(struct p1_table *table);

/* NULL when it is not open. Valid until a descriptor is added. */
struct p1_descriptor *p1_table_find(const struct p1_table *table, uint32_t number);
/* The lowest free number; on failure (OS_MFILE, OS_NOMEM) the file is closed. */
MUST_CHECK enum os_error p1_table_add(struct p1_table *table, struct p1_descriptor *descriptor,
                                      uint32_t *ret_number);
/* The same for a number of the caller's choice, which is free. */
MUST_CHECK enum os_error p1_table_add_at(struct p1_table *table, struct p1_descriptor *descriptor,
                                         uint32_t number);
/* OS_BADF when it is not open. */
MUST_CHECK enum os_error p1_table_close(struct p1_table *table, uint32_t number);
/* Moves `from` to `to`, closing what was there. OS_BADF unless both are open. */
MUST_CHECK enum os_error p1_table_renumber(struct p1_table *table, uint32_t from, uint32_t to);

/* All rights that make sense for a file of this type as it was opened. */
uint64_t p1_rights_of(const struct host_file *file);

#endif
