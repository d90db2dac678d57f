/* SPDX-License-Identifier: Apache-2.0 */
/* An interpreter inside the interpreter: a register machine like Lua's, with tagged values, tables
 * and calls. It runs a recursive Fibonacci, a sieve and a word count over integer keys. */
#include "bench.h"

#define STACK_SLOTS 1024
#define FRAMES_MAX 64
#define ARRAY_SLOTS 2048
#define HASH_SLOTS 1024 /* a power of two */

enum tag { TAG_NIL, TAG_BOOLEAN, TAG_INTEGER, TAG_NUMBER, TAG_TABLE };

struct value {
    enum tag tag;
    union {
        int64_t integer;
        double number;
        struct table *table;
    } as;
};

struct hash_entry {
    struct value key;
    struct value value;
};

/* Integer keys below ARRAY_SLOTS live in the array part, others in an open-addressed hash. */
struct table {
    struct value array[ARRAY_SLOTS];
    struct hash_entry hash[HASH_SLOTS];
};

/* Instructions: operation, then registers or numbers A, B, C of 8 bits, or A and a signed Bx. */
enum operation {
    OP_MOVE,     /* R[A] = R[B] */
    OP_LOAD,     /* R[A] = Bx */
    OP_LOADF,    /* R[A] = Bx / 16.0 */
    OP_ADD,      /* R[A] = R[B] + R[C] */
    OP_SUB,      /* R[A] = R[B] - R[C] */
    OP_MUL,      /* R[A] = R[B] * R[C] */
    OP_MOD,      /* R[A] = R[B] % R[C], integers */
    OP_ADDI,     /* R[A] = R[B] + C */
    OP_LT,       /* if R[A] < R[B] is not C, skip the next instruction */
    OP_EQ,       /* if R[A] == R[B] is not C, skip the next instruction */
    OP_TEST,     /* if the truth of R[A] is not C, skip the next instruction */
    OP_JUMP,     /* pc += Bx */
    OP_FORLOOP,  /* R[A] += R[A+2]; if R[A] <= R[A+1] then pc += Bx */
    OP_NEWTABLE, /* R[A] = an empty table of number B */
    OP_GETTABLE, /* R[A] = R[B][R[C]] */
    OP_SETTABLE, /* R[A][R[B]] = R[C] */
    OP_CALL,     /* R[A] = function B with its arguments at R[A]... */
    OP_RETURN,   /* return R[A] */
};

#define ABC(op, a, b, c)                                                                           \
    ((uint32_t)(op) | (uint32_t)(a) << 8 | (uint32_t)(b) << 16 | (uint32_t)(c) << 24)
#define ABX(op, a, bx)                                                                             \
    ((uint32_t)(op) | (uint32_t)(a) << 8 | (uint32_t)(uint16_t)(int16_t)(bx) << 16)

struct function {
    const uint32_t *code;
};

/* fib(n): n < 2 ? n : fib(n - 1) + fib(n - 2) */
static const uint32_t code_fib[] = {
    ABX(OP_LOAD, 1, 2),      ABC(OP_LT, 0, 1, 1),   ABX(OP_JUMP, 0, 1),   ABX(OP_JUMP, 0, 1),
    ABC(OP_RETURN, 0, 0, 0), ABX(OP_LOAD, 3, 1),    ABC(OP_SUB, 2, 0, 3), ABC(OP_CALL, 2, 0, 0),
    ABC(OP_SUB, 3, 0, 1),    ABC(OP_CALL, 3, 0, 0), ABC(OP_ADD, 2, 2, 3), ABC(OP_RETURN, 2, 0, 0),
};

/* sieve(limit): counts the primes below limit. r1 = table, r2.. = loops, r9 = count */
static const uint32_t code_sieve[] = {
    ABC(OP_NEWTABLE, 1, 0, 0), ABX(OP_LOAD, 9, 0),     ABX(OP_LOAD, 8, 1),
    ABX(OP_LOAD, 2, 1),        ABX(OP_LOAD, 4, 1),     ABC(OP_SUB, 3, 0, 8),
    ABX(OP_JUMP, 0, 10),       /* to the outer loop's end */
    ABC(OP_GETTABLE, 5, 1, 2), /* body: crossed out? */
    ABC(OP_TEST, 5, 1, 1),     /* not crossed out: skip the jump */
    ABX(OP_JUMP, 0, 7),        ABC(OP_ADDI, 9, 9, 1),  ABC(OP_MOVE, 5, 2, 0),
    ABC(OP_MOVE, 6, 3, 0),     ABC(OP_MOVE, 7, 2, 0),  ABX(OP_JUMP, 0, 1),
    ABC(OP_SETTABLE, 1, 5, 8), ABX(OP_FORLOOP, 5, -2), ABX(OP_FORLOOP, 2, -11),
    ABC(OP_RETURN, 9, 0, 0),
};

/* words(count): counts `count` keys of a linear congruential generator in a table and adds up 1.5
 * times each count as it grows. r1 = table, r2 = loop, r5 = key, r11 = result */
static const uint32_t code_words[] = {
    ABC(OP_NEWTABLE, 1, 1, 0), ABX(OP_LOAD, 2, 0),        ABC(OP_MOVE, 3, 0, 0),
    ABX(OP_LOAD, 4, 1),        ABX(OP_LOAD, 5, 4001),     ABX(OP_LOAD, 6, 1103),
    ABX(OP_LOAD, 7, 12345),    ABX(OP_LOAD, 8, 2909),     ABX(OP_LOADF, 11, 8),
    ABX(OP_LOADF, 10, 24),     ABC(OP_MUL, 5, 5, 6),      ABC(OP_ADD, 5, 5, 7), /* loop body */
    ABC(OP_MOD, 5, 5, 8),      ABC(OP_GETTABLE, 9, 1, 5), ABC(OP_TEST, 9, 1, 0),
    ABX(OP_LOAD, 9, 0),        ABC(OP_ADDI, 9, 9, 1),     ABC(OP_SETTABLE, 1, 5, 9),
    ABC(OP_MUL, 9, 9, 10),     ABC(OP_ADD, 11, 11, 9),    ABX(OP_FORLOOP, 2, -11),
    ABC(OP_RETURN, 11, 0, 0),
};

enum { FUNCTION_FIB, FUNCTION_SIEVE, FUNCTION_WORDS, FUNCTION_COUNT };

static const struct function functions[FUNCTION_COUNT] = {{code_fib}, {code_sieve}, {code_words}};

struct frame {
    const uint32_t *pc;
    struct value *base;
    uint32_t ret_slot;
};

static struct value stack[STACK_SLOTS];
static struct frame frames[FRAMES_MAX];
static struct table tables[2];

static struct value make_integer(int64_t integer)
{
    return (struct value){.tag = TAG_INTEGER, .as.integer = integer};
}

static struct value make_number(double number)
{
    return (struct value){.tag = TAG_NUMBER, .as.number = number};
}

static double to_number(struct value v)
{
    bench_require(v.tag == TAG_INTEGER || v.tag == TAG_NUMBER, "arithmetic on a number");
    return v.tag == TAG_INTEGER ? (double)v.as.integer : v.as.number;
}

static int is_true(struct value v)
{
    return v.tag != TAG_NIL && !(v.tag == TAG_BOOLEAN && v.as.integer == 0);
}

static int is_less(struct value a, struct value b)
{
    if (a.tag == TAG_INTEGER && b.tag == TAG_INTEGER) {
        return a.as.integer < b.as.integer;
    }
    return to_number(a) < to_number(b);
}

static int is_equal(struct value a, struct value b)
{
    if (a.tag != b.tag) {
        return 0;
    }
    return a.tag == TAG_NUMBER ? a.as.number == b.as.number : a.as.integer == b.as.integer;
}

/* The slot of a key; for a new key of the hash, `insert` makes it. */
static struct value *table_slot(struct table *t, struct value key, int insert)
{
    static struct value nil;
    bench_require(key.tag == TAG_INTEGER, "a key that is an integer");
    if ((uint64_t)key.as.integer < ARRAY_SLOTS) {
        return &t->array[key.as.integer];
    }
    uint32_t at = (uint32_t)((uint64_t)key.as.integer * UINT64_C(0x9e3779b97f4a7c15) >> 54);
    for (uint32_t probes = 0; probes < HASH_SLOTS; probes++) {
        struct hash_entry *entry = &t->hash[at % HASH_SLOTS];
        if (is_equal(entry->key, key)) {
            return &entry->value;
        }
        if (entry->key.tag == TAG_NIL) {
            if (!insert) {
                nil = (struct value){.tag = TAG_NIL};
                return &nil;
            }
            entry->key = key;
            return &entry->value;
        }
        at++;
    }
    bench_require(0, "room in the hash");
    return &nil;
}

#define ARITHMETIC(symbol)                                                                         \
    if (b->tag == TAG_INTEGER && c->tag == TAG_INTEGER) {                                          \
        *a = make_integer(b->as.integer symbol c->as.integer);                                     \
    } else {                                                                                       \
        *a = make_number(to_number(*b) symbol to_number(*c));                                      \
    }                                                                                              \
    break

static struct value run(int function, struct value argument)
{
    struct value *base = stack;
    const uint32_t *pc = functions[function].code;
    uint32_t depth = 0;
    base[0] = argument;
    for (;;) {
        uint32_t i = *pc++;
        struct value *a = &base[i >> 8 & 255];
        const struct value *b = &base[i >> 16 & 255];
        const struct value *c = &base[i >> 24];
        int32_t bx = (int16_t)(i >> 16);
        switch ((enum operation)(i & 255)) {
        case OP_MOVE:
            *a = *b;
            break;
        case OP_LOAD:
            *a = make_integer(bx);
            break;
        case OP_LOADF:
            *a = make_number(bx / 16.0);
            break;
        case OP_ADD:
            ARITHMETIC(+);
        case OP_SUB:
            ARITHMETIC(-);
        case OP_MUL:
            ARITHMETIC(*);
        case OP_MOD:
            bench_require(c->tag == TAG_INTEGER && c->as.integer > 0, "a positive divisor");
            *a = make_integer(b->as.integer % c->as.integer);
            break;
        case OP_ADDI:
            bench_require(b->tag == TAG_INTEGER, "an integer");
            *a = make_integer(b->as.integer + (int64_t)(i >> 24));
            break;
        case OP_LT:
            pc += is_less(*a, *b) != (int)(i >> 24);
            break;
        case OP_EQ:
            pc += is_equal(*a, *b) != (int)(i >> 24);
            break;
        case OP_TEST:
            pc += is_true(*a) != (int)(i >> 24);
            break;
        case OP_JUMP:
            pc += bx;
            break;
        case OP_FORLOOP:
            a[0].as.integer += a[2].as.integer;
            if (a[0].as.integer <= a[1].as.integer) {
                pc += bx;
            }
            break;
        case OP_NEWTABLE: {
            struct table *t = &tables[i >> 16 & 1];
            memset(t, 0, sizeof *t);
            *a = (struct value){.tag = TAG_TABLE, .as.table = t};
            break;
        }
        case OP_GETTABLE:
            bench_require(b->tag == TAG_TABLE, "a table");
            *a = *table_slot(b->as.table, *c, 0);
            break;
        case OP_SETTABLE:
            bench_require(a->tag == TAG_TABLE, "a table");
            *table_slot(a->as.table, *b, 1) = *c;
            break;
        case OP_CALL:
            bench_require(depth < FRAMES_MAX, "room for a frame");
            frames[depth++] = (struct frame){pc, base, i >> 8 & 255};
            base = a;
            pc = functions[i >> 16 & 255].code;
            break;
        case OP_RETURN: {
            struct value result = *a;
            if (depth == 0) {
                return result;
            }
            struct frame *frame = &frames[--depth];
            base = frame->base;
            pc = frame->pc;
            base[frame->ret_slot] = result;
            break;
        }
        }
    }
}

int main(int argc, char **argv)
{
    uint32_t iterations = bench_iterations(argc, argv, 280);
    bench_require(run(FUNCTION_FIB, make_integer(15)).as.integer == 610, "fib(15)");
    bench_require(run(FUNCTION_SIEVE, make_integer(2000)).as.integer == 303, "primes below 2000");
    uint64_t sum = BENCH_SUM_START;
    for (uint32_t n = 0; n < iterations; n++) {
        struct value fib = run(FUNCTION_FIB, make_integer(16 + (n & 1)));
        struct value primes = run(FUNCTION_SIEVE, make_integer(1500 + n % 500));
        struct value words = run(FUNCTION_WORDS, make_integer(6000 + n % 100));
        sum = bench_sum_u64(bench_sum_u64(sum, (uint64_t)fib.as.integer),
                            (uint64_t)primes.as.integer);
        sum = bench_sum_f64(sum, words.as.number);
    }
    return bench_report("bytecode", iterations, sum);
}
