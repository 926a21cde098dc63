package curl

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/labmark/labmark/internal/plainhttp"
)

// options are what a command line asks for.
type options struct {
	urls                                 []string
	method                               string
	header                               []plainhttp.Field
	data                                 []byte
	silent, showError, failOnError, head bool
	include, follow, insecure, get       bool
	remoteName                           bool
	output, form, agent, authorization   string
	referer, cookie, socket              string
	maxTime, connectTime                 time.Duration
	proxy                                *url.URL
	resolve                              map[string]string // "host:port" to where it is

	stdin io.Reader
}

// short are the long names of letters.
var short = map[byte]string{
	's': "silent", 'S': "show-error", 'f': "fail", 'I': "head", 'i': "include", 'L': "location", 'k': "insecure", 'G': "get",
	'O': "remote-name", 'o': "output", 'w': "write-out", 'm': "max-time", 'X': "request", 'd': "data", 'H': "header",
	'x': "proxy", 'A': "user-agent", 'u': "user", 'e': "referer", 'b': "cookie", 'v': "verbose", 'N': "no-buffer",
	'4': "ipv4", '6': "ipv6", '0': "http1.0", 'q': "disable", 'g': "globoff", '#': "progress-bar",
}

// passed over are options that change nothing here.
var ignored = map[string]bool{"verbose": true, "no-buffer": true, "ipv4": true, "ipv6": true, "http1.0": true, "http1.1": true,
	"disable": true, "globoff": true, "progress-bar": true, "compressed": true, "no-progress-meter": true, "path-as-is": true}

func (o *options) flags() map[string]*bool {
	return map[string]*bool{"silent": &o.silent, "show-error": &o.showError, "fail": &o.failOnError, "head": &o.head,
		"include": &o.include, "location": &o.follow, "insecure": &o.insecure, "get": &o.get, "remote-name": &o.remoteName}
}

func (o *options) texts() map[string]*string {
	return map[string]*string{"output": &o.output, "write-out": &o.form, "request": &o.method, "user-agent": &o.agent,
		"referer": &o.referer, "cookie": &o.cookie, "unix-socket": &o.socket}
}

func parse(args []string, stdin io.Reader) (*options, error) {
	o := &options{agent: "curl/8 (labmark)", resolve: map[string]string{}, stdin: stdin}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		var err error
		switch {
		case arg == "--":
			o.urls = append(o.urls, args...)
			args = nil
		case strings.HasPrefix(arg, "--"):
			args, err = o.long(arg[2:], args)
		case len(arg) > 1 && arg[0] == '-':
			args, err = o.letters(arg[1:], args)
		default:
			o.urls = append(o.urls, arg)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(o.urls) == 0 {
		return nil, fmt.Errorf("no address is given")
	}
	return o, o.settle()
}

func (o *options) long(name string, args []string) ([]string, error) {
	if flag := o.flags()[name]; flag != nil {
		*flag = true
		return args, nil
	}
	if ignored[name] {
		return args, nil
	}
	if len(args) == 0 {
		return nil, fmt.Errorf("--%s is unknown here, or its value is missing", name)
	}
	return args[1:], o.set(name, args[0])
}

// letters reads "-sS" or "-m5".
func (o *options) letters(letters string, args []string) ([]string, error) {
	for i := range len(letters) {
		name := short[letters[i]]
		switch flag := o.flags()[name]; {
		case name == "":
			return nil, unknown("-" + letters[i:i+1])
		case flag != nil:
			*flag = true
		case ignored[name]:
		case i+1 < len(letters):
			return args, o.set(name, letters[i+1:])
		case len(args) == 0:
			return nil, fmt.Errorf("the value of -%c is missing", letters[i])
		default:
			return args[1:], o.set(name, args[0])
		}
	}
	return args, nil
}

func unknown(option string) error {
	return fmt.Errorf("the toolbox's curl has no %s: a check with tools=guest uses the machine's own", option)
}

func (o *options) set(name, value string) (err error) {
	if text := o.texts()[name]; text != nil {
		*text = value
		return nil
	}
	switch name {
	case "url":
		o.urls = append(o.urls, value)
	case "max-time":
		o.maxTime, err = seconds(value)
	case "connect-timeout":
		o.connectTime, err = seconds(value)
	case "header":
		field, text, _ := strings.Cut(value, ":")
		o.header = append(o.header, plainhttp.Field{Name: strings.TrimSpace(field), Value: strings.TrimSpace(text)})
	case "data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json":
		return o.addData(name, value)
	case "user":
		o.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(value))
	case "proxy":
		if !strings.Contains(value, "://") {
			value = "http://" + value
		}
		o.proxy, err = url.Parse(value)
	case "resolve":
		parts := strings.SplitN(strings.TrimPrefix(value, "+"), ":", 3)
		if len(parts) != 3 {
			return fmt.Errorf("--resolve takes HOST:PORT:ADDRESS")
		}
		o.resolve[strings.ToLower(net.JoinHostPort(parts[0], parts[1]))] = net.JoinHostPort(strings.Trim(parts[2], "[]"), parts[1])
	case "max-redirs", "retry", "noproxy":
	default:
		return unknown("--" + name)
	}
	return err
}

func seconds(text string) (time.Duration, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 || n > 1e6 {
		return 0, fmt.Errorf("%q is no number of seconds", text)
	}
	return time.Duration(n * float64(time.Second)), nil
}

func (o *options) addData(name, value string) error {
	text := []byte(value)
	if file, found := strings.CutPrefix(value, "@"); found && name != "data-raw" && name != "data-urlencode" {
		var err error
		if file == "-" {
			text, err = io.ReadAll(o.stdin)
		} else {
			text, err = os.ReadFile(file)
		}
		if err != nil {
			return err
		}
		if name == "data" || name == "data-ascii" {
			text = []byte(strings.NewReplacer("\r", "", "\n", "").Replace(string(text)))
		}
	}
	if name == "data-urlencode" {
		key, plain, found := strings.Cut(value, "=")
		text = []byte(url.QueryEscape(value))
		if found {
			text = []byte(key + "=" + url.QueryEscape(plain))
		}
	}
	if name == "json" {
		o.header = append(o.header, plainhttp.Field{Name: "Content-Type", Value: "application/json"}, plainhttp.Field{Name: "Accept", Value: "application/json"})
	}
	if o.data != nil {
		text = append(append(o.data, '&'), text...)
	}
	o.data = text
	return nil
}

// settle makes the options agree with each other.
func (o *options) settle() error {
	if o.get && o.data != nil {
		for i, u := range o.urls {
			mark := "?"
			if strings.Contains(u, "?") {
				mark = "&"
			}
			o.urls[i] = u + mark + string(o.data)
		}
		o.data = nil
	}
	if o.method == "" {
		switch {
		case o.head:
			o.method = "HEAD"
		case o.data != nil:
			o.method = "POST"
		default:
			o.method = "GET"
		}
	}
	return nil
}
