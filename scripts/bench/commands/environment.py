"""The virtual environment of the repository: made, filled and entered by every command.

Standard library only: this runs in whatever Python the user typed, before anything is installed.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
OLDEST_PYTHON = (3, 10)
FIRST_UNSUPPORTED_PYTHON = (3, 14)
PIP_CHATTER = ("Requirement already satisfied", "Ignoring ", "Looking in ")


class SetupError(Exception):
    """The environment cannot be made; the message is one line for the user."""


def check_python_version(version: tuple[int, int]) -> None:
    """Raise SetupError unless this Python can run the commands."""
    if not OLDEST_PYTHON <= version < FIRST_UNSUPPORTED_PYTHON:
        raise SetupError(f"Python 3.10 to 3.13 is needed, this is {version[0]}.{version[1]}: use another one")


def read_extra(pyproject_text: str, extra: str) -> list[str]:
    """Return the requirements of one extra, in file order.

    Python 3.10 has no TOML reader; an array of plain strings reads the same in Python.

    Raises:
        SetupError: there is no such extra.
    """
    _, _, after_header = pyproject_text.partition("\n[project.optional-dependencies]\n")
    table = re.split(r"^\[", after_header, maxsplit=1, flags=re.MULTILINE)[0]
    match = re.search(rf"^{re.escape(extra)}\s*=\s*(\[.*?^\])", table, flags=re.MULTILINE | re.DOTALL)
    if match is None:
        raise SetupError(f"pyproject.toml has no extra named {extra}")
    return [str(requirement) for requirement in ast.literal_eval(match.group(1))]


class VirtualEnvironment:
    """The folder `.venv` of the repository, and a record in it of what has been installed."""

    def __init__(self, repository: Path = REPOSITORY) -> None:
        self.repository = repository
        self.folder = repository / ".venv"
        bin_folder = self.folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = bin_folder / ("python.exe" if os.name == "nt" else "python")
        self.record = self.folder / "installed_extras.json"

    def enter(self, extras: Sequence[str], script: str, arguments: Sequence[str]) -> None:
        """Return only when running inside the environment with the extras installed.

        Otherwise it makes what is missing and starts the script anew with the environment's Python; the
        exit code is then that run's.

        Raises:
            SetupError: it cannot be made or filled.
        """
        check_python_version(sys.version_info[:2])
        self.ensure(extras)
        if Path(sys.prefix).resolve() == self.folder.resolve():
            return
        command = [str(self.python), script, *arguments]
        sys.stdout.flush()
        sys.stderr.flush()
        if os.name == "nt":
            # Windows' exec returns to the shell at once and leaves the command running behind its prompt.
            sys.exit(subprocess.call(command))
        os.execv(command[0], command)

    def ensure(self, extras: Sequence[str]) -> None:
        """Make the environment and install the extras, unless the record says that it is done."""
        pyproject_text = (self.repository / "pyproject.toml").read_text(encoding="utf-8")
        wanted = {extra: read_extra(pyproject_text, extra) for extra in extras}
        digests = {extra: _digest(requirements) for extra, requirements in wanted.items()}
        usable = self._poll_python_runs()
        installed = self._read_record() if usable else {}
        missing = [extra for extra in extras if installed.get(extra) != digests[extra]]
        if not missing:
            return
        if not usable:
            self._make()
        # All requirements at once: installed one extra after the other, a later one could move a pin.
        self._install([requirement for extra in extras for requirement in wanted[extra]], missing)
        self.record.write_text(json.dumps({**installed, **digests}, indent=2) + "\n", encoding="utf-8")

    def _poll_python_runs(self) -> bool:
        """Whether the environment's Python starts: a moved or removed base Python leaves a dead link."""
        try:
            subprocess.run([str(self.python), "-c", "import pip"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def _read_record(self) -> dict[str, str]:
        try:
            recorded = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return recorded if isinstance(recorded, dict) else {}

    def _make(self) -> None:
        _say(f"making the virtual environment {self.folder}")
        made = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(self.folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            reason = (made.stdout + made.stderr).strip().splitlines()
            raise SetupError(
                f"cannot make the virtual environment {self.folder}: {reason[0] if reason else 'venv failed'}"
            )

    def _install(self, requirements: Sequence[str], extras: Sequence[str]) -> None:
        _say(f"installing packages for {' and '.join(extras)} (some minutes the first time)")
        command = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check", *requirements]
        # pip talks on stderr: the last line of stdout belongs to the command's own result.
        if sys.stderr.isatty():
            code = subprocess.call(command, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno())
        else:
            code = _call_with_news_only([*command, "--progress-bar", "off"])
        if code != 0:
            raise SetupError(f"cannot install the packages: pip's exit code is {code}, see above")


def _call_with_news_only(command: Sequence[str]) -> int:
    """Run pip and pass on its output less the lines that say that nothing is to be done."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            if not line.startswith(PIP_CHATTER):
                print(line, end="", file=sys.stderr, flush=True)
    return pip.returncode


def _digest(requirements: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(requirements).encode()).hexdigest()


def _say(text: str) -> None:
    print(f"zluda_sync: {text}", file=sys.stderr, flush=True)
