/* SPDX-License-Identifier: Apache-2.0 */
/* BLAKE2b-512 (RFC 7693): 64-bit work over a buffer that each digest is written back into. */
#include "bench.h"

#define MESSAGE_BYTES 8192

static const uint64_t iv[8] = {UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b),
                               UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1),
                               UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
                               UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179)};

static const uint8_t sigma[12][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                      {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                      {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                      {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                      {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                      {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                      {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                      {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                      {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                      {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
                                      {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                      {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3}};

static uint64_t rotate_right(uint64_t x, int n)
{
    return x >> n | x << (64 - n);
}

/* An unaligned little-endian load; compilers make one instruction of it. */
static uint64_t load_le64(const uint8_t *p)
{
    uint64_t x = 0;
    for (int i = 7; i >= 0; i--) {
        x = x << 8 | p[i];
    }
    return x;
}

static void store_le64(uint8_t *p, uint64_t x)
{
    for (int i = 0; i < 8; i++) {
        p[i] = (uint8_t)(x >> (8 * i));
    }
}

static void mix(uint64_t v[16], int a, int b, int c, int d, uint64_t x, uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = rotate_right(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotate_right(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotate_right(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotate_right(v[b] ^ v[c], 63);
}

static void compress(uint64_t h[8], const uint8_t block[128], uint64_t offset, int last)
{
    uint64_t m[16];
    uint64_t v[16];
    for (int i = 0; i < 16; i++) {
        m[i] = load_le64(block + 8 * i);
    }
    for (int i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = iv[i];
    }
    v[12] ^= offset;
    v[14] = last ? ~v[14] : v[14];
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = sigma[round];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++) {
        h[i] ^= v[i] ^ v[i + 8];
    }
}

static void blake2b(const uint8_t *data, size_t bytes, uint8_t digest[64])
{
    uint64_t h[8];
    memcpy(h, iv, sizeof h);
    h[0] ^= 0x01010000 ^ 64;
    uint64_t offset = 0;
    for (; bytes > 128; bytes -= 128, data += 128) {
        offset += 128;
        compress(h, data, offset, 0);
    }
    uint8_t tail[128] = {0};
    memcpy(tail, data, bytes);
    compress(h, tail, offset + bytes, 1);
    for (int i = 0; i < 8; i++) {
        store_le64(digest + 8 * i, h[i]);
    }
}

int main(int argc, char **argv)
{
    static uint8_t message[MESSAGE_BYTES];
    uint32_t iterations = bench_iterations(argc, argv, 8500);
    uint8_t digest[64];
    blake2b((const uint8_t *)"abc", 3, digest);
    bench_require(load_le64(digest) == UINT64_C(0x0d4d1c983fa580ba), "BLAKE2b of abc");
    for (size_t i = 0; i < MESSAGE_BYTES; i++) {
        message[i] = (uint8_t)(i * 31 + 7);
    }
    for (uint32_t n = 0; n < iterations; n++) {
        blake2b(message, sizeof message, digest);
        memcpy(message + (n * 64) % MESSAGE_BYTES, digest, sizeof digest);
    }
    return bench_report("blake2b", iterations,
                        bench_sum_bytes(BENCH_SUM_START, digest, sizeof digest));
}
