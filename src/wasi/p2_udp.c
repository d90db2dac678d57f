/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:sockets/udp. */
#include "wasi/p2_net.h"

enum { DATAGRAMS_MAX = 16, DATAGRAM_BYTES = 40, OUTGOING_BYTES = 44 };

static enum stint_status get(struct host_component_call *call, uint64_t handle,
                             struct p2_socket **ret_socket)
{
    return p2_get(call, handle, P2_UDP_SOCKET, ret_socket);
}

void p2_datagrams_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    struct p2_datagrams *datagrams = (struct p2_datagrams *)object;
    if (datagrams->socket != NULL)
        p2_release(wasi, &datagrams->socket->base);
}

enum stint_status p2_create_udp_socket(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_create(call, slots, P2_UDP_SOCKET);
}

enum stint_status p2_udp_start_bind(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_bind(call, slots, P2_UDP_SOCKET);
}

enum stint_status p2_udp_finish_bind(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_bound(call, slots, P2_UDP_SOCKET);
}

/* ---- Peers and streams ------------------------------------------------------------------- */

/* With a peer the system lets only its datagrams through. */
static enum p2_net_code set_peer(struct wasi_p2 *wasi, struct p2_socket *socket,
                                 const struct inet_address *peer)
{
    if (socket->state != P2_SOCKET_BOUND)
        return P2_NET_INVALID_STATE;
    enum p2_net_code code = P2_NET_OK;
    if (peer != NULL)
        code = p2_net_check_remote(wasi, true, socket->is_v6, peer);
    if (code == P2_NET_OK && (peer != NULL || socket->has_peer))
        code = p2_net_code(inet_connect(socket->fd, peer));
    if (code != P2_NET_OK)
        return code;
    socket->has_peer = peer != NULL;
    if (peer != NULL)
        socket->peer = *peer;
    return P2_NET_OK;
}

static enum stint_status make_stream(struct host_component_call *call, struct p2_socket *socket,
                                     enum p2_type type, uint32_t *ret_handle)
{
    struct p2_datagrams *datagrams;
    enum stint_status status = p2_new(call, type, &datagrams);
    if (status != STINT_OK)
        return status;
    p2_retain(&socket->base);
    datagrams->socket = socket;
    return p2_give(call, &datagrams->base, ret_handle);
}

/* slots: socket, option, address (12), result<tuple<incoming, outgoing>, error-code> */
enum stint_status p2_udp_stream(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    struct inet_address peer;
    uint32_t incoming = 0, outgoing = 0;
    uint8_t *at;
    enum stint_status status = get(call, slots[0], &socket);
    if (status != STINT_OK)
        return status;
    p2_net_address(slots + 2, &peer);
    enum p2_net_code code = set_peer(p2_of(call), socket, p2_u32(slots[1]) != 0 ? &peer : NULL);
    if (code == P2_NET_OK)
        status = make_stream(call, socket, P2_INCOMING_DATAGRAM_STREAM, &incoming);
    if (status == STINT_OK && code == P2_NET_OK)
        status = make_stream(call, socket, P2_OUTGOING_DATAGRAM_STREAM, &outgoing);
    if (status == STINT_OK)
        status = p2_net_result(call, slots[14], 12, 4, code, &at);
    if (status != STINT_OK || at == NULL)
        return status;
    bytes_put32(at, incoming);
    bytes_put32(at + 4, outgoing);
    return STINT_OK;
}

/* The first candidate has these on the socket. slots: socket, network, address (12), result */
enum stint_status p2_udp_socket_start_connect_oct(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    struct inet_address peer;
    enum stint_status status = get(call, slots[0], &socket);
    if (status == STINT_OK)
        status = p2_net_check_network(call, slots[1]);
    if (status != STINT_OK)
        return status;
    p2_net_address(slots + 2, &peer);
    return p2_net_done(call, slots[14], set_peer(p2_of(call), socket, &peer));
}

enum stint_status p2_udp_socket_finish_connect_oct(struct host_component_call *call,
                                                   uint64_t *slots)
{
    struct p2_socket *socket;
    enum stint_status status = get(call, slots[0], &socket);
    if (status != STINT_OK)
        return status;
    return p2_net_done(call, slots[1], socket->has_peer ? P2_NET_OK : P2_NET_NOT_IN_PROGRESS);
}

/* ---- Receiving --------------------------------------------------------------------------- */

struct received {
    uint32_t pointer, bytes;
    struct inet_address from;
};

static enum stint_status receive_all(struct host_component_call *call,
                                     const struct p2_socket *socket, uint64_t max,
                                     struct received *received, uint32_t *ret_count,
                                     enum os_error *ret_error)
{
    uint8_t *scratch = p2_scratch(call);
    enum stint_status status = STINT_OK;
    *ret_count = 0;
    *ret_error = OS_OK;
    if (scratch == NULL)
        return p2_no_memory(call);
    while (*ret_count < DATAGRAMS_MAX && *ret_count < max && status == STINT_OK) {
        struct received *next = &received[*ret_count];
        size_t bytes;
        *ret_error = inet_receive(socket->fd, scratch, P2_SCRATCH_BYTES, &bytes, &next->from);
        if (*ret_error)
            break;
        next->bytes = (uint32_t)bytes;
        status = p2_put_bytes(call, scratch, bytes, &next->pointer);
        (*ret_count)++;
    }
    /* What came counts; an error comes again. */
    if (*ret_error == OS_AGAIN || *ret_count > 0)
        *ret_error = OS_OK;
    return status;
}

/* result<list<incoming-datagram>, error-code>; each: 0 data  8 address */
static enum stint_status receive(struct host_component_call *call, const struct p2_socket *socket,
                                 uint64_t max, uint64_t result)
{
    struct received received[DATAGRAMS_MAX];
    uint32_t count, pointer;
    enum os_error error = OS_OK;
    uint8_t *list, *at;
    enum stint_status status = receive_all(call, socket, max, received, &count, &error);
    if (status == STINT_OK)
        status = host_realloc(call, count * DATAGRAM_BYTES, 4, &pointer);
    if (status == STINT_OK)
        status = p2_result(call, pointer, count * DATAGRAM_BYTES, 4, &list);
    for (uint32_t i = 0; i < count && status == STINT_OK; i++) {
        bytes_put32(list, received[i].pointer);
        bytes_put32(list + 4, received[i].bytes);
        p2_net_put_address(list + 8, &received[i].from);
        list += DATAGRAM_BYTES;
    }
    if (status == STINT_OK)
        status = p2_net_result(call, result, 12, 4, p2_net_code(error), &at);
    if (status != STINT_OK || at == NULL)
        return status;
    bytes_put32(at, pointer);
    bytes_put32(at + 4, count);
    return STINT_OK;
}

enum stint_status p2_udp_incoming_receive(struct host_component_call *call, uint64_t *slots)
{
    struct p2_datagrams *datagrams;
    enum stint_status status = p2_get(call, slots[0], P2_INCOMING_DATAGRAM_STREAM, &datagrams);
    return status == STINT_OK ? receive(call, datagrams->socket, slots[1], slots[2]) : status;
}

enum stint_status p2_udp_socket_receive_oct(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    enum stint_status status = get(call, slots[0], &socket);
    if (status == STINT_OK && socket->state != P2_SOCKET_BOUND) {
        uint8_t *at;
        return p2_net_result(call, slots[2], 12, 4, P2_NET_INVALID_STATE, &at);
    }
    return status == STINT_OK ? receive(call, socket, slots[1], slots[2]) : status;
}

/* ---- Sending ----------------------------------------------------------------------------- */

/* One datagram: data at 0, then the address at 8, in the releases as an option. */
static enum p2_net_code send_one(struct wasi_p2 *wasi, const struct p2_socket *socket,
                                 const uint8_t *data, uint32_t bytes, const uint8_t *entry,
                                 bool is_oct)
{
    struct inet_address to;
    bool has_address = is_oct || entry[8] != 0;
    if (has_address)
        p2_net_get_address(entry + (is_oct ? 8 : 12), &to);
    if (!has_address && !socket->has_peer)
        return P2_NET_INVALID_ARGUMENT;
    if (has_address && socket->has_peer) {
        bool is_peer = to.is_v6 == socket->peer.is_v6 && to.port == socket->peer.port &&
                       memcmp(to.ip, socket->peer.ip, sizeof(to.ip)) == 0;
        return is_peer ? p2_net_code(inet_send(socket->fd, data, bytes, NULL))
                       : P2_NET_INVALID_ARGUMENT;
    }
    if (has_address) {
        enum p2_net_code code = p2_net_check_remote(wasi, true, socket->is_v6, &to);
        if (code != P2_NET_OK)
            return code;
    }
    return p2_net_code(inet_send(socket->fd, data, bytes, has_address ? &to : NULL));
}

/* result<u64, error-code>: how many went, or what kept the first from it. */
static enum stint_status send(struct host_component_call *call, const struct p2_socket *socket,
                              const uint64_t *slots, bool is_oct)
{
    uint32_t count = p2_u32(slots[2]), each = is_oct ? DATAGRAM_BYTES : OUTGOING_BYTES, sent = 0;
    enum p2_net_code code = P2_NET_OK;
    uint8_t *at;
    const uint8_t *list = host_at(call, p2_u32(slots[1]), (uint64_t)count * each, 4);
    if (list == NULL)
        return STINT_TRAP;
    for (; sent < count && code == P2_NET_OK; sent += code == P2_NET_OK) {
        const uint8_t *entry = list + (size_t)sent * each;
        uint32_t bytes = bytes_get32(entry + 4);
        const uint8_t *data = host_at(call, bytes_get32(entry), bytes, 1);
        if (data == NULL)
            return STINT_TRAP;
        code = send_one(p2_of(call), socket, data, bytes, entry, is_oct);
        /* A list that is longer than the system takes now may wait, and long ones may be stopped. */
        if (sent % DATAGRAMS_MAX == DATAGRAMS_MAX - 1) {
            const struct host_wait wait = p2_wait(call);
            if (host_wait_is_over(&wait))
                return p2_stopped(call);
        }
    }
    if (sent > 0 || code == P2_NET_WOULD_BLOCK)
        code = P2_NET_OK;
    enum stint_status status = p2_net_result(call, slots[3], 16, 8, code, &at);
    if (status == STINT_OK && at != NULL)
        bytes_put64(at, sent);
    return status;
}

static enum stint_status get_outgoing(struct host_component_call *call, uint64_t handle,
                                      struct p2_datagrams **ret_datagrams)
{
    return p2_get(call, handle, P2_OUTGOING_DATAGRAM_STREAM, ret_datagrams);
}

enum stint_status p2_udp_outgoing_check_send(struct host_component_call *call, uint64_t *slots)
{
    struct p2_datagrams *datagrams;
    uint8_t *at;
    enum stint_status status = get_outgoing(call, slots[0], &datagrams);
    if (status != STINT_OK)
        return status;
    bool is_ready = host_wait_look(datagrams->socket->fd, READY_WRITE) == OS_OK;
    datagrams->permit = is_ready ? DATAGRAMS_MAX : 0;
    status = p2_net_result(call, slots[1], 16, 8, P2_NET_OK, &at);
    if (status == STINT_OK && at != NULL)
        bytes_put64(at, datagrams->permit);
    return status;
}

enum stint_status p2_udp_outgoing_send(struct host_component_call *call, uint64_t *slots)
{
    struct p2_datagrams *datagrams;
    enum stint_status status = get_outgoing(call, slots[0], &datagrams);
    if (status != STINT_OK)
        return status;
    if (p2_u32(slots[2]) > datagrams->permit)
        return p2_trap(call, "more datagrams are sent than check-send permitted");
    datagrams->permit -= p2_u32(slots[2]);
    return send(call, datagrams->socket, slots, false);
}

enum stint_status p2_udp_socket_send_oct(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    uint8_t *at;
    enum stint_status status = get(call, slots[0], &socket);
    if (status != STINT_OK)
        return status;
    if (socket->state != P2_SOCKET_BOUND)
        return p2_net_result(call, slots[3], 16, 8, P2_NET_INVALID_STATE, &at);
    return send(call, socket, slots, true);
}

/* ---- Waiting ----------------------------------------------------------------------------- */

static void look_incoming(struct p2_object *object, struct p2_readiness *ret_readiness)
{
    p2_ready_fd(ret_readiness, ((struct p2_datagrams *)object)->socket->fd, READY_READ);
}

static void look_outgoing(struct p2_object *object, struct p2_readiness *ret_readiness)
{
    p2_ready_fd(ret_readiness, ((struct p2_datagrams *)object)->socket->fd, READY_WRITE);
}

/* Binding is done at once, so there is nothing to wait for; in the first candidate, datagrams. */
static void look_socket(struct p2_object *object, struct p2_readiness *ret_readiness)
{
    (void)object;
    p2_ready_now(ret_readiness);
}

enum stint_status p2_udp_incoming_subscribe(struct host_component_call *call, uint64_t *slots)
{
    struct p2_datagrams *datagrams;
    enum stint_status status = p2_get(call, slots[0], P2_INCOMING_DATAGRAM_STREAM, &datagrams);
    return status == STINT_OK ? p2_subscribe(call, &datagrams->base, look_incoming, slots) : status;
}

enum stint_status p2_udp_outgoing_subscribe(struct host_component_call *call, uint64_t *slots)
{
    struct p2_datagrams *datagrams;
    enum stint_status status = get_outgoing(call, slots[0], &datagrams);
    return status == STINT_OK ? p2_subscribe(call, &datagrams->base, look_outgoing, slots) : status;
}

enum stint_status p2_udp_subscribe(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    enum stint_status status = get(call, slots[0], &socket);
    return status == STINT_OK ? p2_subscribe(call, &socket->base, look_socket, slots) : status;
}

/* ---- What it is -------------------------------------------------------------------------- */

enum stint_status p2_udp_local_address(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_local(call, slots, P2_UDP_SOCKET);
}

enum stint_status p2_udp_remote_address(struct host_component_call *call, uint64_t *slots)
{
    struct p2_socket *socket;
    enum stint_status status = get(call, slots[0], &socket);
    if (status != STINT_OK)
        return status;
    return p2_put_address_result(
        call, slots[1], socket->has_peer ? P2_NET_OK : P2_NET_INVALID_STATE, &socket->peer);
}

enum stint_status p2_udp_address_family(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_family(call, slots, P2_UDP_SOCKET);
}

/* ---- Options ----------------------------------------------------------------------------- */

enum stint_status p2_udp_ipv6_only(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_UDP_SOCKET, INET_V6_ONLY, P2_OPTION_BOOL);
}

enum stint_status p2_udp_set_ipv6_only(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_UDP_SOCKET, INET_V6_ONLY, P2_OPTION_BOOL);
}

enum stint_status p2_udp_hop_limit(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_UDP_SOCKET, INET_HOP_LIMIT, P2_OPTION_BYTE);
}

enum stint_status p2_udp_set_hop_limit(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_UDP_SOCKET, INET_HOP_LIMIT, P2_OPTION_BYTE);
}

enum stint_status p2_udp_receive_buffer_size(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_UDP_SOCKET, INET_RECEIVE_BYTES, P2_OPTION_U64);
}

enum stint_status p2_udp_set_receive_buffer_size(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_UDP_SOCKET, INET_RECEIVE_BYTES, P2_OPTION_U64);
}

enum stint_status p2_udp_send_buffer_size(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_get_option(call, slots, P2_UDP_SOCKET, INET_SEND_BYTES, P2_OPTION_U64);
}

enum stint_status p2_udp_set_send_buffer_size(struct host_component_call *call, uint64_t *slots)
{
    return p2_socket_set_option(call, slots, P2_UDP_SOCKET, INET_SEND_BYTES, P2_OPTION_U64);
}
