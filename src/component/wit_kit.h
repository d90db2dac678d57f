/* SPDX-License-Identifier: Apache-2.0 */
/* The WIT of the guest kit, guest/c/wit, which the build puts into the program. */
#ifndef COMPONENT_WIT_KIT_H
#define COMPONENT_WIT_KIT_H

#include "component/wit_parse.h"

extern const struct wit_source wit_kit;

#endif
