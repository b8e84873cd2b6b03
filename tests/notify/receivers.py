"""A mail server with STARTTLS and a login, and an endpoint for webhooks, for tests.

Says in its first line where both listen, and then in a line of JSON each what came. The first mail and
the first post are put off, as a busy server does; `refuse` has all posts refused for good.

    receivers.py CERTIFICATE KEY USER PASSWORD
"""

import json
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

certificate, key, user, password = sys.argv[1:5]
lock = threading.Lock()


def say(what):
    with lock:
        print(json.dumps(what), flush=True)


class Mails:
    seen = 0

    async def handle_DATA(self, server, session, envelope):
        Mails.seen += 1
        if Mails.seen == 1:
            say({"kind": "mail.put_off"})
            return "451 try again later"
        text = envelope.content.decode()
        say({"kind": "mail", "from": envelope.mail_from, "to": envelope.rcpt_tos, "text": text,
             "tls": session.ssl is not None})
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    is_right = data.login == user.encode() and data.password == password.encode()
    # Unless the answer is left to the server it waits for one of ours.
    return AuthResult(success=is_right, handled=False)


class Posts(BaseHTTPRequestHandler):
    seen = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Posts.seen += 1
        status = 503 if Posts.seen == 1 else 200
        say({"kind": "webhook" if status == 200 else "webhook.put_off", "body": json.loads(body),
             "id": self.headers["Idempotency-Key"]})
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
mails = Controller(Mails(), hostname="127.0.0.1", port=port, tls_context=context,
                   require_starttls=True, auth_required=True, auth_require_tls=True,
                   authenticator=authenticate)
mails.start()
posts = ThreadingHTTPServer(("127.0.0.1", 0), Posts)
threading.Thread(target=posts.serve_forever, daemon=True).start()
say({"smtp": port, "http": posts.server_address[1]})
# Until whoever started it ends.
sys.stdin.read()
