# What teams keep of IAM in Terraform, applied to Warder by TestTerraform. The
# variables are what a later change of the same configuration changes.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }

variable "team" {
  type    = string
  default = "platform"
}

variable "user" {
  type    = string
  default = "alice"
}

variable "actions" {
  type    = list(string)
  default = ["s3:GetObject"]
}

variable "max_session_duration" {
  type    = number
  default = 3600
}

variable "minimum_password_length" {
  type    = number
  default = 12
}

provider "aws" {
  region                      = "us-east-1"
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_credentials_validation = false
  skip_requesting_account_id  = false

  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }

  default_tags {
    tags = { team = var.team }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "Read"
    actions   = var.actions
    resources = ["arn:aws:s3:::my-bucket/*"]
    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalTag/team"
      values   = ["$${aws:ResourceTag/team}"]
    }
  }
  statement {
    sid       = "DenyPlainText"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["*"]
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "ec2" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com", "lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "people" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_user.one.arn, "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
}

resource "aws_iam_account_alias" "this" {
  account_alias = "example-${var.team}"
}

resource "aws_iam_account_password_policy" "strict" {
  minimum_password_length        = var.minimum_password_length
  require_lowercase_characters   = true
  require_numbers                = true
  require_uppercase_characters   = true
  require_symbols                = true
  allow_users_to_change_password = true
  max_password_age               = 90
  password_reuse_prevention      = 5
}

resource "aws_iam_policy" "boundary" {
  name   = "boundary"
  path   = "/boundaries/"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:*", "sts:*"], Resource = "*" }] })
}

resource "aws_iam_policy" "read" {
  name        = "read"
  description = "Reads a bucket"
  policy      = data.aws_iam_policy_document.read.json
  tags        = { kind = "managed" }
}

resource "aws_iam_user" "one" {
  name                 = var.user
  path                 = "/people/"
  permissions_boundary = aws_iam_policy.boundary.arn
  tags                 = { mail = "alice@example.com" }
}

resource "aws_iam_user" "two" {
  name = "bob"
}

resource "aws_iam_user_policy" "one" {
  name   = "inline"
  user   = aws_iam_user.one.name
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_user_policy_attachment" "one" {
  user       = aws_iam_user.one.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_access_key" "one" {
  user = aws_iam_user.one.name
}

resource "aws_iam_user_login_profile" "two" {
  user                    = aws_iam_user.two.name
  password_length         = 24
  password_reset_required = false
}

resource "aws_iam_group" "developers" {
  name = "developers"
  path = "/teams/"
}

resource "aws_iam_group_membership" "developers" {
  name  = "developers"
  group = aws_iam_group.developers.name
  users = [aws_iam_user.one.name, aws_iam_user.two.name]
}

resource "aws_iam_group" "readers" {
  name = "readers"
}

resource "aws_iam_user_group_membership" "two" {
  user   = aws_iam_user.two.name
  groups = [aws_iam_group.readers.name]
}

resource "aws_iam_group_policy" "developers" {
  name   = "inline"
  group  = aws_iam_group.developers.name
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_group_policy_attachment" "readers" {
  group      = aws_iam_group.readers.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_role" "service" {
  name                  = "service"
  path                  = "/services/"
  description           = "For instances"
  assume_role_policy    = data.aws_iam_policy_document.ec2.json
  max_session_duration  = var.max_session_duration
  permissions_boundary  = aws_iam_policy.boundary.arn
  force_detach_policies = true
  tags                  = { kind = "service" }
}

resource "aws_iam_role" "people" {
  name_prefix        = "people-"
  assume_role_policy = data.aws_iam_policy_document.people.json
}

resource "aws_iam_role_policy" "service" {
  name   = "inline"
  role   = aws_iam_role.service.id
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_role_policy_attachment" "service" {
  role       = aws_iam_role.service.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_instance_profile" "service" {
  name = "service"
  path = "/services/"
  role = aws_iam_role.service.name
  tags = { kind = "profile" }
}

resource "aws_iam_virtual_mfa_device" "two" {
  virtual_mfa_device_name = "bob"
  path                    = "/"
}

# What is there, read back.

data "aws_iam_user" "one" {
  user_name  = aws_iam_user.one.name
  depends_on = [aws_iam_user_policy.one]
}

data "aws_iam_role" "service" {
  name = aws_iam_role.service.name
}

data "aws_iam_group" "developers" {
  group_name = aws_iam_group_membership.developers.group
}

data "aws_iam_policy" "read" {
  arn = aws_iam_policy.read.arn
}

data "aws_iam_instance_profile" "service" {
  name = aws_iam_instance_profile.service.name
}

data "aws_iam_account_alias" "current" {
  depends_on = [aws_iam_account_alias.this]
}

data "aws_iam_principal_policy_simulation" "service" {
  policy_source_arn = aws_iam_role.service.arn
  action_names      = ["s3:GetObject", "s3:PutObject"]
  resource_arns     = ["arn:aws:s3:::my-bucket/report"]
  context {
    key    = "aws:SecureTransport"
    type   = "boolean"
    values = ["true"]
  }
  depends_on = [aws_iam_role_policy_attachment.service, aws_iam_role_policy.service]
}

output "checks" {
  value = {
    account   = data.aws_caller_identity.current.account_id
    user      = data.aws_iam_user.one.arn
    boundary  = data.aws_iam_user.one.permissions_boundary
    role      = data.aws_iam_role.service.arn
    duration  = data.aws_iam_role.service.max_session_duration
    members   = sort([for u in data.aws_iam_group.developers.users : u.user_name])
    policy    = data.aws_iam_policy.read.policy == aws_iam_policy.read.policy
    profile   = data.aws_iam_instance_profile.service.role_name
    alias     = data.aws_iam_account_alias.current.account_alias
    password  = nonsensitive(length(aws_iam_user_login_profile.two.password))
    tags      = data.aws_iam_user.one.tags
    simulated = data.aws_iam_principal_policy_simulation.service.all_allowed
  }
}

output "access_key" {
  value     = join(" ", compact([aws_iam_access_key.one.id, aws_iam_access_key.one.secret]))
  sensitive = true
}

output "ids" {
  value = {
    access_key  = aws_iam_access_key.one.id
    people_role = aws_iam_role.people.name
  }
}
