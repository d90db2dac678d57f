/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:sockets/tcp. */
#include "wasi/p2_net.h"

static enum stint_status get(struct host_component_call *call, uint64_t handle,
                             struct p2_socket **ret_socket)
{
    return p2_get(call, handle, P2_TCP_SOCKET, ret_socket);
}

enum stint_status p2_create_tcp_socket(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_create(call, slots, P2_TCP_SOCKET);
}

enum stint_status p2_tcp_start_bind(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_bind(call, slots, P2_TCP_SOCKET);
}

enum stint_status p2_tcp_finish_bind(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_bound(call, slots, P2_TCP_SOCKET);
}

/* ---- Streams ----------------------------------------------------------------------------- */

/* A pair of handles for the streams of a connection, which keep the socket open. */
static enum stint_status make_streams(struct host_component_call *call, struct p2_socket *socket,
                                      uint32_t *ret_input, uint32_t *ret_output)
{
    const struct host_file file = {.fd = socket->fd,
                                   .type = FILE_SOCKET_STREAM,
                                   .flags = FILE_READ | FILE_WRITE,
                                   .is_nonblocking = true,
                                   .is_host_nonblocking = true};
    struct p2_input *input;
    struct p2_output *output;
    enum stint_status status = p2_file_input(call, &socket->base, &file, FILE_NO_OFFSET, &input);
    if (status == STINT_OK)
        status = p2_give(call, &input->base, ret_input);
    if (status == STINT_OK)
        status = p2_file_output(call, &socket->base, &file, FILE_NO_OFFSET, false, &output);
    return status == STINT_OK ? p2_give(call, &output->base, ret_output) : status;
}

/* ---- Connecting -------------------------------------------------------------------------- */

/* slots: socket, network, address (12), result */
enum stint_status p2_tcp_start_connect(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    struct inet_address address;
    enum stint_status status = get(call, slots[0], &socket);
    if (status == STINT_OK)
        status = p2_net_check_network(call, slots[1]);
    if (status != STINT_OK)
        return status;
    p2_net_address(slots + 2, &address);
    enum p2_net_code code = P2_NET_INVALID_STATE;
    if (socket->state == P2_SOCKET_CONNECTING || socket->state == P2_SOCKET_BINDING)
        code = P2_NET_CONCURRENCY_CONFLICT;
    else if (socket->state == P2_SOCKET_NEW || socket->state == P2_SOCKET_BOUND)
        code = p2_net_check_remote(p2_of(call), false, socket->is_v6, &address);
    if (code != P2_NET_OK)
        return p2_net_done(call, slots[14], code);
    /* What comes of it is for finish-connect to tell. */
    enum os_error error = inet_connect(socket->fd, &address);
    socket->error = error == OS_INPROGRESS ? OS_OK : error;
    socket->state = P2_SOCKET_CONNECTING;
    return p2_net_done(call, slots[14], P2_NET_OK);
}

static enum p2_net_code finish(struct p2_socket *socket)
{
    if (socket->state != P2_SOCKET_CONNECTING)
        return P2_NET_NOT_IN_PROGRESS;
    enum os_error error = socket->error;
    if (!error && host_wait_look(socket->fd, READY_WRITE) == OS_AGAIN)
        return P2_NET_WOULD_BLOCK;
    if (!error)
        error = inet_error(socket->fd);
    socket->state = error ? P2_SOCKET_CLOSED : P2_SOCKET_CONNECTED;
    /* Here, unlike in a bind, it is the remote address that cannot be reached. */
    return error == OS_ADDRNOTAVAIL ? P2_NET_REMOTE_UNREACHABLE : p2_net_code(error);
}

/* result<tuple<input-stream, output-stream>, error-code>: 0 case  4 and 8 handles */
enum stint_status p2_tcp_finish_connect(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    uint32_t input = 0, output = 0;
    uint8_t *at;
    enum stint_status status = get(call, slots[0], &socket);
    if (status != STINT_OK)
        return status;
    enum p2_net_code code = finish(socket);
    if (code == P2_NET_OK)
        status = make_streams(call, socket, &input, &output);
    if (status == STINT_OK)
        status = p2_net_result(call, slots[1], 12, 4, code, &at);
    if (status != STINT_OK || at == NULL)
        return status;
    bytes_put32(at, input);
    bytes_put32(at + 4, output);
    return STINT_OK;
}

/* ---- Listening --------------------------------------------------------------------------- */

enum stint_status p2_tcp_start_listen(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    enum stint_status status = get(call, slots[0], &socket);
    if (status != STINT_OK)
        return status;
    enum p2_net_code code = socket->state == P2_SOCKET_BOUND
                                ? p2_net_code(inet_listen(socket->fd, socket->backlog))
                                : P2_NET_INVALID_STATE;
    if (code == P2_NET_OK)
        socket->state = P2_SOCKET_LISTEN_STARTED;
    return p2_net_done(call, slots[1], code);
}

enum stint_status p2_tcp_finish_listen(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    enum stint_status status = get(call, slots[0], &socket);
    if (status != STINT_OK)
        return status;
    if (socket->state != P2_SOCKET_LISTEN_STARTED)
        return p2_net_done(call, slots[1], P2_NET_NOT_IN_PROGRESS);
    socket->state = P2_SOCKET_LISTENING;
    return p2_net_done(call, slots[1], P2_NET_OK);
}

static enum stint_status add_connection(struct host_component_call *call,
                                        const struct p2_socket *listener, int fd,
                                        uint32_t handles[3])
{
    struct p2_socket *socket;
    enum stint_status status = p2_new(call, P2_TCP_SOCKET, &socket);
    if (status != STINT_OK) {
        file_close(fd);
        return status;
    }
    socket->fd = fd;
    socket->is_v6 = listener->is_v6;
    socket->state = P2_SOCKET_CONNECTED;
    status = make_streams(call, socket, &handles[1], &handles[2]);
    if (status != STINT_OK) {
        p2_release(p2_of(call), &socket->base);
        return status;
    }
    return p2_give(call, &socket->base, &handles[0]);
}

/* result<tuple<tcp-socket, input-stream, output-stream>, error-code>: 0 case  4, 8 and 12 handles */
enum stint_status p2_tcp_accept(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    uint32_t handles[3] = {0};
    int fd;
    uint8_t *at;
    enum stint_status status = get(call, slots[0], &socket);
    if (status != STINT_OK)
        return status;
    enum p2_net_code code = socket->state == P2_SOCKET_LISTENING
                                ? p2_net_code(socket_accept(socket->fd, &fd))
                                : P2_NET_INVALID_STATE;
    if (code == P2_NET_OK)
        status = add_connection(call, socket, fd, handles);
    if (status == STINT_OK)
        status = p2_net_result(call, slots[1], 16, 4, code, &at);
    if (status == STINT_OK && at != NULL)
        memcpy(at, handles, sizeof(handles));
    return status;
}

enum stint_status p2_tcp_is_listening(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    enum stint_status status = get(call, slots[0], &socket);
    if (status == STINT_OK)
        slots[0] = socket->state == P2_SOCKET_LISTENING;
    return status;
}

enum stint_status p2_tcp_set_listen_backlog_size(struct host_component_call *call, uint64_t *slots)
{
    enum { BACKLOG_MAX = 4096 };
    struct p2_socket *socket;
    enum stint_status status = get(call, slots[0], &socket);
    if (status != STINT_OK)
        return status;
    if (slots[1] == 0)
        return p2_net_done(call, slots[2], P2_NET_INVALID_ARGUMENT);
    if (socket->state == P2_SOCKET_CONNECTING || socket->state == P2_SOCKET_CONNECTED)
        return p2_net_done(call, slots[2], P2_NET_INVALID_STATE);
    socket->backlog = slots[1] < BACKLOG_MAX ? (int)slots[1] : BACKLOG_MAX;
    enum os_error error =
        socket->state == P2_SOCKET_LISTENING ? inet_listen(socket->fd, socket->backlog) : OS_OK;
    return p2_net_done(call, slots[2], p2_net_code(error));
}

/* ---- What it is -------------------------------------------------------------------------- */

enum stint_status p2_tcp_local_address(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_local(call, slots, P2_TCP_SOCKET);
}

enum stint_status p2_tcp_remote_address(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    struct inet_address address = {.port = 0};
    enum stint_status status = get(call, slots[0], &socket);
    if (status != STINT_OK)
        return status;
    enum p2_net_code code = socket->state == P2_SOCKET_CONNECTED
                                ? p2_net_code(inet_remote(socket->fd, &address))
                                : P2_NET_INVALID_STATE;
    return p2_put_address_result(call, slots[1], code, &address);
}

enum stint_status p2_tcp_address_family(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_family(call, slots, P2_TCP_SOCKET);
}

static void look(struct p2_object *object, struct p2_readiness *ret_readiness)
{
    const struct p2_socket *socket = (const struct p2_socket *)object;
    if (socket->state == P2_SOCKET_LISTENING)
        p2_ready_fd(ret_readiness, socket->fd, READY_READ);
    else if (socket->state == P2_SOCKET_CONNECTING && !socket->error)
        p2_ready_fd(ret_readiness, socket->fd, READY_WRITE);
    else
        p2_ready_now(ret_readiness);
}

enum stint_status p2_tcp_subscribe(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    enum stint_status status = get(call, slots[0], &socket);
    return status == STINT_OK ? p2_subscribe(call, &socket->base, look, slots) : status;
}

enum stint_status p2_tcp_shutdown(struct host_component_call *call, uint64_t *slots)
{
    static const unsigned hows[] = {SOCKET_SHUT_READ, SOCKET_SHUT_WRITE,
                                    SOCKET_SHUT_READ | SOCKET_SHUT_WRITE};
    struct p2_socket *socket;
    uint32_t how = p2_u32(slots[1]);
    enum stint_status status = get(call, slots[0], &socket);
    if (status != STINT_OK)
        return status;
    if (how >= COUNT_OF(hows))
        return p2_trap(call, "invalid variant discriminant");
    enum p2_net_code code = socket->state == P2_SOCKET_CONNECTED
                                ? p2_net_code(socket_shutdown(socket->fd, hows[how]))
                                : P2_NET_INVALID_STATE;
    return p2_net_done(call, slots[2], code);
}

/* ---- Options ----------------------------------------------------------------------------- */

enum stint_status p2_tcp_ipv6_only(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_TCP_SOCKET, INET_V6_ONLY, P2_OPTION_BOOL);
}

enum stint_status p2_tcp_set_ipv6_only(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_TCP_SOCKET, INET_V6_ONLY, P2_OPTION_BOOL);
}

enum stint_status p2_tcp_keep_alive_enabled(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_TCP_SOCKET, INET_KEEP_ALIVE, P2_OPTION_BOOL);
}

enum stint_status p2_tcp_set_keep_alive_enabled(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_TCP_SOCKET, INET_KEEP_ALIVE, P2_OPTION_BOOL);
}

enum stint_status p2_tcp_no_delay(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_TCP_SOCKET, INET_NO_DELAY, P2_OPTION_BOOL);
}

enum stint_status p2_tcp_set_no_delay(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_TCP_SOCKET, INET_NO_DELAY, P2_OPTION_BOOL);
}

enum stint_status p2_tcp_keep_alive_idle_time(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_TCP_SOCKET, INET_KEEP_IDLE_S, P2_OPTION_TIME);
}

enum stint_status p2_tcp_set_keep_alive_idle_time(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_TCP_SOCKET, INET_KEEP_IDLE_S, P2_OPTION_TIME);
}

enum stint_status p2_tcp_keep_alive_interval(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_TCP_SOCKET, INET_KEEP_INTERVAL_S, P2_OPTION_TIME);
}

enum stint_status p2_tcp_set_keep_alive_interval(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_TCP_SOCKET, INET_KEEP_INTERVAL_S, P2_OPTION_TIME);
}

enum stint_status p2_tcp_keep_alive_count(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_TCP_SOCKET, INET_KEEP_COUNT, P2_OPTION_U32);
}

enum stint_status p2_tcp_set_keep_alive_count(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_TCP_SOCKET, INET_KEEP_COUNT, P2_OPTION_U32);
}

enum stint_status p2_tcp_hop_limit(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_TCP_SOCKET, INET_HOP_LIMIT, P2_OPTION_BYTE);
}

enum stint_status p2_tcp_set_hop_limit(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_TCP_SOCKET, INET_HOP_LIMIT, P2_OPTION_BYTE);
}

enum stint_status p2_tcp_receive_buffer_size(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_TCP_SOCKET, INET_RECEIVE_BYTES, P2_OPTION_U64);
}

enum stint_status p2_tcp_set_receive_buffer_size(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_TCP_SOCKET, INET_RECEIVE_BYTES, P2_OPTION_U64);
}

enum stint_status p2_tcp_send_buffer_size(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_TCP_SOCKET, INET_SEND_BYTES, P2_OPTION_U64);
}

enum stint_status p2_tcp_set_send_buffer_size(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_TCP_SOCKET, INET_SEND_BYTES, P2_OPTION_U64);
}
