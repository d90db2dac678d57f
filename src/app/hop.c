/* SPDX-License-Identifier: Apache-2.0 */
#include "app/hop.h"

#include <inttypes.h>
#include <string.h>

#include "app/address.h"
#include "base/sha256.h"

enum { WORDS = 12, MAC_DIGITS = 2 * SHA256_BYTES };

static void sign(const struct hop_message *message, const char *words, size_t bytes,
                 uint8_t ret_mac[SHA256_BYTES])
{
    struct hmac_sha256 hmac;
    hmac_sha256_begin(&hmac, message->secret, strlen(message->secret));
    hmac_sha256_add(&hmac, message->method, strlen(message->method));
    hmac_sha256_add(&hmac, " ", 1);
    hmac_sha256_add(&hmac, message->path, strlen(message->path));
    hmac_sha256_add(&hmac, "\n", 1);
    hmac_sha256_add(&hmac, words, bytes);
    hmac_sha256_end(&hmac, ret_mac);
}

static const char *word(const char *text)
{
    return text[0] != '\0' && strpbrk(text, " \t\r\n") == NULL ? text : "-";
}

bool hop_write(const struct hop *hop, const struct hop_message *message, struct buf *out)
{
    char client[ADDRESS_TEXT_BYTES], digits[SHA256_HEX_BYTES];
    uint8_t mac[SHA256_BYTES];
    size_t before = out->bytes;
    address_print(&hop->client, client);
    (void)buf_append_format(out, "1 %" PRIu64 " %s %s %s %s %s %s %u %s %s", hop->time_s,
                            word(hop->from), word(hop->id), client, word(hop->country),
                            word(hop->continent), word(hop->region), hop->asn, word(hop->scheme),
                            word(hop->host));
    if (out->failed || out->bytes - before + MAC_DIGITS + 2 > HOP_BYTES_MAX)
        return false;
    sign(message, (const char *)out->data + before, out->bytes - before, mac);
    sha256_hex(mac, digits);
    (void)buf_append_byte(out, ' ');
    return buf_append(out, digits, MAC_DIGITS);
}

static bool read_mac(const char *digits, uint8_t ret_mac[SHA256_BYTES])
{
    static const char values[] = "0123456789abcdef";
    if (strlen(digits) != MAC_DIGITS)
        return false;
    for (size_t i = 0; i < MAC_DIGITS; i++) {
        const char *at = strchr(values, digits[i]);
        if (at == NULL)
            return false;
        unsigned digit = (unsigned)(at - values);
        ret_mac[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : ret_mac[i / 2] | digit);
    }
    return true;
}

/* In place; false: there are more, or fewer, or empty ones. */
static bool split(char *text, const char *words[WORDS])
{
    size_t count = 0;
    for (char *at = text; at != NULL;) {
        char *space = strchr(at, ' ');
        if (count == WORDS || *at == '\0' || *at == ' ')
            return false;
        words[count++] = at;
        if (space != NULL)
            *space++ = '\0';
        at = space;
    }
    return count == WORDS;
}

static const char *known(const char *text)
{
    return strcmp(text, "-") == 0 ? "" : text;
}

static bool read_count(const char *text, uint64_t max, uint64_t *ret)
{
    uint64_t number = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || at - text > 12)
            return false;
        number = number * 10 + (uint64_t)(*at - '0');
    }
    *ret = number;
    return text[0] != '\0' && number <= max;
}

enum hop_verdict hop_read(const char *value, size_t bytes, const struct hop_message *message,
                          uint64_t now_s, char room[HOP_BYTES_MAX], struct hop *ret_hop)
{
    uint8_t mac[SHA256_BYTES], right[SHA256_BYTES];
    const char *words[WORDS];
    struct hop hop = {0};
    uint64_t asn;
    if (bytes >= HOP_BYTES_MAX || memchr(value, '\0', bytes) != NULL)
        return HOP_MALFORMED;
    memcpy(room, value, bytes);
    room[bytes] = '\0';
    if (!split(room, words) || strcmp(words[0], "1") != 0 || !read_mac(words[WORDS - 1], mac))
        return HOP_MALFORMED;
    sign(message, value, (size_t)(words[WORDS - 1] - room) - 1, right);
    if (!sha256_equal(mac, right))
        return HOP_FORGED;
    hop.from = known(words[2]);
    hop.id = known(words[3]);
    hop.country = known(words[5]);
    hop.continent = known(words[6]);
    hop.region = known(words[7]);
    hop.scheme = known(words[9]);
    hop.host = known(words[10]);
    if (!read_count(words[1], UINT64_MAX, &hop.time_s) ||
        !read_count(words[8], UINT32_MAX, &asn) ||
        !address_parse_loose(words[4], strlen(words[4]), &hop.client) ||
        strlen(hop.country) > 2 || strlen(hop.continent) > 2 || strlen(hop.region) > 3)
        return HOP_MALFORMED;
    hop.asn = (uint32_t)asn;
    if (hop.time_s + HOP_AGE_S_MAX < now_s || now_s + HOP_AGE_S_MAX < hop.time_s)
        return HOP_EXPIRED;
    *ret_hop = hop;
    return HOP_GOOD;
}

const char *hop_verdict_text(enum hop_verdict verdict)
{
    static const char *const texts[] = {
        "it is right",
        "it is not what a server of this version sends",
        "the secret of that server is another one, or it was made for another request",
        "its time is more than five minutes off: look at the clocks of both servers",
    };
    return texts[verdict];
}
