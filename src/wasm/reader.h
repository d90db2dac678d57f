/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the pieces of the binary format (core specification 5.1 - 5.3) for the decoders and the
 * validator: private to this folder, and to the component decoder, whose format is made of the same.
 *
 * A reader fails once and stays failed: the first failure is recorded with its place, the position
 * jumps to the end, and everything read from then on is 0, so that callers look at `status` once a
 * loop instead of after every byte.
 */
#ifndef WASM_READER_H
#define WASM_READER_H

#include "base/leb128.h"
#include "wasm/module.h"

#define READER_NO_FUNCTION UINT32_MAX

struct reader {
    const uint8_t *at, *end;
    const struct wasm_module *module; /* its bytes, features and types so far */
    enum stint_status status;
    uint32_t function;    /* whose body this is, for messages, or READER_NO_FUNCTION */
    uint32_t group_count; /* type indices from type_count on: members of the group being read */
    struct stint_error *error;
};

void reader_init(struct reader *r, const struct wasm_module *module, const uint8_t *at,
                 const uint8_t *end, struct stint_error *error);

/* Records a failure at byte `at` of the module (NULL: where the reader stands). */
void reader_fail(struct reader *r, enum stint_status status, const uint8_t *at, const char *format,
                 ...) PRINTF_LIKE(4, 5);
void reader_fail_nomem(struct reader *r);
static inline bool reader_failed(const struct reader *r)
{
    return r->status != STINT_OK;
}
/* Fails unless the features hold `feature`; `what` names the construct. */
bool reader_need_feature(struct reader *r, uint32_t feature, const uint8_t *at, const char *what);

/* Numbers; 0 on failure. */
uint8_t read_byte(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
int32_t read_s32(struct reader *r);
int64_t read_s64(struct reader *r);
/* `bytes` bytes, or NULL. */
const uint8_t *read_bytes(struct reader *r, size_t bytes);
/* A u32 that counts what follows: fails when it is above `limit`, or when the rest cannot hold that
 * many of `bytes_each` (>= 1) bytes, which keeps what is allocated for them in proportion. Where an
 * item takes more than that, a shorter rest fails at the item, with a better message. */
uint32_t read_count(struct reader *r, uint32_t limit, uint32_t bytes_each, const char *what);
/* A name: valid UTF-8. */
struct wasm_name read_name(struct reader *r, const char *what);

/* Types. References to types of the module are resolved to canonical ids, to members of the
 * recursion group being read HEAP_MEMBER + k. */
heaptype read_heaptype(struct reader *r);
valtype read_valtype(struct reader *r);
valtype read_reftype(struct reader *r);
/* May be packed. */
valtype read_storage_type(struct reader *r);
/* The canonical id (or HEAP_MEMBER + k) of a type index that was read at `at`; 0 on failure. */
heaptype resolve_type(struct reader *r, uint32_t index, const uint8_t *at);
bool read_mutability(struct reader *r);
struct global_type read_global_type(struct reader *r);
struct table_type read_table_type(struct reader *r);
struct memory_type read_memory_type(struct reader *r);

/*
 * A recursion group of sub types, or a type on its own: at most `room` drafts in `scratch`, still to be
 * registered. The number of drafts; 0 where the reader fails.
 */
uint32_t read_type_group(struct reader *r, uint32_t room, struct arena *scratch,
                         struct type_draft **ret_drafts);

/* A value type as the module's text would name it: type indices, not canonical ids. */
char *reader_format_type(const struct wasm_module *module, valtype type, char *text, size_t size);
enum { TYPE_TEXT_BYTES = 48 };

#endif
