/* SPDX-License-Identifier: Apache-2.0 */
/* Calls through function pointers: expression trees whose nodes carry their evaluator, objects with
 * method tables, and a callback that is passed down. */
#include "bench.h"

#define LEAVES 256
#define SHAPES 64

/* Expression trees. */

struct expression {
    uint32_t (*evaluate)(const struct expression *self, uint32_t x);
    const struct expression *left;
    const struct expression *right;
    uint32_t constant;
};

static uint32_t evaluate_constant(const struct expression *self, uint32_t x)
{
    (void)x;
    return self->constant;
}

static uint32_t evaluate_variable(const struct expression *self, uint32_t x)
{
    return x + self->constant;
}

static uint32_t evaluate_add(const struct expression *self, uint32_t x)
{
    return self->left->evaluate(self->left, x) + self->right->evaluate(self->right, x);
}

static uint32_t evaluate_subtract(const struct expression *self, uint32_t x)
{
    return self->left->evaluate(self->left, x) - self->right->evaluate(self->right, x);
}

static uint32_t evaluate_multiply(const struct expression *self, uint32_t x)
{
    return self->left->evaluate(self->left, x) * self->right->evaluate(self->right, x);
}

static uint32_t evaluate_choose(const struct expression *self, uint32_t x)
{
    const struct expression *branch = x & 1 ? self->left : self->right;
    return branch->evaluate(branch, x >> 1) + self->constant;
}

static struct expression expressions[2 * LEAVES];

/* A complete tree in the order of a heap: node i has the children 2i and 2i + 1. */
static void plant(uint32_t *seed)
{
    static uint32_t (*const inner[])(const struct expression *, uint32_t) = {
        evaluate_add, evaluate_subtract, evaluate_multiply, evaluate_choose};
    for (uint32_t i = 1; i < 2 * LEAVES; i++) {
        uint32_t r = bench_random(seed);
        struct expression *e = &expressions[i];
        e->constant = r >> 8;
        if (i < LEAVES) {
            e->evaluate = inner[r & 3];
            e->left = &expressions[2 * i];
            e->right = &expressions[2 * i + 1];
        } else {
            e->evaluate = r & 1 ? evaluate_constant : evaluate_variable;
        }
    }
}

/* Objects with method tables. */

struct shape;

struct shape_methods {
    uint32_t (*area)(const struct shape *self);
    uint32_t (*outline)(const struct shape *self);
    void (*scale)(struct shape *self, uint32_t by);
};

struct shape {
    const struct shape_methods *methods;
    uint32_t a;
    uint32_t b;
};

static uint32_t square_area(const struct shape *self)
{
    return self->a * self->a;
}

static uint32_t square_outline(const struct shape *self)
{
    return 4 * self->a;
}

static void square_scale(struct shape *self, uint32_t by)
{
    self->a = (self->a * by >> 4 & 1023) + 1;
}

static uint32_t oblong_area(const struct shape *self)
{
    return self->a * self->b;
}

static uint32_t oblong_outline(const struct shape *self)
{
    return 2 * (self->a + self->b);
}

static void oblong_scale(struct shape *self, uint32_t by)
{
    self->a = (self->a * by >> 4 & 1023) + 1;
    self->b = (self->b * by >> 3 & 1023) + 1;
}

static uint32_t ring_area(const struct shape *self)
{
    return 22 * (self->a * self->a - self->b * self->b) / 7;
}

static uint32_t ring_outline(const struct shape *self)
{
    return 44 * (self->a + self->b) / 7;
}

static void ring_scale(struct shape *self, uint32_t by)
{
    self->b = (self->b * by >> 4 & 511) + 1;
    self->a = self->b + 3;
}

static const struct shape_methods kinds[] = {{square_area, square_outline, square_scale},
                                             {oblong_area, oblong_outline, oblong_scale},
                                             {ring_area, ring_outline, ring_scale}};

static struct shape shapes[SHAPES];

typedef uint64_t (*shape_visitor)(uint64_t sum, const struct shape *shape);

static uint64_t visit_area(uint64_t sum, const struct shape *shape)
{
    return sum + shape->methods->area(shape);
}

static uint64_t visit_outline(uint64_t sum, const struct shape *shape)
{
    return sum ^ shape->methods->outline(shape);
}

static uint64_t visit_all(uint64_t sum, shape_visitor visit)
{
    for (uint32_t i = 0; i < SHAPES; i++) {
        sum = visit(sum, &shapes[i]);
    }
    return sum;
}

int main(int argc, char **argv)
{
    static const shape_visitor visitors[] = {visit_area, visit_outline};
    uint32_t iterations = bench_iterations(argc, argv, 120000);
    uint32_t seed = 0x1234567;
    plant(&seed);
    for (uint32_t i = 0; i < SHAPES; i++) {
        uint32_t r = bench_random(&seed);
        shapes[i] = (struct shape){&kinds[r % 3], (r >> 8 & 255) + 4, (r >> 16 & 3) + 1};
    }
    uint64_t sum = BENCH_SUM_START;
    for (uint32_t n = 0; n < iterations; n++) {
        uint32_t value = expressions[1].evaluate(&expressions[1], n);
        sum = visit_all(bench_sum_u64(sum, value), visitors[n & 1]);
        struct shape *shape = &shapes[value % SHAPES];
        shape->methods->scale(shape, n & 63);
    }
    return bench_report("indirect", iterations, sum);
}
