/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *status_text(enum stint_status status)
{
    static const char *const texts[] = {
#define X(name, text) text,
        STINT_STATUS_MAP(X)
#undef X
    };
    return (unsigned)status < COUNT_OF(texts) ? texts[status] : "unknown status";
}

const char *trap_text(enum stint_trap trap)
{
    static const char *const texts[] = {
#define X(name, text) text,
        STINT_TRAP_MAP(X)
#undef X
    };
    return (unsigned)trap < COUNT_OF(texts) ? texts[trap] : "unknown trap";
}

/* Claims `error` for a new failure; false when it is absent or already holds one. */
static bool claim(struct stint_error *error, enum stint_status status)
{
    if (error == NULL || error->status != STINT_OK)
        return false;
    memset(error, 0, sizeof(*error));
    error->status = status;
    error->offset_bytes = STINT_NO_OFFSET;
    return true;
}

enum stint_status error_set(struct stint_error *error, enum stint_status status,
                            uint64_t offset_bytes, const char *format, ...)
{
    if (claim(error, status)) {
        va_list args;
        error->offset_bytes = offset_bytes;
        va_start(args, format);
        vsnprintf(error->message, sizeof(error->message), format, args);
        va_end(args);
    }
    return status;
}

enum stint_status error_set_at(struct stint_error *error, enum stint_status status, uint32_t line,
                               uint32_t column, const char *format, ...)
{
    if (claim(error, status)) {
        va_list args;
        error->line = line;
        error->column = column;
        va_start(args, format);
        vsnprintf(error->message, sizeof(error->message), format, args);
        va_end(args);
    }
    return status;
}

enum stint_status error_set_trap(struct stint_error *error, enum stint_trap trap)
{
    if (claim(error, STINT_TRAP)) {
        error->trap = trap;
        snprintf(error->message, sizeof(error->message), "%s", trap_text(trap));
    }
    return STINT_TRAP;
}

void error_clear(struct stint_error *error)
{
    if (error != NULL)
        memset(error, 0, sizeof(*error));
}
