/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the files guest*.c. */
#ifndef EDGE_GUEST_INT_H
#define EDGE_GUEST_INT_H

#include <stdio.h>

#include "aot/load.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/sha256.h"
#include "component/component_pool.h"
#include "component/compose.h"
#include "edge/guest.h"
#include "os/files.h"
#include "os/lock.h"
#include "services/services.h"
#include "wasi/host_file.h"
#include "wasi/host_http.h"
#include "wasi/p2.h"

enum { GUEST_FILE_BYTES_MAX = 1 << 30 };

/* A file's bytes, and what it was when they were read. */
struct guest_file {
    uint8_t *data;
    size_t bytes, capacity_bytes;
    struct file_stat stat;
};

/* A dependency's component. */
struct guest_part {
    const char *path;
    struct guest_file bytes;
    struct module_origin origin;
    struct component_file *file;
};

/* A function that dependencies import and are denied. */
struct guest_denied {
    const struct compose_apart *apart;
    const char *interface;
    struct wasm_name name;
    const struct ctype_func *func;
    atomic_bool was_said;
};

struct guest_use {
    struct guest_use *next; /* in guest->kept */
    uint64_t served;        /* requests, since the instance was fresh */
    struct guest_host *host;
    struct stint_store *store;
    struct component_instance *component; /* or: */
    struct stint_instance *module;
    struct p2_exchange *exchange;
};

/* Lines that a guest writes. */
struct guest_output {
    struct host_sink sink;
    struct guest_host *host;
    struct buf line;
    bool is_stderr;
};

/* What a slot's guest has of the host. */
struct guest_host {
    struct guest *guest;
    void *user; /* of the current use */
    struct wasi_p1_config shared;
    struct host_http_inside inside;
    struct wasi_p1 *p1; /* core modules only */
    struct wasi_p2 *p2;
    struct services_guest *services; /* NULL: it has none */
    struct guest_cgi *cgi;           /* commands only */
    const struct guest_warmup *warmup; /* while it runs that */
    struct guest_output outputs[2];
    struct host_resolver resolvers[2]; /* components only: WASI, and Spin's world */
    uint32_t resolver_count;
    struct guest_use use;
};

struct guest {
    struct stint_engine *engine;
    struct arena arena; /* the configuration */
    struct guest_config config;
    struct guest_file bytes;
    char digest[SHA256_HEX_BYTES], digest_of_all[SHA256_HEX_BYTES];
    struct module_origin origin;
    char refusal[STINT_ERROR_MESSAGE_BYTES + 100];
    bool is_command;
    struct lock kept_lock;
    struct guest_use *kept;        /* instances that have served a request and serve the next */
    uint32_t kept_count, kept_min; /* the fewest since guest_cool */
    /* A component: */
    struct component_file *file; /* with its dependencies, if it has any */
    struct guest_part *parts;    /* those */
    uint32_t part_count;
    struct compose_notes notes;
    const char *dependencies_text; /* NULL: nobody wants it */
    struct guest_denied *denied;
    uint32_t denied_count;
    struct plan *plan;
    const struct plan_export *handler;
    struct component_pool *components;
    /* or a core module: */
    struct stint_module *module;
    struct stint_pool *modules;
    uint32_t message_index; /* of its handler of messages; for components: */
    const struct plan_export *message_handler;
    uint32_t handler_index; /* of the exported function */
    struct wasi_p2_kept *resources; /* what slots with a snapshot have open; NULL: there is none */
};

/* For who wanted a handler, and has a command. */
extern const char guest_command_hint[];

MUST_CHECK enum stint_status guest_host_create(struct guest *guest, struct guest_host **ret_host,
                                               struct stint_error *error);
void guest_host_free(struct guest_host *host); /* accepts NULL */
MUST_CHECK enum stint_status guest_host_restart(struct guest_host *host);

/* What it has written without an end of line so far. */
void guest_host_flush(struct guest_host *host);
/* A line to the log, in the guest's name. */
void guest_host_say(struct guest_host *host, const char *line);

/* guest.c; what is read is freed also after a failure. */
MUST_CHECK enum stint_status guest_file_read(const char *path, struct guest_file *file,
                                             struct stint_error *error);
bool guest_file_is_component(const struct guest_file *file);
void guest_file_free(struct guest_file *file);

/* guest_parts.c: puts the component with its dependencies, where it has any, in its place. */
MUST_CHECK enum stint_status guest_parts_compose(struct guest *guest, struct component_file **file,
                                                 struct stint_error *error);
void guest_parts_free(struct guest *guest);
void guest_parts_digest(struct guest *guest);
/* guest_deny.c: what dependencies are denied, once there is a plan. The resolver comes before others. */
MUST_CHECK enum stint_status guest_deny_prepare(struct guest *guest, struct stint_error *error);
struct host_resolver guest_deny_resolver(struct guest_host *host);

/* guest_command.c */
MUST_CHECK enum stint_status guest_cgi_create(struct guest_host *host, struct stint_error *error);
void guest_cgi_restart(struct guest_host *host);
void guest_cgi_free(struct guest_host *host);
const struct p2_response *guest_cgi_response(const struct guest_host *host);

/* Whether it handles messages, where it is to. */
MUST_CHECK enum stint_status guest_message_find(struct guest *guest, struct stint_error *error);
MUST_CHECK enum stint_status guest_core_create(struct guest *guest, struct stint_error *error);
/* The part of a snapshot that is the host's. */
MUST_CHECK enum stint_status guest_core_keep(struct guest_use *use, struct stint_error *error);
MUST_CHECK enum stint_status guest_core_call(struct guest_use *use,
                                             const struct p2_exchange_handles *handles,
                                             struct stint_error *error);

#endif
