/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for ever in the way that argument 1 names; the run gives it a time limit. */
#include <poll.h>
#include <sys/random.h>
#include <time.h>

#include "guest.h"

int main(int argc, char **argv)
{
    static char big[1 << 20];
    EXPECT(argc == 2);
    const char *how = argv[1];
    if (!strcmp(how, "read")) {
        (void)!read(0, big, 1);
    } else if (!strcmp(how, "write")) {
        for (;;)
            EXPECT(write(1, big, sizeof(big)) > 0);
    } else if (!strcmp(how, "sleep")) {
        for (;;)
            sleep(3600);
    } else if (!strcmp(how, "poll")) {
        struct pollfd item = {.fd = 0, .events = POLLIN};
        poll(&item, 1, -1);
    } else if (!strcmp(how, "fifo")) {
        int fd = open("fifo", O_RDONLY);
        EXPECT(fd >= 0);
        (void)!read(fd, big, 1);
    } else if (!strcmp(how, "random")) {
        for (;;)
            EXPECT(getentropy(big, 256) == 0);
    }
    fprintf(stderr, "the wait is over\n");
    return 1;
}
