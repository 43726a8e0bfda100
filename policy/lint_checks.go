package policy

import (
	"fmt"
	"strings"
)

// lintCheck is what a code means.
type lintCheck struct {
	typ     FindingType
	message string // with the places to fill in as the reference marks them: {{action}}
	page    string // of a check of Warder's own
}

// fill puts the arguments in the places of the message, in the order in which
// the names of the places come first.
func (c lintCheck) fill(args []any) string {
	var b strings.Builder
	values := map[string]any{}
	rest := c.message
	for {
		head, tail, ok := strings.Cut(rest, "{{")
		b.WriteString(head)
		if !ok {
			return b.String()
		}
		var name string
		name, rest, _ = strings.Cut(tail, "}}")
		if _, again := values[name]; !again && len(args) > 0 {
			values[name] = args[0]
			args = args[1:]
		}
		fmt.Fprint(&b, values[name])
	}
}

const (
	userGuide = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
	checkPage = userGuide + "access-analyzer-reference-policy-checks.html#access-analyzer-reference-policy-checks-"
)

// link is where the check is explained.
func (c lintCheck) link(code string) string {
	if c.page != "" {
		return userGuide + c.page
	}
	section := [findingTypeEnd]string{"", "error", "security-warning", "general-warning", "suggestion"}[c.typ]
	return checkPage + section + "-" + strings.ReplaceAll(strings.ToLower(code), "_", "-")
}

// lintChecks are the codes that are reported, with the texts that
// ValidatePolicy has for them, since people and programs match on them:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
var lintChecks = map[string]lintCheck{
	// The document and its elements.
	"JSON_SYNTAX_ERROR":               {typ: LintError, message: "Fix the JSON syntax error at index {{index}} line {{line}} column {{column}}."},
	"DATA_TYPE_MISMATCH":              {typ: LintError, message: "The text does not match the expected JSON data type {{data_type}}."},
	"INVALID_POLICY_ELEMENT":          {typ: LintError, message: "The policy element {{element}} is not valid."},
	"INVALID_VERSION":                 {typ: LintError, message: "The version {{version}} is not valid. Use one of the following versions: {{versions}}"},
	"MISSING_VERSION":                 {typ: LintWarning, message: "We recommend that you specify the Version element to help you with debugging permission issues."},
	"MISSING_STATEMENT":               {typ: LintError, message: "Add a statement to the policy"},
	"MISSING_EFFECT":                  {typ: LintError, message: "Add an Effect element to the policy statement with a value of Allow or Deny."},
	"INVALID_EFFECT":                  {typ: LintError, message: "The effect {{effect}} is not valid. Use Allow or Deny."},
	"MISSING_ACTION":                  {typ: LintError, message: "Add an Action or NotAction element to the policy statement."},
	"MISSING_RESOURCE":                {typ: LintError, message: "Add a Resource or NotResource element to the policy statement."},
	"MISSING_PRINCIPAL":               {typ: LintError, message: "Add a Principal element to the policy statement."},
	"UNSUPPORTED_ELEMENT_COMBINATION": {typ: LintError, message: "The policy elements {{element1}} and {{element2}} can not be used in the same statement. Remove one of these elements."},
	"UNIQUE_SIDS_REQUIRED":            {typ: LintError, message: "Duplicate statement IDs are not supported for this policy type. Update the Sid value."},
	"UNIQUE_SIDS_RECOMMENDED":         {typ: LintWarning, message: "We recommend that you use statement IDs that are unique to your policy. Update the Sid value."},
	"UNSUPPORTED_SID":                 {typ: LintError, message: "Update the characters in the Sid element to use one of the following character types: [a-z, A-Z, 0-9]"},
	"EMPTY_SID_VALUE":                 {typ: LintSuggestion, message: "Add a value to the empty string in the Sid element."},
	"EMPTY_ARRAY_ACTION":              {typ: LintSuggestion, message: "This statement includes no actions and does not affect the policy. Specify actions."},
	"EMPTY_ARRAY_RESOURCE":            {typ: LintSuggestion, message: "This statement includes no resources and does not affect the policy. Specify resources."},
	"EMPTY_ARRAY_PRINCIPAL":           {typ: LintSuggestion, message: "This statement includes no principals and does not affect the policy. Specify principals."},
	"EMPTY_OBJECT_PRINCIPAL":          {typ: LintSuggestion, message: "This statement includes no principals and does not affect the policy. Specify principals."},
	"REDUNDANT_STATEMENT":             {typ: LintSuggestion, message: "The statements are redundant because they provide identical permissions. Update the policy to remove the redundant statement."},

	// Sizes.
	"POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA":   {typ: LintWarning, message: "The {{policySize}} characters in the identity policy, excluding whitespace, exceed the {{policySizeQuota}} character maximum for inline and managed policies. We recommend that you use multiple granular policies."},
	"POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA":   {typ: LintWarning, message: "The {{policySize}} characters in the resource policy exceed the {{policySizeQuota}} character maximum for resource policies. We recommend that you use multiple granular policies."},
	"POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA": {typ: LintWarning, message: "The characters in the role trust policy, excluding whitespace, exceed the character maximum. We recommend that you request a role trust policy length quota increase using Service Quotas and AWS Support Center. If the quotas have already been increased, then you can ignore this warning."},
	"POLICY_SIZE_EXCEEDS_SCP_QUOTA":               {typ: LintError, message: "The {{policySize}} characters in the service control policy (SCP) exceed the {{policySizeQuota}} character maximum for SCPs. We recommend that you use multiple granular policies."},
	"POLICY_SIZE_EXCEEDS_RCP_QUOTA":               {typ: LintError, message: "The {{policySize}} characters in the resource control policy (RCP) exceed the {{policySizeQuota}} character maximum for RCPs. We recommend that you use multiple granular policies."},

	// Actions.
	"INVALID_ACTION":               {typ: LintError, message: "The action {{action}} does not exist. Did you mean {{valid_action}}?"},
	"INVALID_SERVICE_IN_ACTION":    {typ: LintError, message: "The service {{service}} specified in the action does not exist. Did you mean {{service2}}?"},
	"UNSUPPORTED_ACTION_IN_POLICY": {typ: LintError, message: "The action {{action}} is not supported for the resource-based policy attached to the resource type {{resourceType}}."},
	"REDUNDANT_ACTION":             {typ: LintSuggestion, message: "The {{redundantActionCount}} action(s) are redundant because they provide similar permissions. Update the policy to remove the redundant action such as: {{redundantAction}}."},
	"WILDCARD_IN_SERVICE_NAME":     {typ: LintSuggestion, message: "Avoid using wildcards (*, ?) in the service name because it might grant unintended access to other AWS services with similar names."},

	// Resources.
	"INVALID_ARN_PREFIX":                 {typ: LintError, message: "Add the required prefix (arn) to the resource ARN."},
	"MISSING_ARN_FIELD":                  {typ: LintError, message: "Resource ARNs must include at least {{fields}} fields in the following structure: arn:partition:service:region:account:resource"},
	"INVALID_PARTITION":                  {typ: LintError, message: "The resource ARN for the service {{service}} does not support the partition {{partition}}. Use the supported values: {{partitions}}"},
	"INVALID_ARN_SERVICE_CASE":           {typ: LintError, message: "Update the service name {{service}} in the resource ARN to use all lowercase letters."},
	"INVALID_SERVICE":                    {typ: LintError, message: "The service {{service}} does not exist. Use a valid service name."},
	"INVALID_ARN_REGION":                 {typ: LintError, message: "The Region {{region}} is not valid for this resource. Update the resource ARN to include a supported Region."},
	"ARN_REGION_NOT_ALLOWED":             {typ: LintError, message: "The service {{service}} does not support specifying a Region in the resource ARN."},
	"MISSING_ARN_REGION":                 {typ: LintError, message: "Add a Region to the {{service}} resource ARN."},
	"INVALID_ARN_ACCOUNT":                {typ: LintError, message: "The resource ARN account ID {{account}} is not valid. Provide a 12-digit account ID."},
	"ARN_ACCOUNT_NOT_ALLOWED":            {typ: LintError, message: "The service {{service}} does not support specifying an account ID in the resource ARN."},
	"MISSING_ARN_ACCOUNT":                {typ: LintError, message: "The resource {{resourceName}} in the arn is missing an account id. Please provide a 12 digit account id."},
	"INVALID_ARN_RESOURCE":               {typ: LintError, message: "Resource ARN does not match the expected ARN format. Update the resource portion of the ARN."},
	"UNSUPPORTED_RESOURCE_ARN_IN_POLICY": {typ: LintError, message: "The resource ARN is not supported for the resource-based policy attached to the resource type {{resourceType}}."},
	"REDUNDANT_RESOURCE":                 {typ: LintSuggestion, message: "The {{redundantResourceCount}} resource ARN(s) are redundant because they reference the same resource. Review the use of wildcards (*)"},

	// Policy variables.
	"MISSING_BRACE_IN_VARIABLE":       {typ: LintError, message: "The policy variable is missing a closing curly brace. Add } after the variable text."},
	"MISSING_QUOTE_IN_VARIABLE":       {typ: LintError, message: "The policy variable default value must begin and end with a single quote. Add the missing quote."},
	"UNSUPPORTED_SPACE_IN_VARIABLE":   {typ: LintError, message: "A space is not supported within the policy variable text. Remove the space."},
	"EMPTY_VARIABLE":                  {typ: LintError, message: "Empty policy variable. Remove the ${ } variable structure or provide a variable within the structure."},
	"VARIABLE_UNSUPPORTED_IN_ELEMENT": {typ: LintError, message: "Policy variables are supported in the Resource and Condition elements. Remove the policy variable {{variable}} from this element."},
	"VARIABLE_UNSUPPORTED_IN_VERSION": {typ: LintError, message: "To include variables in your policy, use the policy version 2012-10-17 or later."},
	"INVALID_VARIABLE_FOR_OPERATOR":   {typ: LintError, message: "Policy variables can only be used with String and ARN operators."},
	"VARIABLE_USAGE_TOO_PERMISSIVE":   {typ: LintError, message: "The policy variable is not allowed in the condition key {{key}}. We consider the key to be sensitive and policy variables can be evaluated as effective wildcards. Therefore policy variables are not allowed to be used with sensitive keys. Refer to https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html for the list of sensitive keys."},

	// Principals.
	"UNSUPPORTED_PRINCIPAL":                                   {typ: LintError, message: "The policy type {{policy_type}} does not support the Principal element. Remove the Principal element."},
	"INVALID_PRINCIPAL_FORMAT":                                {typ: LintError, message: "The Principal element contents are not valid. Specify a key-value pair in the Principal element."},
	"INVALID_PRINCIPAL_KEY":                                   {typ: LintError, message: "The principal key {{principal-key}} is not valid."},
	"UNSUPPORTED_WILDCARD_IN_PRINCIPAL":                       {typ: LintError, message: "Wildcards (*, ?) are not supported with the principal key {{principal_key}}. Replace the wildcard with a valid principal value."},
	"INVALID_SERVICE_PRINCIPAL_FORMAT":                        {typ: LintError, message: "The service principal does not match the expected format. Use the format {{expectedFormat}}."},
	"FEDERATED_PRINCIPAL_NOT_SUPPORTED":                       {typ: LintError, message: "The policy type does not support a federated identity provider in the principal element. Use a supported principal."},
	"INVALID_ROLE_REFERENCE":                                  {typ: LintWarning, message: "The Principal element includes the IAM role ID {{roleid}}. We recommend that you use a role ARN instead."},
	"INVALID_USER_REFERENCE":                                  {typ: LintWarning, message: "The Principal element includes the IAM user ID {{userid}}. We recommend that you use a user ARN instead."},
	"ALLOW_WITH_NOT_PRINCIPAL":                                {typ: LintSecurityWarning, message: "Using Allow with NotPrincipal can be overly permissive. We recommend that you use Principal instead."},
	"RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL":                    {typ: LintSecurityWarning, message: "Granting access to a service principal without specifying a source is overly permissive. Use aws:SourceArn, aws:SourceAccount, aws:SourceOrgID, or aws:SourceOrgPaths condition key to grant fine-grained access."},
	"RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL":         {typ: LintSuggestion, message: "To restrict access to the service principal {{servicePrincipalPrefix}} operating on your behalf, we recommend aws:SourceArn, aws:SourceAccount, aws:SourceOrgID, or aws:SourceOrgPaths instead of {{key}}."},
	"UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL":         {typ: LintError, message: "The following condition keys are not supported when used with the service principal: {{conditionKeys}}."},
	"ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL":             {typ: LintError, message: "Role trust policies do not support NotPrincipal. Update the policy to use a Principal element instead."},
	"ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL":     {typ: LintError, message: `"Principal:" "*" is not supported in the principal element of a role trust policy. Replace the wildcard with a valid principal value.`},
	"ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE":                 {typ: LintError, message: "Role trust policies apply to the role that they are attached to. You cannot specify a resource. Remove the Resource or NotResource element."},
	"INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY": {typ: LintError, message: "The principal value specifies a federated principal that does not match the expected format. Update the federated principal to a domain name or a SAML metadata ARN."},
	"MISMATCHED_ACTION_FOR_PRINCIPAL":                         {typ: LintError, message: "The {{actionName}} action is invalid with the following principal(s): {{principalNames}}. Use a SAML provider principal with the sts:AssumeRoleWithSAML action or use an OIDC provider principal with the sts:AssumeRoleWithWebIdentity action. Ensure the provider is Federated if you use either of the two options."},
	"MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY":          {typ: LintError, message: "The rolesanywhere.amazonaws.com service principal requires the sts:AssumeRole, sts:SetSourceIdentity, and sts:TagSession permissions to assume a role. Add the missing permissions to the policy."},
	"MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL":                {typ: LintSecurityWarning, message: "Using an Open ID Connect principal without a condition can be overly permissive. Add condition keys with a prefix that matches your federated OIDC principals to ensure that only the intended identity provider assumes the role."},
	"MISSING_GITHUB_REPO_CONDITION_KEY":                       {typ: LintSecurityWarning, message: "Granting a federated GitHub principal permissions without a condition key can allow more sources to assume the role than you intended. Add the token.actions.githubusercontent.com:sub condition key and specify the branch and repository name in the value."},
	"SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED":             {typ: LintWarning, message: "Using a wildcard (*) in token.actions.githubusercontent.com:sub can allow requests from more sources than you intended. Specify the value of token.actions.githubusercontent.com:sub with the repository and branch name. If the subject claim does not include the branch, specify it in a token.actions.githubusercontent.com:ref condition key."},
	"REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY":                {typ: LintSuggestion, message: "The assumed-role principal {{redundant_principal}} is redundant with its parent role {{parent_role}}. Remove the assumed-role principal."},

	// Conditions: operators and keys.
	"INVALID_CONDITION_OPERATOR":                                     {typ: LintError, message: "The condition operator {{operator}} is not valid. Use a valid condition operator."},
	"NULL_WITH_IF_EXISTS":                                            {typ: LintError, message: "The Null condition operator cannot be used with the IfExists suffix. Update the operator or the suffix."},
	"NULL_WITH_QUALIFIER":                                            {typ: LintSuggestion, message: "Avoid using the Null condition operator with the ForAllValues or ForAnyValue qualifiers because they always return a true or false respectively."},
	"DUPLICATE_KEYS_WITH_DIFFERENT_CASE":                             {typ: LintError, message: "The condition key {{key}} appears more than once with different capitalization in the same condition block. Remove the duplicate condition keys."},
	"INVALID_CONDITION_KEY_FORMAT":                                   {typ: LintError, message: "The condition key format is not valid. Use the format service:keyname."},
	"INVALID_GLOBAL_CONDITION_KEY":                                   {typ: LintError, message: "The condition key {{key}} does not exist. Use a valid condition key."},
	"UNSUPPORTED_GLOBAL_CONDITION_KEY":                               {typ: LintError, message: "The condition key aws:ARN is not supported. Use aws:PrincipalArn or aws:SourceArn instead."},
	"INVALID_SERVICE_CONDITION_KEY":                                  {typ: LintError, message: "The condition key {{key}} does not exist in the service {{service}}. Use a valid condition key."},
	"MISSING_TAG_KEY_IN_CONDITION":                                   {typ: LintError, message: "The condition key {{conditionKeyName}} must include a tag key to control access based on tags. Use the format {{conditionKeyName}}tag-key and specify a key name for tag-key."},
	"EMPTY_OBJECT_CONDITION":                                         {typ: LintSuggestion, message: "This condition block is empty and it does not affect the policy. Specify conditions."},
	"EMPTY_ARRAY_CONDITION":                                          {typ: LintSuggestion, message: "There are no values for the condition key {{key}} and it does not affect the policy. Specify conditions."},
	"EMPTY_ARRAY_CONDITION_FORALLVALUES":                             {typ: LintSuggestion, message: "The ForAllValues prefix with an empty condition key matches only if the key {{key}} is missing from the request context. To determine if the request context is empty, we recommend that you use the Null condition operator with the value of true instead."},
	"EMPTY_ARRAY_CONDITION_FORANYVALUE":                              {typ: LintSuggestion, message: "The ForAnyValue prefix with an empty condition key {{key}} never matches the request context and it does not affect the policy. Specify conditions."},
	"EMPTY_ARRAY_CONDITION_IFEXISTS":                                 {typ: LintSuggestion, message: "The IfExists suffix with an empty condition key matches only if the key {{key}} is missing from the request context. To determine if the request context is empty, we recommend that you use the Null condition operator with the value of true instead."},
	"MISSING_QUALIFIER":                                              {typ: LintError, message: "The request context key {{key}} has multiple values. Use the ForAllValues or ForAnyValue condition key qualifiers in your policy."},
	"FORALLVALUES_WITH_SINGLE_VALUED_KEY":                            {typ: LintSecurityWarning, message: "Using ForAllValues qualifier with the single-valued condition key {{key}} can be overly permissive. We recommend that you remove ForAllValues:."},
	"FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE":                           {typ: LintSecurityWarning, message: "Using ForAnyValue qualifier with the single-valued condition key {{key}} can be overly permissive. We recommend that you remove ForAnyValue:."},
	"CONFIRM_AUDIENCE_CLAIM_TYPE":                                    {typ: LintSuggestion, message: `The "{{key}}" ({{audienceType}}) claim key identifies the recipients that the JSON web token is intended for. Because this claim is single-valued, do not use a qualifier.`},
	"UNTRUSTWORTHY_CONDITION_KEY":                                    {typ: LintSecurityWarning, message: "The {{key}} condition key is not recommended for access control as it can be spoofed/manipulated by the caller."},
	"MISSING_PAIRED_CONDITION_KEYS":                                  {typ: LintSecurityWarning, message: "Using the condition key {{conditionKeyName}} can be overly permissive without also using the following condition keys: {{recommendedKeys}}. Condition keys like this one are more secure when paired with a related key. We recommend that you add the related condition keys to the same condition block."},
	"UNSUPPORTED_ACTION_FOR_CONDITION_KEY":                           {typ: LintError, message: "The following actions: {{actions}} are not supported by the condition key {{key}}. The condition will not be evaluated for these actions. We recommend that you move these actions to a different statement without this condition key."},
	"MISSING_ACTION_FOR_CONDITION_KEY":                               {typ: LintError, message: "The {{actionName}} action must be in the action block to allow setting values for the condition key {{keyName}}. Add {{actionName}} to the action block."},
	"USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES":                 {typ: LintWarning, message: "The condition key {{key}} works only with specific AWS services and must be scoped to supported services in your policies."},
	"IRRELEVANT_CONDITION_KEY_IN_POLICY":                             {typ: LintSuggestion, message: "The condition key {{condition-key}} is not relevant for the {{resource-type}} policy.  Use this key in an identity-based policy to govern access to this resource."},
	"DYNAMODB_ATTRIBUTES_WITHOUT_SELECT":                             {typ: LintSecurityWarning, message: "Restricting dynamodb:Attributes without also setting dynamodb:Select to SPECIFIC_ATTRIBUTES allows all attributes to be returned on read requests that omit a projection expression. We recommend that you also set dynamodb:Select to SPECIFIC_ATTRIBUTES."},
	"S3_PREFIX_IN_NEGATIVE_CONTEXT":                                  {typ: LintSecurityWarning, message: "Using the s3:prefix condition key in a Deny statement or with a negated string operator does not block listing the objects under the matching prefixes. A request that specifies a shorter prefix does not match the condition and can still list those objects. To restrict listing to specific prefixes, use s3:prefix with StringLike in an Allow statement, or use a Deny statement with StringNotLike."},
	"DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE":            {typ: LintSecurityWarning, message: "Using the effect Deny with the tag condition key {{conditionKeyName}} and actions for services with the following prefixes can be overly permissive: {{serviceNames}}. Actions for the listed services are not denied by this statement. We recommend that you move these actions to a different statement without this condition key."},
	"DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE":  {typ: LintSecurityWarning, message: "Using the effect Deny with NotAction and the tag condition key {{conditionKeyName}} can be overly permissive because some service actions are not denied by this statement. This is because the condition key doesn't apply to some service actions. We recommend that you use Action instead of NotAction."},
	"ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE":           {typ: LintSuggestion, message: "Using the effect Allow with the tag condition key {{conditionKeyName}} and actions for services with the following prefixes does not affect the policy: {{serviceNames}}. Actions for the listed service are not allowed by this statement. We recommend that you move these actions to a different statement without this condition key."},
	"ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE": {typ: LintSuggestion, message: "Using the effect Allow with NotAction and the tag condition key {{conditionKeyName}} allows only service actions that support the condition key. The condition key doesn't apply to some service actions. We recommend that you use Action instead of NotAction."},

	// Conditions: values.
	"INVALID_CONDITION_DATA_TYPE":                      {typ: LintError, message: "The condition value data types do not match. Use condition values of the same JSON data type."},
	"INVALID_CONDITION_MULTIPLE_BOOLEAN":               {typ: LintError, message: "The condition key does not support multiple Boolean values. Use a single Boolean value."},
	"TYPE_MISMATCH":                                    {typ: LintWarning, message: "Use the operator type {{allowed}} instead of operator {{operator}} for the condition key {{key}}."},
	"TYPE_MISMATCH_BOOLEAN":                            {typ: LintWarning, message: "Add a valid Boolean value (true or false) for the condition operator {{operator}}."},
	"TYPE_MISMATCH_DATE":                               {typ: LintWarning, message: "The date condition operator is used with an invalid value. Specify a valid date using YYYY-MM-DD or other ISO 8601 date/time format."},
	"TYPE_MISMATCH_IP_RANGE":                           {typ: LintError, message: "The condition operator {{operator}} is used with an invalid IP range value. Specify the IP range in standard CIDR format."},
	"TYPE_MISMATCH_NUMBER":                             {typ: LintWarning, message: "Add a valid numeric value for the condition operator {{operator}}."},
	"TYPE_MISMATCH_STRING":                             {typ: LintWarning, message: "Add a valid base64-encoded string value for the condition operator {{operator}}."},
	"STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS":     {typ: LintSecurityWarning, message: "Use the operator type {{allowed}} instead of operator {{operator}} for the condition key {{key}}."},
	"INVALID_DATE_VALUE":                               {typ: LintWarning, message: "The date {{date}} might not resolve as expected. We recommend that you use the YYYY-MM-DD format."},
	"INVALID_REGION":                                   {typ: LintError, message: "The Region {{region}} is not valid. Update the condition value to a supported Region."},
	"INVALID_VPC_FORMAT":                               {typ: LintError, message: "The VPC identifier in the condition key value is not valid. Use the prefix 'vpc-' followed by 8 or 17 alphanumeric characters."},
	"INVALID_VPCE_FORMAT":                              {typ: LintError, message: "The VPCE identifier in the condition key value is not valid.  Use the prefix 'vpce-' followed by 8 or 17 alphanumeric characters."},
	"INVALID_KMS_KEY_VALUE":                            {typ: LintError, message: "The {{key}} condition key value must be a valid KMS key ARN."},
	"PRIVATE_IP_ADDRESS":                               {typ: LintError, message: "aws:SourceIp works only for public IP address ranges. The values for condition key aws:SourceIp include only private IP addresses and will not have the desired effect. Update the value to include only public IP addresses."},
	"PRIVATE_NOT_IP_ADDRESS":                           {typ: LintError, message: "The values for condition key aws:SourceIp include only private IP addresses and has no effect. aws:SourceIp works only for public IP address ranges. Update the value to include only public IP addresses."},
	"PRIVATE_IP_ADDRESS_SUBSET":                        {typ: LintSuggestion, message: "The values for condition key aws:SourceIp include a mix of private and public IP addresses. The private addresses will not have the desired effect. aws:SourceIp works only for public IP address ranges. To define permissions for private IP ranges, use aws:VpcSourceIp."},
	"PRIVATE_NOT_IP_ADDRESS_SUBSET":                    {typ: LintSuggestion, message: "The values for condition key aws:SourceIp include a mix of private and public IP addresses. The private addresses have no effect. aws:SourceIp works only for public IP address ranges. To define permissions for private IP ranges, use aws:VpcSourceIp."},
	"IMPROVE_IP_RANGE":                                 {typ: LintSuggestion, message: "The non-zero bits in the IP address after the masked bits are ignored. Replace address with {{addr}}."},
	"WILDCARD_WITHOUT_LIKE_OPERATOR":                   {typ: LintWarning, message: "Your condition value includes a * or ? character. If you meant to use a wildcard (*, ?), update the condition operator to include Like."},
	"WILDCARD_USAGE_TOO_PERMISSIVE":                    {typ: LintError, message: "The wildcard is not allowed in the condition key {{key}}. We consider the key to be sensitive and wildcards are not allowed to be used with sensitive keys. Refer to https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html for the list of sensitive keys."},
	"REDUNDANT_CONDITION_VALUE_NUM":                    {typ: LintSuggestion, message: "Multiple values in {{operator}} are redundant. Replace with the {{greatest/least}} single value for {{key}}."},
	"EQUIVALENT_TO_NULL_FALSE":                         {typ: LintSuggestion, message: "We recommend replacing the key {{key}} in the condition block of {{operator}} with {{recommended}} to ensure better enforcement of the condition."},
	"EQUIVALENT_TO_NULL_TRUE":                          {typ: LintSuggestion, message: "We recommend replacing the key {{key}} in the condition block of {{operator}} with {{recommended}} to ensure better enforcement of the condition."},
	"REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION":       {typ: LintSuggestion, message: "The key {{key}} in the condition block of {{operator}} is redundant because it is always matched. Remove this key to simplify the condition."},
	"REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION": {typ: LintSuggestion, message: "The key {{key}} in the condition block of {{operator}} does not match any values. Remove this key to simplify the condition."},

	// iam:PassRole and iam:CreateServiceLinkedRole.
	"PASS_ROLE_WITH_NOT_RESOURCE":                     {typ: LintSecurityWarning, message: "Using the iam:PassRole action with NotResource can be overly permissive because it can allow iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs instead."},
	"PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE":  {typ: LintSecurityWarning, message: "Using an action with a wildcard (*) and NotResource can be overly permissive because it can allow iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs instead."},
	"PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE":      {typ: LintSecurityWarning, message: "Using NotAction with NotResource can be overly permissive because it can allow iam:PassRole permissions on multiple resources.. We recommend that you specify resource ARNs instead."},
	"PASS_ROLE_WITH_STAR_IN_RESOURCE":                 {typ: LintSecurityWarning, message: "Using the iam:PassRole action with wildcards (*) in the resource can be overly permissive because it allows iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs or add the iam:PassedToService condition key to your statement."},
	"PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE":      {typ: LintSecurityWarning, message: "Using wildcards (*) in the action and the resource can be overly permissive because it allows iam:PassRole permissions on all resources. We recommend that you specify resource ARNs or add the iam:PassedToService condition key to your statement."},
	"PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION":  {typ: LintSecurityWarning, message: "Using a resource with wildcards (*) and NotAction can be overly permissive because it allows iam:PassRole permissions on all resources. We recommend that you specify resource ARNs or add the iam:PassedToService condition key to your statement."},
	"CREATE_SLR_WITH_NOT_RESOURCE":                    {typ: LintWarning, message: "Using the iam:CreateServiceLinkedRole action with NotResource can allow creation of unintended service-linked roles for multiple resources. We recommend that you specify resource ARNs instead."},
	"CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE": {typ: LintWarning, message: "Using an action with a wildcard(*) and NotResource can allow creation of unintended service-linked roles because it can allow iam:CreateServiceLinkedRole permissions on multiple resources. We recommend that you specify resource ARNs instead."},
	"CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE":     {typ: LintWarning, message: "Using NotAction with NotResource can allow creation of unintended service-linked roles because it allows iam:CreateServiceLinkedRole permissions on multiple resources. We recommend that you specify resource ARNs instead."},
	"CREATE_SLR_WITH_STAR_IN_RESOURCE":                {typ: LintWarning, message: "Using the iam:CreateServiceLinkedRole action with wildcards (*) in the resource can allow creation of unintended service-linked roles. We recommend that you specify resource ARNs instead."},
	"CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE":     {typ: LintWarning, message: "Using wildcards (*) in the action and the resource can allow creation of unintended service-linked roles because it allows iam:CreateServiceLinkedRole permissions on all resources. We recommend that you specify resource ARNs instead."},
	"CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION": {typ: LintWarning, message: "Using a resource with wildcards (*) and NotAction can allow creation of unintended service-linked roles because it allows iam:CreateServiceLinkedRole permissions on all resources. We recommend that you specify resource ARNs instead."},

	// Organization policies.
	"SCP_SYNTAX_ERROR_PRINCIPAL":                          {typ: LintError, message: "SCPs do not support specifying principals. Remove the Principal or NotPrincipal element."},
	"RCP_SYNTAX_ERROR_PRINCIPAL":                          {typ: LintError, message: `The Principal element contents are not valid. RCPs only support specifying all principals ("*") in the Principal element. The NotPrincipal element is not supported for RCPs.`},
	"RCP_SYNTAX_ERROR_ALLOW":                              {typ: LintError, message: `RCPs only support specifying all principals ("*") in the Principal element, all resources ("*") in the Resource element, and no Condition element with an effect of Allow.`},
	"RCP_SYNTAX_ERROR_NOTACTION":                          {typ: LintError, message: "RCPs do not support the NotAction element. Update to use the Action element."},
	"RCP_SYNTAX_ERROR_ACTION":                             {typ: LintError, message: "RCPs only support specifying select service prefixes in the Action element. Learn more here."},
	"RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY":         {typ: LintWarning, message: `RCPs impact IAM roles, users, and AWS service principals. To prevent unintended impact to services acting on your behalf using a service principal, an additional statement should be added to the Condition block "BoolIfExists": { "aws:PrincipalIsAWSService": "false"} whenever a principal key {{conditionKeyName}} is used.`},
	"RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY": {typ: LintWarning, message: `RCPs impact IAM roles, users, and AWS service principals. To prevent unintended impact to your principals, an additional statement should be added to the Condition block "BoolIfExists": { "aws:PrincipalIsAWSService": "true"} whenever the key {{conditionKeyName}} is used.`},
	"RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK":        {typ: LintWarning, message: `The specified service may have a service integration that does not require the use of the {{conditionKeyName}} condition key. To prevent unintended impact to services acting on your behalf using a service principal, an additional statement should be added to the Condition block "Null": { "aws:SourceAccount": "false"} or "Null": { "aws:SourceArn": "false"} whenever the key {{conditionKeyName}} is used.`},

	// Warder's own.
	"WARDER_MALFORMED_POLICY_DOCUMENT":          {typ: LintError, message: "{{reason}}", page: "reference_policies_grammar.html"},
	"WARDER_DENY_WITH_VARIABLE_WITHOUT_DEFAULT": {typ: LintSecurityWarning, message: "Requests without the policy variable {{variable}} are not denied by this statement. Add a default value to the variable, or deny these requests with a Null condition in a statement of its own.", page: "reference_policies_variables.html"},
	"WARDER_ACTION_WITHOUT_MATCHING_RESOURCE":   {typ: LintWarning, message: "According to the service authorization reference, the action {{action}} works on none of the resources of this statement. It works on: {{resourceTypes}}.", page: "reference_policies_elements_resource.html"},
	"WARDER_OIDC_TRUST_WITHOUT_SUBJECT":         {typ: LintSecurityWarning, message: "Everyone who has a token of {{provider}} for this audience can assume the role. Add a condition on the subject of the token, such as {{key}}.", page: "id_roles_create_for-idp_oidc.html"},
}
