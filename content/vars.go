package content

// Var is a value that is drawn once for each student.
type Var struct {
	Name   string
	Int    *IntRange // drawn from a range,
	Choice []string  // or from a list,
	Hex    int       // or as this many hex digits
}

// IntRange is inclusive at both ends.
type IntRange struct{ Min, Max int64 }

// Values are one student's variables by name.
type Values map[string]string
