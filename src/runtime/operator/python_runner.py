"""Calls one function of one file for dagdeck's `python` operator.

Reads {"file", "function", "kwargs", "result", "project"} as JSON from standard input, writes
{"output": …} or {"error": …, "kind": …} to the file `result`, and prints tracebacks to standard
error. Kinds: "failed" (another try may help), "fatal" (none will), "skipped".
"""

import importlib.util
import inspect
import json
import os
import sys
import traceback


def main():
    order = json.load(sys.stdin)
    file = order["file"]
    sys.argv = [file]
    sys.path[:1] = [os.path.dirname(file), order["project"]]
    try:
        answer = {"output": call(order, file)}
        text = json.dumps(answer, default=plain, allow_nan=False)
    except Stop as stop:
        finish(order, {"error": stop.text, "kind": stop.kind}, 1)
        return
    except (TypeError, ValueError) as error:
        text = "`%s` returned what JSON cannot hold: %s" % (order["function"], error)
        finish(order, {"error": text, "kind": "fatal"}, 1)
        return
    write(order, text)


class Stop(Exception):
    def __init__(self, text, kind):
        super().__init__(text)
        self.text = text
        self.kind = kind


def call(order, file):
    function = load(order, file)
    try:
        inspect.signature(function).bind(**order["kwargs"])
    except TypeError as error:
        raise Stop("`%s`: %s" % (order["function"], error), "fatal") from None
    except ValueError:
        pass  # A builtin without a signature: the call itself will tell.
    try:
        value = function(**order["kwargs"])
        if inspect.iscoroutine(value):
            import asyncio

            value = asyncio.run(value)
        return value
    except BaseException as error:
        raise told(error, file) from None


def load(order, file):
    name = os.path.splitext(os.path.basename(file))[0]
    spec = importlib.util.spec_from_loader(
        name, importlib.machinery.SourceFileLoader(name, file)
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        raise told(error, file) from None
    function = getattr(module, order["function"], None)
    if callable(function):
        return function
    import difflib

    known = [n for n, v in vars(module).items() if inspect.isfunction(v)]
    text = "`%s` has no function `%s`" % (os.path.basename(file), order["function"])
    for meant in difflib.get_close_matches(order["function"], known, 1):
        text += " (did you mean `%s`?)" % meant
    raise Stop(text, "fatal")


def told(error, file):
    """Prints the traceback from the user's own frame on, and says in one line what it was."""
    names = [cls.__name__ for cls in type(error).__mro__]
    if "AirflowSkipException" in names:
        return Stop(str(error) or "skipped", "skipped")
    if isinstance(error, SystemExit):
        code = error.code
        if code == 99:
            return Stop("exit code 99", "skipped")
        return Stop("the function called sys.exit(%r)" % (code,), "failed")
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != file:
        frames = frames.tb_next
    error.__traceback__ = frames or error.__traceback__
    traceback.print_exception(type(error), error, error.__traceback__)
    lines = traceback.format_exception_only(type(error), error)
    fatal = "AirflowFailException" in names or isinstance(error, SyntaxError)
    return Stop(lines[-1].strip().split("\n")[0], "fatal" if fatal else "failed")


def plain(value):
    """Makes plain values of NumPy's and pandas' and of dates."""
    for method in ("tolist", "isoformat"):
        if hasattr(value, method):
            return getattr(value, method)()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError("a value of type `%s`" % type(value).__name__)


def finish(order, answer, code):
    write(order, json.dumps(answer))
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that the function left behind must not hold the attempt up.
    os._exit(code)


def write(order, text):
    path = order["result"] + ".tmp"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    os.replace(path, order["result"])


main()
