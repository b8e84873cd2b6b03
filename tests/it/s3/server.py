"""A server of S3 for the tests: moto, with its authorisation on.

Says on its standard output how it is reached, as a line of JSON; then answers calls of boto3, a
line each, until its standard input ends: so it ends with the test, however that ends.

    server.py [--open] [--deaf] [--tls FOLDER] [--fill=COUNT]

--open  asks nobody who they are
--deaf  knows nothing of If-None-Match, as some servers
--tls   speaks TLS with a certificate that FOLDER/ca.pem vouches for
--fill  begins with a bucket `lake` of so many objects
"""

import datetime
import ipaddress
import json
import logging
import os
import re
import sys
import threading

OPEN, DEAF = "--open" in sys.argv, "--deaf" in sys.argv
FILL = next((int(a.split("=")[1]) for a in sys.argv if a.startswith("--fill=")), 0)
TLS = sys.argv[sys.argv.index("--tls") + 1] if "--tls" in sys.argv else None
if not OPEN:
    # The calls that make who may ask.
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "5"
for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
    os.environ[name] = "first"
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

import boto3
from botocore.config import Config
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)

ERROR = "<?xml version='1.0'?><Error><Code>{0}</Code><Message>{0}</Message></Error>"


class Door:
    """What some servers do, before moto is asked."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start):
        if DEAF:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        asked = environ.get("PATH_INFO", "") + "?" + environ.get("QUERY_STRING", "")
        found = re.search("answer-([A-Za-z]+)", asked)
        if found:
            code = found.group(1)
            start("403 Forbidden", [("content-type", "application/xml")])
            return [ERROR.format(code).encode()]
        return self.app(environ, start)


def certificates(folder):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def name(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    def sign(subject, key, issuer, by, extension):
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        made = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - day).not_valid_after(now + day)
        return made.add_extension(extension, critical=False).sign(by, hashes.SHA256())

    def write(path, *parts):
        with open(os.path.join(folder, path), "wb") as file:
            for part in parts:
                file.write(part)

    pem = serialization.Encoding.PEM
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    of_authority = x509.BasicConstraints(ca=True, path_length=None)
    root = sign("an authority", authority, "an authority", authority, of_authority)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = sign("a server", own, "an authority", authority, address)
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    write("ca.pem", root.public_bytes(pem))
    write("server.pem", leaf.public_bytes(pem))
    write("server.key", own.private_bytes(pem, pkcs8, plain))
    return os.path.join(folder, "server.pem"), os.path.join(folder, "server.key")


def main():
    context = certificates(TLS) if TLS else None
    app = Door(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=context)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    scheme = "https" if TLS else "http"
    endpoint = f"{scheme}://127.0.0.1:{server.server_port}"
    trust = os.path.join(TLS, "ca.pem") if TLS else None

    def client(service, key=None, secret=None):
        return boto3.client(
            service, endpoint_url=endpoint, region_name="us-east-1", verify=trust,
            aws_access_key_id=key, aws_secret_access_key=secret,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )

    said = {"endpoint": endpoint, "ca_file": trust}
    if OPEN:
        keys = ("anyone", "anyone")
        said.update(access_key_id=keys[0], secret_access_key=keys[1])
    else:
        iam = client("iam")
        allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.create_user(UserName="ada")
        iam.put_user_policy(UserName="ada", PolicyName="all", PolicyDocument=policy)
        own = iam.create_access_key(UserName="ada")["AccessKey"]
        iam.create_user(UserName="eve")
        other = iam.create_access_key(UserName="eve")["AccessKey"]
        keys = (own["AccessKeyId"], own["SecretAccessKey"])
        said.update(access_key_id=keys[0], secret_access_key=keys[1])
        said.update(other_id=other["AccessKeyId"], other_key=other["SecretAccessKey"])
    s3 = client("s3", *keys)
    if FILL:
        from moto.s3.models import s3_backends

        s3.create_bucket(Bucket="lake")
        backend = s3_backends["123456789012"]["aws"]
        for at in range(FILL):
            backend.put_object("lake", f"in/{at:06}.csv", b"x")
    print(json.dumps(said), flush=True)
    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = getattr(s3, call["call"])(**call["args"])
            if "Body" in answer:
                answer["Body"] = answer["Body"].read().decode("latin-1")
            answer.pop("ResponseMetadata", None)
            print(json.dumps({"ok": answer}, default=str), flush=True)
        except Exception as error:
            print(json.dumps({"error": str(error)}), flush=True)


main()
