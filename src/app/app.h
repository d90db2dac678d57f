/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application is: a manifest that has been read, with its variables resolved and its names
 * looked up. docs/manifest.md describes the file; app_keys.def has its keys.
 *
 *     status = app_read(&config, &app, &problems);     or app_from_file(&config, …)
 *     app_problems_print(&problems, …);                all of them: errors and warnings
 *     … app->components[i], app->http[i], …
 *     app_free(app);
 *
 * An application is plain, immutable data in one arena: it may be read by many threads. All texts are
 * NUL-terminated, UTF-8 and without other NULs; "" where nothing was said, never NULL, except where it
 * says otherwise. Paths are relative to the working directory, or absolute: those of the manifest have
 * been put behind its folder. Nothing that it names was opened.
 */
#ifndef APP_APP_H
#define APP_APP_H

#include "app/problems.h"
#include "base/arena.h"
#include "os/inet.h"

#define APP_NONE UINT32_MAX /* no component, no region, … */
#define APP_UNLIMITED UINT64_MAX

struct app_texts {
    const char *const *items;
    uint32_t count;
};

struct app_pair {
    const char *name, *value;
};

struct app_pairs {
    const struct app_pair *items;
    uint32_t count;
};

/* A block of addresses: those whose first `bits` are those of `ip`. v4 has bits 0 to 32. */
struct app_block {
    bool is_v6;
    uint8_t bits;
    uint8_t ip[16];
};

struct app_blocks {
    const struct app_block *items;
    uint32_t count;
};

/* ---- Components -------------------------------------------------------------------------- */

enum app_source_kind { APP_SOURCE_FILE, APP_SOURCE_URL, APP_SOURCE_REGISTRY };

struct app_source {
    enum app_source_kind kind;
    const char *path;    /* FILE */
    const char *url;     /* URL */
    uint8_t sha256[32];  /* URL */
    const char *package; /* REGISTRY; also `url`, the registry, or "" */
    const char *version;
};

/* A pattern (then `destination` is NULL), or a file or folder and its place in the guest. */
struct app_mount {
    const char *source; /* as written: relative to app->folder */
    const char *destination;
};

/* Rate: `count` requests each `per_ns`, up to `burst` at once. count 0: no limit. */
struct app_rate {
    uint64_t count, per_ns, burst;
};

/* APP_UNLIMITED: no limit. Each component has its own; what it does not say comes from
 * [application.tool.stint.limits], else from the defaults (app_limits_default). */
struct app_limits {
    uint64_t memory_bytes;         /* of one instance: memories, tables, heap */
    uint64_t fuel;                 /* of one request */
    uint64_t cpu_ns;               /* of one request */
    uint64_t timeout_ns;           /* of one request, by the wall clock */
    uint64_t concurrency;          /* requests at a time */
    uint64_t queue;                /* requests that wait for that; beyond it 503 */
    uint64_t queue_timeout_ns;
    uint64_t request_bytes;        /* a longer body is answered 413 */
    uint64_t response_bytes;       /* a longer body is broken off */
    uint64_t outbound_calls;       /* of one request */
    uint64_t outbound_concurrency; /* of one request */
    uint64_t outbound_timeout_ns;  /* of each call */
    uint64_t log_bytes;            /* of guest output in the log, of one request */
    uint64_t cpu_budget_ns;        /* a route whose 99th percentile is above it is warned about */
    struct app_rate rate;          /* of one client: an address, or an IPv6 /64 */
};

struct app_limits app_limits_default(void);

enum app_reuse {
    APP_REUSE_FRESH,    /* a new instance for each request, with what start functions made (default) */
    APP_REUSE_INSTANCE, /* one after the other on the same instance: data may stay */
    APP_REUSE_SNAPSHOT, /* a new instance as it was when warm: after `warm` requests to `warm_path` */
};

/* Files of `files` that are served without the guest. */
struct app_static {
    bool is_on;
    const char *index;    /* for folders: "index.html"; "": none */
    const char *fallback; /* where nothing is found; NULL: the guest is asked, else 404 */
    uint64_t max_age_s;   /* of cache-control */
    bool immutable;
};

enum app_dependency_kind {
    APP_DEPENDENCY_FILE,
    APP_DEPENDENCY_URL,
    APP_DEPENDENCY_REGISTRY,
};

/* What an import is met with. References to components have been replaced by their sources. */
struct app_dependency {
    const char *name; /* "a:b/c@1.2.0" or a plain name */
    struct app_source source;
    const char *export; /* NULL: that of the same name */
    bool inherits_all;
    struct app_texts inherits; /* keys, unless inherits_all */
    uint32_t line, column;
};

struct app_component {
    const char *id;
    struct app_source source;
    const char *description;
    struct app_pairs variables;   /* values resolved */
    const bool *variable_secret;  /* for each: whether a secret is in it */
    struct app_pairs environment;
    const struct app_mount *files;
    uint32_t file_count;
    struct app_texts exclude_files; /* patterns */
    struct app_texts outbound;      /* allowed_outbound_hosts, resolved: policy.h reads them */
    struct app_texts key_value_stores, sqlite_databases, ai_models;
    struct app_texts build_commands;
    const char *build_folder;
    struct app_texts build_watch;
    const struct app_dependency *dependencies;
    uint32_t dependency_count;
    bool is_dependency; /* of another component */

    struct app_limits limits;
    enum app_reuse reuse;
    uint64_t reuse_max;           /* requests of one instance (INSTANCE) */
    const char *warm_path;        /* SNAPSHOT */
    uint32_t warm_instances;      /* made ready at start */
    struct app_texts regions;     /* pinned to these; none: anywhere */
    struct app_texts hosts;       /* its routes are for these hosts only; none: for all */
    struct app_static statics;
    bool log_output;              /* stdout and stderr go to the log (default) */
    bool has_geo_headers;         /* default true */
    uint32_t line, column;
};

/* ---- Triggers ---------------------------------------------------------------------------- */

struct app_static_response {
    unsigned status;
    struct app_pairs headers;
    const char *body;
};

/* In the order of the manifest. routes.h makes a matcher from them. */
struct app_http {
    const char *id;
    const char *route; /* as written; NULL: private, reachable by service chaining only */
    uint32_t component; /* index, or APP_NONE: `response` answers */
    const struct app_static_response *response;
    bool is_wagi;
    const char *wagi_argv; /* with ${SCRIPT_NAME} and ${ARGS} */
    const char *wagi_entrypoint;
    uint32_t line, column;
};

struct app_redis {
    const char *id;
    const char *address, *channel; /* resolved */
    uint32_t component;
    uint32_t line, column;
};

/* ---- What is around it: runtime configuration -------------------------------------------- */

enum app_store_kind { APP_STORE_SQLITE, APP_STORE_REDIS };

struct app_store {
    const char *label;
    enum app_store_kind kind;
    const char *path; /* SQLITE; "": in memory */
    const char *url;  /* REDIS */
};

struct app_database {
    const char *label;
    const char *path; /* "": in memory */
    bool allow_attach;
};

/* TLS of guests' own connections: whom they trust, and what they show. See client_tls.h. */
struct app_client_tls {
    struct app_texts components;
    struct app_texts hosts;  /* names or addresses, some with a port: "host:5443" */
    bool use_platform_roots; /* the system's authorities, beside those of the file */
    const char *roots_file, *certificate_file, *key_file; /* "": none */
};

/* ---- The server -------------------------------------------------------------------------- */

struct app_listen {
    const char *address; /* "127.0.0.1:3000", "[::]:443" */
    bool is_tls, proxy_protocol;
    uint32_t line, column;
};

struct app_certificate {
    const char *certificate_file, *key_file;
    struct app_texts hosts; /* SNI, beside the names in the certificate */
};

enum app_log_format { APP_LOG_JSON, APP_LOG_COMBINED };
enum app_log_addresses { APP_ADDRESSES_FULL, APP_ADDRESSES_SHORT, APP_ADDRESSES_OFF };

/* OTLP over HTTP, JSON; the environment's OTEL_* go before it (edge/traces_config.c). */
struct app_traces {
    const char *endpoint; /* "": none */
    const char *service;  /* "": the application's name */
    double ratio;         /* of requests that carry no decision */
    struct app_pairs headers;
    const char *headers_file; /* "": none */
    uint64_t batch, queue;    /* spans */
    uint64_t interval_ns, timeout_ns;
};

/* Which header of trusted proxies names the client. */
enum app_client_header { APP_CLIENT_EITHER, APP_CLIENT_FORWARDED, APP_CLIENT_X_FORWARDED_FOR };

struct app_server {
    const struct app_listen *listen; /* at least one */
    uint32_t listen_count;
    bool has_listen; /* the manifest says so; else it is the usual one */
    const struct app_certificate *certificates;
    uint32_t certificate_count;
    bool tls_13_only;
    uint64_t ticket_rotation_ns;
    struct app_blocks trusted_proxies;
    enum app_client_header client_header;
    struct app_texts hosts; /* hosts that it answers for; none: all */
    bool redirect_to_https; /* plain listeners answer 308 */

    uint32_t workers;       /* 0: one a core */
    const char *user;       /* to become after start, "NAME[:GROUP]"; "": stay */
    const char *fence;      /* "on", "warn" or "off"; "": as the program chooses */
    uint64_t drain_ns;
    uint64_t connections, streams;
    bool has_connections; /* the manifest says how many; else fewer will do, too */
    uint64_t head_bytes, fields;
    uint64_t head_timeout_ns, idle_timeout_ns, body_timeout_ns, send_timeout_ns;
    uint64_t body_rate_min; /* bytes a second */
    bool without_h2, half_close;
    bool refuses_overload; /* else all requests wait, however long */
    const char *server_name; /* header; "": none */

    const char *access_log; /* a path, "stderr", "stdout" or "off" */
    enum app_log_format log_format;
    enum app_log_addresses log_addresses;
    const char *guest_log;  /* likewise */

    const char *metrics_listen, *admin_listen; /* "": none */
    bool admin_is_tls;
    const char *metrics_token_file, *admin_token_file;
    uint32_t metrics_countries; /* labels at most */
    uint64_t budget_window_ns;  /* of limits.cpu_budget */
    struct app_traces traces;
    struct app_texts geo_databases; /* MaxMind DB files; the first that knows a field wins */
    const char *state_folder;
};

/* ---- Regions ----------------------------------------------------------------------------- */

enum app_region_rule {
    APP_REGION_SERVE,    /* answer here */
    APP_REGION_PROXY,    /* ask there, and pass the answer on */
    APP_REGION_REDIRECT, /* 307 */
};

struct app_region {
    const char *name;
    const char *url;              /* where it is reached; "" for one that only this server has */
    struct app_texts countries;   /* "KR" */
    struct app_texts continents;  /* "AS" */
    struct app_texts near;        /* names, the nearest first: failover */
    double latitude, longitude;   /* where has_location: else `near` alone orders */
    bool has_location;
    enum app_region_rule rule;    /* for requests that belong to it and come in elsewhere */
    uint32_t weight;              /* 0 to 100: percent of its clients that it gets */
    const char *health_path;      /* "": never asked, healthy unless no connection can be made */
    uint64_t health_interval_ns, health_timeout_ns;
    uint32_t health_up, health_down; /* answers in a row that make it healthy, or not */
    uint64_t connect_timeout_ns, timeout_ns; /* of requests that are proxied to it */
    uint64_t concurrency;                    /* such requests at a time */
    uint32_t line, column;
};

enum { APP_REGIONS_MAX = 64 };

struct app_regions {
    const struct app_region *items;
    uint32_t count;
    uint32_t here;     /* index; APP_NONE: no regions at all */
    uint32_t fallback; /* for unknown countries; APP_NONE: here */
    const char *hop_secret; /* shared by the servers, so that a proxied request is known as one; "": none */
    const char *secret_file; /* where that came from; "": there is none */
    const char *ca_file;    /* who signs the certificates of the others; "": those of the system */
};

/* ---- The application --------------------------------------------------------------------- */

struct app_variable {
    const char *name;
    const char *value; /* NULL where none was found and that is allowed (app_config.allow_unset) */
    bool is_secret;
};

/* A file that was read with the manifest, and is again when that is. */
struct app_file_read {
    const char *path;
    const struct app_file_read *next;
};

struct app {
    struct arena arena;
    const char *name, *version, *description;
    const char *manifest; /* its path; "" for app_from_file */
    const char *folder;   /* of the manifest: "." or a path */
    unsigned manifest_version; /* 1, 2; 0 for app_from_file */
    const char *http_base;     /* of routes: "/" */
    const struct app_variable *variables;
    uint32_t variable_count;
    const struct app_component *components;
    uint32_t component_count;
    const struct app_http *http;
    uint32_t http_count;
    const struct app_redis *redis;
    uint32_t redis_count;
    const struct app_store *stores;
    uint32_t store_count;
    const struct app_database *databases;
    uint32_t database_count;
    const struct app_client_tls *client_tls;
    uint32_t client_tls_count;
    struct app_blocks blocked;  /* never to be reached from guests */
    bool block_private;         /* default true: private addresses only where a rule names them */
    struct app_server server;
    struct app_regions regions;
    const struct app_file_read *files_read; /* in no order */
};

struct app_config {
    struct alloc *alloc;
    const char *path;           /* the manifest, or the component for app_from_file */
    const char *runtime_config; /* a file; NULL: none */
    const char *const *environment; /* "NAME=value", NULL at the end; for SPIN_VARIABLE_* */
    struct app_pairs variables;     /* of the command line; they go before all others */
    const char *profile;            /* NULL: none */
    const char *region;             /* which one this server is in, instead of `here`; may be NULL */
    bool allow_unset;               /* variables without a value are no error: for looking only */
};

/*
 * Reads a manifest and what it needs: the runtime configuration, .env, files of variables. All that is
 * wrong is in `problems` afterwards; STINT_INVALID or STINT_SYNTAX if some of it is an error, STINT_IO,
 * STINT_NOMEM. Warnings alone leave STINT_OK. `problems` may hold others already.
 */
MUST_CHECK enum stint_status app_read(const struct app_config *config, struct app **ret_app,
                                      struct app_problems *problems);
/* The same from memory, without opening any file; `path` is for messages and folders. */
MUST_CHECK enum stint_status app_read_text(const struct app_config *config, const char *text,
                                           size_t bytes, struct app **ret_app,
                                           struct app_problems *problems);
/* An application of one component at /..., from its file. */
MUST_CHECK enum stint_status app_from_file(const struct app_config *config, struct app **ret_app,
                                           struct app_problems *problems);
void app_free(struct app *app); /* accepts NULL */

/* Whether HTTP is to be listened for where nobody says so: not by what has messages of channels alone. */
bool app_wants_http(const struct app *app);

/* Index of the component, or APP_NONE. */
uint32_t app_find_component(const struct app *app, const char *id);

#endif
