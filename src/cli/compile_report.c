/* SPDX-License-Identifier: Apache-2.0 */
/* What `stint compile` says: targets by name, the bar, the report. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd_compile.h"
#include "os/clock.h"
#include "os/cpu.h"

/* ---- Targets ----------------------------------------------------------------------------------- */

static const char *const target_names[] = {
    [COMPILER_NATIVE] = "native",
    [COMPILER_X86_64_V2] = "x86_64-v2",
    [COMPILER_X86_64_V3] = "x86_64-v3",
    [COMPILER_AARCH64] = "aarch64",
};

const char *compile_target_name(enum compiler_target target)
{
    return target_names[target];
}

/* Adds a target, once. */
static enum stint_status add_target(struct compile_run *run, enum compiler_target target,
                                    struct stint_error *error)
{
    for (uint32_t i = 0; i < run->image_count; i++) {
        if (run->images[i].target == target)
            return STINT_OK;
    }
    if (run->image_count == COMPILE_TARGETS_MAX)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "too many targets");
    run->images[run->image_count++].target = target;
    return STINT_OK;
}

static enum stint_status add_named(struct compile_run *run, const char *name, size_t bytes,
                                   struct stint_error *error)
{
    for (size_t i = 0; i < COUNT_OF(target_names); i++) {
        if (strlen(target_names[i]) == bytes && memcmp(target_names[i], name, bytes) == 0)
            return add_target(run, (enum compiler_target)i, error);
    }
    return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                     "unknown target '%.*s': x86_64-v2, x86_64-v3, aarch64 or native", (int)bytes,
                     name);
}

/* The most that runs on other machines of this kind, too. */
static enum stint_status add_default(struct compile_run *run, struct stint_error *error)
{
    switch (cpu_arch()) {
    case CPU_AARCH64:
        return add_target(run, COMPILER_AARCH64, error);
    case CPU_X86_64:
        return add_target(
            run, (cpu_levels() & CPU_X86_V3) != 0 ? COMPILER_X86_64_V3 : COMPILER_X86_64_V2, error);
    default:
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "there is no machine code for this processor: name one with --target");
    }
}

enum stint_status compile_targets_read(const struct text_list *texts, struct compile_run *run,
                                       struct stint_error *error)
{
    for (size_t i = 0; i < texts->count; i++) {
        const char *at = texts->items[i];
        for (;;) {
            size_t bytes = strcspn(at, ",");
            enum stint_status status = add_named(run, at, bytes, error);
            if (status != STINT_OK)
                return status;
            if (at[bytes] == '\0')
                break;
            at += bytes + 1;
        }
    }
    return run->image_count > 0 ? STINT_OK : add_default(run, error);
}

/* ---- Progress ---------------------------------------------------------------------------------- */

enum { BAR_CELLS = 30, BAR_EVERY_NS = 50000000 };

int compile_progress_show(void *context, uint32_t done, uint32_t total)
{
    struct compile_progress *progress = context;
    uint64_t now = clock_now_ns(OS_CLOCK_MONOTONIC);
    if (!progress->is_shown || total == 0)
        return 0;
    if (done < total && now - progress->shown_ns < BAR_EVERY_NS)
        return 0;
    progress->shown_ns = now;
    char bar[BAR_CELLS + 1];
    size_t full = (size_t)((uint64_t)BAR_CELLS * done / total);
    memset(bar, '.', BAR_CELLS);
    memset(bar, '#', full);
    bar[BAR_CELLS] = '\0';
    fprintf(stderr, "\r%s [%s] %3u %% %u of %u functions ", progress->target, bar,
            (unsigned)((uint64_t)100 * done / total), done, total);
    fflush(stderr);
    return 0;
}

void compile_progress_clear(struct compile_progress *progress)
{
    if (progress->is_shown && progress->shown_ns != 0)
        fputs("\r\033[K", stderr);
}

/* ---- The report --------------------------------------------------------------------------------- */

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

/* A size as people read it: three digits and a unit. */
static const char *size_text(uint64_t bytes, char text[16])
{
    static const char *const units[] = {"B", "KB", "MB", "GB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < COUNT_OF(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(text, 16, unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

static void report_text(const struct compile_run *run, FILE *to)
{
    char a[16], b[16], c[16];
    fprintf(to, "%s: %s, from %s of wasm, in %.2f s\n",
            run->output[0] != '\0' ? run->output : "stdout", size_text(run->output_bytes, a),
            size_text(run->wasm_bytes, b), seconds(run->wall_ns));
    for (uint32_t i = 0; i < run->image_count; i++) {
        const struct compile_image *image = &run->images[i];
        const struct compiler_result *r = &image->result;
        fprintf(to,
                "  %-10s %u functions: code %s, constants %s, tables %s\n"
                "             %.2f s; processor time: lower %.2f s, optimise %.2f s, emit %.2f s, "
                "link %.2f s\n",
                compile_target_name(image->target), r->function_count, size_text(r->text_bytes, a),
                size_text(r->rodata_bytes, b), size_text(r->meta_bytes, c),
                seconds(image->wall_ns), seconds(r->frontend_ns), seconds(r->optimise_ns),
                seconds(r->codegen_ns), seconds(r->link_ns));
    }
}

/* A string of JSON; what is not ASCII stays as it is. */
static void put_json_string(const char *text, FILE *to)
{
    fputc('"', to);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            fprintf(to, "\\%c", *at);
        else if (*at < 0x20)
            fprintf(to, "\\u%04x", *at);
        else
            fputc(*at, to);
    }
    fputc('"', to);
}

static void put_number(const char *name, uint64_t value, FILE *to)
{
    fprintf(to, ", \"%s\": %llu", name, (unsigned long long)value);
}

static void report_json(const struct compile_run *run, FILE *to)
{
    fputs("{\"input\": ", to);
    put_json_string(run->input, to);
    fputs(", \"output\": ", to);
    put_json_string(run->output[0] != '\0' ? run->output : "-", to);
    fputs(", \"compiler\": ", to);
    put_json_string(run->compiler, to);
    put_number("wasm_bytes", run->wasm_bytes, to);
    put_number("output_bytes", run->output_bytes, to);
    put_number("wall_ns", run->wall_ns, to);
    fputs(", \"images\": [", to);
    for (uint32_t i = 0; i < run->image_count; i++) {
        const struct compile_image *image = &run->images[i];
        const struct compiler_result *r = &image->result;
        fprintf(to, "%s{\"target\": \"%s\"", i > 0 ? ", " : "", compile_target_name(image->target));
        put_number("functions", r->function_count, to);
        put_number("partitions", r->partition_count, to);
        put_number("image_bytes", r->image_bytes, to);
        put_number("code_bytes", r->text_bytes, to);
        put_number("constant_bytes", r->rodata_bytes, to);
        put_number("table_bytes", r->meta_bytes, to);
        put_number("wall_ns", image->wall_ns, to);
        put_number("lower_ns", r->frontend_ns, to);
        put_number("optimise_ns", r->optimise_ns, to);
        put_number("emit_ns", r->codegen_ns, to);
        put_number("link_ns", r->link_ns, to);
        fputs("}", to);
    }
    fputs("]}\n", to);
}

void compile_report(const struct compile_run *run)
{
    FILE *to = run->output[0] != '\0' ? stdout : stderr;
    if (run->options->quiet)
        return;
    if (run->options->json)
        report_json(run, to);
    else
        report_text(run, to);
}
