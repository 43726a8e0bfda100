# EventBridge with everything that rules need for sending events to people and
# programs, in variants that the test changes by its variables.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "endpoint" {
  type = string
}

variable "state" {
  type    = string
  default = "ENABLED"
}

variable "event_names" {
  type    = list(string)
  default = ["CreateAccessKey"]
}

variable "password" {
  type    = string
  default = "first-password"
}

variable "url" {
  type    = string
  default = "https://hooks.example.com/alerts/*"
}

variable "attempts" {
  type    = number
  default = 5
}

variable "reader" {
  type    = string
  default = "444455556666"
}

provider "aws" {
  region                      = "us-east-1"
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_credentials_validation = true
  endpoints {
    iam    = var.endpoint
    sts    = var.endpoint
    events = var.endpoint
  }
  default_tags { tags = { managed = "terraform" } }
}

resource "aws_iam_role" "sender" {
  name = "event-sender"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "events.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_cloudwatch_event_bus" "shop" {
  name        = "shop"
  description = "What happens in the shop"
}

resource "aws_cloudwatch_event_bus" "copies" {
  name = "copies"
}

resource "aws_cloudwatch_event_permission" "reader" {
  principal    = var.reader
  statement_id = "Reader"
}

resource "aws_cloudwatch_event_bus_policy" "shop" {
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Orders"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${var.reader}:root" }
      Action    = "events:PutEvents"
      Resource  = aws_cloudwatch_event_bus.shop.arn
      Condition = { StringEquals = { "events:source" = "orders" } }
    }]
  })
}

resource "aws_cloudwatch_event_rule" "keys" {
  name        = "keys"
  description = "Access keys are made"
  state       = var.state
  event_pattern = jsonencode({
    source      = ["aws.iam"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail      = { eventName = var.event_names, userIdentity = { type = [{ anything-but = "Root" }] } }
  })
  tags = { team = "security" }
}

resource "aws_cloudwatch_event_rule" "orders" {
  name           = "orders"
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  event_pattern  = jsonencode({ source = [{ prefix = "orders" }] })
}

resource "aws_cloudwatch_event_connection" "basic" {
  name               = "basic"
  description        = "The hooks"
  authorization_type = "BASIC"
  auth_parameters {
    basic {
      username = "warder"
      password = var.password
    }
    invocation_http_parameters {
      header {
        key             = "X-Origin"
        value           = "terraform"
        is_value_secret = false
      }
    }
  }
}

resource "aws_cloudwatch_event_connection" "oauth" {
  name               = "oauth"
  authorization_type = "OAUTH_CLIENT_CREDENTIALS"
  auth_parameters {
    oauth {
      authorization_endpoint = "https://login.example.com/token"
      http_method            = "POST"
      client_parameters {
        client_id     = "warder"
        client_secret = "client-secret"
      }
      oauth_http_parameters {
        body {
          key             = "scope"
          value           = "alerts"
          is_value_secret = false
        }
      }
    }
  }
}

resource "aws_cloudwatch_event_api_destination" "hook" {
  name                             = "hook"
  invocation_endpoint              = var.url
  http_method                      = "POST"
  invocation_rate_limit_per_second = 20
  connection_arn                   = aws_cloudwatch_event_connection.basic.arn
}

resource "aws_cloudwatch_event_target" "hook" {
  rule      = aws_cloudwatch_event_rule.keys.name
  target_id = "hook"
  arn       = aws_cloudwatch_event_api_destination.hook.arn
  role_arn  = aws_iam_role.sender.arn
  http_target {
    path_parameter_values   = ["$.detail.eventName"]
    header_parameters       = { X-Account = "$.account" }
    query_string_parameters = { region = "$.region" }
  }
  input_transformer {
    input_paths    = { name = "$.detail.eventName", who = "$.detail.userIdentity.arn" }
    input_template = "{\"text\": \"<name> by <who>\", \"rule\": <aws.events.rule-name>}"
  }
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = var.attempts
  }
}

resource "aws_cloudwatch_event_target" "topic" {
  rule       = aws_cloudwatch_event_rule.keys.name
  target_id  = "topic"
  arn        = "arn:aws:sns:us-east-1:123456789012:alerts"
  input_path = "$.detail"
}

resource "aws_cloudwatch_event_target" "copies" {
  rule           = aws_cloudwatch_event_rule.orders.name
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  target_id      = "copies"
  arn            = aws_cloudwatch_event_bus.copies.arn
  role_arn       = aws_iam_role.sender.arn
}

output "checks" {
  value = {
    Rule = aws_cloudwatch_event_rule.keys.arn
    Bus  = aws_cloudwatch_event_rule.orders.arn
    Hook = aws_cloudwatch_event_api_destination.hook.arn
  }
}
