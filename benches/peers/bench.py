"""Compares hss-sync with what users would take instead, as whole processes in turn. Started by `benches/peers/run`."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from goals import GROUPS, Bench, Table
from nginx import program
from peers import Programs
from process import Wrong, raise_descriptors, say


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=Path, help="the program, as users install it")
    parser.add_argument("place", type=Path, help="where the peers are installed")
    parser.add_argument("groups", nargs="*", help=f"what to measure: {', '.join(GROUPS)}; everything without")
    parser.add_argument("--rounds", type=int, default=5, help="counted runs of each command (5)")
    arguments = parser.parse_intermixed_args()
    unknown = [group for group in arguments.groups if group not in GROUPS]
    if unknown:
        parser.error(f"there is no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    if not program():
        sys.exit("nginx is not there: it is Debian's package nginx-light, and libnginx-mod-http-echo for late answers")
    raise_descriptors()
    table = Table()
    say(f"{os.cpu_count()} processors, {arguments.rounds} rounds, medians; ratios are of pairs (lowest to highest)")
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(arguments.binary.resolve(), arguments.place.resolve(), Path(folder).resolve())
        for name in arguments.groups or GROUPS:
            say(f"\n{name}: {GROUPS[name].__doc__}")
            try:
                GROUPS[name](Bench(programs, arguments.rounds, table))
            except Wrong as wrong:
                sys.exit(f"{name}: {wrong}")
    missed = [what for what, value, goal in table.rows if goal is not None and value > goal]
    say(f"\n{len(missed)} goals missed" + "".join(f"\n  {what}" for what in missed))


if __name__ == "__main__":
    main()
