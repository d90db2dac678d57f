/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629): validity and single code points. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/status.h"

/* Whether all `bytes` are valid: no overlong form, surrogate or value above U+10FFFF. */
bool utf8_is_valid(const uint8_t *text, size_t bytes);
/* Writes one code point (not a surrogate, at most U+10FFFF); returns its length, 1 to 4. */
size_t utf8_encode(uint32_t code_point, uint8_t ret_bytes[4]);
/* Length of the sequence at `text`, 0 where it is invalid or cut off; the value goes to
 * `ret_code_point` (may be NULL). */
size_t utf8_decode(const uint8_t *text, size_t bytes, uint32_t *ret_code_point);

#endif
