/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers: functions that tail-call each other, with the state of execution in their
 * arguments. See dispatch.h for how they are written.
 */
#include "interp/dispatch.h"
#include "interp/dispatch_tail.h"
#include "interp/handler_ids.h"
#include "runtime/ops.h"

typedef HANDLER_CALL enum stint_status (*handler_fn)(ARGUMENTS);

/* Out of line: what many handlers jump to is there once. Used: the table below is assembly. */
#define OP(name, ...)                                                                              \
    static HANDLER_CALL __attribute__((noinline, used)) enum stint_status handle_##name(ARGUMENTS);
#include "interp/ops_all.h"
#undef OP

#define OP(name, ...) static HANDLER_CALL enum stint_status handle_##name(ARGUMENTS) __VA_ARGS__
#include "interp/ops_all.h"
#undef OP

/*
 * Their addresses, each as its distance from the entry itself: a table of pointers would be
 * relocated, and copied, at every start of the program.
 */
#define OP(name, ...) "\t.long handle_" #name " - .\n"
__asm__("\t.pushsection .rodata\n\t.balign 4\ninterp_handler_distances:\n"
#include "interp/ops_all.h"
        "\t.popsection\n");
#undef OP
extern const int32_t interp_handler_distances[] __attribute__((visibility("hidden")));

const void *interp_handler(uint32_t id)
{
    return (const uint8_t *)&interp_handler_distances[id] + interp_handler_distances[id];
}

enum stint_status interp_run(struct exec *ctx, const struct cell *ip, uint64_t *sp,
                             struct record *rs)
{
    const struct memory *memory = ctx->instance != NULL ? ctx->instance->memory0 : NULL;
    uint8_t *mem = memory != NULL ? memory->base : NULL;
    uint64_t mem_bytes = memory != NULL ? memory->bytes : 0;
    return ((handler_fn)ip->handler)(ctx, ip, sp, mem, 0, rs, mem_bytes, 0, 0, 0, 0);
}
