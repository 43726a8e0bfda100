package iam_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/wardertest"
)

func TestUserLifecycle(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()

	made, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Bob"), Path: aws.String("/division_abc/")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *made.User.Arn, "arn:aws:iam::"+wardertest.Account+":user/division_abc/Bob"; got != want {
		t.Errorf("ARN %s, want %s", got, want)
	}
	_, err = client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("BOB")})
	wardertest.WantCode(t, err, "EntityAlreadyExists")

	if _, err := client.UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("bob"), NewUserName: aws.String("Robert"), NewPath: aws.String("/")}); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("robert")})
	if err != nil {
		t.Fatal(err)
	}
	if *got.User.UserId != *made.User.UserId || *got.User.UserName != "Robert" {
		t.Errorf("renamed user is %s %s", *got.User.UserName, *got.User.UserId)
	}
	_, err = client.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("Bob")})
	wardertest.WantCode(t, err, "NoSuchEntity")

	if _, err := client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("Robert")}); err != nil {
		t.Fatal(err)
	}
	_, err = client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("Robert")})
	wardertest.WantCode(t, err, "NoSuchEntity")
}
