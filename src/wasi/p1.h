/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI preview 1 (`wasi_snapshot_preview1`), and its predecessor `wasi_unstable`, for the modules of
 * one store. What the guest may touch is what the configuration names, nothing else.
 *
 *     struct wasi_p1_config config = wasi_p1_config_default();
 *     status = wasi_p1_create(alloc, &config, &wasi, &error);
 *     … for each import: if (wasi_p1_knows_module(…)) status = wasi_p1_import(wasi, store, …);
 *     … instantiate, call _start: STINT_EXIT carries the guest's exit code in the error
 *     store_free(store);
 *     wasi_p1_free(wasi);
 *
 * Calls that wait end with STINT_TIMEOUT at store->deadline_ns, and, where the engine is metered,
 * with STINT_INTERRUPTED within 5 ms of store->interrupt. The process should ignore SIGPIPE.
 */
#ifndef WASI_P1_H
#define WASI_P1_H

#include "runtime/store.h"

struct wasi_p1;
struct host_sink; /* wasi/host_file.h */

/* A directory of the host that the guest finds open. */
struct wasi_p1_dir {
    const char *host_path;  /* or NULL: */
    int fd;                 /* an open directory, taken over by wasi_p1_create, also if it fails */
    const char *guest_path; /* the name by which the guest knows it */
    bool is_read_only;
};

struct wasi_p1_config {
    const char *const *args; /* the program's name first */
    size_t arg_count;
    const char *const *env; /* "NAME=value" */
    size_t env_count;
    const struct wasi_p1_dir *dirs; /* descriptors 3 and on */
    size_t dir_count;
    /* Listening or connected sockets, the descriptors after the directories. Taken over by
     * wasi_p1_create, also if it fails. */
    const int *sockets;
    size_t socket_count;
    int stdin_fd, stdout_fd, stderr_fd; /* stay the caller's; -1: closed for the guest */
    /* Instead of those that are -1: whom the guest reads from and writes to; they have to stay. */
    struct host_sink *stdin_sink, *stdout_sink, *stderr_sink;
    uint32_t descriptors_max;           /* open ones at a time */
};

enum { WASI_P1_DESCRIPTORS_MAX = 1024 }; /* by default */

/* The standard streams of the process and nothing else. */
struct wasi_p1_config wasi_p1_config_default(void);

/* Copies what it needs of `config`. Errors name the directory and the reason. `alloc` must outlive
 * the result. */
MUST_CHECK enum stint_status wasi_p1_create(struct alloc *alloc,
                                            const struct wasi_p1_config *config,
                                            struct wasi_p1 **ret_wasi, struct stint_error *error);
/* Closes all descriptors of the guest. Not before the last call into the store; accepts NULL. */
void wasi_p1_free(struct wasi_p1 *wasi);

/*
 * For stores that are used again: wasi_p1_keep notes what the guest begins with, wasi_p1_restart
 * closes what it has opened and opens what it has closed. `config` is the one of wasi_p1_create, and
 * without descriptors that were taken over.
 */
MUST_CHECK enum stint_status wasi_p1_keep(struct wasi_p1 *wasi, struct stint_error *error);
MUST_CHECK enum stint_status wasi_p1_restart(struct wasi_p1 *wasi,
                                             const struct wasi_p1_config *config,
                                             struct stint_error *error);

/* Whether it has open what wasi_p1_keep noted, and nothing else. */
bool wasi_p1_is_as_kept(const struct wasi_p1 *wasi);

/* Strings one after the other, each with its NUL. */
struct wasi_strings {
    const char *bytes;
    size_t size_bytes, count;
};
/* Other arguments and another environment from now on, which have to stay until they are set again. */
void wasi_p1_set_strings(struct wasi_p1 *wasi, const struct wasi_strings *args,
                         const struct wasi_strings *env);

/* Whether imports of this module are ours: `wasi_snapshot_preview1` or `wasi_unstable`. */
bool wasi_p1_knows_module(const char *module, size_t module_bytes);
/*
 * Resolves one import. `store` is the same in each call. STINT_NOT_FOUND: the module is not ours, or
 * has no such function; STINT_UNLINKABLE: it has another type than `type`, exactly compared.
 */
MUST_CHECK enum stint_status wasi_p1_import(struct wasi_p1 *wasi, struct stint_store *store,
                                            const char *module, size_t module_bytes,
                                            const char *name, size_t name_bytes,
                                            const struct type_def *type, struct func **ret_func,
                                            struct stint_error *error);
/* The names of all functions, by number from 0; NULL after the last. */
const char *wasi_p1_name(size_t number);

#endif
