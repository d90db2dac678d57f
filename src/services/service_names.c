/* SPDX-License-Identifier: Apache-2.0 */
/* Finding what a guest imports in the table services.def. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "services/services_int.h"

enum interface_id {
#define SERVICE_INTERFACE(id, name) INTERFACE_##id,
#define SERVICE_RESOURCE(interface, name, type)
#define SERVICE(interface, name, signature, function)
#define SERVICE_ABSENT(prefix, what)
#include "services/services.def"
#undef SERVICE_INTERFACE
#undef SERVICE_RESOURCE
#undef SERVICE
#undef SERVICE_ABSENT
    INTERFACE_COUNT
};

static const char *const interfaces[INTERFACE_COUNT] = {
#define SERVICE_INTERFACE(id, name) name,
#define SERVICE_RESOURCE(interface, name, type)
#define SERVICE(interface, name, signature, function)
#define SERVICE_ABSENT(prefix, what)
#include "services/services.def"
#undef SERVICE_INTERFACE
#undef SERVICE_RESOURCE
#undef SERVICE
#undef SERVICE_ABSENT
};

static const struct row {
    const char *name, *signature;
    host_component_fn function;
    uint8_t interface;
} rows[] = {
#define SERVICE_INTERFACE(id, name)
#define SERVICE_RESOURCE(interface, name, type)
#define SERVICE(interface, name, signature, function)                                              \
    {name, signature, service_##function, INTERFACE_##interface},
#define SERVICE_ABSENT(prefix, what)
#include "services/services.def"
#undef SERVICE_INTERFACE
#undef SERVICE_RESOURCE
#undef SERVICE
#undef SERVICE_ABSENT
};

static const struct resource_row {
    const char *name;
    uint8_t interface, type;
} resources[] = {
#define SERVICE_INTERFACE(id, name)
#define SERVICE_RESOURCE(interface, name, type) {name, INTERFACE_##interface, SERVICE_##type},
#define SERVICE(interface, name, signature, function)
#define SERVICE_ABSENT(prefix, what)
#include "services/services.def"
#undef SERVICE_INTERFACE
#undef SERVICE_RESOURCE
#undef SERVICE
#undef SERVICE_ABSENT
};

static const struct absent_row {
    const char *path, *what;
} absent[] = {
#define SERVICE_INTERFACE(id, name)
#define SERVICE_RESOURCE(interface, name, type)
#define SERVICE(interface, name, signature, function)
#define SERVICE_ABSENT(path, what) {path, what},
#include "services/services.def"
#undef SERVICE_INTERFACE
#undef SERVICE_RESOURCE
#undef SERVICE
#undef SERVICE_ABSENT
};

static bool equals(struct wasm_name name, const char *text)
{
    return strlen(text) == name.bytes && memcmp(text, name.text, name.bytes) == 0;
}

static unsigned find_interface(struct wasm_name name)
{
    unsigned i = 0;
    while (i < INTERFACE_COUNT && !equals(name, interfaces[i]))
        i++;
    return i;
}

/* Spin's world has it, and this server does not. */
static const char *find_absent(struct wasm_name interface)
{
    const char *at = interface.bytes > 0 ? memchr(interface.text, '@', interface.bytes) : NULL;
    struct wasm_name path = interface;
    if (at != NULL)
        path.bytes = (uint32_t)(at - interface.text);
    for (size_t i = 0; i < COUNT_OF(absent); i++) {
        if (equals(path, absent[i].path))
            return absent[i].what;
    }
    return NULL;
}

static enum stint_status resolve(void *context, struct wasm_name interface, struct wasm_name name,
                                 struct host_item *ret_item, struct stint_error *error)
{
    struct services_guest *guest = context;
    const char *what = find_absent(interface);
    unsigned number = find_interface(interface);
    if (what != NULL && number == INTERFACE_COUNT)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "this server does not offer %s", what);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].interface == number && equals(name, rows[i].name)) {
            *ret_item = (struct host_item){
                .function = rows[i].function, .signature = rows[i].signature, .env = guest};
            return STINT_OK;
        }
    }
    for (size_t i = 0; i < COUNT_OF(resources); i++) {
        if (resources[i].interface == number && equals(name, resources[i].name)) {
            *ret_item = (struct host_item){.resource = &guest->types[resources[i].type],
                                           .env = guest};
            return STINT_OK;
        }
    }
    return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "Spin's world has no '%.*s'",
                     (int)(name.bytes < 64 ? name.bytes : 64), name.text ? name.text : "");
}

static void suggest(void *context, struct wasm_name interface, struct wasm_name name,
                    char *ret_text, size_t size)
{
    unsigned number = find_interface(interface);
    struct wasm_name wanted = number == INTERFACE_COUNT ? interface : name;
    struct nearest nearest = {.wanted = wanted.text, .wanted_bytes = wanted.bytes};
    (void)context;
    for (unsigned i = 0; number == INTERFACE_COUNT && i < INTERFACE_COUNT; i++)
        nearest_offer(&nearest, interfaces[i], strlen(interfaces[i]));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].interface == number)
            nearest_offer(&nearest, rows[i].name, strlen(rows[i].name));
    }
    if (nearest.best != NULL)
        (void)snprintf(ret_text, size, "%s", nearest.best);
}

struct host_resolver services_resolver(struct services_guest *guest)
{
    return (struct host_resolver){.resolve = resolve, .context = guest, .suggest = suggest};
}
