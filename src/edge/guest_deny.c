/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dependencies see of a host from which they are kept. Such interfaces are imported under names of their
 * own (component/compose.h): functions fail as their types let them, with the error that stands for a refusal;
 * lists and options are empty; what can say nothing traps. Types are the host's.
 */
#include "edge/guest_int.h"

#include <string.h>

#include "wasi/p2_call.h"

static const char traps_with[] = "a dependency called what it is denied";

/* ---- The guest's side of a call ---------------------------------------------------------- */

static enum stint_status drop_handle(struct host_component_call *call, uint32_t index)
{
    struct handle_table *handles = call->guest->handles;
    uint32_t rep;
    if (index >= handles->count || handles->items[index].type == NULL)
        return STINT_OK;
    const struct resource_type *type = handles->items[index].type;
    enum stint_status status = handle_take(handles, type, index, &rep, call->error);
    if (status == STINT_OK && type->owner == NULL && type->drop != NULL)
        status = type->drop(type->env, rep, call->error);
    return status;
}

/* What is given away with the call is the host's then, and goes. */
static enum stint_status drop_params(struct host_component_call *call,
                                     const struct ctype_func *func, const struct ctype_flat *flat,
                                     const uint64_t *slots)
{
    enum stint_status status = STINT_OK;
    uint32_t at = 0;
    for (uint32_t i = 0; i < func->param_count && !flat->params_in_memory && status == STINT_OK;
         i++) {
        const struct ctype *type = func->params[i].type;
        bool is_some = type->kind == CTYPE_OPTION && type->members[0].type->kind == CTYPE_OWN &&
                       p2_u32(slots[at]) == 1;
        if (type->kind == CTYPE_OWN || is_some)
            status = drop_handle(call, p2_u32(slots[at + (is_some ? 1 : 0)]));
        at += type->flat_count;
    }
    return status;
}

/* ---- Errors ------------------------------------------------------------------------------ */

static bool is_called(struct wasm_name name, const char *text)
{
    return name.bytes == strlen(text) && memcmp(name.text, text, name.bytes) == 0;
}

/* The case of an error that says that something may not be done. */
static uint32_t choose_case(const struct ctype *error)
{
    static const char *const names[] = {"access-denied",
                                        "destination-not-allowed",
                                        "model-not-supported",
                                        "internal-error",
                                        "undefined",
                                        "other",
                                        "other-error",
                                        "io",
                                        "error"};
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        for (uint32_t i = 0; i < error->member_count; i++) {
            if (is_called(error->members[i].name, names[n]))
                return i;
        }
    }
    return error->member_count - 1;
}

/* A number of a union's case, in as many bytes as it has. */
static void put_case(const struct ctype *type, uint8_t *at, uint32_t number)
{
    for (uint8_t i = 0; i < type->discriminant_bytes; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

/* What a string of the error says: of a variable that is undefined its name, as elsewhere. */
static enum stint_status put_text(struct host_component_call *call,
                                  const struct guest_denied *denied, const uint64_t *slots,
                                  bool is_name, uint32_t offset, uint32_t pointer, bool is_option)
{
    char text[128];
    struct arena arena;
    struct wasm_name name = {text, 0};
    const struct ctype_func *func = denied->func;
    enum stint_status status = STINT_OK;
    uint32_t string_pointer, units;
    name.bytes = (uint32_t)snprintf(text, sizeof(text), "\"%.*s\" is not permitted",
                                    (int)strcspn(denied->interface, "@"), denied->interface);
    if (name.bytes >= sizeof(text))
        name.bytes = sizeof(text) - 1;
    arena_init(&arena, &alloc_root);
    if (is_name && func->param_count > 0 && func->params[0].type->kind == CTYPE_STRING)
        status = host_get_string(call, &arena, p2_u32(slots[0]), p2_u32(slots[1]), &name);
    if (status == STINT_OK)
        status = host_put_string(call, name.text, name.bytes, &string_pointer, &units);
    arena_free(&arena);
    if (status != STINT_OK)
        return status;
    /* The guest has run: its memory is looked up again. */
    uint8_t *at = host_at(call, pointer, offset + (is_option ? 12u : 8u), 1);
    if (at == NULL)
        return STINT_TRAP;
    at += offset;
    if (is_option) {
        at[0] = 1;
        at += 4;
    }
    memcpy(at, &string_pointer, sizeof(string_pointer));
    memcpy(at + 4, &units, sizeof(units));
    return STINT_OK;
}

/* The error of a result that lies at `pointer`. */
static enum stint_status put_error(struct host_component_call *call,
                                   const struct guest_denied *denied, const uint64_t *slots,
                                   uint32_t pointer, uint8_t *at)
{
    const struct ctype *result = denied->func->result, *error = result->members[1].type;
    const struct ctype *payload = NULL;
    uint32_t offset = result->payload_offset_bytes, number = 0;
    put_case(result, at, 1);
    if (error == NULL)
        return STINT_OK;
    if (error->kind == CTYPE_STRING)
        return put_text(call, denied, slots, false, offset, pointer, false);
    if (error->kind != CTYPE_VARIANT && error->kind != CTYPE_ENUM)
        return p2_trap(call, traps_with);
    number = choose_case(error);
    put_case(error, at + offset, number);
    payload = error->members[number].type;
    offset += error->payload_offset_bytes;
    if (payload == NULL)
        return STINT_OK;
    bool is_name = is_called(error->members[number].name, "undefined");
    if (payload->kind == CTYPE_STRING)
        return put_text(call, denied, slots, is_name, offset, pointer, false);
    if (payload->kind == CTYPE_OPTION && payload->members[0].type->kind == CTYPE_STRING)
        return put_text(call, denied, slots, false, offset, pointer, true);
    return payload->kind == CTYPE_OPTION ? STINT_OK : p2_trap(call, traps_with);
}

static void say_once(struct host_component_call *call, struct guest_denied *denied)
{
    char line[300];
    struct guest_host *host = call->guest->store->user;
    if (atomic_exchange(&denied->was_said, true))
        return;
    (void)snprintf(
        line, sizeof(line),
        "a dependency is denied %s (%.*s): 'inherit_configuration' of the dependency decides "
        "what it inherits",
        denied->interface, (int)(denied->name.bytes < 60 ? denied->name.bytes : 60),
        denied->name.text);
    guest_host_say(host, line);
}

static enum stint_status deny(struct host_component_call *call, uint64_t *slots)
{
    struct guest_denied *denied = call->env;
    const struct ctype *result = denied->func->result;
    struct ctype_flat flat;
    uint8_t *at;
    ctype_flatten(denied->func, true, &flat);
    say_once(call, denied);
    enum stint_status status = drop_params(call, denied->func, &flat, slots);
    if (status != STINT_OK)
        return status;
    bool can_say = result != NULL && (result->kind == CTYPE_LIST || result->kind == CTYPE_OPTION ||
                                      result->kind == CTYPE_RESULT);
    if (!can_say)
        return p2_trap(call, traps_with);
    if (!flat.result_in_memory) {
        /* A result without any payload: it failed. Such options and lists there are none. */
        slots[0] = 1;
        return result->kind == CTYPE_RESULT ? STINT_OK : p2_trap(call, traps_with);
    }
    uint32_t pointer = p2_u32(slots[flat.param_count - 1]);
    status = p2_result(call, pointer, result->size_bytes, result->align_bytes, &at);
    if (status != STINT_OK || result->kind != CTYPE_RESULT)
        return status;
    return put_error(call, denied, slots, pointer, at);
}

/* ---- Names ------------------------------------------------------------------------------- */

static bool are_equal(struct wasm_name a, struct wasm_name b)
{
    return a.bytes == b.bytes && memcmp(a.text, b.text, a.bytes) == 0;
}

static const struct compose_apart *find_apart(const struct guest *guest, struct wasm_name name)
{
    for (uint32_t i = 0; i < guest->notes.apart_count; i++) {
        if (are_equal(guest->notes.apart[i].name, name))
            return &guest->notes.apart[i];
    }
    return NULL;
}

static enum stint_status resolve(void *context, struct wasm_name interface, struct wasm_name name,
                                 struct host_item *ret_item, struct stint_error *error)
{
    /* Of what this host does not have, though others do. */
    static const struct resource_type nothing = {.name = "resource of a denied interface"};
    const struct guest_host *host = context;
    struct guest *guest = host->guest;
    const struct compose_apart *apart = find_apart(guest, interface);
    if (apart == NULL)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "nothing is denied here");
    for (uint32_t i = 0; i < guest->denied_count; i++) {
        struct guest_denied *denied = &guest->denied[i];
        if (denied->apart == apart && are_equal(denied->name, name)) {
            *ret_item = (struct host_item){.function = deny, .env = denied};
            return STINT_OK;
        }
    }
    for (uint32_t i = 0; i < host->resolver_count; i++) {
        struct stint_error ignored = {0};
        const struct host_resolver *resolver = &host->resolvers[i];
        if (resolver->resolve(resolver->context, apart->interface, name, ret_item, &ignored) ==
            STINT_OK)
            return STINT_OK;
    }
    if (!apart->is_denied)
        return error_set(error, STINT_UNLINKABLE, STINT_NO_OFFSET,
                         "the host has no '%.*s' in '%.*s'",
                         (int)(name.bytes < 60 ? name.bytes : 60), name.text,
                         (int)(apart->interface.bytes < 100 ? apart->interface.bytes : 100),
                         apart->interface.text);
    *ret_item = (struct host_item){.resource = &nothing};
    return STINT_OK;
}

struct host_resolver guest_deny_resolver(struct guest_host *host)
{
    return (struct host_resolver){.resolve = resolve, .context = host};
}

enum stint_status guest_deny_prepare(struct guest *guest, struct stint_error *error)
{
    uint32_t count;
    const struct plan_import *imports = plan_imports(guest->plan, &count);
    if (guest->notes.apart_count == 0)
        return STINT_OK;
    guest->denied = arena_get_zeroed(&guest->arena, count, sizeof(*guest->denied));
    if (guest->denied == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    for (uint32_t i = 0; i < count; i++) {
        const struct plan_import *import = &imports[i];
        const struct compose_apart *apart = find_apart(guest, import->interface);
        struct guest_denied *denied = &guest->denied[guest->denied_count];
        if (apart == NULL || !apart->is_denied || import->sort != SORT_FUNC)
            continue;
        *denied = (struct guest_denied){.apart = apart, .name = import->name, .func = import->func};
        denied->interface =
            arena_copy_string(&guest->arena, apart->interface.text, apart->interface.bytes);
        if (denied->interface == NULL)
            return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
        guest->denied_count++;
    }
    return STINT_OK;
}
