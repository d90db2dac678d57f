/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operating system answered: the errors that are an answer to a guest rather than a
 * failure of ours. Functions of os/ and of wasi/host_* that act for a guest return one of these.
 *
 * The values are those of WASI preview 1 (`errno`), so that this ABI passes them on as they are;
 * other ABIs translate by name. Append only.
 */
#ifndef OS_ERRORS_H
#define OS_ERRORS_H

#include "base/status.h"

/* name, the C library's errno; 0 where the system never says it. One row an error, in WASI's order. */
#define OS_ERROR_MAP(X)                                                                            \
    X(2BIG, E2BIG)                                                                                 \
    X(ACCES, EACCES)                                                                               \
    X(ADDRINUSE, EADDRINUSE)                                                                       \
    X(ADDRNOTAVAIL, EADDRNOTAVAIL)                                                                 \
    X(AFNOSUPPORT, EAFNOSUPPORT)                                                                   \
    X(AGAIN, EAGAIN)                                                                               \
    X(ALREADY, EALREADY)                                                                           \
    X(BADF, EBADF)                                                                                 \
    X(BADMSG, EBADMSG)                                                                             \
    X(BUSY, EBUSY)                                                                                 \
    X(CANCELED, ECANCELED)                                                                         \
    X(CHILD, ECHILD)                                                                               \
    X(CONNABORTED, ECONNABORTED)                                                                   \
    X(CONNREFUSED, ECONNREFUSED)                                                                   \
    X(CONNRESET, ECONNRESET)                                                                       \
    X(DEADLK, EDEADLK)                                                                             \
    X(DESTADDRREQ, EDESTADDRREQ)                                                                   \
    X(DOM, EDOM)                                                                                   \
    X(DQUOT, EDQUOT)                                                                               \
    X(EXIST, EEXIST)                                                                               \
    X(FAULT, EFAULT)                                                                               \
    X(FBIG, EFBIG)                                                                                 \
    X(HOSTUNREACH, EHOSTUNREACH)                                                                   \
    X(IDRM, EIDRM)                                                                                 \
    X(ILSEQ, EILSEQ)                                                                               \
    X(INPROGRESS, EINPROGRESS)                                                                     \
    X(INTR, EINTR)                                                                                 \
    X(INVAL, EINVAL)                                                                               \
    X(IO, EIO)                                                                                     \
    X(ISCONN, EISCONN)                                                                             \
    X(ISDIR, EISDIR)                                                                               \
    X(LOOP, ELOOP)                                                                                 \
    X(MFILE, EMFILE)                                                                               \
    X(MLINK, EMLINK)                                                                               \
    X(MSGSIZE, EMSGSIZE)                                                                           \
    X(MULTIHOP, EMULTIHOP)                                                                         \
    X(NAMETOOLONG, ENAMETOOLONG)                                                                   \
    X(NETDOWN, ENETDOWN)                                                                           \
    X(NETRESET, ENETRESET)                                                                         \
    X(NETUNREACH, ENETUNREACH)                                                                     \
    X(NFILE, ENFILE)                                                                               \
    X(NOBUFS, ENOBUFS)                                                                             \
    X(NODEV, ENODEV)                                                                               \
    X(NOENT, ENOENT)                                                                               \
    X(NOEXEC, ENOEXEC)                                                                             \
    X(NOLCK, ENOLCK)                                                                               \
    X(NOLINK, ENOLINK)                                                                             \
    X(NOMEM, ENOMEM)                                                                               \
    X(NOMSG, ENOMSG)                                                                               \
    X(NOPROTOOPT, ENOPROTOOPT)                                                                     \
    X(NOSPC, ENOSPC)                                                                               \
    X(NOSYS, ENOSYS)                                                                               \
    X(NOTCONN, ENOTCONN)                                                                           \
    X(NOTDIR, ENOTDIR)                                                                             \
    X(NOTEMPTY, ENOTEMPTY)                                                                         \
    X(NOTRECOVERABLE, ENOTRECOVERABLE)                                                             \
    X(NOTSOCK, ENOTSOCK)                                                                           \
    X(NOTSUP, ENOTSUP)                                                                             \
    X(NOTTY, ENOTTY)                                                                               \
    X(NXIO, ENXIO)                                                                                 \
    X(OVERFLOW, EOVERFLOW)                                                                         \
    X(OWNERDEAD, EOWNERDEAD)                                                                       \
    X(PERM, EPERM)                                                                                 \
    X(PIPE, EPIPE)                                                                                 \
    X(PROTO, EPROTO)                                                                               \
    X(PROTONOSUPPORT, EPROTONOSUPPORT)                                                             \
    X(PROTOTYPE, EPROTOTYPE)                                                                       \
    X(RANGE, ERANGE)                                                                               \
    X(ROFS, EROFS)                                                                                 \
    X(SPIPE, ESPIPE)                                                                               \
    X(SRCH, ESRCH)                                                                                 \
    X(STALE, ESTALE)                                                                               \
    X(TIMEDOUT, ETIMEDOUT)                                                                         \
    X(TXTBSY, ETXTBSY)                                                                             \
    X(XDEV, EXDEV)                                                                                 \
    /* A path or a right reaches beyond what the guest was given. */                               \
    X(NOTCAPABLE, 0)                                                                               \
    /* Never shown to a guest: its deadline passed or it was interrupted while it waited. */       \
    X(STOPPED, 0)

enum os_error {
    OS_OK = 0,
#define X(name, number) OS_##name,
    OS_ERROR_MAP(X)
#undef X
};

/* The error for a value of errno; OS_IO for those that have no row, OS_OK for 0. */
enum os_error os_error_of(int number);
/* "No such file or directory", …; never NULL. */
const char *os_error_text(enum os_error error);

#endif
