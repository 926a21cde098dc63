# Labmark. The two commands to know: make run, make test.
# Every target does its own set-up; nothing else has to be installed by hand
# than Go, make and git. As another user than root, sudo installs packages.

export PATH := $(CURDIR)/bin:$(PATH)
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/labmark
LINTER_VERSION := v2.15.0
LINTER := $(CACHE)/tools/golangci-lint-$(LINTER_VERSION)
# A registry that stalls is asked again, and what is in npm's cache is not asked for.
NPM_CI := npm ci --no-audit --no-fund --loglevel=error --prefer-offline --fetch-retries=5 --fetch-timeout=60000
STATIC := CGO_ENABLED=0 go build -trimpath -ldflags='-s -w'
GUEST_ARCHES := amd64 arm64 s390x
LISTEN ?= 127.0.0.1:8080
SSH ?= 127.0.0.1:2222

.PHONY: all run test bench build assets image kernel lint fuzz clean deb test-packages packages-run packages-test

all: build

run: build image ## serve the demo course on http://localhost:8080
	bin/labmark serve --listen $(LISTEN) --ssh $(SSH) --demo examples/linux-essentials examples/passwords

test: packages-test build image lint ## run every test
	@# Most packages wait more than they compute; these two need both processors.
	go test -race -timeout 40m -p 2 $$(go list ./... | grep -v -e "/e2e$$" -e "/examples$$")
	go test -race -timeout 40m -p 1 ./e2e ./examples
	cd e2e && $(NPM_CI) && npm test

bench: packages-test build image ## measure, and write bench.json and docs/performance.md
	go run ./internal/bench

TOOLBOXES := $(GUEST_ARCHES:%=vmbackend/embedded/labmark-toolbox-%.tar.gz)

build: assets packages-run $(TOOLBOXES) ## bin/labmark, with the guest's agent and the assets inside
	@internal/setup/go-libvirt.sh
	for arch in $(GUEST_ARCHES); do GOARCH=$$arch $(STATIC) -o vmbackend/embedded/labmark-agent-$$arch ./cmd/labmark-agent || exit; done
	$(STATIC) -o vmbackend/embedded/labmark-shim ./cmd/labmark-shim
	$(STATIC) -o bin/labmark ./cmd/labmark

$(TOOLBOXES): vmbackend/embedded/labmark-toolbox-%.tar.gz: internal/setup/toolbox.sh | packages-run
	@# Another processor's packages may be on no mirror that is known here.
	internal/setup/toolbox.sh $* $@ || { [ $* != "$$(go env GOARCH)" ] && echo "No toolbox for $*: checks in such guests use the guests' own programs."; }

assets: themes/dist/manifest.json

themes/dist/manifest.json: $(shell find themes/src themes/build -type f) themes/package-lock.json | packages-run
	cd themes && $(NPM_CI) --omit=dev
	go run ./themes/build

image: build packages-run ## the guest image that the demo course asks for
	bin/labmark image build --if-changed debian-12

kernel: build ## build the fast kernel for guests (about 10 minutes, once)
	bin/labmark image kernel

lint: $(LINTER) | packages-run
	$(LINTER) run ./...

$(LINTER):
	@echo "building golangci-lint $(LINTER_VERSION) (some minutes, once)"
	GOBIN=$(CACHE)/tools/new GOFLAGS=-mod=mod go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINTER_VERSION)
	mv $(CACHE)/tools/new/golangci-lint $@

fuzz: packages-run ## fuzz everything that reads the world, a minute each
	internal/setup/fuzz.sh 1m

VERSION ?= 0.6~git$(shell TZ=UTC git log -1 --date=format-local:%Y%m%d%H%M%S --format=%cd)

deb: build ## dist/labmark_VERSION_ARCH.deb
	@mkdir -p dist
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w -X main.version=$(VERSION)' -o dist/labmark ./cmd/labmark
	packaging/deb.sh dist/labmark $(VERSION)

test-packages: deb ## try the package in a fresh Debian: needs root
	packaging/deb.sh dist/labmark 0.1
	packaging/test.sh dist/labmark_0.1_$$(dpkg --print-architecture).deb dist/labmark_$(VERSION)_$$(dpkg --print-architecture).deb

packages-run:
	@internal/setup/packages.sh run

packages-test: packages-run
	@internal/setup/packages.sh test

clean: ## remove what was built here (not images and kernels in the cache)
	rm -rf bin dist themes/node_modules e2e/node_modules e2e/results
	find themes/dist vmbackend/embedded -type f ! -name README.md ! -name '*.go' -delete
