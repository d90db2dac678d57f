/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "os/clock.h"
#include "os/files.h"

enum { BUFFER_BYTES_MAX = 4 << 20, LINE_BYTES_MAX = 8192, ACCESS_BYTES_MANY = 32 << 10 };
/* What a pipe that is ready takes whole (PIPE_BUF). */
enum { PIECE_BYTES = 4096 };

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char *const level_colours[] = {"\033[31m", "\033[33m", "", "\033[2m"};

bool log_level_parse(const char *name, enum log_level *ret_level)
{
    for (size_t i = 0; i < COUNT_OF(level_names); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* ---- Files ------------------------------------------------------------------------------- */

void log_init(struct log *log)
{
    *log = (struct log){.fd = STDERR_FILENO, .level = LOG_INFO};
    atomic_init(&log->access_fd, -1);
    lock_init(&log->access_lock);
}

void log_free(struct log *log)
{
    if (log->owns_access)
        file_close(atomic_load(&log->access_fd));
    lock_free(&log->access_lock);
}

enum stint_status log_open_access(struct log *log, const char *path, struct stint_error *error)
{
    struct file_stat stat = {0};
    int fd = -1;
    bool is_own = false;
    if (strcmp(path, "-") == 0 || strcmp(path, "stdout") == 0) {
        fd = STDOUT_FILENO;
    } else if (strcmp(path, "stderr") == 0) {
        fd = STDERR_FILENO;
    } else if (path[0] != '\0' && strcmp(path, "off") != 0) {
        enum os_error reason = file_open_host(path, FILE_WRITE | FILE_APPEND | FILE_CREATE, &fd);
        if (reason)
            return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot open the access log %s: %s",
                             path, os_error_text(reason));
        (void)!file_set_nonblocking(fd, false);
        is_own = true;
    }
    bool is_file = fd >= 0 && file_stat_of(fd, &stat) == OS_OK && stat.type == FILE_REGULAR;
    lock_take(&log->access_lock);
    int old = atomic_load(&log->access_fd);
    bool was_own = log->owns_access;
    atomic_store(&log->access_fd, fd);
    log->owns_access = is_own;
    log->is_access_file = is_file;
    log->is_access_torn = false;
    lock_give(&log->access_lock);
    if (was_own)
        file_close(old);
    return STINT_OK;
}

/* ---- Buffers ----------------------------------------------------------------------------- */

void log_buffer_init(struct log_buffer *buffer, struct log *log)
{
    *buffer = (struct log_buffer){.log = log};
    buf_init(&buffer->lines, &alloc_root, BUFFER_BYTES_MAX);
    buf_init(&buffer->access, &alloc_root, BUFFER_BYTES_MAX);
}

void log_buffer_free(struct log_buffer *buffer)
{
    log_flush(buffer);
    buf_free(&buffer->lines);
    buf_free(&buffer->access);
}

static unsigned long long count_lines(const uint8_t *data, size_t bytes)
{
    unsigned long long count = 0;
    for (size_t i = 0; i < bytes; i++)
        count += data[i] == '\n';
    return count;
}

/* Whether a write of PIECE_BYTES would not wait for whoever reads the log. */
static bool is_ready(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLOUT) != 0;
}

/* What to write at once: to a file all, to a pipe whole lines that it takes whole. */
static size_t piece_of(const struct buf *lines, size_t done, bool is_file)
{
    const uint8_t *at = lines->data + done;
    size_t piece = lines->bytes - done;
    if (is_file || piece <= PIECE_BYTES)
        return piece;
    for (piece = PIECE_BYTES; piece > 0 && at[piece - 1] != '\n';)
        piece--;
    return piece > 0 ? piece : PIECE_BYTES;
}

struct flushed {
    size_t bytes;            /* that were written */
    bool is_broken, is_torn; /* the rest was given up; what was written ends within a line */
    int reason;
};

/*
 * A log that cannot be written must not stop the server: what a slow reader of a pipe does not take
 * now stays for later, and once the buffer is full further lines are counted as lost, as they are where
 * a write fails.
 */
static struct flushed flush_one(struct log *log, struct buf *lines, int fd, bool is_file)
{
    size_t done = 0;
    bool is_broken = fd < 0;
    int reason = EBADF;
    while (!is_broken && done < lines->bytes && is_ready(fd)) {
        ssize_t written = write(fd, lines->data + done, piece_of(lines, done, is_file));
        reason = errno;
        is_broken = written <= 0 && reason != EAGAIN && reason != EINTR;
        done += written > 0 ? (size_t)written : 0;
        if (written <= 0)
            break;
    }
    struct flushed flushed = {.is_broken = is_broken,
                              .is_torn = done > 0 && lines->data[done - 1] != '\n',
                              .bytes = done,
                              .reason = reason};
    if (is_broken) {
        atomic_fetch_add(&log->lost, count_lines(lines->data + done, lines->bytes - done));
        done = lines->bytes;
    }
    if (done > 0 && done < lines->bytes)
        memmove(lines->data, lines->data + done, lines->bytes - done);
    lines->bytes -= done;
    lines->failed = false;
    return flushed;
}

/*
 * Under the lock, so that all of it goes to one file while that is changed for another. That lines are
 * lost is said when it begins and when it is over; a line of which the disk took a part is ended then.
 */
static void flush_access(struct log_buffer *buffer)
{
    struct log *log = buffer->log;
    lock_take(&log->access_lock);
    int fd = atomic_load(&log->access_fd);
    if (log->is_access_torn && fd >= 0 && is_ready(fd) && write(fd, "\n", 1) == 1)
        log->is_access_torn = false;
    struct flushed flushed = flush_one(log, &buffer->access, fd, log->is_access_file);
    bool was_broken = log->is_access_broken;
    if (flushed.is_broken)
        log->is_access_torn |= flushed.is_torn;
    if (flushed.is_broken || flushed.bytes > 0)
        log->is_access_broken = flushed.is_broken && fd >= 0;
    bool is_broken = log->is_access_broken;
    lock_give(&log->access_lock);
    if (is_broken && !was_broken)
        log_line(
            buffer, LOG_ERROR, NULL, NULL,
            "the access log cannot be written: %s. Its lines are lost, and counted, until it can be",
            os_error_text(os_error_of(flushed.reason)));
    else if (was_broken && !is_broken)
        log_line(buffer, LOG_INFO, NULL, NULL, "the access log is written again; lines were lost");
}

void log_flush(struct log_buffer *buffer)
{
    if (buffer->access.bytes > 0)
        flush_access(buffer);
    if (buffer->lines.bytes > 0)
        (void)flush_one(buffer->log, &buffer->lines, buffer->log->fd, false);
}

bool log_flush_most(struct log_buffer *buffer)
{
    if (buffer->access.bytes >= ACCESS_BYTES_MANY)
        flush_access(buffer);
    if (buffer->lines.bytes > 0)
        (void)flush_one(buffer->log, &buffer->lines, buffer->log->fd, false);
    return buffer->lines.bytes > 0 || buffer->access.bytes > 0;
}

const char *log_time(struct log_buffer *buffer)
{
    uint64_t unix_ns = clock_now_ns(OS_CLOCK_REALTIME);
    unsigned ms = (unsigned)(unix_ns / 1000000 % 1000);
    char *text = buffer->time;
    if (buffer->second != unix_ns / 1000000000 || text[0] == '\0') {
        time_t seconds = (time_t)(unix_ns / 1000000000);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        if (strftime(text, LOG_TIME_BYTES, "%Y-%m-%dT%H:%M:%S.000Z", &tm) == 0)
            memcpy(text, "0000-00-00T00:00:00.000Z", LOG_TIME_BYTES); /* no clock is that late */
        buffer->second = unix_ns / 1000000000;
    }
    text[20] = (char)('0' + ms / 100);
    text[21] = (char)('0' + ms / 10 % 10);
    text[22] = (char)('0' + ms % 10);
    return text;
}

bool log_put_number(struct buf *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return buf_append(out, digits + at, sizeof(digits) - at);
}

bool log_json_text(struct buf *out, const char *text, size_t bytes)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + bytes;
    bool ok = true;
    while (at < end && ok) {
        const uint8_t *plain = at;
        while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
            at++;
        ok = buf_append(out, plain, (size_t)(at - plain));
        if (at == end || !ok)
            break;
        size_t length = *at >= 0x80 ? utf8_decode(at, (size_t)(end - at), NULL) : 0;
        if (length > 0)
            ok = buf_append(out, at, length);
        else if (*at >= 0x80)
            ok = buf_append_string(out, "\\ufffd");
        else if (*at == '"' || *at == '\\')
            ok = buf_append_byte(out, '\\') && buf_append_byte(out, *at);
        else
            ok = buf_append_format(out, "\\u%04x", *at);
        at += length > 0 ? length : 1;
    }
    return ok;
}

/* On a terminal nothing that a guest says may steer it: neither control characters of ASCII nor those of
 * two bytes, U+0080 to U+009F, nor bytes that are no UTF-8, which may be the latter elsewhere. */
static void put_plain(struct buf *out, const char *text)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + strlen(text);
    while (at < end) {
        uint32_t code = 0;
        size_t bytes = utf8_decode(at, (size_t)(end - at), &code);
        if (bytes == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
            (void)buf_append_byte(out, ' ');
        else
            (void)buf_append(out, at, bytes);
        at += bytes > 0 ? bytes : 1;
    }
}

static void put_text(struct log_buffer *buffer, enum log_level level, const char *time,
                     const char *component, const char *request, const char *message)
{
    struct buf *out = &buffer->lines;
    if (buffer->log->is_terse) {
        (void)buf_append_format(out, "stint: %s", level == LOG_WARN ? "warning: " : "");
        if (component != NULL)
            (void)buf_append_format(out, "component '%s': ", component);
        put_plain(out, message);
        (void)buf_append_byte(out, '\n');
        return;
    }
    bool has_colour = buffer->log->has_colour && level_colours[level][0] != '\0';
    (void)buf_append_format(out, "%s %s%-5s%s", time, has_colour ? level_colours[level] : "",
                            level_names[level], has_colour ? "\033[0m" : "");
    if (component != NULL)
        (void)buf_append_format(out, " %s", component);
    if (request != NULL)
        (void)buf_append_format(out, " [%s]", request);
    (void)buf_append_byte(out, ' ');
    put_plain(out, message);
    (void)buf_append_byte(out, '\n');
}

static void put_json(struct log_buffer *buffer, enum log_level level, const char *time,
                     const char *component, const char *request, const char *message)
{
    struct buf *out = &buffer->lines;
    (void)buf_append_format(out, "{\"time\":\"%s\",\"level\":\"%s\"", time, level_names[level]);
    if (component != NULL) {
        (void)buf_append_string(out, ",\"component\":\"");
        (void)log_json_text(out, component, strlen(component));
        (void)buf_append_byte(out, '"');
    }
    if (request != NULL)
        (void)buf_append_format(out, ",\"request\":\"%s\"", request);
    (void)buf_append_string(out, ",\"message\":\"");
    (void)log_json_text(out, message, strlen(message));
    (void)buf_append_string(out, "\"}\n");
}

void log_line(struct log_buffer *buffer, enum log_level level, const char *component,
              const char *request, const char *format, ...)
{
    char message[LINE_BYTES_MAX];
    va_list args;
    if (level > buffer->log->level)
        return;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (buffer->heard != NULL && level == LOG_ERROR)
        (void)buf_append_format(buffer->heard, "%s%s%s\n", component != NULL ? component : "",
                                component != NULL ? ": " : "", message);
    const char *time = log_time(buffer);
    size_t before = buffer->lines.bytes;
    if (buffer->log->is_json)
        put_json(buffer, level, time, component, request, message);
    else
        put_text(buffer, level, time, component, request, message);
    if (buffer->lines.failed) { /* never half a line */
        buffer->lines.bytes = before;
        buffer->lines.failed = false;
        atomic_fetch_add(&buffer->log->lost, 1);
    }
}
