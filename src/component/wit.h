/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface of a component as WIT text (component-model WIT.md): the world that it imports and
 * exports, and the packages of the interfaces in it.
 */
#ifndef COMPONENT_WIT_H
#define COMPONENT_WIT_H

#include "base/buf.h"
#include "component/component.h"

/*
 * Appends the text to `out`. STINT_UNSUPPORTED for a component whose instances unfold to more than
 * WIT_DEFINITIONS_MAX definitions.
 */
MUST_CHECK enum stint_status wit_print(const struct component *component, struct buf *out,
                                       struct stint_error *error);

enum { WIT_DEFINITIONS_MAX = 1000000 };

#endif
