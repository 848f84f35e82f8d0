"""What stands behind all that is measured."""

import shutil

import work
from server import OTHER_CORE, Server, filled, free_ports


class Behind(Server):
    """The upstreams of two versions."""

    def __init__(self, folder):
        super().__init__("backend", folder)
        self.v1, self.v2 = free_ports(2)
        self.words = {"folder": self.folder, "v1": self.v1, "v2": self.v2}

    def start(self):
        config = self.write(self.config, filled(self.config, **self.words))
        self.serve(OTHER_CORE, self.command(config), self.v1, self.v2)


class Shortest(Behind):
    """Answers that name the version and are as short as can be."""

    config = "backend.cfg"

    def command(self, config):
        return shutil.which("haproxy"), "-db", "-f", config


class Bodies(Behind):
    """Sends files and takes uploads."""

    config = "bodies.conf"

    def command(self, config):
        for size in work.BODIES:
            self.write(str(size), "x" * size)
        return shutil.which("nginx"), "-e", "stderr", "-p", self.folder, "-c", config
