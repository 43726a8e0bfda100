# Service-specific credentials of a user, applied by
# TestTerraformServiceCredentials.

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

provider "aws" {
  region = "us-east-1"
  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }
}

resource "aws_iam_user" "git" {
  name = "git"
}

resource "aws_iam_service_specific_credential" "git" {
  count        = 2
  service_name = "codecommit.amazonaws.com"
  user_name    = aws_iam_user.git.name
  status       = var.status
}

output "logins" {
  value = sort(aws_iam_service_specific_credential.git[*].service_user_name)
}
