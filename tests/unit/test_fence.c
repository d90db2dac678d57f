/* SPDX-License-Identifier: Apache-2.0 */
/* What a fenced process can still do, tried by children that report with their exit codes. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "os/fence.h"
#include "os/files.h"

static char folder[64];

static void make_folder(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/stint-fence-XXXXXX");
    if (mkdtemp(folder) == NULL)
        check_skipped = "no scratch folder";
}

static const char *in_folder(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

/* The number of the first step that went wrong in a child; 0: none. */
static int in_child(int (*steps)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(steps());
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static bool can_open(const char *path, int how)
{
    int fd = open(path, how | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int steps_of_files(void)
{
    (void)mkdir(in_folder("read"), 0700);
    (void)mkdir(in_folder("write"), 0700);
    (void)can_open(in_folder("read/file"), O_CREAT | O_WRONLY);
    (void)can_open(in_folder("outside"), O_CREAT | O_WRONLY);
    char read_path[128], write_path[128];
    (void)snprintf(read_path, sizeof(read_path), "%s/read", folder);
    (void)snprintf(write_path, sizeof(write_path), "%s/write", folder);
    const struct fence_rule rules[] = {{read_path, FENCE_READ},
                                       {write_path, FENCE_READ | FENCE_WRITE},
                                       {"/dev/null", FENCE_READ | FENCE_WRITE},
                                       {"/there/is/no/such/path", FENCE_READ}};
    if (fence_files(rules, 4) != OS_OK)
        return 1;
    if (!can_open(in_folder("read/file"), O_RDONLY))
        return 2;
    if (can_open(in_folder("read/file"), O_WRONLY) || errno != EACCES)
        return 3;
    if (can_open(in_folder("outside"), O_RDONLY) || errno != EACCES)
        return 4;
    if (!can_open(in_folder("write/new"), O_CREAT | O_RDWR))
        return 5;
    if (unlink(in_folder("write/new")) != 0 || can_open("/etc/passwd", O_RDONLY))
        return 6;
    if (!can_open("/dev/null", O_RDWR) || unlink(in_folder("outside")) == 0)
        return 7;
    return execl("/bin/true", "true", (char *)NULL) == -1 && errno == EACCES ? 0 : 8;
}

TEST(files_outside_are_out_of_reach)
{
    if (fence_files_version() == 0) {
        check_skipped = "this kernel has no Landlock";
        return;
    }
    make_folder();
    CHECK_INT(in_child(steps_of_files), 0);
    CHECK(unlink(in_folder("outside")) == 0 && unlink(in_folder("read/file")) == 0);
    CHECK(rmdir(in_folder("read")) == 0 && rmdir(in_folder("write")) == 0 && rmdir(folder) == 0);
}

static void *in_thread(void *done)
{
    *(int *)done = 1;
    return NULL;
}

static bool is_missing(long result)
{
    return result == -1 && errno == ENOSYS;
}

static int steps_of_calls(void)
{
    int done = 0, ends[2];
    pthread_t thread;
    pid_t parent = getppid();
    struct sockaddr_in any = {.sin_family = AF_INET};
    if (fence_capabilities() != OS_OK || fence_calls(FENCE_REFUSE) != OS_OK)
        return 1;
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) < 0 || fence_has_capabilities())
        return 2;
    if (pthread_create(&thread, NULL, in_thread, &done) != 0 || pthread_join(thread, NULL) != 0 ||
        done != 1)
        return 3;
    if (!is_missing(execl("/bin/true", "true", (char *)NULL)) || !is_missing(fork()))
        return 4;
    if (!is_missing(kill(parent, 0)) || kill(getpid(), 0) != 0)
        return 5;
    if (!is_missing(ptrace(PTRACE_TRACEME, 0, NULL, NULL)) || !is_missing(setuid(0)))
        return 6;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 || !is_missing(listen(fd, 1)))
        return 7;
    if (!is_missing(socket(AF_PACKET, SOCK_RAW, 0)) || !is_missing(syscall(SYS_bpf, 0, NULL, 0)))
        return 8;
    if (!is_missing(syscall(SYS_keyctl, 0)) || !is_missing(chroot("/")) ||
        !is_missing(syscall(SYS_io_uring_setup, 1, NULL)))
        return 9;
    if (!is_missing(syscall(SYS_unshare, 0)) || !is_missing(prctl(PR_SET_PDEATHSIG, SIGTERM)))
        return 10;
    return pipe(ends) == 0 && write(ends[1], "x", 1) == 1 ? 0 : 11;
}

TEST(calls_that_are_not_needed_are_not_there)
{
    if (fence_has_calls())
        CHECK_INT(in_child(steps_of_calls), 0);
    else
        check_skipped = "this kernel has no seccomp";
}

static int steps_of_reports(void)
{
    if (fence_calls(FENCE_REPORT) != OS_OK)
        return 1;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0 && waitpid(child, NULL, 0) == child ? 0 : 2;
}

TEST(calls_that_are_reported_are_done)
{
    if (fence_has_calls())
        CHECK_INT(in_child(steps_of_reports), 0);
    else
        check_skipped = "this kernel has no seccomp";
}

CHECK_MAIN
