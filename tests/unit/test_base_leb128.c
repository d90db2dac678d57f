/* SPDX-License-Identifier: Apache-2.0 */
#include "base/leb128.h"

#include "base/buf.h"
#include "check.h"

#define AT(literal) (const uint8_t *)(literal), sizeof(literal) - 1

static enum leb_result u32(const uint8_t *bytes, size_t size, uint32_t *ret_value, size_t *ret_used)
{
    const uint8_t *at = bytes;
    enum leb_result result = leb_read_u32(&at, bytes + size, ret_value);
    *ret_used = (size_t)(at - bytes);
    return result;
}

static enum leb_result s32(const uint8_t *bytes, size_t size, int32_t *ret_value)
{
    return leb_read_s32(&bytes, bytes + size, ret_value);
}

static enum leb_result s33(const uint8_t *bytes, size_t size, int64_t *ret_value)
{
    return leb_read_s33(&bytes, bytes + size, ret_value);
}

TEST(unsigned_32)
{
    uint32_t value = 0;
    size_t used;
    CHECK_INT(u32(AT("\x7f"), &value, &used), LEB_OK);
    CHECK_INT(value, 127);
    CHECK_INT(u32(AT("\xe5\x8e\x26"), &value, &used), LEB_OK);
    CHECK_INT(value, 624485);
    CHECK_INT(used, 3);
    CHECK_INT(u32(AT("\xff\xff\xff\xff\x0f"), &value, &used), LEB_OK);
    CHECK_INT(value, UINT32_MAX);
    CHECK_INT(u32(AT("\x80\x80\x80\x80\x00"), &value, &used), LEB_OK);
    CHECK_INT(value, 0);
    CHECK_INT(used, 5);
}

TEST(unsigned_32_that_is_wrong)
{
    uint32_t value = 77;
    size_t used;
    CHECK_INT(u32(AT(""), &value, &used), LEB_TRUNCATED);
    CHECK_INT(u32(AT("\x80\x80"), &value, &used), LEB_TRUNCATED);
    CHECK_INT(u32(AT("\x80\x80\x80\x80\x80\x00"), &value, &used), LEB_TOO_LONG);
    CHECK_INT(u32(AT("\xff\xff\xff\xff\x1f"), &value, &used), LEB_TOO_LARGE);
    CHECK_INT(u32(AT("\xff\xff\xff\xff\xff\x00"), &value, &used), LEB_TOO_LARGE);
    CHECK_INT(used, 0);
    CHECK_INT(value, 77);
}

TEST(signed_32)
{
    int32_t value = 0;
    CHECK_INT(s32(AT("\x7f"), &value), LEB_OK);
    CHECK_INT(value, -1);
    CHECK_INT(s32(AT("\x3f"), &value), LEB_OK);
    CHECK_INT(value, 63);
    CHECK_INT(s32(AT("\x40"), &value), LEB_OK);
    CHECK_INT(value, -64);
    CHECK_INT(s32(AT("\xc0\xbb\x78"), &value), LEB_OK);
    CHECK_INT(value, -123456);
    CHECK_INT(s32(AT("\x80\x80\x80\x80\x78"), &value), LEB_OK);
    CHECK_INT(value, INT32_MIN);
    CHECK_INT(s32(AT("\xff\xff\xff\xff\x07"), &value), LEB_OK);
    CHECK_INT(value, INT32_MAX);
    CHECK_INT(s32(AT("\xff\xff\xff\xff\x0f"), &value), LEB_TOO_LARGE);
    CHECK_INT(s32(AT("\x80\x80\x80\x80\x70"), &value), LEB_TOO_LARGE);
    CHECK_INT(s32(AT("\x80\x80\x80\x80\x80\x00"), &value), LEB_TOO_LONG);
    CHECK_INT(s32(AT("\xff"), &value), LEB_TRUNCATED);
}

TEST(signed_33)
{
    int64_t value = 0;
    CHECK_INT(s33(AT("\x70"), &value), LEB_OK);
    CHECK_INT(value, -16);
    CHECK_INT(s33(AT("\xff\xff\xff\xff\x0f"), &value), LEB_OK);
    CHECK_INT(value, UINT32_MAX);
    CHECK_INT(s33(AT("\x80\x80\x80\x80\x70"), &value), LEB_OK);
    CHECK_INT(value, -INT64_C(0x100000000));
    CHECK_INT(s33(AT("\xff\xff\xff\xff\x1f"), &value), LEB_TOO_LARGE);
}

/* What is written is read again, by both kinds of readers. */
TEST(round_trip)
{
    struct alloc alloc;
    struct buf buf;
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    buf_init(&buf, &alloc, SIZE_MAX);
    for (unsigned shift = 0; shift < 64; shift++) {
        for (int64_t delta = -1; delta <= 1; delta++) {
            uint64_t value = (UINT64_C(1) << shift) + (uint64_t)delta;
            for (int negative = 0; negative < 2; negative++, value = ~value) {
                uint64_t back = 0;
                int64_t signed_back = 0;
                buf_clear(&buf);
                CHECK(buf_append_uleb(&buf, value));
                const uint8_t *at = buf.data;
                CHECK(leb_read_u64(&at, buf.data + buf.bytes, &back) == LEB_OK);
                CHECK(back == value && at == buf.data + buf.bytes);
                at = buf.data;
                CHECK(leb_next_unsigned(&at) == value && at == buf.data + buf.bytes);
                buf_clear(&buf);
                CHECK(buf_append_sleb(&buf, (int64_t)value));
                at = buf.data;
                CHECK(leb_read_s64(&at, buf.data + buf.bytes, &signed_back) == LEB_OK);
                CHECK(signed_back == (int64_t)value && at == buf.data + buf.bytes);
                at = buf.data;
                CHECK(leb_next_signed(&at) == (int64_t)value);
            }
        }
    }
    buf_free(&buf);
}

TEST(sixty_four_bits)
{
    const uint8_t longest[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    const uint8_t too_large[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    const uint8_t negative[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f};
    const uint8_t too_low[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7e};
    const uint8_t *at = longest;
    uint64_t value;
    int64_t signed_value;
    CHECK(leb_read_u64(&at, longest + 10, &value) == LEB_OK && value == UINT64_MAX);
    at = too_large;
    CHECK(leb_read_u64(&at, too_large + 10, &value) == LEB_TOO_LARGE);
    at = negative;
    CHECK(leb_read_s64(&at, negative + 10, &signed_value) == LEB_OK && signed_value == INT64_MIN);
    at = too_low;
    CHECK(leb_read_s64(&at, too_low + 10, &signed_value) == LEB_TOO_LARGE);
}

CHECK_MAIN
