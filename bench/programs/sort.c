/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting and moving memory: records by quicksort with insertion sort for short ranges, an index of
 * them by merge sort, and copies of many sizes between the two. */
#include "bench.h"

#define RECORDS 4096
#define SHORT_RANGE 12

struct record {
    uint32_t key;
    uint32_t number;
    char label[24];
};

static struct record records[RECORDS];
static struct record backup[RECORDS];
static uint32_t order[RECORDS];
static uint32_t scratch[RECORDS];

static int compare(const struct record *a, const struct record *b)
{
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    return memcmp(a->label, b->label, sizeof a->label);
}

static void swap(struct record *a, struct record *b)
{
    struct record t;
    memcpy(&t, a, sizeof t);
    memcpy(a, b, sizeof t);
    memcpy(b, &t, sizeof t);
}

static void insertion_sort(struct record *r, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct record moving = r[i];
        uint32_t j = i;
        for (; j > 0 && compare(&moving, &r[j - 1]) < 0; j--) {
            r[j] = r[j - 1];
        }
        r[j] = moving;
    }
}

/* Recurses into the shorter part, so the depth is at most log2(count). */
static void quick_sort(struct record *r, uint32_t count)
{
    while (count > SHORT_RANGE) {
        struct record *middle = &r[count / 2];
        struct record *last = &r[count - 1];
        if (compare(middle, r) < 0) {
            swap(middle, r);
        }
        if (compare(last, r) < 0) {
            swap(last, r);
        }
        if (compare(last, middle) < 0) {
            swap(last, middle);
        }
        struct record pivot = *middle;
        uint32_t i = 0;
        uint32_t j = count - 1;
        for (;;) {
            while (compare(&r[i], &pivot) < 0) {
                i++;
            }
            while (compare(&pivot, &r[j]) < 0) {
                j--;
            }
            if (i >= j) {
                break;
            }
            swap(&r[i++], &r[j--]);
        }
        uint32_t left = i;
        if (left < count - left) {
            quick_sort(r, left);
            r += left;
            count -= left;
        } else {
            quick_sort(r + left, count - left);
            count = left;
        }
    }
    insertion_sort(r, count);
}

/* Stable, by label; bottom up between two arrays. */
static void merge_sort_order(void)
{
    uint32_t *from = order;
    uint32_t *to = scratch;
    for (uint32_t width = 1; width < RECORDS; width *= 2) {
        for (uint32_t start = 0; start < RECORDS; start += 2 * width) {
            uint32_t a = start;
            uint32_t b = start + width;
            uint32_t a_end = b;
            uint32_t b_end = b + width;
            uint32_t out = start;
            while (a < a_end && b < b_end) {
                int take_b = memcmp(records[from[b]].label, records[from[a]].label, 8) < 0;
                to[out++] = take_b ? from[b++] : from[a++];
            }
            memcpy(to + out, from + a, (a_end - a) * sizeof *to);
            memcpy(to + out + (a_end - a), from + b, (b_end - b) * sizeof *to);
        }
        uint32_t *t = from;
        from = to;
        to = t;
    }
    if (from != order) {
        memcpy(order, from, sizeof order);
    }
}

static void fill(uint32_t *seed)
{
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct record *r = &records[i];
        r->key = bench_random(seed) % 3000;
        r->number = i;
        for (uint32_t j = 0; j < sizeof r->label; j++) {
            r->label[j] = (char)('a' + bench_random(seed) % 26);
        }
        order[i] = i;
    }
}

/* Blocks of 1 to 4096 bytes from odd places to odd places. */
static uint64_t copy_blocks(uint64_t sum, uint32_t *seed)
{
    char *to = (char *)backup;
    const char *from = (const char *)records;
    for (uint32_t bytes = 1; bytes <= 4096; bytes = bytes * 5 / 4 + 1) {
        uint32_t at = bench_random(seed) % (uint32_t)(sizeof backup - 4096);
        uint32_t source = bench_random(seed) % (uint32_t)(sizeof records - 4096);
        memcpy(to + at, from + source, bytes);
        memmove(to + at + bytes / 3, to + at, bytes - bytes / 3);
        sum = bench_sum_u64(sum, (unsigned char)to[at + bytes - 1]);
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint32_t iterations = bench_iterations(argc, argv, 135);
    uint32_t seed = 0x6c8e9cf5;
    uint64_t sum = BENCH_SUM_START;
    for (uint32_t n = 0; n < iterations; n++) {
        fill(&seed);
        memcpy(backup, records, sizeof backup);
        quick_sort(records, RECORDS);
        for (uint32_t i = 1; i < RECORDS; i++) {
            bench_require(compare(&records[i - 1], &records[i]) <= 0, "records are in order");
        }
        merge_sort_order();
        sum = bench_sum_u64(sum, records[n % RECORDS].number);
        sum = bench_sum_u64(sum, order[(n * 17) % RECORDS]);
        for (uint32_t i = 0; i < 20; i++) {
            sum = copy_blocks(sum, &seed);
        }
    }
    return bench_report("sort", iterations, sum);
}
