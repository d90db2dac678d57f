/* SPDX-License-Identifier: Apache-2.0 */
/* `stint compile`, in pieces. */
#ifndef CLI_CMD_COMPILE_H
#define CLI_CMD_COMPILE_H

#include "aot/artefact.h"
#include "cli/flags.h"
#include "compiler/compiler.h"

struct compile_options {
#define SECTION(title)
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/compile_flags.def"
#undef FLAG
#undef SECTION
};

enum { COMPILE_TARGETS_MAX = 8 };

/* One target's image. */
struct compile_image {
    enum compiler_target target;
    struct compiler_result result; /* the plug-in's to clear */
    uint64_t wall_ns;
};

/* What was made of what; for the report. */
struct compile_run {
    const struct compile_options *options;
    const char *input;
    char output[4096];
    struct compile_image images[COMPILE_TARGETS_MAX];
    uint32_t image_count;
    uint64_t wasm_bytes, output_bytes, wall_ns;
    const char *compiler; /* its description */
};

/* "x86_64-v3"; the name that --target takes. */
const char *compile_target_name(enum compiler_target target);
/* Reads --target into run->images. STINT_ARGUMENT where one is unknown. */
MUST_CHECK enum stint_status compile_targets_read(const struct text_list *texts,
                                                  struct compile_run *run,
                                                  struct stint_error *error);

/* A bar on stderr, where that is a terminal and the user wants to hear of it. */
struct compile_progress {
    bool is_shown;
    const char *target;
    uint64_t shown_ns;
};
/* Of struct compiler_options: `context` is a compile_progress. */
int compile_progress_show(void *context, uint32_t done, uint32_t total);
void compile_progress_clear(struct compile_progress *progress);

/* Whether there is such a private key: better known before a long compilation. */
MUST_CHECK enum stint_status compile_check_key(const char *key, struct stint_error *error);
/* Signs a module and its images with a private key, by its name or its file. */
MUST_CHECK enum stint_status compile_sign(const char *key, const uint8_t *wasm, size_t wasm_bytes,
                                          const struct artefact_piece *images, size_t image_count,
                                          struct artefact_signature *ret_signature,
                                          struct stint_error *error);
/* Puts what this machine runs of it into the user's cache: what one compiles oneself is trusted. */
void compile_adopt(const uint8_t *wasm, size_t wasm_bytes, const struct artefact_piece *images,
                   size_t image_count, bool is_signed);

/* One image of one module, which has been validated. */
MUST_CHECK enum stint_status compile_target(const struct compiler_api *api,
                                            const struct compile_run *run, const uint8_t *wasm,
                                            size_t wasm_bytes, struct compile_image *image,
                                            struct stint_error *error);
/* Writes the file; what a signal interrupts leaves nothing behind. */
MUST_CHECK enum stint_status compile_write(struct compile_run *run, const struct buf *content,
                                           struct stint_error *error);
/* The same as for a module, for a component: all of its core modules. `run->images` become sums. */
MUST_CHECK enum stint_status compile_component(const struct compiler_api *api,
                                               struct compile_run *run, const uint8_t *bytes,
                                               size_t size_bytes, struct stint_error *error);

/* Sizes and times, to stdout; to stderr where the output itself goes to stdout. */
void compile_report(const struct compile_run *run);

#endif
