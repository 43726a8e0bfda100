# SSH keys and certificates in Terraform, applied to Warder by
# TestTerraformCredentials. The certificates are files that the test makes.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }

variable "status" {
  type    = string
  default = "Active"
}

variable "path" {
  type    = string
  default = "/cloudfront/test/"
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
    tags = { team = "platform" }
  }
}

resource "aws_iam_user" "git" {
  name          = "git"
  force_destroy = true
}

resource "aws_iam_user_ssh_key" "line" {
  username   = aws_iam_user.git.name
  encoding   = "SSH"
  public_key = file("${path.module}/id_rsa.pub")
  status     = var.status
}

resource "aws_iam_user_ssh_key" "pem" {
  username   = aws_iam_user.git.name
  encoding   = "PEM"
  public_key = file("${path.module}/other.pem")
}

resource "aws_iam_signing_certificate" "git" {
  user_name        = aws_iam_user.git.name
  certificate_body = file("${path.module}/own.pem")
  status           = var.status
}

resource "aws_iam_server_certificate" "own" {
  name             = "own"
  certificate_body = file("${path.module}/own.pem")
  private_key      = file("${path.module}/own.key")
}

resource "aws_iam_server_certificate" "web" {
  name              = "web"
  path              = var.path
  certificate_body  = file("${path.module}/web.pem")
  certificate_chain = file("${path.module}/root.pem")
  private_key       = file("${path.module}/web.key")
}

data "aws_iam_server_certificate" "web" {
  name = aws_iam_server_certificate.web.name
}

data "aws_iam_user_ssh_key" "line" {
  username          = aws_iam_user.git.name
  ssh_public_key_id = aws_iam_user_ssh_key.line.ssh_public_key_id
  encoding          = "PEM"
}

output "checks" {
  value = {
    arn         = data.aws_iam_server_certificate.web.arn
    id          = data.aws_iam_server_certificate.web.id
    chain       = data.aws_iam_server_certificate.web.certificate_chain
    pem         = data.aws_iam_user_ssh_key.line.public_key
    fingerprint = aws_iam_user_ssh_key.line.fingerprint
    tags        = aws_iam_server_certificate.own.tags_all
  }
}
