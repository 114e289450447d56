"""What is measured. Each function is one group: it runs its commands in turn and hands its lines to `Table`."""

import json
import math
import shutil
from contextlib import contextmanager

import plans
from nginx import server
from process import Command, Wrong, compare, run, say

LARGE = 100_000
MIDDLE = 10_000
# nginx on one processor, whoever sends on the other: unpinned, the system puts both on one now and then.
SERVER_CPU, CLIENT_CPU = 0, 1
LATENCY = 0.05


class Table:
    """Lines of figures, and how many of the goals are met."""

    def __init__(self):
        self.rows = []

    def row(self, what, value, unit="", goal=None, spread=None):
        """A figure; `goal` is the highest value that is wanted."""
        met = "" if goal is None else (" met" if value <= goal else " MISSED")
        between = f" ({spread[0]:.3g} to {spread[1]:.3g})" if spread else ""
        wanted = "" if goal is None else f"  goal <= {goal:.3g}{met}"
        say(f"  {what:<66} {value:>9.3g}{unit}{between}{wanted}")
        self.rows.append((what, value, goal))

    def ratio(self, what, compared, ours, theirs, figure, goal=None):
        """The median of the ratios of the pairs."""
        median, low, high = compared.ratio(ours, theirs, figure)
        self.row(f"{what}: {figure} / {theirs}", median, goal=goal, spread=(low, high))

    def medians(self, compared, count=None):
        """What each command took."""
        for name in compared.names:
            wall, cpu, mib = (compared.median(name, figure) for figure in ("wall", "cpu", "mib"))
            rate = f"{count / wall:>9,.0f}/s {cpu / count * 1e6:>6.1f} us of CPU each" if count else ""
            say(f"  {name:<24} {wall:>8.3f} s {cpu:>8.3f} s of CPU {mib:>7.1f} MiB {rate}")


class Bench:
    """The programs, how often they are run, and where the figures go."""

    def __init__(self, programs, rounds, table):
        self.programs, self.rounds, self.table = programs, rounds, table
        self.folder = programs.folder

    def plan(self, count, name=None, **more):
        path = self.folder / f"{name or count}.yaml"
        path.write_text(plans.plan(count, **more))
        return path

    def skipped(self, what):
        say(f"  SKIPPED {what}: not installed")

    def fresh(self):
        """Removes what runs left behind."""
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    @contextmanager
    def counted(self, nginx, count):
        """A check after each command that exactly `count` requests arrived; none is lost, none is sent twice."""
        seen = nginx.requests()

        def check(name):
            nonlocal seen
            now = nginx.requests()
            if now - seen != count:
                raise Wrong(f"{name}: {now - seen} requests arrived, not {count}")
            seen = now
            self.fresh()

        yield check


def send(bench):
    """Goal 1: 100,000 requests over HTTP, nginx and the sender on a processor each."""
    programs, count = bench.programs, LARGE
    plan = bench.plan(count)
    with server(bench.folder / "nginx", SERVER_CPU) as nginx, bench.counted(nginx, count) as check:
        commands = {"hss-sync": programs.run(plan, nginx.origin("plain"), cpu=CLIENT_CPU)}
        if programs.oha:
            url = plans.urls(1, nginx.origin("plain"))[0]
            commands["oha"] = programs.sender(count, 64, url, plans.BODY, cpu=CLIENT_CPU)
        compared = compare(commands, bench.rounds, check)
        bench.table.medians(compared, count)
        if programs.oha:
            bench.table.ratio("100,000 over HTTP, a processor each", compared, "hss-sync", "oha", "wall", 2.5)
        else:
            bench.skipped("oha")


def against_the_sdk(bench):
    """Goal 2: 10,000 requests beside the official SDK and curl, over HTTP and HTTPS."""
    programs, count = bench.programs, MIDDLE
    plan = bench.plan(count)
    for kind in ("plain", "tls"):
        say(f"  -- {'HTTP' if kind == 'plain' else 'HTTPS'}")
        with server(bench.folder / "nginx") as nginx, bench.counted(nginx, count) as check:
            origin, roots = nginx.origin(kind), nginx.roots if kind == "tls" else None
            commands = {"hss-sync": programs.run(plan, origin, roots=roots)}
            if programs.curl:
                config = bench.folder / "curl.config"
                config.write_text(plans.curl_config(count, origin, roots))
                commands["curl --parallel"] = programs.curl_parallel(config, 64)
            if programs.oha:
                commands["oha"] = programs.sender(count, 64, plans.urls(1, origin)[0], plans.BODY)
            compared = compare(commands, bench.rounds, check)
            bench.table.medians(compared, count)
            name = "10,000 over " + ("HTTP" if kind == "plain" else "HTTPS")
            for other in list(commands)[1:]:
                bench.table.ratio(name, compared, "hss-sync", other, "wall")
            if programs.python:
                pair = {"hss-sync": commands["hss-sync"], "Python SDK, 64 threads": programs.sdk(origin, count, 64)}
                compared = compare(pair, 3, check)
                bench.table.medians(compared, count)
                for figure, goal in (("cpu", 1 / 50), ("wall", 1 / 35)):
                    bench.table.ratio(name, compared, "hss-sync", "Python SDK, 64 threads", figure, goal)
            else:
                bench.skipped("the official SDK")


def latency(bench):
    """Goal 3: 10,000 requests, 256 at a time, each answered after 50 ms."""
    programs, count, concurrency = bench.programs, MIDDLE, 256
    plan = bench.plan(count, "wide", concurrency=concurrency)
    with server(bench.folder / "nginx") as nginx, bench.counted(nginx, count) as check:
        if not nginx.can_be_slow:
            bench.skipped("nginx's echo module")
            return
        origin = nginx.origin("slow")
        commands = {"hss-sync": programs.run(plan, origin)}
        if programs.curl:
            config = bench.folder / "curl.config"
            config.write_text(plans.curl_config(count, origin))
            commands["curl --parallel"] = programs.curl_parallel(config, concurrency)
        compared = compare(commands, bench.rounds, check)
        bench.table.medians(compared, count)
        ideal = math.ceil(count / concurrency) * LATENCY
        bench.table.row("10,000 at 50 ms, 256 at a time: wall / ideal", compared.median("hss-sync", "wall") / ideal, goal=1.15)
        if programs.curl:
            bench.table.ratio("10,000 at 50 ms, 256 at a time", compared, "hss-sync", "curl --parallel", "wall", 1.0)


def validate(bench):
    """Goals 4 and 5: 100,000 operations beside libyaml's events and ajv, 10,000 beside check-jsonschema."""
    programs = bench.programs
    schema = plans.schema(bench.folder)
    plan = bench.plan(LARGE)
    size = plan.stat().st_size
    commands = {"hss-sync": programs.tool("validate", plan)}
    if programs.events:
        commands["libyaml events"] = Command([programs.events, plan])
    if programs.ajv:
        commands["ajv"] = Command([programs.ajv, "validate", "-s", schema, "-d", plan])
    compared = compare(commands, bench.rounds)
    bench.table.medians(compared)
    for other, goal in (("libyaml events", 3.0), ("ajv", 0.65)):
        if other in commands:
            bench.table.ratio("validate 100,000", compared, "hss-sync", other, "wall", goal)
        else:
            bench.skipped(other)
    peak = compared.median("hss-sync", "mib") * 2**20
    bench.table.row(f"validate 100,000: peak / bytes of the plan ({size / 1e6:.1f} MB)", peak / size, goal=10)
    if programs.check_jsonschema:
        plan = bench.plan(MIDDLE)
        argv = [programs.check_jsonschema, "--schemafile", schema, plan]
        pair = {"hss-sync": programs.tool("validate", plan), "check-jsonschema": Command(argv)}
        compared = compare(pair, 3)
        bench.table.medians(compared)
        bench.table.ratio("validate 10,000", compared, "hss-sync", "check-jsonschema", "wall", 1 / 50)
    else:
        bench.skipped("check-jsonschema")
    verdicts(bench)


def verdicts(bench):
    """A plan with one wrong target is refused, and the place is named, wherever it is."""
    text = plans.plan(LARGE)
    for which in ("first", "middle", "last"):
        path = bench.folder / "spoilt.yaml"
        spoilt, line = plans.spoilt(text, which, LARGE)
        path.write_text(spoilt)
        output = run(bench.programs.tool("validate", path, code=3)).output
        if f"spoilt.yaml:{line}:" not in output:
            raise Wrong(f"the wrong target, line {line}, is not named: {output}")
        say(f"  one wrong target, the {which} of {LARGE:,}: refused, line {line:,} is named")


def memory(bench):
    """Goal 5: what a run adds to validation, and what each report format adds to that."""
    programs, count = bench.programs, LARGE
    plan = bench.plan(count)
    formats = ("json", "junit", "markdown", "html", "csv", "sarif", "ndjson")
    with server(bench.folder / "nginx") as nginx:
        validated = run(programs.tool("validate", plan)).mib
        origin = nginx.origin("plain")
        ran = run(programs.run(plan, origin)).mib
        added = (ran - validated - 64 * 64 / 1024) * 1024 / count
        bench.table.row("run of 100,000 adds to validate, KiB an operation", added, goal=0.5)
        bench.table.row("run of 100,000 with its JSON report: peak", ran, " MiB", goal=300e6 / 2**20)
        for name in formats:
            bench.fresh()
            taken = run(programs.run(plan, origin, "--report", f"{name}=report.{name}"))
            bench.table.row(f"… and --report {name}: peak", taken.mib, " MiB", goal=300e6 / 2**20)
        bench.fresh()
        every = [word for name in formats for word in ("--report", f"{name}=report.{name}")]
        taken = run(programs.run(plan, origin, *every))
        bench.table.row("… and all of them: peak", taken.mib, " MiB", goal=300e6 / 2**20)
        argv = ["report", "latest", "--state-dir", bench.folder / "state", "--quiet", *every]
        bench.table.row("report of that run in all formats: peak", run(programs.tool(*argv)).mib, " MiB", goal=300e6 / 2**20)
        bench.fresh()


def cold(bench):
    """Goal 6: what small things take from start to end."""
    programs, rounds = bench.programs, max(bench.rounds, 15)
    small = bench.plan(3)
    commands = {
        "--version": programs.tool("--version"),
        "validate of 20 lines": programs.tool("validate", small),
    }
    if programs.jsonschema_cli:
        schema = plans.schema(bench.folder)
        (bench.folder / "small.json").write_text(plans.as_json(3))
        argv = [programs.jsonschema_cli, "validate", schema, "-i", bench.folder / "small.json"]
        commands["jsonschema-cli"] = Command(argv)
    compared = compare(commands, rounds)
    bench.table.medians(compared)
    bench.table.row("validate of 20 lines, ms", compared.median("validate of 20 lines", "wall") * 1e3, goal=10)
    if programs.jsonschema_cli:
        bench.table.ratio("validate", compared, "validate of 20 lines", "jsonschema-cli", "wall", 1.5)
    one = bench.plan(1)
    with server(bench.folder / "nginx") as nginx, bench.counted(nginx, 1) as check:
        origin = nginx.origin("tls")
        commands = {"one request, HTTPS": programs.run(one, origin, roots=nginx.roots)}
        if programs.curl:
            config = bench.folder / "curl.config"
            config.write_text(plans.curl_config(1, origin, nginx.roots))
            commands["curl"] = programs.curl_parallel(config, 1)
        compared = compare(commands, rounds, check)
        bench.table.medians(compared)
        if programs.curl:
            bench.table.ratio("one request over HTTPS", compared, "one request, HTTPS", "curl", "cpu", 1.0)
        if programs.python:
            pair = {"one request, HTTPS": commands["one request, HTTPS"], "Python SDK": programs.sdk(origin, 1, 1)}
            compared = compare(pair, 5, check)
            bench.table.ratio("one request over HTTPS", compared, "one request, HTTPS", "Python SDK", "wall", 1 / 25)


def growth(bench):
    """Goal 7: validate, plan and run for 1, 100, 10,000 and 100,000 operations."""
    programs = bench.programs
    counts = (1, 100, MIDDLE, LARGE)
    with server(bench.folder / "nginx", SERVER_CPU) as nginx:
        kinds = {
            "validate": lambda plan: programs.tool("validate", plan),
            "plan": lambda plan: programs.tool("plan", plan),
            "plan --format json": lambda plan: programs.tool("plan", plan, "--format", "json"),
            "run": lambda plan: programs.run(plan, nginx.origin("plain"), cpu=CLIENT_CPU),
        }
        for name, kind in kinds.items():
            commands = {f"{name}, {count:,}": kind(bench.plan(count)) for count in counts}
            compared = compare(commands, bench.rounds, lambda _: bench.fresh())
            bench.table.medians(compared)
            for figure in ("wall", "cpu"):
                what = f"growth of {name} from 10,000 to 100,000"
                bench.table.ratio(what, compared, f"{name}, {LARGE:,}", f"{name}, {MIDDLE:,}", figure, 11.5)


def limited(bench):
    """Goal 8: 800 requests where 200 a second are taken, with 20 at once; the rest is refused with 429 and Retry-After: 1."""
    programs, count, rate, burst = bench.programs, 800, 200, 20
    ideal = (count - burst) / rate
    for what, quota, walls, calls in (
        ("limit given", f"{burst}/{burst * 1000 // rate}ms", 1.12, 1.0),
        ("limit not given", "10000000/1s", 1.4, 1.25),
    ):
        name, taken = f"limited-{quota.split('/')[0]}", []
        plan = bench.plan(count, name)
        for _ in range(bench.rounds):
            # A new server: what an earlier run has used up is in its books.
            with server(bench.folder / "nginx") as nginx:
                argv = ["--quota", quota, "--report", "json=report.json"]
                command = programs.run(plan, nginx.origin("limited"), *argv)
                one = run(command)
                seen = nginx.requests()
            report = json.loads((bench.folder / "report.json").read_text())
            if report["summary"]["accepted"] != count:
                raise Wrong(f"{what}: {report['summary']}")
            taken.append((one.wall / ideal, seen / count))
            bench.fresh()
        for index, figure, goal in ((0, "wall / ideal", walls), (1, "requests / operations", calls)):
            figures = sorted(each[index] for each in taken)
            spread = (figures[0], figures[-1])
            bench.table.row(f"800 at 200/s, {what}: {figure}", figures[len(figures) // 2], goal=goal, spread=spread)


GROUPS = {
    "send": send,
    "sdk": against_the_sdk,
    "latency": latency,
    "validate": validate,
    "memory": memory,
    "cold": cold,
    "growth": growth,
    "limited": limited,
}
