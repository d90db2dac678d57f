/* SPDX-License-Identifier: Apache-2.0 */
/* Finding interfaces, versions and functions by name; the resolver for components. */
#include <stdio.h>

#include "base/nearest.h"
#include "wasi/p2_core.h"

enum interface_id {
#define P2_INTERFACE(id, name) INTERFACE_##id,
#define P2_RESOURCE(interface, name, type, versions)
#define P2(interface, name, signature, function, versions)
#include "wasi/p2.def"
#undef P2_INTERFACE
#undef P2_RESOURCE
#undef P2
    INTERFACE_COUNT
};

static const char *const interfaces[INTERFACE_COUNT] = {
#define P2_INTERFACE(id, name) name,
#define P2_RESOURCE(interface, name, type, versions)
#define P2(interface, name, signature, function, versions)
#include "wasi/p2.def"
#undef P2_INTERFACE
#undef P2_RESOURCE
#undef P2
};

static const struct p2_row rows[] = {
#define P2_INTERFACE(id, name)
#define P2_RESOURCE(interface, name, type, versions)
#define P2(interface, name, signature, function, versions)                                         \
    {name, signature, p2_##function, INTERFACE_##interface, P2_##versions},
#include "wasi/p2.def"
#undef P2_INTERFACE
#undef P2_RESOURCE
#undef P2
};

static const struct p2_resource_row resources[] = {
#define P2_INTERFACE(id, name)
#define P2_RESOURCE(interface, name, type, versions)                                               \
    {name, INTERFACE_##interface, P2_##type, P2_##versions},
#define P2(interface, name, signature, function, versions)
#include "wasi/p2.def"
#undef P2_INTERFACE
#undef P2_RESOURCE
#undef P2
};

static bool equals(struct wasm_name name, const char *text)
{
    return strlen(text) == name.bytes && memcmp(text, name.text, name.bytes) == 0;
}

/* The version after the @: a release 0.2.PATCH, or one of two candidates; 0: none that we know. */
static unsigned version_of(struct wasm_name text)
{
    static const char release[] = "0.2.";
    if (equals(text, "0.2.0-rc-2023-10-18"))
        return P2_OCT;
    if (equals(text, "0.2.0-rc-2023-11-10"))
        return P2_NOV;
    size_t at = sizeof(release) - 1;
    if (text.bytes <= at || memcmp(text.text, release, at) != 0)
        return 0;
    /* A leading zero is no version; what a build adds after a + does not count (semver 10). */
    if (text.text[at] == '0' && text.bytes > at + 1 && text.text[at + 1] != '+')
        return 0;
    size_t digits = at;
    while (digits < text.bytes && text.text[digits] >= '0' && text.text[digits] <= '9')
        digits++;
    bool is_whole = digits == text.bytes || text.text[digits] == '+';
    return digits > at && is_whole ? P2_REL : 0;
}

static struct wasm_name before_version(struct wasm_name name, struct wasm_name *ret_version)
{
    const char *at = name.bytes > 0 ? memchr(name.text, '@', name.bytes) : NULL;
    *ret_version = (struct wasm_name){.text = NULL};
    if (at == NULL)
        return name;
    uint32_t bytes = (uint32_t)(at - name.text);
    *ret_version = (struct wasm_name){.text = at + 1, .bytes = name.bytes - bytes - 1};
    return (struct wasm_name){.text = name.text, .bytes = bytes};
}

bool p2_find_interface(struct wasm_name name, uint8_t *ret_interface, unsigned *ret_version)
{
    struct wasm_name version_text;
    struct wasm_name path = before_version(name, &version_text);
    unsigned version = version_text.text != NULL ? version_of(version_text) : 0;
    for (unsigned i = 0; i < INTERFACE_COUNT && version != 0; i++) {
        if (equals(path, interfaces[i])) {
            *ret_interface = (uint8_t)i;
            *ret_version = version;
            return true;
        }
    }
    return false;
}

struct p2_found p2_find(uint8_t interface, unsigned version, struct wasm_name name)
{
    struct p2_found found = {NULL, NULL};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct p2_row *row = &rows[i];
        if (row->interface == interface && row->versions & version && equals(name, row->name))
            found.row = row;
    }
    for (size_t i = 0; i < COUNT_OF(resources); i++) {
        const struct p2_resource_row *row = &resources[i];
        if (row->interface == interface && row->versions & version && equals(name, row->name))
            found.resource = row;
    }
    return found;
}

const char *wasi_p2_interface_name(size_t number)
{
    return number < INTERFACE_COUNT ? interfaces[number] : NULL;
}

const char *wasi_p2_function_name(size_t number)
{
    return number < COUNT_OF(rows) ? rows[number].name : NULL;
}

bool wasi_p2_is_export(const char *export_name, size_t bytes, const char *interface,
                       const char *function)
{
    const char *hash = bytes > 0 ? memchr(export_name, '#', bytes) : NULL;
    if (hash == NULL)
        return false;
    size_t path_bytes = (size_t)(hash - export_name);
    struct wasm_name name = {.text = export_name, .bytes = (uint32_t)path_bytes};
    struct wasm_name rest = {.text = hash + 1, .bytes = (uint32_t)(bytes - path_bytes - 1)};
    struct wasm_name version;
    struct wasm_name path = before_version(name, &version);
    return equals(path, interface) && equals(rest, function) && version.text != NULL &&
           version_of(version) != 0;
}

/* ---- Components -------------------------------------------------------------------------- */

static enum stint_status not_found(struct wasm_name interface, struct wasm_name name,
                                   struct stint_error *error)
{
    return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "WASI 0.2 has no '%.*s' in '%.*s'",
                     (int)(name.bytes < 64 ? name.bytes : 64), name.text ? name.text : "",
                     (int)(interface.bytes < 64 ? interface.bytes : 64),
                     interface.text ? interface.text : "");
}

static enum stint_status resolve(void *context, struct wasm_name interface, struct wasm_name name,
                                 struct host_item *ret_item, struct stint_error *error)
{
    struct wasi_p2 *wasi = context;
    uint8_t number;
    unsigned version;
    if (!p2_find_interface(interface, &number, &version))
        return not_found(interface, name, error);
    struct p2_found found = p2_find(number, version, name);
    if (found.row != NULL)
        *ret_item = (struct host_item){
            .function = found.row->function, .signature = found.row->signature, .env = wasi};
    else if (found.resource != NULL)
        *ret_item = (struct host_item){.resource = &wasi->types[found.resource->type], .env = wasi};
    else
        return not_found(interface, name, error);
    return STINT_OK;
}

/* The interface that has nearly this path, in the versions that we know. */
static void suggest_interface(struct wasm_name path, char *ret_text, size_t size)
{
    struct nearest nearest = {.wanted = path.text, .wanted_bytes = path.bytes};
    for (unsigned i = 0; i < INTERFACE_COUNT; i++)
        nearest_offer(&nearest, interfaces[i], strlen(interfaces[i]));
    if (nearest.best != NULL)
        (void)snprintf(ret_text, size, "%s@0.2.x", nearest.best);
}

static void suggest(void *context, struct wasm_name interface, struct wasm_name name,
                    char *ret_text, size_t size)
{
    struct nearest nearest = {.wanted = name.text, .wanted_bytes = name.bytes};
    uint8_t number;
    unsigned version;
    struct wasm_name version_text;
    (void)context;
    if (!p2_find_interface(interface, &number, &version)) {
        suggest_interface(before_version(interface, &version_text), ret_text, size);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].interface == number && rows[i].versions & version)
            nearest_offer(&nearest, rows[i].name, strlen(rows[i].name));
    }
    for (size_t i = 0; i < COUNT_OF(resources); i++) {
        if (resources[i].interface == number && resources[i].versions & version)
            nearest_offer(&nearest, resources[i].name, strlen(resources[i].name));
    }
    if (nearest.best != NULL)
        (void)snprintf(ret_text, size, "%s", nearest.best);
}

struct host_resolver wasi_p2_resolver(struct wasi_p2 *wasi)
{
    return (struct host_resolver){.resolve = resolve, .context = wasi, .suggest = suggest};
}
