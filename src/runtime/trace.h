/* SPDX-License-Identifier: Apache-2.0 */
/* Backtraces for people. */
#ifndef RUNTIME_TRACE_H
#define RUNTIME_TRACE_H

#include "base/buf.h"
#include "runtime/store.h"

/*
 * The frames of the store's last trap, innermost first: returns how many there were, writes at
 * most `limit`. Valid until the next call.
 */
size_t rt_backtrace(const struct stint_store *store, struct frame_info *ret_frames, size_t limit);

/*
 * Appends one line a frame, such as
 *
 *       #0 0x1a2f  fib (app.wasm)
 *       #1 0x1b00  main (app.wasm) at src/main.c:12:5
 *
 * and a last one when `total` is more than `count`. `file` is what the user calls the module; NULL
 * stands for the module's own name. The source line is looked up `with_lines`, where the module
 * has DWARF. False when the buffer is full.
 */
bool trace_format(struct buf *buf, const struct frame_info *frames, size_t count, size_t total,
                  const char *file, bool with_lines);

#endif
