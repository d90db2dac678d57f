/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:cli: arguments, environment, the standard streams, terminals, the end of the process. */
#include "wasi/p2_stream.h"

/* ---- Environment ------------------------------------------------------------------------- */

/* A list in memory that the guest allocates, its place written to `pointer`. */
static enum stint_status new_list(struct host_component_call *call, uint64_t pointer, size_t count,
                                  uint32_t bytes_each, uint8_t **ret_list)
{
    uint32_t list;
    uint8_t *at;
    if (count > UINT32_MAX / bytes_each)
        return p2_trap(call, "a list is longer than the guest's memory");
    uint32_t bytes = (uint32_t)count * bytes_each;
    enum stint_status status = host_realloc(call, bytes, 4, &list);
    if (status == STINT_OK)
        status = p2_result(call, list, bytes, 4, ret_list);
    if (status == STINT_OK)
        status = p2_result(call, pointer, 8, 4, &at);
    if (status != STINT_OK)
        return status;
    bytes_put32(at, list);
    bytes_put32(at + 4, (uint32_t)count);
    return STINT_OK;
}

enum stint_status p2_get_arguments(struct host_component_call *call, uint64_t *slots)
{
    const struct wasi_strings *args = &p2_of(call)->args;
    const char *arg = args->bytes;
    uint8_t *list = NULL;
    enum stint_status status = new_list(call, slots[0], args->count, 8, &list);
    for (size_t i = 0; i < args->count && status == STINT_OK; i++) {
        size_t bytes = strlen(arg);
        status = p2_put_string(call, arg, bytes, list + i * 8);
        arg += bytes + 1;
    }
    return status;
}

enum stint_status p2_get_environment(struct host_component_call *call, uint64_t *slots)
{
    const struct wasi_strings *env = &p2_of(call)->env;
    const char *name = env->bytes;
    uint8_t *list = NULL;
    enum stint_status status = new_list(call, slots[0], env->count, 16, &list);
    for (size_t i = 0; i < env->count && status == STINT_OK; i++) {
        size_t all = strlen(name), bytes = strcspn(name, "=");
        size_t skip = bytes < all ? bytes + 1 : bytes;
        status = p2_put_string(call, name, bytes, list + i * 16);
        if (status == STINT_OK)
            status = p2_put_string(call, name + skip, all - skip, list + i * 16 + 8);
        name += all + 1;
    }
    return status;
}

/* The guest's paths begin at its preopens; a directory of the host means nothing to it. */
enum stint_status p2_initial_cwd(struct host_component_call *call, uint64_t *slots)
{
    uint8_t *at;
    return p2_result(call, slots[0], 12, 4, &at);
}

/* ---- The end ----------------------------------------------------------------------------- */

static enum stint_status leave(struct host_component_call *call, uint32_t code)
{
    enum stint_status status =
        error_set(call->error, STINT_EXIT, STINT_NO_OFFSET, "the guest exited with code %u", code);
    call->error->exit_code = code;
    return status;
}

enum stint_status p2_exit(struct host_component_call *call, uint64_t *slots)
{
    return leave(call, p2_u32(slots[0]) != 0);
}

enum stint_status p2_exit_with_code(struct host_component_call *call, uint64_t *slots)
{
    return leave(call, (uint8_t)slots[0]);
}

/* ---- Streams ----------------------------------------------------------------------------- */

/* The standard streams belong to the caller of wasi_p2_create; a closed one is at its end. */
static enum stint_status file_of(const struct wasi_p2 *wasi, int number, struct host_file *ret_file)
{
    int fd = wasi->stdio[number];
    if (fd < 0 && wasi->sinks[number] != NULL) {
        *ret_file = host_file_of_sink(wasi->sinks[number]);
        return STINT_OK;
    }
    return fd >= 0 && host_file_adopt(fd, false, ret_file) == OS_OK ? STINT_OK : STINT_NOT_FOUND;
}

enum stint_status p2_open_input(struct host_component_call *call, struct p2_input **ret_input)
{
    struct host_file file = {.fd = -1, .type = FILE_FIFO};
    bool is_open = file_of(p2_of(call), 0, &file) == STINT_OK;
    enum stint_status status = p2_file_input(call, NULL, &file, FILE_NO_OFFSET, ret_input);
    if (status == STINT_OK)
        (*ret_input)->is_ended = !is_open;
    return status;
}

enum stint_status p2_open_output(struct host_component_call *call, int number,
                                 struct p2_output **ret_output)
{
    struct host_file file = {.fd = -1, .type = FILE_FIFO};
    bool is_open = file_of(p2_of(call), number, &file) == STINT_OK;
    enum stint_status status = p2_file_output(call, NULL, &file, FILE_NO_OFFSET, false, ret_output);
    if (status == STINT_OK)
        (*ret_output)->is_ended = !is_open;
    return status;
}

enum stint_status p2_get_stdin(struct host_component_call *call, uint64_t *slots)
{
    struct p2_input *input;
    if (p2_of(call)->input != NULL)
        return p2_pipe_input(call, p2_of(call)->input, slots);
    enum stint_status status = p2_open_input(call, &input);
    return status == STINT_OK ? p2_return(call, &input->base, slots) : status;
}

static enum stint_status get_output(struct host_component_call *call, int number, uint64_t *slots)
{
    struct p2_output *output;
    enum stint_status status = p2_open_output(call, number, &output);
    return status == STINT_OK ? p2_return(call, &output->base, slots) : status;
}

enum stint_status p2_get_stdout(struct host_component_call *call, uint64_t *slots)
{
    return get_output(call, 1, slots);
}

enum stint_status p2_get_stderr(struct host_component_call *call, uint64_t *slots)
{
    return get_output(call, 2, slots);
}

/* ---- Terminals --------------------------------------------------------------------------- */

/* option<own<terminal-…>>: 0 case  4 handle */
static enum stint_status get_terminal(struct host_component_call *call, int number,
                                      enum p2_type type, uint64_t pointer)
{
    int fd = p2_of(call)->stdio[number];
    struct p2_object *object;
    uint32_t handle;
    uint8_t *at;
    enum stint_status status = p2_result(call, pointer, 8, 4, &at);
    if (status != STINT_OK || fd < 0 || !file_is_terminal(fd))
        return status;
    status = p2_new(call, type, &object);
    if (status == STINT_OK)
        status = p2_give(call, object, &handle);
    if (status != STINT_OK)
        return status;
    at[0] = 1;
    bytes_put32(at + 4, handle);
    return STINT_OK;
}

enum stint_status p2_get_terminal_stdin(struct host_component_call *call, uint64_t *slots)
{
    return get_terminal(call, 0, P2_TERMINAL_INPUT, slots[0]);
}

enum stint_status p2_get_terminal_stdout(struct host_component_call *call, uint64_t *slots)
{
    return get_terminal(call, 1, P2_TERMINAL_OUTPUT, slots[0]);
}

enum stint_status p2_get_terminal_stderr(struct host_component_call *call, uint64_t *slots)
{
    return get_terminal(call, 2, P2_TERMINAL_OUTPUT, slots[0]);
}
