/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies: by length, until the connection closes, or in chunks (RFC 9112, 7.1):
 *
 *   1*HEXDIG *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ) CRLF data CRLF
 *
 * A size has at most sixteen digits. Extensions are read over, and limited together, so that a body
 * cannot be made of them.
 */
#include "http/h1_parse_int.h"

enum {
    IN_SIZE,
    IN_SPACE,    /* after the size or a value: ";" or CR, if no blank came before it */
    AT_EXT_NAME, /* after ";" */
    IN_EXT_NAME,
    IN_EXT_SPACE, /* blanks after a name: "=" or ";" */
    AT_EXT_VALUE, /* after "=" */
    IN_EXT_VALUE,
    IN_QUOTED,
    IN_ESCAPE,
    AFTER_QUOTED,
    IN_SIZE_LF,
    IN_DATA,
    IN_DATA_CR,
    IN_DATA_LF,
    AT_END,
};

enum { SIZE_DIGITS_MAX = 16 };

static enum h1_result refuse(struct h1_body *body, uint16_t answer, const char *why)
{
    body->answer = body->is_response ? 502 : answer;
    body->why = why;
    return H1_BAD;
}

enum h1_result h1_body_init(struct h1_body *body, const struct h1_head *head,
                            const struct h1_limits *limits)
{
    *body = (struct h1_body){.framing = head->framing,
                             .body_max = limits->body_bytes,
                             .extension_max = limits->extension_bytes,
                             .is_response = head->kind != H1_REQUEST};
    if (head->framing == H1_NO_BODY)
        return H1_DONE;
    if (head->framing == H1_LENGTH) {
        body->left = head->content_length;
        if (body->left > body->body_max)
            return refuse(body, 413, "the body is too large");
    }
    return H1_MORE;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* After a size, a name or a value: another extension, or the end of the line. */
static int after_item(uint8_t c)
{
    if (c == ';')
        return AT_EXT_NAME;
    if (c == '\r')
        return IN_SIZE_LF;
    return is_blank(c) ? IN_SPACE : -1;
}

/* The state that a byte of an extension leads to; -1 if it may not stand there. */
static int extension_next(uint8_t state, uint8_t c)
{
    bool is_token = h1_class[c] & CLASS_TOKEN;
    switch (state) {
    case IN_SPACE:
        return is_blank(c) ? IN_SPACE : c == ';' ? AT_EXT_NAME : -1;
    case AT_EXT_NAME:
        return is_token ? IN_EXT_NAME : is_blank(c) ? AT_EXT_NAME : -1;
    case IN_EXT_NAME:
        if (is_token)
            return IN_EXT_NAME;
        if (c == '=')
            return AT_EXT_VALUE;
        return is_blank(c) ? IN_EXT_SPACE : after_item(c);
    case IN_EXT_SPACE:
        return is_blank(c) ? IN_EXT_SPACE : c == '=' ? AT_EXT_VALUE : c == ';' ? AT_EXT_NAME : -1;
    case AT_EXT_VALUE:
        if (c == '"')
            return IN_QUOTED;
        return is_token ? IN_EXT_VALUE : is_blank(c) ? AT_EXT_VALUE : -1;
    case IN_EXT_VALUE:
        return is_token ? IN_EXT_VALUE : after_item(c);
    case IN_QUOTED:
        if (c == '"')
            return AFTER_QUOTED;
        if (c == '\\')
            return IN_ESCAPE;
        return h1_class[c] & CLASS_VALUE ? IN_QUOTED : -1;
    case IN_ESCAPE:
        return h1_class[c] & CLASS_VALUE ? IN_QUOTED : -1;
    default:
        return after_item(c);
    }
}

static enum h1_result size_done(struct h1_body *body)
{
    body->digits = 0;
    if (body->left == 0) {
        body->state = AT_END;
        body->has_trailer = true;
        return H1_DONE;
    }
    if (body->left > body->body_max - body->body_bytes)
        return refuse(body, 413, "the body is too large");
    body->body_bytes += body->left;
    body->state = IN_DATA;
    return H1_MORE;
}

/* One byte between the data of chunks. */
static enum h1_result line_byte(struct h1_body *body, uint8_t c)
{
    int next;
    switch (body->state) {
    case IN_SIZE:
        next = hex_digit(c);
        if (next >= 0 && body->digits < SIZE_DIGITS_MAX) {
            body->left = body->left << 4 | (unsigned)next;
            body->digits++;
            return H1_MORE;
        }
        next = body->digits ? after_item(c) : -1;
        if (next < 0)
            return refuse(body, 400, "a chunk's size is no number of at most 16 digits");
        break;
    case IN_SIZE_LF:
        if (c != '\n')
            return refuse(body, 400, "a CR without LF after a chunk's size");
        return size_done(body);
    case IN_DATA_CR:
    case IN_DATA_LF:
        if (c != (body->state == IN_DATA_CR ? '\r' : '\n'))
            return refuse(body, 400, "no CRLF after a chunk's data");
        next = body->state == IN_DATA_CR ? IN_DATA_LF : IN_SIZE;
        break;
    default:
        next = extension_next(body->state, c);
        if (next < 0)
            return refuse(body, 400, "a wrong byte in a chunk's extension");
        break;
    }
    if (next >= IN_SPACE && next <= AFTER_QUOTED && body->extension_bytes++ >= body->extension_max)
        return refuse(body, 413, "chunk extensions are too large");
    body->state = (uint8_t)next;
    return H1_MORE;
}

static enum h1_result next_chunked(struct h1_body *body, const uint8_t *data, size_t bytes,
                                   size_t *used, const uint8_t **piece, size_t *piece_bytes)
{
    size_t at = 0;
    enum h1_result result = H1_MORE;
    while (at < bytes && body->state != IN_DATA && result == H1_MORE)
        result = line_byte(body, data[at++]);
    if (result == H1_MORE && at < bytes) {
        size_t size = body->left < bytes - at ? (size_t)body->left : bytes - at;
        *piece = data + at;
        *piece_bytes = size;
        body->left -= size;
        at += size;
        if (body->left == 0)
            body->state = IN_DATA_CR;
    }
    *used = at;
    return result;
}

enum h1_result h1_body_next(struct h1_body *body, const uint8_t *data, size_t bytes,
                            size_t *ret_used, const uint8_t **ret_piece, size_t *ret_piece_bytes)
{
    uint64_t room;
    *ret_used = *ret_piece_bytes = 0;
    *ret_piece = data;
    if (body->answer)
        return H1_BAD;
    switch (body->framing) {
    case H1_NO_BODY:
        return H1_DONE;
    case H1_CHUNKED:
        if (body->state == AT_END)
            return H1_DONE;
        return next_chunked(body, data, bytes, ret_used, ret_piece, ret_piece_bytes);
    case H1_LENGTH:
        *ret_used = *ret_piece_bytes = body->left < bytes ? (size_t)body->left : bytes;
        body->left -= *ret_used;
        return body->left ? H1_MORE : H1_DONE;
    case H1_UNTIL_CLOSE:
        room = body->body_max - body->body_bytes;
        if (bytes > 0 && room == 0)
            return refuse(body, 413, "the body is too large");
        *ret_used = *ret_piece_bytes = room < bytes ? (size_t)room : bytes;
        body->body_bytes += *ret_used;
        return H1_MORE;
    default:
        *ret_used = *ret_piece_bytes = bytes;
        return H1_MORE;
    }
}
