/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_driver request|response|response-to-head <INPUT: prints what the parser makes of a connection
 * (h1_trace.h). Then the same in two parts, cut at every position, and byte by byte: exits with 3
 * and prints both if that changes a word.
 */
#include "h1_trace.h"

enum { INPUT_BYTES_MAX = 1 << 20 };

static bool same(struct h1_trace *trace, const char *want, const char *how, size_t where)
{
    const char *got = h1_trace_finish(trace);
    if (!strcmp(got, want))
        return true;
    printf("split differs: %s %zu\n---\n%s---\n%s", how, where, want, got);
    return false;
}

static int run(enum h1_kind kind, const uint8_t *data, size_t bytes)
{
    struct h1_trace whole = {.limits = h1_limits_default, .field_max = COUNT_OF(whole.fields)};
    struct h1_trace split = whole;
    bool ok = true;
    h1_trace_begin(&whole, kind, bytes);
    h1_trace_feed(&whole, data, bytes);
    const char *want = h1_trace_finish(&whole);
    fputs(want, stdout);
    for (size_t cut = 0; cut <= bytes && ok; cut++) {
        h1_trace_begin(&split, kind, bytes);
        h1_trace_feed(&split, data, cut);
        h1_trace_feed(&split, data, bytes);
        ok = same(&split, want, "cut at", cut);
    }
    h1_trace_begin(&split, kind, bytes);
    for (size_t size = 0; size <= bytes && ok; size++)
        h1_trace_feed(&split, data, size);
    ok = ok && same(&split, want, "byte by byte", bytes);
    h1_trace_free(&whole);
    h1_trace_free(&split);
    return ok ? 0 : 3;
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    enum h1_kind kind = H1_REQUEST;
    if (!strcmp(what, "response"))
        kind = H1_RESPONSE;
    else if (!strcmp(what, "response-to-head"))
        kind = H1_RESPONSE_TO_HEAD;
    else if (strcmp(what, "request")) {
        fputs("h1_driver request|response|response-to-head <INPUT\n", stderr);
        return 2;
    }
    uint8_t *data = malloc(INPUT_BYTES_MAX);
    if (!data)
        return 2;
    size_t bytes = fread(data, 1, INPUT_BYTES_MAX, stdin);
    int result = run(kind, data, bytes);
    free(data);
    return result;
}
