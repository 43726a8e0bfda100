// Package e2e has no code, only tests: they build the warder program, start it
// as a process on a loopback port, and talk to it with the clients that people
// have: the aws CLI, boto3, Terraform, the AWS SDK for Go, and raw HTTP for
// what no proper client would send.
//
// A test knows of the server what a user knows: its flags, what it prints, its
// answers, its data folder. The rules of single operations are tested where
// they are, in internal/service; here is what only the whole can get wrong.
//
// A client that is not installed makes its tests skip, aloud; with CI=true it
// makes them fail. Variables:
//
//	WARDER_KILLS              how often TestKill kills the server (default 20)
//	WARDER_TERRAFORM_PLUGINS  the folder for terraform's -plugin-dir; "none" skips
//
// Nothing calls this package.
package e2e
