package sample

import (
	"time"

	"github.com/labmark/labmark/themes"
)

// WidgetsAPI is where the requests of the tutorial with questions go.
const WidgetsAPI = "/api/courses/linux-essentials/widgets"

// Machines are those of the tutorial with questions.
var Machines = []string{"client", "router", "server"}

func choice(id, body string) themes.ChoiceView {
	return themes.ChoiceView{ID: id, Body: []themes.Part{html(body)}}
}

// Questions has one of each type, none answered yet.
func Questions() []themes.QuestionView {
	q := func(id, title, kind string, points float64, choices ...themes.ChoiceView) themes.QuestionView {
		return themes.QuestionView{CheckView: themes.CheckView{ID: id, Title: title, Points: points}, Type: kind, Choices: choices}
	}
	questions := []themes.QuestionView{
		q("layer", "Who forwards?", "choice", 1, choice("k7", "<p>The client</p>"), choice("b2", "<p>The router, by its <code>ip_forward</code> switch</p>"), choice("x9", "<p>The server</p>")),
		q("private", "Private addresses", "choices", 2, choice("m1", "<code>10.77.1.4</code>"), choice("p8", "<code>192.168.3.1</code>"), choice("c3", "<code>8.8.4.4</code>"), choice("z5", "<code>172.16.0.9</code>")),
		q("gateway", "The way out", "text", 1),
		q("hosts", "How many hosts", "number", 1),
		q("order", "A ping's way", "order", 2, choice("r4", "The router looks at the address"), choice("s6", "The server answers"), choice("a1", "The client sends an echo request"), choice("t2", "The router sends it on, out of its other card")),
	}
	questions[2].MaxAttempts = 2
	questions[3].MaxAttempts, questions[3].Cost = 3, 0.5
	return questions
}

// Widgets is a tutorial with three machines, questions, files and a check that
// looks by itself every two seconds. Q are its questions, as Questions gives.
func Widgets(nonce string, guest themes.GuestView, q []themes.QuestionView, looks themes.CheckView) themes.TutorialPage {
	p := Tutorial(nonce, guest, Machines...)
	p.Heading, p.Summary, p.Duration, p.API, p.Next = "Three machines", "A client, a server, and a router between them.", 20*time.Minute, WidgetsAPI, nil
	p.Layout = layout(p.Heading, nonce, themes.Crumb{Title: "Courses", Href: "/"},
		themes.Crumb{Title: "Linux essentials", Href: "/courses/linux-essentials"}, themes.Crumb{Title: p.Heading})
	p.Score = themes.Score{Of: looks.Points}
	for _, one := range q {
		p.Score.Points += one.Won
		p.Score.Of += one.Points
	}
	p.Score.Points += looks.Won
	question := func(i int, prose string) []themes.Part {
		return []themes.Part{html(`<section class="question" id="` + q[i].ID + `"><h3 class="question-title">` + q[i].Title + `</h3>` + prose), {Question: &q[i]}, html(`</section>`)}
	}
	step := func(id, title string, bodies ...[]themes.Part) themes.Step {
		s := themes.Step{ID: id, Title: title}
		for _, b := range bodies {
			s.Body = append(s.Body, b...)
		}
		return s
	}
	on := func(guest, command string) themes.Part {
		return themes.Part{Run: &themes.RunView{Guest: guest, Command: command}}
	}
	p.Steps = []themes.Step{
		{Body: []themes.Part{html(`<p>Three machines are yours. The tabs beside this text lead into each.</p>`)}},
		step("look", "Look at the router", []themes.Part{
			html(`<p>The router has two cards. See what it is called:</p>`), on("router", "echo I am the router"),
			html(`<p>The server has one. These two lines wait for your Enter:</p>`), on("server", "echo one\necho two")},
			question(0, `<p>Which of the three machines passes packets on?</p>`),
			question(1, `<p>Which of these addresses does nobody have on the Internet?</p>`)),
		step("route", "Set the way", []themes.Part{
			html(`<p>Give the client its way out. This file would do it at each boot:</p>`),
			{File: &themes.FileView{ID: "file-1", Guest: "client", Path: "/etc/network/interfaces.d/lan", Body: []themes.Part{
				html(`<span class="k">iface</span> lan inet static` + "\n  address 10.77.1.2/24\n  gateway "), {Text: "10.77.1.1"}, html("\n")}}},
			html(`<section class="task" id="reach"><h3 class="task-title">Reach the server</h3><p>Make the client's <code>ping server</code> get an answer.</p>`),
			{Check: &looks}, html(`</section>`)},
			question(2, `<p>Which address does the client send to what it does not know?</p>`),
			question(3, `<p>How many hosts fit into <code>10.77.1.0/24</code>?</p>`)),
		step("ping", "A ping's way", question(4, `<p>Somebody types <code>ping server</code> at the client.</p>`)),
	}
	return p
}

// Looks is a check that looks by itself.
func Looks() themes.CheckView {
	return themes.CheckView{ID: "reach", Title: "Reach the server", Points: 1, Auto: 2 * time.Second}
}
