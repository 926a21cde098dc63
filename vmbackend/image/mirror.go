package image

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// target is one package index that this machine's apt knows.
type target struct {
	uri, release, codename, component, origin, signedBy string
}

// targetFormat asks apt-get indextargets for exactly a target's fields. A
// field that is unknown stays as its placeholder.
const targetFormat = "$(REPO_URI)\t$(RELEASE)\t$(CODENAME)\t$(COMPONENT)\t$(ORIGIN)\t$(SIGNED_BY)"

// mirrorLines gives sources.list lines for a suite, its updates and its
// security archive, from the archives that this machine itself uses. So a
// site's own mirror, proxy or snapshot holds for images too, and whatever
// else stands in apt's configuration stays out of them.
func mirrorLines(ctx context.Context, suite string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", targetFormat, "Created-By: Packages").Output()
	if err != nil {
		return nil, fmt.Errorf("ask apt for this machine's sources: %w", err)
	}
	return sourceLines(parseTargets(out), suite, isDebian())
}

func parseTargets(out []byte) []target {
	var all []target
	for scan := bufio.NewScanner(bytes.NewReader(out)); scan.Scan(); {
		f := strings.Split(scan.Text(), "\t")
		if len(f) != 6 {
			continue
		}
		for i := range f {
			if strings.HasPrefix(f[i], "$(") {
				f[i] = ""
			}
		}
		all = append(all, target{f[0], f[1], f[2], f[3], f[4], f[5]})
	}
	return all
}

// debian says whether the target is surely or (before the first apt update,
// when no Release file is there) very likely one of Debian's own archives.
// mmdebstrap trusts Debian's keys only, so a wrong guess ends in an error,
// never in a foreign package.
func (t target) debian(onDebian bool) bool {
	if t.component != "main" {
		return false
	}
	if t.origin != "" {
		return t.origin == "Debian" || t.origin == "Debian-Security"
	}
	return onDebian && (t.signedBy == "" || strings.Contains(t.signedBy, "debian-archive"))
}

// sourceLines picks the archives for suite. A machine that runs another suite
// lends its mirror: Debian keeps all suites below one address.
func sourceLines(all []target, suite string, onDebian bool) ([]string, error) {
	var main, security string
	var own []string
	for _, t := range all {
		if !t.debian(onDebian) {
			continue
		}
		switch {
		case strings.HasSuffix(t.release, "-security"):
			security = t.uri
		case !strings.ContainsAny(t.release, "-/") && main == "":
			main = t.uri
		}
		if t.release == suite || t.release == suite+"-updates" || t.release == suite+"-security" {
			own = append(own, line(t.uri, t.release))
		}
	}
	if main == "" {
		return nil, errors.New("apt on this machine knows no archive of Debian: add one to /etc/apt/sources.list, with signed-by=/usr/share/keyrings/debian-archive-keyring.gpg, and run apt-get update")
	}
	for _, l := range own {
		if l == line(main, suite) {
			return unique(own), nil
		}
	}
	lines := []string{line(main, suite)}
	if security != "" && suite != "sid" && suite != "unstable" {
		lines = append(lines, line(security, suite+"-security"))
	}
	return lines, nil
}

func line(uri, release string) string { return "deb " + uri + " " + release + " main" }

func unique(lines []string) []string {
	seen, out := map[string]bool{}, lines[:0]
	for _, l := range lines {
		if !seen[l] {
			out = append(out, l)
		}
		seen[l] = true
	}
	return out
}

// isDebian says whether this machine is Debian itself, not a derivative.
func isDebian() bool {
	text, err := os.ReadFile("/etc/os-release")
	return err == nil && (bytes.Contains(text, []byte("\nID=debian\n")) || bytes.HasPrefix(text, []byte("ID=debian\n")))
}

// proxyOptions repeats this machine's proxies for mmdebstrap, which does not
// read apt's own configuration.
func proxyOptions(ctx context.Context) []string {
	out, err := exec.CommandContext(ctx, "apt-config", "dump", "Acquire").Output()
	if err != nil {
		return nil // no proxy to repeat, and apt's absence shows elsewhere
	}
	var options []string
	for scan := bufio.NewScanner(bytes.NewReader(out)); scan.Scan(); {
		name, value, _ := strings.Cut(strings.TrimSuffix(scan.Text(), ";"), " ")
		if value != `""` && isProxy(strings.ToLower(name)) {
			options = append(options, "--aptopt="+scan.Text())
		}
	}
	return options
}

// isProxy knows Acquire::http::Proxy, its forms for single hosts, and the
// check of dates that a frozen mirror needs switched off.
func isProxy(name string) bool {
	return strings.HasPrefix(name, "acquire::http") && strings.Contains(name, "::proxy") ||
		name == "acquire::check-valid-until" || name == "acquire::check-date"
}
