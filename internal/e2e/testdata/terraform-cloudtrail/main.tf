# Trails and an event data store, applied to Warder by TestTerraformCloudTrail. The
# variables are what a later change of the same configuration changes.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }

variable "bucket" {
  type    = string
  default = "audit-logs"
}

variable "read_write" {
  type    = string
  default = "WriteOnly"
}

variable "excluded" {
  type    = string
  default = "kms.amazonaws.com"
}

variable "logging" {
  type    = bool
  default = true
}

variable "team" {
  type    = string
  default = "platform"
}

variable "retention" {
  type    = number
  default = 90
}

provider "aws" {
  region                      = "us-east-1"
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = false
  skip_credentials_validation = false
  endpoints {
    iam        = var.endpoint
    sts        = var.endpoint
    cloudtrail = var.endpoint
  }
  default_tags { tags = { managed = "terraform" } }
}

resource "aws_cloudtrail" "plain" {
  name           = "plain"
  s3_bucket_name = "audit-logs"
}

resource "aws_cloudtrail" "basic" {
  name                          = "basic"
  s3_bucket_name                = var.bucket
  s3_key_prefix                 = "trail"
  include_global_service_events = true
  is_multi_region_trail         = true
  enable_log_file_validation    = true
  enable_logging                = var.logging
  tags                          = { team = var.team }

  event_selector {
    read_write_type                  = var.read_write
    include_management_events        = true
    exclude_management_event_sources = [var.excluded]
    data_resource {
      type   = "AWS::S3::Object"
      values = ["arn:aws:s3:::audit-logs/", "arn:aws:s3"]
    }
  }
  insight_selector { insight_type = "ApiCallRateInsight" }
}

resource "aws_cloudtrail" "advanced" {
  name           = "advanced"
  s3_bucket_name = "audit-logs"

  advanced_event_selector {
    name = "changes"
    field_selector {
      field  = "eventCategory"
      equals = ["Management"]
    }
    field_selector {
      field      = "eventSource"
      not_equals = [var.excluded]
    }
    field_selector {
      field  = "readOnly"
      equals = ["false"]
    }
  }
  advanced_event_selector {
    name = "objects"
    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }
    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }
    field_selector {
      field       = "resources.ARN"
      starts_with = ["arn:aws:s3:::audit-logs/"]
    }
    field_selector {
      field           = "userIdentity.arn"
      not_starts_with = ["arn:aws:sts::123456789012:assumed-role/robot"]
    }
  }
}

resource "aws_cloudtrail_event_data_store" "lake" {
  name                           = "lake"
  retention_period               = var.retention
  termination_protection_enabled = false
  multi_region_enabled           = true
  tags                           = { team = var.team }

  advanced_event_selector {
    name = "users"
    field_selector {
      field  = "eventCategory"
      equals = ["Management"]
    }
    field_selector {
      field       = "eventName"
      starts_with = ["Create", "Delete"]
    }
  }
}

output "checks" {
  value = {
    arn    = aws_cloudtrail.basic.arn
    region = aws_cloudtrail.basic.home_region
    store  = aws_cloudtrail_event_data_store.lake.arn
  }
}
