/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every binary module of the core test suite (its JSON form) through the decoder and validator: the
 * good ones pass, the malformed and invalid ones fail for the reason that the suite gives.
 */
#include <ftw.h>
#include <stdlib.h>

#include "base/buf.h"
#include "check.h"
#include "wasm/validate_int.h"
#include "wasm/validate_rules.h"

static struct alloc root;
static struct type_registry *types;
static size_t checked, mismatched, misworded;

/*
 * Modules that fail as they should, but for a nearer reason: an integer or name that runs past its
 * section (or makes its section end early), which the suite's own decoder reads to its end.
 */
enum { MISWORDED_MAX = 14 };

/* A whole file in `ret_buf`, with a NUL behind it. */
static bool read_file(const char *path, struct buf *ret_buf)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    buf_clear(ret_buf);
    size_t got = 1;
    while (got != 0 && buf_reserve(ret_buf, 65536)) {
        got = fread(ret_buf->data + ret_buf->bytes, 1, 65536, file);
        ret_buf->bytes += got;
    }
    fclose(file);
    return buf_append_byte(ret_buf, '\0');
}

/* As strstr, which a sanitizer makes linear in the whole rest of the file. */
static const char *find(const char *at, const char *end, const char *wanted)
{
    return memmem(at, (size_t)(end - at), wanted, strlen(wanted));
}

/* The string value of `"key":"value"` within one command; false where it has none. The suite's
 * own texts hold no escapes that matter here. */
static bool find_string(const char *at, const char *end, const char *key, char *text, size_t size)
{
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "\"%s\":\"", key);
    const char *found = find(at, end, wanted);
    if (found == NULL)
        return false;
    found += strlen(wanted);
    const char *quote = memchr(found, '"', (size_t)(end - found));
    if (quote == NULL || (size_t)(quote - found) >= size)
        return false;
    memcpy(text, found, (size_t)(quote - found));
    text[quote - found] = '\0';
    return true;
}

static enum stint_status load(const struct buf *bytes, struct stint_error *error)
{
    static struct body_rules slow_rules;
    struct wasm_module *module = NULL;
    enum stint_status status = module_decode(&root, types, bytes->data, bytes->bytes - 1,
                                             FEATURES_DEFAULT, &module, error);
    if (status == STINT_OK) {
        struct stint_error slow_error = {0};
        status = module_validate(module, error);
        CHECK_INT(validate_bodies(module, &slow_rules, &slow_error), status);
        CHECK_STR(slow_error.message, error->message);
        CHECK_INT(slow_error.offset_bytes, error->offset_bytes);
    }
    module_free(module);
    return status;
}

static bool want_status(const char *type, enum stint_status *ret_status)
{
    *ret_status = STINT_OK;
    if (strcmp(type, "assert_malformed") == 0)
        *ret_status = STINT_MALFORMED;
    else if (strcmp(type, "assert_invalid") == 0)
        *ret_status = STINT_INVALID;
    else if (strcmp(type, "module") != 0 && strcmp(type, "module_definition") != 0 &&
             strcmp(type, "assert_unlinkable") != 0 && strcmp(type, "assert_uninstantiable") != 0)
        return false;
    return true;
}

static void check_command(const char *json, const char *at, const char *end, struct buf *module)
{
    char type[64], name[256], text[256] = "", path[1024];
    enum stint_status want;
    if (!find_string(at, end, "type", type, sizeof(type)) || !want_status(type, &want) ||
        !find_string(at, end, "filename", name, sizeof(name)) || strstr(name, ".wat") != NULL)
        return;
    find_string(at, end, "text", text, sizeof(text));
    snprintf(path, sizeof(path), "%.*s%s", (int)(strrchr(json, '/') + 1 - json), json, name);
    if (!read_file(path, module)) {
        check_report(false, path, 0, "cannot be read");
        return;
    }
    struct stint_error error = {0};
    enum stint_status status = load(module, &error);
    checked++;
    bool is_worded = want == STINT_OK || strncmp(error.message, text, strlen(text)) == 0;
    mismatched += status != want;
    misworded += !is_worded;
    if (status != want || !is_worded) {
        printf("  %s: want %s \"%s\", got %s \"%s\" at %#llx\n", path, status_text(want), text,
               status_text(status), error.message, (unsigned long long)error.offset_bytes);
    }
}

static int check_json(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    size_t length = strlen(path);
    (void)info;
    if (kind != FTW_F || length < 5 || strcmp(path + length - 5, ".json") != 0 ||
        strstr(path, "/proposals/") != NULL)
        return 0;
    (void)ftw;
    struct buf commands, module;
    buf_init(&commands, &root, SIZE_MAX);
    buf_init(&module, &root, SIZE_MAX);
    if (CHECK(read_file(path, &commands))) {
        static const char start[] = "{\"type\":\"";
        const char *end = (const char *)commands.data + commands.bytes;
        const char *at = find((const char *)commands.data, end, "\"commands\"");
        /* Commands start with a type that is followed by a line; values inside have none. */
        for (at = at != NULL ? find(at, end, start) : NULL; at != NULL;) {
            const char *next = find(at + 1, end, start);
            check_command(path, at, next != NULL ? next : end, &module);
            at = next;
        }
    }
    buf_free(&commands);
    buf_free(&module);
    return 0;
}

TEST(suite_modules)
{
    const char *conformance = getenv("STINT_CONFORMANCE");
    char path[512];
    if (conformance == NULL)
        SKIP("no conformance data");
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    REQUIRE(types_create(&root, &types) == STINT_OK);
    snprintf(path, sizeof(path), "%s/core-json", conformance);
    nftw(path, check_json, 16, FTW_PHYS);
    printf("  %zu modules\n", checked);
    CHECK(checked > 4000);
    CHECK_INT(mismatched, 0);
    CHECK(misworded <= MISWORDED_MAX);
    types_free(types);
    CHECK_INT(atomic_load(&root.used_bytes), 0);
}

CHECK_MAIN
