/* SPDX-License-Identifier: Apache-2.0 */
/* What the host gives to the guest, by name. */
#include <string.h>

#include "cli/cmd_run.h"
#include "cli/run_wasi.h"
#include "runtime/link.h"

/* More than these would only scroll the first ones away. */
enum { UNKNOWN_SHOWN_MAX = 40 };

static bool uses_wasi(const struct wasm_module *wasm)
{
    for (uint32_t i = 0; i < wasm->import_count; i++) {
        if (run_wasi_names(&wasm->imports[i]))
            return true;
    }
    return false;
}

static void report_unknown(const struct wasm_module *wasm, const struct wasm_import *import)
{
    char name[LINK_TEXT_BYTES], type[LINK_TEXT_BYTES];
    import_name_format(import, name, sizeof(name));
    import_type_format(wasm, import, type, sizeof(type));
    if (run_wasi_names(import)) {
        struct nearest nearest = {.wanted = import->field.text,
                                  .wanted_bytes = import->field.bytes};
        run_wasi_offer(&nearest);
        if (nearest.best != NULL)
            cli_hint("%s %s; did you mean '%s'?", name, type, nearest.best);
        else
            cli_hint("%s %s", name, type);
        return;
    }
    static const char preview1[] = "wasi_snapshot_preview1";
    struct nearest nearest = {.wanted = import->module.text, .wanted_bytes = import->module.bytes};
    nearest_offer(&nearest, preview1, sizeof(preview1) - 1);
    if (nearest.best != NULL)
        cli_hint("%s %s; did you mean the module '%s'?", name, type, preview1);
    else
        cli_hint("%s %s", name, type);
}

static void report_all_unknown(const struct run *run, uint32_t unknown)
{
    const struct wasm_module *wasm = run->module->wasm;
    uint32_t shown = 0;
    cli_error("%s: %u import%s unknown:", run->path, unknown, unknown == 1 ? " is" : "s are");
    for (uint32_t i = 0; i < wasm->import_count && shown < UNKNOWN_SHOWN_MAX; i++) {
        if (run->imports[i].kind == EXTERN_MISSING) {
            report_unknown(wasm, &wasm->imports[i]);
            shown++;
        }
    }
    if (shown < unknown)
        cli_hint("... and %u more", unknown - shown);
    cli_hint(
        STINT_DEVICE
            ? "'stint run' offers WASI preview 1 only; other imports need a program that embeds "
              "stint."
            : "'stint run' offers WASI preview 1 and 0.2; other imports need a program that "
              "embeds stint.");
}

/* Resolves one import; what is not there stays EXTERN_MISSING, which is no failure. */
static enum stint_status resolve(struct run *run, uint32_t number, struct stint_error *error)
{
    const struct wasm_import *import = &run->module->wasm->imports[number];
    struct extern_value *value = &run->imports[number];
    value->kind = EXTERN_MISSING;
    if (import->kind != EXTERN_FUNC || !run_wasi_names(import))
        return STINT_OK;
    enum stint_status status = run_wasi_find(run, import, &value->func, error);
    if (status == STINT_OK)
        value->kind = EXTERN_FUNC;
    return status == STINT_NOT_FOUND ? STINT_OK : status;
}

enum stint_status run_link(struct run *run, struct stint_error *error)
{
    const struct wasm_module *wasm = run->module->wasm;
    enum stint_status status = STINT_OK;
    uint32_t unknown = 0;
    if (wasm->import_count > 0) {
        run->imports = alloc_get_zeroed(&alloc_root, wasm->import_count, sizeof(*run->imports));
        if (run->imports == NULL)
            return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    }
    if (uses_wasi(wasm))
        status = run_wasi_open(run, error);
    for (uint32_t i = 0; i < wasm->import_count && status == STINT_OK; i++) {
        status = resolve(run, i, error);
        unknown += run->imports[i].kind == EXTERN_MISSING;
    }
    if (status != STINT_OK || unknown == 0)
        return status;
    report_all_unknown(run, unknown);
    return STINT_UNLINKABLE;
}
