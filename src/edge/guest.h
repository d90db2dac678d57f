/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that handle requests: a component or module of an app, loaded once for all workers, with warm
 * slots of which each request takes one.
 *
 *     status = guest_create(engine, &config, &guest, &error);
 *     status = guest_take(guest, &use, &error);             on the fiber of the request
 *     … limits, guest_use_store(use)->waiter = …;
 *     status = guest_start(use, &error);
 *     status = guest_handle(use, &request, &error);         the response: guest_use_response(use)
 *     guest_give(use);
 */
#ifndef EDGE_GUEST_H
#define EDGE_GUEST_H

#include <stdatomic.h>

#include "runtime/pool.h"
#include "runtime/store.h"
#include "wasi/p1.h"
#include "wasi/p2.h"
#include "wasi/p2_http.h"

struct guest;
struct guest_use;
struct host_http_job;
struct host_http_request;
struct host_net;
struct services;
struct services_call;
struct app_component;
struct app_dependency;

enum guest_kind {
    GUEST_HANDLER, /* exports wasi:http/incoming-handler */
    GUEST_COMMAND, /* exports a function that runs once a request, as CGI has it */
    GUEST_SILENT,  /* answers no requests: it takes messages, or is there for others that depend on it */
    GUEST_ANY,     /* what it is; a handler where it is both */
};

/* What meets imports of a component. */
struct guest_dependency {
    const struct app_dependency *from; /* only for guest_create */
    const char *path;                  /* of its component, which may have been downloaded */
};

struct guest_config {
    enum guest_kind kind;
    bool takes_messages; /* exports fermyon:spin/inbound-redis */
    const char *entry; /* of a command that is a core module: its function */
    const char *id;   /* the component's, for messages */
    const char *path; /* of the .wasm */
    const char *const *env;
    size_t env_count;
    const struct wasi_p1_dir *dirs; /* by path */
    size_t dir_count;
    const struct host_net *net; /* what it may reach; stays */
    struct wasi_p2_outbound outbound;
    /* Requests that are answered within the process (wasi/host_http.h); `user` is guest_take's. NULL:
     * none. */
    enum os_error (*chain)(void *user, const struct host_http_request *request,
                           struct host_http_job **ret_job);
    /* Of its requests; `env` is guest_take's `user`. */
    void (*call_begin)(void *user, struct wasi_p2_call *call);
    void (*call_end)(void *user, const struct wasi_p2_call *call);
    /* Of its calls to servers other than of HTTP. */
    void (*service_called)(void *user, const struct services_call *call);
    /* What Spin's interfaces give it; both stay. NULL: they are not there. */
    struct services *services;
    const struct app_component *component;
    const char *manifest, *folder; /* of the application, for messages about dependencies; may be NULL without */
    const struct guest_dependency *dependencies; /* only for guest_create */
    size_t dependency_count;
    bool wants_digest; /* of the file */
    bool wants_text;   /* guest_dependencies */
    struct store_limits limits;
    uint64_t reuse_max; /* requests that an instance serves, one after the other; 0 is as 1 */
    uint32_t instances_max; /* 0: what the machine allows */
    uint32_t instances_warm; /* made at once */
    /* A line that a guest wrote to stdout or stderr, without its end; by the thread that runs it.
     * `user` is guest_take's. */
    void (*log)(void *user, bool is_stderr, const char *line, size_t bytes);
};

/* Loads and links it, and makes the first slot. Copies `config`. */
MUST_CHECK enum stint_status guest_create(struct stint_engine *engine,
                                          const struct guest_config *config,
                                          struct guest **ret_guest, struct stint_error *error);
void guest_free(struct guest *guest); /* once all uses are given back; accepts NULL */
/* Whether all of its code, or some, is machine code. */
bool guest_has_code(const struct guest *guest);
/* Why machine code that the file carries is not used, and what helps; NULL when all is well. */
const char *guest_refusal(const struct guest *guest);

/* What its dependencies meet and what they are denied, in lines; "" unless config.wants_text. */
const char *guest_dependencies(const struct guest *guest);

/* Of the file's bytes: SHA-256 as digits, "" unless config.wants_digest; and how many they are. */
const char *guest_digest(const struct guest *guest, uint64_t *ret_file_bytes);
/* The same, of the file's bytes and those of its dependencies: another one where any of them changed. */
const char *guest_digest_of_all(const struct guest *guest);

/* Gives it machine code, from the cache or the compiler; later calls use it. Takes a while; thread-safe,
 * once a guest. `is_cancelled` not 0: stop soon. */
MUST_CHECK enum stint_status guest_compile(struct guest *guest, const atomic_int *is_cancelled,
                                           struct stint_error *error);

/* A request before all others, whose end state every later one begins with. */
struct guest_warmup {
    const struct p2_request *request;
    /* Limits of it, as of others; UINT64_MAX: none. */
    uint64_t timeout_ns, cpu_ns, fuel;
    void (*log)(void *env, bool is_stderr, const char *line, size_t bytes); /* as in guest_config */
    void *env;
    const atomic_int *is_cancelled; /* not 0: stop soon, with STINT_INTERRUPTED. NULL: never */
};
struct guest_warm {
    unsigned status; /* of the response; 0: there was none */
    uint64_t cpu_ns;
    uint64_t memory_bytes;
};
/*
 * Once a guest; in the thread of the caller, while others may serve. What the guest answers is not 5xx, and
 * what it has open can be open again in other slots (wasi_p2_keep); else the guest is as it was, and
 * `error` says why. `ret_warm` is filled in any case.
 */
MUST_CHECK enum stint_status guest_warm_up(struct guest *guest, const struct guest_warmup *warmup,
                                           struct guest_warm *ret_warm, struct stint_error *error);

/* Of its slots; those that are kept for a further request are idle, but their memory counts. */
void guest_stats(struct guest *guest, struct pool_stats *ret_stats);
/* As pool_cool, with instances that are kept for a further request, but one. */
uint32_t guest_cool(struct guest *guest);

/* STINT_LIMIT: as many as may be are taken. */
MUST_CHECK enum stint_status guest_take(struct guest *guest, void *user, struct guest_use **ret_use,
                                        struct stint_error *error);
struct stint_store *guest_use_store(struct guest_use *use);
/* Runs what is to run before the first call of an instance, start functions, with the limits and the waiter
 * that the store has by then. */
MUST_CHECK enum stint_status guest_start(struct guest_use *use, struct stint_error *error);
/* Calls the handler, once a use. */
MUST_CHECK enum stint_status guest_handle(struct guest_use *use, const struct p2_request *request,
                                          struct stint_error *error);
bool guest_is_command(const struct guest *guest);
/* "NAME=value", of the configuration. */
const char *const *guest_env(const struct guest *guest, size_t *ret_count);
struct guest_command {
    struct wasi_strings args, env; /* all of both */
    struct host_pipe *input;       /* NULL: empty */
};
/* The same for a command: its response begins once it has written a header. What it is given stays until
 * guest_give. STINT_EXIT: with another code than 0; STINT_INVALID: its header was none. */
MUST_CHECK enum stint_status guest_run(struct guest_use *use, const struct guest_command *command,
                                       struct stint_error *error);
/* A message of a channel, once a use; whether the guest took it without an error. */
MUST_CHECK enum stint_status guest_message(struct guest_use *use, const void *data, size_t bytes,
                                           bool *ret_is_accepted, struct stint_error *error);
/* NULL before guest_handle has begun. */
const struct p2_response *guest_use_response(struct guest_use *use);
/* Of the request, before its body is finished; false: memory is out. Without guest_handle: nothing. */
MUST_CHECK bool guest_use_add_trailers(struct guest_use *use, const struct p2_header *trailers,
                                       size_t count);
const struct p2_header *guest_use_trailers(struct guest_use *use, size_t *ret_count);
/* Of its memories, now. */
uint64_t guest_use_memory_bytes(const struct guest_use *use);
/* Not from inside a guest's call. `is_good`: it may serve another request as it is, where the
 * configuration has that. */
void guest_give(struct guest_use *use, bool is_good);

#endif
