package trail

// MarshalBinary is an entry as one text: the fields that a line of the log has,
// for who keeps it elsewhere, as the store does with the events of changes.
func (e *Entry) MarshalBinary() ([]byte, error) { return appendEntry(nil, e) }

// UnmarshalBinary reads what MarshalBinary made.
func (e *Entry) UnmarshalBinary(text []byte) error {
	read, err := parseEntry(text)
	if err != nil {
		return err
	}
	*e = *read
	return nil
}
