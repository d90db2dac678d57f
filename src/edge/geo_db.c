/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/geo_db.h"

#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "os/files.h"

enum { FILE_BYTES_MAX = 1 << 30, PIECE_BYTES = 1 << 16 };

struct geo_db {
    atomic_uint references;
    MMDB_s mmdb;
};

/* ---- Opening ----------------------------------------------------------------------------- */

static enum os_error copy(int from, int to)
{
    uint8_t *piece = alloc_get(&alloc_root, PIECE_BYTES);
    uint64_t total = 0;
    enum os_error reason = piece != NULL ? OS_OK : OS_NOMEM;
    while (reason == OS_OK) {
        struct file_span span = {piece, PIECE_BYTES};
        size_t got = 0, put = 0;
        reason = file_read(from, &span, 1, (int64_t)total, &got);
        if (reason != OS_OK || got == 0)
            break;
        for (size_t done = 0; done < got && reason == OS_OK; done += put) {
            span = (struct file_span){piece + done, got - done};
            reason = file_write(to, &span, 1, (int64_t)(total + done), &put);
        }
        total += got;
        if (total > FILE_BYTES_MAX)
            reason = OS_FBIG;
    }
    alloc_put(&alloc_root, piece, piece != NULL ? PIECE_BYTES : 0);
    return reason;
}

static enum os_error open_copy(const char *path, int *ret_fd)
{
    struct file_stat stat;
    int from = -1, to = -1;
    enum os_error reason = file_open_host(path, FILE_READ, &from);
    if (reason == OS_OK)
        reason = file_stat_of(from, &stat);
    if (reason == OS_OK && stat.type != FILE_REGULAR)
        reason = stat.type == FILE_DIRECTORY ? OS_ISDIR : OS_INVAL;
    if (reason == OS_OK)
        reason = file_open_memory("geo", &to);
    if (reason == OS_OK)
        reason = copy(from, to);
    if (from >= 0)
        file_close(from);
    if (reason == OS_OK)
        *ret_fd = to;
    else if (to >= 0)
        file_close(to);
    return reason;
}

enum stint_status geo_db_open(const char *path, struct geo_db **ret_db, struct stint_error *error)
{
    int fd = -1;
    enum os_error reason = open_copy(path, &fd);
    if (reason)
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot read the geo database %s: %s",
                         path, os_error_text(reason));
    char name[40];
    struct geo_db *db = alloc_get_zeroed(&alloc_root, 1, sizeof(*db));
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    int code = db != NULL ? MMDB_open(name, MMDB_MODE_MMAP, &db->mmdb) : MMDB_OUT_OF_MEMORY_ERROR;
    file_close(fd);
    if (code != MMDB_SUCCESS) {
        alloc_put(&alloc_root, db, db != NULL ? sizeof(*db) : 0);
        return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                         "cannot use the geo database %s: %s", path, MMDB_strerror(code));
    }
    atomic_init(&db->references, 1);
    *ret_db = db;
    return STINT_OK;
}

struct geo_db *geo_db_retain(struct geo_db *db)
{
    atomic_fetch_add_explicit(&db->references, 1, memory_order_relaxed);
    return db;
}

void geo_db_release(struct geo_db *db)
{
    if (db == NULL || atomic_fetch_sub_explicit(&db->references, 1, memory_order_acq_rel) != 1)
        return;
    MMDB_close(&db->mmdb);
    alloc_put(&alloc_root, db, sizeof(*db));
}

uint64_t geo_db_built_s(const struct geo_db *db)
{
    return db->mmdb.metadata.build_epoch;
}

/* ---- Lookup ------------------------------------------------------------------------------ */

static bool find_entry(const struct geo_db *db, const struct inet_address *address,
                       MMDB_entry_s *ret_entry)
{
    int code = 0;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } socket;
    memset(&socket, 0, sizeof(socket));
    if (address->is_v6) {
        socket.v6.sin6_family = AF_INET6;
        memcpy(&socket.v6.sin6_addr, address->ip, 16);
    } else {
        socket.v4.sin_family = AF_INET;
        memcpy(&socket.v4.sin_addr, address->ip, 4);
    }
    MMDB_lookup_result_s result = MMDB_lookup_sockaddr(&db->mmdb, &socket.any, &code);
    *ret_entry = result.entry;
    return code == MMDB_SUCCESS && result.found_entry;
}

/* Codes are letters and digits in capitals: of one length, or of `shortest` to room - 1. */
static void take_code(MMDB_entry_s *entry, const char *const *path, size_t shortest, char *text,
                      size_t room)
{
    MMDB_entry_data_s data;
    if (text[0] != '\0' || MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING || data.data_size < shortest ||
        data.data_size >= room)
        return;
    for (uint32_t i = 0; i < data.data_size; i++) {
        char c = data.utf8_string[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
            return;
    }
    memcpy(text, data.utf8_string, data.data_size);
    text[data.data_size] = '\0';
}

/* A name of any language; one that could not be a header's value is left out. */
static void take_name(MMDB_entry_s *entry, const char *const *path, char *text, size_t room)
{
    MMDB_entry_data_s data;
    if (text[0] != '\0' || MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING || data.data_size == 0 || data.data_size >= room)
        return;
    const uint8_t *at = (const uint8_t *)data.utf8_string, *end = at + data.data_size;
    for (size_t bytes; at < end; at += bytes) {
        bytes = utf8_decode(at, (size_t)(end - at), NULL);
        if (bytes == 0 || *at < 0x20 || *at == 0x7f)
            return;
    }
    memcpy(text, data.utf8_string, data.data_size);
    text[data.data_size] = '\0';
}

static void take_number(MMDB_entry_s *entry, const char *const *path, uint32_t *number)
{
    MMDB_entry_data_s data;
    if (*number == 0 && MMDB_aget_value(entry, &data, path) == MMDB_SUCCESS && data.has_data &&
        data.type == MMDB_DATA_TYPE_UINT32)
        *number = data.uint32;
}

void geo_db_find(const struct geo_db *db, const struct inet_address *address,
                 struct geo_place *place)
{
    static const char *const country[] = {"country", "iso_code", NULL};
    static const char *const continent[] = {"continent", "code", NULL};
    static const char *const region[] = {"subdivisions", "0", "iso_code", NULL};
    static const char *const city[] = {"city", "names", "en", NULL};
    static const char *const asn[] = {"autonomous_system_number", NULL};
    static const char *const asn_of_traits[] = {"traits", "autonomous_system_number", NULL};
    MMDB_entry_s entry;
    if (!find_entry(db, address, &entry))
        return;
    take_code(&entry, country, 2, place->country, sizeof(place->country));
    take_code(&entry, continent, 2, place->continent, sizeof(place->continent));
    take_code(&entry, region, 1, place->region, sizeof(place->region));
    take_name(&entry, city, place->city, sizeof(place->city));
    take_number(&entry, asn, &place->asn);
    take_number(&entry, asn_of_traits, &place->asn); /* GeoIP2 Enterprise */
}
