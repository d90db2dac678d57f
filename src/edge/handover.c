/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/handover.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/event.h"
#include "os/files.h"
#include "os/local_sockets.h"
#include "os/sockets.h"

enum {
    LINE_BYTES = 128,
    ENTRIES_MAX = 4096,
    ACTIVATED_FIRST_FD = 3, /* SD_LISTEN_FDS_START */
    ANSWER_MS = 10000,
    READY_MS = 600000,
    ACCEPT_AGAIN_MS = 100,
};

struct entry {
    char line[LINE_BYTES]; /* "KIND ADDRESS" */
    int fd;                /* -1: taken */
    bool is_https;
};

struct handover {
    struct entry *given, *offered; /* ENTRIES_MAX each */
    size_t given_count, offered_count;
    size_t activated; /* of `given`, for HANDOVER_HTTP: the first ones */
    int control;      /* listens for a successor; -1: nobody asked for that */
    int before;       /* the connection to the predecessor; -1: there is none */
    int stop;         /* an event; -1: not made */
    struct edge_server *server;
    struct log_buffer log;
    struct thread thread;
    bool has_thread, owns_control; /* `control` goes with this process, unless it is replaced */
};

/* ---- What is given ----------------------------------------------------------------------- */

static void give(struct handover *handover, const char *line, int fd)
{
    if (handover->given_count == ENTRIES_MAX) {
        file_close(fd);
        return;
    }
    struct entry *entry = &handover->given[handover->given_count++];
    (void)snprintf(entry->line, sizeof(entry->line), "%s", line);
    entry->fd = fd;
}

int handover_take(struct edge_server *server, const char *kind, const char *address)
{
    struct handover *handover = server->handover;
    char line[LINE_BYTES];
    (void)snprintf(line, sizeof(line), "%s %s", kind, address);
    for (size_t i = 0; i < handover->given_count; i++) {
        struct entry *entry = &handover->given[i];
        if (entry->fd < 0 || strcmp(entry->line, line) != 0)
            continue;
        int fd = entry->fd;
        entry->fd = -1;
        return fd;
    }
    return -1;
}

size_t handover_activated(const struct edge_server *server)
{
    return server->handover != NULL ? server->handover->activated : 0; /* NULL: nothing is opened */
}

const char *handover_activated_at(const struct edge_server *server, size_t number, bool *ret_is_tls)
{
    const struct entry *entry = &server->handover->given[number];
    *ret_is_tls = entry->is_https;
    return strchr(entry->line, ' ') + 1;
}

/* ---- systemd ----------------------------------------------------------------------------- */

static unsigned long number_of(const char *name)
{
    const char *text = getenv(name);
    return text != NULL ? strtoul(text, NULL, 10) : 0;
}

/* The next of names with colons between them. */
static size_t next_name(const char **names, char *name, size_t size)
{
    size_t bytes = strcspn(*names, ":");
    (void)snprintf(name, size, "%.*s", (int)bytes, *names);
    *names += bytes + ((*names)[bytes] == ':');
    return bytes;
}

/* Those for the application come first. */
static enum stint_status read_activated(struct handover *handover, struct log_buffer *log)
{
    unsigned long count = number_of("LISTEN_FDS");
    if (count == 0 || number_of("LISTEN_PID") != (unsigned long)getpid())
        return STINT_OK;
    for (int is_other = 0; is_other < 2; is_other++) {
        const char *names = getenv("LISTEN_FDNAMES");
        names = names != NULL ? names : "";
        for (unsigned long i = 0; i < count && i < LISTENERS_MAX; i++) {
            int fd = ACTIVATED_FIRST_FD + (int)i;
            char name[32], address[80], line[LINE_BYTES];
            next_name(&names, name, sizeof(name));
            bool is_named = strcmp(name, HANDOVER_METRICS) == 0 || strcmp(name, HANDOVER_ADMIN) == 0;
            if (is_named != is_other)
                continue;
            if (!socket_is_listening(fd) || socket_local_address(fd, address, sizeof(address))) {
                log_line(log, LOG_ERROR, NULL, NULL,
                         "descriptor %d of LISTEN_FDS is no listening TCP socket: ListenStream= of "
                         "the socket unit makes one, with Accept=no",
                         fd);
                return STINT_INVALID;
            }
            int own = -1; /* closed on exec, as all others */
            if (file_duplicate(fd, &own) != OS_OK || file_set_nonblocking(own, true) != OS_OK)
                return STINT_IO;
            file_close(fd);
            (void)snprintf(line, sizeof(line), "%s %s", is_named ? name : HANDOVER_HTTP, address);
            give(handover, line, own);
            if (!is_named)
                handover->given[handover->activated++].is_https = strcmp(name, "https") == 0;
        }
    }
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
    return STINT_OK;
}

/* ---- The predecessor --------------------------------------------------------------------- */

static enum os_error receive_all(struct handover *handover, long *ret_process)
{
    char line[LINE_BYTES];
    int fds[LOCAL_FDS_MAX];
    size_t bytes, count;
    for (;;) {
        if (!local_wait(handover->before, -1, ANSWER_MS))
            return OS_TIMEDOUT;
        enum os_error error =
            local_receive(handover->before, line, sizeof(line) - 1, fds, &bytes, &count);
        if (error != OS_OK)
            return error;
        line[bytes] = '\0';
        if (bytes == 0)
            return OS_PIPE;
        for (size_t i = 0; i < count; i++) {
            if (strcmp(line, "control") == 0 && handover->control < 0)
                handover->control = fds[i];
            else
                give(handover, line, fds[i]);
        }
        if (strncmp(line, "end ", 4) == 0) {
            *ret_process = strtol(line + 4, NULL, 10);
            return OS_OK;
        }
    }
}

/* The server that runs gives its sockets. Without one, this is the first. */
static enum stint_status find_predecessor(struct handover *handover, const char *path,
                                          struct log_buffer *log)
{
    long process = 0;
    enum os_error error = local_connect(path, &handover->before);
    if (error == OS_NOENT || error == OS_CONNREFUSED) {
        log_line(log, LOG_INFO, NULL, NULL, "no server listens at %s, so there is none to replace",
                 path);
        return STINT_OK;
    }
    if (error == OS_OK && !local_peer_is_ours(handover->before, &process))
        error = OS_ACCES;
    if (error == OS_OK)
        error = receive_all(handover, &process);
    if (error == OS_OK) {
        log_line(log, LOG_INFO, NULL, NULL, "replaces process %ld", process);
        return STINT_OK;
    }
    log_line(log, LOG_ERROR, NULL, NULL,
             "%s: the server there does not hand its sockets over: %s; it serves on", path,
             os_error_text(error));
    return STINT_IO;
}

static enum stint_status open_control(struct handover *handover, const char *path,
                                      struct log_buffer *log)
{
    enum os_error error = local_listen(path, &handover->control);
    handover->owns_control = error == OS_OK;
    if (error == OS_OK)
        return STINT_OK;
    log_line(log, LOG_ERROR, NULL, NULL, "--control %s: %s", path,
             error == OS_ADDRINUSE ? "a server has it already; --replace takes its place"
             : error == OS_EXIST   ? "a file that is no socket is there"
                                   : os_error_text(error));
    return STINT_IO;
}

enum stint_status handover_open(struct edge_server *server, struct log_buffer *log)
{
    struct handover *handover = alloc_get_zeroed(&alloc_root, 1, sizeof(*handover));
    const char *path = server->options->control;
    if (handover == NULL)
        return STINT_NOMEM;
    handover->server = server;
    handover->control = handover->before = handover->stop = -1;
    log_buffer_init(&handover->log, &server->log);
    server->handover = handover;
    handover->given = alloc_get_zeroed(&alloc_root, ENTRIES_MAX, sizeof(struct entry));
    handover->offered = alloc_get_zeroed(&alloc_root, ENTRIES_MAX, sizeof(struct entry));
    if (handover->given == NULL || handover->offered == NULL)
        return STINT_NOMEM;
    enum stint_status status = read_activated(handover, log);
    if (status == STINT_OK && path != NULL && server->options->replace)
        status = find_predecessor(handover, path, log);
    if (status == STINT_OK && path != NULL && handover->control < 0)
        status = open_control(handover, path, log);
    return status;
}

/* ---- The successor ----------------------------------------------------------------------- */

void handover_offer(struct edge_server *server, const char *kind, const char *address, int fd)
{
    struct handover *handover = server->handover;
    if (handover->control < 0 || handover->offered_count == ENTRIES_MAX)
        return;
    struct entry *entry = &handover->offered[handover->offered_count];
    if (file_duplicate(fd, &entry->fd) != OS_OK)
        return;
    (void)snprintf(entry->line, sizeof(entry->line), "%s %s", kind, address);
    handover->offered_count++;
}

enum stint_status handover_listen(struct edge_server *server, const char *kind, const char *address,
                                  int *ret_fd, struct stint_error *error)
{
    int fd = handover_take(server, kind, address);
    enum stint_status status = fd < 0 ? socket_listen_tcp(address, &fd, error) : STINT_OK;
    if (status != STINT_OK)
        return status;
    handover_offer(server, kind, address, fd);
    *ret_fd = fd;
    return STINT_OK;
}

static bool is_line(int fd, const char *wanted)
{
    char line[LINE_BYTES];
    int fds[LOCAL_FDS_MAX];
    size_t bytes = 0, count = 0;
    if (local_receive(fd, line, sizeof(line), fds, &bytes, &count) != OS_OK)
        return false;
    for (size_t i = 0; i < count; i++)
        file_close(fds[i]);
    return bytes == strlen(wanted) && memcmp(line, wanted, bytes) == 0;
}

static enum os_error send_all(struct handover *handover, int fd)
{
    enum os_error error = local_send(fd, "control", 7, &handover->control, 1);
    for (size_t i = 0; i < handover->offered_count && error == OS_OK; i++) {
        const struct entry *entry = &handover->offered[i];
        error = local_send(fd, entry->line, strlen(entry->line), &entry->fd, 1);
    }
    char end[32];
    (void)snprintf(end, sizeof(end), "end %ld", (long)getpid());
    return error == OS_OK ? local_send(fd, end, strlen(end), NULL, 0) : error;
}

/* True: it serves now. */
static bool hand_over(struct handover *handover, int fd)
{
    struct log_buffer *log = &handover->log;
    long process = 0;
    if (!local_peer_is_ours(fd, &process)) {
        log_line(log, LOG_WARN, NULL, NULL, "process %ld of another user asked for the sockets", process);
        return false;
    }
    log_line(log, LOG_INFO, NULL, NULL, "process %ld gets the sockets, to take over", process);
    log_flush(log);
    bool is_sent = send_all(handover, fd) == OS_OK;
    if (is_sent && local_wait(fd, handover->stop, READY_MS) && !local_wait(handover->stop, -1, 0) &&
        is_line(fd, "ready") && local_send(fd, "bye", 3, NULL, 0) == OS_OK) {
        log_line(log, LOG_INFO, NULL, NULL, "process %ld serves now", process);
        return true;
    }
    log_line(log, LOG_WARN, NULL, NULL,
             "process %ld was to take over, and did not get ready: this one serves on", process);
    return false;
}

static void run(void *context)
{
    struct handover *handover = context;
    for (;;) {
        int fd;
        local_wait(handover->control, handover->stop, -1);
        if (local_wait(handover->stop, -1, 0))
            return;
        if (local_accept(handover->control, &fd) != OS_OK) {
            local_wait(handover->stop, -1, ACCEPT_AGAIN_MS); /* descriptors may be out */
            continue;
        }
        bool is_over = hand_over(handover, fd);
        file_close(fd);
        log_flush(&handover->log);
        if (is_over) {
            /* As if it were told to end; connections that are idle get more time. */
            atomic_store(&handover->server->is_replaced, true);
            (void)kill(getpid(), SIGTERM);
            return;
        }
    }
}

enum stint_status handover_ready(struct edge_server *server, struct log_buffer *log)
{
    struct handover *handover = server->handover;
    if (handover->before >= 0 && (local_send(handover->before, "ready", 5, NULL, 0) != OS_OK ||
                                  !local_wait(handover->before, -1, ANSWER_MS) ||
                                  !is_line(handover->before, "bye"))) {
        log_line(log, LOG_ERROR, NULL, NULL,
                 "the server that was to be replaced has not answered, so this one ends");
        return STINT_IO;
    }
    if (handover->before >= 0)
        file_close(handover->before);
    handover->before = -1;
    handover->owns_control = true;
    /* What was given, and nobody asked for, is not listened on any more. */
    for (size_t i = 0; i < handover->given_count; i++) {
        if (handover->given[i].fd >= 0)
            file_close(handover->given[i].fd);
        handover->given[i].fd = -1;
    }
    if (handover->control < 0)
        return STINT_OK;
    if (event_create(&handover->stop) == OS_OK)
        handover->has_thread = thread_start(&handover->thread, run, handover, false);
    if (!handover->has_thread)
        log_line(log, LOG_WARN, NULL, NULL, "--control: no thread for it");
    return STINT_OK;
}

void handover_stop(struct edge_server *server)
{
    struct handover *handover = server->handover;
    if (handover == NULL)
        return;
    if (handover->has_thread) {
        event_set(handover->stop);
        thread_join(&handover->thread);
    }
    handover->has_thread = false;
    for (size_t i = 0; i < handover->offered_count; i++)
        file_close(handover->offered[i].fd);
    handover->offered_count = 0;
    if (handover->control >= 0) {
        if (handover->owns_control && !atomic_load(&server->is_replaced))
            (void)unlink(server->options->control);
        file_close(handover->control);
    }
    handover->control = -1;
}

void handover_free(struct edge_server *server)
{
    struct handover *handover = server->handover;
    if (handover == NULL)
        return;
    handover_stop(server);
    for (size_t i = 0; handover->given != NULL && i < handover->given_count; i++) {
        if (handover->given[i].fd >= 0)
            file_close(handover->given[i].fd);
    }
    if (handover->before >= 0)
        file_close(handover->before);
    if (handover->stop >= 0)
        file_close(handover->stop);
    log_buffer_free(&handover->log);
    alloc_put(&alloc_root, handover->given,
              handover->given != NULL ? ENTRIES_MAX * sizeof(struct entry) : 0);
    alloc_put(&alloc_root, handover->offered,
              handover->offered != NULL ? ENTRIES_MAX * sizeof(struct entry) : 0);
    alloc_put(&alloc_root, handover, sizeof(*handover));
}
