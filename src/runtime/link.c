/* SPDX-License-Identifier: Apache-2.0 */
/* Import matching (3.3, "external types") and its messages. */
#include "runtime/link.h"

#include <stdarg.h>
#include <stdio.h>

#include "wasm/limits.h"

/* Appends to a fixed buffer; what does not fit is cut off. */
struct writer {
    char *text;
    size_t size, used; /* used < size */
};

static void put(struct writer *w, const char *format, ...) PRINTF_LIKE(2, 3);

static void put(struct writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(w->text + w->used, w->size - w->used, format, args);
    va_end(args);
    if (wanted > 0)
        w->used += (size_t)wanted < w->size - w->used ? (size_t)wanted : w->size - w->used - 1;
}

static struct writer writer_on(char *text, size_t size)
{
    text[0] = '\0';
    return (struct writer){.text = text, .size = size};
}

static void put_name(struct writer *w, struct wasm_name name)
{
    for (uint32_t i = 0; i < name.bytes && w->used + 1 < w->size; i++) {
        char c = name.text[i];
        put(w, "%c", c >= ' ' && c <= '~' ? c : '?');
    }
}

static void put_type(struct writer *w, valtype type)
{
    char text[48];
    put(w, "%s", valtype_format(type, text, sizeof(text)));
}

static void put_types(struct writer *w, const char *word, const valtype *types, uint32_t count)
{
    if (count == 0)
        return;
    put(w, " (%s", word);
    /* A thousand types fit nowhere; the writer cuts, but need not be called for each. */
    for (uint32_t i = 0; i < count && w->used + 1 < w->size; i++) {
        put(w, " ");
        put_type(w, types[i]);
    }
    put(w, ")");
}

static void put_func(struct writer *w, const char *word, const struct type_def *type)
{
    put(w, "(%s", word);
    put_types(w, "param", type->params, type->param_count);
    put_types(w, "result", type->results, type->result_count);
    put(w, ")");
}

static void put_limits(struct writer *w, const struct wasm_limits *limits, uint64_t min)
{
    put(w, "%s %llu", limits->is_64 ? " i64" : "", (unsigned long long)min);
    if (limits->has_max)
        put(w, " %llu", (unsigned long long)limits->max);
    if (limits->is_shared)
        put(w, " shared");
}

static void put_table(struct writer *w, const struct table_type *type, uint64_t count)
{
    put(w, "(table");
    put_limits(w, &type->limits, count);
    put(w, " ");
    put_type(w, type->element);
    put(w, ")");
}

static void put_memory(struct writer *w, const struct memory_type *type, uint64_t pages)
{
    put(w, "(memory");
    put_limits(w, &type->limits, pages);
    put(w, ")");
}

static void put_global(struct writer *w, const struct global_type *type)
{
    put(w, type->is_mutable ? "(global (mut " : "(global ");
    put_type(w, type->type);
    put(w, type->is_mutable ? "))" : ")");
}

char *import_name_format(const struct wasm_import *import, char *text, size_t size)
{
    struct writer w = writer_on(text, size);
    put_name(&w, import->module);
    put(&w, ".");
    put_name(&w, import->field);
    return text;
}

char *import_type_format(const struct wasm_module *module, const struct wasm_import *import,
                         char *text, size_t size)
{
    struct writer w = writer_on(text, size);
    uint32_t index = import->index;
    switch ((enum extern_kind)import->kind) {
    case EXTERN_FUNC:
        put_func(&w, "func", module_func_type(module, index));
        break;
    case EXTERN_TABLE:
        put_table(&w, &module->tables[index].type, module->tables[index].type.limits.min);
        break;
    case EXTERN_MEMORY:
        put_memory(&w, &module->memories[index], module->memories[index].limits.min);
        break;
    case EXTERN_GLOBAL:
        put_global(&w, &module->globals[index].type);
        break;
    case EXTERN_TAG:
        put_func(&w, "tag", module->tag_types[index]);
        break;
    }
    return text;
}

char *extern_type_format(const struct extern_value *value, char *text, size_t size)
{
    struct writer w = writer_on(text, size);
    switch (value->kind) {
    case EXTERN_FUNC:
        put_func(&w, "func", value->func->type);
        break;
    case EXTERN_TABLE:
        put_table(&w, &value->table->type, value->table->count);
        break;
    case EXTERN_MEMORY:
        put_memory(&w, &value->memory->type, value->memory->bytes / WASM_PAGE_BYTES);
        break;
    case EXTERN_GLOBAL:
        put_global(&w, &value->global->type);
        break;
    case EXTERN_TAG:
        put_func(&w, "tag", value->tag->type);
        break;
    default:
        put(&w, "nothing");
        break;
    }
    return text;
}

enum stint_status import_unknown(const struct wasm_module *module, const struct wasm_import *import,
                                 struct stint_error *error)
{
    char name[LINK_TEXT_BYTES], wanted[LINK_TEXT_BYTES];
    return error_set(error, STINT_UNLINKABLE, STINT_NO_OFFSET, "unknown import: %s %s",
                     import_name_format(import, name, sizeof(name)),
                     import_type_format(module, import, wanted, sizeof(wanted)));
}

/* Whether a global may stand for another: exactly the same where it can be written. */
static bool global_matches(const struct type_registry *types, const struct global_type *given,
                           const struct global_type *wanted)
{
    if (given->is_mutable != wanted->is_mutable)
        return false;
    return given->type == wanted->type ||
           (!given->is_mutable && types_matches(types, given->type, wanted->type));
}

static bool matches(const struct wasm_module *module, const struct wasm_import *import,
                    const struct extern_value *value)
{
    const struct type_registry *types = module->types_registry;
    uint32_t index = import->index;
    if (value->kind != import->kind)
        return false;
    switch ((enum extern_kind)import->kind) {
    case EXTERN_FUNC:
        return types_id_matches(types, value->func->type->id, module_func_type(module, index)->id);
    case EXTERN_TABLE: {
        const struct table_type *wanted = &module->tables[index].type;
        const struct table *table = value->table;
        return table->type.element == wanted->element &&
               limits_match(&table->type.limits, table->count, &wanted->limits);
    }
    case EXTERN_MEMORY:
        return limits_match(&value->memory->type.limits, value->memory->bytes / WASM_PAGE_BYTES,
                            &module->memories[index].limits);
    case EXTERN_GLOBAL:
        return global_matches(types, &value->global->type, &module->globals[index].type);
    case EXTERN_TAG:
        return value->tag->type->id == module->tag_types[index]->id;
    }
    return false;
}

enum stint_status extern_matches(const struct wasm_module *module, const struct wasm_import *import,
                                 const struct extern_value *value, struct stint_error *error)
{
    if (value->kind == EXTERN_MISSING)
        return import_unknown(module, import, error);
    if (matches(module, import, value))
        return STINT_OK;
    char name[LINK_TEXT_BYTES / 2], wanted[LINK_TEXT_BYTES / 2 + 20],
        given[LINK_TEXT_BYTES / 2 + 20];
    return error_set(error, STINT_UNLINKABLE, STINT_NO_OFFSET,
                     "incompatible import type: %s is %s, but the module wants %s",
                     import_name_format(import, name, sizeof(name)),
                     extern_type_format(value, given, sizeof(given)),
                     import_type_format(module, import, wanted, sizeof(wanted)));
}
