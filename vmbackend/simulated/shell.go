package simulated

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// shell is the default machine's interpreter, for one command line.
type shell struct {
	ctx         context.Context
	user        string
	guest       *guest
	disk        *Disk
	in          io.Reader
	out, errout io.Writer
	left        bool // exit was called
}

// word is a piece of a command line; operators are never quoted.
type word struct {
	text     string
	operator bool
}

// operators, longest first.
var operators = []string{"&&", ">>", ">&2", ">", ";", "\n"}

// words splits a command line. Quotes of both kinds keep what is inside.
func words(line string) ([]word, error) {
	var all []word
	var now strings.Builder
	open := false // a word has begun, perhaps an empty one in quotes
	flush := func() {
		if open {
			all = append(all, word{text: now.String()})
		}
		now.Reset()
		open = false
	}
scan:
	for i := 0; i < len(line); {
		for _, op := range operators {
			if strings.HasPrefix(line[i:], op) {
				flush()
				all = append(all, word{op, true})
				i += len(op)
				continue scan
			}
		}
		switch c := line[i]; c {
		case ' ', '\t', '\r':
			flush()
			i++
		case '\'', '"':
			length := strings.IndexByte(line[i+1:], c)
			if length < 0 {
				return nil, fmt.Errorf("a quote is not closed")
			}
			now.WriteString(line[i+1 : i+1+length])
			open = true
			i += length + 2
		default:
			now.WriteByte(c)
			open = true
			i++
		}
	}
	flush()
	return all, nil
}

// run runs a command line and returns its exit status.
func (s *shell) run(line string) int {
	all, err := words(line)
	if err != nil {
		fmt.Fprintf(s.errout, "sh: %v\n", err)
		return 2
	}
	status, skip := 0, false
	var command []word
	for _, w := range append(all, word{";", true}) {
		ends := w.operator && (w.text == ";" || w.text == "&&" || w.text == "\n")
		if !ends {
			command = append(command, w)
			continue
		}
		if len(command) > 0 && !skip {
			status = s.command(command)
		}
		command = nil
		if s.left || s.ctx.Err() != nil {
			return status
		}
		skip = w.text == "&&" && (skip || status != 0)
	}
	return status
}

// command runs one command with its redirections.
func (s *shell) command(all []word) int {
	var args []string
	out := s.out
	target, add := "", false
	for i := 0; i < len(all); i++ {
		switch {
		case !all[i].operator:
			args = append(args, all[i].text)
		case all[i].text == ">&2":
			out = s.errout
		case i+1 < len(all) && !all[i+1].operator:
			target, add = all[i+1].text, all[i].text == ">>"
			i++
		default:
			fmt.Fprintln(s.errout, "sh: a file name is missing")
			return 2
		}
	}
	if target == "" {
		return s.builtin(args, out)
	}
	var text strings.Builder
	if add {
		old, _ := s.disk.Read(target)
		text.WriteString(old)
	}
	status := 0
	if len(args) > 0 {
		status = s.builtin(args, &text)
	}
	s.disk.Write(target, text.String())
	return status
}

func (s *shell) builtin(args []string, out io.Writer) int {
	switch args[0] {
	case "true", "sync", ":":
		return 0
	case "false":
		return 1
	case "exit":
		s.left = true
		n, _ := strconv.Atoi(strings.Join(args[1:], ""))
		return n & 0xff
	case "echo":
		fmt.Fprintln(out, strings.Join(args[1:], " "))
	case "hostname":
		fmt.Fprintln(out, s.guest.hostname())
	case "id", "whoami":
		fmt.Fprintln(out, s.user)
	case "sleep":
		return s.sleep(args[1:])
	case "yes":
		for s.ctx.Err() == nil {
			if _, err := io.WriteString(out, strings.Repeat("y\n", 4096)); err != nil {
				break
			}
		}
	case "poweroff":
		s.guest.end("powered off")
	case "cat", "ls", "touch", "rm":
		return s.files(args, out)
	default:
		fmt.Fprintf(s.errout, "sh: %s: not found\n", args[0])
		return statusUnknown
	}
	return 0
}

func (s *shell) files(args []string, out io.Writer) int {
	if args[0] == "ls" {
		for _, name := range s.disk.Names() {
			fmt.Fprintln(out, name)
		}
		return 0
	}
	if args[0] == "cat" && len(args) == 1 {
		_, _ = io.Copy(out, s.in)
		return 0
	}
	status := 0
	for _, name := range args[1:] {
		if strings.HasPrefix(name, "-") {
			continue // options such as rm -f change nothing here
		}
		if !s.file(args[0], name, out) {
			fmt.Fprintf(s.errout, "%s: %s: No such file or directory\n", args[0], name)
			status = 1
		}
	}
	return status
}

func (s *shell) file(command, name string, out io.Writer) (found bool) {
	if name == "/proc/sys/kernel/random/boot_id" {
		fmt.Fprintln(out, s.guest.bootID())
		return true
	}
	content, found := s.disk.Read(name)
	switch command {
	case "cat":
		_, _ = io.WriteString(out, content)
	case "touch":
		s.disk.Write(name, content)
		return true
	case "rm":
		return s.disk.Remove(name)
	}
	return found
}

func (s *shell) sleep(args []string) int {
	seconds, err := strconv.ParseFloat(strings.Join(args, ""), 64)
	if err != nil || seconds < 0 {
		fmt.Fprintln(s.errout, "sleep: how many seconds?")
		return 1
	}
	timer := time.NewTimer(time.Duration(seconds * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
	}
	return 0
}

func (g *guest) hostname() string {
	if g.record.Spec.Hostname != "" { // Spec never changes
		return g.record.Spec.Hostname
	}
	return g.record.Spec.ID
}

// bootID looks like the kernel's and changes with every boot.
func (g *guest) bootID() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", g.record.Spec.HostKey, g.record.Boots))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
