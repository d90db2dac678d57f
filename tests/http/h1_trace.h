/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the HTTP/1.1 parser over a whole connection and writes down what it says, for tests: the text
 * must not depend on how the bytes were split. Each prefix is a copy of its own, so that a byte read
 * too far is found, and so that the buffer moves.
 *
 *   request POST /x 1.1 origin authority=example.org framing=length length=5 keep
 *   field Content-Length=5
 *   body hello
 *   trailer name=value
 *   end
 *   idle | until close | bad 400: why | more head | more body | more trailer | closed rest=12 | tunnel rest=0
 *
 * Bytes outside of ASCII's visible ones and "\" are written \xHH.
 */
#ifndef H1_TRACE_H
#define H1_TRACE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/h1_parse.h"

struct h1_text {
    char *bytes;
    size_t used, room;
};

struct h1_trace {
    enum h1_kind kind;
    struct h1_limits limits;
    struct h1_text text, body_text;
    enum { TRACE_HEAD, TRACE_BODY, TRACE_TRAILER, TRACE_OVER } phase;
    size_t at; /* what is done lies before */
    size_t total;
    struct h1_field fields[32];
    struct h1_head head;
    struct h1_body body;
    struct h1_lines trailer;
    uint32_t field_max;
};

static void h1_text_add(struct h1_text *text, const char *bytes, size_t size)
{
    if (text->room - text->used <= size) {
        text->room = 2 * (text->used + size) + 256;
        text->bytes = realloc(text->bytes, text->room);
        if (!text->bytes)
            abort();
    }
    memcpy(text->bytes + text->used, bytes, size);
    text->used += size;
    text->bytes[text->used] = '\0';
}

static void h1_text_printf(struct h1_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void h1_text_printf(struct h1_text *text, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    h1_text_add(text, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
}

static void h1_text_bytes(struct h1_text *text, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '\\')
            h1_text_add(text, (const char *)bytes + i, 1);
        else
            h1_text_printf(text, "\\x%02x", bytes[i]);
    }
}

static void h1_trace_fields(struct h1_trace *trace, const struct h1_lines *lines,
                            const uint8_t *data, const char *what)
{
    for (uint32_t i = 0; i < lines->field_count; i++) {
        const struct h1_field *field = &lines->fields[i];
        h1_text_printf(&trace->text, "%s ", what);
        h1_text_bytes(&trace->text, data + field->name.at, field->name.bytes);
        h1_text_add(&trace->text, "=", 1);
        h1_text_bytes(&trace->text, data + field->value.at, field->value.bytes);
        h1_text_add(&trace->text, "\n", 1);
    }
}

static void h1_trace_head(struct h1_trace *trace, const uint8_t *data)
{
    static const char *const forms[] = {"origin", "absolute", "authority", "asterisk"};
    static const char *const framings[] = {"none", "length", "chunked", "close", "tunnel"};
    const struct h1_head *head = &trace->head;
    struct h1_text *text = &trace->text;
    if (trace->kind == H1_REQUEST) {
        h1_text_add(text, "request ", 8);
        h1_text_bytes(text, data + head->method.at, head->method.bytes);
        h1_text_add(text, " ", 1);
        h1_text_bytes(text, data + head->target.at, head->target.bytes);
        h1_text_printf(text, " 1.%u %s authority=", head->minor, forms[head->form]);
        h1_text_bytes(text, data + head->authority.at, head->authority.bytes);
        h1_text_add(text, " path=", 6);
        h1_text_bytes(text, data + head->path.at, head->path.bytes);
    } else {
        h1_text_printf(text, "response %u 1.%u reason=", head->status, head->minor);
        h1_text_bytes(text, data + head->reason.at, head->reason.bytes);
    }
    h1_text_printf(text, " framing=%s length=%llu%s%s%s\n", framings[head->framing],
                   (unsigned long long)head->content_length, head->keep_alive ? " keep" : "",
                   head->expects_continue ? " expect" : "", head->has_upgrade ? " upgrade" : "");
    h1_trace_fields(trace, &head->lines, data, "field");
}

static void h1_trace_begin(struct h1_trace *trace, enum h1_kind kind, size_t total)
{
    struct h1_text text = trace->text, body_text = trace->body_text;
    text.used = body_text.used = 0;
    *trace = (struct h1_trace){.kind = kind,
                               .limits = trace->limits,
                               .field_max = trace->field_max,
                               .text = text,
                               .body_text = body_text,
                               .total = total};
    h1_head_init(&trace->head, kind, trace->fields, trace->field_max);
}

static void h1_trace_body(struct h1_trace *trace)
{
    if (trace->body_text.used) {
        h1_text_add(&trace->text, "body ", 5);
        h1_text_add(&trace->text, trace->body_text.bytes, trace->body_text.used);
        h1_text_add(&trace->text, "\n", 1);
        trace->body_text.used = 0;
    }
}

static void h1_trace_bad(struct h1_trace *trace, uint16_t answer, const char *why)
{
    h1_trace_body(trace);
    h1_text_printf(&trace->text, "bad %u: %s\n", answer, why);
    trace->phase = TRACE_OVER;
}

/* The message is over, and perhaps the connection. */
static void h1_trace_end(struct h1_trace *trace)
{
    const struct h1_head *head = &trace->head;
    h1_text_add(&trace->text, "end\n", 4);
    /* A final response follows an interim one, whatever that one says of the connection. */
    if (!head->keep_alive) {
        h1_text_printf(&trace->text, "closed rest=%zu\n", trace->total - trace->at);
        trace->phase = TRACE_OVER;
        return;
    }
    trace->phase = TRACE_HEAD;
    h1_head_init(&trace->head, trace->kind, trace->fields, trace->field_max);
}

static bool h1_trace_step_body(struct h1_trace *trace, const uint8_t *data, size_t bytes)
{
    size_t used, piece_bytes;
    const uint8_t *piece;
    enum h1_result result = h1_body_next(&trace->body, data + trace->at, bytes - trace->at, &used,
                                         &piece, &piece_bytes);
    if (used > bytes - trace->at || piece_bytes > used ||
        (piece_bytes &&
         (piece < data + trace->at || piece + piece_bytes > data + trace->at + used)))
        abort();
    trace->at += used;
    h1_text_bytes(&trace->body_text, piece, piece_bytes);
    if (result == H1_MORE)
        return used > 0;
    if (result == H1_BAD) {
        h1_trace_bad(trace, trace->body.answer, trace->body.why);
        return true;
    }
    h1_trace_body(trace);
    trace->phase = TRACE_TRAILER;
    h1_trailer_init(&trace->trailer, trace->fields, trace->field_max);
    if (!trace->body.has_trailer)
        h1_trace_end(trace);
    return true;
}

/* One call of the parser; false where it needs more bytes. */
static bool h1_trace_step(struct h1_trace *trace, const uint8_t *data, size_t bytes)
{
    const uint8_t *start = data + trace->at;
    size_t left = bytes - trace->at;
    enum h1_result result;
    switch (trace->phase) {
    case TRACE_HEAD:
        result = h1_head_parse(&trace->head, &trace->limits, start, left);
        if (result == H1_MORE)
            return false;
        if (result == H1_BAD) {
            h1_trace_bad(trace, trace->head.lines.answer, trace->head.lines.why);
            return true;
        }
        if (trace->head.head_bytes > left)
            abort();
        h1_trace_head(trace, start);
        trace->at += trace->head.head_bytes;
        trace->phase = TRACE_BODY;
        result = h1_body_init(&trace->body, &trace->head, &trace->limits);
        if (result == H1_BAD)
            h1_trace_bad(trace, trace->body.answer, trace->body.why);
        else if (trace->head.framing == H1_TUNNEL) {
            h1_text_printf(&trace->text, "tunnel rest=%zu\n", trace->total - trace->at);
            trace->phase = TRACE_OVER;
        } else if (result == H1_DONE)
            h1_trace_end(trace);
        return true;
    case TRACE_BODY:
        return h1_trace_step_body(trace, data, bytes);
    case TRACE_TRAILER:
        result = h1_trailer_parse(&trace->trailer, &trace->limits, start, left);
        if (result == H1_MORE)
            return false;
        if (result == H1_BAD) {
            h1_trace_bad(trace, trace->trailer.answer, trace->trailer.why);
            return true;
        }
        if (trace->trailer.at > left)
            abort();
        h1_trace_fields(trace, &trace->trailer, start, "trailer");
        trace->at += trace->trailer.at;
        h1_trace_end(trace);
        return true;
    default:
        return false;
    }
}

/* More of the connection: `data` begins with its first byte, and is `bytes` long now. */
static void h1_trace_feed(struct h1_trace *trace, const uint8_t *data, size_t bytes)
{
    uint8_t *copy = malloc(bytes ? bytes : 1);
    if (!copy)
        abort();
    memcpy(copy, data, bytes);
    while (h1_trace_step(trace, copy, bytes)) {
    }
    free(copy);
}

/* After the last byte. */
static const char *h1_trace_finish(struct h1_trace *trace)
{
    static const char *const wanted[] = {"head", "body", "trailer"};
    h1_trace_body(trace);
    if (trace->phase == TRACE_HEAD && trace->at == trace->total)
        h1_text_add(&trace->text, "idle\n", 5);
    else if (trace->phase == TRACE_BODY && trace->head.framing == H1_UNTIL_CLOSE)
        h1_text_add(&trace->text, "until close\n", 12);
    else if (trace->phase != TRACE_OVER)
        h1_text_printf(&trace->text, "more %s\n", wanted[trace->phase]);
    return trace->text.bytes;
}

static inline void h1_trace_free(struct h1_trace *trace)
{
    free(trace->text.bytes);
    free(trace->body_text.bytes);
}

#endif
