/* SPDX-License-Identifier: Apache-2.0 */
/* Dependencies of components: parts that are composed with them when they are loaded. */
#include "edge/guest_int.h"

#include <string.h>

#include "api/component_code.h"
#include "app/app.h"
#include "app/dependency.h"
#include "base/buf.h"

static bool denies(void *env, struct wasm_name interface)
{
    return dependency_is_denied(env, interface.text, interface.bytes);
}

static enum stint_status no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
}

/* Puts where it is in the manifest, and which file, before what is wrong with it. */
static enum stint_status tell(const char *where, const char *title, enum stint_status status,
                              struct stint_error *error)
{
    char inner[STINT_ERROR_MESSAGE_BYTES];
    memcpy(inner, error->message, sizeof(inner));
    error_clear(error);
    return error_set(error, status, STINT_NO_OFFSET, "%s%s: %s", where, title, inner);
}

/* "spin.toml:12: dependency 'a:b/c': ". */
static const char *where_of(struct arena *arena, const struct guest *guest,
                            const struct app_dependency *from)
{
    char text[300];
    int bytes = snprintf(text, sizeof(text), "%.120s:%u: dependency '%.100s': ", guest->config.manifest,
                         from->line, from->name);
    return bytes > 0 ? arena_copy_string(arena, text, (size_t)bytes) : NULL;
}

static enum stint_status load(struct guest *guest, const struct guest_dependency *dependency,
                              struct guest_part *part, struct stint_error *error)
{
    struct component_refusal refusal;
    part->path = arena_copy_string(&guest->arena, dependency->path, strlen(dependency->path));
    if (part->path == NULL)
        return no_memory(error);
    enum stint_status status = guest_file_read(part->path, &part->bytes, error);
    if (status == STINT_OK && !guest_file_is_component(&part->bytes))
        status = error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                           "it is a core module; dependencies are components");
    part->origin = (struct module_origin){part->path, part->bytes.stat, 0};
    if (status == STINT_OK)
        status = component_code_create(guest->engine, part->bytes.data, part->bytes.bytes, true,
                                       &part->origin, &part->file, &refusal, error);
    if (status == STINT_OK && refusal.reason[0] != '\0' && guest->refusal[0] == '\0')
        (void)snprintf(guest->refusal, sizeof(guest->refusal), "%s; %s", refusal.reason,
                       refusal.remedy);
    return status;
}

/* The parts, and which imports they stand for. */
static enum stint_status load_all(struct guest *guest, struct arena *arena,
                                  struct compose_part *parts, struct compose_link *links,
                                  struct stint_error *error)
{
    const struct guest_config *config = &guest->config;
    for (size_t i = 0; i < config->dependency_count; i++) {
        const struct guest_dependency *dependency = &config->dependencies[i];
        const char *where = where_of(arena, guest, dependency->from);
        size_t same = 0;
        if (where == NULL)
            return no_memory(error);
        while (same < i && (strcmp(dependency->path, config->dependencies[same].path) != 0 ||
                            !dependency_may_share(dependency->from, config->dependencies[same].from)))
            same++;
        links[i] = (struct compose_link){.where = where,
                                         .name = dependency->from->name,
                                         .export = dependency->from->export};
        if (same < i) {
            links[i].part = links[same].part;
            continue;
        }
        struct guest_part *part = &guest->parts[guest->part_count];
        links[i].part = ++guest->part_count;
        const char *title = dependency_shown(config->folder, dependency->path);
        enum stint_status status = load(guest, dependency, part, error);
        if (status != STINT_OK)
            return tell(where, title, status, error);
        parts[links[i].part] = (struct compose_part){.file = part->file,
                                                     .title = title,
                                                     .denies = denies,
                                                     .env = (void *)(uintptr_t)dependency->from};
    }
    return STINT_OK;
}

static void put_met(const struct compose_met *met, const struct app_dependency *from,
                    const char *title, struct buf *text)
{
    bool is_same = met->import.bytes == met->export.bytes &&
                   memcmp(met->import.text, met->export.text, met->import.bytes) == 0;
    buf_append_format(text, "    %.*s from %s", (int)met->import.bytes, met->import.text, title);
    if (!is_same)
        buf_append_format(text, " (%.*s)", (int)met->export.bytes, met->export.text);
    buf_append_string(text, from->inherits_all          ? ", which inherits everything"
                            : from->inherits.count == 0 ? ", isolated"
                                                        : ", which inherits ");
    for (uint32_t i = 0; !from->inherits_all && i < from->inherits.count; i++)
        buf_append_format(text, "%s%s", i > 0 ? ", " : "", from->inherits.items[i]);
    buf_append_byte(text, '\n');
}

static void describe(struct guest *guest, const struct composition *composition)
{
    struct buf text;
    buf_init(&text, &alloc_root, 1 << 20);
    for (uint32_t i = 0; i < guest->notes.met_count; i++) {
        const struct compose_met *met = &guest->notes.met[i];
        uint32_t part = composition->links[met->link].part;
        put_met(met, guest->config.dependencies[met->link].from, composition->parts[part].title, &text);
    }
    for (uint32_t i = 0; i < guest->notes.apart_count; i++) {
        const struct compose_apart *apart = &guest->notes.apart[i];
        if (apart->is_denied)
            buf_append_format(&text, "    %.*s is denied\n", (int)apart->interface.bytes,
                              apart->interface.text);
    }
    guest->dependencies_text =
        arena_copy_string(&guest->arena, (const char *)text.data, text.bytes);
    buf_free(&text);
}

const char *guest_dependencies(const struct guest *guest)
{
    return guest->dependencies_text != NULL ? guest->dependencies_text : "";
}

enum stint_status guest_parts_compose(struct guest *guest, struct component_file **file,
                                      struct stint_error *error)
{
    size_t count = guest->config.dependency_count;
    struct arena arena;
    struct component_file *whole = NULL;
    enum stint_status status = STINT_OK;
    if (count == 0)
        return STINT_OK;
    arena_init(&arena, &alloc_root);
    struct compose_part *parts = arena_get_zeroed(&arena, count + 1, sizeof(*parts));
    struct compose_link *links = arena_get_zeroed(&arena, count, sizeof(*links));
    guest->parts = arena_get_zeroed(&guest->arena, count, sizeof(*guest->parts));
    if (parts == NULL || links == NULL || guest->parts == NULL)
        status = no_memory(error);
    if (status == STINT_OK)
        status = load_all(guest, &arena, parts, links, error);
    if (status == STINT_OK) {
        const char *title = dependency_shown(guest->config.folder, guest->config.path);
        parts[0] = (struct compose_part){.file = *file, .title = title};
        const struct composition composition = {.parts = parts,
                                                .part_count = guest->part_count + 1,
                                                .links = links,
                                                .link_count = (uint32_t)count};
        status = component_composed_create(&composition, &guest->arena, &whole, &guest->notes, error);
        if (status == STINT_OK && guest->config.wants_text)
            describe(guest, &composition);
    }
    arena_free(&arena);
    if (status != STINT_OK)
        return status;
    component_release(*file);
    *file = whole;
    return STINT_OK;
}

void guest_parts_digest(struct guest *guest)
{
    uint8_t digest[SHA256_BYTES];
    struct sha256 sha;
    sha256_begin(&sha);
    sha256_add(&sha, guest->digest, strlen(guest->digest));
    for (uint32_t i = 0; i < guest->part_count; i++) {
        sha256_of(guest->parts[i].bytes.data, guest->parts[i].bytes.bytes, digest);
        sha256_add(&sha, digest, sizeof(digest));
    }
    sha256_end(&sha, digest);
    sha256_hex(digest, guest->digest_of_all);
}

void guest_parts_free(struct guest *guest)
{
    for (uint32_t i = 0; i < guest->part_count; i++) {
        component_release(guest->parts[i].file);
        guest_file_free(&guest->parts[i].bytes);
    }
}
