/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For core modules that import WASI 0.2 by name, without a C library: memory, printing, arguments.
 * Built with: clang --target=wasm32 -nostdlib -mbulk-memory -Wl,--no-entry.
 */
#ifndef P2_GUEST_H
#define P2_GUEST_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long long u64;

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

struct list {
    u8 *data;
    u32 count;
};

/* result<list<u8>, E> and result<_, E>, with E in the same place. */
struct result {
    u8 is_error;
    union {
        struct list list;
        u32 value;
        u8 code;
        struct {
            u32 error_case;
            u32 error;
        };
    };
};

struct result64 {
    u8 is_error;
    union {
        u64 value;
        struct {
            u32 error_case;
            u32 error;
        };
    };
};

IMPORT("wasi:cli/stdout@0.2.3", "get-stdout") u32 get_stdout(void);
IMPORT("wasi:cli/environment@0.2.6", "get-arguments") void get_arguments(struct list *);
IMPORT("wasi:io/streams@0.2.0", "[method]output-stream.blocking-write-and-flush")
void blocking_write(u32 stream, const void *, u32, struct result *);
IMPORT("wasi:io/streams@0.2.0", "[resource-drop]output-stream") void drop_output(u32);
IMPORT("wasi:cli/exit@0.2.0", "exit") _Noreturn void guest_exit(u32);

static u8 heap[1 << 20];
static u32 heap_used;

EXPORT("cabi_realloc") void *cabi_realloc(void *old, u32 old_bytes, u32 align, u32 bytes)
{
    heap_used = (heap_used + align - 1) & ~(align - 1);
    u8 *at = heap + heap_used;
    heap_used += bytes;
    if (heap_used > sizeof(heap))
        __builtin_trap();
    for (u32 i = 0; i < old_bytes && i < bytes; i++)
        at[i] = ((u8 *)old)[i];
    return at;
}

static u32 length(const char *text)
{
    u32 n = 0;
    while (text[n])
        n++;
    return n;
}

static int same(const char *text, const void *data, u32 bytes)
{
    const u8 *other = data;
    if (length(text) != bytes)
        return 0;
    for (u32 i = 0; i < bytes; i++) {
        if ((u8)text[i] != other[i])
            return 0;
    }
    return 1;
}

static u32 output;

static void print_bytes(const void *data, u32 bytes)
{
    struct result result;
    if (output == 0)
        output = get_stdout();
    blocking_write(output, data, bytes, &result);
}

static void print(const char *text)
{
    print_bytes(text, length(text));
}

static void print_number(u64 value)
{
    char text[20];
    u32 at = sizeof(text);
    do
        text[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    print_bytes(text + at, sizeof(text) - at);
}

/* "name value\n" */
static void say(const char *name, u64 value)
{
    print(name);
    print(" ");
    print_number(value);
    print("\n");
}

static struct list argument(u32 number)
{
    static struct list args;
    static int is_read;
    if (!is_read)
        get_arguments(&args);
    is_read = 1;
    struct list none = {heap, 0};
    return number < args.count ? ((struct list *)args.data)[number] : none;
}

static int wants(const char *test)
{
    struct list name = argument(1);
    return same(test, name.data, name.count);
}

/* Whether `text` is the n-th argument's beginning; numbers in arguments. */
static u64 number_of(struct list text)
{
    u64 value = 0;
    for (u32 i = 0; i < text.count; i++)
        value = value * 10 + (u64)(text.data[i] - '0');
    return value;
}

#endif
