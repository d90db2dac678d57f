/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of WASI 0.2 guests. */
#ifndef WASI_P2_NET_H
#define WASI_P2_NET_H

#include "wasi/host_lookup.h"
#include "wasi/host_net.h"
#include "wasi/p2_stream.h"

/* `error-code` of wasi:sockets/network. */
enum p2_net_code {
    P2_NET_UNKNOWN,
    P2_NET_ACCESS_DENIED,
    P2_NET_NOT_SUPPORTED,
    P2_NET_INVALID_ARGUMENT,
    P2_NET_OUT_OF_MEMORY,
    P2_NET_TIMEOUT,
    P2_NET_CONCURRENCY_CONFLICT,
    P2_NET_NOT_IN_PROGRESS,
    P2_NET_WOULD_BLOCK,
    P2_NET_INVALID_STATE,
    P2_NET_NEW_SOCKET_LIMIT,
    P2_NET_ADDRESS_NOT_BINDABLE,
    P2_NET_ADDRESS_IN_USE,
    P2_NET_REMOTE_UNREACHABLE,
    P2_NET_CONNECTION_REFUSED,
    P2_NET_CONNECTION_RESET,
    P2_NET_CONNECTION_ABORTED,
    P2_NET_DATAGRAM_TOO_LARGE,
    P2_NET_NAME_UNRESOLVABLE,
    P2_NET_TEMPORARY_RESOLVER_FAILURE,
    P2_NET_PERMANENT_RESOLVER_FAILURE,
    P2_NET_OK = 0xff,
};

enum p2_socket_state {
    P2_SOCKET_NEW,
    P2_SOCKET_BINDING,
    P2_SOCKET_BOUND,
    P2_SOCKET_CONNECTING,
    P2_SOCKET_CONNECTED,
    P2_SOCKET_LISTEN_STARTED,
    P2_SOCKET_LISTENING,
    P2_SOCKET_CLOSED,
};

/* TCP and UDP. */
struct p2_socket {
    struct p2_object base;
    int fd;
    bool is_v6;
    uint8_t state; /* enum p2_socket_state */
    int backlog;
    enum os_error error; /* of a connection that failed at once */
    bool has_peer;       /* UDP */
    struct inet_address peer;
};

/* One direction of a UDP socket. */
struct p2_datagrams {
    struct p2_object base;
    struct p2_socket *socket; /* retained */
    uint64_t permit;
};

struct p2_resolve {
    struct p2_object base;
    struct host_lookup *lookup;
    const char *name; /* in the guest's arena */
    size_t next;
    bool has_family, is_v6; /* only these; the first candidate's */
};

/* An address that a guest was told for a name that it may reach. */
struct p2_known_address {
    struct inet_address address;
    const char *name;
};
enum { P2_KNOWN_ADDRESSES_MAX = 256 };

void p2_socket_end(struct wasi_p2 *wasi, struct p2_object *object);
void p2_datagrams_end(struct wasi_p2 *wasi, struct p2_object *object);
void p2_resolve_end(struct wasi_p2 *wasi, struct p2_object *object);

enum p2_net_code p2_net_code(enum os_error error);
/* result<_, error-code> and larger ones; as p2_file_result. */
MUST_CHECK enum stint_status p2_net_result(struct host_component_call *call, uint64_t pointer,
                                           uint32_t bytes, uint32_t align, enum p2_net_code code,
                                           uint8_t **ret_at);
MUST_CHECK enum stint_status p2_net_done(struct host_component_call *call, uint64_t pointer,
                                         enum p2_net_code code);
/* ip-socket-address in 12 slots. */
void p2_net_address(const uint64_t *slots, struct inet_address *ret_address);
/* The same in memory, 32 bytes: reading, and writing to zeroed bytes. */
void p2_net_get_address(const uint8_t *at, struct inet_address *ret_address);
void p2_net_put_address(uint8_t *at, const struct inet_address *address);
/* Whether a socket may be bound there; whether it may reach it. */
enum p2_net_code p2_net_check_bind(const struct wasi_p2 *wasi, bool is_v6,
                                   const struct inet_address *address);
enum p2_net_code p2_net_check_remote(const struct wasi_p2 *wasi, bool is_udp, bool is_v6,
                                     const struct inet_address *address);
MUST_CHECK enum stint_status p2_net_check_network(struct host_component_call *call,
                                                  uint64_t handle);

/* What TCP and UDP have in common. */
MUST_CHECK enum stint_status p2_socket_create(struct host_component_call *call, uint64_t *slots,
                                              enum p2_type type);
MUST_CHECK enum stint_status p2_socket_bind(struct host_component_call *call, uint64_t *slots,
                                            enum p2_type type);
MUST_CHECK enum stint_status p2_socket_bound(struct host_component_call *call, uint64_t *slots,
                                             enum p2_type type);
MUST_CHECK enum stint_status p2_socket_local(struct host_component_call *call, uint64_t *slots,
                                             enum p2_type type);
MUST_CHECK enum stint_status p2_socket_family(struct host_component_call *call, uint64_t *slots,
                                              enum p2_type type);
MUST_CHECK enum stint_status p2_put_address_result(struct host_component_call *call,
                                                   uint64_t pointer, enum p2_net_code code,
                                                   const struct inet_address *address);

/* Options: how the guest sees a value. */
enum p2_option_form {
    P2_OPTION_BYTE,
    P2_OPTION_BOOL,
    P2_OPTION_U32,
    P2_OPTION_U64,
    P2_OPTION_TIME
};
MUST_CHECK enum stint_status p2_socket_get_option(struct host_component_call *call, uint64_t *slots,
                                                  enum p2_type type, enum inet_option option,
                                                  enum p2_option_form form);
MUST_CHECK enum stint_status p2_socket_set_option(struct host_component_call *call, uint64_t *slots,
                                                  enum p2_type type, enum inet_option option,
                                                  enum p2_option_form form);

#endif
