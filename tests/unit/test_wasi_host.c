/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest may do with files, streams and sockets, and that nothing it waits for outlasts its
 * deadline. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "os/clock.h"
#include "os/thread.h"
#include "wasi/host_clock.h"
#include "wasi/host_dir.h"
#include "wasi/host_random.h"
#include "wasi/host_sock.h"

enum { MS = 1000000 };

static const struct host_wait never = {0};
static char base[64];
static struct host_file dir;

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
    (void)stat, (void)kind, (void)where;
    return remove(path);
}

static bool setup(void)
{
    int fd;
    snprintf(base, sizeof(base), "/tmp/stint-host-XXXXXX");
    signal(SIGPIPE, SIG_IGN);
    return mkdtemp(base) != NULL &&
           file_open_host(base, FILE_READ | FILE_IS_DIRECTORY, &fd) == OS_OK &&
           host_file_adopt(fd, true, &dir) == OS_OK;
}

static void teardown(void)
{
    host_file_close(&dir);
    nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct file_span span(const void *data, size_t bytes)
{
    return (struct file_span){(void *)(uintptr_t)data, bytes};
}

/* Writes a whole string; the error. */
static enum os_error put(const struct host_file *file, const struct host_wait *wait,
                         const char *text)
{
    struct file_span spans = span(text, strlen(text));
    size_t bytes = 0;
    return host_file_write(file, wait, &spans, 1, FILE_NO_OFFSET, &bytes);
}

/* Reads into a static string; NULL on failure. */
static const char *get(const struct host_file *file, int64_t offset)
{
    static char text[64];
    struct file_span spans = span(text, sizeof(text) - 1);
    size_t bytes = 0;
    if (host_file_read(file, &never, &spans, 1, offset, &bytes) != OS_OK)
        return NULL;
    text[bytes] = '\0';
    return text;
}

static enum os_error make(const char *path, const char *text)
{
    struct host_file file;
    enum os_error error = host_dir_open(&dir, path, FILE_READ | FILE_WRITE | FILE_CREATE, &file);
    if (error)
        return error;
    error = put(&file, &never, text);
    host_file_close(&file);
    return error;
}

/* ---- Files ------------------------------------------------------------------------------- */

TEST(reads_writes_and_appends)
{
    struct host_file file;
    uint64_t position;
    REQUIRE(setup());
    REQUIRE(host_dir_open(&dir, "f", FILE_READ | FILE_WRITE | FILE_CREATE, &file) == OS_OK);
    CHECK_INT(file.type, FILE_REGULAR);
    CHECK_INT(put(&file, &never, "hello"), OS_OK);
    CHECK_STR(get(&file, 0), "hello");
    CHECK_STR(get(&file, 4), "o");
    CHECK_STR(get(&file, 9), "");
    CHECK_INT(file_seek(file.fd, 1, FILE_FROM_START, &position), OS_OK);
    CHECK_INT(put(&file, &never, "E"), OS_OK);
    CHECK_INT(host_file_waiting_bytes(&file), 3);
    CHECK_INT(host_file_set_flags(&file, file.flags | FILE_APPEND, false), OS_OK);
    CHECK_INT(put(&file, &never, "!"), OS_OK);
    CHECK_STR(get(&file, 0), "hEllo!");
    CHECK_INT(host_file_set_flags(&file, file.flags | FILE_SYNC, false), OS_NOTSUP);
    CHECK_INT(host_file_set_size(&file, 2), OS_OK);
    CHECK_STR(get(&file, 0), "hE");
    CHECK_INT(host_file_set_size(&file, UINT64_MAX), OS_FBIG);
    CHECK_INT(host_file_allocate(&file, 0, 0), OS_INVAL);
    CHECK_INT(host_file_allocate(&file, UINT64_MAX, 2), OS_FBIG);
    struct file_span spans = span("x", 1);
    size_t bytes;
    CHECK_INT(host_file_write(&dir, &never, &spans, 1, FILE_NO_OFFSET, &bytes), OS_ISDIR);
    CHECK_INT(host_file_read(&dir, &never, &spans, 1, 0, &bytes), OS_ISDIR);
    host_file_close(&file);
    teardown();
}

TEST(cuts_spans)
{
    struct file_span out[4];
    char text[] = "abcdef";
    struct file_span in[] = {span(text, 2), span(text, 0), span(text + 2, 4)};
    CHECK_INT(host_spans_cut(in, 3, 0, SIZE_MAX, out, 4), 2);
    CHECK(out[1].data == text + 2 && out[1].bytes == 4);
    CHECK_INT(host_spans_cut(in, 3, 1, 3, out, 4), 2);
    CHECK(out[0].data == text + 1 && out[0].bytes == 1 && out[1].bytes == 2);
    CHECK_INT(host_spans_cut(in, 3, 3, SIZE_MAX, out, 4), 1);
    CHECK(out[0].data == text + 3 && out[0].bytes == 3);
    CHECK_INT(host_spans_cut(in, 3, 0, SIZE_MAX, out, 1), 1);
    CHECK_INT(host_spans_cut(in, 3, 6, SIZE_MAX, out, 4), 0);
    CHECK_INT(host_spans_bytes(in, 3), 6);
}

TEST(a_full_disk_and_a_closed_pipe_are_told)
{
    struct host_file full, pipe_end;
    int fds[2], fd;
    REQUIRE(setup());
    REQUIRE(file_open_host("/dev/full", FILE_WRITE, &fd) == OS_OK);
    REQUIRE(host_file_adopt(fd, true, &full) == OS_OK);
    CHECK_INT(put(&full, &never, "x"), OS_NOSPC);
    host_file_close(&full);
    REQUIRE(pipe(fds) == 0);
    close(fds[0]);
    REQUIRE(host_file_adopt(fds[1], true, &pipe_end) == OS_OK);
    CHECK_INT(put(&pipe_end, &never, "x"), OS_PIPE);
    host_file_close(&pipe_end);
    CHECK_INT(host_file_adopt(fds[0], true, &full), OS_BADF);
    teardown();
}

/* ---- Directories ------------------------------------------------------------------------- */

TEST(paths_beneath_a_directory)
{
    struct file_stat stat;
    char text[16] = "";
    size_t bytes;
    REQUIRE(setup());
    CHECK_INT(host_dir_make(&dir, "d"), OS_OK);
    CHECK_INT(host_dir_make(&dir, "d"), OS_EXIST);
    CHECK_INT(host_dir_make(&dir, "d/e/"), OS_OK);
    CHECK_INT(host_dir_make(&dir, "d/.."), OS_EXIST);
    CHECK_INT(make("d/f", "one"), OS_OK);
    CHECK_INT(host_dir_symlink(&dir, "l", "d/f"), OS_OK);
    CHECK_INT(host_dir_symlink(&dir, "abs", "/etc"), OS_NOTCAPABLE);
    CHECK_INT(host_dir_symlink(&dir, "new/", "d"), OS_NOENT);
    CHECK_INT(host_dir_readlink(&dir, "l", text, sizeof(text), &bytes), OS_OK);
    CHECK_INT(bytes, 3);
    CHECK_INT(host_dir_readlink(&dir, "d/f", text, sizeof(text), &bytes), OS_INVAL);
    CHECK_INT(host_dir_stat(&dir, "l", false, &stat), OS_OK);
    CHECK_INT(stat.type, FILE_SYMLINK);
    CHECK_INT(host_dir_stat(&dir, "l", true, &stat), OS_OK);
    CHECK_INT(stat.type, FILE_REGULAR);
    CHECK_INT(stat.size_bytes, 3);
    CHECK_INT(host_dir_link(&dir, "d/f", &dir, "g"), OS_OK);
    CHECK_INT(host_dir_link(&dir, "l", &dir, "m"), OS_OK);
    CHECK_INT(host_dir_stat(&dir, "m", false, &stat), OS_OK);
    CHECK_INT(stat.type, FILE_SYMLINK);
    CHECK_INT(host_dir_link(&dir, "g/", &dir, "n"), OS_NOTDIR);
    CHECK_INT(host_dir_unlink(&dir, "d"), OS_ISDIR);
    CHECK_INT(host_dir_unlink(&dir, "d/"), OS_ISDIR);
    CHECK_INT(host_dir_unlink(&dir, "g/"), OS_NOTDIR);
    CHECK_INT(host_dir_unlink(&dir, "."), OS_ISDIR);
    CHECK_INT(host_dir_remove(&dir, "g"), OS_NOTDIR);
    CHECK_INT(host_dir_remove(&dir, "d"), OS_NOTEMPTY);
    CHECK_INT(host_dir_remove(&dir, "d/."), OS_INVAL);
    CHECK_INT(host_dir_remove(&dir, ".."), OS_NOTCAPABLE);
    CHECK_INT(host_dir_rename(&dir, "d/", &dir, "x/"), OS_OK);
    CHECK_INT(host_dir_rename(&dir, "x", &dir, "x/y"), OS_INVAL);
    CHECK_INT(host_dir_rename(&dir, "g", &dir, "../g"), OS_NOTCAPABLE);
    CHECK_INT(host_dir_rename(&dir, "../etc", &dir, "g"), OS_NOTCAPABLE);
    CHECK_INT(host_dir_rename(&dir, "g", &dir, "g2"), OS_OK);
    CHECK_INT(host_dir_remove(&dir, "x/e"), OS_OK);
    teardown();
}

TEST(links_that_lead_out_lead_nowhere)
{
    struct host_file file;
    struct file_stat stat;
    struct file_time now = {FILE_TIME_NOW, 0};
    REQUIRE(setup());
    REQUIRE(symlinkat("/tmp", dir.fd, "abs") == 0 && symlinkat("..", dir.fd, "up") == 0);
    CHECK_INT(host_dir_open(&dir, "abs", FILE_READ | FILE_FOLLOW, &file), OS_NOTCAPABLE);
    CHECK_INT(host_dir_open(&dir, "up", FILE_READ | FILE_FOLLOW, &file), OS_NOTCAPABLE);
    CHECK_INT(host_dir_open(&dir, "up/", FILE_READ, &file), OS_NOTCAPABLE);
    CHECK_INT(host_dir_stat(&dir, "abs/", false, &stat), OS_NOTCAPABLE);
    CHECK_INT(host_dir_stat(&dir, "abs", true, &stat), OS_NOTCAPABLE);
    CHECK_INT(host_dir_set_times(&dir, "up", true, now, now), OS_NOTCAPABLE);
    CHECK_INT(host_dir_make(&dir, "up/x"), OS_NOTCAPABLE);
    CHECK_INT(host_dir_remove(&dir, "up/"), OS_NOTDIR);
    CHECK_INT(host_dir_unlink(&dir, "up/"), OS_NOTDIR);
    CHECK_INT(host_dir_link(&dir, "abs/", &dir, "n"), OS_NOTCAPABLE);
    CHECK_INT(host_dir_rename(&dir, "abs", &dir, "up/x"), OS_NOTCAPABLE);
    CHECK_INT(host_dir_stat(&dir, "abs", false, &stat), OS_OK);
    CHECK_INT(host_dir_unlink(&dir, "abs"), OS_OK);
    teardown();
}

TEST(a_frozen_directory_stays_as_it_is)
{
    struct host_file file, sub;
    struct file_time now = {FILE_TIME_NOW, 0};
    REQUIRE(setup());
    REQUIRE(make("f", "one") == OS_OK && host_dir_make(&dir, "d") == OS_OK &&
            host_dir_make(&dir, "free") == OS_OK);
    struct host_file thawed = dir;
    dir.is_frozen = true;
    CHECK_INT(host_dir_open(&dir, "f", FILE_READ | FILE_WRITE, &file), OS_ROFS);
    CHECK_INT(host_dir_open(&dir, "f", FILE_READ | FILE_TRUNCATE, &file), OS_ROFS);
    CHECK_INT(host_dir_open(&dir, "n", FILE_READ | FILE_CREATE, &file), OS_ROFS);
    CHECK_INT(host_dir_open(&dir, "f", FILE_READ | FILE_CREATE | FILE_EXCLUSIVE, &file), OS_EXIST);
    REQUIRE(host_dir_open(&dir, "f", FILE_READ | FILE_CREATE, &file) == OS_OK);
    CHECK_STR(get(&file, 0), "one");
    CHECK_INT(host_file_set_times(&file, now, now), OS_ROFS);
    CHECK_INT(host_file_set_size(&file, 0), OS_ROFS);
    CHECK_INT(host_file_allocate(&file, 0, 1), OS_ROFS);
    host_file_close(&file);
    REQUIRE(host_dir_open(&dir, "d", FILE_READ | FILE_IS_DIRECTORY, &sub) == OS_OK);
    CHECK_INT(host_dir_make(&sub, "x"), OS_ROFS);
    host_file_close(&sub);
    CHECK_INT(host_dir_make(&dir, "d"), OS_EXIST);
    CHECK_INT(host_dir_symlink(&dir, "l", "f"), OS_ROFS);
    CHECK_INT(host_dir_unlink(&dir, "f"), OS_ROFS);
    CHECK_INT(host_dir_remove(&dir, "d"), OS_ROFS);
    CHECK_INT(host_dir_set_times(&dir, "f", true, now, now), OS_ROFS);
    CHECK_INT(host_dir_rename(&dir, "f", &thawed, "g"), OS_ROFS);
    CHECK_INT(host_dir_rename(&thawed, "f", &dir, "g"), OS_ROFS);
    /* A hard link elsewhere would open the content to writing. */
    CHECK_INT(host_dir_link(&dir, "f", &thawed, "free/f"), OS_ROFS);
    teardown();
}

TEST(entries_of_a_big_directory)
{
    enum { COUNT = 1500 };
    static unsigned char seen[COUNT];
    struct host_entries entries;
    struct file_entry entry;
    char name[32];
    uint64_t position = 0;
    unsigned dots = 0;
    REQUIRE(setup());
    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "entry-%04d", i);
        int fd = openat(dir.fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        REQUIRE(fd != -1);
        close(fd);
    }
    /* Begun anew after every third entry, as a guest with a small buffer does, while new entries
     * come. */
    for (int round = 0;; round++) {
        int taken = 0;
        REQUIRE(host_entries_start(&entries, &dir, position, 100) == OS_OK);
        for (; taken < 3; taken++) {
            unsigned number;
            REQUIRE(host_entries_next(&entries, &entry) == OS_OK);
            if (entry.name == NULL)
                break;
            position = entry.next;
            if (sscanf(entry.name, "entry-%u", &number) == 1 && number < COUNT) {
                CHECK_INT(entry.type, FILE_REGULAR);
                seen[number]++;
            } else if (entry.name[0] == '.') {
                CHECK_INT(entry.type, FILE_DIRECTORY);
                dots++;
            }
        }
        if (taken < 3)
            break;
        if (round < 100) {
            snprintf(name, sizeof(name), "late-%d", round);
            CHECK_INT(make(name, ""), OS_OK);
        }
    }
    for (int i = 0; i < COUNT; i++)
        REQUIRE(seen[i] == 1);
    CHECK_INT(dots, 2);
    struct host_file file;
    REQUIRE(host_dir_open(&dir, "entry-0000", FILE_READ, &file) == OS_OK);
    CHECK_INT(host_entries_start(&entries, &file, 0, 100), OS_NOTDIR);
    host_file_close(&file);
    teardown();
}

/* ---- Waiting ----------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    return clock_now_ns(OS_CLOCK_MONOTONIC);
}

TEST(a_deadline_ends_each_wait)
{
    struct host_file in, out;
    int fds[2];
    char text[8];
    struct file_span spans = span(text, sizeof(text));
    size_t bytes;
    REQUIRE(setup() && pipe(fds) == 0);
    REQUIRE(host_file_adopt(fds[0], true, &in) == OS_OK);
    REQUIRE(host_file_adopt(fds[1], true, &out) == OS_OK);
    CHECK_INT(in.type, FILE_FIFO);

    struct host_wait wait = {.deadline_ns = now_ns() + 20 * MS};
    CHECK_INT(host_file_read(&in, &wait, &spans, 1, FILE_NO_OFFSET, &bytes), OS_STOPPED);
    CHECK(now_ns() >= wait.deadline_ns);

    /* Many times what a pipe holds. */
    enum { BIG = 1 << 20 };
    static char big[BIG];
    struct file_span much = span(big, sizeof(big));
    wait.deadline_ns = now_ns() + 20 * MS;
    CHECK_INT(host_file_write(&out, &wait, &much, 1, FILE_NO_OFFSET, &bytes), OS_STOPPED);
    CHECK(now_ns() >= wait.deadline_ns);

    size_t ready;
    wait.deadline_ns = now_ns() + 10 * MS;
    CHECK_INT(host_wait_any(&wait, NULL, 0, HOST_WAIT_FOREVER, &ready), OS_STOPPED);
    wait.deadline_ns = now_ns() + 5000 * (uint64_t)MS;
    uint64_t until = now_ns() + 10 * MS;
    CHECK_INT(host_wait_any(&wait, NULL, 0, until, &ready), OS_OK);
    CHECK(now_ns() >= until && ready == 0);
    host_file_close(&in);
    host_file_close(&out);
    teardown();
}

static atomic_bool interrupt;

static void *interrupt_soon(void *unused)
{
    (void)unused;
    usleep(20000);
    atomic_store(&interrupt, true);
    return NULL;
}

TEST(an_interruption_ends_a_wait)
{
    struct host_file in;
    int fds[2];
    char text[8];
    struct file_span spans = span(text, sizeof(text));
    size_t bytes;
    pthread_t thread;
    struct host_wait wait = {.interrupt = &interrupt};
    REQUIRE(pipe(fds) == 0 && host_file_adopt(fds[0], true, &in) == OS_OK);
    atomic_store(&interrupt, false);
    REQUIRE(pthread_create(&thread, NULL, interrupt_soon, NULL) == 0);
    CHECK_INT(host_file_read(&in, &wait, &spans, 1, FILE_NO_OFFSET, &bytes), OS_STOPPED);
    pthread_join(thread, NULL);
    static uint8_t random[3 << 20];
    CHECK_INT(host_random_fill(&wait, random, sizeof(random)), OS_STOPPED);
    CHECK_INT(host_random_fill(&wait, random, 16), OS_OK);
    host_file_close(&in);
    close(fds[1]);
}

TEST(non_blocking_is_the_guests_own)
{
    struct host_file in;
    int fds[2];
    char text[8];
    struct file_span spans = span(text, sizeof(text));
    size_t bytes;
    REQUIRE(pipe(fds) == 0 && host_file_adopt(fds[0], true, &in) == OS_OK);
    CHECK_INT(host_file_set_flags(&in, in.flags, true), OS_OK);
    CHECK(!(fcntl(fds[0], F_GETFL) & O_NONBLOCK));
    CHECK_INT(host_file_read(&in, &never, &spans, 1, FILE_NO_OFFSET, &bytes), OS_AGAIN);
    REQUIRE(write(fds[1], "hi", 2) == 2);
    CHECK_INT(host_file_waiting_bytes(&in), 2);
    CHECK_INT(host_file_read(&in, &never, &spans, 1, FILE_NO_OFFSET, &bytes), OS_OK);
    CHECK_INT(bytes, 2);
    close(fds[1]);
    CHECK_INT(host_file_read(&in, &never, &spans, 1, FILE_NO_OFFSET, &bytes), OS_OK);
    CHECK_INT(bytes, 0);
    host_file_close(&in);
}

/* ---- Sockets ----------------------------------------------------------------------------- */

static int connect_to(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    close(fd);
    return -1;
}

TEST(listens_accepts_and_talks)
{
    struct stint_error error = {0};
    struct host_file listener, peer;
    char address[64], text[16] = "";
    struct file_span spans = span(text, 4);
    size_t bytes = 0;
    bool is_truncated;
    int fd;
    REQUIRE(socket_listen_tcp("127.0.0.1:0", &fd, &error) == STINT_OK);
    REQUIRE(socket_local_address(fd, address, sizeof(address)) == OS_OK);
    REQUIRE(host_file_adopt(fd, true, &listener) == OS_OK);
    CHECK(listener.is_listening);

    struct host_wait wait = {.deadline_ns = now_ns() + 10 * MS};
    CHECK_INT(host_sock_accept(&listener, &wait, false, &peer), OS_STOPPED);
    listener.is_nonblocking = true;
    CHECK_INT(host_sock_accept(&listener, &never, false, &peer), OS_AGAIN);
    listener.is_nonblocking = false;

    int client = connect_to(address);
    REQUIRE(client != -1);
    REQUIRE(host_sock_accept(&listener, &never, false, &peer) == OS_OK);
    CHECK_INT(peer.type, FILE_SOCKET_STREAM);
    CHECK(!peer.is_listening);
    wait.deadline_ns = now_ns() + 10 * MS;
    CHECK_INT(host_sock_receive(&peer, &wait, &spans, 1, 0, &bytes, &is_truncated), OS_STOPPED);
    REQUIRE(write(client, "ab", 2) == 2);
    CHECK_INT(host_sock_receive(&peer, &never, &spans, 1, SOCKET_PEEK, &bytes, &is_truncated),
              OS_OK);
    CHECK_INT(bytes, 2);
    /* Waits for four, of which two are there. */
    wait.deadline_ns = now_ns() + 10 * MS;
    CHECK_INT(host_sock_receive(&peer, &wait, &spans, 1, SOCKET_WAIT_ALL, &bytes, &is_truncated),
              OS_STOPPED);
    REQUIRE(write(client, "cdef", 4) == 4);
    CHECK_INT(host_sock_receive(&peer, &never, &spans, 1, SOCKET_WAIT_ALL, &bytes, &is_truncated),
              OS_OK);
    CHECK_INT(bytes, 4);
    spans = span("hello", 5);
    CHECK_INT(host_sock_send(&peer, &never, &spans, 1, &bytes), OS_OK);
    CHECK_INT(host_sock_shutdown(&peer, SOCKET_SHUT_WRITE), OS_OK);
    CHECK_INT(read(client, text, sizeof(text)), 5);
    CHECK_INT(read(client, text, sizeof(text)), 0);
    CHECK_INT(host_sock_send(&peer, &never, &spans, 1, &bytes), OS_PIPE);
    CHECK_INT(host_sock_accept(&peer, &never, false, &peer), OS_INVAL);
    close(client);
    host_file_close(&peer);
    host_file_close(&listener);
}

TEST(addresses_to_listen_on)
{
    static const char *const wrong[] = {
        "",      "8080",         "127.0.0.1",       "127.0.0.1:",
        "x:1",   "127.0.0.1:-1", "127.0.0.1:65536", "::1:80",
        "[::1]", "[]:1",         "example.org:80",  "127.0.0.1:80x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct stint_error error = {0};
        int fd;
        if (!CHECK_INT(socket_listen_tcp(wrong[i], &fd, &error), STINT_ARGUMENT))
            printf("    address %s\n", wrong[i]);
    }
    struct stint_error error = {0};
    int fd;
    REQUIRE(socket_listen_tcp("localhost:0", &fd, &error) == STINT_OK);
    file_close(fd);
}

/* Connects as soon as anybody listens, and stays. */
struct eager {
    const char *address;
    int fd;
    atomic_int tries;
};

static void connect_soon(void *context)
{
    struct eager *eager = context;
    while ((eager->fd = connect_to(eager->address)) == -1)
        atomic_fetch_add(&eager->tries, 1);
}

TEST(who_connects_while_a_group_is_made_is_served)
{
    enum { ROUNDS = 500, COUNT = 3 };
    char address[64];
    struct stint_error error = {0};
    int fds[COUNT], first, port = 12000 + (int)getpid() % 10000;
    /* A free port, and none that the system gives to clients: one that connects could meet itself. */
    do
        (void)snprintf(address, sizeof(address), "127.0.0.1:%d", ++port);
    while (port < 30000 && socket_listen_tcp(address, &first, &error) != STINT_OK);
    REQUIRE(port < 30000);
    CHECK_INT(socket_listen_group(address, COUNT, fds, &error), STINT_IO);
    CHECK(strstr(error.message, "in use") != NULL);
    file_close(first);
    for (int i = 0; i < ROUNDS; i++) {
        struct eager eager = {.address = address, .fd = -1};
        struct thread thread;
        REQUIRE(thread_start(&thread, connect_soon, &eager, false));
        while (atomic_load(&eager.tries) < 3)
            sched_yield();
        REQUIRE(socket_listen_group(address, COUNT, fds, &error) == STINT_OK);
        thread_join(&thread);
        int peer = -1, reset = 0;
        socklen_t size = sizeof(reset);
        for (int k = 0; peer == -1 && k < COUNT; k++)
            (void)socket_accept(fds[k], &peer);
        CHECK(peer != -1);
        CHECK_INT(getsockopt(eager.fd, SOL_SOCKET, SO_ERROR, &reset, &size), 0);
        CHECK_INT(reset, 0);
        file_close(eager.fd); /* first, so that the port has no connection that is ending */
        file_close(peer);
        for (int k = 0; k < COUNT; k++)
            file_close(fds[k]);
    }
}

/* ---- Clocks ------------------------------------------------------------------------------ */

TEST(due_times)
{
    uint64_t now = now_ns();
    CHECK(host_clock_due_ns(OS_CLOCK_MONOTONIC, 5, true) == 5);
    CHECK(host_clock_due_ns(OS_CLOCK_MONOTONIC, 5, false) >= now + 5);
    CHECK(host_clock_due_ns(OS_CLOCK_REALTIME, 1, true) >= now);
    CHECK(host_clock_due_ns(OS_CLOCK_REALTIME, UINT64_MAX, true) > now);
    CHECK(host_clock_due_ns(OS_CLOCK_MONOTONIC, UINT64_MAX, false) == UINT64_MAX - 1);
}

CHECK_MAIN
