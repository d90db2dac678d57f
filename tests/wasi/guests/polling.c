/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll_oneoff: clocks of both kinds, absolute and relative, with files and with standard input, which
 * is a pipe that the run writes to after a while. Nothing here depends on how fast the machine is.
 */
#include <poll.h>
#include <time.h>

#include "guest.h"

enum { MS = 1000000, HOUR_MS = 3600000 };

static __wasi_subscription_t clock_subscription(__wasi_clockid_t id, uint64_t ns, bool is_absolute)
{
    __wasi_subscription_t result;
    memset(&result, 0, sizeof(result));
    result.userdata = 0xc10c;
    result.u.tag = __WASI_EVENTTYPE_CLOCK;
    result.u.u.clock.id = id;
    result.u.u.clock.timeout = ns;
    result.u.u.clock.flags = is_absolute ? __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME : 0;
    return result;
}

static __wasi_subscription_t file_subscription(__wasi_fd_t fd, __wasi_eventtype_t type)
{
    __wasi_subscription_t result;
    memset(&result, 0, sizeof(result));
    result.userdata = 0xf11e + (unsigned)fd;
    result.u.tag = type;
    result.u.u.fd_read.file_descriptor = fd;
    return result;
}

static uint64_t now_ns(__wasi_clockid_t id)
{
    __wasi_timestamp_t now;
    EXPECT(__wasi_clock_time_get(id, 0, &now) == 0);
    return now;
}

static void clocks(void)
{
    static const __wasi_clockid_t ids[] = {__WASI_CLOCKID_MONOTONIC, __WASI_CLOCKID_REALTIME};
    for (int i = 0; i < 2; i++) {
        for (int is_absolute = 0; is_absolute < 2; is_absolute++) {
            uint64_t start = now_ns(ids[i]);
            uint64_t ns = 20 * MS + (is_absolute ? start : 0);
            __wasi_subscription_t in = clock_subscription(ids[i], ns, is_absolute);
            __wasi_event_t out;
            __wasi_size_t count;
            EXPECT(__wasi_poll_oneoff(&in, &out, 1, &count) == 0);
            EXPECT(count == 1 && out.userdata == 0xc10c && out.error == 0);
            EXPECT(out.type == __WASI_EVENTTYPE_CLOCK);
            EXPECT(now_ns(ids[i]) >= start + 20 * MS);
        }
    }
    struct timespec past = {1, 0};
    EXPECT(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL) == 0);
    EXPECT(usleep(1000) == 0);
}

static void files_are_ready(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    EXPECT(fd >= 0 && write(fd, "12345", 5) == 5 && lseek(fd, 2, SEEK_SET) == 2);
    __wasi_subscription_t in[3] = {clock_subscription(__WASI_CLOCKID_MONOTONIC, -1, false),
                                   file_subscription(fd, __WASI_EVENTTYPE_FD_READ),
                                   file_subscription(fd, __WASI_EVENTTYPE_FD_WRITE)};
    __wasi_event_t out[3];
    __wasi_size_t count;
    EXPECT(__wasi_poll_oneoff(in, out, 3, &count) == 0);
    EXPECT(count == 2 && out[0].type == __WASI_EVENTTYPE_FD_READ);
    EXPECT(out[0].fd_readwrite.nbytes == 3 && out[1].type == __WASI_EVENTTYPE_FD_WRITE);
    EXPECT(close(fd) == 0);
    in[1] = file_subscription(fd, __WASI_EVENTTYPE_FD_READ);
    EXPECT(__wasi_poll_oneoff(in, out, 2, &count) == 0);
    EXPECT(count == 1 && out[0].error == __WASI_ERRNO_BADF);
    EXPECT(__wasi_poll_oneoff(in, out, 0, &count) == __WASI_ERRNO_INVAL);
}

static void standard_input(void)
{
    struct pollfd item = {.fd = 0, .events = POLLIN};
    char text[16];
    /* Nothing is there yet: the clock comes first, and a read that may not wait gives EAGAIN. */
    EXPECT(poll(&item, 1, 10) == 0);
    EXPECT(fcntl(0, F_SETFL, O_NONBLOCK) == 0);
    EXPECT_ERRNO(read(0, text, sizeof(text)), EAGAIN);
    EXPECT(fcntl(0, F_SETFL, 0) == 0);
    puts("waiting");
    fflush(stdout);
    EXPECT(poll(&item, 1, HOUR_MS) == 1 && item.revents & POLLIN);
    EXPECT(read(0, text, sizeof(text)) == 5 && !memcmp(text, "hello", 5));
    puts("got it");
    fflush(stdout);
    /* The other end is closed now. */
    EXPECT(poll(&item, 1, HOUR_MS) == 1 && item.revents != 0);
    EXPECT(read(0, text, sizeof(text)) == 0);
    struct pollfd both[2] = {{.fd = 1, .events = POLLOUT}, {.fd = 0, .events = POLLIN}};
    EXPECT(poll(both, 2, HOUR_MS) == 2 && both[0].revents & POLLOUT);
}

int main(void)
{
    clocks();
    files_are_ready();
    standard_input();
    puts("polling: ok");
    return 0;
}
