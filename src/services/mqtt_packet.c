/* SPDX-License-Identifier: Apache-2.0 */
#include "services/mqtt_packet.h"

#include <string.h>

enum { LEVEL_3_1_1 = 4 };
enum { FLAG_CLEAN = 0x02, FLAG_PASSWORD = 0x40, FLAG_USER = 0x80 };
enum { PUBREL_FLAGS = 0x02 };

static void put_head(struct buf *out, unsigned first, size_t rest)
{
    buf_append_byte(out, (uint8_t)first);
    do {
        buf_append_byte(out, (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0)));
        rest >>= 7;
    } while (rest > 0);
}

static void put_number(struct buf *out, uint16_t number)
{
    buf_append_byte(out, (uint8_t)(number >> 8));
    buf_append_byte(out, (uint8_t)number);
}

static void put_text(struct buf *out, const char *text, size_t bytes)
{
    put_number(out, (uint16_t)bytes);
    buf_append(out, text, bytes);
}

void mqtt_put_connect(struct buf *out, const struct mqtt_login *login)
{
    size_t id = strlen(login->client_id), user = strlen(login->user);
    size_t password = user > 0 ? strlen(login->password) : 0;
    size_t rest = 10 + 2 + id + (user > 0 ? 2 + user : 0) + (password > 0 ? 2 + password : 0);
    put_head(out, MQTT_CONNECT << 4, rest);
    put_text(out, "MQTT", 4);
    buf_append_byte(out, LEVEL_3_1_1);
    buf_append_byte(out, (uint8_t)(FLAG_CLEAN | (user > 0 ? FLAG_USER : 0) |
                                   (password > 0 ? FLAG_PASSWORD : 0)));
    put_number(out, login->keep_alive_s);
    put_text(out, login->client_id, id);
    if (user > 0)
        put_text(out, login->user, user);
    if (password > 0)
        put_text(out, login->password, password);
}

void mqtt_put_publish(struct buf *out, const char *topic, size_t topic_bytes, size_t payload_bytes,
                      unsigned qos, uint16_t number)
{
    put_head(out, (unsigned)MQTT_PUBLISH << 4 | qos << 1,
             2 + topic_bytes + (qos > 0 ? 2 : 0) + payload_bytes);
    put_text(out, topic, topic_bytes);
    if (qos > 0)
        put_number(out, number);
}

void mqtt_put_short(struct buf *out, enum mqtt_type type, uint16_t number)
{
    bool has_number = type == MQTT_PUBREL;
    put_head(out, (unsigned)type << 4 | (has_number ? PUBREL_FLAGS : 0), has_number ? 2 : 0);
    if (has_number)
        put_number(out, number);
}

bool mqtt_topic_is_valid(const char *topic, size_t bytes)
{
    if (bytes == 0 || bytes > MQTT_TEXT_BYTES_MAX)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if (topic[i] == '+' || topic[i] == '#' || topic[i] == '\0')
            return false;
    }
    return true;
}

enum mqtt_type mqtt_answer(const uint8_t head[MQTT_HEAD_BYTES], size_t *ret_bytes)
{
    enum mqtt_type type = (enum mqtt_type)(head[0] >> 4);
    switch (type) {
    case MQTT_CONNACK:
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBCOMP:
        *ret_bytes = 2;
        break;
    case MQTT_PINGRESP:
        *ret_bytes = 0;
        break;
    default:
        return MQTT_NONE;
    }
    return (head[0] & 0x0f) == 0 && head[1] == *ret_bytes ? type : MQTT_NONE;
}

const char *mqtt_refusal(uint8_t code)
{
    static const char *const reasons[] = {
        NULL,
        "the broker refused: it does not speak MQTT 3.1.1",
        "the broker refused: the client id is not right",
        "the broker refused: it is not available",
        "the broker refused: wrong user or password",
        "the broker refused: not authorised",
    };
    return code < COUNT_OF(reasons) ? reasons[code] : "the broker refused";
}
