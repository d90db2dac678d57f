/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that did not end well: what the log and the admin page say of it. */
#include <string.h>

#include "edge/failures.h"
#include "edge/request.h"
#include "os/machine.h"
#include "runtime/trace.h"

enum { BACKTRACE_FRAMES = 16 };

static void print_backtrace(struct request *request, struct buf *out)
{
    struct frame_info frames[BACKTRACE_FRAMES];
    size_t total = rt_backtrace(guest_use_store(request->use), frames, COUNT_OF(frames));
    size_t count = total < COUNT_OF(frames) ? total : COUNT_OF(frames);
    if (!trace_format(out, frames, count, total, request->component->app->id, false))
        buf_clear(out);
}

void request_failed(struct request *request)
{
    struct log_buffer *log = &request->worker->log;
    const char *id = request->component->app->id;
    const struct stint_error *error = &request->error;
    bool is_gone = request->status == STINT_INTERRUPTED; /* the client, so nobody was failed */
    enum log_level level = is_gone ? LOG_DEBUG : LOG_ERROR;
    struct buf text;
    if (request->status == STINT_EXIT && error->exit_code == 0)
        return;
    const char *what =
        request->status == STINT_INVALID ? "no answer" : status_text(request->status);
    bool has_more = error->message[0] != '\0' && strcmp(error->message, what) != 0;
    bool is_out = request->status == STINT_NOMEM && request->use == NULL && !machine_has_mapping();
    log_line(log, level, id, request->id, "%s%s%s%s", what, has_more ? ": " : "",
             has_more ? error->message : "",
             is_out ? " (the process has all the mappings that it may have: raise vm.max_map_count "
                      "by sysctl, or lower limits.concurrency)"
                    : "");
    buf_init(&text, &alloc_root, 1 << 16);
    if (request->use != NULL && request->status == STINT_TRAP)
        print_backtrace(request, &text);
    if (!is_gone)
        failures_add(request->worker->server->failures, request,
                     error->message[0] != '\0' ? error->message : what, &text);
    char *at = (char *)text.data, *end = text.bytes > 0 ? at + text.bytes : at;
    for (char *stop; at < end && (stop = memchr(at, '\n', (size_t)(end - at))); at = stop + 1)
        log_line(log, level, id, request->id, "%.*s", (int)(stop - at), at);
    buf_free(&text);
}
