/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:sockets: what TCP and UDP have in common. */
#include "wasi/p2_net.h"

enum { NS_PER_SECOND = 1000000000, KEEP_TIME_MAX_S = 32767, KEEP_COUNT_MAX = 127 };

void p2_socket_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    (void)wasi;
    struct p2_socket *socket = (struct p2_socket *)object;
    if (socket->fd >= 0)
        file_close(socket->fd);
}

/* slots: family, result<socket, error-code> */
enum stint_status p2_socket_create(struct host_component_call *call, uint64_t *slots,
                                   enum p2_type type)
{
    enum { BACKLOG = 128 };
    struct p2_socket *socket;
    uint32_t handle = 0;
    uint8_t *at;
    enum stint_status status = p2_new(call, type, &socket);
    if (status != STINT_OK)
        return status;
    socket->fd = -1;
    socket->is_v6 = p2_u32(slots[0]) != 0;
    socket->backlog = BACKLOG;
    /* A socket alone reaches nothing: what it is used for is judged. */
    enum p2_net_code code =
        p2_net_code(inet_create(socket->is_v6, type == P2_UDP_SOCKET, &socket->fd));
    if (code != P2_NET_OK)
        p2_release(p2_of(call), &socket->base);
    else
        status = p2_give(call, &socket->base, &handle);
    if (status == STINT_OK)
        status = p2_net_result(call, slots[1], 8, 4, code, &at);
    if (status == STINT_OK && at != NULL)
        bytes_put32(at, handle);
    return status;
}

/* slots: socket, network, address (12), result */
enum stint_status p2_socket_bind(struct host_component_call *call, uint64_t *slots,
                                 enum p2_type type)
{
    struct p2_socket *socket;
    struct inet_address address;
    enum stint_status status = p2_get(call, slots[0], type, &socket);
    if (status == STINT_OK)
        status = p2_net_check_network(call, slots[1]);
    if (status != STINT_OK)
        return status;
    p2_net_address(slots + 2, &address);
    enum p2_net_code code = socket->state != P2_SOCKET_NEW
                                ? P2_NET_INVALID_STATE
                                : p2_net_check_bind(p2_of(call), socket->is_v6, &address);
    if (code == P2_NET_OK)
        code = p2_net_code(inet_bind(socket->fd, &address, type == P2_UDP_SOCKET));
    if (code == P2_NET_OK)
        socket->state = P2_SOCKET_BINDING;
    return p2_net_done(call, slots[14], code);
}

enum stint_status p2_socket_bound(struct host_component_call *call, uint64_t *slots,
                                  enum p2_type type)
{
    struct p2_socket *socket;
    enum stint_status status = p2_get(call, slots[0], type, &socket);
    if (status != STINT_OK)
        return status;
    if (socket->state != P2_SOCKET_BINDING)
        return p2_net_done(call, slots[1], P2_NET_NOT_IN_PROGRESS);
    socket->state = P2_SOCKET_BOUND;
    return p2_net_done(call, slots[1], P2_NET_OK);
}

enum stint_status p2_socket_local(struct host_component_call *call, uint64_t *slots,
                                  enum p2_type type)
{
    struct p2_socket *socket;
    struct inet_address address = {.port = 0};
    enum stint_status status = p2_get(call, slots[0], type, &socket);
    if (status != STINT_OK)
        return status;
    bool has_none = socket->state == P2_SOCKET_NEW || socket->state == P2_SOCKET_BINDING;
    enum p2_net_code code =
        has_none ? P2_NET_INVALID_STATE : p2_net_code(inet_local(socket->fd, &address));
    return p2_put_address_result(call, slots[1], code, &address);
}

enum stint_status p2_socket_family(struct host_component_call *call, uint64_t *slots,
                                   enum p2_type type)
{
    struct p2_socket *socket;
    enum stint_status status = p2_get(call, slots[0], type, &socket);
    if (status == STINT_OK)
        slots[0] = socket->is_v6;
    return status;
}

/* ---- Options ----------------------------------------------------------------------------- */

enum stint_status p2_socket_get_option(struct host_component_call *call, uint64_t *slots,
                                       enum p2_type type, enum inet_option option,
                                       enum p2_option_form form)
{
    static const struct {
        uint8_t bytes, align;
    } forms[] = {[P2_OPTION_BYTE] = {2, 1},
                 [P2_OPTION_BOOL] = {2, 1},
                 [P2_OPTION_U32] = {8, 4},
                 [P2_OPTION_U64] = {16, 8},
                 [P2_OPTION_TIME] = {16, 8}};
    struct p2_socket *socket;
    int value = 0;
    uint8_t *at;
    enum stint_status status = p2_get(call, slots[0], type, &socket);
    if (status != STINT_OK)
        return status;
    enum p2_net_code code = p2_net_code(inet_get_option(socket->fd, socket->is_v6, option, &value));
    status = p2_net_result(call, slots[1], forms[form].bytes, forms[form].align, code, &at);
    if (status != STINT_OK || at == NULL)
        return status;
    if (form == P2_OPTION_TIME)
        bytes_put64(at, (uint64_t)value * NS_PER_SECOND);
    else if (form == P2_OPTION_U64)
        bytes_put64(at, (uint64_t)value);
    else if (form == P2_OPTION_U32)
        bytes_put32(at, (uint32_t)value);
    else
        at[0] = form == P2_OPTION_BOOL ? value != 0 : (uint8_t)value;
    return STINT_OK;
}

/* What the system gets for a value of the guest: in range, but never 0 of what has to be more. */
static uint64_t limited(uint64_t value, enum inet_option option, enum p2_option_form form)
{
    if (form == P2_OPTION_TIME) {
        uint64_t seconds = value / NS_PER_SECOND + (value % NS_PER_SECOND != 0);
        return seconds < KEEP_TIME_MAX_S ? seconds : KEEP_TIME_MAX_S;
    }
    if (option == INET_KEEP_COUNT)
        return value < KEEP_COUNT_MAX ? value : KEEP_COUNT_MAX;
    return value < INT32_MAX / 2 ? value : INT32_MAX / 2;
}

enum stint_status p2_socket_set_option(struct host_component_call *call, uint64_t *slots,
                                       enum p2_type type, enum inet_option option,
                                       enum p2_option_form form)
{
    struct p2_socket *socket;
    uint64_t value = form == P2_OPTION_BOOL   ? p2_u32(slots[1]) != 0
                     : form == P2_OPTION_BYTE ? (uint8_t)slots[1]
                     : form == P2_OPTION_U32  ? p2_u32(slots[1])
                                              : slots[1];
    enum stint_status status = p2_get(call, slots[0], type, &socket);
    if (status != STINT_OK)
        return status;
    enum p2_net_code code = P2_NET_INVALID_ARGUMENT;
    if (value != 0 || form == P2_OPTION_BOOL)
        code = p2_net_code(
            inet_set_option(socket->fd, socket->is_v6, option, (int)limited(value, option, form)));
    return p2_net_done(call, slots[2], code);
}
