/* SPDX-License-Identifier: Apache-2.0 */
/* Escape times of the Mandelbrot set, one pixel at a time, packed to a bitmap.
 * An iteration is a row. */
#include "bench.h"

#define WIDTH 480
#define ROWS 320
#define STEPS_MAX 100

static uint32_t escape(double cx, double cy)
{
    double x = 0.0;
    double y = 0.0;
    double xx = 0.0;
    double yy = 0.0;
    uint32_t steps = 0;
    while (steps < STEPS_MAX && xx + yy <= 4.0) {
        y = 2.0 * x * y + cy;
        x = xx - yy + cx;
        xx = x * x;
        yy = y * y;
        steps++;
    }
    return steps;
}

int main(int argc, char **argv)
{
    uint32_t iterations = bench_iterations(argc, argv, 2800);
    uint64_t sum = BENCH_SUM_START;
    for (uint32_t n = 0; n < iterations; n++) {
        uint32_t row = n % ROWS;
        double cy = 2.0 * row / ROWS - 1.0;
        uint8_t bits[WIDTH / 8] = {0};
        uint32_t steps_total = 0;
        for (uint32_t i = 0; i < WIDTH; i++) {
            uint32_t steps = escape(3.0 * i / WIDTH - 2.0, cy);
            steps_total += steps;
            bits[i / 8] = (uint8_t)(bits[i / 8] << 1 | (steps == STEPS_MAX));
        }
        sum = bench_sum_u64(bench_sum_bytes(sum, bits, sizeof bits), steps_total);
    }
    return bench_report("mandelbrot", iterations, sum);
}
