/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Components out of core modules: `stint component new`. A module imports and exports functions under
 * the canonical names of a world's (`wasi:http/types@0.2.0` `[method]fields.get`,
 * `wasi:http/incoming-handler@0.2.0#handle`); the component around it has that world, as far as the
 * module uses it.
 */
#ifndef COMPONENT_COMPONENT_NEW_H
#define COMPONENT_COMPONENT_NEW_H

#include "base/buf.h"
#include "component/component.h"
#include "component/wit_parse.h"

/*
 * Where the world comes from: from WIT (`source` not NULL; `world` may then be NULL when the source's
 * main package has only one), else from the module's `component-type` sections, else from the
 * interfaces that the guest kit knows (guest/c/wit).
 */
struct component_new_world {
    const struct wit_source *source;
    const char *world;
};

/*
 * Appends the component to `out`. Fails when the module is none, when there is no world, or when the
 * two do not fit: `error` says at which import or export. Then `details` has one line for each of the
 * imports that the world does not have, if that is why.
 */
MUST_CHECK enum stint_status component_new(struct stint_engine *engine, const uint8_t *core,
                                           size_t core_bytes,
                                           const struct component_new_world *world, struct buf *out,
                                           struct buf *details, struct stint_error *error);

#endif
