# Every resource and data source of the AWS provider for IAM, applied to Warder by
# TestTerraformEverything; only aws_iam_organizations_features is not here, since
# no account is in an organization. Stage 1 changes everything that can be changed
# in place, but for names: the provider tags a thing by its new name before it
# renames it, so names come in stage 2, here as in AWS.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }

variable "stage" {
  type    = number
  default = 0
}

locals {
  n = min(var.stage, 1)
  r = max(var.stage - 1, 0)
  allow = [for action in ["s3:GetObject", "s3:PutObject"] :
  jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = action, Resource = "*" }] })]
  trust = [for service in ["ec2.amazonaws.com", "lambda.amazonaws.com"] :
  jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = service } }] })]
  tags     = [{ kind = "first", kept = "yes" }, { kind = "later", added = "yes" }][local.n]
  status   = ["Active", "Inactive"][local.n]
  boundary = [aws_iam_policy.allow.arn, "arn:aws:iam::aws:policy/PowerUserAccess"][local.n]
}

provider "aws" {
  region                  = "us-east-1"
  skip_metadata_api_check = true
  skip_region_validation  = true

  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }

  default_tags {
    tags = { team = ["platform", "security"][local.n] }
  }
}

# The account.

resource "aws_iam_account_alias" "this" {
  account_alias = "everything"
}

resource "aws_iam_account_password_policy" "this" {
  minimum_password_length        = [12, 16][local.n]
  require_lowercase_characters   = local.n == 0
  require_numbers                = local.n == 0
  require_uppercase_characters   = local.n == 0
  require_symbols                = local.n == 0
  allow_users_to_change_password = local.n == 0
  hard_expiry                    = local.n == 0
  max_password_age               = [90, 30][local.n]
  password_reuse_prevention      = [5, 24][local.n]
}

resource "aws_iam_security_token_service_preferences" "this" {
  global_endpoint_token_version = ["v1Token", "v2Token"][local.n]
}

# Policies.

resource "aws_iam_policy" "allow" {
  name        = "allow"
  path        = "/policies/"
  description = "Allows"
  policy      = local.allow[local.n]
  tags        = local.tags
}

resource "aws_iam_policy" "prefixed" {
  name_prefix = "prefixed-"
  policy      = local.allow[0]
}

resource "aws_iam_policy_attachment" "all" {
  name       = "all"
  policy_arn = aws_iam_policy.prefixed.arn
  users      = [[aws_iam_user.main.name], [aws_iam_user.other.name]][local.n]
  groups     = [[aws_iam_group.main.name], []][local.n]
  roles      = [[], [aws_iam_role.main.name]][local.n]
}

# Users.

resource "aws_iam_user" "main" {
  name                 = "main"
  path                 = ["/first/", "/later/"][local.n]
  permissions_boundary = local.boundary
  force_destroy        = true
  tags                 = local.tags
}

resource "aws_iam_user" "other" {
  name                 = ["other", "another"][local.r]
  permissions_boundary = ["arn:aws:iam::aws:policy/ReadOnlyAccess", null][local.n]
  force_destroy        = local.n == 1
}

resource "aws_iam_user_policy" "main" {
  name   = "inline"
  user   = aws_iam_user.main.name
  policy = local.allow[local.n]
}

resource "aws_iam_user_policy" "prefixed" {
  name_prefix = "prefixed-"
  user        = aws_iam_user.main.name
  policy      = local.allow[0]
}

resource "aws_iam_user_policies_exclusive" "main" {
  user_name    = aws_iam_user.main.name
  policy_names = local.n == 0 ? [aws_iam_user_policy.main.name, aws_iam_user_policy.prefixed.name] : [aws_iam_user_policy.prefixed.name, aws_iam_user_policy.main.name]
}

resource "aws_iam_user_policy_attachment" "main" {
  user       = aws_iam_user.main.name
  policy_arn = aws_iam_policy.allow.arn
}

resource "aws_iam_user_policy_attachments_exclusive" "other" {
  user_name   = aws_iam_user.other.name
  policy_arns = [["arn:aws:iam::aws:policy/SecurityAudit"], ["arn:aws:iam::aws:policy/SecurityAudit", aws_iam_policy.prefixed.arn]][local.n]
  depends_on  = [aws_iam_policy_attachment.all]
}

resource "aws_iam_access_key" "main" {
  user   = aws_iam_user.main.name
  status = local.status
}

resource "aws_iam_user_login_profile" "main" {
  user                    = aws_iam_user.main.name
  password_length         = 24
  password_reset_required = true
  depends_on              = [aws_iam_account_password_policy.this]
}

resource "aws_iam_user_ssh_key" "main" {
  username   = aws_iam_user.main.name
  encoding   = "SSH"
  public_key = file("${path.module}/id_rsa.pub")
  status     = local.status
}

resource "aws_iam_signing_certificate" "main" {
  user_name        = aws_iam_user.main.name
  certificate_body = file("${path.module}/own.pem")
  status           = local.status
}

resource "aws_iam_service_specific_credential" "main" {
  user_name    = aws_iam_user.main.name
  service_name = "codecommit.amazonaws.com"
  status       = local.status
}

resource "aws_iam_virtual_mfa_device" "main" {
  virtual_mfa_device_name = "main"
  path                    = "/devices/"
  tags                    = local.tags
}

# Groups.

resource "aws_iam_group" "main" {
  name = ["main", "moved"][local.r]
  path = ["/first/", "/later/"][local.n]
}

resource "aws_iam_group" "other" {
  name = "other"
}

resource "aws_iam_group" "third" {
  name = "third"
}

resource "aws_iam_group_membership" "main" {
  name  = "main"
  group = aws_iam_group.main.name
  users = [[aws_iam_user.main.name], [aws_iam_user.main.name, aws_iam_user.other.name]][local.n]
}

resource "aws_iam_user_group_membership" "other" {
  user   = aws_iam_user.other.name
  groups = [[aws_iam_group.other.name], [aws_iam_group.third.name]][local.n]
}

resource "aws_iam_group_policy" "main" {
  name   = "inline"
  group  = aws_iam_group.main.name
  policy = local.allow[local.n]
}

resource "aws_iam_group_policies_exclusive" "main" {
  group_name   = aws_iam_group.main.name
  policy_names = [aws_iam_group_policy.main.name]
}

resource "aws_iam_group_policy_attachment" "other" {
  group      = aws_iam_group.other.name
  policy_arn = aws_iam_policy.allow.arn
}

resource "aws_iam_group_policy_attachments_exclusive" "other" {
  group_name  = aws_iam_group.other.name
  policy_arns = [aws_iam_group_policy_attachment.other.policy_arn]
}

# Roles.

resource "aws_iam_role" "main" {
  name                 = "main"
  path                 = "/roles/"
  description          = ["At first", "Later"][local.n]
  assume_role_policy   = local.trust[local.n]
  max_session_duration = [3600, 7200][local.n]
  permissions_boundary = local.boundary
  tags                 = local.tags
}

resource "aws_iam_role" "complete" {
  name_prefix           = "complete-"
  assume_role_policy    = local.trust[0]
  force_detach_policies = true
  managed_policy_arns   = [["arn:aws:iam::aws:policy/SecurityAudit"], [aws_iam_policy.allow.arn]][local.n]
  inline_policy {
    name   = "one"
    policy = local.allow[local.n]
  }
}

resource "aws_iam_role_policy" "main" {
  name   = "inline"
  role   = aws_iam_role.main.id
  policy = local.allow[local.n]
}

resource "aws_iam_role_policies_exclusive" "main" {
  role_name    = aws_iam_role.main.name
  policy_names = [aws_iam_role_policy.main.name]
}

resource "aws_iam_role_policy_attachment" "main" {
  role       = aws_iam_role.main.name
  policy_arn = aws_iam_policy.allow.arn
}

resource "aws_iam_role" "exclusive" {
  name               = "exclusive"
  assume_role_policy = local.trust[0]
}

resource "aws_iam_role_policy_attachments_exclusive" "exclusive" {
  role_name   = aws_iam_role.exclusive.name
  policy_arns = [["arn:aws:iam::aws:policy/SecurityAudit"], [aws_iam_policy.allow.arn]][local.n]
}

resource "aws_iam_instance_profile" "main" {
  name = "main"
  path = "/profiles/"
  role = [aws_iam_role.main.name, aws_iam_role.exclusive.name][local.n]
  tags = local.tags
}

resource "aws_iam_service_linked_role" "main" {
  aws_service_name = "autoscaling.amazonaws.com"
  custom_suffix    = "main"
  description      = ["At first", "Later"][local.n]
  tags             = local.tags
}

# Providers and certificates.

resource "aws_iam_openid_connect_provider" "main" {
  url             = "https://token.example.com/tenant"
  client_id_list  = [["first", "kept"], ["kept", "later"]][local.n]
  thumbprint_list = [["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"], ["9e99a48a9960b14926bb7f3b02e22da2b0ab7281"]][local.n]
  tags            = local.tags
}

resource "aws_iam_saml_provider" "main" {
  name                   = "main"
  saml_metadata_document = file("${path.module}/metadata${local.n}.xml")
  tags                   = local.tags
}

resource "aws_iam_server_certificate" "main" {
  name              = ["main", "moved"][local.r]
  path              = ["/first/", "/later/"][local.n]
  certificate_body  = file("${path.module}/web.pem")
  certificate_chain = file("${path.module}/root.pem")
  private_key       = file("${path.module}/web.key")
  tags              = local.tags
}

resource "aws_iam_server_certificate" "prefixed" {
  name_prefix      = "prefixed-"
  certificate_body = file("${path.module}/own.pem")
  private_key      = file("${path.module}/own.key")
}

# What is there, read back.

data "aws_caller_identity" "this" {}

data "aws_iam_account_alias" "this" {
  depends_on = [aws_iam_account_alias.this]
}

data "aws_iam_session_context" "user" {
  arn = data.aws_caller_identity.this.arn
}

data "aws_iam_session_context" "session" {
  arn = "arn:aws:sts::${data.aws_caller_identity.this.account_id}:assumed-role/${aws_iam_role.main.name}/session"
}

data "aws_iam_access_keys" "main" {
  user = aws_iam_access_key.main.user
}

data "aws_iam_user" "main" {
  user_name = aws_iam_user.main.name
}

data "aws_iam_users" "main" {
  path_prefix = aws_iam_user.main.path
  name_regex  = "^m"
}

data "aws_iam_user_ssh_key" "main" {
  username          = aws_iam_user.main.name
  ssh_public_key_id = aws_iam_user_ssh_key.main.ssh_public_key_id
  encoding          = "PEM"
}

data "aws_iam_group" "main" {
  group_name = aws_iam_group_membership.main.group
}

data "aws_iam_role" "main" {
  name = aws_iam_role.main.name
}

data "aws_iam_roles" "main" {
  path_prefix = aws_iam_role.main.path
}

data "aws_iam_instance_profile" "main" {
  name = aws_iam_instance_profile.main.name
}

data "aws_iam_instance_profiles" "main" {
  role_name = aws_iam_instance_profile.main.role
}

data "aws_iam_openid_connect_provider" "arn" {
  arn = aws_iam_openid_connect_provider.main.arn
}

data "aws_iam_openid_connect_provider" "url" {
  url = "https://${aws_iam_openid_connect_provider.main.url}"
}

data "aws_iam_saml_provider" "main" {
  arn = aws_iam_saml_provider.main.arn
}

data "aws_iam_server_certificate" "latest" {
  name_prefix = "prefixed-"
  latest      = true
  depends_on  = [aws_iam_server_certificate.prefixed]
}

data "aws_iam_policy" "name" {
  name        = aws_iam_policy.allow.name
  path_prefix = aws_iam_policy.allow.path
}

data "aws_iam_policy_document" "trust" {
  source_policy_documents = [aws_iam_role.main.assume_role_policy]
  statement {
    sid     = "Web"
    actions = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.main.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "${aws_iam_openid_connect_provider.main.url}:aud"
      values   = ["kept"]
    }
  }
  statement {
    sid     = "SAML"
    actions = ["sts:AssumeRoleWithSAML"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_saml_provider.main.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "SAML:aud"
      values   = ["https://signin.aws.amazon.com/saml"]
    }
  }
  statement {
    sid     = "People"
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_user.main.arn, aws_iam_role.main.arn, data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "federated" {
  name               = "federated"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_principal_policy_simulation" "main" {
  policy_source_arn                  = aws_iam_role.main.arn
  action_names                       = ["s3:GetObject", "s3:PutObject"]
  resource_arns                      = ["arn:aws:s3:::my-bucket/report"]
  additional_policies_json           = [local.allow[1 - local.n]]
  permissions_boundary_policies_json = [data.aws_iam_policy_document.boundary.json]
  resource_policy_json               = data.aws_iam_policy_document.bucket.json
  caller_arn                         = aws_iam_user.main.arn
  context {
    key    = "aws:MultiFactorAuthPresent"
    type   = "boolean"
    values = ["true"]
  }
  depends_on = [aws_iam_role_policy.main, aws_iam_role_policy_attachment.main]
}

data "aws_iam_policy_document" "boundary" {
  statement {
    actions   = ["s3:*"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "bucket" {
  statement {
    sid       = "Own"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::my-bucket/*"]
    principals {
      type        = "AWS"
      identifiers = [data.aws_caller_identity.this.account_id]
    }
    condition {
      test     = "Bool"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["true"]
    }
  }
}

output "checks" {
  value = {
    caller      = data.aws_caller_identity.this.user_id
    alias       = data.aws_iam_account_alias.this.account_alias
    session     = data.aws_iam_session_context.session.issuer_arn
    keys        = data.aws_iam_access_keys.main.access_keys[*].status
    user        = [data.aws_iam_user.main.arn, data.aws_iam_user.main.permissions_boundary]
    users       = data.aws_iam_users.main.names
    key         = data.aws_iam_user_ssh_key.main.status
    group       = data.aws_iam_group.main.arn
    members     = sort(data.aws_iam_group.main.users[*].user_name)
    role        = [data.aws_iam_role.main.description, data.aws_iam_role.main.permissions_boundary]
    trust       = jsondecode(data.aws_iam_role.main.assume_role_policy).Statement[0].Principal.Service
    roles       = data.aws_iam_roles.main.names
    profile     = data.aws_iam_instance_profile.main.role_name
    profiles    = data.aws_iam_instance_profiles.main.names
    clients     = sort(data.aws_iam_openid_connect_provider.arn.client_id_list)
    thumbprints = data.aws_iam_openid_connect_provider.url.thumbprint_list
    saml        = data.aws_iam_saml_provider.main.saml_metadata_document == file("${path.module}/metadata${local.n}.xml")
    certificate = data.aws_iam_server_certificate.latest.arn == aws_iam_server_certificate.prefixed.arn
    policy      = data.aws_iam_policy.name.policy == local.allow[local.n]
    simulated   = data.aws_iam_principal_policy_simulation.main.results[*].decision
    tags = [
      data.aws_iam_user.main.tags, data.aws_iam_role.main.tags, data.aws_iam_policy.name.tags,
      data.aws_iam_openid_connect_provider.url.tags, data.aws_iam_saml_provider.main.tags,
    ]
  }
}
