"""Kernels in a hurry: fifty notebooks begin with the same imports, so a process makes them once and forks itself.

`use_forks` lets nbval start its kernels so, on Linux. What a lesson itself imports and does is not shared.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys

LAUNCHER = ["-m", "ipykernel_launcher", "-f"]
BACKEND = "module://matplotlib_inline.backend_inline"  # what ipykernel asks of a Matplotlib that is not imported yet


class ForkedKernel:
    """As much of a `subprocess.Popen` as jupyter_client needs."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        """None as long as the process lives."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0
        return None

    def wait(self) -> int:
        """What is left when it has ended: nothing, see `_serve`."""
        return 0

    def send_signal(self, number: int) -> None:
        """To the process and those that it has started, if there still is one."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def terminate(self) -> None:
        """End it."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def use_forks() -> None:
    """Let jupyter_client fork its kernels of this Python from a process that has PyTorch and Matplotlib loaded."""
    from jupyter_client.provisioning import local_provisioner

    usual = local_provisioner.launch_kernel
    line = [sys.executable, __file__]
    starter = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)

    def launch(command: list[str], **options: object) -> subprocess.Popen | ForkedKernel:
        if command[0] != sys.executable or command[1:4] != LAUNCHER:
            return usual(command, **options)
        wanted = {"file": command[4], "cwd": options.get("cwd"), "env": options.get("env") or dict(os.environ)}
        print(json.dumps(wanted), file=starter.stdin, flush=True)
        return ForkedKernel(int(starter.stdout.readline()))

    local_provisioner.launch_kernel = launch


def _serve() -> None:
    """Fork a kernel for each line of the standard input, and print its number."""
    os.environ["MPLBACKEND"] = BACKEND
    import ipykernel.kernelapp
    import matplotlib.pyplot  # noqa: F401
    import torch._dynamo  # noqa: F401 - which every optimizer imports

    starter = os.getpid()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead leave nothing behind
    for line in sys.stdin:
        wanted = json.loads(line)
        if pid := os.fork():
            os.setpgid(pid, pid)  # before anybody asks for its group
            print(pid, flush=True)
            continue
        os.setpgid(0, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        os.chdir(wanted["cwd"] or ".")
        os.environ.clear()
        os.environ.update(wanted["env"])
        # The kernel ends when its parent does.
        sys.argv = ["ipykernel_launcher", f"--IPKernelApp.parent_handle={starter}", "-f", wanted["file"]]
        sys.path[0] = ""  # as `python -m` has it
        ipykernel.kernelapp.launch_new_instance(argv=sys.argv[1:])
        return


if __name__ == "__main__":
    _serve()
