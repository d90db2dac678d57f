/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libstint-edge.so: the server behind `stint up`. The program loads it with dlopen and finds one symbol,
 * EDGE_SYMBOL, of type const struct edge_api. It brings its own copy of the runtime, so nothing but this
 * struct passes between the two.
 */
#ifndef EDGE_EDGE_H
#define EDGE_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EDGE_PLUGIN "libstint-edge.so"
#define EDGE_SYMBOL "stint_edge"
enum { EDGE_VERSION = 3 };

struct edge_options {
    const char *path;             /* a manifest, a folder with spin.toml, or a .wasm */
    const char *const *listen;    /* "127.0.0.1:3000", "https://[::]:443" */
    size_t listen_count;          /* 0: what the manifest says, else 127.0.0.1:3000 */
    const char *tls_cert, *tls_key; /* PEM files; NULL: those of the manifest */
    const char *runtime_config;   /* a file, or NULL */
    const char *profile;          /* of the manifest, or NULL */
    const char *region;           /* where this server is, or NULL */
    const char *const *variables; /* "name=value" */
    size_t variable_count;
    const char *const *env;       /* "NAME=value", for every component */
    size_t env_count;
    const char *const *trust;     /* blocks of addresses: trusted proxies besides the manifest's */
    size_t trust_count;
    const char *const *geo;       /* MaxMind DB files, asked before the manifest's */
    size_t geo_count;
    const char *metrics;          /* where /metrics is; NULL: what the manifest says */
    const char *admin;            /* where the admin page is; NULL: what the manifest says */
    const char *admin_token_file; /* who asks has to know its text; NULL: the manifest's */
    uint32_t workers;             /* threads that serve; 0: one a core */
    uint64_t drain_ns;            /* how long requests may go on after SIGTERM; 0: the default */
    const char *tier;             /* "interp", "jit", "aot" */
    const char *user;             /* to become after start: "NAME[:GROUP]"; NULL: the manifest's */
    const char *control;          /* path of the socket for a successor; NULL: none */
    const char *fence;            /* "on", "warn", "off"; NULL: what the manifest says */
    const char *log_level;        /* "error", "warn", "info", "debug"; NULL: info */
    const char *access_log;       /* a file, "-" for stdout, NULL: what the manifest says */
    bool quiet;                   /* no text on stdout about where it listens */
    bool no_cache;
    bool replace;                 /* take over from the server at `control` */
    bool check;                   /* load everything, say what is wrong on stderr, the fence and
                                   * limits on stdout, and end */
};

struct edge_api {
    uint32_t version;
    /* Serves until a signal ends it. The exit code of the program. */
    int (*up)(const struct edge_options *options);
};

#endif
