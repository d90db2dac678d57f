/* SPDX-License-Identifier: Apache-2.0 */
/* Allocator, arena, buffer, vector and map. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "check.h"

TEST(budgets)
{
    struct alloc root, child;
    alloc_init(&root, NULL, NULL, 1000);
    alloc_init_child(&child, &root, 600);
    void *a = alloc_get(&child, 500);
    CHECK(a != NULL);
    CHECK(alloc_get(&child, 101) == NULL);
    void *b = alloc_get(&root, 500);
    CHECK(b != NULL);
    CHECK(alloc_get(&root, 1) == NULL);
    /* The child has 100 left, the root has nothing. */
    CHECK(alloc_get(&child, 50) == NULL);
    CHECK_INT(atomic_load(&child.used_bytes), 500);
    alloc_put(&root, b, 500);
    a = alloc_resize(&child, a, 500, 600);
    CHECK(a != NULL);
    CHECK_INT(atomic_load(&root.used_bytes), 600);
    CHECK_INT(atomic_load(&root.peak_bytes), 1000);
    a = alloc_resize(&child, a, 600, 10);
    CHECK_INT(atomic_load(&root.used_bytes), 10);
    alloc_put(&child, a, 10);
    CHECK_INT(atomic_load(&root.used_bytes), 0);
    CHECK(alloc_charge(&child, 600));
    CHECK(!alloc_charge(&child, 1));
    CHECK(!alloc_charge(&child, SIZE_MAX));
    alloc_discharge(&child, 600);
    CHECK_INT(atomic_load(&root.used_bytes), 0);
    CHECK(alloc_get(&root, 0) == NULL);
    CHECK(alloc_get_zeroed(&root, SIZE_MAX, 2) == NULL);
}

TEST(failures_are_injected)
{
    struct alloc alloc;
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    atomic_store(&alloc.fail_at, 2);
    void *a = alloc_get(&alloc, 8);
    CHECK(a != NULL);
    CHECK(alloc_get(&alloc, 8) == NULL);
    void *b = alloc_get(&alloc, 8);
    CHECK(b != NULL);
    alloc_put(&alloc, a, 8);
    alloc_put(&alloc, b, 8);
    CHECK_INT(atomic_load(&alloc.used_bytes), 0);
}

TEST(arena)
{
    struct alloc alloc;
    struct arena arena;
    alloc_init(&alloc, NULL, NULL, 1 << 20);
    arena_init(&arena, &alloc);
    uint8_t *small = arena_get(&arena, 1), *next = arena_get(&arena, 1);
    CHECK(small != NULL && next != NULL && next != small);
    CHECK_INT((uintptr_t)small % 16, 0);
    CHECK_INT((uintptr_t)next % 16, 0);
    uint8_t *large = arena_get(&arena, 100000);
    CHECK(large != NULL);
    memset(large, 1, 100000);
    CHECK(arena_get(&arena, 0) != NULL);
    CHECK(arena_get(&arena, 1 << 20) == NULL);
    CHECK(arena_get(&arena, SIZE_MAX) == NULL);
    const uint64_t *zeroed = arena_get_zeroed(&arena, 100, 8);
    for (int i = 0; i < 100; i++)
        CHECK_INT(zeroed[i], 0);
    CHECK(arena_get_zeroed(&arena, SIZE_MAX / 4, 8) == NULL);
    const char *text = arena_copy_string(&arena, "abcdef", 3);
    CHECK_STR(text, "abc");
    CHECK(arena_copy_string(&arena, NULL, SIZE_MAX) == NULL);
    arena_free(&arena);
    CHECK_INT(atomic_load(&alloc.used_bytes), 0);
    CHECK(arena_get(&arena, 1) != NULL);
    arena_free(&arena);
}

TEST(buffer)
{
    struct alloc alloc;
    struct buf buf;
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    buf_init(&buf, &alloc, 10);
    CHECK(buf_append(&buf, "hello", 5));
    CHECK(buf_insert(&buf, 2, "--", 2));
    CHECK_MEM(buf.data, "he--llo", 7);
    CHECK(!buf_append(&buf, "1234", 4));
    CHECK(buf.failed);
    CHECK_INT(buf.bytes, 7);
    CHECK(buf_append_byte(&buf, '!'));
    CHECK(buf.failed);
    buf_clear(&buf);
    CHECK(!buf.failed && buf.bytes == 0);
    CHECK(buf_append_format(&buf, "%d-%s", 12, "ab"));
    CHECK_MEM(buf.data, "12-ab", 5);
    CHECK(buf_append_string(&buf, ""));
    CHECK(!buf_reserve(&buf, SIZE_MAX));
    buf_free(&buf);
    buf_free(&buf);
    CHECK_INT(atomic_load(&alloc.used_bytes), 0);
}

TEST(vector)
{
    struct alloc alloc;
    uint32_t *items = NULL;
    size_t capacity = 0;
    alloc_init(&alloc, NULL, NULL, 1000);
    CHECK(vec_reserve(&alloc, &items, &capacity, 1, sizeof(*items)));
    CHECK(capacity >= 1);
    items[0] = 42;
    CHECK(vec_reserve(&alloc, &items, &capacity, 100, sizeof(*items)));
    CHECK(capacity >= 100);
    CHECK_INT(items[0], 42);
    size_t before = capacity;
    CHECK(!vec_reserve(&alloc, &items, &capacity, 1000, sizeof(*items)));
    CHECK(!vec_reserve(&alloc, &items, &capacity, SIZE_MAX / 2, sizeof(*items)));
    CHECK_INT(capacity, before);
    alloc_put(&alloc, items, capacity * sizeof(*items));
    CHECK_INT(atomic_load(&alloc.used_bytes), 0);
}

TEST(map)
{
    enum { COUNT = 2000 };
    static char keys[COUNT][8];
    struct alloc alloc;
    struct map map;
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    map_init(&map, &alloc);
    CHECK(map_find(&map, "a", 1) == NULL);
    for (uint32_t i = 0; i < COUNT; i++) {
        int length = snprintf(keys[i], sizeof(keys[i]), "k%u", i);
        CHECK(map_put(&map, keys[i], (size_t)length, i));
    }
    CHECK_INT(map.count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        const uint64_t *value = map_find(&map, keys[i], strlen(keys[i]));
        CHECK(value != NULL && *value == i);
    }
    CHECK(map_find(&map, "k2000", 5) == NULL);
    CHECK(map_find(&map, "k1", 1) == NULL);
    CHECK(map_put(&map, "k7", 2, 99));
    CHECK_INT(map.count, COUNT);
    CHECK_INT(*map_find(&map, keys[7], 2), 99);
    /* The empty key is a key. */
    CHECK(map_find(&map, NULL, 0) == NULL);
    CHECK(map_put(&map, NULL, 0, 5));
    CHECK_INT(*map_find(&map, "", 0), 5);
    map_free(&map);
    atomic_store(&alloc.calls, 0);
    atomic_store(&alloc.fail_at, 1);
    CHECK(!map_put(&map, "x", 1, 1));
    CHECK(map_put(&map, "x", 1, 1));
    map_free(&map);
    CHECK_INT(atomic_load(&alloc.used_bytes), 0);
}

CHECK_MAIN
