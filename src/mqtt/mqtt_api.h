/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libstint-mqtt.so: clients of MQTT brokers, by libmosquitto, behind a narrow table. The server loads it
 * with dlopen when a guest first needs MQTT, and finds this one symbol:
 *
 *   const struct mqtt_api *stint_mqtt_api(void);
 *
 * No call waits: whoever has a link waits for its descriptor, and calls `turn` then.
 */
#ifndef MQTT_MQTT_API_H
#define MQTT_MQTT_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MQTT_PLUGIN "libstint-mqtt.so"
#define MQTT_SYMBOL "stint_mqtt_api"
enum { MQTT_API_LEVEL = 1 };

struct mqtt_link;

struct mqtt_config {
    const char *address; /* of numbers: names would be looked up, which waits */
    uint16_t port, keep_alive_s; /* 0: the broker may wait for ever */
    const char *client_id;            /* NULL: one at random */
    const char *user, *password;      /* NULL: none */
};

/* What has happened to a link; the caller's, and as long-lived. */
struct mqtt_state {
    bool is_connected, is_published; /* the broker has accepted; has taken the last message */
    const char *why;                 /* the link is of no use any more; a constant. Else NULL */
};

struct mqtt_api {
    uint32_t version; /* MQTT_API_LEVEL */
    const char *description;
    /* Begins to connect. NULL: `state->why`. */
    struct mqtt_link *(*open)(const struct mqtt_config *config, struct mqtt_state *state);
    void (*close)(struct mqtt_link *link); /* accepts NULL */
    int (*descriptor)(struct mqtt_link *link);  /* -1: it has ended */
    bool (*wants_write)(struct mqtt_link *link);
    /* After the descriptor is ready, or some time has passed. */
    void (*turn)(struct mqtt_link *link, bool can_read, bool can_write, struct mqtt_state *state);
    /* One message at a time: is_published says when the next one may follow. NULL, or why not. */
    const char *(*publish)(struct mqtt_link *link, const char *topic, const void *data,
                           size_t bytes, int qos, struct mqtt_state *state);
};

#endif
