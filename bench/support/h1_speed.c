/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_speed: CPU time of parsing a request's head, best of many rounds: one line a request,
 * "name bytes ns". Linked with another parser of the same shape it would measure that one.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http/h1_parse.h"

#define TOKEN_64 "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIi"
#define TOKEN_256 TOKEN_64 TOKEN_64 TOKEN_64 TOKEN_64

enum { ROUNDS = 200, PARSES = 2000 };

static const struct {
    const char *name, *text;
} requests[] = {
    {"bare", "GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"},
    {"client",
     "GET /greeting?name=x HTTP/1.1\r\nHost: edge.example.org\r\nUser-Agent: curl/8.5.0\r\n"
     "Accept: */*\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n"},
    {"browser",
     "GET /wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\n"
     "Host: www.kittyhell.com\r\n"
     "User-Agent: Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; ja-JP-mac; rv:1.9.2.3) "
     "Gecko/20100401 Firefox/3.6.3 Pathtraq/0.9\r\n"
     "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
     "Accept-Language: ja,en-us;q=0.7,en;q=0.3\r\nAccept-Encoding: gzip,deflate\r\n"
     "Accept-Charset: Shift_JIS,utf-8;q=0.7,*;q=0.7\r\nKeep-Alive: 115\r\n"
     "Connection: keep-alive\r\n"
     "Cookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=xxxxxxxxxx; "
     "__utma=xxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.x; "
     "__utmz=xxxxxxxxx.xxxxxxxxxx.x.x.utmccn=(referral)|utmcsr=reader.livedoor.com|"
     "utmcct=/reader/|utmcmd=referral|padding=under-scores\r\n\r\n"},
    {"token",
     "GET /api/v1/things HTTP/1.1\r\nHost: api.example.org\r\nAuthorization: Bearer " TOKEN_256
         TOKEN_256 TOKEN_256 TOKEN_256 "\r\n\r\n"},
};

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(void)
{
    struct h1_field fields[64];
    struct h1_head head;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        const uint8_t *data = (const uint8_t *)requests[i].text;
        size_t bytes = strlen(requests[i].text);
        double best = 1e18;
        for (int round = 0; round < ROUNDS; round++) {
            double start = now_ns();
            for (int n = 0; n < PARSES; n++) {
                __asm__ volatile("" ::"r"(data) : "memory");
                h1_head_init(&head, H1_REQUEST, fields, 64);
                if (h1_head_parse(&head, &h1_limits_default, data, bytes) != H1_DONE)
                    return 1;
            }
            double each = (now_ns() - start) / PARSES;
            best = each < best ? each : best;
        }
        printf("%s %zu %.1f\n", requests[i].name, bytes, best);
    }
    return 0;
}
