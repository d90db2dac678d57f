/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images are sealed memory files, mapped private: a page that is written becomes an anonymous one of
 * the process, and PAGEMAP_SCAN reports those, swapped ones included. A region's pages stay
 * anonymous once they were written, so each restore copies all that ever were, up to keep_bytes.
 */
#include "os/cow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/lock.h"
#include "os/pages.h"

/* From linux/fs.h, which musl lacks, and older kernels' headers too. */
struct scan_region {
    uint64_t start, end, categories;
};
struct scan_arg {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
_Static_assert(sizeof(struct scan_region) == 24 && sizeof(struct scan_arg) == 96,
               "as the kernel has them");
#define PAGEMAP_SCAN _IOWR('f', 16, struct scan_arg)

enum {
    PAGE_IS_FILE = 1 << 2,
    PAGE_IS_PRESENT = 1 << 3,
    PAGE_IS_SWAPPED = 1 << 4,
    PAGE_IS_PFNZERO = 1 << 5,
    /* A full buffer only costs another call. */
    REGIONS = 64,
    /* Up to here copying everything is quicker than dropping pages and faulting them in again. */
    COPY_ALL_BYTES = 64 << 10,
    SEALS = 0x1 | 0x2 | 0x4 | 0x8, /* of the seals, shrinking, growing, writing */
    ADD_SEALS = 1033,              /* F_ADD_SEALS */
    SEALABLE = 3,                  /* MFD_CLOEXEC | MFD_ALLOW_SEALING */
    WIPE_ON_FORK = 18,             /* MADV_WIPEONFORK */
};

/* ---- Images ------------------------------------------------------------------------------ */

static bool is_zero(const uint8_t *at, size_t bytes)
{
    return bytes == 0 || (at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0);
}

static bool write_at(int fd, const uint8_t *from, size_t bytes, size_t at)
{
    while (bytes > 0) {
        ssize_t done = pwrite(fd, from, bytes, (off_t)at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        from += done;
        at += (size_t)done;
        bytes -= (size_t)done;
    }
    return true;
}

/* Writes the pages that are not zero; the file's size is there already. */
static bool fill_file(int fd, const uint8_t *content, size_t bytes)
{
    size_t page = pages_size(), from = 0;
    while (from < bytes) {
        size_t to = from;
        while (to < bytes && !is_zero(content + to, bytes - to < page ? bytes - to : page))
            to += page;
        size_t end = to < bytes ? to : bytes;
        if (end > from && !write_at(fd, content + from, end - from, from))
            return false;
        from = to + page;
    }
    return true;
}

static bool make_file(const uint8_t *content, size_t bytes, struct cow_image *image)
{
    int fd = (int)syscall(SYS_memfd_create, "stint-image", SEALABLE);
    if (fd < 0)
        return false;
    void *data = MAP_FAILED;
    /* Sealed, nobody who reaches the file through /proc changes it under the guests. */
    if (ftruncate(fd, (off_t)image->bytes) == 0 && fill_file(fd, content, bytes) &&
        fcntl(fd, ADD_SEALS, SEALS) == 0)
        data = mmap(NULL, image->bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) {
        close(fd);
        return false;
    }
    image->data = data;
    image->fd = fd;
    return true;
}

bool cow_image_create(const uint8_t *content, size_t bytes, struct cow_image *ret_image)
{
    size_t mask = pages_size() - 1;
    struct cow_image image = {.fd = -1};
    if (bytes > SIZE_MAX / 2)
        return false;
    image.bytes = (bytes + mask) & ~mask;
    if (bytes != 0 && !make_file(content, bytes, &image)) {
        uint8_t *copy = pages_get(image.bytes);
        if (copy == NULL)
            return false;
        memcpy(copy, content, bytes);
        image.data = copy;
    }
    *ret_image = image;
    return true;
}

void cow_image_seal(struct cow_image *image)
{
    if (image->data != NULL && image->fd >= 0)
        close(image->fd);
    image->fd = -1;
}

void cow_image_free(struct cow_image *image)
{
    cow_image_seal(image);
    pages_release((void *)(uintptr_t)image->data, image->bytes);
    image->data = NULL;
    image->bytes = 0;
}

bool cow_map(const struct cow_image *image, uint8_t *region)
{
    if (image->bytes == 0)
        return true;
    return image->fd >= 0 && mmap(region, image->bytes, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_FIXED, image->fd, 0) != MAP_FAILED;
}

void cow_prepare(uint8_t *region, size_t bytes)
{
#ifdef MADV_NOHUGEPAGE
    (void)madvise(region, bytes, MADV_NOHUGEPAGE);
#endif
}

/* ---- Asking the kernel ------------------------------------------------------------------- */

/* The descriptor of /proc/self/pagemap + 1; 0: not opened yet; -1: no use. It lies in a page that a
 * fork wipes, since in the child the descriptor would still be about the parent. */
static atomic_int *pagemap;
static struct once pagemap_once = ONCE_INIT;

static long scan(int fd, const uint8_t *from, const uint8_t *to, struct scan_region *regions,
                 const uint8_t **ret_end)
{
    struct scan_arg arg = {
        .size = sizeof(arg),
        .start = (uintptr_t)from,
        .end = (uintptr_t)to,
        .vec = (uintptr_t)regions,
        .vec_len = REGIONS,
        /* Neither of a file nor the common zero page, and here or swapped out. */
        .category_inverted = PAGE_IS_FILE | PAGE_IS_PFNZERO,
        .category_mask = PAGE_IS_FILE | PAGE_IS_PFNZERO,
        .category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
        .return_mask = PAGE_IS_FILE,
    };
    long count = ioctl(fd, PAGEMAP_SCAN, &arg);
    *ret_end = (const uint8_t *)(uintptr_t)arg.walk_end;
    return count;
}

/* Whether the answer about four pages is right, of which the second was written, and the last as well,
 * which is hidden. */
static bool answers_rightly(int fd)
{
    size_t page = pages_size();
    uint8_t *region = pages_get(4 * page);
    struct scan_region regions[REGIONS];
    const uint8_t *end = NULL;
    if (region == NULL)
        return false;
    *(volatile uint8_t *)(region + page) = 1;
    (void)*(volatile uint8_t *)(region + 2 * page);
    *(volatile uint8_t *)(region + 3 * page) = 1;
    bool hidden = pages_hide(region + 3 * page, page);
    long count = hidden ? scan(fd, region, region + 4 * page, regions, &end) : 0;
    bool right = count == 2 && regions[0].start == (uintptr_t)region + page &&
                 regions[0].end == (uintptr_t)region + 2 * page &&
                 regions[1].start == (uintptr_t)region + 3 * page && end == region + 4 * page;
    pages_release(region, 4 * page);
    return right;
}

static void make_pagemap(void)
{
    size_t page = pages_size();
    void *place = pages_get(page);
    if (place != NULL && madvise(place, page, WIPE_ON_FORK) == 0)
        pagemap = place;
    else
        pages_release(place, page);
}

/* The descriptor, or -1. */
static int pagemap_fd(void)
{
    once_do(&pagemap_once, make_pagemap);
    if (pagemap == NULL)
        return -1;
    int known = atomic_load_explicit(pagemap, memory_order_acquire);
    if (known == 0) {
        int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
        bool usable = fd >= 0 && answers_rightly(fd);
        int found = usable ? fd + 1 : -1;
        if (atomic_compare_exchange_strong(pagemap, &known, found))
            known = found;
        else
            usable = false;
        if (fd >= 0 && !usable)
            close(fd);
    }
    return known > 0 ? known - 1 : -1;
}

bool cow_can_scan(void)
{
    return pagemap_fd() >= 0;
}

/* ---- Restoring --------------------------------------------------------------------------- */

static size_t image_part(const struct cow_image *image, size_t at, size_t bytes)
{
    if (at >= image->bytes)
        return 0;
    return bytes < image->bytes - at ? bytes : image->bytes - at;
}

/* The bytes from `at` on as they were. */
static void copy_back(const struct cow_image *image, uint8_t *region, size_t at, size_t bytes)
{
    size_t part = image_part(image, at, bytes);
    if (part != 0)
        memcpy(region + at, image->data + at, part);
    memset(region + at + part, 0, bytes - part);
}

void cow_copy(const struct cow_image *image, uint8_t *region, size_t bytes)
{
    copy_back(image, region, 0, bytes);
}

/* The same by giving the pages back. Where the kernel refuses, since they are locked, or where the
 * image is not mapped, by copying. */
static void drop(const struct cow_image *image, uint8_t *region, size_t at, size_t bytes,
                 const struct cow_policy *policy, struct cow_work *work)
{
    size_t part = policy->is_mapped ? 0 : image_part(image, at, bytes);
    if (part != 0)
        memcpy(region + at, image->data + at, part);
    at += part;
    bytes -= part;
    if (bytes == 0)
        return;
    work->dropped++;
    if (madvise(region + at, bytes, MADV_DONTNEED) != 0)
        copy_back(image, region, at, bytes);
}

/* ---- What is known ------------------------------------------------------------------------ */

static void know(struct cow_known *known, size_t at, size_t bytes)
{
    if (known == NULL)
        return;
    if (known->count < COW_KNOWN_MAX) {
        known->runs[known->count].at = at;
        known->runs[known->count].bytes = bytes;
    }
    known->count++;
}

/* The part of a run that lies in the first `bytes`. */
static size_t run_part(size_t at, size_t run_bytes, size_t bytes)
{
    if (at >= bytes)
        return 0;
    return run_bytes < bytes - at ? run_bytes : bytes - at;
}

/* Copies what is known; false when something else may have been written, or this is too much. */
static bool copy_known(const struct cow_image *image, uint8_t *region, size_t bytes,
                       const struct cow_policy *policy, struct fault_mark now,
                       struct cow_work *work)
{
    const struct cow_known *known = policy->known;
    size_t total = 0;
    if (!page_faults_none(known->mark, now))
        return false;
    for (uint32_t i = 0; i < known->count; i++)
        total += run_part(known->runs[i].at, known->runs[i].bytes, bytes);
    if (total > policy->keep_bytes)
        return false;
    for (uint32_t i = 0; i < known->count; i++) {
        size_t part = run_part(known->runs[i].at, known->runs[i].bytes, bytes);
        if (part != 0)
            copy_back(image, region, known->runs[i].at, part);
    }
    work->copied_bytes += total;
    return true;
}

/* ---- Restoring, asking -------------------------------------------------------------------- */

/* Copies the part of a run that was written; false when it would be more than is kept: all from there
 * on was dropped. */
static bool copy_run(const struct cow_image *image, uint8_t *region, size_t bytes, size_t at,
                     size_t run_bytes, const struct cow_policy *policy, size_t *kept,
                     struct cow_work *work)
{
    size_t part = run_part(at, run_bytes, bytes);
    if (part > policy->keep_bytes - *kept) {
        drop(image, region, at, bytes - at, policy, work);
        return false;
    }
    *kept += part;
    work->copied_bytes += part;
    if (part != 0)
        copy_back(image, region, at, part);
    return true;
}

/* False when the kernel did not answer; what was copied by then does no harm. */
static bool copy_written(const struct cow_image *image, uint8_t *region, size_t bytes,
                         const struct cow_policy *policy, struct fault_mark now,
                         struct cow_work *work)
{
    int fd = pagemap_fd();
    struct cow_known *known = policy->known;
    const uint8_t *from = region;
    const uint8_t *end =
        region + (known != NULL && policy->region_bytes > bytes ? policy->region_bytes : bytes);
    size_t kept = 0;
    if (known != NULL)
        known->count = 0;
    while (from < end) {
        struct scan_region regions[REGIONS];
        const uint8_t *next = NULL;
        long count = fd < 0 ? -1 : scan(fd, from, end, regions, &next);
        if (count < 0 || next <= from)
            return false;
        for (long i = 0; i < count; i++) {
            size_t at = (size_t)(regions[i].start - (uintptr_t)region);
            size_t size = (size_t)(regions[i].end - regions[i].start);
            know(known, at, size);
            if (!copy_run(image, region, bytes, at, size, policy, &kept, work))
                return true;
        }
        from = next;
    }
    if (known != NULL && known->count <= COW_KNOWN_MAX)
        known->mark = now;
    return true;
}

void cow_restore(const struct cow_image *image, uint8_t *region, size_t bytes,
                 const struct cow_policy *policy, struct cow_work *work)
{
    struct cow_known *known = policy->without_scan ? NULL : policy->known;
    struct fault_mark now = {0};
    if (bytes == 0)
        return;
    if (known != NULL) {
        now = page_faults_now();
        if (copy_known(image, region, bytes, policy, now, work))
            return;
        known->mark = (struct fault_mark){0};
    }
    work->questions++;
    if (!policy->without_scan && copy_written(image, region, bytes, policy, now, work))
        return;
    if (bytes <= COPY_ALL_BYTES && bytes <= policy->keep_bytes) {
        copy_back(image, region, 0, bytes);
        work->copied_bytes += bytes;
        return;
    }
    drop(image, region, 0, bytes, policy, work);
}
