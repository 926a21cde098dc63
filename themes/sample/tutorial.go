package sample

import (
	"time"

	"github.com/labmark/labmark/themes"
)

// Checks has a check in each state that it can be in.
func Checks() []themes.CheckView {
	last := func(check, verdict, message string, won, best, of float64, attempts int) *themes.AttemptView {
		return &themes.AttemptView{ID: "a-" + check, Check: check, State: "done", Verdict: verdict, Message: message,
			Won: won, Best: best, Points: of, Attempts: attempts, At: now.Add(-4 * time.Minute)}
	}
	return []themes.CheckView{
		{ID: "folder", Title: "Make a folder", Points: 1},
		{ID: "notes", Title: "Write a note", Points: 2, Won: 2, Attempts: 2,
			Last: last("notes", "pass", "notes.txt is there and says hello.", 2, 2, 2, 2)},
		{ID: "copy", Title: "Copy it", Points: 1, Attempts: 1,
			Last: last("copy", "fail", "There is no copy of notes.txt in /home/student/backup. The folder holds: nothing.", 0, 0, 1, 1)},
		{ID: "tidy", Title: "Tidy up", Points: 1, Won: 0.5, Attempts: 3,
			Last: last("tidy", "fail", "Two of the three pictures are still in Downloads.", 0.5, 0.5, 1, 3)},
		{ID: "archive", Title: "Pack it all", Points: 1,
			Last: last("archive", "unsure", "The machine did not answer in time. This does not count as an attempt.", 0, 0, 1, 0)},
	}
}

// Tutorial is the work place with each kind of part. Guests are its machines'
// names; the state of the machine is "none" unless given otherwise.
func Tutorial(nonce string, guest themes.GuestView, guests ...string) themes.TutorialPage {
	if guest.State == "" {
		guest = themes.GuestView{State: "none", Detail: "", Image: "debian-12", Since: now}
	}
	if len(guests) == 0 {
		guests = []string{"main"}
	}
	return themes.TutorialPage{
		Layout: layout("Files and folders", nonce, themes.Crumb{Title: "Courses", Href: "/"},
			themes.Crumb{Title: "Linux essentials", Href: "/courses/linux-essentials"}, themes.Crumb{Title: "Files and folders"}),
		Heading: "Files and folders", Summary: "Make them, move them, find them again.",
		Duration: 25 * time.Minute, API: API, Steps: steps(guests),
		Score: themes.Score{Points: 2.5, Of: 6}, Guest: guest, Guests: guests,
		Next: &themes.Crumb{Title: "Who may do what", Href: "/courses/linux-essentials/permissions"},
	}
}

func html(s string) themes.Part { return themes.Part{HTML: template(s)} }

// HintHTML is what the sample hint says.
const HintHTML = `<p><code>mkdir</code> makes a folder. Its manual, <code>man mkdir</code>, says how to make several at once.</p>`

func steps(guests []string) []themes.Step {
	c := Checks()
	run := func(command string) themes.Part {
		return themes.Part{Run: &themes.RunView{Guest: guests[0], Command: command}}
	}
	return []themes.Step{
		{Body: []themes.Part{
			html("<p>Everything in Linux is a file, or behaves like one. Here you learn to make files, to move them about and to find them again. Your user name in the machine is <strong>"),
			{Text: "student-<7>"},
			html("</strong>.</p><p>On the right is a machine of your own. You cannot break anything that a reset would not mend.</p>")},
		},
		{ID: "look", Title: "Look around", Body: []themes.Part{
			html("<p>First see where you are. <code>pwd</code> prints the folder that you stand in, <code>ls</code> what is in it:</p>"),
			run("pwd; ls -l"),
			html(`<p>A name that begins with a dot is hidden. <kbd>Tab</kbd> completes names, see <a href="https://www.gnu.org/software/bash/manual/">the shell's manual</a>.</p>
<aside class="note" role="note"><p class="title">Note</p><p>Upper and lower case matter: <code>Work</code> and <code>work</code> are two folders.</p></aside>
<section class="task" id="folder"><h3 class="task-title">Make a folder</h3><p>Make a folder <code>work</code> in your home folder.</p>`),
			{Check: &c[0]},
			{Hint: &themes.HintView{ID: "hint-1", Due: true}},
			{Hint: &themes.HintView{ID: "hint-2", Due: true, Cost: 1}},
			{Hint: &themes.HintView{ID: "hint-3", After: 2}},
			html("</section>"),
		}},
		{ID: "write", Title: "Write something down", Body: []themes.Part{
			html(`<p>An editor changes text files. Or let the shell write for you:</p>
<pre class="chroma"><code><span class="nb">echo</span> <span class="s2">"hello"</span> &gt; notes.txt   <span class="c1"># &gt; replaces the file, &gt;&gt; adds to it</span>
cat notes.txt</code></pre>
<section class="task" id="note"><h3 class="task-title">Write a note</h3><p>Write the word <em>hello</em> into <code>work/notes.txt</code>.</p>`),
			{Check: &c[1]},
			{Solution: &themes.SolutionView{Check: "notes", Available: true}},
			html(`</section><section class="task" id="copy"><h3 class="task-title">Copy it</h3><p>Make a folder <code>backup</code> and copy the note into it.</p>`),
			{Check: &c[2]},
			html("</section>"),
		}},
		{ID: "tidy-up", Title: "Tidy up and pack", Body: []themes.Part{
			html(`<p>The shell fills in patterns before it runs a command:</p><table><thead><tr><th>pattern</th><th>means</th></tr></thead><tbody><tr><td><code>*</code></td><td>anything</td></tr><tr><td><code>?</code></td><td>one character</td></tr><tr><td><code>[ab]</code></td><td>a or b</td></tr></tbody></table>
<aside class="warning" role="note"><p class="title">Warning</p><p>There is no waste basket: what <code>rm</code> removes is gone.</p></aside>
<section class="task" id="tidy"><h3 class="task-title">Tidy up</h3><p>Move the three pictures from <code>Downloads</code> to <code>Pictures</code>.</p>`),
			{Check: &c[3]},
			html(`</section>`),
			run("cd ~\ntar -czf work.tar.gz work\ntar -tzf work.tar.gz"),
			html(`<section class="task" id="pack"><h3 class="task-title">Pack it all</h3><p>Leave an archive of <code>work</code> in your home folder.</p>`),
			{Check: &c[4]},
			html(`</section>`),
		}},
	}
}
