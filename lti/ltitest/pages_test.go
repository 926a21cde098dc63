package ltitest

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// person is somebody with a browser that runs no scripts.
type somebody struct {
	*lms
	t       *testing.T
	browser *http.Client
}

func (l *lms) as(t *testing.T, username string) somebody {
	b := *l.client
	b.Jar = NewJar()
	s := somebody{l, t, &b}
	for _, u := range l.Users() {
		if u.Username == username {
			s.submit("/who", url.Values{"user": {u.ID}})
		}
	}
	return s
}

func (s somebody) read(response *http.Response, err error) (int, string) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func (s somebody) open(path string) (int, string) { return s.read(s.browser.Get(s.Host() + path)) }

func (s somebody) submit(path string, form url.Values) (int, string) {
	return s.read(s.browser.PostForm(s.Host()+path, form))
}

// attribute finds an attribute's value in a page.
func attribute(page, pattern string) string {
	if m := regexp.MustCompile(pattern).FindStringSubmatch(page); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

func TestStudentOpensAnActivity(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		l.AddLink(Link{Course: l.course.ID, Title: "In a window", Window: true})
		ada := l.as(t, "ada")
		_, page := ada.open("/courses/" + numberOf(&l.course))
		if !strings.Contains(page, `data-me="ada"`) || strings.Contains(page, "data-add=") {
			t.Errorf("Ada's course page: %s", page)
		}
		window := attribute(page, `href="([^"]*)"[^>]*data-activity="In a window" data-opens="window"`)
		if !strings.HasPrefix(window, "/launch?") {
			t.Errorf("the activity in a window opens %q", window)
		}
		_, page = ada.open(attribute(page, `href="([^"]*)" data-activity="First steps" data-opens="embedded"`))
		if storage := strings.Contains(page, `<iframe name="post_message_forwarding"`); storage != (l.Kind() == Canvas) {
			t.Errorf("the page has a frame for storage: %v", storage)
		}
		_, page = ada.open(attribute(page, `name="tool_content" src="([^"]*)"`))
		if attribute(page, `name="login_hint" value="([^"]*)"`) != l.ada.ID || !strings.Contains(page, l.stub.srv.URL+"/login") {
			t.Errorf("the frame begins with %s", page)
		}
	})
}

func TestTeacherSeesGradesAndOpensTheReview(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		l.call(t, "POST", l.scores, l.token(t), scoreType, scoreOf(l.ada.ID, 1, 4, l.clock))
		course := "/courses/" + numberOf(&l.course)
		if status, _ := l.as(t, "ada").open(course + "/grades"); status != 403 {
			t.Errorf("a student sees the gradebook: %d", status)
		}
		tessa := l.as(t, "tessa")
		_, page := tessa.open(course + "/grades")
		cell := `data-grade data-user="ada" data-activity="First steps" data-posts="1"><span>2.5</span>`
		if !strings.Contains(page, cell) || strings.Contains(page, `data-user="tessa"`) {
			t.Errorf("gradebook: %s", page)
		}
		_, page = tessa.open(attribute(page, `href="([^"]*)" data-review aria-label="Review Ada`))
		_, page = tessa.open(attribute(page, `name="tool_content" src="([^"]*)"`))
		if attribute(page, `name="login_hint" value="([^"]*)"`) != l.tessa.ID {
			t.Errorf("the review begins with %s", page)
		}
		_, page = tessa.open(course + "/add")
		if frame := attribute(page, `name="tool_content" src="([^"]*)"`); !strings.Contains(frame, DeepLinking) {
			t.Errorf("adding begins with %q", frame)
		}
	})
}

func TestAdministratorRegistersAndActivates(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		admin := l.as(t, "")
		_, page := admin.submit("/admin/register", url.Values{"registration": {l.stub.srv.URL + "/register"}})
		if frame := attribute(page, `name="tool_content" src="([^"]*)"`); !strings.HasPrefix(frame, l.stub.srv.URL+"/register?openid_configuration=") || !strings.Contains(page, `data-closing="true"`) {
			t.Errorf("the frame begins with %q", frame)
		}
		pending := l.AddTool(Tool{Name: "Second", Pending: true})
		_, page = admin.open("/admin")
		if !strings.Contains(page, `data-tool="`+pending.ClientID+`" data-state="pending"`) {
			t.Errorf("tools: %s", page)
		}
		_, page = admin.submit("/admin/activate", url.Values{"client": {pending.ClientID}})
		if !strings.Contains(page, `data-tool="`+pending.ClientID+`" data-state="active"`) {
			t.Errorf("after activating: %s", page)
		}
		admin.submit("/admin/tools", url.Values{"name": {"Third"}, "login": {"https://x.test/l"}, "launch": {"https://x.test/a\nhttps://x.test/b"}, "keys": {"https://x.test/k"}})
		if tools := l.Tools(); len(tools) != 3 || len(tools[2].LaunchURLs) != 2 || tools[2].Pending {
			t.Errorf("by hand: %+v", l.Tools())
		}
		admin.submit("/admin/remove", url.Values{"client": {pending.ClientID}})
		if len(l.Tools()) != 2 {
			t.Errorf("after removing: %+v", l.Tools())
		}
	})
}

func TestControlSetsFaults(t *testing.T) {
	l := newLMS(t, Moodle)
	anybody := l.as(t, "")
	anybody.submit("/control", url.Values{"Down": {"on"}, "Fail": {"30"}, "LateBy": {"250"}, "Token": {"garbage"}, "Clock": {"-5"}})
	f := l.Faults()
	if !f.Down || f.Fail != 0.3 || f.LateBy.Milliseconds() != 250 || f.Token != GarbageToken || f.Clock.Minutes() != -5 {
		t.Errorf("faults: %+v", f)
	}
	status, page := anybody.open("/control")
	if status != 200 || !strings.Contains(page, `name="Down" value="on" checked`) || !strings.Contains(page, `value="30"`) {
		t.Errorf("while down the page says %d %s", status, page)
	}
	_, kid := l.SigningKey()
	anybody.submit("/control", url.Values{"do": {"rotate"}})
	if _, now := l.SigningKey(); now == kid {
		t.Error("the key was not rotated")
	}
	anybody.submit("/control", url.Values{"do": {"heal"}})
	if l.Faults().Down {
		t.Error("not healed")
	}
}

func TestDemoHasPeopleWhoTellMoreOrLess(t *testing.T) {
	for _, kind := range []Kind{Moodle, Canvas} {
		p := New(Config{Kind: kind, Issuer: "http://lms.test"})
		course := Demo(p, Link{Title: "First steps", Custom: map[string]string{"tutorial": "linux/first"}, Points: 10})
		tool := p.AddTool(Tool{Name: "Late", LaunchURLs: []string{"http://tool.test/launch"}})
		link := p.Links(course.ID)[0]
		names := map[bool]int{}
		for _, u := range p.Users() {
			c, err := p.Claims(Message{User: u.ID, Link: link.ID}, "n")
			if err != nil {
				t.Fatal(err)
			}
			if c["aud"] != tool.ClientID {
				t.Errorf("the link belongs to %v", c["aud"])
			}
			names[c["name"] != nil]++
		}
		if names[true] < 4 || names[false] < 1 {
			t.Errorf("names told and withheld: %v", names)
		}
	}
}
