# A topic for alarms and who hears of them, applied to Warder by TestSNS.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "receiver" { type = string }

provider "aws" {
  region                  = "us-east-1"
  skip_metadata_api_check = true
  skip_region_validation  = true

  endpoints {
    iam = var.endpoint
    sns = var.endpoint
    sts = var.endpoint
  }
}

data "aws_caller_identity" "me" {}

resource "aws_sns_topic" "alarms" {
  name              = "alarms"
  display_name      = "Alarms"
  signature_version = 2
  tags              = { team = "security" }
  delivery_policy = jsonencode({
    http = {
      defaultHealthyRetryPolicy = {
        minDelayTarget = 1, maxDelayTarget = 2, numRetries = 3, numMaxDelayRetries = 0, numNoDelayRetries = 0,
        numMinDelayRetries = 0, backoffFunction = "linear"
      }
      disableSubscriptionOverrides = false
    }
  })
}

data "aws_iam_policy_document" "alarms" {
  statement {
    actions   = ["SNS:Publish"]
    resources = [aws_sns_topic.alarms.arn]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }
}

resource "aws_sns_topic_policy" "alarms" {
  arn    = aws_sns_topic.alarms.arn
  policy = data.aws_iam_policy_document.alarms.json
}

resource "aws_sns_topic_subscription" "receiver" {
  topic_arn              = aws_sns_topic.alarms.arn
  protocol               = "http"
  endpoint               = var.receiver
  endpoint_auto_confirms = true
  filter_policy          = jsonencode({ level = ["high"] })
}

output "checks" {
  value = {
    topic     = aws_sns_topic.alarms.arn
    confirmed = !aws_sns_topic_subscription.receiver.pending_confirmation
    owner     = aws_sns_topic_subscription.receiver.owner_id == data.aws_caller_identity.me.account_id
  }
}
