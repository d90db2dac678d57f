/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest may reach, who a client is, and how often it may ask. */
#include "app/policy.h"

#include "app/address.h"
#include "app/client.h"
#include "app/client_tls.h"
#include "app/rate.h"
#include "app_check.h"

/* ---- Rules ------------------------------------------------------------------------------- */

static struct policy *policy_of(struct arena *arena, struct app *app,
                                struct app_component *component, const char *const *rules,
                                uint32_t count)
{
    *component = (struct app_component){.id = "a", .outbound = {.items = rules, .count = count}};
    *app = (struct app){.components = component, .component_count = 1, .block_private = true};
    return policy_create(arena, app, component);
}

static bool allows(const char *rule, const char *scheme, const char *host, uint16_t port)
{
    struct arena arena;
    struct app app;
    struct app_component component;
    arena_init(&arena, &alloc_root);
    struct policy *policy = policy_of(&arena, &app, &component, &rule, 1);
    bool is_allowed =
        policy != NULL && policy_url(policy, scheme, host, port, NULL) != POLICY_REFUSED;
    arena_free(&arena);
    return is_allowed;
}

static bool reaches(const char *rule, const char *host, const char *ip, uint16_t port)
{
    struct arena arena;
    struct app app;
    struct app_component component;
    struct inet_address address;
    arena_init(&arena, &alloc_root);
    struct policy *policy = policy_of(&arena, &app, &component, &rule, 1);
    bool is_reached = false;
    if (policy != NULL && inet_parse(ip, &address)) {
        address.port = port;
        is_reached = policy_address(policy, "http", host, &address);
    }
    arena_free(&arena);
    return is_reached;
}

TEST(rules_allow_what_they_say)
{
    static const struct {
        const char *rule, *scheme, *host;
        uint16_t port;
        bool want;
    } rows[] = {
        {"https://example.com", "https", "example.com", 0, true},
        {"https://example.com", "https", "example.com", 443, true},
        {"https://example.com/", "https", "EXAMPLE.com", 443, true},
        {"https://example.com", "https", "example.com.", 443, true},
        {"https://example.com", "https", "example.com", 444, false},
        {"https://example.com", "http", "example.com", 443, false},
        {"https://example.com", "https", "sub.example.com", 443, false},
        {"https://example.com", "https", "example.com.evil.org", 443, false},
        {"https://*.example.com", "https", "a.b.example.com", 443, true},
        {"https://*.example.com", "https", "example.com", 443, false},
        {"https://*.example.com", "https", "badexample.com", 443, false},
        {"*://*:*", "redis", "anything", 1, true},
        {"http://*:8000..8010", "http", "h", 8009, true},
        {"http://*:8000..8010", "http", "h", 8010, false},
        {"*://10.0.0.0/8:*", "http", "10.1.2.3", 99, true},
        {"*://10.0.0.0/8:*", "http", "11.1.2.3", 99, false},
        {"*://10.0.0.0/8:*", "http", "ten.example.com", 99, false},
        {"http://[::1]:80", "http", "[::1]", 80, true},
        {"http://[::1]", "http", "[::1]", 0, true},
        {"http://[fd00::/8]:80", "http", "[fd12::1]", 80, true},
        {"http://127.0.0.1:80", "http", "[::ffff:127.0.0.1]", 80, true},
        {"redis://localhost", "redis", "localhost", 6379, true},
        {"http://self", "http", "", 0, true},
        {"http://self", "http", "self", 0, true},
        {"http://self", "http", "example.com", 80, false},
        {"http://*:*", "http", "", 0, true},
        {"http://a.spin.internal", "http", "a.spin.internal", 0, true},
        {"http://*.spin.internal", "http", "a.spin.internal", 0, true},
        {"http://*.spin.internal", "http", "b.spin.internal", 0, false},
        {"http://example.com", "http", "exa mple.com", 0, false},
        {"http://*", "http", "user@example.com", 0, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!CHECK(allows(rows[i].rule, rows[i].scheme, rows[i].host, rows[i].port) ==
                   rows[i].want))
            printf("    %s: %s://%s:%u\n", rows[i].rule, rows[i].scheme, rows[i].host,
                   rows[i].port);
    }
}

TEST(wrong_rules)
{
    static const char *const wrong[] = {
        "*",
        "",
        "example.com",
        "example.com:443",
        "://x",
        "h2://x:1",
        "*://example.com",
        "http://a/b",
        "http://example.com:80/x",
        "http://ex*mple.com",
        "http://*.*.com",
        "http://example.com:x",
        "http://example.com:1..x",
        "http://example.com:70000",
        "insecure:allow-all",
        "http://",
        "{http,https}://x",
        "http://.example.com",
    };
    char why[200];
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (!CHECK(!policy_rule_is_valid(wrong[i], why, sizeof(why))))
            printf("    %s\n", wrong[i]);
    }
}

TEST(private_addresses_are_reached_only_where_they_are_named)
{
    CHECK(reaches("http://example.com", "example.com", "93.184.216.34", 80));
    CHECK(!reaches("http://example.com", "example.com", "127.0.0.1", 80));
    CHECK(!reaches("http://*:*", "example.com", "10.0.0.1", 80));
    CHECK(!reaches("http://*:*", "169.254.169.254", "169.254.169.254", 80));
    CHECK(!reaches("http://*.example.com", "db.example.com", "192.168.1.1", 80));
    CHECK(reaches("http://127.0.0.1:80", "127.0.0.1", "127.0.0.1", 80));
    CHECK(!reaches("http://127.0.0.1:80", "127.0.0.1", "127.0.0.1", 81));
    CHECK(reaches("http://10.0.0.0/8:80", "db.example.com", "10.9.9.9", 80));
    CHECK(reaches("http://localhost", "localhost", "127.0.0.1", 80));
    CHECK(reaches("http://localhost", "localhost", "::1", 80));
    CHECK(reaches("http://redis", "redis", "172.17.0.2", 80));
    CHECK(reaches("http://db.internal", "db.internal", "10.0.0.5", 80));
    CHECK(!reaches("http://*.internal", "db.internal", "10.0.0.5", 80));
    CHECK(!reaches("http://*:*", "x", "::ffff:127.0.0.1", 80));
    CHECK(!reaches("http://*:*", "x", "64:ff9b::7f00:1", 80));
    CHECK(!reaches("http://*:*", "x", "2002:7f00:1::", 80));
    CHECK(!reaches("http://*:*", "x", "fe80::1", 80));
    CHECK(!reaches("http://*:*", "x", "::", 80));
    CHECK(reaches("http://*:*", "x", "2606:4700::1111", 80));
}

TEST(blocked_networks_are_never_reached)
{
    struct arena arena;
    struct app app;
    struct app_component component;
    struct app_block block;
    struct inet_address address;
    static const char *const rules[] = {"http://1.1.1.1:80", "tcp://2.2.2.0/24:*"};
    arena_init(&arena, &alloc_root);
    struct policy *policy = policy_of(&arena, &app, &component, rules, 2);
    REQUIRE(address_parse_block("1.1.1.0/24", &block) && inet_parse("1.1.1.1", &address));
    address.port = 80;
    CHECK(policy_address(policy, "http", "1.1.1.1", &address));
    app.blocked = (struct app_blocks){.items = &block, .count = 1};
    CHECK(!policy_address(policy, "http", "1.1.1.1", &address));
    REQUIRE(inet_parse("2.2.2.2", &address));
    CHECK(policy_socket(policy, false, &address));
    CHECK(!policy_socket(policy, true, &address));
    struct app_texts texts = policy_socket_rules(&arena, policy);
    REQUIRE(texts.count == 1);
    CHECK_STR(texts.items[0], "[2.2.2.0/24]:*");
    arena_free(&arena);
}

/* ---- Clients ----------------------------------------------------------------------------- */

static bool check_client_by(enum app_client_header which, const char *peer, const char *forwarded,
                            const char *xff, const char *want)
{
    static const char *const blocks[] = {"10.0.0.0/8", "127.0.0.1", "fd00::/8"};
    struct app_block parsed[COUNT_OF(blocks)];
    struct inet_address address, found;
    char text[ADDRESS_TEXT_BYTES];
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        CHECK(address_parse_block(blocks[i], &parsed[i]));
    CHECK(inet_parse(peer, &address));
    struct client_headers headers = {
        .forwarded = &forwarded,
        .forwarded_count = forwarded != NULL,
        .x_forwarded_for = &xff,
        .x_forwarded_for_count = xff != NULL,
    };
    struct app_blocks trusted = {.items = parsed, .count = COUNT_OF(parsed)};
    bool do_agree = client_find(&address, trusted, which, &headers, &found);
    address_print(&found, text);
    CHECK_STR(text, want);
    return do_agree;
}

static void check_client(const char *peer, const char *forwarded, const char *xff, const char *want)
{
    CHECK(check_client_by(APP_CLIENT_EITHER, peer, forwarded, xff, want));
}

TEST(clients_behind_proxies)
{
    check_client("9.9.9.9", NULL, "1.2.3.4", "9.9.9.9");
    check_client("10.0.0.1", NULL, NULL, "10.0.0.1");
    check_client("10.0.0.1", NULL, "1.2.3.4", "1.2.3.4");
    check_client("10.0.0.1", NULL, "6.6.6.6, 1.2.3.4", "1.2.3.4");
    check_client("10.0.0.1", NULL, "6.6.6.6, 1.2.3.4, 10.2.2.2 ", "1.2.3.4");
    check_client("10.0.0.1", NULL, "1.2.3.4, nonsense, 10.2.2.2", "10.2.2.2");
    check_client("10.0.0.1", NULL, "10.3.3.3,10.2.2.2", "10.3.3.3");
    check_client("10.0.0.1", NULL, "", "10.0.0.1");
    check_client("10.0.0.1", NULL, "2001:db8::1", "2001:db8::1");
    check_client("10.0.0.1", NULL, "[2001:db8::1]:443", "2001:db8::1");
    check_client("::ffff:10.0.0.1", NULL, "1.2.3.4:99", "1.2.3.4");
    check_client("10.0.0.1", "for=\"[2001:db8::1]:99\";proto=https", NULL, "2001:db8::1");
    check_client("10.0.0.1", "for=6.6.6.6, proto=http;For=1.2.3.4;by=x", NULL, "1.2.3.4");
    check_client("10.0.0.1", "for=1.2.3.4, for=10.9.9.9", NULL, "1.2.3.4");
    check_client("10.0.0.1", "for=unknown", NULL, "10.0.0.1");
    check_client("10.0.0.1", "for=\"a,b\", for=1.2.3.4", NULL, "1.2.3.4");
    check_client("10.0.0.1", "for=2001:db8::1;by=[fd00::1]:80", NULL, "2001:db8::1");
    check_client("10.0.0.1", "for=1.2.3.4,, proto=http;;for=10.9.9.9;", NULL, "1.2.3.4");
    check_client("10.0.0.1", "for=6.6.6.6, proto=https", NULL, "10.0.0.1");
    check_client("10.0.0.1", "for=\"\", for=10.1.1.1", NULL, "10.1.1.1");
    check_client("10.0.0.1", NULL, "6.6.6.6, 1.2.3.4, ,10.2.2.2,", "1.2.3.4");
}

/* What stands on the left is the client's own. */
TEST(clients_do_not_name_themselves)
{
    check_client("10.0.0.1", NULL, "\"x, 1.2.3.4", "1.2.3.4");
    check_client("10.0.0.1", NULL, "6.6.6.6, \"\\, 1.2.3.4, 10.2.2.2", "1.2.3.4");
    check_client("10.0.0.1", "for=6.6.6.6;x=\", for=1.2.3.4", NULL, "10.0.0.1");
    check_client("10.0.0.1", "for=6.6.6.6;x=\", for=\"[2001:db8::1]\"", NULL, "10.0.0.1");
    check_client("10.0.0.1", "for=6.6.6.6;x=\"\\, for=\"[2001:db8::1]\";by=\"a\"", NULL,
                 "10.0.0.1");
    check_client("10.0.0.1", "for=6.6.6.6;x=\"\\", NULL, "10.0.0.1");
    check_client("10.0.0.1", "for=6.6.6.6;for=1.2.3.4", NULL, "10.0.0.1");
    check_client("10.0.0.1", "for=6.6.6.6 for=1.2.3.4", NULL, "10.0.0.1");
    check_client("10.0.0.1", "for=6.6.6.6;x, for=1.2.3.4", NULL, "10.0.0.1");
    check_client("10.0.0.1", "for=6.6.6.6;=x, for=1.2.3.4", NULL, "10.0.0.1");
    /* Two headers, of which the proxy may have written one. */
    check_client("10.0.0.1", "for=1.2.3.4", "6.6.6.6, 1.2.3.4:80", "1.2.3.4");
    CHECK(!check_client_by(APP_CLIENT_EITHER, "10.0.0.1", "for=6.6.6.6", "1.2.3.4", "10.0.0.1"));
    CHECK(!check_client_by(APP_CLIENT_EITHER, "10.0.0.1", "for=1.2.3.4", "nonsense", "10.0.0.1"));
    CHECK(check_client_by(APP_CLIENT_EITHER, "9.9.9.9", "for=6.6.6.6", "1.2.3.4", "9.9.9.9"));
    CHECK(check_client_by(APP_CLIENT_FORWARDED, "10.0.0.1", "for=1.2.3.4", "6.6.6.6", "1.2.3.4"));
    CHECK(check_client_by(APP_CLIENT_FORWARDED, "10.0.0.1", NULL, "6.6.6.6", "10.0.0.1"));
    CHECK(check_client_by(APP_CLIENT_X_FORWARDED_FOR, "10.0.0.1", "for=6.6.6.6", "1.2.3.4",
                          "1.2.3.4"));
    CHECK(check_client_by(APP_CLIENT_X_FORWARDED_FOR, "10.0.0.1", "for=6.6.6.6", NULL, "10.0.0.1"));
}

TEST(v6_clients_count_by_their_network)
{
    struct inet_address a, b, c;
    REQUIRE(inet_parse("2001:db8:1:2::1", &a) && inet_parse("2001:db8:1:2:ffff::", &b) &&
            inet_parse("2001:db8:1:3::1", &c));
    struct client_key x = client_key(&a), y = client_key(&b), z = client_key(&c);
    CHECK(memcmp(&x, &y, sizeof(x)) == 0);
    CHECK(memcmp(&x, &z, sizeof(x)) != 0);
    char text[ADDRESS_TEXT_BYTES];
    a = client_short(&a);
    address_print(&a, text);
    CHECK_STR(text, "2001:db8:1::");
}

/* ---- Rates ------------------------------------------------------------------------------- */

static struct client_key key_of(uint32_t number)
{
    struct client_key key = {{4}};
    memcpy(key.bytes + 1, &number, sizeof(number));
    return key;
}

TEST(rate_of_one_client)
{
    struct app_rate rate = {.count = 10, .per_ns = 1000000000, .burst = 3};
    struct rate_limiter *limiter = rate_create(&alloc_root, &rate, 100);
    uint64_t wait = 0, now = 5000000000;
    REQUIRE(limiter != NULL);
    for (int i = 0; i < 3; i++)
        CHECK(rate_take(limiter, key_of(1), now, &wait));
    CHECK(!rate_take(limiter, key_of(1), now, &wait));
    CHECK_INT(wait, 100000000);
    CHECK(rate_take(limiter, key_of(2), now, &wait));
    CHECK(!rate_take(limiter, key_of(1), now + 99999999, &wait));
    CHECK(rate_take(limiter, key_of(1), now + 100000000, &wait));
    CHECK(!rate_take(limiter, key_of(1), now + 100000000, &wait));
    rate_free(limiter);
}

TEST(rates_need_bounded_memory)
{
    struct alloc alloc;
    struct app_rate rate = {.count = 1, .per_ns = 1000000000, .burst = 1};
    uint64_t wait = 0;
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    struct rate_limiter *limiter = rate_create(&alloc, &rate, 1000);
    REQUIRE(limiter != NULL);
    size_t used = alloc.used_bytes;
    for (uint32_t i = 0; i < 200000; i++)
        CHECK(rate_take(limiter, key_of(i), 1000000000, &wait));
    CHECK_INT(alloc.used_bytes, used);
    CHECK(used < 64 << 10);
    rate_free(limiter);
    CHECK_INT(alloc.used_bytes, 0);
    alloc.fail_at = alloc.calls + 2;
    CHECK(rate_create(&alloc, &rate, 1000) == NULL);
    CHECK_INT(alloc.used_bytes, 0);
}

/* ---- [[client_tls]] ---------------------------------------------------------------------- */

TEST(client_tls_is_found_by_component_and_host)
{
    static const char *const ones[] = {"one"}, *const both[] = {"one", "two"};
    static const char *const first[] = {"db.internal:6380", "[::1]"}, *const others[] = {
                                                                          "DB.internal"};
    const struct app_client_tls items[] = {{.components = {ones, 1}, .hosts = {first, 2}},
                                           {.components = {both, 2}, .hosts = {others, 1}}};
    const struct app app = {.client_tls = items, .client_tls_count = 2};
    CHECK(client_tls_find(&app, "one", "db.internal", 6380) == &items[0]);
    CHECK(client_tls_find(&app, "one", "db.internal", 6381) == &items[1]);
    CHECK(client_tls_find(&app, "two", "db.internal.", 6380) == &items[1]);
    CHECK(client_tls_find(&app, "three", "db.internal", 6380) == NULL);
    CHECK(client_tls_find(&app, "one", "xdb.internal", 1) == NULL);
    CHECK(client_tls_find(&app, "one", "[::1]", 1) == &items[0]);
    CHECK(client_tls_find(&app, "one", "::1", 1) == &items[0]);
}

TEST(hosts_of_client_tls_are_looked_at)
{
    static const char *const good[] = {"a", "a.b-c_d", "a:1", "10.0.0.1:65535", "[::1]", "[::1]:1"};
    static const char *const bad[] = {"",     "a:", "a:0", "a:65536", "a b",    "a/b", "https://a",
                                      "[::1", "[]", "[a]", ":1",      "[::1]x", "*.a", "a:b"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        CHECK(client_tls_host_is_valid(good[i]));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK(!client_tls_host_is_valid(bad[i]));
}

CHECK_MAIN
