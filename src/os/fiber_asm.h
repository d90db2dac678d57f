/* SPDX-License-Identifier: Apache-2.0 */
/* The assembly of fiber_<processor>.S: moving the thread from one stack to another. Registers that
 * functions preserve are kept on the stack that is left; the modes of the floating-point units are
 * the thread's. */
#ifndef OS_FIBER_ASM_H
#define OS_FIBER_ASM_H

/* Notes in `ret_sp` where this stack is left, and goes on where `sp` was noted. Returns once somebody
 * moves to what it noted. */
void fiber_switch(void **ret_sp, void *sp);
/* The same, but calls fn(arg), which never returns, on the stack whose high end is `top`. */
void fiber_enter(void **ret_sp, void *top, void (*fn)(void *arg), void *arg);

#endif
