/* SPDX-License-Identifier: Apache-2.0 */
/* Product of two dense matrices of doubles, the second one transposed first. */
#include "bench.h"

#define SIDE 128

static double a[SIDE][SIDE];
static double b[SIDE][SIDE];
static double transposed[SIDE][SIDE];
static double product[SIDE][SIDE];

static void multiply(void)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            transposed[j][i] = b[i][j];
        }
    }
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            double sum = 0.0;
            for (int k = 0; k < SIDE; k++) {
                sum += a[i][k] * transposed[j][k];
            }
            product[i][j] = sum;
        }
    }
}

int main(int argc, char **argv)
{
    uint32_t iterations = bench_iterations(argc, argv, 80);
    uint32_t seed = 88172645;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            a[i][j] = (double)(bench_random(&seed) % 2001) / 1000.0 - 1.0;
            b[i][j] = (double)(bench_random(&seed) % 2001) / 1000.0 - 1.0;
        }
    }
    uint64_t sum = BENCH_SUM_START;
    for (uint32_t n = 0; n < iterations; n++) {
        multiply();
        sum = bench_sum_f64(sum, product[n % SIDE][(n * 7) % SIDE]);
        /* The next round works on this one's result, scaled so that values stay near 1. */
        for (int j = 0; j < SIDE; j++) {
            a[n % SIDE][j] = product[n % SIDE][j] / 8.0;
        }
    }
    return bench_report("matmul", iterations, sum);
}
