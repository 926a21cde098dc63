package uml

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/agent/initrd"
	"github.com/labmark/labmark/vmbackend/embedded"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/jail"
)

// Images finds images by digest; *image.Store does.
type Images interface {
	ByDigest(digest string) (image.Image, error)
}

// Config says where and how guests run. Zero values take the defaults.
type Config struct {
	// Dir is the storage, made when it is missing. One backend process works
	// in it at a time.
	Dir string
	// Images resolves Spec.Image.
	Images Images
	// CacheDir holds what can be made again: the shim, the initial RAM file
	// system, the fast kernel. Default: labmark below the user's cache folder.
	CacheDir string
	// Kernel is the User-Mode Linux executable. Default: the fast one that
	// `make kernel` has put into CacheDir, else Debian's linux.uml.
	Kernel string
	// Memory is a guest's RAM in bytes unless its spec says otherwise.
	Memory int64
	// MaxGuests bounds how many guests there are, running or not.
	MaxGuests int
	// StartTimeout bounds a boot.
	StartTimeout time.Duration
	// FirstHostID is the first of MaxGuests host users, unused otherwise,
	// that guests run as when root starts them.
	FirstHostID int
	// Mirror is the unix socket of the gateway's proxy to package mirrors, for
	// guests with vmbackend.OpenMirror; empty leaves those without.
	Mirror string
	// Log takes what an administrator may want to know.
	Log *slog.Logger
}

const (
	bootsPerProcessor = 3 // at once; some time of each is spent waiting

	defaultMemory    = 128 << 20
	minMemory        = 32 << 20
	defaultMaxGuests = 200
	// defaultHostID lies above all ranges that distributions and systemd
	// hand out (systemd's UIDS-GIDS document, "special systemd UID ranges").
	defaultHostID = 1_900_000_000
)

// parts are the files that every guest is made of.
type parts struct {
	kernel    string
	libraries []jail.Mount
	initrd    string
	shim      string
}

// New opens the storage, sweeps what a crash left of guests half made, and
// takes over the guests that run.
func New(cfg Config) (*Backend, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	parts, err := gather(cfg)
	if err != nil {
		return nil, fmt.Errorf("user-mode linux: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(cfg.Dir, "guests"), 0o700); err != nil {
		return nil, fmt.Errorf("user-mode linux: make the guests' folder: %w", err)
	}
	if err := errors.Join(sweep(cfg.Dir), sweepNetworks(cfg.Dir)); err != nil {
		return nil, fmt.Errorf("user-mode linux: %w", err)
	}
	b := &Backend{
		cfg: cfg, parts: parts, boots: make(chan struct{}, bootsPerProcessor*runtime.NumCPU()),
		guests: map[string]*guest{},
	}
	b.life, b.end = context.WithCancel(context.Background())
	list, err := b.List(b.life)
	if err != nil {
		return nil, err
	}
	cfg.Log.Info("User-Mode Linux is ready", "kernel", parts.kernel, "dir", cfg.Dir, "guests", len(list))
	return b, nil
}

// Initrd is the path of the initial RAM file system that holds the agent.
func (b *Backend) Initrd() string { return b.parts.initrd }

// Kernel is the path of the kernel that guests are started with.
func (b *Backend) Kernel() string { return b.parts.kernel }

func (cfg *Config) complete() error {
	if cfg.Dir == "" || cfg.Images == nil {
		return errors.New("user-mode linux: a storage folder and a store of images are needed")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return err
	}
	cfg.Dir = dir
	if cfg.Mirror != "" { // supervisors work in their guests' folders
		if cfg.Mirror, err = filepath.Abs(cfg.Mirror); err != nil {
			return err
		}
	}
	if cfg.CacheDir == "" {
		cfg.CacheDir = DefaultCacheDir()
	}
	if cfg.Memory == 0 {
		cfg.Memory = defaultMemory
	}
	if cfg.MaxGuests == 0 {
		cfg.MaxGuests = defaultMaxGuests
	}
	if cfg.StartTimeout == 0 {
		cfg.StartTimeout = vmbackend.DefaultTimeout
	}
	if cfg.FirstHostID == 0 {
		cfg.FirstHostID = defaultHostID
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// DefaultCacheDir is labmark below $XDG_CACHE_HOME or ~/.cache.
func DefaultCacheDir() string {
	cache, err := os.UserCacheDir()
	if err != nil { // no home: a daemon without one
		cache = "/var/cache"
	}
	return filepath.Join(cache, "labmark")
}

// gather finds or makes the files that every guest is made of.
func gather(cfg Config) (parts, error) {
	var p parts
	var err error
	if p.kernel, err = findKernel(cfg); err != nil {
		return p, err
	}
	if p.libraries, err = jail.Libraries(p.kernel); err != nil {
		return p, err
	}
	shim, err := embedded.Shim()
	if err != nil {
		return p, err
	}
	agent, err := embedded.Agent(runtime.GOARCH)
	if err != nil {
		return p, err
	}
	var archive bytes.Buffer
	toolbox, _ := embedded.Toolbox(runtime.GOARCH) // without it checks use the guest's programs
	if err := initrd.Write(&archive, agent, toolbox); err != nil {
		return p, err
	}
	bin := filepath.Join(cfg.CacheDir, "bin")
	if p.shim, err = embedded.Place(bin, "labmark-shim", shim, 0o755); err != nil {
		return p, err
	}
	p.initrd, err = embedded.Place(bin, "initrd", archive.Bytes(), 0o644)
	return p, err
}

// debianKernel is where Debian's package user-mode-linux puts its kernel.
const debianKernel = "/usr/bin/linux.uml"

// FastKernel is where `make kernel` puts its kernel in a cache folder.
func FastKernel(cacheDir string) string { return filepath.Join(cacheDir, "kernel", "linux") }

// FindKernel is the kernel that New takes for a Config.Kernel.
func FindKernel(kernel string) (string, error) {
	return findKernel(Config{CacheDir: DefaultCacheDir(), Kernel: kernel})
}

func findKernel(cfg Config) (string, error) {
	candidates := []string{FastKernel(cfg.CacheDir), debianKernel}
	if cfg.Kernel != "" {
		candidates = []string{cfg.Kernel}
	}
	for _, path := range candidates {
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return filepath.EvalSymlinks(path)
		}
	}
	return "", fmt.Errorf("no kernel at %v: install Debian's package user-mode-linux or run make kernel", candidates)
}
