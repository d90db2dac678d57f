/* SPDX-License-Identifier: Apache-2.0 */
/* error-code of wasi:http/types, and the `error` of the first candidate. */
#include "wasi/p2_http_int.h"

static const char *const names[P2_HTTP_CODE_COUNT] = {
    "DNS-timeout",
    "DNS-error",
    "destination-not-found",
    "destination-unavailable",
    "destination-IP-prohibited",
    "destination-IP-unroutable",
    "connection-refused",
    "connection-terminated",
    "connection-timeout",
    "connection-read-timeout",
    "connection-write-timeout",
    "connection-limit-reached",
    "TLS-protocol-error",
    "TLS-certificate-error",
    "TLS-alert-received",
    "HTTP-request-denied",
    "HTTP-request-length-required",
    "HTTP-request-body-size",
    "HTTP-request-method-invalid",
    "HTTP-request-URI-invalid",
    "HTTP-request-URI-too-long",
    "HTTP-request-header-section-size",
    "HTTP-request-header-size",
    "HTTP-request-trailer-section-size",
    "HTTP-request-trailer-size",
    "HTTP-response-incomplete",
    "HTTP-response-header-section-size",
    "HTTP-response-header-size",
    "HTTP-response-body-size",
    "HTTP-response-trailer-section-size",
    "HTTP-response-trailer-size",
    "HTTP-response-transfer-coding",
    "HTTP-response-content-coding",
    "HTTP-response-timeout",
    "HTTP-upgrade-failed",
    "HTTP-protocol-error",
    "loop-detected",
    "configuration-error",
    "internal-error",
};

const char *p2_http_error_name(uint8_t code)
{
    return names[code < P2_HTTP_CODE_COUNT ? code : P2_HTTP_INTERNAL];
}

enum stint_status p2_put_error_oct(struct host_component_call *call, uint8_t code, uint8_t *at)
{
    enum { INVALID_URL, TIMEOUT_ERROR, PROTOCOL_ERROR, UNEXPECTED_ERROR };
    const char *name = p2_http_error_name(code);
    if (code == P2_HTTP_URI_INVALID)
        at[0] = INVALID_URL;
    else if (strstr(name, "timeout") != NULL)
        at[0] = TIMEOUT_ERROR;
    else
        at[0] = strstr(name, "protocol") != NULL ? PROTOCOL_ERROR : UNEXPECTED_ERROR;
    return p2_put_string(call, name, strlen(name), at + 4);
}

/* option<error-code>: 0 case  8 error-code, without what it could say beside its case */
enum stint_status p2_http_error_code(struct host_component_call *call, uint64_t *slots)
{
    struct p2_error *error;
    uint8_t *at;
    enum stint_status status = p2_get(call, slots[0], P2_ERROR, &error);
    if (status == STINT_OK)
        status = p2_result(call, slots[1], 40, 8, &at);
    if (status == STINT_OK && error->kind == P2_ERROR_HTTP) {
        at[0] = 1;
        at[8] = error->http_code;
    }
    return status;
}
