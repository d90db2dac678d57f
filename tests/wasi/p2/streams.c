/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:io: streams on standard input and output, and pollables. */
#include "p2_guest.h"

#define STREAMS "wasi:io/streams@0.2.4"

IMPORT("wasi:cli/stdin@0.2.0", "get-stdin") u32 get_stdin(void);
IMPORT(STREAMS, "[method]input-stream.read") void input_read(u32, u64, struct result *);
IMPORT(STREAMS, "[method]input-stream.blocking-read")
void blocking_read(u32, u64, struct result *);
IMPORT(STREAMS, "[method]input-stream.skip") void skip(u32, u64, struct result64 *);
IMPORT(STREAMS, "[method]input-stream.blocking-skip")
void blocking_skip(u32, u64, struct result64 *);
IMPORT(STREAMS, "[method]input-stream.subscribe") u32 input_subscribe(u32);
IMPORT(STREAMS, "[resource-drop]input-stream") void drop_input(u32);
IMPORT(STREAMS, "[method]output-stream.check-write") void check_write(u32, struct result64 *);
IMPORT(STREAMS, "[method]output-stream.write")
void output_write(u32, const void *, u32, struct result *);
IMPORT(STREAMS, "[method]output-stream.flush") void flush(u32, struct result *);
IMPORT(STREAMS, "[method]output-stream.blocking-flush") void blocking_flush(u32, struct result *);
IMPORT(STREAMS, "[method]output-stream.subscribe") u32 output_subscribe(u32);
IMPORT(STREAMS, "[method]output-stream.write-zeroes") void write_zeroes(u32, u64, struct result *);
IMPORT(STREAMS, "[method]output-stream.blocking-write-zeroes-and-flush")
void blocking_zeroes(u32, u64, struct result *);
IMPORT(STREAMS, "[method]output-stream.splice") void splice(u32, u32, u64, struct result64 *);
IMPORT(STREAMS, "[method]output-stream.blocking-splice")
void blocking_splice(u32, u32, u64, struct result64 *);
IMPORT("wasi:io/error@0.2.0", "[method]error.to-debug-string")
void to_debug_string(u32, struct list *);
IMPORT("wasi:io/error@0.2.0", "[resource-drop]error") void drop_error(u32);
IMPORT("wasi:io/poll@0.2.0", "poll") void poll(const u32 *, u32, struct list *);
IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void block(u32);
IMPORT("wasi:io/poll@0.2.0", "[method]pollable.ready") u32 ready(u32);
IMPORT("wasi:io/poll@0.2.0", "[resource-drop]pollable") void drop_pollable(u32);
IMPORT("wasi:clocks/monotonic-clock@0.2.0", "subscribe-duration") u32 after(u64);
IMPORT("wasi:clocks/monotonic-clock@0.2.0", "subscribe-instant") u32 at(u64);
IMPORT("wasi:clocks/monotonic-clock@0.2.0", "now") u64 now(void);
/* The names of the first release candidate. */
IMPORT("wasi:io/poll@0.2.0-rc-2023-10-18", "poll-list")
void poll_list(const u32 *, u32, struct list *);
IMPORT("wasi:io/poll@0.2.0-rc-2023-10-18", "poll-one") void poll_one(u32);
IMPORT("wasi:clocks/monotonic-clock@0.2.0-rc-2023-10-18", "subscribe") u32 subscribe(u64, u32);
IMPORT("wasi:io/streams@0.2.0-rc-2023-10-18", "[method]output-stream.forward")
void forward(u32, u32, struct result64 *);

enum { MS = 1000000 };

static void echo(u32 in)
{
    struct result result;
    for (;;) {
        heap_used = 0;
        blocking_read(in, 1 << 16, &result);
        if (result.is_error)
            break;
        print_bytes(result.list.data, result.list.count);
    }
    say("case", result.error_case & 255);
    blocking_read(in, 1, &result);
    say("again", result.error_case & 255);
}

static void writes(u32 out)
{
    struct result64 permit;
    struct result result;
    check_write(out, &permit);
    say("permit", permit.value >= 4096);
    output_write(out, "one\n", 4, &result);
    flush(out, &result);
    blocking_flush(out, &result);
    say("error", result.is_error);
    check_write(out, &permit);
    write_zeroes(out, 3, &result);
    blocking_zeroes(out, 100000, &result);
    say("zeroes", result.is_error);
    u32 pollable = output_subscribe(out);
    block(pollable);
    say("ready", ready(pollable));
    /* The stream stays while a pollable needs it. */
    drop_output(out);
    output = 0;
    say("ready", ready(pollable));
    drop_pollable(pollable);
}

static void splices(u32 in, u32 out)
{
    struct result64 result;
    blocking_splice(out, in, 5, &result);
    say("spliced", result.value);
    blocking_skip(in, 1, &result);
    say("skipped", result.value);
    splice(out, in, 100, &result);
    say("spliced", result.value);
    blocking_splice(out, in, 100, &result);
    say("case", result.is_error);
    say("closed", result.error_case & 255);
    skip(in, 1, &result);
    say("skip", result.is_error);
}

static void waits(void)
{
    struct list which;
    u64 start = now();
    u32 list[3] = {after(3600000ull * MS), after(20 * MS), at(start)};
    poll(list, 3, &which);
    say("first", which.count);
    say("index", ((u32 *)which.data)[0]);
    poll(list, 2, &which);
    say("second", which.count);
    say("index", ((u32 *)which.data)[0]);
    say("slept", now() - start >= 20 * MS);
    say("ready", ready(list[0]) * 10 + ready(list[1]));
    u32 early = subscribe(now() + 5 * MS, 1);
    poll_one(early);
    poll_list(&early, 1, &which);
    say("candidate", which.count);
}

static void polls_input(u32 in)
{
    struct result result;
    struct list which;
    u32 list[2] = {input_subscribe(in), after(10000ull * MS)};
    for (;;) {
        poll(list, 2, &which);
        if (((u32 *)which.data)[0] != 0)
            break;
        input_read(in, 100, &result);
        if (result.is_error)
            break;
        print_bytes(result.list.data, result.list.count);
        heap_used = 0;
    }
    print("end\n");
}

EXPORT("wasi:cli/run@0.2.3#run") u32 run(void)
{
    u32 in = get_stdin();
    struct result result;
    struct result64 result64;
    struct list text;
    if (wants("echo"))
        echo(in);
    if (wants("writes"))
        writes(get_stdout());
    if (wants("splice"))
        splices(in, get_stdout());
    if (wants("forward")) {
        forward(get_stdout(), in, &result64);
        say("forwarded", result64.value);
    }
    if (wants("waits"))
        waits();
    if (wants("poll-input"))
        polls_input(in);
    if (wants("block-for-ever"))
        block(after(3600000ull * MS));
    if (wants("read-for-ever"))
        blocking_read(in, 1, &result);
    if (wants("not-permitted"))
        output_write(get_stdout(), "x", 1, &result);
    if (wants("poll-nothing"))
        poll(0, 0, &text);
    if (wants("poll-too-many"))
        poll((u32 *)heap, 100000, &text);
    if (wants("poll-outside"))
        poll((u32 *)0xfffff000, 2000, &text);
    if (wants("full")) {
        u32 out = get_stdout();
        print("");
        do
            blocking_write(out, "x", 1, &result);
        while (!result.is_error);
        u32 code = result.error_case & 255;
        if (code == 0) {
            to_debug_string(result.error, &text);
            drop_error(result.error);
            return !same("No space left on device", text.data, text.count);
        }
        return 1;
    }
    return 0;
}
