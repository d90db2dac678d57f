/* SPDX-License-Identifier: Apache-2.0 */
/* Variables of a component, as Spin's world and as wasi:config give them. All were resolved when the
 * manifest was read. */
#include <stdio.h>
#include <string.h>

#include "services/services_int.h"

/* Cases of the errors. */
enum { VARIABLES_INVALID_NAME, VARIABLES_UNDEFINED };
enum { CONFIG_PROVIDER, CONFIG_INVALID_KEY };

/* As the manifest has them: lower-case letters, digits and underscores, a letter first. */
static bool is_name(struct wasm_name name)
{
    for (uint32_t i = 0; i < name.bytes; i++) {
        char c = name.text[i];
        bool is_letter = c >= 'a' && c <= 'z';
        if (!is_letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
            return false;
    }
    return name.bytes > 0;
}

static const char *find_value(const struct services_guest *guest, struct wasm_name name)
{
    const struct app_pairs *variables = &guest->component->variables;
    for (uint32_t i = 0; i < variables->count; i++) {
        if (strlen(variables->items[i].name) == name.bytes &&
            memcmp(variables->items[i].name, name.text, name.bytes) == 0)
            return variables->items[i].value;
    }
    return NULL;
}

/* The string in slots[0] and [1]: its value, or NULL with `ret_is_name`. */
static enum stint_status get(struct host_component_call *call, const uint64_t *slots,
                             struct arena *arena, struct wasm_name *ret_name,
                             const char **ret_value)
{
    enum stint_status status =
        host_get_string(call, arena, p2_u32(slots[0]), p2_u32(slots[1]), ret_name);
    if (status == STINT_OK)
        *ret_value = find_value(service_of(call), *ret_name);
    return status;
}

static enum stint_status put_value(struct host_component_call *call, uint64_t pointer,
                                   const char *value)
{
    uint32_t words[2];
    enum stint_status status = service_text(call, value, strlen(value), words);
    return status == STINT_OK ? service_ok(call, pointer, SERVICE_RESULT, words, 2) : status;
}

static enum stint_status get_or_say(struct host_component_call *call, uint64_t *slots,
                                    uint8_t invalid, uint8_t undefined)
{
    struct arena arena;
    struct wasm_name name;
    const char *value;
    char text[160];
    arena_init(&arena, &alloc_root);
    enum stint_status status = get(call, slots, &arena, &name, &value);
    if (status == STINT_OK && value != NULL) {
        status = put_value(call, slots[2], value);
    } else if (status == STINT_OK) {
        bool is_valid = is_name(name);
        (void)snprintf(text, sizeof(text),
                       is_valid ? "the component has no variable '%.*s'"
                                : "'%.*s' is not the name of a variable: lower-case letters, "
                                  "digits and underscores, a letter first",
                       (int)(name.bytes < 32 ? name.bytes : 32), name.text);
        status = service_error(call, slots[2], SERVICE_RESULT, is_valid ? undefined : invalid, text);
    }
    arena_free(&arena);
    return status;
}

enum stint_status service_variables_get(struct host_component_call *call, uint64_t *slots)
{
    return get_or_say(call, slots, VARIABLES_INVALID_NAME, VARIABLES_UNDEFINED);
}

enum stint_status service_config_get(struct host_component_call *call, uint64_t *slots)
{
    return get_or_say(call, slots, CONFIG_INVALID_KEY, CONFIG_PROVIDER);
}

enum stint_status service_wasi_config_get(struct host_component_call *call, uint64_t *slots)
{
    struct arena arena;
    struct wasm_name name;
    const char *value;
    uint32_t words[3] = {0, 0, 0};
    arena_init(&arena, &alloc_root);
    enum stint_status status = get(call, slots, &arena, &name, &value);
    if (status == STINT_OK && value != NULL) {
        words[0] = 1;
        status = service_text(call, value, strlen(value), words + 1);
    }
    if (status == STINT_OK)
        status = service_ok(call, slots[2], SERVICE_RESULT, words, 3);
    arena_free(&arena);
    return status;
}

enum stint_status service_wasi_config_get_all(struct host_component_call *call, uint64_t *slots)
{
    const struct app_pairs *variables = &service_of(call)->component->variables;
    uint32_t list[2] = {0, variables->count};
    enum stint_status status = host_realloc(call, variables->count * 16, 4, &list[0]);
    for (uint32_t i = 0; i < variables->count && status == STINT_OK; i++) {
        const struct app_pair *pair = &variables->items[i];
        uint32_t words[4];
        status = service_text(call, pair->name, strlen(pair->name), words);
        if (status == STINT_OK)
            status = service_text(call, pair->value, strlen(pair->value), words + 2);
        if (status == STINT_OK)
            status = service_words(call, list[0] + i * 16, words, 4);
    }
    return status == STINT_OK ? service_ok(call, slots[0], SERVICE_RESULT, list, 2) : status;
}
