"""Processes of their own for what is compared, so that each library has the heap of its users.

In one process whatever one library does to memory serves or hinders the others: ours has freed
memory kept, and with it the commit before, PyTorch and JAX were up to a third faster than their
users see them. So each library has a process; these take turns, and while one computes the others
wait for a message.
"""

import multiprocessing
import traceback
from contextlib import ExitStack, closing, contextmanager

from turns import timed

__all__ = ["Apart", "Step", "made", "processes", "torch_on"]


class Apart:
    """A process in which functions are made, called and timed.

    Parameters
    ----------
    prepare : callable, optional
        Called in the process before anything else, such as to import a library; importable.
    *arguments
        Of it.
    """

    def __init__(self, prepare=None, *arguments):
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(other, prepare, arguments), daemon=True
        )
        self._process.start()
        other.close()
        self.ask()

    def ask(self, *message):
        """Send a message, unless there is none; return the answer, or raise its RuntimeError."""
        try:
            if message:
                self._connection.send(message)
            problem, answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise RuntimeError("a process that was timed has ended without an answer") from error
        if problem:
            raise RuntimeError(f"in the process that was timed:\n{problem}")
        return answer

    def make(self, function, *arguments):
        """Forget what was made before; return the steps that a function makes, by name.

        The function gets what the preparation returned, then the arguments, and returns a dict of
        functions, or of what has a function ``step`` and one that returns ``parameters``.
        """
        made = self.ask("make", function, arguments)
        return {name: Step(self, name, steps) for name, steps in made.items()}

    def close(self):
        """End the process."""
        self._connection.close()
        self._process.join()


class Step:
    """A function in another process; ``steps`` says how many steps of training a call makes."""

    def __init__(self, apart, name, steps):
        self._apart, self._name, self.steps = apart, name, steps

    def __call__(self):
        """Call it once."""
        self.timed(1)

    def timed(self, often):
        """Return the seconds of a clock and of the CPU that so many calls take there."""
        return self._apart.ask("time", self._name, often)

    def result(self):
        """Call it once; return what it returns."""
        return self._apart.ask("result", self._name)

    def parameters(self):
        """Return the parameters there."""
        return self._apart.ask("parameters", self._name)


@contextmanager
def processes(needs):
    """Yield a process for each function that makes steps, from how each is prepared."""
    with ExitStack() as stack:
        yield {make: stack.enter_context(closing(Apart(*need))) for make, need in needs.items()}


def made(by, *arguments):
    """Return the steps that all processes make of the same arguments, by name."""
    found = {}
    for make, process in by.items():
        found |= process.make(make, *arguments)
    return found


def torch_on(threads):
    """Import PyTorch, for so many threads."""
    import torch

    torch.set_num_threads(threads)


def _serve(connection, prepare, arguments):
    """Answer messages until the other side is closed."""
    prepared, made = None, {}

    def make(function, of_it):
        made.clear()
        made.update(function(prepared, *of_it))
        return {name: getattr(found, "steps", 1) for name, found in made.items()}

    answers = {
        "make": make,
        "time": lambda name, often: timed(made[name], often),
        "result": lambda name: made[name](),
        "parameters": lambda name: made[name].parameters(),
    }
    try:
        prepared = prepare(*arguments) if prepare else None
        connection.send((None, None))
        while True:
            kind, *rest = connection.recv()
            connection.send((None, answers[kind](*rest)))
    except (EOFError, OSError, KeyboardInterrupt):  # the other side tells about these
        return
    except BaseException:
        connection.send((traceback.format_exc(), None))
