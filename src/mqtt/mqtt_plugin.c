/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdint.h>
#include <string.h>

#include "mqtt/mqtt_api.h"

enum { PACKETS = 16, KEEP_ALIVE_MIN_S = 5 };

static const char *why_of(int code)
{
    return code == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(code);
}

static void lose(struct mqtt_state *state, int code)
{
    if (code != MOSQ_ERR_SUCCESS && state->why == NULL)
        state->why = why_of(code);
}

/* ---- What the library tells -------------------------------------------------------------- */

static void on_connect(struct mosquitto *client, void *env, int code)
{
    struct mqtt_state *state = env;
    (void)client;
    state->is_connected = code == 0;
    if (code != 0 && state->why == NULL)
        state->why = mosquitto_connack_string(code);
}

static void on_disconnect(struct mosquitto *client, void *env, int code)
{
    struct mqtt_state *state = env;
    (void)client;
    state->is_connected = false;
    /* After a refusal too, which says more. */
    if (state->why == NULL)
        state->why = code == MOSQ_ERR_SUCCESS || code == MOSQ_ERR_CONN_LOST
                         ? "the connection was closed"
                         : why_of(code);
}

static void on_publish(struct mosquitto *client, void *env, int message)
{
    struct mqtt_state *state = env;
    (void)client;
    (void)message; /* there is one at a time */
    state->is_published = true;
}

/* ---- Links ------------------------------------------------------------------------------- */

static void end(struct mqtt_link *link)
{
    struct mosquitto *client = (struct mosquitto *)link;
    if (client == NULL)
        return;
    mosquitto_disconnect_callback_set(client, NULL);
    (void)mosquitto_disconnect(client);
    mosquitto_destroy(client);
}

static uint16_t keep_alive_of(const struct mqtt_config *config)
{
    bool is_short = config->keep_alive_s > 0 && config->keep_alive_s < KEEP_ALIVE_MIN_S;
    return is_short ? KEEP_ALIVE_MIN_S : config->keep_alive_s;
}

static struct mqtt_link *begin(const struct mqtt_config *config, struct mqtt_state *state)
{
    struct mosquitto *client = mosquitto_new(config->client_id, true, state);
    int code = MOSQ_ERR_SUCCESS;
    *state = (struct mqtt_state){.why = NULL};
    if (client == NULL) {
        state->why = errno == EINVAL ? "the client id is not right" : "out of memory";
        return NULL;
    }
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_disconnect_callback_set(client, on_disconnect);
    mosquitto_publish_callback_set(client, on_publish);
    if (config->user != NULL)
        code = mosquitto_username_pw_set(client, config->user, config->password);
    if (code == MOSQ_ERR_SUCCESS)
        code = mosquitto_connect_async(client, config->address, config->port,
                                       keep_alive_of(config));
    lose(state, code);
    if (code == MOSQ_ERR_SUCCESS)
        return (struct mqtt_link *)client;
    end((struct mqtt_link *)client);
    return NULL;
}

static int descriptor(struct mqtt_link *link)
{
    return mosquitto_socket((struct mosquitto *)link);
}

static bool wants_write(struct mqtt_link *link)
{
    return mosquitto_want_write((struct mosquitto *)link);
}

static void turn(struct mqtt_link *link, bool can_read, bool can_write, struct mqtt_state *state)
{
    struct mosquitto *client = (struct mosquitto *)link;
    int code = MOSQ_ERR_SUCCESS;
    if (can_write)
        code = mosquitto_loop_write(client, PACKETS);
    if (code == MOSQ_ERR_SUCCESS && can_read)
        code = mosquitto_loop_read(client, PACKETS);
    if (code == MOSQ_ERR_SUCCESS)
        code = mosquitto_loop_misc(client);
    lose(state, code);
}

static const char *publish(struct mqtt_link *link, const char *topic, const void *data,
                           size_t bytes, int qos, struct mqtt_state *state)
{
    if (bytes > MQTT_MAX_PAYLOAD)
        return "the message is too large for MQTT";
    state->is_published = false;
    int code = mosquitto_publish((struct mosquitto *)link, NULL, topic, (int)bytes, data, qos,
                                 false);
    if (code == MOSQ_ERR_INVAL || code == MOSQ_ERR_MALFORMED_UTF8)
        return "this is no topic that can be published to";
    if (code != MOSQ_ERR_SUCCESS)
        return why_of(code);
    return NULL;
}

__attribute__((visibility("default"))) const struct mqtt_api *stint_mqtt_api(void);

const struct mqtt_api *stint_mqtt_api(void)
{
    static const struct mqtt_api api = {
        .version = MQTT_API_LEVEL,
        .description = "libmosquitto",
        .open = begin,
        .close = end,
        .descriptor = descriptor,
        .wants_write = wants_write,
        .turn = turn,
        .publish = publish,
    };
    /* Counts how often it was called; the plug-in stays until the process ends. */
    (void)mosquitto_lib_init();
    return &api;
}
