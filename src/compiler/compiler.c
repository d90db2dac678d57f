/* SPDX-License-Identifier: Apache-2.0 */
/* The plug-in's interface: a module in, an image out. */
#include "compiler/compiler.h"

#include <llvm/Config/llvm-config.h>
#include <stdio.h>
#include <string.h>

#include "aot/image_abi.h"
#include "compiler/compile_int.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/pages.h"
#include "os/thread.h"
#include "runtime/native_abi.h"

_Static_assert(sizeof(struct link_body) == sizeof(struct wasm_body), "bodies go as they are");

/* ---- The module --------------------------------------------------------------------------------- */

/* The first index of each type that is the same after canonicalisation. */
static enum stint_status find_types(struct compilation *c)
{
    const struct wasm_module *m = c->wasm;
    uint32_t id_count = 0;
    for (uint32_t i = 0; i < m->type_count; i++) {
        if (m->types[i]->id >= id_count)
            id_count = m->types[i]->id + 1;
    }
    uint32_t *first = alloc_get(c->alloc, ((size_t)id_count + 1) * sizeof(*first));
    if (first == NULL)
        return STINT_NOMEM;
    for (uint32_t i = m->type_count; i-- > 0;)
        first[m->types[i]->id] = i;
    for (uint32_t i = 0; i < m->func_count; i++)
        c->type_of_func[i] = first[module_func_type(m, i)->id];
    alloc_put(c->alloc, first, ((size_t)id_count + 1) * sizeof(*first));
    return STINT_OK;
}

static enum stint_status begin(struct compilation *c)
{
    const struct wasm_module *m = c->wasm;
    uint32_t own_count = m->func_count - m->import_func_count;
    lock_init(&c->lock);
    c->type_of_func = alloc_get_zeroed(c->alloc, (size_t)m->func_count + 1, sizeof(uint32_t));
    c->is_compiled = alloc_get_zeroed(c->alloc, (size_t)own_count + 1, 1);
    c->has_entry = alloc_get_zeroed(c->alloc, (size_t)m->type_count + 1, 1);
    c->order = alloc_get_zeroed(c->alloc, (size_t)own_count + 1, sizeof(uint32_t));
    if (c->type_of_func == NULL || c->is_compiled == NULL || c->has_entry == NULL ||
        c->order == NULL)
        return STINT_NOMEM;
    c->fixed_tables = fixed_tables_find(c->alloc, m);
    if (c->fixed_tables == NULL)
        return STINT_NOMEM;
    c->code_class = lower_class(m) | (c->options->metered ? (uint32_t)NATIVE_CLASS_METERED : 0);
    return find_types(c);
}

static void end(struct compilation *c)
{
    const struct wasm_module *m = c->wasm;
    uint32_t own_count = m->func_count - m->import_func_count;
    alloc_put(c->alloc, c->type_of_func, ((size_t)m->func_count + 1) * sizeof(uint32_t));
    alloc_put(c->alloc, c->is_compiled, (size_t)own_count + 1);
    alloc_put(c->alloc, c->has_entry, (size_t)m->type_count + 1);
    fixed_tables_free(c->alloc, m, c->fixed_tables);
    alloc_put(c->alloc, c->order, ((size_t)own_count + 1) * sizeof(uint32_t));
    if (c->objects != NULL) {
        for (size_t i = 0; i < c->partition_count; i++)
            link_object_free(&c->objects[i]);
        alloc_put(c->alloc, c->objects, c->partition_count * sizeof(*c->objects));
    }
    alloc_put(c->alloc, c->partitions, c->partition_capacity * sizeof(*c->partitions));
    machine_clear(&c->machine);
    lock_free(&c->lock);
}

/* ---- The image ---------------------------------------------------------------------------------- */

static struct image_header make_header(const struct compilation *c)
{
    const struct compiler_options *options = c->options;
    const struct wasm_module *m = c->wasm;
    struct image_header header = {
        .version = IMAGE_VERSION,
        .abi_version = NATIVE_ABI_VERSION,
        .wasm_bytes = m->size_bytes,
        .arch = (uint8_t)c->machine.arch,
        .code_class = (uint8_t)c->code_class,
        .opt_level = options->opt_level,
        .flags = (options->strict ? IMAGE_STRICT : IMAGE_GUARD_8G) |
                 (options->metered ? IMAGE_METERED : 0) |
                 (options->functions != NULL ? IMAGE_PARTIAL : 0),
        .cpu_features = c->machine.cpu_features,
        .wasm_features = options->features,
        .import_count = NATIVE_IMPORT_COUNT,
    };
    memcpy(header.magic, IMAGE_MAGIC, sizeof(header.magic));
    memcpy(header.cpu_name, c->machine.cpu_name, sizeof(header.cpu_name));
    cpu_use_sha256();
    sha256_of(m->bytes, m->size_bytes, header.wasm_sha256);
    image_abi_hash(header.abi_hash);
    return header;
}

/* The functions of all segments that list such, one after the other. */
static enum stint_status collect_elems(struct compilation *c, struct link_request *request)
{
    const struct wasm_module *m = c->wasm;
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->elem_count; i++)
        count += m->elems[i].functions != NULL ? m->elems[i].count : 0;
    if (count == 0)
        return STINT_OK;
    uint32_t *functions = arena_get_zeroed(&c->wasm->arena, count, sizeof(*functions));
    if (functions == NULL)
        return error_set(c->error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    request->elem_functions = functions;
    request->elem_function_count = count;
    for (uint32_t i = 0; i < m->elem_count; i++) {
        const struct wasm_elem *elem = &m->elems[i];
        if (elem->functions == NULL)
            continue;
        memcpy(functions, elem->functions, elem->count * sizeof(*functions));
        functions += elem->count;
    }
    return STINT_OK;
}

static enum stint_status link_all(struct compilation *c, struct compiler_result *result)
{
    const struct wasm_module *m = c->wasm;
    struct link_request request = {
        .alloc = c->alloc,
        .objects = c->objects,
        .object_count = c->partition_count,
        .import_func_count = m->import_func_count,
        .func_count = m->func_count,
        .type_count = m->type_count,
        .bodies = (const struct link_body *)m->bodies,
        .func_types = m->func_types,
        .header = make_header(c),
    };
    struct link_result linked;
    enum stint_status status = collect_elems(c, &request);
    if (status == STINT_OK)
        status = link_image(&request, &linked, c->error);
    if (status != STINT_OK)
        return status;
    const struct image_header *header = (const struct image_header *)linked.image;
    result->image = linked.image;
    result->image_bytes = linked.image_bytes;
    result->text_bytes = header->sections[IMAGE_TEXT].bytes;
    result->rodata_bytes = header->sections[IMAGE_RODATA].bytes;
    result->meta_bytes = header->sections[IMAGE_META].bytes;
    return STINT_OK;
}

static enum stint_status compile_module(struct compilation *c, struct compiler_result *result)
{
    unsigned threads = c->options->jobs != 0 ? c->options->jobs : thread_cores();
    enum stint_status status = machine_choose(c->options->target, &c->machine, c->error);
    if (status == STINT_OK)
        status = partition_make(c, threads);
    if (status != STINT_OK)
        return status;
    c->objects = alloc_get_zeroed(c->alloc, c->partition_count, sizeof(*c->objects));
    if (c->objects == NULL)
        return STINT_NOMEM;
    status = compile_partitions(c, threads);
    if (status != STINT_OK)
        return status;
    uint64_t start_ns = clock_now_ns(OS_CLOCK_THREAD_CPU);
    status = link_all(c, result);
    result->link_ns = clock_now_ns(OS_CLOCK_THREAD_CPU) - start_ns;
    result->frontend_ns = c->frontend_ns;
    result->optimise_ns = c->optimise_ns;
    result->codegen_ns = c->codegen_ns;
    result->function_count = c->order_count;
    result->partition_count = (uint32_t)c->partition_count;
    return status;
}

/* ---- The interface -------------------------------------------------------------------------------- */

static enum compiler_status status_of(enum stint_status status)
{
    switch (status) {
    case STINT_OK:
        return COMPILER_OK;
    case STINT_NOMEM:
        return COMPILER_NOMEM;
    case STINT_INTERRUPTED:
        return COMPILER_STOPPED;
    default:
        return COMPILER_FAILED;
    }
}

static enum stint_status check_loops(const struct wasm_module *m,
                                     const struct compiler_options *options,
                                     struct stint_error *error)
{
    for (uint32_t i = 0; i < options->osr_count; i++) {
        if (options->osrs[i].own_index >= m->func_count - m->import_func_count)
            return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "there is no function %u",
                             options->osrs[i].own_index);
    }
    return STINT_OK;
}

static enum compiler_status compile(const uint8_t *wasm, size_t wasm_bytes,
                                    const struct compiler_options *options,
                                    struct compiler_result *ret_result, char *message,
                                    size_t message_bytes)
{
    struct stint_error error = {0};
    struct alloc alloc;
    struct type_registry *types;
    struct compilation c = {.alloc = &alloc, .options = options, .error = &error};
    struct compiler_result result = {0};
    alloc_init_child(&alloc, &alloc_root, SIZE_MAX);
    enum stint_status status = types_create(&alloc, &types);
    if (status == STINT_OK) {
        status = module_decode(&alloc, types, wasm, wasm_bytes, options->features, &c.wasm, &error);
        if (status == STINT_OK) {
            status = begin(&c);
            if (status == STINT_OK)
                status = check_loops(c.wasm, options, &error);
            if (status == STINT_OK)
                status = compile_module(&c, &result);
            end(&c);
            module_free(c.wasm);
        }
        types_free(types);
    }
    if (status == STINT_OK)
        *ret_result = result;
    else
        snprintf(message, message_bytes, "%s",
                 error.message[0] != '\0' ? error.message : status_text(status));
    return status_of(status);
}

static void result_clear(struct compiler_result *result)
{
    pages_release(result->image, result->image_bytes);
    memset(result, 0, sizeof(*result));
}

static const struct compiler_api api = {
    .version = COMPILER_API_VERSION,
    .abi_version = NATIVE_ABI_VERSION,
    .description = "LLVM " LLVM_VERSION_STRING,
    .compile = compile,
    .result_clear = result_clear,
};

__attribute__((visibility("default"))) const void *stint_compiler_api(void);

const void *stint_compiler_api(void)
{
    return &api;
}
