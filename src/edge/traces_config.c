/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about traces: by OTEL_* in the environment, and in [application.tool.stint.traces]. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/shape.h"
#include "edge/traces.h"
#include "os/files.h"
#include "os/random.h"

enum { HEADERS_MAX = 32, FILE_BYTES_MAX = 16384, TEXT_BYTES_MAX = 65536 };

static const uint64_t ms_ns = 1000000;

struct setup {
    struct traces_config *config;
    const struct app *app;
    struct log_buffer *log;
    struct buf resource;
    bool has_service, has_version, has_instance;
};

/* ---- The environment --------------------------------------------------------------------- */

/* An empty variable is as none. */
static const char *env_of(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* Of two: what is for traces alone goes before what is for all signals. */
static const char *env_of_two(const char *own, const char *all)
{
    const char *text = env_of(own);
    return text != NULL ? text : env_of(all);
}

static void env_number(struct setup *setup, const char *name, uint64_t min, uint64_t unit,
                       uint64_t *value)
{
    const char *text = env_of(name);
    char *end;
    if (text == NULL)
        return;
    unsigned long long number = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || number < min || number > 1000000000)
        log_line(setup->log, LOG_WARN, NULL, NULL, "%s: '%s' is no such number, so it is left out",
                 name, text);
    else
        *value = number * unit;
}

static int hex_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* Without spaces around it and with %XX as its byte; in the arena. NULL: memory is out. */
static char *decode(struct setup *setup, const char *text, size_t bytes)
{
    while (bytes > 0 && isspace((unsigned char)*text)) {
        text++;
        bytes--;
    }
    while (bytes > 0 && isspace((unsigned char)text[bytes - 1]))
        bytes--;
    char *copy = arena_get(&setup->config->arena, bytes + 1), *to = copy;
    for (size_t i = 0; copy != NULL && i < bytes; i++) {
        int high = text[i] == '%' && i + 2 < bytes ? hex_of(text[i + 1]) : -1;
        int low = high >= 0 ? hex_of(text[i + 2]) : -1;
        *to++ = low >= 0 ? (char)(high * 16 + low) : text[i];
        i += low >= 0 ? 2 : 0;
    }
    if (copy != NULL)
        *to = '\0';
    return copy;
}

/* name=value,name=value */
static bool env_pairs(struct setup *setup, const char *variable, const char *text,
                      bool (*take)(struct setup *, const char *, const char *))
{
    for (const char *at = text; at != NULL && *at != '\0';) {
        size_t bytes = strcspn(at, ",");
        const char *equals = memchr(at, '=', bytes);
        if (equals != NULL) {
            const char *name = decode(setup, at, (size_t)(equals - at));
            const char *value = decode(setup, equals + 1, (size_t)(at + bytes - equals - 1));
            if (name == NULL || value == NULL || !take(setup, name, value))
                return false;
        } else {
            log_line(setup->log, LOG_WARN, NULL, NULL,
                     "%s: '%.*s' is not name=value, so it is left out", variable, (int)bytes, at);
        }
        at += bytes + (at[bytes] == ',');
    }
    return true;
}

/* ---- Headers ----------------------------------------------------------------------------- */

static bool is_header(const char *name, const char *value)
{
    for (const char *at = value; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return false;
    }
    return shape_format_fits(FORMAT_FIELD_NAME, name, NULL);
}

static bool take_header(struct setup *setup, const char *name, const char *value)
{
    struct traces_config *config = setup->config;
    if (!is_header(name, value) || config->header_count >= HEADERS_MAX) {
        /* Not the value: it may be a secret. */
        log_line(setup->log, LOG_WARN, NULL, NULL, "traces: the header '%s' is left out: %s", name,
                 config->header_count >= HEADERS_MAX ? "there are too many" : "it is none");
        return true;
    }
    config->headers[config->header_count++] =
        (struct http_client_header){name, (const uint8_t *)value, strlen(name), strlen(value)};
    return true;
}

static enum stint_status read_text(const char *path, char *text, size_t room, size_t *ret_bytes)
{
    struct file_span span = {text, room};
    int fd = -1;
    enum os_error reason = file_open_host(path, FILE_READ, &fd);
    if (reason == OS_OK)
        reason = file_read(fd, &span, 1, 0, ret_bytes);
    if (fd >= 0)
        file_close(fd);
    return reason ? STINT_IO : STINT_OK;
}

/* Lines `name: value`; empty ones, and those behind #, are none. */
static enum stint_status read_headers_file(struct setup *setup, const char *path)
{
    char text[FILE_BYTES_MAX];
    size_t bytes = 0;
    if (path[0] == '\0')
        return STINT_OK;
    if (read_text(path, text, sizeof(text) - 1, &bytes) != STINT_OK) {
        log_line(setup->log, LOG_ERROR, NULL, NULL, "traces: headers_file: cannot read %s", path);
        return STINT_IO;
    }
    text[bytes] = '\0';
    unsigned number = 1;
    for (char *at = text; *at != '\0'; number++) {
        size_t line = strcspn(at, "\n");
        const char *colon = memchr(at, ':', line);
        if (at[0] != '#' && at[strspn(at, " \t\r")] != '\n' && at[strspn(at, " \t\r")] != '\0') {
            size_t name_bytes = colon != NULL ? (size_t)(colon - at) : 0;
            const char *name = arena_copy_string(&setup->config->arena, at, name_bytes);
            char *value = colon == NULL ? NULL
                                        : arena_copy_string(&setup->config->arena, colon + 1,
                                                            line - name_bytes - 1);
            for (size_t end = value != NULL ? strlen(value) : 0;
                 end > 0 && isspace((unsigned char)value[end - 1]); end--)
                value[end - 1] = '\0';
            if (name == NULL || value == NULL || !is_header(name, value + strspn(value, " \t"))) {
                log_line(setup->log, LOG_ERROR, NULL, NULL,
                         "traces: %s:%u: a line is 'name: value'", path, number);
                return STINT_INVALID;
            }
            (void)take_header(setup, name, value + strspn(value, " \t"));
        }
        at += line + (at[line] == '\n');
    }
    return STINT_OK;
}

static enum stint_status read_headers(struct setup *setup)
{
    struct traces_config *config = setup->config;
    const struct app_traces *traces = &setup->app->server.traces;
    const char *env = env_of_two("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS");
    config->headers = arena_get_zeroed(&config->arena, HEADERS_MAX, sizeof(*config->headers));
    if (config->headers == NULL)
        return STINT_NOMEM;
    if (env != NULL)
        return env_pairs(setup, "OTEL_EXPORTER_OTLP_HEADERS", env, take_header) ? STINT_OK
                                                                                : STINT_NOMEM;
    for (uint32_t i = 0; i < traces->headers.count; i++) {
        const struct app_pair *pair = &traces->headers.items[i];
        const char *name = arena_copy_string(&config->arena, pair->name, strlen(pair->name));
        const char *value = arena_copy_string(&config->arena, pair->value, strlen(pair->value));
        if (name == NULL || value == NULL || !take_header(setup, name, value))
            return STINT_NOMEM;
    }
    return read_headers_file(setup, traces->headers_file);
}

/* ---- The resource ------------------------------------------------------------------------ */

static bool put_attribute(struct setup *setup, const char *name, const char *value)
{
    struct buf *out = &setup->resource;
    bool *known = strcmp(name, "service.name") == 0          ? &setup->has_service
                  : strcmp(name, "service.version") == 0     ? &setup->has_version
                  : strcmp(name, "service.instance.id") == 0 ? &setup->has_instance
                                                             : NULL;
    if (known != NULL && *known)
        return true;
    if (known != NULL)
        *known = true;
    return (out->bytes == 0 || buf_append_byte(out, ',')) &&
           buf_append_string(out, "{\"key\":\"") && log_json_text(out, name, strlen(name)) &&
           buf_append_string(out, "\",\"value\":{\"stringValue\":\"") &&
           log_json_text(out, value, strlen(value)) && buf_append_string(out, "\"}}");
}

static enum stint_status make_resource(struct setup *setup)
{
    const struct app *app = setup->app;
    const char *service = env_of("OTEL_SERVICE_NAME");
    uint8_t random[8] = {0};
    char instance[2 * sizeof(random) + 1] = "";
    bool ok = service == NULL || put_attribute(setup, "service.name", service);
    ok = ok && env_pairs(setup, "OTEL_RESOURCE_ATTRIBUTES", env_of("OTEL_RESOURCE_ATTRIBUTES"),
                         put_attribute);
    service = app->server.traces.service[0] != '\0' ? app->server.traces.service : app->name;
    ok = ok && put_attribute(setup, "service.name", service[0] != '\0' ? service : "stint");
    if (app->version[0] != '\0')
        ok = ok && put_attribute(setup, "service.version", app->version);
    if (random_fill(random, sizeof(random)) == OS_OK) {
        for (size_t i = 0; i < sizeof(random); i++)
            (void)snprintf(instance + 2 * i, 3, "%02x", random[i]);
        ok = ok && put_attribute(setup, "service.instance.id", instance);
    }
    if (app->regions.count > 0 && app->regions.here < app->regions.count)
        ok = ok && put_attribute(setup, "stint.region", app->regions.items[app->regions.here].name);
    struct traces_config *config = setup->config;
    config->resource_bytes = setup->resource.bytes;
    config->resource = ok ? arena_copy_string(&config->arena, (const char *)setup->resource.data,
                                              setup->resource.bytes)
                          : NULL;
    return config->resource != NULL ? STINT_OK : STINT_NOMEM;
}

/* ---- Where to, and which ----------------------------------------------------------------- */

static enum stint_status read_endpoint(struct setup *setup)
{
    struct traces_config *config = setup->config;
    const char *own = env_of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    const char *all = env_of("OTEL_EXPORTER_OTLP_ENDPOINT");
    const char *exporter = env_of("OTEL_TRACES_EXPORTER"), *off = env_of("OTEL_SDK_DISABLED");
    const char *protocol =
        env_of_two("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL");
    const char *text = own != NULL ? own : all != NULL ? all : setup->app->server.traces.endpoint;
    size_t bytes = strlen(text);
    if ((off != NULL && strcmp(off, "true") == 0) ||
        (exporter != NULL && strcmp(exporter, "none") == 0))
        bytes = 0;
    const char *end = own == NULL && all != NULL ? "/v1/traces" : "";
    while (end[0] != '\0' && bytes > 0 && text[bytes - 1] == '/')
        bytes--;
    if (bytes > 0 && strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0) {
        log_line(setup->log, LOG_ERROR, NULL, NULL,
                 "traces: '%s' is no URL with http:// or https://", text);
        return STINT_INVALID;
    }
    if (bytes > 0 && protocol != NULL && strcmp(protocol, "http/json") != 0)
        log_line(setup->log, LOG_WARN, NULL, NULL,
                 "traces: spans are sent as http/json, not as %s: collectors take both at port 4318",
                 protocol);
    char *endpoint = arena_get(&config->arena, bytes + strlen(end) + 1);
    if (endpoint == NULL)
        return STINT_NOMEM;
    (void)snprintf(endpoint, bytes + strlen(end) + 1, "%.*s%s", (int)bytes, text,
                   bytes > 0 ? end : "");
    config->endpoint = endpoint;
    return STINT_OK;
}

static void read_sampler(struct setup *setup)
{
    struct traces_config *config = setup->config;
    const char *name = env_of("OTEL_TRACES_SAMPLER"), *text = env_of("OTEL_TRACES_SAMPLER_ARG");
    double ratio = setup->app->server.traces.ratio;
    if (name != NULL) {
        static const char prefix[] = "parentbased_";
        bool by_parent = strncmp(name, prefix, strlen(prefix)) == 0;
        const char *rest = by_parent ? name + strlen(prefix) : name;
        char *end = NULL;
        double given = text != NULL ? strtod(text, &end) : 1;
        bool is_ratio = strcmp(rest, "traceidratio") == 0;
        if (is_ratio && text != NULL && (*end != '\0' || !(given >= 0 && given <= 1))) {
            log_line(setup->log, LOG_WARN, NULL, NULL,
                     "OTEL_TRACES_SAMPLER_ARG: '%s' is not from 0 to 1, so it is taken as 1", text);
            given = 1;
        }
        if (is_ratio || strcmp(rest, "always_on") == 0 || strcmp(rest, "always_off") == 0) {
            ratio = is_ratio ? given : strcmp(rest, "always_on") == 0;
            config->ignores_parents = !by_parent;
        } else {
            log_line(setup->log, LOG_WARN, NULL, NULL,
                     "OTEL_TRACES_SAMPLER: '%s' is not known here, so it is left out", name);
        }
    }
    config->threshold = (uint64_t)((1 - ratio) * (double)(UINT64_C(1) << TRACES_ID_BITS));
}

static enum stint_status read_all(struct setup *setup)
{
    struct traces_config *config = setup->config;
    const struct app_traces *traces = &setup->app->server.traces;
    config->batch = traces->batch;
    config->queue = traces->queue;
    config->interval_ns = traces->interval_ns;
    config->timeout_ns = traces->timeout_ns;
    enum stint_status status = read_endpoint(setup);
    if (status != STINT_OK || config->endpoint[0] == '\0')
        return status;
    env_number(setup, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, 1, &config->batch);
    env_number(setup, "OTEL_BSP_MAX_QUEUE_SIZE", 1, 1, &config->queue);
    env_number(setup, "OTEL_BSP_SCHEDULE_DELAY", 0, ms_ns, &config->interval_ns);
    env_number(setup, "OTEL_EXPORTER_OTLP_TIMEOUT", 1, ms_ns, &config->timeout_ns);
    env_number(setup, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", 1, ms_ns, &config->timeout_ns);
    if (config->batch > config->queue)
        config->batch = config->queue;
    if (config->timeout_ns > 600000 * ms_ns)
        config->timeout_ns = 600000 * ms_ns;
    read_sampler(setup);
    status = read_headers(setup);
    return status == STINT_OK ? make_resource(setup) : status;
}

enum stint_status traces_config_create(const struct app *app, struct log_buffer *log,
                                       struct traces_config **ret_config)
{
    struct traces_config *config = alloc_get_zeroed(&alloc_root, 1, sizeof(*config));
    if (config == NULL)
        return STINT_NOMEM;
    atomic_init(&config->references, 1);
    arena_init(&config->arena, &alloc_root);
    struct setup setup = {.config = config, .app = app, .log = log};
    buf_init(&setup.resource, &alloc_root, TEXT_BYTES_MAX);
    enum stint_status status = read_all(&setup);
    buf_free(&setup.resource);
    if (status == STINT_OK)
        *ret_config = config;
    else
        traces_config_release(config);
    return status;
}

void traces_config_release(struct traces_config *config)
{
    if (config == NULL ||
        atomic_fetch_sub_explicit(&config->references, 1, memory_order_acq_rel) != 1)
        return;
    arena_free(&config->arena);
    alloc_put(&alloc_root, config, sizeof(*config));
}
