/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code made at run time with its bytes and lines, for `perf inject --jit`: the file
 * /tmp/jit-PID.dump. The format is in the Linux tree, tools/perf/Documentation/jitdump-specification.txt;
 * times are of the monotonic clock, as `perf record -k mono` has them.
 */
#ifndef OS_JIT_DUMP_H
#define OS_JIT_DUMP_H

#include <stddef.h>

#include "base/status.h"

struct jit_dump;

/* From this address on, up to the next row's; `line` from 1. */
struct jit_dump_line {
    const void *code;
    uint32_t line;
    const char *file;
};

/* Makes this process's file: readable by its owner only, and never through a link that someone else
 * left. Once a process; it stays open. `machine` is ELF's number of the processor. */
MUST_CHECK enum stint_status jit_dump_open(uint16_t machine, struct jit_dump **ret_dump,
                                           struct stint_error *error);
/* A function; what the disk has no room for is missing. */
void jit_dump_add(struct jit_dump *dump, const char *name, const void *code, size_t bytes,
                  const struct jit_dump_line *lines, size_t line_count);
/* Writes out what was added. */
void jit_dump_flush(struct jit_dump *dump);

#endif
