/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the files fencing*.c. */
#ifndef EDGE_FENCING_INT_H
#define EDGE_FENCING_INT_H

#include "edge/fencing.h"
#include "os/fence.h"

/* Files that stay within reach; a path may be there several times. */
struct fencing_rules {
    struct arena arena;
    struct buf list; /* of struct fence_rule */
    const struct fence_rule *items;
    size_t count;
    bool is_trial; /* nothing is made for them */
    bool failed;   /* memory is out */
};

/* Makes folders for data that are not there, unless `is_trial`. False: memory is out. To be freed in both
 * cases. */
MUST_CHECK bool fencing_rules_collect(struct fencing_rules *rules, const struct edge_server *server,
                                      bool is_trial);
void fencing_rules_free(struct fencing_rules *rules);

/* Whether a component may use a store or a database, or has a tree of files. */
bool fencing_has_data(const struct app *app);
/* The access log as the options or the manifest name it; also "off" and the like. */
const char *fencing_access_log(const struct edge_server *server);
/* The user that root is to become; "": none. */
const char *fencing_user(const struct edge_options *options, const struct app *app);
enum edge_fence fencing_mode(const struct edge_options *options, const struct app *app);

#endif
