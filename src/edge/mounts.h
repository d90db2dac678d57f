/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `files` of components. A pattern such as "static/" with "**" and "/" and "*" after it names files that
 * are at the same path in the guest; { source, destination } puts a file or folder elsewhere.
 * exclude_files takes files away again.
 */
#ifndef EDGE_MOUNTS_H
#define EDGE_MOUNTS_H

#include "app/app.h"
#include "os/files.h"
#include "wasi/p1.h"

/* `*` and `?` stay in a part of a path, `**` does not. */
bool mounts_match(const char *pattern, const char *path);
/* Opens the regular file at `path` ("a/b") of the guest's tree. */
bool mounts_open(const struct app *app, const struct app_component *component, const char *path,
                 int *ret_fd, struct file_stat *ret_stat);
/*
 * Folders that a guest finds open, for reading only. Those of which patterns or exclude_files take only
 * some files are left out and counted in `ret_skipped`. NULL: memory is out.
 */
struct wasi_p1_dir *mounts_dirs(struct arena *arena, const struct app *app,
                                const struct app_component *component, size_t *ret_count,
                                uint32_t *ret_skipped);

#endif
