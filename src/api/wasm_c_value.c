/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the standard C API, and references inside the guest. */
#include <string.h>

#include "api/wasm_c_int.h"

/* The collected heap lets go of a wrapper. Called while the store is freed, too; a hold is no handle
 * on it. */
static void release_hold(void *pointer)
{
    struct wasm_ref_t *ref = pointer;
    ref->holds--;
    if (ref->holds == 0 && ref->handles == 0 && ref->kind > REF_LIVES_WITH_STORE)
        ref_destroy(ref);
}

bool ref_to_stint(wasm_store_t *store, stint_valtype type, struct wasm_ref_t *ref,
                  stint_value *ret_value)
{
    stint_value value;
    memset(&value, 0, sizeof(value));
    value.kind = api_kind(store->store->engine->types, type);
    bool is_func = ref != NULL && ref->kind == REF_FUNC;
    bool ok = true;
    switch (value.kind) {
    case STINT_KIND_FUNC:
        ok = ref == NULL || is_func;
        value.of.func = is_func ? ref->of.external.of.func : NULL;
        break;
    case STINT_KIND_EXTERN:
    case STINT_KIND_ANY:
    case STINT_KIND_EXN:
        if (ref == NULL)
            break;
        if (ref->kind == REF_VALUE) {
            ok = stint_ref_copy(store->store, ref->of.value, &value.of.ref, NULL) == STINT_OK;
            break;
        }
        /* Counted first: to make the heap object may collect, and so release others. */
        ref->holds++;
        ok = stint_ref_from_pointer(store->store, ref, release_hold, &value.of.ref, NULL) ==
             STINT_OK;
        if (!ok)
            ref->holds--;
        break;
    default:
        ok = false;
        break;
    }
    if (ok)
        *ret_value = value;
    return ok;
}

bool val_to_stint(wasm_store_t *store, stint_valtype type, const wasm_val_t *val,
                  stint_value *ret_value)
{
    wasm_valkind_t wanted = valkind_of(store->store->engine->types, type);
    if (wasm_valkind_is_ref(wanted))
        return wasm_valkind_is_ref(val->kind) && ref_to_stint(store, type, val->of.ref, ret_value);
    if (val->kind != wanted)
        return false;
    switch (val->kind) {
    case WASM_I32:
        *ret_value = stint_i32(val->of.i32);
        return true;
    case WASM_I64:
        *ret_value = stint_i64(val->of.i64);
        return true;
    case WASM_F32:
        *ret_value = stint_f32(val->of.f32);
        return true;
    case WASM_F64:
        *ret_value = stint_f64(val->of.f64);
        return true;
    default:
        return false;
    }
}

/* The wrapper of a heap reference, with a handle; takes over `value`. */
static struct wasm_ref_t *wrap_value(wasm_store_t *store, stint_ref value)
{
    void *pointer;
    struct wasm_ref_t *ref;
    if (stint_ref_pointer(store->store, value, &pointer)) {
        ref = ref_retain(pointer);
        stint_ref_release(store->store, value);
        return ref;
    }
    ref = ref_new(store, REF_VALUE);
    if (ref != NULL)
        ref->of.value = value;
    else
        stint_ref_release(store->store, value);
    return ref;
}

bool val_from_stint(wasm_store_t *store, const stint_value *value, wasm_val_t *ret_val)
{
    wasm_val_t val;
    struct stint_extern external;
    memset(&val, 0, sizeof(val));
    memset(&external, 0, sizeof(external));
    switch (value->kind) {
    case STINT_KIND_I32:
        val.kind = WASM_I32;
        val.of.i32 = value->of.i32;
        break;
    case STINT_KIND_I64:
        val.kind = WASM_I64;
        val.of.i64 = value->of.i64;
        break;
    case STINT_KIND_F32:
        val.kind = WASM_F32;
        val.of.f32 = value->of.f32;
        break;
    case STINT_KIND_F64:
        val.kind = WASM_F64;
        val.of.f64 = value->of.f64;
        break;
    case STINT_KIND_V128:
        return false;
    case STINT_KIND_FUNC:
        val.kind = WASM_FUNCREF;
        external.kind = STINT_EXTERN_FUNC;
        external.of.func = value->of.func;
        val.of.ref = value->of.func != NULL ? ref_wrap(store, &external) : NULL;
        if (value->of.func != NULL && val.of.ref == NULL)
            return false;
        break;
    case STINT_KIND_EXTERN:
    case STINT_KIND_ANY:
    case STINT_KIND_EXN:
        val.kind = WASM_EXTERNREF;
        val.of.ref = value->of.ref.handle != 0 ? wrap_value(store, value->of.ref) : NULL;
        if (value->of.ref.handle != 0 && val.of.ref == NULL)
            return false;
        break;
    }
    *ret_val = val;
    return true;
}

void wasm_val_delete(wasm_val_t *val)
{
    if (wasm_valkind_is_ref(val->kind)) {
        ref_release(val->of.ref);
        val->of.ref = NULL;
    }
}

void wasm_val_copy(wasm_val_t *out, const wasm_val_t *val)
{
    *out = *val;
    if (wasm_valkind_is_ref(val->kind) && val->of.ref != NULL)
        ref_retain(val->of.ref);
}
