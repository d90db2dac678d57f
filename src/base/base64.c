/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const uint8_t *data, size_t bytes, char *ret_text)
{
    for (size_t i = 0; i < bytes; i += 3) {
        uint32_t group = (uint32_t)data[i] << 16;
        group |= i + 1 < bytes ? (uint32_t)data[i + 1] << 8 : 0;
        group |= i + 2 < bytes ? data[i + 2] : 0;
        *ret_text++ = digits[group >> 18];
        *ret_text++ = digits[group >> 12 & 63];
        *ret_text++ = i + 1 < bytes ? digits[group >> 6 & 63] : '=';
        *ret_text++ = i + 2 < bytes ? digits[group & 63] : '=';
    }
    *ret_text = '\0';
}

bool base64_decode(const char *text, size_t text_bytes, uint8_t *ret_data, size_t bytes)
{
    if (text_bytes != BASE64_TEXT_BYTES(bytes) - 1)
        return false;
    for (size_t i = 0; i < text_bytes; i += 4) {
        size_t left = bytes - i / 4 * 3, want = left >= 3 ? 4 : left + 1;
        uint32_t group = 0;
        for (size_t j = 0; j < 4; j++) {
            const char *found = text[i + j] == '\0' ? NULL : strchr(digits, text[i + j]);
            if (j < want ? found == NULL : text[i + j] != '=')
                return false;
            group = group << 6 | (j < want ? (uint32_t)(found - digits) : 0);
        }
        /* Bits beyond the last byte: another text for the same value. */
        if ((want == 2 && (group & 0xffff)) || (want == 3 && (group & 0xff)))
            return false;
        for (size_t j = 0; j + 1 < want; j++)
            ret_data[i / 4 * 3 + j] = (uint8_t)(group >> (16 - 8 * j));
    }
    return true;
}
