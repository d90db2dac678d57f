/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/leb128.h"
#include "component/component_new_int.h"
#include "component/wit_kit.h"
#include "component/wit_parse_int.h"

bool new_fail(struct component_new *n, enum stint_status status, const char *format, ...)
{
    char text[STINT_ERROR_MESSAGE_BYTES];
    va_list args;
    if (n->status != STINT_OK)
        return false;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    n->status = error_set(n->error, status, STINT_NO_OFFSET, "%s", text);
    return false;
}

bool new_fail_nomem(struct component_new *n)
{
    return new_fail(n, STINT_NOMEM, "out of memory");
}

struct new_interface *new_owner(struct component_new *n, const struct wit_type *type)
{
    uint64_t *owner = map_find(&n->owners, &type->owner, sizeof(type->owner));
    if (owner != NULL)
        return (struct new_interface *)(uintptr_t)*owner;
    (void)new_fail(n, STINT_INVALID, "type %.*s is of no interface of the world",
                   NAME_ARGS(type->name));
    return NULL;
}

/* ---- The world ---------------------------------------------------------------------------- */

static bool is_component_type(struct wasm_name name)
{
    static const char begins[] = "component-type";
    return name.bytes >= sizeof(begins) - 1 && memcmp(name.text, begins, sizeof(begins) - 1) == 0;
}

/* The string encoding is told by a section of its own: a version, and enum comp_encoding. */
static bool read_encoding(struct component_new *n, const uint8_t *bytes, size_t size_bytes)
{
    static const char wanted[] = "wit-component-encoding";
    enum { VERSION = 4, NAME_BYTES = sizeof(wanted) - 1, HEADER_BYTES = 8 };
    const uint8_t *at = bytes + HEADER_BYTES, *end = bytes + size_bytes;
    while (at < end) {
        uint8_t id = *at++;
        size_t content = (size_t)leb_next_unsigned(&at); /* it was decoded: it is right */
        if (id == 0 && content == NAME_BYTES + 3 && at[0] == NAME_BYTES &&
            memcmp(at + 1, wanted, NAME_BYTES) == 0) {
            uint8_t version = at[NAME_BYTES + 1], encoding = at[NAME_BYTES + 2];
            bool same = n->section_count == 1 || n->encoding == encoding;
            n->encoding = encoding;
            if (version == VERSION && encoding <= ENCODING_LATIN1_UTF16 && same)
                return true;
            return new_fail(n, STINT_UNSUPPORTED,
                            "component-type sections of version %u with "
                            "string encoding %u are not known",
                            version, encoding);
        }
        at += content;
    }
    return new_fail(n, STINT_INVALID,
                    "a component-type section does not tell the encoding of "
                    "strings");
}

static bool read_sections(struct component_new *n, struct stint_engine *engine)
{
    for (uint32_t i = 0; i < n->core->custom_count; i++) {
        const struct wasm_custom *custom = &n->core->customs[i];
        struct component_file *file;
        struct stint_error error = {0};
        if (!is_component_type(custom->name))
            continue;
        if (!vec_reserve(n->alloc, &n->sections, &n->section_capacity, n->section_count + 1,
                         sizeof(*n->sections)))
            return new_fail_nomem(n);
        enum stint_status status = component_create(engine, n->core->bytes + custom->offset_bytes,
                                                    custom->size_bytes, true, &file, &error);
        if (status != STINT_OK)
            return new_fail(n, status, "section %.*s: %.150s", NAME_ARGS(custom->name),
                            error.message);
        n->sections[n->section_count++] = file;
        if (!read_encoding(n, file->bytes, file->size_bytes))
            return false;
        if (!wit_model_world(&n->wit, file->root)) {
            n->status = n->wit.status;
            return false;
        }
    }
    return true;
}

/* ---- Interfaces --------------------------------------------------------------------------- */

static struct new_interface *add_interface(struct component_new *n, struct wasm_name name,
                                           bool is_export)
{
    for (size_t i = 0; i < n->interface_count; i++) {
        if (n->interfaces[i]->is_export == is_export && wit_same_name(n->interfaces[i]->name, name))
            return n->interfaces[i];
    }
    struct new_interface *interface = arena_get_zeroed(&n->arena, 1, sizeof(*interface));
    if (interface == NULL || !vec_reserve(n->alloc, &n->interfaces, &n->interface_capacity,
                                          n->interface_count + 1, sizeof(*n->interfaces))) {
        (void)new_fail_nomem(n);
        return NULL;
    }
    interface->name = name;
    interface->is_export = is_export;
    interface->types_end = &interface->types;
    interface->funcs_end = &interface->funcs;
    interface->instance = COMP_NO_INDEX;
    n->interfaces[n->interface_count++] = interface;
    return interface;
}

static bool add_owner(struct component_new *n, const struct wit_interface *wit,
                      struct new_interface *interface)
{
    const void *key = arena_copy(&n->arena, &wit, sizeof(wit));
    if (interface == NULL || key == NULL)
        return new_fail_nomem(n);
    return map_put(&n->owners, key, sizeof(wit), (uint64_t)(uintptr_t)interface) ||
           new_fail_nomem(n);
}

/* The interfaces of the world, those of the same name in several sections together. */
static bool gather(struct component_new *n)
{
    struct wit_interface *world = &n->wit.world;
    for (size_t i = 0; i < world->count; i++) {
        const struct wit_item *item = &world->items[i];
        if (item->sort == SORT_INSTANCE && item->entity.interface != NULL &&
            !add_owner(n, item->entity.interface, add_interface(n, item->name, item->is_export)))
            return false;
    }
    struct wasm_name nameless = {"", 0};
    return add_interface(n, nameless, true) != NULL &&
           add_owner(n, world, add_interface(n, nameless, false));
}

/* ---- Worlds of text ----------------------------------------------------------------------- */

static bool read_text(struct component_new *n, const struct component_new_world *world)
{
    if (!wit_parse_world(&n->wit, world->source, world->world))
        n->status = n->wit.status;
    return n->status == STINT_OK;
}

static bool is_wanted(const struct wit_wanted *wanted, size_t count, struct wasm_name name,
                      bool is_export)
{
    for (size_t i = 0; i < count; i++) {
        if (wanted[i].is_export == is_export && wit_same_name(wanted[i].name, name))
            return true;
    }
    return false;
}

/*
 * The interfaces that the module itself names, as far as the guest kit has them: its imports, and of
 * its exports what stands before a `#`.
 */
static bool read_kit(struct component_new *n)
{
    size_t count = 0, room = (size_t)n->core->import_count + n->core->export_count;
    struct wit_wanted *wanted = arena_get_zeroed(&n->arena, room, sizeof(*wanted));
    if (wanted == NULL)
        return new_fail_nomem(n);
    for (uint32_t i = 0; i < n->core->import_count; i++) {
        struct wasm_name name = n->core->imports[i].module;
        if (!is_wanted(wanted, count, name, false))
            wanted[count++] = (struct wit_wanted){name, false};
    }
    for (uint32_t i = 0; i < n->core->export_count; i++) {
        struct wasm_name name = n->core->exports[i].name;
        const char *hash = name.bytes > 0 ? memchr(name.text, '#', name.bytes) : NULL;
        if (hash == NULL)
            continue;
        name.bytes = (uint32_t)(hash - name.text);
        if (!is_wanted(wanted, count, name, true))
            wanted[count++] = (struct wit_wanted){name, true};
    }
    if (!wit_parse_wanted(&n->wit, &wit_kit, wanted, count)) {
        n->status = n->wit.status;
        return false;
    }
    for (size_t i = 0; i < n->wit.world.count; i++) {
        if (n->wit.world.items[i].is_export)
            return true;
    }
    return new_fail(n, STINT_NOT_FOUND,
                    "the module does not say what world it is of: it has no component-type "
                    "section, and exports no function of an interface that the guest kit knows");
}

/* ---- All of it ---------------------------------------------------------------------------- */

static bool make(struct component_new *n, struct stint_engine *engine,
                 const struct component_new_world *world)
{
    bool ok = world->source != NULL ? read_text(n, world) : read_sections(n, engine);
    if (ok && world->source == NULL && n->section_count == 0)
        ok = read_kit(n);
    return ok && gather(n) && new_match(n) && new_put_component(n);
}

static void clean_up(struct component_new *n)
{
    for (size_t i = 0; i < n->section_count; i++)
        component_release(n->sections[i]);
    alloc_put(n->alloc, n->sections, n->section_capacity * sizeof(*n->sections));
    alloc_put(n->alloc, n->interfaces, n->interface_capacity * sizeof(*n->interfaces));
    new_space_free(n, &n->root);
    map_free(&n->owners);
    map_free(&n->ctypes);
    wit_free(&n->wit);
    arena_free(&n->arena);
}

enum stint_status component_new(struct stint_engine *engine, const uint8_t *core, size_t core_bytes,
                                const struct component_new_world *world, struct buf *out,
                                struct buf *details, struct stint_error *error)
{
    struct stint_module *module;
    if (component_is_binary(core, core_bytes))
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "this is a component already");
    enum stint_status status = rt_module_create(engine, core, core_bytes, true, &module, error);
    if (status != STINT_OK)
        return status;
    struct component_new n = {.alloc = out->alloc,
                              .error = error,
                              .core = module->wasm,
                              .out = out,
                              .details = details,
                              .root = {.place = PLACE_ROOT, .out = out}};
    n.wit = (struct wit){.alloc = n.alloc, .status = STINT_OK, .error = error};
    arena_init(&n.arena, n.alloc);
    arena_init(&n.wit.arena, n.alloc);
    map_init(&n.owners, n.alloc);
    map_init(&n.ctypes, n.alloc);
    if (make(&n, engine, world) && out->failed)
        (void)new_fail_nomem(&n);
    status = n.status;
    clean_up(&n);
    rt_module_release(module);
    return status;
}
