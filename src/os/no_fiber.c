/* SPDX-License-Identifier: Apache-2.0 */
/* Builds and processors without fibers: nobody has a pool, so nothing runs on one. */
#include "os/fiber.h"

_Thread_local void *fiber_local;

struct fiber_config fiber_config_default(void)
{
    return (struct fiber_config){0};
}

enum stint_status fiber_pool_create(const struct fiber_config *config,
                                    struct fiber_pool **ret_pool)
{
    return STINT_UNSUPPORTED;
}

void fiber_pool_free(struct fiber_pool *pool)
{
}

enum stint_status fiber_start(struct fiber_pool *pool, fiber_fn run, void *arg,
                              struct fiber **ret_fiber)
{
    return STINT_UNSUPPORTED;
}

bool fiber_resume(struct fiber *fiber)
{
    return false;
}

struct fiber *fiber_current(void)
{
    return NULL;
}

void fiber_suspend(void)
{
}

size_t fiber_stack_left(void)
{
    return SIZE_MAX;
}
