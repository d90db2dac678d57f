/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/pages.h"

TEST(reserved_pages_are_committed_and_decommitted)
{
    size_t page = pages_size();
    uint8_t *start = pages_reserve(8 * page);
    REQUIRE(start != NULL);
    REQUIRE(pages_commit(start, 2 * page));
    CHECK_INT(start[0], 0);
    start[0] = 1;
    start[2 * page - 1] = 2;
    /* Committing again keeps what is there. */
    REQUIRE(pages_commit(start, 4 * page));
    CHECK_INT(start[0], 1);
    CHECK_INT(start[2 * page - 1], 2);
    CHECK_INT(start[4 * page - 1], 0);
    pages_decommit(start, 4 * page);
    REQUIRE(pages_commit(start, page));
    CHECK_INT(start[0], 0);
    pages_release(start, 8 * page);
}

TEST(discarded_pages_read_as_zero)
{
    size_t page = pages_size();
    uint8_t *start = pages_get(3 * page);
    REQUIRE(start != NULL);
    memset(start, 7, 3 * page);
    pages_discard(start + page, page);
    CHECK_INT(start[page - 1], 7);
    CHECK_INT(start[page], 0);
    CHECK_INT(start[2 * page], 7);
    pages_release(start, 3 * page);
}

TEST(impossible_sizes_fail)
{
    CHECK(pages_reserve(SIZE_MAX) == NULL);
    CHECK(pages_get(SIZE_MAX - 1) == NULL);
    CHECK(pages_get(0) == NULL);
    CHECK(pages_reserve(SIZE_MAX / 2) == NULL);
    pages_release(NULL, 4096);
}

/* Writes `bytes` bytes that count up to a new file; the name goes to `path`. */
static bool make_file(char *path, size_t bytes)
{
    int fd = mkstemp(strcpy(path, "/tmp/stint_pages_XXXXXX"));
    if (fd < 0)
        return false;
    bool ok = true;
    for (size_t i = 0; i < bytes && ok; i++) {
        uint8_t byte = (uint8_t)(i * 7);
        ok = write(fd, &byte, 1) == 1;
    }
    close(fd);
    return ok;
}

static void check_file(size_t bytes)
{
    char path[64];
    const uint8_t *data = NULL;
    size_t got = 12345;
    struct stint_error error = {0};
    REQUIRE(make_file(path, bytes));
    CHECK_INT(pages_map_file(path, bytes, &data, &got, &error), STINT_OK);
    CHECK_INT(got, bytes);
    REQUIRE(data != NULL);
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] != (uint8_t)(i * 7)) {
            CHECK_INT(data[i], (uint8_t)(i * 7));
            break;
        }
    }
    pages_unmap_file(data, got);
    if (bytes != 0) {
        CHECK_INT(pages_map_file(path, bytes - 1, &data, &got, &error), STINT_LIMIT);
        CHECK(strstr(error.message, path) != NULL);
    }
    unlink(path);
}

TEST(files_are_read_or_mapped)
{
    check_file(0);
    check_file(1);
    check_file(4096);
    check_file(65536);
    check_file(65537);
    check_file(200000);
}

TEST(pipes_are_read)
{
    char path[64];
    REQUIRE(make_file(path, 0));
    unlink(path);
    REQUIRE(mkfifo(path, 0600) == 0);
    char command[200];
    snprintf(command, sizeof(command), "head -c 300000 /dev/zero > %s &", path);
    REQUIRE(system(command) == 0);
    const uint8_t *data;
    size_t bytes;
    struct stint_error error = {0};
    REQUIRE(pages_map_file(path, 1 << 20, &data, &bytes, &error) == STINT_OK);
    CHECK_INT(bytes, 300000);
    CHECK_INT(data[299999], 0);
    pages_unmap_file(data, bytes);
    REQUIRE(system(command) == 0);
    CHECK_INT(pages_map_file(path, 299999, &data, &bytes, &error), STINT_LIMIT);
    unlink(path);
}

TEST(what_is_no_file_is_said_plainly)
{
    const uint8_t *data;
    size_t bytes;
    struct stint_error error = {0};
    CHECK_INT(pages_map_file("/nonexistent/file", SIZE_MAX, &data, &bytes, &error),
              STINT_NOT_FOUND);
    CHECK_STR(error.message, "cannot open '/nonexistent/file': No such file or directory");
    error_clear(&error);
    CHECK_INT(pages_map_file("/tmp", SIZE_MAX, &data, &bytes, &error), STINT_IO);
    CHECK_STR(error.message, "cannot read '/tmp': Is a directory");
    error_clear(&error);
    REQUIRE(pages_map_file("/proc/self/stat", SIZE_MAX, &data, &bytes, &error) == STINT_OK);
    CHECK(bytes > 10);
    pages_unmap_file(data, bytes);
}

TEST(clocks_go_forward)
{
    uint64_t wall = clock_now_ns(OS_CLOCK_REALTIME);
    CHECK(wall > UINT64_C(1700000000) * 1000000000);
    for (int clock = OS_CLOCK_MONOTONIC; clock <= OS_CLOCK_THREAD_CPU; clock++) {
        uint64_t first = clock_now_ns((enum os_clock)clock);
        CHECK(first > 0);
        CHECK(clock_now_ns((enum os_clock)clock) >= first);
        CHECK(clock_resolution_ns((enum os_clock)clock) > 0);
    }
}

CHECK_MAIN
