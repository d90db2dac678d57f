/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fields of a head say of the body and of the connection (RFC 9112, 6 and 9). Requests are
 * held to more than the RFC asks for, where it leaves a choice that servers have made differently:
 * one Content-Length line with one number, one Transfer-Encoding line with one coding, never both.
 */
#include "http/h1_parse_int.h"

/* What the fields said, before they are put together. */
struct seen {
    bool host, length, chunked, te_line, close, keep_alive, upgrade_option, upgrade, expect;
};

static enum h1_result read_length(struct h1_head *head, const uint8_t *data, struct h1_slice value)
{
    uint64_t length = 0;
    if (value.bytes == 0)
        return h1_refuse(&head->lines, 400, "Content-Length is empty");
    for (uint32_t i = 0; i < value.bytes; i++) {
        uint8_t digit = (uint8_t)(data[value.at + i] - '0');
        if (digit > 9)
            return h1_refuse(&head->lines, 400, "Content-Length is not one number");
        if (__builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, digit, &length))
            return h1_refuse(&head->lines, 400, "Content-Length is too large a number");
    }
    head->content_length = length;
    head->has_length = true;
    return H1_DONE;
}

/* The next member of a comma-separated list, without blanks; false at the end. Empty ones count. */
static bool next_member(const uint8_t *data, struct h1_slice *rest, struct h1_slice *ret_member)
{
    if (rest->bytes == 0)
        return false;
    uint32_t at = rest->at, end = rest->at + rest->bytes, comma = at;
    while (comma < end && data[comma] != ',')
        comma++;
    uint32_t last = comma;
    while (at < last && (data[at] == ' ' || data[at] == '\t'))
        at++;
    while (last > at && (data[last - 1] == ' ' || data[last - 1] == '\t'))
        last--;
    *ret_member = (struct h1_slice){at, last - at};
    uint32_t next = comma < end ? comma + 1 : end;
    *rest = (struct h1_slice){next, end - next};
    return true;
}

/* Only "chunked" is understood: a coding before it is 501, one behind it leaves the end unknown. */
static enum h1_result read_coding(struct h1_head *head, const uint8_t *data, struct h1_slice value)
{
    struct h1_slice rest = value, member, last = {0};
    uint32_t chunked = 0;
    bool empty = value.bytes == 0 || data[value.at + value.bytes - 1] == ',';
    if (h1_equals(data, value, "chunked"))
        return H1_DONE;
    while (next_member(data, &rest, &member)) {
        last = member;
        empty |= member.bytes == 0;
        chunked += h1_equals(data, member, "chunked");
    }
    if (!empty && chunked == 1 && h1_equals(data, last, "chunked"))
        return h1_refuse(&head->lines, 501, "a transfer coding other than chunked");
    return h1_refuse(&head->lines, 400, "Transfer-Encoding does not end with one chunked");
}

static void read_options(const uint8_t *data, struct h1_slice rest, struct seen *seen)
{
    struct h1_slice member;
    while (next_member(data, &rest, &member)) {
        seen->close |= h1_equals(data, member, "close");
        seen->keep_alive |= h1_equals(data, member, "keep-alive");
        seen->upgrade_option |= h1_equals(data, member, "upgrade");
    }
}

static enum h1_result read_field(struct h1_head *head, const uint8_t *data,
                                 const struct h1_field *field, struct seen *seen)
{
    struct h1_lines *lines = &head->lines;
    struct h1_slice value = field->value;
    switch (field->known) {
    case H1_HOST:
        if (head->kind != H1_REQUEST)
            return H1_DONE;
        if (seen->host)
            return h1_refuse(lines, 400, "Host twice");
        seen->host = true;
        if (!h1_is_authority(data, value, false) && (value.bytes || head->minor))
            return h1_refuse(lines, 400, "Host is not host[:port]");
        /* The authority of an absolute target outweighs it (RFC 9112, 3.2.2). */
        if (head->authority.bytes == 0)
            head->authority = value;
        return H1_DONE;
    case H1_CONTENT_LENGTH:
        if (seen->length)
            return h1_refuse(lines, 400, "Content-Length twice");
        seen->length = true;
        return read_length(head, data, value);
    case H1_TRANSFER_ENCODING:
        if (seen->te_line)
            return h1_refuse(lines, 400, "Transfer-Encoding twice");
        seen->te_line = true;
        if (head->minor == 0)
            return h1_refuse(lines, 400, "Transfer-Encoding in HTTP/1.0");
        seen->chunked = true;
        return read_coding(head, data, value);
    case H1_CONNECTION:
        read_options(data, value, seen);
        return H1_DONE;
    case H1_UPGRADE:
        seen->upgrade |= value.bytes > 0;
        return H1_DONE;
    case H1_EXPECT:
        if (head->kind != H1_REQUEST || head->minor == 0)
            return H1_DONE;
        if (!h1_equals(data, value, "100-continue"))
            return h1_refuse(lines, 417, "an expectation other than 100-continue");
        seen->expect = true;
        return H1_DONE;
    default:
        return H1_DONE;
    }
}

/* RFC 9112, 6.3. A response that switches protocols or answers CONNECT is followed by other bytes. */
static enum h1_framing framing_of(const struct h1_head *head, bool chunked)
{
    uint16_t status = head->status;
    if (head->kind == H1_REQUEST) {
        if (head->form == H1_AUTHORITY)
            return H1_TUNNEL;
    } else {
        if (status == 101 || (head->kind == H1_RESPONSE_TO_CONNECT && status / 100 == 2))
            return H1_TUNNEL;
        if (head->kind == H1_RESPONSE_TO_HEAD || status / 100 == 1 || status == 204 ||
            status == 304)
            return H1_NO_BODY;
        if (!chunked && !head->has_length)
            return H1_UNTIL_CLOSE;
    }
    if (chunked)
        return H1_CHUNKED;
    return head->content_length ? H1_LENGTH : H1_NO_BODY;
}

enum h1_result h1_frame(struct h1_head *head, const uint8_t *data)
{
    struct h1_lines *lines = &head->lines;
    struct seen seen = {0};
    for (uint32_t i = 0; i < lines->field_count; i++) {
        if (lines->fields[i].known == H1_OTHER)
            continue;
        enum h1_result result = read_field(head, data, &lines->fields[i], &seen);
        if (result != H1_DONE)
            return result;
    }
    if (head->kind == H1_REQUEST && head->minor == 1 && !seen.host)
        return h1_refuse(lines, 400, "no Host");
    if (seen.length && seen.chunked)
        return h1_refuse(lines, 400, "Content-Length beside Transfer-Encoding");
    if (head->form == H1_AUTHORITY && (seen.length || seen.chunked))
        return h1_refuse(lines, 400, "CONNECT with a body");
    head->framing = framing_of(head, seen.chunked);
    head->keep_alive = !seen.close && (head->minor == 1 || seen.keep_alive) &&
                       head->framing != H1_UNTIL_CLOSE && head->framing != H1_TUNNEL;
    head->has_upgrade = seen.upgrade && seen.upgrade_option && head->minor == 1;
    head->expects_continue =
        seen.expect && (head->framing == H1_LENGTH || head->framing == H1_CHUNKED);
    return H1_DONE;
}
