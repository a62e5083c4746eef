"""The device itself: takes commands in order, computes them on one thread, counts what is done."""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue
from typing import Any

import torch

from modules.emulated_process.codec import from_bytes, name_dtype, to_bytes
from modules.emulated_process.frames import Command, Control, Counter, Frames, Reply, SharedCounters
from modules.emulated_process.memory import NEVER_WRITTEN, Failed, FaultInherited
from modules.emulated_process.plans import Plan

#: How often a device that hangs looks whether it still does, in seconds.
_HUNG_LOOK_S = 0.005
_READS = (Command.READ, Command.FETCH, Command.ASK)


class Worker:
    """Memory and queue of the device; one thread works, another answers what is asked beside the queue."""

    def __init__(self, frames: Frames, counters: SharedCounters) -> None:
        torch.set_num_threads(1)
        self._frames = frames
        self._numbers = counters.numbers
        self._lock = threading.Lock()
        self._waited_for: list[int] = []
        self._plans: dict[int, Plan] = {}
        self._graphs: dict[int, list[tuple[Any, ...]]] = {}
        self._values: dict[int, Any] = {}
        self._began_s: dict[int, list[tuple[float, float]]] = {}
        self._idle_s = 0.0
        self._gates: dict[int, threading.Event] = {}
        self._own_handle = 0
        self._completed = 0
        self._payload = bytearray()
        self._works = {
            Command.STORE: self._store,
            Command.WRITE: self._write,
            Command.READ: self._read,
            Command.FETCH: self._fetch,
            Command.ASK: self._ask,
            Command.MARK: self._mark,
            Command.DELAY: lambda command: time.sleep(command[1]),
            Command.BEGIN: self._begin,
            Command.HOLD: self._hold,
            Command.GATE: self._wait_gate,
            Command.FAIL: self._fail,
            Command.REPLAY: self._replay,
        }
        self._notes = {
            Command.DEFINE: self._define,
            Command.FREE: self._free,
            Command.DEFINE_GRAPH: self._define_graph,
            Command.FREE_GRAPH: self._free_graph,
        }

    def run_forever(self, queued: SimpleQueue[tuple[list[Any], bytearray]]) -> None:
        """Work through what is queued, in its order; a failure is told, and the work goes on."""
        numbers = self._numbers
        with torch.inference_mode():
            numbers[Counter.STARTED] = 1
            self._frames.write((int(Reply.STARTED), time.perf_counter()))
            while True:
                commands, self._payload = self._wait_commands(queued)
                for command in commands:
                    note = self._notes.get(command[0])
                    if note is not None:
                        note(command)
                        continue
                    while numbers[Counter.IS_HUNG]:
                        time.sleep(_HUNG_LOOK_S)
                    began_s = time.perf_counter()
                    self._run_one(command)
                    if (slowness := numbers[Counter.SLOWNESS]) > 1000:
                        time.sleep((time.perf_counter() - began_s) * (slowness - 1000) / 1000)
                    self._complete_one()
                # The thread idles inside get(): without this, the last payload would live until then.
                del commands
                self._payload = bytearray()

    def _wait_commands(self, queued: SimpleQueue[tuple[list[Any], bytearray]]) -> tuple[list[Any], bytearray]:
        """Wait for the next ones, and count for how long there were none."""
        if not queued.empty():
            return queued.get()
        began_s = time.perf_counter()
        commands = queued.get()
        self._idle_s += time.perf_counter() - began_s
        return commands

    def answer_forever(self, asked: SimpleQueue[tuple[Any, ...]]) -> None:
        """Answer what is asked beside the queue, in its own thread."""
        with torch.inference_mode():
            while True:
                kind, *rest = asked.get()
                if kind == Control.WAIT:
                    with self._lock:
                        self._waited_for.append(rest[0])
                    self._tell_reached()
                elif kind == Control.OPEN:
                    self._gate(rest[0]).set()
                else:
                    self._peek(*rest)

    def _run_one(self, command: tuple[Any, ...]) -> None:
        try:
            if command[0] >= 0:
                self._plans[command[0]].run(command, self._values)
            else:
                self._works[command[0]](command)
        except FaultInherited as inherited:
            # Reported once, by the operation that caused it; a read that gets no value says so again.
            if command[0] in _READS:
                self._report(str(inherited), command[0])
        except Exception as error:  # noqa: BLE001  the device outlives whatever it is given
            title = self._plans[command[0]].title if command[0] >= 0 else ""
            self._report(f"{title} failed on the device: {error}" if title else str(error), command[0])

    def _report(self, message: str, command: int) -> None:
        if command in _READS:
            self._frames.write((int(Reply.VALUE), None))
        self._frames.write((int(Reply.FAULT), message))
        self._numbers[Counter.FAULTS] += 1

    def _complete_one(self) -> None:
        self._completed += 1
        self._numbers[Counter.COMPLETED] = self._completed
        if self._waited_for:
            self._tell_reached()

    def _tell_reached(self) -> None:
        with self._lock:
            completed = self._completed
            reached = [ticket for ticket in self._waited_for if ticket <= completed]
            if not reached:
                return
            self._waited_for = [ticket for ticket in self._waited_for if ticket > completed]
        self._frames.write((int(Reply.REACHED), max(reached)))

    # What takes no ticket.

    def _define(self, command: tuple[Any, ...]) -> None:
        self._plans[command[1]] = Plan(command)

    def _free(self, command: tuple[Any, ...]) -> None:
        for handle in command[1]:
            self._values.pop(handle, None)

    def _define_graph(self, command: tuple[Any, ...]) -> None:
        self._graphs[command[1]] = command[2]

    def _free_graph(self, command: tuple[Any, ...]) -> None:
        self._graphs.pop(command[1], None)

    # Work.

    def _value(self, handle: int) -> torch.Tensor:
        value = self._values.get(handle)
        if value is None:
            raise RuntimeError(NEVER_WRITTEN)
        if type(value) is Failed:
            raise FaultInherited(value.message)
        tensor: torch.Tensor = value
        return tensor

    def _taken(self, dtype: str, shape: tuple[int, ...]) -> torch.Tensor:
        return from_bytes(dtype, shape, self._payload)

    def _store(self, command: tuple[Any, ...]) -> None:
        _, handle, dtype, shape, stride = command
        value = self._taken(dtype, shape)
        if value.stride() != stride:
            value = torch.empty_strided(shape, stride, dtype=value.dtype).copy_(value)
        self._values[handle] = value

    def _write(self, command: tuple[Any, ...]) -> None:
        _, handle, dtype, shape = command
        self._value(handle).copy_(self._taken(dtype, shape))

    def _read(self, command: tuple[Any, ...]) -> None:
        self._send((int(Reply.VALUE),), self._value(command[1]))

    def _fetch(self, command: tuple[Any, ...]) -> None:
        call = command[1]
        self._send((int(Reply.VALUE),), self._plans[call[0]].compute(call, self._values))

    def _send(self, head: tuple[int, ...], tensor: torch.Tensor) -> None:
        self._frames.write((*head, (name_dtype(tensor.dtype), tuple(tensor.shape))), to_bytes(tensor))

    def _ask(self, command: tuple[Any, ...]) -> None:
        """Results of which the host cannot know the shape, or that are no tensors; handles are ours."""
        call = command[1]
        result = self._plans[call[0]].compute(call, self._values)
        self._frames.write((int(Reply.VALUE), [self._describe(result)]))

    def _describe(self, result: Any) -> Any:
        if isinstance(result, torch.Tensor):
            self._own_handle -= 1
            self._values[self._own_handle] = result
            spec = (tuple(result.shape), result.stride(), name_dtype(result.dtype))
            return ("tensor", self._own_handle, spec)
        if isinstance(result, (list, tuple)):
            return [self._describe(element) for element in result]
        return result

    def _mark(self, command: tuple[Any, ...]) -> None:
        if command[1]:
            self._frames.write((int(Reply.MARK), time.perf_counter(), self._completed))

    def _begin(self, command: tuple[Any, ...]) -> None:
        self._began_s.setdefault(command[1], []).append((time.perf_counter(), self._idle_s))

    def _hold(self, command: tuple[Any, ...]) -> None:
        """Wait out the rest of a span; where idle time costs, what was idle within it is not part of it."""
        _, number, seconds, idle_costs = command
        began_s, idle_before_s = self._began_s[number].pop()
        idle_s = self._idle_s - idle_before_s if idle_costs else 0.0
        time.sleep(max(0.0, began_s + seconds + idle_s - time.perf_counter()))

    def _gate(self, number: int) -> threading.Event:
        with self._lock:
            return self._gates.setdefault(number, threading.Event())

    def _wait_gate(self, command: tuple[Any, ...]) -> None:
        self._gate(command[1]).wait(command[2])

    def _fail(self, command: tuple[Any, ...]) -> None:
        raise RuntimeError(f"{command[1]} failed on the device: it was asked to")

    def _replay(self, command: tuple[Any, ...]) -> None:
        """Run a captured graph; what it wrote before is written again where it stands, as in a real graph."""
        for call in self._graphs[command[1]]:
            if call[0] >= 0:
                self._plans[call[0]].replay(call, self._values)
            else:
                self._works[call[0]](call)

    def _peek(self, request: int, handle: int) -> None:
        value = self._values.get(handle)
        if not isinstance(value, torch.Tensor):
            self._frames.write((int(Reply.PEEKED), request, None))
        else:
            self._send((int(Reply.PEEKED), request), value)
