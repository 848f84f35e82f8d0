"""An operator who deploys at a steady rate through the admin API."""

import socket
import threading
import time

ANSWER_WITHIN_S = 20
OPERATORS = 4


class Deployments:
    """Several operators, each on a connection of its own, from `with` to its end."""

    def __init__(self, port, rate, routines):
        self.port, self.rate, self.routines = port, rate, routines
        self.over = threading.Event()
        self.took_s, self.failed = [], []
        self.threads = [threading.Thread(target=self.operate, args=(number,))
                        for number in range(OPERATORS)]

    def __enter__(self):
        self.began = time.monotonic()
        for it in self.threads:
            it.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for it in self.threads:
            it.join()
        self.seconds = time.monotonic() - self.began
        if self.failed:
            raise SystemExit(f"a deployment failed: {self.failed[0]}")

    def operate(self, number):
        try:
            with (socket.create_connection(("127.0.0.1", self.port), ANSWER_WITHIN_S) as admin,
                  admin.makefile("rb") as answers):
                turn = 0
                while not self.over.wait(self.wait_s(number, turn)):
                    self.deploy(admin, answers, turn * OPERATORS + number)
                    turn += 1
        except (OSError, ValueError) as error:
            self.failed.append(error)

    def wait_s(self, number, turn):
        due = self.began + (turn * OPERATORS + number) / self.rate
        return max(0, due - time.monotonic())

    def deploy(self, admin, answers, number):
        """The routine that traffic asks for has its turn, too. Shares alternate, so that
        each deployment changes who gets what."""
        routine = f"routine-{number % self.routines}"
        newer = 10 + 10 * (number // self.routines % 2)
        body = (f'{{"code_versions":[{{"code_version":"1","percentage":{100 - newer}}},'
                f'{{"code_version":"2","percentage":{newer}}}]}}')
        request = (
            f"POST /api/v1/routines/{routine}/environments/production/deployment HTTP/1.1\r\n"
            f"host: 127.0.0.1:{self.port}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n{body}")
        began = time.monotonic()
        admin.sendall(request.encode())
        status, said = answer_from(answers)
        self.took_s.append(time.monotonic() - began)
        if status not in (200, 201):
            raise ValueError(f"{status} {said[:300]}")


def answer_from(answers):
    """Its status and its body. By hand: who measures should cost little beside it."""
    _, status, *_ = answers.readline().split() or [b"", b"0"]
    length = 0
    while (line := answers.readline()).strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return int(status), answers.read(length)
