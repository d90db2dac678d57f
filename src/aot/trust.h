/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose machine code may run here: Ed25519 keys of this user, in $XDG_CONFIG_HOME/stint (else
 * ~/.config/stint), a directory that only this user may change.
 *
 *   keys/NAME.pub      a trusted key: "stint-ed25519-public BASE64"
 *   private/NAME.key   a private key, mode 0600: "stint-ed25519-private BASE64" (the seed)
 *
 * Signatures are made and checked by libstint-crypto.so, which is loaded only then.
 */
#ifndef AOT_TRUST_H
#define AOT_TRUST_H

#include "aot/artefact.h"

enum { TRUST_NAME_BYTES = 65, TRUST_SEED_BYTES = 32, TRUST_KEYS_MAX = 1024 };
enum { TRUST_TEXT_BYTES = sizeof("stint-ed25519-private ") + 44 }; /* a key as text, with NUL */

struct trust_key {
    char name[TRUST_NAME_BYTES];
    uint8_t public_key[ARTEFACT_KEY_BYTES];
};

/* Letters, digits, '.', '_', '-', not beginning with '.'; at most 64. */
bool trust_name_is_good(const char *name);
/* "stint-ed25519-public BASE64"; false when the text (blanks around it aside) is no such key. */
MUST_CHECK bool trust_parse_public(const char *text, size_t text_bytes,
                                   uint8_t ret_public[ARTEFACT_KEY_BYTES]);
void trust_format_public(const uint8_t public_key[ARTEFACT_KEY_BYTES],
                         char ret_text[TRUST_TEXT_BYTES]);

/* Makes a key pair: the private key is kept under the name, and the public one trusted. Names that are
 * taken stay as they are: STINT_ARGUMENT. */
MUST_CHECK enum stint_status trust_generate(const char *name,
                                            uint8_t ret_public[ARTEFACT_KEY_BYTES],
                                            struct stint_error *error);
MUST_CHECK enum stint_status trust_add(const char *name,
                                       const uint8_t public_key[ARTEFACT_KEY_BYTES],
                                       struct stint_error *error);
/* Trusts it no longer; a private key stays. Entries of the cache are the caller's to forget. */
MUST_CHECK enum stint_status trust_remove(const char *name, uint8_t ret_public[ARTEFACT_KEY_BYTES],
                                          struct stint_error *error);
/* Calls `show` for each trusted key; files that are none are left out. */
MUST_CHECK enum stint_status trust_list(void (*show)(void *context, const struct trust_key *key,
                                                     bool has_private),
                                        void *context, struct stint_error *error);

/* The seed of a private key: the name of one made here, or the path of such a file, which nobody else
 * may read. */
MUST_CHECK enum stint_status trust_load_private(const char *name_or_path,
                                                uint8_t ret_seed[TRUST_SEED_BYTES],
                                                struct stint_error *error);
/* Fills in the last two fields of a signature. */
MUST_CHECK enum stint_status trust_sign(struct artefact_signature *signature,
                                        const uint8_t seed[TRUST_SEED_BYTES],
                                        struct stint_error *error);
/*
 * Whether the signature is genuine, and by a trusted key, whose name is given. STINT_INVALID when it is
 * not trusted, with a reason like those of image_check.h.
 */
MUST_CHECK enum stint_status trust_check(const struct artefact_signature *signature,
                                         struct trust_key *ret_key, struct stint_error *error);

#endif
