/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/fencing.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "edge/fencing_int.h"
#include "os/account.h"
#include "os/fence.h"
#include "stint_config.h"

/* ---- Raising ----------------------------------------------------------------------------- */

/* What is read again later has to be readable for the user that the server becomes. */
static void look_at_files(const struct edge_server *server, struct log_buffer *log)
{
    const struct edge_options *options = server->options;
    const struct app *app = server->app->app;
    const struct app_server *settings = &app->server;
    const char *user = server->fence.user;
    for (uint32_t i = 0; i <= settings->certificate_count; i++) {
        const char *path = i < settings->certificate_count ? settings->certificates[i].key_file
                                                           : options->tls_key;
        if (path != NULL && server->certificates != NULL && access(path, R_OK) != 0)
            log_line(log, LOG_WARN, NULL, NULL,
                     "%s: user %s may not read it, so a new one is seen at the next start only", path,
                     user);
    }
    if (access(app->folder, R_OK | X_OK) != 0)
        log_line(log, LOG_WARN, NULL, NULL,
                 "%s: user %s may not read this folder, so SIGHUP will not find what is new in it",
                 app->folder, user);
    if (server->log.owns_access && access(fencing_access_log(server), W_OK) != 0)
        log_line(log, LOG_WARN, NULL, NULL,
                 "%s: user %s may not write it, so signals will not open it again; 'chown %s %s' helps",
                 fencing_access_log(server), user, user, fencing_access_log(server));
    bool is_made = server->fence.mode == EDGE_FENCE_ON || access(settings->state_folder, F_OK) == 0;
    if (fencing_has_data(app) && is_made && access(settings->state_folder, W_OK) != 0)
        log_line(log, LOG_WARN, NULL, NULL,
                 "%s: user %s may not write there, so stores and databases do not work; 'chown -R %s "
                 "%s' helps",
                 settings->state_folder, user, user, settings->state_folder);
}

const char *fencing_user(const struct edge_options *options, const struct app *app)
{
    return options->user != NULL ? options->user : app->server.user;
}

enum stint_status fencing_act_as_user(const struct edge_server *server, const struct app *app,
                                      bool *ret_acts, struct stint_error *error)
{
    const char *wanted = fencing_user(server->options, app);
    struct account account;
    *ret_acts = false;
    if (!account_is_root() || wanted[0] == '\0')
        return STINT_OK;
    enum stint_status status = account_find(wanted, &account, error);
    if (status != STINT_OK)
        return status;
    *ret_acts = true;
    return account_act_as(&account)
               ? STINT_OK
               : error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot act as user '%s'", wanted);
}

enum stint_status fencing_act_as_self(struct stint_error *error)
{
    return account_be_root() ? STINT_OK
                             : error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot be root again");
}

static enum stint_status become_user(struct edge_server *server, struct log_buffer *log,
                                     struct stint_error *error)
{
    const char *wanted = fencing_user(server->options, server->app->app);
    struct account account;
    if (!account_is_root()) {
        if (wanted[0] != '\0')
            log_line(log, LOG_INFO, NULL, NULL,
                     "not started by root, so it stays the user that it is, not %s", wanted);
        return STINT_OK;
    }
    if (wanted[0] == '\0') {
        log_line(log, LOG_WARN, NULL, NULL,
                 "it runs as root, which nothing in it needs once it listens: '--user NAME', or "
                 "user = \"NAME\" in [application.tool.stint.server], makes it another user");
        return STINT_OK;
    }
    enum stint_status status = account_find(wanted, &account, error);
    if (status != STINT_OK)
        return status;
    /* Root opened it; signals open it again. */
    if (server->log.owns_access)
        account_give_file(&account, fencing_access_log(server), atomic_load(&server->log.access_fd));
    status = account_become(&account, error);
    if (status != STINT_OK)
        return status;
    (void)snprintf(server->fence.user, sizeof(server->fence.user), "%s", account.name);
    return STINT_OK;
}

static void fence_off_files(struct edge_server *server, struct log_buffer *log)
{
    struct fencing_rules rules;
    enum os_error reason = OS_NOMEM;
    if (fencing_rules_collect(&rules, server, false))
        reason = fence_files(rules.items, rules.count);
    server->fence.has_files = reason == OS_OK;
    if (reason == OS_NOSYS)
        log_line(log, LOG_WARN, NULL, NULL,
                 "this kernel has no Landlock (5.13 and later can have it), so files are guarded by "
                 "their permissions alone");
    else if (reason != OS_OK)
        log_line(log, LOG_WARN, NULL, NULL, "files are not fenced off: %s", os_error_text(reason));
    fencing_rules_free(&rules);
}

enum edge_fence fencing_mode(const struct edge_options *options, const struct app *app)
{
    const char *text = options->fence != NULL ? options->fence : app->server.fence;
    if (strcmp(text, "off") == 0)
        return EDGE_FENCE_OFF;
    if (strcmp(text, "warn") == 0)
        return EDGE_FENCE_WARN;
    if (strcmp(text, "on") == 0)
        return EDGE_FENCE_ON;
    /* The leak checker of this build traces the process at its end. */
    return strcmp(STINT_BUILD_FLAVOUR, "debug") == 0 ? EDGE_FENCE_OFF : EDGE_FENCE_ON;
}

static void fence_off(struct edge_server *server, struct log_buffer *log)
{
    struct edge_fencing *fence = &server->fence;
    enum os_error reason;
    if (fence->mode == EDGE_FENCE_ON) {
        reason = fence_capabilities();
        if (reason != OS_OK)
            log_line(log, LOG_WARN, NULL, NULL, "capabilities are kept: %s", os_error_text(reason));
        fence_off_files(server, log);
    }
    reason = fence_calls(fence->mode == EDGE_FENCE_ON ? FENCE_REFUSE : FENCE_REPORT);
    fence->has_calls = reason == OS_OK;
    if (reason != OS_OK)
        log_line(log, LOG_WARN, NULL, NULL, "calls of the system are not filtered: %s",
                 os_error_text(reason));
    log_line(log, LOG_INFO, NULL, NULL, "fence: %s%s%s%s",
             fence->user[0] != '\0' ? fence->user : account_is_root() ? "root" : "own user",
             fence_has_capabilities() ? ", capabilities" : ", no capabilities",
             fence->has_files ? ", files by Landlock" : ", all files",
             !fence->has_calls                  ? ", all calls of the system"
             : fence->mode == EDGE_FENCE_WARN ? ", calls of the system reported"
                                                : ", calls of the system by seccomp");
}

enum stint_status fencing_raise(struct edge_server *server, struct log_buffer *log)
{
    struct edge_fencing *fence = &server->fence;
    struct stint_error error = {0};
    fence->mode = fencing_mode(server->options, server->app->app);
    enum stint_status status = become_user(server, log, &error);
    if (status != STINT_OK)
        log_line(log, LOG_ERROR, NULL, NULL, "%s", error.message);
    if (status == STINT_OK && fence->mode != EDGE_FENCE_OFF)
        fence_off(server, log);
    if (status == STINT_OK && fence->user[0] != '\0')
        look_at_files(server, log);
    return status;
}
