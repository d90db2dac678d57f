/* SPDX-License-Identifier: Apache-2.0 */
#include "look.h"

GUEST_IMPORT("wasi:cli/environment@0.2.0", "get-environment") void environment(uint32_t *r);
GUEST_IMPORT("wasi:filesystem/preopens@0.2.0", "get-directories") void directories(uint32_t *r);
GUEST_IMPORT("fermyon:spin/key-value@2.0.0", "[static]store.open")
void store_open(const char *text, size_t bytes, uint32_t *r);
GUEST_IMPORT("fermyon:spin/key-value@2.0.0", "[resource-drop]store") void store_drop(uint32_t self);
GUEST_IMPORT("fermyon:spin/variables@2.0.0", "get")
void variable(const char *text, size_t bytes, uint32_t *r);
GUEST_IMPORT("wasi:http/types@0.2.0", "[constructor]fields") uint32_t fields_new(void);
GUEST_IMPORT("wasi:http/types@0.2.0", "[constructor]outgoing-request")
uint32_t request_new(uint32_t fields);
GUEST_IMPORT("wasi:http/outgoing-handler@0.2.0", "handle")
void handle(uint32_t request, uint32_t has_options, uint32_t options, uint64_t *r);

static char answer[200];
static uint64_t room[16];

static struct guest_text say(const char *word, uint32_t number, const char *text, size_t bytes)
{
    size_t at = 0;
    while (word[at] != 0) {
        answer[at] = word[at];
        at++;
    }
    if (number >= 10)
        answer[at++] = (char)('0' + number / 10);
    answer[at++] = (char)('0' + number % 10);
    if (bytes > 0)
        answer[at++] = ' ';
    for (size_t i = 0; i < bytes && at < sizeof(answer); i++)
        answer[at++] = text[i];
    return (struct guest_text){answer, at};
}

static struct guest_text say_error(const uint32_t *r, uint32_t payload)
{
    return say("error ", r[1] & 0xff, (const char *)(uintptr_t)r[payload], r[payload + 1]);
}

static struct guest_text look_store(uint32_t *r)
{
    store_open("default", 7, r);
    if (r[0] & 0xff)
        return say("error ", r[1] & 0xff, NULL, 0);
    store_drop(r[1]);
    return GUEST_TEXT("open");
}

static struct guest_text look_request(uint32_t *r)
{
    handle(request_new(fields_new()), 0, 0, room);
    if ((r[0] & 0xff) == 0)
        return GUEST_TEXT("sent");
    if ((r[4] & 0xff) == 0)
        return say("error ", r[2] & 0xff, NULL, 0);
    return say("error ", r[2] & 0xff, (const char *)(uintptr_t)r[5], r[6]);
}

struct guest_text look(struct guest_text what)
{
    uint32_t *r = (uint32_t *)room;
    for (size_t i = 0; i < 16; i++)
        room[i] = 0;
    switch (what.text[0]) {
    case 'e':
        environment(r);
        return say("", r[1], NULL, 0);
    case 'd':
        directories(r);
        return say("", r[1], NULL, 0);
    case 's':
        return look_store(r);
    case 'r':
        return look_request(r);
    default:
        variable("greeting", 8, r);
        if (r[0] & 0xff)
            return say_error(r, 2);
        return (struct guest_text){(const char *)(uintptr_t)r[1], r[2]};
    }
}
