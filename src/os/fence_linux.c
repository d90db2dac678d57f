/* SPDX-License-Identifier: Apache-2.0 */
#include "os/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/files.h"

/* ---- Capabilities ------------------------------------------------------------------------ */

enum { CAPABILITIES_MAX = 64 };

enum os_error fence_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
    memset(none, 0, sizeof(none));
    /* What a program that is executed could get back; only who may change it can drop it. */
    for (unsigned long i = 0; i < CAPABILITIES_MAX; i++)
        (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capset, &head, none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return os_error_of(errno);
    return OS_OK;
}

bool fence_has_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    memset(data, 0, sizeof(data));
    if (syscall(SYS_capget, &head, data) != 0)
        return false;
    return (data[0].effective | data[1].effective) != 0;
}

/* ---- Landlock ---------------------------------------------------------------------------- */

/* The kernel's interface, as linux/landlock.h of any version has it: old headers lack new rights. */
struct landlock_attributes {
    uint64_t files, net, scoped;
};

struct __attribute__((packed)) landlock_beneath {
    uint64_t allowed;
    int32_t fd;
};

enum {
    CREATE_RULESET = 444, /* the numbers are the same on all processors */
    ADD_RULE = 445,
    RESTRICT_SELF = 446,
    ASK_VERSION = 1,
    RULE_BENEATH = 1,
};

enum {
    RIGHT_EXECUTE = 1 << 0,
    RIGHT_WRITE_FILE = 1 << 1,
    RIGHT_READ_FILE = 1 << 2,
    RIGHT_READ_DIR = 1 << 3,
    RIGHT_REFER = 1 << 13,
    RIGHT_TRUNCATE = 1 << 14,
    RIGHT_IOCTL_DEV = 1 << 15,
    RIGHTS_V1 = (1 << 13) - 1, /* among them to make and to remove entries of each kind */
    MAKES_DEVICES = 1 << 6 | 1 << 11,
    SCOPES = 1 << 0 | 1 << 1, /* abstract sockets, signals: of processes outside */
};

int fence_files_version(void)
{
    long version = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    return version > 0 ? (int)version : 0;
}

static uint64_t rights_of(unsigned may)
{
    uint64_t rights = 0;
    if (may & FENCE_READ)
        rights |= RIGHT_READ_FILE | RIGHT_READ_DIR;
    if (may & FENCE_WRITE)
        rights |= (RIGHTS_V1 & ~(RIGHT_EXECUTE | MAKES_DEVICES)) | RIGHT_REFER | RIGHT_TRUNCATE;
    if (may & FENCE_EXECUTE)
        rights |= RIGHT_EXECUTE;
    return rights;
}

static enum os_error add_rule(int set, const struct fence_rule *rule, uint64_t handled)
{
    static const uint64_t of_files =
        RIGHT_EXECUTE | RIGHT_WRITE_FILE | RIGHT_READ_FILE | RIGHT_TRUNCATE | RIGHT_IOCTL_DEV;
    struct stat at;
    enum os_error error = OS_OK;
    int fd = open(rule->path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return OS_OK;
    struct landlock_beneath beneath = {.allowed = rights_of(rule->may) & handled, .fd = fd};
    if (fstat(fd, &at) != 0 || !S_ISDIR(at.st_mode))
        beneath.allowed &= of_files;
    if (beneath.allowed != 0 && syscall(ADD_RULE, set, RULE_BENEATH, &beneath, 0) != 0)
        error = os_error_of(errno);
    file_close(fd);
    return error;
}

enum os_error fence_files(const struct fence_rule *rules, size_t count)
{
    int version = fence_files_version();
    struct landlock_attributes attributes = {.files = RIGHTS_V1};
    if (version == 0)
        return OS_NOSYS;
    attributes.files |= version >= 2 ? RIGHT_REFER : 0;
    attributes.files |= version >= 3 ? RIGHT_TRUNCATE : 0;
    attributes.files |= version >= 5 ? RIGHT_IOCTL_DEV : 0;
    attributes.scoped = version >= 6 ? SCOPES : 0;
    /* A kernel refuses fields that it does not know, unless they are not there. */
    size_t bytes = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    int set = (int)syscall(CREATE_RULESET, &attributes, bytes, 0);
    if (set < 0)
        return os_error_of(errno);
    enum os_error error = OS_OK;
    for (size_t i = 0; i < count && error == OS_OK; i++)
        error = add_rule(set, &rules[i], attributes.files);
    if (error == OS_OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        error = os_error_of(errno);
    if (error == OS_OK && syscall(RESTRICT_SELF, set, 0) != 0)
        error = os_error_of(errno);
    file_close(set);
    return error;
}
