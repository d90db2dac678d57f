/* SPDX-License-Identifier: Apache-2.0 */
/* Making services and their guests, the objects behind handles, and results. */
#include "services/services_int.h"

#include <string.h>

#include "base/utf8.h"

static enum stint_status no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory for the guest's services");
}

/* ---- Creation ---------------------------------------------------------------------------- */

enum stint_status services_create(const struct app *app, struct services **ret_services,
                                  struct stint_error *error)
{
    struct services *services = alloc_get_zeroed(&alloc_root, 1, sizeof(*services));
    if (services == NULL)
        return no_memory(error);
    services->alloc = &alloc_root;
    services->app = app;
    arena_init(&services->arena, &alloc_root);
    lock_init(&services->lock);
    enum stint_status status = service_files_create(services, error);
    services->redis = link_pool_create(&redis_links);
    services->mqtt = link_pool_create(&mqtt_links);
    services->tls = service_tls_create(app);
    if (status == STINT_OK &&
        (services->redis == NULL || services->mqtt == NULL || services->tls == NULL))
        status = no_memory(error);
    if (status == STINT_OK)
        *ret_services = services;
    else
        services_free(services);
    return status;
}

void services_free(struct services *services)
{
    if (services == NULL)
        return;
    service_files_free(services);
    link_pool_free(services->redis);
    link_pool_free(services->mqtt);
    service_tls_free(services->tls);
    lock_free(&services->lock);
    arena_free(&services->arena);
    alloc_put(&alloc_root, services, sizeof(*services));
}

bool services_read_tls(struct services *services,
                       void (*say)(void *env, bool is_error, const char *message), void *env)
{
    return service_tls_read(services->tls, say, env);
}

struct http_tls *services_tls(struct services *services, const struct app_component *component,
                              const struct net_place *place, char *message, size_t room)
{
    return service_tls_for(services->tls, component, place, message, room);
}

static enum stint_status drop(void *env, uint32_t rep, struct stint_error *error)
{
    struct services_guest *guest = env;
    (void)error;
    if (guest->objects != NULL && rep < SERVICE_OBJECTS_MAX)
        service_end(guest, &guest->objects[rep]);
    return STINT_OK;
}

enum stint_status services_guest_create(struct services *services,
                                        const struct app_component *component,
                                        const struct services_world *world,
                                        struct alloc *alloc, struct services_guest **ret_guest,
                                        struct stint_error *error)
{
    static const char *const names[SERVICE_TYPE_COUNT] = {"store",      "bucket",     "cas",
                                                           "connection", "connection", "connection"};
    struct services_guest *guest = alloc_get_zeroed(alloc, 1, sizeof(*guest));
    if (guest == NULL)
        return no_memory(error);
    guest->services = services;
    guest->component = component;
    guest->world = *world;
    guest->alloc = alloc;
    for (int type = 0; type < SERVICE_TYPE_COUNT; type++)
        guest->types[type] =
            (struct resource_type){.name = names[type], .drop = drop, .env = guest};
    *ret_guest = guest;
    return STINT_OK;
}

void services_guest_restart(struct services_guest *guest)
{
    for (size_t i = 0; guest->objects != NULL && i < SERVICE_OBJECTS_MAX; i++)
        service_end(guest, &guest->objects[i]);
}

void services_guest_free(struct services_guest *guest)
{
    if (guest == NULL)
        return;
    services_guest_restart(guest);
    alloc_put(guest->alloc, guest->objects,
              guest->objects != NULL ? SERVICE_OBJECTS_MAX * sizeof(*guest->objects) : 0);
    alloc_put(guest->alloc, guest, sizeof(*guest));
}

/* ---- Objects ----------------------------------------------------------------------------- */

struct service_object *service_new(struct services_guest *guest, enum service_type type)
{
    if (guest->objects == NULL)
        guest->objects =
            alloc_get_zeroed(guest->alloc, SERVICE_OBJECTS_MAX, sizeof(*guest->objects));
    for (size_t i = 0; guest->objects != NULL && i < SERVICE_OBJECTS_MAX; i++) {
        struct service_object *object = &guest->objects[i];
        if (object->is_used)
            continue;
        *object = (struct service_object){.is_used = true, .type = (uint8_t)type};
        buf_init(&object->key, guest->alloc, SERVICE_ANSWER_BYTES_MAX);
        buf_init(&object->value, guest->alloc, SERVICE_ANSWER_BYTES_MAX);
        return object;
    }
    return NULL;
}

void service_end(struct services_guest *guest, struct service_object *object)
{
    if (object == NULL || !object->is_used)
        return;
    /* What the guest has not committed is undone by this. */
    if (object->link != NULL)
        guest->services->sqlite->close(object->link);
    service_redis_end(guest, object);
    service_mqtt_end(guest, object);
    buf_free(&object->key);
    buf_free(&object->value);
    object->link = NULL;
    object->is_used = false;
}

uint32_t service_number(const struct services_guest *guest, const struct service_object *object)
{
    return (uint32_t)(object - guest->objects);
}

struct service_object *service_at(struct services_guest *guest, uint32_t number,
                                  enum service_type type)
{
    if (guest->objects == NULL || number >= SERVICE_OBJECTS_MAX)
        return NULL;
    struct service_object *object = &guest->objects[number];
    return object->is_used && object->type == type ? object : NULL;
}

static enum stint_status object_of(struct host_component_call *call, uint32_t rep,
                                   enum service_type type, struct service_object **ret_object)
{
    struct service_object *object = service_at(service_of(call), rep, type);
    if (object == NULL)
        return p2_trap(call, "a handle has no resource behind it");
    *ret_object = object;
    return STINT_OK;
}

enum stint_status service_get(struct host_component_call *call, uint64_t handle,
                              enum service_type type, struct service_object **ret_object)
{
    struct handle *found;
    enum stint_status status = handle_get(call->guest->handles, &service_of(call)->types[type],
                                          p2_u32(handle), &found, call->error);
    return status == STINT_OK ? object_of(call, found->rep, type, ret_object) : status;
}

enum stint_status service_take(struct host_component_call *call, uint64_t handle,
                               enum service_type type, struct service_object **ret_object)
{
    uint32_t rep;
    enum stint_status status = handle_take(call->guest->handles, &service_of(call)->types[type],
                                           p2_u32(handle), &rep, call->error);
    return status == STINT_OK ? object_of(call, rep, type, ret_object) : status;
}

enum stint_status service_give(struct host_component_call *call, struct service_object *object,
                               uint32_t *ret_handle)
{
    struct services_guest *guest = service_of(call);
    enum stint_status status =
        handle_add(call->guest->handles, &guest->types[object->type],
                   service_number(guest, object), NULL, ret_handle, call->error);
    if (status != STINT_OK)
        service_end(guest, object);
    return status;
}

enum service_access service_find(const struct services_guest *guest, bool is_store,
                                 const char *label, struct service_file **ret_file)
{
    const struct app_component *component = guest->component;
    const struct services *services = guest->services;
    const struct app_texts *listed =
        is_store ? &component->key_value_stores : &component->sqlite_databases;
    struct service_file *files = is_store ? services->stores : services->databases;
    uint32_t count = is_store ? services->app->store_count : services->app->database_count;
    bool is_listed = false;
    for (uint32_t i = 0; i < listed->count; i++)
        is_listed |= strcmp(listed->items[i], label) == 0;
    if (!is_listed)
        return SERVICE_DENIED;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(files[i].label, label) == 0) {
            *ret_file = &files[i];
            return SERVICE_OPENS;
        }
    }
    return SERVICE_UNKNOWN;
}

/* ---- Results ----------------------------------------------------------------------------- */

enum stint_status service_ok(struct host_component_call *call, uint64_t pointer, uint32_t bytes,
                             const uint32_t *words, uint32_t count)
{
    uint8_t *at;
    enum stint_status status = p2_result(call, pointer, bytes, 4, &at);
    for (uint32_t i = 0; status == STINT_OK && i < count; i++)
        bytes_put32(at + 4 + i * 4, words[i]);
    return status;
}

enum stint_status service_error(struct host_component_call *call, uint64_t pointer,
                                uint32_t bytes, uint8_t number, const char *text)
{
    return service_error_at(call, pointer, bytes, 4, number, text);
}

enum stint_status service_error_at(struct host_component_call *call, uint64_t pointer,
                                   uint32_t bytes, uint32_t at_variant, uint8_t number,
                                   const char *text)
{
    uint32_t words[2] = {0, 0};
    uint8_t *at;
    enum stint_status status = STINT_OK;
    if (text != NULL)
        status = service_text(call, text, strlen(text), words);
    if (status == STINT_OK)
        status = p2_result(call, pointer, bytes, 4, &at);
    if (status != STINT_OK)
        return status;
    at[0] = 1;
    at[at_variant] = number;
    bytes_put32(at + at_variant + 4, words[0]);
    bytes_put32(at + at_variant + 8, words[1]);
    return STINT_OK;
}

enum stint_status service_text(struct host_component_call *call, const void *text, size_t bytes,
                               uint32_t ret_words[2])
{
    if (!utf8_is_valid(text, bytes)) {
        text = "(text that is not UTF-8)";
        bytes = strlen(text);
    }
    return host_put_string(call, text, bytes, &ret_words[0], &ret_words[1]);
}

enum stint_status service_blob(struct host_component_call *call, const void *data, size_t bytes,
                               uint32_t ret_words[2])
{
    ret_words[1] = (uint32_t)bytes;
    return p2_put_bytes(call, data, bytes, &ret_words[0]);
}

enum stint_status service_words(struct host_component_call *call, uint32_t pointer,
                                const uint32_t *words, uint32_t count)
{
    uint8_t *at = host_at(call, pointer, (uint64_t)count * 4, 4);
    if (at == NULL)
        return STINT_TRAP;
    for (uint32_t i = 0; i < count; i++)
        bytes_put32(at + i * 4, words[i]);
    return STINT_OK;
}
