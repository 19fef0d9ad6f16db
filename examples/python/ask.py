"""Asks an agent and follows its answer, with Python's standard library alone.

    python3 ask.py http://127.0.0.1:3000/api/agents assistant 'What is 6 * 7?'

With --events it prints each event as a line of JSON, with the id and the name of its frame.
"""

import http.client
import json
import sys
import time
import urllib.error
import urllib.request
from typing import Iterator, NamedTuple, Optional

ENDS = {"run.succeeded", "run.failed", "run.cancelled", "run.timed_out"}


class Frame(NamedTuple):
    id: str
    event: str
    data: str


def create_run(url: str, agent_key: str, text: str) -> dict:
    body = {"agent_key": agent_key, "messages": [{"role": "user", "content": text}]}
    request = urllib.request.Request(
        f"{url}/runs/", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def parse(lines) -> Iterator[Frame]:
    """Frames of a stream: https://html.spec.whatwg.org/multipage/server-sent-events.html"""
    last_id, event, data = "", "", []
    for raw in lines:
        line = raw.decode("utf-8").rstrip("\r\n")
        if line == "":
            if data:
                yield Frame(last_id, event or "message", "\n".join(data))
            event, data = "", []
            continue
        # A comment, by which the server keeps the connection open, has no name.
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            event = value
        elif field == "id":
            last_id = value


def follow(url: str, run_id: str, query: str = "") -> Iterator[Frame]:
    """Events to the end of the run. A stream that breaks off is resumed after the last event seen."""
    last_id: Optional[str] = None
    while True:
        headers = {"accept": "text/event-stream"}
        if last_id is not None:
            headers["last-event-id"] = last_id
        request = urllib.request.Request(f"{url}/runs/{run_id}/events/{query}", headers=headers)
        try:
            # Longer than the server is silent: it sends a comment every 15 s.
            with urllib.request.urlopen(request, timeout=45) as stream:
                if stream.status == 204:
                    return
                for frame in parse(stream):
                    last_id = frame.id
                    yield frame
                    if frame.event in ENDS:
                        return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise SystemExit(json.load(error)["error"])
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.2)


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "--events"]
    url, agent_key, text = arguments
    run = create_run(url, agent_key, text)
    if "--events" in sys.argv:
        for frame in follow(url, run["id"], "?include_all=true"):
            print(json.dumps(frame._asdict()), flush=True)
        return
    for frame in follow(url, run["id"]):
        data = json.loads(frame.data)
        if frame.event == "assistant.message":
            print(data["content"], flush=True)
        elif frame.event in ENDS and frame.event != "run.succeeded":
            raise SystemExit(data.get("error", frame.event))


if __name__ == "__main__":
    main()
