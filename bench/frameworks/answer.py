"""Asks a provider and tells each delta: as an agent of the runtime, or with `bare` as a program that prints them."""

import http.client
import json
import os
import sys
from urllib.parse import urlsplit

from trpc_agent_runtime import RunResult, agent, serve

place = urlsplit(os.environ["PROVIDER_URL"])


def deltas(model):
    connection = http.client.HTTPConnection(place.netloc)
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Go on."}]}
    connection.request("POST", "/chat/completions", json.dumps(body), {"content-type": "application/json"})
    for line in connection.getresponse():
        if not line.startswith(b"data: {"):
            continue
        for choice in json.loads(line[6:])["choices"]:
            if choice["delta"].get("content"):
                yield choice["delta"]["content"]
    connection.close()


@agent
def answer(ctx):
    said = []
    for delta in deltas(ctx.params["pace"]):
        ctx.emit_delta(delta)
        said.append(delta)
    text = "".join(said)
    ctx.emit_message(text)
    return RunResult(text)


def print_them():
    for line in sys.stdin:
        for delta in deltas(line.strip()):
            print(json.dumps({"content": delta}), flush=True)
        print(json.dumps({"end": True}), flush=True)


if sys.argv[1:] == ["bare"]:
    print_them()
else:
    serve()
