/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compilations in the background. The first one of a module takes what was sampled and what else has
 * run so far, as far as that is little, so that it is there soon; then, unless the module is large,
 * a second takes everything, to be kept in the cache. What gets hot meanwhile goes first: the second
 * waits for it wherever it reports progress.
 */
#include <string.h>

#include "os/clock.h"
#include "os/pages.h"
#include "runtime/native.h"
#include "runtime/tier_int.h"

/* ---- The work -------------------------------------------------------------------------------------- */

/* Between two pieces of the work; runs in threads of the compiler. */
static int on_progress(void *context, uint32_t done, uint32_t total)
{
    struct tier_job *job = context;
    struct tier *tier = job->tier;
    (void)done;
    (void)total;
    if (job->is_whole) {
        lock_take(&tier->lock);
        while (tier->hot.is_running && !atomic_load(&tier->is_stopping))
            condition_wait(&tier->changed, &tier->lock);
        lock_give(&tier->lock);
    }
    return atomic_load(&tier->is_stopping) ? 1 : 0;
}

static enum stint_status make_image(struct tier *tier, const struct tier_request *request)
{
    return tier->module->engine->config.tier.source->compile(tier->module, request, NULL);
}

/* Books the end of a compilation; the lock is held. */
static void conclude(struct tier *tier, const struct tier_request *request,
                     enum stint_status status, uint64_t start_ns)
{
    struct tier_stats *stats = &tier->stats;
    stats->compile_ns += clock_now_ns(OS_CLOCK_MONOTONIC) - start_ns;
    if (status != STINT_OK) {
        stats->failures++;
        /* Without a compiler there is no use in trying again. */
        if (status == STINT_NOT_FOUND || stats->failures >= TIER_FAILURES_MAX)
            tier->is_given_up = true;
        return;
    }
    stats->images++;
    stats->loops += request->loop_count;
    stats->functions += request->functions != NULL ? request->function_count : tier->own_count;
    if (request->functions == NULL)
        tier->is_whole_made = true;
}

static void job_clear(struct tier_job *job)
{
    pages_release(job->functions, job->functions_bytes);
    pages_release(job->loops, job->loops_bytes);
    job->functions = NULL;
    job->loops = NULL;
}

static bool is_small(const struct tier *tier)
{
    return tier->module->wasm->size_bytes <= TIER_SMALL_BYTES;
}

static bool want_whole(const struct tier *tier)
{
    return is_small(tier) && !tier->is_whole_made && !tier->whole.is_started &&
           !tier->is_given_up && !atomic_load(&tier->is_stopping) && !tier_is_whole(tier);
}

static void start_whole(struct tier *tier);
static bool next_hot(struct tier *tier);

/* The first work of the thread: code out of the cache, or else the compiler. True: there is a job
 * already. */
static bool ready(struct tier *tier)
{
    const struct tier_config *config = &tier->module->engine->config.tier;
    bool is_found = config->uses_cache && !tier->is_looked_up &&
                    config->source->find(tier->module) == STINT_OK;
    if (!is_found && !atomic_load(&tier->is_stopping) && config->source->prepare != NULL)
        config->source->prepare();
    lock_take(&tier->lock);
    tier->is_readied = tier->is_looked_up = true;
    tier->stats.cached += is_found;
    if (is_found)
        tier->new_samples = 0;
    bool has_job = next_hot(tier);
    tier->hot.is_running = has_job;
    condition_wake_all(&tier->changed);
    lock_give(&tier->lock);
    return has_job;
}

static void job_main(void *context)
{
    struct tier_job *job = context;
    struct tier *tier = job->tier;
    bool has_more = true;
    if (!job->is_whole && !tier->is_readied)
        has_more = ready(tier);
    while (has_more) {
        uint64_t start_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
        enum stint_status status = make_image(tier, &job->request);
        lock_take(&tier->lock);
        conclude(tier, &job->request, status, start_ns);
        job_clear(job);
        /* What got hot meanwhile comes before the rest. */
        has_more = !job->is_whole && next_hot(tier);
        if (!has_more) {
            job->is_running = false;
            if (want_whole(tier))
                start_whole(tier);
        }
        condition_wake_all(&tier->changed);
        lock_give(&tier->lock);
    }
}

/* ---- What to compile --------------------------------------------------------------------------------- */

static size_t body_bytes(const struct tier *tier, uint32_t own_index)
{
    return tier->module->wasm->bodies[own_index].size_bytes;
}

/* The loop that was seen most of those in the functions that are not in the list yet. */
static struct hot_loop *hottest_loop(struct tier *tier, const uint8_t *is_taken)
{
    struct hot_loop *best = NULL;
    for (size_t i = 0; i < tier->loop_count; i++) {
        struct hot_loop *loop = &tier->loops[i];
        if (!loop->is_requested &&
            native_find_osr(tier->module, loop->own_index, loop->loop_offset) != NULL)
            loop->is_requested = true;
        if (!loop->is_taken && is_taken[loop->own_index] &&
            (best == NULL || loop->samples > best->samples))
            best = loop;
    }
    return best;
}

/*
 * An entry is a copy of its function, so their size counts. Functions that are called again need none;
 * one that is large and does not return gets its entry in the second job. False: nothing new.
 */
static bool take_loops(struct tier *tier, const uint8_t *is_taken, size_t *bytes)
{
    size_t used = 0, limit = TIER_HOT_BYTES;
    bool has_new = false;
    for (;;) {
        struct hot_loop *loop = hottest_loop(tier, is_taken);
        if (loop == NULL)
            break;
        used += body_bytes(tier, loop->own_index);
        if (used > limit && (tier->hot_jobs == 0 || has_new))
            break;
        loop->is_taken = true;
        has_new = has_new || !loop->is_requested;
        *bytes += body_bytes(tier, loop->own_index);
    }
    return has_new;
}

/* The loops that were taken; with `all` all. */
static bool list_loops(struct tier *tier, struct tier_job *job, bool all)
{
    job->loops_bytes = tier->loop_count * sizeof(*job->loops) + 1;
    job->loops = pages_get(job->loops_bytes);
    if (job->loops == NULL)
        return false;
    uint32_t count = 0;
    for (size_t i = 0; i < tier->loop_count; i++) {
        struct hot_loop *loop = &tier->loops[i];
        if (!loop->is_taken && !all)
            continue;
        /* What the whole module's image will have some time is still asked for when it gets hot. */
        loop->is_requested = loop->is_requested || !all;
        loop->is_taken = false;
        struct tier_loop row = {loop->own_index, loop->loop_offset};
        uint32_t at = count++;
        for (; at > 0 && (job->loops[at - 1].own_index > row.own_index ||
                          (job->loops[at - 1].own_index == row.own_index &&
                           job->loops[at - 1].loop_offset > row.loop_offset));
             at--)
            job->loops[at] = job->loops[at - 1];
        job->loops[at] = row;
    }
    job->request.loops = job->loops;
    job->request.loop_count = count;
    return true;
}

/* The function that was seen most and is not in the list yet; own_count when there is none. */
static uint32_t hottest(const struct tier *tier, const uint8_t *is_taken)
{
    uint32_t best = tier->own_count, heat = 0;
    for (uint32_t i = 0; i < tier->own_count; i++) {
        if (tier->heat[i] > heat && !is_taken[i]) {
            best = i;
            heat = tier->heat[i];
        }
    }
    return best;
}

/* Takes functions by the samples they had, up to a size: the code is to be there soon. Those that were
 * compiled before are taken again, since calls within an image are much faster than between two. */
static size_t take_hot(struct tier *tier, uint8_t *is_taken)
{
    size_t bytes = 0, limit = TIER_HOT_BYTES * (size_t)(tier->hot_jobs < 4 ? tier->hot_jobs + 1 : 4);
    for (unsigned count = 0; count < TIER_HOT_FUNCTIONS; count++) {
        uint32_t i = hottest(tier, is_taken);
        if (i == tier->own_count)
            break;
        /* The first one may be as large as it is. */
        if (count > 0 && bytes + body_bytes(tier, i) > limit)
            break;
        bytes += body_bytes(tier, i);
        is_taken[i] = 1;
    }
    return bytes;
}

/* The small functions that one seems to call and that have run. What looks like a call need not be one:
 * an operand may have the same bytes; then a function too many is compiled. */
static void take_callees(const struct tier *tier, uint32_t caller, uint8_t *is_taken, size_t *bytes)
{
    enum { CALL = 0x10, LEB_BYTES_MAX = 5 };
    struct stint_module *module = tier->module;
    const struct wasm_body *body = &module->wasm->bodies[caller];
    const uint8_t *at = module->wasm->bytes + body->offset_bytes, *end = at + body->size_bytes;
    while (at < end) {
        uint32_t index = 0;
        if (*at++ != CALL)
            continue;
        for (unsigned k = 0; k < LEB_BYTES_MAX && at + k < end; k++) {
            index |= (uint32_t)(at[k] & 0x7f) << (7 * k);
            if (!(at[k] & 0x80))
                break;
        }
        index -= module->wasm->import_func_count;
        if (index >= tier->own_count || is_taken[index] ||
            body_bytes(tier, index) > TIER_CALLEE_BYTES ||
            *bytes + body_bytes(tier, index) > TIER_BESIDE_BYTES ||
            !module->engine->ops->has_run(module->code, index))
            continue;
        *bytes += body_bytes(tier, index);
        is_taken[index] = 1;
    }
}

/* Small callees of the hot functions, to be inlined there, and theirs. */
static void take_small(const struct tier *tier, uint8_t *is_taken)
{
    size_t bytes = 0;
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < tier->own_count; i++) {
            if (is_taken[i])
                take_callees(tier, i, is_taken, &bytes);
        }
    }
}

/* Chooses functions; false when memory is out, or what is hot has code by now. */
static bool list_functions(struct tier *tier, struct tier_job *job)
{
    bool has_new = false;
    uint32_t count = 0;
    job->functions_bytes = (size_t)tier->own_count * (sizeof(*job->functions) + 1);
    job->functions = pages_get(job->functions_bytes);
    if (job->functions == NULL)
        return false;
    uint8_t *is_taken = (uint8_t *)(job->functions + tier->own_count);
    size_t bytes = take_hot(tier, is_taken);
    take_small(tier, is_taken);
    for (uint32_t i = 0; i < tier->own_count; i++) {
        struct native_code_ref known;
        if (!tier->is_requested[i] && tier->heat[i] != 0 && native_find(tier->module, i, &known))
            tier->is_requested[i] = 1; /* out of the cache */
        if (!is_taken[i])
            continue;
        has_new = has_new || !tier->is_requested[i];
        job->functions[count++] = i;
        tier->is_requested[i] = 1;
    }
    job->request.functions = job->functions;
    job->request.function_count = count;
    has_new = take_loops(tier, is_taken, &bytes) || has_new;
    has_new = has_new || tier->is_quick;
    tier->is_quick = bytes > TIER_QUICK_BYTES && tier->hot_jobs == 0 && tier->stats.cached == 0 &&
                     !tier->module->engine->config.tier.is_synchronous;
    job->request.is_quick = tier->is_quick;
    job->request.is_kept = job->request.is_kept && !job->request.is_quick;
    return has_new && count > 0;
}

/* ---- Starting ------------------------------------------------------------------------------------------ */

/* Hands the job to its thread, whose last one has ended. */
static void start(struct tier_job *job)
{
    struct tier *tier = job->tier;
    if (job->is_started)
        thread_join(&job->thread);
    job->is_running = job->is_started = true;
    if (!thread_start(&job->thread, job_main, job, job->is_whole)) {
        job->is_running = job->is_started = false;
        tier->is_given_up = true;
        job_clear(job);
    }
}

static void start_whole(struct tier *tier)
{
    struct tier_job *job = &tier->whole;
    job->request =
        (struct tier_request){.jobs = 1,
                              .is_kept = tier->module->engine->config.tier.uses_cache,
                              .progress = on_progress,
                              .progress_context = job};
    if (!list_loops(tier, job, true))
        return;
    start(job);
}

/* Samples of new code that are reason for the next job. What is new after the first images has less to
 * gain, and so has what the cache's images lack. */
static uint32_t samples_wanted(const struct tier *tier)
{
    const struct tier_config *config = &tier->module->engine->config.tier;
    uint32_t wanted = config->hot_samples != 0 ? config->hot_samples : TIER_HOT_SAMPLES;
    uint32_t jobs = tier->stats.cached != 0 ? tier->hot_jobs + 3 : tier->hot_jobs;
    return config->seed != 0 ? 1 : wanted << (jobs < 4 ? jobs : 4);
}

/* Puts the next hot set together, when there is reason to; false when not. */
static bool next_hot(struct tier *tier)
{
    const struct tier_config *config = &tier->module->engine->config.tier;
    struct tier_job *job = &tier->hot;
    bool is_again = tier->is_quick; /* the same once more, to stay */
    if ((tier->new_samples < samples_wanted(tier) && !is_again) || tier->is_given_up ||
        atomic_load(&tier->is_stopping))
        return false;
    job->request = (struct tier_request){.jobs = 1,
                                         .is_kept = config->uses_cache,
                                         .progress = on_progress,
                                         .progress_context = job};
    tier->new_samples = 0;
    if (!list_functions(tier, job) || !list_loops(tier, job, false)) {
        job_clear(job);
        return false;
    }
    tier->hot_jobs++;
    return true;
}

void tier_consider(struct tier *tier)
{
    struct tier_job *job = &tier->hot;
    bool is_synchronous = tier->module->engine->config.tier.is_synchronous;
    if (job->is_running)
        return;
    if (!is_synchronous && !tier->is_readied) {
        if (tier->new_samples >= samples_wanted(tier) / TIER_READY_SHARE && !tier->is_given_up)
            start(job);
        return;
    }
    if (!next_hot(tier))
        return;
    if (!is_synchronous) {
        start(job);
        return;
    }
    tier_compile_now(tier, job->functions, job->request.function_count, job->loops,
                     job->request.loop_count);
    job_clear(job);
}

void tier_compile_now(struct tier *tier, const uint32_t *functions, uint32_t function_count,
                      const struct tier_loop *loops, uint32_t loop_count)
{
    const struct tier_request request = {.functions = functions,
                                         .function_count = function_count,
                                         .loops = loops,
                                         .loop_count = loop_count,
                                         .jobs = 1};
    uint64_t start_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    if (!tier->is_given_up)
        conclude(tier, &request, make_image(tier, &request), start_ns);
}

void tier_jobs_end(struct tier *tier)
{
    atomic_store(&tier->is_stopping, true);
    lock_take(&tier->lock);
    condition_wake_all(&tier->changed);
    lock_give(&tier->lock);
    /* The hot job may start the other one, so it ends first. */
    if (tier->hot.is_started)
        thread_join(&tier->hot.thread);
    if (tier->whole.is_started)
        thread_join(&tier->whole.thread);
}
