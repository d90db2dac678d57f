/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands as handlers: a request's body is their standard input, and what they write to standard
 * output is the response, as CGI (RFC 3875, 6) has it: header lines, an empty line, the body. The body is
 * passed on as it is written.
 */
#include <string.h>

#include "base/utf8.h"
#include "edge/guest_int.h"
#include "wasi/host_wait.h"

enum { HEAD_BYTES_MAX = 64 << 10 };

struct guest_cgi {
    struct host_sink sink; /* both ways */
    struct host_pipe *input; /* the request's; NULL: none */
    struct host_pipe *body;
    struct buf head; /* lines of the header, without carriage returns; parsed in place */
    struct p2_header *headers;
    size_t header_capacity;
    struct p2_response response;
    bool is_head_over;
    const char *problem; /* with the header; NULL: none */
};

/* ---- The header -------------------------------------------------------------------------- */

static bool is_name(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        if (c <= ' ' || c >= 127 || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
            return false;
    }
    return bytes > 0;
}

static bool is_value(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (((uint8_t)text[i] < ' ' && text[i] != '\t') || text[i] == 127)
            return false;
    }
    return true;
}

static bool named(const char *name, const char *wanted)
{
    return strcmp(name, wanted) == 0;
}

static bool read_status(const char *value, size_t bytes, uint16_t *ret_status)
{
    unsigned status = 0;
    if (bytes < 3 || (bytes > 3 && value[3] != ' '))
        return false;
    for (int i = 0; i < 3; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
        status = status * 10 + (unsigned)(value[i] - '0');
    }
    *ret_status = (uint16_t)status;
    return status >= 200 && status <= 599;
}

static bool is_number(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return bytes > 0 && bytes < 20;
}

/* A line without its end. NULL, or what is wrong with it. */
static const char *read_line(struct guest_cgi *cgi, char *line, size_t bytes, bool *has_enough)
{
    struct p2_response *response = &cgi->response;
    char *colon = memchr(line, ':', bytes);
    if (colon == NULL || !is_name(line, (size_t)(colon - line)))
        return "a line of its header is not NAME: VALUE";
    const char *value = colon + 1, *end = line + bytes;
    for (char *at = line; at < colon; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
    *colon = '\0';
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t value_bytes = (size_t)(end - value);
    if (!is_value(value, value_bytes))
        return "a value in its header has control characters";
    *has_enough |= named(line, "content-type") || named(line, "location") || named(line, "status");
    if (named(line, "status"))
        return read_status(value, value_bytes, &response->status)
                   ? NULL
                   : "its Status is no number from 200 to 599";
    if (named(line, "content-length") && !is_number(value, value_bytes))
        return "its Content-Length is no number";
    if (named(line, "location") && response->status == 0)
        response->status = 302;
    if (!vec_reserve(&alloc_root, &cgi->headers, &cgi->header_capacity, response->header_count + 1,
                     sizeof(*cgi->headers)))
        return "out of memory for its header";
    cgi->headers[response->header_count++] =
        (struct p2_header){.name = line,
                           .value = (const uint8_t *)value,
                           .name_bytes = (uint32_t)(colon - line),
                           .value_bytes = (uint32_t)value_bytes};
    return NULL;
}

/* Once all of its lines are there. */
static const char *read_head(struct guest_cgi *cgi)
{
    const char *problem = NULL;
    bool has_enough = false;
    if (cgi->head.bytes == 0)
        return "its header is empty";
    char *at = (char *)cgi->head.data, *end = at + cgi->head.bytes, *stop;
    for (; problem == NULL && at < end && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL;
         at = stop + 1)
        problem = read_line(cgi, at, (size_t)(stop - at), &has_enough);
    if (problem == NULL && !has_enough)
        problem = "its header has neither Content-Type nor Location nor Status";
    if (problem != NULL)
        return problem;
    struct p2_response *response = &cgi->response;
    if (response->status == 0)
        response->status = 200;
    response->headers = cgi->headers;
    response->body = cgi->body;
    response->state = P2_RESPONSE_SET;
    return NULL;
}

/* ---- Standard input and output ----------------------------------------------------------- */

static enum os_error await(struct host_pipe *pipe, bool is_reader, const struct host_wait *wait)
{
    int fd;
    return host_pipe_look(pipe, is_reader, &fd) ? OS_OK : host_wait_fd(wait, fd, READY_READ);
}

static enum os_error on_read(struct host_sink *sink, const struct host_wait *wait, void *data,
                             size_t bytes, size_t *ret_bytes)
{
    struct host_pipe *input = ((struct guest_cgi *)sink)->input;
    *ret_bytes = 0;
    if (input == NULL || bytes == 0)
        return OS_OK;
    for (;;) {
        enum os_error error = host_pipe_read(input, data, bytes, ret_bytes);
        if (error != OS_AGAIN)
            return error;
        error = await(input, true, wait);
        if (error)
            return error;
    }
}

/* Returns how many of the bytes belong to the header. */
static size_t take_head(struct guest_cgi *cgi, const uint8_t *data, size_t bytes)
{
    struct buf *head = &cgi->head;
    for (size_t i = 0; i < bytes; i++) {
        bool is_empty_line = data[i] == '\n' && (head->bytes == 0 ||
                                                 head->data[head->bytes - 1] == '\n');
        if (is_empty_line) {
            cgi->is_head_over = true;
            cgi->problem = read_head(cgi);
            return i + 1;
        }
        if (data[i] != '\r' && !buf_append_byte(head, data[i])) {
            cgi->is_head_over = true;
            cgi->problem = "its header is longer than 64 KB";
            return bytes;
        }
    }
    return bytes;
}

static enum os_error on_write(struct host_sink *sink, const struct host_wait *wait,
                              const void *data, size_t bytes)
{
    struct guest_cgi *cgi = (struct guest_cgi *)sink;
    size_t at = cgi->is_head_over ? 0 : take_head(cgi, data, bytes);
    enum os_error error = cgi->problem != NULL ? OS_PIPE : OS_OK;
    while (at < bytes && !error) {
        size_t done = 0;
        error = host_pipe_write(cgi->body, (const uint8_t *)data + at, bytes - at, &done);
        at += done;
        if (error == OS_AGAIN)
            error = await(cgi->body, false, wait);
    }
    return error;
}

/* ---- Its life ---------------------------------------------------------------------------- */

enum stint_status guest_cgi_create(struct guest_host *host, struct stint_error *error)
{
    struct guest_cgi *cgi = alloc_get_zeroed(&alloc_root, 1, sizeof(*cgi));
    if (cgi == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    cgi->sink = (struct host_sink){on_write, on_read};
    buf_init(&cgi->head, &alloc_root, HEAD_BYTES_MAX);
    host->cgi = cgi;
    host->shared.stdin_sink = host->shared.stdout_sink = &cgi->sink;
    return STINT_OK;
}

static void set_command(struct guest_host *host, const struct guest_command *command)
{
    if (host->p1 != NULL)
        wasi_p1_set_strings(host->p1, &command->args, &command->env);
    wasi_p2_set_command(host->p2, &command->args, &command->env, command->input);
    host->cgi->input = command->input;
}

void guest_cgi_restart(struct guest_host *host)
{
    struct guest_cgi *cgi = host->cgi;
    const struct guest_command none = {.input = NULL};
    set_command(host, &none);
    host_pipe_release(cgi->body);
    cgi->body = NULL;
    buf_clear(&cgi->head);
    cgi->head.failed = false;
    cgi->response = (struct p2_response){.state = P2_RESPONSE_NONE};
    cgi->is_head_over = false;
    cgi->problem = NULL;
}

void guest_cgi_free(struct guest_host *host)
{
    struct guest_cgi *cgi = host->cgi;
    if (cgi == NULL)
        return;
    host_pipe_release(cgi->body);
    buf_free(&cgi->head);
    alloc_put(&alloc_root, cgi->headers, cgi->header_capacity * sizeof(*cgi->headers));
    alloc_put(&alloc_root, cgi, sizeof(*cgi));
}

const struct p2_response *guest_cgi_response(const struct guest_host *host)
{
    return &host->cgi->response;
}

/* ---- Running ----------------------------------------------------------------------------- */

static enum stint_status call_command(struct guest_use *use, struct stint_error *error)
{
    const struct guest *guest = use->host->guest;
    if (use->module != NULL)
        return rt_call(use->store, instance_func(use->module, guest->handler_index), NULL, error);
    struct arena arena;
    struct cvalue result = {0};
    arena_init(&arena, &alloc_root);
    enum stint_status status =
        component_call(use->component, guest->handler, NULL, &arena, &result, error);
    /* As in Spin, that is no reason to throw the answer away. */
    if (status == STINT_OK && result.type != NULL && result.variant.index != 0)
        guest_host_say(use->host, "its main function returned an error");
    arena_free(&arena);
    return status;
}

/* What there is to say of a command that ended well. */
static const char *problem_of(const struct guest_cgi *cgi)
{
    if (cgi->is_head_over)
        return cgi->problem;
    return cgi->head.bytes == 0 ? "it wrote nothing to its standard output"
                                : "its header does not end with an empty line";
}

enum stint_status guest_run(struct guest_use *use, const struct guest_command *command,
                            struct stint_error *error)
{
    struct guest_cgi *cgi = use->host->cgi;
    if (host_pipe_create(&alloc_root, HOST_PIPE_BYTES, &cgi->body))
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory for a response");
    set_command(use->host, command);
    enum stint_status status = call_command(use, error);
    if (status == STINT_EXIT && error->exit_code == 0) {
        error_clear(error);
        status = STINT_OK;
    }
    const char *problem = status == STINT_OK || cgi->problem != NULL ? problem_of(cgi) : NULL;
    if (problem != NULL) {
        error_clear(error);
        status = error_set(error, STINT_INVALID, STINT_NO_OFFSET, "%s", problem);
    }
    if (status == STINT_OK) {
        host_pipe_finish(cgi->body);
    } else {
        /* If nothing was sent yet, nothing will be. */
        host_pipe_fail(cgi->body, 1);
        cgi->response.state = P2_RESPONSE_FAILED;
    }
    return status;
}
