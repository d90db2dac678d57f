/* SPDX-License-Identifier: Apache-2.0 */
/* What an application is, for people: behind `stint up --check`. */
#ifndef APP_APP_DESCRIBE_H
#define APP_APP_DESCRIBE_H

#include "app/app.h"
#include "base/buf.h"

struct app_describe_notes {
    /* What is to be said of a component beside what the manifest says, such as "no machine code: run
     * `stint build`"; NULL: nothing. May be NULL. */
    const char *(*component)(void *env, const struct app *app, uint32_t component);
    void *env;
};

/* Appends the text; false where memory is out. Values of variables are not in it. */
bool app_describe(const struct app *app, const struct app_describe_notes *notes, struct buf *text);

#endif
