"""Writes vectors.json: requests as botocore signs them, exactly as they would
go out. Run it with botocore installed: python3 generate.py > vectors.json

Nothing is sent: every request is stopped at botocore's before-send event. The
time and the invocation ids are fixed, so that a second run writes the same.
"""
import base64
import datetime
import json
import sys
import urllib.parse
import uuid

import botocore
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.session
from botocore.credentials import Credentials

NOW = datetime.datetime(2025, 1, 1, 12, 30, 45, tzinfo=datetime.timezone.utc)
KEY, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEXAMPLE//token+/=="

botocore.auth.get_current_datetime = lambda remove_tzinfo=True: NOW.replace(tzinfo=None) if remove_tzinfo else NOW
uuid.uuid4 = lambda: uuid.UUID("00000000-0000-4000-8000-000000000000")

vectors = []


def record(name, service, region, method, url, headers, body, token):
    parts = urllib.parse.urlsplit(url)
    pairs = [[k, v.decode("utf-8") if isinstance(v, bytes) else v] for k, v in headers.items()]
    if not any(k.lower() == "host" for k, _ in pairs):
        # As Python's http.client sends it: without a default port.
        default = parts.port == {"http": 80, "https": 443}[parts.scheme]
        pairs.append(["Host", parts.hostname if default else parts.netloc])
    target = parts.path or "/"
    if parts.query:
        target += "?" + parts.query
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    vectors.append({
        "name": name, "service": service, "region": region, "token": token or "",
        "method": method, "target": target, "headers": sorted(pairs, key=lambda p: p[0].lower()),
        "body": base64.b64encode(body or b"").decode(),
    })


class Captured(Exception):
    pass


def client(service, region="us-east-1", token=None, endpoint=None, **config):
    session = botocore.session.Session()
    session.set_credentials(KEY, SECRET, token)
    return session.create_client(service, region_name=region, endpoint_url=endpoint,
                                 config=botocore.config.Config(user_agent="vectors", retries={"max_attempts": 0}, **config))


def call(name, service, operation, region="us-east-1", token=None, signing=None, endpoint=None, config={}, **params):
    c = client(service, region, token, endpoint, **config)

    def stop(request, **_):
        record(name, signing or service, region, request.method, request.url, request.headers, request.body, token)
        raise Captured

    c.meta.events.register("before-send", stop)
    try:
        getattr(c, operation)(**params)
    except Captured:
        return
    sys.exit(name + ": nothing was sent")


def presign(name, service, operation, token=None, expires=900, headers={}, method=None, config={}, **params):
    c = client(service, "us-east-1", token, **config)

    def add(request, **_):
        for k, v in headers.items():
            request.headers[k] = v

    c.meta.events.register("before-sign", add)
    url = c.generate_presigned_url(operation, Params=params, ExpiresIn=expires, HttpMethod=method)
    record(name, service, "us-east-1", method or "GET", url, headers, b"", token)


def raw(name, service, method, url, headers={}, data=b"", presigned=False, cls=None):
    """Signs a request that no operation of botocore's makes."""
    request = botocore.awsrequest.AWSRequest(method=method, url=url, headers=headers, data=data)
    cls = cls or (botocore.auth.SigV4QueryAuth if presigned else botocore.auth.SigV4Auth)
    cls(Credentials(KEY, SECRET), service, "us-east-1").add_auth(request)
    prepared = request.prepare()
    record(name, service, "us-east-1", method, prepared.url, prepared.headers, prepared.body, None)


call("sts GetCallerIdentity", "sts", "get_caller_identity")
call("sts GetCallerIdentity with a session token", "sts", "get_caller_identity", token=TOKEN)
call("sts AssumeRole with a policy and tags", "sts", "assume_role", region="eu-central-1", RoleArn="arn:aws:iam::123456789012:role/R",
     RoleSessionName="Session1", Policy='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
     Tags=[{"Key": "caf\u00e9", "Value": "a+b c&d=e"}])
call("sts at another port", "sts", "get_caller_identity", endpoint="http://127.0.0.1:4599")
call("sts at a default port", "sts", "get_caller_identity", endpoint="https://sts.example.com:443")
call("iam CreateRole", "iam", "create_role", RoleName="MyMinimalRole", AssumeRolePolicyDocument='{"Version": "2012-10-17"}', Description="  two  spaces ")
call("iam ListUsers", "iam", "list_users", PathPrefix="/a b/")
call("organizations (json 1.1)", "organizations", "describe_organization")
call("secretsmanager with a non-ASCII body", "secretsmanager", "put_secret_value", SecretId="s", SecretString="\u1234 \U0001f600")
call("lambda: an ARN in the path", "lambda", "invoke", FunctionName="arn:aws:lambda:us-east-1:123456789012:function:f", Payload=b"{}",
     ClientContext="e30=")
call("rolesanywhere: rest-json with a query", "rolesanywhere", "list_tags_for_resource",
     resourceArn="arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/x y+z")
call("accessanalyzer: query lists", "accessanalyzer", "list_analyzers", signing="access-analyzer", maxResults=5, nextToken="a/b+c= &", type="ACCOUNT")
S3 = {"s3": {"addressing_style": "path"}}
call("s3 GetObject", "s3", "get_object", config=S3, Bucket="my-bucket", Key="a/b c/+=&@:,!'()*~\u00e9/../x//y")
call("s3 PutObject", "s3", "put_object", config={"s3": {"addressing_style": "path", "payload_signing_enabled": True},
     "request_checksum_calculation": "when_required"}, Bucket="my-bucket", Key="k", Body=b"data",
     Metadata={"one": "  a   b "}, ContentType="text/plain")
call("s3 PutObject over TLS with an unsigned body", "s3", "put_object", config={"s3": {"addressing_style": "path", "payload_signing_enabled": False},
     "request_checksum_calculation": "when_required"}, Bucket="my-bucket", Key="k", Body=b"data")
call("s3 ListObjectsV2", "s3", "list_objects_v2", config=S3, token=TOKEN, Bucket="my-bucket", Prefix="p q/\u00e9", Delimiter="/", StartAfter="")
presign("sts presigned GetCallerIdentity", "sts", "get_caller_identity", method="GET")
presign("sts presigned GetCallerIdentity with a session token", "sts", "get_caller_identity", token=TOKEN, method="GET")
presign("sts presigned GetCallerIdentity as for EKS", "sts", "get_caller_identity", expires=60, headers={"x-k8s-aws-id": "my-cluster"}, method="GET")
presign("sts presigned POST", "sts", "get_caller_identity", method="POST")
presign("s3 presigned GetObject", "s3", "get_object", config={"signature_version": "s3v4", **S3}, Bucket="my-bucket", Key="a b/+\u00e9//..")
raw("path: segments to normalise", "execute-api", "GET", "https://api.example.com/a/./b/../c//d/")
raw("path: dot segments above the root", "execute-api", "GET", "https://api.example.com/../../x/.")
raw("path: reserved and encoded", "execute-api", "GET", "https://api.example.com/a%20b/@c:d;e=f,g/%E1%88%B4/%2F/~")
raw("query: order, repeats, empties", "execute-api", "GET", "https://api.example.com/?b=2&a=3&a=1&B=0&c=&a-b=4&a=%20&a=~")
raw("header: folding and case", "execute-api", "POST", "https://api.example.com/", {"X-Amz-Meta": "  a \t  b  ", "My-Header": "Q", "Content-Type": "text/plain"}, b"\x00\xff")

json.dump({"botocore": botocore.__version__, "time": NOW.strftime("%Y%m%dT%H%M%SZ"), "secret": SECRET, "requests": vectors}, sys.stdout, indent=1)
print()
