/* SPDX-License-Identifier: Apache-2.0 */
/* Spin's runtime configuration. */
#include "app/shape_int.h"

static const struct shape natural = {.type = SHAPE_INTEGER, .min = 0, .max = 1e15};

static const struct shape_key store_keys[] = {
    KEY_REQUIRED("type", shape_name, "\"spin\" (SQLite) or \"redis\".")
    KEY("path", shape_text, "spin: the file; without it the store is in memory.")
    KEY("url", shape_name, "redis: \"redis://host:6379\"; \"rediss://…\" with TLS.")
    KEYS_END
};
static const struct shape store = {
    .type = SHAPE_TABLE, .keys = store_keys, .element = &shape_any, .key_format = FORMAT_NAME};
static const struct shape stores = {
    .type = SHAPE_MAP, .element = &store, .key_format = FORMAT_NAME, .noun = "key_value_store"};

static const struct shape_key database_keys[] = {
    KEY_REQUIRED("type", shape_name, "\"spin\" (SQLite).")
    KEY("path", shape_text, "The file; without it the database is in memory.")
    KEY_DEFAULT("allow_attach_file", shape_boolean, "false", "Whether ATTACH may open files.")
    KEYS_END
};
static const struct shape database = {
    .type = SHAPE_TABLE, .keys = database_keys, .element = &shape_any, .key_format = FORMAT_NAME};
static const struct shape databases = {
    .type = SHAPE_MAP, .element = &database, .key_format = FORMAT_NAME, .noun = "sqlite_database"};

static const struct shape_key provider_keys[] = {
    KEY_REQUIRED("type", shape_name, "\"static\" or \"env\".")
    KEY("values", shape_text_map, "static: the values.")
    KEY_DEFAULT("prefix", shape_text, "\"SPIN_VARIABLE\"",
                "env: what names of environment variables begin with.")
    KEY("dotenv_path", shape_name, "env: a file of further environment variables.")
    KEYS_END
};
static const struct shape provider = {
    .type = SHAPE_TABLE, .keys = provider_keys, .element = &shape_any, .key_format = FORMAT_NAME};
static const struct shape providers = {
    .type = SHAPE_ARRAY, .element = &provider, .noun = "variables provider"};

static const struct shape blocked = {.type = SHAPE_TEXT, .format = FORMAT_BLOCKED};
static const struct shape blocked_list = {.type = SHAPE_ARRAY, .element = &blocked};
static const struct shape_key networking_keys[] = {
    KEY("block_networks", blocked_list, "Blocks of addresses that no guest reaches, or \"private\".")
    KEY("max_socket_connections", natural, "Taken note of.")
    KEY("max_total_connections", natural, "Taken note of.")
    KEYS_END
};
static const struct shape networking = {.type = SHAPE_TABLE, .keys = networking_keys};

static const struct shape id = {.type = SHAPE_TEXT, .format = FORMAT_KEBAB};
static const struct shape ids = {.type = SHAPE_ARRAY, .element = &id};
static const struct shape_key client_tls_keys[] = {
    KEY_REQUIRED("component_ids", ids, "Components that it is for.")
    KEY_REQUIRED("hosts", shape_texts, "Hosts that it is for: names or addresses, with a port for that "
                                       "one alone.")
    KEY("ca_use_platform_roots", shape_boolean, "Whether the system's authorities are trusted; unless a "
                                                "file of others is given, they are.")
    KEY("ca_use_webpki_roots", shape_boolean, "The same: there is one set of authorities.")
    KEY("ca_webpki_roots", shape_boolean, "The same, of old.")
    KEY("ca_roots_file", shape_name, "Authorities that are trusted (PEM).")
    KEY("client_cert_file", shape_name, "The client's certificate, and those between it and its "
                                        "authority (PEM).")
    KEY("cert_chain_file", shape_name, "The same, of old.")
    KEY("client_private_key_file", shape_name, "The client's key (PEM).")
    KEY("private_key_file", shape_name, "The same, of old.")
    KEYS_END
};
static const struct shape client_tls = {.type = SHAPE_TABLE, .keys = client_tls_keys};
static const struct shape client_tls_list = {
    .type = SHAPE_ARRAY, .element = &client_tls, .noun = "client_tls"};

static const struct shape_key runtime_keys[] = {
    KEY("state_dir", shape_text, "Where stores and databases are.")
    KEY("log_dir", shape_text, "Taken note of: [application.tool.stint.log] says where logs go.")
    KEY("max_instance_memory", natural, "Memory of one instance in bytes, unless limits.memory "
                                        "says so.")
    KEY("key_value_store", stores, "Key-value stores.")
    KEY("sqlite_database", databases, "SQLite databases.")
    KEY("variables_provider", providers, "Where values of variables are looked for, in this order.")
    KEY("config_provider", providers, "The same, of old.")
    KEY("client_tls", client_tls_list, "TLS of guests' own connections: whom they trust, and which "
                                       "certificate they show.")
    KEY("outbound_networking", networking, "What no guest reaches.")
    KEY("outbound_http", shape_any, "Taken note of.")
    KEY("outbound_redis", shape_any, "Taken note of.")
    KEY("outbound_mqtt", shape_any, "Taken note of.")
    KEY("outbound_pg", shape_any, "Taken note of.")
    KEY("outbound_mysql", shape_any, "Taken note of.")
    KEY("llm_compute", shape_any, "Taken note of: there are no models here.")
    KEY("otel", shape_any, "Taken note of.")
    KEYS_END
};
const struct shape shape_runtime = {.type = SHAPE_TABLE, .keys = runtime_keys};
