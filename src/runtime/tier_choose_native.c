/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to compile next. A program that runs for seconds has run nearly all of its own code after some
 * milliseconds, so that is the first job, where it is small enough: then hardly a call leaves the
 * image. Of what runs once only, like main, no function is compiled but an entry to one of its loops;
 * what ran once and has returned is left out.
 */
#include "os/pages.h"
#include "runtime/native.h"
#include "runtime/tier_int.h"

/* Of a function, while a job is put together. */
enum { TAKEN = 1, ENTERED = 2 };
/* A loop further out is taken in place of the hottest one when it is seen at least this often, or was
 * passed in the steps at the start. */
enum { OUTER_SHARE = 16 };
/* Of the slices, one in so many ends in a function's own loops where it is said to stay in them. */
enum { STAYS_SHARE = 3 };

static size_t body_bytes(const struct tier *tier, uint32_t own_index)
{
    return tier->module->wasm->bodies[own_index].size_bytes;
}

static bool has_run(const struct tier *tier, uint32_t own_index)
{
    const struct stint_module *module = tier->module;
    return tier->heat[own_index] != 0 || module->engine->ops->has_run(module->code, own_index);
}

/* ---- Loops ------------------------------------------------------------------------------------------ */

/* Whether a loop may be running now. */
static bool is_current(const struct tier *tier, const struct hot_loop *loop)
{
    return tier->ticks - tier->seen[loop->own_index] < OUTER_SHARE &&
           tier->ticks - loop->seen < OUTER_SHARE * OUTER_SHARE;
}

/* The loop that was seen most of those that have no entry, in functions not looked at yet. */
static struct hot_loop *hottest_loop(struct tier *tier, const uint8_t *marks)
{
    struct hot_loop *best = NULL;
    for (size_t i = 0; i < tier->loop_count; i++) {
        struct hot_loop *loop = &tier->loops[i];
        if (!loop->is_requested &&
            native_find_osr(tier->module, loop->own_index, loop->loop_offset) != NULL)
            loop->is_requested = true;
        if (!loop->is_requested && (marks[loop->own_index] & ENTERED) == 0 &&
            is_current(tier, loop) && (best == NULL || loop->samples > best->samples))
            best = loop;
    }
    return best;
}

/* An outer loop is entered soon enough, and its code is as good as the function's own, whose loops are
 * all whole: the outermost of those that turn often. */
static struct hot_loop *outer_loop(struct tier *tier, struct hot_loop *hot)
{
    struct hot_loop *best = hot;
    for (size_t i = 0; i < tier->loop_count; i++) {
        struct hot_loop *loop = &tier->loops[i];
        if (loop->own_index != hot->own_index || loop->is_requested ||
            (loop->samples * OUTER_SHARE < hot->samples && loop->passes == 0))
            continue;
        if (loop->depth == 0)
            loop->depth = tier_loop_depth(tier->module, loop->own_index, loop->loop_offset);
        if (best->depth == 0 || loop->depth < best->depth ||
            (loop->depth == best->depth && loop->samples > best->samples))
            best = loop;
    }
    return best;
}

/* Whether a function seems to stay in its loops for long: slices end in no other's as often. One that
 * is on the stack at each may be called anew all the time, as those of a parser are. */
static bool stays(const struct tier *tier, uint32_t own_index)
{
    uint32_t samples = 0;
    for (size_t i = 0; i < tier->loop_count; i++) {
        if (tier->loops[i].own_index == own_index)
            samples += tier->loops[i].samples;
    }
    return samples >= tier->ticks / STAYS_SHARE;
}

/* An entry is a copy of its function, so their size counts: a function that is called again needs none,
 * unless it stays in a loop for long. */
static bool take_loops(struct tier *tier, uint8_t *marks, size_t *bytes)
{
    bool has_new = false, is_stuck = tier->stuck_samples >= TIER_STUCK_SAMPLES;
    size_t used = 0;
    for (;;) {
        struct hot_loop *loop = hottest_loop(tier, marks);
        if (loop == NULL)
            return has_new;
        uint32_t i = loop->own_index;
        marks[i] |= ENTERED;
        if (!tier->is_once[i] && !is_stuck &&
            (used + body_bytes(tier, i) > TIER_HOT_BYTES || !stays(tier, i)))
            continue;
        loop = outer_loop(tier, loop);
        loop->is_taken = loop->is_requested = has_new = true;
        tier->is_entered[i] = 1;
        used += body_bytes(tier, i);
        *bytes += body_bytes(tier, i);
    }
}

static bool list_loops(struct tier *tier, struct tier_job *job)
{
    job->loops_bytes = tier->loop_count * sizeof(*job->loops) + 1;
    job->loops = pages_get(job->loops_bytes);
    if (job->loops == NULL)
        return false;
    uint32_t count = 0;
    for (size_t i = 0; i < tier->loop_count; i++) {
        struct hot_loop *loop = &tier->loops[i];
        if (!loop->is_taken)
            continue;
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

/* ---- Functions -------------------------------------------------------------------------------------- */

/* The function that was seen most and is not in the list yet; own_count when there is none. Where the
 * whole module follows soon, only what has no code. */
static uint32_t hottest(const struct tier *tier, const uint8_t *marks)
{
    bool is_again = !tier_is_small(tier) || tier->is_quick;
    uint32_t best = tier->own_count, heat = 0;
    for (uint32_t i = 0; i < tier->own_count; i++) {
        if (tier->heat[i] > heat && (marks[i] & TAKEN) == 0 && !tier->is_once[i] &&
            (is_again || !tier->is_requested[i])) {
            best = i;
            heat = tier->heat[i];
        }
    }
    return best;
}

/* Takes functions by the samples they had, up to a size: the code is to be there soon. Those that were
 * compiled before are taken again, since calls within an image are much faster than between two. */
static size_t take_hot(struct tier *tier, uint8_t *marks)
{
    size_t bytes = 0, limit = TIER_HOT_BYTES * (size_t)(tier->hot_jobs < 4 ? tier->hot_jobs + 1 : 4);
    for (unsigned count = 0; count < TIER_HOT_FUNCTIONS; count++) {
        uint32_t i = hottest(tier, marks);
        if (i == tier->own_count)
            break;
        /* The first one may be as large as it is. */
        if (count > 0 && bytes + body_bytes(tier, i) > limit)
            break;
        bytes += body_bytes(tier, i);
        marks[i] |= TAKEN;
    }
    return bytes;
}

/* Whether a function is worth its time in the compiler. What is large and was hardly ever seen running,
 * or not lately, did so at the start only. */
static bool is_worth(const struct tier *tier, uint32_t own_index)
{
    size_t bytes = body_bytes(tier, own_index);
    if (tier->heat[own_index] == 0)
        return bytes <= TIER_UNSEEN_BYTES && has_run(tier, own_index);
    return bytes <= TIER_LARGE_BYTES ||
           (tier->heat[own_index] >= tier->ticks / TIER_LARGE_SAMPLES &&
            tier->ticks - tier->seen[own_index] <= tier->ticks / 2);
}

/* Takes all that has run and is not compiled, where that is little; false when it is not. */
static bool take_run(struct tier *tier, uint8_t *marks, size_t *ret_bytes)
{
    struct native_code_ref known;
    size_t bytes = 0;
    if (!tier_is_small(tier))
        return false;
    for (uint32_t i = 0; i < tier->own_count; i++) {
        if (tier->is_requested[i] || tier->is_once[i] || !is_worth(tier, i) ||
            native_find(tier->module, i, &known))
            continue;
        bytes += body_bytes(tier, i);
        marks[i] |= TAKEN;
    }
    for (uint32_t i = 0; bytes > TIER_RUN_BYTES && i < tier->own_count; i++)
        marks[i] = 0;
    *ret_bytes = bytes;
    return bytes <= TIER_RUN_BYTES;
}

/* The small functions that one seems to call and that have run. What looks like a call need not be one:
 * an operand may have the same bytes; then a function too many is compiled. */
static void take_callees(const struct tier *tier, uint32_t caller, uint8_t *marks, size_t *bytes)
{
    enum { CALL = 0x10, LEB_BYTES_MAX = 5 };
    const struct wasm_module *wasm = tier->module->wasm;
    const struct wasm_body *body = &wasm->bodies[caller];
    const uint8_t *at = wasm->bytes + body->offset_bytes, *end = at + body->size_bytes;
    while (at < end) {
        uint32_t index = 0;
        if (*at++ != CALL)
            continue;
        for (unsigned k = 0; k < LEB_BYTES_MAX && at + k < end; k++) {
            index |= (uint32_t)(at[k] & 0x7f) << (7 * k);
            if (!(at[k] & 0x80))
                break;
        }
        index -= wasm->import_func_count;
        if (index >= tier->own_count || (marks[index] & TAKEN) != 0 || tier->is_once[index] ||
            body_bytes(tier, index) > TIER_CALLEE_BYTES ||
            *bytes + body_bytes(tier, index) > TIER_BESIDE_BYTES || !has_run(tier, index))
            continue;
        *bytes += body_bytes(tier, index);
        marks[index] |= TAKEN;
    }
}

/* Small callees of what is compiled, to be inlined there, and theirs. */
static void take_small(const struct tier *tier, uint8_t *marks)
{
    size_t bytes = 0;
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < tier->own_count; i++) {
            if (marks[i] != 0)
                take_callees(tier, i, marks, &bytes);
        }
    }
}

/* Lists the functions that were taken; whether one is new. */
static bool list_functions(struct tier *tier, struct tier_job *job, const uint8_t *marks)
{
    bool has_new = false;
    uint32_t count = 0;
    for (uint32_t i = 0; i < tier->own_count; i++) {
        struct native_code_ref known;
        if (!tier->is_requested[i] && tier->heat[i] != 0 && native_find(tier->module, i, &known))
            tier->is_requested[i] = 1; /* out of the cache */
        if ((marks[i] & TAKEN) == 0)
            continue;
        has_new = has_new || !tier->is_requested[i];
        job->functions[count++] = i;
        tier->is_requested[i] = 1;
    }
    job->request.functions = job->functions;
    job->request.function_count = count;
    return has_new;
}

/* Whether the whole module is next, since that is not much more. */
static bool is_whole_better(const struct tier *tier, size_t bytes)
{
    return (tier->hot_jobs > 0 || tier->stats.cached != 0) && !tier->is_quick && tier_is_small(tier) &&
           !tier->is_whole_made && !tier->module->engine->config.tier.is_synchronous &&
           bytes > tier->module->wasm->size_bytes / TIER_LARGE_SHARE;
}

bool tier_choose(struct tier *tier, struct tier_job *job)
{
    size_t bytes = 0;
    job->functions_bytes = (size_t)tier->own_count * (sizeof(*job->functions) + 1);
    job->functions = pages_get(job->functions_bytes);
    if (job->functions == NULL)
        return false;
    uint8_t *marks = (uint8_t *)(job->functions + tier->own_count);
    if (tier->is_quick || !take_run(tier, marks, &bytes))
        bytes = take_hot(tier, marks);
    if (is_whole_better(tier, bytes))
        return false;
    bool has_new = take_loops(tier, marks, &bytes);
    take_small(tier, marks);
    has_new = list_functions(tier, job, marks) || has_new || tier->is_quick;
    tier->is_quick = bytes > TIER_QUICK_BYTES && tier->hot_jobs == 0 && tier->stats.cached == 0 &&
                     !tier->module->engine->config.tier.is_synchronous;
    job->request.is_quick = tier->is_quick;
    job->request.is_kept = job->request.is_kept && !job->request.is_quick;
    return has_new && list_loops(tier, job);
}
