/* SPDX-License-Identifier: Apache-2.0 */
/* WASI preview 1 for `stint run`: from flags to what the guest may use. */
#ifndef CLI_RUN_WASI_H
#define CLI_RUN_WASI_H

#include "cli/cmd_run.h"

/* Whether an import is WASI's by its module name. */
bool run_wasi_names(const struct wasm_import *import);

/* Opens what --dir and --tcplisten name, and makes run->wasi. Says what failed in `error`. */
MUST_CHECK enum stint_status run_wasi_open(struct run *run, struct stint_error *error);
/* Accepts a run without WASI. */
void run_wasi_close(struct run *run);

/* The host function for an import of run_wasi_names, or STINT_NOT_FOUND; STINT_UNLINKABLE and
 * `error` where the module wants it with another type. */
MUST_CHECK enum stint_status run_wasi_find(struct run *run, const struct wasm_import *import,
                                           struct func **ret_func, struct stint_error *error);
/* Offers the names of all its functions. */
void run_wasi_offer(struct nearest *nearest);

#endif
