"""A program that runs in a folder of its own until it is stopped."""

import asyncio
import os
import pathlib
import re
import subprocess
import time

END_WITHIN_S = 5


class Program:
    """Processes that belong together, and what they say."""

    start_within_s = 20
    # Which of Debian's packages, unpacked, has the libraries that it needs.
    unpacked = None

    def __init__(self, name, folder):
        self.name = name
        self.folder = pathlib.Path(folder)
        self.processes = []

    def run(self, *command, log):
        with (self.folder / log).open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=self.folder, env=self.environment())
        self.processes.append(process)
        return process

    def environment(self):
        """Libraries of what was unpacked are found where they are."""
        return environment(self.unpacked)

    async def started(self, there, log):
        """Waits for what tells that a process serves."""
        deadline = time.monotonic() + self.start_within_s
        while not (found := there()):
            gone = [it for it in self.processes if it.poll() is not None]
            if gone or time.monotonic() > deadline:
                said = (self.folder / log).read_text(errors="replace")
                raise SystemExit(f"{self.name} does not serve:\n{said}")
            await asyncio.sleep(0.02)
        return found

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(END_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def logs(self):
        return "".join(it.read_text(errors="replace") for it in sorted(self.folder.glob("*.log")))

    def ask_version(self, *command):
        said = subprocess.run(command, capture_output=True, text=True, check=True,
                              env=self.environment())
        return re.search(r"\d+\.\d+\.\d+[-+~.\w]*", said.stdout + said.stderr)[0]


def environment(unpacked):
    """What a program finds, with the libraries that were unpacked beside it."""
    kept = {name: value for name, value in os.environ.items()
            if not re.match(r"SERIN_|RUST_LOG|LD_LIBRARY_PATH", name)}
    libraries = os.environ.get(f"LIBRARIES_{unpacked}")
    return kept | ({"LD_LIBRARY_PATH": libraries} if libraries else {})
