"""Agents in Python for trpc-agent-runtime, on the standard library alone. Python 3.9 or newer.

    from trpc_agent_runtime import agent, serve

    @agent
    async def research(ctx):
        plan = await ctx.step("plan", lambda: make_plan(ctx.params["topic"]))  # done once, whatever crashes
        answer = await ctx.llm.turn(ctx.messages, system=plan)                 # streamed to whoever follows the run
        return {"report": answer.text}

    if __name__ == "__main__":
        serve()

A function that is not `async` is given a context whose methods block, of the same names. The runtime starts the program
(`subprocessAgent`) and speaks to it over its standard input and output: docs/subprocess-protocol.md. `print()` goes to the log.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import itertools
import json
import os
import queue
import re
import signal
import sys
import threading
import time
import traceback
import typing
import uuid
from concurrent.futures import Future
from dataclasses import dataclass, field
from decimal import Decimal
from typing import (
    Any,
    AsyncIterator,
    Awaitable,
    BinaryIO,
    Callable,
    Dict,
    Iterator,
    List,
    Literal,
    Mapping,
    Optional,
    Sequence,
    TypeVar,
    Union,
    overload,
)

__all__ = [
    "AgentError",
    "AgentRuntime",
    "Approval",
    "ChildResult",
    "Delta",
    "EventType",
    "LLMResponse",
    "NonRetriableError",
    "Principal",
    "RequestError",
    "RunCancelled",
    "RunContext",
    "RunResult",
    "StepContext",
    "SyncRunContext",
    "Tool",
    "ToolRegistry",
    "WaitOutcome",
    "agent",
    "get_llm_client",
    "register_runtime",
    "serve",
]

PROTOCOL_VERSION = 1
_WAITS = ("wait", "approve", "sleep", "child_run")
_MAX_TEXT = 90_000

Message = Dict[str, Any]
T = TypeVar("T")


class EventType:
    """The types of the runtime's events that agents emit. An agent's own are declared with `events` of `subprocessAgent`."""

    ASSISTANT_MESSAGE = "assistant.message"
    ASSISTANT_DELTA = "assistant.delta"
    REASONING_DELTA = "reasoning.delta"
    TOOL_CALL = "tool.call"
    TOOL_PROGRESS = "tool.progress"
    TOOL_RESULT = "tool.result"
    USAGE = "usage"
    ERROR = "error"


class NonRetriableError(Exception):
    """Fails the run at once: another attempt could not do better. The message goes to the log."""


class AgentError(Exception):
    """Fails the run with a message that its owner reads.

    `code` is one of the runtime's: `internal` and `unavailable` are tried again, `bad_request`, `conflict`, `forbidden`,
    `not_found` and `validation_failed` are not.
    """

    def __init__(self, message: str, *, code: str = "internal", details: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.details = details


class RequestError(Exception):
    """What the runtime refused, or what a model failed by. `code` is `model_error` then, and `reason` says which."""

    def __init__(self, message: str, *, code: str, retriable: bool, reason: Optional[str], request: int) -> None:
        super().__init__(message)
        self.code = code
        self.retriable = retriable
        self.reason = reason
        self._request = request


class RunCancelled(BaseException):
    """Ends a run that was cancelled, timed out, or waits. Not an `Exception`, so that `except Exception` lets it pass."""


@dataclass
class RunResult:
    """What a run ends with. An agent may also return its output alone."""

    final_output: Any = None
    final_messages: Sequence[Message] = field(default_factory=list)


@dataclass(frozen=True)
class Principal:
    """Whose run it is."""

    id: str
    tenant_id: str
    kind: str


@dataclass(frozen=True)
class StepContext:
    """What the function of a step is given, if it takes an argument."""

    #: The same for every try of the step, in all attempts: hand it to services that take one.
    idempotency_key: str


@dataclass(frozen=True)
class WaitOutcome:
    #: `answered` or `timed_out`.
    status: str
    value: Any = None
    responded_by: Optional[str] = None


@dataclass(frozen=True)
class Approval:
    approved: bool
    comment: Optional[str] = None
    #: Of one that was not given: `denied` or `timed_out`.
    reason: Optional[str] = None
    responded_by: Optional[str] = None


@dataclass(frozen=True)
class ChildResult:
    """What came of another agent's run."""

    run_id: str
    output: Any
    #: What it said last.
    text: str
    usage: Optional[Dict[str, Any]]


@dataclass(frozen=True)
class Delta:
    """A piece of a model's answer."""

    text: str = ""
    reasoning: str = ""


@dataclass(frozen=True)
class LLMResponse:
    text: str
    #: To go on with. It has what the provider needs back: leave it as it is.
    message: Message
    #: In OpenAI's format.
    tool_calls: List[Dict[str, Any]]
    finish_reason: str
    usage: Dict[str, Any]
    reasoning: str = ""
    #: The answer, where a `response_schema` was given.
    object: Any = None


# The connection


class _Call:
    """A request that is not answered yet."""

    def __init__(self, on_delta: Optional[Callable[[Delta], None]] = None) -> None:
        self.result: Future[Any] = Future()
        #: Of a step: its key where it is to be done, `None` where there is a result.
        self.begun: Future[Optional[str]] = Future()
        self.on_delta = on_delta

    def settle(self, value: Any = None, error: Optional[BaseException] = None) -> None:
        _settle(self.begun, None, error)
        _settle(self.result, value, error)


def _settle(future: Future[Any], value: Any, error: Optional[BaseException] = None) -> None:
    # One that nobody waits for any more is cancelled.
    if future.done() or not future.set_running_or_notify_cancel():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


class _Run:
    """One attempt of a run, as it is under way in this process."""

    def __init__(self, connection: _Connection, start: Dict[str, Any]) -> None:
        self.connection = connection
        self.number: int = start["run"]
        self.start = start
        self.cancelled = threading.Event()
        self.task: Optional[asyncio.Task[None]] = None
        #: The message that deltas without an id belong to.
        self.speaking: Optional[str] = None
        self._ids = itertools.count(1)
        self._calls: Dict[int, _Call] = {}
        self._lock = threading.Lock()

    def say(self, kind: str, **fields: Any) -> None:
        if self.cancelled.is_set():
            raise RunCancelled()
        self._send(kind, fields)

    def close(self, kind: str, **fields: Any) -> None:
        """Says the last of the run, also of one that is cancelled."""
        self._send(kind, fields)

    def _send(self, kind: str, fields: Dict[str, Any]) -> None:
        step = _step.get()
        tagged = {"step": step} if step is not None and kind not in ("end", "error") else {}
        self.connection.send({"type": kind, "run": self.number, **tagged, **fields})

    def ask(self, kind: str, on_delta: Optional[Callable[[Delta], None]] = None, **fields: Any) -> "tuple[int, _Call]":
        call = _Call(on_delta)
        with self._lock:
            if self.cancelled.is_set():
                raise RunCancelled()
            number = next(self._ids)
            self._calls[number] = call
        try:
            self.say(kind, id=number, **fields)
        except BaseException:
            self._calls.pop(number, None)
            raise
        return number, call

    def start_child(self, request: Dict[str, Any], on_end: Optional[str]) -> Future[Any]:
        # An older runtime would ignore the field, and never tell of the end.
        if on_end is not None and self.connection.revision < 2:
            raise NonRetriableError("The runtime is older than `on_end`: update trpc-agent-runtime, or leave it out.")
        return self.ask("child_run", detached=True, **request, **_given({"on_end": on_end}))[1].result

    def take(self, message: Dict[str, Any]) -> None:
        kind, number = message["type"], message.get("id", 0)
        if kind == "cancel":
            self.cancel()
        elif kind == "step.begun":
            call = self._calls.get(number)
            if call is not None:
                _settle(call.begun, message["idempotency_key"])
        elif kind == "model.delta":
            call = self._calls.get(number)
            if call is not None and call.on_delta is not None:
                call.on_delta(Delta(message.get("text", ""), message.get("reasoning", "")))
        elif kind in ("result", "error"):
            call = self._calls.pop(number, None)
            if call is None:
                return
            if kind == "result":
                call.settle(message["result"])
            else:
                call.settle(
                    error=RequestError(
                        message["message"],
                        code=message["code"],
                        retriable=message["retriable"],
                        reason=message.get("reason"),
                        request=number,
                    )
                )

    def cancel(self) -> None:
        with self._lock:
            self.cancelled.set()
            calls, self._calls = self._calls, {}
        task, loop = self.task, self.connection.loop
        if task is not None and loop is not None:
            loop.call_soon_threadsafe(task.cancel)
        for call in calls.values():
            call.settle(error=RunCancelled())


class _Connection:
    """Standard input and output, of which nothing else is to read or to write."""

    def __init__(self, agents: Mapping[str, _Agent]) -> None:
        self.loop: Optional[asyncio.AbstractEventLoop] = None
        self._agents = agents
        self._input: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._output: BinaryIO = os.fdopen(os.dup(1), "wb")
        self._lock = threading.Lock()
        #: What the runtime has of this version of the protocol.
        self.revision = 1
        self._run: Optional[_Run] = None
        self._over: Optional[asyncio.Event] = None
        # What prints, here or in a program that is started from here, writes to the log. What reads finds nothing.
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(line_buffering=True)

    def send(self, message: Dict[str, Any]) -> None:
        """Waits that tasks begin together are written together, so that the runtime knows of all when the first ends the attempt."""
        is_wait = message["type"] in _WAITS and asyncio._get_running_loop() is not None
        line = _encode(message)
        try:
            with self._lock:
                self._output.write(line)
                if not is_wait:
                    self._output.flush()
        except BrokenPipeError:
            _leave()
        if is_wait and self.loop is not None:
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        try:
            with self._lock:
                self._output.flush()
        except BrokenPipeError:
            _leave()

    async def serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        threading.Thread(target=self._read, daemon=True, name="trpc-agent-runtime").start()
        version = "python/" + ".".join(str(part) for part in sys.version_info[:2])
        self.send({"type": "hello", "protocol": PROTOCOL_VERSION, "agents": list(self._agents), "sdk": version})
        await self._over.wait()

    def _read(self) -> None:
        assert self.loop is not None and self._over is not None
        for line in self._input:
            message = json.loads(line)
            kind = message["type"]
            if kind == "hello" and message["protocol"] != PROTOCOL_VERSION:
                print(f"The runtime speaks version {message['protocol']} of the protocol, this module {PROTOCOL_VERSION}.")
                _leave()
            elif kind == "hello":
                self.revision = message.get("revision", 1)
            elif kind == "start":
                run = self._run = _Run(self, message)
                self.loop.call_soon_threadsafe(self._begin, run)
            elif self._run is not None and message.get("run") == self._run.number:
                self._run.take(message)
        # The runtime wants no more of it, or is gone.
        if self._run is not None:
            self._run.cancel()
        self.loop.call_soon_threadsafe(self._over.set)
        time.sleep(1)
        _leave()

    def _begin(self, run: _Run) -> None:
        assert self.loop is not None
        run.task = self.loop.create_task(self._execute(run))
        if run.cancelled.is_set():
            run.task.cancel()

    async def _execute(self, run: _Run) -> None:
        _run.set(run)
        try:
            name = run.start["agent"]
            if name not in self._agents:
                raise NonRetriableError(f"This program has no agent {name!r}. It has: {', '.join(self._agents)}.")
            result = await self._agents[name].run(run)
            if not isinstance(result, RunResult):
                result = RunResult(final_output=result)
            output = {} if result.final_output is None else {"output": result.final_output}
            run.close("end", **output, messages=list(result.final_messages))
        except (RunCancelled, asyncio.CancelledError):
            # Also of a call that was left when its task was cancelled.
            reason = "The run was cancelled." if run.cancelled.is_set() else "The agent cancelled its own task."
            run.close("error", message=reason)
        except BaseException as error:
            run.close("error", **_describe(error))
            if not isinstance(error, Exception):
                raise


_LONG_NUMBER = re.compile(r"[0-9]{16}")


def _encode(message: Dict[str, Any]) -> bytes:
    # What is no JSON now is none in the next attempt, which would do again what this one did.
    try:
        line = json.dumps(message, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise NonRetriableError(f"What the agent gives to {message['type']!r} is no JSON: {error}") from error
    if _LONG_NUMBER.search(line):
        _refuse_inexact_integers(message)
    return line.encode() + b"\n"


def _refuse_inexact_integers(value: Any) -> None:
    if isinstance(value, int) and not _is_exact(value):
        raise NonRetriableError(f"The integer {value} would change on its way, as those beyond 2**53 may: send it as text.")
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return
    for part in value:
        _refuse_inexact_integers(part)


def _is_exact(value: int) -> bool:
    """Whether the runtime, whose numbers are JavaScript's, says the same integer again."""
    try:
        return int(Decimal(repr(float(value)))) == value
    except OverflowError:
        return False


def _text_of(error: BaseException) -> str:
    try:
        return str(error)[:_MAX_TEXT]
    except Exception:
        return "An error that has no text."


def _describe(error: BaseException) -> Dict[str, Any]:
    stack = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    said: Dict[str, Any] = {"message": _text_of(error), "stack": stack[-_MAX_TEXT:]}
    if isinstance(error, RequestError):
        return {**said, "retriable": error.retriable, "cause": error._request}
    if isinstance(error, AgentError):
        return {**said, "code": error.code, **_details_of(error)}
    said["message"] = f"{type(error).__name__}: {said['message']}"
    return {**said, "retriable": not isinstance(error, NonRetriableError)}


def _details_of(error: AgentError) -> Dict[str, Any]:
    said = {} if error.details is None else {"details": error.details}
    try:
        _encode({"type": "error", **said})
    except NonRetriableError as refused:
        # Without them the run still ends as the agent wants it to.
        print(f"The details of an AgentError are left out: {refused}", file=sys.stderr)
        return {}
    return said


def _leave() -> None:
    """Ends this process and what it has started, from any thread."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


_run: contextvars.ContextVar[_Run] = contextvars.ContextVar("run")
_step: contextvars.ContextVar[Optional[int]] = contextvars.ContextVar("step", default=None)


# Contexts


def _model_request(
    messages: Union[str, Sequence[Message]],
    *,
    model: Union[str, Sequence[str], None] = None,
    system: Optional[str] = None,
    tools: Optional[Sequence[Dict[str, Any]]] = None,
    response_schema: Optional[Dict[str, Any]] = None,
    max_output_tokens: Optional[int] = None,
    temperature: Optional[float] = None,
    reasoning_effort: Optional[str] = None,
    stop: Optional[Sequence[str]] = None,
    prompt_cache: Optional[bool] = None,
) -> Dict[str, Any]:
    given = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
    options = {
        "model": model if model is None or isinstance(model, str) else list(model),
        "system": system,
        "tools": None if tools is None else list(tools),
        "response_schema": response_schema,
        "max_output_tokens": max_output_tokens,
        "temperature": temperature,
        "reasoning_effort": reasoning_effort,
        "stop": None if stop is None else list(stop),
        "prompt_cache": prompt_cache,
    }
    return {"messages": given, **{name: value for name, value in options.items() if value is not None}}


class LLMStream:
    """Pieces of an answer as they come. `response` is the whole of it, once they are over."""

    def __init__(self, run: _Run, request: Dict[str, Any]) -> None:
        self.response: Optional[LLMResponse] = None
        self._deltas: queue.SimpleQueue[Optional[Delta]] = queue.SimpleQueue()
        self._more: Optional[asyncio.Event] = None
        self._run = run
        self._request = request

    def _ask(self) -> _Call:
        _, call = self._run.ask("model", on_delta=self._add, deltas=True, **self._request)
        call.result.add_done_callback(lambda _: self._add(None))
        return call

    def _add(self, delta: Optional[Delta]) -> None:
        self._deltas.put(delta)
        if self._more is not None and self._run.connection.loop is not None:
            self._run.connection.loop.call_soon_threadsafe(self._more.set)

    async def __aiter__(self) -> AsyncIterator[Delta]:
        self._more = asyncio.Event()
        call = self._ask()
        while True:
            try:
                delta = self._deltas.get_nowait()
            except queue.Empty:
                await self._more.wait()
                self._more.clear()
                continue
            if delta is None:
                break
            yield delta
        self.response = _known(LLMResponse, await asyncio.wrap_future(call.result))

    def __iter__(self) -> Iterator[Delta]:
        call = self._ask()
        while True:
            delta = self._deltas.get()
            if delta is None:
                break
            yield delta
        self.response = _known(LLMResponse, call.result.result())


class LLM:
    """The runtime's models: the run's budget, limits, prices and traces hold for them.

    Options of all of them: `model` (one or several names, `provider/name`), `system`, `tools` (in OpenAI's format),
    `response_schema` (JSON Schema), `max_output_tokens`, `temperature`, `reasoning_effort`, `stop`, `prompt_cache`.
    """

    def __init__(self, run: _Run) -> None:
        self._run = run

    async def generate(self, messages: Union[str, Sequence[Message]], **options: Any) -> LLMResponse:
        """One answer in whole, of which nobody is told. It is no step of its own: inside of one it is asked for once."""
        return await self._answer(messages, options)

    async def turn(self, messages: Union[str, Sequence[Message]], **options: Any) -> LLMResponse:
        """One answer that is streamed to whoever follows the run. It is a step: a later attempt is given the stored answer."""
        return await self._answer(messages, options, turn=True)

    def stream(self, messages: Union[str, Sequence[Message]], **options: Any) -> LLMStream:
        """`async for delta in stream`, then `stream.response`. `turn=True` makes it what `turn` is, too."""
        turn = bool(options.pop("turn", False))
        return LLMStream(self._run, {"turn": turn, **_model_request(messages, **options)})

    async def _answer(
        self, messages: Union[str, Sequence[Message]], options: Dict[str, Any], turn: bool = False
    ) -> LLMResponse:
        _, call = self._run.ask("model", turn=turn, **_model_request(messages, **options))
        return _known(LLMResponse, await asyncio.wrap_future(call.result))


class SyncLLM:
    """As `LLM` is, for agents that are not `async`."""

    def __init__(self, run: _Run) -> None:
        self._run = run

    def generate(self, messages: Union[str, Sequence[Message]], **options: Any) -> LLMResponse:
        return self._answer(messages, options)

    def turn(self, messages: Union[str, Sequence[Message]], **options: Any) -> LLMResponse:
        return self._answer(messages, options, turn=True)

    def stream(self, messages: Union[str, Sequence[Message]], **options: Any) -> LLMStream:
        turn = bool(options.pop("turn", False))
        return LLMStream(self._run, {"turn": turn, **_model_request(messages, **options)})

    def _answer(self, messages: Union[str, Sequence[Message]], options: Dict[str, Any], turn: bool = False) -> LLMResponse:
        _, call = self._run.ask("model", turn=turn, **_model_request(messages, **options))
        return _known(LLMResponse, call.result.result())


class Log:
    """Lines of the worker's log, which name the run."""

    def __init__(self, run: _Run) -> None:
        self._run = run

    def debug(self, message: str, **fields: Any) -> None:
        self._say("debug", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._say("info", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        self._say("warn", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._say("error", message, fields)

    def _say(self, level: str, message: str, fields: Dict[str, Any]) -> None:
        self._run.say("log", level=level, message=message[:_MAX_TEXT], fields=fields)


class _Context:
    def __init__(self, run: _Run) -> None:
        start = run.start
        self._run = run
        self._state: Any = start["state"]
        self.run_id: str = start["run_id"]
        self.conversation_id: Optional[str] = start["conversation_id"]
        #: 1 for the first attempt.
        self.attempt: int = start["attempt"]
        #: The conversation's history, oldest first, then the run's own input, in OpenAI's format.
        self.messages: List[Message] = start["messages"]
        self.params: Any = start["params"]
        self.metadata: Dict[str, Any] = start["metadata"]
        #: What the caller would like, such as a model. Nothing of it was checked.
        self.preferences: Dict[str, Any] = start["preferences"]
        self.principal = _known(Principal, start["principal"])
        self.log = Log(run)

    @property
    def input_messages(self) -> List[Message]:
        return self.messages

    @property
    def state(self) -> Any:
        """The newest checkpoint, also one of an attempt that crashed; `None` where there is none."""
        return self._state

    def cancelled(self) -> bool:
        """Whether the run is cancelled, has timed out, or waits: nothing more is wanted of it."""
        return self._run.cancelled.is_set()

    def _emit(self, kind: str, payload: Any, visibility: Optional[str] = None, once: bool = False) -> None:
        options: Dict[str, Any] = {} if visibility is None else {"visibility": visibility}
        if once:
            options["once"] = True
        self._run.say("emit", event=kind, payload=payload, **options)

    def _emit_delta(self, content: str, message_id: Optional[str]) -> None:
        if message_id is None:
            message_id = self._run.speaking = self._run.speaking or str(uuid.uuid4())
        self._emit(EventType.ASSISTANT_DELTA, {"message_id": message_id, "content": content})

    def _emit_message(self, content: str) -> None:
        said, self._run.speaking = self._run.speaking, None
        self._emit(
            EventType.ASSISTANT_MESSAGE, {"content": content} if said is None else {"content": content, "message_id": said}
        )

    def _emit_error(self, message: str, details: Any) -> None:
        self._emit(EventType.ERROR, {"message": message} if details is None else {"message": message, "details": details})

    def _ask_wait(
        self, name: str, schema: Optional[Dict[str, Any]], details: Any, timeout: Optional[float]
    ) -> Future[Any]:
        given = {"schema": schema, "details": details, "timeout_ms": _milliseconds(timeout)}
        return self._run.ask("wait", name=name, **_given(given))[1].result

    def _ask_approve(
        self, name: str, arguments: Any, tool_call_id: Optional[str], details: Any, timeout: Optional[float]
    ) -> Future[Any]:
        given = {"tool_call_id": tool_call_id, "details": details, "timeout_ms": _milliseconds(timeout)}
        return self._run.ask("approve", name=name, arguments=arguments, **_given(given))[1].result


def _child_request(
    agent: str,
    params: Any,
    messages: Union[str, Sequence[Message], None],
    *,
    name: Optional[str] = None,
    metadata: Optional[Dict[str, Any]] = None,
    timeout: Optional[float] = None,
    max_attempts: Optional[int] = None,
    budget: Optional[Dict[str, Any]] = None,
) -> Dict[str, Any]:
    options = {
        "params": params,
        "messages": messages if messages is None or isinstance(messages, str) else list(messages),
        "name": name,
        "metadata": metadata,
        "timeout_ms": _milliseconds(timeout),
        "max_attempts": max_attempts,
        "budget": budget,
    }
    return {"agent": agent, **_given(options)}


def _known(kind: Callable[..., T], answer: Dict[str, Any]) -> T:
    """A newer runtime may say more than this module knows of."""
    names = inspect.signature(kind).parameters
    return kind(**{name: value for name, value in answer.items() if name in names})


def _given(options: Dict[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _milliseconds(seconds: Optional[float]) -> Optional[int]:
    return None if seconds is None else round(seconds * 1000)


def _takes_argument(function: Callable[..., Any]) -> bool:
    """Whether it needs one, or says that it takes a `StepContext`. `lambda source=source: …` binds a variable of a loop."""
    try:
        first = next(iter(inspect.signature(function).parameters.values()), None)
    except (TypeError, ValueError):
        # Of what is built in, nothing may be known.
        return False
    if first is None or first.kind not in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD):
        return False
    return first.default is first.empty or first.annotation in (StepContext, "StepContext")


class RunContext(_Context):
    """What an `async` agent is given."""

    def __init__(self, run: _Run) -> None:
        super().__init__(run)
        self.llm = LLM(run)

    async def emit(self, kind: str, payload: Any, *, visibility: Optional[str] = None, once: bool = False) -> None:
        """Tells whoever follows the run. One that is not an event of the runtime or the agent fails the run."""
        self._emit(kind, payload, visibility, once)

    async def emit_message(self, content: str) -> None:
        """Emits `assistant.message`: a message the user always sees."""
        self._emit_message(content)

    emit_user_message = emit_message

    async def emit_delta(self, content: str, message_id: Optional[str] = None) -> None:
        """A piece of a message. Without an id it belongs to what the next `emit_message` says in whole."""
        self._emit_delta(content, message_id)

    async def emit_error(self, message: str, details: Any = None) -> None:
        """Emits `error`: something the user should know of, without ending the run."""
        self._emit_error(message, details)

    @overload
    async def step(self, name: str, function: Callable[..., Awaitable[T]], *, at_most_once: bool = ...) -> T: ...
    @overload
    async def step(self, name: str, function: Callable[..., T], *, at_most_once: bool = ...) -> T: ...
    async def step(self, name: str, function: Callable[..., Any], *, at_most_once: bool = False) -> Any:
        """Does something once: its result is stored, and a later attempt is given that instead.

        The function takes nothing, or a `StepContext` as a parameter without a default. Its result is JSON: another one fails
        the run for good, since the next attempt would do it again. Steps are told apart by name and, of one name, by the order of
        the calls.
        """
        number, call = self._run.ask("step.begin", name=name, at_most_once=at_most_once)
        key = await asyncio.wrap_future(call.begun)
        if key is not None:
            token = _step.set(number)
            try:
                made = function(StepContext(key)) if _takes_argument(function) else function()
                value = await made if inspect.isawaitable(made) else made
            except BaseException as error:
                _fail_step(self._run, number, error)
                raise
            finally:
                _step.reset(token)
            _end_step(self._run, number, value)
        return await asyncio.wrap_future(call.result)

    async def checkpoint(self, state: Any) -> None:
        """Saves state durably, in place of the last. Returns when it is stored."""
        await asyncio.wrap_future(self._run.ask("checkpoint", state=state)[1].result)
        self._state = state

    async def wait(
        self,
        name: str,
        schema: Optional[Dict[str, Any]] = None,
        *,
        details: Any = None,
        timeout: Optional[float] = None,
    ) -> WaitOutcome:
        """Waits for somebody's answer, for days if need be.

        The run leaves this process, and is executed again when the answer is there: what comes before is done again, but for steps.
        `schema` is the answer's JSON Schema, `timeout` is in seconds.
        """
        return _known(WaitOutcome, await asyncio.wrap_future(self._ask_wait(name, schema, details, timeout)))

    async def approve(
        self,
        name: str,
        arguments: Any,
        *,
        tool_call_id: Optional[str] = None,
        details: Any = None,
        timeout: Optional[float] = None,
    ) -> Approval:
        """Waits for leave to do exactly this."""
        asked = self._ask_approve(name, arguments, tool_call_id, details, timeout)
        return _known(Approval, await asyncio.wrap_future(asked))

    async def sleep(self, seconds: float) -> None:
        """Goes on after that time, whatever happens to this process, which is let go."""
        await asyncio.wrap_future(self._run.ask("sleep", ms=_milliseconds(seconds))[1].result)

    async def run_agent(
        self, agent: str, params: Any = None, messages: Union[str, Sequence[Message], None] = None, **options: Any
    ) -> ChildResult:
        """Has another agent do something, as a run of its own, and waits for it as `wait` does.

        It is one of the `agents` of `subprocessAgent`. Options: `name`, `metadata`, `timeout` in seconds, `max_attempts`, `budget`.
        One that does not succeed raises a `RequestError` with the code `child_failed`.
        """
        asked = self._run.ask("child_run", **_child_request(agent, params, messages, **options))[1].result
        return _known(ChildResult, await asyncio.wrap_future(asked))

    async def start_agent(
        self,
        agent: str,
        params: Any = None,
        messages: Union[str, Sequence[Message], None] = None,
        *,
        on_end: Optional[Literal["continue"]] = None,
        **options: Any,
    ) -> str:
        """The same without waiting: the other run goes on when this one is over. Returns its id.

        With `on_end="continue"` the conversation's next run begins with a message that tells how the other ended, when both are over.
        """
        asked = self._run.start_child(_child_request(agent, params, messages, **options), on_end)
        return str((await asyncio.wrap_future(asked))["run_id"])

    async def history(self, *, include_failed_runs: bool = False) -> List[Message]:
        """`messages`, or these with what failed runs before this one were asked and had said."""
        asked = self._run.ask("history", include_failed_runs=include_failed_runs)[1].result
        return typing.cast(List[Message], await asyncio.wrap_future(asked))

    async def tool_loop(
        self,
        tools: ToolRegistry,
        messages: Optional[Sequence[Message]] = None,
        *,
        max_turns: int = 10,
        **options: Any,
    ) -> RunResult:
        """Lets the model answer, running the tools it asks for, until it asks for none. Each turn and each call is a step.

        A tool that raises does not end the loop: the model is told `{"error": …}`. The result's output is the model's last text.
        """
        given = list(self.messages if messages is None else messages)
        said: List[Message] = []
        for _ in range(max_turns):
            answer = await self.llm.turn(given + said, tools=tools.to_openai_format(), **options)
            said.append(answer.message)
            if not answer.tool_calls:
                return RunResult(final_output=answer.text, final_messages=said)
            for call in answer.tool_calls:
                said.append(await self._run_tool(tools, call))
        raise NonRetriableError(f"The model still asked for tools after {max_turns} turns.")

    async def _run_tool(self, tools: ToolRegistry, call: Dict[str, Any]) -> Message:
        name, arguments, number = call["function"]["name"], call["function"]["arguments"], call["id"]
        told = {"tool_call_id": number, "tool": name}
        await self.emit(EventType.TOOL_CALL, {**told, "arguments": arguments}, once=True)
        leave: Optional[Approval] = None
        if name in tools and tools[name].needs_approval:
            asked = json.loads(arguments) if isinstance(arguments, str) else arguments
            leave = await self.approve(name, asked, tool_call_id=number)

        async def work() -> Dict[str, Any]:
            if leave is not None and not leave.approved:
                return {"result": {"error": f"The call was not approved: {leave.comment or leave.reason}."}, "failed": True}
            try:
                return {"result": await tools.execute(name, arguments)}
            except Exception as error:
                self.log.warning(f"A tool failed: {error!r}", tool=name)
                return {"result": {"error": str(error)}, "failed": True}

        done: Dict[str, Any] = await self.step(f"tool:{name if name in tools else 'unknown'}", work)
        result, failed = done["result"], done.get("failed", False)
        await self.emit(
            EventType.TOOL_RESULT, {**told, "result": result, **({"is_error": True} if failed else {})}, once=True
        )
        content = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, separators=(",", ":"))
        return {"role": "tool", "tool_call_id": number, "content": content}


def _fail_step(run: _Run, number: int, error: BaseException) -> None:
    if not run.cancelled.is_set():
        run.say("step.error", id=number, message=f"{type(error).__name__}: {_text_of(error)}"[:_MAX_TEXT])


def _end_step(run: _Run, number: int, result: Any) -> None:
    try:
        run.say("step.end", id=number, result=result)
    except NonRetriableError as error:
        _fail_step(run, number, error)
        raise


class SyncRunContext(_Context):
    """What an agent is given that is not `async`: methods block. They raise `RunCancelled` once the run is cancelled."""

    def __init__(self, run: _Run) -> None:
        super().__init__(run)
        self.llm = SyncLLM(run)

    def emit(self, kind: str, payload: Any, *, visibility: Optional[str] = None, once: bool = False) -> None:
        self._emit(kind, payload, visibility, once)

    def emit_message(self, content: str) -> None:
        self._emit_message(content)

    emit_user_message = emit_message

    def emit_delta(self, content: str, message_id: Optional[str] = None) -> None:
        self._emit_delta(content, message_id)

    def emit_error(self, message: str, details: Any = None) -> None:
        self._emit_error(message, details)

    def step(self, name: str, function: Callable[..., T], *, at_most_once: bool = False) -> T:
        number, call = self._run.ask("step.begin", name=name, at_most_once=at_most_once)
        key = call.begun.result()
        if key is not None:
            token = _step.set(number)
            try:
                value = function(StepContext(key)) if _takes_argument(function) else function()
            except BaseException as error:
                _fail_step(self._run, number, error)
                raise
            finally:
                _step.reset(token)
            _end_step(self._run, number, value)
        return typing.cast(T, call.result.result())

    def checkpoint(self, state: Any) -> None:
        self._run.ask("checkpoint", state=state)[1].result.result()
        self._state = state

    def wait(
        self,
        name: str,
        schema: Optional[Dict[str, Any]] = None,
        *,
        details: Any = None,
        timeout: Optional[float] = None,
    ) -> WaitOutcome:
        return _known(WaitOutcome, self._ask_wait(name, schema, details, timeout).result())

    def approve(
        self,
        name: str,
        arguments: Any,
        *,
        tool_call_id: Optional[str] = None,
        details: Any = None,
        timeout: Optional[float] = None,
    ) -> Approval:
        return _known(Approval, self._ask_approve(name, arguments, tool_call_id, details, timeout).result())

    def sleep(self, seconds: float) -> None:
        self._run.ask("sleep", ms=_milliseconds(seconds))[1].result.result()

    def run_agent(
        self, agent: str, params: Any = None, messages: Union[str, Sequence[Message], None] = None, **options: Any
    ) -> ChildResult:
        asked = self._run.ask("child_run", **_child_request(agent, params, messages, **options))[1].result
        return _known(ChildResult, asked.result())

    def start_agent(
        self,
        agent: str,
        params: Any = None,
        messages: Union[str, Sequence[Message], None] = None,
        *,
        on_end: Optional[Literal["continue"]] = None,
        **options: Any,
    ) -> str:
        return str(self._run.start_child(_child_request(agent, params, messages, **options), on_end).result()["run_id"])

    def history(self, *, include_failed_runs: bool = False) -> List[Message]:
        asked = self._run.ask("history", include_failed_runs=include_failed_runs)[1].result
        return typing.cast(List[Message], asked.result())


# Agents


class AgentRuntime:
    """An agent as a class: `key`, and `run`, which is given a `RunContext`. `register_runtime` takes instances."""

    @property
    def key(self) -> str:
        raise NotImplementedError

    async def run(self, ctx: RunContext) -> Any:
        raise NotImplementedError


class _Agent:
    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self._is_async = inspect.iscoroutinefunction(function)

    async def run(self, run: _Run) -> Any:
        if self._is_async:
            return await self._function(RunContext(run))
        # A thread of its own, so that what blocks it does not block what the runtime says.
        done: Future[Any] = Future()
        context = contextvars.copy_context()

        def work() -> None:
            try:
                value, error = context.run(self._function, SyncRunContext(run)), None
            except BaseException as raised:
                value, error = None, raised
            _settle(done, value, error)

        threading.Thread(target=work, daemon=True, name="agent").start()
        ended = asyncio.wrap_future(done)
        while True:
            try:
                return await asyncio.shield(ended)
            except asyncio.CancelledError:
                # A thread can't be stopped: it ends when it next asks for something.
                if done.done():
                    raise


_agents: Dict[str, _Agent] = {}
AsyncOrNot = TypeVar("AsyncOrNot", bound=Callable[..., Any])


def _register(key: str, function: Callable[[Any], Any]) -> None:
    if key in _agents:
        raise ValueError(f"There are two agents {key!r}.")
    _agents[key] = _Agent(function)


@overload
def agent(key: AsyncOrNot) -> AsyncOrNot: ...
@overload
def agent(key: Optional[str] = None) -> Callable[[AsyncOrNot], AsyncOrNot]: ...
def agent(key: Any = None) -> Any:
    """Makes an agent of a function: `@agent`, or `@agent("another-key")`. Without a key it has the function's name."""

    def register(function: AsyncOrNot) -> AsyncOrNot:
        _register(key if isinstance(key, str) else function.__name__, function)
        return function

    return register(key) if callable(key) else register


def register_runtime(runtime: AgentRuntime) -> None:
    _register(runtime.key, runtime.run)


def get_llm_client() -> Any:
    """`ctx.llm` of the run whose code is running: an `LLM`, or a `SyncLLM` in a function that is not `async`."""
    return SyncLLM(_run.get()) if asyncio._get_running_loop() is None else LLM(_run.get())


def serve() -> None:
    """Executes runs of the agents that were declared, until the runtime wants no more of them."""
    if sys.stdin.isatty():
        sys.exit("This program is an agent of trpc-agent-runtime, which starts it by itself (subprocessAgent).")
    if not _agents:
        sys.exit("This program declares no agent.")
    asyncio.run(_Connection(_agents).serve())
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        # What it has started ends with it.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)


# Tools


_JSON_TYPES: Dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}


@dataclass
class Tool:
    name: str
    description: str
    #: JSON Schema of the arguments, an object.
    parameters: Dict[str, Any]
    function: Callable[..., Any]
    #: Whether somebody has to approve each call. `tool_loop` heeds it.
    needs_approval: bool = False

    @staticmethod
    def from_function(
        function: Callable[..., Any], name: Optional[str] = None, *, needs_approval: bool = False
    ) -> Tool:
        """A tool of the function's name, first paragraph of its docstring, and annotations."""
        hints = typing.get_type_hints(function)
        properties: Dict[str, Any] = {}
        required: List[str] = []
        for parameter in inspect.signature(function).parameters.values():
            hint = hints.get(parameter.name)
            known = _JSON_TYPES.get(typing.get_origin(hint) or hint)
            properties[parameter.name] = {} if known is None else {"type": known}
            if parameter.default is inspect.Parameter.empty:
                required.append(parameter.name)
        schema = {"type": "object", "properties": properties, "required": required}
        called = name or function.__name__
        description = (inspect.getdoc(function) or called).split("\n\n")[0]
        return Tool(called, description, schema, function, needs_approval)


class ToolRegistry:
    def __init__(self, tools: Sequence[Tool] = ()) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def __contains__(self, name: str) -> bool:
        return name in self._tools

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def register(self, tool: Tool) -> None:
        self._tools[tool.name] = tool

    def to_openai_format(self) -> List[Dict[str, Any]]:
        return [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in self._tools.values()
        ]

    async def execute(self, name: str, arguments: Union[str, Dict[str, Any]]) -> Any:
        """Runs a tool, with arguments as a model writes them."""
        if name not in self._tools:
            raise KeyError(f"There is no tool {name!r}.")
        given = json.loads(arguments) if isinstance(arguments, str) else arguments
        result = self._tools[name].function(**given)
        return await result if inspect.isawaitable(result) else result
