/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite/sqlite_api.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum {
    KEPT_MAX = 16,
    VALUE_BYTES_MAX = 64 << 20,  /* of one text, blob or row */
    STATEMENT_BYTES_MAX = 1 << 20,
    PROGRESS_STEPS = 20000, /* of SQLite's machine, between looks at is_over */
    OPEN_WAIT_MS = 2000,    /* while others make the file ready */
    RUN_WAIT_MS = 2,        /* then the caller waits, without a thread */
};

struct kept {
    const char *sql;
    sqlite3_stmt *statement;
};

struct sqlite_link {
    sqlite3 *db;
    bool may_attach;
    const struct sqlite_rows *rows; /* of the statement that runs */
    struct kept kept[KEPT_MAX];
    size_t kept_count;
};

static enum sqlite_end fail(sqlite3 *db, int code, char ret_message[SQLITE_MESSAGE_BYTES])
{
    const char *text = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    (void)snprintf(ret_message, SQLITE_MESSAGE_BYTES, "%s", text);
    /* What a transaction has read is old: to try again inside it does not help. */
    if (code == SQLITE_BUSY_SNAPSHOT)
        return SQLITE_END_FAILED;
    switch (code & 0xff) {
    case SQLITE_BUSY:
        return SQLITE_END_BUSY;
    case SQLITE_FULL:
        return SQLITE_END_FULL;
    case SQLITE_INTERRUPT:
        return SQLITE_END_STOPPED;
    default:
        return SQLITE_END_FAILED;
    }
}

/* ---- What guests' statements may do ------------------------------------------------------ */

/* Settings of the whole file or process, which others rely on: to be read, not set. */
static bool is_ours(const char *pragma)
{
    static const char *const names[] = {"journal_mode",         "synchronous",
                                        "locking_mode",         "temp_store_directory",
                                        "data_store_directory", "mmap_size",
                                        "hard_heap_limit",      "soft_heap_limit",
                                        "threads",              "writable_schema",
                                        "wal_autocheckpoint",   "busy_timeout"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (sqlite3_stricmp(pragma, names[i]) == 0)
            return true;
    }
    return false;
}

static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    const struct sqlite_link *link = context;
    (void)database;
    (void)trigger;
    if (action == SQLITE_ATTACH && !link->may_attach)
        /* VACUUM attaches a temporary file without a name; VACUUM INTO the one that it writes. */
        return first != NULL && first[0] == '\0' ? SQLITE_OK : SQLITE_DENY;
    if (action == SQLITE_PRAGMA && first != NULL && second != NULL && is_ours(first))
        return SQLITE_DENY;
    return SQLITE_OK;
}

static void fence(struct sqlite_link *link)
{
    (void)sqlite3_db_config(link->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(link->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(link->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    /* A link ends with its guest, in a thread that serves others: no long work there. */
    (void)sqlite3_db_config(link->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_set_authorizer(link->db, authorize, link);
}

/* ---- Links ------------------------------------------------------------------------------- */

static int on_progress(void *context)
{
    const struct sqlite_link *link = context;
    const struct sqlite_rows *rows = link->rows;
    return rows != NULL && rows->is_over != NULL && rows->is_over(rows->env);
}

static void end(struct sqlite_link *link)
{
    if (link == NULL)
        return;
    for (size_t i = 0; i < link->kept_count; i++)
        (void)sqlite3_finalize(link->kept[i].statement);
    (void)sqlite3_close_v2(link->db);
    sqlite3_free(link);
}

static enum sqlite_end begin(const struct sqlite_config *config, struct sqlite_link **ret_link,
                             char ret_message[SQLITE_MESSAGE_BYTES])
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                      SQLITE_OPEN_EXRESCODE;
    bool is_memory = strncmp(config->path, "file:/", 6) == 0;
    struct sqlite_link *link = sqlite3_malloc64(sizeof(*link));
    if (link == NULL)
        return fail(NULL, SQLITE_NOMEM, ret_message);
    memset(link, 0, sizeof(*link));
    link->may_attach = config->may_attach;
    int code = sqlite3_open_v2(config->path, &link->db, flags | (is_memory ? SQLITE_OPEN_URI : 0),
                               NULL);
    if (code == SQLITE_OK) {
        (void)sqlite3_busy_timeout(link->db, OPEN_WAIT_MS);
        (void)sqlite3_limit(link->db, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX);
        (void)sqlite3_limit(link->db, SQLITE_LIMIT_SQL_LENGTH, STATEMENT_BYTES_MAX);
        code = sqlite3_exec(link->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", NULL,
                            NULL, NULL);
    }
    if (code != SQLITE_OK) {
        enum sqlite_end result = fail(link->db, code, ret_message);
        end(link);
        return result;
    }
    (void)sqlite3_busy_timeout(link->db, RUN_WAIT_MS);
    sqlite3_progress_handler(link->db, PROGRESS_STEPS, on_progress, link);
    if (config->is_guest)
        fence(link);
    *ret_link = link;
    return SQLITE_END_DONE;
}

/* ---- Statements -------------------------------------------------------------------------- */

static bool is_blank(const char *text, const char *text_end)
{
    while (text < text_end && (*text == ';' || *text == ' ' || *text == '\n' || *text == '\t' ||
                               *text == '\r'))
        text++;
    return text == text_end;
}

/* Whether only comments and blanks follow: a statement of nothing. */
static bool is_nothing(struct sqlite_link *link, const char *text, const char *text_end)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(link->db, text, (int)(text_end - text), &statement, NULL);
    bool is_empty = code == SQLITE_OK && statement == NULL;
    (void)sqlite3_finalize(statement);
    return is_empty;
}

static enum sqlite_end prepare(struct sqlite_link *link, const char *sql, size_t sql_bytes,
                               bool is_kept, sqlite3_stmt **ret_statement,
                               char ret_message[SQLITE_MESSAGE_BYTES])
{
    const char *tail;
    sqlite3_stmt *statement = NULL;
    for (size_t i = 0; is_kept && i < link->kept_count; i++) {
        if (link->kept[i].sql == sql) {
            *ret_statement = link->kept[i].statement;
            return SQLITE_END_DONE;
        }
    }
    if (sql_bytes > STATEMENT_BYTES_MAX) {
        (void)snprintf(ret_message, SQLITE_MESSAGE_BYTES, "the statement is too long");
        return SQLITE_END_FAILED;
    }
    int code = sqlite3_prepare_v3(link->db, sql, (int)sql_bytes,
                                  is_kept ? SQLITE_PREPARE_PERSISTENT : 0, &statement, &tail);
    if (code != SQLITE_OK)
        return fail(link->db, code, ret_message);
    if (statement != NULL && !is_blank(tail, sql + sql_bytes) &&
        !is_nothing(link, tail, sql + sql_bytes)) {
        (void)sqlite3_finalize(statement);
        (void)snprintf(ret_message, SQLITE_MESSAGE_BYTES, "more than one statement in one call");
        return SQLITE_END_FAILED;
    }
    if (is_kept) {
        /* Callers have fewer constants than there is room; one too many costs the first its place. */
        struct kept *place = &link->kept[link->kept_count % KEPT_MAX];
        if (link->kept_count < KEPT_MAX)
            link->kept_count++;
        else
            (void)sqlite3_finalize(place->statement);
        *place = (struct kept){sql, statement};
    }
    *ret_statement = statement;
    return SQLITE_END_DONE;
}

static int bind(sqlite3_stmt *statement, int at, const struct sqlite_value *value)
{
    /* NULL would be bound for empty values without an address. */
    const void *data = value->data != NULL ? value->data : "";
    switch (value->kind) {
    case SQLITE_KIND_INTEGER:
        return sqlite3_bind_int64(statement, at, value->integer);
    case SQLITE_KIND_REAL:
        return sqlite3_bind_double(statement, at, value->real);
    case SQLITE_KIND_TEXT:
        return sqlite3_bind_text64(statement, at, data, value->bytes, SQLITE_STATIC, SQLITE_UTF8);
    case SQLITE_KIND_BLOB:
        return sqlite3_bind_blob64(statement, at, data, value->bytes, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(statement, at);
    }
}

static void read_column(sqlite3_stmt *statement, int at, struct sqlite_value *ret_value)
{
    struct sqlite_value value = {.kind = SQLITE_KIND_NULL};
    switch (sqlite3_column_type(statement, at)) {
    case SQLITE_INTEGER:
        value.kind = SQLITE_KIND_INTEGER;
        value.integer = sqlite3_column_int64(statement, at);
        break;
    case SQLITE_FLOAT:
        value.kind = SQLITE_KIND_REAL;
        value.real = sqlite3_column_double(statement, at);
        break;
    case SQLITE_TEXT:
        value.kind = SQLITE_KIND_TEXT;
        value.data = sqlite3_column_text(statement, at);
        value.bytes = (size_t)sqlite3_column_bytes(statement, at);
        break;
    case SQLITE_BLOB:
        value.kind = SQLITE_KIND_BLOB;
        value.data = sqlite3_column_blob(statement, at);
        value.bytes = (size_t)sqlite3_column_bytes(statement, at);
        break;
    default:
        break;
    }
    *ret_value = value;
}

static enum sqlite_end step_all(struct sqlite_link *link, sqlite3_stmt *statement,
                                const struct sqlite_rows *rows, struct sqlite_value *values,
                                int count, char ret_message[SQLITE_MESSAGE_BYTES])
{
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < count; i++)
            read_column(statement, i, &values[i]);
        if (rows != NULL && rows->row != NULL && !rows->row(rows->env, values, (size_t)count)) {
            (void)snprintf(ret_message, SQLITE_MESSAGE_BYTES, "the result is too large");
            return SQLITE_END_FAILED;
        }
    }
    return code == SQLITE_DONE ? SQLITE_END_DONE : fail(link->db, code, ret_message);
}

static enum sqlite_end name_columns(sqlite3_stmt *statement, const struct sqlite_rows *rows,
                                    const char **names, int count,
                                    char ret_message[SQLITE_MESSAGE_BYTES])
{
    if (rows == NULL || rows->columns == NULL)
        return SQLITE_END_DONE;
    for (int i = 0; i < count; i++) {
        const char *name = sqlite3_column_name(statement, i);
        names[i] = name != NULL ? name : "";
    }
    if (rows->columns(rows->env, names, (size_t)count))
        return SQLITE_END_DONE;
    (void)snprintf(ret_message, SQLITE_MESSAGE_BYTES, "the result is too large");
    return SQLITE_END_FAILED;
}

static enum sqlite_end run(struct sqlite_link *link, const char *sql, size_t sql_bytes,
                           bool is_kept, const struct sqlite_value *values, size_t value_count,
                           const struct sqlite_rows *rows, char ret_message[SQLITE_MESSAGE_BYTES])
{
    sqlite3_stmt *statement;
    int code = SQLITE_OK;
    /* SQLite cannot tell a statement with a NUL in it from its beginning. */
    if (memchr(sql, '\0', sql_bytes) != NULL) {
        (void)snprintf(ret_message, SQLITE_MESSAGE_BYTES, "a NUL is in the statement");
        return SQLITE_END_FAILED;
    }
    link->rows = rows;
    enum sqlite_end result = prepare(link, sql, sql_bytes, is_kept, &statement, ret_message);
    if (result != SQLITE_END_DONE || statement == NULL) {
        link->rows = NULL;
        return result;
    }
    int count = sqlite3_column_count(statement);
    struct sqlite_value *cells =
        sqlite3_malloc64((sizeof(*cells) + sizeof(char *)) * ((size_t)count + 1));
    const char **names = (const char **)(void *)(cells + count + 1);
    if (cells == NULL)
        code = SQLITE_NOMEM;
    else if (value_count != (size_t)sqlite3_bind_parameter_count(statement))
        code = SQLITE_RANGE;
    for (size_t i = 0; i < value_count && code == SQLITE_OK; i++)
        code = bind(statement, (int)i + 1, &values[i]);
    if (code == SQLITE_RANGE) {
        (void)snprintf(ret_message, SQLITE_MESSAGE_BYTES, "%zu values for %d parameters",
                       value_count, sqlite3_bind_parameter_count(statement));
        result = SQLITE_END_FAILED;
    } else if (code != SQLITE_OK) {
        result = fail(link->db, code, ret_message);
    } else {
        result = name_columns(statement, rows, names, count, ret_message);
    }
    if (result == SQLITE_END_DONE)
        result = step_all(link, statement, rows, cells, count, ret_message);
    sqlite3_free(cells);
    link->rows = NULL;
    if (is_kept) {
        (void)sqlite3_reset(statement);
        (void)sqlite3_clear_bindings(statement);
    } else {
        (void)sqlite3_finalize(statement);
    }
    return result;
}

static bool is_in_transaction(struct sqlite_link *link)
{
    return sqlite3_get_autocommit(link->db) == 0;
}

static int64_t last_row(struct sqlite_link *link)
{
    return sqlite3_last_insert_rowid(link->db);
}

static int64_t changes(struct sqlite_link *link)
{
    return sqlite3_changes64(link->db);
}

static const struct sqlite_api api = {
    .version = SQLITE_API_LEVEL,
    .description = "SQLite " SQLITE_VERSION,
    .open = begin,
    .close = end,
    .run = run,
    .is_in_transaction = is_in_transaction,
    .last_row = last_row,
    .changes = changes,
};

__attribute__((visibility("default"))) const void *stint_sqlite_api(void);

const void *stint_sqlite_api(void)
{
    return &api;
}
