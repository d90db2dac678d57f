# SPDX-License-Identifier: Apache-2.0
"""Cases of llhttp that Stint answers otherwise: what the answer must match, and why."""

FRAG = (r"bad 400: a wrong byte in the request-target",
    "A target has no fragment (RFC 9112, 3.2).")
USER = (r"bad 400: a request-target of a wrong form",
    "User information in a target is an error (RFC 9110, 4.2.4).")
ZONE = (r"bad 400: a request-target of a wrong form",
    "A zone means nothing to a peer (RFC 6874, 4), and is no part of RFC 3986.")
SKIP = (r"differs",
    "The case's callback skips the body; here the length alone says where it ends.")
METHOD = (r"accepted",
    "Which methods there are is the handler's to say, with 405 or 501.")
CONNECT = (r"bad 400: CONNECT with a body",
    "CONNECT has no content (RFC 9110, 9.3.6).")
STAR = (r"bad 400: a request-target of a wrong form",
    "The asterisk belongs to OPTIONS (RFC 9112, 3.2.4).")
PROTO = (r"bad (400|502): no HTTP version",
    "RTSP and ICE are not HTTP.")
V09 = (r"bad 400: a wrong byte",
    "HTTP/0.9 is not spoken.")
V09R = (r"bad 502: a version",
    "HTTP/0.9 is not spoken.")
TRAILER = (r"bad 400: a field that may not",
    "Vary and Content-Type may not stand in a trailer section (RFC 9110, 6.5.1).")
QUOTE = (r"bad 400: a wrong byte in the request-target",
    "A quote may not stand in a URI (RFC 3986, 2).")
CRLF = (r"bad 502: no HTTP version",
    "Only a server reads over empty lines before a message (RFC 9112, 2.2).")
TE = (r"bad 502: Transfer-Encoding does not end",
    "A coding that is not understood: its bytes would be taken for content.")
TE2 = (r"bad 502: Transfer-Encoding twice",
    "One line, one coding: lists in several lines are read differently.")

DIFFERS = {
    "url: URL tests / Absolute URL":
        FRAG,
    "url: URL tests / Relative URL":
        FRAG,
    "url: URL tests / URL fragment":
        FRAG,
    "url: URL tests / Complex URL fragment":
        FRAG,
    "url: URL tests / Complex URL from node.js url parser doc":
        FRAG,
    "url: URL tests / Complex URL with basic auth from node.js url parser doc":
        FRAG,
    "url: URL tests / Proxy basic auth with url encoded space":
        USER,
    "url: URL tests / Proxy basic auth with unreserved chars":
        USER,
    "url: URL tests / IPv6 address with Zone ID":
        ZONE,
    "url: URL tests / IPv6 address with Zone ID, but `%` is not percent-encoded":
        ZONE,
    "request/content-length: Content-Length reset when no body is received":
        SKIP,
    "request/invalid: HTTP protocol and ANNOUNCE method":
        METHOD,
    "request/method: CONNECT with body":
        CONNECT,
    "request/method: M-SEARCH request":
        STAR,
    "request/method: SOURCE request with ICE":
        PROTO,
    "request/method: OPTIONS request with RTSP":
        PROTO,
    "request/method: ANNOUNCE request with RTSP":
        PROTO,
    "request/sample: No HTTP version":
        V09,
    "request/transfer-encoding: `chunked` / Trailing headers":
        TRAILER,
    "request/transfer-encoding: POST with `chunked` as last transfer-encoding":
        FRAG,
    "request/transfer-encoding: POST with `chunked` as last transfer-encoding (multiple headers)":
        FRAG,
    "request/uri: Quotes in URI":
        QUOTE,
    "request/uri: Fragment in URI":
        FRAG,
    "request/uri: `host:port` and basic auth":
        USER,
    "response/connection: HTTP 304 with Content-Length":
        CRLF,
    "response/connection: HTTP 100 first, then 400":
        CRLF,
    "response/pipelining: Should parse multiple events":
        CRLF,
    "response/sample: Response starting with CRLF":
        CRLF,
    "response/sample: RTSP response":
        PROTO,
    "response/sample: ICE response":
        PROTO,
    "response/sample: HTTP version 0.9":
        V09R,
    "response/transfer-encoding: `chunked` before other transfer-encoding":
        TE,
    "response/transfer-encoding: multiple transfer-encoding where chunked is not the last one":
        TE2,
    "response/transfer-encoding: `chunkedchunked` transfer-encoding does not enable chunked enconding":
        TE,
}
