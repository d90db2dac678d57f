/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_FEATURES_LIST_H
#define CLI_FEATURES_LIST_H

#include "cli/flags.h"

/* Prints the proposals that -W switches, and which are on, to stdout. */
void features_list(const struct feature_switches *switches);

#endif
