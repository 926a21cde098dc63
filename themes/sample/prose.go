package sample

import (
	"time"

	"github.com/labmark/labmark/themes"
)

// Prose is a tutorial with all that text can hold, as package content makes it.
func Prose(nonce string, guest themes.GuestView) themes.TutorialPage {
	p := Tutorial(nonce, guest)
	p.Heading, p.Summary, p.Duration, p.Next = "What a text can hold", "Code, tabs, formulas, diagrams and footnotes.", 5*time.Minute, nil
	p.Layout = layout(p.Heading, nonce, themes.Crumb{Title: "Courses", Href: "/"},
		themes.Crumb{Title: "Linux essentials", Href: "/courses/linux-essentials"}, themes.Crumb{Title: p.Heading})
	p.Score = themes.Score{}
	p.Steps = proseSteps()
	return p
}

func proseSteps() []themes.Step {
	return []themes.Step{
		{ID: "code", Title: "Code", Body: []themes.Part{
			html(`<p>Everything is a file<sup class="footnote-mark"><a href="#fn:1" id="fnref:1" role="doc-noteref">1</a></sup>, or nearly so, and a file of <span class="math">2^{10}</span> bytes has 1 KiB. It costs $5 and $6 to store it.</p>
<figure class="listing"><figcaption>hello.py</figcaption>
<pre class="chroma" data-code tabindex="0"><code><span class="line"><span class="cl"><span class="kn">import</span> <span class="nn">sys</span>
</span></span><span class="line hl"><span class="cl">
</span></span><span class="line"><span class="cl"><span class="k">def</span> <span class="nf">main</span><span class="p">():</span>
</span></span><span class="line hl"><span class="cl">    <span class="nb">print</span><span class="p">(</span><span class="s2">&#34;a line that is so long that no column of a page could ever hold it without being scrolled, not even a wide one, for sure not this&#34;</span><span class="p">)</span>
</span></span><span class="line hl"><span class="cl">    <span class="k">return</span> <span class="mi">0</span>
</span></span></code></pre>
</figure>
<p>What you type stands behind the prompt:</p>
<pre class="chroma" data-code tabindex="0"><code><span class="line"><span class="cl"><span class="gp">$</span> whoami
</span></span><span class="line"><span class="cl"><span class="go">student
</span></span></span><span class="line"><span class="cl"><span class="gp">$</span> cat /etc/hostname <span class="se">\
</span></span></span><span class="line"><span class="cl"><span class="gp">&gt;</span> /etc/issue
</span></span><span class="line"><span class="cl"><span class="go">lab
</span></span></span></code></pre>
<pre tabindex="0"><code>This is output, and nobody copies it.
</code></pre>
<section class="footnotes" role="doc-endnotes">
<ol>
<li id="fn:1" value="1">
<p>Said of Unix since the 1970s.</p>
<p>A second paragraph, with <code>code</code>. <a href="#fnref:1" role="doc-backlink" aria-label="[1]">↩︎</a></p>
</li>
</ol>
</section>
`),
		}},
		{ID: "tabs", Title: "Tabs", Body: []themes.Part{
			html(`<div class="tab-set">
<section class="tab-page">
<p class="tab-title">Debian</p>
<p>Debian's installer<sup class="footnote-mark"><a href="#fn:2" id="fnref:2" role="doc-noteref">2</a></sup> asks first.</p>
<pre class="chroma" data-code tabindex="0"><code><span class="line"><span class="cl">apt-get install nginx
</span></span></code></pre>
</section>
<section class="tab-page">
<p class="tab-title">Alpine</p>
<p>Alpine's is fast. See <a href="#the-log">what the log says</a>.</p>
<pre class="chroma" data-code tabindex="0"><code><span class="line"><span class="cl">apk add nginx
</span></span></code></pre>
</section>
<section class="tab-page">
<p class="tab-title">Fedora</p>
<pre class="chroma" data-code tabindex="0"><code><span class="line"><span class="cl">dnf install nginx
</span></span></code></pre>
</section>
</div>
<p>Then start it:</p>
<div class="tab-set">
<section class="tab-page">
<p class="tab-title">Alpine</p>
<pre class="chroma" data-code tabindex="0"><code><span class="line"><span class="cl">rc-service nginx start
</span></span></code></pre>
<h3 id="the-log">The log</h3>
<p>It is in <code>/var/log/messages</code>.</p>
</section>
<section class="tab-page">
<p class="tab-title">Debian</p>
<pre class="chroma" data-code tabindex="0"><code><span class="line"><span class="cl">systemctl start nginx
</span></span></code></pre>
<h4 id="debian-log">Debian's log</h4>
<p>It is in the journal. <a href="#the-log">Back to Alpine's</a>.</p>
</section>
</div>
<section class="footnotes" role="doc-endnotes">
<ol>
<li id="fn:2" value="2">
<p><em>Advanced Package Tool</em>. <a href="#fnref:2" role="doc-backlink" aria-label="[2]">↩︎</a></p>
</li>
</ol>
</section>
`),
		}},
		{ID: "formulas", Title: "Formulas", Body: []themes.Part{
			html(`<p>The throughput of a window <span class="math">W</span> over a round trip <span class="math">T</span> with loss <span class="math">p</span> is at most <span class="math">\frac{W}{T}\sqrt{\frac{3}{2p}}</span>, on port <span class="math">p = `),
			{Text: "8123"},
			html(`</span>.</p>
<div class="math display">\begin{aligned}
\sum_{i=1}^{n} i &amp;= 1 + 2 + \dots + n \\
  &amp;= \frac{n (n + 1)}{2}
\end{aligned}</div>
<div class="math display">f(x_1, x_2, x_3, x_4, x_5, x_6, x_7, x_8, x_9) = a_1 x_1 + a_2 x_2 + a_3 x_3 + a_4 x_4 + a_5 x_5 + a_6 x_6 + a_7 x_7 + a_8 x_8 + a_9 x_9 + \int_0^\infty e^{-x^2}\,\mathrm{d}x</div>
<p>A mistake: <span class="math">\farc{1}{2}</span>.</p>
<table>
<thead>
<tr>
<th align="left">left</th>
<th align="center">centre</th>
<th align="right">right</th>
</tr>
</thead>
<tbody>
<tr>
<td align="left">a</td>
<td align="center"><span class="math">x^2</span></td>
<td align="right">1</td>
</tr>
<tr>
<td align="left">long text</td>
<td align="center">b</td>
<td align="right">1024</td>
</tr>
</tbody>
</table>
`),
		}},
		{ID: "diagrams", Title: "Diagrams", Body: []themes.Part{
			html(`<figure class="diagram"><pre tabindex="0"><code>flowchart LR
  student([Student]) --&gt; router{Router} --&gt;|port `),
			{Text: "8123"},
			html(`| web[Web server]
  router -.-&gt;|dropped| nowhere((no one))
  style nowhere fill:#fbe8e2,stroke:#a8261a,color:#1d2333
</code></pre>
<figcaption>A student&#39;s request goes through the router to the web server</figcaption></figure>
<figure class="diagram"><pre tabindex="0"><code>sequenceDiagram
  participant C as Client
  participant S as Server
  C-&gt;&gt;S: SYN
  S--&gt;&gt;C: SYN, ACK
  Note over C,S: Half open
  C-&gt;&gt;S: ACK
</code></pre>
<figcaption>How a connection begins</figcaption></figure>
<figure class="diagram"><pre tabindex="0"><code>flowchart LR
  a --&gt; --&gt; b
</code></pre>
<figcaption>A diagram with a mistake</figcaption></figure>
`),
		}},
	}
}
