/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests at a fixed rate, whatever becomes of them: flood PORT RATE CONNECTIONS SECONDS. A request's
 * time counts from the moment when it was due, so that a server that answers slowly cannot slow this
 * down unseen. Where this program is what is too slow, only the time since a request was sent says
 * something of the server. Prints: requests of status 200, of 503, others, their rate, the 50th and 99th
 * percentile of those of status 200 and of all, and the 99th of those of status 200 since they were sent;
 * in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 4096, EVENTS_MAX = 256, BUCKET_NS = 10000, BUCKETS = 1 << 20 };

struct connection {
    int fd;
    uint64_t due_ns, sent_ns;
    int status; /* of the response that comes in */
    bool is_chunked;
};

static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
static struct connection connections[CONNECTIONS_MAX];
static struct connection *idle[CONNECTIONS_MAX];
static int idle_count;
static uint32_t good[BUCKETS], good_sent[BUCKETS], all[BUCKETS];
static uint64_t good_count, refused_count, other_count;

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void open_all(int count, int port, int epoll)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    for (int i = 0, one = 1; i < count; i++) {
        struct connection *connection = &connections[i];
        struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = connection}};
        connection->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connection->fd < 0 ||
            connect(connection->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
            fail("connect");
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
            fail("epoll_ctl");
        idle[idle_count++] = connection;
    }
}

/* Sends what is due. */
static void send_due(uint64_t now, uint64_t *due_ns, double step_ns, uint64_t begin_ns,
                     uint64_t *number)
{
    while (*due_ns <= now && idle_count > 0) {
        struct connection *connection = idle[--idle_count];
        connection->due_ns = *due_ns;
        connection->sent_ns = now_ns();
        if (send(connection->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) !=
            (ssize_t)sizeof(request) - 1)
            fail("send");
        *due_ns = begin_ns + (uint64_t)((double)++*number * step_ns);
    }
}

static void count(uint32_t *histogram, uint64_t ns)
{
    uint64_t bucket = ns / BUCKET_NS;
    histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

/* Responses are small: one ends where what was received ends so. */
static void receive(struct connection *connection)
{
    char data[4096];
    ssize_t bytes = recv(connection->fd, data, sizeof(data) - 1, MSG_DONTWAIT);
    if (bytes < 0 && errno == EAGAIN)
        return;
    if (bytes <= 0)
        fail("recv");
    data[bytes] = '\0';
    if (strncmp(data, "HTTP/1.1 ", 9) == 0) {
        connection->status = atoi(data + 9);
        connection->is_chunked = strstr(data, "chunked") != NULL || strstr(data, "Chunked") != NULL;
    }
    if (connection->is_chunked && (bytes < 5 || memcmp(data + bytes - 5, "0\r\n\r\n", 5) != 0))
        return;
    int status = connection->status;
    uint64_t now = now_ns();
    count(all, now - connection->due_ns);
    if (status == 200) {
        count(good, now - connection->due_ns);
        count(good_sent, now - connection->sent_ns);
    }
    *(status == 200 ? &good_count : status == 503 ? &refused_count : &other_count) += 1;
    idle[idle_count++] = connection;
}

static unsigned long percentile_us(const uint32_t *histogram, double share)
{
    uint64_t total = 0, seen = 0;
    for (int i = 0; i < BUCKETS; i++)
        total += histogram[i];
    for (int i = 0; i < BUCKETS; i++) {
        seen += histogram[i];
        if ((double)seen >= share * (double)total)
            return (unsigned long)(i + 1) * BUCKET_NS / 1000;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 5 || atoi(argv[3]) < 1 || atoi(argv[3]) > CONNECTIONS_MAX) {
        fprintf(stderr, "usage: flood PORT RATE CONNECTIONS SECONDS\n");
        return 2;
    }
    double step_ns = 1e9 / atof(argv[2]);
    int epoll = epoll_create1(0);
    open_all(atoi(argv[3]), atoi(argv[1]), epoll);
    uint64_t begin_ns = now_ns(), number = 0, due_ns = begin_ns;
    uint64_t end_ns = begin_ns + (uint64_t)(atof(argv[4]) * 1e9);
    for (uint64_t now = begin_ns; now < end_ns; now = now_ns()) {
        struct epoll_event events[EVENTS_MAX];
        send_due(now, &due_ns, step_ns, begin_ns, &number);
        int ready = epoll_wait(epoll, events, EVENTS_MAX, 0);
        for (int i = 0; i < ready; i++)
            receive(events[i].data.ptr);
    }
    double seconds = (double)(now_ns() - begin_ns) / 1e9;
    uint64_t total = good_count + refused_count + other_count;
    printf("%lu %lu %lu %.0f %lu %lu %lu %lu %lu\n", (unsigned long)good_count,
           (unsigned long)refused_count, (unsigned long)other_count, (double)total / seconds,
           percentile_us(good, 0.5), percentile_us(good, 0.99), percentile_us(all, 0.5),
           percentile_us(all, 0.99), percentile_us(good_sent, 0.99));
    return 0;
}
