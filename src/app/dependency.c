/* SPDX-License-Identifier: Apache-2.0 */
#include "app/dependency.h"

#include <string.h>

#include "app/app.h"

static const char *const keys[] = {"ai_models",        "allowed_outbound_hosts", "environment", "files",
                                   "key_value_stores", "sqlite_databases",       "variables"};

/*
 * Of interfaces that work on a resource only the one where it is opened is here: who is given a socket may use
 * it.
 */
static const struct {
    const char *interface, *key;
} rows[] = {
    {"fermyon:spin/llm", "ai_models"},
    {"fermyon:spin/http", "allowed_outbound_hosts"},
    {"fermyon:spin/mqtt", "allowed_outbound_hosts"},
    {"fermyon:spin/mysql", "allowed_outbound_hosts"},
    {"fermyon:spin/postgres", "allowed_outbound_hosts"},
    {"fermyon:spin/redis", "allowed_outbound_hosts"},
    {"spin:mqtt/mqtt", "allowed_outbound_hosts"},
    {"spin:mysql/mysql", "allowed_outbound_hosts"},
    {"spin:postgres/postgres", "allowed_outbound_hosts"},
    {"spin:redis/redis", "allowed_outbound_hosts"},
    {"wasi:http/client", "allowed_outbound_hosts"},
    {"wasi:http/outgoing-handler", "allowed_outbound_hosts"},
    {"wasi:sockets/ip-name-lookup", "allowed_outbound_hosts"},
    {"wasi:sockets/tcp-create-socket", "allowed_outbound_hosts"},
    {"wasi:sockets/udp-create-socket", "allowed_outbound_hosts"},
    {"wasi:cli/environment", "environment"},
    {"wasi:filesystem/preopens", "files"},
    {"fermyon:spin/key-value", "key_value_stores"},
    {"spin:key-value/key-value", "key_value_stores"},
    {"wasi:keyvalue/store", "key_value_stores"},
    {"fermyon:spin/sqlite", "sqlite_databases"},
    {"spin:sqlite/sqlite", "sqlite_databases"},
    {"fermyon:spin/config", "variables"},
    {"fermyon:spin/variables", "variables"},
    {"spin:variables/variables", "variables"},
    {"wasi:config/store", "variables"},
};

const char *dependency_needs(const char *interface, size_t bytes)
{
    const char *at = bytes > 0 ? memchr(interface, '@', bytes) : NULL;
    if (at != NULL)
        bytes = (size_t)(at - interface);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (strlen(rows[i].interface) == bytes && memcmp(rows[i].interface, interface, bytes) == 0)
            return rows[i].key;
    }
    return NULL;
}

const char *dependency_key(size_t number)
{
    return number < sizeof(keys) / sizeof(*keys) ? keys[number] : NULL;
}

static bool inherits(const struct app_dependency *dependency, const char *key)
{
    bool has = dependency->inherits_all;
    for (uint32_t i = 0; i < dependency->inherits.count && !has; i++)
        has = strcmp(dependency->inherits.items[i], key) == 0;
    return has;
}

bool dependency_is_denied(const struct app_dependency *dependency, const char *interface,
                          size_t bytes)
{
    const char *key = dependency_needs(interface, bytes);
    return key != NULL && !inherits(dependency, key);
}

bool dependency_may_share(const struct app_dependency *a, const struct app_dependency *b)
{
    bool same = true;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) && same; i++)
        same = inherits(a, keys[i]) == inherits(b, keys[i]);
    return same;
}

const char *dependency_shown(const char *folder, const char *path)
{
    size_t bytes = strlen(folder);
    return bytes > 0 && strncmp(path, folder, bytes) == 0 && path[bytes] == '/' ? path + bytes + 1
                                                                               : path;
}
