"""Calls one function of one file for dagdeck's `python` operator.

Its order is {"file", "function", "op_args", "kwargs", "context", "multiple_outputs", "result",
"project", "modules"}: JSON on standard input, or handed over by the warm interpreter. It writes
{"output": …, "outputs": {…}} or {"error": …, "kind": …} to the file `result`, and prints
tracebacks to standard error. Kinds: "failed" (another try may help), "fatal" (none will),
"skipped".
"""

import importlib.machinery
import importlib.util
import inspect
import json
import os
import sys
import traceback
import types


def main(order):
    file = order["file"]
    sys.argv = [file]
    sys.path[:1] = [os.path.dirname(file), order["project"]]
    dagdeck = module("dagdeck", order)
    pushed = dagdeck._state["pushed"]
    dagdeck._state["make"] = lambda: module("_dagdeck_context", order).make(order, pushed)
    try:
        output = call(order, file, dagdeck)
        outputs = named(order, output, pushed)
        answer = {"output": output, "outputs": outputs}
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


def module(name, order):
    """Makes a module of the text that came with the order."""
    if name not in sys.modules or not hasattr(sys.modules[name], "_of_the_runner"):
        made = types.ModuleType(name)
        made._of_the_runner = True
        exec(compile(order["modules"][name], name + ".py", "exec"), made.__dict__)
        sys.modules[name] = made
    return sys.modules[name]


def named(order, output, pushed):
    """The outputs beside the return value: those pushed, and with `multiple_outputs` each of a
    returned dict."""
    outputs = dict(pushed)
    if order["multiple_outputs"] and output is not None:
        if not isinstance(output, dict):
            text = "`%s` returned %s; with `multiple_outputs` it must be a dict"
            raise Stop(text % (order["function"], type(output).__name__), "fatal")
        for key in output:
            if not isinstance(key, str):
                raise Stop("the key %r of what `%s` returned is no text" % (key, order["function"]), "fatal")
        outputs.update(output)
    return outputs


def call(order, file, dagdeck):
    function = load(order, file)
    args, kwargs = order["op_args"], dict(order["kwargs"])
    try:
        signature = inspect.signature(function)
    except ValueError:
        signature = None  # A builtin without a signature: the call itself will tell.
    if signature is not None:
        inject(signature, args, kwargs, order, dagdeck)
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise Stop("`%s`: %s" % (order["function"], error), "fatal") from None
    try:
        value = function(*args, **kwargs)
        if inspect.iscoroutine(value):
            import asyncio

            value = asyncio.run(value)
        return value
    except BaseException as error:
        raise told(error, file) from None


def inject(signature, args, kwargs, order, dagdeck):
    """Gives the function what it asks for by the names of its parameters, as Airflow does."""
    kinds = inspect.Parameter
    parameters = list(signature.parameters.values())
    by_place = [p.name for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    taken = set(by_place[: len(args)]) | set(kwargs)
    takes_all = any(p.kind is kinds.VAR_KEYWORD for p in parameters)
    known = set(order["context"]) | set(order["context"]["dates"]) | {"task_instance"}
    known.discard("dates")
    by_name = {p.name for p in parameters if p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)}
    wanted = (known if takes_all else known & by_name) - taken
    if wanted:
        context = dagdeck.get_current_context()
        kwargs.update({name: context[name] for name in wanted})


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


if __name__ == "__main__":
    main(json.load(sys.stdin))
