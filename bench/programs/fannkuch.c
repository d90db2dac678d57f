/* SPDX-License-Identifier: Apache-2.0 */
/* Fannkuch: over all permutations of 9 numbers, how often the first k must be reversed (k being the
 * first number) until a 1 comes first. An iteration goes over all 362880 permutations. */
#include "bench.h"

#define N 9

static uint32_t count_flips(const int8_t start[N])
{
    int8_t p[N];
    uint32_t flips = 0;
    for (int i = 0; i < N; i++) {
        p[i] = start[i];
    }
    for (int first = p[0]; first != 0; first = p[0]) {
        for (int low = 0, high = first; low < high; low++, high--) {
            int8_t swapped = p[low];
            p[low] = p[high];
            p[high] = swapped;
        }
        flips++;
    }
    return flips;
}

/* Goes to the next permutation by rotating ever longer prefixes; returns 0 at the end. */
static int next_permutation(int8_t p[N], int8_t count[N])
{
    for (int k = 1; k < N; k++) {
        int8_t first = p[0];
        for (int i = 0; i < k; i++) {
            p[i] = p[i + 1];
        }
        p[k] = first;
        if (count[k] < k) {
            count[k]++;
            return 1;
        }
        count[k] = 0;
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint32_t iterations = bench_iterations(argc, argv, 7);
    uint64_t sum = BENCH_SUM_START;
    for (uint32_t n = 0; n < iterations; n++) {
        int8_t p[N];
        int8_t count[N] = {0};
        for (int i = 0; i < N; i++) {
            p[i] = (int8_t)i;
        }
        uint32_t flips_max = 0;
        int32_t checksum = 0;
        int32_t sign = 1;
        do {
            uint32_t flips = count_flips(p);
            flips_max = flips > flips_max ? flips : flips_max;
            checksum += sign * (int32_t)flips;
            sign = -sign;
        } while (next_permutation(p, count));
        bench_require(flips_max == 30, "most flips for 9 numbers");
        sum = bench_sum_u64(bench_sum_u64(sum, (uint32_t)checksum), n);
    }
    return bench_report("fannkuch", iterations, sum);
}
