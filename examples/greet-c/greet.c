/* SPDX-License-Identifier: Apache-2.0 */
/* Greets in the language of the country that the request comes from. */
#include "stint_http.h"

static const struct {
    struct guest_text country, greeting;
} greetings[] = {
    {GUEST_TEXT_INIT("KR"), GUEST_TEXT_INIT("안녕하세요!\n")},
    {GUEST_TEXT_INIT("JP"), GUEST_TEXT_INIT("こんにちは!\n")},
};

void http_handle(struct http_request *request, struct http_response *response)
{
    struct guest_text country = http_header(request, GUEST_TEXT("cf-ipcountry"));
    struct guest_text greeting = GUEST_TEXT("Hello!\n");
    for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
        if (guest_text_equal(country, greetings[i].country))
            greeting = greetings[i].greeting;
    }
    http_respond(response, 200, GUEST_TEXT("text/plain; charset=utf-8"), greeting);
}
