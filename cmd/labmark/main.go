// Command labmark serves Markdown labs that mark themselves.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the whole command line. Help texts are what `labmark --help` shows.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Serve courses to browsers, with a Linux machine for every student."`
	Lint     lintCmd     `cmd:"" help:"Say what is wrong in a course, at the line where it stands."`
	New      newCmd      `cmd:"" help:"Begin a course or a tutorial."`
	Test     testCmd     `cmd:"" help:"Prove a course: do in real guests what students will do, right and wrong."`
	Preview  previewCmd  `cmd:"" help:"Show a course to its author, anew at each save, with what is wrong in it."`
	Check    checkCmd    `cmd:"" help:"Run checks of a course on any machine, by SSH."`
	Image    imageCmd    `cmd:"" help:"Build and list the images that guests are made from."`
	Node     nodeCmd     `cmd:"" help:"Add, test, drain and remove the machines that guests run on."`
	User     userCmd     `cmd:"" help:"Add, list, export and erase people, set passwords."`
	Grades   gradesCmd   `cmd:"" help:"Take grades out and put overrides in, as tables."`
	Platform platformCmd `cmd:"" help:"Register learning platforms (Moodle, Canvas), test and remove them."`
	LMS      lmsCmd      `cmd:"" name:"lms" help:"Serve a pretend learning platform on this machine, to try launches with."`
	Backup   backupCmd   `cmd:"" help:"Keep the whole installation in one file, while it runs."`
	Restore  restoreCmd  `cmd:"" help:"Make an installation of a backup, on either kind of database."`
	Doctor   doctorCmd   `cmd:"" help:"Say what is wrong with an installation, and how to mend it; nothing is changed."`
	Rollback rollbackCmd `cmd:"" help:"Bring back the database as it was before an upgrade of Labmark."`
	Config   configCmd   `cmd:"" help:"Show every setting, its value and where it came from."`
	Version  versionCmd  `cmd:"" help:"Show which labmark this is."`

	Settings
}

const description = `Labmark turns Markdown tutorials with check blocks into labs that mark themselves.

Every setting can be given as a flag, as an environment variable, or in a YAML file with the flags' names as keys; flags win over variables, variables over files. "labmark config" shows what holds.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, errFindings) { // they have been shown
			fmt.Fprintln(os.Stderr, "labmark:", err)
		}
		os.Exit(1)
	}
}

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c cli
	files := &configFiles{lenient: len(args) > 0 && args[0] == "doctor"} // which tells of them itself
	parser, err := kong.New(&c,
		kong.Name("labmark"),
		kong.Description(description),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.DefaultEnvars("LABMARK"),
		kong.Configuration(files.load, defaultConfigFiles()...),
		kong.Vars{"data_dir": defaultDataDir(), "image_dir": defaultImageDir()},
		kong.Writers(stdout, stderr),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(stdout, (*io.Writer)(nil)),
		kong.Bind(files, &c.Settings),
	)
	if err != nil {
		return err
	}
	k, err := parser.Parse(args)
	if err != nil {
		return fmt.Errorf("%w (try labmark --help)", err)
	}
	log, err := c.logger(stderr)
	if err != nil {
		return err
	}
	slog.SetDefault(log)
	return k.Run(k, log)
}
