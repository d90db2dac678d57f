/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

static int is_prime(unsigned n)
{
    for (unsigned divisor = 2; divisor * divisor <= n; divisor++) {
        if (n % divisor == 0) {
            return 0;
        }
    }
    return n >= 2;
}

int main(int argc, char **argv)
{
    unsigned limit = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 50;
    for (unsigned n = 0; n < limit; n++) {
        is_prime(n) ? printf("%u ", n) : 0;
    }
    puts("are prime.");
}
