/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:filesystem in the first preopened directory. */
#include "p2_guest.h"

#define TYPES "wasi:filesystem/types@0.2.1"
#define STREAMS "wasi:io/streams@0.2.1"

struct stat_result {
    u8 is_error;
    union {
        u8 code;
        struct {
            u8 type;
            u64 links, size;
            struct {
                u8 is_some;
                u64 seconds;
                u32 ns;
            } accessed, modified, changed;
        } stat;
    } __attribute__((aligned(8)));
};

struct read_result {
    u8 is_error;
    union {
        u8 code;
        struct {
            struct list list;
            u8 is_end;
        };
    } __attribute__((aligned(4)));
};

struct entry_result {
    u8 is_error;
    union {
        u8 code;
        struct {
            u8 is_some;
            u8 type __attribute__((aligned(4)));
            struct list name;
        };
    } __attribute__((aligned(4)));
};

struct hash_result {
    u8 is_error;
    u64 lower, upper;
};

/* result<_, error-code> */
struct status {
    u8 is_error, code;
};

IMPORT("wasi:filesystem/preopens@0.2.0", "get-directories") void get_directories(struct list *);
IMPORT(TYPES, "[resource-drop]descriptor") void drop_descriptor(u32);
IMPORT(TYPES, "[method]descriptor.open-at")
void open_at(u32, u32, const char *, u32, u32, u32, struct result *);
IMPORT(TYPES, "[method]descriptor.read-via-stream") void read_via_stream(u32, u64, struct result *);
IMPORT(TYPES, "[method]descriptor.write-via-stream") void write_via(u32, u64, struct result *);
IMPORT(TYPES, "[method]descriptor.append-via-stream") void append_via(u32, struct result *);
IMPORT(TYPES, "[method]descriptor.read") void file_read(u32, u64, u64, struct read_result *);
IMPORT(TYPES, "[method]descriptor.write")
void file_write(u32, const void *, u32, u64, struct result64 *);
IMPORT(TYPES, "[method]descriptor.stat") void file_stat(u32, struct stat_result *);
IMPORT(TYPES, "[method]descriptor.stat-at")
void stat_at(u32, u32, const char *, u32, struct stat_result *);
IMPORT(TYPES, "[method]descriptor.get-flags") void get_flags(u32, struct status *);
IMPORT(TYPES, "[method]descriptor.get-type") void get_type(u32, struct status *);
IMPORT(TYPES, "[method]descriptor.set-size") void set_size(u32, u64, struct status *);
IMPORT(TYPES, "[method]descriptor.advise") void advise(u32, u64, u64, u32, struct status *);
IMPORT(TYPES, "[method]descriptor.sync") void sync_all(u32, struct status *);
IMPORT(TYPES, "[method]descriptor.sync-data") void sync_data(u32, struct status *);
IMPORT(TYPES, "[method]descriptor.set-times")
void set_times(u32, u32, u64, u32, u32, u64, u32, struct status *);
IMPORT(TYPES, "[method]descriptor.set-times-at")
void set_times_at(u32, u32, const char *, u32, u32, u64, u32, u32, u64, u32, struct status *);
IMPORT(TYPES, "[method]descriptor.create-directory-at")
void make_dir(u32, const char *, u32, struct status *);
IMPORT(TYPES, "[method]descriptor.remove-directory-at")
void remove_dir(u32, const char *, u32, struct status *);
IMPORT(TYPES, "[method]descriptor.unlink-file-at")
void unlink(u32, const char *, u32, struct status *);
IMPORT(TYPES, "[method]descriptor.rename-at")
void rename_at(u32, const char *, u32, u32, const char *, u32, struct status *);
IMPORT(TYPES, "[method]descriptor.link-at")
void link_at(u32, u32, const char *, u32, u32, const char *, u32, struct status *);
IMPORT(TYPES, "[method]descriptor.symlink-at")
void symlink_at(u32, const char *, u32, const char *, u32, struct status *);
IMPORT(TYPES, "[method]descriptor.readlink-at")
void readlink_at(u32, const char *, u32, struct result *);
IMPORT(TYPES, "[method]descriptor.is-same-object") u32 same_object(u32, u32);
IMPORT(TYPES, "[method]descriptor.metadata-hash") void hash(u32, struct hash_result *);
IMPORT(TYPES, "[method]descriptor.metadata-hash-at")
void hash_at(u32, u32, const char *, u32, struct hash_result *);
IMPORT(TYPES, "[method]descriptor.read-directory") void read_directory(u32, struct result *);
IMPORT(TYPES, "[method]directory-entry-stream.read-directory-entry")
void read_entry(u32, struct entry_result *);
IMPORT(TYPES, "[resource-drop]directory-entry-stream") void drop_entries(u32);
IMPORT(TYPES, "filesystem-error-code") void error_code(u32, u8 *);
IMPORT(STREAMS, "[method]input-stream.blocking-read")
void blocking_read(u32, u64, struct result *);
IMPORT(STREAMS, "[resource-drop]input-stream") void drop_input(u32);
IMPORT("wasi:filesystem/types@0.2.0-rc-2023-10-18", "[method]descriptor.access-at")
void access_at(u32, u32, const char *, u32, u32, u32, struct status *);
IMPORT("wasi:filesystem/types@0.2.0-rc-2023-10-18", "[method]descriptor.lock-shared")
void lock_shared(u32, struct status *);

enum { READ = 1, WRITE = 2, CREATE = 1, DIRECTORY = 2, EXCLUSIVE = 4, TRUNCATE = 8, FOLLOW = 1 };

static u32 dir;

static u32 open(const char *path, u32 open_flags, u32 flags)
{
    struct result result;
    open_at(dir, FOLLOW, path, length(path), open_flags, flags, &result);
    if (!result.is_error)
        return result.value;
    print(path);
    say(" error", result.code);
    return 0;
}

static void told(const char *what, struct status status)
{
    say(what, status.is_error ? status.code : 99);
}

static void contents(void)
{
    struct result result;
    struct result64 count;
    struct read_result read;
    struct stat_result stat;
    struct status status;
    u32 file = open("new", CREATE | EXCLUSIVE, READ | WRITE);
    file_write(file, "0123456789", 10, 0, &count);
    say("wrote", count.value);
    write_via(file, 5, &result);
    blocking_write(result.value, "abc", 3, &result);
    append_via(file, &result);
    u32 appending = result.value;
    blocking_write(appending, "end", 3, &result);
    blocking_write(appending, "!", 1, &result);
    file_read(file, 100, 3, &read);
    print_bytes(read.list.data, read.list.count);
    say(" end", read.is_end);
    file_read(file, 100, 300, &read);
    say("nothing", read.list.count * 10 + read.is_end);
    read_via_stream(file, 8, &result);
    u32 stream = result.value;
    /* The stream holds the file. */
    drop_descriptor(file);
    blocking_read(stream, 4, &result);
    print_bytes(result.list.data, result.list.count);
    blocking_read(stream, 100, &result);
    print_bytes(result.list.data, result.list.count);
    blocking_read(stream, 100, &result);
    say(" closed", result.is_error * 10 + (result.error_case & 255));
    drop_input(stream);
    drop_output(appending);
    file = open("new", 0, READ | WRITE);
    set_size(file, 4, &status);
    told("set size", status);
    advise(file, 0, 0, 2, &status);
    told("advise", status);
    advise(file, 0, 0, 9, &status);
    told("advise", status);
    sync_all(file, &status);
    told("sync", status);
    sync_data(file, &status);
    told("sync data", status);
    set_times(file, 2, 1000, 5, 2, 2000, 6, &status);
    told("set times", status);
    set_times(file, 2, 1000, 1000000000, 0, 0, 0, &status);
    told("bad time", status);
    file_stat(file, &stat);
    say("type", stat.stat.type);
    say("size", stat.stat.size);
    say("accessed", stat.stat.accessed.seconds * 1000 + stat.stat.accessed.ns);
    say("modified", stat.stat.modified.seconds * 1000 + stat.stat.modified.ns);
    get_flags(file, &status);
    say("flags", status.code);
    get_type(file, &status);
    say("type", status.code);
}

static void refusals(void)
{
    struct result result;
    struct read_result read;
    struct result64 count;
    struct status status;
    open("../outside", 0, READ);
    open("/etc/passwd", 0, READ);
    open("link-out/passwd", 0, READ);
    open("missing", 0, READ);
    open("dir", 0, READ | WRITE);
    open("file", DIRECTORY, READ);
    open("file", CREATE | EXCLUSIVE, WRITE);
    open("file", TRUNCATE, READ);
    open("", 0, READ);
    open_at(dir, 0, "a\0b", 3, 0, READ, &result);
    say("nul", result.code);
    u32 file = open("file", 0, READ);
    file_write(file, "x", 1, 0, &count);
    say("write", count.error_case & 255);
    append_via(file, &result);
    say("append", result.code);
    file_read(file, 1, 1ull << 63, &read);
    say("offset", read.code);
    file_read(dir, 1, 0, &read);
    say("directory", read.code);
    set_size(file, 0, &status);
    told("set size", status);
    open_at(file, 0, "x", 1, 0, READ, &result);
    say("not a directory", result.code);
    lock_shared(file, &status);
    told("lock", status);
    open_at(dir, 0, "link", 4, 0, READ, &result);
    say("link", result.code);
}

static void names(void)
{
    struct status status;
    struct result result;
    struct stat_result stat;
    struct hash_result a, b;
    make_dir(dir, "d", 1, &status);
    told("make", status);
    make_dir(dir, "d", 1, &status);
    told("again", status);
    u32 inner = open("d", DIRECTORY, READ);
    rename_at(dir, "file", 4, inner, "moved", 5, &status);
    told("rename", status);
    link_at(inner, 0, "moved", 5, dir, "hard", 4, &status);
    told("link", status);
    symlink_at(dir, "d/moved", 7, "soft", 4, &status);
    told("symlink", status);
    symlink_at(dir, "/etc", 4, "bad", 3, &status);
    told("absolute", status);
    readlink_at(dir, "soft", 4, &result);
    print_bytes(result.list.data, result.list.count);
    stat_at(dir, 0, "soft", 4, &stat);
    say(" type", stat.stat.type);
    stat_at(dir, FOLLOW, "soft", 4, &stat);
    say("links", stat.stat.links);
    hash_at(dir, FOLLOW, "soft", 4, &a);
    hash_at(dir, 0, "hard", 4, &b);
    say("same", a.lower == b.lower && a.upper == b.upper);
    hash(dir, &b);
    say("same", a.lower == b.lower);
    u32 x = open("soft", 0, READ), y = open("hard", 0, READ);
    say("same object", same_object(x, y) * 10 + same_object(x, dir));
    set_times_at(dir, 0, "hard", 4, 0, 0, 0, 2, 77, 0, &status);
    told("set times", status);
    stat_at(dir, 0, "hard", 4, &stat);
    say("modified", stat.stat.modified.seconds);
    access_at(dir, 0, "hard", 4, 0, 3, &status);
    told("access", status);
    access_at(dir, 0, "nothing", 7, 1, 0, &status);
    told("access", status);
    remove_dir(dir, "d", 1, &status);
    told("not empty", status);
    unlink(dir, "d/moved", 7, &status);
    told("unlink", status);
    remove_dir(dir, "d", 1, &status);
    told("remove", status);
}

static void entries(void)
{
    struct result result;
    struct entry_result entry;
    read_directory(dir, &result);
    u32 stream = result.value, count = 0, bytes = 0;
    for (;;) {
        read_entry(stream, &entry);
        if (entry.is_error || !entry.is_some)
            break;
        count++;
        bytes += entry.name.count;
        heap_used = 0;
    }
    say("entries", count);
    say("bytes", bytes);
    say("error", entry.is_error);
    drop_entries(stream);
}

static void read_only(void)
{
    struct status status;
    get_flags(dir, &status);
    say("flags", status.code);
    open("x", CREATE, WRITE);
    open("file", 0, WRITE);
    make_dir(dir, "d", 1, &status);
    told("make", status);
    unlink(dir, "file", 4, &status);
    told("unlink", status);
}

EXPORT("_start") void start(void)
{
    struct list dirs;
    get_directories(&dirs);
    if (wants("preopens")) {
        for (u32 i = 0; i < dirs.count; i++) {
            u32 *each = (u32 *)dirs.data + 3 * i;
            print_bytes((void *)each[1], each[2]);
            print("\n");
        }
        return;
    }
    dir = *(u32 *)dirs.data;
    if (wants("contents"))
        contents();
    if (wants("refusals"))
        refusals();
    if (wants("names"))
        names();
    if (wants("entries"))
        entries();
    if (wants("read-only"))
        read_only();
    if (wants("bad-path")) {
        struct result result;
        open_at(dir, 0, "\xff", 1, 0, READ, &result);
    }
    if (wants("many-files")) {
        struct result result;
        do
            open_at(dir, 0, ".", 1, 0, READ, &result);
        while (!result.is_error);
        say("error", result.code);
    }
}
