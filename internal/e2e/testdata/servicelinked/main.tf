# Service-linked roles, applied to Warder by TestTerraformServiceLinkedRoles.

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

variable "description" {
  type    = string
  default = "Lets ECS manage the cluster"
}

provider "aws" {
  region                 = "us-east-1"
  skip_region_validation = true

  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }
}

resource "aws_iam_service_linked_role" "ecs" {
  aws_service_name = "ecs.amazonaws.com"
  description      = var.description
  tags             = { team = var.team }
}

# Without a description the role has none.
resource "aws_iam_service_linked_role" "blue" {
  aws_service_name = "autoscaling.amazonaws.com"
  custom_suffix    = "blue"
}

output "arns" {
  value = [aws_iam_service_linked_role.ecs.arn, aws_iam_service_linked_role.blue.arn]
}
