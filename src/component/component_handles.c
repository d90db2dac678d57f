/* SPDX-License-Identifier: Apache-2.0 */
/* Handles for snapshots (component_pool_snapshot): by the number of their resource in the plan. */
#include "component/component_instance_int.h"

struct kept_handle {
    uint32_t resource; /* PLAN_NONE: a free one */
    uint32_t rep;      /* of the host's: its word; of a free one: the next free one */
};

struct kept_table {
    struct kept_handle *items;
    uint32_t count, free_first;
};

struct component_handles {
    struct kept_table tables[1]; /* of each part */
};

static enum stint_status no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for handles");
}

static uint32_t number_of(const struct component_instance *instance,
                          const struct resource_type *type)
{
    for (size_t i = 0; i < instance->plan->resources.count; i++) {
        if (instance->resources[i] == type)
            return (uint32_t)i;
    }
    return PLAN_NONE;
}

/* ---- Taking ------------------------------------------------------------------------------ */

static enum stint_status take_handle(const struct component_instance *instance,
                                     const struct component_handles_host *host,
                                     const struct handle *handle, struct kept_handle *to,
                                     struct stint_error *error)
{
    const struct resource_type *type = handle->type;
    const char *name = type != NULL && type->name != NULL ? type->name : "resource";
    *to = (struct kept_handle){PLAN_NONE, handle->rep};
    if (type == NULL)
        return STINT_OK;
    if (handle->scope != NULL || handle->lent != 0)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "a borrowed %s is left", name);
    to->resource = number_of(instance, type);
    bool is_ours = type->owner != NULL;
    if (to->resource == PLAN_NONE || (!is_ours && host->keep == NULL))
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "a %s is open", name);
    return is_ours ? STINT_OK
                   : host->keep(host->env, host->slot_env, type, handle->rep, &to->rep, error);
}

enum stint_status component_handles_take(const struct component_instance *instance,
                                         const struct component_handles_host *host,
                                         struct arena *arena,
                                         struct component_handles **ret_handles,
                                         struct stint_error *error)
{
    size_t parts = instance->plan->parents.count;
    struct component_handles *handles =
        arena_get_zeroed(arena, 1, sizeof(*handles) + parts * sizeof(handles->tables[0]));
    enum stint_status status = handles != NULL ? STINT_OK : no_memory(error);
    for (size_t i = 0; i < parts && status == STINT_OK; i++) {
        const struct component_part *part = &instance->parts[i];
        const struct handle_table *from = &part->handles;
        struct kept_table *to = &handles->tables[i];
        if (!part->may_enter || part->backpressure != 0)
            return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                             "a call into it has not ended");
        *to = (struct kept_table){arena_get_zeroed(arena, from->count, sizeof(*to->items)),
                                  from->count, from->free_first};
        if (to->items == NULL)
            status = no_memory(error);
        for (uint32_t k = 1; k < from->count && status == STINT_OK; k++)
            status = take_handle(instance, host, &from->items[k], &to->items[k], error);
    }
    if (status == STINT_OK)
        *ret_handles = handles;
    return status;
}

/* ---- Putting ----------------------------------------------------------------------------- */

static enum stint_status put_handle(const struct component_instance *instance,
                                    const struct component_handles_host *host,
                                    const struct kept_handle *from, struct handle *to,
                                    struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    to->rep = from->rep;
    if (from->resource == PLAN_NONE)
        return STINT_OK;
    const struct resource_type *type = instance->resources[from->resource];
    if (type->owner == NULL)
        status = host->reopen(host->env, host->slot_env, type, from->rep, &to->rep, error);
    if (status == STINT_OK)
        to->type = type;
    return status;
}

enum stint_status component_handles_put(struct component_instance *instance,
                                        const struct component_handles *handles,
                                        const struct component_handles_host *host,
                                        struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    for (size_t i = 0; i < instance->plan->parents.count && status == STINT_OK; i++) {
        struct handle_table *to = &instance->parts[i].handles;
        const struct kept_table *from = &handles->tables[i];
        if (!handles_resize(to, from->count))
            status = no_memory(error);
        for (uint32_t k = 1; k < from->count && status == STINT_OK; k++)
            status = put_handle(instance, host, &from->items[k], &to->items[k], error);
        to->free_first = status == STINT_OK ? from->free_first : 0;
    }
    return status;
}
