/* SPDX-License-Identifier: Apache-2.0 */
/* Worlds of WIT text in the model. What they include is gathered first, then built. */
#include "component/wit_parse_int.h"

enum entry_kind { ENTRY_PATH, ENTRY_NAMED_PATH, ENTRY_FUNC, ENTRY_INLINE, ENTRY_TYPE };

struct entry {
    struct entry *next;
    uint8_t kind; /* enum entry_kind */
    bool is_export;
    struct wasm_name name;       /* plain ones */
    struct wit_def *def;         /* paths */
    struct wit_cursor at;        /* of what is built */
    struct wit_builder *builder; /* of the world that it stands in */
};
struct entries {
    struct wit_parser *p;
    struct entry *first, **end;
};

/* ---- Gathering ---------------------------------------------------------------------------- */

static bool add_entry(struct entries *list, const struct entry *draft)
{
    bool is_plain = draft->kind != ENTRY_PATH && draft->kind != ENTRY_TYPE;
    for (struct entry *entry = list->first; entry != NULL; entry = entry->next) {
        if (entry->is_export != draft->is_export)
            continue;
        if (draft->kind == ENTRY_PATH && entry->kind == ENTRY_PATH && entry->def == draft->def)
            return true;
        if (is_plain && wit_same_name(entry->name, draft->name) && entry->kind != ENTRY_PATH &&
            entry->kind != ENTRY_TYPE)
            return wit_fail_at(list->p, &draft->at, "the world has two items named '%.*s'",
                               (int)draft->name.bytes, draft->name.text);
    }
    struct entry *entry = arena_copy(&list->p->wit->arena, draft, sizeof(*draft));
    if (entry == NULL)
        return wit_fail_nomem(list->p);
    entry->next = NULL;
    *list->end = entry;
    list->end = &entry->next;
    return true;
}

/* What follows `import` or `export`. */
static bool gather_extern(struct entries *list, struct wit_builder *builder, bool is_export)
{
    struct wit_parser *p = list->p;
    struct entry entry = {.is_export = is_export, .builder = builder, .at = p->now};
    struct wit_cursor start = p->now;
    if (!wit_need_id(p, "a name", &entry.name))
        return false;
    bool is_plain = wit_take_sign(p, ':');
    if (!is_plain && !wit_is_sign(p, ';'))
        return wit_expected(p, "':' or ';'");
    if (is_plain && !wit_is_word(p, "func") && !wit_is_word(p, "async") &&
        !wit_is_word(p, "interface")) {
        /* a:b/c is a path, a: b and a: b:c/d are names with one. */
        struct wit_cursor path = p->now;
        wit_next(p);
        is_plain = !wit_is_sign(p, '/');
        p->now = path;
        entry.kind = ENTRY_NAMED_PATH;
    } else if (is_plain) {
        entry.kind = wit_is_word(p, "interface") ? ENTRY_INLINE : ENTRY_FUNC;
        entry.at = p->now;
        wit_skip_item(p);
        return add_entry(list, &entry);
    }
    if (!is_plain) {
        p->now = start;
        entry.kind = ENTRY_PATH;
    }
    entry.at = p->now;
    entry.def = wit_read_path(p, builder->package);
    if (entry.def == NULL || !wit_need_sign(p, ';'))
        return false;
    if (entry.def->kind != WIT_INTERFACE)
        return wit_fail_at(p, &start, "'%.*s' is no interface", (int)entry.def->name.bytes,
                           entry.def->name.text);
    return add_entry(list, &entry);
}

/* `with { a as b }`, for the plain names among what was added since. */
static bool rename(struct entries *list, struct entry **added)
{
    struct wit_parser *p = list->p;
    if (!wit_take_word(p, "with"))
        return wit_need_sign(p, ';');
    if (!wit_need_sign(p, '{'))
        return false;
    while (!wit_is_sign(p, '}')) {
        struct wit_cursor at = p->now;
        struct wasm_name from, to;
        bool is_there = false;
        if (!wit_need_id(p, "a name", &from) || !wit_take_word(p, "as"))
            return wit_expected(p, "as");
        if (!wit_need_id(p, "a name", &to))
            return false;
        for (struct entry *entry = *added; entry != NULL; entry = entry->next) {
            if (entry->kind != ENTRY_PATH && entry->kind != ENTRY_TYPE &&
                wit_same_name(entry->name, from)) {
                entry->name = to;
                is_there = true;
            }
        }
        if (!is_there)
            return wit_fail_at(p, &at, "the included world has no item named '%.*s'",
                               (int)from.bytes, from.text);
        if (!wit_take_sign(p, ',') && !wit_is_sign(p, '}'))
            return wit_expected(p, "',' or '}'");
    }
    wit_next(p);
    (void)wit_take_sign(p, ';');
    return true;
}

static bool gather(struct entries *list, struct wit_def *world);

static bool gather_include(struct entries *list, struct wit_package *package)
{
    struct wit_parser *p = list->p;
    struct wit_cursor at = p->now;
    struct entries inner = {.p = p, .end = &inner.first};
    struct wit_def *world = wit_read_path(p, package);
    if (world == NULL)
        return false;
    if (world->kind != WIT_WORLD)
        return wit_fail_at(p, &at, "'%.*s' is no world", (int)world->name.bytes, world->name.text);
    if (world->is_open || p->depth == LIMIT_WIT_NESTING)
        return wit_fail_at(p, &at, "world '%.*s' includes itself, or too many others",
                           (int)world->name.bytes, world->name.text);
    struct wit_cursor after = p->now;
    p->depth++;
    bool ok = gather(&inner, world);
    p->depth--;
    p->now = after;
    ok = ok && rename(&inner, &inner.first);
    for (struct entry *entry = inner.first; ok && entry != NULL; entry = entry->next)
        ok = add_entry(list, entry);
    return ok;
}

static bool gather_item(struct entries *list, struct wit_builder *builder)
{
    struct wit_parser *p = list->p;
    if (wit_is_local(p)) {
        struct entry entry = {.kind = ENTRY_TYPE, .at = p->now, .builder = builder};
        wit_skip_item(p);
        return p->wit->status == STINT_OK && add_entry(list, &entry);
    }
    if (wit_take_word(p, "include"))
        return gather_include(list, builder->package);
    bool is_export = wit_is_word(p, "export");
    if (!is_export && !wit_is_word(p, "import"))
        return wit_expected(p, "import, export, include, use, a type or '}'");
    wit_next(p);
    return gather_extern(list, builder, is_export);
}

static bool gather(struct entries *list, struct wit_def *world)
{
    struct wit_parser *p = list->p;
    struct wit_builder *builder = arena_get_zeroed(&p->wit->arena, 1, sizeof(*builder));
    if (builder == NULL)
        return wit_fail_nomem(p);
    if (!wit_builder_init(builder, p, world->package, &p->wit->world, false))
        return false;
    world->is_open = true;
    for (int pass = 0; pass < 2; pass++) {
        p->now = world->body;
        wit_next(p);
        while (!wit_is_sign(p, '}')) {
            bool ok = true;
            if (p->now.kind == WIT_END)
                return wit_expected(p, "'}'");
            if (wit_read_gates(p) || (pass == 0 && !wit_is_local(p)))
                wit_skip_item(p);
            else
                ok = pass == 0 ? wit_note_local(builder) : gather_item(list, builder);
            if (!ok || p->wit->status != STINT_OK)
                return false;
        }
    }
    world->is_open = false;
    return true;
}

/* ---- Building ----------------------------------------------------------------------------- */

static bool build_named(struct wit_parser *p, const struct entry *entry,
                        struct wit_package *package)
{
    struct wit_builder builder;
    struct wit_interface *interface = wit_new_interface(p, entry->name);
    if (interface == NULL || !wit_builder_init(&builder, p, package, interface, entry->is_export))
        return false;
    struct wit_item item = {.sort = SORT_INSTANCE,
                            .is_export = entry->is_export,
                            .name = entry->name,
                            .entity = {.interface = interface}};
    return wit_read_interface(&builder) && wit_add_item(p, &p->wit->world, item);
}

static bool build(struct wit_parser *p, const struct entry *entry)
{
    struct wit_item item = {.sort = SORT_FUNC, .is_export = entry->is_export, .name = entry->name};
    p->now = entry->at;
    switch (entry->kind) {
    case ENTRY_PATH:
        return wit_build(p, entry->def, entry->is_export) != NULL;
    case ENTRY_NAMED_PATH:
        p->now = entry->def->body;
        return build_named(p, entry, entry->def->package);
    case ENTRY_INLINE:
        wit_next(p);
        return wit_is_sign(p, '{') ? build_named(p, entry, entry->builder->package)
                                   : wit_expected(p, "'{'");
    case ENTRY_FUNC:
        return wit_read_func(entry->builder, &item.entity.func) && wit_need_sign(p, ';') &&
               wit_add_item(p, &p->wit->world, item);
    default:
        return wit_read_local(entry->builder);
    }
}

static bool build_all(struct entries *list)
{
    list->p->wit->world.is_world = true;
    for (struct entry *entry = list->first; entry != NULL; entry = entry->next) {
        if (entry->is_export && entry->kind == ENTRY_PATH)
            entry->def->is_exported = true;
    }
    for (int is_export = 0; is_export < 2; is_export++) {
        for (struct entry *entry = list->first; entry != NULL; entry = entry->next) {
            if (entry->is_export == (is_export == 1) && !build(list->p, entry))
                return false;
        }
    }
    return true;
}

/* ---- Which world -------------------------------------------------------------------------- */

static struct wit_def *fail_choice(struct wit_parser *p, const char *why, const char *name)
{
    if (p->wit->status == STINT_OK)
        p->wit->status =
            error_set(p->wit->error, STINT_NOT_FOUND, STINT_NO_OFFSET, "%s%.100s", why, name);
    return NULL;
}

/* The package of the first files; or of all, where those have only packages in braces. */
static struct wit_def *find_world(struct wit_parser *p, const char *name)
{
    struct wit_def *found = NULL;
    struct wasm_name wanted = {name, name != NULL ? (uint32_t)strlen(name) : 0};
    if (name != NULL && strchr(name, ':') != NULL)
        found = wit_find_named(p, wanted);
    for (struct wit_package *package = p->packages; found == NULL && package != NULL;
         package = package->next) {
        for (struct wit_def *def = package->defs; def != NULL; def = def->next) {
            if (def->kind != WIT_WORLD || (name != NULL && !wit_same_name(def->name, wanted)))
                continue;
            if (found != NULL)
                return fail_choice(p, "the package has several worlds: --world says which", "");
            found = def;
        }
        if (package->defs != NULL)
            break;
    }
    if (found == NULL || found->kind != WIT_WORLD)
        return name != NULL ? fail_choice(p, "the package has no world ", name)
                            : fail_choice(p, "the package has no world", "");
    return found;
}

bool wit_parse_world(struct wit *wit, const struct wit_source *source, const char *name)
{
    struct wit_parser p = {.wit = wit, .source = source};
    struct entries list = {.p = &p, .end = &list.first};
    if (!wit_scan(&p))
        return false;
    struct wit_def *world = find_world(&p, name);
    return world != NULL && gather(&list, world) && build_all(&list) && wit->status == STINT_OK;
}

bool wit_parse_wanted(struct wit *wit, const struct wit_source *source,
                      const struct wit_wanted *wanted, size_t count)
{
    struct wit_parser p = {.wit = wit, .source = source};
    struct entries list = {.p = &p, .end = &list.first};
    if (!wit_scan(&p))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct entry entry = {.kind = ENTRY_PATH, .is_export = wanted[i].is_export};
        entry.def = wit_find_named(&p, wanted[i].name);
        if (entry.def != NULL && entry.def->kind == WIT_INTERFACE) {
            entry.at = entry.def->body;
            if (!add_entry(&list, &entry))
                return false;
        }
    }
    return build_all(&list) && wit->status == STINT_OK;
}
