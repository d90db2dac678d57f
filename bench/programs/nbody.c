/* SPDX-License-Identifier: Apache-2.0 */
/* The Sun and four planets under gravity: symplectic Euler, a fixed step. Units are the solar mass,
 * the astronomical unit and the year. */
#include "bench.h"

#include <math.h>

#define BODIES 5
#define SOLAR_MASS (4 * 3.141592653589793 * 3.141592653589793)
#define DAYS 365.24

struct body {
    double x, y, z;
    double vx, vy, vz;
    double mass;
};

/* Positions and velocities, per day, of the gas giants at one moment. */
static struct body bodies[BODIES] = {
    {.mass = SOLAR_MASS},
    {4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 0.00166007664274403694,
     0.00769901118419740425, -0.0000690460016972063023, 0.000954791938424326609 * SOLAR_MASS},
    {8.34336671824457987, 4.12479856412430479, -0.403523417114321381, -0.00276742510726411160,
     0.00499852801234917238, 0.0000230417297573763929, 0.000285885980666130812 * SOLAR_MASS},
    {12.8943695621391310, -15.1111514016986312, -0.223307578892655734, 0.00296460137564761618,
     0.00237847173959480950, -0.0000296589568540237556, 0.0000436624404335156298 * SOLAR_MASS},
    {15.3796971148509165, -25.9193146099879641, 0.179258772950371181, 0.00268067772490389322,
     0.00162824170038242295, -0.0000951592254519715870, 0.0000515138902046611451 * SOLAR_MASS},
};

static void advance(double step)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *p = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *q = &bodies[j];
            double dx = p->x - q->x;
            double dy = p->y - q->y;
            double dz = p->z - q->z;
            double square = dx * dx + dy * dy + dz * dz;
            double pull = step / (square * sqrt(square));
            p->vx -= dx * q->mass * pull;
            p->vy -= dy * q->mass * pull;
            p->vz -= dz * q->mass * pull;
            q->vx += dx * p->mass * pull;
            q->vy += dy * p->mass * pull;
            q->vz += dz * p->mass * pull;
        }
    }
    for (int i = 0; i < BODIES; i++) {
        struct body *p = &bodies[i];
        p->x += step * p->vx;
        p->y += step * p->vy;
        p->z += step * p->vz;
    }
}

static double energy(void)
{
    double total = 0.0;
    for (int i = 0; i < BODIES; i++) {
        const struct body *p = &bodies[i];
        total += 0.5 * p->mass * (p->vx * p->vx + p->vy * p->vy + p->vz * p->vz);
        for (int j = i + 1; j < BODIES; j++) {
            const struct body *q = &bodies[j];
            double dx = p->x - q->x;
            double dy = p->y - q->y;
            double dz = p->z - q->z;
            total -= p->mass * q->mass / sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return total;
}

/* Velocities per year, and the Sun moving so that the whole system has no momentum. */
static void prepare(void)
{
    for (int i = 1; i < BODIES; i++) {
        struct body *p = &bodies[i];
        p->vx *= DAYS;
        p->vy *= DAYS;
        p->vz *= DAYS;
        bodies[0].vx -= p->vx * p->mass / SOLAR_MASS;
        bodies[0].vy -= p->vy * p->mass / SOLAR_MASS;
        bodies[0].vz -= p->vz * p->mass / SOLAR_MASS;
    }
}

int main(int argc, char **argv)
{
    uint32_t iterations = bench_iterations(argc, argv, 2000000);
    prepare();
    double before = energy();
    for (uint32_t i = 0; i < iterations; i++) {
        advance(0.01);
    }
    double after = energy();
    double drift = (after - before) / before;
    bench_require(drift < 1e-3 && drift > -1e-3, "energy is conserved");
    return bench_report("nbody", iterations, bench_sum_f64(BENCH_SUM_START, after));
}
