/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the machine code of an artefact, whoever made it: for tests only.
 *
 *   run_image FILE EXPORT [I32…]
 *
 * Prints the first result's slot as a signed number, or what ended the call with its frames; then
 * the fuel used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aot/artefact.h"
#include "aot/image_map.h"
#include "interp/interp.h"
#include "os/pages.h"
#include "runtime/trace.h"

enum { SLOTS = 64, FRAMES = 8 };

static int fail(const char *what, const struct stint_error *error)
{
    fprintf(stderr, "run_image: %s: %s\n", what, error->message);
    return 2;
}

static void print_frames(const struct stint_store *store, struct alloc *alloc)
{
    struct frame_info frames[FRAMES];
    struct buf text;
    size_t total = rt_backtrace(store, frames, FRAMES);
    buf_init(&text, alloc, SIZE_MAX);
    if (trace_format(&text, frames, total < FRAMES ? total : FRAMES, total, "a.wasm", false))
        fwrite(text.data, 1, text.bytes, stdout);
    buf_free(&text);
}

static int call(struct stint_store *store, struct stint_module *module, int argc, char **argv)
{
    struct stint_error error = {0};
    struct stint_instance *instance;
    struct extern_value found;
    uint64_t slots[SLOTS] = {0};
    if (instance_create(store, module, NULL, &instance, &error) != STINT_OK)
        return fail("it cannot be instantiated", &error);
    if (!instance_export(instance, argv[2], strlen(argv[2]), &found) || found.kind != EXTERN_FUNC)
        return fail("there is no such function", &error);
    for (int i = 3; i < argc && i < SLOTS; i++)
        slots[i - 3] = (uint32_t)strtol(argv[i], NULL, 0);
    if (found.func->native_key == 0)
        return fail("the function has no machine code", &error);
    rt_fuel_set(store, 1000000000000);
    if (rt_call(store, found.func, slots, &error) == STINT_OK) {
        printf("%d\n", (int)(int32_t)slots[0]);
    } else {
        printf("%s\n", error.message);
        print_frames(store, &store->alloc);
    }
    printf("fuel %llu\n", (unsigned long long)rt_fuel_used(store));
    return 0;
}

static int run(int argc, char **argv, struct stint_engine *engine)
{
    struct stint_error error = {0};
    struct store_limits limits = store_limits_default();
    struct native_image *image;
    struct stint_module *module;
    struct stint_store *store;
    struct artefact artefact;
    const uint8_t *bytes;
    size_t size;
    if (pages_map_file(argv[1], SIZE_MAX, &bytes, &size, &error) != STINT_OK ||
        artefact_find(bytes, size, &artefact, &error) != STINT_OK)
        return fail("it cannot be read", &error);
    if (artefact.image_count == 0)
        return fail("it has no machine code", &error);
    if (rt_module_create(engine, bytes, artefact.wasm_bytes, true, &module, &error) != STINT_OK)
        return fail("it is no module", &error);
    if (image_map_memory(bytes + artefact.images[0].offset, artefact.images[0].bytes,
                         native_imports, &image, &error) != STINT_OK ||
        native_add_image(module, image, &error) != STINT_OK)
        return fail("its code cannot be mapped", &error);
    if (store_create(engine, &limits, &store) != STINT_OK)
        return fail("no memory", &error);
    int code = call(store, module, argc, argv);
    store_free(store);
    rt_module_release(module);
    pages_unmap_file(bytes, size);
    return code;
}

int main(int argc, char **argv)
{
    struct engine_config config = engine_config_default();
    struct stint_engine *engine;
    config.is_metered = true;
    if (argc < 3 || engine_create(&config, &interp_ops, &engine) != STINT_OK)
        return 2;
    int code = run(argc, argv, engine);
    engine_release(engine);
    return code;
}
