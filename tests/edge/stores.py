# SPDX-License-Identifier: Apache-2.0
"""What the tests of stores share, whatever keeps them; the guest is services.c."""
import threading


def put(server, key, value, **headers):
    return server.request("POST", "/set/" + key, body=value, headers=headers).text


def check_counts_together(t, server):
    """Clients at a time count each once."""
    answers = []

    def ask():
        for _ in range(25):
            answers.append(server.get("/count/n").text)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    t.equal(sorted(answers, key=int), [str(i + 1) for i in range(200)])
