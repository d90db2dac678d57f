/* SPDX-License-Identifier: Apache-2.0 */
/* Modules and instances of the standard C API. */
#include <string.h>

#include "api/wasm_c_int.h"

/* ---- Modules ----------------------------------------------------------------------------- */

/* Takes over the module. */
static wasm_module_t *module_wrap(wasm_store_t *store, stint_module *module)
{
    struct wasm_ref_t *ref = ref_new(store, REF_MODULE);
    if (ref == NULL)
        stint_module_release(module);
    else
        ref->of.module = module;
    return (wasm_module_t *)ref;
}

wasm_module_t *wasm_module_new(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    stint_module *module;
    if (stint_module_new(store->store->engine, (const uint8_t *)binary->data, binary->size, &module,
                         NULL) != STINT_OK)
        return NULL;
    return module_wrap(store, module);
}

bool wasm_module_validate(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    stint_module *module;
    if (stint_module_new_lent(store->store->engine, (const uint8_t *)binary->data, binary->size,
                              &module, NULL) != STINT_OK)
        return false;
    stint_module_release(module);
    return true;
}

static const struct type_registry *types_of(const struct wasm_ref_t *ref)
{
    return ref->of.module->engine->types;
}

void wasm_module_imports(const wasm_module_t *handle, wasm_importtype_vec_t *out)
{
    const struct wasm_ref_t *ref = ref_of(handle);
    wasm_importtype_vec_new_uninitialized(out, stint_module_import_count(ref->of.module));
    for (size_t i = 0; i < out->size; i++) {
        struct stint_import import;
        wasm_name_t module, name;
        stint_module_import(ref->of.module, i, &import);
        wasm_name_new(&module, import.module.bytes, import.module.text);
        wasm_name_new(&name, import.name.bytes, import.name.text);
        out->data[i] =
            wasm_importtype_new(&module, &name, externtype_from(types_of(ref), &import.type));
    }
}

void wasm_module_exports(const wasm_module_t *handle, wasm_exporttype_vec_t *out)
{
    const struct wasm_ref_t *ref = ref_of(handle);
    wasm_exporttype_vec_new_uninitialized(out, stint_module_export_count(ref->of.module));
    for (size_t i = 0; i < out->size; i++) {
        struct stint_export export;
        wasm_name_t name;
        stint_module_export(ref->of.module, i, &export);
        wasm_name_new(&name, export.name.bytes, export.name.text);
        out->data[i] = wasm_exporttype_new(&name, externtype_from(types_of(ref), &export.type));
    }
}

/* There is no compiled form to keep: the binary itself is the serialized module. */
void wasm_module_serialize(const wasm_module_t *handle, wasm_byte_vec_t *out)
{
    const struct stint_module *module = ref_of(handle)->of.module;
    wasm_byte_vec_new(out, module->wasm->size_bytes, (const byte_t *)module->wasm->bytes);
}

wasm_module_t *wasm_module_deserialize(wasm_store_t *store, const wasm_byte_vec_t *bytes)
{
    return wasm_module_new(store, bytes);
}

wasm_shared_module_t *wasm_module_share(const wasm_module_t *module)
{
    return (wasm_shared_module_t *)stint_module_retain(ref_of(module)->of.module);
}

wasm_module_t *wasm_module_obtain(wasm_store_t *store, const wasm_shared_module_t *shared)
{
    stint_module *module = (stint_module *)(uintptr_t)shared;
    if (module->engine != store->store->engine)
        return NULL;
    return module_wrap(store, stint_module_retain(module));
}

void wasm_shared_module_delete(wasm_shared_module_t *shared)
{
    stint_module_release((stint_module *)shared);
}

/* ---- Instances --------------------------------------------------------------------------- */

static enum stint_status instantiate(wasm_store_t *store, const wasm_module_t *module,
                                     const wasm_extern_vec_t *imports,
                                     stint_instance **ret_instance, struct stint_error *error)
{
    size_t count = imports != NULL ? imports->size : 0;
    struct arena arena;
    arena_init(&arena, &alloc_root);
    enum stint_status status = STINT_OK;
    struct stint_extern *externs = arena_get_zeroed(&arena, count, sizeof(*externs));
    if (externs == NULL)
        status = api_no_memory(error);
    for (size_t i = 0; i < count && status == STINT_OK; i++) {
        if (imports->data[i] == NULL)
            status = error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "import %zu is NULL", i);
        else
            externs[i] = ref_of(imports->data[i])->of.external;
    }
    if (status == STINT_OK)
        status = stint_instance_new(store->store, ref_of(module)->of.module, externs, count,
                                    ret_instance, error);
    arena_free(&arena);
    return status;
}

wasm_instance_t *wasm_instance_new(wasm_store_t *store, const wasm_module_t *module,
                                   const wasm_extern_vec_t *imports, wasm_trap_t **trap)
{
    struct stint_error error = {0};
    stint_instance *instance;
    enum stint_status status = instantiate(store, module, imports, &instance, &error);
    if (trap != NULL)
        *trap = NULL;
    if (status == STINT_OK)
        return (wasm_instance_t *)ref_wrap_instance(store, instance);
    wasm_trap_t *reason = trap_from(store, status, &error);
    if (trap != NULL)
        *trap = reason;
    else
        wasm_trap_delete(reason);
    return NULL;
}

void wasm_instance_exports(const wasm_instance_t *handle, wasm_extern_vec_t *out)
{
    const struct wasm_ref_t *ref = ref_of(handle);
    stint_instance *instance = ref->of.instance;
    wasm_extern_vec_new_uninitialized(out, stint_module_export_count(instance->module));
    for (size_t i = 0; i < out->size; i++) {
        struct stint_extern external;
        stint_instance_export_at(instance, i, &external);
        out->data[i] = (wasm_extern_t *)ref_wrap(ref->store, &external);
    }
}
