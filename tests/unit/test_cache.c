/* SPDX-License-Identifier: Apache-2.0 */
/* The private cache of machine code, and loading of files with its help. */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "aot/load.h"
#include "image_make.h"
#include "os/code_pages.h"

static _Alignas(16) uint8_t image[MADE_BYTES];
static char folder[64], path[128];
static const struct cache_params params = {.is_metered = true, .features = FEATURES_DEFAULT};
static uint8_t digest[SHA256_BYTES];

static bool begin(void)
{
    snprintf(folder, sizeof(folder), "/tmp/stint-cache-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return false;
    snprintf(path, sizeof(path), "%s/a/stint", folder);
    made_fill(image);
    sha256_of(made_wasm, sizeof(made_wasm), digest);
    return true;
}

static void end(void)
{
    /* Two levels, and only files below. */
    struct cache *cache;
    struct stint_error error = {0};
    uint64_t bytes;
    if (cache_open_at(&alloc_root, path, 1 << 30, &cache, &error) == STINT_OK) {
        CHECK_INT(cache_clean(cache, &bytes, &error), STINT_OK);
        cache_close(cache);
    }
    char name[192];
    snprintf(name, sizeof(name), "%s/key", path);
    unlink(name);
    rmdir(path);
    snprintf(name, sizeof(name), "%s/a", folder);
    rmdir(name);
    CHECK_INT(rmdir(folder), 0);
}

static enum stint_status store(struct cache *cache, struct stint_error *error)
{
    return cache_store(cache, made_wasm, sizeof(made_wasm), digest, &params, image, MADE_BYTES,
                       error);
}

/* The first file of the cache whose name ends so. */
static bool find_name(const char *ending, char ret_name[300])
{
    char line[256];
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    bool found = false;
    _Alignas(8) char buffer[4096];
    size_t bytes = 0;
    while (fd >= 0 && !found && file_entries_read(fd, buffer, sizeof(buffer), &bytes) == OS_OK &&
           bytes > 0) {
        struct file_entry entry;
        size_t at = 0;
        while (!found && file_entries_next(buffer, bytes, &at, &entry)) {
            size_t length = strlen(entry.name), cut = strlen(ending);
            snprintf(line, sizeof(line), "%s", entry.name);
            found = length >= cut && strcmp(line + length - cut, ending) == 0;
        }
    }
    if (fd >= 0)
        close(fd);
    if (found)
        snprintf(ret_name, 300, "%s/%s", path, line);
    return found;
}

TEST(what_is_stored_is_found)
{
    struct cache *cache;
    struct cache_found found;
    struct stint_error error = {0};
    REQUIRE(begin());
    REQUIRE(cache_open_at(&alloc_root, path, 1 << 30, &cache, &error) == STINT_OK);
    CHECK_INT(cache_find(cache, digest, &params, true, &found, &error), STINT_NOT_FOUND);
    memset(&error, 0, sizeof(error));
    REQUIRE(store(cache, &error) == STINT_OK);
    REQUIRE(cache_find(cache, digest, &params, true, &found, &error) == STINT_OK);
    CHECK_INT(found.wasm_bytes, sizeof(made_wasm));
    CHECK_MEM(found.wasm, made_wasm, sizeof(made_wasm));
    CHECK_INT(found.image_count, 1);
    CHECK_INT(found.images[0]->text[0], 0x90);
    struct module_tables tables;
    cache_found_tables(&found, &tables);
    REQUIRE(tables.body_count == 2);
    CHECK_INT(tables.bodies[1].offset_bytes, 26);
    cache_found_clear(&found);
    /* Other parameters, another entry. */
    struct cache_params other = params;
    other.is_strict = true;
    CHECK_INT(cache_find(cache, digest, &other, true, &found, &error), STINT_NOT_FOUND);
    struct stat info;
    CHECK(stat(path, &info) == 0 && (info.st_mode & 0777) == 0700);
    cache_close(cache);
    end();
}

TEST(what_was_tampered_with_is_not_used)
{
    static const char *const endings[] = {".wasm", ".image", ".index"};
    char name[300];
    struct cache *cache;
    struct cache_found found;
    REQUIRE(begin());
    struct stint_error error = {0};
    REQUIRE(cache_open_at(&alloc_root, path, 1 << 30, &cache, &error) == STINT_OK);
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        REQUIRE(store(cache, &error) == STINT_OK);
        REQUIRE(find_name(endings[i], name));
        size_t executable = code_pages_execute_count();
        FILE *file = fopen(name, "r+");
        REQUIRE(file != NULL);
        fseek(file, i == 1 ? IMAGE_PAGE_BYTES_MAX + 5 : 20, SEEK_SET);
        fputc(0x7e, file);
        fclose(file);
        struct stint_error none = {0};
        CHECK_INT(cache_find(cache, digest, &params, true, &found, &none), STINT_NOT_FOUND);
        CHECK_INT(code_pages_execute_count(), executable);
        /* It is gone, and can be made again. */
        CHECK(!find_name(".index", name));
    }
    /* New times alone cost a look at the content, no more. */
    REQUIRE(store(cache, &error) == STINT_OK);
    REQUIRE(find_name(".image", name));
    CHECK_INT(utimensat(AT_FDCWD, name, NULL, 0), 0);
    REQUIRE(cache_find(cache, digest, &params, true, &found, &error) == STINT_OK);
    cache_found_clear(&found);
    cache_close(cache);
    end();
}

TEST(a_directory_of_others_is_refused)
{
    struct cache *cache;
    struct stint_error error = {0};
    REQUIRE(begin());
    REQUIRE(cache_open_at(&alloc_root, path, 1 << 30, &cache, &error) == STINT_OK);
    cache_close(cache);
    CHECK_INT(chmod(path, 0770), 0);
    CHECK_INT(cache_open_at(&alloc_root, path, 1 << 30, &cache, &error), STINT_UNSUPPORTED);
    CHECK(strstr(error.message, "others can write to") != NULL);
    CHECK(strstr(error.message, "chmod 700") != NULL);
    CHECK_INT(chmod(path, 0700), 0);
    char name[160];
    snprintf(name, sizeof(name), "%s/key", path);
    CHECK_INT(chmod(name, 0644), 0);
    memset(&error, 0, sizeof(error));
    CHECK_INT(cache_open_at(&alloc_root, path, 1 << 30, &cache, &error), STINT_UNSUPPORTED);
    CHECK(strstr(error.message, "key") != NULL);
    CHECK_INT(chmod(name, 0600), 0);
    if (geteuid() == 0) {
        CHECK_INT(chown(path, 12345, 12345), 0);
        memset(&error, 0, sizeof(error));
        CHECK_INT(cache_open_at(&alloc_root, path, 1 << 30, &cache, &error), STINT_UNSUPPORTED);
        CHECK(strstr(error.message, "belongs to another user") != NULL);
        CHECK_INT(chown(path, 0, 0), 0);
    }
    end();
}

/* Another module: the same with `number` in a custom section; the image follows. */
static size_t other_module(uint8_t number, uint8_t *wasm)
{
    memcpy(wasm, made_wasm, sizeof(made_wasm));
    memcpy(wasm + sizeof(made_wasm), (const uint8_t[]){0, 3, 1, 'n', number}, 5);
    size_t bytes = sizeof(made_wasm) + 5;
    made_fill(image);
    made_header(image)->wasm_bytes = bytes;
    sha256_of(wasm, bytes, made_header(image)->wasm_sha256);
    made_seal(image);
    return bytes;
}

TEST(the_cache_is_bounded_and_forgets_the_oldest)
{
    struct cache *cache;
    struct cache_found found;
    struct stint_error error = {0};
    uint8_t wasm[64], digests[8][SHA256_BYTES];
    uint64_t used, limit;
    REQUIRE(begin());
    REQUIRE(cache_open_at(&alloc_root, path, 4 * (MADE_BYTES + 8192), &cache, &error) == STINT_OK);
    for (uint8_t i = 0; i < 8; i++) {
        size_t bytes = other_module(i, wasm);
        sha256_of(wasm, bytes, digests[i]);
        REQUIRE(cache_store(cache, wasm, bytes, digests[i], &params, image, MADE_BYTES, &error) ==
                STINT_OK);
        REQUIRE(cache_size(cache, &used, &limit, &error) == STINT_OK);
        CHECK(used <= limit);
        /* The times of files tick slowly. */
        nanosleep(&(struct timespec){.tv_nsec = 12000000}, NULL);
    }
    struct stint_error none = {0};
    CHECK_INT(cache_find(cache, digests[0], &params, true, &found, &none), STINT_NOT_FOUND);
    REQUIRE(cache_find(cache, digests[7], &params, true, &found, &error) == STINT_OK);
    cache_found_clear(&found);
    cache_close(cache);
    /* What can never fit is not even tried. */
    REQUIRE(cache_open_at(&alloc_root, path, 1000, &cache, &error) == STINT_OK);
    made_fill(image);
    CHECK_INT(store(cache, &error), STINT_LIMIT);
    cache_close(cache);
    end();
}

TEST(partial_images_add_up)
{
    struct cache *cache;
    struct cache_found found;
    struct stint_error error = {0};
    REQUIRE(begin());
    REQUIRE(cache_open_at(&alloc_root, path, 1 << 30, &cache, &error) == STINT_OK);
    for (unsigned i = 0; i < CACHE_IMAGES_MAX + 2; i++) {
        made_header(image)->flags = IMAGE_METERED | IMAGE_PARTIAL;
        image[IMAGE_PAGE_BYTES_MAX] = (uint8_t)i;
        made_seal(image);
        REQUIRE(store(cache, &error) == STINT_OK);
    }
    REQUIRE(cache_find(cache, digest, &params, false, &found, &error) == STINT_OK);
    CHECK_INT(found.image_count, CACHE_IMAGES_MAX);
    CHECK_INT(found.images[0]->text[0], 2);
    CHECK_INT(found.images[CACHE_IMAGES_MAX - 1]->text[0], CACHE_IMAGES_MAX + 1);
    cache_found_clear(&found);
    /* One with everything takes their place. */
    made_fill(image);
    REQUIRE(store(cache, &error) == STINT_OK);
    REQUIRE(cache_find(cache, digest, &params, false, &found, &error) == STINT_OK);
    CHECK_INT(found.image_count, 1);
    cache_found_clear(&found);
    cache_close(cache);
    end();
}

TEST(files_are_recalled_until_they_change)
{
    struct cache *cache;
    struct stint_error error = {0};
    struct file_stat stat, later;
    uint8_t again[SHA256_BYTES];
    uint64_t bytes;
    char name[160];
    REQUIRE(begin());
    REQUIRE(cache_open_at(&alloc_root, path, 1 << 30, &cache, &error) == STINT_OK);
    snprintf(name, sizeof(name), "%s/file", folder);
    FILE *file = fopen(name, "w");
    REQUIRE(file != NULL && fwrite(made_wasm, 1, sizeof(made_wasm), file) == sizeof(made_wasm));
    fclose(file);
    /* Just written: it might be written again without a new time. */
    REQUIRE(file_stat_at(AT_FDCWD, name, &stat) == OS_OK);
    CHECK_INT(cache_remember(cache, &stat, 0, digest, sizeof(made_wasm), &error), STINT_OK);
    CHECK_INT(cache_recall(cache, &stat, 0, again, &bytes), STINT_NOT_FOUND);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    CHECK_INT(cache_remember(cache, &stat, 0, digest, sizeof(made_wasm), &error), STINT_OK);
    REQUIRE(cache_recall(cache, &stat, 0, again, &bytes) == STINT_OK);
    CHECK_MEM(again, digest, sizeof(digest));
    CHECK_INT(bytes, sizeof(made_wasm));
    CHECK_INT(chmod(name, 0600), 0);
    REQUIRE(file_stat_at(AT_FDCWD, name, &later) == OS_OK);
    CHECK_INT(cache_recall(cache, &later, 0, again, &bytes), STINT_NOT_FOUND);
    /* A stamp that was written by someone else. */
    char stamp[300];
    REQUIRE(find_name(".stamp", stamp));
    file = fopen(stamp, "r+");
    REQUIRE(file != NULL);
    fseek(file, 60, SEEK_SET);
    fputc(1, file);
    fclose(file);
    CHECK_INT(cache_recall(cache, &stat, 0, again, &bytes), STINT_NOT_FOUND);
    unlink(name);
    cache_close(cache);
    end();
}

/* Imports what a trusted key signed; every flip must be found in the copy. */
TEST(imported_code_is_checked_in_the_copy)
{
    static const uint8_t signer[ARTEFACT_KEY_BYTES] = {1};
    struct cache *cache;
    struct cache_found found;
    struct image_header header;
    struct stint_error error = {0};
    uint8_t wasm[sizeof(made_wasm)];
    uint64_t state = 3;
    char name[300];
    REQUIRE(begin());
    REQUIRE(cache_open_at(&alloc_root, path, 1 << 30, &cache, &error) == STINT_OK);
    REQUIRE(image_check_header(image, MADE_BYTES, &header, &error) == STINT_OK);
    memcpy(wasm, made_wasm, sizeof(wasm));
    size_t executable = code_pages_execute_count();
    for (unsigned i = 0; i < 60; i++) {
        struct stint_error reason = {0};
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint8_t *flipped = i < sizeof(wasm) ? &wasm[i] : &image[(state >> 33) % MADE_BYTES];
        *flipped ^= 0x10;
        CHECK_INT(cache_import(cache, wasm, &header, image, &params, signer, &reason),
                  STINT_MALFORMED);
        *flipped ^= 0x10;
    }
    /* Signed, but not by a compiler that does its work. */
    made_tables(image)->func_types[1] = 7;
    made_seal(image);
    REQUIRE(image_check_header(image, MADE_BYTES, &header, &error) == STINT_OK);
    CHECK_INT(cache_import(cache, wasm, &header, image, &params, signer, &error), STINT_MALFORMED);
    CHECK(strstr(error.message, "not those of the module") != NULL);
    made_fill(image);
    memset(&error, 0, sizeof(error));
    REQUIRE(image_check_header(image, MADE_BYTES, &header, &error) == STINT_OK);
    CHECK_INT(code_pages_execute_count(), executable);
    CHECK(!find_name(".tmp", name) && !find_name(".image", name) && !find_name(".index", name));
    REQUIRE(cache_import(cache, wasm, &header, image, &params, signer, &error) == STINT_OK);
    REQUIRE(cache_find(cache, digest, &params, true, &found, &error) == STINT_OK);
    cache_found_clear(&found);
    /* Whose key is removed, his code goes. */
    REQUIRE(cache_forget_signer(cache, signer, &error) == STINT_OK);
    CHECK_INT(cache_find(cache, digest, &params, true, &found, &error), STINT_NOT_FOUND);
    cache_close(cache);
    end();
}

TEST(loading_says_why_code_is_not_used)
{
    struct loaded loaded;
    struct stint_error error = {0};
    struct buf out;
    made_fill(image);
    const struct artefact_piece piece = {image, MADE_BYTES};
    buf_init(&out, &alloc_root, SIZE_MAX);
    REQUIRE(artefact_write(&out, made_wasm, sizeof(made_wasm), &piece, 1, NULL, 0, &error) ==
            STINT_OK);
    load_bytes(NULL, out.data, out.bytes, NULL, &params, &loaded);
    CHECK(strstr(loaded.reason, "nobody signed it") != NULL);
    CHECK_INT(loaded.wasm_bytes, sizeof(made_wasm));
    CHECK_INT(loaded.known.image_count, 0);
    load_clear(&loaded);
    struct cache_params strict = params;
    strict.is_strict = true;
    load_bytes(NULL, out.data, out.bytes, NULL, &strict, &loaded);
    CHECK(strstr(loaded.reason, "--strict-traps") != NULL);
    load_clear(&loaded);
    out.data[sizeof(made_wasm) + 16 + 200] ^= 1;
    load_bytes(NULL, out.data, out.bytes, NULL, &params, &loaded);
    CHECK(strstr(loaded.reason, "header was changed") != NULL);
    CHECK(loaded.wasm == out.data);
    load_clear(&loaded);
    load_bytes(NULL, made_wasm, sizeof(made_wasm), NULL, &params, &loaded);
    CHECK_STR(loaded.reason, "");
    load_clear(&loaded);
    buf_free(&out);
}

TEST(memory_out_while_the_cache_is_opened)
{
    struct alloc small;
    struct cache *cache;
    struct stint_error error = {0};
    REQUIRE(begin());
    alloc_init_child(&small, &alloc_root, 100);
    CHECK_INT(cache_open_at(&small, path, 1 << 30, &cache, &error), STINT_NOMEM);
    end();
}

CHECK_MAIN
