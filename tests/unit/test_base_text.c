/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 and error records. */
#include "base/status.h"
#include "base/utf8.h"
#include "check.h"

static bool valid(const char *text)
{
    return utf8_is_valid((const uint8_t *)text, strlen(text));
}

TEST(valid_utf8)
{
    CHECK(valid(""));
    CHECK(valid("plain text of more than eight bytes"));
    CHECK(valid("\xc3\xa4 eight bytes and \xe2\x82\xac then \xf0\x9f\x98\x80"));
    CHECK(valid("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"));
    CHECK(utf8_is_valid((const uint8_t *)"a\0b", 3));
}

TEST(invalid_utf8)
{
    static const char *const cases[] = {
        "\x80",         /* a continuation alone */
        "12345678\xc3", /* cut off */
        "\xc0\x80",     /* overlong */
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80", /* surrogates */
        "\xed\xbf\xbf",
        "\xf4\x90\x80\x80", /* above U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xe2\x28\xa1",
        "\xe2\x82",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK(!valid(cases[i]));
}

TEST(code_points)
{
    static const uint32_t points[] = {0,      0x7f,   0x80,   0x7ff,   0x800,
                                      0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff};
    for (size_t i = 0; i < COUNT_OF(points); i++) {
        uint8_t bytes[4];
        uint32_t back = UINT32_MAX;
        size_t length = utf8_encode(points[i], bytes);
        CHECK_INT(utf8_decode(bytes, length, &back), length);
        CHECK_INT(back, points[i]);
        CHECK_INT(utf8_decode(bytes, length - 1, &back), 0);
    }
}

TEST(first_error_wins)
{
    struct stint_error error = {0};
    CHECK_INT(error_set(&error, STINT_INVALID, 7, "first %d", 1), STINT_INVALID);
    CHECK_INT(error_set(&error, STINT_NOMEM, 8, "second"), STINT_NOMEM);
    CHECK_INT(error.status, STINT_INVALID);
    CHECK_INT(error.offset_bytes, 7);
    CHECK_STR(error.message, "first 1");
    error_clear(&error);
    CHECK_INT(error_set_at(&error, STINT_SYNTAX, 3, 4, "%0300d", 1), STINT_SYNTAX);
    CHECK_INT(error.line, 3);
    CHECK_INT(error.column, 4);
    CHECK(error.offset_bytes == STINT_NO_OFFSET);
    CHECK_INT(strlen(error.message), STINT_ERROR_MESSAGE_BYTES - 1);
    error_clear(&error);
    CHECK_INT(error_set_trap(&error, STINT_TRAP_UNREACHABLE), STINT_TRAP);
    CHECK_STR(error.message, "unreachable");
    CHECK_INT(error_set(NULL, STINT_IO, 0, "nobody listens"), STINT_IO);
    error_clear(NULL);
}

TEST(texts)
{
    CHECK_STR(status_text(STINT_OK), "success");
    CHECK_STR(status_text(STINT_IO), "input or output failed");
    CHECK_STR(status_text((enum stint_status)999), "unknown status");
    CHECK_STR(trap_text(STINT_TRAP_HOST), "host function failed");
    CHECK_STR(trap_text((enum stint_trap) - 1), "unknown trap");
}

CHECK_MAIN
