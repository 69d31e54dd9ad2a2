#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""batch.py N: an OpenAI batch file of N chat completions, on standard output.

No two prompts are alike. Stretches of short answers, where an API's limit on
requests is the one that holds, take turns with stretches of longer ones, where
it is the limit on tokens.
"""
import json
import sys

TOPICS = "rain bread trains rivers chess paper bees bridges tides ink".split()
SHORT = [20, 40, 60, 80, 100]   # max_tokens, by turns
LONG = [100, 150, 200, 250, 400]


def request(i):
    topic = TOPICS[i % len(TOPICS)]
    tokens = LONG if i // 100 % 2 else SHORT
    return {
        "custom_id": f"request-{i}",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "stand-in",
            "messages": [
                {"role": "system", "content": "Answer in one paragraph."},
                {"role": "user", "content": f"Fact {i} about {topic}, please."},
            ],
            "max_tokens": tokens[i % len(tokens)],
        },
    }


for n in range(int(sys.argv[1])):
    print(json.dumps(request(n)))
