/* SPDX-License-Identifier: Apache-2.0 */
/* From the text format's keywords to operators. */
#ifndef WASM_TEXT_KEYWORD_H
#define WASM_TEXT_KEYWORD_H

#include "wasm/op.h"

/*
 * The operator of this name, or OP_INVALID. Of those that share a name the first row of op.def:
 * `select`, `ref.test` and `ref.cast` without their variant. Any thread may call it.
 */
enum op text_find_op(const char *text, size_t bytes);

#endif
