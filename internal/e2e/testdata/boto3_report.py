"""The credential report and service-specific credentials by boto3, as audit
scripts use them. Run by TestBoto3Report; says "ok" at the end."""

import base64
import csv
import datetime
import io
import time

import boto3
from botocore.config import Config

iam = boto3.client("iam", config=Config(retries={"max_attempts": 0}))

try:
    iam.get_credential_report()
    raise AssertionError("there is a report")
except iam.exceptions.CredentialReportNotPresentException as e:
    assert e.response["Error"]["Code"] == "ReportNotPresent", e
    assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 410, e

iam.create_user(UserName="Bob,Jr.")
iam.create_user(UserName="Eve")
iam.create_login_profile(UserName="Eve", Password="Passw0rd!!")
key = iam.create_access_key(UserName="Eve")["AccessKey"]
iam.update_access_key(UserName="Eve", AccessKeyId=key["AccessKeyId"], Status="Inactive")

while iam.generate_credential_report()["State"] != "COMPLETE":
    time.sleep(0.1)
report = iam.get_credential_report()
assert report["ReportFormat"] == "text/csv", report
rows = {row["user"]: row for row in csv.DictReader(io.StringIO(report["Content"].decode()))}
assert list(rows) == ["<root_account>", "administrator", "Bob,Jr.", "Eve"], list(rows)
for row in rows.values():
    assert len(row) == 22 and None not in row and None not in row.values(), row
    for column, value in row.items():
        if column.endswith("_active") or column == "password_enabled":
            assert value in ("true", "false"), (column, value)
        elif value not in ("N/A", "no_information", "not_supported") and ("_time" in column or "_last_" in column or "_next_" in column) and not column.endswith(("_region", "_service")):
            datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ")
eve = rows["Eve"]
assert eve["password_enabled"] == "true" and eve["password_last_used"] == "no_information", eve
assert eve["access_key_1_active"] == "false" and eve["access_key_1_last_rotated"] == key["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"), eve
assert rows["administrator"]["access_key_1_last_used_service"] == "iam", rows["administrator"]
assert rows["<root_account>"]["password_next_rotation"] == "not_supported", rows["<root_account>"]

token = iam.create_service_specific_credential(UserName="Eve", ServiceName="bedrock.amazonaws.com", CredentialAgeDays=30)["ServiceSpecificCredential"]
alias, _, secret = base64.b64decode(token["ServiceCredentialSecret"].removeprefix("ABSK")).decode().partition(":")
assert alias == token["ServiceCredentialAlias"] and len(secret) == 60, alias
assert token["ExpirationDate"] - token["CreateDate"] == datetime.timedelta(days=30), token
again = iam.reset_service_specific_credential(UserName="Eve", ServiceSpecificCredentialId=token["ServiceSpecificCredentialId"])["ServiceSpecificCredential"]
assert again["ServiceCredentialSecret"] != token["ServiceCredentialSecret"]
iam.update_service_specific_credential(UserName="Eve", ServiceSpecificCredentialId=token["ServiceSpecificCredentialId"], Status="Inactive")
listed = iam.list_service_specific_credentials(AllUsers=True, ServiceName="bedrock.amazonaws.com")["ServiceSpecificCredentials"]
assert [(c["UserName"], c["Status"]) for c in listed] == [("Eve", "Inactive")], listed
try:
    iam.create_service_specific_credential(UserName="Eve", ServiceName="sqs.amazonaws.com")
    raise AssertionError("SQS takes credentials")
except iam.exceptions.NoSuchEntityException:
    pass
iam.delete_service_specific_credential(UserName="Eve", ServiceSpecificCredentialId=token["ServiceSpecificCredentialId"])
print("ok")
