/* SPDX-License-Identifier: Apache-2.0 */
/* Filling and printing `struct stint_error`; shared compiler attributes. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint_status.h"

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* "invalid module", …; never NULL. */
const char *status_text(enum stint_status status);
/* "out of bounds memory access", …; never NULL. */
const char *trap_text(enum stint_trap trap);

/*
 * Records a failure unless `error` (may be NULL) already holds one, and returns `status`, so that
 * `return error_set(…)` works. `offset_bytes` is STINT_NO_OFFSET where there is none.
 */
enum stint_status error_set(struct stint_error *error, enum stint_status status,
                            uint64_t offset_bytes, const char *format, ...) PRINTF_LIKE(4, 5);
/* The same for text input; `line` and `column` count from 1. */
enum stint_status error_set_at(struct stint_error *error, enum stint_status status, uint32_t line,
                               uint32_t column, const char *format, ...) PRINTF_LIKE(5, 6);
/* Records STINT_TRAP with its code and the standard text. */
enum stint_status error_set_trap(struct stint_error *error, enum stint_trap trap);
/* Forgets what is recorded. Accepts NULL. */
void error_clear(struct stint_error *error);

#endif
