/* SPDX-License-Identifier: Apache-2.0 */
/* WASI 0.2 for core modules under `stint run`; see run_wasi.h, which calls it. Not in stint-device. */
#ifndef CLI_RUN_WASI_P2_H
#define CLI_RUN_WASI_P2_H

#include "cli/cmd_run.h"

struct wasi_p1_config;

bool run_wasi_p2_names(const struct wasm_import *import);
bool run_wasi_p2_is_used(const struct run *run);
/* Makes run->wasi2. */
MUST_CHECK enum stint_status run_wasi_p2_open(struct run *run, const struct wasi_p1_config *shared,
                                              struct stint_error *error);
void run_wasi_p2_close(struct run *run);
MUST_CHECK enum stint_status run_wasi_p2_find(struct run *run, const struct wasm_import *import,
                                              struct func **ret_func, struct stint_error *error);
void run_wasi_p2_offer(struct nearest *nearest);
/*
 * Calls the export `wasi:cli/run@0.2.x#run`, after `_initialize` where there is one. STINT_EXIT with
 * code 1 when it says that it failed; STINT_NOT_FOUND when there is no such export.
 */
MUST_CHECK enum stint_status run_wasi_p2_call(struct run *run, struct stint_error *error);

#endif
