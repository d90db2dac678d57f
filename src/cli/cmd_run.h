/* SPDX-License-Identifier: Apache-2.0 */
/* What the files behind `stint run` share: its options and one run's state. */
#ifndef CLI_CMD_RUN_H
#define CLI_CMD_RUN_H

#include "aot/load.h"
#include "cli/cli.h"
#include "cli/module_file.h"
#include "runtime/store.h"

struct host_net;
struct run_component;
struct wasi_p1;
struct wasi_p2;

struct run_options {
#define SECTION(title)
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/run_flags.def"
#undef SECTION
#undef FLAG
};

/* Points in time that the statistics are made of, on the monotonic clock; 0: not reached. */
enum run_mark {
    MARK_START,
    MARK_READ,
    MARK_COMPILED, /* decoded, validated, ready for the engine */
    MARK_INSTANTIATED,
    MARK_END,
    MARK_COUNT
};

struct run {
    const struct run_options *options;
    const char *path; /* of the module, as it was given */
    int guest_argc;   /* what follows the path */
    char **guest_argv;
    struct module_file file;
    struct stint_engine *engine;
    struct stint_module *module;
    struct stint_store *store;
    struct stint_instance *instance;
    struct run_component *component; /* instead of module and instance (run_component.h) */
    struct wasi_p1 *wasi;
    struct wasi_p2 *wasi2; /* made when the module imports of it; never in stint-device */
    struct host_net *net; /* wasi2's; NULL: nothing */
    struct extern_value *imports;
    uint64_t marks_ns[MARK_COUNT];
    /* Where machine code is offered: fills config.tier from the options. */
    void (*set_tier)(const struct run *run, struct engine_config *config);
    /* Where there is a cache: opens run->file, with what is known of it, instead of
     * module_file_open; and ends what came with it, after everything else. */
    enum stint_status (*open)(struct run *run, const struct engine_config *config,
                              struct module_known *ret_known, struct stint_error *error);
    void (*close)(struct run *run);
    struct loaded *loaded; /* theirs, as is the next one */
    struct module_origin origin;
    /* --invoke, where it is offered: run_invoke. */
    enum stint_status (*invoke)(struct run *run, struct stint_error *error);
};

/*
 * Loads, links, instantiates and runs; `options`, `path`, the guest's arguments and `invoke` are
 * set. Ends with run_free, whatever came of it.
 */
MUST_CHECK enum stint_status run_module(struct run *run, struct stint_error *error);
/* Says why the run ended, where it did not end by itself, and gives the exit code. */
int run_conclude(const struct run *run, enum stint_status status, struct stint_error *error);
void run_free(struct run *run);

/*
 * Fills run->imports. Everything that the host lacks is reported at once on stderr, with the
 * nearest known name each; then the result is STINT_UNLINKABLE and `error` stays as it was.
 */
MUST_CHECK enum stint_status run_link(struct run *run, struct stint_error *error);

/*
 * Calls run->options->invoke with run->guest_argv as arguments and prints the results. Wrong
 * arguments are reported on stderr: STINT_ARGUMENT with `error` as it was.
 */
MUST_CHECK enum stint_status run_invoke(struct run *run, struct stint_error *error);

/* For run->open and run->close. Says on stderr why machine code in the file is not used. */
MUST_CHECK enum stint_status run_code_open(struct run *run, const struct engine_config *config,
                                           struct module_known *ret_known,
                                           struct stint_error *error);
void run_code_close(struct run *run);

/* For run->set_tier. */
void run_set_tier(const struct run *run, struct engine_config *config);

/* Prints --stats to stderr. */
void run_print_stats(const struct run *run);

/*
 * Arms --timeout: the guest ends when the time is up, and where that does not help, the process
 * does, with CLI_EXIT_TIMEOUT. Without --timeout both do nothing.
 */
void run_watch_start(struct run *run);
void run_watch_stop(const struct run *run);

#endif
