/* SPDX-License-Identifier: Apache-2.0 */
#include "app/path_pattern.h"

bool path_matches(const char *pattern, const char *path)
{
    for (; *pattern != '\0'; pattern++, path++) {
        if (pattern[0] == '*' && pattern[1] == '*') {
            bool is_parts = pattern[2] == '/';
            pattern += 2 + is_parts;
            for (bool is_begin = true;; is_begin = !is_parts || *path == '/', path++) {
                /* After a slash only, where whole parts are meant. */
                if (is_begin && path_matches(pattern, path))
                    return true;
                if (*path == '\0')
                    return false;
            }
        }
        if (*pattern == '*') {
            for (;; path++) {
                if (path_matches(pattern + 1, path))
                    return true;
                if (*path == '\0' || *path == '/')
                    return false;
            }
        }
        if (*path == '\0' || (*pattern == '?' ? *path == '/' : *pattern != *path))
            return false;
    }
    return *path == '\0';
}
