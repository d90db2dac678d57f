/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/p1_table.h"

#include "base/buf.h"

#define RIGHTS_OF_FILE                                                                             \
    (P1_FD_DATASYNC | P1_FD_READ | P1_FD_SEEK | P1_FD_FDSTAT_SET_FLAGS | P1_FD_SYNC | P1_FD_TELL | \
     P1_FD_WRITE | P1_FD_ADVISE | P1_FD_ALLOCATE | P1_FD_FILESTAT_GET | P1_FD_FILESTAT_SET_SIZE |  \
     P1_FD_FILESTAT_SET_TIMES | P1_POLL_FD_READWRITE)
#define RIGHTS_OF_DIRECTORY                                                                        \
    (P1_FD_DATASYNC | P1_FD_FDSTAT_SET_FLAGS | P1_FD_SYNC | P1_PATH_CREATE_DIRECTORY |             \
     P1_PATH_CREATE_FILE | P1_PATH_LINK_SOURCE | P1_PATH_LINK_TARGET | P1_PATH_OPEN |              \
     P1_FD_READDIR | P1_PATH_READLINK | P1_PATH_RENAME_SOURCE | P1_PATH_RENAME_TARGET |            \
     P1_PATH_FILESTAT_GET | P1_PATH_FILESTAT_SET_SIZE | P1_PATH_FILESTAT_SET_TIMES |               \
     P1_FD_FILESTAT_GET | P1_FD_FILESTAT_SET_TIMES | P1_PATH_SYMLINK | P1_PATH_REMOVE_DIRECTORY |  \
     P1_PATH_UNLINK_FILE | P1_POLL_FD_READWRITE)
#define RIGHTS_OF_STREAM                                                                           \
    (P1_FD_READ | P1_FD_FDSTAT_SET_FLAGS | P1_FD_WRITE | P1_FD_FILESTAT_GET | P1_POLL_FD_READWRITE)

void p1_table_init(struct p1_table *table, struct alloc *alloc, uint32_t max)
{
    *table = (struct p1_table){.alloc = alloc, .max = max};
}

void p1_table_free(struct p1_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->items[i].is_open)
            host_file_close(&table->items[i].file);
    }
    alloc_put(table->alloc, table->items, table->capacity * sizeof(*table->items));
    table->items = NULL;
    table->capacity = table->count = 0;
}

struct p1_descriptor *p1_table_find(const struct p1_table *table, uint32_t number)
{
    if (number >= table->count || !table->items[number].is_open)
        return NULL;
    return &table->items[number];
}

enum os_error p1_table_add_at(struct p1_table *table, struct p1_descriptor *descriptor,
                              uint32_t number)
{
    enum os_error error = OS_OK;
    if (number >= table->max)
        error = OS_MFILE;
    else if (!vec_reserve(table->alloc, &table->items, &table->capacity, number + (size_t)1,
                          sizeof(*table->items)))
        error = OS_NOMEM;
    if (error) {
        host_file_close(&descriptor->file);
        return error;
    }
    for (; table->count <= number; table->count++)
        table->items[table->count] = (struct p1_descriptor){.is_open = false};
    table->items[number] = *descriptor;
    table->items[number].is_open = true;
    return OS_OK;
}

enum os_error p1_table_add(struct p1_table *table, struct p1_descriptor *descriptor,
                           uint32_t *ret_number)
{
    uint32_t number = table->free_from;
    while (number < table->count && table->items[number].is_open)
        number++;
    enum os_error error = p1_table_add_at(table, descriptor, number);
    if (error)
        return error;
    table->free_from = number + 1;
    *ret_number = number;
    return OS_OK;
}

enum os_error p1_table_close(struct p1_table *table, uint32_t number)
{
    struct p1_descriptor *descriptor = p1_table_find(table, number);
    if (descriptor == NULL)
        return OS_BADF;
    host_file_close(&descriptor->file);
    descriptor->is_open = false;
    if (number < table->free_from)
        table->free_from = number;
    return OS_OK;
}

enum os_error p1_table_renumber(struct p1_table *table, uint32_t from, uint32_t to)
{
    struct p1_descriptor *source = p1_table_find(table, from);
    struct p1_descriptor *target = p1_table_find(table, to);
    if (source == NULL || target == NULL)
        return OS_BADF;
    if (source == target)
        return OS_OK;
    host_file_close(&target->file);
    *target = *source;
    source->is_open = false;
    if (from < table->free_from)
        table->free_from = from;
    return OS_OK;
}

uint64_t p1_rights_of(const struct host_file *file)
{
    uint64_t rights = RIGHTS_OF_FILE;
    switch (file->type) {
    case FILE_DIRECTORY:
        return RIGHTS_OF_DIRECTORY;
    case FILE_SOCKET_STREAM:
    case FILE_SOCKET_DATAGRAM:
        return file->is_listening
                   ? (RIGHTS_OF_STREAM & ~(P1_FD_READ | P1_FD_WRITE)) | P1_SOCK_ACCEPT
                   : RIGHTS_OF_STREAM | P1_SOCK_SHUTDOWN;
    case FILE_FIFO:
        rights = RIGHTS_OF_STREAM;
        break;
    case FILE_CHARACTER_DEVICE:
        /* C libraries take a character device that cannot seek for a terminal; /dev/null can. */
        if (file_is_terminal(file->fd))
            rights = RIGHTS_OF_STREAM;
        break;
    default:
        break;
    }
    if (!(file->flags & FILE_READ))
        rights &= ~P1_FD_READ;
    if (!(file->flags & FILE_WRITE))
        rights &= ~(P1_FD_WRITE | P1_FD_ALLOCATE | P1_FD_FILESTAT_SET_SIZE);
    return rights;
}
