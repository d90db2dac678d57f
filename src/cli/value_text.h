/* SPDX-License-Identifier: Apache-2.0 */
/* WebAssembly values as words of a command line: "42", "0x1p-3", "nan:0x7", "i32x4:1,2,3,4". */
#ifndef CLI_VALUE_TEXT_H
#define CLI_VALUE_TEXT_H

#include "wasm/types.h"

/*
 * Reads a value of `type` into one slot (v128: two). False when the word is not one. Of references
 * only "null" can be written, where the type allows it.
 */
MUST_CHECK bool value_parse(const char *word, valtype type, uint64_t *ret_slots);
/* An example of what value_parse takes, for messages. */
const char *value_example(valtype type);

enum { VALUE_TEXT_BYTES = 160 };
/*
 * Writes a number or vector so that value_parse reads the same bits again, at most
 * VALUE_TEXT_BYTES; references as "null" or the name of their kind. With `json`, as JSON.
 */
void value_format(const uint64_t *slots, valtype type, bool json, char *ret_text);

#endif
