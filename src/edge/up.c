/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `stint up`: reads the application, loads its components, listens, and serves until it is told to end.
 * The main thread only waits for signals; workers serve.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/compile.h"
#include "edge/admin.h"
#include "edge/application.h"
#include "edge/budget.h"
#include "edge/certificates.h"
#include "edge/edge_int.h"
#include "edge/fencing.h"
#include "edge/fitting.h"
#include "edge/handover.h"
#include "edge/listeners.h"
#include "edge/monitor.h"
#include "edge/notify.h"
#include "edge/regions.h"
#include "edge/settings.h"
#include "edge/versions.h"
#include "edge/warming.h"
#include "interp/interp.h"
#include "os/clock.h"
#include "os/files.h"
#include "os/heap.h"
#include "stint_config.h"
#include "wasi/host_http.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, REASON_BYTES_MAX = 4096 };
enum { FREE_BYTES_MAX = 32 << 20 };

/* At the end, for requests of guests that were given up. */
static const uint64_t settle_ns = 5000000000;
static const uint64_t give_back_ns = 9000000000;

struct up {
    struct edge_server server;
    struct log_buffer log;      /* the main thread's */
    struct thread compiler;     /* for components without machine code */
    bool has_compiler;
    atomic_int is_ending;
    uint64_t given_back_ns; /* when memory was last given back */
};

/* ---- Preparation ------------------------------------------------------------------------- */

static enum stint_status create_engine(struct up *up, struct stint_error *error)
{
    const struct edge_options *options = up->server.options;
    struct engine_config config = engine_config_default();
    const char *tier = options->tier != NULL ? options->tier : STINT_TIER_DEFAULT;
    config.is_metered = true;
    config.tier.mode = strcmp(tier, "interp") == 0 ? TIER_INTERP
                       : strcmp(tier, "aot") == 0  ? TIER_AOT
                                                   : TIER_JIT;
    config.tier.source = compile_source();
    config.tier.uses_cache = !options->no_cache;
    config.tier.is_looked_up = true;
    enum stint_status status = engine_create(&config, &interp_ops, &up->server.engine);
    return status == STINT_OK ? status
                              : error_set(error, status, STINT_NO_OFFSET, "no memory for an engine");
}

static void open_log(struct up *up)
{
    const struct edge_options *options = up->server.options;
    struct log *log = &up->server.log;
    const char *no_colour = getenv("NO_COLOR");
    bool is_terminal = file_is_terminal(STDERR_FILENO);
    log_init(log);
    log->is_terse = options->check;
    log->is_json = !is_terminal && !options->check;
    log->has_colour = is_terminal && (no_colour == NULL || no_colour[0] == '\0');
    if (options->check)
        log->level = LOG_WARN;
    if (options->log_level != NULL)
        (void)log_level_parse(options->log_level, &log->level);
    log_buffer_init(&up->log, log);
}

static enum stint_status open_access_log(struct up *up, const struct edge_app *app,
                                         struct stint_error *error)
{
    const struct edge_options *options = up->server.options;
    const char *path =
        options->access_log != NULL ? options->access_log : app->app->server.access_log;
    return log_open_access(&up->server.log, path, error);
}

static enum stint_status open_traces(struct up *up, struct stint_error *error)
{
    struct traces_config *config;
    enum stint_status status = traces_config_create(up->server.app->app, &up->log, &config);
    return status == STINT_OK
               ? traces_create(&up->server.log, config, &up->server.traces, error)
               : status;
}

static enum stint_status open_certificates(struct up *up)
{
    struct edge_server *server = &up->server;
    bool has_tls = server->admin_is_tls;
    for (uint32_t i = 0; i < server->listener_count; i++)
        has_tls |= server->listeners[i].is_tls;
    return has_tls ? certificates_create(server, &up->log, &server->certificates) : STINT_OK;
}

/* ---- Machine code ------------------------------------------------------------------------ */

/* Requests are short, so nothing in them is seen to run often: whole components are compiled, while
 * they are served interpreted. */
static void compile_all(void *context)
{
    struct up *up = context;
    struct edge_app *app = up->server.app;
    struct log_buffer log;
    log_buffer_init(&log, &up->server.log);
    for (uint32_t i = 0; i < app->app->component_count; i++) {
        struct edge_component *component = &app->components[i];
        struct stint_error error = {0};
        if (component->guest == NULL || guest_has_code(component->guest))
            continue;
        enum stint_status status = guest_compile(component->guest, &up->is_ending, &error);
        if (status == STINT_OK)
            log_line(&log, LOG_INFO, component->app->id, NULL, "runs as machine code now");
        else if (status != STINT_INTERRUPTED)
            log_line(&log, LOG_WARN, component->app->id, NULL, "stays interpreted: %s",
                     error.message);
        if (status != STINT_INTERRUPTED)
            warming_component(app, component, &up->is_ending, &log);
        log_flush(&log);
    }
    log_buffer_free(&log);
}

static void start_compiler(struct up *up)
{
    atomic_store(&up->is_ending, 0);
    if (up->server.engine->config.tier.mode == TIER_JIT)
        up->has_compiler = thread_start(&up->compiler, compile_all, up, true);
}

static void stop_compiler(struct up *up)
{
    atomic_store(&up->is_ending, 1);
    if (up->has_compiler)
        thread_join(&up->compiler);
    up->has_compiler = false;
}

/* ---- Running ----------------------------------------------------------------------------- */

static enum stint_status start_workers(struct up *up, struct stint_error *error)
{
    struct edge_server *server = &up->server;
    server->workers = alloc_get_zeroed(&alloc_root, server->worker_count, sizeof(struct worker));
    if (server->workers == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    for (uint32_t i = 0; i < server->worker_count; i++) {
        enum stint_status status = worker_create(&server->workers[i], server, i,
                                                 listeners_of(server, i), server->listener_count,
                                                 error);
        if (status != STINT_OK)
            return status;
    }
    for (uint32_t i = 0; i < server->worker_count; i++) {
        if (!worker_start(&server->workers[i]))
            return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no thread for a worker");
    }
    return STINT_OK;
}

/* The same file's name may be another file by now. */
static void reopen_log(struct up *up)
{
    struct stint_error error = {0};
    if (open_access_log(up, up->server.app, &error) != STINT_OK)
        log_line(&up->log, LOG_ERROR, NULL, NULL, "%s; the log before goes on", error.message);
    else
        log_line(&up->log, LOG_INFO, NULL, NULL, "the access log is opened again");
}

/* Of the version that is to be served. Where it is the same file, and the user that the server has become
 * may not open it, the open one goes on. */
static enum stint_status switch_access_log(struct up *up, const struct edge_app *next,
                                           struct stint_error *error)
{
    const char *old = up->server.app->app->server.access_log, *new = next->app->server.access_log;
    struct stint_error why = {0};
    enum stint_status status = open_access_log(up, next, &why);
    if (status != STINT_OK && (up->server.options->access_log != NULL || strcmp(old, new) == 0)) {
        log_line(&up->log, LOG_WARN, NULL, NULL, "%s; the log before goes on", why.message);
        return STINT_OK;
    }
    if (status != STINT_OK)
        *error = why;
    return status;
}

/* What the manifest says beside the application: all of it, or nothing. */
static enum stint_status take_settings(struct up *up, struct edge_app *next)
{
    struct edge_server *server = &up->server;
    struct traces_config *config;
    struct stint_error error = {0};
    enum stint_status status = traces_config_create(next->app, &up->log, &config);
    if (status != STINT_OK)
        return status;
    status = traces_prepare(server->traces, config, &error);
    if (status == STINT_OK)
        status = switch_access_log(up, next, &error);
    if (status == STINT_OK)
        status = traces_configure(server->traces, config, &error);
    else
        traces_config_release(config);
    if (status != STINT_OK)
        log_line(&up->log, LOG_ERROR, NULL, NULL, "%s", error.message);
    return status;
}

/* A version that cannot be read, or of which nothing loads, changes nothing. */
static enum stint_status load_next(struct up *up, struct edge_app **ret_next)
{
    enum stint_status status = application_load(&up->server, &up->log, ret_next);
    if (status != STINT_OK)
        return status;
    status = take_settings(up, *ret_next);
    if (status == STINT_OK)
        warming_begin(&up->server, *ret_next, &up->log);
    else
        application_release(*ret_next);
    return status;
}

static void reload(struct up *up)
{
    struct edge_server *server = &up->server;
    struct edge_app *next;
    struct buf why;
    buf_init(&why, &alloc_root, REASON_BYTES_MAX);
    up->log.heard = &why;
    enum stint_status status = load_next(up, &next);
    up->log.heard = NULL;
    if (status != STINT_OK)
        versions_failed(server->versions, &why);
    buf_free(&why);
    if (status != STINT_OK) {
        log_line(&up->log, LOG_ERROR, NULL, NULL,
                 "reload: the application is not used as it is now; the one before is still served");
        if (server->fence.has_files)
            log_line(&up->log, LOG_INFO, NULL, NULL,
                     "folders that it did not name before are outside of what this process may read "
                     "and write: a new start sees them");
        return;
    }
    stop_compiler(up);
    if (server->certificates != NULL)
        certificates_reload(server->certificates, &up->log);
    for (uint32_t i = 0; i < server->worker_count; i++)
        worker_switch(&server->workers[i], application_retain(next));
    monitor_switch(server, next);
    regions_switch(server, next);
    settings_say_restart(&server->app->app->server, &next->app->server, &up->log);
    if (server->listener_count == 0 && app_wants_http(next->app))
        log_line(&up->log, LOG_WARN, NULL, NULL,
                 "reload: the application has HTTP routes now, and nothing is listened on: start anew");
    if (server->options->drain_ns == 0)
        server->drain_ns = next->app->server.drain_ns;
    application_release(server->app);
    server->app = next;
    log_line(&up->log, LOG_INFO, NULL, NULL, "reload: the application is served as it is now");
    start_compiler(up);
}

/* After a flood, memory is the machine's again within a minute: half of the instances that nobody has
 * needed lately go at each turn, and what was freed of the heap. */
static void give_back(struct up *up)
{
    const struct edge_app *app = up->server.app;
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    if (now_ns - up->given_back_ns < give_back_ns)
        return;
    up->given_back_ns = now_ns;
    for (uint32_t i = 0; i < app->app->component_count; i++) {
        if (app->components[i].guest != NULL)
            (void)guest_cool(app->components[i].guest);
    }
    (void)heap_trim(FREE_BYTES_MAX);
}

/* What the main thread has to do while workers serve; the signal that ends it. */
static int await_signal(struct up *up, const sigset_t *signals)
{
    struct edge_server *server = &up->server;
    struct timespec pause = {.tv_sec = 1};
    static const struct timespec rest = {.tv_sec = 10};
    uint64_t watched_ns = notify_watchdog_ns();
    if (watched_ns != 0 && watched_ns / 3 < 1000000000)
        pause = (struct timespec){.tv_nsec = (long)(watched_ns / 3)};
    for (;;) {
        bool has_clock =
            server->certificates != NULL || watched_ns != 0 || budget_is_used(server->app);
        int number = sigtimedwait(signals, NULL, has_clock ? &pause : &rest);
        if (number == SIGUSR1) {
            reopen_log(up);
        } else if (number == SIGHUP) {
            notify_reloading(server);
            reload(up);
            notify_ready(server);
        } else if (number > 0) {
            return number;
        }
        certificates_tick(server->certificates, &up->log);
        budget_tick(server->budget, &up->log, false);
        if (watched_ns != 0)
            notify_alive(server);
        give_back(up);
        log_flush(&up->log);
    }
}

static void await_end(struct up *up, const sigset_t *signals)
{
    int number = await_signal(up, signals);
    if (atomic_load(&up->server.is_replaced))
        log_line(&up->log, LOG_INFO, NULL, NULL,
                 "replaced: finishing the requests that are on their way");
    else
        log_line(&up->log, LOG_INFO, NULL, NULL,
                 "signal %d: finishing the requests that are on their way", number);
    log_flush(&up->log);
    notify_stopping(&up->server);
    handover_stop(&up->server);
    for (uint32_t i = 0; i < up->server.worker_count; i++)
        worker_drain(&up->server.workers[i]);
    /* Who asks twice means it; SIGHUP and SIGUSR1 do not ask that. */
    sigset_t ends = *signals;
    sigdelset(&ends, SIGHUP);
    sigdelset(&ends, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &ends, NULL);
    for (uint32_t i = 0; i < up->server.worker_count; i++)
        worker_join(&up->server.workers[i]);
    budget_tick(up->server.budget, &up->log, true);
}

static void stop_workers(struct up *up)
{
    struct edge_server *server = &up->server;
    for (uint32_t i = 0; server->workers != NULL && i < server->worker_count; i++) {
        struct worker *worker = &server->workers[i];
        if (worker->has_thread) {
            worker_drain(worker);
            worker_join(worker);
        }
        worker_free(worker);
    }
    alloc_put(&alloc_root, server->workers,
              server->workers != NULL ? server->worker_count * sizeof(struct worker) : 0);
    (void)!host_http_settle(settle_ns);
}

static int fail(struct up *up, const struct stint_error *error)
{
    if (error->message[0] != '\0')
        log_line(&up->log, LOG_ERROR, NULL, NULL, "%s", error->message);
    return EXIT_FAILED;
}

static int serve(struct up *up, const sigset_t *signals)
{
    struct edge_server *server = &up->server;
    struct stint_error error = {0};
    enum stint_status status = regions_create(&server->regions);
    if (status == STINT_OK)
        status = create_engine(up, &error);
    if (status == STINT_OK)
        status = application_load(server, &up->log, &server->app);
    if (status == STINT_OK)
        status = handover_open(server, &up->log);
    if (status == STINT_OK)
        status = monitor_open(server, &up->log);
    if (status == STINT_OK)
        status = open_access_log(up, server->app, &error);
    if (status == STINT_OK)
        status = open_traces(up, &error);
    if (status == STINT_OK)
        status = budget_create(server, &server->budget);
    if (status != STINT_OK)
        return fail(up, &error);
    const struct app_server *settings = &server->app->app->server;
    server->drain_ns = server->options->drain_ns != 0 ? server->options->drain_ns : settings->drain_ns;
    server->worker_count = fitting_workers(server->options, server->app->app);
    listeners_choose(server);
    status = open_certificates(up);
    enum stint_status sockets = listeners_open(server, &up->log);
    if (status == STINT_OK)
        status = sockets;
    if (status == STINT_OK)
        status = fencing_raise(server, &up->log);
    /* Guests run from here on: inside of the fence, and no longer as root. */
    if (status == STINT_OK)
        warming_begin(server, server->app, &up->log);
    if (status == STINT_OK)
        listeners_announce(server, &up->log);
    if (status == STINT_OK)
        status = start_workers(up, &error);
    if (status == STINT_OK)
        status = monitor_start(server, &error);
    if (status == STINT_OK)
        status = regions_start(server, &error);
    if (status == STINT_OK)
        status = handover_ready(server, &up->log);
    if (status != STINT_OK)
        return fail(up, &error);
    notify_ready(server);
    start_compiler(up);
    await_end(up, signals);
    return EXIT_OK;
}

/* What meets what of components that have dependencies. */
static void show_dependencies(const struct edge_app *app)
{
    const char *title = "\ndependencies\n";
    for (uint32_t i = 0; i < app->app->component_count; i++) {
        const struct guest *guest = app->components[i].guest;
        const char *text = guest != NULL ? guest_dependencies(guest) : "";
        if (text[0] == '\0')
            continue;
        printf("%s  %s\n%s", title, app->app->components[i].id, text);
        title = "";
    }
}

/* What depends on this machine and on who starts the server. */
static enum stint_status describe(struct up *up)
{
    struct stint_error error = {0};
    struct buf text;
    buf_init(&text, &alloc_root, SIZE_MAX);
    enum stint_status status = fencing_describe(&up->server, &text, &error);
    if (status == STINT_OK)
        status = fitting_describe(&up->server, &text);
    if (text.bytes > 0)
        (void)fwrite(text.data, 1, text.bytes, stdout);
    buf_free(&text);
    if (status != STINT_OK)
        log_line(&up->log, LOG_ERROR, NULL, NULL, "%s",
                 error.message[0] != '\0' ? error.message : "out of memory");
    return status;
}

/* What a start would find wrong, but for what another process may hold: addresses, the control socket. */
static int check(struct up *up)
{
    struct edge_server *server = &up->server;
    struct stint_error error = {0};
    struct traces_config *traces = NULL;
    enum stint_status status = regions_create(&server->regions);
    if (status == STINT_OK)
        status = create_engine(up, &error);
    if (status == STINT_OK)
        status = application_load(server, &up->log, &server->app);
    if (status != STINT_OK)
        return fail(up, &error);
    show_dependencies(server->app);
    int code = EXIT_OK;
    for (uint32_t i = 0; i < server->app->app->component_count; i++) {
        if (server->app->components[i].guest == NULL)
            code = EXIT_FAILED;
    }
    if (traces_config_create(server->app->app, &up->log, &traces) == STINT_OK)
        traces_config_release(traces);
    else
        code = EXIT_FAILED;
    listeners_choose(server);
    (void)admin_address(server);
    if (open_certificates(up) != STINT_OK)
        code = EXIT_FAILED;
    return describe(up) == STINT_OK ? code : EXIT_FAILED;
}

static int run(const struct edge_options *options)
{
    struct up up = {.server = {.options = options,
                               .started_unix_ns = clock_now_ns(OS_CLOCK_REALTIME)}};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    open_log(&up);
    lock_init(&up.server.limits_lock);
    notify_open(&up.server);
    int code = options->check ? check(&up) : serve(&up, &signals);
    stop_compiler(&up);
    monitor_stop(&up.server);
    regions_stop(&up.server);
    stop_workers(&up);
    traces_free(up.server.traces);
    budget_free(up.server.budget);
    monitor_close(&up.server);
    listeners_close(&up.server);
    handover_free(&up.server);
    notify_close(&up.server);
    certificates_free(up.server.certificates);
    application_release(up.server.app);
    regions_free(up.server.regions);
    log_buffer_free(&up.log);
    log_free(&up.server.log);
    engine_release(up.server.engine);
    lock_free(&up.server.limits_lock);
    return code;
}

__attribute__((visibility("default"))) const struct edge_api stint_edge = {EDGE_VERSION, run};
