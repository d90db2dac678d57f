/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of MQTT, byte by byte as MQTT 3.1.1 has them. */
#include "services/mqtt_packet.h"

#include "check.h"

static bool is_packet(struct buf *packet, const char *bytes, size_t count)
{
    bool same = !packet->failed && packet->bytes == count && memcmp(packet->data, bytes, count) == 0;
    buf_free(packet);
    return same;
}

static struct buf new_packet(void)
{
    struct buf packet;
    buf_init(&packet, &alloc_root, 1 << 20);
    return packet;
}

#define IS(packet, bytes) is_packet(packet, bytes, sizeof(bytes) - 1)

TEST(writes_connect)
{
    struct buf packet = new_packet();
    mqtt_put_connect(&packet, &(struct mqtt_login){.client_id = "me",
                                                   .user = "",
                                                   .password = "lost",
                                                   .keep_alive_s = 258});
    CHECK(IS(&packet, "\x10\x0e\0\4MQTT\4\x02\1\2\0\2me"));
    packet = new_packet();
    mqtt_put_connect(&packet, &(struct mqtt_login){.client_id = "", .user = "u", .password = "pw"});
    CHECK(IS(&packet, "\x10\x13\0\4MQTT\4\xc2\0\0\0\0\0\1u\0\2pw"));
}

TEST(writes_publish)
{
    struct buf packet = new_packet();
    mqtt_put_publish(&packet, "a/b", 3, 2, 0, 7);
    CHECK(IS(&packet, "\x30\x07\0\3a/b"));
    packet = new_packet();
    mqtt_put_publish(&packet, "a", 1, 321 - 5, 2, 0x1234); /* a length of two bytes: 65 + 2 * 128 */
    CHECK(IS(&packet, "\x34\xc1\x02\0\1a\x12\x34"));
    packet = new_packet();
    mqtt_put_publish(&packet, "a", 1, MQTT_REST_BYTES_MAX - 5, 1, 1);
    CHECK(IS(&packet, "\x32\xff\xff\xff\x7f\0\1a\0\1"));
}

TEST(writes_short_packets)
{
    struct buf packet = new_packet();
    mqtt_put_short(&packet, MQTT_PUBREL, 0x0102);
    CHECK(IS(&packet, "\x62\x02\1\2"));
    packet = new_packet();
    mqtt_put_short(&packet, MQTT_PINGREQ, 9);
    CHECK(IS(&packet, "\xc0\0"));
    packet = new_packet();
    mqtt_put_short(&packet, MQTT_DISCONNECT, 9);
    CHECK(IS(&packet, "\xe0\0"));
}

TEST(reads_answers)
{
    static const struct {
        uint8_t head[2];
        enum mqtt_type type;
    } cases[] = {
        {{0x20, 2}, MQTT_CONNACK}, {{0x40, 2}, MQTT_PUBACK},   {{0x50, 2}, MQTT_PUBREC},
        {{0x70, 2}, MQTT_PUBCOMP}, {{0xd0, 0}, MQTT_PINGRESP}, {{0x20, 3}, MQTT_NONE},
        {{0x21, 2}, MQTT_NONE},    {{0x30, 2}, MQTT_NONE},     {{0xd0, 2}, MQTT_NONE},
        {{0x40, 0}, MQTT_NONE},    {{0x00, 0}, MQTT_NONE},     {{'H', 'T'}, MQTT_NONE},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t bytes = 0;
        CHECK_INT(mqtt_answer(cases[i].head, &bytes), cases[i].type);
    }
    CHECK(mqtt_refusal(0) == NULL);
    CHECK_STR(mqtt_refusal(5), "the broker refused: not authorised");
    CHECK_STR(mqtt_refusal(255), "the broker refused");
}

TEST(looks_at_topics)
{
    CHECK(mqtt_topic_is_valid("a/b", 3));
    CHECK(mqtt_topic_is_valid("$x", 2));
    CHECK(!mqtt_topic_is_valid("", 0));
    CHECK(!mqtt_topic_is_valid("a/#", 3));
    CHECK(!mqtt_topic_is_valid("+", 1));
    CHECK(!mqtt_topic_is_valid("a\0b", 3));
    CHECK(!mqtt_topic_is_valid("a", MQTT_TEXT_BYTES_MAX + 1));
}

CHECK_MAIN
