/* SPDX-License-Identifier: Apache-2.0 */
/* Components under `stint run`; see cmd_run.h. Not in stint-device. */
#ifndef CLI_RUN_COMPONENT_H
#define CLI_RUN_COMPONENT_H

#include "cli/cmd_run.h"

/* Decodes run->file, a component, together with those of --with, and makes run->component. */
MUST_CHECK enum stint_status run_component_load(struct run *run, struct stint_error *error);
/* Links it with run->wasi2. Imports that nothing meets are reported at once on stderr: then the result is
 * STINT_UNLINKABLE and `error` stays as it was. */
MUST_CHECK enum stint_status run_component_instantiate(struct run *run, struct stint_error *error);
/*
 * Calls wasi:cli/run, or what --invoke says: "interface#function(arguments)" in WAVE. STINT_EXIT with
 * code 1 where the guest says that it failed. What is wrong with the command line is said on stderr:
 * STINT_ARGUMENT with `error` as it was.
 */
MUST_CHECK enum stint_status run_component_call(struct run *run, struct stint_error *error);
/* The core module of this number of all its files, for reports; NULL behind the last. */
const struct stint_module *run_component_module(const struct run *run, uint32_t number);
/* Before and after the store is freed; both accept a run without a component. */
void run_component_end(struct run *run);
void run_component_free(struct run *run);

#endif
