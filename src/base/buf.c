/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

void buf_init(struct buf *buf, struct alloc *alloc, size_t limit_bytes)
{
    memset(buf, 0, sizeof(*buf));
    buf->alloc = alloc;
    buf->limit_bytes = limit_bytes;
}

void buf_free(struct buf *buf)
{
    if (buf->data != NULL)
        alloc_put(buf->alloc, buf->data, buf->capacity_bytes);
    buf->data = NULL;
    buf->bytes = buf->capacity_bytes = 0;
}

void buf_clear(struct buf *buf)
{
    buf->bytes = 0;
    buf->failed = false;
}

bool buf_reserve(struct buf *buf, size_t bytes)
{
    if (bytes > buf->limit_bytes || buf->bytes > buf->limit_bytes - bytes) {
        buf->failed = true;
        return false;
    }
    if (bytes <= buf->capacity_bytes - buf->bytes)
        return true;
    size_t need = buf->bytes + bytes;
    size_t capacity = buf->capacity_bytes < 64 ? 64 : buf->capacity_bytes;
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    uint8_t *data = alloc_resize(buf->alloc, buf->data, buf->capacity_bytes, capacity);
    if (data == NULL) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->capacity_bytes = capacity;
    return true;
}

bool buf_append(struct buf *buf, const void *data, size_t bytes)
{
    if (!buf_reserve(buf, bytes))
        return false;
    if (bytes != 0)
        memcpy(buf->data + buf->bytes, data, bytes);
    buf->bytes += bytes;
    return true;
}

bool buf_append_byte(struct buf *buf, uint8_t byte)
{
    return buf_append(buf, &byte, 1);
}

bool buf_append_string(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

bool buf_append_format(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || !buf_reserve(buf, (size_t)length + 1))
        return false;
    va_start(args, format);
    vsnprintf((char *)buf->data + buf->bytes, (size_t)length + 1, format, args);
    va_end(args);
    buf->bytes += (size_t)length;
    return true;
}

bool buf_append_uleb(struct buf *buf, uint64_t value)
{
    uint8_t bytes[10];
    size_t count = 0;
    do {
        uint8_t low = value & 0x7f;
        value >>= 7;
        bytes[count++] = value != 0 ? low | 0x80 : low;
    } while (value != 0);
    return buf_append(buf, bytes, count);
}

bool buf_append_sleb(struct buf *buf, int64_t value)
{
    uint8_t bytes[10];
    size_t count = 0;
    for (;;) {
        uint8_t low = (uint8_t)value & 0x7f;
        value >>= 7;
        bool last = (value == 0 && (low & 0x40) == 0) || (value == -1 && (low & 0x40) != 0);
        bytes[count++] = last ? low : low | 0x80;
        if (last)
            return buf_append(buf, bytes, count);
    }
}

bool buf_insert(struct buf *buf, size_t at, const void *data, size_t bytes)
{
    if (!buf_reserve(buf, bytes))
        return false;
    memmove(buf->data + at + bytes, buf->data + at, buf->bytes - at);
    if (bytes != 0)
        memcpy(buf->data + at, data, bytes);
    buf->bytes += bytes;
    return true;
}

bool vec_reserve(struct alloc *alloc, void *items, size_t *capacity, size_t count,
                 size_t each_bytes)
{
    if (count <= *capacity)
        return true;
    size_t larger = *capacity < 8 ? 8 : *capacity;
    size_t bytes;
    while (larger < count)
        larger = larger > SIZE_MAX / 2 ? count : larger * 2;
    if (__builtin_mul_overflow(larger, each_bytes, &bytes))
        return false;
    void *old;
    memcpy(&old, items, sizeof(old));
    void *grown = alloc_resize(alloc, old, *capacity * each_bytes, bytes);
    if (grown == NULL)
        return false;
    memcpy(items, &grown, sizeof(grown));
    *capacity = larger;
    return true;
}
