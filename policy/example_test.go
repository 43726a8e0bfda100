package policy_test

import (
	"fmt"

	"github.com/warder-iam/warder/policy"
)

func Example() {
	doc, err := policy.Parse(policy.Identity, []byte(`{
	  "Version": "2012-10-17",
	  "Statement": {
	    "Effect": "Allow",
	    "Action": "s3:Get*",
	    "Resource": "arn:aws:s3:::reports/${aws:username}/*"
	  }
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	layers := &policy.Layers{Identity: policy.NewSet(policy.Compile(policy.Source{Type: policy.SourceUser, Name: "own-reports"}, doc))}
	req := &policy.Request{
		Principal:       &policy.Principal{Kind: policy.User, ARN: "arn:aws:iam::123456789012:user/jo", Account: "123456789012"},
		Action:          "s3:GetObject",
		Resource:        "arn:aws:s3:::reports/jo/2024.csv",
		ResourceAccount: "123456789012",
		Context:         policy.NewContext().Set("aws:username", policy.String("jo")),
	}
	fmt.Println(policy.Evaluate(req, layers).Allowed())

	req.Resource = "arn:aws:s3:::reports/al/2024.csv"
	d := policy.Evaluate(req, layers)
	fmt.Println(d.Allowed(), d.Reason, d.Layer)
	// Output:
	// true
	// false implicitDeny identity-based policy
}

func ExampleExplain() {
	doc, err := policy.Parse(policy.Identity, []byte(`{"Version": "2012-10-17", "Statement": {
  "Sid": "Office", "Effect": "Allow", "Action": "s3:*", "Resource": "*",
  "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	layers := &policy.Layers{Identity: policy.NewSet(policy.Compile(policy.Source{Name: "office"}, doc))}
	req := &policy.Request{
		Principal: &policy.Principal{Kind: policy.User, ARN: "arn:aws:iam::123456789012:user/jo", Account: "123456789012"},
		Action:    "s3:ListAllMyBuckets",
		Resource:  "*",
		Context:   policy.NewContext().Set("aws:SourceIp", policy.String("192.0.2.7")),
	}
	fmt.Print(policy.Explain(req, layers))
	// Output:
	// implicitDeny: arn:aws:iam::123456789012:user/jo may not s3:ListAllMyBuckets on * (identity-based policy)
	//   User: arn:aws:iam::123456789012:user/jo is not authorized to perform: s3:ListAllMyBuckets on resource: * because no identity-based policy allows the s3:ListAllMyBuckets action
	// identity-based policy: implicitDeny (1 considered)
	//   missed:  office statement 0 (Office): Allow at line 1, column 40
	//            Condition IpAddress aws:SourceIp at line 3: expected ["10.0.0.0/8"], was ["192.0.2.7"]
	// needed in an identity-based policy: {"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}
}

func ExampleParse_refused() {
	_, err := policy.Parse(policy.Identity, []byte(`{"Version": "2012-10-17",
  "Statement": {"Effect": "Allow", "Action": "GetObject", "Resource": "*"}}`))
	fmt.Println(err)
	fmt.Println(err.(*policy.ParseError).Pos.Line, err.(*policy.ParseError).Pos.Column)
	// Output:
	// Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.
	// 2 46
}

func ExampleDocument_Print() {
	doc, err := policy.Parse(policy.Trust, []byte(`{"Version":"2012-10-17","Statement":[{"Action":["sts:AssumeRole"],"Principal":{"Service":["ec2.amazonaws.com"]},"Effect":"Allow"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(doc.Print()))
	// Output:
	// {
	//   "Version": "2012-10-17",
	//   "Statement": [
	//     {
	//       "Effect": "Allow",
	//       "Principal": {
	//         "Service": "ec2.amazonaws.com"
	//       },
	//       "Action": "sts:AssumeRole"
	//     }
	//   ]
	// }
}
