/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a component that are answered without its guest. What is asked for is a path in the tree
 * that the guest would see; files are opened beneath the folder of a mount, so that neither `..` nor a
 * symbolic link leads out of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "edge/mounts.h"
#include "edge/request.h"
#include "os/files.h"

enum { PATH_BYTES = 1024, PIECE_BYTES = 32 << 10, DATE_BYTES = 32, TAG_BYTES = 48 };

/* ---- Paths ------------------------------------------------------------------------------- */

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(const char *from, size_t bytes, char *path)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++) {
        int c = (unsigned char)from[i];
        if (c == '%') {
            int high = i + 2 < bytes ? hex_of(from[i + 1]) : -1;
            int low = i + 2 < bytes ? hex_of(from[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c == 0 || count == PATH_BYTES - 1)
            return false;
        path[count++] = (char)c;
    }
    path[count] = '\0';
    return true;
}

/* Neither "." or "..", nor an empty part, nor one that is hidden, but for /.well-known. */
static bool is_plain(const char *path)
{
    static const char known[] = ".well-known";
    for (const char *part = path; *part != '\0';) {
        size_t bytes = strcspn(part, "/");
        bool is_known = bytes == sizeof(known) - 1 && memcmp(part, known, bytes) == 0;
        if (bytes == 0 || (part[0] == '.' && !is_known))
            return false;
        part += bytes + (part[bytes] == '/');
    }
    return true;
}

/* The path in the guest's tree, without a slash before or after it. */
static bool read_path(const struct request *request, char *path, bool *ret_is_folder)
{
    const char *whole = http_exchange_request(request->exchange)->path;
    size_t whole_bytes = strcspn(whole, "?");
    const char *from = whole + (whole[0] == '/');
    size_t bytes = whole_bytes - (whole[0] == '/');
    if (request->match.has_wildcard) {
        from = request->match.wildcard.text;
        bytes = request->match.wildcard.bytes;
    }
    if (!decode(bytes > 0 ? from : "", bytes, path))
        return false;
    size_t count = strlen(path);
    *ret_is_folder = count == 0 || path[count - 1] == '/' || whole[whole_bytes - 1] == '/';
    if (count > 0 && path[count - 1] == '/')
        path[count - 1] = '\0';
    return is_plain(path);
}

/* ---- Conditions and ranges --------------------------------------------------------------- */

struct found {
    struct file_stat stat;
    char tag[TAG_BYTES], date[DATE_BYTES];
    const char *type;
};

static const struct http_header *header_of(const struct request *request, const char *name)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    size_t bytes = strlen(name);
    for (size_t i = 0; i < http->header_count; i++) {
        const struct http_header *header = &http->headers[i];
        if (header->name_bytes == bytes && memcmp(header->name, name, bytes) == 0)
            return header;
    }
    return NULL;
}

static bool value_is(const struct http_header *header, const char *text)
{
    return header->value_bytes == strlen(text) &&
           memcmp(header->value, text, header->value_bytes) == 0;
}

static uint64_t number_at(const char *text, size_t digits)
{
    uint64_t number = 0;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    return number;
}

/* Of "Sun, 06 Nov 1994 08:49:37 GMT" a number that grows with time; false for other forms. */
static bool read_date(const char *text, size_t bytes, uint64_t *ret_order)
{
    static const char form[] = "xxx, 00 xxx 0000 00:00:00 GMT";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (bytes != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == '0' ? !is_digit : form[i] != 'x' && form[i] != text[i])
            return false;
    }
    const char *month = memmem(months, sizeof(months) - 1, text + 8, 3);
    if (month == NULL || (month - months) % 3 != 0)
        return false;
    uint64_t day = (number_at(text + 12, 4) * 100 + (uint64_t)(month - months)) * 100 +
                   number_at(text + 5, 2);
    *ret_order = ((day * 100 + number_at(text + 17, 2)) * 100 + number_at(text + 20, 2)) * 100 +
                 number_at(text + 23, 2);
    return true;
}

/* Whether the file was changed after the date; what is none counts as not being there. */
static bool is_newer(const struct http_header *since, const struct found *found, bool otherwise)
{
    uint64_t theirs, ours;
    if (!read_date(since->value, since->value_bytes, &theirs) ||
        !read_date(found->date, strlen(found->date), &ours))
        return otherwise;
    return ours > theirs;
}

/* RFC 9110, 13.2.2: the client wants this very file, or none. Weak tags are never the same here. */
static bool is_unwanted(const struct request *request, const struct found *found)
{
    const struct http_header *match = header_of(request, "if-match");
    const struct http_header *since = header_of(request, "if-unmodified-since");
    if (match == NULL)
        return since != NULL && is_newer(since, found, false);
    const char *tag = memmem(match->value, match->value_bytes, found->tag, strlen(found->tag));
    return !value_is(match, "*") && (tag == NULL || (tag > match->value && tag[-1] == '/'));
}

static bool is_unchanged(const struct request *request, const struct found *found)
{
    const struct http_header *none = header_of(request, "if-none-match");
    const struct http_header *since = header_of(request, "if-modified-since");
    if (none == NULL)
        return since != NULL && !is_newer(since, found, true);
    return value_is(none, "*") ||
           memmem(none->value, none->value_bytes, found->tag, strlen(found->tag)) != NULL;
}

static bool read_digits(const char **at, const char *end, uint64_t *ret_number)
{
    const char *from = *at;
    *ret_number = 0;
    for (; *at < end && **at >= '0' && **at <= '9' && *ret_number < UINT64_MAX / 20; (*at)++)
        *ret_number = *ret_number * 10 + (uint64_t)(**at - '0');
    return *at > from;
}

enum range { RANGE_ALL, RANGE_PART, RANGE_NONE };

/* One range; of several the whole is sent, as it may be. */
static enum range read_range(const struct request *request, const struct found *found,
                             uint64_t *ret_first, uint64_t *ret_end)
{
    const struct http_header *range = header_of(request, "range");
    const struct http_header *same = header_of(request, "if-range");
    uint64_t size = found->stat.size_bytes, first, last;
    if (range == NULL || range->value_bytes < 7 || memcmp(range->value, "bytes=", 6) != 0 ||
        (same != NULL && !value_is(same, found->tag) && !value_is(same, found->date)))
        return RANGE_ALL;
    const char *at = range->value + 6, *end = range->value + range->value_bytes;
    bool has_first = read_digits(&at, end, &first);
    if (at == end || *at++ != '-')
        return RANGE_ALL;
    bool has_last = read_digits(&at, end, &last);
    if (at != end || (!has_first && !has_last) || (has_first && has_last && last < first))
        return RANGE_ALL;
    if (!has_first) {
        first = last < size ? size - last : 0;
        if (last == 0)
            return RANGE_NONE;
        last = size;
    } else {
        last = has_last && last < size ? last + 1 : size;
    }
    if (first >= size)
        return RANGE_NONE;
    *ret_first = first;
    *ret_end = last < size ? last : size;
    return RANGE_PART;
}

/* ---- Answers ----------------------------------------------------------------------------- */

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {"html", "text/html; charset=utf-8"},  {"htm", "text/html; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},    {"js", "text/javascript; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"}, {"json", "application/json"},
        {"map", "application/json"},           {"txt", "text/plain; charset=utf-8"},
        {"md", "text/markdown; charset=utf-8"}, {"xml", "application/xml"},
        {"csv", "text/csv; charset=utf-8"},    {"svg", "image/svg+xml"},
        {"png", "image/png"},                  {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},                {"gif", "image/gif"},
        {"webp", "image/webp"},                {"avif", "image/avif"},
        {"ico", "image/x-icon"},               {"woff", "font/woff"},
        {"woff2", "font/woff2"},               {"ttf", "font/ttf"},
        {"otf", "font/otf"},                   {"wasm", "application/wasm"},
        {"pdf", "application/pdf"},            {"zip", "application/zip"},
        {"gz", "application/gzip"},            {"mp3", "audio/mpeg"},
        {"mp4", "video/mp4"},                  {"webm", "video/webm"},
        {"webmanifest", "application/manifest+json"},
    };
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');
    for (size_t i = 0; dot != NULL && i < COUNT_OF(types); i++) {
        if (strcasecmp(dot + 1, types[i][0]) == 0)
            return types[i][1];
    }
    return "application/octet-stream";
}

static struct http_header field(const char *name, const char *value)
{
    return (struct http_header){name, value, (uint32_t)strlen(name), (uint32_t)strlen(value)};
}

static void begin(struct request *request, unsigned status, const struct http_header *headers,
                  size_t count, uint64_t length)
{
    request->is_responded = true;
    request->answer = status;
    http_respond(request->exchange, status, headers, count, length);
}

static void end(struct request *request)
{
    request->is_finished = true;
    http_finish(request->exchange, NULL, 0);
}

void request_static_pump(struct request *request)
{
    uint8_t piece[PIECE_BYTES];
    while (request->has_file && !request->is_finished) {
        size_t room = http_room(request->exchange), done = 0;
        uint64_t left = request->file_end - request->file_at;
        if (left == 0) {
            end(request);
            return;
        }
        if (room == 0)
            return;
        room = room < sizeof(piece) ? room : sizeof(piece);
        struct file_span span = {piece, left < room ? (size_t)left : room};
        if (file_read(request->file_fd, &span, 1, (int64_t)request->file_at, &done) || done == 0) {
            request->is_finished = true; /* it has become shorter */
            http_abort(request->exchange);
            return;
        }
        request->file_at += http_write(request->exchange, piece, done);
    }
}

void request_static_end(struct request *request)
{
    if (request->has_file)
        file_close(request->file_fd);
    request->has_file = false;
}

static void send_file(struct request *request, const struct found *found)
{
    const struct app_static *statics = &request->component->app->statics;
    bool is_head = strcmp(http_exchange_request(request->exchange)->method, "HEAD") == 0;
    char cache[64], range[80];
    struct http_header headers[6];
    uint64_t size = found->stat.size_bytes;
    size_t count = 0;
    (void)snprintf(cache, sizeof(cache), statics->max_age_s > 0 ? "public, max-age=%" PRIu64 "%s"
                                                                : "no-cache",
                   statics->max_age_s, statics->immutable ? ", immutable" : "");
    headers[count++] = field("etag", found->tag);
    headers[count++] = field("last-modified", found->date);
    headers[count++] = field("cache-control", cache);
    headers[count++] = field("accept-ranges", "bytes");
    headers[count++] = field("content-type", found->type);
    request->file_at = 0;
    request->file_end = size;
    if (is_unwanted(request, found)) {
        begin(request, 412, headers, 3, 0);
        end(request);
        return;
    }
    if (is_unchanged(request, found)) {
        begin(request, 304, headers, 3, size);
        end(request);
        return;
    }
    enum range part = read_range(request, found, &request->file_at, &request->file_end);
    if (part == RANGE_NONE) {
        (void)snprintf(range, sizeof(range), "bytes */%" PRIu64, size);
        headers[4] = field("content-range", range);
        begin(request, 416, headers, 5, 0);
        end(request);
        return;
    }
    if (part == RANGE_PART) {
        (void)snprintf(range, sizeof(range), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                       request->file_at, request->file_end - 1, size);
        headers[count++] = field("content-range", range);
    }
    begin(request, part == RANGE_PART ? 206 : 200, headers, count,
          request->file_end - request->file_at);
    if (is_head)
        end(request);
    else
        request_static_pump(request);
}

/* To the same path with a slash, as links in the index are relative to that. */
static void redirect(struct request *request)
{
    const char *path = http_exchange_request(request->exchange)->path;
    char to[PATH_BYTES * 4];
    size_t bytes = strcspn(path, "?");
    int length = snprintf(to, sizeof(to), "%.*s/%s", (int)bytes, path, path + bytes);
    if (length < 0 || length >= (int)sizeof(to) || path[1] == '/') {
        request_answer(request, 404, "Nothing is served here");
        return;
    }
    struct http_header location = field("location", to);
    begin(request, 308, &location, 1, 0);
    end(request);
}

/* ---- Finding ----------------------------------------------------------------------------- */

static bool find(struct request *request, const char *path, struct found *ret_found)
{
    int fd;
    if (path[0] == '\0' || !mounts_open(request->app->app, request->component->app, path, &fd,
                                        &ret_found->stat))
        return false;
    time_t seconds = (time_t)(ret_found->stat.modified_ns / 1000000000);
    struct tm parts;
    (void)snprintf(ret_found->tag, TAG_BYTES, "\"%" PRIx64 "-%" PRIx64 "\"",
                   ret_found->stat.modified_ns, ret_found->stat.size_bytes);
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(ret_found->date, DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0)
        ret_found->date[0] = '\0';
    ret_found->type = type_of(path);
    request->file_fd = fd;
    request->has_file = true;
    return true;
}

/* A file for that path, or the index of the folder that it is. */
static bool find_or_index(struct request *request, const char *path, bool is_folder,
                          struct found *found, bool *ret_is_index)
{
    const char *index = request->component->app->statics.index;
    char text[PATH_BYTES + 64];
    *ret_is_index = false;
    if (!is_folder && find(request, path, found))
        return true;
    if (index == NULL || index[0] == '\0')
        return false;
    int bytes = snprintf(text, sizeof(text), "%s%s%s", path, path[0] != '\0' ? "/" : "", index);
    *ret_is_index = true;
    return bytes > 0 && bytes < (int)sizeof(text) && find(request, text, found);
}

bool request_static(struct request *request)
{
    const struct app_static *statics = &request->component->app->statics;
    const char *method = http_exchange_request(request->exchange)->method;
    struct found found;
    char path[PATH_BYTES];
    bool is_folder = false, is_index = false;
    if (!statics->is_on || (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0))
        return false;
    if (!read_path(request, path, &is_folder)) {
        request_answer(request, 404, "Nothing is served here");
        return true;
    }
    if (find_or_index(request, path, is_folder, &found, &is_index)) {
        if (is_index && !is_folder)
            redirect(request);
        else
            send_file(request, &found);
        return true;
    }
    const char *fallback = statics->fallback;
    if (fallback != NULL && find(request, fallback + (fallback[0] == '/'), &found)) {
        send_file(request, &found);
        return true;
    }
    if (request->component->guest == NULL)
        request_answer(request, 404, "Nothing is served here");
    return request->component->guest == NULL;
}
