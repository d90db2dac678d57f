// SPDX-License-Identifier: Apache-2.0

// Greets in the language of the country that the request comes from: a Spin app in JavaScript.
const greetings = { KR: "안녕하세요!\n", JP: "こんにちは!\n" };

addEventListener("fetch", (event) => {
  const country = event.request.headers.get("cf-ipcountry");
  const headers = { "content-type": "text/plain; charset=utf-8" };
  event.respondWith(new Response(greetings[country] ?? "Hello!\n", { headers }));
});
