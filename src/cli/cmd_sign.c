/* SPDX-License-Identifier: Apache-2.0 */
/* `stint sign`: a signature for machine code that is there already. */
#include <string.h>

#include "aot/trust.h"
#include "cli/cli.h"
#include "cli/cmd_compile.h"
#include "cli/module_file.h"
#include "cli/output_file.h"

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

/* Keeps the signatures of other keys; one by the same key is replaced. */
static enum stint_status sign_bytes(const char *key, const uint8_t *bytes, size_t size_bytes,
                                    struct buf *out, struct stint_error *error)
{
    struct artefact artefact;
    struct artefact_piece pieces[ARTEFACT_PARTS_MAX];
    struct artefact_signature signatures[ARTEFACT_PARTS_MAX + 1];
    size_t count = 1;
    enum stint_status status = artefact_find(bytes, size_bytes, &artefact, error);
    if (status == STINT_OK && artefact.image_count == 0)
        status =
            error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                      "it has no machine code that could be signed: 'stint compile' makes some");
    for (uint32_t i = 0; status == STINT_OK && i < artefact.image_count; i++)
        pieces[i] =
            (struct artefact_piece){bytes + artefact.images[i].offset, artefact.images[i].bytes};
    if (status == STINT_OK)
        status = compile_sign(key, bytes, artefact.wasm_bytes, pieces, artefact.image_count,
                              &signatures[0], error);
    for (uint32_t i = 0; status == STINT_OK && i < artefact.signature_count; i++) {
        if (artefact.signatures[i].bytes != sizeof(signatures[0]))
            continue;
        memcpy(&signatures[count], bytes + artefact.signatures[i].offset, sizeof(signatures[0]));
        if (!sha256_equal(signatures[count].public_key, signatures[0].public_key))
            count++;
    }
    if (status == STINT_OK)
        status = artefact_write(out, bytes, artefact.wasm_bytes, pieces, artefact.image_count,
                                signatures, count, error);
    return status;
}

static int sign_file(const char *path, const struct sign_options *options)
{
    struct stint_error error = {0};
    struct module_file file = {0};
    struct buf out;
    buf_init(&out, &alloc_root, SIZE_MAX);
    enum stint_status status = module_file_open(path, &file, &error);
    if (status == STINT_OK)
        status = sign_bytes(options->key, file.bytes, file.size_bytes, &out, &error);
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
    .summary = "Sign the machine code in a module",
    .description = "Adds a signature to FILE, which 'stint compile' made: of the module and of all "
                   "machine code in it. Whoever trusts the key ('stint key trust') runs the code. "
                   "Signatures by other keys stay.",
    .examples = "stint key generate release\n"
                "stint sign --key release app.aot.wasm",
    .flags = sign_flags,
    .flag_count = COUNT_OF(sign_flags),
    .complete = COMPLETE_MODULE,
    .run = cmd_sign,
};
