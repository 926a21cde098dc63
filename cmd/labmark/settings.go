package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/labmark/labmark/vmbackend/image"
)

// Settings hold for all commands. Their names are the same as flags, in
// files, and (with LABMARK_ before) as environment variables.
type Settings struct {
	ConfigFile kong.ConfigFlag `name:"config" help:"Read settings from this YAML file too." placeholder:"FILE"`
	DataDir    string          `help:"Folder of guests, and of the database unless that is PostgreSQL." default:"${data_dir}" placeholder:"DIR"`
	Database   string          `help:"PostgreSQL database, as postgres://USER@HOST/NAME; otherwise SQLite in the data folder." placeholder:"URL"`
	ImageDir   string          `help:"Folder of guest images." default:"${image_dir}" placeholder:"DIR"`
	LogLevel   string          `help:"Least level of log lines: debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
	LogFormat  string          `help:"Form of log lines: text or json." enum:"text,json" default:"text"`
}

// logger writes to stderr, so that stdout holds nothing but results.
func (s *Settings) logger(stderr io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return nil, fmt.Errorf("log-level: %w", err)
	}
	opt := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(stderr, opt)), nil
	}
	return slog.New(slog.NewTextHandler(stderr, opt)), nil
}

// defaultDataDir follows the Filesystem Hierarchy Standard for root and the
// XDG Base Directory Specification for everybody else.
func defaultDataDir() string {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "labmark")
	}
	if os.Geteuid() == 0 {
		return "/var/lib/labmark"
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "labmark-data"
	}
	return filepath.Join(home, ".local", "share", "labmark")
}

func defaultImageDir() string { return image.DefaultDir() }

// defaultConfigFiles are read if they are there; later ones win.
func defaultConfigFiles() []string {
	files := []string{"/etc/labmark/labmark.yaml"}
	if dir, err := os.UserConfigDir(); err == nil {
		files = append(files, filepath.Join(dir, "labmark", "labmark.yaml"))
	}
	return files
}
