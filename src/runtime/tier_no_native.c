/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without machine code: one tier. */
#include <string.h>

#include "runtime/store.h"

struct tier_config tier_config_default(void)
{
    return (struct tier_config){.mode = TIER_INTERP};
}

enum stint_status tier_module_begin(struct stint_module *module, struct stint_error *error)
{
    (void)module;
    (void)error;
    return STINT_OK;
}

bool tier_is_sampled(const struct stint_engine *engine)
{
    (void)engine;
    return false;
}

const void *tier_sample(struct tier_steps *steps, const struct tier_spot *spots, size_t count)
{
    (void)steps;
    (void)spots;
    (void)count;
    return NULL;
}

void tier_first_call(struct stint_module *module, uint32_t own_index)
{
    (void)module;
    (void)own_index;
}

uint64_t tier_slice(struct stint_engine *engine, struct tier_steps *steps, uint64_t slice)
{
    (void)engine;
    (void)steps;
    return slice;
}

void tier_module_end(struct stint_module *module)
{
    (void)module;
}

void tier_module_stats(const struct stint_module *module, struct tier_stats *ret_stats)
{
    (void)module;
    memset(ret_stats, 0, sizeof(*ret_stats));
}
