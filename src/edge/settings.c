/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/settings.h"

#include <string.h>

enum { LINE_BYTES_MAX = 1024 };

static bool are_listeners(const struct app_server *old, const struct app_server *new)
{
    bool same = old->listen_count == new->listen_count;
    for (uint32_t i = 0; same && i < old->listen_count; i++)
        same = strcmp(old->listen[i].address, new->listen[i].address) == 0 &&
               old->listen[i].is_tls == new->listen[i].is_tls &&
               old->listen[i].proxy_protocol == new->listen[i].proxy_protocol;
    return same;
}

static bool are_texts(const struct app_texts *old, const struct app_texts *new)
{
    bool same = old->count == new->count;
    for (uint32_t i = 0; same && i < old->count; i++)
        same = strcmp(old->items[i], new->items[i]) == 0;
    return same;
}

static bool are_certificates(const struct app_server *old, const struct app_server *new)
{
    bool same = old->certificate_count == new->certificate_count &&
                old->tls_13_only == new->tls_13_only &&
                old->ticket_rotation_ns == new->ticket_rotation_ns;
    for (uint32_t i = 0; same && i < old->certificate_count; i++)
        same = strcmp(old->certificates[i].certificate_file,
                      new->certificates[i].certificate_file) == 0 &&
               strcmp(old->certificates[i].key_file, new->certificates[i].key_file) == 0 &&
               are_texts(&old->certificates[i].hosts, &new->certificates[i].hosts);
    return same;
}

static bool are_server_keys(const struct app_server *old, const struct app_server *new)
{
    return old->workers == new->workers && strcmp(old->user, new->user) == 0 &&
           old->connections == new->connections && old->streams == new->streams &&
           old->head_bytes == new->head_bytes && old->fields == new->fields &&
           old->head_timeout_ns == new->head_timeout_ns &&
           old->idle_timeout_ns == new->idle_timeout_ns &&
           old->body_timeout_ns == new->body_timeout_ns &&
           old->send_timeout_ns == new->send_timeout_ns &&
           old->body_rate_min == new->body_rate_min && old->without_h2 == new->without_h2 &&
           strcmp(old->server_name, new->server_name) == 0;
}

void settings_say_restart(const struct app_server *old, const struct app_server *new,
                          struct log_buffer *log)
{
    const struct {
        const char *name;
        bool is_same;
    } settings[] = {
        {"listen", are_listeners(old, new)},
        {"tls", are_certificates(old, new)},
        {"server", are_server_keys(old, new)},
        {"metrics.listen", strcmp(old->metrics_listen, new->metrics_listen) == 0},
        {"metrics.token_file", strcmp(old->metrics_token_file, new->metrics_token_file) == 0},
        {"admin", strcmp(old->admin_listen, new->admin_listen) == 0 &&
                      old->admin_is_tls == new->admin_is_tls &&
                      strcmp(old->admin_token_file, new->admin_token_file) == 0},
    };
    struct buf names;
    buf_init(&names, &alloc_root, LINE_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        if (!settings[i].is_same)
            (void)buf_append_format(&names, "%s%s", names.bytes > 0 ? ", " : "", settings[i].name);
    }
    if (names.bytes > 0)
        log_line(log, LOG_WARN, NULL, NULL,
                 "reload: these settings of [application.tool.stint] have changed and need a "
                 "restart: %.*s",
                 (int)names.bytes, (const char *)names.data);
    buf_free(&names);
}
