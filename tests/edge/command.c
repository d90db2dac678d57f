/* SPDX-License-Identifier: Apache-2.0 */
/* A command for the tests of the server, as CGI has them: the path of the request says what it does. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static unsigned runs; /* of this instance */

static int is(const char *path, const char *name)
{
    return strncmp(path, name, strlen(name)) == 0;
}

static void head(const char *lines)
{
    printf("%s\n", lines);
}

static void plain(void)
{
    head("Content-Type: text/plain\n");
}

static void show_all(int count, char **args)
{
    plain();
    for (int i = 0; i < count; i++)
        printf("arg %s\n", args[i]);
    for (char **at = environ; *at != NULL; at++)
        printf("%s\n", *at);
}

static void echo(void)
{
    static char piece[10000];
    ssize_t bytes;
    plain();
    fflush(stdout);
    while ((bytes = read(0, piece, sizeof(piece))) > 0)
        write(1, piece, (size_t)bytes);
}

static void big(long bytes)
{
    static char piece[4096];
    memset(piece, 'x', sizeof(piece));
    plain();
    for (; bytes > 0; bytes -= (long)sizeof(piece))
        fwrite(piece, 1, bytes < (long)sizeof(piece) ? (size_t)bytes : sizeof(piece), stdout);
}

static void wait_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void drip(long ms)
{
    plain();
    for (int i = 0; i < 5; i++) {
        printf("drop\n");
        fflush(stdout);
        wait_ms(ms);
    }
}

static void show_file(const char *name)
{
    char text[200];
    int fd = open(name, O_RDONLY);
    ssize_t bytes = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (bytes < 0) {
        head("Status: 404 Not Found\n");
        return;
    }
    plain();
    fwrite(text, 1, (size_t)bytes, stdout);
}

static void *memory(long bytes)
{
    static void *volatile block;
    block = malloc((size_t)bytes);
    return block;
}

static void spin(void)
{
    for (volatile unsigned long i = 0;; i++) {
    }
}

int main(int count, char **args)
{
    const char *path = getenv("PATH_INFO");
    const char *equals = path != NULL ? strchr(path, '=') : NULL;
    long number = equals != NULL ? atol(equals + 1) : 0;
    if (path == NULL)
        path = "";
    if (is(path, "/all"))
        show_all(count, args);
    else if (is(path, "/echo"))
        echo();
    else if (is(path, "/big"))
        big(number);
    else if (is(path, "/drip"))
        drip(number);
    else if (is(path, "/count"))
        plain(), printf("%u\n", ++runs);
    else if (is(path, "/status"))
        head("Status: 418 I'm a teapot\nX-Two: a\nX-Two: b\r\nSet-Cookie: a=1\nSet-Cookie: b=2\n");
    else if (is(path, "/location"))
        head("Location: /elsewhere\n");
    else if (is(path, "/length"))
        head("Content-Type: text/plain\nContent-Length: 3\n"), printf("abc");
    else if (is(path, "/silent"))
        return 0;
    else if (is(path, "/bare"))
        printf("just text\n");
    else if (is(path, "/bad-line"))
        head("Content-Type: text/plain\nno colon\n");
    else if (is(path, "/bad-status"))
        head("Status: fine\n");
    else if (is(path, "/no-type"))
        head("X-Some: thing\n");
    else if (is(path, "/long-head"))
        for (int i = 0; i < 10000; i++)
            printf("X-%d: 0123456789\n", i);
    else if (is(path, "/exit"))
        plain(), fflush(stdout), exit((int)number);
    else if (is(path, "/late-exit"))
        drip(20), exit(3);
    else if (is(path, "/trap"))
        plain(), __builtin_trap();
    else if (is(path, "/stderr"))
        plain(), fprintf(stderr, "to stderr\n");
    else if (is(path, "/spin"))
        spin();
    else if (is(path, "/sleep"))
        wait_ms(number), plain();
    else if (is(path, "/memory"))
        plain(), printf("%s\n", memory(number) != NULL ? "there" : "none");
    else if (is(path, "/file/"))
        show_file(path + 5);
    else
        plain(), printf("hello\n");
    return 0;
}
