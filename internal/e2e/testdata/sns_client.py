"""Publishes by boto3, waits for what the receiver got, and verifies it by the
cryptography package, which shares no code with Warder: TestSNS."""

import base64
import json
import sys
import time
import urllib.request

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

topic, arrivals = sys.argv[1], sys.argv[2]
sns = boto3.client("sns")
assert [t["TopicArn"] for p in sns.get_paginator("list_topics").paginate() for t in p["Topics"]] == [topic]
sns.publish(TopicArn=topic, Message="not for the receiver", MessageAttributes={"level": {"DataType": "String", "StringValue": "low"}})
sent = sns.publish(
    TopicArn=topic, Message="line 1\nline 2 \u2713", Subject="An alarm",
    MessageAttributes={"level": {"DataType": "String", "StringValue": "high"}},
)

for _ in range(300):
    got = [json.loads(line) for line in open(arrivals)]
    if any(m["Type"] == "Notification" for m in got):
        break
    time.sleep(0.1)

assert [m["Type"] for m in got] == ["SubscriptionConfirmation", "Notification"], got
assert got[1]["MessageId"] == sent["MessageId"] and got[1]["Message"] == "line 1\nline 2 \u2713", got[1]
for m in got:
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{n}\n{m[n]}\n" for n in names if n in m)
    assert m["SignatureVersion"] == "2", m
    pem = urllib.request.urlopen(m["SigningCertURL"]).read()
    key = x509.load_pem_x509_certificate(pem).public_key()
    key.verify(base64.b64decode(m["Signature"]), text.encode(), padding.PKCS1v15(), hashes.SHA256())
print("ok")
