/* SPDX-License-Identifier: Apache-2.0 */
/* A start function for the guest app.c: says so, and waits for START_MS; 0: runs for ever. */
#include <stdbool.h>

#include "paths.h"

GUEST_IMPORT("wasi:clocks/monotonic-clock@0.2.0", "subscribe-duration")
uint32_t subscribe_duration(uint64_t ns);
GUEST_IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void pollable_block(uint32_t self);
GUEST_IMPORT("wasi:io/poll@0.2.0", "[resource-drop]pollable") void pollable_drop(uint32_t self);
GUEST_IMPORT("wasi:cli/stdout@0.2.0", "get-stdout") uint32_t get_stdout(void);
GUEST_IMPORT("wasi:io/streams@0.2.0", "[method]output-stream.blocking-write-and-flush")
void write_and_flush(uint32_t self, const char *data, size_t bytes, uint32_t *result);
GUEST_IMPORT("wasi:io/streams@0.2.0", "[resource-drop]output-stream")
void output_drop(uint32_t self);

__attribute__((constructor)) static void start(void)
{
    static const char text[] = "starts\n";
    uint32_t result[3], stream = get_stdout();
    write_and_flush(stream, text, sizeof(text) - 1, result);
    output_drop(stream);
    for (volatile bool is_endless = START_MS == 0; is_endless;)
        continue;
    uint32_t pollable = subscribe_duration(START_MS * (uint64_t)1000000);
    pollable_block(pollable);
    pollable_drop(pollable);
}
