/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the text format (core specification 6.3.1, 6.3.2): exact, and the same in every
 * locale. The text is one token, not NUL-terminated.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "base/buf.h"

enum number_result {
    NUMBER_OK,
    NUMBER_NONE,   /* not a number of this kind */
    NUMBER_RANGE,  /* "constant out of range" */
    NUMBER_MEMORY, /* no room for a copy of the digits */
};

/* An unsigned number without a sign, up to `max`. */
enum number_result number_unsigned(const char *text, size_t bytes, uint64_t max,
                                   uint64_t *ret_value);
/*
 * An integer of `bits` (8 to 64) bits with or without a sign, anything from the least signed to
 * the greatest unsigned value; the bits above are zero.
 */
enum number_result number_integer(const char *text, size_t bytes, unsigned bits,
                                  uint64_t *ret_value);
/*
 * The bits of a floating-point number of 32 or 64 bits, rounded to nearest, ties to even.
 * Decimal, hexadecimal, inf, nan and nan:0x…. `scratch` is used for a copy of the digits.
 */
enum number_result number_float(const char *text, size_t bytes, unsigned bits, struct buf *scratch,
                                uint64_t *ret_bits);

/*
 * Appends a float that number_float reads back to the same bits: hexadecimal, inf, or nan with
 * its payload unless it is the canonical one.
 */
bool number_append_float(struct buf *buf, uint64_t value, unsigned bits);

#endif
