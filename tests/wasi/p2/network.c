/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:sockets: a client and a server of TCP and UDP, names, and what is refused. */
#include "p2_guest.h"

#define TCP "wasi:sockets/tcp@0.2.0"
#define UDP "wasi:sockets/udp@0.2.0"
#define LOOKUP "wasi:sockets/ip-name-lookup@0.2.0"

struct address_result {
    u8 is_error;
    union {
        u8 code;
        struct {
            u8 is_v6;
            u16 port __attribute__((aligned(4)));
            u8 ip[4];
            u32 rest[6];
        };
    } __attribute__((aligned(4)));
};
struct handles {
    u8 is_error;
    union {
        u8 code;
        u32 handles[3];
    };
};
struct lookup_result {
    u8 is_error;
    u8 is_some __attribute__((aligned(2)));
    u8 is_v6 __attribute__((aligned(2)));
    u16 ip[8];
};
struct datagram {
    struct list data;
    u8 is_v6;
    u16 port __attribute__((aligned(4)));
    u8 ip[4];
    u32 rest[5];
};
struct outgoing {
    struct list data;
    u8 is_some;
    u8 is_v6 __attribute__((aligned(4)));
    u16 port __attribute__((aligned(4)));
    u8 ip[4];
    u32 rest[5];
};
/* result<_, error-code> */
struct status {
    u8 is_error, code;
};

#define ADDRESS u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32
#define LOCAL(port) 0, port, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0
#define LOCAL6(port) 1, port, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0

IMPORT("wasi:sockets/instance-network@0.2.0", "instance-network") u32 instance_network(void);
IMPORT("wasi:sockets/tcp-create-socket@0.2.0", "create-tcp-socket")
void create_tcp(u32, struct result *);
IMPORT(TCP, "[method]tcp-socket.start-bind") void start_bind(u32, u32, ADDRESS, struct status *);
IMPORT(TCP, "[method]tcp-socket.finish-bind") void finish_bind(u32, struct status *);
IMPORT(TCP, "[method]tcp-socket.start-connect")
void start_connect(u32, u32, ADDRESS, struct status *);
IMPORT(TCP, "[method]tcp-socket.finish-connect") void finish_connect(u32, struct handles *);
IMPORT(TCP, "[method]tcp-socket.start-listen") void start_listen(u32, struct status *);
IMPORT(TCP, "[method]tcp-socket.finish-listen") void finish_listen(u32, struct status *);
IMPORT(TCP, "[method]tcp-socket.accept") void tcp_accept(u32, struct handles *);
IMPORT(TCP, "[method]tcp-socket.local-address") void local(u32, struct address_result *);
IMPORT(TCP, "[method]tcp-socket.remote-address") void remote(u32, struct address_result *);
IMPORT(TCP, "[method]tcp-socket.is-listening") u32 is_listening(u32);
IMPORT(TCP, "[method]tcp-socket.address-family") u32 family(u32);
IMPORT(TCP, "[method]tcp-socket.subscribe") u32 subscribe(u32);
IMPORT(TCP, "[method]tcp-socket.shutdown") void shut_down(u32, u32, struct status *);
IMPORT(TCP, "[method]tcp-socket.set-keep-alive-enabled") void set_keep(u32, u32, struct status *);
IMPORT(TCP, "[method]tcp-socket.keep-alive-enabled") void get_keep(u32, struct status *);
IMPORT(TCP, "[method]tcp-socket.set-keep-alive-idle-time") void set_idle(u32, u64, struct status *);
IMPORT(TCP, "[method]tcp-socket.keep-alive-idle-time") void get_idle(u32, struct result64 *);
IMPORT(TCP, "[method]tcp-socket.set-hop-limit") void set_hops(u32, u32, struct status *);
IMPORT(TCP, "[method]tcp-socket.hop-limit") void get_hops(u32, struct status *);
IMPORT(TCP, "[method]tcp-socket.set-receive-buffer-size")
void set_buffer(u32, u64, struct status *);
IMPORT(TCP, "[method]tcp-socket.receive-buffer-size") void get_buffer(u32, struct result64 *);
IMPORT(TCP, "[resource-drop]tcp-socket") void drop_tcp(u32);
IMPORT("wasi:sockets/udp-create-socket@0.2.0", "create-udp-socket")
void create_udp(u32, struct result *);
IMPORT(UDP, "[method]udp-socket.start-bind") void udp_bind(u32, u32, ADDRESS, struct status *);
IMPORT(UDP, "[method]udp-socket.finish-bind") void udp_bound(u32, struct status *);
IMPORT(UDP, "[method]udp-socket.stream") void udp_stream(u32, u32, ADDRESS, struct handles *);
IMPORT(UDP, "[method]udp-socket.local-address") void udp_local(u32, struct address_result *);
IMPORT(UDP, "[method]incoming-datagram-stream.receive") void receive(u32, u64, struct result *);
IMPORT(UDP, "[method]incoming-datagram-stream.subscribe") u32 incoming_subscribe(u32);
IMPORT(UDP, "[method]outgoing-datagram-stream.check-send") void check_send(u32, struct result64 *);
IMPORT(UDP, "[method]outgoing-datagram-stream.send")
void udp_send(u32, const struct outgoing *, u32, struct result64 *);
IMPORT(LOOKUP, "resolve-addresses") void resolve(u32, const char *, u32, struct result *);
IMPORT(LOOKUP, "[method]resolve-address-stream.resolve-next-address")
void resolve_next(u32, struct lookup_result *);
IMPORT(LOOKUP, "[method]resolve-address-stream.subscribe") u32 resolve_subscribe(u32);
IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void block(u32);
IMPORT("wasi:io/streams@0.2.0", "[method]input-stream.blocking-read")
void blocking_read(u32, u64, struct result *);
IMPORT("wasi:io/streams@0.2.0", "[method]input-stream.read")
void input_read(u32, u64, struct result *);
IMPORT("wasi:io/streams@0.2.0", "[resource-drop]input-stream") void drop_input(u32);

static u32 network;

static void told(const char *what, struct status status)
{
    say(what, status.is_error ? status.code : 99);
}

static u32 new_tcp(void)
{
    struct result result;
    create_tcp(0, &result);
    return result.value;
}

/* Connects, waits for it, and says what came of it. */
static int connect(u32 socket, u32 port, struct handles *streams)
{
    struct status status;
    start_connect(socket, network, LOCAL(port), &status);
    if (status.is_error) {
        told("start", status);
        return 0;
    }
    block(subscribe(socket));
    finish_connect(socket, streams);
    if (streams->is_error)
        say("finish", streams->code);
    return !streams->is_error;
}

static void client(u32 port)
{
    struct handles streams;
    struct result result;
    struct address_result address;
    struct status status;
    u32 socket = new_tcp();
    if (!connect(socket, port, &streams))
        return;
    remote(socket, &address);
    say("port", address.port == port && address.ip[0] == 127);
    blocking_write(streams.handles[1], "ping", 4, &result);
    shut_down(socket, 1, &status);
    told("shutdown", status);
    drop_tcp(socket);
    for (;;) {
        blocking_read(streams.handles[0], 100, &result);
        if (result.is_error)
            break;
        print_bytes(result.list.data, result.list.count);
    }
    say(" end", result.error_case & 255);
}

static void server(void)
{
    struct handles accepted;
    struct address_result address;
    struct result result;
    struct status status;
    u32 socket = new_tcp();
    start_bind(socket, network, LOCAL(0), &status);
    finish_bind(socket, &status);
    local(socket, &address);
    start_listen(socket, &status);
    finish_listen(socket, &status);
    say("port", address.port);
    say("listening", is_listening(socket));
    block(subscribe(socket));
    tcp_accept(socket, &accepted);
    blocking_read(accepted.handles[1], 100, &result);
    print_bytes(result.list.data, result.list.count);
    print("\n");
    blocking_write(accepted.handles[2], "pong", 4, &result);
}

static void udp(void)
{
    struct result result;
    struct handles a, b;
    struct status status;
    struct address_result address;
    struct result64 sent, permit;
    u32 sockets[2];
    for (int i = 0; i < 2; i++) {
        create_udp(0, &result);
        sockets[i] = result.value;
        udp_bind(sockets[i], network, LOCAL(0), &status);
        told("bind", status);
        udp_bound(sockets[i], &status);
    }
    udp_local(sockets[1], &address);
    udp_stream(sockets[0], 0, LOCAL(0), &a);
    udp_stream(sockets[1], 0, LOCAL(0), &b);
    struct outgoing datagrams[2] = {
        {.data = {(u8 *)"one", 3}, .is_some = 1, .port = address.port, .ip = {127, 0, 0, 1}},
        {.data = {(u8 *)"two!", 4}, .is_some = 1, .port = address.port, .ip = {127, 0, 0, 1}}};
    check_send(a.handles[1], &permit);
    say("permit", permit.value > 1);
    udp_send(a.handles[1], datagrams, 2, &sent);
    say("sent", sent.is_error ? 1000 : sent.value);
    block(incoming_subscribe(b.handles[0]));
    receive(b.handles[0], 10, &result);
    say("received", result.list.count);
    struct datagram *first = (struct datagram *)result.list.data;
    print_bytes(first[1].data.data, first[1].data.count);
    udp_local(sockets[0], &address);
    say(" from", first[1].port == address.port && first[1].ip[0] == 127);
    receive(b.handles[0], 10, &result);
    say("nothing", result.list.count);
    udp_stream(sockets[0], 1, LOCAL(address.port), &a);
    datagrams[0].is_some = 0;
    check_send(a.handles[1], &permit);
    udp_send(a.handles[1], datagrams, 1, &sent);
    say("to the peer", sent.value);
    datagrams[0].is_some = 1;
    datagrams[0].port = 9;
    udp_send(a.handles[1], datagrams, 1, &sent);
    say("not the peer", sent.is_error * 100 + (sent.error_case & 255));
    if (wants("udp-too-many"))
        udp_send(a.handles[1], datagrams, 1000, &sent);
}

/* Both ends of a connection over IPv6. */
static void tcp6(void)
{
    struct result result;
    struct address_result address;
    struct handles client, server;
    struct status status;
    u32 sockets[2];
    for (int i = 0; i < 2; i++) {
        create_tcp(1, &result);
        sockets[i] = result.value;
    }
    start_bind(sockets[0], network, LOCAL6(0), &status);
    told("bind", status);
    finish_bind(sockets[0], &status);
    start_listen(sockets[0], &status);
    finish_listen(sockets[0], &status);
    told("listen", status);
    local(sockets[0], &address);
    start_connect(sockets[1], network, LOCAL6(address.port), &status);
    told("connect", status);
    block(subscribe(sockets[1]));
    finish_connect(sockets[1], &client);
    say("finish", client.is_error);
    block(subscribe(sockets[0]));
    tcp_accept(sockets[0], &server);
    say("accept", server.is_error);
    blocking_write(client.handles[1], "six", 3, &result);
    blocking_read(server.handles[1], 10, &result);
    print_bytes(result.list.data, result.list.count);
    remote(sockets[1], &address);
    say(" to", address.is_v6 && address.rest[0] == 0 && address.rest[3] == 1 << 16);
    say("family", family(sockets[1]));
    create_tcp(1, &result);
    start_connect(result.value, network, LOCAL(address.port), &status);
    told("of the other family", status);
}

static void udp6(void)
{
    struct result result;
    struct handles a, b;
    struct status status;
    struct address_result address;
    struct result64 sent, permit;
    u32 sockets[2];
    for (int i = 0; i < 2; i++) {
        create_udp(1, &result);
        sockets[i] = result.value;
        udp_bind(sockets[i], network, LOCAL6(0), &status);
        told("bind", status);
        udp_bound(sockets[i], &status);
    }
    udp_local(sockets[1], &address);
    udp_stream(sockets[0], 0, LOCAL6(0), &a);
    udp_stream(sockets[1], 0, LOCAL6(0), &b);
    struct outgoing datagram = {.data = {(u8 *)"six", 3},
                                .is_some = 1,
                                .is_v6 = 1,
                                .port = address.port,
                                .rest = {0, 0, 0, 1 << 16}};
    check_send(a.handles[1], &permit);
    udp_send(a.handles[1], &datagram, 1, &sent);
    say("sent", sent.is_error ? 1000 + (sent.error_case & 255) : sent.value);
    block(incoming_subscribe(b.handles[0]));
    receive(b.handles[0], 10, &result);
    struct datagram *first = (struct datagram *)result.list.data;
    print_bytes(first->data.data, first->data.count);
    udp_local(sockets[0], &address);
    say(" from", first->is_v6 && first->port == address.port && first->rest[3] == 1 << 16);
}

static void names(struct list name, u32 port)
{
    struct result result;
    struct lookup_result next;
    struct handles streams;
    resolve(network, (char *)name.data, name.count, &result);
    if (result.is_error) {
        say("resolve", result.code);
        return;
    }
    block(resolve_subscribe(result.value));
    for (;;) {
        resolve_next(result.value, &next);
        if (next.is_error || !next.is_some)
            break;
        if (!next.is_v6)
            say("v4", next.ip[0] & 255);
    }
    say("error", next.is_error ? next.is_some : 0);
    if (port != 0 && connect(new_tcp(), port, &streams))
        print("connected\n");
}

static void options(void)
{
    struct status status;
    struct result64 value;
    u32 socket = new_tcp();
    set_keep(socket, 1, &status);
    get_keep(socket, &status);
    say("keep", status.code);
    set_idle(socket, 1500000000, &status);
    get_idle(socket, &value);
    say("idle", value.value);
    set_idle(socket, 0, &status);
    told("zero", status);
    set_hops(socket, 42, &status);
    get_hops(socket, &status);
    say("hops", status.code);
    set_hops(socket, 0, &status);
    told("zero", status);
    set_buffer(socket, 8192, &status);
    get_buffer(socket, &value);
    say("buffer", value.value);
    say("family", family(socket));
}

static void states(void)
{
    struct status status;
    struct handles handles;
    struct address_result address;
    u32 socket = new_tcp();
    start_listen(socket, &status);
    told("listen", status);
    finish_listen(socket, &status);
    told("finish", status);
    finish_bind(socket, &status);
    told("bind", status);
    finish_connect(socket, &handles);
    say("connect", handles.code);
    tcp_accept(socket, &handles);
    say("accept", handles.code);
    local(socket, &address);
    say("local", address.code);
    remote(socket, &address);
    say("remote", address.code);
    shut_down(socket, 2, &status);
    told("shutdown", status);
    start_connect(socket, network, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, &status);
    told("unspecified", status);
    start_connect(socket, network, LOCAL(0), &status);
    told("no port", status);
    start_connect(socket, network, 1, 80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, &status);
    told("other family", status);
    start_bind(socket, network, LOCAL(0), &status);
    start_bind(socket, network, LOCAL(0), &status);
    told("twice", status);
}

EXPORT("wasi:cli/run@0.2.0#run") u32 run(void)
{
    u32 port = (u32)number_of(argument(2));
    network = instance_network();
    if (wants("client"))
        client(port);
    if (wants("server"))
        server();
    if (wants("udp") || wants("udp-too-many"))
        udp();
    if (wants("tcp6"))
        tcp6();
    if (wants("udp6"))
        udp6();
    if (wants("name"))
        names(argument(2), (u32)number_of(argument(3)));
    if (wants("options"))
        options();
    if (wants("states"))
        states();
    if (wants("connect-bad-network")) {
        network = 1234;
        client(port);
    }
    if (wants("wait-for-ever")) {
        struct handles streams;
        struct result result;
        if (connect(new_tcp(), port, &streams))
            blocking_read(streams.handles[0], 1, &result);
    }
    return 0;
}
