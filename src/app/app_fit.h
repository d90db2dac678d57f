/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether what the settings of an application ask for fits what the system lets the process have.
 *
 *     limits_read(&limits);
 *     app_need_of(app, workers, &limits, &need);
 *     limits_raise_files(need.files);
 *     app_fit(app, &need, &limits, &problems);    a warning for each that does not fit, all at once
 */
#ifndef APP_APP_FIT_H
#define APP_APP_FIT_H

#include "app/app.h"
#include "base/buf.h"
#include "os/process_limits.h"

/*
 * What is needed when all that the settings allow happens at the same time. Components without a limit of
 * concurrency take what there is room for: of them one instance each is counted.
 */
struct app_need {
    uint32_t workers;
    uint64_t instances;
    bool has_unbounded;       /* there are such components */
    uint64_t connections_each; /* of clients, of a worker: where the manifest does not say, as many as fit */
    uint64_t connections;     /* of all */
    uint64_t outbound;        /* requests of guests */
    uint64_t files;           /* descriptors for all of that */
    uint64_t files_least;     /* without those it does not serve at all */
    uint64_t tasks, tasks_least; /* threads and processes, likewise */
    uint64_t mappings;
    uint64_t address_bytes;
    uint64_t memory_bytes;    /* of instances, each as large as it may be */
};

void app_need_of(const struct app *app, uint32_t workers, const struct process_limits *limits,
                 struct app_need *ret_need);

/* What does not fit, in one line each with what there is and how to raise it: warnings, and errors where
 * the server cannot run at all. False: there are errors. */
bool app_fit(const struct app *app, const struct app_need *need,
             const struct process_limits *limits, struct app_problems *problems);

/* Appends a table of both, for people. False: memory is out. */
bool app_fit_describe(const struct app_need *need, const struct process_limits *limits,
                      struct buf *text);

#endif
