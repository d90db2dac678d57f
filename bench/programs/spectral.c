/* SPDX-License-Identifier: Apache-2.0 */
/* Largest singular value of the infinite matrix a(i,j) = 1 / ((i+j)(i+j+1)/2 + i + 1), cut to SIDE
 * rows, by the power method. An iteration is one multiplication by A and its transpose. */
#include "bench.h"

#include <math.h>

#define SIDE 300

static double element(uint32_t i, uint32_t j)
{
    return 1.0 / (double)((i + j) * (i + j + 1) / 2 + i + 1);
}

static void multiply(const double *v, double *ret)
{
    for (uint32_t i = 0; i < SIDE; i++) {
        double sum = 0.0;
        for (uint32_t j = 0; j < SIDE; j++) {
            sum += element(i, j) * v[j];
        }
        ret[i] = sum;
    }
}

static void multiply_transposed(const double *v, double *ret)
{
    for (uint32_t i = 0; i < SIDE; i++) {
        double sum = 0.0;
        for (uint32_t j = 0; j < SIDE; j++) {
            sum += element(j, i) * v[j];
        }
        ret[i] = sum;
    }
}

int main(int argc, char **argv)
{
    static double u[SIDE], v[SIDE], half[SIDE];
    uint32_t iterations = bench_iterations(argc, argv, 500);
    for (int i = 0; i < SIDE; i++) {
        u[i] = 1.0;
    }
    double norm = 0.0;
    for (uint32_t n = 0; n < iterations; n++) {
        multiply(u, half);
        multiply_transposed(half, v);
        double uv = 0.0;
        double vv = 0.0;
        for (int i = 0; i < SIDE; i++) {
            uv += u[i] * v[i];
            vv += v[i] * v[i];
        }
        norm = sqrt(vv / uv);
        double scale = 1.0 / sqrt(vv);
        for (int i = 0; i < SIDE; i++) {
            u[i] = v[i] * scale;
        }
    }
    return bench_report("spectral", iterations, bench_sum_f64(BENCH_SUM_START, norm));
}
