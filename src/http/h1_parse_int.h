/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the HTTP/1.1 parser share: classes of bytes, and scans for the end of a run. */
#ifndef HTTP_H1_PARSE_INT_H
#define HTTP_H1_PARSE_INT_H

#include <string.h>

#include "http/h1_parse.h"

enum {
    CLASS_TOKEN = 1,    /* tchar */
    CLASS_TARGET = 2,   /* may stand in a request-target */
    CLASS_VALUE = 4,    /* VCHAR, obs-text, space, tab */
    CLASS_HOST = 8,     /* of a reg-name, "%" included */
    CLASS_ADDRESS = 16, /* between the brackets of an IPv6 address */
};

extern const uint8_t h1_class[256];

/* The sixteen bytes that a scan looks at together. */
typedef uint8_t h1_block __attribute__((vector_size(16)));

static inline h1_block h1_load(const uint8_t *data)
{
    h1_block block;
    memcpy(&block, data, sizeof block);
    return block;
}

/*
 * Whether a byte is marked, and its position. A branch, and not a sum with what was found: the next
 * block's load must not wait for this one's search.
 */
static inline bool h1_find(h1_block marked, uint32_t *at)
{
    uint64_t words[2];
    memcpy(words, &marked, sizeof words);
    if (LIKELY((words[0] | words[1]) == 0)) {
        *at += sizeof(h1_block);
        return false;
    }
    if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) {
        words[0] = __builtin_bswap64(words[0]);
        words[1] = __builtin_bswap64(words[1]);
    }
    *at += words[0] ? (uint32_t)__builtin_ctzll(words[0]) / 8
                    : 8 + (uint32_t)__builtin_ctzll(words[1]) / 8;
    return true;
}

/* The first byte from `at` on that is not of the class; `end` if all are. */
static inline uint32_t h1_scan(const uint8_t *data, uint32_t at, uint32_t end, uint8_t class)
{
    while (at < end && h1_class[data[at]] & class)
        at++;
    return at;
}

static inline uint32_t h1_scan_value(const uint8_t *data, uint32_t at, uint32_t end)
{
    while (end - at >= sizeof(h1_block)) {
        h1_block block = h1_load(data + at);
        if (h1_find((h1_block)(((block < 0x20) & (block != '\t')) | (block == 0x7f)), &at))
            return at;
    }
    return h1_scan(data, at, end, CLASS_VALUE);
}

static inline uint32_t h1_scan_target(const uint8_t *data, uint32_t at, uint32_t end)
{
    while (end - at >= sizeof(h1_block)) {
        h1_block block = h1_load(data + at);
        if (h1_find((h1_block)((block < 0x21) | (block > 0x7e) | (block == '#') | (block == '"') |
                               (block == '<') | (block == '>')),
                    &at))
            return at;
    }
    return h1_scan(data, at, end, CLASS_TARGET);
}

/* Records why a message is refused; the first reason stays. */
static inline enum h1_result h1_refuse(struct h1_lines *lines, uint16_t answer, const char *why)
{
    lines->answer = answer;
    lines->why = why;
    return H1_BAD;
}

/* Field lines up to the empty one, from lines->at on; then lines->at is behind it. */
enum h1_result h1_lines_parse(struct h1_lines *lines, const uint8_t *data, uint32_t end) MUST_CHECK;

/* Whether the slice is host[:port], as in Host and in targets. */
bool h1_is_authority(const uint8_t *data, struct h1_slice slice, bool needs_port);
/* With the fields read: what they say of the body and the connection. */
enum h1_result h1_frame(struct h1_head *head, const uint8_t *data) MUST_CHECK;

#endif
