/* SPDX-License-Identifier: Apache-2.0 */
/* Fuel slices, deadlines, interruption. */
#include "os/clock.h"
#include "runtime_stub.h"

/* An engine in small: charges `cost` so many times, as long as there is fuel. */
struct meter {
    struct stint_store *store;
    struct exec *exec;
    int64_t left;
    enum stint_status status;
    struct stint_error error;
    uint64_t charges; /* that went through */
};

static void charge(struct meter *m, uint64_t cost, uint64_t times)
{
    for (uint64_t i = 0; i < times && m->status == STINT_OK; i++) {
        m->left -= (int64_t)cost;
        if (m->left < 0) {
            int64_t slice = 0;
            m->status = rt_fuel_next_slice(m->store, (uint64_t)-m->left, &slice, &m->error);
            m->left = slice;
        }
        m->charges += m->status == STINT_OK;
        m->exec->pending = m->store->fuel_slice - (uint64_t)m->left;
    }
}

static void finish(struct meter *m)
{
    rt_fuel_return(m->store, m->left);
    m->left = 0;
    m->exec->pending = 0;
}

static bool open_meter(struct world *w, struct meter *m)
{
    struct engine_config config = engine_config_default();
    config.is_metered = true;
    memset(m, 0, sizeof(*m));
    if (!CHECK(world_open(w, &config, NULL)) ||
        !CHECK(stub_exec_create(w->store, &w->store->exec) == STINT_OK))
        return false;
    m->store = w->store;
    m->exec = w->store->exec;
    return true;
}

TEST(fuel_counts_what_was_charged)
{
    struct world w;
    struct meter m;
    REQUIRE(open_meter(&w, &m));
    charge(&m, 7, 100000);
    CHECK_INT(m.status, STINT_OK);
    CHECK_INT(rt_fuel_used(w.store), 700000);
    finish(&m);
    CHECK_INT(rt_fuel_used(w.store), 700000);
    charge(&m, 1, 1);
    CHECK_INT(rt_fuel_used(w.store), 700001);
    world_close(&w);
}

TEST(fuel_ends_at_the_same_place_however_slices_fall)
{
    for (uint64_t first = 1; first < 4 * FUEL_SLICE; first = first * 3 + 1) {
        struct world w;
        struct meter m;
        REQUIRE(open_meter(&w, &m));
        rt_fuel_set(w.store, 1000003);
        /* Another call before, so that slices start elsewhere. */
        charge(&m, first, 1);
        finish(&m);
        charge(&m, 10, UINT64_MAX);
        CHECK_INT(m.status, STINT_FUEL);
        CHECK_INT(m.charges, 1 + (1000003 - first) / 10);
        CHECK_INT(rt_fuel_used(w.store), 1000003);
        world_close(&w);
    }
}

TEST(fuel_can_be_exactly_enough)
{
    struct world w;
    struct meter m;
    REQUIRE(open_meter(&w, &m));
    rt_fuel_set(w.store, 5);
    charge(&m, 5, 1);
    CHECK_INT(m.status, STINT_OK);
    charge(&m, 1, 1);
    CHECK_INT(m.status, STINT_FUEL);
    CHECK_STR(m.error.message, "fuel used up after 5 operators");
    CHECK_INT(rt_fuel_used(w.store), 5);
    /* More of it, and it goes on. */
    m.status = STINT_OK;
    rt_fuel_set(w.store, 500000);
    charge(&m, 1, 499999);
    CHECK_INT(m.status, STINT_OK);
    rt_fuel_set(w.store, UINT64_MAX);
    charge(&m, 1, 499999);
    CHECK_INT(m.status, STINT_OK);
    CHECK_INT(rt_fuel_used(w.store), 5 + 2 * 499999);
    world_close(&w);
}

TEST(fuel_can_be_set_between_calls)
{
    struct world w;
    struct meter m;
    REQUIRE(open_meter(&w, &m));
    charge(&m, 1, 1000);
    finish(&m);
    rt_fuel_set(w.store, 100);
    charge(&m, 1, 1000);
    CHECK_INT(m.status, STINT_FUEL);
    CHECK_INT(m.charges, 1100);
    CHECK_INT(rt_fuel_used(w.store), 1100);
    world_close(&w);
}

TEST(interrupts_and_deadlines_end_a_slice)
{
    struct world w;
    struct meter m;
    REQUIRE(open_meter(&w, &m));
    rt_interrupt(w.store);
    charge(&m, 1, 1);
    CHECK_INT(m.status, STINT_INTERRUPTED);
    m.status = STINT_OK;
    charge(&m, 1, 1);
    CHECK_INT(m.status, STINT_OK);
    rt_timeout_set(w.store, 1);
    charge(&m, 1, UINT64_MAX);
    CHECK_INT(m.status, STINT_TIMEOUT);
    rt_timeout_set(w.store, 0);
    m.status = STINT_OK;
    charge(&m, 1, 2 * FUEL_SLICE);
    CHECK_INT(m.status, STINT_OK);
    rt_timeout_set(w.store, UINT64_MAX);
    CHECK(w.store->deadline_ns == UINT64_MAX);
    world_close(&w);
}

CHECK_MAIN
