/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's log: lines of JSON for machines, or short ones for people on a terminal. Each thread
 * collects lines in a buffer of its own and writes it at the end of a turn of its loop, whole lines at a
 * time, so lines of different threads never mix.
 */
#ifndef EDGE_LOG_H
#define EDGE_LOG_H

#include <stdatomic.h>

#include "base/buf.h"
#include "os/lock.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum { LOG_TIME_BYTES = 25 };

struct log {
    int fd;        /* of messages */
    atomic_int access_fd; /* of the access log; -1: none. Written under its lock */
    struct lock access_lock;
    bool owns_access, is_access_file; /* closed at the end; a file, not a pipe; under the lock */
    bool is_access_broken, is_access_torn; /* it lost lines at last; it ends within one; likewise */
    enum log_level level;
    bool is_json, has_colour;
    bool is_terse; /* for who asked and waits for the answer: "stint: …", without the time */
    atomic_ullong lost; /* lines that could not be written */
};

struct log_buffer {
    struct log *log;
    struct buf lines, access;
    struct buf *heard; /* NULL, or what gets errors as well, as lines of plain text */
    uint64_t second; /* that `time` is the text of */
    char time[LOG_TIME_BYTES];
};

/* Without an access log, to stderr. */
void log_init(struct log *log);
void log_free(struct log *log);
/*
 * Opens the access log: a path, "-" or "stdout", "stderr", "off" or "". From any thread, also while lines
 * are written: each line is whole in the one before or in this one. On failure nothing changes.
 */
MUST_CHECK enum stint_status log_open_access(struct log *log, const char *path,
                                             struct stint_error *error);

void log_buffer_init(struct log_buffer *buffer, struct log *log);
void log_buffer_free(struct log_buffer *buffer);
/* Writes what has collected. */
void log_flush(struct log_buffer *buffer);
/* The same, but leaves lines of the access log for later while they are few. True: some are left. */
bool log_flush_most(struct log_buffer *buffer);

/* One line. `component` and `request` (an id) may be NULL. */
void log_line(struct log_buffer *buffer, enum log_level level, const char *component,
              const char *request, const char *format, ...) PRINTF_LIKE(5, 6);

/* The time now, "2026-11-22T21:30:00.123Z"; valid until the next call. */
const char *log_time(struct log_buffer *buffer);
/* Appends a number in decimal. */
bool log_put_number(struct buf *out, uint64_t number);
/* Appends `text` as the inside of a JSON string; what is not UTF-8 becomes U+FFFD. */
bool log_json_text(struct buf *out, const char *text, size_t bytes);

/* True, and the level, for "error", "warn", "info", "debug". */
bool log_level_parse(const char *name, enum log_level *ret_level);

#endif
