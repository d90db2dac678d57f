/* SPDX-License-Identifier: Apache-2.0 */
/* Preview 1 at its surface: layouts, pointers that lead outside, rights, and what creation refuses. */
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "interp/interp.h"
#include "os/clock.h"
#include "wasi/p1_int.h"

enum { MEMORY_BYTES = 65536, DIR_FD = 3 };

static uint8_t memory[MEMORY_BYTES];
static char base[64];
static struct alloc alloc;
static struct wasi_p1 *wasi;
static struct stint_error error;
static struct p1_call call;

static const struct {
    const char *name;
    const char *signature;
    p1_function function;
} rows[] = {
#define P1(name, signature, since) {#name, signature, p1_##name},
#include "wasi/p1.def"
#undef P1
};

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
    (void)stat, (void)kind, (void)where;
    return remove(path);
}

static bool setup(bool is_read_only)
{
    static const char *const args[] = {"prog", "first", ""};
    static const char *const env[] = {"A=1", "B=two"};
    snprintf(base, sizeof(base), "/tmp/stint-p1-XXXXXX");
    if (mkdtemp(base) == NULL)
        return false;
    struct wasi_p1_dir dir = {
        .host_path = base, .guest_path = "/data", .is_read_only = is_read_only};
    struct wasi_p1_config config = wasi_p1_config_default();
    config.args = args;
    config.arg_count = 3;
    config.env = env;
    config.env_count = 2;
    config.dirs = &dir;
    config.dir_count = 1;
    error = (struct stint_error){0};
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    memset(memory, 0xee, sizeof(memory));
    if (wasi_p1_create(&alloc, &config, &wasi, &error) != STINT_OK)
        return false;
    call = (struct p1_call){.wasi = wasi,
                            .abi = P1_SNAPSHOT,
                            .memory = memory,
                            .memory_bytes = sizeof(memory),
                            .error = &error};
    return true;
}

static void teardown(void)
{
    wasi_p1_free(wasi);
    CHECK_INT(atomic_load(&alloc.used_bytes), 0);
    nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Calls p1_NAME with the arguments that follow, each a 64-bit slot. */
#define CALL(name, ...) p1_##name(&call, (const uint64_t[]){__VA_ARGS__})

static uint32_t text_at(uint32_t at, const char *text)
{
    memcpy(memory + at, text, strlen(text));
    return (uint32_t)strlen(text);
}

/* Opens beneath the preopened directory; the number, or -error. */
static int open_path(const char *path, uint32_t oflags, uint64_t rights)
{
    uint32_t bytes = text_at(0x1000, path);
    enum os_error failed =
        CALL(path_open, DIR_FD, 1, 0x1000, bytes, oflags, rights, rights, 0, 0x800);
    return failed ? -(int)failed : (int)bytes_get32(memory + 0x800);
}

static enum os_error with_path(p1_function function, const char *path)
{
    uint32_t bytes = text_at(0x1000, path);
    return function(&call, (const uint64_t[]){DIR_FD, 0x1000, bytes});
}

static void put_iovec(uint32_t at, uint32_t pointer, uint32_t bytes)
{
    bytes_put32(memory + at, pointer);
    bytes_put32(memory + at + 4, bytes);
}

TEST(arguments_and_environment)
{
    REQUIRE(setup(false));
    CHECK_INT(CALL(args_sizes_get, 0, 4), OS_OK);
    CHECK_INT(bytes_get32(memory), 3);
    CHECK_INT(bytes_get32(memory + 4), 5 + 6 + 1);
    CHECK_INT(CALL(args_get, 16, 64), OS_OK);
    CHECK_INT(bytes_get32(memory + 16), 64);
    CHECK_STR((char *)memory + bytes_get32(memory + 20), "first");
    CHECK_STR((char *)memory + bytes_get32(memory + 24), "");
    CHECK_INT(CALL(environ_sizes_get, 0, 4), OS_OK);
    CHECK_INT(bytes_get32(memory), 2);
    CHECK_INT(CALL(environ_get, 16, 64), OS_OK);
    CHECK_STR((char *)memory + bytes_get32(memory + 20), "B=two");
    CHECK_INT(CALL(args_get, 16, MEMORY_BYTES - 11), OS_FAULT);
    CHECK_INT(CALL(args_get, 16, MEMORY_BYTES - 12), OS_OK);
    CHECK_INT(CALL(args_get, MEMORY_BYTES - 8, 64), OS_FAULT);
    /* The upper half of a slot is no part of an i32. */
    CHECK_INT(CALL(args_sizes_get, UINT64_C(0xdead00000000), UINT64_C(0xdead00000004)), OS_OK);
    teardown();
}

TEST(preopens)
{
    REQUIRE(setup(false));
    CHECK_INT(CALL(fd_prestat_get, DIR_FD, 0), OS_OK);
    CHECK_INT(bytes_get32(memory), 0);
    CHECK_INT(bytes_get32(memory + 4), 5);
    CHECK_INT(CALL(fd_prestat_dir_name, DIR_FD, 16, 5), OS_OK);
    CHECK_MEM(memory + 16, "/data\xee", 6);
    CHECK_INT(CALL(fd_prestat_dir_name, DIR_FD, 16, 4), OS_NAMETOOLONG);
    CHECK_INT(CALL(fd_prestat_get, 1, 0), OS_BADF);
    CHECK_INT(CALL(fd_prestat_get, 4, 0), OS_BADF);
    teardown();
}

/* Every function with every argument as large as can be: an error, no fault of ours. */
TEST(wild_arguments)
{
    static const uint64_t values[] = {0xffffffff,       UINT64_MAX, MEMORY_BYTES, MEMORY_BYTES - 1,
                                      MEMORY_BYTES - 3, 0x80000000, DIR_FD};
    REQUIRE(setup(false));
    /* A read of standard input would wait. */
    call.wait.deadline_ns = 1;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        size_t count = (size_t)(strchr(rows[row].signature, ':') - rows[row].signature);
        for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
            uint64_t args[16];
            for (size_t i = 0; i < 16; i++)
                args[i] = values[v];
            call.status = STINT_OK;
            error = (struct stint_error){0};
            enum os_error failed = rows[row].function(&call, args);
            bool is_known = failed <= OS_STOPPED;
            if (!CHECK(is_known))
                printf("    %s\n", rows[row].name);
            /* Valid descriptors, wild pointers. */
            for (uint64_t fd = 0; fd <= DIR_FD && count > 1; fd++) {
                for (size_t i = 0; i < 16; i++)
                    args[i] = i == 0 ? fd : values[v];
                CHECK(rows[row].function(&call, args) <= OS_STOPPED);
            }
        }
    }
    teardown();
}

TEST(memory_is_checked_to_the_byte)
{
    REQUIRE(setup(false));
    int fd = open_path("f", 1, P1_FD_READ | P1_FD_WRITE | P1_FD_SEEK);
    REQUIRE(fd > DIR_FD);
    put_iovec(0, MEMORY_BYTES - 4, 4);
    CHECK_INT(CALL(fd_write, (uint64_t)fd, 0, 1, 16), OS_OK);
    CHECK_INT(bytes_get32(memory + 16), 4);
    put_iovec(0, MEMORY_BYTES - 4, 5);
    CHECK_INT(CALL(fd_write, (uint64_t)fd, 0, 1, 16), OS_FAULT);
    put_iovec(0, MEMORY_BYTES, 0);
    CHECK_INT(CALL(fd_write, (uint64_t)fd, 0, 1, 16), OS_OK);
    put_iovec(0, MEMORY_BYTES + 1, 0);
    CHECK_INT(CALL(fd_write, (uint64_t)fd, 0, 1, 16), OS_FAULT);
    CHECK_INT(CALL(fd_write, (uint64_t)fd, MEMORY_BYTES - 7, 1, 16), OS_FAULT);
    CHECK_INT(CALL(fd_write, (uint64_t)fd, 0, 1025, 16), OS_INVAL);
    CHECK_INT(CALL(fd_write, (uint64_t)fd, 0, 0x20000001, 16), OS_INVAL);
    put_iovec(0, 64, 4);
    CHECK_INT(CALL(fd_write, (uint64_t)fd, 0, 1, MEMORY_BYTES - 3), OS_FAULT);
    CHECK_INT(CALL(fd_pread, (uint64_t)fd, 0, 1, (uint64_t)-1, 16), OS_INVAL);
    call.memory = NULL;
    call.memory_bytes = 0;
    CHECK_INT(CALL(fd_write, (uint64_t)fd, 0, 0, 0), OS_FAULT);
    CHECK_INT(CALL(random_get, 0, 0), OS_FAULT);
    teardown();
}

TEST(many_pieces_are_read_and_written_in_order)
{
    enum { PIECES = 300 };
    REQUIRE(setup(false));
    int fd = open_path("f", 1, P1_FD_READ | P1_FD_WRITE | P1_FD_SEEK);
    REQUIRE(fd > DIR_FD);
    for (uint32_t i = 0; i < PIECES; i++) {
        put_iovec(0x2000 + i * 8, 0x4000 + i * 3, 3);
        memset(memory + 0x4000 + i * 3, (int)(i & 0xff), 3);
    }
    CHECK_INT(CALL(fd_write, (uint64_t)fd, 0x2000, PIECES, 16), OS_OK);
    CHECK_INT(bytes_get32(memory + 16), 3 * PIECES);
    memset(memory + 0x4000, 0, 3 * PIECES);
    CHECK_INT(CALL(fd_pread, (uint64_t)fd, 0x2000, PIECES, 1, 16), OS_OK);
    CHECK_INT(bytes_get32(memory + 16), 3 * PIECES - 1);
    for (uint32_t i = 0; i < 3 * PIECES - 1; i++)
        REQUIRE(memory[0x4000 + i] == (uint8_t)((i + 1) / 3));
    teardown();
}

TEST(paths_of_the_guest)
{
    REQUIRE(setup(false));
    CHECK_INT(with_path(p1_path_create_directory, "d"), OS_OK);
    CHECK_INT(with_path(p1_path_create_directory, ""), OS_NOENT);
    CHECK_INT(with_path(p1_path_create_directory, "/d"), OS_NOTCAPABLE);
    CHECK_INT(with_path(p1_path_create_directory, "a\xff"), OS_ILSEQ);
    CHECK_INT(with_path(p1_path_create_directory, "\xc0\xae\xc0\xae/x"), OS_ILSEQ);
    CHECK_INT(CALL(path_create_directory, DIR_FD, 0x1000, MEMORY_BYTES), OS_FAULT);
    CHECK_INT(CALL(path_create_directory, DIR_FD, 0, 4096), OS_NAMETOOLONG);
    memcpy(memory, "a\0b", 3);
    CHECK_INT(CALL(path_create_directory, DIR_FD, 0, 3), OS_INVAL);
    CHECK_INT(CALL(path_create_directory, 9, 0, 1), OS_BADF);
    CHECK_INT(CALL(path_create_directory, 0, 0, 1), OS_NOTDIR);
    CHECK_INT(open_path("d", 2 | 1, 0), -OS_INVAL);
    CHECK_INT(open_path("d", 16, 0), -OS_INVAL);
    teardown();
}

TEST(rights_only_shrink)
{
    REQUIRE(setup(false));
    int fd = open_path("f", 1, P1_FD_READ | P1_FD_WRITE);
    REQUIRE(fd > DIR_FD);
    put_iovec(0, 64, 4);
    CHECK_INT(CALL(fd_seek, (uint64_t)fd, 0, 0, 16), OS_NOTCAPABLE);
    CHECK_INT(CALL(fd_sync, (uint64_t)fd), OS_NOTCAPABLE);
    CHECK_INT(CALL(fd_fdstat_set_rights, (uint64_t)fd, P1_FD_READ, 0), OS_OK);
    CHECK_INT(CALL(fd_write, (uint64_t)fd, 0, 1, 16), OS_BADF);
    CHECK_INT(CALL(fd_fdstat_set_rights, (uint64_t)fd, P1_FD_READ | P1_FD_WRITE, 0), OS_NOTCAPABLE);
    int sub = open_path(".", 2, P1_PATH_OPEN | P1_FD_READ);
    REQUIRE(sub > DIR_FD);
    uint32_t bytes = text_at(0x1000, "f");
    CHECK_INT(CALL(path_open, (uint64_t)sub, 0, 0x1000, bytes, 0, P1_FD_READ, 0, 0, 0x800), OS_OK);
    CHECK_INT(CALL(path_open, (uint64_t)sub, 0, 0x1000, bytes, 0, P1_FD_WRITE, 0, 0, 0x800),
              OS_NOTCAPABLE);
    CHECK_INT(CALL(path_unlink_file, (uint64_t)sub, 0x1000, bytes), OS_NOTCAPABLE);
    teardown();
}

TEST(a_read_only_directory)
{
    REQUIRE(setup(true));
    CHECK_INT(with_path(p1_path_create_directory, "d"), OS_ROFS);
    CHECK_INT(open_path("f", 1, P1_FD_READ | P1_FD_WRITE), -OS_ROFS);
    CHECK_INT(open_path("f", 0, P1_FD_READ), -OS_NOENT);
    CHECK(open_path(".", 2,
                    P1_RIGHTS_ALL & ~(P1_FD_WRITE | P1_FD_ALLOCATE | P1_FD_FILESTAT_SET_SIZE)) >
          DIR_FD);
    teardown();
}

TEST(descriptors_are_the_lowest_and_limited)
{
    REQUIRE(setup(false));
    CHECK_INT(open_path("f", 1, 0), 4);
    CHECK_INT(open_path("f", 1, 0), 5);
    CHECK_INT(CALL(fd_close, 4), OS_OK);
    CHECK_INT(CALL(fd_close, 4), OS_BADF);
    CHECK_INT(open_path("f", 1, 0), 4);
    CHECK_INT(CALL(fd_renumber, 5, 4), OS_OK);
    CHECK_INT(CALL(fd_renumber, 4, 5), OS_BADF);
    CHECK_INT(CALL(fd_renumber, 4, 4), OS_OK);
    wasi->table.max = 6;
    CHECK_INT(open_path("f", 1, 0), 5);
    CHECK_INT(open_path("f", 1, 0), -OS_MFILE);
    teardown();
}

TEST(the_older_layouts)
{
    REQUIRE(setup(false));
    int fd = open_path("f", 1, P1_RIGHTS_ALL);
    REQUIRE(fd > DIR_FD);
    put_iovec(0, 64, 5);
    CHECK_INT(CALL(fd_write, (uint64_t)fd, 0, 1, 16), OS_OK);
    CHECK_INT(CALL(fd_filestat_get, (uint64_t)fd, 0x100), OS_OK);
    CHECK_INT(memory[0x110], 4);
    CHECK_INT(bytes_get64(memory + 0x118), 1); /* links */
    CHECK_INT(bytes_get64(memory + 0x120), 5);
    uint64_t modified = bytes_get64(memory + 0x130);
    /* 0, 1, 2 are from the start, from here, from the end. */
    CHECK_INT(CALL(fd_seek, (uint64_t)fd, (uint64_t)-1, 2, 16), OS_OK);
    CHECK_INT(bytes_get64(memory + 16), 4);

    call.abi = P1_UNSTABLE;
    memset(memory + 0x100, 0xee, 64);
    CHECK_INT(CALL(fd_filestat_get, (uint64_t)fd, 0x100), OS_OK);
    CHECK_INT(bytes_get32(memory + 0x114), 1);
    CHECK_INT(bytes_get64(memory + 0x118), 5);
    CHECK(bytes_get64(memory + 0x128) == modified);
    CHECK_INT(memory[0x100 + 56], 0xee);
    /* From here, from the end, from the start. */
    CHECK_INT(CALL(fd_seek, (uint64_t)fd, (uint64_t)-1, 0, 16), OS_OK);
    CHECK_INT(bytes_get64(memory + 16), 3);
    CHECK_INT(CALL(fd_seek, (uint64_t)fd, 1, 2, 16), OS_OK);
    CHECK_INT(bytes_get64(memory + 16), 1);
    CHECK_INT(CALL(fd_seek, (uint64_t)fd, 0, 3, 16), OS_INVAL);
    teardown();
}

/* One clock and one descriptor that is ready; `clock_at` is where the id stands. */
static void subscribe(uint32_t each_bytes, uint32_t clock_at, uint32_t fd)
{
    memset(memory, 0, (size_t)each_bytes * 2);
    bytes_put64(memory, 0x1111);
    bytes_put32(memory + clock_at, 1);
    bytes_put64(memory + clock_at + 8, UINT64_C(3600000000000));
    bytes_put64(memory + each_bytes, 0x2222);
    memory[each_bytes + 8] = 1;
    bytes_put32(memory + each_bytes + 16, fd);
}

TEST(poll_in_both_layouts)
{
    REQUIRE(setup(false));
    int fd = open_path("f", 1, P1_RIGHTS_ALL);
    REQUIRE(fd > DIR_FD);
    for (int abi = P1_UNSTABLE; abi <= P1_SNAPSHOT; abi++) {
        uint32_t each = abi == P1_UNSTABLE ? 56 : 48;
        uint32_t clock_at = abi == P1_UNSTABLE ? 24 : 16;
        call.abi = (enum p1_abi)abi;
        subscribe(each, clock_at, (uint32_t)fd);
        CHECK_INT(CALL(poll_oneoff, 0, 0x200, 2, 0x300), OS_OK);
        CHECK_INT(bytes_get32(memory + 0x300), 1);
        CHECK_INT(bytes_get64(memory + 0x200), 0x2222);
        CHECK_INT(memory[0x20a], 1);
        /* Over the subscriptions, a closed descriptor. */
        subscribe(each, clock_at, 77);
        CHECK_INT(CALL(poll_oneoff, 0, 0, 2, 0x300), OS_OK);
        CHECK_INT(bytes_get64(memory), 0x2222);
        CHECK_INT(bytes_get16(memory + 8), OS_BADF);
        /* The clock alone, and a wait that is stopped. */
        subscribe(each, clock_at, 0);
        bytes_put64(memory + clock_at + 8, 1000000);
        CHECK_INT(CALL(poll_oneoff, 0, 0x200, 1, 0x300), OS_OK);
        CHECK_INT(bytes_get64(memory + 0x200), 0x1111);
        bytes_put64(memory + clock_at + 8, UINT64_C(3600000000000));
        call.wait.deadline_ns = clock_now_ns(OS_CLOCK_MONOTONIC) + 5000000;
        CHECK_INT(CALL(poll_oneoff, 0, 0x200, 1, 0x300), OS_STOPPED);
        call.wait.deadline_ns = 0;
        bytes_put32(memory + clock_at, 9);
        CHECK_INT(CALL(poll_oneoff, 0, 0x200, 1, 0x300), OS_OK);
        CHECK_INT(bytes_get16(memory + 0x208), OS_INVAL);
        memory[8] = 3;
        CHECK_INT(CALL(poll_oneoff, 0, 0x200, 1, 0x300), OS_INVAL);
        CHECK_INT(CALL(poll_oneoff, 0, 0x200, 0, 0x300), OS_INVAL);
        CHECK_INT(CALL(poll_oneoff, 0, 0x200, 0x7fffffff, 0x300), OS_FAULT);
    }
    teardown();
}

TEST(directory_entries_are_cut_where_the_buffer_ends)
{
    REQUIRE(setup(false));
    CHECK_INT(with_path(p1_path_create_directory, "abcdef"), OS_OK);
    CHECK_INT(CALL(fd_readdir, DIR_FD, 0x100, 1000, 0, 16), OS_OK);
    uint32_t all = bytes_get32(memory + 16);
    CHECK_INT(all, 3 * 24 + 1 + 2 + 6);
    for (uint32_t room = 0; room <= all; room++) {
        memset(memory + 0x1000, 0xee, 256);
        CHECK_INT(CALL(fd_readdir, DIR_FD, 0x1000, room, 0, 16), OS_OK);
        CHECK_INT(bytes_get32(memory + 16), room);
        CHECK_MEM(memory + 0x1000, memory + 0x100, room);
        CHECK_INT(memory[0x1000 + room], 0xee);
    }
    CHECK_INT(CALL(fd_readdir, 1, 0x100, 1000, 0, 16), OS_NOTDIR);
    teardown();
}

TEST(the_end_of_the_process)
{
    REQUIRE(setup(false));
    (void)CALL(proc_exit, 42);
    CHECK_INT(call.status, STINT_EXIT);
    CHECK_INT(error.exit_code, 42);
    call.status = STINT_OK;
    error = (struct stint_error){0};
    CHECK_INT(CALL(proc_raise, 0), OS_OK);
    CHECK_INT(call.status, STINT_OK);
    CHECK_INT(CALL(proc_raise, 31), OS_INVAL);
    CHECK_INT(CALL(proc_raise, 18), OS_NOTSUP);
    (void)CALL(proc_raise, 6);
    CHECK_INT(call.status, STINT_EXIT);
    CHECK_INT(error.exit_code, 134);
    teardown();
}

TEST(creation_tells_what_is_wrong)
{
    struct wasi_p1_dir dirs[2] = {{.host_path = "/nonexistent", .guest_path = "/"},
                                  {.fd = dup(0), .guest_path = "/x"}};
    struct wasi_p1_config config = wasi_p1_config_default();
    int socket = dup(0), given = dirs[1].fd;
    config.dirs = dirs;
    config.dir_count = 2;
    config.sockets = &socket;
    config.socket_count = 1;
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    error = (struct stint_error){0};
    CHECK_INT(wasi_p1_create(&alloc, &config, &wasi, &error), STINT_IO);
    CHECK_STR(error.message, "cannot open directory '/nonexistent': No such file or directory");
    /* What was handed over is closed all the same. */
    CHECK_INT(fcntl(given, F_GETFD), -1);
    CHECK_INT(fcntl(socket, F_GETFD), -1);
    CHECK_INT(atomic_load(&alloc.used_bytes), 0);
    error = (struct stint_error){0};
    dirs[0].host_path = "/dev/null";
    config.dir_count = 1;
    config.socket_count = 0;
    CHECK_INT(wasi_p1_create(&alloc, &config, &wasi, &error), STINT_IO);
    CHECK_STR(error.message, "cannot open directory '/dev/null': Not a directory");
}

TEST(each_allocation_may_fail)
{
    static const char *const args[] = {"prog"};
    struct wasi_p1_dir dir = {.host_path = "/tmp", .guest_path = "/"};
    struct wasi_p1_config config = wasi_p1_config_default();
    config.args = args;
    config.arg_count = 1;
    config.dirs = &dir;
    config.dir_count = 1;
    for (size_t i = 1;; i++) {
        alloc_init(&alloc, NULL, NULL, SIZE_MAX);
        atomic_store(&alloc.fail_at, i);
        error = (struct stint_error){0};
        enum stint_status status = wasi_p1_create(&alloc, &config, &wasi, &error);
        if (status == STINT_OK) {
            wasi_p1_free(wasi);
            CHECK(i > 2);
            break;
        }
        CHECK_INT(status, STINT_NOMEM);
        CHECK_INT(atomic_load(&alloc.used_bytes), 0);
        REQUIRE(i < 100);
    }
}

TEST(names)
{
    size_t count = 0;
    CHECK(wasi_p1_knows_module("wasi_unstable", 13));
    CHECK(wasi_p1_knows_module("wasi_snapshot_preview1", 22));
    CHECK(!wasi_p1_knows_module("wasi_snapshot_preview", 21));
    while (wasi_p1_name(count) != NULL)
        count++;
    CHECK_INT(count, 46);
}

/* One import; the status, and the function. */
static enum stint_status import(struct stint_store *store, const char *module, const char *name,
                                const struct type_def *type, struct func **ret_func)
{
    error = (struct stint_error){0};
    return wasi_p1_import(wasi, store, module, strlen(module), name, strlen(name), type, ret_func,
                          &error);
}

TEST(imports_have_exact_types)
{
    static const char preview1[] = "wasi_snapshot_preview1";
    struct engine_config config = engine_config_default();
    struct store_limits limits = store_limits_default();
    struct stint_engine *engine;
    struct stint_store *store;
    struct func *func = NULL, *again = NULL, *old = NULL;
    const valtype params[] = {VT_I32, VT_I64};
    const valtype result = VT_I32;
    uint32_t ids[2];
    REQUIRE(setup(false));
    REQUIRE(engine_create(&config, &interp_ops, &engine) == STINT_OK);
    REQUIRE(store_create(engine, &limits, &store) == STINT_OK);
    REQUIRE(types_add_func(engine->types, params, 1, &result, 1, &ids[0]) == STINT_OK);
    REQUIRE(types_add_func(engine->types, params, 2, NULL, 0, &ids[1]) == STINT_OK);
    const struct type_def *close_type = types_get(engine->types, ids[0]);
    const struct type_def *other_type = types_get(engine->types, ids[1]);

    CHECK_INT(import(store, preview1, "fd_close", close_type, &func), STINT_OK);
    CHECK_INT(import(store, preview1, "fd_close", close_type, &again), STINT_OK);
    CHECK_INT(import(store, "wasi_unstable", "fd_close", close_type, &old), STINT_OK);
    CHECK(func != NULL && func == again && old != func);
    CHECK_INT(import(store, preview1, "fd_close", other_type, &again), STINT_UNLINKABLE);
    CHECK_STR(error.message, "wasi_snapshot_preview1.fd_close has the type (i32) -> (i32), not "
                             "(i32, i64) -> ()");
    CHECK_INT(import(store, preview1, "fd_clos", close_type, &again), STINT_NOT_FOUND);
    CHECK_INT(import(store, "wasi_unstable", "sock_accept", close_type, &again), STINT_NOT_FOUND);
    CHECK_INT(import(store, "env", "fd_close", close_type, &again), STINT_NOT_FOUND);

    uint64_t slot = 99;
    error = (struct stint_error){0};
    CHECK_INT(rt_call(store, func, &slot, &error), STINT_OK);
    CHECK_INT(slot, OS_BADF);
    store_free(store);
    engine_release(engine);
    teardown();
}

CHECK_MAIN
