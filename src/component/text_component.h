/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text format of components (component-model Explainer.md): from .wat to the binary format.
 *
 * As with modules (wasm/text.h) the result is well-formed as far as the text decides it; whether it is
 * valid is for component_create to say.
 */
#ifndef COMPONENT_TEXT_COMPONENT_H
#define COMPONENT_TEXT_COMPONENT_H

#include "wasm/text.h"

enum {
    /* Of components, types and value types in one another; more is STINT_LIMIT. */
    LIMIT_COMP_TEXT_NESTING = 100,
};

/*
 * Encodes the component with this head (text_module_head), in any of the forms. Appends to
 * `ret_binary`; on failure it is as it was. STINT_SYNTAX with line and column where the text is
 * malformed, or names what is not there.
 */
MUST_CHECK enum stint_status text_encode_component(struct alloc *alloc,
                                                   const struct text_source *source,
                                                   const struct text_module_head *head,
                                                   const struct text_options *options,
                                                   struct buf *ret_binary,
                                                   struct stint_error *error);

/* Encodes a text of either kind: `(component …)`, `(module …)`, or the fields of a module. */
MUST_CHECK enum stint_status text_to_any_binary(struct alloc *alloc, const char *text, size_t bytes,
                                                const struct text_options *options,
                                                struct buf *ret_binary, struct stint_error *error);

#endif
