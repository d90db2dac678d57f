/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libstint-sqlite.so: SQLite behind a narrow table. The server loads it with dlopen when a guest first
 * opens a store or database, and finds this one symbol:
 *
 *   const void *stint_sqlite_api(void);   a struct sqlite_api
 *
 * A link is one connection, for one thread at a time; any thread may be the next. All calls may block
 * on the disk.
 */
#ifndef SQLITE_SQLITE_API_H
#define SQLITE_SQLITE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQLITE_PLUGIN "libstint-sqlite.so"
#define SQLITE_SYMBOL "stint_sqlite_api"
enum { SQLITE_API_LEVEL = 1 };
enum { SQLITE_MESSAGE_BYTES = 200 };

enum sqlite_kind {
    SQLITE_KIND_INTEGER,
    SQLITE_KIND_REAL,
    SQLITE_KIND_TEXT,
    SQLITE_KIND_BLOB,
    SQLITE_KIND_NULL,
};

struct sqlite_value {
    enum sqlite_kind kind;
    int64_t integer;
    double real;
    const void *data; /* TEXT, BLOB */
    size_t bytes;
};

enum sqlite_end {
    SQLITE_END_DONE,
    SQLITE_END_BUSY,    /* somebody else writes: try again */
    SQLITE_END_FULL,    /* no room on the disk, or in the file */
    SQLITE_END_STOPPED, /* `is_over` or `row` said so */
    SQLITE_END_FAILED,
};

struct sqlite_config {
    const char *path; /* a file, made if there is none; "file:/NAME?vfs=memdb": in memory */
    /* The statements are a guest's: no other files, no settings that others rely on. */
    bool is_guest;
    bool may_attach; /* then: other files after all */
};

/* Who gets the results of a statement; functions may be NULL. */
struct sqlite_rows {
    bool (*columns)(void *env, const char *const *names, size_t count);
    bool (*row)(void *env, const struct sqlite_value *values, size_t count); /* false: stop */
    bool (*is_over)(void *env); /* asked now and then */
    void *env;
};

struct sqlite_link;

struct sqlite_api {
    uint32_t version; /* SQLITE_API_LEVEL */
    const char *description;
    /* With WAL and synchronous=FULL: what is committed is on the disk. */
    enum sqlite_end (*open)(const struct sqlite_config *config, struct sqlite_link **ret_link,
                            char ret_message[SQLITE_MESSAGE_BYTES]);
    void (*close)(struct sqlite_link *link); /* accepts NULL */
    /* Runs one statement. `is_kept`: it is prepared once; `sql` has to be a constant then. */
    enum sqlite_end (*run)(struct sqlite_link *link, const char *sql, size_t sql_bytes,
                           bool is_kept, const struct sqlite_value *values, size_t value_count,
                           const struct sqlite_rows *rows,
                           char ret_message[SQLITE_MESSAGE_BYTES]);
    bool (*is_in_transaction)(struct sqlite_link *link);
    int64_t (*last_row)(struct sqlite_link *link); /* rowid of the last INSERT */
    int64_t (*changes)(struct sqlite_link *link);  /* rows that the last statement changed */
};

#endif
