/* SPDX-License-Identifier: Apache-2.0 */
/* Fibers by themselves: os/fiber.h. */
#include "os/fiber.h"

#include <stdlib.h>

#include "check.h"
#include "os/thread.h"

enum { MANY = 10000 };

static struct fiber_pool *make_pool(uint32_t keep, uint32_t max)
{
    struct fiber_config config = fiber_config_default();
    struct fiber_pool *pool = NULL;
    config.stacks_keep = keep;
    config.stacks_max = max;
    if (!CHECK_INT(fiber_pool_create(&config, &pool), STINT_OK))
        exit(1);
    return pool;
}

struct counter {
    int steps, done;
    struct fiber *seen;
};

static void count(void *arg)
{
    struct counter *counter = arg;
    counter->seen = fiber_current();
    for (int i = 0; i < counter->steps; i++) {
        counter->done++;
        fiber_suspend();
    }
    counter->done += 100;
}

TEST(runs_until_it_suspends)
{
    struct fiber_pool *pool = make_pool(4, 4);
    struct counter counter = {.steps = 2};
    struct fiber *fiber = NULL;
    CHECK(fiber_current() == NULL);
    REQUIRE(fiber_start(pool, count, &counter, &fiber) == STINT_OK);
    CHECK(fiber != NULL && counter.seen == fiber && fiber_current() == NULL);
    CHECK_INT(counter.done, 1);
    CHECK(fiber_resume(fiber));
    CHECK_INT(counter.done, 2);
    CHECK(!fiber_resume(fiber));
    CHECK_INT(counter.done, 102);
    fiber_pool_free(pool);
}

TEST(ends_at_once)
{
    struct fiber_pool *pool = make_pool(4, 4);
    struct counter counter = {0};
    struct fiber *fiber = (struct fiber *)&counter;
    for (int i = 1; i <= 1000; i++) {
        REQUIRE(fiber_start(pool, count, &counter, &fiber) == STINT_OK);
        CHECK(fiber == NULL);
        CHECK_INT(counter.done, i * 100);
    }
    fiber_pool_free(pool);
}

TEST(takes_no_more_stacks_than_allowed)
{
    struct fiber_pool *pool = make_pool(1, 3);
    struct counter counters[4] = {{1, 0}, {1, 0}, {1, 0}, {1, 0}};
    struct fiber *fibers[4] = {NULL};
    for (int i = 0; i < 3; i++)
        REQUIRE(fiber_start(pool, count, &counters[i], &fibers[i]) == STINT_OK);
    CHECK_INT(fiber_start(pool, count, &counters[3], &fibers[3]), STINT_LIMIT);
    CHECK(fibers[3] == NULL && counters[3].done == 0);
    CHECK(!fiber_resume(fibers[1]));
    CHECK_INT(fiber_start(pool, count, &counters[3], &fibers[3]), STINT_OK);
    CHECK(!fiber_resume(fibers[3]));
    CHECK(!fiber_resume(fibers[0]));
    CHECK(!fiber_resume(fibers[2]));
    fiber_pool_free(pool);
}

TEST(refuses_tiny_stacks)
{
    struct fiber_config config = {.stack_bytes = 4096, .stacks_max = 1};
    struct fiber_pool *pool = NULL;
    CHECK_INT(fiber_pool_create(&config, &pool), STINT_LIMIT);
    CHECK(pool == NULL);
    config.stack_bytes = SIZE_MAX;
    CHECK_INT(fiber_pool_create(&config, &pool), STINT_LIMIT);
    fiber_pool_free(NULL);
}

TEST(ten_thousand_in_any_order)
{
    struct fiber_pool *pool = make_pool(64, MANY);
    static struct counter counters[MANY];
    static struct fiber *fibers[MANY];
    uint32_t random = 1;
    for (int i = 0; i < MANY; i++) {
        counters[i] = (struct counter){.steps = 1 + i % 3};
        REQUIRE(fiber_start(pool, count, &counters[i], &fibers[i]) == STINT_OK);
    }
    int alive = MANY;
    while (alive > 0) {
        random = random * 1664525 + 1013904223;
        int i = (int)(random >> 8) % alive;
        if (fiber_resume(fibers[i]))
            continue;
        fibers[i] = fibers[--alive];
    }
    for (int i = 0; i < MANY; i++) {
        if (counters[i].done != 101 + i % 3)
            CHECK_INT(counters[i].done, 101 + i % 3);
    }
    fiber_pool_free(pool);
}

/* ---- What each has for itself ---------------------------------------------------------------------- */

struct sums {
    double value;
    uint64_t words[6];
    void *local;
    int steps;
};

/* Values in many registers, and a pointer of the fiber's own, survive the others' runs. */
static void add_up(void *arg)
{
    struct sums *sums = arg;
    uint64_t a = sums->words[0], b = a * 3, c = a * 5, d = a * 7, e = a * 11, f = a * 13;
    double value = sums->value;
    CHECK(fiber_local == NULL);
    fiber_local = sums;
    for (int i = 0; i < sums->steps; i++) {
        fiber_suspend();
        a++, b += 2, c += 3, d += 4, e += 5, f += 6;
        value *= 1.5;
        sums->local = fiber_local;
        if (sums->local != sums)
            return;
    }
    uint64_t words[6] = {a, b, c, d, e, f};
    memcpy(sums->words, words, sizeof(words));
    sums->value = value;
}

TEST(keeps_registers_and_its_own_pointer)
{
    enum { COUNT = 20, STEPS = 10 };
    struct fiber_pool *pool = make_pool(COUNT, COUNT);
    struct sums sums[COUNT];
    struct fiber *fibers[COUNT];
    int mine = 0;
    fiber_local = &mine;
    for (int i = 0; i < COUNT; i++) {
        sums[i] = (struct sums){.value = i, .words = {(uint64_t)i}, .steps = STEPS};
        REQUIRE(fiber_start(pool, add_up, &sums[i], &fibers[i]) == STINT_OK);
    }
    for (int step = 0; step < STEPS; step++) {
        for (int i = COUNT - 1; i >= 0; i--)
            CHECK(fiber_resume(fibers[i]) == (step < STEPS - 1));
    }
    CHECK(fiber_local == &mine);
    fiber_local = NULL;
    for (uint64_t i = 0; i < COUNT; i++) {
        double value = (double)i;
        for (int step = 0; step < STEPS; step++)
            value *= 1.5;
        CHECK(sums[i].value == value);
        CHECK(sums[i].local == &sums[i]);
        const uint64_t factors[6] = {1, 3, 5, 7, 11, 13};
        for (uint64_t k = 0; k < 6; k++)
            CHECK_INT(sums[i].words[k], i * factors[k] + STEPS * (k + 1));
    }
    fiber_pool_free(pool);
}

/* ---- Stacks ----------------------------------------------------------------------------------------- */

struct depth {
    size_t left, left_deep, bytes;
};

static __attribute__((noinline)) size_t go_deep(volatile uint8_t *above, size_t bytes)
{
    volatile uint8_t room[1024];
    room[0] = above[0];
    size_t left = bytes > sizeof(room) ? go_deep(room, bytes - sizeof(room)) : fiber_stack_left();
    room[1] = room[0];
    return left;
}

static void measure(void *arg)
{
    struct depth *depth = arg;
    volatile uint8_t start[1] = {1};
    depth->left = fiber_stack_left();
    depth->left_deep = go_deep(start, depth->bytes);
}

TEST(tells_how_much_stack_is_left)
{
    struct fiber_pool *pool = make_pool(2, 2);
    struct depth depth = {.bytes = 60 << 10};
    struct fiber *fiber;
    REQUIRE(fiber_start(pool, measure, &depth, &fiber) == STINT_OK);
    CHECK(depth.left <= 256 << 10 && depth.left > 250 << 10);
    CHECK(depth.left_deep < depth.left - depth.bytes);
    fiber_pool_free(pool);

    struct depth own = {.bytes = 60 << 10};
    measure(&own);
    CHECK(own.left > 256 << 10 && own.left != SIZE_MAX);
    CHECK(own.left_deep < own.left - own.bytes);
}

static void find_place(void *arg)
{
    *(uintptr_t *)arg = (uintptr_t)__builtin_frame_address(0);
    fiber_suspend();
}

TEST(stacks_are_used_again)
{
    struct fiber_pool *pool = make_pool(1, 2);
    uintptr_t first = 0, second = 1;
    struct fiber *fiber;
    REQUIRE(fiber_start(pool, find_place, &first, &fiber) == STINT_OK);
    CHECK(!fiber_resume(fiber));
    REQUIRE(fiber_start(pool, find_place, &second, &fiber) == STINT_OK);
    CHECK(!fiber_resume(fiber));
    CHECK(first == second);
    fiber_pool_free(pool);
}

struct deep_page {
    const uint8_t *low;
    volatile uint8_t *at;
    uint8_t before;
};

/* Writes far below, past what a kept stack keeps. */
static void dirty(void *arg)
{
    struct deep_page *page = arg;
    volatile uint8_t start[1] = {0x5a};
    page->at = (volatile uint8_t *)__builtin_frame_address(0) - (100 << 10);
    page->before = *page->at;
    (void)go_deep(start, 120 << 10);
    *page->at = 0x5a;
}

TEST(kept_stacks_give_deep_pages_back)
{
    struct fiber_pool *pool = make_pool(1, 1);
    struct deep_page page = {0};
    struct fiber *fiber;
    for (int i = 0; i < 3; i++) {
        REQUIRE(fiber_start(pool, dirty, &page, &fiber) == STINT_OK);
        CHECK_INT(page.before, 0);
    }
    fiber_pool_free(pool);
}

/* ---- Threads ---------------------------------------------------------------------------------------- */

static void thread_main(void *context)
{
    struct fiber_pool *pool = make_pool(2, 50);
    struct counter counters[50];
    struct fiber *fibers[50];
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 50; i++) {
            counters[i] = (struct counter){.steps = 1};
            CHECK(fiber_start(pool, count, &counters[i], &fibers[i]) == STINT_OK);
        }
        for (int i = 0; i < 50; i++)
            CHECK(!fiber_resume(fibers[i]) && counters[i].done == 101);
    }
    fiber_pool_free(pool);
    *(bool *)context = true;
}

TEST(each_thread_has_its_own)
{
    bool done[3] = {false};
    struct thread threads[3];
    for (int i = 0; i < 3; i++)
        REQUIRE(thread_start(&threads[i], thread_main, &done[i], false));
    for (int i = 0; i < 3; i++) {
        thread_join(&threads[i]);
        CHECK(done[i]);
    }
}

CHECK_MAIN
