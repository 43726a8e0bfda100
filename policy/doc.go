// Package policy reads, compiles, evaluates and explains policies in the AWS
// policy language. It is the decision engine of Warder and a library of its
// own: it decides from a Request and the policies in Layers, and from nothing
// else. There is no I/O, no clock, no logger and no dependency besides the
// standard library and package arn.
//
// The way through it:
//
//	doc, err := policy.Parse(policy.Identity, text)       // grammar, positions, AWS's error texts
//	p := policy.Compile(policy.Source{Name: "dev"}, doc)  // immutable program
//	set := policy.NewSet(p, ...)                          // the policies of one layer, indexed
//	d := policy.Evaluate(&req, &policy.Layers{Identity: set})
//	why := policy.Explain(&req, &layers)                  // the same decision, with a trace
//
// What it leaves out: which policies apply to a request (the caller gathers
// them: groups, attachments, organization levels), what context keys hold
// (the caller's Context answers for them), rules of single services, and
// whether actions and keys exist.
//
// The specification is the IAM User Guide, mainly
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html and
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html.
// Where it is silent, the engine denies, and the comment beside the code says
// so. These are the places:
//
//   - a multivalued key under an operator without ForAnyValue or ForAllValues,
//     and a negated operator on a value that it cannot read: an Allow does not
//     match, a Deny does (condition.go);
//   - a policy variable without a value in a negated operator or NotResource:
//     the statement does not match (condition.go, match.go);
//   - "*" in a trust policy allows no service, federated or anonymous caller,
//     though a Deny for it reaches them (principal.go);
//   - Allow with NotPrincipal, which AWS does not support, allows nobody
//     (principal.go);
//   - an AssumeRoot session is bound to its task policy, whoever else grants,
//     and has no permissions without one (evaluate.go);
//   - an S3 ACL's grant to AllUsers is limited by boundary and session policies,
//     a public ACL is ignored as a whole under IgnorePublicAcls, and actions on
//     an object of another account than the bucket's that no ACL permission
//     stands for are its owner's alone (acl.go);
//   - a resource whose owner is not given belongs to another account (Request);
//   - duplicate or mis-cased names, unreadable values and unclosed variables in
//     a document are refused (parse.go, check.go).
//
// The engine is compared with a second, naive evaluator in internal/reference
// on generated policies and requests; a script there breaks it on purpose and
// shows that the comparison notices.
package policy
