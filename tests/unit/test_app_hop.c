/* SPDX-License-Identifier: Apache-2.0 */
#include "app/hop.h"

#include <stdlib.h>

#include "app/address.h"
#include "check.h"

static const struct hop_message message = {"a secret of all servers", "GET", "/a?b=1"};

static struct hop some_hop(void)
{
    struct hop hop = {.time_s = 1000000,
                      .from = "asia",
                      .id = "0123456789abcdef",
                      .country = "KR",
                      .continent = "AS",
                      .region = "11",
                      .asn = 4294967295u,
                      .scheme = "https",
                      .host = "shop.test:8443"};
    CHECK(address_parse_loose("2001:db8::1", 11, &hop.client));
    return hop;
}

static enum hop_verdict reread(const struct buf *text, const struct hop_message *from, uint64_t now_s,
                               struct hop *ret_hop)
{
    static char room[HOP_BYTES_MAX];
    return hop_read((const char *)text->data, text->bytes, from, now_s, room, ret_hop);
}

TEST(what_is_written_is_read)
{
    struct hop hop = some_hop(), back = {0};
    struct buf text;
    buf_init(&text, &alloc_root, SIZE_MAX);
    REQUIRE(hop_write(&hop, &message, &text));
    CHECK(reread(&text, &message, 1000000, &back) == HOP_GOOD);
    CHECK_STR(back.from, "asia");
    CHECK_STR(back.id, "0123456789abcdef");
    CHECK_STR(back.country, "KR");
    CHECK_STR(back.continent, "AS");
    CHECK_STR(back.region, "11");
    CHECK(back.asn == 4294967295u && address_equal(&back.client, &hop.client));
    CHECK_STR(back.scheme, "https");
    CHECK_STR(back.host, "shop.test:8443");
    hop.country = hop.continent = hop.region = hop.host = "";
    hop.from = "a b"; /* no word */
    buf_clear(&text);
    REQUIRE(hop_write(&hop, &message, &text));
    CHECK(reread(&text, &message, 1000000 + HOP_AGE_S_MAX, &back) == HOP_GOOD);
    CHECK(back.from[0] == 0 && back.country[0] == 0 && back.host[0] == 0);
    buf_free(&text);
}

TEST(it_holds_for_its_request_and_time)
{
    const struct hop_message others[] = {{"another secret of servers", "GET", "/a?b=1"},
                                         {message.secret, "POST", "/a?b=1"},
                                         {message.secret, "GET", "/a?b=2"},
                                         {message.secret, "GET /a?b=1", ""}};
    struct hop hop = some_hop(), back;
    struct buf text;
    buf_init(&text, &alloc_root, SIZE_MAX);
    REQUIRE(hop_write(&hop, &message, &text));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        CHECK(reread(&text, &others[i], 1000000, &back) == HOP_FORGED);
    CHECK(reread(&text, &message, 1000000 + HOP_AGE_S_MAX + 1, &back) == HOP_EXPIRED);
    CHECK(reread(&text, &message, 1000000 - HOP_AGE_S_MAX - 1, &back) == HOP_EXPIRED);
    buf_free(&text);
}

/* Whatever single byte is changed, or left out, it is not believed. */
TEST(no_byte_of_it_may_differ)
{
    struct hop hop = some_hop(), back;
    struct buf text;
    char copy[HOP_BYTES_MAX], room[HOP_BYTES_MAX];
    buf_init(&text, &alloc_root, SIZE_MAX);
    REQUIRE(hop_write(&hop, &message, &text));
    for (size_t i = 0; i < text.bytes; i++) {
        memcpy(copy, text.data, text.bytes);
        copy[i] ^= 1;
        CHECK(hop_read(copy, text.bytes, &message, 1000000, room, &back) != HOP_GOOD);
        CHECK(hop_read(copy, i, &message, 1000000, room, &back) != HOP_GOOD);
    }
    buf_free(&text);
}

TEST(what_is_too_long_is_not_sent)
{
    struct hop hop = some_hop();
    static char host[HOP_BYTES_MAX];
    static char room[HOP_BYTES_MAX];
    struct buf text;
    memset(host, 'h', sizeof(host) - 1);
    hop.host = host;
    buf_init(&text, &alloc_root, SIZE_MAX);
    CHECK(!hop_write(&hop, &message, &text));
    struct hop back;
    CHECK(hop_read(host, sizeof(host) - 1, &message, 0, room, &back) == HOP_MALFORMED);
    buf_free(&text);
}

CHECK_MAIN
