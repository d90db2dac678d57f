/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MQTT for guests: fermyon:spin/mqtt@2.0.0. A connection goes on to the component's next guest that opens
 * the same; one that the broker ended is made again by the next message.
 */
#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/random.h"
#include "services/mqtt_packet.h"
#include "services/services_int.h"

enum { ERROR_ADDRESS, ERROR_FULL, ERROR_CONNECTION, ERROR_OTHER };
enum {
    CLIENT_ID_BYTES = 128,
    CREDENTIAL_BYTES = 1024,
    QOS_MAX = 2,
    TOGETHER_BYTES = 1 << 14,
    ALIVE_S_MAX = 2
};

static const uint64_t second_ns = 1000000000;
static const uint64_t idle_max_ns = 60000000000;

struct service_mqtt {
    struct idle_link idle;
    struct net_place place;
    char client_id[CLIENT_ID_BYTES]; /* "": one at random */
    char user[CREDENTIAL_BYTES], password[CREDENTIAL_BYTES];
    uint16_t keep_alive_s;
    bool has_tls;
    struct net_stream stream;
    uint16_t number; /* of the last message */
    uint64_t sent_ns; /* when something was sent last */
};

static void hang_up(struct service_mqtt *mqtt)
{
    static const uint8_t goodbye[] = {MQTT_DISCONNECT << 4, 0};
    net_try_send(&mqtt->stream, goodbye, sizeof(goodbye));
    net_close(&mqtt->stream);
}

static void free_mqtt(struct service_mqtt *mqtt)
{
    hang_up(mqtt);
    alloc_put(&alloc_root, mqtt, sizeof(*mqtt));
}

static bool fits(const struct idle_link *link, const void *wanted)
{
    const struct service_mqtt *own = (const struct service_mqtt *)link, *other = wanted;
    return own->has_tls == other->has_tls && own->keep_alive_s == other->keep_alive_s &&
           own->place.port == other->place.port &&
           strcmp(own->place.host, other->place.host) == 0 &&
           strcmp(own->client_id, other->client_id) == 0 && strcmp(own->user, other->user) == 0 &&
           strcmp(own->password, other->password) == 0;
}

static bool is_quiet(const struct idle_link *link)
{
    return net_is_quiet(&((const struct service_mqtt *)link)->stream);
}

static void free_idle(struct idle_link *link)
{
    free_mqtt((struct service_mqtt *)link);
}

const struct link_kind mqtt_links = {fits, is_quiet, free_idle};

/* A stream that is open has nothing on its way: it is closed where that is not known. Nobody says of an idle
 * one that it is there, as has to be said as often as was agreed on. */
void service_mqtt_end(struct services_guest *guest, struct service_object *object)
{
    struct service_mqtt *mqtt = object->mqtt;
    if (mqtt == NULL)
        return;
    uint64_t idle_ns = mqtt->keep_alive_s * second_ns;
    if (idle_ns == 0 || idle_ns > idle_max_ns)
        idle_ns = idle_max_ns;
    if (net_is_quiet(&mqtt->stream))
        link_pool_give(guest->services->mqtt, &mqtt->idle, guest->component,
                       mqtt->sent_ns + idle_ns);
    else
        free_mqtt(mqtt);
    object->mqtt = NULL;
    guest->links--;
}

static const char *scheme_of(const struct service_mqtt *mqtt)
{
    return mqtt->has_tls ? "mqtts" : "mqtt";
}

/* ---- Packets ----------------------------------------------------------------------------- */

static enum net_end lost(struct net_task *task, const struct service_mqtt *mqtt, const char *why)
{
    return net_fail(task, "%.100s:%u: %.64s", mqtt->place.host, mqtt->place.port, why);
}

static enum net_end send_packet(struct net_task *task, struct service_mqtt *mqtt,
                                const struct buf *packet)
{
    if (packet->failed)
        return net_fail(task, "out of memory for a message");
    mqtt->sent_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    return net_send(task, &mqtt->place, &mqtt->stream, packet->data, packet->bytes);
}

static enum net_end send_short(struct net_task *task, struct service_mqtt *mqtt,
                               enum mqtt_type type)
{
    struct buf packet;
    buf_init(&packet, &alloc_root, TOGETHER_BYTES);
    mqtt_put_short(&packet, type, mqtt->number);
    enum net_end end = send_packet(task, mqtt, &packet);
    buf_free(&packet);
    return end;
}

static enum net_end receive_all(struct net_task *task, struct service_mqtt *mqtt, uint8_t *room,
                                size_t bytes)
{
    enum net_end end = NET_DONE;
    for (size_t got = 0, more = 0; end == NET_DONE && got < bytes; got += more)
        end = net_receive(task, &mqtt->place, &mqtt->stream, room + got, bytes - got, &more);
    return end;
}

/* The first byte of what the broker says next. Who is silent for as long as was agreed on has to say that
 * it is there. */
static enum net_end await_answer(struct net_task *task, struct service_mqtt *mqtt, uint8_t *ret_first)
{
    for (;;) {
        struct net_task until_ping = *task;
        uint64_t ping_ns = mqtt->sent_ns + mqtt->keep_alive_s * second_ns;
        bool may_ping = mqtt->keep_alive_s > 0 && ping_ns < task->until_ns;
        if (may_ping)
            until_ping.until_ns = ping_ns;
        enum net_end end = receive_all(&until_ping, mqtt, ret_first, 1);
        if (end != NET_FAILED || !may_ping || !until_ping.is_late) {
            memcpy(task->message, until_ping.message, sizeof(task->message));
            return end;
        }
        end = send_short(task, mqtt, MQTT_PINGREQ);
        if (end != NET_DONE)
            return end;
    }
}

/* The answer `wanted`, for the last message if it has a number; pongs come in between. */
static enum net_end receive_answer(struct net_task *task, struct service_mqtt *mqtt,
                                   enum mqtt_type wanted, uint8_t ret_body[MQTT_BODY_BYTES])
{
    for (;;) {
        uint8_t head[MQTT_HEAD_BYTES];
        size_t bytes = 0;
        enum net_end end = await_answer(task, mqtt, head);
        if (end == NET_DONE)
            end = receive_all(task, mqtt, head + 1, 1);
        if (end != NET_DONE)
            return end;
        enum mqtt_type type = mqtt_answer(head, &bytes);
        if (type != wanted && type != MQTT_PINGRESP)
            return lost(task, mqtt, "this is not how a broker answers");
        end = receive_all(task, mqtt, ret_body, bytes);
        if (end != NET_DONE || type == wanted)
            return end;
    }
}

static enum net_end receive_number(struct net_task *task, struct service_mqtt *mqtt,
                                   enum mqtt_type wanted)
{
    uint8_t body[MQTT_BODY_BYTES];
    enum net_end end = receive_answer(task, mqtt, wanted, body);
    if (end != NET_DONE)
        return end;
    return (body[0] << 8 | body[1]) == mqtt->number
               ? NET_DONE
               : lost(task, mqtt, "the broker answered another message");
}

/* ---- Connecting -------------------------------------------------------------------------- */

static enum net_end log_in(struct net_task *task, struct service_mqtt *mqtt)
{
    struct mqtt_login login = {.client_id = mqtt->client_id,
                               .user = mqtt->user,
                               .password = mqtt->password,
                               .keep_alive_s = mqtt->keep_alive_s};
    uint8_t body[MQTT_BODY_BYTES];
    char name[24];
    uint64_t random;
    struct buf packet;
    /* No longer than every broker has to take. */
    if (mqtt->client_id[0] == '\0') {
        if (random_fill(&random, sizeof(random)))
            return net_fail(task, "there are no random numbers");
        (void)snprintf(name, sizeof(name), "stint-%016llx", (unsigned long long)random);
        login.client_id = name;
    }
    buf_init(&packet, &alloc_root, TOGETHER_BYTES);
    mqtt_put_connect(&packet, &login);
    enum net_end end = send_packet(task, mqtt, &packet);
    buf_free(&packet);
    if (end == NET_DONE)
        end = receive_answer(task, mqtt, MQTT_CONNACK, body);
    if (end == NET_DONE && mqtt_refusal(body[1]) != NULL)
        end = lost(task, mqtt, mqtt_refusal(body[1]));
    return end;
}

static enum net_end connect(struct net_task *task, const struct services_guest *guest,
                            struct service_mqtt *mqtt)
{
    struct http_tls *tls = mqtt->has_tls ? service_tls_of(guest, task, &mqtt->place) : NULL;
    if (mqtt->has_tls && tls == NULL)
        return NET_FAILED;
    enum net_end end = net_connect(task, &mqtt->place, tls, &mqtt->stream);
    if (end == NET_DONE)
        end = log_in(task, mqtt);
    if (end != NET_DONE)
        net_close(&mqtt->stream);
    return end;
}

/* Whether the broker is still there, which an idle connection does not tell: a message that nobody
 * acknowledges would be lost. */
static enum net_end ask_whether_alive(struct net_task *task, struct service_mqtt *mqtt)
{
    struct net_task soon = *task;
    uint8_t body[MQTT_BODY_BYTES];
    uint64_t until_ns = clock_now_ns(OS_CLOCK_MONOTONIC) + ALIVE_S_MAX * second_ns;
    if (until_ns < soon.until_ns)
        soon.until_ns = until_ns;
    enum net_end end = send_short(&soon, mqtt, MQTT_PINGREQ);
    return end == NET_DONE ? receive_answer(&soon, mqtt, MQTT_PINGRESP, body) : end;
}

/* The same connection of a guest before, or a new one. */
static enum net_end connect_or_resume(struct net_task *task, struct services_guest *guest,
                                      struct service_object *object)
{
    struct service_mqtt *wanted = object->mqtt, *idle;
    while ((idle = (struct service_mqtt *)link_pool_take(guest->services->mqtt, wanted,
                                                         guest->component)) != NULL) {
        enum net_end end = ask_whether_alive(task, idle);
        if (end == NET_DONE) {
            free_mqtt(wanted);
            object->mqtt = idle;
            return NET_DONE;
        }
        net_close(&idle->stream);
        free_mqtt(idle);
        if (end == NET_STOPPED)
            return end;
    }
    return connect(task, guest, wanted);
}

/* ---- Opening ----------------------------------------------------------------------------- */

/* By the scheme: whether it is one, with TLS or not. "" behind it: it is none. */
static const char *read_scheme(const char *text, bool *ret_has_tls)
{
    static const struct {
        const char *scheme;
        bool has_tls;
    } known[] = {{"mqtt://", false}, {"tcp://", false}, {"mqtts://", true}, {"ssl://", true}};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        size_t bytes = strlen(known[i].scheme);
        if (strncmp(text, known[i].scheme, bytes) != 0)
            continue;
        *ret_has_tls = known[i].has_tls;
        return text + bytes;
    }
    return "";
}

/* mqtt://HOST:PORT or mqtts://…, with ?client_id=TEXT. Whether it is right. */
static bool read_address(const char *text, struct service_mqtt *mqtt)
{
    static const char key[] = "client_id=";
    text = read_scheme(text, &mqtt->has_tls);
    size_t bytes = strcspn(text, "/?#");
    if (!net_place_parse(text, bytes, mqtt->has_tls ? 8883 : 1883, &mqtt->place))
        return false;
    text += bytes;
    text += *text == '/';
    if (*text != '\0' && *text != '?')
        return false;
    for (; *text == '?' || *text == '&'; text += strcspn(text, "&")) {
        text++;
        size_t length = strcspn(text, "&");
        if (strncmp(text, key, sizeof(key) - 1) != 0)
            continue;
        length -= sizeof(key) - 1;
        if (length >= sizeof(mqtt->client_id))
            return false;
        memcpy(mqtt->client_id, text + sizeof(key) - 1, length);
        mqtt->client_id[length] = '\0';
    }
    return true;
}

static enum stint_status get_text(struct host_component_call *call, struct arena *arena,
                                  const uint64_t *slots, const char **ret_text, bool *ret_fits)
{
    struct wasm_name text;
    enum stint_status status =
        host_get_string(call, arena, p2_u32(slots[0]), p2_u32(slots[1]), &text);
    if (status != STINT_OK)
        return status;
    *ret_text = text.text;
    *ret_fits &= text.bytes < CREDENTIAL_BYTES && memchr(text.text, '\0', text.bytes) == NULL;
    return STINT_OK;
}

/* The object without a link; NULL: the error has been said. */
static enum stint_status make(struct host_component_call *call, uint64_t *slots,
                              struct service_object **ret_object)
{
    struct services_guest *guest = service_of(call);
    struct service_mqtt *mqtt = alloc_get_zeroed(&alloc_root, 1, sizeof(*mqtt));
    const char *texts[3] = {"", "", ""}, *why = NULL;
    uint8_t number = ERROR_OTHER;
    bool fits = true;
    struct arena arena;
    enum stint_status status = mqtt != NULL ? STINT_OK : p2_no_memory(call);
    struct service_object *object = NULL;
    arena_init(&arena, &alloc_root);
    for (int i = 0; i < 3 && status == STINT_OK; i++)
        status = get_text(call, &arena, slots + i * 2, &texts[i], &fits);
    if (status == STINT_OK) {
        mqtt->stream = NET_CLOSED;
        if (!fits || !read_address(texts[0], mqtt))
            number = ERROR_ADDRESS;
        else if (!service_may_reach(guest, scheme_of(mqtt), &mqtt->place))
            number = ERROR_CONNECTION, why = "no rule of allowed_outbound_hosts is for it";
        else if (!service_may_connect(guest) || (object = service_new(guest, SERVICE_MQTT)) == NULL)
            number = ERROR_FULL;
    }
    if (object != NULL) {
        snprintf(mqtt->user, sizeof(mqtt->user), "%s", texts[1]);
        snprintf(mqtt->password, sizeof(mqtt->password), "%s", texts[2]);
        mqtt->keep_alive_s = slots[6] > UINT16_MAX ? UINT16_MAX : (uint16_t)slots[6];
        object->mqtt = mqtt;
        guest->links++;
    } else {
        if (status == STINT_OK && (number == ERROR_CONNECTION || number == ERROR_FULL))
            service_called(guest, SERVICES_MQTT, NULL, NET_FAILED, false);
        alloc_put(&alloc_root, mqtt, mqtt != NULL ? sizeof(*mqtt) : 0);
        if (status == STINT_OK)
            status = service_error(call, slots[7], SERVICE_RESULT, number, why);
    }
    arena_free(&arena);
    *ret_object = object;
    return status;
}

enum stint_status service_mqtt_open(struct host_component_call *call, uint64_t *slots)
{
    struct service_object *object;
    uint32_t handle;
    enum stint_status status = make(call, slots, &object);
    if (status != STINT_OK || object == NULL)
        return status;
    struct net_task task = service_task(call, scheme_of(object->mqtt));
    enum net_end end = connect_or_resume(&task, service_of(call), object);
    if (end != NET_DONE) {
        service_called(service_of(call), SERVICES_MQTT, &task, end, false);
        service_end(service_of(call), object);
        return end == NET_STOPPED ? p2_stopped(call)
                                  : service_error(call, slots[7], SERVICE_RESULT,
                                                  ERROR_CONNECTION, task.message);
    }
    status = service_give(call, object, &handle);
    return status == STINT_OK ? service_ok(call, slots[7], SERVICE_RESULT, &handle, 1) : status;
}

/* ---- Publishing -------------------------------------------------------------------------- */

/* A connection that is there: one on which the broker has said something unasked has ended. */
static enum net_end refresh(struct net_task *task, const struct services_guest *guest,
                            struct service_mqtt *mqtt)
{
    if (net_is_quiet(&mqtt->stream))
        return NET_DONE;
    net_close(&mqtt->stream);
    return connect(task, guest, mqtt);
}

static enum net_end publish(struct net_task *task, struct service_mqtt *mqtt,
                            const struct wasm_name *topic, const uint8_t *data, size_t bytes,
                            unsigned qos)
{
    struct buf packet;
    bool is_together = bytes <= TOGETHER_BYTES;
    mqtt->number = mqtt->number == UINT16_MAX ? 1 : (uint16_t)(mqtt->number + 1);
    buf_init(&packet, &alloc_root, SIZE_MAX);
    mqtt_put_publish(&packet, topic->text, topic->bytes, bytes, qos, mqtt->number);
    if (is_together)
        buf_append(&packet, data, bytes);
    enum net_end end = send_packet(task, mqtt, &packet);
    buf_free(&packet);
    if (end == NET_DONE && !is_together)
        end = net_send(task, &mqtt->place, &mqtt->stream, data, bytes);
    if (end == NET_DONE && qos == 1)
        end = receive_number(task, mqtt, MQTT_PUBACK);
    if (end == NET_DONE && qos == 2)
        end = receive_number(task, mqtt, MQTT_PUBREC);
    if (end == NET_DONE && qos == 2)
        end = send_short(task, mqtt, MQTT_PUBREL);
    if (end == NET_DONE && qos == 2)
        end = receive_number(task, mqtt, MQTT_PUBCOMP);
    return end;
}

enum stint_status service_mqtt_publish(struct host_component_call *call, uint64_t *slots)
{
    struct service_object *object;
    struct arena arena;
    struct wasm_name topic = {.text = ""};
    uint32_t bytes = p2_u32(slots[4]), qos = p2_u32(slots[5]);
    const char *why = NULL;
    enum net_end end = NET_DONE;
    enum stint_status status = service_get(call, slots[0], SERVICE_MQTT, &object);
    if (status != STINT_OK)
        return status;
    if (qos > QOS_MAX)
        return p2_trap(call, "invalid enum discriminant");
    /* The guest waits meanwhile, so its memory stays as it is. */
    const uint8_t *data = host_at(call, p2_u32(slots[3]), bytes, 1);
    if (data == NULL)
        return STINT_TRAP;
    if (!service_may_call(service_of(call))) {
        service_called(service_of(call), SERVICES_MQTT, NULL, NET_FAILED, false);
        return service_error(call, slots[6], SERVICE_RESULT, ERROR_OTHER, SERVICE_CALLS_TEXT);
    }
    struct service_mqtt *mqtt = object->mqtt;
    struct net_task task = service_task(call, scheme_of(mqtt));
    arena_init(&arena, &alloc_root);
    status = host_get_string(call, &arena, p2_u32(slots[1]), p2_u32(slots[2]), &topic);
    if (status == STINT_OK && !mqtt_topic_is_valid(topic.text, topic.bytes))
        why = "this is no topic that can be published to";
    else if (status == STINT_OK && bytes > MQTT_REST_BYTES_MAX - MQTT_TEXT_BYTES_MAX - 4)
        why = "the message is too large for MQTT";
    if (status == STINT_OK && why == NULL)
        end = refresh(&task, service_of(call), mqtt);
    bool is_connected = end == NET_DONE;
    if (status == STINT_OK && why == NULL && end == NET_DONE)
        end = publish(&task, mqtt, &topic, data, bytes, qos);
    arena_free(&arena);
    /* What came of the message is not known, so a later one is not to be mistaken for it. */
    if (end != NET_DONE)
        net_close(&mqtt->stream);
    if (status != STINT_OK)
        return status;
    if (why != NULL)
        service_failed(service_of(call), SERVICES_MQTT, &task);
    else
        service_called(service_of(call), SERVICES_MQTT, &task, end, is_connected);
    if (end == NET_STOPPED)
        return p2_stopped(call);
    if (end != NET_DONE)
        return service_error(call, slots[6], SERVICE_RESULT, ERROR_CONNECTION, task.message);
    return why != NULL ? service_error(call, slots[6], SERVICE_RESULT, ERROR_OTHER, why)
                       : service_ok(call, slots[6], SERVICE_RESULT, NULL, 0);
}
