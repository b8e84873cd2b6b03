"""Webhooks by MLflow's own client, with a listener that is told: what is answered and what arrives."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import mlflow
from mlflow import MlflowClient
from mlflow.webhooks.delivery import _generate_hmac_signature

client = MlflowClient()
heard, arrived = [], threading.Condition()


class Listener(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with arrived:
            heard.append((dict(self.headers), body, self.path))
            arrived.notify()
        # The first one of a thing is to be told again.
        first = self.path == "/again" and len(told("/again")) == 1
        self.send_response(503 if first else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def told(path):
    return [json.loads(body) for _, body, at in heard if at == path]


def wait(path, count):
    with arrived:
        if not arrived.wait_for(lambda: len(told(path)) >= count, timeout=60):
            raise SystemExit(f"{path} was told {told(path)}")


server = HTTPServer(("127.0.0.1", 0), Listener)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"


def tell(*what):
    print(json.dumps(what, sort_keys=True).replace(url, "URL"))


def show(hook):
    return [hook.name, hook.url, sorted(map(str, hook.events)), hook.description, str(hook.status),
            hook.secret, hook.creation_timestamp > 0]


def refused(what, call):
    try:
        tell(what, show(call()))
    except mlflow.exceptions.MlflowException as error:
        text = error.message.splitlines()[0].replace(again.webhook_id, "ID")
        tell(what, error.error_code, text)


ALL = ["registered_model.created", "model_version.created", "model_version_tag.set",
       "model_version_tag.deleted", "model_version_alias.created", "model_version_alias.deleted"]
hook = client.create_webhook("all", f"{url}/all", ALL, description="of all", secret="tiger")
tell("made", show(hook))
again = client.create_webhook("again", f"{url}/again", ["registered_model.created"])
off = client.create_webhook("off", f"{url}/off", ALL, status="DISABLED")
tell("got", show(client.get_webhook(hook.webhook_id)))
tell("listed", sorted(show(one) for one in client.list_webhooks()))
refused("bad name", lambda: client.create_webhook("-bad-", url, ALL))
refused("bad scheme", lambda: client.create_webhook("bad", "ftp://h/x", ALL))
refused("none", lambda: client.get_webhook("none"))
refused("update none", lambda: client.update_webhook("none", name="x"))

result = client.test_webhook(hook.webhook_id)
tell("tested", result.success, result.response_status, result.response_body)
result = client.test_webhook(hook.webhook_id, "model_version_alias.created")
tell("tested", result.success, result.response_status, result.response_body)
wait("/all", 2)

client.create_registered_model("iris", tags={"team": "botany"}, description="flowers")
version = client.create_model_version("iris", "s3://bucket/model", tags={"a": "b"})
client.set_model_version_tag("iris", version.version, "checked", "yes")
client.delete_model_version_tag("iris", version.version, "checked")
client.set_registered_model_alias("iris", "champion", version.version)
client.delete_registered_model_alias("iris", "champion")
wait("/all", 8)
wait("/again", 2)
for one in sorted(told("/all"), key=lambda one: json.dumps(one["data"], sort_keys=True) + one["action"]):
    tell("told", one["entity"], one["action"], sorted(one), one["data"])
tell("told again", [one["data"] for one in told("/again")], "off", told("/off"))
for headers, body, path in sorted(heard, key=lambda one: one[2]):
    if path == "/all":
        low = {key.lower(): value for key, value in headers.items()}
        expected = _generate_hmac_signature(
            "tiger", low["x-mlflow-delivery-id"], low["x-mlflow-timestamp"], body)
        tell("signed", low["x-mlflow-signature"] == expected, low["content-type"])
    else:
        tell("unsigned", "x-mlflow-signature" not in {key.lower() for key in headers})

hook = client.update_webhook(hook.webhook_id, name="renamed", status="DISABLED",
                             events=["model_version.created"])
tell("changed", show(hook))
client.delete_webhook(again.webhook_id)
refused("deleted", lambda: client.get_webhook(again.webhook_id))
tell("left", sorted(one.name for one in client.list_webhooks()))
