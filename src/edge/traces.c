/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/traces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/metrics.h"
#include "os/clock.h"
#include "os/event.h"
#include "os/files.h"
#include "os/plugin.h"
#include "os/readiness.h"
#include "os/thread.h"
#include "stint_config.h"

enum {
    QUEUE_BYTES_MAX = 16 << 20, /* whatever the number of spans */
    BODY_BYTES_MAX = 32 << 20,
    ANSWER_BYTES_MAX = 4096,
    TRIES = 6,
};
static const uint64_t second_ns = 1000000000;
static const uint64_t first_pause_ns = 1000000000, last_pause_ns = UINT64_C(30) * 1000000000;
static const uint64_t flush_ns = UINT64_C(5) * 1000000000; /* at the end, at most */
static const uint64_t warn_every_ns = UINT64_C(60) * 1000000000;

struct span {
    struct span *next;
    size_t bytes;
    char text[];
};

#define TRACES_DROPS(X) \
    X(QUEUE, "queue") X(MEMORY, "memory") X(REFUSED, "refused") X(FAILED, "failed") X(END, "end")
enum drop {
#define X(name, text) DROP_##name,
    TRACES_DROPS(X)
#undef X
    DROP_COUNT
};

struct traces {
    /* For workers, without the lock. */
    atomic_bool is_on, ignores_parents;
    atomic_ullong threshold;
    struct lock lock; /* of the queue and of `config` */
    struct traces_config *config;
    struct span *first, *last;
    uint64_t count, bytes;
    int wake; /* an event: many spans, or the end */
    atomic_bool is_ending;
    atomic_ullong end_ns; /* then: when to give up */
    const struct http_client_api *api;
    struct thread thread;
    bool has_thread;
    struct log_buffer log; /* the thread's, as what follows */
    uint64_t warned_ns;
    bool is_failing;
    atomic_ullong sent, batches, retries, failures, dropped[DROP_COUNT];
};

/* A batch on its way. */
struct sending {
    struct traces *traces;
    const struct buf *body;
    size_t done;
    uint64_t until_ns;
    unsigned status;
    uint64_t retry_after_s; /* 0: not said */
    char answer[ANSWER_BYTES_MAX + 1];
    size_t answer_bytes;
};

static uint64_t now(void)
{
    return clock_now_ns(OS_CLOCK_MONOTONIC);
}

/* ---- Workers ----------------------------------------------------------------------------- */

bool traces_samples(const struct traces *traces, uint64_t id, enum traces_parent parent)
{
    if (!atomic_load_explicit(&traces->is_on, memory_order_relaxed))
        return false;
    if (parent != TRACES_NO_PARENT &&
        !atomic_load_explicit(&traces->ignores_parents, memory_order_relaxed))
        return parent == TRACES_PARENT_SAMPLED;
    return (id & ((UINT64_C(1) << TRACES_ID_BITS) - 1)) >=
           atomic_load_explicit(&traces->threshold, memory_order_relaxed);
}

static void drop(struct traces *traces, enum drop why, uint64_t count)
{
    atomic_fetch_add_explicit(&traces->dropped[why], count, memory_order_relaxed);
}

void traces_add(struct traces *traces, const void *json, size_t bytes)
{
    struct span *span = alloc_get(&alloc_root, sizeof(*span) + bytes);
    if (span == NULL) {
        drop(traces, DROP_MEMORY, 1);
        return;
    }
    span->next = NULL;
    span->bytes = bytes;
    memcpy(span->text, json, bytes);
    lock_take(&traces->lock);
    bool fits = traces->count < traces->config->queue && traces->bytes + bytes <= QUEUE_BYTES_MAX;
    bool is_many = fits && traces->count + 1 == traces->config->batch;
    if (fits) {
        if (traces->last != NULL)
            traces->last->next = span;
        else
            traces->first = span;
        traces->last = span;
        traces->count++;
        traces->bytes += bytes;
    }
    lock_give(&traces->lock);
    if (is_many)
        event_set(traces->wake);
    if (fits)
        return;
    drop(traces, DROP_QUEUE, 1);
    alloc_put(&alloc_root, span, sizeof(*span) + bytes);
}

/* ---- One request ------------------------------------------------------------------------- */

static bool is_cancelled(void *env)
{
    const struct sending *sending = env;
    uint64_t end_ns = atomic_load(&sending->traces->end_ns), now_ns = now();
    return now_ns >= sending->until_ns || (end_ns != 0 && now_ns >= end_ns);
}

static bool allows(void *env, const struct http_client_address *address)
{
    (void)env;
    (void)address;
    return true;
}

static int64_t read_body(void *env, void *data, size_t bytes)
{
    struct sending *sending = env;
    size_t left = sending->body->bytes - sending->done;
    size_t piece = left < bytes ? left : bytes;
    if (piece > 0)
        memcpy(data, sending->body->data + sending->done, piece);
    sending->done += piece;
    return (int64_t)piece;
}

static bool take_header(void *env, const struct http_client_header *header)
{
    static const char name[] = "retry-after";
    struct sending *sending = env;
    bool is_it = header->name_bytes == strlen(name);
    uint64_t seconds = 0;
    for (size_t i = 0; i < strlen(name) && is_it; i++)
        is_it = (header->name[i] | 0x20) == name[i];
    for (size_t i = 0; i < header->value_bytes && is_it; i++) {
        is_it = header->value[i] >= '0' && header->value[i] <= '9' && i < 9; /* not a date */
        seconds = seconds * 10 + (uint64_t)(header->value[i] - '0');
    }
    if (is_it)
        sending->retry_after_s = seconds;
    return true;
}

static bool take_status(void *env, unsigned status)
{
    ((struct sending *)env)->status = status;
    return true;
}

static int64_t take_answer(void *env, const void *data, size_t bytes)
{
    struct sending *sending = env;
    size_t room = ANSWER_BYTES_MAX - sending->answer_bytes;
    size_t piece = bytes < room ? bytes : room;
    memcpy(sending->answer + sending->answer_bytes, data, piece);
    sending->answer_bytes += piece;
    return (int64_t)bytes;
}

static bool take_trailer(void *env, const struct http_client_header *header)
{
    (void)env;
    (void)header;
    return true;
}

/* 0, or 1 + the case of wasi:http's error-code: there is no whole answer. */
static uint32_t post(struct sending *sending, const struct traces_config *config)
{
    enum { OWN = 3, HEADERS_MAX = 40 };
    struct http_client_header headers[HEADERS_MAX];
    char length[24];
    static const char agent[] = "stint/" STINT_VERSION;
    int length_bytes = snprintf(length, sizeof(length), "%zu", sending->body->bytes);
    headers[0] = (struct http_client_header){"content-type", (const uint8_t *)"application/json", 12, 16};
    headers[1] = (struct http_client_header){"content-length", (const uint8_t *)length, 14,
                                             (size_t)length_bytes};
    headers[2] =
        (struct http_client_header){"user-agent", (const uint8_t *)agent, 10, strlen(agent)};
    size_t count = OWN;
    for (size_t i = 0; i < config->header_count && count < HEADERS_MAX; i++)
        headers[count++] = config->headers[i];
    const struct http_client_request request = {.method = "POST",
                                                .url = config->endpoint,
                                                .headers = headers,
                                                .header_count = count,
                                                .has_body = true,
                                                .connect_timeout_ns = config->timeout_ns,
                                                .env = sending,
                                                .is_cancelled = is_cancelled,
                                                .allows = allows,
                                                .read = read_body,
                                                .header = take_header,
                                                .start = take_status,
                                                .write = take_answer,
                                                .trailer = take_trailer};
    sending->done = sending->answer_bytes = 0;
    sending->status = 0;
    sending->retry_after_s = 0;
    sending->until_ns = now() + config->timeout_ns;
    uint32_t code = sending->traces->api->perform(&request);
    sending->answer[sending->answer_bytes] = '\0';
    return code;
}

/* ---- Batches ----------------------------------------------------------------------------- */

static void free_spans(struct span *span)
{
    for (struct span *next; span != NULL; span = next) {
        next = span->next;
        alloc_put(&alloc_root, span, sizeof(*span) + span->bytes);
    }
}

/* The first spans of the queue; NULL: it is empty. */
static struct span *take_batch(struct traces *traces, uint64_t *ret_count,
                               struct traces_config **ret_config)
{
    uint64_t count = 0;
    lock_take(&traces->lock);
    struct span *first = traces->first, *last = NULL;
    for (struct span *at = first; at != NULL && count < traces->config->batch; at = at->next) {
        last = at;
        count++;
        traces->bytes -= at->bytes;
    }
    if (last != NULL) {
        traces->first = last->next;
        last->next = NULL;
    }
    if (traces->first == NULL)
        traces->last = NULL;
    traces->count -= count;
    *ret_config = traces->config;
    atomic_fetch_add_explicit(&traces->config->references, 1, memory_order_relaxed);
    lock_give(&traces->lock);
    *ret_count = count;
    return first;
}

static bool make_body(struct buf *body, const struct traces_config *config, const struct span *span)
{
    (void)buf_append_string(body, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    (void)buf_append(body, config->resource, config->resource_bytes);
    (void)buf_append_string(body, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"stint\",\"version\":\""
                                  STINT_VERSION "\"},\"spans\":[");
    for (const struct span *at = span; at != NULL; at = at->next) {
        (void)buf_append(body, at->text, at->bytes);
        (void)buf_append_string(body, at->next != NULL ? ",\n" : "");
    }
    return buf_append_string(body, "]}]}]}") && !body->failed;
}

/* Of a partial success: "rejectedSpans": 3, or "3". */
static uint64_t rejected_of(const struct sending *sending)
{
    static const char key[] = "\"rejectedSpans\"";
    const char *at = strstr(sending->answer, key);
    if (at == NULL)
        return 0;
    at += strlen(key);
    at += strspn(at, " \t\r\n:\"");
    return strtoull(at, NULL, 10);
}

static void warn(struct traces *traces, const struct traces_config *config, const char *what,
                 unsigned number)
{
    uint64_t now_ns = now();
    traces->is_failing = true;
    if (traces->warned_ns != 0 && now_ns - traces->warned_ns < warn_every_ns)
        return;
    traces->warned_ns = now_ns;
    log_line(&traces->log, LOG_WARN, NULL, NULL,
             "traces: %.200s: %s %u; spans that cannot be kept meanwhile are dropped "
             "(stint_spans_dropped_total)",
             config->endpoint, what, number);
    log_flush(&traces->log);
}

/* Waits, unless the end comes first. */
static void pause_for(struct traces *traces, uint64_t pause_ns)
{
    uint64_t until_ns = now() + pause_ns;
    for (uint64_t now_ns; (now_ns = now()) < until_ns && !atomic_load(&traces->is_ending);) {
        struct ready_item item = {.fd = traces->wake, .wanted = READY_READ};
        size_t ready;
        event_clear(traces->wake);
        if (atomic_load(&traces->is_ending) || ready_wait(&item, 1, until_ns - now_ns, &ready))
            return;
    }
}

static void succeeded(struct traces *traces, const struct traces_config *config,
                      const struct sending *sending, uint64_t count)
{
    uint64_t rejected = rejected_of(sending);
    rejected = rejected < count ? rejected : count;
    atomic_fetch_add(&traces->sent, count - rejected);
    atomic_fetch_add(&traces->batches, 1);
    if (rejected > 0) {
        drop(traces, DROP_REFUSED, rejected);
        warn(traces, config, "the collector rejected spans of a batch:", (unsigned)rejected);
    } else if (traces->is_failing) {
        traces->is_failing = false;
        traces->warned_ns = 0;
        log_line(&traces->log, LOG_INFO, NULL, NULL, "traces: the collector takes spans again");
        log_flush(&traces->log);
    }
}

/* Until it arrives, is refused, or has been tried often. */
static void send_body(struct traces *traces, const struct traces_config *config,
                      const struct buf *body, uint64_t count)
{
    struct sending sending = {.traces = traces, .body = body};
    uint64_t pause_ns = first_pause_ns;
    for (unsigned try = 1;; try++) {
        uint32_t code = post(&sending, config);
        unsigned status = code == 0 ? sending.status : 0;
        if (status >= 200 && status < 300) {
            succeeded(traces, config, &sending, count);
            return;
        }
        if (status != 0)
            warn(traces, config, "the collector answers", status);
        else
            warn(traces, config, "the collector gives no answer, error", code - 1);
        bool may_help = status == 0 || status == 429 || (status >= 502 && status <= 504);
        bool is_last = try == TRIES || atomic_load(&traces->is_ending);
        if (!may_help || is_last) {
            atomic_fetch_add(&traces->failures, 1);
            drop(traces, !may_help ? DROP_REFUSED : try == TRIES ? DROP_FAILED : DROP_END, count);
            return;
        }
        atomic_fetch_add(&traces->retries, 1);
        /* Servers that restart should not be met by all at once: up to a quarter more. */
        uint64_t wait_ns = pause_ns + now() % (pause_ns / 4);
        if (sending.retry_after_s > 0)
            wait_ns = sending.retry_after_s * second_ns;
        pause_for(traces, wait_ns < last_pause_ns ? wait_ns : last_pause_ns);
        pause_ns = pause_ns * 2 < last_pause_ns ? pause_ns * 2 : last_pause_ns;
    }
}

/* False: there was nothing to be sent. */
static bool send_batch(struct traces *traces)
{
    struct traces_config *config;
    uint64_t count;
    struct buf body;
    struct span *spans = take_batch(traces, &count, &config);
    buf_init(&body, &alloc_root, BODY_BYTES_MAX);
    uint64_t end_ns = atomic_load(&traces->end_ns);
    if (spans == NULL || config->endpoint[0] == '\0')
        drop(traces, DROP_END, count);
    else if (end_ns != 0 && now() >= end_ns)
        drop(traces, DROP_END, count);
    else if (!make_body(&body, config, spans))
        drop(traces, DROP_MEMORY, count);
    else
        send_body(traces, config, &body, count);
    free_spans(spans);
    buf_free(&body);
    traces_config_release(config);
    return count > 0;
}

static void await_batch(struct traces *traces)
{
    struct ready_item item = {.fd = traces->wake, .wanted = READY_READ};
    size_t ready;
    lock_take(&traces->lock);
    uint64_t wait_ns = traces->config->interval_ns;
    bool is_many = traces->count >= traces->config->batch;
    lock_give(&traces->lock);
    if (!is_many && !atomic_load(&traces->is_ending))
        (void)!ready_wait(&item, 1, wait_ns, &ready);
    event_clear(traces->wake);
}

static void run(void *context)
{
    struct traces *traces = context;
    while (!atomic_load(&traces->is_ending)) {
        await_batch(traces);
        (void)send_batch(traces);
    }
    while (send_batch(traces)) {
    }
    log_flush(&traces->log);
}

/* ---- Creation ---------------------------------------------------------------------------- */

static enum stint_status load(struct traces *traces, struct stint_error *error)
{
    const void *table;
    struct stint_error detail = {0};
    enum stint_status status = plugin_table("libstint-http.so", HTTP_CLIENT_SYMBOL,
                                            HTTP_CLIENT_VERSION, &table, &detail);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "traces cannot be sent: %s",
                         detail.message);
    traces->api = table;
    return STINT_OK;
}

enum stint_status traces_prepare(struct traces *traces, const struct traces_config *config,
                                 struct stint_error *error)
{
    return config->endpoint[0] != '\0' && traces->api == NULL ? load(traces, error) : STINT_OK;
}

enum stint_status traces_configure(struct traces *traces, struct traces_config *config,
                                   struct stint_error *error)
{
    bool is_on = config->endpoint[0] != '\0';
    enum stint_status status = traces_prepare(traces, config, error);
    if (status != STINT_OK) {
        traces_config_release(config);
        return status;
    }
    lock_take(&traces->lock);
    struct traces_config *old = traces->config;
    traces->config = config;
    lock_give(&traces->lock);
    traces_config_release(old);
    if (is_on && !traces->has_thread) {
        traces->has_thread = thread_start(&traces->thread, run, traces, true);
        if (!traces->has_thread)
            return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no thread for traces");
    }
    atomic_store(&traces->ignores_parents, config->ignores_parents);
    atomic_store(&traces->threshold, config->threshold);
    atomic_store(&traces->is_on, is_on);
    return STINT_OK;
}

enum stint_status traces_create(struct log *log, struct traces_config *config,
                                struct traces **ret_traces, struct stint_error *error)
{
    struct traces *traces = alloc_get_zeroed(&alloc_root, 1, sizeof(*traces));
    if (traces == NULL || event_create(&traces->wake) != OS_OK) {
        alloc_put(&alloc_root, traces, traces != NULL ? sizeof(*traces) : 0);
        traces_config_release(config);
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for traces");
    }
    lock_init(&traces->lock);
    log_buffer_init(&traces->log, log);
    enum stint_status status = traces_configure(traces, config, error);
    if (status == STINT_OK)
        *ret_traces = traces;
    else
        traces_free(traces);
    return status;
}

void traces_free(struct traces *traces)
{
    if (traces == NULL)
        return;
    if (traces->has_thread) {
        uint64_t limit_ns = traces->config->timeout_ns < flush_ns ? traces->config->timeout_ns : flush_ns;
        atomic_store(&traces->end_ns, now() + limit_ns);
        atomic_store(&traces->is_ending, true);
        event_set(traces->wake);
        thread_join(&traces->thread);
    }
    free_spans(traces->first);
    traces_config_release(traces->config);
    log_buffer_free(&traces->log);
    lock_free(&traces->lock);
    file_close(traces->wake);
    alloc_put(&alloc_root, traces, sizeof(*traces));
}

/* ---- Metrics ----------------------------------------------------------------------------- */

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
    (void)buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void traces_print(struct traces *traces, struct buf *out)
{
#define X(name, text) text,
    static const char *const drops[] = {TRACES_DROPS(X)};
#undef X
    const struct {
        const char *name;
        atomic_ullong *value;
    } exports[] = {{"sent", &traces->batches},
                   {"retried", &traces->retries},
                   {"failed", &traces->failures}};
    lock_take(&traces->lock);
    unsigned long long queued = traces->count;
    lock_give(&traces->lock);
    put_head(out, "stint_spans_queued", "gauge", "Spans that wait to be sent.");
    (void)buf_append_format(out, "stint_spans_queued %llu\n", queued);
    put_head(out, "stint_spans_sent_total", "counter", "Spans that the collector has taken.");
    (void)buf_append_format(out, "stint_spans_sent_total %llu\n", atomic_load(&traces->sent));
    put_head(out, "stint_spans_dropped_total", "counter", "Spans that were not sent, and why.");
    for (size_t i = 0; i < DROP_COUNT; i++)
        (void)buf_append_format(out, "stint_spans_dropped_total{reason=\"%s\"} %llu\n", drops[i],
                                atomic_load(&traces->dropped[i]));
    put_head(out, "stint_span_exports_total", "counter", "Batches of spans.");
    for (size_t i = 0; i < COUNT_OF(exports); i++)
        (void)buf_append_format(out, "stint_span_exports_total{result=\"%s\"} %llu\n",
                                exports[i].name, atomic_load(exports[i].value));
}
