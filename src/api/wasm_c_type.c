/* SPDX-License-Identifier: Apache-2.0 */
/* Types of the standard C API: values that their owner deletes. */
#include <string.h>

#include "api/wasm_c_int.h"

struct wasm_importtype_t {
    wasm_name_t module, name;
    wasm_externtype_t *type;
};

struct wasm_exporttype_t {
    wasm_name_t name;
    wasm_externtype_t *type;
};

static void *type_new(size_t bytes)
{
    return alloc_get_zeroed(&alloc_root, 1, bytes);
}

/* ---- Value types ------------------------------------------------------------------------- */

/* v128 has no kind in the standard; this one is a number there is no value of. */
enum { VALKIND_V128 = 4 };

wasm_valkind_t valkind_of(const struct type_registry *types, stint_valtype type)
{
    switch (api_kind(types, type)) {
    case STINT_KIND_I32:
        return WASM_I32;
    case STINT_KIND_I64:
        return WASM_I64;
    case STINT_KIND_F32:
        return WASM_F32;
    case STINT_KIND_F64:
        return WASM_F64;
    case STINT_KIND_V128:
        return VALKIND_V128;
    case STINT_KIND_FUNC:
        return WASM_FUNCREF;
    default:
        return WASM_EXTERNREF;
    }
}

static wasm_valtype_t *valtype_from(const struct type_registry *types, stint_valtype type)
{
    wasm_valtype_t *made = type_new(sizeof(*made));
    if (made != NULL) {
        made->kind = valkind_of(types, type);
        made->type = type;
    }
    return made;
}

wasm_valtype_t *wasm_valtype_new(wasm_valkind_t kind)
{
    static const stint_valtype numbers[] = {STINT_TYPE_I32, STINT_TYPE_I64, STINT_TYPE_F32,
                                            STINT_TYPE_F64, STINT_TYPE_V128};
    wasm_valtype_t *made = type_new(sizeof(*made));
    if (made == NULL)
        return NULL;
    made->kind = kind;
    if (kind < COUNT_OF(numbers))
        made->type = numbers[kind];
    else
        made->type = kind == WASM_FUNCREF ? STINT_TYPE_FUNCREF : STINT_TYPE_EXTERNREF;
    return made;
}

wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t *type)
{
    return type->kind;
}

void wasm_valtype_delete(wasm_valtype_t *type)
{
    alloc_put(&alloc_root, type, sizeof(*type));
}

wasm_valtype_t *wasm_valtype_copy(const wasm_valtype_t *type)
{
    wasm_valtype_t *copy = type_new(sizeof(*copy));
    if (copy != NULL)
        *copy = *type;
    return copy;
}

/* ---- Types of externs -------------------------------------------------------------------- */

wasm_functype_t *wasm_functype_new(wasm_valtype_vec_t *params, wasm_valtype_vec_t *results)
{
    wasm_functype_t *type = type_new(sizeof(*type));
    if (type == NULL) {
        wasm_valtype_vec_delete(params);
        wasm_valtype_vec_delete(results);
        return NULL;
    }
    type->base.kind = WASM_EXTERN_FUNC;
    type->params = *params;
    type->results = *results;
    return type;
}

const wasm_valtype_vec_t *wasm_functype_params(const wasm_functype_t *type)
{
    return &type->params;
}

const wasm_valtype_vec_t *wasm_functype_results(const wasm_functype_t *type)
{
    return &type->results;
}

void wasm_functype_delete(wasm_functype_t *type)
{
    if (type == NULL)
        return;
    wasm_valtype_vec_delete(&type->params);
    wasm_valtype_vec_delete(&type->results);
    alloc_put(&alloc_root, type, sizeof(*type));
}

wasm_functype_t *wasm_functype_copy(const wasm_functype_t *type)
{
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_copy(&params, &type->params);
    wasm_valtype_vec_copy(&results, &type->results);
    return wasm_functype_new(&params, &results);
}

wasm_globaltype_t *wasm_globaltype_new(wasm_valtype_t *content, wasm_mutability_t mutability)
{
    wasm_globaltype_t *type = content != NULL ? type_new(sizeof(*type)) : NULL;
    if (type == NULL) {
        wasm_valtype_delete(content);
        return NULL;
    }
    type->base.kind = WASM_EXTERN_GLOBAL;
    type->content = content;
    type->mutability = mutability;
    return type;
}

const wasm_valtype_t *wasm_globaltype_content(const wasm_globaltype_t *type)
{
    return type->content;
}

wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t *type)
{
    return type->mutability;
}

void wasm_globaltype_delete(wasm_globaltype_t *type)
{
    if (type == NULL)
        return;
    wasm_valtype_delete(type->content);
    alloc_put(&alloc_root, type, sizeof(*type));
}

wasm_globaltype_t *wasm_globaltype_copy(const wasm_globaltype_t *type)
{
    return wasm_globaltype_new(wasm_valtype_copy(type->content), type->mutability);
}

wasm_tabletype_t *wasm_tabletype_new(wasm_valtype_t *element, const wasm_limits_t *limits)
{
    wasm_tabletype_t *type = element != NULL ? type_new(sizeof(*type)) : NULL;
    if (type == NULL) {
        wasm_valtype_delete(element);
        return NULL;
    }
    type->base.kind = WASM_EXTERN_TABLE;
    type->element = element;
    type->limits = *limits;
    return type;
}

const wasm_valtype_t *wasm_tabletype_element(const wasm_tabletype_t *type)
{
    return type->element;
}

const wasm_limits_t *wasm_tabletype_limits(const wasm_tabletype_t *type)
{
    return &type->limits;
}

void wasm_tabletype_delete(wasm_tabletype_t *type)
{
    if (type == NULL)
        return;
    wasm_valtype_delete(type->element);
    alloc_put(&alloc_root, type, sizeof(*type));
}

wasm_tabletype_t *wasm_tabletype_copy(const wasm_tabletype_t *type)
{
    return wasm_tabletype_new(wasm_valtype_copy(type->element), &type->limits);
}

wasm_memorytype_t *wasm_memorytype_new(const wasm_limits_t *limits)
{
    wasm_memorytype_t *type = type_new(sizeof(*type));
    if (type != NULL) {
        type->base.kind = WASM_EXTERN_MEMORY;
        type->limits = *limits;
    }
    return type;
}

const wasm_limits_t *wasm_memorytype_limits(const wasm_memorytype_t *type)
{
    return &type->limits;
}

void wasm_memorytype_delete(wasm_memorytype_t *type)
{
    alloc_put(&alloc_root, type, sizeof(*type));
}

wasm_memorytype_t *wasm_memorytype_copy(const wasm_memorytype_t *type)
{
    return wasm_memorytype_new(&type->limits);
}

wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t *type)
{
    return type->kind;
}

void wasm_externtype_delete(wasm_externtype_t *type)
{
    if (type == NULL)
        return;
    switch (type->kind) {
    case WASM_EXTERN_FUNC:
        wasm_functype_delete((wasm_functype_t *)type);
        break;
    case WASM_EXTERN_GLOBAL:
        wasm_globaltype_delete((wasm_globaltype_t *)type);
        break;
    case WASM_EXTERN_TABLE:
        wasm_tabletype_delete((wasm_tabletype_t *)type);
        break;
    case WASM_EXTERN_MEMORY:
        wasm_memorytype_delete((wasm_memorytype_t *)type);
        break;
    default:
        alloc_put(&alloc_root, type, sizeof(*type));
        break;
    }
}

static wasm_externtype_t *tag_type_new(void)
{
    wasm_externtype_t *type = type_new(sizeof(*type));
    if (type != NULL)
        type->kind = EXTERNTYPE_TAG;
    return type;
}

wasm_externtype_t *wasm_externtype_copy(const wasm_externtype_t *type)
{
    switch (type->kind) {
    case WASM_EXTERN_FUNC:
        return (wasm_externtype_t *)wasm_functype_copy((const wasm_functype_t *)type);
    case WASM_EXTERN_GLOBAL:
        return (wasm_externtype_t *)wasm_globaltype_copy((const wasm_globaltype_t *)type);
    case WASM_EXTERN_TABLE:
        return (wasm_externtype_t *)wasm_tabletype_copy((const wasm_tabletype_t *)type);
    case WASM_EXTERN_MEMORY:
        return (wasm_externtype_t *)wasm_memorytype_copy((const wasm_memorytype_t *)type);
    default:
        return tag_type_new();
    }
}

#define DEFINE_EXTERNTYPE(name, KIND)                                                              \
    wasm_externtype_t *wasm_##name##_as_externtype(wasm_##name##_t *type)                          \
    {                                                                                              \
        return (wasm_externtype_t *)type;                                                          \
    }                                                                                              \
    const wasm_externtype_t *wasm_##name##_as_externtype_const(const wasm_##name##_t *type)        \
    {                                                                                              \
        return (const wasm_externtype_t *)type;                                                    \
    }                                                                                              \
    wasm_##name##_t *wasm_externtype_as_##name(wasm_externtype_t *type)                            \
    {                                                                                              \
        return type->kind == (KIND) ? (wasm_##name##_t *)type : NULL;                              \
    }                                                                                              \
    const wasm_##name##_t *wasm_externtype_as_##name##_const(const wasm_externtype_t *type)        \
    {                                                                                              \
        return type->kind == (KIND) ? (const wasm_##name##_t *)type : NULL;                        \
    }

DEFINE_EXTERNTYPE(functype, WASM_EXTERN_FUNC)
DEFINE_EXTERNTYPE(globaltype, WASM_EXTERN_GLOBAL)
DEFINE_EXTERNTYPE(tabletype, WASM_EXTERN_TABLE)
DEFINE_EXTERNTYPE(memorytype, WASM_EXTERN_MEMORY)

/* ---- From the runtime's types ------------------------------------------------------------ */

struct stint_limits limits_to_stint(const wasm_limits_t *limits)
{
    return (struct stint_limits){
        .min = limits->min,
        .max = limits->max == wasm_limits_max_default ? UINT64_MAX : limits->max,
    };
}

/* 64-bit limits that do not fit are shown as the largest that do. */
static wasm_limits_t limits_from(const struct stint_limits *limits)
{
    wasm_limits_t out;
    out.min = limits->min < UINT32_MAX ? (uint32_t)limits->min : UINT32_MAX;
    out.max = limits->max < UINT32_MAX ? (uint32_t)limits->max : wasm_limits_max_default;
    return out;
}

static void valtypes_from(const struct type_registry *types, const stint_valtype *from,
                          size_t count, wasm_valtype_vec_t *out)
{
    wasm_valtype_vec_new_uninitialized(out, count);
    for (size_t i = 0; i < out->size; i++)
        out->data[i] = valtype_from(types, from[i]);
}

wasm_externtype_t *externtype_from(const struct type_registry *types,
                                   const struct stint_extern_type *type)
{
    wasm_limits_t limits;
    wasm_valtype_vec_t params, results;
    switch (type->kind) {
    case STINT_EXTERN_FUNC:
        valtypes_from(types, type->of.func.params, type->of.func.param_count, &params);
        valtypes_from(types, type->of.func.results, type->of.func.result_count, &results);
        return (wasm_externtype_t *)wasm_functype_new(&params, &results);
    case STINT_EXTERN_GLOBAL:
        return (wasm_externtype_t *)wasm_globaltype_new(valtype_from(types, type->of.global.type),
                                                        type->of.global.is_mutable ? WASM_VAR
                                                                                   : WASM_CONST);
    case STINT_EXTERN_TABLE:
        limits = limits_from(&type->of.table.limits);
        return (wasm_externtype_t *)wasm_tabletype_new(valtype_from(types, type->of.table.element),
                                                       &limits);
    case STINT_EXTERN_MEMORY:
        limits = limits_from(&type->of.memory);
        return (wasm_externtype_t *)wasm_memorytype_new(&limits);
    case STINT_EXTERN_TAG:
        break;
    }
    return tag_type_new();
}

/* ---- Imports and exports ----------------------------------------------------------------- */

wasm_importtype_t *wasm_importtype_new(wasm_name_t *module, wasm_name_t *name,
                                       wasm_externtype_t *type)
{
    wasm_importtype_t *import = type != NULL ? type_new(sizeof(*import)) : NULL;
    if (import == NULL) {
        wasm_name_delete(module);
        wasm_name_delete(name);
        wasm_externtype_delete(type);
        return NULL;
    }
    import->module = *module;
    import->name = *name;
    import->type = type;
    return import;
}

const wasm_name_t *wasm_importtype_module(const wasm_importtype_t *import)
{
    return &import->module;
}

const wasm_name_t *wasm_importtype_name(const wasm_importtype_t *import)
{
    return &import->name;
}

const wasm_externtype_t *wasm_importtype_type(const wasm_importtype_t *import)
{
    return import->type;
}

void wasm_importtype_delete(wasm_importtype_t *import)
{
    if (import == NULL)
        return;
    wasm_name_delete(&import->module);
    wasm_name_delete(&import->name);
    wasm_externtype_delete(import->type);
    alloc_put(&alloc_root, import, sizeof(*import));
}

wasm_importtype_t *wasm_importtype_copy(const wasm_importtype_t *import)
{
    wasm_name_t module, name;
    wasm_name_copy(&module, &import->module);
    wasm_name_copy(&name, &import->name);
    return wasm_importtype_new(&module, &name, wasm_externtype_copy(import->type));
}

wasm_exporttype_t *wasm_exporttype_new(wasm_name_t *name, wasm_externtype_t *type)
{
    wasm_exporttype_t *export = type != NULL ? type_new(sizeof(*export)) : NULL;
    if (export == NULL) {
        wasm_name_delete(name);
        wasm_externtype_delete(type);
        return NULL;
    }
    export->name = *name;
    export->type = type;
    return export;
}

const wasm_name_t *wasm_exporttype_name(const wasm_exporttype_t *export)
{
    return &export->name;
}

const wasm_externtype_t *wasm_exporttype_type(const wasm_exporttype_t *export)
{
    return export->type;
}

void wasm_exporttype_delete(wasm_exporttype_t *export)
{
    if (export == NULL)
        return;
    wasm_name_delete(&export->name);
    wasm_externtype_delete(export->type);
    alloc_put(&alloc_root, export, sizeof(*export));
}

wasm_exporttype_t *wasm_exporttype_copy(const wasm_exporttype_t *export)
{
    wasm_name_t name;
    wasm_name_copy(&name, &export->name);
    return wasm_exporttype_new(&name, wasm_externtype_copy(export->type));
}
