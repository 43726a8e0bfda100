# AWS managed policies as teams use them in Terraform, applied to Warder by
# TestTerraformManagedPolicies.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }

provider "aws" {
  region                  = "us-east-1"
  skip_metadata_api_check = true
  skip_region_validation  = true

  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }
}

data "aws_iam_policy" "by_arn" {
  arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}

data "aws_iam_policy" "by_name" {
  name = "ReadOnlyAccess"
}

data "aws_iam_policy" "by_path" {
  name        = "AWSLambdaBasicExecutionRole"
  path_prefix = "/service-role/"
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name                 = "function"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
}

resource "aws_iam_role_policy_attachment" "function" {
  for_each   = toset([data.aws_iam_policy.by_arn.arn, data.aws_iam_policy.by_name.arn, data.aws_iam_policy.by_path.arn])
  role       = aws_iam_role.function.name
  policy_arn = each.value
}

resource "aws_iam_group" "auditors" {
  name = "auditors"
}

resource "aws_iam_group_policy_attachment" "auditors" {
  group      = aws_iam_group.auditors.name
  policy_arn = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"
}

resource "aws_iam_user" "auditor" {
  name = "auditor"
}

resource "aws_iam_user_policy_attachment" "auditor" {
  user       = aws_iam_user.auditor.name
  policy_arn = "arn:aws:iam::aws:policy/SecurityAudit"
}

output "checks" {
  value = {
    arn       = data.aws_iam_policy.by_name.arn
    id        = data.aws_iam_policy.by_arn.policy_id
    path      = data.aws_iam_policy.by_path.path
    statement = jsondecode(data.aws_iam_policy.by_arn.policy).Statement[0].Action
  }
}
