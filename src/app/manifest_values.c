/* SPDX-License-Identifier: Apache-2.0 */
/* Single values of trees, with defaults where they are missing or wrong. */
#include <stdio.h>
#include <string.h>

#include "app/address.h"
#include "app/manifest_int.h"
#include "base/units.h"
#include "os/pages.h"

/* ---- Problems ---------------------------------------------------------------------------- */

static void PRINTF_LIKE(5, 0) report(struct reader *r, bool is_warning, const char *file,
                                     const struct toml_value *at, const char *format, va_list args)
{
    char text[800];
    vsnprintf(text, sizeof(text), format, args);
    app_problem_add(r->problems, is_warning, file, at == NULL ? 0 : at->line,
                    at == NULL ? 0 : at->column, "%s", text);
}

void reader_error(struct reader *r, const struct toml_value *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(r, false, r->file, at, format, args);
    va_end(args);
}

void reader_warning(struct reader *r, const struct toml_value *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(r, true, r->file, at, format, args);
    va_end(args);
}

void reader_runtime_error(struct reader *r, const struct toml_value *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(r, false, r->runtime_file, at, format, args);
    va_end(args);
}

/* ---- Memory ------------------------------------------------------------------------------ */

const char *reader_copy(struct reader *r, const char *text, size_t bytes)
{
    const char *copy = arena_copy_string(&r->app->arena, text, bytes);
    if (copy == NULL) {
        r->is_out_of_memory = true;
        return "";
    }
    return copy;
}

const char *reader_format(struct reader *r, const char *format, ...)
{
    struct buf text;
    va_list args;
    char room[512];
    va_start(args, format);
    int length = vsnprintf(room, sizeof(room), format, args);
    va_end(args);
    if (length < 0)
        return "";
    if ((size_t)length < sizeof(room))
        return reader_copy(r, room, (size_t)length);
    buf_init(&text, r->config->alloc, MANIFEST_BYTES_MAX);
    const char *result = "";
    if (buf_reserve(&text, (size_t)length + 1)) {
        va_start(args, format);
        vsnprintf((char *)text.data, (size_t)length + 1, format, args);
        va_end(args);
        result = reader_copy(r, (const char *)text.data, (size_t)length);
    } else {
        r->is_out_of_memory = true;
    }
    buf_free(&text);
    return result;
}

void *reader_array(struct reader *r, size_t count, size_t each_bytes)
{
    void *array = arena_get_zeroed(&r->app->arena, count, each_bytes);
    if (array == NULL)
        r->is_out_of_memory = true;
    return array;
}

/* Also where it cannot be read now: it may be there the next time. */
static void note_file(struct reader *r, const char *path)
{
    struct app_file_read *file = reader_array(r, 1, sizeof(*file));
    if (file == NULL)
        return;
    *file = (struct app_file_read){reader_copy(r, path, strlen(path)), r->app->files_read};
    r->app->files_read = file;
}

bool reader_load(struct reader *r, const char *path, const char **ret_text, size_t *ret_bytes,
                 enum stint_status *ret_status, struct stint_error *error)
{
    const uint8_t *bytes;
    size_t size_bytes;
    note_file(r, path);
    *ret_status = pages_map_file(path, MANIFEST_BYTES_MAX, &bytes, &size_bytes, error);
    if (*ret_status != STINT_OK)
        return false;
    const char *copy = arena_copy_string(&r->scratch, (const char *)bytes, size_bytes);
    pages_unmap_file(bytes, size_bytes);
    if (copy == NULL) {
        *ret_status = error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
        return false;
    }
    *ret_text = copy;
    *ret_bytes = size_bytes;
    return true;
}

/* ---- Values ------------------------------------------------------------------------------ */

bool is_text(const struct toml_value *value)
{
    return value != NULL && value->kind == TOML_STRING &&
           memchr(value->text, 0, value->text_bytes) == NULL;
}

const char *get_text(struct reader *r, const struct toml_value *table, const char *key,
                     const char *standard)
{
    const struct toml_value *value = toml_member(table, key);
    return is_text(value) ? reader_copy(r, value->text, value->text_bytes) : standard;
}

bool get_boolean(const struct toml_value *table, const char *key, bool standard)
{
    const struct toml_value *value = toml_member(table, key);
    return value != NULL && value->kind == TOML_BOOLEAN ? value->boolean : standard;
}

uint64_t get_integer(const struct toml_value *table, const char *key, uint64_t standard)
{
    const struct toml_value *value = toml_member(table, key);
    return value != NULL && value->kind == TOML_INTEGER && value->integer >= 0
               ? (uint64_t)value->integer
               : standard;
}

double get_number(const struct toml_value *table, const char *key, double standard)
{
    const struct toml_value *value = toml_member(table, key);
    if (value != NULL && value->kind == TOML_INTEGER)
        return (double)value->integer;
    return value != NULL && value->kind == TOML_FLOAT ? value->real : standard;
}

uint64_t get_count(const struct toml_value *table, const char *key, uint64_t standard)
{
    return toml_is(toml_member(table, key), "unlimited") ? APP_UNLIMITED
                                                         : get_integer(table, key, standard);
}

uint64_t get_size(const struct toml_value *table, const char *key, uint64_t standard)
{
    const struct toml_value *value = toml_member(table, key);
    uint64_t bytes;
    if (is_text(value) && parse_size(value->text, &bytes))
        return bytes;
    return get_count(table, key, standard);
}

uint64_t get_duration(const struct toml_value *table, const char *key, uint64_t standard)
{
    const struct toml_value *value = toml_member(table, key);
    uint64_t ns;
    if (is_text(value) && parse_duration(value->text, &ns))
        return ns;
    if (toml_is(value, "unlimited"))
        return APP_UNLIMITED;
    if (value != NULL && (value->kind == TOML_INTEGER || value->kind == TOML_FLOAT)) {
        double seconds = get_number(table, key, 0);
        return seconds >= 0 && seconds <= 1e9 ? (uint64_t)(seconds * 1e9) : standard;
    }
    return standard;
}

struct app_texts get_texts(struct reader *r, const struct toml_value *table, const char *key)
{
    const struct toml_value *value = toml_member(table, key);
    struct app_texts texts = {0};
    if (value == NULL || (value->kind != TOML_ARRAY && value->kind != TOML_STRING))
        return texts;
    const struct toml_value *first = value->kind == TOML_ARRAY ? value->first : value;
    uint32_t most = value->kind == TOML_ARRAY ? value->count : 1;
    const char **items = reader_array(r, most, sizeof(*items));
    if (items == NULL)
        return texts;
    for (const struct toml_value *item = first; item != NULL && texts.count < most;
         item = item->next) {
        if (is_text(item))
            items[texts.count++] = reader_copy(r, item->text, item->text_bytes);
        if (value->kind == TOML_STRING)
            break;
    }
    texts.items = items;
    return texts;
}

struct app_pairs get_pairs(struct reader *r, const struct toml_value *table, const char *key)
{
    const struct toml_value *value = toml_member(table, key);
    struct app_pairs pairs = {0};
    if (value == NULL || value->kind != TOML_TABLE)
        return pairs;
    struct app_pair *items = reader_array(r, value->count, sizeof(*items));
    if (items == NULL)
        return pairs;
    for (const struct toml_value *item = value->first; item != NULL; item = item->next) {
        if (is_text(item) && memchr(item->key, 0, item->key_bytes) == NULL)
            items[pairs.count++] = (struct app_pair){
                .name = reader_copy(r, item->key, item->key_bytes),
                .value = reader_copy(r, item->text, item->text_bytes),
            };
    }
    pairs.items = items;
    return pairs;
}

struct app_blocks get_blocks(struct reader *r, const struct toml_value *table, const char *key)
{
    const struct toml_value *value = toml_member(table, key);
    struct app_blocks blocks = {0};
    if (value == NULL || value->kind != TOML_ARRAY)
        return blocks;
    struct app_block *items = reader_array(r, value->count, sizeof(*items));
    if (items == NULL)
        return blocks;
    for (const struct toml_value *item = value->first; item != NULL; item = item->next) {
        if (is_text(item) && address_parse_block(item->text, &items[blocks.count]))
            blocks.count++;
    }
    blocks.items = items;
    return blocks;
}

const char *reader_path(struct reader *r, const char *folder, const char *path)
{
    if (path[0] == '/' || strcmp(folder, ".") == 0)
        return reader_copy(r, path, strlen(path));
    size_t bytes = strlen(folder);
    return reader_format(r, "%s%s%s", folder, bytes > 0 && folder[bytes - 1] == '/' ? "" : "/",
                         path);
}

const char *get_path(struct reader *r, const char *folder, const struct toml_value *table,
                     const char *key, const char *standard)
{
    const struct toml_value *value = toml_member(table, key);
    return is_text(value) ? reader_path(r, folder, value->text) : standard;
}

const struct toml_value *first_table(const struct toml_value *value)
{
    if (value == NULL)
        return NULL;
    return value->kind == TOML_ARRAY ? value->first : value->kind == TOML_TABLE ? value : NULL;
}
