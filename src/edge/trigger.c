/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/trigger.h"

#include <string.h>

#include "edge/application.h"
#include "edge/request.h"
#include "os/clock.h"
#include "services/redis_link.h"
#include "services/services.h"

enum { RUNNING_MAX = 64, MESSAGE_WORDS = 3 }; /* of a trigger, at a time */

static const uint64_t second_ns = 1000000000, first_pause_ns = 100000000;

struct trigger_message {
    struct trigger_message *next;
    size_t bytes, capacity;
    bool is_accepted;
    uint8_t data[];
};

struct trigger {
    struct trigger *next; /* of the worker */
    struct worker *worker;
    struct edge_app *app; /* a reference */
    const struct app_redis *from;
    struct edge_component *component;
    struct trigger_counts *counts;
    struct redis_url url;
    struct loop_task task; /* the subscription */
    bool is_alive;
    atomic_bool is_stopped;
    uint64_t running; /* messages */
    struct trigger_message *first, **last; /* that came in, and have not begun */
    uint64_t pending;
    char label[];
};

/* ---- Messages ---------------------------------------------------------------------------- */

static uint64_t most_at_a_time(const struct trigger *trigger)
{
    uint64_t most = trigger->component->app->limits.concurrency;
    return most < RUNNING_MAX ? most : RUNNING_MAX;
}

static void free_message(struct trigger_message *message)
{
    alloc_put(&alloc_root, message, message->capacity);
}

static void log_trigger(const struct trigger *trigger, enum log_level level, const char *what,
                        const char *why)
{
    log_line(&trigger->worker->log, level, trigger->component->app->id, NULL,
             "redis trigger: %s:%u, channel '%s': %s%s", trigger->url.place.host,
             trigger->url.place.port, trigger->from->channel, what, why);
}

/* On the subscription's fiber. */
static void take_message(struct trigger *trigger, const struct redis_view *view)
{
    uint64_t most = trigger->component->app->limits.request_bytes;
    size_t capacity = sizeof(struct trigger_message) + view->bytes;
    struct trigger_message *message = NULL;
    if (view->bytes > most)
        log_trigger(trigger, LOG_WARN, "a message is dropped: it is longer than request_size", "");
    else if ((message = alloc_get(&alloc_root, capacity)) == NULL)
        log_trigger(trigger, LOG_ERROR, "a message is dropped: out of memory", "");
    if (message == NULL) {
        atomic_fetch_add(&trigger->counts->dropped, 1);
        return;
    }
    *message = (struct trigger_message){.bytes = view->bytes, .capacity = capacity};
    if (view->bytes > 0)
        memcpy(message->data, view->text, view->bytes);
    *trigger->last = message;
    trigger->last = &message->next;
    trigger->pending++;
}

static void begin_message(struct trigger *trigger, struct trigger_message *message)
{
    struct request *request = request_create(trigger->worker, trigger->app);
    if (request == NULL) {
        log_trigger(trigger, LOG_ERROR, "a message is dropped: out of memory", "");
        atomic_fetch_add(&trigger->counts->dropped, 1);
        free_message(message);
        return;
    }
    trigger->running++;
    request->component = trigger->component;
    request->payload = message;
    request->trigger = trigger;
    switch (request_limits_enter(request)) {
    case PLACE_HELD:
        request_begin(request);
        break;
    case PLACE_NONE:
        trigger_refused(request);
        break;
    default: /* it begins when there is a place */
        break;
    }
}

enum stint_status trigger_run(struct request *request)
{
    struct trigger_message *message = request->payload;
    return guest_message(request->use, message->data, message->bytes, &message->is_accepted,
                         &request->error);
}

void trigger_refused(struct request *request)
{
    metrics_limit(request, HIT_CONCURRENCY);
    log_line(&request->worker->log, LOG_WARN, request->component->app->id, request->id,
             "a message of the channel '%s' is dropped: too many requests at a time",
             request->trigger->from->channel);
    request_end(request);
}

static void end_if_over(struct trigger *trigger)
{
    struct worker *worker = trigger->worker;
    struct trigger **at = &worker->triggers;
    if (trigger->is_alive || trigger->running > 0 || trigger->first != NULL)
        return;
    while (*at != trigger)
        at = &(*at)->next;
    *at = trigger->next;
    application_release(trigger->app);
    alloc_put(&alloc_root, trigger, sizeof(*trigger) + strlen(trigger->label) + 1);
    worker->running--;
    worker_idle(worker);
}

void trigger_done(struct request *request)
{
    struct trigger *trigger = request->trigger;
    struct trigger_message *message = request->payload;
    struct trigger_counts *counts = trigger->counts;
    bool is_handled = request->is_done && request->status == STINT_OK && message->is_accepted;
    if (request->is_done && request->status == STINT_OK && !message->is_accepted)
        log_line(&request->worker->log, LOG_WARN, request->component->app->id, request->id,
                 "its handler of messages returned an error");
    atomic_fetch_add(is_handled          ? &counts->handled
                     : request->is_done  ? &counts->failed
                                         : &counts->dropped,
                     1);
    free_message(message);
    trigger->running--;
    if (trigger->is_alive)
        loop_wake(&trigger->task);
    end_if_over(trigger);
}

/* ---- The subscription, on its fiber ------------------------------------------------------ */

static struct net_task task_of(struct trigger *trigger, uint64_t most_ns)
{
    return (struct net_task){
        .wait = {.interrupt = &trigger->is_stopped, .waiter = &trigger->task.waiter},
        .until_ns = clock_now_ns(OS_CLOCK_MONOTONIC) + most_ns,
        .scheme = "redis"};
}

static bool is_text(const struct redis_view *view, const char *text)
{
    return view->bytes == strlen(text) && memcmp(view->text, text, view->bytes) == 0;
}

/* "message", the channel, what it says; other lists are confirmations. */
static enum net_end take_reply(struct trigger *trigger, struct net_task *task,
                               const struct redis_reply *reply)
{
    const struct redis_api *api = redis_api();
    struct redis_view view = api->view(reply);
    if (view.kind == REDIS_KIND_ERROR)
        return net_fail(task, "%.*s", (int)(view.bytes < 160 ? view.bytes : 160), view.text);
    if (view.kind != REDIS_KIND_LIST || view.bytes == 0)
        return NET_DONE;
    struct redis_view kind = api->view(api->item(reply, 0));
    if (kind.kind != REDIS_KIND_BYTES)
        return NET_DONE;
    if (is_text(&kind, "subscribe")) {
        atomic_store(&trigger->counts->is_connected, true);
        atomic_fetch_add(&trigger->counts->connections, 1);
        log_trigger(trigger, LOG_INFO, "subscribed", "");
    } else if (is_text(&kind, "message") && view.bytes == MESSAGE_WORDS) {
        struct redis_view message = api->view(api->item(reply, 2));
        if (message.kind == REDIS_KIND_BYTES)
            take_message(trigger, &message);
    }
    return NET_DONE;
}

/* Not so many at a time: the server keeps what comes meanwhile. */
static void await_place(struct trigger *trigger)
{
    size_t ready;
    while (trigger->pending + trigger->running >= most_at_a_time(trigger) &&
           !atomic_load(&trigger->is_stopped))
        (void)!trigger->task.waiter.wait(&trigger->task.waiter, NULL, 0, UINT64_MAX, &ready);
}

static enum net_end send_words(struct net_task *task, struct redis_link *link, size_t count,
                               const char *const *words)
{
    size_t bytes[2] = {strlen(words[0]), count > 1 ? strlen(words[1]) : 0};
    const struct redis_command command = {words, bytes, count};
    return redis_link_send(task, link, &command);
}

/* Until the connection is lost. A server that says nothing for long is asked whether it is there. */
static enum net_end listen_to(struct trigger *trigger, struct redis_link *link,
                              struct net_task *task)
{
    const char *const subscribe[] = {"SUBSCRIBE", trigger->from->channel};
    bool is_asked = false;
    enum net_end end = send_words(task, link, 2, subscribe);
    while (end == NET_DONE) {
        struct redis_reply *reply;
        await_place(trigger);
        *task = task_of(trigger, (is_asked ? 10 : 30) * second_ns);
        end = redis_link_receive(task, link, &reply);
        if (end == NET_DONE) {
            is_asked = false;
            end = take_reply(trigger, task, reply);
            redis_api()->reply_free(reply);
        } else if (task->is_late && !is_asked) {
            is_asked = true;
            *task = task_of(trigger, 10 * second_ns);
            end = send_words(task, link, 1, (const char *const[]){"PING"});
        }
    }
    return end;
}

/* Not all servers that wait for Redis ask it again at the same moment. */
static uint64_t spread(const struct trigger *trigger, uint64_t pause_ns)
{
    uint64_t seed = trigger->worker->id_seed ^ clock_now_ns(OS_CLOCK_MONOTONIC);
    return pause_ns - pause_ns / 4 + (seed * 0x9e3779b97f4a7c15u >> 32) % (pause_ns / 2);
}

static enum net_end open_link(struct trigger *trigger, struct net_task *task,
                              struct redis_link **ret_link)
{
    struct redis_url *url = &trigger->url;
    if (url->has_tls && url->tls == NULL)
        url->tls = services_tls(trigger->app->services, trigger->component->app, &url->place,
                                task->message, sizeof(task->message));
    return url->has_tls && url->tls == NULL ? NET_FAILED : redis_link_open(task, url, ret_link);
}

static void subscribe(void *arg)
{
    struct trigger *trigger = arg;
    uint64_t pause_ns = first_pause_ns;
    while (!atomic_load(&trigger->is_stopped)) {
        struct redis_link *link = NULL;
        struct net_task task = task_of(trigger, 10 * second_ns);
        size_t ready;
        enum net_end end = open_link(trigger, &task, &link);
        if (end == NET_DONE)
            end = listen_to(trigger, link, &task);
        redis_link_free(link);
        if (atomic_exchange(&trigger->counts->is_connected, false))
            pause_ns = first_pause_ns;
        if (end == NET_STOPPED || atomic_load(&trigger->is_stopped))
            break;
        log_trigger(trigger, LOG_WARN, "not subscribed, will try again: ", task.message);
        task = task_of(trigger, spread(trigger, pause_ns));
        if (host_wait_any(&task.wait, NULL, 0, task.until_ns, &ready) != OS_OK)
            break;
        pause_ns = pause_ns * 2 < 30 * second_ns ? pause_ns * 2 : 30 * second_ns;
    }
}

/* ---- Its life ---------------------------------------------------------------------------- */

/* Fibers do not start fibers, so what came in begins here. */
static void after(void *env, bool is_alive)
{
    struct trigger *trigger = env;
    struct trigger_message *message = trigger->first;
    trigger->first = NULL;
    trigger->last = &trigger->first;
    trigger->pending = 0;
    trigger->is_alive = true; /* trigger_done is not to end it in between */
    while (message != NULL) {
        struct trigger_message *next = message->next;
        begin_message(trigger, message);
        message = next;
    }
    trigger->is_alive = is_alive;
    end_if_over(trigger);
}

static void start(struct worker *worker, struct edge_app *app, uint32_t number)
{
    static const char prefix[] = "redis ";
    const struct app_redis *from = &app->app->redis[number];
    struct edge_component *component = &app->components[from->component];
    bool is_alive = false;
    size_t channel = strlen(from->channel);
    if (component->guest == NULL)
        return; /* which has been said */
    struct trigger *trigger =
        alloc_get_zeroed(&alloc_root, 1, sizeof(*trigger) + channel + sizeof(prefix));
    if (trigger == NULL)
        return;
    memcpy(trigger->label, prefix, sizeof(prefix) - 1);
    memcpy(trigger->label + sizeof(prefix) - 1, from->channel, channel);
    trigger->worker = worker;
    trigger->app = application_retain(app);
    trigger->from = from;
    trigger->component = component;
    trigger->counts = &app->trigger_counts[number];
    trigger->last = &trigger->first;
    trigger->is_alive = true;
    trigger->next = worker->triggers;
    worker->triggers = trigger;
    worker->running++;
    const char *why = redis_url_parse(from->address, &trigger->url);
    if (why == NULL && redis_api() == NULL)
        why = "this server has no Redis";
    if (why != NULL)
        log_line(&worker->log, LOG_ERROR, component->app->id, NULL,
                 "redis trigger: channel '%s': its address is of no use: %s", from->channel, why);
    loop_task_init(&trigger->task, worker->loop, after, trigger);
    if (why == NULL && loop_start(&trigger->task, subscribe, trigger, &is_alive) != STINT_OK)
        log_trigger(trigger, LOG_ERROR, "there is no memory for it", "");
    after(trigger, is_alive);
}

void triggers_start(struct worker *worker)
{
    const struct edge_server *server = worker->server;
    struct edge_app *app = worker->app;
    for (uint32_t i = 0; i < app->app->redis_count; i++) {
        if (i % server->worker_count == worker->number &&
            app->app->redis[i].component != APP_NONE)
            start(worker, app, i);
    }
}

void triggers_stop(struct worker *worker)
{
    for (struct trigger *trigger = worker->triggers; trigger != NULL; trigger = trigger->next) {
        atomic_store(&trigger->is_stopped, true);
        if (trigger->is_alive)
            loop_wake(&trigger->task);
    }
}

const char *trigger_label(const struct trigger *trigger)
{
    return trigger->label;
}

/* ---- Metrics ----------------------------------------------------------------------------- */

static void put_labels(const struct edge_app *app, uint32_t number, const char *name,
                       struct buf *out)
{
    const struct app_redis *from = &app->app->redis[number];
    (void)buf_append_format(out, "%s{component=\"", name);
    (void)metrics_put_label(out, app->app->components[from->component].id);
    (void)buf_append_string(out, "\",channel=\"");
    (void)metrics_put_label(out, from->channel);
    (void)buf_append_string(out, "\"");
}

void triggers_print(const struct edge_app *app, struct buf *out)
{
    static const char *const results[] = {"handled", "failed", "dropped"};
    static const char messages[] = "stint_messages_total", up[] = "stint_trigger_up";
    static const char subscriptions[] = "stint_trigger_subscriptions_total";
    uint32_t count = app->app->redis_count;
    if (count == 0)
        return;
    (void)buf_append_format(out, "# HELP %s Messages of channels.\n# TYPE %s counter\n", messages,
                            messages);
    for (uint32_t i = 0; i < count; i++) {
        const struct trigger_counts *counts = &app->trigger_counts[i];
        const unsigned long long values[] = {atomic_load(&counts->handled),
                                             atomic_load(&counts->failed),
                                             atomic_load(&counts->dropped)};
        for (size_t k = 0; k < COUNT_OF(results) && app->app->redis[i].component != APP_NONE; k++) {
            put_labels(app, i, messages, out);
            (void)buf_append_format(out, ",result=\"%s\"} %llu\n", results[k], values[k]);
        }
    }
    (void)buf_append_format(out, "# HELP %s 1: it is subscribed.\n# TYPE %s gauge\n", up, up);
    for (uint32_t i = 0; i < count; i++) {
        if (app->app->redis[i].component == APP_NONE)
            continue;
        put_labels(app, i, up, out);
        (void)buf_append_format(out, "} %d\n", atomic_load(&app->trigger_counts[i].is_connected));
    }
    (void)buf_append_format(out, "# HELP %s Times that it subscribed.\n# TYPE %s counter\n",
                            subscriptions, subscriptions);
    for (uint32_t i = 0; i < count; i++) {
        if (app->app->redis[i].component == APP_NONE)
            continue;
        put_labels(app, i, subscriptions, out);
        (void)buf_append_format(out, "} %llu\n",
                                (unsigned long long)atomic_load(
                                    &app->trigger_counts[i].connections));
    }
}
