"""A process that saves profiles and rules while the host saves its settings, and counts what goes wrong.

Run by the campaign in the host's own Python. Its argument is a JSON object, and so is its last line.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

#: An option of the host's own, and how long a change is looked for in the file at most, in seconds.
OWN = "own"
LIMIT_S = 10.0
#: Pause of the watcher between two reads, in seconds: without one it leaves nobody else any time.
WATCH_S = 0.0005
#: The largest number of steps that a rule may ask for.
MOST_STEPS = 1000
PROFILES = ("precise", "balanced", "throughput", "auto")


class Bench:
    """The host's options on a file of their own, and the routes that save profiles.

    Attributes:
        broken: reads that were no JSON while the host itself was not saving.
        lost_puts: answered changes that were not in the file.
        lost_own: the host's own changes that were not in the file after its save.
    """

    def __init__(self, folder: Path) -> None:
        from modules.options import OptionInfo
        from modules.options_handler import Options
        from zluda_sync.core.settings.settings import FIELDS
        from zluda_sync.host.api.profiles_route import ProfilesRoutes
        from zluda_sync.host.profiles.choice import ProfileChoice
        from zluda_sync.host.profiles.store import ProfileStore

        bench = self
        self.begun = self.ended = 0
        self._counting = threading.Lock()

        class CountedOptions(Options):  # type: ignore[misc]
            """The host's options, which say when they are being saved."""

            def save_atomic(self, *args: Any, **kwargs: Any) -> Any:
                """Save as the host does."""
                with bench._counting:
                    bench.begun += 1
                try:
                    return super().save_atomic(*args, **kwargs)
                finally:
                    with bench._counting:
                        bench.ended += 1

        self.file = folder / "config.json"
        profile = FIELDS.profile.option
        labels = {profile: OptionInfo("balanced", profile), OWN: OptionInfo("none", OWN)}
        self.opts = CountedOptions(labels)
        self.opts.filename = str(self.file)
        self.opts.secretsfn = str(folder / "secrets.json")
        if not self.file.exists():
            self.opts.save()
            self.wait_for_saves()
        self.opts.load()
        self.profile_option = profile
        host: Any = SimpleNamespace(opts=self.opts, are_settings_frozen=False, settings_file=self.file)
        self.store = ProfileStore(host)
        self.routes = ProfilesRoutes(self.store, ProfileChoice(host, self.store, lambda text: None))
        self.broken = self.lost_puts = self.lost_own = self.reads = self.own_saves = 0
        self._is_over = threading.Event()

    def read(self) -> dict[str, Any]:
        """Return what the file has as soon as the host does not write it; counts it if it is broken then."""
        give_up_at_s = time.monotonic() + LIMIT_S
        while time.monotonic() < give_up_at_s:
            ended, begun = self.ended, self.begun
            try:
                tree: dict[str, Any] = json.loads(self.file.read_bytes())
            except (OSError, ValueError):
                if ended == begun == self.begun:
                    break
            else:
                return tree
        self.broken += 1
        return {}

    def put(self, number: int) -> None:
        """Save a choice and rules by the route, and look whether they are in the file with the answer."""
        rules = [
            {"profile": "off", "steps_min": 1 + number % MOST_STEPS},
            *({"profile": "precise"},) * (number % 2),
        ]
        chosen = PROFILES[number % len(PROFILES)]
        self.routes.put_profiles({"chosen": chosen, "rules": rules})
        tree = self.read()
        is_kept = rules == tree.get("zluda_sync", {}).get("rules")
        self.lost_puts += not (is_kept and chosen == tree.get(self.profile_option, "balanced"))

    def put_by_host(self, number: int) -> None:
        """Do the same by two saves of the host's own, as one would without a lock."""
        rules = [{"profile": "off", "steps_min": 1 + number % MOST_STEPS}] * (1 + number % 20)
        self.opts.set(self.profile_option, PROFILES[number % len(PROFILES)])
        self.opts.save()
        self.opts.data["zluda_sync"] = {"rules": rules}
        self.opts.save()
        self.wait_for_saves()
        tree = self.read()
        self.lost_puts += bool(tree) and rules != tree.get("zluda_sync", {}).get("rules")

    def wait_for_saves(self) -> None:
        """Wait until the host has saved all that it was asked to."""
        while any(thread.name.endswith("(save_atomic)") for thread in threading.enumerate()):
            time.sleep(0.0005)

    def save_own(self, seed: int, may_overlap: bool) -> None:
        """Change and save an option of the host's own, again and again; two saves at once if they may."""
        chance = random.Random(seed)
        while not self._is_over.is_set():
            value = "x" * chance.randrange(1, 3000) + str(self.own_saves)
            self.opts.set(OWN, value)
            self.opts.save(silent=True)
            if may_overlap and chance.random() < 0.5:
                self.opts.save(silent=True)
            self.own_saves += 1
            if not may_overlap or chance.random() < 0.5:
                self.wait_for_saves()
                self.lost_own += value != self.read().get(OWN)
            time.sleep(chance.random() * 0.008)

    def watch(self) -> None:
        """Read the file all the while."""
        while not self._is_over.is_set():
            self.read()
            self.reads += 1
            time.sleep(WATCH_S)

    def run(self, puts: int, may_overlap: bool, with_host: bool) -> None:
        """Save so many times, beside the host and a watcher."""
        beside = [threading.Thread(target=self.watch)]
        if with_host:
            beside.append(threading.Thread(target=self.save_own, args=(puts, may_overlap)))
        for thread in beside:
            thread.start()
        try:
            for number in range(puts):
                self.put(number)
        finally:
            self._is_over.set()
            for thread in beside:
                thread.join()
        self.wait_for_saves()
        self.read()

    def put_names(self, puts: int, prefix: str) -> None:
        """Save profiles of names that no other process uses, and look for them in the file."""
        for number in range(puts):
            name = f"{prefix}{number % 40}"
            self.routes.put_profile(name, {"values": {"depth": 1 + number % 16}})
            saved = self.read().get("zluda_sync", {}).get("profiles", {})
            self.lost_puts += saved.get(name) != {"depth": 1 + number % 16}


def main(task: dict[str, Any]) -> int:
    """Do a task of the campaign; return the exit code."""
    sys.path[:0] = [task["host"], task["extension"]]
    sys.argv = [sys.argv[0], "--config", str(Path(task["folder"], "config.json"))]
    bench = Bench(Path(task["folder"]))
    began_at_s, puts = time.monotonic(), task["puts"]
    kind = task["kind"]
    if kind == "alone":
        for number in range(puts):
            bench.put_by_host(number)
    elif kind == "names":
        bench.put_names(puts, task["prefix"])
    else:
        if kind == "in line":
            bench.store.saver.host_saves.keep(bench)
        bench.run(puts, may_overlap=kind == "in line", with_host=True)
        bench.store.saver.host_saves.let_go(bench)
    counted = {
        name: getattr(bench, name) for name in ("broken", "lost_puts", "lost_own", "reads", "own_saves")
    }
    took_s = time.monotonic() - began_at_s
    print(json.dumps({**counted, "puts": puts, "took_s": took_s}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
