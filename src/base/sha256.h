/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4) and HMAC-SHA256 (RFC 2104). Portable; cpu_use_sha256 of os/cpu.h puts the machine's own
 * instructions behind it where it has them, which is ten times as fast.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/status.h"

enum { SHA256_BYTES = 32, SHA256_BLOCK_BYTES = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t total_bytes;
    uint8_t block[SHA256_BLOCK_BYTES]; /* its first total_bytes % 64 bytes wait for more */
};

void sha256_begin(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *data, size_t bytes);
/* `sha` has to begin again afterwards. */
void sha256_end(struct sha256 *sha, uint8_t ret_digest[SHA256_BYTES]);
/* All of it at once. */
void sha256_of(const void *data, size_t bytes, uint8_t ret_digest[SHA256_BYTES]);

struct hmac_sha256 {
    struct sha256 inner, outer;
};

void hmac_sha256_begin(struct hmac_sha256 *hmac, const void *key, size_t key_bytes);
void hmac_sha256_add(struct hmac_sha256 *hmac, const void *data, size_t bytes);
void hmac_sha256_end(struct hmac_sha256 *hmac, uint8_t ret_mac[SHA256_BYTES]);

/* Whether two digests are equal, in a time that does not depend on where they differ. */
bool sha256_equal(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES]);

/* "0123…": 64 digits and a NUL. */
enum { SHA256_HEX_BYTES = 2 * SHA256_BYTES + 1 };
void sha256_hex(const uint8_t digest[SHA256_BYTES], char ret_text[SHA256_HEX_BYTES]);

/* Takes `count` blocks into the state. The constants are what such a function needs. */
typedef void (*sha256_blocks_fn)(uint32_t state[8], const uint8_t *data, size_t count);
extern const uint32_t sha256_constants[64];
/* From now on all threads use `blocks`; NULL: the portable function. */
void sha256_use(sha256_blocks_fn blocks);

#endif
