/* SPDX-License-Identifier: Apache-2.0 */
/* Variables: who gives their values, and texts with {{ name }} in them. */
#include <stdio.h>
#include <string.h>

#include "app/dotenv.h"
#include "app/manifest_int.h"
#include "base/nearest.h"

enum { NAME_BYTES_MAX = 256 };

static const char environment_prefix[] = "SPIN_VARIABLE";

/* ---- Providers --------------------------------------------------------------------------- */

static void add_provider(struct reader *r, struct provider provider)
{
    struct provider **end = &r->providers;
    struct provider *copy = arena_copy(&r->scratch, &provider, sizeof(provider));
    if (copy == NULL) {
        r->is_out_of_memory = true;
        return;
    }
    while (*end != NULL)
        end = &(*end)->next;
    copy->next = NULL;
    *end = copy;
}

/* A file of NAME=value lines; no problem where there is none, as Spin has it. */
static struct app_pairs load_dotenv(struct reader *r, const char *path)
{
    struct app_pairs pairs = {0};
    struct stint_error error = {0};
    enum stint_status status;
    const char *text;
    size_t bytes;
    if (!r->opens_files || !reader_load(r, path, &text, &bytes, &status, &error))
        return pairs;
    error_clear(&error);
    status = dotenv_parse(&r->scratch, text, bytes, &pairs, &error);
    if (status == STINT_NOMEM)
        r->is_out_of_memory = true;
    else if (status != STINT_OK)
        app_problem_add(r->problems, false,
                        arena_copy_string(&r->problems->arena, path, strlen(path)), error.line,
                        error.column, "%s", error.message);
    return pairs;
}

static void read_provider(struct reader *r, const struct toml_value *table)
{
    const struct toml_value *type = toml_member(table, "type");
    if (toml_is(type, "static")) {
        const struct toml_value *values = toml_member(table, "values");
        if (values == NULL)
            reader_runtime_error(r, table, "variables provider: 'values' are missing");
        else
            add_provider(r, (struct provider){.values = values});
    } else if (toml_is(type, "env")) {
        struct provider provider = {.prefix = get_text(r, table, "prefix", environment_prefix)};
        const char *path = get_path(r, r->runtime_folder, table, "dotenv_path", NULL);
        if (path != NULL)
            provider.dotenv = load_dotenv(r, path);
        add_provider(r, provider);
    } else if (is_text(type)) {
        reader_runtime_error(r, type,
                             "variables provider: type '%s' is not supported; there are 'static' "
                             "and 'env'",
                             type->text);
    }
}

void read_providers(struct reader *r)
{
    struct provider environment = {.prefix = environment_prefix};
    const struct toml_value *providers = toml_member(r->runtime, "variables_provider");
    if (providers == NULL)
        providers = toml_member(r->runtime, "config_provider");
    if (r->config->variables.count > 0)
        add_provider(r, (struct provider){.pairs = r->config->variables});
    for (const struct toml_value *table = first_table(providers); table != NULL;
         table = table->next)
        read_provider(r, table);
    environment.dotenv = load_dotenv(r, reader_path(r, r->app->folder, ".env"));
    add_provider(r, environment);
}

static const char *find_pair(struct app_pairs pairs, const char *name)
{
    for (uint32_t i = 0; i < pairs.count; i++) {
        if (strcmp(pairs.items[i].name, name) == 0)
            return pairs.items[i].value;
    }
    return NULL;
}

/* PREFIX_NAME in capitals; the environment goes before the file. */
static const char *ask_environment(struct reader *r, const struct provider *provider,
                                   const char *name)
{
    char key[NAME_BYTES_MAX];
    int length = snprintf(key, sizeof(key), "%s_%s", provider->prefix, name);
    if (length < 0 || (size_t)length >= sizeof(key))
        return NULL;
    for (char *at = key + strlen(provider->prefix); *at != 0; at++)
        *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 0x20 : *at);
    for (const char *const *at = r->config->environment; at != NULL && *at != NULL; at++) {
        if (strncmp(*at, key, (size_t)length) == 0 && (*at)[length] == '=')
            return *at + length + 1;
    }
    return find_pair(provider->dotenv, key);
}

static const char *ask_providers(struct reader *r, const char *name)
{
    for (const struct provider *provider = r->providers; provider != NULL;
         provider = provider->next) {
        const char *found = NULL;
        if (provider->values != NULL) {
            const struct toml_value *value = toml_member(provider->values, name);
            found = is_text(value) ? value->text : NULL;
        } else if (provider->prefix != NULL) {
            found = ask_environment(r, provider, name);
        } else {
            found = find_pair(provider->pairs, name);
        }
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* ---- Variables --------------------------------------------------------------------------- */

static void read_variable(struct reader *r, const struct toml_value *table,
                          struct app_variable *variable)
{
    const struct toml_value *standard = toml_member(table, "default");
    bool is_required = get_boolean(table, "required", false);
    variable->name = reader_copy(r, table->key, table->key_bytes);
    variable->is_secret = get_boolean(table, "secret", false);
    if (is_required == (standard != NULL))
        reader_error(r, table,
                     is_required ? "variable '%s': it is required, so its default means nothing: "
                                   "leave one of them out"
                                 : "variable '%s': expected required = true, or a default",
                     variable->name);
    const char *value = ask_providers(r, variable->name);
    if (value == NULL && is_text(standard))
        value = standard->text;
    if (value != NULL) {
        variable->value = reader_copy(r, value, strlen(value));
        return;
    }
    char upper[NAME_BYTES_MAX];
    snprintf(upper, sizeof(upper), "%s", variable->name);
    for (char *at = upper; *at != 0; at++)
        *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 0x20 : *at);
    if (is_required && !r->config->allow_unset)
        reader_error(r, table, "variable '%s' has no value: set %s_%s, or --variable %s=…",
                     variable->name, environment_prefix, upper, variable->name);
}

void read_variables(struct reader *r, const struct toml_value *variables)
{
    if (variables == NULL || variables->kind != TOML_TABLE)
        return;
    struct app_variable *items = reader_array(r, variables->count, sizeof(*items));
    if (items == NULL)
        return;
    r->app->variables = items;
    for (const struct toml_value *table = variables->first; table != NULL; table = table->next) {
        if (table->kind == TOML_TABLE && memchr(table->key, 0, table->key_bytes) == NULL)
            read_variable(r, table, &items[r->app->variable_count++]);
    }
}

/* ---- Templates --------------------------------------------------------------------------- */

static const struct app_variable *find_variable(const struct reader *r, const char *name,
                                                size_t bytes)
{
    for (uint32_t i = 0; i < r->app->variable_count; i++) {
        const struct app_variable *variable = &r->app->variables[i];
        if (strlen(variable->name) == bytes && memcmp(variable->name, name, bytes) == 0)
            return variable;
    }
    return NULL;
}

static void unknown_variable(struct reader *r, const struct toml_value *value, const char *where,
                             const char *name, size_t bytes)
{
    struct nearest nearest = {.wanted = name, .wanted_bytes = bytes};
    for (uint32_t i = 0; i < r->app->variable_count; i++)
        nearest_offer(&nearest, r->app->variables[i].name, strlen(r->app->variables[i].name));
    if (nearest.best != NULL)
        reader_error(r, value, "%sunknown variable '%.*s' (nearest: '%s')", where, (int)bytes, name,
                     nearest.best);
    else
        reader_error(r, value, "%sunknown variable '%.*s': define it in [variables]", where,
                     (int)bytes, name);
}

/* One {{ name }}; `*at` is behind the braces, and goes behind the others. */
static bool append_variable(struct reader *r, const struct toml_value *value, const char *where,
                            const char **at, struct buf *text, bool *secret)
{
    const char *end = strstr(*at, "}}");
    if (end == NULL) {
        reader_error(r, value, "%s'{{' has no '}}'", where);
        return false;
    }
    const char *name = *at, *name_end = end;
    while (name < name_end && (*name == ' ' || *name == '\t'))
        name++;
    while (name_end > name && (name_end[-1] == ' ' || name_end[-1] == '\t'))
        name_end--;
    *at = end + 2;
    const struct app_variable *variable = find_variable(r, name, (size_t)(name_end - name));
    if (variable == NULL) {
        unknown_variable(r, value, where, name, (size_t)(name_end - name));
        return false;
    }
    *secret |= variable->is_secret;
    if (variable->value == NULL)
        return false;
    buf_append_string(text, variable->value);
    return true;
}

const char *resolve_template(struct reader *r, const struct toml_value *value, const char *where,
                             bool *ret_secret)
{
    struct buf text;
    bool secret = false, is_whole = true;
    const char *result = NULL, *at = value->text;
    if (strstr(at, "{{") == NULL)
        return reader_copy(r, at, value->text_bytes);
    buf_init(&text, r->config->alloc, MANIFEST_BYTES_MAX);
    while (*at != 0) {
        const char *next = strstr(at, "{{");
        size_t bytes = next == NULL ? strlen(at) : (size_t)(next - at);
        buf_append(&text, at, bytes);
        at += bytes;
        if (next != NULL) {
            at += 2;
            const char *before = at;
            is_whole &= append_variable(r, value, where, &at, &text, &secret);
            if (at == before)
                break;
        }
    }
    if (text.failed)
        r->is_out_of_memory = true;
    else if (is_whole)
        result = reader_copy(r, (const char *)text.data, text.bytes);
    buf_free(&text);
    if (ret_secret != NULL)
        *ret_secret |= secret;
    return result;
}
