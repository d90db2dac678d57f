/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Components of the component model, with WASI 0.2. A component is immutable and may be shared by
 * threads; an instance belongs to its store. Values go in and out as text in WAVE, the WebAssembly
 * Value Encoding: `(1, "a", {x: 2})`. All of this is experimental.
 */
#ifndef STINT_COMPONENT_H
#define STINT_COMPONENT_H

#include "stint.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct stint_component stint_component;
typedef struct stint_component_instance stint_component_instance;

/* Decodes and validates; the bytes are copied. STINT_MALFORMED, STINT_INVALID: the error says what
 * and at which byte. Experimental. */
STINT_API STINT_CHECK enum stint_status stint_component_new(stint_engine *engine,
                                                            const uint8_t *bytes, size_t size_bytes,
                                                            stint_component **ret_component,
                                                            struct stint_error *error);
/* From a file with a binary. Experimental. */
STINT_API STINT_CHECK enum stint_status
stint_component_new_from_file(stint_engine *engine, const char *path,
                              stint_component **ret_component, struct stint_error *error);
/* Its instances may go on. Accepts NULL. Experimental. */
STINT_API void stint_component_free(stint_component *component);

/* A function, or an imported resource. The names live as long as the component. */
struct stint_component_item {
    struct stint_name interface; /* "wasi:cli/run@0.2.0"; text NULL: the component's own */
    struct stint_name name;
};
/* Everything that is imported, and the functions that are exported. Experimental. */
STINT_API size_t stint_component_import_count(const stint_component *component);
STINT_API size_t stint_component_export_count(const stint_component *component);
/* By number, which must be less than the count. Experimental. */
STINT_API void stint_component_import(const stint_component *component, size_t index,
                                      struct stint_component_item *ret_item);
STINT_API void stint_component_export(const stint_component *component, size_t index,
                                      struct stint_component_item *ret_item);

/*
 * Lets guests with WASI 0.2 reach what a rule says, beside earlier ones; without a rule, nothing. A rule
 * is HOST:PORT, where HOST is a name, an address, a block of them ("10.0.0.0/8") or *, and PORT a number,
 * a range or *. STINT_ARGUMENT says what is wrong with it. Experimental.
 */
STINT_API STINT_CHECK enum stint_status stint_wasi_config_allow_net(stint_wasi_config *config,
                                                                    const char *rule,
                                                                    struct stint_error *error);

/*
 * Instantiates in a store of the same engine. `wasi` says what the guest may use, as in preview 1, and
 * is needed until this returns; NULL: nothing. STINT_UNLINKABLE lists what WASI does not have.
 * Experimental.
 */
STINT_API STINT_CHECK enum stint_status
stint_component_instantiate(stint_component *component, stint_store *store,
                            const stint_wasi_config *wasi, stint_component_instance **ret_instance,
                            struct stint_error *error);
/* Before its store is freed, and not during a call. Accepts NULL. Experimental. */
STINT_API void stint_component_instance_free(stint_component_instance *instance);

/*
 * Calls an exported function. `interface` is as in struct stint_component_item, of any compatible
 * version, or NULL; `arguments` is a list in brackets, or NULL where there are none. The result, ""
 * where the function has none, is NUL-terminated and stays until the instance's next call or its end;
 * `ret_result` may be NULL. STINT_NOT_FOUND: there is no such function. STINT_ARGUMENT: the arguments
 * are not of the function's types; the error says at which column. STINT_EXIT: the guest exited. After a
 * trap the instance cannot be entered again. Experimental.
 */
STINT_API STINT_CHECK enum stint_status
stint_component_call_text(stint_component_instance *instance, const char *interface,
                          const char *name, const char *arguments, const char **ret_result,
                          struct stint_error *error);

#ifdef __cplusplus
}
#endif
#endif
