/* SPDX-License-Identifier: Apache-2.0 */
#include "base/leb128.h"

enum leb_result leb_read_unsigned_slow(const uint8_t **at, const uint8_t *end, unsigned bits,
                                       uint64_t *ret_value)
{
    const uint8_t *p = *at;
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (p == end)
            return LEB_TRUNCATED;
        uint8_t byte = *p++;
        if (shift + 7 >= bits) {
            /* The last byte that may come: its unused bits are zero. */
            unsigned used = bits - shift;
            if (used < 7 && (byte & 0x7f) >> used != 0)
                return LEB_TOO_LARGE;
            if ((byte & 0x80) != 0)
                return LEB_TOO_LONG;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            break;
    }
    *at = p;
    *ret_value = value;
    return LEB_OK;
}

enum leb_result leb_read_signed_slow(const uint8_t **at, const uint8_t *end, unsigned bits,
                                     int64_t *ret_value)
{
    const uint8_t *p = *at;
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (p == end)
            return LEB_TRUNCATED;
        uint8_t byte = *p++;
        if (shift + 7 >= bits) {
            /* Its unused bits repeat the sign bit. */
            unsigned used = bits - shift;
            int8_t rest = (int8_t)((int8_t)(byte << 1) >> used);
            if (used < 7 && rest != 0 && rest != -1)
                return LEB_TOO_LARGE;
            if ((byte & 0x80) != 0)
                return LEB_TOO_LONG;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            if ((byte & 0x40) != 0 && shift + 7 < 64)
                value |= ~(uint64_t)0 << (shift + 7);
            break;
        }
    }
    *at = p;
    *ret_value = (int64_t)value;
    return LEB_OK;
}
