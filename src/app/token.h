/* SPDX-License-Identifier: Apache-2.0 */
/* The characters of tokens (RFC 9110, 5.6.2), such as names of headers, for strspn. */
#ifndef APP_TOKEN_H
#define APP_TOKEN_H

#define TOKEN_CHARACTERS                                                                           \
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#endif
