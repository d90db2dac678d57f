/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traps of machine code. All of this runs in a signal handler, while the code of the innermost entry
 * of this thread's store stands still: what the store holds does not change meanwhile.
 */
#include <string.h>

#include "aot/image.h"
#include "os/faults.h"
#include "runtime/native_entry.h"

/* Where machine code stood, when it called a library function that faulted. */
struct fault_place {
    uintptr_t pc, sp, link;
    bool is_return; /* pc is a return address */
};

static bool in_library(uintptr_t pc)
{
    return pc >= (uintptr_t)native_library_begin && pc < (uintptr_t)native_library_end;
}

static bool on_stack(const struct native_state *state, uintptr_t sp)
{
    return sp >= (uintptr_t)state->stack_low && sp < (uintptr_t)state->stack_top - 64;
}

static uintptr_t word_at(uintptr_t address)
{
    return *(const uintptr_t *)address;
}

/*
 * The thunks of native_<processor>.S push one word beside the return address, or a pair of
 * registers; the C library's memcpy and its like are leaves that leave the stack alone. `link` is
 * not 0 on processors that pass the return address in a register.
 */
static bool find_caller(const struct native_state *state, const struct fault *fault,
                        struct fault_place *ret_place)
{
    struct fault_place place = {.is_return = true};
    if (!on_stack(state, fault->sp))
        return false;
    if (fault->pc == (uintptr_t)native_overflow) {
        place.pc = fault->link != 0 ? fault->link : word_at(fault->sp);
        place.sp = fault->link != 0 ? fault->sp : fault->sp + 8;
    } else if (fault->link != 0) {
        bool is_below = in_library(fault->link); /* below the thunk, which has pushed a pair */
        if (!is_below && !in_library(fault->pc))
            return false;
        place.pc = is_below ? word_at(fault->sp + 8) : fault->link;
        place.sp = is_below ? fault->sp + 16 : fault->sp;
    } else {
        bool is_below = in_library(word_at(fault->sp));
        if (!is_below && !in_library(fault->pc))
            return false;
        place.sp = fault->sp + (is_below ? 16 : 8);
        place.pc = word_at(place.sp);
        place.sp += 8;
    }
    *ret_place = place;
    return true;
}

/* Where machine code of this thread stood; false when it was not machine code that faulted. */
static bool find_place(const struct native_state *state, const struct fault *fault,
                       struct fault_place *ret_place, const struct native_code **ret_code)
{
    struct fault_place place = {.pc = fault->pc, .sp = fault->sp, .link = fault->link};
    const struct native_code *code = native_code_at(fault->pc);
    if (code == NULL) {
        if (!find_caller(state, fault, &place))
            return false;
        code = native_code_at(place.pc - 1);
        if (code == NULL)
            return false;
    }
    *ret_place = place;
    *ret_code = code;
    return true;
}

/* The code of the trap instruction at pc, or NONE. */
static enum stint_trap trap_at(uintptr_t pc, bool is_aarch64)
{
    const uint8_t *at = (const uint8_t *)pc;
    uint32_t operand;
    if (is_aarch64) {
        uint32_t word; /* brk #0x5500 + operand */
        memcpy(&word, at, sizeof(word));
        if ((word & 0xffffe01f) != (0xd4200000 | 0x5500 << 5))
            return STINT_TRAP_NONE;
        operand = word >> 5 & 0xff;
    } else {
        /* ud1l operand(%eax), %eax; LLVM's own `unreachable` is ud2. */
        if (at[0] == 0x0f && at[1] == 0x0b)
            return STINT_TRAP_UNREACHABLE;
        if (at[0] != 0x67 || at[1] != 0x0f || at[2] != 0xb9 || at[3] != 0x40)
            return STINT_TRAP_NONE;
        operand = at[4];
    }
    if (operand <= NATIVE_TRAP_BASE || operand >= NATIVE_TRAP_BASE + STINT_TRAP_COUNT)
        return STINT_TRAP_NONE;
    return (enum stint_trap)(operand - NATIVE_TRAP_BASE);
}

/* What access to this address means, or NONE. */
static enum stint_trap access_trap(const struct native_state *state, uintptr_t address)
{
    const uint8_t *at = (const uint8_t *)address;
    if (at >= state->mapping && at < state->stack_low)
        return STINT_TRAP_STACK_OVERFLOW;
    for (const struct memory *memory = state->store->memories; memory != NULL;
         memory = memory->next) {
        if (at >= memory->base && (size_t)(at - memory->base) < memory->reserved_bytes)
            return STINT_TRAP_MEMORY_BOUNDS;
    }
    return STINT_TRAP_NONE;
}

static bool on_fault(struct fault *fault)
{
    struct native_state *state = native_current();
    struct fault_place place;
    const struct native_code *code;
    enum stint_trap trap = STINT_TRAP_NONE;
    if (state == NULL || state->top == NULL || !find_place(state, fault, &place, &code))
        return false;
    if (fault->kind == FAULT_ACCESS)
        trap = access_trap(state, fault->address);
    else if (fault->pc == (uintptr_t)native_overflow)
        trap = STINT_TRAP_STACK_OVERFLOW;
    else if (fault->kind == FAULT_INSTRUCTION && !place.is_return)
        trap = trap_at(fault->pc, code->header->arch == IMAGE_AARCH64);
    if (trap == STINT_TRAP_NONE)
        return false;
    if (trap == STINT_TRAP_MEMORY_BOUNDS && (code->header->flags & IMAGE_STRICT) == 0)
        state->store->is_poisoned = true;
    state->top->status = STINT_TRAP;
    state->top->trap = trap;
    native_collect_frames(state, place.pc, place.sp, place.link, place.is_return);
    fault->resume_pc = (uintptr_t)native_exit;
    fault->resume_argument = (uintptr_t)state->top;
    return true;
}

bool native_faults_begin(void)
{
    return faults_handle(on_fault);
}
