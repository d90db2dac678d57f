/* SPDX-License-Identifier: Apache-2.0 */
/* What host functions need that take and give flat values (component/host.h), those of WASI 0.2 and
 * those of other hosts: waiting, traps, results in the guest's memory. */
#ifndef WASI_P2_CALL_H
#define WASI_P2_CALL_H

#include "component/host.h"
#include "wasi/host_wait.h"

static inline uint32_t p2_u32(uint64_t slot)
{
    return (uint32_t)slot;
}

struct host_wait p2_wait(const struct host_component_call *call);
/* Ends the guest's call with a trap. */
MUST_CHECK enum stint_status p2_trap(struct host_component_call *call, const char *text);
MUST_CHECK enum stint_status p2_no_memory(struct host_component_call *call);
/* The deadline or an interruption ended a wait (OS_STOPPED): what it was ends the guest. */
MUST_CHECK enum stint_status p2_stopped(struct host_component_call *call);

/* ---- Results ----------------------------------------------------------------------------- */

/* Zeroed bytes in the guest's memory for a result; STINT_TRAP when the pointer is wrong. */
MUST_CHECK enum stint_status p2_result(struct host_component_call *call, uint64_t pointer,
                                       uint32_t bytes, uint32_t align, uint8_t **ret_at);
/* A copy of `bytes` in memory that the guest allocates: a list<u8>. */
MUST_CHECK enum stint_status p2_put_bytes(struct host_component_call *call, const void *data,
                                          size_t bytes, uint32_t *ret_pointer);
/* The same for a list<u8> or string at `at` (pointer, length); strings in the guest's encoding. */
MUST_CHECK enum stint_status p2_put_string(struct host_component_call *call, const char *text,
                                           size_t bytes, uint8_t *at);
/* option<string> at `at`, 12 bytes; `text` NULL: none. */
MUST_CHECK enum stint_status p2_put_option_string(struct host_component_call *call,
                                                  const char *text, size_t bytes, uint8_t *at);

#endif
