/* SPDX-License-Identifier: Apache-2.0 */
/* What a component gets of its host: for the tests of dependencies, which get it or not. */
#ifndef LOOK_H
#define LOOK_H

#include "stint_wasm.h"

/* "environment": how many variables; "directories", likewise; "store", "request", "variable": what comes of it. */
struct guest_text look(struct guest_text what);

#endif
