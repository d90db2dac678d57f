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

struct host_net *outbound_create(struct app *app, const struct app_component *component,
                                 const struct policy **ret_policy)
{
    const struct policy *policy = policy_create(&app->arena, app, component);
    struct host_net *net = policy != NULL ? host_net_create(&alloc_root) : NULL;
    struct stint_error ignored = {0};
    if (net == NULL)
        return NULL;
    const struct host_net_judge judge = {policy, judge_url, judge_address};
    host_net_set_judge(net, &judge);
    struct app_texts rules = policy_socket_rules(&app->arena, policy);
    for (uint32_t i = 0; i < rules.count; i++)
        (void)!host_net_allow(net, rules.items[i], &ignored);
    *ret_policy = policy;
    return net;
}
