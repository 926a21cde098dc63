package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/uml"
)

type imageCmd struct {
	Build  imageBuildCmd  `cmd:"" help:"Build a guest image from a recipe."`
	Import imageImportCmd `cmd:"" help:"Take a cloud image, a qcow2 file with cloud-init."`
	List   imageListCmd   `cmd:"" help:"List the images that are there."`
	Kernel imageKernelCmd `cmd:"" help:"Build the fast kernel for User-Mode Linux guests (about 10 minutes, once)."`
	Push   imagePushCmd   `cmd:"" help:"Copy an image to a node, so that its first guest need not wait."`
}

type imageBuildCmd struct {
	Recipe    string `arg:"" help:"Name of a built-in recipe, such as debian-12, or a recipe's YAML file."`
	IfChanged bool   `help:"Do nothing if an image of the very same recipe is there."`
}

func (c *imageBuildCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	recipe, err := findRecipe(c.Recipe)
	if err != nil {
		return err
	}
	images, err := image.Open(s.ImageDir)
	if err != nil {
		return err
	}
	build := image.Build
	if c.IfChanged {
		build = image.Ensure
	}
	begun := time.Now()
	bar := newMeter("image " + recipe.Name)
	built, err := build(ctx, recipe, images, func(p image.Progress) { bar.show(p.Fraction, p.Phase) })
	bar.done()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is %s (%s, %.0f s)\n", built.Name, built.Digest, megabytes(built.Occupied), time.Since(begun).Seconds())
	return nil
}

// findRecipe takes a file if the word looks like one.
func findRecipe(word string) (*image.Recipe, error) {
	if strings.ContainsAny(word, "/.") {
		return image.ReadRecipe(word)
	}
	return image.Builtin(word)
}

type imageImportCmd struct {
	File string `arg:"" type:"existingfile" help:"The disk, a qcow2 file that boots by itself."`
	Name string `required:"" help:"What courses call the image."`
	Arch string `default:"x86_64" enum:"x86_64,aarch64,s390x" help:"The guest's processor."`
}

func (c *imageImportCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	images, err := image.Open(s.ImageDir)
	if err != nil {
		return err
	}
	bar := newMeter("image " + c.Name)
	taken, err := image.Import(ctx, images, c.File, c.Name, c.Arch, func(p image.Progress) { bar.show(p.Fraction, p.Phase) })
	bar.done()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is %s (%s)\n", taken.Name, taken.Digest, megabytes(taken.Occupied))
	return nil
}

type imageListCmd struct{}

func (*imageListCmd) Run(s *Settings, out io.Writer) error {
	images, err := image.Open(s.ImageDir)
	if err != nil {
		return err
	}
	list, err := images.List()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tDIGEST\tARCH\tFORMAT\tDISK\tTAKES\tBUILT")
	for _, i := range list {
		fmt.Fprintf(w, "%s\t%.19s…\t%s\t%s\t%s\t%s\t%s\n", i.Name, i.Digest,
			cmp.Or(i.Arch, "amd64"), cmp.Or(i.Format, "ext4"), megabytes(i.Size), megabytes(i.Occupied),
			i.Built.Local().Format("2006-01-02 15:04"))
	}
	return w.Flush()
}

func megabytes(bytes int64) string { return fmt.Sprintf("%d MB", bytes/1e6) }

type imageKernelCmd struct{}

func (*imageKernelCmd) Run(ctx context.Context, out io.Writer) error {
	bar := newMeter("kernel")
	path, err := uml.BuildKernel(ctx, "", func(percent int, what string) { bar.show(float64(percent)/100, what) })
	bar.done()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "guests will be started with %s\n", path)
	return nil
}

// meter shows progress: a bar at a terminal, a line for each phase elsewhere.
type meter struct {
	title string
	bar   *progressbar.ProgressBar // nil when not at a terminal
	phase string
}

const meterSteps = 1000

func newMeter(title string) *meter {
	m := &meter{title: title}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		m.bar = progressbar.NewOptions(meterSteps, progressbar.OptionSetWriter(os.Stderr),
			progressbar.OptionSetDescription(title), progressbar.OptionSetWidth(30),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetElapsedTime(true))
	}
	return m
}

func (m *meter) show(fraction float64, phase string) {
	if m.bar != nil {
		m.bar.Describe(m.title + ": " + phase)
		_ = m.bar.Set(int(fraction * meterSteps))
		return
	}
	if phase != m.phase {
		fmt.Fprintf(os.Stderr, "%s: %3.0f %% %s\n", m.title, 100*fraction, phase)
		m.phase = phase
	}
}

func (m *meter) done() {
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}
