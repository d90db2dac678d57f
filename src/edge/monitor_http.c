/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/monitor_http.h"

#include <string.h>

#include "os/files.h"

/* ---- Tokens ------------------------------------------------------------------------------ */

bool monitor_token_read(struct monitor_token *token, const char *path, const char *what,
                        struct log_buffer *log)
{
    struct file_span span = {token->text, sizeof(token->text)};
    int fd = -1;
    size_t bytes = 0;
    if (path[0] == '\0')
        return true;
    enum os_error reason = file_open_host(path, FILE_READ, &fd);
    if (reason == OS_OK)
        reason = file_read(fd, &span, 1, 0, &bytes);
    if (fd >= 0)
        file_close(fd);
    while (bytes > 0 && strchr(" \t\r\n", token->text[bytes - 1]) != NULL)
        bytes--;
    token->bytes = bytes;
    if (reason == OS_OK && bytes > 0)
        return true;
    log_line(log, LOG_ERROR, NULL, NULL, "cannot use the token of %s in %s: %s", what, path,
             reason ? os_error_text(reason) : "it is empty");
    return false;
}

/* Takes the same time for any wrong token of the right length. */
bool monitor_token_is_given(const struct monitor_token *token, const struct http_request *http)
{
    static const char scheme[] = "Bearer ";
    unsigned difference = 0;
    if (token->bytes == 0)
        return true;
    for (size_t i = 0; i < http->header_count; i++) {
        const struct http_header *header = &http->headers[i];
        if (strcmp(header->name, "authorization") != 0)
            continue;
        if (header->value_bytes != strlen(scheme) + token->bytes ||
            memcmp(header->value, scheme, strlen(scheme)) != 0)
            return false;
        for (size_t k = 0; k < token->bytes; k++)
            difference |= (unsigned char)(header->value[strlen(scheme) + k] ^ token->text[k]);
        return difference == 0;
    }
    return false;
}

/* ---- Answers ----------------------------------------------------------------------------- */

static void send_more(struct http_exchange *exchange, struct monitor_answer *answer)
{
    const uint8_t *data = answer->fixed != NULL ? answer->fixed : answer->text.data;
    size_t bytes = answer->fixed != NULL ? answer->fixed_bytes : answer->text.bytes;
    if (bytes > answer->sent)
        answer->sent += http_write(exchange, data + answer->sent, bytes - answer->sent);
    if (answer->sent == bytes)
        http_finish(exchange, NULL, 0);
}

struct monitor_answer *monitor_answer_begin(struct http_exchange *exchange)
{
    struct monitor_answer *answer = alloc_get_zeroed(&alloc_root, 1, sizeof(*answer));
    if (answer == NULL) {
        http_abort(exchange);
        return NULL;
    }
    buf_init(&answer->text, &alloc_root, MONITOR_TEXT_BYTES_MAX);
    http_exchange_set_user(exchange, answer);
    return answer;
}

void monitor_answer_send(struct http_exchange *exchange, unsigned status,
                         const struct http_header *headers, size_t header_count)
{
    struct monitor_answer *answer = http_exchange_user(exchange);
    http_respond(exchange, status, headers, header_count,
                 answer->fixed != NULL ? answer->fixed_bytes : answer->text.bytes);
    send_more(exchange, answer);
}

void monitor_on_readable(void *env, struct http_exchange *exchange)
{
    (void)env;
    (void)exchange;
}

void monitor_on_writable(void *env, struct http_exchange *exchange)
{
    struct monitor_answer *answer = http_exchange_user(exchange);
    (void)env;
    if (answer != NULL &&
        answer->sent < (answer->fixed != NULL ? answer->fixed_bytes : answer->text.bytes))
        send_more(exchange, answer);
}

void monitor_on_answered(void *env, struct http_exchange *exchange)
{
    struct monitor_answer *answer = http_exchange_user(exchange);
    (void)env;
    if (answer == NULL)
        return;
    buf_free(&answer->text);
    alloc_put(&alloc_root, answer, sizeof(*answer));
}
