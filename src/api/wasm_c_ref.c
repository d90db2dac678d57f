/* SPDX-License-Identifier: Apache-2.0 */
/* Engine, store and references of the standard C API. */
#include <string.h>

#include "api/wasm_c_int.h"

wasm_config_t *wasm_config_new(void)
{
    return (wasm_config_t *)stint_config_new();
}

void wasm_config_delete(wasm_config_t *config)
{
    stint_config_free((stint_config *)config);
}

wasm_engine_t *wasm_engine_new_with_config(wasm_config_t *config)
{
    stint_engine *engine = NULL;
    enum stint_status status = stint_engine_new((stint_config *)config, &engine, NULL);
    wasm_config_delete(config);
    return status == STINT_OK ? (wasm_engine_t *)engine : NULL;
}

wasm_engine_t *wasm_engine_new(void)
{
    return wasm_engine_new_with_config(NULL);
}

void wasm_engine_delete(wasm_engine_t *engine)
{
    stint_engine_release((stint_engine *)engine);
}

/* ---- Store ------------------------------------------------------------------------------- */

wasm_store_t *wasm_store_new(wasm_engine_t *engine)
{
    wasm_store_t *store = alloc_get_zeroed(&alloc_root, 1, sizeof(*store));
    if (store == NULL)
        return NULL;
    if (stint_store_new((stint_engine *)engine, NULL, &store->store, NULL) != STINT_OK) {
        alloc_put(&alloc_root, store, sizeof(*store));
        return NULL;
    }
    map_init(&store->objects, &alloc_root);
    store->handles = 1;
    return store;
}

void ref_destroy(struct wasm_ref_t *ref)
{
    if (ref->host_info_free != NULL)
        ref->host_info_free(ref->host_info);
    if (ref->kind == REF_MODULE)
        stint_module_release(ref->of.module);
    if (ref->kind == REF_TRAP && ref->of.trap != NULL) {
        alloc_put(&alloc_root, ref->of.trap->frames,
                  ref->of.trap->frame_count * sizeof(*ref->of.trap->frames));
        alloc_put(&alloc_root, ref->of.trap, sizeof(*ref->of.trap));
    }
    alloc_put(&alloc_root, ref, sizeof(*ref));
}

void store_retain(wasm_store_t *store)
{
    store->handles++;
}

void store_release(wasm_store_t *store)
{
    if (--store->handles != 0)
        return;
    /* Gives back what the collected heap holds, too. */
    stint_store_free(store->store);
    if (store->trap != NULL)
        ref_destroy(store->trap);
    while (store->refs != NULL) {
        struct wasm_ref_t *next = store->refs->next;
        ref_destroy(store->refs);
        store->refs = next;
    }
    map_free(&store->objects);
    alloc_put(&alloc_root, store, sizeof(*store));
}

void wasm_store_delete(wasm_store_t *store)
{
    if (store != NULL)
        store_release(store);
}

/* ---- References -------------------------------------------------------------------------- */

struct wasm_ref_t *ref_new(wasm_store_t *store, enum ref_kind kind)
{
    struct wasm_ref_t *ref = alloc_get_zeroed(&alloc_root, 1, sizeof(*ref));
    if (ref == NULL)
        return NULL;
    ref->kind = (uint8_t)kind;
    ref->store = store;
    ref->handles = 1;
    store_retain(store);
    return ref;
}

struct wasm_ref_t *ref_borrow(wasm_store_t *store, const struct stint_extern *external,
                              stint_instance *instance)
{
    /* All members of the union are pointers at the same place. */
    const void *key = external != NULL ? (const void *)external->of.func : (const void *)instance;
    const uint64_t *found = map_find(&store->objects, &key, sizeof(key));
    if (found != NULL)
        return (struct wasm_ref_t *)(uintptr_t)*found;
    struct wasm_ref_t *ref = alloc_get_zeroed(&alloc_root, 1, sizeof(*ref));
    if (ref == NULL)
        return NULL;
    ref->store = store;
    ref->key = key;
    if (external != NULL) {
        ref->kind = (uint8_t)external->kind;
        ref->of.external = *external;
    } else {
        ref->kind = REF_INSTANCE;
        ref->of.instance = instance;
    }
    if (!map_put(&store->objects, &ref->key, sizeof(ref->key), (uintptr_t)ref)) {
        alloc_put(&alloc_root, ref, sizeof(*ref));
        return NULL;
    }
    ref->next = store->refs;
    store->refs = ref;
    return ref;
}

struct wasm_ref_t *ref_wrap(wasm_store_t *store, const struct stint_extern *external)
{
    struct wasm_ref_t *ref = ref_borrow(store, external, NULL);
    return ref != NULL ? ref_retain(ref) : NULL;
}

struct wasm_ref_t *ref_wrap_instance(wasm_store_t *store, stint_instance *instance)
{
    struct wasm_ref_t *ref = ref_borrow(store, NULL, instance);
    return ref != NULL ? ref_retain(ref) : NULL;
}

struct wasm_ref_t *ref_retain(struct wasm_ref_t *ref)
{
    ref->handles++;
    store_retain(ref->store);
    return ref;
}

void ref_release(struct wasm_ref_t *ref)
{
    if (ref == NULL)
        return;
    wasm_store_t *store = ref->store;
    ref->handles--;
    if (ref->handles == 0 && ref->holds == 0 && ref->kind > REF_LIVES_WITH_STORE) {
        if (ref->kind == REF_VALUE)
            stint_ref_release(store->store, ref->of.value);
        ref_destroy(ref);
    }
    store_release(store);
}

wasm_foreign_t *wasm_foreign_new(wasm_store_t *store)
{
    return (wasm_foreign_t *)ref_new(store, REF_FOREIGN);
}

/* Two wrappers of heap objects may be of the same one. */
static bool is_same(const struct wasm_ref_t *a, const struct wasm_ref_t *b)
{
    if (a == b || a == NULL || b == NULL)
        return a == b;
    return a->kind == REF_VALUE && b->kind == REF_VALUE && a->store == b->store &&
           stint_ref_equal(a->store->store, a->of.value, b->of.value);
}

static void set_info(struct wasm_ref_t *ref, void *info, void (*info_free)(void *))
{
    if (ref->host_info_free != NULL)
        ref->host_info_free(ref->host_info);
    ref->host_info = info;
    ref->host_info_free = info_free;
}

#define DEFINE_REF_BASE(name)                                                                      \
    void wasm_##name##_delete(wasm_##name##_t *ref)                                                \
    {                                                                                              \
        ref_release(ref_of(ref));                                                                  \
    }                                                                                              \
    wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *ref)                                \
    {                                                                                              \
        return ref != NULL ? (wasm_##name##_t *)ref_retain(ref_of(ref)) : NULL;                    \
    }                                                                                              \
    bool wasm_##name##_same(const wasm_##name##_t *a, const wasm_##name##_t *b)                    \
    {                                                                                              \
        return is_same(ref_of(a), ref_of(b));                                                      \
    }                                                                                              \
    void *wasm_##name##_get_host_info(const wasm_##name##_t *ref)                                  \
    {                                                                                              \
        return ref_of(ref)->host_info;                                                             \
    }                                                                                              \
    void wasm_##name##_set_host_info(wasm_##name##_t *ref, void *info)                             \
    {                                                                                              \
        set_info(ref_of(ref), info, NULL);                                                         \
    }                                                                                              \
    void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t *ref, void *info,              \
                                                    void (*finalizer)(void *))                     \
    {                                                                                              \
        set_info(ref_of(ref), info, finalizer);                                                    \
    }

#define DEFINE_REF(name, IS_KIND)                                                                  \
    DEFINE_REF_BASE(name)                                                                          \
    wasm_ref_t *wasm_##name##_as_ref(wasm_##name##_t *ref)                                         \
    {                                                                                              \
        return (wasm_ref_t *)ref;                                                                  \
    }                                                                                              \
    const wasm_ref_t *wasm_##name##_as_ref_const(const wasm_##name##_t *ref)                       \
    {                                                                                              \
        return (const wasm_ref_t *)ref;                                                            \
    }                                                                                              \
    wasm_##name##_t *wasm_ref_as_##name(wasm_ref_t *ref)                                           \
    {                                                                                              \
        return ref != NULL && (IS_KIND) ? (wasm_##name##_t *)ref : NULL;                           \
    }                                                                                              \
    const wasm_##name##_t *wasm_ref_as_##name##_const(const wasm_ref_t *ref)                       \
    {                                                                                              \
        return ref != NULL && (IS_KIND) ? (const wasm_##name##_t *)ref : NULL;                     \
    }

#define DEFINE_EXTERN(name, KIND)                                                                  \
    wasm_extern_t *wasm_##name##_as_extern(wasm_##name##_t *ref)                                   \
    {                                                                                              \
        return (wasm_extern_t *)ref;                                                               \
    }                                                                                              \
    const wasm_extern_t *wasm_##name##_as_extern_const(const wasm_##name##_t *ref)                 \
    {                                                                                              \
        return (const wasm_extern_t *)ref;                                                         \
    }                                                                                              \
    wasm_##name##_t *wasm_extern_as_##name(wasm_extern_t *ref)                                     \
    {                                                                                              \
        return ref != NULL && ref_of(ref)->kind == (KIND) ? (wasm_##name##_t *)ref : NULL;         \
    }                                                                                              \
    const wasm_##name##_t *wasm_extern_as_##name##_const(const wasm_extern_t *ref)                 \
    {                                                                                              \
        return ref != NULL && ref_of(ref)->kind == (KIND) ? (const wasm_##name##_t *)ref : NULL;   \
    }

DEFINE_REF_BASE(ref)
DEFINE_REF(trap, ref->kind == REF_TRAP)
DEFINE_REF(foreign, ref->kind == REF_FOREIGN)
DEFINE_REF(module, ref->kind == REF_MODULE)
DEFINE_REF(func, ref->kind == REF_FUNC)
DEFINE_REF(global, ref->kind == REF_GLOBAL)
DEFINE_REF(table, ref->kind == REF_TABLE)
DEFINE_REF(memory, ref->kind == REF_MEMORY)
DEFINE_REF(extern, ref->kind <= REF_TAG)
DEFINE_REF(instance, ref->kind == REF_INSTANCE)

DEFINE_EXTERN(func, REF_FUNC)
DEFINE_EXTERN(global, REF_GLOBAL)
DEFINE_EXTERN(table, REF_TABLE)
DEFINE_EXTERN(memory, REF_MEMORY)
