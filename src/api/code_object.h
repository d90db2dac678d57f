/* SPDX-License-Identifier: Apache-2.0 */
/* An ELF object that describes an image's text where it lies: symbols, frames, source lines. */
#ifndef API_CODE_OBJECT_H
#define API_CODE_OBJECT_H

#include "base/buf.h"
#include "runtime/native.h"

/* Appends the object to `out`, which is empty; false when memory is out. */
MUST_CHECK bool code_object_write(struct buf *out, const struct stint_module *module,
                                  const struct native_image *image);

#endif
