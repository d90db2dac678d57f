/* SPDX-License-Identifier: Apache-2.0 */
#include "app/source_fetch.h"

#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "http/http_client.h"
#include "os/clock.h"
#include "os/plugin.h"
#include "os/private_files.h"

enum { URL_BYTES = 4096, PIECE_BYTES = 65536, STDERR = 2 };

#define SECOND_NS UINT64_C(1000000000)
#define WHOLE_NS (600 * SECOND_NS) /* of a download, with its redirects */
#define SHOW_NS (SECOND_NS / 5)

struct fetch {
    const struct app_source *source;
    char url[URL_BYTES]; /* after redirects */
    char location[URL_BYTES];
    int fd; /* of the file that becomes the kept one */
    struct sha256 sha;
    uint64_t bytes, bytes_expected; /* 0: not told */
    uint64_t deadline_ns, shown_ns;
    unsigned status;
    bool shows, is_too_long, is_cut;
    enum os_error write_error;
};

/* ---- While it comes in ------------------------------------------------------------------- */

static bool is_cancelled(void *env)
{
    const struct fetch *fetch = env;
    return clock_now_ns(OS_CLOCK_MONOTONIC) > fetch->deadline_ns;
}

/* The manifest's author chose the address; the digest says whether it is the right file. */
static bool allows(void *env, const struct http_client_address *address)
{
    (void)env;
    (void)address;
    return true;
}

static int64_t no_body(void *env, void *data, size_t bytes)
{
    (void)env;
    (void)data;
    (void)bytes;
    return 0;
}

static bool is_named(const struct http_client_header *header, const char *name)
{
    for (size_t i = 0; i <= header->name_bytes; i++) {
        char c = i < header->name_bytes ? header->name[i] : '\0';
        if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != name[i])
            return false;
    }
    return true;
}

static bool on_header(void *env, const struct http_client_header *header)
{
    struct fetch *fetch = env;
    if (is_named(header, "location")) {
        fetch->is_cut |= header->value_bytes >= sizeof(fetch->location);
        (void)snprintf(fetch->location, sizeof(fetch->location), "%.*s", (int)header->value_bytes,
                       (const char *)header->value);
    } else if (is_named(header, "content-length")) {
        fetch->bytes_expected = 0;
        for (size_t i = 0; i < header->value_bytes && i < 15; i++)
            fetch->bytes_expected = fetch->bytes_expected * 10 + (uint64_t)(header->value[i] - '0');
    }
    return true;
}

static bool on_start(void *env, unsigned status)
{
    struct fetch *fetch = env;
    fetch->status = status;
    fetch->is_too_long = status == 200 && fetch->bytes_expected > SOURCE_FETCH_BYTES_MAX;
    return !fetch->is_too_long;
}

static void show(struct fetch *fetch)
{
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    if (!fetch->shows || now_ns - fetch->shown_ns < SHOW_NS)
        return;
    fetch->shown_ns = now_ns;
    fprintf(stderr, "\r\033[K%.60s: %.1f", fetch->source->url, (double)fetch->bytes / 1e6);
    if (fetch->bytes_expected > 0)
        fprintf(stderr, " of %.1f", (double)fetch->bytes_expected / 1e6);
    fputs(" MB", stderr);
}

static int64_t on_write(void *env, const void *data, size_t bytes)
{
    struct fetch *fetch = env;
    if (fetch->status != 200)
        return (int64_t)bytes; /* a page about it */
    fetch->is_too_long = bytes > SOURCE_FETCH_BYTES_MAX - fetch->bytes;
    if (fetch->is_too_long)
        return -1;
    sha256_add(&fetch->sha, data, bytes);
    fetch->write_error = private_write_all(fetch->fd, data, bytes, fetch->bytes);
    fetch->bytes += bytes;
    show(fetch);
    return fetch->write_error == OS_OK ? (int64_t)bytes : -1;
}

/* ---- A download -------------------------------------------------------------------------- */

static enum stint_status say_failure(const struct fetch *fetch, uint32_t code,
                                     struct stint_error *error)
{
    /* Codes as http_client_api.perform has them. */
    static const struct {
        uint32_t code;
        const char *text;
    } texts[] = {
        {1 + 1, "its host has no address"},
        {1 + 6, "the connection was refused"},
        {1 + 7, "the connection was broken off"},
        {1 + 8, "the connection took too long"},
        {1 + 9, "nothing came for 30 seconds"},
        {1 + 12, "TLS could not be agreed on"},
        {1 + 13, "its TLS certificate is not valid"},
        {1 + 25, "it broke off"},
        {1 + 33, "there was no answer for 30 seconds"},
    };
    const char *why = "the transfer failed";
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        why = code == texts[i].code ? texts[i].text : why;
    if (is_cancelled((void *)fetch))
        why = "it took longer than 10 minutes";
    if (fetch->is_too_long)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "it was not downloaded: it is longer than %d MB",
                         SOURCE_FETCH_BYTES_MAX >> 20);
    if (fetch->write_error != OS_OK)
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "it could not be kept: %s",
                         os_error_text(fetch->write_error));
    return error_set(error, STINT_IO, STINT_NO_OFFSET, "it could not be downloaded: %s", why);
}

/* A whole URL, "//host/path" or "/path" as seen from fetch->url. */
static bool follow(struct fetch *fetch)
{
    char next[2 * URL_BYTES];
    const char *to = fetch->location;
    const char *host = strstr(fetch->url, "://");
    if (to[0] == '\0' || fetch->is_cut || host == NULL)
        return false;
    host += 3;
    if (strncmp(to, "http://", 7) == 0 || strncmp(to, "https://", 8) == 0)
        (void)snprintf(next, sizeof(next), "%s", to);
    else if (strncmp(to, "//", 2) == 0)
        (void)snprintf(next, sizeof(next), "%.*s%s", (int)(host - fetch->url) - 2, fetch->url, to);
    else if (to[0] == '/')
        (void)snprintf(next, sizeof(next), "%.*s%s",
                       (int)(host - fetch->url) + (int)strcspn(host, "/?#"), fetch->url, to);
    else
        return false;
    if (strlen(next) >= sizeof(fetch->url))
        return false;
    memcpy(fetch->url, next, strlen(next) + 1);
    return true;
}

static enum stint_status download(struct fetch *fetch, struct stint_error *error)
{
    const void *table;
    enum stint_status status = plugin_table("libstint-http.so", HTTP_CLIENT_SYMBOL,
                                            HTTP_CLIENT_VERSION, &table, error);
    if (status != STINT_OK)
        return status;
    const struct http_client_api *api = table;
    for (unsigned hops = 0; hops <= SOURCE_FETCH_REDIRECTS_MAX; hops++) {
        const struct http_client_request request = {.method = "GET",
                                                    .url = fetch->url,
                                                    .connect_timeout_ns = 10 * SECOND_NS,
                                                    .first_byte_timeout_ns = 30 * SECOND_NS,
                                                    .between_bytes_timeout_ns = 30 * SECOND_NS,
                                                    .env = fetch,
                                                    .is_cancelled = is_cancelled,
                                                    .allows = allows,
                                                    .read = no_body,
                                                    .header = on_header,
                                                    .start = on_start,
                                                    .write = on_write,
                                                    .trailer = on_header};
        fetch->location[0] = '\0';
        fetch->bytes_expected = 0;
        uint32_t code = api->perform(&request);
        if (code != 0)
            return say_failure(fetch, code, error);
        if (fetch->status == 200)
            return STINT_OK;
        bool is_redirect = fetch->status == 301 || fetch->status == 302 || fetch->status == 303 ||
                           fetch->status == 307 || fetch->status == 308;
        if (!is_redirect)
            return error_set(error, STINT_IO, STINT_NO_OFFSET,
                             "it could not be downloaded: the answer was %u", fetch->status);
        if (!follow(fetch))
            return error_set(error, STINT_IO, STINT_NO_OFFSET,
                             "it could not be downloaded: it is redirected to no URL of http");
    }
    return error_set(error, STINT_IO, STINT_NO_OFFSET,
                     "it could not be downloaded: more than %d redirects",
                     SOURCE_FETCH_REDIRECTS_MAX);
}

static enum stint_status check_digest(struct fetch *fetch, struct stint_error *error)
{
    uint8_t digest[SHA256_BYTES];
    char got[SHA256_HEX_BYTES], wanted[SHA256_HEX_BYTES];
    sha256_end(&fetch->sha, digest);
    if (sha256_equal(digest, fetch->source->sha256))
        return STINT_OK;
    sha256_hex(digest, got);
    sha256_hex(fetch->source->sha256, wanted);
    return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                     "what was downloaded has the digest sha256:%s, not sha256:%s of the manifest",
                     got, wanted);
}

/* ---- What is kept ------------------------------------------------------------------------ */

/* Whether it is there, and what it should be. */
static bool is_kept(struct arena *arena, int folder, const char *name,
                    const uint8_t wanted[SHA256_BYTES])
{
    uint8_t *piece = arena_get(arena, PIECE_BYTES);
    uint8_t digest[SHA256_BYTES];
    struct sha256 sha;
    int fd;
    if (piece == NULL || private_open_at(folder, name, false, &fd) != OS_OK)
        return false;
    sha256_begin(&sha);
    size_t bytes = 0;
    enum os_error failed;
    do {
        const struct file_span span = {piece, PIECE_BYTES};
        failed = file_read(fd, &span, 1, FILE_NO_OFFSET, &bytes);
        sha256_add(&sha, piece, failed == OS_OK ? bytes : 0);
    } while (failed == OS_OK && bytes > 0);
    file_close(fd);
    sha256_end(&sha, digest);
    return failed == OS_OK && sha256_equal(digest, wanted);
}

/* Downloads under a name of its own, so that `name` is never there in part. */
static enum stint_status keep(int folder, const char *name, const struct app_source *source,
                              struct stint_error *error)
{
    char part[SHA256_HEX_BYTES + 40];
    struct fetch fetch = {.source = source, .shows = file_is_terminal(STDERR)};
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    fetch.deadline_ns = now_ns + WHOLE_NS;
    (void)snprintf(part, sizeof(part), "%.16s.%llu.part", name, (unsigned long long)now_ns);
    if (strlen(source->url) >= sizeof(fetch.url))
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "its URL is too long");
    memcpy(fetch.url, source->url, strlen(source->url) + 1);
    enum os_error failed = private_create_at(folder, part, &fetch.fd);
    if (failed != OS_OK)
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "it could not be kept: %s",
                         os_error_text(failed));
    sha256_begin(&fetch.sha);
    enum stint_status status = download(&fetch, error);
    if (fetch.shown_ns != 0)
        fputs("\r\033[K", stderr);
    if (status == STINT_OK)
        status = check_digest(&fetch, error);
    if (status == STINT_OK) {
        failed = file_sync(fetch.fd, false);
        if (failed == OS_OK)
            failed = file_rename_at(folder, part, folder, name);
        if (failed != OS_OK)
            status = error_set(error, STINT_IO, STINT_NO_OFFSET, "it could not be kept: %s",
                               os_error_text(failed));
    }
    file_close(fetch.fd);
    if (status != STINT_OK && file_unlink_at(folder, part) != OS_OK)
        return status; /* a part that stays harms nobody: its name is not looked for */
    return status;
}

enum stint_status source_fetch(struct arena *arena, const struct app_source *source,
                               const char **ret_path, struct stint_error *error)
{
    char cache[PRIVATE_PATH_BYTES], name[SHA256_HEX_BYTES + 8], digits[SHA256_HEX_BYTES];
    char path[PRIVATE_PATH_BYTES + 128];
    int folder;
    if (source->kind == APP_SOURCE_FILE) {
        *ret_path = source->path;
        return STINT_OK;
    }
    if (source->kind == APP_SOURCE_REGISTRY)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "packages of registries are not supported yet: give a file, or 'url' and "
                         "'digest'");
    enum stint_status status = private_default_path("XDG_CACHE_HOME", ".cache", cache, error);
    if (status != STINT_OK)
        return status;
    (void)snprintf(path, sizeof(path), "%s/downloads", cache);
    status = private_open_directory(path, true, &folder, error);
    if (status != STINT_OK)
        return status;
    sha256_hex(source->sha256, digits);
    (void)snprintf(name, sizeof(name), "%s.wasm", digits);
    if (!is_kept(arena, folder, name, source->sha256))
        status = keep(folder, name, source, error);
    file_close(folder);
    if (status != STINT_OK)
        return status;
    (void)snprintf(path, sizeof(path), "%s/downloads/%s", cache, name);
    *ret_path = arena_copy_string(arena, path, strlen(path));
    return *ret_path != NULL ? STINT_OK
                             : error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
}
