/* SPDX-License-Identifier: Apache-2.0 */
/* `stint sign`: a signature for machine code that is there already. */
#include <string.h>

#include "aot/image_check.h"
#include "aot/trust.h"
#include "base/sha256.h"
#include "cli/cli.h"
#include "cli/cmd_compile.h"
#include "cli/module_file.h"
#include "cli/output_file.h"
#include "component/component.h"
#include "interp/interp.h"
#include "os/cpu.h"

struct sign_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/sign_flags.def"
#undef FLAG
};

static const struct flag sign_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct sign_options, kind, field, __VA_ARGS__)
#include "cli/sign_flags.def"
#undef FLAG
};

/* The core modules that machine code in a file can be for: the file's own, or a component's. */
struct subjects {
    struct component_file *component; /* or NULL */
    const uint8_t *wasm;
    size_t wasm_bytes;
    uint32_t count;
};

static enum stint_status list_subjects(const struct module_file *file, size_t wasm_bytes,
                                       struct subjects *ret_subjects, struct stint_error *error)
{
    struct engine_config config = engine_config_default();
    struct stint_engine *engine;
    *ret_subjects = (struct subjects){.wasm = file->bytes, .wasm_bytes = wasm_bytes, .count = 1};
    if (!file->is_component)
        return STINT_OK;
    enum stint_status status = engine_create(&config, &interp_ops, &engine);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "out of memory");
    status = component_create(engine, file->bytes, wasm_bytes, true, &ret_subjects->component, error);
    engine_release(engine);
    if (status == STINT_OK)
        ret_subjects->count = ret_subjects->component->module_count;
    return status;
}

/* A file that is signed anew. */
struct signing {
    const struct sign_options *options;
    const uint8_t *bytes;
    struct artefact artefact;
    struct artefact_piece pieces[ARTEFACT_PARTS_MAX];
    struct artefact_signature signatures[2 * ARTEFACT_PARTS_MAX];
    uint32_t made, count; /* signatures of ours, and all that are to be written */
};

static bool is_signed(const struct signing *s, const uint8_t digest[SHA256_BYTES])
{
    for (uint32_t i = 0; i < s->made; i++) {
        if (sha256_equal(s->signatures[i].wasm_sha256, digest))
            return true;
    }
    return false;
}

/* Signs the images that are for this module, if there are any. */
static enum stint_status sign_subject(struct signing *s, const uint8_t *wasm, size_t wasm_bytes,
                                      struct stint_error *error)
{
    struct artefact_piece own[ARTEFACT_PARTS_MAX];
    uint8_t digest[SHA256_BYTES];
    size_t count = 0;
    sha256_of(wasm, wasm_bytes, digest);
    for (uint32_t i = 0; i < s->artefact.image_count; i++) {
        struct image_header header;
        enum stint_status status =
            image_check_header(s->pieces[i].bytes, s->pieces[i].size_bytes, &header, error);
        if (status != STINT_OK)
            return status;
        if (sha256_equal(header.wasm_sha256, digest))
            own[count++] = s->pieces[i];
    }
    if (count == 0 || is_signed(s, digest))
        return STINT_OK;
    return compile_sign(s->options->key, wasm, wasm_bytes, own, count, &s->signatures[s->made++],
                        error);
}

/* Keeps the signatures of other keys; those by the same key are replaced. */
static void keep_others(struct signing *s)
{
    s->count = s->made;
    for (uint32_t i = 0; i < s->artefact.signature_count; i++) {
        struct artefact_signature *kept = &s->signatures[s->count];
        if (s->artefact.signatures[i].bytes != sizeof(*kept))
            continue;
        memcpy(kept, s->bytes + s->artefact.signatures[i].offset, sizeof(*kept));
        if (!sha256_equal(kept->public_key, s->signatures[0].public_key))
            s->count++;
    }
}

static enum stint_status sign_all(struct signing *s, const struct subjects *subjects,
                                  struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    for (uint32_t i = 0; i < s->artefact.image_count; i++)
        s->pieces[i] = (struct artefact_piece){s->bytes + s->artefact.images[i].offset,
                                               s->artefact.images[i].bytes};
    if (s->artefact.image_count == 0)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "it has no machine code that could be signed: 'stint compile' makes some");
    for (uint32_t i = 0; i < subjects->count && status == STINT_OK; i++) {
        const struct wasm_module *wasm =
            subjects->component != NULL ? subjects->component->modules[i]->wasm : NULL;
        status = wasm != NULL ? sign_subject(s, wasm->bytes, wasm->size_bytes, error)
                              : sign_subject(s, subjects->wasm, subjects->wasm_bytes, error);
    }
    if (status == STINT_OK && s->made == 0)
        status = error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                           "its machine code belongs to another module");
    return status;
}

static enum stint_status sign_bytes(const struct sign_options *options,
                                    const struct module_file *file, struct buf *out,
                                    struct stint_error *error)
{
    struct subjects subjects = {.count = 0};
    struct signing *s = alloc_get_zeroed(&alloc_root, 1, sizeof(*s));
    if (s == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    s->options = options;
    s->bytes = file->bytes;
    cpu_use_sha256();
    enum stint_status status = artefact_find(file->bytes, file->size_bytes, &s->artefact, error);
    if (status == STINT_OK)
        status = list_subjects(file, s->artefact.wasm_bytes, &subjects, error);
    if (status == STINT_OK)
        status = sign_all(s, &subjects, error);
    if (status == STINT_OK) {
        keep_others(s);
        status = artefact_write(out, file->bytes, s->artefact.wasm_bytes, s->pieces,
                                s->artefact.image_count, s->signatures, s->count, error);
    }
    component_release(subjects.component);
    alloc_put(&alloc_root, s, sizeof(*s));
    return status;
}

static int sign_file(const char *path, const struct sign_options *options)
{
    struct stint_error error = {0};
    struct module_file file = {0};
    struct buf out;
    buf_init(&out, &alloc_root, SIZE_MAX);
    enum stint_status status = module_file_open_any(path, &file, &error);
    if (status == STINT_OK)
        status = sign_bytes(options, &file, &out, &error);
    if (status == STINT_OK)
        status = output_file_write(options->output != NULL ? options->output : path, out.data,
                                   out.bytes, &error);
    buf_free(&out);
    module_file_close(&file);
    if (status != STINT_OK)
        cli_report(path, &error);
    return status == STINT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int cmd_sign(const struct verb *verb, int argc, char **argv)
{
    struct sign_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    if (argc - operands != 1)
        cli_error(operands == argc ? "which file is to be signed? Give a FILE"
                                   : "one FILE at a time, please");
    else if (options.key == NULL)
        cli_error("with which key? Name it with --key");
    else
        return sign_file(argv[operands], &options);
    return cli_try_help(verb);
}

const struct verb verb_sign = {
    .name = "sign",
    .synopsis = "--key KEY [options] FILE",
    .summary = "Sign the machine code in a module or component",
    .description = "Adds a signature to FILE, which 'stint compile' made: of the module and of all "
                   "machine code in it; of a component, one for each of its core modules. Whoever "
                   "trusts the key ('stint key trust') runs the code. Signatures by other keys stay.",
    .examples = "stint key generate release\n"
                "stint sign --key release app.aot.wasm",
    .flags = sign_flags,
    .flag_count = COUNT_OF(sign_flags),
    .complete = COMPLETE_MODULE,
    .run = cmd_sign,
};
