/* SPDX-License-Identifier: Apache-2.0 */
/* Machine code in a store: what a trap leaves, images that do not fit, no memory, threads, signals. */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "native_check.h"
#include "runtime/native_entry.h"
#include "runtime/runtime_int.h"

/* ---- The embedder's own handler ------------------------------------------------------------------ */

enum { EMBEDDER_BYTES = 65536 };
static uint8_t *embedder_pages;
static atomic_uint embedder_faults, strange_faults;

static void embedder_handler(int number, siginfo_t *info, void *context)
{
    const uint8_t *at = info->si_addr;
    if (at >= embedder_pages && at < embedder_pages + EMBEDDER_BYTES) {
        atomic_fetch_add(&embedder_faults, 1);
        mprotect(embedder_pages, EMBEDDER_BYTES, PROT_READ | PROT_WRITE);
        return;
    }
    atomic_fetch_add(&strange_faults, 1);
    signal(number, SIG_DFL);
}

/* Before any machine code runs, as an embedder would. */
static void install_embedder(void)
{
    struct sigaction action = {.sa_sigaction = embedder_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (embedder_pages != NULL)
        return;
    embedder_pages =
        mmap(NULL, EMBEDDER_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(embedder_pages != MAP_FAILED);
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
}

static bool open_test(struct native_test *t, bool is_strict)
{
    struct engine_config config = native_test_config(is_strict);
    install_embedder();
    return native_test_open(t, &config);
}

static const char memory_text[] =
    "(module (import \"\" \"h\" (func $h (param i32) (result i32))) (memory 1)"
    "(func $load (export \"load\") (param i32) (result i32) (i32.load (local.get 0)))"
    "(func $sum (export \"sum\") (param i32) (result i32)"
    " (i32.add (call $h (local.get 0)) (i32.load (i32.const 0))))"
    "(func $fill (export \"fill\") (param i32) (result i32) (local i32)"
    " (loop $l"
    "  (i32.store8 (i32.add (local.get 1) (i32.const 16)) (i32.const 0))"
    "  (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (local.get 0))))"
    " (local.get 1))"
    "(func $copy (export \"copy\") (param i32) (result i32) (local i32)"
    " (loop $l"
    "  (i32.store8 (i32.add (local.get 1) (i32.const 300))"
    "   (i32.load8_u (i32.add (local.get 1) (i32.const 40000))))"
    "  (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (local.get 0))))"
    " (local.get 1)))";
enum { LOAD = 1, SUM = 2, FILL = 4, COPY = 8 };

struct nested {
    struct native_test t;
    struct stint_instance *instance;
    enum stint_status seen;
};

/* Calls `load`, and takes a failure of it lightly. */
static enum stint_status host_load(struct host_call *call, uint64_t *slots)
{
    struct nested *n = call->env;
    struct stint_error error = {0};
    uint64_t own[2] = {slots[0]};
    n->seen = rt_call(call->store, native_test_export(n->instance, "load").func, own, &error);
    slots[0] = 7;
    return STINT_OK;
}

static bool open_nested(struct nested *n, bool is_strict, uint32_t mask)
{
    const valtype i32 = VT_I32;
    struct extern_value import = {.kind = EXTERN_FUNC};
    uint32_t type;
    memset(n, 0, sizeof(*n));
    if (!open_test(&n->t, is_strict))
        return false;
    CHECK(types_add_func(n->t.engine->types, &i32, 1, &i32, 1, &type) == STINT_OK);
    CHECK(rt_func_create(n->t.store, type, host_load, n, NULL, &import.func) == STINT_OK);
    struct stint_module *module = native_test_module(&n->t, memory_text);
    if (!CHECK(module != NULL) || !native_test_compile(module, mask))
        return false;
    n->instance = native_test_instance(&n->t, module, &import);
    return CHECK(n->instance != NULL);
}

/* ---- Memory traps ---------------------------------------------------------------------------------- */

TEST(a_memory_trap_in_fast_code_poisons_the_store)
{
    NEED_COMPILER();
    struct nested n;
    uint64_t slot = 0;
    REQUIRE(open_nested(&n, false, LOAD));
    CHECK_INT(native_test_call(&n.t, n.instance, "load", 65532, &slot), STINT_OK);
    CHECK(!n.t.store->is_poisoned);
    CHECK_INT(native_test_call(&n.t, n.instance, "load", 65533, NULL), STINT_TRAP);
    CHECK_INT(n.t.error.trap, STINT_TRAP_MEMORY_BOUNDS);
    CHECK(n.t.store->is_poisoned);
    /* Compiled or not, nothing runs in it any more. */
    CHECK_INT(native_test_call(&n.t, n.instance, "load", 0, NULL), STINT_POISONED);
    CHECK_STR(n.t.error.message,
              "the store cannot be used after a memory trap in fast machine code");
    CHECK_INT(native_test_call(&n.t, n.instance, "fill", 1, NULL), STINT_POISONED);
    native_store_reset(n.t.store, true);
    CHECK_INT(native_test_call(&n.t, n.instance, "load", 0, &slot), STINT_OK);
    native_test_close(&n.t);
}

TEST(a_memory_trap_in_strict_code_does_not)
{
    NEED_COMPILER();
    struct nested n;
    REQUIRE(open_nested(&n, true, LOAD));
    for (uint32_t at = 65533; at != 0; at <<= 1) {
        CHECK_INT(native_test_call(&n.t, n.instance, "load", at, NULL), STINT_TRAP);
        CHECK_INT(n.t.error.trap, STINT_TRAP_MEMORY_BOUNDS);
        CHECK_INT(native_test_call(&n.t, n.instance, "load", 0, NULL), STINT_OK);
    }
    CHECK(!n.t.store->is_poisoned);
    native_test_close(&n.t);
}

/* The guest that called the host is ended too, whatever the host made of the trap. */
TEST(a_host_function_cannot_go_on_with_a_poisoned_store)
{
    NEED_COMPILER();
    for (uint32_t mask = LOAD; mask <= (LOAD | SUM); mask += SUM) {
        struct nested n;
        uint64_t slot = 0;
        REQUIRE(open_nested(&n, false, mask));
        CHECK_INT(native_test_call(&n.t, n.instance, "sum", 0, &slot), STINT_OK);
        CHECK_INT(slot, 7);
        CHECK_INT(native_test_call(&n.t, n.instance, "sum", 1 << 30, NULL), STINT_POISONED);
        CHECK_INT(n.seen, STINT_TRAP);
        CHECK(n.t.error.message[0] != '\0');
        native_test_close(&n.t);

        REQUIRE(open_nested(&n, true, mask));
        CHECK_INT(native_test_call(&n.t, n.instance, "sum", 1 << 30, &slot), STINT_OK);
        CHECK_INT(slot, 7);
        CHECK_INT(n.seen, STINT_TRAP);
        native_test_close(&n.t);
    }
}

/* LLVM makes memset and memmove of these; lengths up to the whole 4 GiB. */
TEST(loops_that_become_library_calls_trap_out_of_bounds)
{
    static const uint32_t lengths[] = {25537, 65521, 65536, 1 << 20, 0x7fffffff, 0xfffffff0};
    NEED_COMPILER();
    for (size_t i = 0; i < COUNT_OF(lengths) * 2; i++) {
        struct nested n;
        uint64_t slot = 0;
        bool is_strict = i % 2 != 0;
        const char *name = lengths[i / 2] > 65520 ? "fill" : "copy";
        REQUIRE(open_nested(&n, is_strict, FILL | COPY));
        CHECK_INT(native_test_call(&n.t, n.instance, "fill", 65520, &slot), STINT_OK);
        CHECK_INT(native_test_call(&n.t, n.instance, "copy", 25536, &slot), STINT_OK);
        CHECK_INT(slot, 25536);
        CHECK_INT(native_test_call(&n.t, n.instance, name, lengths[i / 2], NULL), STINT_TRAP);
        CHECK_INT(n.t.error.trap, STINT_TRAP_MEMORY_BOUNDS);
        CHECK_INT(n.t.store->is_poisoned, !is_strict);
        native_test_close(&n.t);
    }
    for (int is_strict = 0; is_strict < 2; is_strict++) {
        struct nested n;
        REQUIRE(open_nested(&n, is_strict != 0, COPY));
        CHECK_INT(native_test_call(&n.t, n.instance, "copy", 0xffffffff, NULL), STINT_TRAP);
        CHECK_INT(n.t.error.trap, STINT_TRAP_MEMORY_BOUNDS);
        native_test_close(&n.t);
    }
    CHECK_INT(atomic_load(&strange_faults), 0);
}

/* ---- Signals ---------------------------------------------------------------------------------------- */

/* A host function's own fault, while machine code is below it. */
static enum stint_status host_fault(struct host_call *call, uint64_t *slots)
{
    volatile uint8_t *page = embedder_pages;
    mprotect(embedder_pages, EMBEDDER_BYTES, PROT_NONE);
    page[100] = 5;
    slots[0] = page[100];
    return STINT_OK;
}

TEST(faults_of_the_host_reach_the_handler_that_was_there_before)
{
    NEED_COMPILER();
    struct nested n;
    uint64_t slot = 0;
    volatile uint8_t *page;
    REQUIRE(open_nested(&n, false, LOAD | SUM));
    n.instance->import_funcs[0]->host = host_fault;
    unsigned before = atomic_load(&embedder_faults);
    CHECK_INT(native_test_call(&n.t, n.instance, "sum", 1, &slot), STINT_OK);
    CHECK_INT(slot, 5);
    CHECK_INT(atomic_load(&embedder_faults), before + 1);
    /* And outside of guests. */
    page = embedder_pages;
    mprotect(embedder_pages, EMBEDDER_BYTES, PROT_NONE);
    page[1] = 1;
    CHECK_INT(atomic_load(&embedder_faults), before + 2);
    /* A guest's trap does not get there. */
    CHECK_INT(native_test_call(&n.t, n.instance, "load", 1 << 30, NULL), STINT_TRAP);
    CHECK_INT(atomic_load(&embedder_faults), before + 2);
    CHECK_INT(atomic_load(&strange_faults), 0);
    native_test_close(&n.t);
}

/* ---- Images ----------------------------------------------------------------------------------------- */

static unsigned releases;

static void count_release(struct native_image *image)
{
    releases++;
}

/* A copy of a good header, spoilt in the way `which`; false when there is no more. */
static bool spoil(struct image_header *header, struct native_image *image, unsigned which)
{
    struct image_array *arrays[] = {&header->funcs,  &header->entries, &header->osrs,
                                    &header->ranges, &header->frames,  &header->places};
    unsigned kind = which / COUNT_OF(arrays);
    struct image_array *array = arrays[which % COUNT_OF(arrays)];
    const struct image_section *meta = &header->sections[IMAGE_META];
    switch (which < 5 * COUNT_OF(arrays) ? kind : which) {
    case 0:
        array->count = UINT32_MAX;
        return true;
    case 1:
        array->offset = meta->offset + meta->bytes - 4;
        array->count = 1000;
        return true;
    case 2:
        array->offset = meta->offset - 4;
        return true;
    case 3:
        array->offset += 1;
        return true;
    case 4:
        array->offset = UINT64_MAX - 3;
        return true;
    case 30:
        header->abi_version++;
        return true;
    case 31:
        header->import_count--;
        return true;
    case 32:
        header->code_class = NATIVE_CLASS_MASK + 1;
        return true;
    case 33:
        header->flags &= ~(uint32_t)IMAGE_METERED;
        return true;
    case 34:
        image->text_bytes = (size_t)UINT32_MAX + 1;
        return true;
    case 35:
        image->meta++;
        return true;
    default:
        return false;
    }
}

TEST(images_of_another_shape_are_refused)
{
    NEED_COMPILER();
    struct nested n;
    unsigned which = 0;
    REQUIRE(open_nested(&n, false, LOAD | SUM));
    struct stint_module *module = n.instance->module;
    const struct native_code *good = atomic_load(&module->native);
    REQUIRE(good != NULL);
    struct image_header header = *good->header;
    struct native_image image = *good->image;
    for (; spoil(&header, &image, which); which++) {
        struct stint_error error = {0};
        image.header = &header;
        image.release = count_release;
        releases = 0;
        if (!CHECK_INT(native_add_image(module, &image, &error), STINT_INVALID))
            printf("    way %u\n", which);
        CHECK(strstr(error.message, "does not fit") != NULL);
        CHECK_INT(releases, 1);
        CHECK(atomic_load(&module->native) == good);
        header = *good->header;
        image = *good->image;
    }
    CHECK_INT(which, 36);
    native_test_close(&n.t);
}

TEST(code_of_more_functions_than_the_module_has_is_refused)
{
    NEED_COMPILER();
    struct nested n;
    struct stint_error error = {0};
    REQUIRE(open_nested(&n, false, LOAD | SUM));
    const struct native_code *good = atomic_load(&n.instance->module->native);
    struct native_image image = *good->image;
    struct stint_module *small = native_test_module(&n.t, "(module (func))");
    image.release = count_release;
    releases = 0;
    CHECK_INT(native_add_image(small, &image, &error), STINT_INVALID);
    CHECK_STR(error.message,
              "machine code does not fit: it has more functions than the module");
    CHECK_INT(releases, 1);
    native_test_close(&n.t);
}

/* ---- No memory -------------------------------------------------------------------------------------- */

static void no_release(struct native_image *image)
{
}

/* Every allocation of engine and store from the module on fails once: it is reported, or the guest
 * is interpreted. */
TEST(memory_runs_out_at_each_allocation)
{
    NEED_COMPILER();
    struct nested n;
    unsigned failures = 0;
    REQUIRE(open_nested(&n, true, LOAD | SUM | FILL | COPY));
    const struct native_image *good = atomic_load(&n.instance->module->native)->image;
    for (uint32_t fail_at = 1; fail_at < 2000; fail_at++) {
        struct native_test t;
        struct native_image image = *good;
        struct stint_instance *instance = NULL;
        struct extern_value import = {.kind = EXTERN_FUNC};
        const valtype i32 = VT_I32;
        uint32_t type;
        uint64_t slot = 0;
        bool ok = false;
        REQUIRE(open_test(&t, true));
        CHECK(types_add_func(t.engine->types, &i32, 1, &i32, 1, &type) == STINT_OK);
        CHECK(rt_func_create(t.store, type, host_load, &n, NULL, &import.func) == STINT_OK);
        struct stint_module *module = native_test_module(&t, memory_text);
        REQUIRE(module != NULL);
        image.release = no_release;
        struct alloc *allocs[] = {&t.engine->alloc, &t.store->alloc};
        struct alloc *alloc = allocs[fail_at % 2];
        atomic_store(&alloc->fail_at, atomic_load(&alloc->calls) + (fail_at + 1) / 2);
        enum stint_status status = native_add_image(module, &image, &t.error);
        CHECK(status == STINT_OK || status == STINT_NOMEM);
        instance = native_test_instance(&t, module, &import);
        if (instance != NULL) {
            status = native_test_call(&t, instance, "fill", 100, &slot);
            CHECK(status == STINT_NOMEM || (status == STINT_OK && slot == 100));
            ok = status == STINT_OK;
            status = native_test_call(&t, instance, "load", 70000, NULL);
            CHECK(status == STINT_NOMEM || status == STINT_TRAP);
        }
        bool is_done = atomic_load(&alloc->calls) < atomic_load(&alloc->fail_at);
        atomic_store(&alloc->fail_at, 0);
        failures += !ok;
        /* Later it works. */
        instance = native_test_instance(&t, module, &import);
        CHECK(instance != NULL);
        CHECK_INT(native_test_call(&t, instance, "fill", 100, &slot), STINT_OK);
        native_test_close(&t);
        if (is_done && fail_at > 20)
            break;
    }
    CHECK(failures > 3);
    native_test_close(&n.t);
}

/* ---- Threads ---------------------------------------------------------------------------------------- */

enum { THREADS = 4, THREAD_CALLS = 200 };
static const char work_text[] =
    "(module (memory 1)"
    "(func $step (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))"
    "(func $work (export \"work\") (param i32) (result i32) (local i32)"
    " (loop $l"
    "  (local.set 1 (i32.add (local.get 1) (call $step (local.get 0))))"
    "  (i32.store (i32.shl (local.get 0) (i32.const 2)) (local.get 1))"
    "  (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
    " (local.get 1))"
    "(func $deep (export \"deep\") (param i32) (result i32)"
    " (i32.add (call $deep (local.get 0)) (i32.const 1)))"
    "(func (export \"bad\") (param i32) (result i32) (i32.load (local.get 0))))";

struct thread_test {
    pthread_t thread;
    struct stint_engine *engine;
    struct stint_module *module;
    unsigned wrong;
};

static void *run_thread(void *opaque)
{
    struct thread_test *own = opaque;
    struct native_test t = {.engine = own->engine};
    struct store_limits limits = store_limits_default();
    limits.stack_bytes_max = 256 << 10;
    for (unsigned i = 0; i < THREAD_CALLS / 20; i++) {
        uint64_t slot = 0;
        if (store_create(own->engine, &limits, &t.store) != STINT_OK)
            return NULL;
        struct stint_instance *instance = native_test_instance(&t, own->module, NULL);
        for (uint32_t k = 1; k <= 20; k++) {
            own->wrong += native_test_call(&t, instance, "work", k * 10, &slot) != STINT_OK ||
                          slot != 15 * k * (10 * k + 1);
        }
        own->wrong += native_test_call(&t, instance, "deep", 1, NULL) != STINT_TRAP ||
                      t.error.trap != STINT_TRAP_STACK_OVERFLOW;
        own->wrong += native_test_call(&t, instance, "bad", 1 << 20, NULL) != STINT_TRAP ||
                      t.error.trap != STINT_TRAP_MEMORY_BOUNDS;
        store_free(t.store);
    }
    return NULL;
}

/* Code comes while they run: some calls are interpreted, later ones are not. */
TEST(stores_of_one_module_on_several_threads)
{
    NEED_COMPILER();
    struct native_test t;
    struct thread_test threads[THREADS];
    REQUIRE(open_test(&t, false));
    struct stint_module *module = native_test_module(&t, work_text);
    for (size_t i = 0; i < THREADS; i++) {
        threads[i] = (struct thread_test){.engine = t.engine, .module = module};
        CHECK(pthread_create(&threads[i].thread, NULL, run_thread, &threads[i]) == 0);
    }
    CHECK(native_test_compile(module, 1));
    CHECK(native_test_compile(module, 6));
    CHECK(native_test_compile(module, 15));
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i].thread, NULL);
        CHECK_INT(threads[i].wrong, 0);
    }
    CHECK_INT(atomic_load(&strange_faults), 0);
    native_test_close(&t);
}

CHECK_MAIN
