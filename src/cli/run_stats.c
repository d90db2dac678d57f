/* SPDX-License-Identifier: Apache-2.0 */
/* `stint run --stats`. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/cmd_run.h"
#include "cli/run_component.h"
#include "os/clock.h"
#include "runtime/gc.h"
#include "stint_config.h"

/* What is printed, computed once for both notations. */
struct stats {
    uint64_t read_ns, decode_ns, validate_ns, instantiate_ns, run_ns, total_ns;
    uint64_t module_bytes, functions;
    uint64_t rss_peak_bytes, memory_bytes, gc_live_bytes, gc_collections, heap_peak_bytes;
    uint64_t fuel_used, calls;
    struct tier_stats tier;
};

/* The time between two marks; 0 where the later one was not reached. */
static uint64_t between(const struct run *run, enum run_mark from, enum run_mark to)
{
    const uint64_t *marks = run->marks_ns;
    return marks[from] != 0 && marks[to] > marks[from] ? marks[to] - marks[from] : 0;
}

static void add_module(const struct stint_module *module, struct stats *stats)
{
    struct tier_stats tier = {0}, *sum = &stats->tier;
    stats->decode_ns += module->decode_ns;
    stats->validate_ns += module->validate_ns;
    stats->functions += module->wasm->func_count;
    tier_module_stats(module, &tier);
    sum->samples += tier.samples;
    sum->compile_ns += tier.compile_ns;
    sum->images += tier.images;
    sum->cached += tier.cached;
    sum->functions += tier.functions;
    sum->loops += tier.loops;
    sum->loop_entries += tier.loop_entries;
    sum->failures += tier.failures;
}

static void collect(const struct run *run, struct stats *stats)
{
    struct rusage usage;
    memset(stats, 0, sizeof(*stats));
    stats->read_ns = between(run, MARK_START, MARK_READ);
    stats->instantiate_ns = between(run, MARK_COMPILED, MARK_INSTANTIATED);
    stats->run_ns = between(run, MARK_INSTANTIATED, MARK_END);
    stats->total_ns = between(run, MARK_START, MARK_END);
    stats->module_bytes = run->file.size_bytes;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        stats->rss_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    if (run->engine != NULL)
        stats->heap_peak_bytes = run->engine->alloc.peak_bytes;
    if (run->module != NULL)
        add_module(run->module, stats);
    if (!STINT_DEVICE && run->component != NULL) {
        const struct stint_module *module;
        for (uint32_t i = 0; (module = run_component_module(run, i)) != NULL; i++)
            add_module(module, stats);
    }
    if (run->store == NULL)
        return;
    for (const struct memory *m = run->store->memories; m != NULL; m = m->next)
        stats->memory_bytes += m->bytes;
    if (run->store->gc != NULL)
        gc_counts(run->store->gc, &stats->gc_collections, &stats->gc_live_bytes);
    stats->fuel_used = rt_fuel_used(run->store);
    stats->calls = run->store->call_count;
}

static void print_text(const struct stats *s)
{
    const struct {
        const char *name;
        uint64_t ns;
    } phases[] = {
        {"read", s->read_ns}, {"decode", s->decode_ns},           {"validate", s->validate_ns},
        {"run", s->run_ns},   {"instantiate", s->instantiate_ns}, {"in all", s->total_ns},
    };
    static const uint8_t order[] = {0, 1, 2, 4, 3, 5};
    fprintf(stderr, "time:\n");
    for (size_t i = 0; i < COUNT_OF(order); i++)
        fprintf(stderr, "  %-12s %12.3f ms\n", phases[order[i]].name,
                (double)phases[order[i]].ns / 1e6);
    fprintf(stderr, "module:        %12.1f KiB, %llu functions\n", (double)s->module_bytes / 1024,
            (unsigned long long)s->functions);
    fprintf(stderr, "peak RSS:      %12.1f KiB\n", (double)s->rss_peak_bytes / 1024);
    fprintf(stderr, "engine peak:   %12.1f KiB\n", (double)s->heap_peak_bytes / 1024);
    fprintf(stderr, "guest memory:  %12.1f KiB\n", (double)s->memory_bytes / 1024);
    if (s->gc_collections != 0 || s->gc_live_bytes != 0)
        fprintf(stderr, "collections:   %12llu, %.1f KiB alive\n",
                (unsigned long long)s->gc_collections, (double)s->gc_live_bytes / 1024);
    const struct tier_stats *t = &s->tier;
    if (t->images + t->cached + t->failures != 0)
        fprintf(stderr,
                "machine code:  %12u functions, %u loops compiled in %.1f ms; %u images, %u from the "
                "cache, %u failed\n",
                t->functions, t->loops, (double)t->compile_ns / 1e6, t->images + t->cached,
                t->cached, t->failures);
    fprintf(stderr, "fuel used:     %12llu\n", (unsigned long long)s->fuel_used);
    fprintf(stderr, "calls:         %12llu\n", (unsigned long long)s->calls);
}

static void print_json(const struct stats *s)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"read_ns", s->read_ns},
        {"decode_ns", s->decode_ns},
        {"validate_ns", s->validate_ns},
        {"instantiate_ns", s->instantiate_ns},
        {"run_ns", s->run_ns},
        {"total_ns", s->total_ns},
        {"module_bytes", s->module_bytes},
        {"functions", s->functions},
        {"rss_peak_bytes", s->rss_peak_bytes},
        {"engine_peak_bytes", s->heap_peak_bytes},
        {"memory_bytes", s->memory_bytes},
        {"gc_collections", s->gc_collections},
        {"gc_live_bytes", s->gc_live_bytes},
        {"fuel_used", s->fuel_used},
        {"calls", s->calls},
        {"tier_samples", s->tier.samples},
        {"tier_compile_ns", s->tier.compile_ns},
        {"tier_images", s->tier.images},
        {"tier_cached_images", s->tier.cached},
        {"tier_functions", s->tier.functions},
        {"tier_loops", s->tier.loops},
        {"tier_loop_entries", s->tier.loop_entries},
        {"tier_failures", s->tier.failures},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        fprintf(stderr, "%s\"%s\": %llu", i == 0 ? "{" : ", ", rows[i].name,
                (unsigned long long)rows[i].value);
    fputs("}\n", stderr);
}

void run_print_stats(const struct run *run)
{
    struct stats stats;
    collect(run, &stats);
    if (strcmp(run->options->stats, "json") == 0)
        print_json(&stats);
    else
        print_text(&stats);
}
