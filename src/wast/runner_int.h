/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the script runner share. */
#ifndef WAST_RUNNER_INT_H
#define WAST_RUNNER_INT_H

#include "base/map.h"
#include "runtime/store.h"
#include "wast/script.h"
#include "wast/wast.h"

/* The host module "spectest", made in a store once. */
struct spectest {
    struct extern_value values[16];
    uint32_t count;
};

struct runner {
    struct stint_engine *engine;
    struct alloc *alloc;
    struct stint_store *store;
    const struct wast_options *options;
    struct wast_counts *counts;
    const char *path;
    const struct script *script;
    const char *text; /* of the file */
    size_t text_bytes;
    struct spectest spectest;
    struct stint_instance *current;     /* of the last module; NULL when that failed */
    struct stint_module *definition;    /* the last one; held in `modules_held` */
    struct map instances, modules;      /* by identifier, to pointers */
    struct map registered;              /* by name, to instances */
    struct stint_module **modules_held; /* definitions, until the file ends */
    size_t module_count, module_capacity;
};

/* ---- spectest.c -------------------------------------------------------------------------- */

MUST_CHECK enum stint_status spectest_create(struct runner *r, struct stint_error *error);
/* False when it has no such export. */
bool spectest_export(const struct spectest *spectest, struct wasm_name name,
                     struct extern_value *ret_value);

/* ---- runner_value.c ---------------------------------------------------------------------- */

enum { VALUE_TEXT_BYTES = 120 };

/* Puts arguments into slots, for parameters of these types. */
MUST_CHECK enum stint_status values_to_slots(struct runner *r, const struct type_def *type,
                                             const struct script_action *action, uint64_t *slots,
                                             struct stint_error *error);
/* Whether the value of `type` at `slots` is one that `result` allows. */
bool value_matches(struct runner *r, const struct script_result *result, valtype type,
                   const uint64_t *slots);
/* For messages: what came, and what was expected. Returns `text`. */
char *runner_value_format(struct runner *r, valtype type, const uint64_t *slots, char *text,
                          size_t size);
char *result_format(const struct script_result *result, char *text, size_t size);

/* ---- custom_check.c ---------------------------------------------------------------------- */

/* False when a custom section that is known here is not as it should be. */
bool custom_sections_are_valid(const struct wasm_module *module);

#endif
