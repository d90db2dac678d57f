/* SPDX-License-Identifier: Apache-2.0 */
#include "aot/trust.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "crypto/crypto.h"
#include "os/lock.h"
#include "os/plugin.h"
#include "os/private_files.h"
#include "os/random.h"

_Static_assert((int)CRYPTO_SEED_BYTES == TRUST_SEED_BYTES &&
                   (int)CRYPTO_PUBLIC_BYTES == ARTEFACT_KEY_BYTES &&
                   (int)CRYPTO_SIGNATURE_BYTES == ARTEFACT_SIGNED_BYTES,
               "one algorithm");

#define PLUGIN_NAME "libstint-crypto.so"
#define PUBLIC_HEAD "stint-ed25519-public "
#define PRIVATE_HEAD "stint-ed25519-private "

enum { KEY_TEXT_BYTES = BASE64_TEXT_BYTES(32) - 1, FILE_TEXT_BYTES = 256 };

static struct lock plugin_lock = LOCK_INIT;
static const struct crypto_api *plugin; /* once it is loaded; under the lock */

static enum stint_status crypto(const struct crypto_api **ret_api, struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    lock_take(&plugin_lock);
    if (plugin == NULL) {
        const void *table = NULL;
        status = plugin_table(PLUGIN_NAME, CRYPTO_SYMBOL, CRYPTO_API_VERSION, &table, error);
        plugin = table;
    }
    if (status == STINT_OK)
        *ret_api = plugin;
    lock_give(&plugin_lock);
    return status;
}

/* ---- Keys as text -------------------------------------------------------------------------- */

bool trust_name_is_good(const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);
    return length > 0 && length < TRUST_NAME_BYTES && name[0] != '.' && name[0] != '-' &&
           strspn(name, good) == length;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool parse_key(const char *head, const char *text, size_t text_bytes, uint8_t ret_key[32])
{
    size_t head_bytes = strlen(head);
    while (text_bytes > 0 && is_blank(*text)) {
        text++;
        text_bytes--;
    }
    while (text_bytes > 0 && is_blank(text[text_bytes - 1]))
        text_bytes--;
    return text_bytes == head_bytes + KEY_TEXT_BYTES && memcmp(text, head, head_bytes) == 0 &&
           base64_decode(text + head_bytes, KEY_TEXT_BYTES, ret_key, 32);
}

bool trust_parse_public(const char *text, size_t text_bytes, uint8_t ret_public[ARTEFACT_KEY_BYTES])
{
    return parse_key(PUBLIC_HEAD, text, text_bytes, ret_public);
}

static void format_key(const char *head, const uint8_t key[32], char ret_text[TRUST_TEXT_BYTES])
{
    char text[BASE64_TEXT_BYTES(32)];
    base64_encode(key, 32, text);
    snprintf(ret_text, TRUST_TEXT_BYTES, "%s%s", head, text);
}

void trust_format_public(const uint8_t public_key[ARTEFACT_KEY_BYTES],
                         char ret_text[TRUST_TEXT_BYTES])
{
    format_key(PUBLIC_HEAD, public_key, ret_text);
}

/* ---- The store ----------------------------------------------------------------------------- */

/* Opens "keys" or "private" in the configuration's directory. */
static enum stint_status open_store(const char *which, bool create, int *ret_fd,
                                    struct stint_error *error)
{
    char path[PRIVATE_PATH_BYTES], sub[PRIVATE_PATH_BYTES + 16];
    int fd;
    enum stint_status status = private_default_path("XDG_CONFIG_HOME", ".config", path, error);
    /* The directory above is checked too: who can change it can replace this one. */
    if (status == STINT_OK)
        status = private_open_directory(path, create, &fd, error);
    if (status != STINT_OK)
        return status;
    file_close(fd);
    snprintf(sub, sizeof(sub), "%s/%s", path, which);
    return private_open_directory(sub, create, ret_fd, error);
}

static enum stint_status failed(const char *what, const char *name, enum os_error reason,
                                struct stint_error *error)
{
    if (reason == OS_NOENT)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "there is no key '%s'", name);
    if (reason == OS_EXIST)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "there is a key '%s' already",
                         name);
    if (reason == OS_PERM)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "others can change or read the file of the key '%s': 'chmod 600' it",
                         name);
    return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot %s the key '%s': %s", what, name,
                     os_error_text(reason));
}

static enum stint_status check_name(const char *name, struct stint_error *error)
{
    if (trust_name_is_good(name))
        return STINT_OK;
    return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                     "'%.80s' cannot name a key: letters, digits, '.', '_' and '-' can", name);
}

/* Writes a new file whole, or leaves none. */
static enum os_error write_key(int dir_fd, const char *file, const char *text)
{
    int fd;
    enum os_error reason = private_create_at(dir_fd, file, &fd);
    if (reason != OS_OK)
        return reason;
    reason = private_write_all(fd, text, strlen(text), 0);
    if (reason == OS_OK)
        reason = private_write_all(fd, "\n", 1, strlen(text));
    if (reason == OS_OK)
        reason = file_sync(fd, false);
    file_close(fd);
    if (reason != OS_OK)
        (void)!file_unlink_at(dir_fd, file);
    return reason;
}

/* Reads a key's file; OS_BADMSG when it holds something else. */
static enum os_error read_key(int dir_fd, const char *file, const char *head, bool is_secret,
                              uint8_t ret_key[32])
{
    char text[FILE_TEXT_BYTES];
    size_t bytes;
    int fd;
    enum os_error reason = private_open_at(dir_fd, file, is_secret, &fd);
    if (reason != OS_OK)
        return reason;
    struct file_span span = {text, sizeof(text)};
    reason = file_read(fd, &span, 1, 0, &bytes);
    file_close(fd);
    if (reason == OS_OK && !parse_key(head, text, bytes, ret_key))
        reason = OS_BADMSG;
    return reason;
}

static void file_of(const char *name, const char *end, char ret_file[TRUST_NAME_BYTES + 8])
{
    snprintf(ret_file, TRUST_NAME_BYTES + 8, "%s%s", name, end);
}

static enum stint_status write_to_store(const char *which, const char *name, const char *end,
                                        const char *text, struct stint_error *error)
{
    char file[TRUST_NAME_BYTES + 8];
    int dir_fd;
    enum stint_status status = check_name(name, error);
    if (status == STINT_OK)
        status = open_store(which, true, &dir_fd, error);
    if (status != STINT_OK)
        return status;
    file_of(name, end, file);
    enum os_error reason = write_key(dir_fd, file, text);
    file_close(dir_fd);
    return reason == OS_OK ? STINT_OK : failed("write", name, reason, error);
}

enum stint_status trust_add(const char *name, const uint8_t public_key[ARTEFACT_KEY_BYTES],
                            struct stint_error *error)
{
    char text[TRUST_TEXT_BYTES];
    trust_format_public(public_key, text);
    return write_to_store("keys", name, ".pub", text, error);
}

enum stint_status trust_generate(const char *name, uint8_t ret_public[ARTEFACT_KEY_BYTES],
                                 struct stint_error *error)
{
    const struct crypto_api *api;
    uint8_t seed[TRUST_SEED_BYTES], public_key[ARTEFACT_KEY_BYTES];
    char text[TRUST_TEXT_BYTES];
    enum stint_status status = check_name(name, error);
    if (status == STINT_OK)
        status = crypto(&api, error);
    if (status != STINT_OK)
        return status;
    if (random_fill(seed, sizeof(seed)) != OS_OK || !api->public_key(seed, public_key))
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "no key could be made");
    format_key(PRIVATE_HEAD, seed, text);
    status = write_to_store("private", name, ".key", text, error);
    if (status == STINT_OK)
        status = trust_add(name, public_key, error);
    memset(text, 0, sizeof(text));
    if (status == STINT_OK)
        memcpy(ret_public, public_key, sizeof(public_key));
    return status;
}

enum stint_status trust_remove(const char *name, uint8_t ret_public[ARTEFACT_KEY_BYTES],
                               struct stint_error *error)
{
    char file[TRUST_NAME_BYTES + 8];
    uint8_t public_key[ARTEFACT_KEY_BYTES] = {0};
    int dir_fd;
    enum stint_status status = check_name(name, error);
    if (status == STINT_OK)
        status = open_store("keys", false, &dir_fd, error);
    if (status != STINT_OK)
        return status;
    file_of(name, ".pub", file);
    /* What is no key is removed as well. */
    enum os_error reason = read_key(dir_fd, file, PUBLIC_HEAD, false, public_key);
    if (reason != OS_NOENT)
        reason = file_unlink_at(dir_fd, file);
    file_close(dir_fd);
    if (reason != OS_OK)
        return failed("remove", name, reason, error);
    memcpy(ret_public, public_key, sizeof(public_key));
    return STINT_OK;
}

enum stint_status trust_list(void (*show)(void *context, const struct trust_key *key,
                                          bool has_private),
                             void *context, struct stint_error *error)
{
    _Alignas(8) char buffer[4096];
    struct file_entry entry;
    struct stint_error ignored = {0};
    size_t bytes = 0, seen = 0;
    int dir_fd, private_fd = -1;
    enum stint_status status = open_store("keys", false, &dir_fd, error);
    if (status != STINT_OK)
        return status;
    if (open_store("private", false, &private_fd, &ignored) != STINT_OK)
        private_fd = -1;
    enum os_error reason;
    do {
        size_t at = 0;
        reason = file_entries_read(dir_fd, buffer, sizeof(buffer), &bytes);
        while (reason == OS_OK && file_entries_next(buffer, bytes, &at, &entry) &&
               seen < TRUST_KEYS_MAX) {
            struct trust_key key;
            struct file_stat stat;
            char file[TRUST_NAME_BYTES + 8];
            size_t length = entry.name_bytes;
            if (length <= 4 || length >= TRUST_NAME_BYTES + 4 ||
                strcmp(entry.name + length - 4, ".pub") != 0 ||
                read_key(dir_fd, entry.name, PUBLIC_HEAD, false, key.public_key) != OS_OK)
                continue;
            memcpy(key.name, entry.name, length - 4);
            key.name[length - 4] = '\0';
            file_of(key.name, ".key", file);
            seen++;
            show(context, &key, private_fd >= 0 && file_stat_at(private_fd, file, &stat) == OS_OK);
        }
    } while (reason == OS_OK && bytes > 0 && seen < TRUST_KEYS_MAX);
    if (private_fd >= 0)
        file_close(private_fd);
    file_close(dir_fd);
    return reason == OS_OK ? STINT_OK : failed("list", "*", reason, error);
}

/* ---- Signatures ---------------------------------------------------------------------------- */

enum stint_status trust_load_private(const char *name_or_path, uint8_t ret_seed[TRUST_SEED_BYTES],
                                     struct stint_error *error)
{
    char file[TRUST_NAME_BYTES + 8];
    enum os_error reason;
    int dir_fd;
    if (trust_name_is_good(name_or_path)) {
        struct stint_error none = {0};
        enum stint_status status = open_store("private", false, &dir_fd, &none);
        if (status != STINT_OK && status != STINT_NOT_FOUND)
            return error_set(error, status, STINT_NO_OFFSET, "%s", none.message);
        if (status == STINT_OK) {
            file_of(name_or_path, ".key", file);
            reason = read_key(dir_fd, file, PRIVATE_HEAD, true, ret_seed);
            file_close(dir_fd);
            if (reason != OS_NOENT)
                return reason == OS_OK ? STINT_OK : failed("read", name_or_path, reason, error);
        }
    }
    enum stint_status status = STINT_OK;
    reason = file_open_host(".", FILE_READ | FILE_IS_DIRECTORY, &dir_fd);
    if (reason == OS_OK) {
        reason = read_key(dir_fd, name_or_path, PRIVATE_HEAD, true, ret_seed);
        file_close(dir_fd);
    }
    if (reason == OS_BADMSG)
        status = error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                           "'%.120s' holds no private key ('" PRIVATE_HEAD "…')", name_or_path);
    else if (reason != OS_OK)
        status = failed("read", name_or_path, reason, error);
    return status;
}

enum stint_status trust_sign(struct artefact_signature *signature,
                             const uint8_t seed[TRUST_SEED_BYTES], struct stint_error *error)
{
    const struct crypto_api *api;
    enum stint_status status = crypto(&api, error);
    if (status != STINT_OK)
        return status;
    if (!api->public_key(seed, signature->public_key) ||
        !api->sign(seed, signature, ARTEFACT_TO_SIGN_BYTES, signature->signature))
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "the signature could not be made");
    return STINT_OK;
}

struct wanted_key {
    const uint8_t *public_key;
    struct trust_key found;
    bool is_found;
};

static void match_key(void *context, const struct trust_key *key, bool has_private)
{
    struct wanted_key *wanted = context;
    if (!sha256_equal(key->public_key, wanted->public_key))
        return;
    wanted->found = *key;
    wanted->is_found = true;
}

enum stint_status trust_check(const struct artefact_signature *signature, struct trust_key *ret_key,
                              struct stint_error *error)
{
    struct wanted_key wanted = {.public_key = signature->public_key};
    const struct crypto_api *api;
    if (memcmp(signature->magic, ARTEFACT_SIGNATURE_MAGIC, sizeof(signature->magic)) != 0 ||
        signature->version != ARTEFACT_SIGNATURE_VERSION ||
        signature->image_count > ARTEFACT_IMAGES_SIGNED_MAX)
        return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                         "its signature was made by another version of Stint");
    struct stint_error reason = {0};
    enum stint_status status = trust_list(match_key, &wanted, &reason);
    if (status != STINT_OK && status != STINT_NOT_FOUND)
        return error_set(error, STINT_INVALID, STINT_NO_OFFSET, "%s", reason.message);
    if (!wanted.is_found) {
        char text[TRUST_TEXT_BYTES];
        trust_format_public(signature->public_key, text);
        return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                         "it is signed by a key that you do not trust (%s)", text);
    }
    status = crypto(&api, error);
    if (status != STINT_OK)
        return status;
    if (!api->verify(signature->public_key, signature, ARTEFACT_TO_SIGN_BYTES,
                     signature->signature))
        return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                         "its signature is not genuine: it was changed after it was signed");
    *ret_key = wanted.found;
    return STINT_OK;
}
