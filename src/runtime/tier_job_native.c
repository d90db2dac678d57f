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
    tier->steps_enter = request->loop_count != 0 ? TIER_STEPS_ENTER : 0;
    stats->images++;
    stats->loops += request->loop_count;
    stats->functions += request->functions != NULL ? request->function_count : tier->own_count;
    if (request->functions == NULL)
        tier->is_whole_made = true;
}

void tier_job_clear(struct tier_job *job)
{
    pages_release(job->functions, job->functions_bytes);
    pages_release(job->loops, job->loops_bytes);
    job->functions = NULL;
    job->loops = NULL;
}

static bool want_whole(const struct tier *tier)
{
    return tier_is_small(tier) && !tier->is_whole_made && !tier->whole.is_started &&
           !tier->is_given_up && !atomic_load(&tier->is_stopping) && !tier_is_whole(tier);
}

static void start_whole(struct tier *tier);
static bool next_hot(struct tier *tier);

/* A byte a function, without the lock: it takes a while. NULL without memory. */
static uint8_t *find_once(const struct tier *tier)
{
    uint8_t *once = pages_get(tier->own_count);
    if (once != NULL)
        tier_find_once(tier->module, once);
    return once;
}

static void keep_once(struct tier *tier, uint8_t *once)
{
    if (once != NULL)
        memcpy(tier->is_once, once, tier->own_count);
    pages_release(once, tier->own_count);
    tier->has_facts = true;
}

/* The first work of the thread: code out of the cache, or else the compiler. True: there is a job
 * already. */
static bool ready(struct tier *tier)
{
    const struct tier_config *config = &tier->module->engine->config.tier;
    bool is_found = config->uses_cache && !tier->is_looked_up &&
                    config->source->find(tier->module) == STINT_OK;
    if (!is_found && !atomic_load(&tier->is_stopping) && config->source->prepare != NULL)
        config->source->prepare();
    uint8_t *once = find_once(tier);
    lock_take(&tier->lock);
    keep_once(tier, once);
    tier->is_readied = tier->is_looked_up = true;
    tier->stats.cached += is_found;
    if (is_found)
        tier->new_samples = 0;
    bool has_job = next_hot(tier);
    tier->hot.is_running = has_job;
    /* Parts were kept by a run that ended too soon for the rest. */
    if (!has_job && tier->stats.cached != 0 && want_whole(tier))
        start_whole(tier);
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
        tier_job_clear(job);
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
        tier_job_clear(job);
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
    if (!tier->has_facts)
        keep_once(tier, find_once(tier));
    if (!tier_choose(tier, job)) {
        tier_job_clear(job);
        return false;
    }
    tier->hot_jobs++;
    tier->stuck_samples = 0;
    return true;
}

/* Slices are operators charged, which may take microseconds; what a program has to gain is time. */
static bool is_young(const struct tier *tier)
{
    return tier->module->engine->config.tier.hot_samples == 0 &&
           clock_now_ns(OS_CLOCK_MONOTONIC) - tier->begin_ns < TIER_READY_NS;
}

void tier_consider(struct tier *tier)
{
    struct tier_job *job = &tier->hot;
    bool is_synchronous = tier->module->engine->config.tier.is_synchronous;
    if (job->is_running)
        return;
    if (!is_synchronous && !tier->is_readied) {
        if (tier->new_samples >= samples_wanted(tier) / TIER_READY_SHARE && !tier->is_given_up &&
            !is_young(tier))
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
    tier_job_clear(job);
}

void tier_complete(struct tier *tier)
{
    if (tier->hot.is_running || !want_whole(tier))
        return;
    if (tier->is_readied)
        start_whole(tier);
    else
        start(&tier->hot);
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
