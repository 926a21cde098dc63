package image

import (
	"regexp"
	"strconv"
	"strings"
)

// Progress says how far a build is.
type Progress struct {
	// Phase is what happens now, in a few words, such as "unpacking packages".
	Phase string
	// Fraction is the share of the whole build that is done, 0 to 1, guessed
	// from how long the phases usually take. It never falls.
	Fraction float64
	// Detail is the newest line of the tools' output; may be empty.
	Detail string
}

// phase is a stretch of the bar.
type phase struct {
	name       string
	start, end float64
}

var (
	phaseWait     = phase{"waiting for another build of this image", 0, 0}
	phaseLists    = phase{"reading package lists", 0, 0.06}
	phaseBase     = phase{"unpacking the base system", 0.06, 0.25}
	phasePackages = phase{"installing packages", 0.25, 0.82}
	phaseOwn      = phase{"adding accounts, files and commands", 0.82, 0.86}
	phaseDisk     = phase{"writing the disk", 0.86, 0.93}
	phaseStore    = phase{"storing the image", 0.93, 1}
)

// meter turns what a build does into Progress.
type meter struct {
	report   func(Progress)
	now      phase
	fraction float64
	// expected and seen count dpkg's steps of the installing phase: a package
	// is downloaded, unpacked and set up.
	expected, seen int
}

func newMeter(report func(Progress)) *meter {
	if report == nil {
		report = func(Progress) {}
	}
	return &meter{report: report}
}

func (m *meter) enter(p phase, detail string) {
	m.now, m.seen, m.expected = p, 0, 0
	m.at(0, detail)
}

// at reports a share of the present phase.
func (m *meter) at(share float64, detail string) {
	share = max(0, min(1, share))
	m.fraction = max(m.fraction, m.now.start+share*(m.now.end-m.now.start))
	m.report(Progress{Phase: m.now.name, Fraction: m.fraction, Detail: detail})
}

var newPackages = regexp.MustCompile(`^[0-9]+ upgraded, ([0-9]+) newly installed`)

// ownPhaseMark is printed by our hook when it begins.
const ownPhaseMark = "labmark: own part"

// line reads one line of mmdebstrap's verbose output.
func (m *meter) line(text string) {
	switch {
	case strings.HasPrefix(text, "I: running apt-get update"):
		m.enter(phaseLists, text)
	case strings.HasPrefix(text, "I: downloading packages"):
		m.enter(phaseBase, text)
	case strings.HasPrefix(text, "I: installing essential packages"):
		m.at(0.6, text)
	case strings.HasPrefix(text, "I: installing remaining packages"):
		m.enter(phasePackages, text)
	case text == ownPhaseMark:
		m.enter(phaseOwn, "")
	default:
		m.step(text)
	}
}

// stepsPerPackage: fetched, unpacked, set up.
const stepsPerPackage = 3

func (m *meter) step(text string) {
	if n := newPackages.FindStringSubmatch(text); n != nil {
		count, _ := strconv.Atoi(n[1]) // digits by the pattern
		m.expected = stepsPerPackage * count
	}
	for _, start := range []string{"Get:", "Unpacking ", "Setting up "} {
		if strings.HasPrefix(text, start) {
			m.seen++
		}
	}
	if m.expected > 0 && m.now == phasePackages {
		m.at(float64(m.seen)/float64(m.expected), text)
		return
	}
	m.at(0, text)
}
