/* SPDX-License-Identifier: Apache-2.0 */
#include "api/component_code.h"

enum stint_status component_code_create(struct stint_engine *engine, const uint8_t *bytes,
                                        size_t size_bytes, bool lend,
                                        const struct module_origin *origin,
                                        struct component_file **ret_file,
                                        struct component_refusal *ret_refusal,
                                        struct stint_error *error)
{
    (void)origin;
    ret_refusal->reason[0] = '\0';
    return component_create(engine, bytes, size_bytes, lend, ret_file, error);
}
