/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs generated modules (generate.h) and prints what happened, for comparison:
 *
 *     execute [--metered] [--gc-stress] [--aot | --jit] [--fast] [--opt=N] [--seed=N] [--limits=N]
 *             FILE…
 *
 * --aot and --jit run machine code, with exact traps unless --fast is given; --seed gives the points
 * at which --jit compiles (else as soon as it can). --limits, of a metered run, adds some more runs in
 * which each call has less fuel than it wants, and whose lines begin with "limit": N gives how much.
 *
 * A file gives "FILE" and then a line for each exported function, "r0 i32:0000002a f64:nan",
 * "r1 trap MEMORY_BOUNDS" or "r2 exception", and for each memory its size and CRC-32; metered, the
 * fuel that was used. A module that this build is without something for gives "unsupported".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/compile.h"
#include "interp/interp.h"
#include "runtime/store.h"

enum { FILE_BYTES_MAX = 1 << 22, SLOTS_MAX = 64 };

/* Calls that one module may have limits for, and how often they run. */
enum { LIMITED_MAX = 64, LIMITED_RUNS = 6 };

static uint64_t limits_seed;

/* The fuel of each call: what it used, then what it is given. */
struct limits {
    bool is_limited;
    uint32_t count;
    uint64_t fuel[LIMITED_MAX];
};

struct host {
    struct stint_instance *instance; /* once it is there */
};

static uint32_t crc32_of(const uint8_t *bytes, uint64_t count)
{
    static uint32_t table[256];
    uint32_t crc = 0xffffffff;
    if (table[1] == 0)
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int k = 0; k < 8; k++)
                c = (c & 1) != 0 ? c >> 1 ^ 0xedb88320 : c >> 1;
            table[i] = c;
        }
    while (count-- > 0)
        crc = table[(crc ^ *bytes++) & 0xff] ^ crc >> 8;
    return ~crc;
}

/* ---- Imports ----------------------------------------------------------------------------------- */

static enum stint_status host_mix(struct host_call *call, uint64_t *slots)
{
    slots[0] = (slots[1] ^ (uint32_t)slots[0]) * UINT64_C(0x9e3779b97f4a7c15) + 1;
    return STINT_OK;
}

static enum stint_status host_back(struct host_call *call, uint64_t *slots)
{
    struct host *host = call->env;
    struct extern_value back;
    if (host->instance == NULL || !instance_export(host->instance, "back", 4, &back))
        return error_set_trap(call->error, STINT_TRAP_HOST);
    slots[0] = (uint32_t)slots[0] + 1;
    return rt_call(call->store, back.func, slots, call->error);
}

static enum stint_status link_imports(struct stint_store *store, struct stint_module *module,
                                      struct host *host, struct extern_value *imports)
{
    static const host_fn functions[] = {host_mix, host_back};
    if (module->wasm->import_count != COUNT_OF(functions))
        return STINT_UNLINKABLE;
    for (uint32_t i = 0; i < COUNT_OF(functions); i++) {
        imports[i].kind = EXTERN_FUNC;
        enum stint_status status = rt_func_create(store, module_func_type(module->wasm, i)->id,
                                                  functions[i], host, NULL, &imports[i].func);
        if (status != STINT_OK)
            return status;
    }
    return STINT_OK;
}

/* ---- Reports ------------------------------------------------------------------------------------- */

static void print_value(valtype type, uint64_t slot)
{
    uint64_t exponent64 = UINT64_C(0x7ff0000000000000);
    switch (type) {
    case VT_I32:
        printf(" i32:%08" PRIx32, (uint32_t)slot);
        break;
    case VT_I64:
        printf(" i64:%016" PRIx64, slot);
        break;
    case VT_F32:
        if (((uint32_t)slot & 0x7fffffff) > 0x7f800000)
            printf(" f32:nan");
        else
            printf(" f32:%08" PRIx32, (uint32_t)slot);
        break;
    default:
        if ((slot & ~(UINT64_C(1) << 63)) > exponent64)
            printf(" f64:nan");
        else
            printf(" f64:%016" PRIx64, slot);
        break;
    }
}

static const char *trap_name(enum stint_trap trap)
{
    static const char *const names[] = {
#define X(name, text) #name,
        STINT_TRAP_MAP(X)
#undef X
    };
    return names[trap];
}

static void print_memories(const struct stint_instance *instance, const char *prefix)
{
    for (uint32_t i = 0; i < instance->module->wasm->memory_count; i++)
        printf("%sm%u %" PRIu64 " %08x\n", prefix, i, instance->memories[i]->bytes,
               crc32_of(instance->memories[i]->base, instance->memories[i]->bytes));
}

static void call_export(struct stint_store *store, const struct wasm_export *export,
                        struct stint_instance *instance)
{
    struct extern_value value =
        instance_extern(instance, (enum extern_kind) export->kind, export->index);
    uint64_t slots[SLOTS_MAX] = {0};
    struct stint_error error = {0};
    printf("%.*s", (int)export->name.bytes, export->name.text);
    enum stint_status status = rt_call(store, value.func, slots, &error);
    if (status == STINT_TRAP)
        printf(" trap %s\n", trap_name(error.trap));
    else if (status == STINT_EXCEPTION)
        printf(" exception\n");
    else if (status != STINT_OK)
        printf(" %s\n", error.message);
    if (status != STINT_OK)
        return;
    for (uint32_t i = 0; i < value.func->type->result_count; i++)
        print_value(value.func->type->results[i], slots[i]);
    putchar('\n');
}

static void run_exports(struct stint_store *store, struct stint_instance *instance,
                        struct limits *limits)
{
    const struct wasm_module *module = instance->module->wasm;
    uint32_t calls = 0;
    for (uint32_t i = 0; i < module->export_count; i++) {
        const struct wasm_export *export = &module->exports[i];
        if (export->kind != EXTERN_FUNC || export->name.text[0] == 'b')
            continue;
        uint64_t before = rt_fuel_used(store), *fuel = &limits->fuel[calls % LIMITED_MAX];
        calls++;
        if (limits->is_limited) {
            rt_fuel_set(store, *fuel);
            printf("limit %" PRIu64 " ", *fuel);
        }
        call_export(store, export, instance);
        if (!limits->is_limited) {
            *fuel = rt_fuel_used(store) - before;
            continue;
        }
        printf("limit used %" PRIu64 "\n", rt_fuel_used(store) - before);
        print_memories(instance, "limit ");
    }
    if (!limits->is_limited)
        print_memories(instance, "");
}

/* ---- Files ----------------------------------------------------------------------------------------- */

static void run_once(struct stint_module *module, struct limits *fuel)
{
    struct store_limits limits = store_limits_default();
    struct stint_engine *engine = module->engine;
    struct stint_store *store = NULL;
    struct stint_instance *instance = NULL;
    struct stint_error error = {0};
    struct extern_value imports[2];
    struct host host = {0};
    limits.gc_heap_bytes_max = 64 << 20;
    enum stint_status status = store_create(engine, &limits, &store);
    if (status == STINT_OK)
        status = link_imports(store, module, &host, imports);
    if (status == STINT_OK)
        status = instance_create(store, module, imports, &instance, &error);
    if (status == STINT_OK) {
        host.instance = instance;
        run_exports(store, instance, fuel);
        if (engine->config.is_metered && !fuel->is_limited)
            printf("fuel %" PRIu64 "\n", rt_fuel_used(store));
    } else {
        printf("unsupported %s\n", error.message);
    }
    store_free(store);
}

/* Some calls have enough, one more or one less; most have any part. */
static void draw_limits(const struct limits *used, uint64_t *state, struct limits *ret_limits)
{
    ret_limits->is_limited = true;
    for (uint32_t i = 0; i < LIMITED_MAX; i++) {
        *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint64_t any = *state >> 24, near = *state >> 60;
        ret_limits->fuel[i] = near < 3 ? used->fuel[i] + near - 1 + (used->fuel[i] == 0)
                                       : any % (used->fuel[i] + 1);
    }
}

static void run_module(struct stint_engine *engine, const uint8_t *bytes, size_t size)
{
    struct stint_module *module = NULL;
    struct stint_error error = {0};
    struct limits used = {0}, limited;
    uint64_t state = limits_seed;
    if (rt_module_create(engine, bytes, size, true, &module, &error) != STINT_OK) {
        printf("unsupported %s\n", error.message);
        return;
    }
    run_once(module, &used);
    for (uint32_t i = 0; limits_seed != 0 && i < LIMITED_RUNS; i++) {
        draw_limits(&used, &state, &limited);
        run_once(module, &limited);
    }
    rt_module_release(module);
}

static bool run_file(struct stint_engine *engine, const char *path, uint8_t *bytes)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    size_t size = fread(bytes, 1, FILE_BYTES_MAX, f);
    fclose(f);
    const char *name = strrchr(path, '/');
    printf("%s\n", name != NULL ? name + 1 : path);
    run_module(engine, bytes, size);
    /* What was printed before a crash says which module it was. */
    fflush(stdout);
    return true;
}

static void set_tier(struct engine_config *config, enum tier_mode mode)
{
    struct tier_config *tier = &config->tier;
    tier->mode = mode;
    tier->source = compile_source();
    tier->uses_cache = false;
    tier->is_synchronous = true;
    tier->hot_samples = 1;
    config->is_metered = true;
}

static bool set_option(struct engine_config *config, const char *option)
{
    if (strcmp(option, "--metered") == 0)
        config->is_metered = true;
    else if (strcmp(option, "--gc-stress") == 0)
        config->gc_stress = true;
    else if (strcmp(option, "--aot") == 0)
        set_tier(config, TIER_AOT);
    else if (strcmp(option, "--jit") == 0)
        set_tier(config, TIER_JIT);
    else if (strcmp(option, "--fast") == 0)
        config->tier.is_strict = false;
    else if (strncmp(option, "--opt=", 6) == 0)
        config->tier.opt_level = (uint8_t)strtoul(option + 6, NULL, 10);
    else if (strncmp(option, "--seed=", 7) == 0)
        config->tier.seed = strtoull(option + 7, NULL, 10) + 1;
    else if (strncmp(option, "--limits=", 9) == 0)
        limits_seed = strtoull(option + 9, NULL, 10) + 1;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    static uint8_t bytes[FILE_BYTES_MAX];
    struct engine_config config = engine_config_default();
    struct stint_engine *engine;
    bool ok = true;
    int i = 1;
    config.tier.is_strict = true;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!set_option(&config, argv[i])) {
            fprintf(stderr, "execute: what is %s?\n", argv[i]);
            return 2;
        }
    }
    if (config.tier.mode != TIER_INTERP && config.tier.source == NULL) {
        fprintf(stderr, "execute: this build has no machine code\n");
        return 2;
    }
    if (engine_create(&config, &interp_ops, &engine) != STINT_OK)
        return 2;
    for (; i < argc; i++)
        ok = run_file(engine, argv[i], bytes) && ok;
    engine_release(engine);
    return ok ? 0 : 1;
}
