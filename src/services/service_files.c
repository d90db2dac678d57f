/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of stores and databases, and work on them: in a thread that may block, while the guest's
 * fiber waits. A file that somebody else writes is tried again after a pause, in which no thread is
 * taken: or guests that wait for one another would fill all threads, and the one that could go on would
 * have none.
 */
#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/files.h"
#include "os/plugin.h"
#include "services/services_int.h"

enum {
    BUSY_FIRST_NS = 1000000,
    BUSY_MOST_NS = 50000000,
};
#define BUSY_TOTAL_NS UINT64_C(10000000000)

/* ---- Files ------------------------------------------------------------------------------- */

static bool file_init(struct services *services, struct service_file *file, const char *label,
                      const char *path, bool is_store)
{
    file->label = label;
    file->is_store = is_store;
    file->is_memory = path[0] == '\0';
    lock_init(&file->lock);
    size_t bytes = strlen(path) + strlen(label) + 64;
    file->path = arena_get(&services->arena, bytes);
    if (file->path == NULL)
        return false;
    /* Memory with a name is one for all links of the process, so that it outlives a reload. */
    if (file->is_memory)
        (void)snprintf(file->path, bytes, "file:/stint-%s-%s?vfs=memdb",
                       is_store ? "store" : "database", label);
    else
        (void)snprintf(file->path, bytes, "%s", path);
    return true;
}

static bool redis_init(struct services *services, struct service_file *file, const char *url)
{
    struct redis_url parsed;
    const char *why = redis_url_parse(url, &parsed);
    file->refusal = why;
    file->redis = arena_get(&services->arena, sizeof(*file->redis));
    if (file->redis != NULL && why == NULL)
        memcpy(file->redis, &parsed, sizeof(parsed));
    return file->redis != NULL;
}

enum stint_status service_files_create(struct services *services, struct stint_error *error)
{
    const struct app *app = services->app;
    bool fits = true;
    services->stores =
        arena_get_zeroed(&services->arena, app->store_count + 1, sizeof(*services->stores));
    services->databases =
        arena_get_zeroed(&services->arena, app->database_count + 1, sizeof(*services->databases));
    fits = services->stores != NULL && services->databases != NULL;
    for (uint32_t i = 0; fits && i < app->store_count; i++) {
        const struct app_store *store = &app->stores[i];
        fits = file_init(services, &services->stores[i], store->label, store->path, true);
        if (fits && store->kind == APP_STORE_REDIS)
            fits = redis_init(services, &services->stores[i], store->url);
    }
    for (uint32_t i = 0; fits && i < app->database_count; i++) {
        const struct app_database *database = &app->databases[i];
        fits = file_init(services, &services->databases[i], database->label, database->path, false);
        services->databases[i].may_attach = database->allow_attach;
    }
    return fits ? STINT_OK
                : error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory for stores");
}

static void file_end(const struct services *services, struct service_file *file)
{
    for (uint32_t i = 0; i < file->idle_count; i++)
        services->sqlite->close(file->idle[i]);
    if (file->anchor != NULL)
        services->sqlite->close(file->anchor);
    if (file->label != NULL)
        lock_free(&file->lock);
}

void service_files_free(struct services *services)
{
    for (uint32_t i = 0; services->stores != NULL && i < services->app->store_count; i++)
        file_end(services, &services->stores[i]);
    for (uint32_t i = 0; services->databases != NULL && i < services->app->database_count; i++)
        file_end(services, &services->databases[i]);
}

/* ---- In the other thread ----------------------------------------------------------------- */

static bool load(struct services *services, char message[SERVICE_MESSAGE_BYTES])
{
    const void *table;
    struct stint_error error = {0};
    lock_take(&services->lock);
    if (services->sqlite == NULL && plugin_table(SQLITE_PLUGIN, SQLITE_SYMBOL, SQLITE_API_LEVEL,
                                                 &table, &error) == STINT_OK)
        services->sqlite = table;
    bool is_there = services->sqlite != NULL;
    lock_give(&services->lock);
    if (!is_there)
        (void)snprintf(message, SERVICE_MESSAGE_BYTES, "this server has no SQLite");
    return is_there;
}

/* The folder that the file is to be in; its parent has to be there. */
static void make_folder(const char *path)
{
    char folder[4096];
    int fd;
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path || (size_t)(slash - path) >= sizeof(folder))
        return;
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    char *last = strrchr(folder, '/');
    const char *parent = last == NULL ? "." : last == folder ? "/" : folder;
    const char *name = last == NULL ? folder : last + 1;
    if (last != NULL)
        *last = '\0';
    if (file_open_host(parent, FILE_READ | FILE_IS_DIRECTORY, &fd) != OS_OK)
        return;
    /* If this fails, to open the file does too, which is said. What is committed to the file has to be
     * found after a power cut: SQLite sees to the folder's content, not to the folder itself. */
    enum os_error made = file_make_directory_at(fd, name);
    if (made == OS_OK || made == OS_EXIST)
        made = file_sync(fd, false);
    file_close(fd);
}

static enum sqlite_end open_link(struct service_job *job, struct sqlite_link **ret_link)
{
    static const char schema[] = "CREATE TABLE IF NOT EXISTS spin_key_value (store TEXT NOT NULL, "
                                 "key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";
    const struct service_file *file = job->file;
    const struct sqlite_api *sqlite = job->services->sqlite;
    const struct sqlite_config config = {
        .path = file->path, .is_guest = job->is_own, .may_attach = file->may_attach};
    struct sqlite_link *link;
    if (!file->is_memory)
        make_folder(file->path);
    enum sqlite_end end = sqlite->open(&config, &link, job->message);
    if (end != SQLITE_END_DONE)
        return end;
    if (file->is_store)
        end = sqlite->run(link, schema, sizeof(schema) - 1, false, NULL, 0, NULL, job->message);
    if (end == SQLITE_END_DONE)
        *ret_link = link;
    else
        sqlite->close(link);
    return end;
}

/* So that what is in memory stays when nobody has it open. */
static enum sqlite_end keep_memory(struct service_job *job)
{
    struct service_file *file = job->file;
    struct sqlite_link *link;
    enum sqlite_end end = SQLITE_END_DONE;
    lock_take(&file->lock);
    if (file->is_memory && file->anchor == NULL) {
        end = open_link(job, &link);
        if (end == SQLITE_END_DONE)
            file->anchor = link;
    }
    lock_give(&file->lock);
    return end;
}

static void run_shared(struct service_job *job)
{
    struct service_file *file = job->file;
    const struct sqlite_api *sqlite = job->services->sqlite;
    struct sqlite_link *link = NULL;
    lock_take(&file->lock);
    if (file->idle_count > 0)
        link = file->idle[--file->idle_count];
    lock_give(&file->lock);
    job->end = link != NULL ? SQLITE_END_DONE : open_link(job, &link);
    if (job->end != SQLITE_END_DONE)
        return;
    if (job->run != NULL)
        job->end = job->run(job, link);
    /* A job that failed half-way leaves nothing. */
    if (sqlite->is_in_transaction(link))
        (void)service_run(job, link, "ROLLBACK", 8, false, NULL, 0, NULL);
    bool is_sound = !sqlite->is_in_transaction(link) && job->end != SQLITE_END_FAILED;
    lock_take(&file->lock);
    if (is_sound && file->idle_count < SERVICE_IDLE_MAX) {
        file->idle[file->idle_count++] = link;
        link = NULL;
    }
    lock_give(&file->lock);
    sqlite->close(link);
}

static void work(void *arg)
{
    struct service_job *job = arg;
    job->message[0] = '\0';
    job->end = SQLITE_END_FAILED;
    if (!load(job->services, job->message))
        return;
    job->end = keep_memory(job);
    if (job->end != SQLITE_END_DONE)
        return;
    if (!job->is_own) {
        run_shared(job);
        return;
    }
    if (job->link == NULL)
        job->end = open_link(job, &job->link);
    if (job->end == SQLITE_END_DONE && job->run != NULL)
        job->end = job->run(job, job->link);
}

/* ---- Statements -------------------------------------------------------------------------- */

static bool put_columns(void *env, const char *const *names, size_t count)
{
    struct buf *cells = env;
    bool fits = service_put_cell(cells, (struct service_cell){SERVICE_COLUMNS, 0, count}, NULL);
    for (size_t i = 0; fits && i < count; i++) {
        uint32_t bytes = (uint32_t)strlen(names[i]);
        fits = service_put_cell(cells, (struct service_cell){SQLITE_KIND_TEXT, bytes, 0}, names[i]);
    }
    return fits;
}

static bool put_row(void *env, const struct sqlite_value *values, size_t count)
{
    struct buf *cells = env;
    bool fits = service_put_cell(cells, (struct service_cell){SERVICE_ROW, 0, count}, NULL);
    for (size_t i = 0; fits && i < count; i++) {
        const struct sqlite_value *value = &values[i];
        struct service_cell cell = {.kind = (uint32_t)value->kind};
        bool has_bytes = value->kind == SQLITE_KIND_TEXT || value->kind == SQLITE_KIND_BLOB;
        if (value->kind == SQLITE_KIND_REAL)
            memcpy(&cell.bits, &value->real, sizeof(cell.bits));
        else if (value->kind == SQLITE_KIND_INTEGER)
            cell.bits = (uint64_t)value->integer;
        if (has_bytes)
            cell.bytes = (uint32_t)value->bytes;
        fits = service_put_cell(cells, cell, has_bytes ? value->data : NULL);
    }
    return fits;
}

/* The functions of a statement's rows have one environment. */
struct row_env {
    struct buf *cells;
    const struct service_job *job;
};

static bool on_columns(void *env, const char *const *names, size_t count)
{
    const struct row_env *rows = env;
    return rows->cells == NULL || put_columns(rows->cells, names, count);
}

static bool on_row(void *env, const struct sqlite_value *values, size_t count)
{
    const struct row_env *rows = env;
    return rows->cells == NULL || put_row(rows->cells, values, count);
}

static bool on_progress(void *env)
{
    const struct row_env *rows = env;
    return host_wait_is_over(&rows->job->wait);
}

enum sqlite_end service_run(struct service_job *job, struct sqlite_link *link, const char *sql,
                            size_t sql_bytes, bool is_kept, const struct sqlite_value *values,
                            size_t count, struct buf *cells)
{
    struct row_env env = {cells, job};
    const struct sqlite_rows rows = {
        .columns = on_columns, .row = on_row, .is_over = on_progress, .env = &env};
    return job->services->sqlite->run(link, sql, sql_bytes, is_kept, values, count, &rows,
                                      job->message);
}

bool service_put_cell(struct buf *cells, struct service_cell cell, const void *data)
{
    size_t before = cells->bytes;
    if (buf_append(cells, &cell, sizeof(cell)) &&
        (cell.bytes == 0 || buf_append(cells, data, cell.bytes)))
        return true;
    cells->bytes = before;
    return false;
}

bool service_next(struct service_reader *reader, struct service_cell *ret_cell,
                  const uint8_t **ret_data)
{
    struct service_cell cell;
    if ((size_t)(reader->end - reader->at) < sizeof(cell))
        return false;
    memcpy(&cell, reader->at, sizeof(cell));
    *ret_data = reader->at + sizeof(cell);
    reader->at += sizeof(cell) + cell.bytes;
    *ret_cell = cell;
    return true;
}

/* ---- On the guest's fiber ---------------------------------------------------------------- */

enum stint_status service_do(struct host_component_call *call, struct service_job *job)
{
    uint64_t waited_ns = 0, pause_ns = BUSY_FIRST_NS;
    size_t ready;
    job->services = service_of(call)->services;
    job->wait = p2_wait(call);
    if (job->file->refusal != NULL) {
        job->end = SQLITE_END_FAILED;
        (void)snprintf(job->message, sizeof(job->message), "%s", job->file->refusal);
        return STINT_OK;
    }
    for (;;) {
        if (host_wait_work(&job->wait, work, job) != OS_OK)
            return p2_no_memory(call);
        if (job->end == SQLITE_END_STOPPED && host_wait_is_over(&job->wait))
            return p2_stopped(call);
        if (job->end != SQLITE_END_BUSY || waited_ns >= BUSY_TOTAL_NS)
            return STINT_OK;
        uint64_t until_ns = clock_now_ns(OS_CLOCK_MONOTONIC) + pause_ns;
        if (host_wait_any(&job->wait, NULL, 0, until_ns, &ready) != OS_OK)
            return p2_stopped(call);
        waited_ns += pause_ns;
        pause_ns = pause_ns * 2 < BUSY_MOST_NS ? pause_ns * 2 : BUSY_MOST_NS;
    }
}
