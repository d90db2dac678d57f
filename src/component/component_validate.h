/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of decoded components; private to this folder. */
#ifndef COMPONENT_COMPONENT_VALIDATE_H
#define COMPONENT_COMPONENT_VALIDATE_H

#include "component/component.h"

/* Validates the root and everything in it (component-model Explainer.md, Binary.md, CanonicalABI.md). */
MUST_CHECK enum stint_status component_validate(const struct component_file *file,
                                                struct stint_error *error);

#endif
