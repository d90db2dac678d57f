/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an HTTP/1.1 connection, at once and split as the first bytes say: the parser must say
 * the same of both. The trace holds it to results inside of the input, and ASan to reading no
 * further than what is there.
 */
#include "../http/h1_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct h1_trace whole, split;
    static const struct h1_limits small = {.head_bytes = 200,
                                           .target_bytes = 40,
                                           .method_bytes = 10,
                                           .extension_bytes = 12,
                                           .trailer_bytes = 60,
                                           .body_bytes = 100};
    if (size < 2 || size > 4096)
        return 0;
    enum h1_kind kind = (enum h1_kind)(data[0] & 3);
    bool is_small = data[0] & 4;
    unsigned step = data[1] & 0x3f;
    data += 2;
    size -= 2;
    whole.limits = split.limits = is_small ? small : h1_limits_default;
    whole.field_max = split.field_max = is_small ? 3 : COUNT_OF(whole.fields);
    h1_trace_begin(&whole, kind, size);
    h1_trace_feed(&whole, data, size);
    h1_trace_begin(&split, kind, size);
    for (size_t at = 0; at < size; at += 1 + (step * (at + 1)) % 61)
        h1_trace_feed(&split, data, at);
    h1_trace_feed(&split, data, size);
    const char *want = h1_trace_finish(&whole), *got = h1_trace_finish(&split);
    if (strcmp(want, got)) {
        fprintf(stderr, "whole:\n%ssplit:\n%s", want, got);
        abort();
    }
    return 0;
}
