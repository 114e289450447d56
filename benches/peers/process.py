"""Times whole processes: wall, CPU and peak memory as the system accounts for them, in pairs, one after the other.

Commands are started by a process of their own that stays small. Until it begins its program, a new process is a copy of the one that
started it, and the system counts that into its peak memory: no figure below that of a bare Python is real.
"""

import atexit
import multiprocessing
import os
import resource
import statistics
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

# Of what a command prints the end is kept.
LONGEST_OUTPUT = 64 * 1024


@dataclass(frozen=True)
class Command:
    """A program with what it is started with."""

    argv: list
    env: dict | None = None
    cwd: str | None = None
    # The one processor that it may use, or any.
    cpu: int | None = None
    # The code that it should end with.
    code: int = 0


@dataclass(frozen=True)
class Taken:
    """What a process took."""

    wall: float
    cpu: float
    mib: float
    output: str


class Wrong(Exception):
    """A process that did not do what was asked of it: there is nothing to compare."""


def starter():
    """The process that starts commands, made when it is first needed."""
    if not hasattr(starter, "pool"):
        starter.pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        atexit.register(starter.pool.shutdown)
    return starter.pool


def run(command, longest=600):
    """Runs a process to its end. One that fails, or takes longer than `longest` seconds, is an error."""
    return starter().submit(run_here, command, longest).result()


def run_here(command, longest):
    raise_descriptors()
    argv = [str(argument) for argument in command.argv]
    if command.cpu is not None:
        argv = ["taskset", "-c", str(command.cpu), *argv]
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            argv, env=command.env, cwd=command.cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        status, usage = wait(process, longest)
        wall = time.perf_counter() - start
        # A starter that held what a command prints would be no small one.
        output.seek(max(0, output.seek(0, os.SEEK_END) - LONGEST_OUTPUT))
        text = output.read().decode(errors="replace")
    code = os.waitstatus_to_exitcode(status)
    if code != command.code:
        raise Wrong(f"{' '.join(argv[:6])} … ended with {code}, not {command.code}: {text[-2000:]}")
    return Taken(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


def wait(process, longest):
    """Waits as `wait4` does, which gives what the process took, and its children that were waited for."""
    late = threading.Timer(longest, process.kill)
    late.daemon = True
    late.start()
    _, status, usage = os.wait4(process.pid, 0)
    late.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return status, usage


@dataclass(frozen=True)
class Compared:
    """Some commands that were run in turn; the first is ours."""

    names: list
    taken: list

    def median(self, name, figure):
        return statistics.median(getattr(taken, figure) for taken in self.taken[self.names.index(name)])

    def ratio(self, name, other, figure):
        """Median of the ratios of the pairs, with the lowest and the highest."""
        ours, theirs = self.taken[self.names.index(name)], self.taken[self.names.index(other)]
        ratios = sorted(getattr(a, figure) / getattr(b, figure) for a, b in zip(ours, theirs))
        return statistics.median(ratios), ratios[0], ratios[-1]


def compare(commands, rounds, check=lambda name: None):
    """Runs named commands in turn, A B C A B C, after one round that doesn't count. `check` is called after each run."""
    taken = [[] for _ in commands]
    for number in range(rounds + 1):
        for (name, command), results in zip(commands.items(), taken):
            result = run(command)
            check(name)
            if number > 0:
                results.append(result)
    return Compared(list(commands), taken)


def raise_descriptors():
    """As many file descriptors as the system allows: some peers take several for a request."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def say(text=""):
    print(text, flush=True)
