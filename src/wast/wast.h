/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs test scripts (.wast) and their JSON form (.json, as wast2json writes it): behind
 * `stint wast`.
 *
 * Each file gets a store of its own, with the host module "spectest" in it. A failing command is
 * reported as "FILE:LINE: what was expected and what came instead"; the script goes on behind it.
 */
#ifndef WAST_WAST_H
#define WAST_WAST_H

#include <stdio.h>

#include "base/status.h"

struct stint_engine;

struct wast_options {
    FILE *out;    /* where reports go */
    bool verbose; /* a line with the counts of each file */
    bool prints;  /* let spectest's print functions print */
};

/* Commands; modules and actions count as well as assertions. */
struct wast_counts {
    uint64_t passed, failed, skipped;
};

/*
 * Runs the files in turn and prints "N passed, N failed, N skipped" as the last line. A file that
 * cannot be read or parsed counts as one failure. The counts are added to `counts`.
 */
void wast_run_files(struct stint_engine *engine, const char *const *paths, size_t path_count,
                    const struct wast_options *options, struct wast_counts *counts);

#endif
