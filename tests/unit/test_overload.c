/* SPDX-License-Identifier: Apache-2.0 */
#include "app/overload.h"
#include "check.h"

enum { SERVICE_NS = 40000, CHEAP_NS = 20000, REFUSAL_NS = 8000 };

/* One round with so many requests that are ready; how many were served. */
static uint32_t round_of_service(struct overload *overload, uint64_t *now_ns, uint32_t ready,
                                 uint64_t service_ns)
{
    uint32_t served = 0;
    for (uint32_t i = 0; i < ready; i++) {
        bool is_refused = overload_refuses(overload, 0, *now_ns);
        served += !is_refused;
        *now_ns += is_refused ? REFUSAL_NS : service_ns;
    }
    overload_round(overload, 0, *now_ns);
    return served;
}

static uint32_t round_of(struct overload *overload, uint64_t *now_ns, uint32_t ready)
{
    return round_of_service(overload, now_ns, ready, SERVICE_NS);
}

TEST(what_can_be_served_is)
{
    struct overload overload = {0};
    uint64_t now_ns = 1000000000;
    for (int i = 0; i < 10000; i++)
        CHECK_INT(round_of(&overload, &now_ns, 32), 32);
    CHECK_INT(overload.mean_ns, SERVICE_NS);
}

TEST(bursts_are_served)
{
    struct overload overload = {0};
    uint64_t now_ns = 1000000000;
    for (int i = 0; i < 20; i++) {
        CHECK_INT(round_of(&overload, &now_ns, 450), 450); /* 18 ms */
        now_ns += 60000000;
        for (int j = 0; j < 100; j++)
            CHECK_INT(round_of(&overload, &now_ns, 1), 1);
    }
}

TEST(overload_is_refused_soon_and_not_for_longer)
{
    struct overload overload = {0};
    uint64_t now_ns = 1000000000, begin_ns = now_ns;
    uint32_t served = 512;
    for (int i = 0; served == 512 && i < 1000; i++)
        served = round_of(&overload, &now_ns, 512);
    CHECK(now_ns - begin_ns > 20000000 && now_ns - begin_ns < 50000000);
    /* The rest of such rounds goes at once, and some are served in each. */
    for (int i = 0; i < 1000; i++) {
        uint64_t before_ns = now_ns;
        served = round_of(&overload, &now_ns, 512);
        CHECK(served >= OVERLOAD_REQUESTS && served <= 2 * OVERLOAD_REQUESTS);
        CHECK(now_ns - before_ns < 512 * (uint64_t)REFUSAL_NS + 2000000);
    }
    /* Then fewer come. */
    CHECK_INT(round_of(&overload, &now_ns, 8), 8);
    for (int i = 0; i < 100; i++)
        CHECK_INT(round_of(&overload, &now_ns, 32), 32);
}

TEST(what_takes_little_more_than_a_refusal_is_served)
{
    struct overload overload = {0};
    uint64_t now_ns = 1000000000;
    for (int i = 0; i < 1000; i++)
        CHECK_INT(round_of_service(&overload, &now_ns, 512, CHEAP_NS), 512);
    /* Ten thousand connections are too many for it. */
    for (int i = 0; i < 100; i++)
        (void)round_of_service(&overload, &now_ns, 10000, CHEAP_NS);
    uint64_t before_ns = now_ns;
    CHECK(round_of_service(&overload, &now_ns, 10000, CHEAP_NS) < 1000);
    CHECK(now_ns - before_ns < 10000 * (uint64_t)REFUSAL_NS + 16000000);
}

TEST(slow_functions_have_more_time)
{
    struct overload overload = {0};
    uint64_t now_ns = 1000000000;
    for (int i = 0; i < 1000; i++) {
        for (int j = 0; j < 32; j++) {
            CHECK(!overload_refuses(&overload, 0, now_ns));
            now_ns += 5000000;
        }
        overload_round(&overload, 0, now_ns);
    }
}

TEST(few_clients_are_never_refused)
{
    struct overload overload = {0};
    uint64_t now_ns = 1000000000;
    for (int i = 0; i < 1000; i++) {
        CHECK_INT(round_of(&overload, &now_ns, 31), 31);
        now_ns += 1000;
        if (i > 100) /* others have the processor */
            (void)overload_refuses(&overload, 0, now_ns += 300000000);
    }
}

/* ---- Functions that take turns ----------------------------------------------------------- */

enum { SLICE_NS = 100000, SLICES = 5, TASKS_MAX = 1024 };

/* A loop whose functions run for several slices each. */
struct turns {
    struct overload overload;
    uint64_t now_ns;
    uint32_t left[TASKS_MAX]; /* slices */
    uint32_t count, served, refused;
};

static void turn(struct turns *t, uint32_t arrivals)
{
    for (uint32_t i = 0; i < arrivals && t->count < TASKS_MAX; i++) {
        bool is_refused = overload_refuses(&t->overload, t->count, t->now_ns);
        *(is_refused ? &t->refused : &t->served) += 1;
        t->now_ns += is_refused ? REFUSAL_NS : SLICE_NS;
        if (!is_refused)
            t->left[t->count++] = SLICES - 1;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        t->now_ns += SLICE_NS;
        if (--t->left[i] > 0)
            t->left[kept++] = t->left[i];
    }
    t->count = kept;
    overload_round(&t->overload, kept, t->now_ns);
}

TEST(functions_that_take_turns_are_not_too_many)
{
    static struct turns t;
    t = (struct turns){.now_ns = 1000000000};
    /* As many as can be served: four fifths of them are there at a time. */
    for (int i = 0; i < 2000; i++)
        turn(&t, i % SLICES == 0 ? 25 : 0);
    CHECK_INT(t.refused, 0);
    CHECK_INT(t.overload.mean_ns / 100000, SLICES);
    /* A burst is served. */
    for (int i = 0; i < 200; i++)
        turn(&t, i == 0 ? 500 : 0);
    CHECK_INT(t.refused, 0);
    /* Twice as many as can be, for long: a request comes every 250 us. */
    uint64_t due_ns = t.now_ns, end_ns = t.now_ns + 5000000000;
    uint32_t most = 0;
    for (t.served = 0; t.now_ns < end_ns;) {
        uint32_t arrivals = 0;
        for (; due_ns <= t.now_ns; due_ns += SLICE_NS * SLICES / 2)
            arrivals++;
        turn(&t, arrivals);
        if (t.now_ns > end_ns - 4000000000 && t.count > most)
            most = t.count;
    }
    CHECK(most <= 2 * OVERLOAD_REQUESTS);
    CHECK(most >= OVERLOAD_REQUESTS / 2);
    CHECK(t.served > 9000); /* nearly all that fits */
}

TEST(a_second_without_it_ends_it)
{
    struct overload overload = {0};
    uint64_t now_ns = 1000000000;
    for (int i = 0; i < 100; i++)
        (void)round_of(&overload, &now_ns, 512);
    now_ns += 10000000; /* a gap */
    CHECK(round_of(&overload, &now_ns, 512) <= 2 * OVERLOAD_REQUESTS);
    now_ns += 1100000000;
    CHECK_INT(round_of(&overload, &now_ns, 512), 512);
    /* The same where some always come. */
    for (int i = 0; i < 100; i++)
        (void)round_of(&overload, &now_ns, 512);
    for (int i = 0; i < 1100; i++) {
        CHECK_INT(round_of(&overload, &now_ns, 20), 20);
        now_ns += 600000;
    }
    CHECK_INT(round_of(&overload, &now_ns, 512), 512);
}

CHECK_MAIN
