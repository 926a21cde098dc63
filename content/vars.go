package content

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
)

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

// Draw gives one student's variables. They depend on nothing but the key, the
// names of course, tutorial, student and variable, and the variable's own
// definition: a variable added elsewhere changes no other. Without the key
// nobody can tell another student's values.
func (t *Tutorial) Draw(key []byte, course, student string) Values {
	values := make(Values, len(t.Vars))
	for _, v := range t.Vars {
		d := newDraw(key, course, t.ID, student, v.Name)
		switch {
		case v.Int != nil:
			span := uint64(v.Int.Max) - uint64(v.Int.Min) + 1
			values[v.Name] = strconv.FormatInt(int64(uint64(v.Int.Min)+d.below(span)), 10)
		case len(v.Choice) > 0:
			values[v.Name] = v.Choice[d.below(uint64(len(v.Choice)))]
		default:
			values[v.Name] = d.hex(v.Hex)
		}
	}
	return values
}

// draw is a stream of random bytes: HMAC-SHA256 of the seed and a counter.
type draw struct {
	key     []byte
	seed    []byte
	counter uint64
	left    []byte
}

func newDraw(key []byte, names ...string) *draw {
	seed := []byte("labmark var 1")
	for _, name := range names {
		// With its length before it, no name can run into the next.
		seed = binary.BigEndian.AppendUint64(seed, uint64(len(name)))
		seed = append(seed, name...)
	}
	return &draw{key: key, seed: seed}
}

func (d *draw) next(n int) []byte {
	for len(d.left) < n {
		mac := hmac.New(sha256.New, d.key)
		mac.Write(d.seed)
		mac.Write(binary.BigEndian.AppendUint64(nil, d.counter))
		d.counter++
		d.left = mac.Sum(d.left)
	}
	out := d.left[:n]
	d.left = d.left[n:]
	return out
}

// below gives a number in [0,n), each as likely as any other; n = 0 stands
// for 2^64.
func (d *draw) below(n uint64) uint64 {
	for {
		x := binary.BigEndian.Uint64(d.next(8))
		// The lowest 2^64 mod n numbers would make small results likelier.
		if n == 0 || x >= -n%n {
			if n == 0 {
				return x
			}
			return x % n
		}
	}
}

func (d *draw) hex(digits int) string {
	return hex.EncodeToString(d.next((digits + 1) / 2))[:digits]
}

// Fill replaces the holes "{{name}}" of a plain text such as a title by the
// student's values. "\{{" stands for "{{", and names without a value stay.
func (v Values) Fill(text string) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	var b strings.Builder
	for _, p := range splitHoles(text, func(name string) bool { _, ok := v[name]; return ok }) {
		if p.Var != "" {
			b.WriteString(v[p.Var])
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

// Fill gives a run block's command for one student.
func (r *Run) Fill(values Values) string {
	var b strings.Builder
	for _, p := range r.Command {
		b.WriteString(p.Text)
		if p.Var != "" {
			b.WriteString(values[p.Var])
		}
	}
	return b.String()
}
