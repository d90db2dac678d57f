/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of the system that a server makes, as a filter for seccomp. The kernel remembers which calls
 * are let through whatever their arguments are, so that those cost nothing; only the few whose arguments
 * are looked at run this program.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/fence.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

/* Let through as they are. */
static const int allowed[] = {
    /* Memory. */
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk, SYS_mincore, SYS_msync,
    SYS_membarrier, SYS_memfd_create, SYS_mlock, SYS_munlock,
    /* Files. */
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev,
    SYS_preadv2, SYS_pwritev2, SYS_openat, SYS_openat2, SYS_close, SYS_close_range, SYS_lseek,
    SYS_fstat, SYS_newfstatat, SYS_statx, SYS_faccessat, SYS_faccessat2, SYS_readlinkat,
    SYS_getdents64, SYS_getcwd, SYS_mkdirat, SYS_unlinkat, SYS_renameat, SYS_renameat2, SYS_linkat,
    SYS_symlinkat, SYS_fsync, SYS_fdatasync, SYS_sync_file_range, SYS_utimensat, SYS_fchmod,
    SYS_fchown, SYS_flock, SYS_fcntl, SYS_dup, SYS_dup3, SYS_pipe2, SYS_sendfile,
    SYS_copy_file_range, SYS_statfs, SYS_fstatfs, SYS_umask, SYS_ftruncate, SYS_truncate,
    SYS_fallocate, SYS_fadvise64,
    /* Sockets: `listen` is not among them. */
    SYS_bind, SYS_connect, SYS_accept, SYS_accept4, SYS_getsockname, SYS_getpeername,
    SYS_getsockopt, SYS_setsockopt, SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg,
    SYS_sendmmsg, SYS_recvmmsg, SYS_shutdown, SYS_socketpair,
    /* Waiting. */
    SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_eventfd2,
    SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime, SYS_signalfd4, SYS_inotify_init1,
    SYS_inotify_add_watch, SYS_inotify_rm_watch,
    /* Time. */
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
    SYS_times, SYS_getrusage, SYS_setitimer, SYS_getitimer, SYS_timer_create, SYS_timer_settime,
    SYS_timer_gettime, SYS_timer_delete,
    /* Threads. */
    SYS_futex, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq, SYS_exit, SYS_exit_group,
    SYS_gettid, SYS_getpid, SYS_getppid, SYS_set_tid_address, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_sched_getscheduler, SYS_sched_getparam,
    SYS_sched_setscheduler, SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_setpriority,
    SYS_getpriority, SYS_getcpu, SYS_wait4, SYS_waitid,
    /* Signals; those that are sent are below. */
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigtimedwait, SYS_rt_sigpending,
    SYS_rt_sigsuspend, SYS_sigaltstack, SYS_restart_syscall,
    /* The rest. */
    SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getgroups, SYS_getresuid, SYS_getresgid,
    SYS_capget, SYS_getrandom, SYS_uname, SYS_sysinfo, SYS_prlimit64,
#if defined(__x86_64__)
    /* Older forms of those above, which only this processor has. */
    SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_mkdir, SYS_rmdir, SYS_unlink,
    SYS_rename, SYS_link, SYS_symlink, SYS_chmod, SYS_dup2, SYS_pipe, SYS_poll, SYS_select,
    SYS_epoll_create, SYS_epoll_wait, SYS_eventfd, SYS_time, SYS_getrlimit, SYS_pause, SYS_alarm,
    SYS_arch_prctl,
#endif
};

enum { LONG_CHECKS = 64, ALLOWED_MAX = 220, ALLOWED_SOME = 6 };

struct program {
    struct sock_filter code[2 * ALLOWED_MAX + LONG_CHECKS];
    unsigned short count;
    uint32_t refusal;
};

static void put(struct program *program, uint16_t code, uint32_t value, uint8_t yes, uint8_t no)
{
    program->code[program->count++] = (struct sock_filter){code, yes, no, value};
}

static void load(struct program *program, size_t offset)
{
    put(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct program *program, uint32_t action)
{
    put(program, BPF_RET | BPF_K, action, 0, 0);
}

/* The lower half of an argument: what the calls below look at has no more bits. */
static size_t argument(unsigned number)
{
    return offsetof(struct seccomp_data, args) + number * sizeof(uint64_t);
}

/* The call is let through where its argument is one of these; else refused. */
static void allow_values(struct program *program, int call, unsigned number, const uint32_t *values,
                         uint8_t count)
{
    put(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, (uint8_t)(count + 3));
    load(program, argument(number));
    for (uint8_t i = 0; i < count; i++)
        put(program, BPF_JMP | BPF_JEQ | BPF_K, values[i], (uint8_t)(count - i), 0);
    answer(program, program->refusal);
    answer(program, SECCOMP_RET_ALLOW);
}

/* Threads, not processes: those flags have to be there. clone3 hides its flags in memory, so it is refused
 * as by an older kernel, and the C library takes this one. */
static void allow_threads(struct program *program)
{
    const uint32_t needed = CLONE_THREAD | CLONE_VM;
    put(program, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 5);
    load(program, argument(0));
    put(program, BPF_ALU | BPF_AND | BPF_K, needed, 0, 0);
    put(program, BPF_JMP | BPF_JEQ | BPF_K, needed, 1, 0);
    answer(program, program->refusal);
    answer(program, SECCOMP_RET_ALLOW);
}

static void allow_some(struct program *program)
{
    static const uint32_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    /* Among them the question of which pages were written: _IOWR('f', 16, 96 bytes). */
    static const uint32_t controls[] = {FIONREAD, FIONBIO, FIOCLEX, TCGETS, TIOCGWINSZ, TIOCOUTQ,
                                        0xc0606610};
    static const uint32_t processes[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, 0x53564d41};
    const uint32_t self[] = {(uint32_t)getpid()};
    allow_values(program, SYS_socket, 0, families, sizeof(families) / sizeof(*families));
    allow_values(program, SYS_ioctl, 1, controls, sizeof(controls) / sizeof(*controls));
    allow_values(program, SYS_prctl, 0, processes, sizeof(processes) / sizeof(*processes));
    allow_values(program, SYS_kill, 0, self, 1);
    allow_values(program, SYS_tgkill, 0, self, 1);
    allow_threads(program);
}

unsigned fence_calls_count(void)
{
    return sizeof(allowed) / sizeof(*allowed) + ALLOWED_SOME;
}

bool fence_has_calls(void)
{
    uint32_t action = SECCOMP_RET_LOG;
    return ARCHITECTURE != 0 &&
           syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

enum os_error fence_calls(enum fence_mode mode)
{
    struct program program = {
        .refusal = mode == FENCE_REPORT ? SECCOMP_RET_LOG : SECCOMP_RET_ERRNO | ENOSYS};
    _Static_assert(sizeof(allowed) / sizeof(*allowed) <= ALLOWED_MAX, "they have room");
    if (ARCHITECTURE == 0)
        return OS_NOSYS;
    load(&program, offsetof(struct seccomp_data, arch));
    put(&program, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    answer(&program, SECCOMP_RET_KILL_PROCESS);
    load(&program, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++) {
        put(&program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)allowed[i], 0, 1);
        answer(&program, SECCOMP_RET_ALLOW);
    }
    allow_some(&program);
    answer(&program, program.refusal);
    const struct sock_fprog filter = {program.count, program.code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0)
        return os_error_of(errno);
    return OS_OK;
}
