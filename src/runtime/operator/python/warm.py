"""An interpreter that has imported a list of modules once and forks a process for each task.

    python warm.py SOCKET SECONDS MODULE…        in the folder of SOCKET; the runner's text on
                                                 standard input

It prints one line when it is ready (`ready`) or will not do (`refused: …`), then serves:

    client:  length (4 bytes), JSON {"env", "cwd", "order"}, with two descriptors: out, err
    server:  {"pid": …}  when the task has begun;  {"status": …}  when it has ended, as from wait()

A client that goes away takes its task with it. Without tasks for SECONDS, or without its socket,
it ends.
"""

import atexit
import datetime  # What the runner and the context need is here before the fork.
import gc
import importlib.machinery
import importlib.util
import inspect
import itertools
import json
import os
import selectors
import signal
import socket
import struct
import sys
import threading
import time
import traceback
import types
import urllib.parse

GRACE = 0.5
LOOK = 15.0


def main():
    name, idle, modules = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    if os.fork():
        os._exit(0)  # Nobody's child: the attempt that starts it may end, or be ended.
    os.setsid()
    runner = compile(sys.stdin.read(), "runner.py", "exec")
    try:
        for module in modules:
            importlib.import_module(module)
    except BaseException as error:
        refuse("import `%s`: %s: %s" % (module, type(error).__name__, error))
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        refuse("the imports started threads (%d run), and a process with threads must not fork" % threads)
    listening = socket.socket(socket.AF_UNIX)
    try:
        os.unlink(name)
    except FileNotFoundError:
        pass
    os.umask(0o177)
    listening.bind(name)
    os.umask(0o077)
    listening.listen(64)
    gc.collect()
    gc.freeze()
    say("ready")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(null, descriptor)
    os.close(null)
    Server(listening, name, idle, runner).serve()


try:
    import ctypes

    PRCTL = ctypes.CDLL(None).prctl
except (ImportError, OSError, AttributeError):
    PRCTL = None


def die_with_parent():
    """Where the server is killed, its tasks must not go on unseen."""
    if PRCTL is not None:
        PRCTL(1, signal.SIGKILL, 0, 0, 0)


def say(line):
    os.write(1, (line + "\n").encode())


def refuse(reason):
    say("refused: " + " ".join(reason.split()))
    os._exit(3)


class Server:
    def __init__(self, listening, name, idle, runner):
        self.listening, self.name, self.idle, self.runner = listening, name, idle, runner
        self.inode = os.stat(name).st_ino
        self.tasks = {}  # pid: connection, or None where the client has gone
        self.dying = {}  # pid: when to kill
        self.selector = selectors.DefaultSelector()
        self.selector.register(listening, selectors.EVENT_READ)
        self.waked, wake = os.pipe()
        os.set_blocking(self.waked, False)
        os.set_blocking(wake, False)
        self.wake = wake
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector.register(self.waked, selectors.EVENT_READ)

    def serve(self):
        last = time.monotonic()
        while True:
            wait = 0.05 if self.dying else min(LOOK, self.idle / 2)
            for key, _ in self.selector.select(wait):
                if key.fileobj is self.listening:
                    self.accept()
                elif key.fileobj == self.waked:
                    try:
                        os.read(self.waked, 4096)
                    except BlockingIOError:
                        pass
                else:
                    self.heard(key.fileobj)
            self.reap()
            self.kill_overdue()
            now = time.monotonic()
            if self.tasks:
                last = now
            elif now - last > self.idle or not self.is_there():
                self.leave()

    def is_there(self):
        try:
            return os.stat(self.name).st_ino == self.inode
        except OSError:
            return False

    def leave(self):
        if self.is_there():
            os.unlink(self.name)
        os._exit(0)

    def accept(self):
        connection, _ = self.listening.accept()
        connection.settimeout(10)
        try:
            request, descriptors = receive(connection)
        except (OSError, ValueError, struct.error):
            connection.close()
            return
        pid = os.fork()
        if pid == 0:
            self.child(connection, request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self.tasks[pid] = connection
        self.tell(connection, {"pid": pid})
        self.selector.register(connection, selectors.EVENT_READ)

    def child(self, connection, request, descriptors):
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
            die_with_parent()
            os.setsid()
            for number, descriptor in zip((1, 2), descriptors):
                os.dup2(descriptor, number)
                os.close(descriptor)
            self.selector.close()
            self.listening.close()
            for other in self.tasks.values():
                if other is not None:
                    other.close()
            connection.close()
            os.close(self.waked)
            os.close(self.wake)
            os.environ.clear()
            os.environ.update(request["env"])
            time.tzset()
            os.chdir(request["cwd"])
            sys.stdin = sys.__stdin__ = open(0, closefd=False)
            sys.stdout = sys.__stdout__ = opened(1, "strict")
            sys.stderr = sys.__stderr__ = opened(2, "backslashreplace")
            sys.modules["__main__"] = type(sys)("__main__")
            module = type(sys)("_dagdeck_runner")
            exec(self.runner, module.__dict__)
            module.main(request["order"])
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            try:
                threading._shutdown()

                atexit._run_exitfuncs()
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)

    def heard(self, connection):
        """A client says nothing: what can be heard is that it has gone."""
        self.selector.unregister(connection)
        connection.close()
        for pid, its in self.tasks.items():
            if its is connection:
                self.tasks[pid] = None
                self.dying[pid] = time.monotonic() + GRACE
                self.signal(pid, signal.SIGTERM)

    def kill_overdue(self):
        now = time.monotonic()
        for pid, when in list(self.dying.items()):
            if now >= when:
                self.signal(pid, signal.SIGKILL)

    def signal(self, pid, number):
        """To the task's session: it leads one, and its children are in it."""
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open("/proc/%s/stat" % entry) as file:
                        fields = file.read().rpartition(")")[2].split()
                    if int(fields[3]) == pid:
                        os.kill(int(entry), number)
                except (OSError, IndexError, ValueError):
                    pass

    def reap(self):
        while self.tasks:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.dying:
                # What it left in its session goes with it.
                self.signal(pid, signal.SIGKILL)
            self.dying.pop(pid, None)
            connection = self.tasks.pop(pid, None)
            if connection is not None:
                self.selector.unregister(connection)
                self.tell(connection, {"status": status})
                connection.close()

    def tell(self, connection, message):
        try:
            connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            pass


def opened(number, errors):
    return open(number, "w", buffering=1, encoding="utf-8", errors=errors, closefd=False)


def receive(connection):
    data, descriptors, _, _ = socket.recv_fds(connection, 65536, 2)
    while len(data) < 4:
        data += some(connection)
    (length,) = struct.unpack(">I", data[:4])
    data = bytearray(data[4:])
    while len(data) < length:
        data += some(connection)
    if len(descriptors) != 2:
        raise ValueError("two descriptors must come")
    return json.loads(data), descriptors


def some(connection):
    more = connection.recv(1 << 20)
    if not more:
        raise ValueError("the request broke off")
    return more


main()
