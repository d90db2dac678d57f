/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of MQTT 3.1.1 (OASIS), as far as who only publishes needs them, in memory. A broker sends such a
 * client nothing but short answers: two bytes of head, and at most two more.
 *
 *     type and flags, the number of bytes behind (1 to 4 bytes of 7 bits), …
 */
#ifndef SERVICES_MQTT_PACKET_H
#define SERVICES_MQTT_PACKET_H

#include "base/buf.h"

enum mqtt_type {
    MQTT_NONE = 0,
    MQTT_CONNECT = 1,
    MQTT_CONNACK = 2,
    MQTT_PUBLISH = 3,
    MQTT_PUBACK = 4,  /* of "at least once" */
    MQTT_PUBREC = 5,  /* of "exactly once": it has it, */
    MQTT_PUBREL = 6,  /* it may forget the number, */
    MQTT_PUBCOMP = 7, /* it has */
    MQTT_PINGREQ = 12,
    MQTT_PINGRESP = 13,
    MQTT_DISCONNECT = 14,
};
enum { MQTT_HEAD_BYTES = 2, MQTT_BODY_BYTES = 2, MQTT_TEXT_BYTES_MAX = 65535 };
enum { MQTT_REST_BYTES_MAX = 268435455 }; /* of a packet */

struct mqtt_login {
    const char *client_id;
    const char *user, *password; /* "": none; a password needs a user */
    uint16_t keep_alive_s;       /* 0: the broker may wait for ever */
};

/* With a clean session. All append to `out`, whose `failed` tells. */
void mqtt_put_connect(struct buf *out, const struct mqtt_login *login);
/* Without the payload, which comes behind it. `number` is of the packet, and not used where qos is 0. */
void mqtt_put_publish(struct buf *out, const char *topic, size_t topic_bytes, size_t payload_bytes,
                      unsigned qos, uint16_t number);
/* PUBREL with its number, PINGREQ and DISCONNECT without one. */
void mqtt_put_short(struct buf *out, enum mqtt_type type, uint16_t number);

/* Whether messages may have this topic: no wildcard, no NUL, not empty, not too long. */
bool mqtt_topic_is_valid(const char *topic, size_t bytes);
/* The type of an answer by its head, and how many bytes are behind that; MQTT_NONE: it is no
 * answer. */
enum mqtt_type mqtt_answer(const uint8_t head[MQTT_HEAD_BYTES], size_t *ret_bytes);
/* Of CONNACK's second byte: NULL, or why the broker refuses. */
const char *mqtt_refusal(uint8_t code);

#endif
