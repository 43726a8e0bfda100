package policy

import "strings"

// MatchAction says whether what stands in an Action or NotAction element
// ("s3:Get*", "*") matches the name of an action ("s3:GetObject"). Neither side
// has to be in any case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
func MatchAction(pattern, action string) bool {
	return glob(lowerASCII(pattern), lowerASCII(action))
}

// DeniesOutright says whether the statement takes its actions away whatever the
// resource and whoever asks: a Deny without conditions on every resource.
func (st *Statement) DeniesOutright() bool {
	if st.Effect != Deny || st.NotResource || len(st.Conditions) > 0 {
		return false
	}
	for _, r := range st.Resources {
		if r.Value != "" && strings.Trim(r.Value, "*") == "" {
			return true
		}
	}
	return false
}
