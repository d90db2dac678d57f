/* SPDX-License-Identifier: Apache-2.0 */
/* What meets what, and the whole around the parts. */
#include "component/compose_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/leb128.h"
#include "component/plan_int.h"

enum {
    INSTANTIATE = 0x00,
    TARGET_EXPORT = 0x00,
    EXPORT_WITHOUT_TYPE = 0x00,
    PREAMBLE_BYTES = 8,
    NAMES_BYTES = 100, /* of lists in messages */
};

static const uint8_t preamble[PREAMBLE_BYTES] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};

/* ---- Failures and small writers ---------------------------------------------------------- */

bool compose_fail(struct composer *c, enum stint_status status, const char *format, ...)
{
    char message[STINT_ERROR_MESSAGE_BYTES];
    va_list args;
    if (c->status != STINT_OK)
        return false;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    c->status = error_set(c->error, status, STINT_NO_OFFSET, "%s", message);
    return false;
}

bool compose_no_memory(struct composer *c)
{
    return compose_fail(c, STINT_NOMEM, "out of memory for a composition");
}

void *compose_get(struct composer *c, size_t count, size_t each_bytes)
{
    void *block = arena_get_zeroed(c->arena, count, each_bytes);
    if (block == NULL)
        (void)compose_no_memory(c);
    return block;
}

static bool put_section(struct composer *c, struct buf *out, uint8_t id, const struct buf *content)
{
    (void)buf_append_byte(out, id);
    (void)buf_append_uleb(out, content->bytes);
    (void)buf_append(out, content->data, content->bytes);
    return (!content->failed && !out->failed) || compose_no_memory(c);
}

bool compose_put_one(struct composer *c, uint8_t id, struct buf *one)
{
    static const uint8_t count = 1;
    (void)buf_insert(one, 0, &count, 1);
    bool ok = put_section(c, c->out, id, one);
    buf_free(one);
    return ok;
}

void compose_put_name(struct buf *out, struct wasm_name name)
{
    (void)buf_append_uleb(out, name.bytes);
    (void)buf_append(out, name.text, name.bytes);
}

void compose_put_sort(struct buf *out, uint8_t sort)
{
    static const uint8_t codes[SORT_COUNT] = {[SORT_FUNC] = 1,
                                              [SORT_VALUE] = 2,
                                              [SORT_TYPE] = 3,
                                              [SORT_COMPONENT] = 4,
                                              [SORT_INSTANCE] = 5};
    (void)buf_append_byte(out, codes[sort]);
    if (sort == SORT_CORE_MODULE)
        (void)buf_append_byte(out, 0x11);
}

bool compose_put_alias(struct composer *c, uint8_t sort, uint32_t instance, struct wasm_name name,
                       uint32_t *ret_place)
{
    struct buf one;
    buf_init(&one, c->alloc, SIZE_MAX);
    compose_put_sort(&one, sort);
    (void)buf_append_byte(&one, TARGET_EXPORT);
    (void)buf_append_uleb(&one, instance);
    compose_put_name(&one, name);
    *ret_place = c->counts[sort]++;
    return compose_put_one(c, SECTION_COMP_ALIAS, &one);
}

/* ---- Parts ------------------------------------------------------------------------------- */

static bool read_part(struct composer *c, struct compose_side *side,
                      const struct compose_part *part)
{
    const struct comp_defs *defs = &part->file->root->defs;
    uint32_t imports = 0;
    side->part = part;
    side->root = part->file->root;
    for (int sort = 0; sort < SORT_COUNT; sort++) {
        struct compose_space *space = &side->spaces[sort];
        if (sort != SORT_TYPE && sort != SORT_INSTANCE && sort != SORT_FUNC)
            continue;
        space->defs = compose_get(c, side->root->counts[sort], sizeof(*space->defs));
        space->places = compose_get(c, side->root->counts[sort], sizeof(*space->places));
        if (space->defs == NULL || space->places == NULL)
            return false;
    }
    for (uint32_t i = 0; i < defs->count; i++) {
        const struct comp_def *def = &defs->items[i];
        struct compose_space *space = &side->spaces[def->sort];
        side->import_count += def->kind == DEF_IMPORT;
        if (space->defs != NULL && space->count < side->root->counts[def->sort])
            space->defs[space->count++] = def;
    }
    side->imports = compose_get(c, side->import_count, sizeof(*side->imports));
    for (uint32_t i = 0; i < defs->count && side->imports != NULL; i++) {
        if (defs->items[i].kind == DEF_IMPORT)
            side->imports[imports++] = (struct compose_import){
                .side = side, .def = &defs->items[i], .link = COMPOSE_NONE};
    }
    c->import_count += imports;
    return side->imports != NULL;
}

static bool read_parts(struct composer *c)
{
    c->sides = compose_get(c, c->what->part_count, sizeof(*c->sides));
    c->order = compose_get(c, c->what->part_count, sizeof(*c->order));
    if (c->sides == NULL || c->order == NULL)
        return false;
    for (uint32_t i = 0; i < c->what->part_count; i++) {
        if (!read_part(c, &c->sides[i], &c->what->parts[i]))
            return false;
    }
    return true;
}

/* "a:b/c@1.0.0, plain, …" of a part's imports or exports; "nothing". */
static const char *list_names(const struct compose_side *side, enum comp_def_kind kind,
                              char text[NAMES_BYTES])
{
    size_t used = 0;
    (void)snprintf(text, NAMES_BYTES, "nothing");
    for (uint32_t i = 0; i < side->root->defs.count; i++) {
        const struct comp_def *def = &side->root->defs.items[i];
        if (def->kind != kind)
            continue;
        if (used + def->name.bytes + 10 > NAMES_BYTES) {
            (void)snprintf(text + used, NAMES_BYTES - used, "%s…", used > 0 ? ", " : "");
            break;
        }
        used += (size_t)snprintf(text + used, NAMES_BYTES - used, "%s%.*s", used > 0 ? ", " : "",
                                 (int)def->name.bytes, def->name.text);
    }
    return text;
}

/* ---- What meets what --------------------------------------------------------------------- */

static struct wasm_name part_of(const char *text, size_t bytes)
{
    return (struct wasm_name){text, (uint32_t)bytes};
}

/* "a:b/c@1.2.3" without its version, which is NULL where there is none. */
static struct wasm_name split(struct wasm_name name, struct wasm_name *ret_version)
{
    const char *at = name.bytes > 0 ? memchr(name.text, '@', name.bytes) : NULL;
    *ret_version = (struct wasm_name){0};
    if (at == NULL)
        return name;
    size_t bytes = (size_t)(at - name.text);
    *ret_version = part_of(at + 1, name.bytes - bytes - 1);
    return part_of(name.text, bytes);
}

/* Whether a link of this name is for the import. */
static bool selects(const char *text, struct wasm_name import)
{
    struct wasm_name version, import_version, name = part_of(text, strlen(text));
    if (memchr(name.text, ':', name.bytes) == NULL)
        return plan_name_equal(name, import);
    name = split(name, &version);
    import = split(import, &import_version);
    if (version.text != NULL &&
        (import_version.text == NULL || !plan_name_equal(version, import_version)))
        return false;
    if (memchr(name.text, '/', name.bytes) != NULL)
        return plan_name_equal(name, import);
    return import.bytes > name.bytes && import.text[name.bytes] == '/' &&
           memcmp(import.text, name.text, name.bytes) == 0;
}

/* The export of a part with this name, or, unless `is_exact`, with a compatible version; NULL. */
static const struct comp_def *find_export(struct composer *c, const struct compose_side *side,
                                          struct wasm_name name, bool is_exact)
{
    const struct comp_def *compatible = NULL;
    for (uint32_t i = 0; i < side->root->defs.count; i++) {
        const struct comp_def *def = &side->root->defs.items[i];
        if (def->kind != DEF_EXPORT)
            continue;
        if (++c->searched > COMPOSE_SEARCH_MAX) {
            (void)compose_fail(c, STINT_LIMIT, "%s has too many exports", side->part->title);
            return NULL;
        }
        if (plan_name_equal(def->name, name))
            return def;
        if (!is_exact && compatible == NULL && plan_name_matches(name, def->name))
            compatible = def;
    }
    return compatible;
}

static const char *where(const struct compose_link *link)
{
    return link->where != NULL ? link->where : "";
}

/* A named link, for one import that it selects. */
static bool meet(struct composer *c, struct compose_import *import, uint32_t number)
{
    char names[NAMES_BYTES];
    const struct compose_link *link = &c->what->links[number];
    const struct compose_side *other = &c->sides[link->part];
    const char *title = import->side->part->title, *other_title = other->part->title;
    struct wasm_name wanted = import->def->name;
    if (link->export != NULL)
        wanted = part_of(link->export, strlen(link->export));
    if (import->link != COMPOSE_NONE)
        return compose_fail(c, STINT_INVALID,
                            "%s'%s' and '%s' both stand for the import '%.*s' of %s", where(link),
                            c->what->links[import->link].name, link->name,
                            NAME_ARGS(import->def->name), title);
    const struct comp_def *export = find_export(c, other, wanted, link->export != NULL);
    if (export == NULL)
        return compose_fail(c, STINT_UNLINKABLE,
                            "%s%s does not export '%.*s', which %s imports; it exports %s",
                            where(link), other_title,
                            NAME_ARGS(wanted), title, list_names(other, DEF_EXPORT, names));
    if (export->sort != import->def->sort)
        return compose_fail(c, STINT_INVALID,
                            "%s'%.*s' of %s is of another sort than the import '%.*s' of %s",
                            where(link), NAME_ARGS(export->name), other_title, NAME_ARGS(import->def->name), title);
    import->link = number;
    import->export = export->name;
    return true;
}

static bool may_meet(const struct composer *c, uint32_t part, uint32_t other)
{
    return part == 0 ? other != 0 : c->what->is_chained && other != 0 && other < part;
}

static bool follow_named(struct composer *c, uint32_t number)
{
    char names[NAMES_BYTES];
    const struct compose_link *link = &c->what->links[number];
    uint32_t met = 0;
    for (uint32_t part = 0; part < c->what->part_count; part++) {
        struct compose_side *side = &c->sides[part];
        for (uint32_t i = 0; i < side->import_count && may_meet(c, part, link->part); i++) {
            if (++c->searched > COMPOSE_SEARCH_MAX)
                return compose_fail(c, STINT_LIMIT, "%s has too many imports", side->part->title);
            if (!selects(link->name, side->imports[i].def->name))
                continue;
            if (!meet(c, &side->imports[i], number))
                return false;
            met++;
        }
    }
    return met > 0 || compose_fail(c, STINT_NOT_FOUND, "%s%s imports no '%s'; it imports %s",
                                   where(link), c->what->parts[0].title, link->name,
                                   list_names(&c->sides[0], DEF_IMPORT, names));
}

static bool follow_nameless(struct composer *c, uint32_t number)
{
    const struct compose_link *link = &c->what->links[number];
    const struct compose_side *other = &c->sides[link->part];
    for (uint32_t part = 0; part < c->what->part_count; part++) {
        struct compose_side *side = &c->sides[part];
        for (uint32_t i = 0; i < side->import_count && may_meet(c, part, link->part); i++) {
            struct compose_import *import = &side->imports[i];
            if (import->link != COMPOSE_NONE || import->def->sort == SORT_TYPE)
                continue;
            const struct comp_def *export = find_export(c, other, import->def->name, false);
            if (export == NULL && c->status != STINT_OK)
                return false;
            if (export == NULL || export->sort != import->def->sort)
                continue;
            import->link = number;
            import->export = export->name;
        }
    }
    return true;
}

static bool match(struct composer *c)
{
    for (uint32_t i = 0; i < c->what->link_count; i++) {
        if (c->what->links[i].name != NULL && !follow_named(c, i))
            return false;
    }
    for (uint32_t i = 0; i < c->what->link_count; i++) {
        if (c->what->links[i].name == NULL && !follow_nameless(c, i))
            return false;
    }
    /* Parts meet only those behind them, and the first. */
    c->sides[0].is_used = true;
    for (uint32_t n = c->what->part_count; n > 0; n--) {
        const struct compose_side *side = &c->sides[n % c->what->part_count];
        for (uint32_t i = 0; i < side->import_count && side->is_used; i++) {
            if (side->imports[i].link != COMPOSE_NONE)
                c->sides[c->what->links[side->imports[i].link].part].is_used = true;
        }
    }
    return true;
}

/* ---- Writing ----------------------------------------------------------------------------- */

/* A component without what is in its core modules, and without custom sections. */
static bool put_bare(struct composer *c, const uint8_t *at, const uint8_t *end, struct buf *out)
{
    bool ok = end - at >= PREAMBLE_BYTES;
    (void)buf_append(out, preamble, sizeof(preamble));
    for (at += ok ? PREAMBLE_BYTES : 0; ok && at < end;) {
        uint8_t id = *at++;
        uint32_t bytes = 0;
        ok = leb_read_u32(&at, end, &bytes) == LEB_OK && bytes <= (size_t)(end - at);
        if (!ok)
            break;
        struct buf inner, same = {.data = (uint8_t *)(uintptr_t)at, .bytes = bytes};
        buf_init(&inner, c->alloc, SIZE_MAX);
        if (id == SECTION_COMP_COMPONENT)
            ok = put_bare(c, at, at + bytes, &inner) && put_section(c, out, id, &inner);
        else if (id == SECTION_COMP_CORE_MODULE)
            ok = put_section(c, out, id, &inner);
        else if (id != SECTION_COMP_CUSTOM)
            ok = put_section(c, out, id, &same);
        buf_free(&inner);
        at += bytes;
    }
    return ok || compose_fail(c, STINT_MALFORMED, "a part is cut off");
}

static bool put_component(struct composer *c, const struct compose_side *side)
{
    struct buf inner;
    const struct component_file *file = side->part->file;
    buf_init(&inner, c->alloc, SIZE_MAX);
    bool ok = c->is_bare ? put_bare(c, file->bytes, file->bytes + file->size_bytes, &inner)
                         : buf_append(&inner, file->bytes, file->size_bytes) || compose_no_memory(c);
    ok = ok && put_section(c, c->out, SECTION_COMP_COMPONENT, &inner);
    buf_free(&inner);
    return ok;
}

static bool put_part(struct composer *c, uint32_t number)
{
    struct compose_side *side = &c->sides[number];
    struct buf args, one;
    uint32_t place = 0;
    bool ok = true;
    buf_init(&args, c->alloc, SIZE_MAX);
    for (uint32_t i = 0; i < side->import_count && ok; i++) {
        struct compose_import *import = &side->imports[i];
        ok = compose_place_import(c, import, &place);
        compose_put_name(&args, import->def->name);
        compose_put_sort(&args, import->def->sort);
        (void)buf_append_uleb(&args, place);
    }
    ok = ok && put_component(c, side);
    buf_init(&one, c->alloc, SIZE_MAX);
    (void)buf_append_byte(&one, INSTANTIATE);
    (void)buf_append_uleb(&one, c->counts[SORT_COMPONENT]++);
    (void)buf_append_uleb(&one, side->import_count);
    (void)buf_append(&one, args.data, args.bytes);
    ok = ok && (!args.failed || compose_no_memory(c));
    buf_free(&args);
    side->instance = c->counts[SORT_INSTANCE]++;
    c->order[c->order_count++] = number;
    if (!ok) {
        buf_free(&one);
        return false;
    }
    return compose_put_one(c, SECTION_COMP_INSTANCE, &one);
}

static bool put_exports(struct composer *c)
{
    const struct compose_side *first = &c->sides[0];
    for (uint32_t i = 0; i < first->root->defs.count; i++) {
        const struct comp_def *def = &first->root->defs.items[i];
        struct buf one;
        uint32_t place;
        if (def->kind != DEF_EXPORT)
            continue;
        if (!compose_put_alias(c, def->sort, first->instance, def->name, &place))
            return false;
        buf_init(&one, c->alloc, SIZE_MAX);
        compose_put_extern_name(&one, def->name, def->attributes);
        compose_put_sort(&one, def->sort);
        (void)buf_append_uleb(&one, place);
        (void)buf_append_byte(&one, EXPORT_WITHOUT_TYPE);
        c->counts[def->sort]++;
        if (!compose_put_one(c, SECTION_COMP_EXPORT, &one))
            return false;
    }
    return true;
}

static bool put_whole(struct composer *c)
{
    if (!read_parts(c) || !match(c) || !compose_gather(c))
        return false;
    (void)buf_append(c->out, preamble, sizeof(preamble));
    for (uint32_t i = 1; i < c->what->part_count; i++) {
        if (c->sides[i].is_used && !put_part(c, i))
            return false;
    }
    return put_part(c, 0) && put_exports(c);
}

/* ---- What came of it --------------------------------------------------------------------- */

static bool take_notes(struct composer *c, struct compose_notes *notes)
{
    *notes = (struct compose_notes){0};
    notes->met = compose_get(c, c->import_count, sizeof(*notes->met));
    notes->apart = compose_get(c, c->outer_count, sizeof(*notes->apart));
    if (notes->met == NULL || notes->apart == NULL)
        return false;
    for (uint32_t part = 0; part < c->what->part_count; part++) {
        const struct compose_side *side = &c->sides[part];
        for (uint32_t i = 0; i < side->import_count && side->is_used; i++) {
            const struct compose_import *import = &side->imports[i];
            if (import->link != COMPOSE_NONE)
                notes->met[notes->met_count++] = (struct compose_met){
                    part, import->link, import->def->name, import->export};
        }
    }
    for (uint32_t i = 0; i < c->outer_count; i++) {
        const struct compose_outer *outer = &c->outers[i];
        if (outer->is_apart)
            notes->apart[notes->apart_count++] = (struct compose_apart){
                outer->name, outer->interface, outer->is_denied};
    }
    return true;
}

/* Says of the validator's words which parts they are about. */
static void explain(struct composer *c, const struct compose_notes *notes,
                    struct stint_error *error)
{
    char inner[STINT_ERROR_MESSAGE_BYTES], head[STINT_ERROR_MESSAGE_BYTES];
    memcpy(inner, error->message, sizeof(inner));
    error->offset_bytes = STINT_NO_OFFSET;
    for (uint32_t i = 0; i < notes->met_count && error->status == STINT_INVALID; i++) {
        const struct compose_met *met = &notes->met[i];
        const struct compose_link *link = &c->what->links[met->link];
        int bytes = snprintf(head, sizeof(head), "type mismatch for import '%.*s': ",
                             (int)(met->import.bytes < 60 ? met->import.bytes : 60),
                             met->import.text);
        if (bytes < 0 || strncmp(inner, head, (size_t)bytes) != 0)
            continue;
        (void)snprintf(error->message, sizeof(error->message),
                       "%s'%.*s' of %s does not fit what %s imports: %.*s", where(link),
                       NAME_ARGS(met->export),
                       c->what->parts[link->part].title, c->what->parts[met->part].title,
                       (int)(sizeof(inner) - (size_t)bytes - 1), inner + bytes);
        return;
    }
    if (error->status == STINT_INVALID)
        (void)snprintf(error->message, sizeof(error->message),
                       "%s and its dependencies do not fit together: %.180s",
                       c->what->parts[0].title, inner);
}

/* ---- Making it --------------------------------------------------------------------------- */

static void composer_init(struct composer *c, const struct composition *what, struct arena *arena,
                          struct buf *out, struct stint_error *error)
{
    *c = (struct composer){.what = what,
                           .alloc = what->parts[0].file->alloc,
                           .arena = arena,
                           .out = out,
                           .error = error};
}

/* The core modules of the parts, one after the other. */
struct modules {
    const struct composer *c;
    uint32_t part, module; /* the next */
};

static enum stint_status take_module(void *context, struct stint_engine *engine,
                                     const uint8_t *wasm, size_t wasm_bytes, uint32_t offset_bytes,
                                     struct stint_module **ret_module, struct stint_error *error)
{
    struct modules *modules = context;
    const struct composer *c = modules->c;
    (void)engine;
    (void)wasm;
    (void)wasm_bytes;
    (void)offset_bytes;
    for (; modules->part < c->order_count; modules->part++, modules->module = 0) {
        const struct component_file *file = c->what->parts[c->order[modules->part]].file;
        if (modules->module < file->module_count) {
            *ret_module = rt_module_retain(file->modules[modules->module++]);
            return STINT_OK;
        }
    }
    return error_set(error, STINT_INVALID, STINT_NO_OFFSET, "a part has more core modules than before");
}

static enum stint_status make(struct composer *c, struct component_file **ret_file,
                              struct compose_notes *ret_notes, struct stint_error *error)
{
    struct modules modules = {.c = c};
    const struct component_maker maker = {take_module, &modules};
    struct compose_notes notes;
    struct component_file *file;
    const struct component_file *first = c->what->parts[0].file;
    c->is_bare = true;
    if (!put_whole(c) || !take_notes(c, &notes))
        return c->status;
    enum stint_status status = component_create_made(first->engine, c->out->data, c->out->bytes,
                                                     false, &maker, &file, error);
    if (status != STINT_OK) {
        explain(c, &notes, error);
        return status;
    }
    if (!component_keep_parts(file, c->order_count)) {
        component_release(file);
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory for a composition");
    }
    for (uint32_t i = 0; i < c->order_count; i++)
        file->parts[i] = component_retain(c->what->parts[c->order[i]].file);
    *ret_file = file;
    *ret_notes = notes;
    return STINT_OK;
}

/* Interfaces of the host in several versions are imported as they are, but where a resource goes from one part
 * to another; then both get those of the latest. */
static enum stint_status make_either(const struct composition *what, struct arena *arena,
                                     bool *ret_merges, struct component_file **ret_file,
                                     struct compose_notes *ret_notes, struct stint_error *error)
{
    struct composer c;
    struct buf out;
    buf_init(&out, what->parts[0].file->alloc, SIZE_MAX);
    composer_init(&c, what, arena, &out, error);
    enum stint_status status = make(&c, ret_file, ret_notes, error);
    bool merges = false;
    if (status == STINT_INVALID) {
        struct stint_error other = {0};
        merges = true;
        buf_clear(&out);
        composer_init(&c, what, arena, &out, &other);
        c.merges_versions = true;
        enum stint_status second = make(&c, ret_file, ret_notes, &other);
        if (second == STINT_OK || second == STINT_NOMEM) {
            *error = other;
            status = second;
        }
    }
    buf_free(&out);
    if (status == STINT_OK)
        *ret_merges = merges;
    return status;
}

enum stint_status component_composed_create(const struct composition *composition,
                                            struct arena *arena, struct component_file **ret_file,
                                            struct compose_notes *ret_notes,
                                            struct stint_error *error)
{
    bool merges;
    return make_either(composition, arena, &merges, ret_file, ret_notes, error);
}

enum stint_status component_compose(const struct composition *composition, struct arena *arena,
                                    struct buf *out, struct compose_notes *ret_notes,
                                    struct stint_error *error)
{
    struct component_file *file;
    struct compose_notes notes;
    struct composer c;
    bool merges;
    enum stint_status status = make_either(composition, arena, &merges, &file, &notes, error);
    if (status != STINT_OK)
        return status;
    component_release(file);
    composer_init(&c, composition, arena, out, error);
    c.merges_versions = merges;
    if (!put_whole(&c))
        return c.status;
    *ret_notes = notes;
    return STINT_OK;
}
