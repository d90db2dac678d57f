/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of machine code. No page is writable and executable at once: it is written first, and
 * executable from then on. Addresses and sizes are whole pages.
 */
#ifndef OS_CODE_PAGES_H
#define OS_CODE_PAGES_H

#include "os/errors.h"

/* A part of a file, private and read-only. */
MUST_CHECK enum os_error code_pages_map(int fd, uint64_t offset_bytes, size_t bytes,
                                        void **ret_start);
/* Readable and executable; OS_PERM or OS_ACCES where the file system or a policy forbids it. Makes
 * what was written visible to instruction fetches. */
MUST_CHECK enum os_error code_pages_execute(void *start, size_t bytes);
MUST_CHECK enum os_error code_pages_read_only(void *start, size_t bytes);
/* New zeroed writable pages in the place of others. */
MUST_CHECK enum os_error code_pages_renew(void *start, size_t bytes);
void code_pages_release(void *start, size_t bytes);

/* For tests: how many times pages became executable. */
size_t code_pages_execute_count(void);

#endif
