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

static void job_main(void *context)
{
    struct tier_job *job = context;
    struct tier *tier = job->tier;
    uint64_t start_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    enum stint_status status = make_image(tier, &job->request);
    lock_take(&tier->lock);
    conclude(tier, &job->request, status, start_ns);
    job_clear(job);
    job->is_running = false;
    if (want_whole(tier))
        start_whole(tier);
    condition_wake_all(&tier->changed);
    lock_give(&tier->lock);
}

/* ---- What to compile --------------------------------------------------------------------------------- */

/* The loops of requested functions; with `all` those too that were asked for before. */
static bool list_loops(struct tier *tier, struct tier_job *job, bool all)
{
    job->loops_bytes = tier->loop_count * sizeof(*job->loops) + 1;
    job->loops = pages_get(job->loops_bytes);
    if (job->loops == NULL)
        return false;
    uint32_t count = 0;
    for (size_t i = 0; i < tier->loop_count; i++) {
        struct hot_loop *loop = &tier->loops[i];
        if (!loop->is_requested &&
            native_find_osr(tier->module, loop->own_index, loop->loop_offset) != NULL)
            loop->is_requested = true;
        if (loop->is_requested && !all)
            continue;
        /* What the whole module's image will have some time is still asked for when it gets hot. */
        loop->is_requested = loop->is_requested || !all;
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

static bool has_loop(const struct tier_job *job, uint32_t own_index)
{
    for (uint32_t i = 0; i < job->request.loop_count; i++) {
        if (job->loops[i].own_index == own_index)
            return true;
    }
    return false;
}

/* What was sampled and is new, functions with new loops, and, up to a size, what else has run. */
static bool list_functions(struct tier *tier, struct tier_job *job)
{
    struct stint_module *module = tier->module;
    const struct engine_ops *ops = module->engine->ops;
    job->functions_bytes = (size_t)tier->own_count * sizeof(*job->functions);
    job->functions = pages_get(job->functions_bytes);
    if (job->functions == NULL)
        return false;
    size_t beside_bytes = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < tier->own_count; i++) {
        struct native_code_ref known;
        if (!tier->is_requested[i] && tier->heat[i] != 0 && native_find(module, i, &known))
            tier->is_requested[i] = 1; /* out of the cache */
        bool is_hot = tier->heat[i] != 0 && !tier->is_requested[i];
        bool has_run = !is_hot && !tier->is_requested[i] && ops->has_run(module->code, i);
        if (has_run) {
            beside_bytes += module->wasm->bodies[i].size_bytes;
            has_run = beside_bytes <= TIER_HOT_BYTES;
        }
        if (!is_hot && !has_run && !has_loop(job, i))
            continue;
        job->functions[count++] = i;
        tier->is_requested[i] = 1;
    }
    job->request.functions = job->functions;
    job->request.function_count = count;
    return count > 0;
}

/* ---- Starting ------------------------------------------------------------------------------------------ */

/* Hands the job to its thread, whose last one has ended. */
static void start(struct tier_job *job)
{
    struct tier *tier = job->tier;
    if (job->is_started)
        thread_join(&job->thread);
    job->request.progress = on_progress;
    job->request.progress_context = job;
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
        (struct tier_request){.jobs = 1, .is_kept = tier->module->engine->config.tier.uses_cache};
    if (!list_loops(tier, job, true))
        return;
    start(job);
}

static void start_hot(struct tier *tier)
{
    struct tier_job *job = &tier->hot;
    job->request =
        (struct tier_request){.jobs = 1, .is_kept = tier->module->engine->config.tier.uses_cache};
    tier->new_samples = 0;
    if (!list_loops(tier, job, false) || !list_functions(tier, job)) {
        job_clear(job);
        return;
    }
    if (!tier->module->engine->config.tier.is_synchronous) {
        start(job);
        return;
    }
    tier_compile_now(tier, job->functions, job->request.function_count, job->loops,
                     job->request.loop_count);
    job_clear(job);
}

void tier_consider(struct tier *tier)
{
    const struct tier_config *config = &tier->module->engine->config.tier;
    uint32_t wanted = config->hot_samples != 0 ? config->hot_samples : TIER_HOT_SAMPLES;
    /* Code that is new after the first image has less to gain. */
    if (tier->new_samples >= (config->seed != 0 ? 1 : wanted) && !tier->hot.is_running &&
        !tier->is_given_up)
        start_hot(tier);
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
