"""The programs that are run: ours, and what users would take instead. One that isn't there is named and left out."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from process import Command

HERE = Path(__file__).parent
KEYS = {"HUAWEICLOUD_SDK_AK": "SIMULATEDKEY00000001", "HUAWEICLOUD_SDK_SK": "bench-secret"}


@dataclass
class Programs:
    """Where everything is. A peer that is `None` isn't there."""

    hss_sync: Path
    # Where `benches/peers/run` puts what it installs.
    place: Path
    # Where files of one run are.
    folder: Path

    def find(self, name, *folders):
        path = os.pathsep.join([*(str(self.place / folder) for folder in folders), os.environ.get("PATH", "")])
        return shutil.which(name, path=path)

    @property
    def oha(self):
        return self.find("oha", "cargo/bin")

    @property
    def curl(self):
        return self.find("curl")

    @property
    def check_jsonschema(self):
        return self.find("check-jsonschema", "python/bin")

    @property
    def ajv(self):
        return self.find("ajv", "node/node_modules/.bin")

    @property
    def jsonschema_cli(self):
        return self.find("jsonschema-cli", "cargo/bin")

    @property
    def events(self):
        return self.find("events", ".")

    @property
    def python(self):
        """A Python with the official SDK."""
        path = self.place / "python/bin/python"
        return str(path) if path.exists() else None

    def environment(self):
        """Nothing of whoever runs this decides what is measured."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "HSS_SYNC_METADATA_ENDPOINT": "off", **KEYS}

    def tool(self, *argv, **more):
        """Ours."""
        return Command([self.hss_sync, *argv], env=self.environment(), cwd=str(self.folder), **more)

    def run(self, plan, origin, *argv, roots=None, **more):
        """Ours, sending a plan: with journal and JSON report, as ever, and each run new."""
        trust = ["--ca-cert", str(roots)] if roots else []
        wide = ["--quota", "10000000/1s"] if "--quota" not in argv else []
        return self.tool(
            "run", plan, "--yes", "--quiet", "--endpoint", origin, "--state-dir", self.folder / "state", *wide, *trust,
            *argv, **more,
        )

    def sender(self, count, concurrency, url, body, **more):
        """oha: unsigned, one URL, no plan, no journal, no report."""
        argv = [self.oha, "-n", count, "-c", concurrency, "--no-tui", "--insecure", "-m", "POST", "-d", body]
        argv += ["-H", "content-type: application/json", "--output-format", "quiet", url]
        return Command(argv, **more)

    def curl_parallel(self, config, concurrency, **more):
        """curl: unsigned, with a list of its own."""
        argv = [self.curl, "--silent", "--parallel", "--parallel-immediate", "--parallel-max", concurrency]
        return Command([*argv, "--config", config], **more)

    def sdk(self, origin, count, threads, **more):
        """The official SDK with threads."""
        return Command([self.python, HERE / "sdk.py", origin, count, threads], **more)
