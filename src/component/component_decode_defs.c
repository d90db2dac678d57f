/* SPDX-License-Identifier: Apache-2.0 */
/* Instances, aliases, start, imports, exports and values (Binary.md, the sections of these names). */
#include "component/component_decode_int.h"

/* ---- Sorts and names --------------------------------------------------------------------- */

enum {
    CODE_CORE = 0x00,
    CODE_CORE_TYPE = 0x10,
    CODE_CORE_MODULE = 0x11,
    CODE_CORE_INSTANCE = 0x12
};

/* Any sort; SORT_COUNT and a failed reader where there is none. */
static enum comp_sort read_any_sort(struct comp_decoder *d)
{
    static const uint8_t core[] = {SORT_CORE_FUNC, SORT_CORE_TABLE, SORT_CORE_MEMORY,
                                   SORT_CORE_GLOBAL, SORT_CORE_TAG};
    static const uint8_t sorts[] = {SORT_COUNT, SORT_FUNC,      SORT_VALUE,
                                    SORT_TYPE,  SORT_COMPONENT, SORT_INSTANCE};
    const uint8_t *at = d->r.at;
    uint8_t code = read_byte(&d->r);
    if (code != CODE_CORE && code < sizeof(sorts))
        return (enum comp_sort)sorts[code];
    if (code == CODE_CORE) {
        at = d->r.at;
        code = read_byte(&d->r);
        if (code < sizeof(core))
            return (enum comp_sort)core[code];
        if (code >= CODE_CORE_TYPE && code <= CODE_CORE_INSTANCE)
            return (enum comp_sort)(SORT_CORE_TYPE + (code - CODE_CORE_TYPE));
    }
    comp_fail_byte(d, at, code, "sort");
    return SORT_COUNT;
}

enum comp_sort comp_read_sort(struct comp_decoder *d)
{
    const uint8_t *at = d->r.at;
    enum comp_sort sort = read_any_sort(d);
    if (sort < SORT_FUNC && sort != SORT_CORE_MODULE)
        reader_fail(&d->r, STINT_MALFORMED, at,
                    "malformed sort: of the core ones only modules can stand here");
    return sort;
}

static struct comp_sortidx read_sortidx(struct comp_decoder *d)
{
    struct comp_sortidx what;
    what.sort = (uint8_t)comp_read_sort(d);
    what.index = read_u32(&d->r);
    return what;
}

static void read_attribute(struct comp_decoder *d, struct comp_attributes *attributes)
{
    static const char *const words[] = {"implements", "versionsuffix", "external-id"};
    struct wasm_name *const names[] = {&attributes->implements, &attributes->version_suffix,
                                       &attributes->external_id};
    const uint8_t *at = d->r.at;
    uint8_t code = read_byte(&d->r);
    if (code >= COUNT_OF(names)) {
        comp_fail_byte(d, at, code, "attribute of a name");
        return;
    }
    if (names[code]->text != NULL)
        reader_fail(&d->r, STINT_INVALID, at, "duplicate '%s' attribute of a name", words[code]);
    *names[code] = read_name(&d->r, words[code]);
}

struct wasm_name comp_read_extern_name(struct comp_decoder *d,
                                       const struct comp_attributes **ret_attributes)
{
    struct reader *r = &d->r;
    const uint8_t *at = r->at;
    uint8_t code = read_byte(r);
    if (code > 2)
        comp_fail_byte(d, at, code, "name of an import or export");
    struct wasm_name name = read_name(r, "name of an import or export");
    *ret_attributes = NULL;
    if (code != 2)
        return name;
    uint32_t count = read_count(r, LIMIT_COMP_ATTRIBUTES, 2, "attributes of a name");
    struct comp_attributes *attributes = comp_array(d, 1, sizeof(*attributes));
    if (attributes == NULL)
        return name;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++)
        read_attribute(d, attributes);
    *ret_attributes = attributes;
    return name;
}

/* ---- Instances --------------------------------------------------------------------------- */

void comp_decode_instance(struct comp_decoder *d, struct def_list *list)
{
    struct reader *r = &d->r;
    struct comp_def def = comp_begin_def(d, DEF_INSTANTIATE, SORT_INSTANCE);
    const uint8_t *at = r->at;
    uint8_t code = read_byte(r);
    if (code > 1)
        comp_fail_byte(d, at, code, "instance");
    if (code == 0)
        def.index = read_u32(r);
    else
        def.kind = DEF_EXPORTS;
    uint32_t count = read_count(r, LIMIT_COMP_ARGS, 3, "arguments or exports of an instance");
    struct comp_arg *args = comp_array(d, count, sizeof(*args));
    if (args == NULL)
        return;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        if (code == 0)
            args[i].name = read_name(r, "name of an instance's argument");
        else
            args[i].name = comp_read_extern_name(d, &args[i].attributes);
        args[i].what = read_sortidx(d);
    }
    def.arg_count = count;
    def.args = args;
    comp_add_def(d, list, &def);
}

/* ---- Aliases ----------------------------------------------------------------------------- */

static void decode_outer(struct comp_decoder *d, struct comp_def *def, const uint8_t *sort_at)
{
    const uint8_t *at = d->r.at;
    def->kind = DEF_ALIAS_OUTER;
    def->outer_count = read_u32(&d->r);
    def->index = read_u32(&d->r);
    if (def->sort != SORT_CORE_MODULE && def->sort != SORT_CORE_TYPE && def->sort != SORT_TYPE &&
        def->sort != SORT_COMPONENT)
        reader_fail(&d->r, STINT_MALFORMED, sort_at,
                    "malformed sort of an outer alias: modules, types and components can be such");
    else if (def->sort == SORT_CORE_TYPE && !reader_failed(&d->r))
        comp_alias_core_type(d, def->outer_count, def->index, at);
}

void comp_decode_alias(struct comp_decoder *d, struct def_list *list)
{
    struct reader *r = &d->r;
    const uint8_t *sort_at = r->at;
    struct comp_def def = comp_begin_def(d, DEF_ALIAS_EXPORT, SORT_COUNT);
    def.sort = (uint8_t)read_any_sort(d);
    const uint8_t *at = r->at;
    uint8_t target = read_byte(r);
    switch (target) {
    case 0x00:
        def.index = read_u32(r);
        def.name = read_name(r, "name of an alias");
        if (def.sort < SORT_FUNC && def.sort != SORT_CORE_MODULE)
            reader_fail(r, STINT_MALFORMED, sort_at,
                        "malformed sort of an alias: an instance does not export core items");
        break;
    case 0x01:
        def.kind = DEF_ALIAS_CORE_EXPORT;
        def.index = read_u32(r);
        def.name = read_name(r, "name of an alias");
        if (def.sort > SORT_CORE_TAG)
            reader_fail(r, STINT_MALFORMED, sort_at,
                        "malformed sort of an alias: a core instance does not export such items");
        break;
    case 0x02:
        decode_outer(d, &def, sort_at);
        break;
    default:
        comp_fail_byte(d, at, target, "target of an alias");
    }
    comp_add_def(d, list, &def);
}

/* ---- Imports and exports ----------------------------------------------------------------- */

void comp_decode_import(struct comp_decoder *d, struct def_list *list)
{
    struct comp_def def = comp_begin_def(d, DEF_IMPORT, SORT_COUNT);
    def.name = comp_read_extern_name(d, &def.attributes);
    def.extern_type = comp_read_extern_type(d);
    def.has_extern_type = true;
    def.sort = def.extern_type.sort;
    comp_add_def(d, list, &def);
}

void comp_decode_export_decl(struct comp_decoder *d, struct def_list *list)
{
    struct comp_def def = comp_begin_def(d, DEF_EXPORT_DECL, SORT_COUNT);
    def.name = comp_read_extern_name(d, &def.attributes);
    def.extern_type = comp_read_extern_type(d);
    def.has_extern_type = true;
    def.sort = def.extern_type.sort;
    comp_add_def(d, list, &def);
}

void comp_decode_export(struct comp_decoder *d, struct def_list *list)
{
    struct comp_def def = comp_begin_def(d, DEF_EXPORT, SORT_COUNT);
    def.name = comp_read_extern_name(d, &def.attributes);
    struct comp_sortidx what = read_sortidx(d);
    def.sort = what.sort;
    def.index = what.index;
    def.has_extern_type = comp_read_flag(d, "whether an export's type follows");
    if (def.has_extern_type)
        def.extern_type = comp_read_extern_type(d);
    comp_add_def(d, list, &def);
}

/* ---- Start and values -------------------------------------------------------------------- */

void comp_decode_start(struct comp_decoder *d, struct def_list *list)
{
    struct reader *r = &d->r;
    struct comp_def def = comp_begin_def(d, DEF_START, SORT_VALUE);
    def.index = read_u32(r);
    uint32_t count = read_count(r, LIMIT_COMP_START_ARGS, 1, "arguments of the start function");
    uint32_t *args = comp_array(d, count, sizeof(*args));
    if (args == NULL)
        return;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++)
        args[i] = read_u32(r);
    def.arg_count = count;
    def.start_args = args;
    def.result_count = read_u32(r);
    comp_add_def(d, list, &def);
}

void comp_decode_value(struct comp_decoder *d, struct def_list *list)
{
    struct comp_def def = comp_begin_def(d, DEF_VALUE, SORT_VALUE);
    def.value.type = comp_read_valtype(d);
    def.value.size_bytes = read_u32(&d->r);
    def.value.bytes = read_bytes(&d->r, def.value.size_bytes);
    comp_add_def(d, list, &def);
}
