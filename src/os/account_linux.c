/* SPDX-License-Identifier: Apache-2.0 */
#include "os/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/errors.h"

bool account_is_root(void)
{
    /* Also while it acts as another. */
    return getuid() == 0 || geteuid() == 0;
}

/* A number alone. */
static bool read_number(const char *text, unsigned *ret_number)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || number >= UINT32_MAX)
        return false;
    *ret_number = (unsigned)number;
    return true;
}

static bool find_group(const char *text, gid_t *ret_group)
{
    unsigned number;
    const struct group *group = getgrnam(text);
    if (group != NULL)
        *ret_group = group->gr_gid;
    else if (read_number(text, &number))
        *ret_group = number;
    else
        return false;
    return true;
}

enum stint_status account_find(const char *text, struct account *ret_account,
                               struct stint_error *error)
{
    struct account account = {.home = "/"};
    const char *colon = strchr(text, ':');
    size_t bytes = colon != NULL ? (size_t)(colon - text) : strlen(text);
    unsigned number = 0;
    if (bytes == 0 || bytes >= sizeof(account.name))
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "user '%s': give a name, NAME:GROUP, or numbers", text);
    memcpy(account.name, text, bytes);
    const struct passwd *user = getpwnam(account.name);
    if (user == NULL && read_number(account.name, &number))
        user = getpwuid(number);
    else if (user == NULL)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET,
                         "user '%s': this machine has no such user; 'adduser --system --group %s' "
                         "makes one",
                         account.name, account.name);
    account.user = user != NULL ? user->pw_uid : number;
    account.group = user != NULL ? user->pw_gid : number;
    if (user != NULL)
        (void)snprintf(account.home, sizeof(account.home), "%s", user->pw_dir);
    if (colon != NULL && !find_group(colon + 1, &account.group))
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET,
                         "user '%s': this machine has no such group", text);
    *ret_account = account;
    return STINT_OK;
}

enum stint_status account_become(const struct account *account, struct stint_error *error)
{
    if ((initgroups(account->name, account->group) != 0 && setgroups(1, &account->group) != 0) ||
        setresgid(account->group, account->group, account->group) != 0 ||
        setresuid(account->user, account->user, account->user) != 0)
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot become user '%s': %s",
                         account->name, os_error_text(os_error_of(errno)));
    /* As if this user had started it: else its own files in /proc would be root's. */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    (void)setenv("HOME", account->home, 1);
    return STINT_OK;
}

void account_give_file(const struct account *account, const char *path, int fd)
{
    struct stat opened, named;
    bool is_own = fstat(fd, &opened) == 0 && lstat(path, &named) == 0 && S_ISREG(named.st_mode) &&
                  opened.st_ino == named.st_ino && opened.st_dev == named.st_dev &&
                  opened.st_nlink == 1 && opened.st_uid == 0;
    if (is_own)
        (void)!fchown(fd, account->user, account->group);
}

bool account_act_as(const struct account *account)
{
    return setegid(account->group) == 0 && seteuid(account->user) == 0;
}

bool account_be_root(void)
{
    return seteuid(0) == 0 && setegid(0) == 0;
}
