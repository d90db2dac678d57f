/* SPDX-License-Identifier: Apache-2.0 */
/* The user that a process started by root becomes. */
#ifndef OS_ACCOUNT_H
#define OS_ACCOUNT_H

#include <sys/types.h>

#include "base/status.h"

struct account {
    uid_t user;
    gid_t group;
    char name[64]; /* as it was written, without the group */
    char home[256];
};

bool account_is_root(void); /* whether this process is */
/* "NAME", "NAME:GROUP", or numbers; the user's own group unless one is named. */
MUST_CHECK enum stint_status account_find(const char *text, struct account *ret_account,
                                          struct stint_error *error);
/* For good, with the user's further groups. HOME becomes theirs. While there is one thread. */
MUST_CHECK enum stint_status account_become(const struct account *account,
                                            struct stint_error *error);

#endif
