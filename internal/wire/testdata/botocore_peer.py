"""The other side of internal/wire's tests: botocore's own serializer and parser.

Reads a JSON list of questions from standard input and writes the list of
answers to standard output. A question is one of

    {"Request": {...}, "Service": "iam", "Operation": "CreateUser"}
        the parameters of a call; the answer is {"Body": ..., "ContentType": ..., "Target": ...}
    {"Response": "<...>", "Status": 200, "Service": ..., "Operation": ...}
        the body of a response; the answer is {"Parsed": {...}}

The service models are those in the folder named by the first argument, so that
both sides speak of the same operations whichever botocore is installed.
"""

import base64
import datetime
import json
import os
import sys

from botocore import parsers, serialize
from botocore.awsrequest import AWSRequest
from botocore.model import ServiceModel

MODELS = {}


def operation(question):
    service = question["Service"]
    if service not in MODELS:
        with open(os.path.join(sys.argv[1], service + ".json")) as f:
            MODELS[service] = ServiceModel(json.load(f), service)
    return MODELS[service].operation_model(question["Operation"])


def revive(value, shape):
    """Turns JSON into what callers of botocore pass: blobs are bytes."""
    if shape is None:
        return value
    if shape.type_name == "structure":
        return {k: revive(v, shape.members[k]) for k, v in value.items()}
    if shape.type_name == "list":
        return [revive(v, shape.member) for v in value]
    if shape.type_name == "map":
        return {k: revive(v, shape.value) for k, v in value.items()}
    if shape.type_name == "blob":
        return base64.b64decode(value)
    return value


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value))


def text(header):
    return header.decode() if isinstance(header, bytes) else header


def answer(question):
    op = operation(question)
    if "Request" in question:
        serializer = serialize.create_serializer(op.service_model.protocol, include_validation=False)
        request = serializer.serialize_to_request(revive(question["Request"], op.input_shape), op)
        prepared = AWSRequest(
            method=request["method"],
            url="https://example.com" + request["url_path"],
            headers=request["headers"],
            data=request["body"],
        ).prepare()
        body = prepared.body
        return {
            "Body": body.decode() if isinstance(body, bytes) else body,
            "ContentType": text(prepared.headers["Content-Type"]),
            "Target": text(prepared.headers.get("X-Amz-Target", "")),
        }
    parser = parsers.create_parser(op.service_model.protocol)
    response = {
        "status_code": question["Status"],
        "headers": {"content-type": "text/xml", "x-amzn-requestid": "id-1"},
        "body": question["Response"].encode(),
    }
    parsed = parser.parse(response, op.output_shape)
    parsed["ResponseMetadata"] = {"RequestId": parsed.get("ResponseMetadata", {}).get("RequestId")}
    return {"Parsed": parsed}


json.dump([answer(q) for q in json.load(sys.stdin)], sys.stdout, default=plain, ensure_ascii=False)
