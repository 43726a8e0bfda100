package authzen

import "maps"

// A tuple is one question as it was sent: subject, action, resource, context
// (https://openid.net/specs/authorization-api-1_0.html#name-information-model).
type tuple struct {
	subject, action, resource entity
	context                   map[string]any
}

// An entity is a subject, an action (whose name is its id) or a resource.
type entity struct {
	kind, id   string
	properties map[string]any
}

// readTuple reads a question. What an object of a list leaves out comes from
// the defaults beside the list: whole entities, or the type and id of one.
func readTuple(o, defaults map[string]any) (*tuple, *failure) {
	t := new(tuple)
	for _, part := range []struct {
		name     string
		to       *entity
		required []string
	}{
		{"subject", &t.subject, []string{"type", "id"}},
		{"action", &t.action, []string{"name"}},
		{"resource", &t.resource, []string{"type", "id"}},
	} {
		e, f := readEntity(part.name, o, defaults, part.required)
		if f != nil {
			return nil, f
		}
		*part.to = e
	}
	from := o
	if _, ok := o["context"]; !ok {
		from = defaults
	}
	var f *failure
	t.context, f = optionalObject(from, "context", "context")
	return t, f
}

func readEntity(name string, o, defaults map[string]any, required []string) (e entity, f *failure) {
	own, given, f := object(o, name)
	if f != nil {
		return e, f
	}
	usual, usually, f := object(defaults, name)
	if f != nil {
		return e, f
	}
	switch {
	case !given && !usually:
		return e, malformed("%s is missing", name)
	case !given:
		own = usual
	case usually:
		own = maps.Clone(own)
		for _, field := range required {
			if _, ok := own[field]; !ok && usual[field] != nil {
				own[field] = usual[field]
			}
		}
	}
	for _, field := range required {
		text, ok := own[field].(string)
		if !ok || text == "" {
			return e, malformed("%s.%s is missing or not a string", name, field)
		}
		if field == "type" {
			e.kind = text
		} else {
			e.id = text
		}
	}
	e.properties, f = optionalObject(own, "properties", name+".properties")
	return e, f
}

func object(o map[string]any, name string) (map[string]any, bool, *failure) {
	v, ok := o[name]
	if !ok {
		return nil, false, nil
	}
	out, isObject := v.(map[string]any)
	if !isObject {
		return nil, false, malformed("%s is not an object", name)
	}
	return out, true, nil
}

// optionalObject takes null for an object that is left out.
func optionalObject(o map[string]any, name, full string) (map[string]any, *failure) {
	v := o[name]
	if v == nil {
		return nil, nil
	}
	out, ok := v.(map[string]any)
	if !ok {
		return nil, malformed("%s is not an object", full)
	}
	return out, nil
}

// The semantics of a list of questions.
const (
	executeAll   = "execute_all"
	denyOnDeny   = "deny_on_first_deny"
	permitOnPerm = "permit_on_first_permit"
)

// readOptions reads "options": the semantics, and whether to explain.
func readOptions(o map[string]any) (semantic string, explain bool, f *failure) {
	semantic = executeAll
	options, f := optionalObject(o, "options", "options")
	if f != nil {
		return "", false, f
	}
	if v, ok := options["evaluations_semantic"]; ok {
		if semantic, ok = v.(string); !ok || semantic != executeAll && semantic != denyOnDeny && semantic != permitOnPerm {
			return "", false, malformed("options.evaluations_semantic is none of %s, %s, %s", executeAll, denyOnDeny, permitOnPerm)
		}
	}
	if v, ok := options["explain"]; ok {
		if explain, ok = v.(bool); !ok {
			return "", false, malformed("options.explain is not a boolean")
		}
	}
	return semantic, explain, nil
}
