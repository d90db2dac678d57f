/* SPDX-License-Identifier: Apache-2.0 */
/* Triggers of a manifest: what calls which component. */
#include <stdio.h>
#include <string.h>

#include "app/manifest_int.h"

/* ---- Ids, and components that are written where they are used ----------------------------- */

/* Spin's names for inline components: TRIGGER-component, else inline-componentN. */
static const char *inline_id(struct reader *r, const char *trigger)
{
    const char *id = trigger[0] == 0 ? "" : reader_format(r, "%s-component", trigger);
    for (unsigned n = 0; n <= MANIFEST_ITEMS_MAX; n++) {
        bool is_taken = !shape_format_fits(FORMAT_KEBAB, id, NULL);
        for (size_t i = 0; i < r->component_count && !is_taken; i++)
            is_taken = strcmp(r->components[i].id, id) == 0;
        if (!is_taken)
            break;
        id = reader_format(r, "inline-component%u", n + 1);
    }
    return id;
}

/* A trigger's own id, else COMPONENT-KIND-trigger, else KIND-triggerN, as Spin has it. */
static const char *trigger_id(struct reader *r, const struct toml_value *trigger,
                              uint32_t component, const char *kind)
{
    struct app *app = r->app;
    const char *id = get_text(r, trigger, "id", "");
    if (id[0] == 0 && component != APP_NONE)
        id = reader_format(r, "%s-%s-trigger", r->components[component].id, kind);
    for (unsigned n = 1; n <= MANIFEST_ITEMS_MAX; n++) {
        bool is_taken = id[0] == 0;
        for (uint32_t i = 0; i < app->http_count && !is_taken; i++)
            is_taken = strcmp(app->http[i].id, id) == 0;
        for (uint32_t i = 0; i < app->redis_count && !is_taken; i++)
            is_taken = strcmp(app->redis[i].id, id) == 0;
        if (!is_taken)
            break;
        id = reader_format(r, "%s-trigger%u", kind, n);
    }
    return id;
}

/* Components inside triggers become components as all others; called before their parts are read. */
static void take_inline(struct reader *r, const struct toml_value *triggers, const char *kind)
{
    unsigned number = 0;
    for (const struct toml_value *t = first_table(triggers); t != NULL; t = t->next) {
        const struct toml_value *component = toml_member(t, "component");
        char fallback[40];
        snprintf(fallback, sizeof(fallback), "%s-trigger%u", kind, ++number);
        if (component == NULL || component->kind != TOML_TABLE)
            continue;
        add_component(r, inline_id(r, get_text(r, t, "id", fallback)), component, component);
    }
}

/* Index of the component that a trigger names or holds. */
static uint32_t component_of(struct reader *r, const struct toml_value *value, const char *where)
{
    if (value == NULL || value->kind != TOML_TABLE)
        return value == NULL ? APP_NONE : find_named_component(r, value, where);
    for (size_t i = 0; i < r->component_count; i++) {
        if (r->component_tables[i] == value)
            return (uint32_t)i;
    }
    return APP_NONE;
}

static void refuse_extras(struct reader *r, const struct toml_value *trigger, const char *where)
{
    static const char *const keys[] = {"components", "dependencies"};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const struct toml_value *value = toml_member(trigger, keys[i]);
        if (value != NULL && value->count > 0)
            reader_error(r, value, "%s%s: middleware is not supported", where, keys[i]);
    }
}

/* ---- HTTP -------------------------------------------------------------------------------- */

static void read_executor(struct reader *r, const struct toml_value *executor,
                          struct app_http *http)
{
    http->is_wagi = toml_is(toml_member(executor, "type"), "wagi");
    http->wagi_entrypoint = get_text(r, executor, "entrypoint", "_start");
    http->wagi_argv = get_text(r, executor, "argv", "${SCRIPT_NAME} ${ARGS}");
}

static void read_route(struct reader *r, const struct toml_value *route, const char *where,
                       struct app_http *http)
{
    if (is_text(route))
        http->route = reader_copy(r, route->text, route->text_bytes);
    else if (route != NULL && route->kind == TOML_TABLE && !get_boolean(route, "private", true))
        reader_error(r, route, "%sroute: expected a path, or { private = true }", where);
}

static void read_response(struct reader *r, const struct toml_value *table, struct app_http *http)
{
    struct app_static_response *response = reader_array(r, 1, sizeof(*response));
    if (response == NULL)
        return;
    response->status = (unsigned)get_integer(table, "status_code", 200);
    response->headers = get_pairs(r, table, "headers");
    response->body = get_text(r, table, "body", "");
    http->response = response;
}

static void read_http(struct reader *r, const struct toml_value *trigger, struct app_http *http,
                      unsigned number)
{
    char where[64];
    const struct toml_value *component = toml_member(trigger, "component");
    const struct toml_value *response = toml_member(trigger, "static_response");
    snprintf(where, sizeof(where), "http trigger %u: ", number);
    http->line = trigger->line;
    http->column = trigger->column;
    read_route(r, toml_member(trigger, "route"), where, http);
    read_executor(r, toml_member(trigger, "executor"), http);
    http->component = component_of(r, component, where);
    refuse_extras(r, trigger, where);
    if ((component != NULL) == (response != NULL))
        reader_error(r, trigger, "%sexpected 'component' or 'static_response', one of them",
                     where);
    if (response != NULL)
        read_response(r, response, http);
    http->id = trigger_id(r, trigger, http->component, "http");
}

static void read_https(struct reader *r, const struct toml_value *array)
{
    const struct toml_value *first = first_table(array);
    struct app_http *items =
        first == NULL ? NULL : reader_array(r, array->count + 1, sizeof(*items));
    if (items == NULL)
        return;
    r->app->http = items;
    for (const struct toml_value *t = first; t != NULL; t = t->next) {
        if (r->app->http_count == MANIFEST_ITEMS_MAX) {
            reader_error(r, t, "there are more than %u http triggers", MANIFEST_ITEMS_MAX);
            break;
        }
        if (t->kind == TOML_TABLE) {
            read_http(r, t, &items[r->app->http_count], r->app->http_count + 1);
            r->app->http_count++;
        }
    }
}

/* ---- Redis ------------------------------------------------------------------------------- */

static const char *resolve_member(struct reader *r, const struct toml_value *table,
                                  const char *key, const char *where)
{
    const struct toml_value *value = toml_member(table, key);
    const char *text = is_text(value) ? resolve_template(r, value, where, NULL) : NULL;
    return text == NULL ? "" : text;
}

static void read_redis(struct reader *r, const struct toml_value *trigger,
                       const struct toml_value *common, const struct toml_value *component,
                       struct app_redis *redis, unsigned number)
{
    char where[64];
    const struct toml_value *address = toml_member(trigger, "address");
    snprintf(where, sizeof(where), "redis trigger %u: ", number);
    redis->line = trigger->line;
    redis->column = trigger->column;
    redis->component = component_of(r, component, where);
    redis->channel = resolve_member(r, trigger, "channel", where);
    redis->address = resolve_member(r, address != NULL ? trigger : common, "address", where);
    refuse_extras(r, trigger, where);
    if (component == NULL)
        reader_error(r, trigger, "%sthe key 'component' is missing", where);
    if (address == NULL && toml_member(common, "address") == NULL)
        reader_error(r, trigger, "%sthe key 'address' is missing here and in "
                                 "[application.trigger.redis]",
                     where);
    redis->id = trigger_id(r, trigger, redis->component, "redis");
}

static void read_redises(struct reader *r, const struct toml_value *array,
                         const struct toml_value *common)
{
    const struct toml_value *first = first_table(array);
    struct app_redis *items =
        first == NULL ? NULL : reader_array(r, array->count + 1, sizeof(*items));
    if (items == NULL)
        return;
    r->app->redis = items;
    for (const struct toml_value *t = first; t != NULL; t = t->next) {
        if (r->app->redis_count == MANIFEST_ITEMS_MAX) {
            reader_error(r, t, "there are more than %u redis triggers", MANIFEST_ITEMS_MAX);
            break;
        }
        if (t->kind == TOML_TABLE) {
            read_redis(r, t, common, toml_member(t, "component"),
                       &items[r->app->redis_count], r->app->redis_count + 1);
            r->app->redis_count++;
        }
    }
}

/* ---- Both versions ----------------------------------------------------------------------- */

void read_triggers(struct reader *r, const struct toml_value *trigger)
{
    const struct toml_value *http = toml_member(trigger, "http");
    const struct toml_value *redis = toml_member(trigger, "redis");
    const struct toml_value *common =
        toml_member(toml_member(r->root, "application"), "trigger");
    take_inline(r, http, "http");
    take_inline(r, redis, "redis");
    read_components(r);
    r->app->http_base = get_text(r, toml_member(common, "http"), "base", "/");
    read_https(r, http);
    read_redises(r, redis, toml_member(common, "redis"));
    if (trigger == NULL || trigger->kind != TOML_TABLE)
        return;
    for (const struct toml_value *kind = trigger->first; kind != NULL; kind = kind->next) {
        if (kind != http && kind != redis)
            reader_warning(r, kind, "trigger '%s' is not known here and will not be there: there "
                                    "are 'http' and 'redis'",
                           kind->key);
    }
}

/* Version 1: one kind of trigger, each component with its own. */
void read_triggers_1(struct reader *r, const struct toml_value *trigger)
{
    const struct toml_value *type = toml_member(trigger, "type");
    bool is_http = toml_is(type, "http"), is_redis = toml_is(type, "redis");
    size_t count = r->component_count;
    read_components(r);
    r->app->http_base = get_text(r, trigger, "base", "/");
    if (!is_http && !is_redis) {
        if (is_text(type))
            reader_error(r, type, "trigger: type '%s' is not known here: there are 'http' and "
                                  "'redis'",
                         type->text);
        return;
    }
    struct app_http *http = reader_array(r, count + 1, sizeof(*http));
    struct app_redis *redis = reader_array(r, count + 1, sizeof(*redis));
    if (http == NULL || redis == NULL)
        return;
    r->app->http = http;
    r->app->redis = redis;
    for (uint32_t i = 0; i < count; i++) {
        const struct toml_value *table = toml_member(r->component_tables[i], "trigger");
        char where[100];
        snprintf(where, sizeof(where), "component '%.64s': trigger: ", r->components[i].id);
        if (table == NULL || table->kind != TOML_TABLE)
            continue;
        const char *key = is_http ? "route" : "channel";
        if (toml_member(table, key) == NULL)
            reader_error(r, table, "%sthe key '%s' is missing", where, key);
        if (is_http) {
            struct app_http *item = &http[r->app->http_count++];
            item->line = table->line;
            item->column = table->column;
            item->component = i;
            item->id = reader_format(r, "trigger-%s", r->components[i].id);
            read_route(r, toml_member(table, "route"), where, item);
            read_executor(r, toml_member(table, "executor"), item);
        } else {
            struct app_redis *item = &redis[r->app->redis_count++];
            item->line = table->line;
            item->column = table->column;
            item->component = i;
            item->id = reader_format(r, "trigger-%s", r->components[i].id);
            item->channel = resolve_member(r, table, "channel", where);
            item->address = resolve_member(
                r, toml_member(table, "address") != NULL ? table : trigger, "address", where);
        }
    }
}
