/* SPDX-License-Identifier: Apache-2.0 */
/* An integer mix of the kind small controllers run: a linked list that is searched, reversed and
 * merge-sorted, a small 16-bit matrix, a state machine over text, and a CRC over all results. */
#include "bench.h"

#define LIST_ITEMS 64
#define MATRIX_SIDE 12
#define TEXT_BYTES 640

struct item {
    struct item *next;
    int16_t key;
    uint16_t payload;
};

static struct item items[LIST_ITEMS];
static int16_t matrix_a[MATRIX_SIDE][MATRIX_SIDE];
static int16_t matrix_b[MATRIX_SIDE][MATRIX_SIDE];
static int32_t matrix_c[MATRIX_SIDE][MATRIX_SIDE];
static char text[TEXT_BYTES + 1];

static uint16_t crc16_byte(uint16_t crc, uint8_t byte)
{
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 1) ? (uint16_t)((crc >> 1) ^ 0xa001) : (uint16_t)(crc >> 1);
    }
    return crc;
}

static uint16_t crc16_u32(uint16_t crc, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        crc = crc16_byte(crc, (uint8_t)(value >> (8 * i)));
    }
    return crc;
}

/* List part. */

static struct item *list_init(uint32_t *seed)
{
    for (int i = 0; i < LIST_ITEMS; i++) {
        items[i].next = i + 1 < LIST_ITEMS ? &items[i + 1] : NULL;
        items[i].key = (int16_t)(bench_random(seed) & 0x7fff);
        items[i].payload = (uint16_t)i;
    }
    return &items[0];
}

static struct item *list_find(struct item *list, int16_t key)
{
    while (list != NULL && list->key != key) {
        list = list->next;
    }
    return list;
}

static struct item *list_reverse(struct item *list)
{
    struct item *result = NULL;
    while (list != NULL) {
        struct item *next = list->next;
        list->next = result;
        result = list;
        list = next;
    }
    return result;
}

typedef int (*item_compare)(const struct item *, const struct item *);

static int compare_key(const struct item *a, const struct item *b)
{
    return a->key - b->key;
}

static int compare_payload(const struct item *a, const struct item *b)
{
    return (int)a->payload - (int)b->payload;
}

static struct item *list_merge(struct item *a, struct item *b, item_compare compare)
{
    struct item head = {0};
    struct item *tail = &head;
    while (a != NULL && b != NULL) {
        struct item **smaller = compare(a, b) <= 0 ? &a : &b;
        tail->next = *smaller;
        tail = tail->next;
        *smaller = (*smaller)->next;
    }
    tail->next = a != NULL ? a : b;
    return head.next;
}

static struct item *list_sort(struct item *list, item_compare compare)
{
    if (list == NULL || list->next == NULL) {
        return list;
    }
    struct item *slow = list;
    struct item *fast = list->next;
    while (fast != NULL && fast->next != NULL) {
        slow = slow->next;
        fast = fast->next->next;
    }
    struct item *second = slow->next;
    slow->next = NULL;
    return list_merge(list_sort(list, compare), list_sort(second, compare), compare);
}

static uint16_t list_round(struct item **list, uint16_t crc, uint32_t *seed)
{
    uint32_t found = 0;
    for (int i = 0; i < 8; i++) {
        int16_t key = items[bench_random(seed) % LIST_ITEMS].key;
        struct item *item = list_find(*list, (i & 1) ? key : (int16_t)-1);
        found += item != NULL ? item->payload : 1;
    }
    *list = list_sort(*list, compare_key);
    crc = crc16_u32(crc, (*list)->payload + found);
    *list = list_reverse(*list);
    crc = crc16_u32(crc, (*list)->payload);
    *list = list_sort(*list, compare_payload);
    return crc16_u32(crc, (uint32_t)(*list)->key);
}

/* Matrix part. */

static void matrix_init(uint32_t *seed)
{
    for (int i = 0; i < MATRIX_SIDE; i++) {
        for (int j = 0; j < MATRIX_SIDE; j++) {
            matrix_a[i][j] = (int16_t)(bench_random(seed) & 0xff);
            matrix_b[i][j] = (int16_t)(bench_random(seed) & 0x7f);
        }
    }
}

static void matrix_multiply_bits(void)
{
    for (int i = 0; i < MATRIX_SIDE; i++) {
        for (int j = 0; j < MATRIX_SIDE; j++) {
            int32_t sum = 0;
            for (int k = 0; k < MATRIX_SIDE; k++) {
                int32_t product = (int32_t)matrix_a[i][k] * matrix_b[k][j];
                sum += (product >> 2 & 0xf) * (product >> 5 & 0x7f);
            }
            matrix_c[i][j] = sum;
        }
    }
}

static uint16_t matrix_round(uint16_t crc, int16_t step)
{
    matrix_multiply_bits();
    int32_t previous = 0;
    int32_t score = 0;
    for (int i = 0; i < MATRIX_SIDE; i++) {
        for (int j = 0; j < MATRIX_SIDE; j++) {
            int32_t value = matrix_c[i][j];
            score += value > 600 ? 10 : value > previous ? 1 : 0;
            previous = value;
            matrix_a[i][j] = (int16_t)((matrix_a[i][j] + step) & 0xff);
        }
    }
    return crc16_u32(crc, (uint32_t)score);
}

/* State machine part: counts the kinds of number in a comma-separated text. */

enum state { START, SIGN, INTEGER, FRACTION, EXPONENT, EXPONENT_DIGITS, INVALID, STATE_COUNT };

static void text_init(uint32_t *seed)
{
    static const char *const words[] = {"5012",     "1234",     "-874",     "+122",
                                        "35.54400", ".1234500", "-110.7",   "+0.6",
                                        "5.5e+3",   "-.123e-2", "T0.3e-1F", "1T3.4e4z"};
    size_t used = 0;
    for (;;) {
        const char *word = words[bench_random(seed) % (sizeof words / sizeof words[0])];
        size_t bytes = strlen(word);
        if (used + bytes + 1 > TEXT_BYTES) {
            break;
        }
        memcpy(text + used, word, bytes);
        text[used + bytes] = ',';
        used += bytes + 1;
    }
    text[used] = '\0';
}

static enum state state_next(enum state state, char c)
{
    int digit = c >= '0' && c <= '9';
    switch (state) {
    case START:
        return digit ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? FRACTION : INVALID;
    case SIGN:
        return digit ? INTEGER : c == '.' ? FRACTION : INVALID;
    case INTEGER:
        return digit ? INTEGER : c == '.' ? FRACTION : INVALID;
    case FRACTION:
        return digit ? FRACTION : c == 'e' || c == 'E' ? EXPONENT : INVALID;
    case EXPONENT:
        return c == '+' || c == '-' ? EXPONENT_DIGITS : INVALID;
    case EXPONENT_DIGITS:
        return digit ? EXPONENT_DIGITS : INVALID;
    default:
        return INVALID;
    }
}

static uint16_t state_round(uint16_t crc, uint32_t flip)
{
    uint32_t finals[STATE_COUNT] = {0};
    uint32_t visits[STATE_COUNT] = {0};
    text[flip % 97] ^= 1;
    const char *p = text;
    while (*p != '\0') {
        enum state state = START;
        for (; *p != '\0' && *p != ','; p++) {
            state = state_next(state, *p);
            visits[state]++;
        }
        finals[state]++;
        p += *p == ',';
    }
    text[flip % 97] ^= 1;
    for (int i = 0; i < STATE_COUNT; i++) {
        crc = crc16_u32(crc, finals[i]);
        crc = crc16_u32(crc, visits[i]);
    }
    return crc;
}

int main(int argc, char **argv)
{
    uint32_t iterations = bench_iterations(argc, argv, 18000);
    uint32_t seed = 0x2545f491;
    struct item *list = list_init(&seed);
    matrix_init(&seed);
    text_init(&seed);
    uint16_t crc = 0xffff;
    for (uint32_t i = 0; i < iterations; i++) {
        crc = list_round(&list, crc, &seed);
        crc = matrix_round(crc, (int16_t)(i & 7));
        crc = state_round(crc, i);
    }
    return bench_report("coremix", iterations, bench_sum_u64(BENCH_SUM_START, crc));
}
