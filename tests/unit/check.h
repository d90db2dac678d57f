/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unit tests' whole framework. A test program is one file:
 *
 *     #include "check.h"
 *
 *     TEST(reads_one_byte) {
 *         CHECK(leb_read(...) == STINT_OK);
 *         CHECK_INT(value, 5);
 *     }
 *
 *     CHECK_MAIN
 *
 * TEST registers itself, so that nothing else names it. A failed check prints the place and the two
 * values, counts, and goes on; REQUIRE returns from the test as well. The last line printed is
 * `N passed, N failed, N skipped`, counted in tests. Arguments select tests whose names contain one
 * of them.
 */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct check_test {
    const char *name;
    void (*run)(void);
    struct check_test *next;
};

static struct check_test *check_first, **check_last = &check_first;
static int check_failures;        /* failed checks in the running test */
static const char *check_skipped; /* the reason, when the running test was skipped */

static inline bool check_report(bool ok, const char *file, int line, const char *what)
{
    if (!ok) {
        check_failures++;
        printf("  %s:%d: %s\n", file, line, what);
    }
    return ok;
}

static inline bool check_int(long long got, long long want, const char *file, int line,
                             const char *what)
{
    if (!check_report(got == want, file, line, what))
        printf("    got %lld (%#llx), want %lld (%#llx)\n", got, got, want, want);
    return got == want;
}

static inline bool check_str(const char *got, const char *want, const char *file, int line,
                             const char *what)
{
    bool ok = got && want ? !strcmp(got, want) : got == want;
    if (!check_report(ok, file, line, what))
        printf("    got  \"%s\"\n    want \"%s\"\n", got ? got : "(null)", want ? want : "(null)");
    return ok;
}

static inline bool check_mem(const void *got, const void *want, size_t size, const char *file,
                             int line, const char *what)
{
    const unsigned char *g = got, *w = want;
    for (size_t i = 0; i < size; i++) {
        if (g[i] == w[i])
            continue;
        check_report(false, file, line, what);
        printf("    byte %zu of %zu: got %02x, want %02x\n", i, size, g[i], w[i]);
        return false;
    }
    return true;
}

#define CHECK(cond) check_report((cond), __FILE__, __LINE__, #cond)
#define CHECK_INT(got, want)                                                                       \
    check_int((long long)(got), (long long)(want), __FILE__, __LINE__, #got " == " #want)
#define CHECK_STR(got, want) check_str((got), (want), __FILE__, __LINE__, #got " == " #want)
#define CHECK_MEM(got, want, size)                                                                 \
    check_mem((got), (want), (size), __FILE__, __LINE__, #got " == " #want)

/* Ends the test when it fails: what follows could not be checked. */
#define REQUIRE(cond)                                                                              \
    do {                                                                                           \
        if (!CHECK(cond))                                                                          \
            return;                                                                                \
    } while (0)

/* Ends the test and counts it as skipped. */
#define SKIP(reason)                                                                               \
    do {                                                                                           \
        check_skipped = (reason);                                                                  \
        return;                                                                                    \
    } while (0)

#define TEST(id)                                                                                   \
    static void test_##id(void);                                                                   \
    static struct check_test check_##id = {#id, test_##id, NULL};                                  \
    __attribute__((constructor)) static void check_register_##id(void)                             \
    {                                                                                              \
        *check_last = &check_##id;                                                                 \
        check_last = &check_##id.next;                                                             \
    }                                                                                              \
    static void test_##id(void)

static inline bool check_selected(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strstr(name, argv[i]))
            return true;
    }
    return argc < 2;
}

static inline int check_main(int argc, char **argv)
{
    int passed = 0, failed = 0, skipped = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct check_test *t = check_first; t; t = t->next) {
        if (!check_selected(t->name, argc, argv))
            continue;
        check_failures = 0;
        check_skipped = NULL;
        t->run();
        if (check_failures) {
            failed++;
            printf("FAIL: %s\n", t->name);
        } else if (check_skipped) {
            skipped++;
            printf("SKIP: %s: %s\n", t->name, check_skipped);
        } else {
            passed++;
        }
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed ? 1 : 0;
}

#define CHECK_MAIN                                                                                 \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return check_main(argc, argv);                                                             \
    }

#endif
