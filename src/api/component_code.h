/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Components with machine code for their core modules: what stands behind the component, or what the
 * cache has for each of them.
 */
#ifndef API_COMPONENT_CODE_H
#define API_COMPONENT_CODE_H

#include "component/component.h"

struct module_origin;

/* Why machine code that the component carries is not used, and what helps; "" when all is well. */
struct component_refusal {
    char reason[STINT_ERROR_MESSAGE_BYTES];
    const char *remedy;
};

/*
 * As component_create. `origin` is the file that `bytes` are, of before they were mapped, or NULL; its
 * path has to stay as long as the component. Machine code that cannot be used is no failure.
 */
MUST_CHECK enum stint_status
component_code_create(struct stint_engine *engine, const uint8_t *bytes, size_t size_bytes,
                      bool lend, const struct module_origin *origin,
                      struct component_file **ret_file, struct component_refusal *ret_refusal,
                      struct stint_error *error);

#endif
