/* SPDX-License-Identifier: Apache-2.0 */
/* W3C trace context: a client's trace goes on, with a span of our own; else a new one begins. */
#include <string.h>

#include "edge/request.h"
#include "os/clock.h"
#include "os/random.h"

enum { TRACE_AT = 3, SPAN_AT = 36, FLAGS_AT = 53, TEXT_BYTES = 55 };

/* False: not lower-case hexadecimal. All zeros are no id. */
static bool is_hex(const char *text, size_t digits, bool is_id)
{
    bool is_zero = true;
    for (size_t i = 0; i < digits; i++) {
        char c = text[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
        is_zero &= c == '0';
    }
    return !is_id || !is_zero;
}

/* A later version may have more behind what is known of it; "ff" is none. */
static bool is_valid(const char *text, size_t bytes)
{
    return bytes >= TEXT_BYTES && is_hex(text, 2, false) && memcmp(text, "ff", 2) != 0 &&
           (bytes == TEXT_BYTES || (memcmp(text, "00", 2) != 0 && text[TEXT_BYTES] == '-')) &&
           text[TRACE_AT - 1] == '-' && is_hex(text + TRACE_AT, 32, true) &&
           text[SPAN_AT - 1] == '-' && is_hex(text + SPAN_AT, 16, true) &&
           text[FLAGS_AT - 1] == '-' && is_hex(text + FLAGS_AT, 2, false);
}

static uint64_t next_number(struct worker *worker)
{
    if (worker->trace_state == 0 && random_fill(&worker->trace_state, sizeof(worker->trace_state)))
        worker->trace_state = clock_now_ns(OS_CLOCK_REALTIME);
    uint64_t number = worker->trace_state += 0x9e3779b97f4a7c15u;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}

static void put_number(char *text, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 15; i >= 0; i--, number >>= 4)
        text[i] = digits[number & 15];
    if (is_hex(text, 16, true))
        return;
    text[0] = '1'; /* zeros are no id */
}

void request_new_span(struct worker *worker, char span[REQUEST_SPAN_BYTES])
{
    put_number(span, next_number(worker));
    span[REQUEST_SPAN_BYTES - 1] = '\0';
}

/* The last half of the trace's id. */
static uint64_t id_of(const char *text)
{
    uint64_t id = 0;
    for (const char *at = text + TRACE_AT + 16; at < text + TRACE_AT + 32; at++)
        id = id << 4 | (uint64_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
    return id;
}

bool request_is_own_parent(const struct request *request, const char *text, size_t bytes)
{
    return is_valid(text, bytes) && memcmp(text + TRACE_AT, request->trace + TRACE_AT, 32) == 0 &&
           memcmp(text + SPAN_AT, request->trace + SPAN_AT, REQUEST_SPAN_BYTES - 1) != 0;
}

void request_trace(struct request *request)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    const struct http_header *parent = NULL;
    unsigned count = 0;
    for (size_t i = 0; i < http->header_count; i++) {
        if (strcmp(http->headers[i].name, "traceparent") != 0)
            continue;
        parent = &http->headers[i];
        count++;
    }
    char *text = request->trace;
    request->has_parent = count == 1 && is_valid(parent->value, parent->value_bytes);
    memset(text, '-', TEXT_BYTES);
    text[TEXT_BYTES] = '\0';
    memcpy(text, "00", 2);
    enum traces_parent decision = TRACES_NO_PARENT;
    if (request->has_parent) {
        bool is_sampled = strchr("13579bdf", parent->value[FLAGS_AT + 1]) != NULL;
        decision = is_sampled ? TRACES_PARENT_SAMPLED : TRACES_PARENT_DROPPED;
        memcpy(text + TRACE_AT, parent->value + TRACE_AT, 32);
        memcpy(request->parent, parent->value + SPAN_AT, REQUEST_SPAN_BYTES - 1);
        request_keep_tracestate(request);
    } else {
        put_number(text + TRACE_AT, next_number(request->worker));
        put_number(text + TRACE_AT + 16, next_number(request->worker));
    }
    put_number(text + SPAN_AT, next_number(request->worker));
    request->is_sampled = traces_samples(request->worker->server->traces, id_of(text), decision);
    /* Who began a trace that is recorded elsewhere gets it whole, whether it is recorded here or not. */
    memcpy(text + FLAGS_AT,
           request->is_sampled || decision == TRACES_PARENT_SAMPLED ? "01" : "00", 2);
}
