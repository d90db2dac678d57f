/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the manifest that a server has for good, so that a reload cannot change them. */
#ifndef EDGE_SETTINGS_H
#define EDGE_SETTINGS_H

#include "app/app.h"
#include "edge/log.h"

/* Says in one line which of them are others now; nothing where none is. */
void settings_say_restart(const struct app_server *old, const struct app_server *new,
                          struct log_buffer *log);

#endif
