/* SPDX-License-Identifier: Apache-2.0 */
/* What standard output says when it cannot take any more: argument 1 is the errno that is expected of
 * a write, by name; `big` writes 1 MiB and expects no error. */
#include <fcntl.h>

#include "guest.h"

int main(int argc, char **argv)
{
    static char big[1 << 20];
    EXPECT(argc == 2);
    memset(big, 'x', sizeof(big));
    if (!strcmp(argv[1], "big")) {
        for (size_t done = 0; done < sizeof(big);) {
            ssize_t bytes = write(1, big + done, sizeof(big) - done);
            EXPECT(bytes > 0);
            done += (size_t)bytes;
        }
    } else if (!strcmp(argv[1], "EPIPE")) {
        EXPECT_ERRNO(write(1, big, 10), EPIPE);
        EXPECT_ERRNO(write(1, big, sizeof(big)), EPIPE);
    } else if (!strcmp(argv[1], "ENOSPC")) {
        EXPECT_ERRNO(write(1, big, 10), ENOSPC);
    } else if (!strcmp(argv[1], "EBADF")) {
        EXPECT_ERRNO(write(1, big, 10), EBADF);
    } else {
        return 2;
    }
    fprintf(stderr, "output: ok\n");
    return 0;
}
