/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path resolution, in both ways that there are: by the kernel and by our own walk. Each test that says
 * nothing else runs with both.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "wasi/host_path.h"

/*
 * outside/secret, and the sandbox beside it:
 *
 *   file
 *   dir/file  dir/sub/deep
 *   to-file -> dir/file          to-dir -> dir            chain -> to-dir/sub
 *   up -> dir/sub/../..          dangling -> dir/none     loop -> loop
 *   absolute -> /                out -> ../outside        dir/out -> ../../outside
 *   sly -> dir/sub/../../../outside    slash -> dir/      dir/back -> ../file
 */
static char base[64];
static int root = -1;

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
    (void)stat, (void)kind, (void)where;
    return remove(path);
}

static void teardown(void)
{
    if (root != -1)
        close(root);
    root = -1;
    nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    host_path_force_walk(false);
}

static bool put_file(int dir, const char *name, const char *text)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    bool ok = fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd != -1)
        close(fd);
    return ok;
}

static bool setup(bool walk)
{
    static const char *const links[][2] = {
        {"dir/file", "to-file"},
        {"dir", "to-dir"},
        {"to-dir/sub", "chain"},
        {"dir/sub/../..", "up"},
        {"dir/none", "dangling"},
        {"loop", "loop"},
        {"/", "absolute"},
        {"../outside", "out"},
        {"../../outside", "dir/out"},
        {"dir/sub/../../../outside", "sly"},
        {"dir/", "slash"},
        {"../file", "dir/back"},
    };
    snprintf(base, sizeof(base), "/tmp/stint-path-XXXXXX");
    if (mkdtemp(base) == NULL)
        return false;
    int top = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = top != -1 && mkdirat(top, "outside", 0755) == 0 &&
              put_file(top, "outside/secret", "s") && mkdirat(top, "sandbox", 0755) == 0;
    root = ok ? openat(top, "sandbox", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (top != -1)
        close(top);
    ok = root != -1 && put_file(root, "file", "top") && mkdirat(root, "dir", 0755) == 0 &&
         put_file(root, "dir/file", "inner") && mkdirat(root, "dir/sub", 0755) == 0 &&
         put_file(root, "dir/sub/deep", "deep");
    for (size_t i = 0; ok && i < sizeof(links) / sizeof(links[0]); i++)
        ok = symlinkat(links[i][0], root, links[i][1]) == 0;
    host_path_force_walk(walk);
    return ok;
}

#define TEST_BOTH(id)                                                                              \
    static void both_##id(void);                                                                   \
    TEST(id##_kernel)                                                                              \
    {                                                                                              \
        REQUIRE(setup(false));                                                                     \
        both_##id();                                                                               \
        teardown();                                                                                \
    }                                                                                              \
    TEST(id##_walk)                                                                                \
    {                                                                                              \
        REQUIRE(setup(true));                                                                      \
        both_##id();                                                                               \
        teardown();                                                                                \
    }                                                                                              \
    static void both_##id(void)

/* Opens and tells the content of what was opened, "/" for a directory, or the error's name. */
static const char *open_and_read(const char *path, unsigned flags)
{
    static char text[64];
    int fd;
    enum os_error error = host_path_open(root, path, flags, &fd);
    switch (error) {
    case OS_OK:
        break;
    case OS_NOTCAPABLE:
        return "escape";
    case OS_NOENT:
        return "none";
    case OS_LOOP:
        return "loop";
    case OS_NOTDIR:
        return "notdir";
    case OS_ISDIR:
        return "isdir";
    case OS_EXIST:
        return "exists";
    case OS_NAMETOOLONG:
        return "toolong";
    default:
        return os_error_text(error);
    }
    ssize_t bytes = read(fd, text, sizeof(text) - 1);
    bool is_directory = bytes == -1 && errno == EISDIR;
    close(fd);
    text[bytes > 0 ? bytes : 0] = '\0';
    return is_directory ? "/" : text;
}

#define FOLLOW(path) open_and_read(path, FILE_READ | FILE_FOLLOW)
#define NOFOLLOW(path) open_and_read(path, FILE_READ)

TEST_BOTH(finds_what_is_there)
{
    CHECK_STR(FOLLOW("file"), "top");
    CHECK_STR(FOLLOW("dir/file"), "inner");
    CHECK_STR(FOLLOW("./dir/.//sub/../../dir/sub/deep"), "deep");
    CHECK_STR(FOLLOW("dir/sub/../../file"), "top");
    CHECK_STR(FOLLOW("."), "/");
    CHECK_STR(FOLLOW("./"), "/");
    CHECK_STR(FOLLOW("dir/sub/../.."), "/");
    CHECK_STR(FOLLOW("dir/"), "/");
    CHECK_STR(FOLLOW("dir///"), "/");
    CHECK_STR(FOLLOW("dir/none"), "none");
    CHECK_STR(FOLLOW(""), "none");
    CHECK_STR(FOLLOW("file/"), "notdir");
    CHECK_STR(FOLLOW("file/x"), "notdir");
    CHECK_STR(FOLLOW("dir/none/x"), "none");
}

TEST_BOTH(follows_links_inside)
{
    CHECK_STR(FOLLOW("to-file"), "inner");
    CHECK_STR(FOLLOW("to-dir/file"), "inner");
    CHECK_STR(FOLLOW("chain/deep"), "deep");
    CHECK_STR(FOLLOW("chain/../file"), "inner");
    CHECK_STR(FOLLOW("up"), "/");
    CHECK_STR(FOLLOW("up/file"), "top");
    CHECK_STR(FOLLOW("up/up/up/dir/back"), "top");
    CHECK_STR(FOLLOW("slash"), "/");
    CHECK_STR(FOLLOW("slash/file"), "inner");
    CHECK_STR(FOLLOW("dangling"), "none");
    CHECK_STR(FOLLOW("loop"), "loop");
    CHECK_STR(FOLLOW("loop/x"), "loop");
}

TEST_BOTH(does_not_follow_the_last_when_told)
{
    CHECK_STR(NOFOLLOW("to-file"), "loop");
    CHECK_STR(NOFOLLOW("to-dir"), "loop");
    CHECK_STR(NOFOLLOW("dangling"), "loop");
    CHECK_STR(NOFOLLOW("loop"), "loop");
    CHECK_STR(NOFOLLOW("to-dir/file"), "inner");
    CHECK_STR(NOFOLLOW("to-dir/"), "/");
    CHECK_STR(NOFOLLOW("out"), "loop");
}

TEST_BOTH(nothing_leads_out)
{
    static const char *const paths[] = {
        "/",
        "/etc/passwd",
        "..",
        "../",
        "../outside/secret",
        "dir/../..",
        "dir/../../x",
        "absolute",
        "absolute/",
        "absolute/etc/passwd",
        "out",
        "out/secret",
        "out/",
        "dir/out",
        "dir/out/secret",
        "sly",
        "sly/secret",
        "to-dir/out",
        "up/..",
        "up/../outside/secret",
        "chain/../../../outside/secret",
        "dir/sub/../../../sandbox/file",
        "../sandbox/file",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (!CHECK_STR(FOLLOW(paths[i]), "escape"))
            printf("    path %s\n", paths[i]);
    }
}

TEST_BOTH(creates_and_truncates)
{
    unsigned make = FILE_READ | FILE_WRITE | FILE_CREATE;
    CHECK_STR(open_and_read("new", make), "");
    CHECK_STR(open_and_read("new", make | FILE_EXCLUSIVE), "exists");
    CHECK_STR(open_and_read("to-dir/new", make), "");
    CHECK_STR(FOLLOW("dir/new"), "");
    /* Through a dangling link: the file is made where it points. */
    CHECK_STR(open_and_read("dangling", make | FILE_FOLLOW), "");
    CHECK_STR(NOFOLLOW("dir/none"), "");
    CHECK_STR(open_and_read("to-file", make | FILE_EXCLUSIVE | FILE_FOLLOW), "exists");
    CHECK_STR(open_and_read("new2/", make), "isdir");
    CHECK_STR(open_and_read("dir", make), "isdir");
    CHECK_STR(open_and_read(".", make), "isdir");
    CHECK_STR(open_and_read("out/new", make | FILE_FOLLOW), "escape");
    CHECK_STR(open_and_read("../new", make | FILE_FOLLOW), "escape");
    CHECK(faccessat(root, "../new", F_OK, 0) == -1);
    CHECK_STR(open_and_read("dir/file", FILE_READ | FILE_WRITE | FILE_TRUNCATE), "");
    CHECK_STR(open_and_read("dir/file", FILE_READ | FILE_IS_DIRECTORY), "notdir");
}

TEST_BOTH(locates_a_name_that_is_never_outside)
{
    static const struct {
        const char *path;
        enum host_path_use use;
        enum os_error error;
        const char *name;
    } cases[] = {
        {"file", HOST_PATH_FIND, OS_OK, "file"},
        {"dir/file", HOST_PATH_CHANGE, OS_OK, "file"},
        {"dir/", HOST_PATH_FIND, OS_OK, "."},
        {"dir/", HOST_PATH_CHANGE, OS_OK, "dir/"},
        {"dir/none//", HOST_PATH_CHANGE, OS_OK, "none/"},
        {"dir/..", HOST_PATH_CHANGE, OS_OK, "."},
        {"dir/sub/.", HOST_PATH_FIND, OS_OK, "."},
        {"to-file", HOST_PATH_FIND, OS_OK, "to-file"},
        {"to-file", HOST_PATH_FIND_FOLLOW, OS_OK, "file"},
        {"to-file", HOST_PATH_CHANGE, OS_OK, "to-file"},
        {"to-dir/", HOST_PATH_FIND, OS_OK, "."},
        {"to-dir/", HOST_PATH_CHANGE, OS_OK, "to-dir/"},
        {"dangling", HOST_PATH_FIND_FOLLOW, OS_OK, "none"},
        {"loop", HOST_PATH_FIND_FOLLOW, OS_LOOP, NULL},
        {"loop", HOST_PATH_FIND, OS_OK, "loop"},
        {"out", HOST_PATH_FIND_FOLLOW, OS_NOTCAPABLE, NULL},
        {"out", HOST_PATH_CHANGE, OS_OK, "out"},
        {"out/x", HOST_PATH_CHANGE, OS_NOTCAPABLE, NULL},
        {"..", HOST_PATH_CHANGE, OS_NOTCAPABLE, NULL},
        {"dir/../..", HOST_PATH_FIND, OS_NOTCAPABLE, NULL},
        {"absolute", HOST_PATH_FIND_FOLLOW, OS_NOTCAPABLE, NULL},
        {"", HOST_PATH_FIND, OS_NOENT, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct host_path_at at;
        enum os_error error = host_path_locate(root, cases[i].path, cases[i].use, &at);
        bool ok = CHECK_INT(error, cases[i].error);
        if (!error) {
            ok = ok && CHECK_STR(at.name, cases[i].name);
            host_path_release(&at);
        }
        if (!ok)
            printf("    path %s, use %d\n", cases[i].path, cases[i].use);
    }
}

TEST_BOTH(long_paths)
{
    char path[HOST_PATH_BYTES + 16];
    memset(path, 'a', sizeof(path));
    path[256] = '\0';
    CHECK_STR(FOLLOW(path), "toolong");
    path[256] = 'a';
    path[255] = '/';
    path[300] = '\0';
    CHECK_STR(FOLLOW(path), "none");
    for (size_t i = 0; i < sizeof(path) - 1; i++)
        path[i] = i % 2 ? '/' : '.';
    memcpy(path + HOST_PATH_BYTES - 6, "file", 5);
    CHECK_STR(FOLLOW(path), "top");
    memcpy(path + HOST_PATH_BYTES - 2, "//", 3);
    CHECK_STR(FOLLOW(path), "toolong");
}

TEST_BOTH(forty_links_and_no_more)
{
    char from[16], to[16];
    for (int i = 1; i <= 41; i++) {
        snprintf(from, sizeof(from), "l%d", i);
        snprintf(to, sizeof(to), "l%d", i - 1);
        REQUIRE(symlinkat(i == 1 ? "file" : to, root, from) == 0);
    }
    CHECK_STR(FOLLOW("l40"), "top");
    CHECK_STR(FOLLOW("l41"), "loop");
}

/* How deep the walk goes is limited; the kernel's is only by the length of the path. */
TEST(walk_keeps_few_descriptors)
{
    char path[4 * HOST_PATH_DEPTH_MAX];
    REQUIRE(setup(true));
    int here = dup(root);
    for (int i = 0; i < HOST_PATH_DEPTH_MAX + 2; i++) {
        mkdirat(here, "d", 0755);
        int next = openat(here, "d", O_RDONLY | O_DIRECTORY);
        close(here);
        here = next;
    }
    close(here);
    for (size_t i = 0; i < sizeof(path) - 1; i++)
        path[i] = i % 2 ? '/' : 'd';
    path[2 * HOST_PATH_DEPTH_MAX - 1] = '\0';
    CHECK_STR(FOLLOW(path), "/");
    path[2 * HOST_PATH_DEPTH_MAX - 1] = '/';
    path[2 * HOST_PATH_DEPTH_MAX + 3] = '\0';
    CHECK_STR(FOLLOW(path), "toolong");
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(after >= 0 && after < 32); /* nothing leaked */
    close(after);
    teardown();
}

/* ---- Races ------------------------------------------------------------------------------- */

static atomic_bool is_over;
static atomic_uint swaps;

/* Keeps making `victim` a directory, and a link to the outside. */
static void *swap_directory(void *unused)
{
    (void)unused;
    while (!atomic_load(&is_over)) {
        renameat(root, "victim", root, "aside");
        renameat(root, "bait", root, "victim");
        renameat(root, "victim", root, "bait");
        renameat(root, "aside", root, "victim");
        atomic_fetch_add(&swaps, 1);
    }
    return NULL;
}

/* Keeps moving the directory `a/b` up and down, so that `..` in it means other things. */
static void *move_directory(void *unused)
{
    (void)unused;
    while (!atomic_load(&is_over)) {
        renameat(root, "a/b", root, "b");
        renameat(root, "b", root, "a/b");
        atomic_fetch_add(&swaps, 1);
    }
    return NULL;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Opens `paths` again and again while `attack` runs; whatever is opened must hold "in". */
static void race(void *(*attack)(void *), const char *const *paths, size_t count)
{
    enum { FOR_MS = 400 };
    pthread_t thread;
    unsigned opened = 0, refused = 0, leaked = 0;
    atomic_store(&is_over, false);
    atomic_store(&swaps, 0);
    REQUIRE(pthread_create(&thread, NULL, attack, NULL) == 0);
    uint64_t end_ms = now_ms() + FOR_MS;
    for (unsigned i = 0; now_ms() < end_ms || (i < 100000 && (opened == 0 || refused == 0)); i++) {
        const char *path = paths[i % count];
        const char *found = i % 2 ? FOLLOW(path) : NOFOLLOW(path);
        if (!strcmp(found, "in"))
            opened++;
        else if (found[0] == 's')
            leaked++;
        else
            refused++;
        /* Changing calls, too, must stay inside. */
        struct host_path_at at;
        if (host_path_locate(root, path, HOST_PATH_FIND_FOLLOW, &at) == OS_OK) {
            int fd;
            if (file_open_at(at.dir_fd, at.name, FILE_READ, &fd) == OS_OK) {
                char text[8] = "";
                leaked += read(fd, text, sizeof(text)) > 0 && text[0] == 's';
                close(fd);
            }
            host_path_release(&at);
        }
    }
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
    CHECK_INT(leaked, 0);
    CHECK(opened > 0);
    CHECK(atomic_load(&swaps) > 0);
}

TEST_BOTH(no_escape_while_a_directory_becomes_a_link)
{
    static const char *const paths[] = {"victim/secret", "victim/../victim/secret",
                                        "dir/../victim/secret", "victim/./secret"};
    REQUIRE(mkdirat(root, "victim", 0755) == 0 && put_file(root, "victim/secret", "in"));
    REQUIRE(symlinkat("../outside", root, "bait") == 0);
    race(swap_directory, paths, 4);
}

TEST_BOTH(no_escape_while_a_directory_moves)
{
    /* Up from a/b/c three times is the sandbox; once b has moved up, it would be outside. */
    static const char *const paths[] = {"a/b/c/../../../secret", "a/b/../../secret",
                                        "a/b/c/../../../outside/secret"};
    REQUIRE(mkdirat(root, "a", 0755) == 0 && mkdirat(root, "a/b", 0755) == 0 &&
            mkdirat(root, "a/b/c", 0755) == 0 && put_file(root, "secret", "in") &&
            put_file(root, "../secret", "s"));
    race(move_directory, paths, 3);
}

CHECK_MAIN
