// SPDX-License-Identifier: Apache-2.0

//! Greets in the language of the country that the request comes from: a Spin app as its SDK has it.
use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_component;

#[http_component]
fn greet(request: Request) -> anyhow::Result<impl IntoResponse> {
    let country = request.header("cf-ipcountry").and_then(|value| value.as_str());
    let greeting = match country {
        Some("KR") => "안녕하세요!\n",
        Some("JP") => "こんにちは!\n",
        _ => "Hello!\n",
    };
    Ok(Response::builder()
        .status(200)
        .header("content-type", "text/plain; charset=utf-8")
        .body(greeting)
        .build())
}
