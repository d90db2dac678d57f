/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MQTT for guests: fermyon:spin/mqtt@2.0.0. A connection is one of its guest, made when it is opened and
 * ended with the guest; one that the broker ended is made again by the next message.
 */
#include <stdio.h>
#include <string.h>

#include "mqtt/mqtt_api.h"
#include "os/clock.h"
#include "os/plugin.h"
#include "services/services_int.h"

enum { ERROR_ADDRESS, ERROR_FULL, ERROR_CONNECTION, ERROR_OTHER };
enum { CLIENT_ID_BYTES = 128, CREDENTIAL_BYTES = 1024, QOS_MAX = 2 };

struct service_mqtt {
    struct net_place place;
    char client_id[CLIENT_ID_BYTES]; /* "": one at random */
    char user[CREDENTIAL_BYTES], password[CREDENTIAL_BYTES];
    uint16_t keep_alive_s;
    struct mqtt_link *link; /* NULL: it broke */
    struct mqtt_state state;
};

static const struct mqtt_api *mqtt_api(void)
{
    static _Atomic(const struct mqtt_api *) loaded;
    const struct mqtt_api *(*find)(void);
    struct stint_error ignored = {0};
    void *symbol;
    const struct mqtt_api *api = atomic_load_explicit(&loaded, memory_order_acquire);
    if (api != NULL || plugin_load(MQTT_PLUGIN, MQTT_SYMBOL, &symbol, &ignored) != STINT_OK)
        return api;
    memcpy(&find, &symbol, sizeof(find));
    api = find();
    if (api->version != MQTT_API_LEVEL)
        return NULL;
    atomic_store_explicit(&loaded, api, memory_order_release);
    return api;
}

void service_mqtt_end(struct services_guest *guest, struct service_object *object)
{
    if (object->mqtt == NULL)
        return;
    if (object->mqtt->link != NULL)
        mqtt_api()->close(object->mqtt->link);
    alloc_put(guest->alloc, object->mqtt, sizeof(*object->mqtt));
    object->mqtt = NULL;
    guest->links--;
}

/* ---- Waiting ----------------------------------------------------------------------------- */

static void close_link(struct service_mqtt *mqtt)
{
    mqtt_api()->close(mqtt->link);
    mqtt->link = NULL;
}

static enum net_end lost(struct net_task *task, const struct service_mqtt *mqtt, const char *why)
{
    return net_fail(task, "%.100s:%u: %.64s", mqtt->place.host, mqtt->place.port, why);
}

/* Until `*is_done`, one of the state's. */
static enum net_end await(struct net_task *task, struct service_mqtt *mqtt, const bool *is_done)
{
    const struct mqtt_api *api = mqtt_api();
    while (!*is_done) {
        struct ready_item item = {.fd = api->descriptor(mqtt->link), .wanted = READY_READ};
        size_t ready;
        if (mqtt->state.why != NULL || item.fd < 0)
            return lost(task, mqtt,
                        mqtt->state.why != NULL ? mqtt->state.why : "the connection was closed");
        if (api->wants_write(mqtt->link))
            item.wanted |= READY_WRITE;
        if (host_wait_any(&task->wait, &item, 1, task->until_ns, &ready) != OS_OK)
            return NET_STOPPED;
        if (ready == 0)
            return lost(task, mqtt, "no answer in time");
        bool can_write = (item.seen & (READY_WRITE | READY_ERROR)) != 0;
        bool can_read = (item.seen & (READY_READ | READY_ERROR | READY_HANGUP)) != 0;
        api->turn(mqtt->link, can_read, can_write, &mqtt->state);
    }
    return NET_DONE;
}

static enum net_end connect_to(struct net_task *task, struct service_mqtt *mqtt,
                               const struct inet_address *address)
{
    char text[INET_TEXT_BYTES];
    const struct mqtt_config config = {
        .address = text,
        .port = mqtt->place.port,
        .keep_alive_s = mqtt->keep_alive_s,
        .client_id = mqtt->client_id[0] != '\0' ? mqtt->client_id : NULL,
        .user = mqtt->user[0] != '\0' ? mqtt->user : NULL,
        .password = mqtt->password[0] != '\0' ? mqtt->password : NULL};
    inet_format(address, text);
    mqtt->link = mqtt_api()->open(&config, &mqtt->state);
    if (mqtt->link == NULL)
        return lost(task, mqtt, mqtt->state.why);
    enum net_end end = await(task, mqtt, &mqtt->state.is_connected);
    if (end != NET_DONE)
        close_link(mqtt);
    return end;
}

static enum net_end connect(struct net_task *task, struct service_mqtt *mqtt)
{
    struct inet_address addresses[INET_LOOKUP_MAX];
    size_t count;
    if (mqtt_api() == NULL)
        return net_fail(task, "this server has no MQTT");
    enum net_end end = net_resolve(task, &mqtt->place, addresses, &count);
    for (size_t i = 0; end != NET_STOPPED && i < count; i++) {
        end = connect_to(task, mqtt, &addresses[i]);
        if (end == NET_DONE || clock_now_ns(OS_CLOCK_MONOTONIC) >= task->until_ns)
            break;
    }
    return end;
}

/* ---- Opening ----------------------------------------------------------------------------- */

/* mqtt://HOST:PORT, with ?client_id=TEXT. NULL, or what is wrong. */
static const char *read_address(const char *text, struct service_mqtt *mqtt)
{
    static const char key[] = "client_id=";
    if (strncmp(text, "mqtts://", 8) == 0 || strncmp(text, "ssl://", 6) == 0)
        return "connections with TLS (mqtts://) are not offered";
    if (strncmp(text, "mqtt://", 7) != 0 && strncmp(text, "tcp://", 6) != 0)
        return "";
    text = strstr(text, "://") + 3;
    size_t bytes = strcspn(text, "/?#");
    if (!net_place_parse(text, bytes, 1883, &mqtt->place))
        return "";
    text += bytes;
    text += *text == '/';
    if (*text != '\0' && *text != '?')
        return "";
    for (; *text == '?' || *text == '&'; text += strcspn(text, "&")) {
        text++;
        size_t length = strcspn(text, "&");
        if (strncmp(text, key, sizeof(key) - 1) != 0)
            continue;
        length -= sizeof(key) - 1;
        if (length >= sizeof(mqtt->client_id))
            return "";
        memcpy(mqtt->client_id, text + sizeof(key) - 1, length);
        mqtt->client_id[length] = '\0';
    }
    return NULL;
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
    struct service_mqtt *mqtt = alloc_get_zeroed(guest->alloc, 1, sizeof(*mqtt));
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
        why = fits ? read_address(texts[0], mqtt) : "";
        if (why != NULL && why[0] == '\0')
            number = ERROR_ADDRESS;
        else if (why == NULL && !service_may_reach(guest, "mqtt", &mqtt->place))
            number = ERROR_CONNECTION, why = "no rule of allowed_outbound_hosts is for it";
        else if (why == NULL && (!service_may_connect(guest) ||
                                 (object = service_new(guest, SERVICE_MQTT)) == NULL))
            number = ERROR_FULL, why = "";
    }
    if (object != NULL) {
        snprintf(mqtt->user, sizeof(mqtt->user), "%s", texts[1]);
        snprintf(mqtt->password, sizeof(mqtt->password), "%s", texts[2]);
        mqtt->keep_alive_s = slots[6] > UINT16_MAX ? UINT16_MAX : (uint16_t)slots[6];
        object->mqtt = mqtt;
        guest->links++;
    } else {
        alloc_put(guest->alloc, mqtt, mqtt != NULL ? sizeof(*mqtt) : 0);
        if (status == STINT_OK)
            status = service_error(call, slots[7], SERVICE_RESULT, number,
                                   why[0] != '\0' ? why : NULL);
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
    struct net_task task = service_task(call, "mqtt");
    enum net_end end = connect(&task, object->mqtt);
    if (end != NET_DONE) {
        service_end(service_of(call), object);
        return end == NET_STOPPED ? p2_stopped(call)
                                  : service_error(call, slots[7], SERVICE_RESULT,
                                                  ERROR_CONNECTION, task.message);
    }
    status = service_give(call, object, &handle);
    return status == STINT_OK ? service_ok(call, slots[7], SERVICE_RESULT, &handle, 1) : status;
}

/* ---- Publishing -------------------------------------------------------------------------- */

/* A link that is connected: what the broker said since the last message is read first. */
static enum net_end refresh(struct net_task *task, struct service_mqtt *mqtt)
{
    if (mqtt->link != NULL) {
        int fd = mqtt_api()->descriptor(mqtt->link);
        bool can_read = fd >= 0 && host_wait_look(fd, READY_READ) == OS_OK;
        mqtt_api()->turn(mqtt->link, can_read, false, &mqtt->state);
        if (mqtt->state.why != NULL || !mqtt->state.is_connected)
            close_link(mqtt);
    }
    return mqtt->link != NULL ? NET_DONE : connect(task, mqtt);
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
    if (!service_may_call(service_of(call)))
        return service_error(call, slots[6], SERVICE_RESULT, ERROR_OTHER, SERVICE_CALLS_TEXT);
    struct net_task task = service_task(call, "mqtt");
    struct service_mqtt *mqtt = object->mqtt;
    arena_init(&arena, &alloc_root);
    status = host_get_string(call, &arena, p2_u32(slots[1]), p2_u32(slots[2]), &topic);
    if (status == STINT_OK && memchr(topic.text, '\0', topic.bytes) != NULL)
        why = "a topic holds no NUL";
    if (status == STINT_OK && why == NULL)
        end = refresh(&task, mqtt);
    if (status == STINT_OK && why == NULL && end == NET_DONE) {
        why = mqtt_api()->publish(mqtt->link, topic.text, data, bytes, (int)qos, &mqtt->state);
        if (why == NULL)
            end = await(&task, mqtt, &mqtt->state.is_published);
    }
    arena_free(&arena);
    /* What came of the message is not known, so a later one is not to be mistaken for it. */
    if (end != NET_DONE && mqtt->link != NULL)
        close_link(mqtt);
    if (status != STINT_OK)
        return status;
    if (end == NET_STOPPED)
        return p2_stopped(call);
    if (end != NET_DONE)
        return service_error(call, slots[6], SERVICE_RESULT, ERROR_CONNECTION, task.message);
    return why != NULL ? service_error(call, slots[6], SERVICE_RESULT, ERROR_OTHER, why)
                       : service_ok(call, slots[6], SERVICE_RESULT, NULL, 0);
}
