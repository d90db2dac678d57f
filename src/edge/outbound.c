/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/outbound.h"

#include <string.h>

#include "app/policy.h"
#include "wasi/host_net.h"

static const char *judge_url(const void *env, const char *scheme, const char *host, uint16_t port)
{
    switch (policy_url(env, scheme, host, port, NULL)) {
    case POLICY_ALLOWED:
    case POLICY_SELF:
    case POLICY_CHAIN:
        return NULL;
    default:
        return "no rule of allowed_outbound_hosts is for it";
    }
}

static bool judge_address(const void *env, const char *scheme, const char *host,
                          const struct inet_address *address)
{
    /* A name had its rule, by which its addresses are known; they may be private. */
    return host != NULL ? policy_address(env, scheme, host, address)
                        : policy_socket(env, strcmp(scheme, "udp") == 0, address);
}

static bool judge_tls(const void *env, const char *host, uint16_t port,
                      struct host_net_tls *ret_tls)
{
    const struct app_client_tls *tls = policy_tls(env, host, port);
    if (tls == NULL)
        return false;
    bool has_file = tls->roots_file[0] != '\0', has_own = tls->certificate_file[0] != '\0';
    *ret_tls = (struct host_net_tls){.authorities = has_file ? tls->roots_file : NULL,
                                     .with_system = tls->use_platform_roots,
                                     .certificate = has_own ? tls->certificate_file : NULL,
                                     .key = has_own ? tls->key_file : NULL};
    return true;
}

struct host_net *outbound_create(struct app *app, const struct app_component *component,
                                 const struct policy **ret_policy)
{
    const struct policy *policy = policy_create(&app->arena, app, component);
    struct host_net *net = policy != NULL ? host_net_create(&alloc_root) : NULL;
    struct stint_error ignored = {0};
    if (net == NULL)
        return NULL;
    const struct host_net_judge judge = {policy, judge_url, judge_address, judge_tls};
    host_net_set_judge(net, &judge);
    struct app_texts rules = policy_socket_rules(&app->arena, policy);
    for (uint32_t i = 0; i < rules.count; i++)
        (void)!host_net_allow(net, rules.items[i], &ignored);
    *ret_policy = policy;
    return net;
}
