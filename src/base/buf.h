/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer with a limit, and typed vectors over the same mechanism.
 * A failed append leaves the content as it was and sets `failed`, so that a writer can append
 * many times and ask once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/alloc.h"

struct buf {
    struct alloc *alloc;
    uint8_t *data;
    size_t bytes, capacity_bytes, limit_bytes;
    bool failed; /* an append did not fit into memory or the limit */
};

/* `limit_bytes` SIZE_MAX: only the allocator's budget limits it. */
void buf_init(struct buf *buf, struct alloc *alloc, size_t limit_bytes);
void buf_free(struct buf *buf);
/* Empties and keeps the memory. */
void buf_clear(struct buf *buf);

/* Room for `bytes` more at data + bytes; false (and `failed`) when there is none. */
bool buf_reserve(struct buf *buf, size_t bytes);
bool buf_append(struct buf *buf, const void *data, size_t bytes);
bool buf_append_byte(struct buf *buf, uint8_t byte);
bool buf_append_string(struct buf *buf, const char *text);
bool buf_append_format(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
bool buf_append_uleb(struct buf *buf, uint64_t value);
bool buf_append_sleb(struct buf *buf, int64_t value);
/* Inserts at `at` (<= bytes), moving what follows. */
bool buf_insert(struct buf *buf, size_t at, const void *data, size_t bytes);

/*
 * Grows `*items`, an array of `*capacity` elements of `each_bytes`, so that it holds `count`.
 * Doubles. False when memory is out: the array stays as it was. Free with
 * alloc_put(alloc, items, capacity * each_bytes).
 */
MUST_CHECK bool vec_reserve(struct alloc *alloc, void *items, size_t *capacity, size_t count,
                            size_t each_bytes);

#endif
