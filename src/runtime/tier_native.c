/* SPDX-License-Identifier: Apache-2.0 */
/* What is compiled before a module runs, and where it is seen to be hot. */
#include <string.h>

#include "base/buf.h"
#include "os/clock.h"
#include "runtime/block.h"
#include "runtime/native.h"
#include "runtime/tier_int.h"

struct tier_config tier_config_default(void)
{
    return (struct tier_config){
        .mode = TIER_INTERP, .opt_level = 2, .uses_cache = true, .is_looked_up = true};
}

static struct tier *make_tier(struct stint_module *module)
{
    struct alloc *alloc = &module->engine->alloc;
    struct tier *tier = alloc_get_zeroed(alloc, 1, sizeof(*tier));
    if (tier == NULL)
        return NULL;
    tier->own_count = module->wasm->func_count - module->wasm->import_func_count;
    tier->heat_bytes = (size_t)tier->own_count * (sizeof(*tier->heat) + sizeof(*tier->seen) + 3);
    tier->heat = block_get(alloc, tier->heat_bytes);
    if (tier->heat == NULL) {
        alloc_put(alloc, tier, sizeof(*tier));
        return NULL;
    }
    tier->seen = tier->heat + tier->own_count;
    tier->is_requested = (uint8_t *)(tier->seen + tier->own_count);
    tier->is_entered = tier->is_requested + tier->own_count;
    tier->is_once = tier->is_entered + tier->own_count;
    tier->module = module;
    tier->begin_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    tier->random = module->engine->config.tier.seed * 0x9e3779b97f4a7c15 + module->wasm->size_bytes;
    tier->hot.tier = tier->whole.tier = tier;
    tier->whole.is_whole = true;
    atomic_init(&tier->slices_to_whole, 0);
    atomic_init(&tier->is_stopping, false);
    lock_init(&tier->lock);
    condition_init(&tier->changed);
    return tier;
}

/* Threads that race here at their first slice agree on one. */
struct tier *tier_of(struct stint_module *module)
{
    struct tier *tier = __atomic_load_n(&module->tier, __ATOMIC_ACQUIRE);
    if (tier != NULL)
        return tier;
    struct tier *made = make_tier(module);
    if (made == NULL)
        return NULL;
    if (__atomic_compare_exchange_n(&module->tier, &tier, made, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return made;
    tier_free(made);
    return tier;
}

void tier_free(struct tier *tier)
{
    struct alloc *alloc = &tier->module->engine->alloc;
    block_put(alloc, tier->heat, tier->heat_bytes);
    alloc_put(alloc, tier->loops, tier->loop_capacity * sizeof(*tier->loops));
    condition_free(&tier->changed);
    lock_free(&tier->lock);
    alloc_put(alloc, tier, sizeof(*tier));
}

bool tier_is_whole(const struct tier *tier)
{
    struct native_code_ref known;
    for (uint32_t i = 0; i < tier->own_count; i++) {
        if (!native_find(tier->module, i, &known))
            return false;
    }
    return true;
}

/* ---- Before the module runs -------------------------------------------------------------------- */

/* Whether the module has machine code already: given when it was made (struct module_known), or found
 * in the cache now. In mode aot it has to hold all functions. */
static bool has_code(struct stint_module *module)
{
    const struct tier_config *config = &module->engine->config.tier;
    bool is_whole = config->mode == TIER_JIT;
    bool is_given = atomic_load_explicit(&module->native, memory_order_acquire) != NULL;
    if (!is_given &&
        (!config->uses_cache || !config->is_looked_up || config->source->find(module) != STINT_OK))
        return false;
    struct tier *tier = tier_of(module);
    if (tier != NULL) {
        tier->stats.cached++;
        tier->is_looked_up = true;
        if (config->mode == TIER_JIT && !config->is_synchronous && tier_is_small(tier))
            atomic_store(&tier->slices_to_whole, TIER_WHOLE_SLICES);
        is_whole = is_whole || tier_is_whole(tier);
    }
    return is_whole;
}

static enum stint_status compile_all(struct stint_module *module, struct stint_error *error)
{
    const struct tier_config *config = &module->engine->config.tier;
    struct tier *tier = tier_of(module);
    if (tier == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory to compile the module");
    struct tier_request request = {.is_kept = config->uses_cache};
    uint64_t start_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    enum stint_status status = config->source->compile(module, &request, error);
    tier->stats.compile_ns += clock_now_ns(OS_CLOCK_MONOTONIC) - start_ns;
    if (status != STINT_OK)
        return status;
    tier->stats.images++;
    tier->stats.functions += tier->own_count;
    return STINT_OK;
}

enum stint_status tier_module_begin(struct stint_module *module, struct stint_error *error)
{
    const struct tier_config *config = &module->engine->config.tier;
    if (config->mode == TIER_INTERP || module->wasm->func_count == module->wasm->import_func_count)
        return STINT_OK;
    if (config->source == NULL && config->mode == TIER_JIT)
        return STINT_OK;
    if (config->source == NULL)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "this build runs no machine code");
    if (has_code(module) || config->mode == TIER_JIT)
        return STINT_OK;
    return compile_all(module, error);
}

void tier_module_end(struct stint_module *module)
{
    struct tier *tier = module->tier;
    if (tier == NULL)
        return;
    tier_jobs_end(tier);
    tier_free(tier);
    module->tier = NULL;
}

void tier_module_stats(const struct stint_module *module, struct tier_stats *ret_stats)
{
    struct tier *tier = __atomic_load_n(&module->tier, __ATOMIC_ACQUIRE);
    memset(ret_stats, 0, sizeof(*ret_stats));
    if (tier == NULL)
        return;
    lock_take(&tier->lock);
    *ret_stats = tier->stats;
    lock_give(&tier->lock);
}

/* ---- While it is interpreted --------------------------------------------------------------------- */

bool tier_is_sampled(const struct stint_engine *engine)
{
    return engine->config.tier.mode == TIER_JIT && engine->config.tier.source != NULL;
}

/* xorshift64*: the same numbers for the same seed. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state != 0 ? *state : 1;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1d >> 33;
}

static struct hot_loop *find_loop(struct tier *tier, uint32_t own_index, uint32_t cell)
{
    for (size_t i = 0; i < tier->loop_count; i++) {
        if (tier->loops[i].own_index == own_index && tier->loops[i].cell == cell)
            return &tier->loops[i];
    }
    return NULL;
}

/* The record of a loop, made now if it is new; NULL when it is no loop, or there are too many. */
static struct hot_loop *note_loop(struct tier *tier, const struct tier_spot *spot)
{
    struct hot_loop *loop = find_loop(tier, spot->own_index, spot->cell);
    struct stint_module *module = tier->module;
    uint32_t offset;
    if (loop == NULL && tier->loop_count < TIER_LOOPS_MAX &&
        module->engine->ops->loop_offset(module->code, spot->own_index, spot->cell, &offset) &&
        vec_reserve(&module->engine->alloc, &tier->loops, &tier->loop_capacity,
                    tier->loop_count + 1, sizeof(*tier->loops))) {
        loop = &tier->loops[tier->loop_count++];
        *loop = (struct hot_loop){
            .own_index = spot->own_index, .cell = spot->cell, .loop_offset = offset};
    }
    return loop;
}

/* Whether what runs here is reason for a compilation. */
static bool is_new(struct tier *tier, uint32_t own_index, const struct hot_loop *loop)
{
    if (!tier->is_requested[own_index] && !tier->is_once[own_index])
        return true;
    if (loop == NULL || loop->is_requested)
        return false;
    if (tier->is_once[own_index] && !tier->is_entered[own_index])
        return true;
    /* It may leave this loop for one that has an entry, or return. */
    if (!tier->hot.is_running)
        tier->stuck_samples++;
    return tier->stuck_samples >= TIER_STUCK_SAMPLES;
}

/* Counts a frame; the loop's record when it stands at one. */
static struct hot_loop *note_spot(struct tier *tier, const struct tier_spot *spot,
                                  bool is_innermost)
{
    if (is_innermost)
        tier->ticks++;
    struct hot_loop *loop = spot->cell != TIER_NO_LOOP ? note_loop(tier, spot) : NULL;
    if (loop != NULL) {
        loop->samples++;
        loop->seen = tier->ticks;
    }
    tier->stats.samples++;
    tier->heat[spot->own_index]++;
    tier->seen[spot->own_index] = tier->ticks;
    if (is_innermost && is_new(tier, spot->own_index, loop))
        tier->new_samples++;
    return loop;
}

/* The entry for the innermost frame; the lock is held. */
static const void *find_entry(struct tier *tier, struct tier_steps *steps,
                              const struct tier_spot *spot, const struct hot_loop *loop)
{
    const void *entry = NULL;
    if (loop != NULL)
        entry = native_find_osr(tier->module, loop->own_index, loop->loop_offset);
    if (entry != NULL)
        tier->stats.loop_entries++;
    steps->next =
        entry == NULL &&
        (tier->steps_look > 0 ||
         (tier->steps_enter > 0 && tier->is_entered[spot->own_index] && !tier->hot.is_running));
    return entry;
}

/* A slice that was only a step says nothing about time. */
static const void *step(struct tier *tier, struct tier_steps *steps, const struct tier_spot *spot)
{
    struct hot_loop *loop = spot->cell != TIER_NO_LOOP ? note_loop(tier, spot) : NULL;
    if (tier->steps_look > 0)
        tier->steps_look--;
    else if (tier->steps_enter > 0)
        tier->steps_enter--;
    if (loop != NULL)
        loop->passes++;
    return find_entry(tier, steps, spot, loop);
}

static const void *sample(struct tier *tier, struct tier_steps *steps, const struct tier_spot *spot)
{
    uint64_t seed = tier->module->engine->config.tier.seed;
    struct hot_loop *loop = note_spot(tier, spot, true);
    if (seed == 0 || next_random(&tier->random) % 4 == 0)
        tier_consider(tier);
    if (!tier->has_looked && tier->ticks >= TIER_LOOK_TICKS && tier->hot_jobs == 0 &&
        tier->hot.is_running) {
        tier->has_looked = true;
        tier->steps_look = TIER_STEPS_LOOK;
    }
    return find_entry(tier, steps, spot, loop);
}

/* There are thousands of steps, and a look at a frame takes a lock. */
size_t tier_spots_wanted(const struct tier_steps *steps)
{
    return steps->ended ? 1 : TIER_SPOTS_MAX;
}

const void *tier_sample(struct tier_steps *steps, const struct tier_spot *spots, size_t count)
{
    const void *entry = NULL;
    bool was_step = steps->ended;
    for (size_t i = 0; i < count; i++) {
        struct tier *tier = tier_of(spots[i].module);
        if (tier == NULL)
            continue;
        lock_take(&tier->lock);
        if (i > 0)
            (void)note_spot(tier, &spots[i], false);
        else
            entry = was_step ? step(tier, steps, &spots[i]) : sample(tier, steps, &spots[i]);
        lock_give(&tier->lock);
    }
    return entry;
}

/* A run that the cache's images cover is never seen in the interpreter: without this they would stay
 * as they are, with calls between one and the other, and what they lack interpreted. */
void tier_native_slice(struct stint_module *module)
{
    struct tier *tier = __atomic_load_n(&module->tier, __ATOMIC_ACQUIRE);
    if (tier == NULL)
        return;
    unsigned left = atomic_load_explicit(&tier->slices_to_whole, memory_order_relaxed);
    if (left == 0 || !atomic_compare_exchange_strong(&tier->slices_to_whole, &left, left - 1) ||
        left > 1)
        return;
    lock_take(&tier->lock);
    tier_complete(tier);
    lock_give(&tier->lock);
}

void tier_first_call(struct stint_module *module, uint32_t own_index)
{
    const struct tier_config *config = &module->engine->config.tier;
    if (!config->is_synchronous || !tier_is_sampled(module->engine))
        return;
    struct tier *tier = tier_of(module);
    if (tier == NULL)
        return;
    lock_take(&tier->lock);
    if (!tier->is_requested[own_index] &&
        (config->seed == 0 || next_random(&tier->random) % 2 == 0)) {
        tier->is_requested[own_index] = 1;
        tier_compile_now(tier, &own_index, 1, NULL, 0);
    }
    lock_give(&tier->lock);
}

uint64_t tier_slice(struct stint_engine *engine, struct tier_steps *steps, uint64_t slice)
{
    static _Thread_local uint64_t random;
    steps->ended = steps->running;
    steps->running = steps->next;
    steps->next = false;
    if (steps->running && slice > 0)
        return 1;
    if (engine->config.tier.seed == 0 || slice == 0)
        return slice;
    if (random == 0)
        random = engine->config.tier.seed;
    uint64_t size = 1 + next_random(&random) % 2000;
    return size < slice ? size : slice;
}
