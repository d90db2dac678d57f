/* SPDX-License-Identifier: Apache-2.0 */
/* What every program of this folder shares: the iteration argument and the checksum.
 *
 * A program does `iterations` rounds of work that depend on each other or feed the checksum, so
 * that no compiler can drop them, and prints one line. The line is the same for every engine. */
#ifndef STINT_BENCH_H
#define STINT_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first argument when it is a positive number, else `iterations_default`, which is sized to
 * 0.1-0.2 s of native time on the reference machine. */
static inline uint32_t bench_iterations(int argc, char **argv, uint32_t iterations_default)
{
    if (argc < 2) {
        return iterations_default;
    }
    char *end;
    unsigned long n = strtoul(argv[1], &end, 10);
    if (*argv[1] == '\0' || *end != '\0' || n == 0 || n > UINT32_MAX) {
        fprintf(stderr, "%s: iterations must be a number from 1 to %u\n", argv[0], UINT32_MAX);
        exit(2);
    }
    return (uint32_t)n;
}

/* FNV-1a, 64 bits. */
#define BENCH_SUM_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t bench_sum_bytes(uint64_t sum, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < bytes; i++) {
        sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return sum;
}

static inline uint64_t bench_sum_u64(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * UINT64_C(0x100000001b3);
}

static inline uint64_t bench_sum_f64(uint64_t sum, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bench_sum_u64(sum, bits);
}

/* xorshift32; the state is never zero. */
static inline uint32_t bench_random(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static inline int bench_report(const char *name, uint32_t iterations, uint64_t sum)
{
    printf("%s: iterations %u, checksum %08x%08x\n", name, (unsigned)iterations,
           (unsigned)(sum >> 32), (unsigned)sum);
    return 0;
}

/* For programs with a known answer: a wrong one is worse than a slow one. */
static inline void bench_require(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "self-check failed: %s\n", what);
        exit(1);
    }
}

#endif
