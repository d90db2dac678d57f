# SPDX-License-Identifier: Apache-2.0
"""Greets in the language of the country that the request comes from."""

from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports.types import (Fields, IncomingRequest, OutgoingBody, OutgoingResponse,
                                     ResponseOutparam)

GREETINGS = {b"KR": "안녕하세요!\n", b"JP": "こんにちは!\n"}


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        countries = request.headers().get("cf-ipcountry")
        greeting = GREETINGS.get(countries[0] if countries else b"", "Hello!\n")
        headers = Fields()
        headers.append("content-type", b"text/plain; charset=utf-8")
        response = OutgoingResponse(headers)
        body = response.body()
        ResponseOutparam.set(response_out, Ok(response))
        with body.write() as stream:
            stream.blocking_write_and_flush(greeting.encode())
        OutgoingBody.finish(body, None)
