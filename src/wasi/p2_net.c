/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:sockets: networks, addresses, errors, names, and what TCP and UDP have in common. */
#include "wasi/p2_net.h"

/* ---- Errors ------------------------------------------------------------------------------ */

enum p2_net_code p2_net_code(enum os_error error)
{
    switch (error) {
    case OS_OK:
        return P2_NET_OK;
    case OS_ACCES:
    case OS_PERM:
    case OS_NOTCAPABLE:
        return P2_NET_ACCESS_DENIED;
    case OS_NOTSUP:
    case OS_AFNOSUPPORT:
    case OS_PROTONOSUPPORT:
    case OS_NOPROTOOPT:
        return P2_NET_NOT_SUPPORTED;
    case OS_INVAL:
    case OS_DESTADDRREQ:
        return P2_NET_INVALID_ARGUMENT;
    case OS_NOMEM:
    case OS_NOBUFS:
        return P2_NET_OUT_OF_MEMORY;
    case OS_TIMEDOUT:
        return P2_NET_TIMEOUT;
    case OS_AGAIN:
    case OS_INPROGRESS:
        return P2_NET_WOULD_BLOCK;
    case OS_MFILE:
    case OS_NFILE:
        return P2_NET_NEW_SOCKET_LIMIT;
    case OS_ADDRNOTAVAIL:
        return P2_NET_ADDRESS_NOT_BINDABLE;
    case OS_ADDRINUSE:
        return P2_NET_ADDRESS_IN_USE;
    case OS_HOSTUNREACH:
    case OS_NETUNREACH:
    case OS_NETDOWN:
        return P2_NET_REMOTE_UNREACHABLE;
    case OS_CONNREFUSED:
        return P2_NET_CONNECTION_REFUSED;
    case OS_CONNRESET:
    case OS_PIPE:
        return P2_NET_CONNECTION_RESET;
    case OS_CONNABORTED:
        return P2_NET_CONNECTION_ABORTED;
    case OS_MSGSIZE:
        return P2_NET_DATAGRAM_TOO_LARGE;
    default:
        return P2_NET_UNKNOWN;
    }
}

enum stint_status p2_net_result(struct host_component_call *call, uint64_t pointer, uint32_t bytes,
                                uint32_t align, enum p2_net_code code, uint8_t **ret_at)
{
    uint8_t *at;
    enum stint_status status = p2_result(call, pointer, bytes, align, &at);
    if (status != STINT_OK)
        return status;
    *ret_at = code == P2_NET_OK ? at + align : NULL;
    if (code != P2_NET_OK) {
        at[0] = 1;
        at[align] = (uint8_t)code;
    }
    return STINT_OK;
}

enum stint_status p2_net_done(struct host_component_call *call, uint64_t pointer,
                              enum p2_net_code code)
{
    uint8_t *at;
    return p2_net_result(call, pointer, 2, 1, code, &at);
}

enum stint_status p2_network_error_code(struct host_component_call *call, uint64_t *slots)
{
    struct p2_error *error;
    uint8_t *at;
    enum stint_status status = p2_get(call, slots[0], P2_ERROR, &error);
    if (status == STINT_OK)
        status = p2_result(call, slots[1], 2, 1, &at);
    if (status == STINT_OK && error->kind == P2_ERROR_NETWORK) {
        at[0] = 1;
        at[1] = (uint8_t)p2_net_code(error->code);
    }
    return status;
}

/* ---- Addresses --------------------------------------------------------------------------- */

enum { IPV4, IPV6 };

void p2_net_address(const uint64_t *slots, struct inet_address *ret_address)
{
    struct inet_address address = {.is_v6 = p2_u32(slots[0]) != IPV4, .port = (uint16_t)slots[1]};
    if (address.is_v6) {
        address.flow_info = p2_u32(slots[2]);
        address.scope_id = p2_u32(slots[11]);
        for (int i = 0; i < 8; i++) {
            address.ip[2 * i] = (uint8_t)(slots[3 + i] >> 8);
            address.ip[2 * i + 1] = (uint8_t)slots[3 + i];
        }
    } else {
        for (int i = 0; i < 4; i++)
            address.ip[i] = (uint8_t)slots[2 + i];
    }
    *ret_address = address;
}

/* Eight u16 in the guest's order from and to sixteen bytes in the network's. */
static void swap_ip(uint8_t *to, const uint8_t *from)
{
    for (int i = 0; i < 16; i += 2) {
        to[i] = from[i + 1];
        to[i + 1] = from[i];
    }
}

/* 0 case  4 port  v4: 6 address  v6: 8 flow-info  12 address  28 scope-id */
void p2_net_get_address(const uint8_t *at, struct inet_address *ret_address)
{
    struct inet_address address = {.is_v6 = at[0] != IPV4};
    memcpy(&address.port, at + 4, 2);
    if (address.is_v6) {
        address.flow_info = bytes_get32(at + 8);
        address.scope_id = bytes_get32(at + 28);
        swap_ip(address.ip, at + 12);
    } else {
        memcpy(address.ip, at + 6, 4);
    }
    *ret_address = address;
}

void p2_net_put_address(uint8_t *at, const struct inet_address *address)
{
    at[0] = address->is_v6 ? IPV6 : IPV4;
    bytes_put16(at + 4, address->port);
    if (address->is_v6) {
        bytes_put32(at + 8, address->flow_info);
        bytes_put32(at + 28, address->scope_id);
        swap_ip(at + 12, address->ip);
    } else {
        memcpy(at + 6, address->ip, 4);
    }
}

enum stint_status p2_put_address_result(struct host_component_call *call, uint64_t pointer,
                                        enum p2_net_code code, const struct inet_address *address)
{
    uint8_t *at;
    enum stint_status status = p2_net_result(call, pointer, 36, 4, code, &at);
    if (status == STINT_OK && at != NULL)
        p2_net_put_address(at, address);
    return status;
}

static bool is_unspecified(const struct inet_address *address)
{
    static const uint8_t zero[16];
    return memcmp(address->ip, zero, sizeof(zero)) == 0;
}

static enum p2_net_code check_family(bool is_v6, const struct inet_address *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (address->is_v6 != is_v6 || (is_v6 && memcmp(address->ip, mapped, sizeof(mapped)) == 0))
        return P2_NET_INVALID_ARGUMENT;
    return P2_NET_OK;
}

enum p2_net_code p2_net_check_bind(const struct wasi_p2 *wasi, bool is_v6,
                                   const struct inet_address *address)
{
    enum p2_net_code code = check_family(is_v6, address);
    if (code == P2_NET_OK && !host_net_allows_bind(wasi->net, address))
        code = P2_NET_ACCESS_DENIED;
    return code;
}

enum p2_net_code p2_net_check_remote(const struct wasi_p2 *wasi, bool is_udp, bool is_v6,
                                     const struct inet_address *address)
{
    enum p2_net_code code = check_family(is_v6, address);
    if (code == P2_NET_OK && (address->port == 0 || is_unspecified(address)))
        code = P2_NET_INVALID_ARGUMENT;
    const char *scheme = is_udp ? "udp" : "tcp";
    if (code != P2_NET_OK || (host_net_allows(wasi->net, address) &&
                              host_net_judge_address(wasi->net, scheme, NULL, address)))
        return code;
    for (size_t i = 0; i < wasi->known_count; i++) {
        const struct p2_known_address *known = &wasi->known[i];
        if (known->address.is_v6 == address->is_v6 &&
            memcmp(known->address.ip, address->ip, sizeof(address->ip)) == 0 &&
            host_net_allows_name(wasi->net, known->name, address->port) &&
            host_net_judge_address(wasi->net, scheme, known->name, address))
            return P2_NET_OK;
    }
    return P2_NET_ACCESS_DENIED;
}

/* ---- Networks ---------------------------------------------------------------------------- */

/* There is one network, and what it allows is the configuration's. */
enum stint_status p2_instance_network(struct host_component_call *call, uint64_t *slots)
{
    struct p2_object *network;
    enum stint_status status = p2_new(call, P2_NETWORK, &network);
    return status == STINT_OK ? p2_return(call, network, slots) : status;
}

enum stint_status p2_net_check_network(struct host_component_call *call, uint64_t handle)
{
    struct p2_object *network;
    return p2_get(call, handle, P2_NETWORK, &network);
}

/* ---- Names ------------------------------------------------------------------------------- */

void p2_resolve_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    (void)wasi;
    host_lookup_release(((struct p2_resolve *)object)->lookup);
}

static enum p2_net_code start_lookup(struct wasi_p2 *wasi, struct wasm_name name,
                                     struct p2_resolve *resolve)
{
    if (name.bytes == 0 || name.bytes > 253 || memchr(name.text, '\0', name.bytes) != NULL)
        return P2_NET_INVALID_ARGUMENT;
    if (!host_net_allows_lookup(wasi->net, name.text))
        return P2_NET_ACCESS_DENIED;
    /* Stays in the arena for as long as its addresses are known. */
    resolve->name = arena_copy_string(&wasi->arena, name.text, name.bytes);
    if (resolve->name == NULL)
        return P2_NET_OUT_OF_MEMORY;
    enum os_error error = host_lookup_start(resolve->name, &resolve->lookup);
    return error == OS_AGAIN ? P2_NET_TEMPORARY_RESOLVER_FAILURE : p2_net_code(error);
}

/* slots: network, name (2). The result's pointer and the families are the caller's. */
static enum stint_status resolve(struct host_component_call *call, const uint64_t *slots,
                                 bool has_family, bool is_v6, uint64_t pointer)
{
    struct wasi_p2 *wasi = p2_of(call);
    struct p2_resolve *resolve;
    struct arena names;
    struct wasm_name name;
    uint32_t handle = 0;
    uint8_t *at;
    enum stint_status status = p2_net_check_network(call, slots[0]);
    if (status == STINT_OK)
        status = p2_new(call, P2_RESOLVE_ADDRESS_STREAM, &resolve);
    if (status != STINT_OK)
        return status;
    resolve->has_family = has_family;
    resolve->is_v6 = is_v6;
    arena_init(&names, wasi->alloc);
    status = host_get_string(call, &names, p2_u32(slots[1]), p2_u32(slots[2]), &name);
    enum p2_net_code code = P2_NET_UNKNOWN;
    if (status == STINT_OK)
        code = start_lookup(wasi, name, resolve);
    arena_free(&names);
    if (status != STINT_OK || code != P2_NET_OK)
        p2_release(wasi, &resolve->base);
    else
        status = p2_give(call, &resolve->base, &handle);
    if (status == STINT_OK)
        status = p2_net_result(call, pointer, 8, 4, code, &at);
    if (status == STINT_OK && at != NULL)
        bytes_put32(at, handle);
    return status;
}

enum stint_status p2_resolve_addresses(struct host_component_call *call, uint64_t *slots)
{
    return resolve(call, slots, false, false, slots[3]);
}

/* With option<ip-address-family> and include-unavailable before the result. */
enum stint_status p2_resolve_addresses_oct(struct host_component_call *call, uint64_t *slots)
{
    return resolve(call, slots, p2_u32(slots[3]) != 0, p2_u32(slots[4]) == IPV6, slots[6]);
}

static void know(struct wasi_p2 *wasi, const struct inet_address *address, const char *name)
{
    if (wasi->known == NULL)
        wasi->known = arena_get_zeroed(&wasi->arena, P2_KNOWN_ADDRESSES_MAX, sizeof(*wasi->known));
    if (wasi->known == NULL)
        return;
    /* The oldest make room. */
    if (wasi->known_count == P2_KNOWN_ADDRESSES_MAX)
        memmove(wasi->known, wasi->known + 1, --wasi->known_count * sizeof(*wasi->known));
    wasi->known[wasi->known_count++] = (struct p2_known_address){*address, name};
}

/* result<option<ip-address>, error-code>: 0 case  2 option  4 case  6 address */
enum stint_status p2_resolve_next_address(struct host_component_call *call, uint64_t *slots)
{
    struct p2_resolve *resolve;
    const struct inet_address *addresses, *next = NULL;
    size_t count = 0;
    int fd;
    uint8_t *at;
    enum stint_status status = p2_get(call, slots[0], P2_RESOLVE_ADDRESS_STREAM, &resolve);
    if (status != STINT_OK)
        return status;
    enum p2_net_code code = P2_NET_WOULD_BLOCK;
    if (host_lookup_is_done(resolve->lookup, &fd)) {
        enum os_error error = host_lookup_result(resolve->lookup, &addresses, &count);
        code = error == OS_OK      ? P2_NET_OK
               : error == OS_NOENT ? P2_NET_NAME_UNRESOLVABLE
               : error == OS_AGAIN ? P2_NET_TEMPORARY_RESOLVER_FAILURE
                                   : P2_NET_PERMANENT_RESOLVER_FAILURE;
    }
    while (code == P2_NET_OK && next == NULL && resolve->next < count) {
        next = &addresses[resolve->next++];
        if (resolve->has_family && next->is_v6 != resolve->is_v6)
            next = NULL;
    }
    status = p2_net_result(call, slots[1], 22, 2, code, &at);
    if (status != STINT_OK || at == NULL || next == NULL)
        return status;
    know(p2_of(call), next, resolve->name);
    at[0] = 1;
    at[2] = next->is_v6 ? IPV6 : IPV4;
    if (next->is_v6)
        swap_ip(at + 4, next->ip);
    else
        memcpy(at + 4, next->ip, 4);
    return STINT_OK;
}

static void look_resolve(struct p2_object *object, struct p2_readiness *ret_readiness)
{
    int fd;
    if (host_lookup_is_done(((struct p2_resolve *)object)->lookup, &fd))
        p2_ready_now(ret_readiness);
    else
        p2_ready_fd(ret_readiness, fd, READY_READ);
}

enum stint_status p2_resolve_subscribe(struct host_component_call *call, uint64_t *slots)
{
    struct p2_resolve *resolve;
    enum stint_status status = p2_get(call, slots[0], P2_RESOLVE_ADDRESS_STREAM, &resolve);
    return status == STINT_OK ? p2_subscribe(call, &resolve->base, look_resolve, slots) : status;
}
