/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Component values as text: WAVE, the WebAssembly Value Encoding, a superset of JSON's numbers,
 * strings and lists.
 *
 *     true  -7  2.5  'x'  "text\n"  [1, 2]  (1, "a")  {name: "a", size: 2}  {:}
 *     none  some(1)  ok  err("why")  red  circle(2)  {read, write}
 *
 * Where it is clear, `some` and `ok` may be left out, and so may be fields of records that are `none`.
 * `//` begins a comment; a label that looks like a word of the language gets a % in front. Resources
 * have no text.
 */
#ifndef COMPONENT_WAVE_H
#define COMPONENT_WAVE_H

#include "base/buf.h"
#include "component/cvalue.h"

/*
 * The arguments of a call: "(1, "a")" or "1, "a"" for parameters of these types, into `arena`; trailing
 * optional ones may be missing. STINT_ARGUMENT: `error` says what was expected at which column.
 */
MUST_CHECK enum stint_status wave_parse_args(struct arena *arena, const struct ctype_func *func,
                                             const char *text, size_t bytes,
                                             struct cvalue **ret_args, struct stint_error *error);
/* One value and nothing else. */
MUST_CHECK enum stint_status wave_parse(struct arena *arena, const struct ctype *type,
                                        const char *text, size_t bytes, struct cvalue *ret_value,
                                        struct stint_error *error);
/* Appends a value as one line. Handles become <input-stream 7>, which cannot be read back. */
void wave_print(const struct cvalue *value, struct buf *out);

#endif
