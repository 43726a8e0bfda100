"""What boto3 makes of Warder: paginators, waiters, error classes, presigned
requests, sessions. Run by TestBoto3 with the address and the administrator's
credentials in the environment; says "ok" at the end."""

import datetime
import json
import sys
import threading
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET

import boto3
import botocore.exceptions
from botocore.config import Config

config = Config(retries={"max_attempts": 0})
iam = boto3.client("iam", config=config)
sts = boto3.client("sts", config=config)
ACCOUNT = sts.get_caller_identity()["Account"]


def check(what, got, want):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


def refused(error, call, code=None, **arguments):
    try:
        call(**arguments)
    except error as e:
        if code:
            check("code", e.response["Error"]["Code"], code)
        check("has a request id", bool(e.response["ResponseMetadata"]["RequestId"]), True)
        return e.response
    sys.exit(f"{call.__name__} {arguments} was not refused")


def policy(action, resource="*"):
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": resource}})


trust = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
    {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]})

# Outputs are typed: dates are dates, documents are decoded, lists are lists.
role = iam.create_role(RoleName="worker", Path="/jobs/", AssumeRolePolicyDocument=trust, Description="Does the work é ÿ <&>",
                       MaxSessionDuration=7200, Tags=[{"Key": "team", "Value": "a b+c/d=e:f@g"}])["Role"]
check("date", (isinstance(role["CreateDate"], datetime.datetime), role["CreateDate"].tzinfo is not None), (True, True))
got = iam.get_role(RoleName="worker")["Role"]
check("document", got["AssumeRolePolicyDocument"], json.loads(trust))
check("description", got["Description"], "Does the work é ÿ <&>")
check("tags", got["Tags"], [{"Key": "team", "Value": "a b+c/d=e:f@g"}])
check("duration", got["MaxSessionDuration"], 7200)

# Paginators: everything once and in order, whatever the page size; prefixes.
names = [f"user-{i:02}" for i in range(25)]
for i, name in enumerate(names):
    iam.create_user(UserName=name, Path="/even/" if i % 2 == 0 else "/odd/")
for size in 1, 7, 100:
    pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": size}))
    listed = [u["UserName"] for page in pages for u in page["Users"]]
    check(f"users in pages of {size}", listed, sorted(names + ["administrator"]))
    check(f"pages of {size}", len(pages), -(-26 // size))
even = iam.get_paginator("list_users").paginate(PathPrefix="/even/", PaginationConfig={"PageSize": 5}).build_full_result()
check("users of a path", [u["UserName"] for u in even["Users"]], names[::2])
first = iam.get_paginator("list_users").paginate(PaginationConfig={"MaxItems": 3, "PageSize": 2}).build_full_result()
check("first three", len(first["Users"]), 3)
rest = iam.get_paginator("list_users").paginate(PaginationConfig={"StartingToken": first["NextToken"]}).build_full_result()
check("the rest", len(rest["Users"]), 23)
for i in range(12):
    iam.put_user_policy(UserName="user-00", PolicyName=f"p{i:02}", PolicyDocument=policy("s3:GetObject"))
    iam.create_policy(PolicyName=f"m{i:02}", PolicyDocument=policy("s3:GetObject"))
listed = iam.get_paginator("list_user_policies").paginate(UserName="user-00", PaginationConfig={"PageSize": 5}).build_full_result()
check("inline policies", listed["PolicyNames"], [f"p{i:02}" for i in range(12)])
listed = iam.get_paginator("list_policies").paginate(Scope="Local", PaginationConfig={"PageSize": 5}).build_full_result()
check("managed policies", sorted(p["PolicyName"] for p in listed["Policies"]), [f"m{i:02}" for i in range(12)])
details = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 4}).build_full_result()
check("users of the details", len(details["UserDetailList"]), 26)
check("roles of the details", [r["RoleName"] for r in details["RoleDetailList"]], ["worker"])
check("policies of the details", len([p for p in details["Policies"] if p["Arn"].split(":")[4] == ACCOUNT]), 12)

# Waiters: what is there, at once; what comes, when it comes; what does not, not.
soon = {"Delay": 1, "MaxAttempts": 10}


def later(call, **arguments):
    def run():
        time.sleep(1.2)
        call(**arguments)
    t = threading.Thread(target=run)
    t.start()
    return t


waits = [
    ("user_exists", {"UserName": "late"}, iam.create_user, {"UserName": "late"}),
    ("role_exists", {"RoleName": "late"}, iam.create_role, {"RoleName": "late", "AssumeRolePolicyDocument": trust}),
    ("policy_exists", {"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/late"}, iam.create_policy, {"PolicyName": "late", "PolicyDocument": policy("s3:*")}),
    ("instance_profile_exists", {"InstanceProfileName": "late"}, iam.create_instance_profile, {"InstanceProfileName": "late"}),
]
for name, wanted, create, arguments in waits:
    try:
        iam.get_waiter(name).wait(WaiterConfig={"Delay": 1, "MaxAttempts": 1}, **wanted)
        sys.exit(f"{name} waited for nothing")
    except botocore.exceptions.WaiterError:
        pass
threads = [later(create, **arguments) for _, _, create, arguments in waits]
for name, wanted, _, _ in waits:
    iam.get_waiter(name).wait(WaiterConfig=soon, **wanted)
for t in threads:
    t.join()

# Errors come as the classes that the model names, with code, status and text.
e = iam.exceptions
r = refused(e.NoSuchEntityException, iam.get_user, "NoSuchEntity", UserName="nobody")
check("status", r["ResponseMetadata"]["HTTPStatusCode"], 404)
check("text", r["Error"]["Message"], "The user with name nobody cannot be found.")
r = refused(e.EntityAlreadyExistsException, iam.create_user, "EntityAlreadyExists", UserName="USER-00")
check("status", r["ResponseMetadata"]["HTTPStatusCode"], 409)
refused(e.DeleteConflictException, iam.delete_user, "DeleteConflict", UserName="user-00")
refused(e.MalformedPolicyDocumentException, iam.create_policy, "MalformedPolicyDocument", PolicyName="bad", PolicyDocument="{}")
refused(e.LimitExceededException, iam.put_user_policy, "LimitExceeded", UserName="user-01", PolicyName="big", PolicyDocument=policy("s3:" + "x" * 3000))
refused(e.ClientError, iam.create_user, "ValidationError", UserName="no spaces")
refused(e.NoSuchEntityException, iam.delete_access_key, "NoSuchEntity", UserName="user-01", AccessKeyId="AKIAAAAAAAAAAAAAAAAA")
refused(sts.exceptions.MalformedPolicyDocumentException, sts.assume_role, "MalformedPolicyDocument",
        RoleArn=role["Arn"], RoleSessionName="job", Policy="{}")
wrong = boto3.client("sts", aws_access_key_id="AKIAAAAAAAAAAAAAAAAA", aws_secret_access_key="wrong", config=config)
refused(botocore.exceptions.ClientError, wrong.get_caller_identity, "InvalidClientTokenId")

# A session, with the credentials of a user.
key = iam.create_access_key(UserName="user-01")["AccessKey"]
iam.put_user_policy(UserName="user-01", PolicyName="assume", PolicyDocument=policy("sts:AssumeRole"))
user = boto3.Session(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
c = user.client("sts", config=config).assume_role(RoleArn=role["Arn"], RoleSessionName="job")["Credentials"]
session = boto3.Session(aws_access_key_id=c["AccessKeyId"], aws_secret_access_key=c["SecretAccessKey"], aws_session_token=c["SessionToken"])
who = session.client("sts", config=config).get_caller_identity()
check("session", who["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/job")
check("session's user id", who["UserId"], role["RoleId"] + ":job")
refused(botocore.exceptions.ClientError, session.client("iam", config=config).list_users, "AccessDenied")

# A presigned GetCallerIdentity, as cluster log-ins use it: anybody who has the
# URL can show who made it, and change nothing in it.
for maker, want in (boto3, f"arn:aws:iam::{ACCOUNT}:user/administrator"), (session, who["Arn"]):
    url = maker.client("sts", config=config).generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    answer = ET.fromstring(urllib.request.urlopen(url).read())
    check("presigned", answer.findtext(".//{*}Arn"), want)
    for bad in url.replace("Action=GetCallerIdentity", "Action=GetSessionToken"), url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"):
        check("changed", bad != url, True)
        try:
            urllib.request.urlopen(bad)
            sys.exit("a changed presigned URL was accepted")
        except urllib.error.HTTPError as refusal:
            check("status of a changed URL", refusal.code, 403)
sts.meta.events.register("before-sign.sts.GetCallerIdentity", lambda request, **_: request.headers.add_header("x-k8s-aws-id", "cluster"))
url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
check("the header is signed", "x-k8s-aws-id" in url, True)
answer = urllib.request.urlopen(urllib.request.Request(url, headers={"x-k8s-aws-id": "cluster"})).read()
check("presigned with a header", b"user/administrator" in answer, True)
for headers in {}, {"x-k8s-aws-id": "other"}:
    try:
        urllib.request.urlopen(urllib.request.Request(url, headers=headers))
        sys.exit("a presigned URL was accepted for another cluster")
    except urllib.error.HTTPError as refusal:
        check("status for another cluster", refusal.code, 403)

# The resource interface on top.
resource = boto3.resource("iam", config=config)
group = resource.create_group(GroupName="team")
group.add_user(UserName="user-02")
check("members", [u.name for u in group.users.all()], ["user-02"])
check("groups", [g.name for g in resource.User("user-02").groups.all()], ["team"])

print("ok")
