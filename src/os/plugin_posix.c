/* SPDX-License-Identifier: Apache-2.0 */
#include "os/plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stint_config.h"

/* Cuts the last component off a path; false when it has none. */
static bool to_folder(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

/* The folder that the running program lies in. */
static bool program_folder(char folder[PATH_MAX])
{
    ssize_t bytes = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (bytes <= 0)
        return false;
    folder[bytes] = '\0';
    return to_folder(folder);
}

/* The folder of the file that this function is in, libstint.so or the program; false when the loader
 * knows it only by a relative name, which the working directory would decide. */
static bool library_folder(char folder[PATH_MAX])
{
    Dl_info info;
    if (dladdr((const void *)(uintptr_t)&plugin_load, &info) == 0 || info.dli_fname == NULL ||
        info.dli_fname[0] != '/' || strlen(info.dli_fname) >= PATH_MAX)
        return false;
    memcpy(folder, info.dli_fname, strlen(info.dli_fname) + 1);
    return to_folder(folder);
}

/* Tries one place. STINT_NOT_FOUND: no such file; `error` stays as it was then. */
static enum stint_status load_from(const char *folder, const char *below, const char *name,
                                   void **ret_library, struct stint_error *error)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s%s/%s", folder, below, name);
    if (length < 0 || (size_t)length >= sizeof(path) || access(path, F_OK) != 0)
        return STINT_NOT_FOUND;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *why = dlerror();
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "the plug-in does not load: %s",
                         why != NULL ? why : path);
    }
    *ret_library = library;
    return STINT_OK;
}

static enum stint_status find_library(const char *name, void **ret_library,
                                      struct stint_error *error)
{
    char folder[PATH_MAX];
    enum stint_status status = STINT_NOT_FOUND;
    if (program_folder(folder)) {
        status = load_from(folder, "", name, ret_library, error);
        if (status == STINT_NOT_FOUND)
            status =
                load_from(folder, "/../" STINT_PLUGIN_LIBDIR "/stint", name, ret_library, error);
    }
    if (status == STINT_NOT_FOUND && library_folder(folder)) {
        status = load_from(folder, "/stint", name, ret_library, error);
        if (status == STINT_NOT_FOUND) /* where both were built */
            status = load_from(folder, "", name, ret_library, error);
    }
    if (status == STINT_NOT_FOUND)
        status = load_from(STINT_PLUGIN_PREFIX, "/" STINT_PLUGIN_LIBDIR "/stint", name, ret_library,
                           error);
    return status;
}

enum stint_status plugin_load(const char *name, const char *symbol, void **ret_symbol,
                              struct stint_error *error)
{
    void *library = NULL;
    enum stint_status status = find_library(name, &library, error);
    if (status == STINT_NOT_FOUND)
        return error_set(error, status, STINT_NO_OFFSET,
                         "%s is not there: neither beside the program nor in " STINT_PLUGIN_LIBDIR
                         "/stint of its prefix",
                         name);
    if (status != STINT_OK)
        return status;
    void *found = dlsym(library, symbol);
    if (found == NULL)
        return error_set(error, STINT_IO, STINT_NO_OFFSET,
                         "%s is not a plug-in of this version: it has no %s", name, symbol);
    *ret_symbol = found;
    return STINT_OK;
}

enum stint_status plugin_table(const char *name, const char *symbol, uint32_t version,
                               const void **ret_table, struct stint_error *error)
{
    const void *(*entry)(void);
    void *found;
    uint32_t its_version = 0;
    enum stint_status status = plugin_load(name, symbol, &found, error);
    if (status != STINT_OK)
        return status;
    memcpy(&entry, &found, sizeof(entry));
    const void *table = entry();
    if (table != NULL)
        memcpy(&its_version, table, sizeof(its_version));
    if (table == NULL || its_version != version)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "%s is of another version of Stint", name);
    *ret_table = table;
    return STINT_OK;
}
