/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copy-on-write images: what a region of memory holds at first, mapped into it so that it costs
 * nothing until it is written, and put back where it was written.
 *
 * A region is what pages_reserve and pages_commit made, or pages_get: its first bytes come from an
 * image, all that follow are zero. cow_restore finds the written pages by asking the kernel
 * (PAGEMAP_SCAN, Linux 6.7) and copies those; where it cannot ask, it drops all pages, and the next
 * access to each faults it in again.
 */
#ifndef OS_COW_H
#define OS_COW_H

#include "base/status.h"
#include "os/page_faults.h"

struct cow_image {
    const uint8_t *data; /* a read-only view; NULL when there are no bytes */
    size_t bytes;        /* whole pages */
    int fd;              /* for cow_map; -1: there is none, the image can only be copied */
};

/* Makes an image of these bytes; the rest of the last page is zero. Runs of zero pages cost
 * nothing. False when memory is out. */
MUST_CHECK bool cow_image_create(const uint8_t *content, size_t bytes, struct cow_image *ret_image);
/* Gives the descriptor back: no more cow_map, regions that have the image keep it. */
void cow_image_seal(struct cow_image *image);
/* Ends the view as well. Accepts a zeroed image. */
void cow_image_free(struct cow_image *image);

/* Puts the image over the first bytes of a region; what was there is gone. False leaves the region
 * as it was: it then has to be copied (cow_copy). */
MUST_CHECK bool cow_map(const struct cow_image *image, uint8_t *region);
/* Writes the content of the image, and zeros up to `bytes`. */
void cow_copy(const struct cow_image *image, uint8_t *region, size_t bytes);

/* The pages of a region that are its own, as the kernel told when it was last asked. For as long as no
 * thread but one writes to the region, and that one has no page fault, there are no others: then
 * cow_restore copies these, and asks nothing. Zeroed at first. */
enum { COW_KNOWN_MAX = 32 };
struct cow_known {
    struct {
        size_t at, bytes;
    } runs[COW_KNOWN_MAX];
    uint32_t count;
    struct fault_mark mark; /* when the region was last restored; zeroed: nothing is known */
};

/* How cow_restore is to work, and what it did. */
struct cow_policy {
    bool is_mapped;          /* cow_map put the image there */
    bool without_scan;       /* do not ask the kernel */
    size_t keep_bytes;       /* so much of what was written stays in memory of its own */
    struct cow_known *known; /* NULL: other threads may have written */
    /* With `known`: of the region, how much may ever be restored. What lies between is zero, and may be
     * inaccessible. */
    size_t region_bytes;
};
struct cow_work {
    uint64_t copied_bytes; /* page by page */
    uint64_t dropped;      /* times that pages were given back instead */
    uint64_t questions;    /* times that the kernel was asked, or could not be */
};

/* Makes a region of `bytes` what it was: the image, then zeros. Adds to `work`. */
void cow_restore(const struct cow_image *image, uint8_t *region, size_t bytes,
                 const struct cow_policy *policy, struct cow_work *work);
/* Whether this kernel tells which pages were written. */
bool cow_can_scan(void);
/* No huge pages in this region: "only what was written" would be 2 MiB for a byte. */
void cow_prepare(uint8_t *region, size_t bytes);

#endif
