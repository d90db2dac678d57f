// SPDX-License-Identifier: Apache-2.0

// Greets in the language of the country that the request comes from, with wasi:http as it is.
import {
  Fields,
  OutgoingBody,
  OutgoingResponse,
  ResponseOutparam,
} from "wasi:http/types@0.2.0";

const greetings = { KR: "안녕하세요!\n", JP: "こんにちは!\n" };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const incomingHandler = {
  handle(request, outparam) {
    const [country] = request.headers().get("cf-ipcountry");
    const greeting = greetings[decoder.decode(country)] ?? "Hello!\n";
    const headers = new Fields();
    headers.append("content-type", encoder.encode("text/plain; charset=utf-8"));
    const response = new OutgoingResponse(headers);
    const body = response.body();
    ResponseOutparam.set(outparam, { tag: "ok", val: response });
    const stream = body.write();
    stream.blockingWriteAndFlush(encoder.encode(greeting));
    stream[Symbol.dispose]();
    OutgoingBody.finish(body, undefined);
  },
};
