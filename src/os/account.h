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
/*
 * Root gives this user a file that it has opened by `path`, so that the user can open it again. Not done,
 * without a word, where `path` is a link or the file has further names: it may be somebody else's.
 */
void account_give_file(const struct account *account, const char *path, int fd);

/* For a while, so that files are looked at and made as by that user; account_be_root ends it.
 * False where the system refuses. While there is one thread. */
MUST_CHECK bool account_act_as(const struct account *account);
MUST_CHECK bool account_be_root(void);

#endif
