/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up what a process does not need, for good: for itself, its threads to come and its children.
 * Called while there is one thread; each step by itself, in this order:
 *
 *     account_become(&account, &error)   (os/account.h)
 *     fence_capabilities()               no capability is left
 *     fence_files(rules, count)          Landlock: files outside of `rules` are out of reach
 *     … fork of children that may still start programs …
 *     fence_calls(FENCE_REFUSE)          seccomp: calls of the system that are not on the list fail
 */
#ifndef OS_FENCE_H
#define OS_FENCE_H

#include "os/errors.h"

/* The version of Landlock that the kernel has; 0: none. */
int fence_files_version(void);
/* Whether the kernel filters calls of the system, on a processor whose calls we know. */
bool fence_has_calls(void);

/* Also sets no_new_privs: programs that are executed gain nothing. */
MUST_CHECK enum os_error fence_capabilities(void);
/* Whether any capability is in effect. */
bool fence_has_capabilities(void);

enum {
    FENCE_READ = 1,    /* read files and list folders */
    FENCE_WRITE = 2,   /* write, make and remove them */
    FENCE_EXECUTE = 4, /* start programs */
};

/* A file, or a folder with all that is and will be in it. */
struct fence_rule {
    const char *path; /* links are followed; what is not there is left out */
    unsigned may;     /* FENCE_… */
};

MUST_CHECK enum os_error fence_files(const struct fence_rule *rules, size_t count);

enum fence_mode {
    FENCE_REFUSE, /* they fail as in a kernel that does not have them */
    FENCE_REPORT, /* they are done, and the kernel's log says so */
};
MUST_CHECK enum os_error fence_calls(enum fence_mode mode);
/* How many calls are let through, for some arguments at least. */
unsigned fence_calls_count(void);

#endif
