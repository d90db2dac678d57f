/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests that a guest makes, each in a thread of its own, through the plug-in libstint-http.so
 * (http/http_client.h), which is loaded with the first.
 */
#ifndef WASI_HOST_HTTP_H
#define WASI_HOST_HTTP_H

#include "http/http_client.h"
#include "wasi/host_net.h"
#include "wasi/host_pipe.h"

struct host_http_request;
struct host_http_response;
struct host_http_job;

/* Who answers a request; of the functions below. */
struct host_http_ops {
    void (*release)(struct host_http_job *job);
    bool (*is_ready)(struct host_http_job *job, int *ret_fd);
    void (*response)(struct host_http_job *job, struct host_http_response *ret_response);
    const struct http_client_header *(*trailers)(struct host_http_job *job, size_t *ret_count);
};
/* The first member of a request on its way. */
struct host_http_job {
    const struct host_http_ops *ops;
};

/* Answers within the process, in the guest's thread. OS_NOTSUP: it is for the network; OS_LOOP: requests
 * have led to requests too often. */
struct host_http_inside {
    void *env;
    enum os_error (*start)(void *env, const struct host_http_request *request,
                           struct host_http_job **ret_job);
};

enum { HOST_HTTP_JOBS_MAX = 256 }; /* at a time, in the process */

/* What became of a request. Times are OS_CLOCK_MONOTONIC; 0: it did not come to that. */
struct host_http_end {
    uint64_t start_ns, ready_ns, end_ns; /* `ready`: the response's head was there */
    uint16_t status;                     /* 0: there was none */
    uint8_t error;                       /* 0, or 1 + the case of error-code */
    bool is_cancelled;                   /* released before there was a response */
};

struct host_http_request {
    const char *method, *url;
    const char *scheme; /* of the URL: "http" or "https", static */
    const char *host; /* of the URL, for rules with names */
    uint16_t port;
    const struct http_client_header *headers;
    size_t header_count;
    struct host_pipe *body; /* retained until the release; NULL: none */
    uint64_t connect_timeout_ns, first_byte_timeout_ns, between_bytes_timeout_ns; /* 0: none */
    uint64_t timeout_ns;        /* of the whole; 0: none */
    uint32_t *alive;            /* counts those that are not released; stays, for the guest's thread */
    const struct host_net *net; /* stays until the release */
    const struct host_http_inside *inside; /* asked first; NULL: nobody is */
    /* Called by host_http_release, whoever answers; may be NULL. */
    void (*ended)(void *env, const struct host_http_end *end);
    void *env;
};

/* Copies the request. OS_LOOP; OS_NOTCAPABLE: no rule names the host, nor allows addresses; OS_NOSYS with
 * `error` filled: there is no plug-in; OS_AGAIN: too many at a time. */
MUST_CHECK enum os_error host_http_start(const struct host_http_request *request,
                                         struct host_http_job **ret_job, struct stint_error *error);
/* Cancels it when it goes on; waits for that unless it was started on a fiber. Accepts NULL. */
void host_http_release(struct host_http_job *job);
/* Before the process ends: waits for requests that were cancelled. False: some still go on. */
bool host_http_settle(uint64_t timeout_ns);

/* Whether there is a response, or none to come; else `ret_fd` becomes ready to read then. */
bool host_http_is_ready(struct host_http_job *job, int *ret_fd);

struct host_http_response {
    uint8_t error; /* 0, or 1 + the case of error-code: then the rest is not there */
    uint16_t status;
    const struct http_client_header *headers;
    size_t header_count;
    struct host_pipe *body; /* the job's */
};
/* Of a job that is ready; stays until its release. */
void host_http_response(struct host_http_job *job, struct host_http_response *ret_response);
/* Trailers, once the body is at its end. */
const struct http_client_header *host_http_trailers(struct host_http_job *job, size_t *ret_count);

#endif
