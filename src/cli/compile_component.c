/* SPDX-License-Identifier: Apache-2.0 */
/* `stint compile` of a component: machine code of its core modules behind it. */
#include <string.h>

#include "aot/artefact.h"
#include "base/sha256.h"
#include "cli/cmd_compile.h"
#include "component/component.h"
#include "interp/interp.h"
#include "os/cpu.h"

/* A core module, once for all that are equal. */
struct part {
    const uint8_t *wasm;
    size_t wasm_bytes;
    uint8_t wasm_sha256[SHA256_BYTES];
    struct compile_image images[COMPILE_TARGETS_MAX];
    uint32_t image_count; /* made */
};

struct component_compile {
    const struct compiler_api *api;
    struct compile_run *run;
    struct component_file *file;
    struct part *parts;
    uint32_t part_count, part_capacity;
};

static enum stint_status check(struct component_compile *c, const uint8_t *bytes,
                               size_t size_bytes, struct stint_error *error)
{
    struct engine_config config = engine_config_default();
    struct stint_engine *engine;
    config.features = features_apply(&c->run->options->features);
    enum stint_status status = engine_create(&config, &interp_ops, &engine);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "out of memory");
    status = component_create(engine, bytes, size_bytes, true, &c->file, error);
    engine_release(engine);
    return status;
}

static bool is_known(const struct component_compile *c, const uint8_t digest[SHA256_BYTES])
{
    for (uint32_t i = 0; i < c->part_count; i++) {
        if (sha256_equal(c->parts[i].wasm_sha256, digest))
            return true;
    }
    return false;
}

static enum stint_status list_parts(struct component_compile *c, struct stint_error *error)
{
    c->part_capacity = c->file->module_count;
    if (c->part_capacity == 0)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "the component has no core module: there is nothing to compile");
    c->parts = alloc_get_zeroed(&alloc_root, c->part_capacity, sizeof(*c->parts));
    if (c->parts == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    cpu_use_sha256();
    for (uint32_t i = 0; i < c->file->module_count; i++) {
        const struct wasm_module *wasm = c->file->modules[i]->wasm;
        struct part *part = &c->parts[c->part_count];
        sha256_of(wasm->bytes, wasm->size_bytes, part->wasm_sha256);
        if (is_known(c, part->wasm_sha256))
            continue;
        part->wasm = wasm->bytes;
        part->wasm_bytes = wasm->size_bytes;
        c->part_count++;
    }
    if ((uint64_t)c->part_count * c->run->image_count > ARTEFACT_PARTS_MAX)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "%u core modules for %u processors are more than %d images",
                         c->part_count, c->run->image_count, ARTEFACT_PARTS_MAX);
    return STINT_OK;
}

/* For the report. */
static void add_up(const struct compile_image *one, struct compile_image *sum)
{
    sum->wall_ns += one->wall_ns;
    sum->result.function_count += one->result.function_count;
    sum->result.partition_count += one->result.partition_count;
    sum->result.image_bytes += one->result.image_bytes;
    sum->result.text_bytes += one->result.text_bytes;
    sum->result.rodata_bytes += one->result.rodata_bytes;
    sum->result.meta_bytes += one->result.meta_bytes;
    sum->result.frontend_ns += one->result.frontend_ns;
    sum->result.optimise_ns += one->result.optimise_ns;
    sum->result.codegen_ns += one->result.codegen_ns;
    sum->result.link_ns += one->result.link_ns;
}

static enum stint_status compile_part(struct component_compile *c, struct part *part,
                                      struct stint_error *error)
{
    for (uint32_t i = 0; i < c->run->image_count; i++) {
        struct compile_image *image = &part->images[i];
        image->target = c->run->images[i].target;
        enum stint_status status =
            compile_target(c->api, c->run, part->wasm, part->wasm_bytes, image, error);
        if (status != STINT_OK)
            return status;
        part->image_count++;
        add_up(image, &c->run->images[i]);
    }
    return STINT_OK;
}

static size_t pieces_of(const struct part *part, struct artefact_piece *pieces)
{
    for (uint32_t i = 0; i < part->image_count; i++)
        pieces[i] = (struct artefact_piece){part->images[i].result.image,
                                            part->images[i].result.image_bytes};
    return part->image_count;
}

/* Each core module has a signature of its own: it is what the images are of. */
static enum stint_status write_all(struct component_compile *c, const uint8_t *bytes,
                                   size_t size_bytes, struct stint_error *error)
{
    struct artefact_piece pieces[ARTEFACT_PARTS_MAX];
    const char *key = c->run->options->sign;
    size_t signatures_bytes = c->part_count * sizeof(struct artefact_signature), count = 0;
    struct artefact_signature *signatures = alloc_get(&alloc_root, signatures_bytes);
    enum stint_status status = STINT_OK;
    struct buf content;
    if (signatures == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    buf_init(&content, &alloc_root, SIZE_MAX);
    for (uint32_t i = 0; status == STINT_OK && i < c->part_count; i++) {
        const struct part *part = &c->parts[i];
        size_t own = pieces_of(part, &pieces[count]);
        if (key != NULL)
            status = compile_sign(key, part->wasm, part->wasm_bytes, &pieces[count], own,
                                  &signatures[i], error);
        count += own;
    }
    if (status == STINT_OK)
        status = artefact_write(&content, bytes, size_bytes, pieces, count, signatures,
                                key != NULL ? c->part_count : 0, error);
    if (status == STINT_OK)
        status = compile_write(c->run, &content, error);
    for (uint32_t i = 0; status == STINT_OK && i < c->part_count; i++) {
        const struct part *part = &c->parts[i];
        compile_adopt(part->wasm, part->wasm_bytes, pieces, pieces_of(part, pieces), key != NULL);
    }
    buf_free(&content);
    alloc_put(&alloc_root, signatures, signatures_bytes);
    return status;
}

enum stint_status compile_component(const struct compiler_api *api, struct compile_run *run,
                                    const uint8_t *bytes, size_t size_bytes,
                                    struct stint_error *error)
{
    struct component_compile c = {.api = api, .run = run};
    enum stint_status status = check(&c, bytes, size_bytes, error);
    if (status == STINT_OK)
        status = list_parts(&c, error);
    for (uint32_t i = 0; status == STINT_OK && i < c.part_count; i++)
        status = compile_part(&c, &c.parts[i], error);
    if (status == STINT_OK)
        status = write_all(&c, bytes, size_bytes, error);
    for (uint32_t i = 0; i < c.part_count; i++) {
        for (uint32_t k = 0; k < c.parts[i].image_count; k++)
            api->result_clear(&c.parts[i].images[k].result);
    }
    alloc_put(&alloc_root, c.parts, c.part_capacity * sizeof(*c.parts));
    component_release(c.file);
    return status;
}
