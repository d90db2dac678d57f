/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Components that run: valid ones are planned, instantiated with made-up imports and their exports
 * called with made-up arguments, under small limits. Seeds: those of the target `component`.
 */
#include <stdlib.h>
#include <string.h>

#include "component/canon_value.h"
#include "component/plan.h"
#include "interp/interp.h"

enum { FUEL = 50000, MEMORY_BYTES_MAX = 4 << 20, BUDGET_BYTES = 128 << 20, EXPORTS_MAX = 40 };

static const struct resource_type resource = {.name = "r"};

static enum stint_status host_zero(struct host_component_call *call, uint64_t *slots)
{
    slots[0] = 0;
    return STINT_OK;
}

static enum stint_status resolve(void *context, struct wasm_name interface, struct wasm_name name,
                                 struct host_item *ret_item, struct stint_error *error)
{
    *ret_item = (struct host_item){.function = host_zero, .resource = &resource};
    return STINT_OK;
}

/* The smallest value of a type; false when there is none to be had, or it is too deep. */
static bool make_value(struct arena *arena, const struct ctype *type, struct cvalue *value)
{
    bool is_list = type->kind == CTYPE_LIST_FIXED;
    uint32_t count = is_list ? type->length : type->member_count;
    value->type = type;
    switch (type->kind) {
    case CTYPE_STRING:
        value->string = (struct wasm_name){"\xc3\xbf\xe2\x98\x83", 5};
        return true;
    case CTYPE_FLAGS:
        value->flags.words = arena_get_zeroed(arena, 1, sizeof(uint32_t));
        value->flags.word_count = 1;
        return value->flags.words != NULL;
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
    case CTYPE_LIST_FIXED:
        if (count > 1000)
            return false;
        value->list.count = count;
        value->list.items = arena_get_zeroed(arena, count, sizeof(struct cvalue));
        for (uint32_t i = 0; value->list.items != NULL && i < count; i++) {
            if (!make_value(arena, type->members[is_list ? 0 : i].type, &value->list.items[i]))
                return false;
        }
        return value->list.items != NULL;
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT: {
        const struct ctype *payload = canon_payload(type, 0);
        if (payload == NULL)
            return true;
        value->variant.payload = arena_get_zeroed(arena, 1, sizeof(struct cvalue));
        return value->variant.payload != NULL && make_value(arena, payload, value->variant.payload);
    }
    case CTYPE_OWN:
    case CTYPE_BORROW:
        return false;
    default:
        return true;
    }
}

static void call(struct component_instance *instance, const struct plan_export *export)
{
    struct arena arena;
    struct stint_error error = {0};
    struct cvalue result = {0};
    arena_init(&arena, &alloc_root);
    struct cvalue *args = arena_get_zeroed(&arena, export->func->param_count, sizeof(*args));
    bool is_ready = args != NULL;
    for (uint32_t i = 0; is_ready && i < export->func->param_count; i++)
        is_ready = make_value(&arena, export->func->params[i].type, &args[i]);
    if (is_ready) {
        enum stint_status status = component_call(instance, export, args, &arena, &result, &error);
        /* A value equals itself, whatever the guest made. */
        if (status == STINT_OK && result.type != NULL && !cvalue_equal(&result, &result))
            abort();
    }
    arena_free(&arena);
}

static void run(struct stint_engine *engine, struct plan *plan)
{
    struct store_limits limits = store_limits_default();
    struct host_resolver resolver = {.resolve = resolve};
    struct component_instance *instance = NULL;
    struct stint_store *store;
    struct stint_error error = {0};
    uint32_t count;
    limits.memory_bytes_max = MEMORY_BYTES_MAX;
    limits.table_elements_max = 10000;
    limits.stack_bytes_max = 256 << 10;
    limits.call_depth_max = 1000;
    limits.budget_bytes = BUDGET_BYTES;
    const struct plan_export *exports = plan_exports(plan, &count);
    for (uint32_t i = 0; i < EXPORTS_MAX && (i == 0 || i < count); i++) {
        /* A trap ends an instance, so each export has its own. */
        if (store_create(engine, &limits, &store) != STINT_OK)
            return;
        rt_fuel_set(store, FUEL);
        error_clear(&error);
        if (component_instantiate(store, plan, &resolver, 1, &instance, &error) == STINT_OK) {
            if (i < count)
                call(instance, &exports[i]);
            component_instance_free(instance);
        }
        store_free(store);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stint_engine *engine;
    struct component_file *file;
    struct plan *plan;
    struct stint_error error = {0};
    struct engine_config config = engine_config_default();
    config.is_metered = true;
    config.budget_bytes = (size_t)4 * BUDGET_BYTES;
    if (engine == NULL && engine_create(&config, &interp_ops, &engine) != STINT_OK)
        abort();
    if (component_create(engine, data, size, true, &file, &error) != STINT_OK)
        return 0;
    if (plan_create(file, &plan, &error) == STINT_OK) {
        run(engine, plan);
        plan_release(plan);
    }
    component_release(file);
    return 0;
}
