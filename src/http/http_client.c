/* SPDX-License-Identifier: Apache-2.0 */
/* One request with libcurl, in the thread of the caller. */
#include "http/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 50, NS_PER_MS = 1000000, LINE_BYTES = 65536 };

/* The cases of wasi:http/types.error-code that come up here, and one more for none. */
enum {
    DNS_ERROR = 2,
    IP_PROHIBITED = 5,
    CONNECTION_REFUSED = 7,
    CONNECTION_TERMINATED = 8,
    CONNECTION_TIMEOUT = 9,
    READ_TIMEOUT = 10,
    TLS_PROTOCOL = 13,
    TLS_CERTIFICATE = 14,
    METHOD_INVALID = 19,
    URI_INVALID = 20,
    RESPONSE_INCOMPLETE = 26,
    RESPONSE_TIMEOUT = 34,
    PROTOCOL_ERROR = 36,
    CONFIGURATION = 38,
    INTERNAL_ERROR = 39,
};

struct call {
    const struct http_client_request *request;
    CURL *curl;
    bool is_started; /* the response's headers are all there */
    bool is_prohibited;
    bool is_late;
    bool awaits_read, awaits_write; /* until `look` says that they get on */
    size_t taken;                   /* of what is offered again */
    uint64_t last_ns;               /* when something came last */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- What libcurl calls ------------------------------------------------------------------ */

static curl_socket_t open_socket(void *env, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct call *call = env;
    struct http_client_address address = {.is_v6 = to->family == AF_INET6};
    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    if (address.is_v6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &to->addr, sizeof(in6));
        memcpy(address.ip, &in6.sin6_addr, 16);
        address.port = ntohs(in6.sin6_port);
    } else {
        struct sockaddr_in in;
        memcpy(&in, &to->addr, sizeof(in));
        memcpy(address.ip, &in.sin_addr, 4);
        address.port = ntohs(in.sin_port);
    }
    if (!call->request->allows(call->request->env, &address)) {
        call->is_prohibited = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t read_body(char *data, size_t size, size_t count, void *env)
{
    struct call *call = env;
    int64_t bytes = call->request->read(call->request->env, data, size * count);
    call->last_ns = now_ns();
    call->awaits_read = bytes == HTTP_CLIENT_LATER;
    if (call->awaits_read)
        return CURL_READFUNC_PAUSE;
    return bytes < 0 ? CURL_READFUNC_ABORT : (size_t)bytes;
}

static size_t take_body(char *data, size_t size, size_t count, void *env)
{
    struct call *call = env;
    size_t bytes = size * count;
    /* libcurl takes all or nothing back: what it offers again begins with what was taken already. */
    size_t known = call->taken < bytes ? call->taken : bytes;
    int64_t more = 0;
    if (known < bytes)
        more = call->request->write(call->request->env, data + known, bytes - known);
    call->last_ns = now_ns();
    if (more < 0)
        return 0;
    call->awaits_write = known + (size_t)more < bytes;
    call->taken = call->awaits_write ? known + (size_t)more : call->taken - known;
    return call->awaits_write ? CURL_WRITEFUNC_PAUSE : bytes;
}

/* "Name: value\r\n" */
static bool pass_header(const struct call *call, const char *line, size_t bytes)
{
    const char *colon = memchr(line, ':', bytes);
    char name[256];
    if (colon == NULL || (size_t)(colon - line) >= sizeof(name))
        return true;
    const char *value = colon + 1, *end = line + bytes;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
        end--;
    memcpy(name, line, (size_t)(colon - line));
    name[colon - line] = '\0';
    const struct http_client_header header = {.name = name,
                                              .name_bytes = (size_t)(colon - line),
                                              .value = (const uint8_t *)value,
                                              .value_bytes = (size_t)(end - value)};
    const struct http_client_request *request = call->request;
    return call->is_started ? request->trailer(request->env, &header)
                            : request->header(request->env, &header);
}

static size_t take_header(char *line, size_t size, size_t count, void *env)
{
    struct call *call = env;
    size_t bytes = size * count;
    long status = 0;
    call->last_ns = now_ns();
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
    bool is_end = bytes <= 2;
    /* Informational responses come before the one that counts. */
    if (status < 200 || (is_end && call->is_started))
        return bytes;
    if (is_end) {
        call->is_started = true;
        return call->request->start(call->request->env, (unsigned)status) ? bytes : 0;
    }
    return pass_header(call, line, bytes) ? bytes : 0;
}

/* ---- Setting up -------------------------------------------------------------------------- */

/* Of a content-length that is a number: libcurl says it, and does not send chunks then. */
static bool read_length(const struct http_client_header *header, curl_off_t *ret_length)
{
    curl_off_t length = 0;
    for (size_t i = 0; i < header->value_bytes; i++) {
        if (header->value[i] < '0' || header->value[i] > '9' || i >= 18)
            return false;
        length = length * 10 + (header->value[i] - '0');
    }
    *ret_length = length;
    return header->value_bytes > 0;
}

static struct curl_slist *make_headers(const struct http_client_request *request, char *line,
                                       curl_off_t *ret_length)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_client_header *header = &request->headers[i];
        if (header->name_bytes + header->value_bytes + 3 > LINE_BYTES)
            continue;
        if (curl_strequal(header->name, "content-length") && request->has_body) {
            (void)read_length(header, ret_length);
            continue;
        }
        /* An empty value is said with a semicolon. */
        (void)snprintf(line, LINE_BYTES, header->value_bytes > 0 ? "%s: %.*s" : "%s;%.*s",
                       header->name, (int)header->value_bytes, (const char *)header->value);
        struct curl_slist *longer = curl_slist_append(list, line);
        list = longer != NULL ? longer : list;
    }
    /* libcurl's own additions are none of the guest's. */
    static const char *const removed[] = {"Expect:", "Accept:", "User-Agent:", "Content-Type:"};
    for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++) {
        bool is_set = false;
        size_t bytes = strlen(removed[i]) - 1;
        for (size_t k = 0; k < request->header_count; k++)
            is_set |= request->headers[k].name_bytes == bytes &&
                      curl_strnequal(request->headers[k].name, removed[i], bytes);
        struct curl_slist *longer = is_set ? list : curl_slist_append(list, removed[i]);
        list = longer != NULL ? longer : list;
    }
    return list;
}

static void set_body(struct call *call, curl_off_t length, struct curl_slist **headers)
{
    CURL *curl = call->curl;
    if (call->request->has_body) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_body);
        curl_easy_setopt(curl, CURLOPT_READDATA, call);
        if (length >= 0) {
            curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, length);
        } else {
            struct curl_slist *longer = curl_slist_append(*headers, "Transfer-Encoding: chunked");
            *headers = longer != NULL ? longer : *headers;
        }
    } else if (strcmp(call->request->method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->request->method);
}

/* The file of authorities stands in for the system's, whose folder is looked at too, or not. */
static void set_tls(struct call *call)
{
    const struct http_client_tls *tls = &call->request->tls;
    CURL *curl = call->curl;
    const char *authorities = getenv("SSL_CERT_FILE");
    if (tls->authorities != NULL)
        authorities = tls->authorities;
    if (authorities != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
    if (tls->is_set && !tls->with_system)
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    if (tls->certificate != NULL) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, tls->certificate);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, tls->key);
    }
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static void set_options(struct call *call)
{
    const struct http_client_request *request = call->request;
    CURL *curl = call->curl;
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    set_tls(call);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, call);
    if (request->connect_timeout_ns > 0)
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                         (long)(request->connect_timeout_ns / NS_PER_MS + 1));
}

/* ---- Running ----------------------------------------------------------------------------- */

static uint32_t code_of(const struct call *call, CURLcode result)
{
    long status = 0;
    if (call->is_prohibited)
        return IP_PROHIBITED;
    if (call->is_late)
        return call->is_started ? READ_TIMEOUT : RESPONSE_TIMEOUT;
    switch (result) {
    case CURLE_OK:
        curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
        return call->is_started ? 0 : PROTOCOL_ERROR;
    case CURLE_COULDNT_RESOLVE_HOST:
        return DNS_ERROR;
    case CURLE_COULDNT_CONNECT:
        return CONNECTION_REFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return CONNECTION_TIMEOUT;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return URI_INVALID;
    case CURLE_SSL_CONNECT_ERROR:
        return TLS_PROTOCOL;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM: /* our own */
        return TLS_CERTIFICATE;
    case CURLE_SSL_CACERT_BADFILE:
        return CONFIGURATION;
    case CURLE_PARTIAL_FILE:
        return RESPONSE_INCOMPLETE;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return CONNECTION_TERMINATED;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
        return PROTOCOL_ERROR;
    default:
        return INTERNAL_ERROR;
    }
}

static bool is_late(const struct call *call)
{
    const struct http_client_request *request = call->request;
    uint64_t limit_ns =
        call->is_started ? request->between_bytes_timeout_ns : request->first_byte_timeout_ns;
    return limit_ns > 0 && now_ns() - call->last_ns > limit_ns;
}

/* Goes on with what was paused and can get on; for the rest there are descriptors to wait for. */
static CURLcode resume(struct call *call, struct curl_waitfd *fds, unsigned *ret_count)
{
    const struct http_client_request *request = call->request;
    bool was_read = call->awaits_read, was_write = call->awaits_write;
    unsigned count = 0;
    int fd;
    if (was_read || was_write)
        call->last_ns = now_ns(); /* it is not the server that keeps us waiting */
    if (was_read) {
        call->awaits_read = !request->look(request->env, true, &fd);
        if (call->awaits_read)
            fds[count++] = (struct curl_waitfd){.fd = fd, .events = CURL_WAIT_POLLIN};
    }
    if (was_write) {
        call->awaits_write = !request->look(request->env, false, &fd);
        if (call->awaits_write)
            fds[count++] = (struct curl_waitfd){.fd = fd, .events = CURL_WAIT_POLLIN};
    }
    *ret_count = count;
    if (call->awaits_read == was_read && call->awaits_write == was_write)
        return CURLE_OK;
    *ret_count = 0;
    return curl_easy_pause(call->curl, (call->awaits_read ? CURLPAUSE_SEND : 0) |
                                           (call->awaits_write ? CURLPAUSE_RECV : 0));
}

/* Until the transfer is done, too late, or not wanted any more. */
static uint32_t transfer(struct call *call, CURLM *multi)
{
    int running = 1;
    unsigned count;
    struct curl_waitfd fds[2];
    while (running > 0) {
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            return INTERNAL_ERROR;
        if (call->request->is_cancelled(call->request->env))
            return CONNECTION_TERMINATED;
        if (running == 0)
            break;
        bool awaits_guest = call->awaits_read || call->awaits_write;
        CURLcode result = resume(call, fds, &count);
        if (result != CURLE_OK)
            return code_of(call, result);
        call->is_late = is_late(call);
        if (call->is_late)
            return code_of(call, CURLE_OK);
        /* What was resumed is gone on with at once. */
        if ((!awaits_guest || count > 0) &&
            curl_multi_poll(multi, fds, count, LOOK_MS, NULL) != CURLM_OK)
            return INTERNAL_ERROR;
    }
    int left;
    const CURLMsg *message = curl_multi_info_read(multi, &left);
    return message != NULL ? code_of(call, message->data.result) : INTERNAL_ERROR;
}

static void tell_runs(const struct http_client_request *request, CURLM *multi)
{
    if (request->runs != NULL)
        request->runs(request->env, multi);
}

static void wake(void *multi)
{
    (void)curl_multi_wakeup(multi); /* else it looks a few times a second */
}

static uint32_t perform(const struct http_client_request *request)
{
    struct call call = {.request = request, .last_ns = now_ns()};
    static _Thread_local char line[LINE_BYTES];
    uint32_t code = INTERNAL_ERROR;
    curl_off_t length = -1;
    CURLM *multi = curl_multi_init();
    call.curl = curl_easy_init();
    struct curl_slist *headers = make_headers(request, line, &length);
    if (multi != NULL && call.curl != NULL) {
        set_options(&call);
        set_body(&call, length, &headers);
        curl_easy_setopt(call.curl, CURLOPT_HTTPHEADER, headers);
        if (curl_multi_add_handle(multi, call.curl) == CURLM_OK) {
            tell_runs(request, multi);
            code = transfer(&call, multi);
            tell_runs(request, NULL);
            curl_multi_remove_handle(multi, call.curl);
        }
    }
    curl_easy_cleanup(call.curl);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    return code;
}

__attribute__((visibility("default"))) const void *stint_http_client(void);

const void *stint_http_client(void)
{
    static const struct http_client_api api = {HTTP_CLIENT_VERSION, perform, wake};
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? &api : NULL;
}
