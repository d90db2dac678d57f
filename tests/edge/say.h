/* SPDX-License-Identifier: Apache-2.0 */
/* What guests of the tests have to say, and the value that they were given. One file of a guest includes it. */
#ifndef TESTS_SAY_H
#define TESTS_SAY_H

#include "stint_http.h"

static struct http_response *out;
static char value[1 << 21];
static size_t value_bytes;

static void say(struct guest_text text)
{
    (void)http_write(out, text);
}

static void say_at(uint32_t pointer, uint32_t bytes)
{
    say((struct guest_text){(const char *)(uintptr_t)pointer, bytes});
}

static void say_number(int64_t number)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        digits[--at] = '-';
    say((struct guest_text){digits + at, sizeof(digits) - at});
}

#endif
