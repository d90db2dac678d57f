/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LEB128 integers (core specification, 5.2.2). Inline: the decoder and validator live in them.
 * Each reads at `*at`, never at or past `end`, and advances on success only.
 */
#ifndef BASE_LEB128_H
#define BASE_LEB128_H

#include "base/status.h"

enum leb_result { LEB_OK, LEB_TRUNCATED, LEB_TOO_LONG, LEB_TOO_LARGE };

/* The rest of an unsigned integer of `bits` bits whose first byte has its high bit set. */
enum leb_result leb_read_unsigned_slow(const uint8_t **at, const uint8_t *end, unsigned bits,
                                       uint64_t *ret_value);
enum leb_result leb_read_signed_slow(const uint8_t **at, const uint8_t *end, unsigned bits,
                                     int64_t *ret_value);

static inline enum leb_result leb_read_u32(const uint8_t **at, const uint8_t *end,
                                           uint32_t *ret_value)
{
    if (LIKELY(*at < end && **at < 0x80)) {
        *ret_value = *(*at)++;
        return LEB_OK;
    }
    uint64_t wide;
    enum leb_result result = leb_read_unsigned_slow(at, end, 32, &wide);
    if (result == LEB_OK)
        *ret_value = (uint32_t)wide;
    return result;
}

static inline enum leb_result leb_read_u64(const uint8_t **at, const uint8_t *end,
                                           uint64_t *ret_value)
{
    if (LIKELY(*at < end && **at < 0x80)) {
        *ret_value = *(*at)++;
        return LEB_OK;
    }
    return leb_read_unsigned_slow(at, end, 64, ret_value);
}

static inline enum leb_result leb_read_s32(const uint8_t **at, const uint8_t *end,
                                           int32_t *ret_value)
{
    int64_t wide;
    if (LIKELY(*at < end && **at < 0x80)) {
        *ret_value = (int32_t)((uint32_t) * (*at)++ << 25) >> 25;
        return LEB_OK;
    }
    enum leb_result result = leb_read_signed_slow(at, end, 32, &wide);
    if (result == LEB_OK)
        *ret_value = (int32_t)wide;
    return result;
}

/* Heap types and block types are signed 33-bit integers. */
static inline enum leb_result leb_read_s33(const uint8_t **at, const uint8_t *end,
                                           int64_t *ret_value)
{
    return leb_read_signed_slow(at, end, 33, ret_value);
}

static inline enum leb_result leb_read_s64(const uint8_t **at, const uint8_t *end,
                                           int64_t *ret_value)
{
    return leb_read_signed_slow(at, end, 64, ret_value);
}

/*
 * The same for bytes that a validator has accepted: no checks, value returned.
 */
static inline uint64_t leb_next_unsigned(const uint8_t **at)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte >= 0x80);
    return value;
}

static inline int64_t leb_next_signed(const uint8_t **at)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte >= 0x80);
    if (shift < 64 && (byte & 0x40) != 0)
        value |= ~(uint64_t)0 << shift;
    return (int64_t)value;
}

#endif
