/* SPDX-License-Identifier: Apache-2.0 */
/* Modules: from bytes and files, and what they import and export. */
#include <string.h>

#include "api/api_int.h"
#include "api/module_code.h"
#include "os/pages.h"
#include "wasm/limits.h"

_Static_assert(STINT_TYPE_FUNCREF == VT_FUNCREF && STINT_TYPE_EXTERNREF == VT_EXTERNREF &&
                   STINT_TYPE_ANYREF == VT_ANYREF && STINT_TYPE_EXNREF == VT_EXNREF &&
                   STINT_TYPE_EQREF == VT_MAKE_REF_NULL(HEAP_EQ) &&
                   STINT_TYPE_I31REF == VT_MAKE_REF_NULL(HEAP_I31) &&
                   STINT_TYPE_STRUCTREF == VT_MAKE_REF_NULL(HEAP_STRUCT) &&
                   STINT_TYPE_ARRAYREF == VT_MAKE_REF_NULL(HEAP_ARRAY),
               "a public value type is the internal word");
_Static_assert(STINT_TYPE_I32 == VT_I32 && STINT_TYPE_I64 == VT_I64 && STINT_TYPE_F32 == VT_F32 &&
                   STINT_TYPE_F64 == VT_F64 && STINT_TYPE_V128 == VT_V128,
               "a public value type is the internal word");
_Static_assert((int)STINT_EXTERN_FUNC == EXTERN_FUNC && (int)STINT_EXTERN_TABLE == EXTERN_TABLE &&
                   (int)STINT_EXTERN_MEMORY == EXTERN_MEMORY &&
                   (int)STINT_EXTERN_GLOBAL == EXTERN_GLOBAL && (int)STINT_EXTERN_TAG == EXTERN_TAG,
               "a public kind of import is the internal number");

enum stint_status stint_module_new(stint_engine *engine, const uint8_t *bytes, size_t size_bytes,
                                   stint_module **ret_module, struct stint_error *error)
{
    return module_code_create(engine, bytes, size_bytes, false, ret_module, error);
}

enum stint_status stint_module_new_lent(stint_engine *engine, const uint8_t *bytes,
                                        size_t size_bytes, stint_module **ret_module,
                                        struct stint_error *error)
{
    return module_code_create(engine, bytes, size_bytes, true, ret_module, error);
}

enum stint_status stint_module_new_from_file(stint_engine *engine, const char *path,
                                             stint_module **ret_module, struct stint_error *error)
{
    const uint8_t *bytes;
    size_t size_bytes;
    enum stint_status status = pages_map_file(path, LIMIT_MODULE_BYTES, &bytes, &size_bytes, error);
    if (status != STINT_OK)
        return status;
    /* Copied, so that nobody who rewrites the file can change a validated module. */
    status = module_code_create(engine, bytes, size_bytes, false, ret_module, error);
    pages_unmap_file(bytes, size_bytes);
    return status;
}

stint_module *stint_module_retain(stint_module *module)
{
    return rt_module_retain(module);
}

void stint_module_release(stint_module *module)
{
    rt_module_release(module);
}

enum stint_kind api_kind(const struct type_registry *types, valtype type)
{
    switch (type) {
    case VT_I32:
        return STINT_KIND_I32;
    case VT_I64:
        return STINT_KIND_I64;
    case VT_F32:
        return STINT_KIND_F32;
    case VT_F64:
        return STINT_KIND_F64;
    case VT_V128:
        return STINT_KIND_V128;
    default:
        break;
    }
    switch (types_heap_top(types, vt_heap(type))) {
    case HEAP_FUNC:
        return STINT_KIND_FUNC;
    case HEAP_EXTERN:
        return STINT_KIND_EXTERN;
    case HEAP_EXN:
        return STINT_KIND_EXN;
    default:
        return STINT_KIND_ANY;
    }
}

enum stint_kind stint_valtype_kind(const stint_engine *engine, stint_valtype type)
{
    return api_kind(engine->types, type);
}

bool stint_valtype_is_nullable(stint_valtype type)
{
    return vt_is_nullable(type);
}

char *stint_valtype_format(stint_valtype type, char *text, size_t text_bytes)
{
    return valtype_format(type, text, text_bytes);
}

struct stint_func_type api_func_type(const struct type_def *type)
{
    return (struct stint_func_type){type->params, type->param_count, type->results,
                                    type->result_count};
}

static struct stint_limits limits_of(const struct wasm_limits *limits)
{
    return (struct stint_limits){limits->min, limits->has_max ? limits->max : UINT64_MAX,
                                 limits->is_64, limits->is_shared};
}

static void describe(const struct wasm_module *wasm, uint8_t kind, uint32_t index,
                     struct stint_extern_type *ret_type)
{
    memset(ret_type, 0, sizeof(*ret_type));
    ret_type->kind = (enum stint_extern_kind)kind;
    switch ((enum extern_kind)kind) {
    case EXTERN_FUNC:
        ret_type->of.func = api_func_type(module_func_type(wasm, index));
        break;
    case EXTERN_TABLE:
        ret_type->of.table.element = wasm->tables[index].type.element;
        ret_type->of.table.limits = limits_of(&wasm->tables[index].type.limits);
        break;
    case EXTERN_MEMORY:
        ret_type->of.memory = limits_of(&wasm->memories[index].limits);
        break;
    case EXTERN_GLOBAL:
        ret_type->of.global.type = wasm->globals[index].type.type;
        ret_type->of.global.is_mutable = wasm->globals[index].type.is_mutable;
        break;
    case EXTERN_TAG:
        ret_type->of.func = api_func_type(wasm->tag_types[index]);
        break;
    }
}

static struct stint_name name_of(const struct wasm_name *name)
{
    return (struct stint_name){name->text, name->bytes};
}

size_t stint_module_import_count(const stint_module *module)
{
    return module->wasm->import_count;
}

size_t stint_module_export_count(const stint_module *module)
{
    return module->wasm->export_count;
}

void stint_module_import(const stint_module *module, size_t index, struct stint_import *ret_import)
{
    const struct wasm_import *import = &module->wasm->imports[index];
    ret_import->module = name_of(&import->module);
    ret_import->name = name_of(&import->field);
    describe(module->wasm, import->kind, import->index, &ret_import->type);
}

void stint_module_export(const stint_module *module, size_t index, struct stint_export *ret_export)
{
    const struct wasm_export *export = &module->wasm->exports[index];
    ret_export->name = name_of(&export->name);
    describe(module->wasm, export->kind, export->index, &ret_export->type);
}

bool stint_module_custom_section(const stint_module *module, const char *name,
                                 const uint8_t **ret_bytes, size_t *ret_size_bytes)
{
    const struct wasm_module *wasm = module->wasm;
    size_t length = strlen(name);
    for (uint32_t i = 0; i < wasm->custom_count; i++) {
        const struct wasm_custom *custom = &wasm->customs[i];
        if (custom->name.bytes == length && memcmp(custom->name.text, name, length) == 0) {
            *ret_bytes = wasm->bytes + custom->offset_bytes;
            *ret_size_bytes = custom->size_bytes;
            return true;
        }
    }
    return false;
}
