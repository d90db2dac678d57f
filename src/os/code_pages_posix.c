/* SPDX-License-Identifier: Apache-2.0 */
#define _FILE_OFFSET_BITS 64
#include "os/code_pages.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "os/files_int.h"

static atomic_size_t execute_count;

enum os_error code_pages_map(int fd, uint64_t offset_bytes, size_t bytes, void **ret_start)
{
    void *start = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, (off_t)offset_bytes);
    if (start == MAP_FAILED)
        return os_error_of(errno);
    *ret_start = start;
    return OS_OK;
}

enum os_error code_pages_execute(void *start, size_t bytes)
{
    atomic_fetch_add_explicit(&execute_count, 1, memory_order_relaxed);
    if (mprotect(start, bytes, PROT_READ | PROT_EXEC) != 0)
        return os_error_of(errno);
    __builtin___clear_cache((char *)start, (char *)start + bytes);
    return OS_OK;
}

enum os_error code_pages_read_only(void *start, size_t bytes)
{
    return error_of_result(mprotect(start, bytes, PROT_READ));
}

enum os_error code_pages_renew(void *start, size_t bytes)
{
    void *again =
        mmap(start, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return again == MAP_FAILED ? os_error_of(errno) : OS_OK;
}

void code_pages_release(void *start, size_t bytes)
{
    if (start != NULL)
        munmap(start, bytes);
}

size_t code_pages_execute_count(void)
{
    return atomic_load_explicit(&execute_count, memory_order_relaxed);
}
