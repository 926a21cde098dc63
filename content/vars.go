package content

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Var is a value that is drawn once for each student.
type Var struct {
	Name     string
	Int      *IntRange    // drawn from a range,
	Choice   []string     // or from a list,
	Hex      int          // or as this many hex digits,
	Words    int          // or as this many words, with "-" between them,
	Password int          // or as this many letters and digits,
	IP       netip.Prefix // or as a machine's address in this network,
	Date     *DateRange   // or as a day, as 2026-01-31,
	Lines    []string     // or from the lines of a file
	// Count, unless 0, is the number of different values that are drawn and
	// joined by a space.
	Count int
}

// IntRange is inclusive at both ends.
type IntRange struct{ Min, Max int64 }

// DateRange is inclusive at both ends, both at midnight UTC.
type DateRange struct{ From, To time.Time }

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
		first := v.one(d)
		if v.Count < 2 {
			values[v.Name] = first
			continue
		}
		all := []string{first}
		seen := map[string]bool{first: true}
		for len(all) < v.Count {
			if next := v.one(d); !seen[next] {
				seen[next] = true
				all = append(all, next)
			}
		}
		values[v.Name] = strings.Join(all, " ")
	}
	return values
}

// one draws a single value.
func (v *Var) one(d *draw) string {
	switch {
	case v.Int != nil:
		span := uint64(v.Int.Max) - uint64(v.Int.Min) + 1
		return strconv.FormatInt(int64(uint64(v.Int.Min)+d.below(span)), 10)
	case len(v.Choice) > 0:
		return v.Choice[d.below(uint64(len(v.Choice)))]
	case len(v.Lines) > 0:
		return v.Lines[d.below(uint64(len(v.Lines)))]
	case v.Words > 0:
		words := make([]string, v.Words)
		for i := range words {
			words[i] = easyWords[d.below(uint64(len(easyWords)))]
		}
		return strings.Join(words, "-")
	case v.Password > 0:
		letters := make([]byte, v.Password)
		for i := range letters {
			letters[i] = passwordLetters[d.below(uint64(len(passwordLetters)))]
		}
		return string(letters)
	case v.IP.IsValid():
		host := binary.BigEndian.AppendUint64(nil, 1+d.below(v.hosts()))
		address := v.IP.Addr().AsSlice()
		for i := 1; i <= min(len(address), len(host)); i++ {
			address[len(address)-i] |= host[len(host)-i]
		}
		machine, _ := netip.AddrFromSlice(address)
		return machine.String()
	case v.Date != nil:
		return v.Date.From.AddDate(0, 0, int(d.below(v.Date.days()))).Format(time.DateOnly)
	}
	return d.hex(v.Hex)
}

// hosts counts the addresses of a network without its first and its last,
// which mean the network (or its routers) and all of its machines.
func (v *Var) hosts() uint64 { return uint64(1)<<(v.IP.Addr().BitLen()-v.IP.Bits()) - 2 }

func (r DateRange) days() uint64 { return uint64(r.To.Sub(r.From)/(24*time.Hour)) + 1 }

// different counts the values that can be drawn, as far as maxCount.
func (v *Var) different() uint64 {
	power := func(base, n int) uint64 {
		all := uint64(1)
		for ; n > 0 && all < maxCount; n-- {
			all *= uint64(base)
		}
		return all
	}
	n := power(16, v.Hex)
	switch {
	case v.Int != nil:
		n = uint64(v.Int.Max) - uint64(v.Int.Min)
		n = max(n, n+1) // all of them are 2^64
	case len(v.Choice) > 0:
		n = uint64(len(v.Choice))
	case len(v.Lines) > 0:
		n = uint64(len(v.Lines))
	case v.Words > 0:
		n = power(len(easyWords), v.Words)
	case v.Password > 0:
		n = power(len(passwordLetters), v.Password)
	case v.IP.IsValid():
		n = v.hosts()
	case v.Date != nil:
		n = v.Date.days()
	}
	return min(n, maxCount)
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
func (r *Run) Fill(values Values) string { return fillParts(r.Command, values) }

func fillParts(parts []TextPart, values Values) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
		if p.Var != "" {
			b.WriteString(values[p.Var])
		}
	}
	return b.String()
}
