package policy

import (
	"slices"
	"strings"
)

// lintCondition is one key of a condition operator with its values.
type lintCondition struct {
	op     Operator
	name   string // of the operator, as written
	key    string
	keyAt  at
	value  *lintNode   // all that stands after the key
	values []*lintNode // its strings, numbers and booleans
	info   CatalogKey  // what the catalog knows of the key
	known  bool
}

// hasKey says whether a condition of the statement uses one of the keys.
func (s *lintStatement) hasKey(keys ...string) bool {
	return slices.ContainsFunc(s.conditions, func(c *lintCondition) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, c.key) })
	})
}

// conditions looks over Condition.
func (l *linter) conditions(s *lintStatement) {
	n := s.condition
	if n == nil || !l.want(n, nodeObject) {
		return
	}
	if len(n.members) == 0 {
		l.report("EMPTY_OBJECT_CONDITION", n.at())
	}
	for _, block := range n.members {
		op, ok := parseOperator(block.name)
		if !ok {
			l.badOperator(block)
		}
		if l.want(block.value, nodeObject) {
			l.block(s, block, op, ok)
		}
	}
	for _, c := range s.conditions {
		l.condition(s, c)
	}
}

func (l *linter) badOperator(block lintMember) {
	o, qualified := strings.CutPrefix(block.name, "ForAnyValue:")
	if !qualified {
		o, qualified = strings.CutPrefix(block.name, "ForAllValues:")
	}
	switch {
	case o == "NullIfExists":
		l.report("NULL_WITH_IF_EXISTS", block.key)
	case o == "Null" && qualified:
		l.report("NULL_WITH_QUALIFIER", block.key)
	default:
		l.report("INVALID_CONDITION_OPERATOR", block.key, block.name)
	}
}

// block reads the keys of one operator. Those of an unknown operator are
// checked for their names only.
func (l *linter) block(s *lintStatement, block lintMember, op Operator, ok bool) {
	if len(block.value.members) == 0 {
		l.report("EMPTY_OBJECT_CONDITION", block.value.at())
	}
	seen := map[string]string{}
	for _, m := range block.value.members {
		low := strings.ToLower(m.name)
		if first, twice := seen[low]; twice && first != m.name {
			l.report("DUPLICATE_KEYS_WITH_DIFFERENT_CASE", m.key, m.name)
		}
		seen[low] = m.name
		c := &lintCondition{op: op, name: block.name, key: m.name, keyAt: m.key, value: m.value}
		l.key(c)
		if !ok {
			continue
		}
		if empty(m.value) {
			l.emptyValues(c)
		}
		for _, v := range m.value.list() {
			if v.scalar() {
				c.values = append(c.values, v)
			} else {
				l.want(v, nodeString)
			}
		}
		s.conditions = append(s.conditions, c)
	}
}

func (l *linter) emptyValues(c *lintCondition) {
	code := "EMPTY_ARRAY_CONDITION"
	switch {
	case c.op.Quantifier == ForAllValues:
		code += "_FORALLVALUES"
	case c.op.Quantifier == ForAnyValue:
		code += "_FORANYVALUE"
	case c.op.IfExists:
		code += "_IFEXISTS"
	}
	l.report(code, c.value.at(), c.key)
}

// key looks up the condition key.
func (l *linter) key(c *lintCondition) {
	if i := strings.Index(c.key, "${"); i >= 0 {
		l.report("VARIABLE_UNSUPPORTED_IN_ELEMENT", c.keyAt, c.key[i:])
		return
	}
	prefix, rest, ok := strings.Cut(c.key, ":")
	if !ok || prefix == "" || rest == "" {
		l.report("INVALID_CONDITION_KEY_FORMAT", c.keyAt)
		return
	}
	if strings.EqualFold(c.key, "aws:ARN") {
		l.report("UNSUPPORTED_GLOBAL_CONDITION_KEY", c.keyAt)
		return
	}
	if l.catalog == nil {
		return
	}
	if c.info, c.known = l.catalog.ConditionKey(c.key); c.known {
		return
	}
	global := strings.EqualFold(prefix, "aws")
	tag := strings.TrimSuffix(c.key, "/") + "/"
	_, isTag := l.catalog.ConditionKey(tag + "x")
	switch {
	case isTag:
		l.report("MISSING_TAG_KEY_IN_CONDITION", c.keyAt, tag)
	case global:
		l.report("INVALID_GLOBAL_CONDITION_KEY", c.keyAt, c.key)
	case strings.ContainsAny(prefix, "./"):
		// An identity provider's: AWS does not know them all.
	case l.catalog.Service(prefix) != nil || strings.EqualFold(prefix, "saml"):
		l.report("INVALID_SERVICE_CONDITION_KEY", c.keyAt, c.key, prefix)
	default:
		l.report("INVALID_SERVICE", c.keyAt, prefix)
	}
}

// condition looks over one condition.
func (l *linter) condition(s *lintStatement, c *lintCondition) {
	l.qualifier(c)
	l.operatorType(c)
	l.values(s, c)
	l.wildcards(c)
	low := strings.ToLower(c.key)
	switch low {
	case "aws:referer", "aws:useragent":
		l.report("UNTRUSTWORTHY_CONDITION_KEY", c.keyAt, c.key)
	case "s3:prefix":
		negative := (s.effect == Deny) != c.op.negated()
		if s.effect != 0 && negative && c.op.Comparison != OpNull {
			l.report("S3_PREFIX_IN_NEGATIVE_CONTEXT", c.keyAt)
		}
	case "dynamodb:attributes":
		if s.effect == Allow && !s.hasKey("dynamodb:Select") {
			l.report("DYNAMODB_ATTRIBUTES_WITHOUT_SELECT", c.keyAt)
		}
	case "s3:resourceaccount", "aws:resourceaccount":
		if l.kind == Resource {
			typ := l.resourceType
			if typ == "" {
				typ = "resource"
			}
			l.report("IRRELEVANT_CONDITION_KEY_IN_POLICY", c.keyAt, c.key, typ)
		}
	case "aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths":
		l.vpceServices(s, c)
	}
	l.actionsOfKey(s, c)
}

// audience says whether the key is the audience claim of a token.
func (c *lintCondition) audience() bool { return strings.HasSuffix(strings.ToLower(c.key), ":aud") }

// qualifier compares the set operator with what the key can hold.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func (l *linter) qualifier(c *lintCondition) {
	switch {
	case c.op.Comparison == OpNull:
	case c.audience() && c.op.Quantifier != SingleValue:
		if c.op.Quantifier == ForAnyValue && c.known && !c.info.Multivalued() {
			l.report("FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE", c.keyAt, c.key)
			return
		}
		l.report("CONFIRM_AUDIENCE_CLAIM_TYPE", c.keyAt, c.key, "audience")
	case !c.known:
	case c.info.Multivalued() && c.op.Quantifier == SingleValue:
		l.report("MISSING_QUALIFIER", c.keyAt, c.key)
	case !c.info.Multivalued() && c.op.Quantifier == ForAllValues:
		l.report("FORALLVALUES_WITH_SINGLE_VALUED_KEY", c.keyAt, c.key)
	}
}

// The types of operators as finding texts name them.
var valueTypeNames = [...]string{
	typeString: "String", typePattern: "String", typeARN: "ARN", typeNumber: "Numeric", typeDate: "Date",
	typeBool: "Boolean", typeBinary: "Binary", typeAddress: "IP address", typeNull: "Null",
}

// operatorType compares the operator with the type of the key.
func (l *linter) operatorType(c *lintCondition) {
	if !c.known || c.op.Comparison == OpNull {
		return
	}
	if c.info.BaseType() == "ARN" && c.op.typ() == typePattern {
		l.report("STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS", c.keyAt, "ArnLike", c.name, c.key)
		return
	}
	var wants []valueType
	switch c.info.BaseType() {
	case "String":
		if strings.Contains(c.info.Name, "${") || strings.Contains(strings.ToLower(c.key), "arn") {
			return // tags hold anything, and some ARNs are listed as strings
		}
		wants = []valueType{typeString, typePattern}
	case "ARN":
		wants = []valueType{typeARN, typeString}
	case "Bool":
		wants = []valueType{typeBool}
	case "Numeric":
		wants = []valueType{typeNumber}
	case "Date":
		wants = []valueType{typeDate, typeNumber} // aws:EpochTime is a number of seconds
	case "IPAddress":
		wants = []valueType{typeAddress}
	case "Binary":
		wants = []valueType{typeBinary}
	default:
		return
	}
	if !slices.Contains(wants, c.op.typ()) {
		l.report("TYPE_MISMATCH", c.keyAt, valueTypeNames[wants[0]], c.name, c.key)
	}
}

// crossService are keys that say something of the caller, so that requests to
// other services have them too.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
var crossService = map[string]bool{
	"ec2:roledelivery": true, "ec2:sourceinstancearn": true, "glue:roleassumedby": true, "glue:credentialissuingservice": true,
	"codebuild:buildarn": true, "codebuild:projectarn": true, "lambda:sourcefunctionarn": true, "ssm:sourceinstancearn": true, "identitystore:userid": true,
}

// actionsOfKey reports the actions, named in full, whose requests never have
// the key. Keys of identity providers and global ones are not of actions.
func (l *linter) actionsOfKey(s *lintStatement, c *lintCondition) {
	prefix, _, _ := strings.Cut(c.key, ":")
	if !c.known || l.catalog.Service(prefix) == nil || strings.EqualFold(prefix, "aws") || crossService[strings.ToLower(c.key)] ||
		c.op.IfExists || c.op.Comparison == OpNull || s.action == nil {
		return
	}
	var actions []string
	where := []at{c.keyAt}
	for _, a := range s.actions {
		service, action := l.find(a.text)
		if action != nil && l.spend(len(action.Keys)+len(action.Resources)) && !hasActionKey(service, action, c.info.Name) {
			actions = append(actions, a.text)
			where = append(where, a.at())
		}
	}
	if actions != nil {
		l.reportAll("UNSUPPORTED_ACTION_FOR_CONDITION_KEY", where, strings.Join(actions, ", "), c.key)
	}
}

// find is the action of a full name, nil if it is none or has wildcards.
func (l *linter) find(name string) (*CatalogService, *CatalogAction) {
	prefix, rest, _ := strings.Cut(name, ":")
	if l.catalog == nil {
		return nil, nil
	}
	service := l.catalog.Service(prefix)
	if service == nil {
		return nil, nil
	}
	return service, service.Action(rest)
}

// hasActionKey says whether requests of the action can have the key: by the
// action, or by a resource type that it works on.
func hasActionKey(service *CatalogService, a *CatalogAction, key string) bool {
	same := func(k string) bool { return strings.EqualFold(k, key) }
	return slices.ContainsFunc(a.Keys, same) || slices.ContainsFunc(a.Resources, func(t CatalogTarget) bool {
		return slices.ContainsFunc(t.Keys, same) || slices.ContainsFunc(service.Resource(t.Type).Keys, same)
	})
}

// related reports keys that want others beside them.
func (l *linter) related(s *lintStatement) {
	for _, c := range s.conditions {
		var need []string
		switch strings.ToLower(c.key) {
		case "aws:vpcsourceip":
			need = []string{"aws:SourceVpc", "aws:SourceVpce"}
		case "aws:ec2instancesourceprivateipv4":
			need = []string{"aws:Ec2InstanceSourceVpc"}
		default:
			continue
		}
		if !s.hasKey(need...) {
			l.report("MISSING_PAIRED_CONDITION_KEYS", c.keyAt, c.key, strings.Join(need, ", "))
		}
	}
}

// tags looks over conditions on the resource's tags: where an action's
// resources have no tags, the key is missing, so that the statement does not
// apply. IfExists and negated operators hold then, and Null asks for it.
func (l *linter) tags(s *lintStatement) {
	if l.catalog == nil || s.effect == 0 {
		return
	}
	effect := strings.ToUpper(s.effect.String())
	var services []string
	looked := false
	for _, c := range s.conditions {
		if !strings.HasPrefix(strings.ToLower(c.key), "aws:resourcetag/") || c.op.IfExists || c.op.Comparison == OpNull || c.op.negated() {
			continue
		}
		if s.notAction != nil {
			l.report(effect+"_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", c.keyAt, c.key)
			continue
		}
		if !looked {
			services, looked = l.untaggedServices(s.actions), true
		}
		if services != nil {
			l.report(effect+"_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", c.keyAt, c.key, strings.Join(services, ", "))
		}
	}
}

func (l *linter) untaggedServices(actions []*lintNode) (services []string) {
	for _, a := range actions {
		if prefix := l.untagged(a.text); prefix != "" && !slices.Contains(services, prefix) {
			services = append(services, prefix)
		}
	}
	slices.Sort(services)
	return services
}

// untagged is the service of an action pattern if none of its actions can have
// aws:ResourceTag, or "".
func (l *linter) untagged(pattern string) string {
	prefix, name, _ := strings.Cut(pattern, ":")
	service := l.catalog.Service(prefix)
	if service == nil || !l.spend(len(service.Actions)) {
		return ""
	}
	name = strings.ToLower(name)
	any := false
	for i := range service.Actions {
		a := &service.Actions[i]
		if !glob(name, strings.ToLower(a.Name)) {
			continue
		}
		if any = true; hasActionKey(service, a, "aws:ResourceTag/${TagKey}") {
			return ""
		}
	}
	if !any {
		return ""
	}
	return service.Prefix
}

// vpceSupport are the services that fill in the keys of the VPC endpoint's
// owner. The guide lists them for each of three keys, with small differences;
// these are all of them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-vpceorgid
var vpceSupport = strings.Fields(`acm-pca applicationinsights apprunner athena b2bi cassandra cloudformation cognito-identity
	comprehendmedical compute-optimizer datasync discovery dms ds-data dynamodb ebs ecr ecs firehose gamelift healthlake iam
	identitystore iotfleetwise iottwinmaker iotwireless kinesisanalytics kms lambda medical-imaging network-firewall omics
	payment-cryptography polly pricing rbin rekognition route53 s3 scheduler servicediscovery servicequotas ses shield sms-voice
	sqs ssm-contacts storagegateway textract transcribe transfer`)

func (l *linter) vpceServices(s *lintStatement, c *lintCondition) {
	unsupported := s.notAction != nil || slices.ContainsFunc(s.actions, func(a *lintNode) bool {
		prefix, _, _ := strings.Cut(a.text, ":")
		return !slices.Contains(vpceSupport, strings.ToLower(prefix))
	})
	if unsupported {
		l.report("USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES", c.keyAt, c.key)
	}
}
