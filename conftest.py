"""What pytest needs to run the notebooks with nbval: a cell that failed must fail, and soon.

nbval 0.11 only sees the errors that a kernel sends as such. It passes a cell whose command or magic failed, and a cell
that catches the interrupt at its time limit; and it waits for the whole time limit when the kernel has died.

It compares no outputs, so this also reads what the checks of the exercises say: "not written yet" in the notebooks that
learners open, "passed" in the solutions. The outputs of a solution notebook that ran to its end are kept in
build/solutions or build/ko/solutions, as `python -m resnet_course course` keeps them; the web site is built from there.
"""

import inspect
import os
import queue
import re
import sys
import time

import pytest

try:
    import nbval.plugin
    from nbval.kernel import RunningKernel
except ImportError:  # without nbval no notebook is collected, and all other tests run
    nbval, RunningKernel = None, object

CELL_TIMEOUT = 1_200  # seconds, for an endless loop: the longest cell takes one minute alone, but here five share two
POLL = 1  # seconds between two looks at whether the kernel is alive
# What checks say in the notebooks of these folders.
EXPECTED = {"notebooks": "not_written", "ko": "not_written", "solutions": "passed"}
CHECK = re.compile(r"^\w+.* = checks\.(?!yours\b|verdict\b)(\w+)\(", re.MULTILINE)
MIME_TYPE = "application/vnd.resnet-course+json"  # as in resnet_course.notebook.messages


def make_failures_loud():
    """Make every failed command and magic of this kernel raise an error.

    IPython prints a line, or keeps the exit status of the last command, and goes on. The source of this function is
    sent to the kernel, so it imports what it needs.
    """
    from subprocess import CalledProcessError

    from ipykernel import zmqshell
    from IPython import get_ipython
    from IPython.core.error import UsageError
    from IPython.core.magics import osm, script
    from IPython.utils import _process_common

    shell, system, handler = get_ipython(), zmqshell.system, _process_common.process_handler

    def check(status, command):
        if status:
            raise CalledProcessError(status, command)
        return status

    def loud_system(command):  # !command, %pip, %conda
        return check(system(command), command)

    def loud_handler(command, callback, *stderr):  # lines = !command, !!command
        def loud_callback(process):
            output = callback(process)
            check(process.returncode, command)
            return output

        return handler(command, loud_callback, *stderr)

    def loud_print(*values, **options):  # %cd and %%script print the error and return
        if values and (isinstance(values[0], OSError) or str(values[0]).startswith("Couldn't find program")):
            raise UsageError(str(values[0]))
        print(*values, **options)  # noqa: T201

    # These names, and not the methods of the shell: the methods look up variables in the frame of their caller.
    zmqshell.system = loud_system
    _process_common.process_handler = loud_handler
    osm.print = script.print = loud_print
    # Also reaches the magics inside a %%time or %%capture cell, whose errors the reply to the cell does not tell.
    shell.show_usage_error = lambda error: shell._showtraceback(UsageError, error, [f"UsageError: {error}"])


class DeadKernelError(RuntimeError):
    """The process of the kernel ended while a cell waited for it."""


class WatchedKernel(RunningKernel):
    """nbval's kernel with loud failures, which notices its own death and keeps the reply to the last cell."""

    def __init__(self, *args, **kwargs):
        self.reply = None
        super().__init__(*args, **kwargs)
        if (self.language or "").startswith("python"):
            source = inspect.getsource(make_failures_loud)
            name = make_failures_loud.__name__
            msg_id = self.kc.execute(f"{source}\n{name}()\ndel {name}", silent=True)
            self.await_reply(msg_id, timeout=60)
            self.await_idle(msg_id, timeout=60)
            if self.reply["status"] != "ok":
                raise RuntimeError(f"failed commands would pass in this kernel: {self.reply['evalue']}")

    def execute_cell_input(self, *args, **kwargs):
        """Start a cell, to which there is no reply yet."""
        self.reply = None
        return super().execute_cell_input(*args, **kwargs)

    def get_message(self, stream, timeout=None):
        """Wait for a message as nbval does, but no longer than the kernel lives."""
        end = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            try:
                message = super().get_message(stream, timeout=max(0, min(POLL, end - time.monotonic())))
            except queue.Empty:
                if not self.is_alive():
                    self.stop()
                    raise DeadKernelError("the kernel died in this cell") from None
                if time.monotonic() >= end:
                    raise
            else:
                if stream == "shell":
                    self.reply = message["content"]
                return message


def find_hidden_failure(cell):
    """Say what went wrong in a cell that nbval passed, or return None."""
    reply = cell.parent.kernel.reply
    if reply is None:
        return f"caught the interrupt at its time limit of {cell.config.option.nbval_cell_timeout:g} seconds"
    if reply["status"] != "ok" and not cell.options["check_exception"]:
        return f"{reply['ename']}: {reply['evalue']}"
    return find_wrong_check(cell)


def find_wrong_check(cell):
    """Say which check of this cell found something else than it should in this notebook, or return None."""
    expected = EXPECTED.get(cell.parent.path.parent.name)
    data = (output.get("data", {}).get(MIME_TYPE, {}) for output in cell.test_outputs or [])
    found = {each["check"]["name"]: each["check"]["status"] for each in data if "check" in each}
    for name in CHECK.findall(cell.cell.source):
        if expected is not None and found.get(name) != expected:
            return f"the check {name} says {found.get(name, 'nothing')} where {expected} is expected"
    return None


def describe_failure(cell, why, traceback=None):
    """Build nbval's error: which notebook and cell, why, the error from the kernel; add what the cell printed."""
    outputs = cell.test_outputs or []
    errors = [f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error"]
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    cell.add_report_section("call", "output of the cell", printed)
    message = ": ".join([cell.nodeid, why, *errors[-1:]])
    return nbval.plugin.NbCellError(cell.cell_num, message, cell.cell.source, traceback)


def keep_outputs(cell):
    """Note what a cell printed; after the last cell of a solution notebook, save it as executed."""
    file = cell.parent
    cell.cell.outputs = cell.test_outputs or []
    file.done = cell.cell.execution_count = getattr(file, "done", 0) + 1
    notebooks, complete = cell.config.rootpath / "notebooks", sum(each.cell_type == "code" for each in file.nb.cells)
    if file.path.is_relative_to(notebooks) and file.path.parent.name == "solutions" and file.done == complete:
        from resnet_course.course.run import save_executed

        save_executed(file.nb, file.path, notebooks.parent / "build" / file.path.relative_to(notebooks))


def is_worker(config):
    """Whether this process runs tests itself, and has no others to do so."""
    return hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None)


def pytest_configure(config):
    """Let nbval use the watched kernel, and a shorter time limit where none was asked for.

    No test writes into a learner's journal, and no kernel here has a page for controls.
    """
    os.environ.update(RESNET_COURSE_JOURNAL="off", RESNET_COURSE_WIDGETS="0")
    if nbval is None or not config.pluginmanager.hasplugin("nbval"):
        return
    if config.option.nbval or config.option.nbval_lax:
        os.environ["RESNET_COURSE_PROGRESS"] = "0"  # bars are of no use in a saved page
        if sys.platform == "linux" and config.option.nbval_current_env and is_worker(config):
            from tests.forked_kernels import use_forks

            use_forks()
    nbval.plugin.RunningKernel = WatchedKernel
    if isinstance(config.option.nbval_cell_timeout, int):  # nbval's default; what a person asks for is a float
        config.option.nbval_cell_timeout = CELL_TIMEOUT


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Fail the cells that nbval passes by mistake, and say in each failure which notebook and cell it is."""
    if nbval is None or not isinstance(item, nbval.plugin.IPyNbCell):
        return (yield)
    try:
        result = yield
        if failure := find_hidden_failure(item):
            item.raise_cell_error(failure)
        keep_outputs(item)
    except nbval.plugin.NbCellError as error:
        raise describe_failure(item, str(error), error.inner_traceback) from None
    except RuntimeError as error:
        if item.parent.kernel.is_alive():
            raise
        died_here = isinstance(error, DeadKernelError)
        why = str(error) if died_here else "not run, the kernel ended in an earlier cell"
        raise describe_failure(item, why) from None
    return result
