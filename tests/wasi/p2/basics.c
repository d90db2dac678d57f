/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:cli, wasi:clocks, wasi:random, and what goes wrong with pointers and handles. */
#include "p2_guest.h"

IMPORT("wasi:cli/environment@0.2.0", "get-environment") void get_environment(struct list *);
IMPORT("wasi:cli/environment@0.2.0", "initial-cwd") void initial_cwd(u32 *);
IMPORT("wasi:cli/exit@0.2.6", "exit-with-code") _Noreturn void exit_with_code(u32);
IMPORT("wasi:cli/terminal-stdout@0.2.0", "get-terminal-stdout") void terminal_stdout(u32 *);
IMPORT("wasi:cli/stderr@0.2.0", "get-stderr") u32 get_stderr(void);
IMPORT("wasi:clocks/monotonic-clock@0.2.9", "now") u64 now(void);
IMPORT("wasi:clocks/monotonic-clock@0.2.0", "resolution") u64 resolution(void);
IMPORT("wasi:clocks/wall-clock@0.2.0", "now") void wall_now(u64 *);
IMPORT("wasi:clocks/wall-clock@0.2.0-rc-2023-11-10", "resolution") void wall_resolution(u64 *);
IMPORT("wasi:clocks/timezone@0.2.0", "utc-offset") u32 utc_offset(u64, u32);
IMPORT("wasi:clocks/timezone@0.2.0", "display") void display(u64, u32, u32 *);
IMPORT("wasi:random/random@0.2.0", "get-random-bytes") void random_bytes(u64, struct list *);
IMPORT("wasi:random/random@0.2.0", "get-random-u64") u64 random_u64(void);
IMPORT("wasi:random/insecure@0.2.0", "get-insecure-random-u64") u64 insecure_u64(void);
IMPORT("wasi:random/insecure@0.2.0", "get-insecure-random-bytes")
void insecure_bytes(u64, struct list *);
IMPORT("wasi:random/insecure-seed@0.2.0", "insecure-seed") void insecure_seed(u64 *);
IMPORT("wasi:io/streams@0.2.0", "[method]input-stream.read")
void input_read(u32, u64, struct result *);

static void environment(void)
{
    struct list args, env;
    u32 cwd[3];
    get_arguments(&args);
    for (u32 i = 1; i < args.count; i++) {
        print_bytes(((struct list *)args.data)[i].data, ((struct list *)args.data)[i].count);
        print("\n");
    }
    get_environment(&env);
    for (u32 i = 0; i < env.count; i++) {
        struct list *pair = (struct list *)env.data + 2 * i;
        print_bytes(pair[0].data, pair[0].count);
        print(" is ");
        print_bytes(pair[1].data, pair[1].count);
        print("\n");
    }
    initial_cwd(cwd);
    say("cwd", cwd[0] & 255);
}

static void clocks(void)
{
    u64 time[2];
    u32 zone[4];
    u64 before = now();
    say("forward", now() >= before);
    say("resolution", resolution() > 0 && resolution() < 1000000000);
    wall_now(time);
    say("since 2020", time[0] > 1577836800);
    say("nanoseconds", (u32)time[1] < 1000000000);
    wall_resolution(time);
    say("wall resolution", time[0] == 0 && (u32)time[1] > 0);
    say("offset", utc_offset(time[0], 0));
    display(time[0], 0, zone);
    print_bytes((void *)zone[1], zone[2]);
    print("\n");
}

static void random(void)
{
    struct list a, b;
    u64 seed[2];
    u32 different = 0;
    random_bytes(64, &a);
    random_bytes(64, &b);
    for (u32 i = 0; i < 64; i++)
        different += a.data[i] != b.data[i];
    say("lengths", a.count + b.count);
    say("different", different > 32);
    say("u64", random_u64() != random_u64());
    say("insecure", insecure_u64() != insecure_u64());
    insecure_bytes(0, &a);
    say("none", a.count);
    insecure_seed(seed);
    say("seed", seed[0] != seed[1]);
}

static void wrong(void)
{
    struct result result;
    if (wants("bad-pointer"))
        get_arguments((struct list *)0xfffffff8);
    if (wants("unaligned"))
        get_arguments((struct list *)(heap + 1));
    if (wants("bad-handle"))
        blocking_write(77, "x", 1, &result);
    if (wants("wrong-type"))
        input_read(get_stdout(), 1, &result);
    if (wants("dropped")) {
        u32 stream = get_stdout();
        drop_output(stream);
        blocking_write(stream, "x", 1, &result);
    }
    if (wants("twice")) {
        u32 stream = get_stdout();
        drop_output(stream);
        drop_output(stream);
    }
    if (wants("bad-string"))
        blocking_write(get_stdout(), (void *)0xffffffff, 100, &result);
    if (wants("too-much-random"))
        random_bytes(1ull << 40, (struct list *)heap);
    if (wants("many")) {
        for (;;)
            get_stdout();
    }
}

EXPORT("wasi:cli/run@0.2.0#run") u32 run(void)
{
    u32 terminal[2];
    if (wants("hello"))
        print("hello\n");
    if (wants("environment"))
        environment();
    if (wants("clocks"))
        clocks();
    if (wants("random"))
        random();
    if (wants("stderr")) {
        struct result result;
        blocking_write(get_stderr(), "oops\n", 5, &result);
    }
    if (wants("terminal")) {
        terminal_stdout(terminal);
        say("terminal", terminal[0] & 255);
    }
    if (wants("exit-ok"))
        guest_exit(0);
    if (wants("exit-error"))
        guest_exit(1);
    if (wants("exit-code"))
        exit_with_code(42);
    wrong();
    return wants("fail");
}
