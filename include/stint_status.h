/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status codes and error details: what every fallible Stint function returns.
 *
 * A function that can fail returns `enum stint_status` and, where it has more to say, fills a
 * caller-owned `struct stint_error`. The first error wins: a filled error is never overwritten.
 * A trap of the guest is reported as STINT_TRAP with the trap code in the error; it is not a
 * failure of the API that returned it.
 */
#ifndef STINT_STATUS_H
#define STINT_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* name, text. One row a status; the values are stable: append only. */
#define STINT_STATUS_MAP(X)                                                                        \
    X(OK, "success")                                                                               \
    X(NOMEM, "out of memory")                                                                      \
    X(LIMIT, "a limit was reached")                                                                \
    X(MALFORMED, "malformed module")                                                               \
    X(INVALID, "invalid module")                                                                   \
    X(UNLINKABLE, "imports do not match")                                                          \
    X(UNSUPPORTED, "not supported")                                                                \
    X(TRAP, "trap")                                                                                \
    X(EXCEPTION, "uncaught exception")                                                             \
    X(EXIT, "the guest exited")                                                                    \
    X(INTERRUPTED, "interrupted")                                                                  \
    X(FUEL, "fuel used up")                                                                        \
    X(TIMEOUT, "time is up")                                                                       \
    X(ARGUMENT, "wrong argument")                                                                  \
    X(NOT_FOUND, "not found")                                                                      \
    X(SYNTAX, "syntax error")                                                                      \
    X(IO, "input or output failed")                                                                \
    X(POISONED, "poisoned store")

enum stint_status {
#define X(name, text) STINT_##name,
    STINT_STATUS_MAP(X)
#undef X
    STINT_STATUS_COUNT
};

/* name, text as the specification's test suite spells it. One row a trap code. */
#define STINT_TRAP_MAP(X)                                                                          \
    X(NONE, "no trap")                                                                             \
    X(UNREACHABLE, "unreachable")                                                                  \
    X(MEMORY_BOUNDS, "out of bounds memory access")                                                \
    X(TABLE_BOUNDS, "out of bounds table access")                                                  \
    X(INDIRECT_BOUNDS, "undefined element")                                                        \
    X(INDIRECT_NULL, "uninitialized element")                                                      \
    X(INDIRECT_TYPE, "indirect call type mismatch")                                                \
    X(DIVIDE_BY_ZERO, "integer divide by zero")                                                    \
    X(INTEGER_OVERFLOW, "integer overflow")                                                        \
    X(BAD_CONVERSION, "invalid conversion to integer")                                             \
    X(STACK_OVERFLOW, "call stack exhausted")                                                      \
    X(NULL_REFERENCE, "null reference")                                                            \
    X(NULL_FUNCTION, "null function reference")                                                    \
    X(NULL_STRUCT, "null structure reference")                                                     \
    X(NULL_ARRAY, "null array reference")                                                          \
    X(NULL_I31, "null i31 reference")                                                              \
    X(NULL_EXCEPTION, "null exception reference")                                                  \
    X(CAST_FAILURE, "cast failure")                                                                \
    X(ARRAY_BOUNDS, "out of bounds array access")                                                  \
    X(HEAP_EXHAUSTED, "allocation size too large")                                                 \
    X(UNALIGNED_ATOMIC, "unaligned atomic")                                                        \
    X(HOST, "host function failed")

enum stint_trap {
#define X(name, text) STINT_TRAP_##name,
    STINT_TRAP_MAP(X)
#undef X
    STINT_TRAP_COUNT
};

#define STINT_ERROR_MESSAGE_BYTES 240
#define STINT_NO_OFFSET UINT64_MAX

/* Detail of a failure; plain data, nothing to free. Set it to all zero before the first call. */
struct stint_error {
    enum stint_status status;
    enum stint_trap trap;    /* with STINT_TRAP */
    uint32_t exit_code;      /* with STINT_EXIT */
    uint32_t line, column;   /* with text input, from 1; else 0 */
    uint64_t offset_bytes;   /* in the module's file, or STINT_NO_OFFSET */
    char message[STINT_ERROR_MESSAGE_BYTES]; /* one sentence, no newline: what, where, why */
};

#ifdef __cplusplus
}
#endif
#endif
