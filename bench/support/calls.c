/* SPDX-License-Identifier: Apache-2.0 */
/* What a call costs inside the guest: direct, through a table, and to the host and back
 * (preview 1's args_sizes_get, which only stores two numbers). Prints "KIND NANOSECONDS", one a
 * line; the cost of the loop itself is taken off. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef __wasi__
#include <wasi/api.h>
#endif

typedef uint32_t (*step_function)(uint32_t);

static uint32_t accumulator = 1;

__attribute__((noinline)) static uint32_t step_a(uint32_t x)
{
    return x * 5 + accumulator;
}

__attribute__((noinline)) static uint32_t step_b(uint32_t x)
{
    return x * 3 - accumulator;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_inline(uint32_t calls)
{
    double start = now_ns();
    uint32_t x = 1;
    for (uint32_t i = 0; i < calls; i++) {
        x = x * 5 + *(volatile uint32_t *)&accumulator;
    }
    accumulator = x | 1;
    return now_ns() - start;
}

static double time_direct(uint32_t calls)
{
    double start = now_ns();
    uint32_t x = 1;
    for (uint32_t i = 0; i < calls; i++) {
        x = step_a(x);
        __asm__ volatile("" : "+r"(x));
    }
    accumulator = x | 1;
    return now_ns() - start;
}

static double time_indirect(uint32_t calls)
{
    static step_function volatile steps[2] = {step_a, step_b};
    double start = now_ns();
    uint32_t x = 1;
    for (uint32_t i = 0; i < calls; i++) {
        x = steps[i & 1](x);
    }
    accumulator = x | 1;
    return now_ns() - start;
}

#ifdef __wasi__
static double time_host(uint32_t calls)
{
    double start = now_ns();
    for (uint32_t i = 0; i < calls; i++) {
        __wasi_size_t count, bytes;
        if (__wasi_args_sizes_get(&count, &bytes) != 0) {
            abort();
        }
        accumulator += (uint32_t)count;
    }
    return now_ns() - start;
}
#endif

int main(int argc, char **argv)
{
    uint32_t calls = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 4000000;
    time_inline(calls / 8);
    double loop = time_inline(calls);
    printf("direct %.2f\n", (time_direct(calls) - loop) / calls);
    printf("indirect %.2f\n", (time_indirect(calls) - loop) / calls);
#ifdef __wasi__
    printf("host %.2f\n", (time_host(calls) - loop) / calls);
#endif
    return 0;
}
