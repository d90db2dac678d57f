/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI 0.2 for the guests of one store, over the capabilities that preview 1 uses. The functions are
 * flat (component/host.h), so they serve components, through a resolver, and core modules that import
 * `wasi:…@0.2.x` names themselves:
 *
 *     struct wasi_p2_config config = wasi_p2_config_default(&p1_config);
 *     status = wasi_p2_create(alloc, &config, &wasi, &error);
 *     components:    resolver = wasi_p2_resolver(wasi); component_instantiate(store, plan, &resolver, …)
 *     core modules:  for each import: if (wasi_p2_knows_module(…)) status = wasi_p2_import(wasi, store, …);
 *     … STINT_EXIT carries the guest's exit code in the error
 *     store_free(store);
 *     wasi_p2_free(wasi);
 *
 * Every version 0.2.x is met by the newest one. The release candidates 2023-10-18 and 2023-11-10 are
 * met as they were. Waiting and interruption are as in preview 1 (wasi/p1.h).
 */
#ifndef WASI_P2_H
#define WASI_P2_H

#include "component/host.h"
#include "wasi/p1.h"

struct wasi_p2;
struct host_http_inside;
struct host_net;
struct host_pipe;

/* HTTP requests of a guest between its start and wasi_p2_restart; UINT64_MAX: no limit. */
struct wasi_p2_outbound {
    uint64_t calls_max;
    uint64_t alive_max;  /* at a time, their responses included */
    uint64_t timeout_ns; /* of each, to the end of its response */
    const struct host_http_inside *inside; /* who answers within the process; NULL: nobody. Stays */
};

/* A request that the guest makes. */
enum { WASI_P2_TRACEPARENT_BYTES = 56 };
struct wasi_p2_call {
    const char *method, *scheme, *host, *path; /* the path with its query */
    uint16_t port;
    /* The guest's own header `traceparent`; NULL: none, or several. */
    const char *own_parent;
    size_t own_parent_bytes;
    /* For `begin` to set: what goes out instead, with `tracestate` (NULL: none), which stays for the
     * request that the guest handles. "": the guest's own stay. */
    char traceparent[WASI_P2_TRACEPARENT_BYTES];
    const char *tracestate;
    char parent[17]; /* `begin` may keep a span's id here */
    /* For `end`. OS_CLOCK_MONOTONIC; 0: it did not come to that. Refused calls have none at all. */
    uint64_t start_ns, ready_ns, end_ns;
    uint16_t status;   /* 0: no response */
    uint8_t error;     /* 0, or 1 + the case of error-code */
    bool is_cancelled; /* by the guest, before there was a response */
};

/* Who sees those; called in the guest's thread, `end` once for each call, `begin` before, unless the
 * call is refused. */
struct wasi_p2_watch {
    void *env;
    void (*begin)(void *env, struct wasi_p2_call *call); /* may be NULL, as `end` */
    void (*end)(void *env, const struct wasi_p2_call *call);
};

struct wasi_p2_config {
    /* Arguments, environment, directories and standard streams. Its sockets are preview 1's only.
     * Descriptors of directories are not taken over. */
    const struct wasi_p1_config *shared;
    /* What the guest may reach over the network (wasi/host_net.h); NULL: nothing. Has to stay. */
    const struct host_net *net;
    struct wasi_p2_outbound outbound;
    struct wasi_p2_watch watch;
    uint32_t objects_max;  /* resources alive at a time, sockets and requests among them */
    size_t body_bytes_max; /* of an HTTP body on its way, before the guest has to wait */
};

enum { WASI_P2_OBJECTS_MAX = 4096 }; /* by default */

struct wasi_p2_config wasi_p2_config_default(const struct wasi_p1_config *shared);

/* Copies what it needs of `config`, `net` aside. Errors name the directory and the reason. `alloc`
 * must outlive the result. */
MUST_CHECK enum stint_status wasi_p2_create(struct alloc *alloc,
                                            const struct wasi_p2_config *config,
                                            struct wasi_p2 **ret_wasi, struct stint_error *error);
/* Closes all that the guest has open. Not before the last call into the store; accepts NULL. */
void wasi_p2_free(struct wasi_p2 *wasi);
/* For stores that are used again: the guest begins with nothing open, as at first. */
void wasi_p2_restart(struct wasi_p2 *wasi);
/* The outbound calls so far, where other hosts of the guest count theirs too. */
uint64_t *wasi_p2_calls(struct wasi_p2 *wasi);

/* For guests that go on with another request: it may make as many of its own again. */
void wasi_p2_renew(struct wasi_p2 *wasi);
/* For commands that are run again and again: other arguments and another environment, which stay until they
 * are set again, and a standard input; NULL: an empty one. */
void wasi_p2_set_command(struct wasi_p2 *wasi, const struct wasi_strings *args,
                         const struct wasi_strings *env, struct host_pipe *input);

/* For components. */
struct host_resolver wasi_p2_resolver(struct wasi_p2 *wasi);

/* ---- Snapshots --------------------------------------------------------------------------- */

/* What one guest has open, for guests of other stores with the same configuration to have as well. */
struct wasi_p2_kept;
struct wasi_p2_kept *wasi_p2_kept_create(struct alloc *alloc); /* NULL when memory is out */
void wasi_p2_kept_free(struct wasi_p2_kept *kept);             /* accepts NULL */

/* Whether a type of resources is ours. */
bool wasi_p2_has_type(const struct wasi_p2 *wasi, const struct resource_type *type);
/*
 * Keeps a resource, as a word that wasi_p2_reopen makes one of. Preopens, standard streams, the network
 * and header fields are there again; what else belongs to HTTP messages is gone, so that a handle of it
 * can only be dropped. Files, sockets, pollables and requests on their way fail, with what is open in
 * `error` ("a file is open").
 */
MUST_CHECK enum stint_status wasi_p2_keep(const struct wasi_p2 *wasi, uint32_t rep,
                                          struct wasi_p2_kept *kept, uint32_t *ret_word,
                                          struct stint_error *error);
MUST_CHECK enum stint_status wasi_p2_reopen(struct wasi_p2 *wasi, const struct wasi_p2_kept *kept,
                                            uint32_t word, uint32_t *ret_rep,
                                            struct stint_error *error);
/* The same for all handles of a core module. */
MUST_CHECK enum stint_status wasi_p2_keep_handles(const struct wasi_p2 *wasi,
                                                  struct wasi_p2_kept *kept,
                                                  struct stint_error *error);
MUST_CHECK enum stint_status wasi_p2_reopen_handles(struct wasi_p2 *wasi,
                                                    const struct wasi_p2_kept *kept,
                                                    struct stint_error *error);

/* ---- Core modules ------------------------------------------------------------------------ */

/* Whether imports of this module are ours: `wasi:cli/stdout@0.2.3` and the like. */
bool wasi_p2_knows_module(const char *module, size_t module_bytes);
/*
 * Resolves one import of a core module. `store` is the same in each call. STINT_NOT_FOUND: there is no
 * such interface, version or function; STINT_UNLINKABLE: it has another type than `type`.
 * The guest's memory is its memory 0, its realloc the export `cabi_realloc`.
 */
MUST_CHECK enum stint_status wasi_p2_import(struct wasi_p2 *wasi, struct stint_store *store,
                                            const char *module, size_t module_bytes,
                                            const char *name, size_t name_bytes,
                                            const struct type_def *type, struct func **ret_func,
                                            struct stint_error *error);
/* The same for the functions and resources of another host, which share the guest's handles with those of
 * WASI: what core modules import is then as in components. What `resolver` says otherwise is passed on. */
MUST_CHECK enum stint_status
wasi_p2_import_from(struct wasi_p2 *wasi, struct stint_store *store,
                    const struct host_resolver *resolver, const char *module, size_t module_bytes,
                    const char *name, size_t name_bytes, const struct type_def *type,
                    struct func **ret_func, struct stint_error *error);
/* Whether wasi_p2_import would find a function, whatever its type. */
bool wasi_p2_has(const char *module, size_t module_bytes, const char *name, size_t name_bytes);
/* The interfaces ("wasi:cli/exit") and the functions of all of them, by number from 0; NULL after the
 * last. */
const char *wasi_p2_interface_name(size_t number);
const char *wasi_p2_function_name(size_t number);

/* The handles of core modules, for hosts that call what these export. */
struct handle_table *wasi_p2_handles(struct wasi_p2 *wasi);

/*
 * Whether an export's name is that of `interface` in a version that we know, with `#function` after it:
 * "wasi:cli/run@0.2.6#run" for "wasi:cli/run", "run".
 */
bool wasi_p2_is_export(const char *export_name, size_t bytes, const char *interface,
                       const char *function);

#endif
