/* SPDX-License-Identifier: Apache-2.0 */
/* Address space and pages. All sizes in bytes; they are rounded up to whole pages. */
#ifndef OS_PAGES_H
#define OS_PAGES_H

#include "base/status.h"

/* The size of a page of the machine (not of WebAssembly). */
size_t pages_size(void);
/* Address space without access rights, or NULL. Costs no memory. */
MUST_CHECK void *pages_reserve(size_t bytes);
/* Makes part of a reservation readable and writable; new pages read as zero. */
MUST_CHECK bool pages_commit(void *start, size_t bytes);
/* Gives the pages' memory back and takes the access rights away; the reservation stays. */
void pages_decommit(void *start, size_t bytes);
/* Takes the access rights of committed pages away, and gives their memory back; committed again they
 * read as zero. False when the rights could not be taken: the pages are zero then. */
MUST_CHECK bool pages_revoke(void *start, size_t bytes);
/* The same without giving anything back: what is in the pages is there when they are committed again. */
MUST_CHECK bool pages_hide(void *start, size_t bytes);
/* Gives the pages' memory back; they stay accessible and read as zero again. */
void pages_discard(void *start, size_t bytes);
/* Ends a reservation, or memory of pages_get. Accepts NULL. */
void pages_release(void *start, size_t bytes);
/* Zeroed readable and writable pages that cost memory only once touched, or NULL. */
MUST_CHECK void *pages_get(size_t bytes);

/* A file mapped read-only and private; `ret_bytes` may be 0 (then `ret_data` is not NULL either).
 * Not regular files (pipes, devices) are read into pages. Errors name the file. */
MUST_CHECK enum stint_status pages_map_file(const char *path, size_t limit_bytes,
                                            const uint8_t **ret_data, size_t *ret_bytes,
                                            struct stint_error *error);
void pages_unmap_file(const uint8_t *data, size_t bytes);

#endif
