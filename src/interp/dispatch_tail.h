/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a handler passes on to the next, by compiler.
 *
 * clang: `preserve_none` keeps the whole state of execution in registers, `musttail` makes each
 * transfer a jump by contract.
 *
 * gcc 12 has neither. Its -O2 turns calls in tail position into jumps, as long as no handler lets
 * the address of a local escape; what does not fit the registers stays in place on the stack, so
 * what changes least comes last. A test runs everything on a tiny native stack to guard this.
 */
#ifndef INTERP_DISPATCH_TAIL_H
#define INTERP_DISPATCH_TAIL_H

#ifndef __has_attribute
#define __has_attribute(name) 0
#endif

#if __has_attribute(preserve_none) && __has_attribute(musttail)
#define HANDLER_CALL __attribute__((preserve_none))
#define TAIL_CALL __attribute__((musttail)) return
#else
#define HANDLER_CALL
#define TAIL_CALL return
#endif

#define ARGUMENTS                                                                                  \
    struct exec *ctx, const struct cell *ip, uint64_t *sp, uint8_t *mem, uint64_t acc,             \
        struct record *rs, uint64_t mem_bytes, uint64_t l0, uint64_t l1, double facc, float sacc
#define PASS ctx, ip, sp, mem, acc, rs, mem_bytes, l0, l1, facc, sacc

#define GO TAIL_CALL((handler_fn)ip->handler)(PASS)
#define JUMP(name) TAIL_CALL handle_##name(PASS)
#define LEAVE_RUN(status_) return (status_)
/* Keeps short loops from becoming calls of memset and memcpy. */
#define KEEP_LOOP(counter) __asm__ volatile("" : "+r"(counter))

#endif
