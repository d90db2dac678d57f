/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random modules that are valid by construction, for running the same program in several engines.
 *
 * Whatever the decisions are, the module terminates (loops count, and calls draw on a budget that
 * each exported function fills again), its results do not depend on the bits of NaNs, and its
 * memories and tables have small maxima. Traps and uncaught exceptions do happen.
 *
 * Exports: "r0", "r1", … without parameters and with numbers as results, to be called in this
 * order; "s0", "s1", … alike, whose results are the globals; "back", (i32) -> (i32); memories "m0", "m1".
 * Imports: "h" "mix", (i32, i64) -> (i64), and "h" "back", (i32) -> (i32), which calls the export.
 */
#ifndef GENERATE_H
#define GENERATE_H

#include "base/buf.h"

/* What a module may use beyond Wasm 1.0 with bulk memory, sign extension and multiple values. */
enum {
    GENERATE_REFS = 1, /* reference types and typed function references */
    GENERATE_TAIL_CALLS = 2,
    GENERATE_SIMD = 4,
    GENERATE_MEMORIES = 8, /* several memories, 64-bit memories and tables */
    GENERATE_EXCEPTIONS = 16,
    GENERATE_GC = 32,      /* wants GENERATE_REFS */
    GENERATE_RELAXED = 64, /* relaxed vectors, where engines may differ; wants GENERATE_SIMD */
    GENERATE_ALL = 127,
    GENERATE_COUNTED = 128, /* loops that end as toolchains end them; corpora are without */
};

/* Where decisions come from: first these bytes (a fuzzer's), then a sequence that `state` begins. */
struct generate_source {
    const uint8_t *bytes;
    size_t count;
    uint64_t state;
};

/* Appends a module to `out`; false when memory is out. */
MUST_CHECK bool generate_module(struct alloc *alloc, struct generate_source *source,
                                uint32_t features, struct buf *out);

#endif
