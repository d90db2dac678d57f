/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compose_files.h"

#include "aot/artefact.h"
#include "interp/interp.h"

static enum stint_status open_part(struct compose_files *files, const char *path,
                                   struct module_file *file, struct component_file **ret_component,
                                   struct stint_error *error)
{
    struct artefact artefact;
    struct engine_config config = engine_config_default();
    enum stint_status status = module_file_open_any(path, file, error);
    if (status != STINT_OK)
        return status;
    if (!file->is_component)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "it is a core module; 'stint component new' makes a component of it");
    if (files->engine == NULL && engine_create(&config, &interp_ops, &files->engine) != STINT_OK)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    (void)!artefact_find(file->bytes, file->size_bytes, &artefact, NULL);
    return component_create(files->engine, file->bytes, artefact.wasm_bytes, true, ret_component,
                            error);
}

enum stint_status compose_files_add(struct compose_files *files, const char *path,
                                    uint32_t *ret_part, struct stint_error *error)
{
    struct composition *whole = &files->composition;
    uint32_t part = whole->part_count;
    struct component_file *component;
    if (part == COMPOSE_FILES_MAX)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "more than %d components",
                         COMPOSE_FILES_MAX);
    enum stint_status status = open_part(files, path, &files->files[part], &component, error);
    if (status != STINT_OK) {
        module_file_close(&files->files[part]);
        files->files[part] = (struct module_file){0};
        return status;
    }
    files->parts[part] = (struct compose_part){.file = component, .title = path};
    files->paths[part] = path;
    whole->parts = files->parts;
    whole->links = files->links;
    *ret_part = whole->part_count++;
    return STINT_OK;
}

enum stint_status compose_files_link(struct compose_files *files, const char *name,
                                     const char *export, uint32_t part, struct stint_error *error)
{
    struct composition *whole = &files->composition;
    if (whole->link_count == COMPOSE_FILES_MAX)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "more than %d dependencies",
                         COMPOSE_FILES_MAX);
    files->links[whole->link_count++] =
        (struct compose_link){.name = name, .export = export, .part = part};
    return STINT_OK;
}

void compose_files_close(struct compose_files *files)
{
    for (uint32_t i = 0; i < files->composition.part_count; i++) {
        component_release(files->parts[i].file);
        module_file_close(&files->files[i]);
    }
    engine_release(files->engine);
}
