/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include <stdatomic.h>
#include <string.h>

const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotate(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

static inline uint32_t load_big(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void store_big(uint8_t *at, uint32_t x)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(x >> (24 - 8 * i));
}

static void blocks_portable(uint32_t state[8], const uint8_t *data, size_t count)
{
    for (; count > 0; count--, data += SHA256_BLOCK_BYTES) {
        uint32_t w[64], s[8];
        for (unsigned i = 0; i < 16; i++)
            w[i] = load_big(data + 4 * i);
        for (unsigned i = 16; i < 64; i++) {
            uint32_t a = w[i - 15], b = w[i - 2];
            w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
                   (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
        }
        memcpy(s, state, sizeof(s));
        for (unsigned i = 0; i < 64; i++) {
            uint32_t e = s[4], a = s[0];
            uint32_t t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                          ((e & s[5]) ^ (~e & s[6])) + sha256_constants[i] + w[i];
            uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                          ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
            memmove(s + 1, s, 7 * sizeof(s[0]));
            s[4] += t1;
            s[0] = t1 + t2;
        }
        for (unsigned i = 0; i < 8; i++)
            state[i] += s[i];
    }
}

static _Atomic(sha256_blocks_fn) chosen_blocks = blocks_portable;

void sha256_use(sha256_blocks_fn blocks)
{
    atomic_store_explicit(&chosen_blocks, blocks == NULL ? blocks_portable : blocks,
                          memory_order_relaxed);
}

void sha256_begin(struct sha256 *sha)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(sha->state, start, sizeof(start));
    sha->total_bytes = 0;
}

void sha256_add(struct sha256 *sha, const void *data, size_t bytes)
{
    if (bytes == 0)
        return;
    sha256_blocks_fn blocks = atomic_load_explicit(&chosen_blocks, memory_order_relaxed);
    const uint8_t *at = data;
    size_t used = sha->total_bytes % SHA256_BLOCK_BYTES;
    sha->total_bytes += bytes;
    if (used != 0) {
        size_t room = SHA256_BLOCK_BYTES - used;
        size_t part = bytes < room ? bytes : room;
        memcpy(sha->block + used, at, part);
        if (part < room)
            return;
        blocks(sha->state, sha->block, 1);
        at += part;
        bytes -= part;
    }
    size_t count = bytes / SHA256_BLOCK_BYTES;
    if (count != 0)
        blocks(sha->state, at, count);
    memcpy(sha->block, at + count * SHA256_BLOCK_BYTES, bytes % SHA256_BLOCK_BYTES);
}

void sha256_end(struct sha256 *sha, uint8_t ret_digest[SHA256_BYTES])
{
    static const uint8_t padding[SHA256_BLOCK_BYTES] = {0x80};
    uint64_t bits = sha->total_bytes * 8;
    uint8_t length[8];
    size_t used = sha->total_bytes % SHA256_BLOCK_BYTES;
    store_big(length, (uint32_t)(bits >> 32));
    store_big(length + 4, (uint32_t)bits);
    sha256_add(sha, padding, used < 56 ? 56 - used : 120 - used);
    sha256_add(sha, length, sizeof(length));
    for (unsigned i = 0; i < 8; i++)
        store_big(ret_digest + 4 * i, sha->state[i]);
}

void sha256_of(const void *data, size_t bytes, uint8_t ret_digest[SHA256_BYTES])
{
    struct sha256 sha;
    sha256_begin(&sha);
    sha256_add(&sha, data, bytes);
    sha256_end(&sha, ret_digest);
}

void hmac_sha256_begin(struct hmac_sha256 *hmac, const void *key, size_t key_bytes)
{
    uint8_t block[SHA256_BLOCK_BYTES] = {0};
    if (key_bytes > sizeof(block))
        sha256_of(key, key_bytes, block);
    else if (key_bytes != 0)
        memcpy(block, key, key_bytes);
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36;
    sha256_begin(&hmac->inner);
    sha256_add(&hmac->inner, block, sizeof(block));
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36 ^ 0x5c;
    sha256_begin(&hmac->outer);
    sha256_add(&hmac->outer, block, sizeof(block));
}

void hmac_sha256_add(struct hmac_sha256 *hmac, const void *data, size_t bytes)
{
    sha256_add(&hmac->inner, data, bytes);
}

void hmac_sha256_end(struct hmac_sha256 *hmac, uint8_t ret_mac[SHA256_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    sha256_end(&hmac->inner, digest);
    sha256_add(&hmac->outer, digest, sizeof(digest));
    sha256_end(&hmac->outer, ret_mac);
}

bool sha256_equal(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES])
{
    unsigned difference = 0;
    for (unsigned i = 0; i < SHA256_BYTES; i++)
        difference |= a[i] ^ b[i];
    return difference == 0;
}

void sha256_hex(const uint8_t digest[SHA256_BYTES], char ret_text[SHA256_HEX_BYTES])
{
    for (unsigned i = 0; i < SHA256_BYTES; i++) {
        ret_text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        ret_text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    ret_text[2 * SHA256_BYTES] = '\0';
}
