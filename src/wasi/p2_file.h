/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories of WASI 0.2 guests. */
#ifndef WASI_P2_FILE_H
#define WASI_P2_FILE_H

#include "wasi/host_dir.h"
#include "wasi/host_path.h"
#include "wasi/p2_stream.h"

/* `descriptor-flags` of the specification. */
enum {
    P2_FLAG_READ = 1,
    P2_FLAG_WRITE = 2,
    P2_FLAG_FILE_SYNC = 4,
    P2_FLAG_DATA_SYNC = 8,
    P2_FLAG_REQUESTED_SYNC = 16,
    P2_FLAG_MUTATE_DIRECTORY = 32,
};

struct p2_descriptor {
    struct p2_object base;
    struct host_file file;
    uint8_t flags;
};

struct p2_entries {
    struct p2_object base;
    struct host_file file; /* the directory opened again, since a position is the descriptor's */
    struct host_entries entries;
};

void p2_descriptor_end(struct wasi_p2 *wasi, struct p2_object *object);
void p2_entries_end(struct wasi_p2 *wasi, struct p2_object *object);

/* Writes result<_, error-code>, two bytes, for what came of it; ends the guest after OS_STOPPED. */
MUST_CHECK enum stint_status p2_put_file_error(struct host_component_call *call, uint64_t pointer,
                                               enum os_error error);
/* For larger results, of `bytes` aligned to `align`: zeroed, and `ret_at` behind the case, where the
 * value goes; NULL when the error was written instead. */
MUST_CHECK enum stint_status p2_file_result(struct host_component_call *call, uint64_t pointer,
                                            uint32_t bytes, uint32_t align, enum os_error error,
                                            uint8_t **ret_at);
/* A path of the guest, checked for length, NUL and UTF-8. */
MUST_CHECK enum stint_status p2_path(struct host_component_call *call, uint64_t pointer,
                                     uint64_t units, char ret_path[HOST_PATH_BYTES],
                                     enum os_error *ret_error);
MUST_CHECK enum stint_status p2_get_descriptor(struct host_component_call *call, uint64_t handle,
                                               struct p2_descriptor **ret_descriptor);
/* `error-code` of wasi:filesystem/types. */
uint8_t p2_file_code(enum os_error error);
/* `descriptor-type` */
uint8_t p2_file_type(enum file_type type);

#endif
