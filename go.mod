module github.com/warder-iam/warder

go 1.26.8
