/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/features_list.h"

#include <stdio.h>

#include "wasm/op.h"

void features_list(const struct feature_switches *switches)
{
    uint32_t on = features_apply(switches);
    for (unsigned bit = FEATURE_BIT_MVP + 1; bit < FEATURE_BIT_COUNT; bit++)
        printf("%-26s%s\n", feature_name((enum feature_bit)bit),
               (on & UINT32_C(1) << bit) != 0 ? "on" : "off");
}
