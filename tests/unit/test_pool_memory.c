/* SPDX-License-Identifier: Apache-2.0 */
/* Memories of warm slots, and the copy-on-write images behind them. */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/cow.h"
#include "os/pages.h"
#include "os/thread.h"
#include "pool_check.h"
#include "runtime/ops.h"
#include "wasm/limits.h"

/* ---- Memories ---------------------------------------------------------------------------- */

/* Writes to every other page of a memory of 20 MiB: far more runs than one question answers. */
static void many_runs(bool without_scan, size_t keep_bytes, bool expect_drop)
{
    struct world w;
    REQUIRE(open_engine(&w, "(module (memory (export \"m\") 320)"
                            " (data (i32.const 3) \"abc\") (data (i32.const 12000000) \"end\"))"));
    w.config.without_scan = without_scan;
    w.config.keep_bytes = keep_bytes;
    REQUIRE(open_pool(&w));
    struct stint_instance *instance = take(&w);
    REQUIRE(instance != NULL);
    struct memory *memory = instance->memories[0];
    uint8_t *before = pages_get(memory->bytes);
    REQUIRE(before != NULL);
    memcpy(before, memory->base, memory->bytes);
    for (int round = 0; round < 3; round++) {
        for (uint64_t at = 0; at < memory->bytes; at += 2 * pages_size())
            memory->base[at + 7] = 0xee;
        pool_give(w.pool, instance);
        instance = take(&w);
        REQUIRE(instance != NULL);
        CHECK_MEM(instance->memories[0]->base, before, memory->bytes);
    }
    struct pool_stats stats;
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.dropped != 0, expect_drop || !stats.scans);
    pages_release(before, memory->bytes);
    pool_give(w.pool, instance);
    close_world(&w);
}

TEST(thousands_of_written_runs_are_all_found)
{
    many_runs(false, SIZE_MAX, false);
    many_runs(false, 1 << 20, true);
    many_runs(true, SIZE_MAX, true);
}

TEST(swapped_pages_do_not_survive)
{
    struct world w;
    REQUIRE(open_engine(&w, "(module (memory (export \"m\") 16) (data (i32.const 3) \"abc\"))"));
    REQUIRE(open_pool(&w));
    struct stint_instance *instance = take(&w);
    REQUIRE(instance != NULL);
    struct memory *memory = instance->memories[0];
    memset(memory->base, 0xaa, memory->bytes);
    /* MADV_PAGEOUT: where there is swap, the pages go there. */
    (void)madvise(memory->base, memory->bytes, 21);
    pool_give(w.pool, instance);
    instance = take(&w);
    uint64_t other = 0;
    for (uint64_t i = 6; i < memory->bytes; i++)
        other += memory->base[i] != 0;
    CHECK_INT(other, 0);
    CHECK_MEM(memory->base, "\0\0\0abc", 6);
    pool_give(w.pool, instance);
    close_world(&w);
}

TEST(what_a_memory_had_grown_by_is_gone)
{
    struct world w;
    REQUIRE(open_engine(&w, "(module (memory (export \"m\") 1 40))"));
    REQUIRE(open_pool(&w));
    for (int i = 0; i < 3; i++) {
        struct stint_instance *instance = take(&w);
        REQUIRE(instance != NULL);
        struct memory *memory = instance->memories[0];
        CHECK_INT(memory->bytes, WASM_PAGE_BYTES);
        CHECK_INT(memory_grow(memory, 30), 1);
        for (uint64_t at = 0; at < memory->bytes; at += 512) {
            if (!CHECK(memory->base[at] == 0))
                break;
        }
        memset(memory->base, 5, memory->bytes);
        pool_give(w.pool, instance);
    }
    close_world(&w);
}

/* ---- Without a question ------------------------------------------------------------------ */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Writes here and there, and grows now and then, by as much as what stays hidden and by more. */
static void use_somehow(struct memory *memory, uint32_t *random, const uint8_t *before,
                        uint64_t before_bytes)
{
    CHECK_INT(memory->bytes, before_bytes);
    CHECK_MEM(memory->base, before, before_bytes);
    if (next_random(random) % 3 == 0) {
        uint64_t pages = 1 + next_random(random) % (next_random(random) % 4 == 0 ? 30 : 3);
        CHECK_INT(memory_grow(memory, pages), before_bytes / WASM_PAGE_BYTES);
        for (uint64_t at = before_bytes; at < memory->bytes; at += 64) {
            if (!CHECK(memory->base[at] == 0))
                break;
        }
    }
    uint32_t writes = next_random(random) % 5;
    /* Mostly to the same few pages, as guests do. */
    uint64_t among = next_random(random) % 8 == 0 ? memory->bytes : 3 * WASM_PAGE_BYTES;
    if (among > memory->bytes)
        among = memory->bytes;
    for (uint32_t i = 0; i < writes; i++)
        memory->base[next_random(random) % among] = (uint8_t)(1 + next_random(random) % 255);
    if (memory->bytes > before_bytes)
        memory->base[before_bytes + next_random(random) % (memory->bytes - before_bytes)] = 7;
}

TEST(a_use_without_a_page_fault_needs_no_question)
{
    enum { USES = 3000 };
    struct world w;
    uint32_t random = 1;
    REQUIRE(open_engine(&w, "(module (memory (export \"m\") 5 200)"
                            " (data (i32.const 3) \"abc\") (data (i32.const 300000) \"end\"))"));
    w.config.uses_stay = true;
    REQUIRE(open_pool(&w));
    struct stint_instance *instance = take(&w);
    REQUIRE(instance != NULL);
    uint64_t bytes = instance->memories[0]->bytes;
    uint8_t *before = pages_get(bytes);
    REQUIRE(before != NULL);
    memcpy(before, instance->memories[0]->base, bytes);
    for (int i = 0; i < USES && instance != NULL; i++) {
        use_somehow(instance->memories[0], &random, before, bytes);
        pool_give(w.pool, instance);
        instance = take(&w);
    }
    REQUIRE(instance != NULL);
    pool_give(w.pool, instance);
    struct pool_stats stats;
    pool_stats(w.pool, &stats);
    if (page_faults_now().thread != 0 && stats.scans)
        CHECK(stats.questions < USES * 3 / 4);
    pages_release(before, bytes);
    close_world(&w);
}

static void write_there(void *place)
{
    *(uint8_t *)place = 1;
}

TEST(what_another_thread_wrote_for_a_guest_is_gone)
{
    struct world w;
    struct thread thread;
    REQUIRE(open_engine(&w, "(module (memory (export \"m\") 8))"));
    w.config.uses_stay = true;
    REQUIRE(open_pool(&w));
    for (uint32_t i = 0; i < 8 * WASM_PAGE_BYTES / pages_size(); i++) {
        struct stint_instance *instance = take(&w);
        REQUIRE(instance != NULL);
        uint8_t *place = instance->memories[0]->base + i * pages_size();
        CHECK_INT(*place, 0);
        REQUIRE(thread_start(&thread, write_there, place, false));
        thread_join(&thread);
        page_faults_elsewhere();
        pool_give(w.pool, instance);
        instance = take(&w);
        REQUIRE(instance != NULL);
        CHECK_INT(*place, 0);
        pool_give(w.pool, instance);
    }
    close_world(&w);
}

TEST(a_slot_that_goes_from_thread_to_thread_is_asked_about)
{
    struct fault_mark here = page_faults_now();
    CHECK(here.thread == 0 || page_faults_none(here, here));
    CHECK(!page_faults_none((struct fault_mark){0}, (struct fault_mark){0}));
    struct fault_mark other = here;
    other.thread++;
    CHECK(!page_faults_none(here, other));
    page_faults_elsewhere();
    CHECK(!page_faults_none(here, page_faults_now()));
}

/* ---- Images ------------------------------------------------------------------------------ */

TEST(images_are_whole_sparse_and_may_be_empty)
{
    size_t page = pages_size();
    uint8_t content[64];
    struct cow_image image;
    uint8_t *region = pages_get(8 * page), *large = pages_get(6 * page);
    REQUIRE(region != NULL && large != NULL);
    memset(content, 9, sizeof(content));
    REQUIRE(cow_image_create(content, 0, &image));
    CHECK(cow_map(&image, region));
    cow_image_free(&image);
    REQUIRE(cow_image_create(content, sizeof(content), &image));
    CHECK_INT(image.bytes, page);
    CHECK_MEM(image.data, content, sizeof(content));
    CHECK_INT(image.data[sizeof(content)], 0);
    cow_image_free(&image);
    large[0] = 1;
    large[3 * page + 5] = 2;
    large[5 * page + 1] = 3;
    REQUIRE(cow_image_create(large, 5 * page + 2, &image));
    CHECK_MEM(image.data, large, 6 * page);
    REQUIRE(cow_map(&image, region));
    cow_image_seal(&image);
    CHECK(!cow_map(&image, region));
    region[7 * page] = 1;
    region[3 * page]++;
    struct cow_work work = {0};
    const struct cow_policy policy = {.is_mapped = true, .keep_bytes = SIZE_MAX};
    cow_restore(&image, region, 8 * page, &policy, &work);
    CHECK_MEM(region, large, 6 * page);
    CHECK_INT(region[7 * page], 0);
    /* And where the image could not be mapped. */
    const struct cow_policy unmapped = {.without_scan = true, .keep_bytes = 0};
    memset(region, 1, 8 * page);
    cow_restore(&image, region, 8 * page, &unmapped, &work);
    CHECK_MEM(region, large, 6 * page);
    CHECK_INT(region[7 * page], 0);
    memset(region, 1, 8 * page);
    cow_copy(&image, region, 8 * page);
    CHECK_MEM(region, large, 6 * page);
    pages_release(region, 8 * page);
    pages_release(large, 6 * page);
    cow_image_free(&image);
}

static void fork_and_use(bool uses_stay)
{
    struct world w;
    REQUIRE(open_engine(&w, "(module (memory (export \"m\") 2) (data (i32.const 0) \"abc\"))"));
    w.config.uses_stay = uses_stay;
    REQUIRE(open_pool(&w));
    pool_give(w.pool, take(&w));
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        struct stint_instance *instance = NULL;
        bool fine = pool_take(w.pool, &instance, &w.error) == STINT_OK;
        if (fine) {
            uint8_t *base = instance->memories[0]->base;
            base[0] = 'x';
            base[70000] = 1;
            pool_give(w.pool, instance);
            fine = memcmp(base, "abc", 3) == 0 && base[70000] == 0;
        }
        _exit(fine ? 0 : 1);
    }
    int result = -1;
    waitpid(child, &result, 0);
    CHECK_INT(result, 0);
    close_world(&w);
}

TEST(a_forked_process_asks_about_its_own_pages)
{
    fork_and_use(false);
    fork_and_use(true);
}

CHECK_MAIN
