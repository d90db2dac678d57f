/* SPDX-License-Identifier: Apache-2.0 */
/* What the fence would be, for people. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edge/fencing_int.h"
#include "os/account.h"

enum { COLUMN = 15, LINE_BYTES = 96 }; /* where texts begin, and about where lines end */

static void put_name(struct buf *out, const char *name)
{
    (void)buf_append_format(out, "  %-12s ", name);
}

/* ---- Files ------------------------------------------------------------------------------- */

static bool lies_in(const char *path, const char *folder)
{
    size_t bytes = strlen(folder);
    return strncmp(path, folder, bytes) == 0 &&
           (path[bytes] == '\0' || path[bytes] == '/' || (bytes > 0 && folder[bytes - 1] == '/'));
}

/* Whether an earlier one, or a folder above it, may as much. */
static bool is_said(const struct fencing_rules *rules, size_t at, unsigned may)
{
    const struct fence_rule *rule = &rules->items[at];
    for (size_t i = 0; i < rules->count; i++) {
        const struct fence_rule *other = &rules->items[i];
        if (i == at || (other->may & may) == 0 || !lies_in(rule->path, other->path))
            continue;
        if (i < at || strcmp(rule->path, other->path) != 0)
            return true;
    }
    return false;
}

/* Those with this right, in lines. What is not there, and will not be made, is out of reach. */
static void put_files(struct buf *out, const struct fencing_rules *rules, const char *name,
                      unsigned may)
{
    size_t column = COLUMN;
    bool is_first = true;
    put_name(out, name);
    for (size_t i = 0; i < rules->count; i++) {
        const char *path = rules->items[i].path;
        bool is_there = access(path, F_OK) == 0;
        size_t bytes = strlen(path) + 2;
        if ((rules->items[i].may & may) == 0 || is_said(rules, i, may) ||
            (!is_there && may != FENCE_WRITE))
            continue;
        if (!is_first && column + bytes > LINE_BYTES) {
            (void)buf_append_format(out, ",\n%*s", COLUMN, "");
            column = COLUMN;
        } else if (!is_first) {
            (void)buf_append_string(out, ", ");
        }
        (void)buf_append_format(out, "%s%s", path, is_there ? "" : " (made at start)");
        column += bytes + (is_there ? 0 : sizeof(" (made at start)") - 1);
        is_first = false;
    }
    (void)buf_append_string(out, is_first ? "nothing\n" : "\n");
}

static enum stint_status put_rules(struct buf *out, const struct edge_server *server)
{
    struct fencing_rules rules;
    bool ok = fencing_rules_collect(&rules, server, true);
    if (ok) {
        put_files(out, &rules, "  reads", FENCE_READ);
        put_files(out, &rules, "  writes", FENCE_WRITE);
        put_files(out, &rules, "  executes", FENCE_EXECUTE);
    }
    fencing_rules_free(&rules);
    return ok ? STINT_OK : STINT_NOMEM;
}

/* ---- The rest ---------------------------------------------------------------------------- */

static enum stint_status put_user(struct buf *out, const char *wanted, struct stint_error *error)
{
    struct account account;
    put_name(out, "user");
    if (!account_is_root()) {
        (void)buf_append_format(out, "who starts it, number %u%s%s\n", (unsigned)getuid(),
                                wanted[0] != '\0' ? "; only root could become " : "", wanted);
        return STINT_OK;
    }
    if (wanted[0] == '\0') {
        (void)buf_append_string(out, "root, as it is started: '--user NAME' makes it another one\n");
        return STINT_OK;
    }
    enum stint_status status = account_find(wanted, &account, error);
    if (status != STINT_OK)
        return status;
    /* As account_become does it: the cache is that user's. */
    (void)setenv("HOME", account.home, 1);
    (void)buf_append_format(out, "%s, number %u, of group %u\n", account.name,
                            (unsigned)account.user, (unsigned)account.group);
    return STINT_OK;
}

static void put_calls(struct buf *out, enum edge_fence mode)
{
    put_name(out, "calls");
    if (mode == EDGE_FENCE_OFF)
        (void)buf_append_string(out, "all\n");
    else if (!fence_has_calls())
        (void)buf_append_string(out, "all: this kernel has no seccomp\n");
    else
        (void)buf_append_format(out, "seccomp: %u of the system are let through, others %s\n",
                                fence_calls_count(),
                                mode == EDGE_FENCE_WARN ? "pass and are in the kernel's log"
                                                        : "fail as in a kernel without them");
}

enum stint_status fencing_describe(const struct edge_server *server, struct buf *text,
                                   struct stint_error *error)
{
    const struct edge_options *options = server->options;
    const struct app *app = server->app->app;
    static const char *const modes[] = {"off", "warn", "on"};
    enum edge_fence mode = fencing_mode(options, app);
    const char *wanted = fencing_user(options, app);
    int version = fence_files_version();
    (void)buf_append_format(text, "\nfence: %s\n", modes[mode]);
    enum stint_status status = put_user(text, wanted, error);
    if (status != STINT_OK)
        return status;
    bool keeps = mode != EDGE_FENCE_ON && fence_has_capabilities() &&
                 !(account_is_root() && wanted[0] != '\0');
    put_name(text, "capabilities");
    (void)buf_append_string(text, keeps ? "those that it is started with\n" : "none\n");
    put_calls(text, mode);
    put_name(text, "files");
    if (mode != EDGE_FENCE_ON) {
        (void)buf_append_string(text, "as their permissions say\n");
    } else if (version == 0) {
        (void)buf_append_string(text, "as their permissions say: this kernel has no Landlock\n");
    } else {
        (void)buf_append_format(text, "Landlock, version %d of this kernel\n", version);
        status = put_rules(text, server);
    }
    return text->failed ? STINT_NOMEM : status;
}
