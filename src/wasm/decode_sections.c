/* SPDX-License-Identifier: Apache-2.0 */
/* Sections that fill the index spaces, and exports (core specification 3.0, 5.5). */
#include "wasm/decode_int.h"

bool decode_func_type(struct decoder *d, uint32_t *ret_index)
{
    struct reader *r = &d->v.r;
    const uint8_t *at = r->at;
    uint32_t index = read_u32(r);
    if (reader_failed(r) || !decode_check_index(d, index, d->module->type_count, "type", at))
        return false;
    if (d->module->types[index]->kind != TYPE_FUNC) {
        reader_fail(r, STINT_INVALID, at, "type mismatch: type %u is not a function type", index);
        return false;
    }
    *ret_index = index;
    return true;
}

static const struct type_def *read_tag_type(struct decoder *d)
{
    struct reader *r = &d->v.r;
    const uint8_t *at = r->at;
    uint8_t attribute = read_byte(r);
    if (attribute != 0) {
        reader_fail(r, STINT_MALFORMED, at, "malformed tag attribute %u", attribute);
        return NULL;
    }
    at = r->at;
    uint32_t index;
    if (!decode_func_type(d, &index))
        return NULL;
    const struct type_def *type = d->module->types[index];
    if (type->result_count != 0)
        reader_fail(r, STINT_INVALID, at, "non-empty tag result type: a tag has no results");
    return type;
}

/* Each add_… appends to one index space; room is there. Failures stay in the reader. */

static bool add_table(struct decoder *d, struct table_type type, const uint8_t *at)
{
    struct wasm_module *module = d->module;
    if (module->table_count == 1 &&
        (module->features & (FEATURE_REF_TYPES | FEATURE_FUNC_REFS)) == 0)
        return reader_need_feature(&d->v.r, FEATURE_REF_TYPES, at, "multiple tables: a second one");
    if (module->table_count == LIMIT_TABLES) {
        reader_fail(&d->v.r, STINT_LIMIT, at, "too many tables: the limit is %d", LIMIT_TABLES);
        return false;
    }
    module->tables[module->table_count++] = (struct wasm_table){.type = type};
    return !reader_failed(&d->v.r);
}

static bool add_memory(struct decoder *d, struct memory_type type, const uint8_t *at)
{
    struct wasm_module *module = d->module;
    if (module->memory_count == 1 &&
        !reader_need_feature(&d->v.r, FEATURE_MULTI_MEMORY, at, "multiple memories: a second one"))
        return false;
    if (module->memory_count == LIMIT_MEMORIES) {
        reader_fail(&d->v.r, STINT_LIMIT, at, "too many memories: the limit is %d", LIMIT_MEMORIES);
        return false;
    }
    module->memories[module->memory_count++] = type;
    return !reader_failed(&d->v.r);
}

/* Room for `more` in each index space. */

static bool grow_funcs(struct decoder *d, uint32_t more)
{
    struct wasm_module *m = d->module;
    if (!decode_grow(d, &d->func_types, &d->func_capacity, m->func_count,
                     (size_t)m->func_count + more, sizeof(*d->func_types)))
        return false;
    m->func_types = d->func_types;
    return true;
}

static bool grow_tables(struct decoder *d, uint32_t more)
{
    struct wasm_module *m = d->module;
    return decode_grow(d, &m->tables, &d->table_capacity, m->table_count,
                       (size_t)m->table_count + more, sizeof(*m->tables));
}

static bool grow_memories(struct decoder *d, uint32_t more)
{
    struct wasm_module *m = d->module;
    return decode_grow(d, &m->memories, &d->memory_capacity, m->memory_count,
                       (size_t)m->memory_count + more, sizeof(*m->memories));
}

static bool grow_globals(struct decoder *d, uint32_t more)
{
    struct wasm_module *m = d->module;
    return decode_grow(d, &m->globals, &d->global_capacity, m->global_count,
                       (size_t)m->global_count + more, sizeof(*m->globals));
}

static bool grow_tags(struct decoder *d, uint32_t more)
{
    struct wasm_module *m = d->module;
    return decode_grow(d, &m->tag_types, &d->tag_capacity, m->tag_count,
                       (size_t)m->tag_count + more, sizeof(*m->tag_types));
}

/* Imports. */

static void import_func(struct decoder *d, struct wasm_import *import)
{
    struct wasm_module *module = d->module;
    uint32_t type;
    if (!decode_func_type(d, &type) || !grow_funcs(d, 1))
        return;
    import->index = module->func_count;
    d->func_types[module->func_count++] = type;
    module->import_func_count++;
}

static void import_table(struct decoder *d, struct wasm_import *import)
{
    const uint8_t *at = d->v.r.at;
    struct table_type type = read_table_type(&d->v.r);
    import->index = d->module->table_count;
    if (grow_tables(d, 1) && add_table(d, type, at))
        d->module->import_table_count++;
}

static void import_memory(struct decoder *d, struct wasm_import *import)
{
    const uint8_t *at = d->v.r.at;
    struct memory_type type = read_memory_type(&d->v.r);
    import->index = d->module->memory_count;
    if (grow_memories(d, 1) && add_memory(d, type, at))
        d->module->import_memory_count++;
}

static void import_global(struct decoder *d, struct wasm_import *import)
{
    struct wasm_module *module = d->module;
    const uint8_t *at = d->v.r.at;
    struct global_type type = read_global_type(&d->v.r);
    if (type.is_mutable &&
        !reader_need_feature(&d->v.r, FEATURE_MUTABLE_GLOBAL, at, "an imported mutable global"))
        return;
    if (!grow_globals(d, 1))
        return;
    import->index = module->global_count;
    module->globals[module->global_count++].type = type;
    module->import_global_count++;
}

static void import_tag(struct decoder *d, struct wasm_import *import)
{
    struct wasm_module *module = d->module;
    const struct type_def *type = read_tag_type(d);
    if (type == NULL || !grow_tags(d, 1))
        return;
    import->index = module->tag_count;
    module->tag_types[module->tag_count++] = type;
    module->import_tag_count++;
}

static void read_import(struct decoder *d, struct wasm_import *import)
{
    struct reader *r = &d->v.r;
    import->module = read_name(r, "import's module name");
    import->field = read_name(r, "import's name");
    const uint8_t *at = r->at;
    import->kind = read_byte(r);
    if (reader_failed(r))
        return;
    switch (import->kind) {
    case EXTERN_FUNC:
        import_func(d, import);
        break;
    case EXTERN_TABLE:
        import_table(d, import);
        break;
    case EXTERN_MEMORY:
        import_memory(d, import);
        break;
    case EXTERN_GLOBAL:
        import_global(d, import);
        break;
    case EXTERN_TAG:
        if (reader_need_feature(r, FEATURE_EXCEPTIONS, at, "an imported tag"))
            import_tag(d, import);
        break;
    default:
        reader_fail(r, STINT_MALFORMED, at, "malformed import kind 0x%02x", import->kind);
    }
}

void decode_imports(struct decoder *d)
{
    struct wasm_module *module = d->module;
    uint32_t count = read_count(&d->v.r, LIMIT_IMPORTS, 3, "imports");
    module->imports = decode_array(d, count, sizeof(*module->imports));
    if (module->imports == NULL)
        return;
    for (uint32_t i = 0; i < count && !reader_failed(&d->v.r); i++) {
        read_import(d, &module->imports[i]);
        module->import_count++;
    }
}

/* Definitions. */

void decode_functions(struct decoder *d)
{
    struct wasm_module *module = d->module;
    const uint8_t *at = d->v.r.at;
    uint32_t count = read_count(&d->v.r, LIMIT_FUNCTIONS, 1, "functions");
    if (count > LIMIT_FUNCTIONS - module->func_count) {
        reader_fail(&d->v.r, STINT_LIMIT, at,
                    "too many functions: the limit is %d, imports included", LIMIT_FUNCTIONS);
        return;
    }
    if (!STINT_DEVICE && count != 0 && d->known.func_type_count == module->func_count + count) {
        module->func_types = d->known.func_types;
        module->func_count += count;
        d->v.r.at = d->v.r.end;
        return;
    }
    if (!grow_funcs(d, count))
        return;
    for (uint32_t i = 0; i < count && decode_func_type(d, &d->func_types[module->func_count]); i++)
        module->func_count++;
}

static void read_table(struct decoder *d)
{
    struct reader *r = &d->v.r;
    const uint8_t *at = r->at;
    bool has_init = at < r->end && *at == 0x40;
    if (has_init) {
        if (!reader_need_feature(r, FEATURE_FUNC_REFS, at, "a table with an initial element"))
            return;
        r->at++;
        const uint8_t *zero_at = r->at;
        if (read_byte(r) != 0)
            reader_fail(r, STINT_MALFORMED, zero_at, "zero byte expected");
    }
    struct table_type type = read_table_type(r);
    if (reader_failed(r) || !add_table(d, type, at))
        return;
    struct wasm_table *table = &d->module->tables[d->module->table_count - 1];
    table->has_init = has_init;
    if (has_init) {
        /* The table itself is not there yet for its own initial element. */
        validate_const(&d->v, type.element, &table->init);
    } else if (!vt_is_defaultable(type.element)) {
        reader_fail(r, STINT_INVALID, at,
                    "type mismatch: a table of non-null references needs an initial element");
    }
}

void decode_tables(struct decoder *d)
{
    uint32_t count = read_count(&d->v.r, LIMIT_TABLES, 2, "tables");
    if (!grow_tables(d, count))
        return;
    for (uint32_t i = 0; i < count && !reader_failed(&d->v.r); i++)
        read_table(d);
}

void decode_memories(struct decoder *d)
{
    uint32_t count = read_count(&d->v.r, LIMIT_MEMORIES, 1, "memories");
    if (!grow_memories(d, count))
        return;
    for (uint32_t i = 0; i < count && !reader_failed(&d->v.r); i++) {
        const uint8_t *at = d->v.r.at;
        struct memory_type type = read_memory_type(&d->v.r);
        if (!reader_failed(&d->v.r))
            add_memory(d, type, at);
    }
}

void decode_tags(struct decoder *d)
{
    struct wasm_module *module = d->module;
    uint32_t count = read_count(&d->v.r, LIMIT_TAGS, 2, "tags");
    if (!grow_tags(d, count))
        return;
    for (uint32_t i = 0; i < count && !reader_failed(&d->v.r); i++)
        module->tag_types[module->tag_count++] = read_tag_type(d);
}

void decode_globals(struct decoder *d)
{
    struct wasm_module *module = d->module;
    uint32_t count = read_count(&d->v.r, LIMIT_GLOBALS, 3, "globals");
    if (!grow_globals(d, count))
        return;
    for (uint32_t i = 0; i < count && !reader_failed(&d->v.r); i++) {
        struct wasm_global *global = &module->globals[module->global_count];
        global->type = read_global_type(&d->v.r);
        validate_const(&d->v, global->type.type, &global->init);
        /* Counted now, so that an initial value names only earlier globals. */
        module->global_count++;
    }
}

/* Exports and the start function. */

static uint32_t extern_count(const struct wasm_module *module, uint8_t kind)
{
    switch (kind) {
    case EXTERN_FUNC:
        return module->func_count;
    case EXTERN_TABLE:
        return module->table_count;
    case EXTERN_MEMORY:
        return module->memory_count;
    case EXTERN_GLOBAL:
        return module->global_count;
    default:
        return module->tag_count;
    }
}

static void read_export(struct decoder *d, struct wasm_export *export)
{
    static const char *const kinds[] = {"function", "table", "memory", "global", "tag"};
    struct reader *r = &d->v.r;
    export->name = read_name(r, "export's name");
    const uint8_t *at = r->at;
    export->kind = read_byte(r);
    if (export->kind >= COUNT_OF(kinds)) {
        reader_fail(r, STINT_MALFORMED, at, "malformed export kind 0x%02x", export->kind);
        return;
    }
    at = r->at;
    export->index = read_u32(r);
    uint32_t count = extern_count(d->module, export->kind);
    if (reader_failed(r) || !decode_check_index(d, export->index, count, kinds[export->kind], at))
        return;
    if (export->kind == EXTERN_GLOBAL && d->module->globals[export->index].type.is_mutable)
        reader_need_feature(r, FEATURE_MUTABLE_GLOBAL, at, "an exported mutable global");
    if (export->kind == EXTERN_FUNC)
        validator_declare_function(&d->v, export->index);
}

void decode_exports(struct decoder *d)
{
    struct reader *r = &d->v.r;
    struct wasm_module *module = d->module;
    uint32_t count = read_count(r, LIMIT_EXPORTS, 2, "exports");
    module->exports = decode_array(d, count, sizeof(*module->exports));
    struct map names;
    map_init(&names, module->alloc);
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        struct wasm_export *export = &module->exports[i];
        const uint8_t *at = r->at;
        read_export(d, export);
        module->export_count++;
        if (reader_failed(r))
            break;
        if (map_find(&names, export->name.text, export->name.bytes) != NULL)
            reader_fail(r, STINT_INVALID, at, "duplicate export name \"%.*s\"",
                        (int)export->name.bytes, export->name.text);
        else if (!map_put(&names, export->name.text, export->name.bytes, i))
            reader_fail_nomem(r);
    }
    map_free(&names);
}

void decode_start(struct decoder *d)
{
    struct wasm_module *module = d->module;
    const uint8_t *at = d->v.r.at;
    module->start = read_u32(&d->v.r);
    if (reader_failed(&d->v.r) ||
        !decode_check_index(d, module->start, module->func_count, "function", at))
        return;
    const struct type_def *type = module_func_type(module, module->start);
    if (type->param_count != 0 || type->result_count != 0)
        reader_fail(&d->v.r, STINT_INVALID, at,
                    "start function #%u must have neither parameters nor results", module->start);
    module->has_start = true;
}
