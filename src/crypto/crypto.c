/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include <openssl/evp.h>
#include <openssl/opensslv.h>

static bool public_key(const uint8_t seed[CRYPTO_SEED_BYTES],
                       uint8_t ret_public[CRYPTO_PUBLIC_BYTES])
{
    uint8_t raw[CRYPTO_PUBLIC_BYTES];
    size_t bytes = sizeof(raw);
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, CRYPTO_SEED_BYTES);
    bool ok =
        key != NULL && EVP_PKEY_get_raw_public_key(key, raw, &bytes) == 1 && bytes == sizeof(raw);
    for (size_t i = 0; ok && i < sizeof(raw); i++)
        ret_public[i] = raw[i];
    EVP_PKEY_free(key);
    return ok;
}

static bool sign(const uint8_t seed[CRYPTO_SEED_BYTES], const void *data, size_t bytes,
                 uint8_t ret_signature[CRYPTO_SIGNATURE_BYTES])
{
    size_t signature_bytes = CRYPTO_SIGNATURE_BYTES;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, CRYPTO_SEED_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = key != NULL && context != NULL &&
              EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestSign(context, ret_signature, &signature_bytes, data, bytes) == 1 &&
              signature_bytes == CRYPTO_SIGNATURE_BYTES;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return ok;
}

static bool verify(const uint8_t public_bytes[CRYPTO_PUBLIC_BYTES], const void *data, size_t bytes,
                   const uint8_t signature[CRYPTO_SIGNATURE_BYTES])
{
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_bytes, CRYPTO_PUBLIC_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = key != NULL && context != NULL &&
              EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestVerify(context, signature, CRYPTO_SIGNATURE_BYTES, data, bytes) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return ok;
}

static const struct crypto_api api = {
    .version = CRYPTO_API_VERSION,
    .description = OPENSSL_VERSION_TEXT,
    .public_key = public_key,
    .sign = sign,
    .verify = verify,
};

__attribute__((visibility("default"))) const void *stint_crypto_api(void);

const void *stint_crypto_api(void)
{
    return &api;
}
