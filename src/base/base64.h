/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, section 4) of values whose size is known. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/status.h"

/* Room for the text of `bytes` bytes, NUL included. */
#define BASE64_TEXT_BYTES(bytes) (((bytes) + 2) / 3 * 4 + 1)

void base64_encode(const uint8_t *data, size_t bytes, char *ret_text);
/* False unless the `text_bytes` of text are exactly `bytes` bytes, in their one canonical form. */
MUST_CHECK bool base64_decode(const char *text, size_t text_bytes, uint8_t *ret_data, size_t bytes);

#endif
