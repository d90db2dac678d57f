/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite databases: connections, each with a link of its own, so that its transactions are its own. */
#include "services/services_int.h"

enum {
    ERROR_UNKNOWN, ERROR_DENIED, ERROR_INVALID, ERROR_FULL, ERROR_IO,
};
enum { EXECUTE_RESULT = 20, VALUE_BYTES = 16 };

struct sql_job {
    struct service_job job;
    struct wasm_name statement;
    const struct sqlite_value *values;
    uint32_t count;
    struct buf cells;
};

static const char *message_of(const struct service_job *job)
{
    return job->message[0] != '\0' ? job->message : "the database failed";
}

/* ---- Open -------------------------------------------------------------------------------- */

static enum stint_status open_found(struct host_component_call *call, bool is_numbered,
                                    uint64_t pointer, struct service_file *file)
{
    struct services_guest *guest = service_of(call);
    struct service_job job = {.file = file, .is_own = true};
    struct service_object *object = service_new(guest, SERVICE_CONNECTION);
    uint32_t handle;
    if (object == NULL)
        return service_error(call, pointer, SERVICE_RESULT, ERROR_IO,
                             "too many connections are open");
    enum stint_status status = service_do(call, &job);
    object->file = file;
    object->link = job.link;
    if (status != STINT_OK || job.end != SQLITE_END_DONE) {
        service_end(guest, object);
        return status != STINT_OK ? status
                                  : service_error(call, pointer, SERVICE_RESULT, ERROR_IO,
                                                  message_of(&job));
    }
    if (is_numbered)
        handle = service_number(guest, object);
    else
        status = service_give(call, object, &handle);
    return status == STINT_OK ? service_ok(call, pointer, SERVICE_RESULT, &handle, 1) : status;
}

static enum stint_status open_database(struct host_component_call *call, uint64_t *slots,
                                       bool is_numbered)
{
    struct arena arena;
    struct wasm_name label;
    struct service_file *file;
    arena_init(&arena, &alloc_root);
    enum stint_status status =
        host_get_string(call, &arena, p2_u32(slots[0]), p2_u32(slots[1]), &label);
    if (status == STINT_OK) {
        bool is_label = memchr(label.text, '\0', label.bytes) == NULL;
        enum service_access access =
            service_find(service_of(call), false, is_label ? label.text : "", &file);
        if (access == SERVICE_OPENS)
            status = open_found(call, is_numbered, slots[2], file);
        else
            status = service_error(call, slots[2], SERVICE_RESULT,
                                   access == SERVICE_DENIED ? ERROR_DENIED : ERROR_UNKNOWN, NULL);
    }
    arena_free(&arena);
    return status;
}

enum stint_status service_sqlite_open(struct host_component_call *call, uint64_t *slots)
{
    return open_database(call, slots, false);
}

enum stint_status service_sqlite1_open(struct host_component_call *call, uint64_t *slots)
{
    return open_database(call, slots, true);
}

enum stint_status service_sqlite1_close(struct host_component_call *call, uint64_t *slots)
{
    struct services_guest *guest = service_of(call);
    service_end(guest, service_at(guest, p2_u32(slots[0]), SERVICE_CONNECTION));
    return STINT_OK;
}

/* ---- Parameters -------------------------------------------------------------------------- */

/* A value of the guest: the case at 0, its payload at 8. */
static enum stint_status read_value(struct host_component_call *call, const uint8_t *at,
                                    struct arena *arena, struct sqlite_value *ret_value)
{
    struct sqlite_value value = {.kind = (enum sqlite_kind)at[0]};
    struct wasm_name text;
    uint64_t bits = bytes_get64(at + 8);
    enum stint_status status = STINT_OK;
    switch (at[0]) {
    case SQLITE_KIND_INTEGER:
        value.integer = (int64_t)bits;
        break;
    case SQLITE_KIND_REAL:
        memcpy(&value.real, &bits, sizeof(value.real));
        break;
    case SQLITE_KIND_TEXT:
        status = host_get_string(call, arena, (uint32_t)bits, (uint32_t)(bits >> 32), &text);
        if (status != STINT_OK)
            return status;
        value.data = text.text;
        value.bytes = text.bytes;
        break;
    case SQLITE_KIND_BLOB:
        value.bytes = (uint32_t)(bits >> 32);
        value.data = host_at(call, (uint32_t)bits, value.bytes, 1);
        if (value.data == NULL)
            return STINT_TRAP;
        break;
    case SQLITE_KIND_NULL:
        break;
    default:
        return p2_trap(call, "invalid variant discriminant");
    }
    *ret_value = value;
    return status;
}

static enum stint_status read_values(struct host_component_call *call, uint32_t pointer,
                                     uint32_t count, struct arena *arena,
                                     const struct sqlite_value **ret_values)
{
    struct sqlite_value *values = arena_get_zeroed(arena, (size_t)count + 1, sizeof(*values));
    const uint8_t *at = host_at(call, pointer, (uint64_t)count * VALUE_BYTES, 8);
    enum stint_status status = at == NULL ? STINT_TRAP : STINT_OK;
    if (status == STINT_OK && values == NULL)
        return p2_no_memory(call);
    for (uint32_t i = 0; i < count && status == STINT_OK; i++)
        status = read_value(call, at + i * VALUE_BYTES, arena, &values[i]);
    *ret_values = values;
    return status;
}

/* ---- Rows -------------------------------------------------------------------------------- */

static enum stint_status put_value(struct host_component_call *call, uint32_t pointer,
                                   const struct service_cell *cell, const uint8_t *data)
{
    uint32_t words[2] = {(uint32_t)cell->bits, (uint32_t)(cell->bits >> 32)};
    enum stint_status status = STINT_OK;
    uint8_t *at;
    if (cell->kind == SQLITE_KIND_TEXT)
        status = service_text(call, data, cell->bytes, words);
    else if (cell->kind == SQLITE_KIND_BLOB)
        status = service_blob(call, data, cell->bytes, words);
    if (status == STINT_OK)
        status = p2_result(call, pointer, VALUE_BYTES, 8, &at);
    if (status != STINT_OK)
        return status;
    at[0] = (uint8_t)cell->kind;
    bytes_put32(at + 8, words[0]);
    bytes_put32(at + 12, words[1]);
    return STINT_OK;
}

/* One row's values, or the columns' names, `count` cells that follow. */
static enum stint_status put_list(struct host_component_call *call, struct service_reader *reader,
                                  uint32_t count, bool is_row, uint32_t ret_words[2])
{
    const uint32_t each = is_row ? VALUE_BYTES : 8;
    struct service_cell cell;
    const uint8_t *data;
    uint32_t words[2];
    enum stint_status status = host_realloc(call, count * each, is_row ? 8 : 4, &ret_words[0]);
    ret_words[1] = count;
    for (uint32_t i = 0; i < count && status == STINT_OK && service_next(reader, &cell, &data);
         i++) {
        uint32_t at = ret_words[0] + i * each;
        if (is_row) {
            status = put_value(call, at, &cell, data);
            continue;
        }
        status = service_text(call, data, cell.bytes, words);
        if (status == STINT_OK)
            status = service_words(call, at, words, 2);
    }
    return status;
}

static uint32_t count_rows(const struct buf *cells)
{
    struct service_reader reader = service_reader_of(cells);
    struct service_cell cell;
    const uint8_t *data;
    uint32_t count = 0;
    while (service_next(&reader, &cell, &data))
        count += cell.kind == SERVICE_ROW;
    return count;
}

/* query-result: the list of columns, the list of rows. */
static enum stint_status put_rows(struct host_component_call *call, const struct buf *cells,
                                  uint64_t pointer)
{
    struct service_reader reader = service_reader_of(cells);
    struct service_cell cell;
    const uint8_t *data;
    uint32_t words[4] = {0}, list[2], at = 0, rows = count_rows(cells);
    enum stint_status status = STINT_OK;
    if (!service_next(&reader, &cell, &data)) {
        /* A statement of nothing. Empty lists are the guest's to free all the same. */
        cell = (struct service_cell){SERVICE_COLUMNS, 0, 0};
    }
    status = put_list(call, &reader, (uint32_t)cell.bits, false, words);
    if (status == STINT_OK)
        status = host_realloc(call, rows * 8, 4, &words[2]);
    words[3] = rows;
    while (status == STINT_OK && at < rows && service_next(&reader, &cell, &data)) {
        status = put_list(call, &reader, (uint32_t)cell.bits, true, list);
        if (status == STINT_OK)
            status = service_words(call, words[2] + at++ * 8, list, 2);
    }
    return status == STINT_OK ? service_ok(call, pointer, EXECUTE_RESULT, words, 4) : status;
}

/* ---- Execute ----------------------------------------------------------------------------- */

static enum sqlite_end run(struct service_job *job, struct sqlite_link *link)
{
    struct sql_job *sql = (struct sql_job *)job;
    buf_clear(&sql->cells);
    return service_run(job, link, sql->statement.text, sql->statement.bytes, false, sql->values,
                       sql->count, &sql->cells);
}

static enum stint_status execute(struct host_component_call *call,
                                 struct service_object *connection, uint64_t *slots)
{
    struct arena arena;
    struct sql_job sql = {.job = {.file = connection->file,
                                  .link = connection->link,
                                  .is_own = true,
                                  .run = run},
                          .count = p2_u32(slots[4])};
    if (sql.count > SERVICE_LIST_MAX)
        return service_error(call, slots[5], EXECUTE_RESULT, ERROR_IO, "too many parameters");
    arena_init(&arena, &alloc_root);
    buf_init(&sql.cells, &alloc_root, SERVICE_ANSWER_BYTES_MAX);
    enum stint_status status =
        host_get_string(call, &arena, p2_u32(slots[1]), p2_u32(slots[2]), &sql.statement);
    if (status == STINT_OK)
        status = read_values(call, p2_u32(slots[3]), sql.count, &arena, &sql.values);
    if (status == STINT_OK)
        status = service_do(call, &sql.job);
    if (status == STINT_OK && sql.job.end == SQLITE_END_DONE)
        status = put_rows(call, &sql.cells, slots[5]);
    else if (status == STINT_OK)
        status = sql.job.end == SQLITE_END_FULL
                     ? service_error(call, slots[5], EXECUTE_RESULT, ERROR_FULL, NULL)
                     : service_error(call, slots[5], EXECUTE_RESULT, ERROR_IO,
                                     message_of(&sql.job));
    buf_free(&sql.cells);
    arena_free(&arena);
    return status;
}

enum stint_status service_sqlite_execute(struct host_component_call *call, uint64_t *slots)
{
    struct service_object *connection;
    enum stint_status status = service_get(call, slots[0], SERVICE_CONNECTION, &connection);
    return status == STINT_OK ? execute(call, connection, slots) : status;
}

enum stint_status service_sqlite1_execute(struct host_component_call *call, uint64_t *slots)
{
    struct service_object *connection =
        service_at(service_of(call), p2_u32(slots[0]), SERVICE_CONNECTION);
    return connection != NULL
               ? execute(call, connection, slots)
               : service_error(call, slots[5], EXECUTE_RESULT, ERROR_INVALID, NULL);
}

enum stint_status service_sqlite_last_row(struct host_component_call *call, uint64_t *slots)
{
    struct service_object *connection;
    enum stint_status status = service_get(call, slots[0], SERVICE_CONNECTION, &connection);
    if (status == STINT_OK)
        slots[0] = (uint64_t)service_of(call)->services->sqlite->last_row(connection->link);
    return status;
}

enum stint_status service_sqlite_changes(struct host_component_call *call, uint64_t *slots)
{
    struct service_object *connection;
    enum stint_status status = service_get(call, slots[0], SERVICE_CONNECTION, &connection);
    if (status == STINT_OK)
        slots[0] = (uint64_t)service_of(call)->services->sqlite->changes(connection->link);
    return status;
}
