/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what proxies and other servers say about who is behind a connection or a request: a
 * PROXY header that grows byte by byte, lines as `forwarded` or `x-forwarded-for`, and `stint-hop`.
 */
#include <stdlib.h>
#include <string.h>

#include "app/address.h"
#include "app/client.h"
#include "app/hop.h"
#include "http/proxy_header.h"

enum { INPUT_BYTES_MAX = 4096, LINES_MAX = 16 };

static void require(bool ok)
{
    if (!ok)
        abort();
}

/* What is said stays said, however much comes behind. */
static void read_proxy_header(const uint8_t *data, size_t size)
{
    struct proxy_header header = {0}, again = {0};
    size_t at = 0;
    enum h1_result result = H1_MORE;
    for (; at <= size && result == H1_MORE; at++)
        result = proxy_header_parse(data, at, &header);
    require(result != H1_MORE || size <= PROXY_HEADER_MAX);
    require(proxy_header_parse(data, size, &again) == result);
    if (result != H1_DONE)
        return;
    require(header.bytes > 0 && header.bytes <= at && header.bytes <= size &&
            header.bytes <= PROXY_HEADER_MAX && header.bytes == again.bytes &&
            header.has_addresses == again.has_addresses &&
            address_equal(&header.peer, &again.peer));
}

static void print_and_read(const struct inet_address *address)
{
    char text[ADDRESS_TEXT_BYTES];
    struct inet_address again;
    address_print(address, text);
    require(address_parse_loose(text, strlen(text), &again) && address_equal(address, &again));
    (void)address_is_private(address);
}

static void find_client(char *text, bool is_forwarded)
{
    static const struct inet_address peers[] = {{.ip = {10, 0, 0, 1}}, {.ip = {192, 0, 2, 1}}};
    const char *lines[LINES_MAX];
    struct app_block block;
    uint32_t count = 0;
    for (char *next; text != NULL && count < LINES_MAX; text = next) {
        next = strchr(text, '\n');
        if (next != NULL)
            *next++ = '\0';
        lines[count++] = text;
        (void)address_is_loopback(text);
        (void)address_parse_block(text, &block);
    }
    require(address_parse_block("10.0.0.0/8", &block));
    struct app_blocks trusted = {&block, 1};
    struct client_headers headers = {.x_forwarded_for = lines, .x_forwarded_for_count = count};
    if (is_forwarded)
        headers = (struct client_headers){.forwarded = lines, .forwarded_count = count};
    struct inet_address client;
    for (int which = APP_CLIENT_EITHER; which <= APP_CLIENT_X_FORWARDED_FOR; which++)
        (void)client_find(&peers[0], trusted, (enum app_client_header)which, &headers, &client);
    (void)client_find(&peers[0], trusted, APP_CLIENT_EITHER, &headers, &client);
    print_and_read(&client);
    struct inet_address part = client_short(&client);
    print_and_read(&part);
    struct client_key key = client_key(&client);
    require(key.bytes[0] == (client.is_v6 ? 6 : 4));
    (void)client_find(&peers[1], trusted, APP_CLIENT_EITHER, &headers, &client);
    require(address_equal(&client, &peers[1]));
}

/* Nobody else has the secret; what a server writes of any words, another one reads. */
static void read_hop(char *text, size_t bytes)
{
    static const struct hop_message message = {"of all servers", "GET", "/"};
    char room[HOP_BYTES_MAX];
    const char *words[4] = {"", "", "", ""};
    struct hop hop, back;
    struct buf out;
    require(hop_read(text, bytes, &message, 1000, room, &hop) != HOP_GOOD);
    for (size_t i = 0; i < COUNT_OF(words) && text != NULL; i++) {
        words[i] = text;
        text = strchr(text, '\n');
        if (text != NULL)
            *text++ = '\0';
    }
    hop = (struct hop){.time_s = 1000,
                       .from = words[0],
                       .id = words[1],
                       .country = "KR",
                       .continent = "",
                       .region = "",
                       .scheme = words[2],
                       .host = words[3]};
    buf_init(&out, &alloc_root, SIZE_MAX);
    if (hop_write(&hop, &message, &out)) {
        require(hop_read((const char *)out.data, out.bytes, &message, 1000, room, &back) ==
                HOP_GOOD);
        require(back.from[0] == '\0' || strcmp(back.from, words[0]) == 0);
        require(back.host[0] == '\0' || strcmp(back.host, words[3]) == 0);
        out.data[out.bytes / 2] ^= 1;
        require(hop_read((const char *)out.data, out.bytes, &message, 1000, room, &back) !=
                HOP_GOOD);
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[INPUT_BYTES_MAX + 1];
    if (size == 0 || size > INPUT_BYTES_MAX)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] == 'P')
        read_proxy_header(data + 1, size - 1);
    else if (data[0] == 'H')
        read_hop(text, size - 1);
    else
        find_client(text, data[0] == 'F');
    return 0;
}
