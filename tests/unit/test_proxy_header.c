/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "http/proxy_header.h"

/* Parses with each number of bytes up to all: only the whole header may be done. */
static enum h1_result parse(const void *data, size_t bytes, struct proxy_header *header)
{
    enum h1_result result = H1_MORE;
    for (size_t i = 0; i <= bytes; i++) {
        result = proxy_header_parse(data, i, header);
        if (result == H1_BAD)
            return result;
        if (result == H1_DONE) {
            CHECK_INT(i, header->bytes);
            break;
        }
    }
    if (result == H1_DONE) {
        struct proxy_header whole;
        CHECK(proxy_header_parse(data, bytes, &whole) == H1_DONE && whole.bytes == header->bytes);
    }
    return result;
}

static enum h1_result parse_text(const char *text, struct proxy_header *header)
{
    return parse(text, strlen(text), header);
}

TEST(lines)
{
    struct proxy_header header;
    CHECK(parse_text("PROXY TCP4 198.51.100.1 203.0.113.7 35646 80\r\nGET", &header) == H1_DONE);
    CHECK(header.has_addresses && !header.peer.is_v6 && header.peer.ip[0] == 198);
    CHECK_INT(header.peer.port, 35646);
    CHECK_INT(header.local.port, 80);
    CHECK(parse_text("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", &header) == H1_DONE);
    CHECK(header.peer.is_v6 && header.peer.ip[1] == 1 && header.local.ip[15] == 1);
    CHECK(parse_text("PROXY UNKNOWN\r\n", &header) == H1_DONE && !header.has_addresses);
    CHECK(parse_text("PROXY UNKNOWN ff::1 what else\r\n", &header) == H1_DONE);
}

TEST(bad_lines)
{
    static const char *const lines[] = {
        "GET / HTTP/1.1\r\n",
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n",
        "PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP4 1.2.3.4 ::1 1 1\r\n",
        "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\rX",
        ("PROXY UNKNOWN aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaa\r\n"),
    };
    struct proxy_header header;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        if (!CHECK(parse_text(lines[i], &header) == H1_BAD))
            printf("    %s\n", lines[i]);
    }
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

TEST(binary)
{
    static const char v4[] = SIGNATURE "\x21\x11\0\x0f\1\2\3\4\5\6\7\x8\1\2\3\4\x4\0\0GET";
    static const char v6[] = SIGNATURE "\x21\x21\0\x24"
                                       "0123456789abcdef0123456789abcdef\1\0\0\x50";
    static const char local[] = SIGNATURE "\x20\0\0\0";
    static const char unix_path[] = SIGNATURE "\x21\x31\0\1x";
    struct proxy_header header;
    CHECK(parse(v4, sizeof(v4) - 1, &header) == H1_DONE && header.has_addresses);
    CHECK_INT(header.bytes, 31);
    CHECK_INT(header.peer.port, 258);
    CHECK(header.peer.ip[0] == 1 && header.local.ip[3] == 8);
    CHECK(parse(v6, sizeof(v6) - 1, &header) == H1_DONE && header.peer.is_v6);
    CHECK_INT(header.local.port, 80);
    CHECK(parse(local, sizeof(local) - 1, &header) == H1_DONE && !header.has_addresses);
    CHECK(parse(unix_path, sizeof(unix_path) - 1, &header) == H1_DONE && !header.has_addresses);
}

TEST(bad_binary)
{
    static const char version[] = SIGNATURE "\x11\x11\0\x0c............";
    static const char command[] = SIGNATURE "\x22\x11\0\x0c............";
    static const char family[] = SIGNATURE "\x21\x41\0\x0c............";
    static const char transport[] = SIGNATURE "\x21\x13\0\x0c............";
    static const char brief[] = SIGNATURE "\x21\x11\0\x0b...........";
    static const char large[] = SIGNATURE "\x21\x11\x10\0";
    struct proxy_header header;
    CHECK(parse(version, sizeof(version) - 1, &header) == H1_BAD);
    CHECK(parse(command, sizeof(command) - 1, &header) == H1_BAD);
    CHECK(parse(family, sizeof(family) - 1, &header) == H1_BAD);
    CHECK(parse(transport, sizeof(transport) - 1, &header) == H1_BAD);
    CHECK(parse(brief, sizeof(brief) - 1, &header) == H1_BAD);
    CHECK(parse(large, sizeof(large) - 1, &header) == H1_BAD);
    CHECK(parse_text("\r\n\r\nGET", &header) == H1_BAD);
}

CHECK_MAIN
