/* SPDX-License-Identifier: Apache-2.0 */
/* Request lines, status lines, and the forms of request-targets. */
#include "http/h1_parse_int.h"

enum {
    AT_START,
    AT_START_LF,
    IN_METHOD,
    IN_TARGET,
    IN_VERSION,
    IN_STATUS,
    IN_REASON,
    IN_LINE_LF,
    IN_FIELDS,
    AT_END,
};

/* Empty lines before a request line that are read over (RFC 9112, 2.2). */
enum { EMPTY_LINES_MAX = 2, VERSION_BYTES = 8, STATUS_BYTES = 4 };

void h1_head_init(struct h1_head *head, enum h1_kind kind, struct h1_field *fields,
                  uint32_t field_max)
{
    *head = (struct h1_head){.kind = kind,
                             .state = kind == H1_REQUEST ? AT_START : IN_VERSION,
                             .lines = {.fields = fields, .field_max = field_max}};
}

bool h1_is_authority(const uint8_t *data, struct h1_slice slice, bool needs_port)
{
    uint32_t at = slice.at, end = slice.at + slice.bytes, port = 0;
    if (slice.bytes == 0)
        return false;
    if (data[at] == '[') {
        uint32_t close = h1_scan(data, at + 1, end, CLASS_ADDRESS);
        if (close == end || data[close] != ']' || close < at + 3)
            return false;
        at = close + 1;
    } else {
        at = h1_scan(data, at, end, CLASS_HOST);
        if (at == slice.at)
            return false;
        for (uint32_t i = slice.at; i < at; i++) {
            if (data[i] == '%' && (i + 2 >= at || !(h1_class[data[i + 1]] & CLASS_ADDRESS) ||
                                   !(h1_class[data[i + 2]] & CLASS_ADDRESS) || data[i + 1] == '.' ||
                                   data[i + 2] == '.'))
                return false;
        }
    }
    if (at == end)
        return !needs_port;
    if (data[at++] != ':')
        return false;
    if (at == end)
        return !needs_port;
    for (; at < end; at++) {
        if (data[at] < '0' || data[at] > '9')
            return false;
        port = port * 10 + (data[at] - '0');
        if (port > 65535)
            return false;
    }
    return true;
}

/* The absolute form: http://host[:port][/path][?query], without user information. */
static bool read_absolute(struct h1_head *head, const uint8_t *data)
{
    struct h1_slice target = head->target;
    uint32_t end = target.at + target.bytes, scheme = 0;
    if (target.bytes > 7 && h1_equals(data, (struct h1_slice){target.at, 7}, "http://"))
        scheme = 7;
    else if (target.bytes > 8 && h1_equals(data, (struct h1_slice){target.at, 8}, "https://"))
        scheme = 8;
    else
        return false;
    uint32_t at = target.at + scheme;
    while (at < end && data[at] != '/' && data[at] != '?')
        at++;
    head->authority = (struct h1_slice){target.at + scheme, at - target.at - scheme};
    head->path = (struct h1_slice){at, end - at};
    head->form = H1_ABSOLUTE;
    return h1_is_authority(data, head->authority, false);
}

/* RFC 9112, 3.2: which form a target has depends on the method. Methods tell upper from lower case. */
static bool read_target(struct h1_head *head, const uint8_t *data)
{
    struct h1_slice method = head->method, target = head->target;
    if (method.bytes == 7 && !memcmp(data + method.at, "CONNECT", 7)) {
        head->form = H1_AUTHORITY;
        head->authority = target;
        return h1_is_authority(data, target, true);
    }
    if (data[target.at] == '/') {
        head->form = H1_ORIGIN;
        head->path = target;
        return true;
    }
    if (target.bytes == 1 && data[target.at] == '*') {
        head->form = H1_ASTERISK;
        return method.bytes == 7 && !memcmp(data + method.at, "OPTIONS", 7);
    }
    return read_absolute(head, data);
}

/* "HTTP/1.1": wrong bytes are refused before all are there. */
static enum h1_result read_version(struct h1_head *head, const uint8_t *data, uint32_t at,
                                   uint32_t end)
{
    static const char form[] = "HTTP/0.0";
    struct h1_lines *lines = &head->lines;
    for (uint32_t i = 0; i < VERSION_BYTES && at + i < end; i++) {
        uint8_t c = data[at + i];
        if (form[i] == '0' ? c < '0' || c > '9' : c != (uint8_t)form[i])
            return h1_refuse(lines, 400, "no HTTP version where one is due");
    }
    if (end - at < VERSION_BYTES)
        return H1_MORE;
    if (data[at + 5] != '1' || data[at + 7] > '1')
        return h1_refuse(lines, 505, "a version of HTTP other than 1.0 and 1.1");
    head->minor = data[at + 7] - '0';
    return H1_DONE;
}

/* " 200": then a space and a reason, or the end of the line. */
static enum h1_result read_status(struct h1_head *head, const uint8_t *data, uint32_t at,
                                  uint32_t end)
{
    for (uint32_t i = 0; i < STATUS_BYTES && at + i < end; i++) {
        uint8_t c = data[at + i];
        if (i == 0 ? c != ' ' : c < (i == 1 ? '1' : '0') || c > '9')
            return h1_refuse(&head->lines, 400, "no status where one is due");
    }
    if (end - at < STATUS_BYTES)
        return H1_MORE;
    head->status =
        (uint16_t)((data[at + 1] - '0') * 100 + (data[at + 2] - '0') * 10 + (data[at + 3] - '0'));
    return H1_DONE;
}

/* Empty lines, then the first byte of a request line. */
static enum h1_result skip_empty_lines(struct h1_head *head, const uint8_t *data, uint32_t *at,
                                       uint32_t end)
{
    while (*at < end) {
        if (head->state == AT_START && data[*at] != '\r') {
            head->state = IN_METHOD;
            head->lines.at = *at;
            return H1_DONE;
        }
        if (head->state == AT_START_LF && data[*at] != '\n')
            return h1_refuse(&head->lines, 400, "a CR without LF before the request line");
        if (*at >= 2 * EMPTY_LINES_MAX)
            return h1_refuse(&head->lines, 400, "empty lines before the request line");
        head->state = head->state == AT_START ? AT_START_LF : AT_START;
        (*at)++;
    }
    return H1_MORE;
}

/* A method and a target, each with one space behind it. `more` is whether bytes ran out. */
static enum h1_result read_request_words(struct h1_head *head, const struct h1_limits *limits,
                                         const uint8_t *data, uint32_t end)
{
    struct h1_lines *lines = &head->lines;
    uint32_t over;
    if (head->state == IN_METHOD) {
        over = limits->method_bytes < end - lines->at ? lines->at + limits->method_bytes + 1 : end;
        lines->scan = h1_scan(data, lines->scan, over, CLASS_TOKEN);
        if (lines->scan - lines->at > limits->method_bytes)
            return h1_refuse(lines, 501, "a method longer than any");
        if (lines->scan == end)
            return H1_MORE;
        if (data[lines->scan] != ' ' || lines->scan == lines->at)
            return h1_refuse(lines, 400, "a wrong byte in the method");
        head->method = (struct h1_slice){lines->at, lines->scan - lines->at};
        lines->at = ++lines->scan;
        head->state = IN_TARGET;
    }
    over = limits->target_bytes < end - lines->at ? lines->at + limits->target_bytes + 1 : end;
    lines->scan = h1_scan_target(data, lines->scan, over);
    if (lines->scan - lines->at > limits->target_bytes)
        return h1_refuse(lines, 414, "the request-target is too long");
    if (lines->scan == end)
        return H1_MORE;
    if (data[lines->scan] != ' ' || lines->scan == lines->at)
        return h1_refuse(lines, 400, "a wrong byte in the request-target");
    head->target = (struct h1_slice){lines->at, lines->scan - lines->at};
    if (!read_target(head, data))
        return h1_refuse(lines, 400, "a request-target of a wrong form");
    lines->at = ++lines->scan;
    head->state = IN_VERSION;
    return H1_DONE;
}

/* What follows the version in a status line. */
static enum h1_result read_status_words(struct h1_head *head, const uint8_t *data, uint32_t end)
{
    struct h1_lines *lines = &head->lines;
    if (head->state == IN_STATUS) {
        enum h1_result result = read_status(head, data, lines->at, end);
        if (result != H1_DONE)
            return result;
        if (lines->at + STATUS_BYTES == end)
            return H1_MORE;
        lines->at += STATUS_BYTES;
        uint8_t next = data[lines->at];
        if (next != ' ' && next != '\r')
            return h1_refuse(lines, 400, "no space after the status");
        /* The space is due even where there is no reason; many servers forget it. */
        lines->at += next == ' ';
        lines->scan = lines->at;
        head->state = IN_REASON;
    }
    lines->scan = h1_scan_value(data, lines->scan, end);
    if (lines->scan == end)
        return H1_MORE;
    head->reason = (struct h1_slice){lines->at, lines->scan - lines->at};
    lines->at = lines->scan;
    return H1_DONE;
}

/* The CRLF that ends a start line, at lines->at. */
static enum h1_result read_line_end(struct h1_head *head, const uint8_t *data, uint32_t end)
{
    struct h1_lines *lines = &head->lines;
    for (uint32_t i = 0; i < 2 && lines->at + i < end; i++) {
        if (data[lines->at + i] != "\r\n"[i])
            return h1_refuse(lines, 400, "no CRLF at the end of the start line");
    }
    if (end - lines->at < 2)
        return H1_MORE;
    lines->at += 2;
    lines->scan = lines->at;
    head->state = IN_FIELDS;
    return H1_DONE;
}

static enum h1_result read_head(struct h1_head *head, const struct h1_limits *limits,
                                const uint8_t *data, uint32_t end)
{
    struct h1_lines *lines = &head->lines;
    enum h1_result result = H1_DONE;
    while (result == H1_DONE) {
        switch (head->state) {
        case AT_START:
        case AT_START_LF:
            result = skip_empty_lines(head, data, &lines->scan, end);
            break;
        case IN_METHOD:
        case IN_TARGET:
            result = read_request_words(head, limits, data, end);
            break;
        case IN_VERSION:
            result = read_version(head, data, lines->at, end);
            if (result == H1_DONE) {
                lines->at += VERSION_BYTES;
                head->state = head->kind == H1_REQUEST ? IN_LINE_LF : IN_STATUS;
            }
            break;
        case IN_STATUS:
        case IN_REASON:
            result = read_status_words(head, data, end);
            if (result == H1_DONE)
                head->state = IN_LINE_LF;
            break;
        case IN_LINE_LF:
            result = read_line_end(head, data, end);
            break;
        default:
            result = h1_lines_parse(lines, data, end);
            if (result == H1_DONE)
                result = h1_frame(head, data);
            if (result == H1_DONE) {
                head->head_bytes = lines->at;
                head->state = AT_END;
            }
            return result;
        }
    }
    return result;
}

enum h1_result h1_head_parse(struct h1_head *head, const struct h1_limits *limits,
                             const uint8_t *data, size_t bytes)
{
    struct h1_lines *lines = &head->lines;
    if (head->state == AT_END)
        return H1_DONE;
    if (lines->answer)
        return H1_BAD;
    bool over = bytes > limits->head_bytes;
    enum h1_result result =
        read_head(head, limits, data, over ? limits->head_bytes : (uint32_t)bytes);
    if (result == H1_MORE && over)
        result = h1_refuse(lines, 431, "the head is too large");
    if (result == H1_BAD && head->kind != H1_REQUEST)
        lines->answer = 502;
    return result;
}
