/* SPDX-License-Identifier: Apache-2.0 */
/* Applications from texts, for the tests of src/app. */
#ifndef APP_CHECK_H
#define APP_CHECK_H

#include "app/app.h"
#include "check.h"

#define MANIFEST_HEAD "spin_manifest_version = 2\n[application]\nname = \"t\"\n"

/* NULL where it is wrong; all that is wrong goes to `ret_text` (freed by the caller) if it is given. */
static inline struct app *app_of(const char *text, const char *const *environment,
                                 struct buf *ret_text)
{
    struct app_config config = {
        .alloc = &alloc_root, .path = "spin.toml", .environment = environment};
    struct app_problems problems;
    struct app *app = NULL;
    app_problems_init(&problems, &alloc_root);
    enum stint_status status = app_read_text(&config, text, strlen(text), &app, &problems);
    struct buf said;
    buf_init(&said, &alloc_root, SIZE_MAX);
    app_problems_print(&problems, &said);
    buf_append_byte(&said, 0);
    if (ret_text != NULL)
        *ret_text = said;
    else {
        if (status != STINT_OK)
            printf("  %s", (const char *)said.data);
        buf_free(&said);
    }
    app_problems_free(&problems);
    return status == STINT_OK ? app : NULL;
}

#endif
