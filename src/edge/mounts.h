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

enum { MOUNTS_PATH_BYTES = 4096 };

/* FOLDER/PATH, or PATH where that is absolute. False: too long. */
bool mounts_join(const char *folder, const char *path, char ret_path[MOUNTS_PATH_BYTES]);
/* Opens the regular file at `path` ("a/b") of the guest's tree. */
bool mounts_open(const struct app *app, const struct app_component *component, const char *path,
                 int *ret_fd, struct file_stat *ret_stat);
/* Whether a guest is to see only some files of folders, so that it gets a tree of its own. */
bool mounts_need_tree(const struct app *app, const struct app_component *component);
/* Makes it, in the folder of the application's state: no two versions of a process are the same. */
MUST_CHECK enum stint_status mounts_tree_create(const struct app *app,
                                                const struct app_component *component,
                                                uint64_t version, char ret_path[MOUNTS_PATH_BYTES],
                                                struct stint_error *error);
void mounts_tree_remove(const char *path);
/* Folders that a guest finds open, for reading only: `tree`, or those of the manifest where that is NULL.
 * NULL: memory is out. */
struct wasi_p1_dir *mounts_dirs(struct arena *arena, const struct app *app,
                                const struct app_component *component, const char *tree,
                                size_t *ret_count);

#endif
