/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libstint-crypto.so: Ed25519 through OpenSSL 3. The program loads it with dlopen when a signature is
 * first made or checked, and finds this one symbol:
 *
 *   const void *stint_crypto_api(void);   a struct crypto_api
 *
 * Thread-safe.
 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_SYMBOL "stint_crypto_api"
enum { CRYPTO_API_VERSION = 1 };
enum { CRYPTO_SEED_BYTES = 32, CRYPTO_PUBLIC_BYTES = 32, CRYPTO_SIGNATURE_BYTES = 64 };

struct crypto_api {
    uint32_t version; /* CRYPTO_API_VERSION */
    const char *description;
    /* A private key is its seed (RFC 8032, 5.1.5). False when the library fails. */
    bool (*public_key)(const uint8_t seed[CRYPTO_SEED_BYTES],
                       uint8_t ret_public[CRYPTO_PUBLIC_BYTES]);
    bool (*sign)(const uint8_t seed[CRYPTO_SEED_BYTES], const void *data, size_t bytes,
                 uint8_t ret_signature[CRYPTO_SIGNATURE_BYTES]);
    /* Whether the signature is genuine. */
    bool (*verify)(const uint8_t public_key[CRYPTO_PUBLIC_BYTES], const void *data, size_t bytes,
                   const uint8_t signature[CRYPTO_SIGNATURE_BYTES]);
};

#endif
