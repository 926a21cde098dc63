// What the text of a tutorial can hold: code, tabs, formulas, diagrams and
// footnotes. Against themes/demo.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { demo } from './demo.mjs'
import { axe, launch, open, screenshot, until } from './harness.mjs'

const address = '/courses/linux-essentials/prose'
const patience = 120_000 // for diagrams, which take some seconds of a quiet processor

describe('prose', () => {
  let server, browser
  before(async () => {
    server = await demo()
    browser = await launch()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  // visited opens the page; drawn has it wait until all of it is drawn.
  async function visited({ drawn = false, ...options }, work) {
    const visit = await open(browser, server.url, options)
    const { page } = visit
    await visit.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(address)
    await page.locator('.tab-list').first().waitFor()
    if (drawn) await until('the formulas', async () => (await page.locator('.math .katex').count()) === 9, { deadline: patience })
    if (drawn) await until('the last diagram to be given up', () => page.locator('figure.diagram.wrong').count(), { deadline: patience })
    await work(page)
    await visit.done()
  }

  // whole makes the window as high as the page, for a picture of all of it.
  async function whole(page, width, name) {
    const height = await page.evaluate(() => document.querySelector('#tutorial').scrollHeight)
    await page.setViewportSize({ width, height: height + 150 })
    await screenshot(page, name)
  }

  test('in light colours: formulas for the eye and for screen readers, diagrams as pictures with words', async () => {
    await visited({ drawn: true, colorScheme: 'light' }, async (page) => {
      const first = page.locator('.math').first()
      assert.equal(await first.locator('.katex-html').textContent(), '210')
      assert.match(await first.locator('math').evaluate((m) => m.textContent), /2\^\{10\}/)
      assert.ok(await page.evaluate(() => document.fonts.check('16px KaTeX_Main')))
      assert.match(await page.locator('#formulas').textContent(), /p = 8123|p=8123/)
      const wrong = page.locator('.math-wrong')
      assert.equal(await wrong.textContent(), '\\farc{1}{2}')
      await page.getByText('This formula has a mistake').waitFor()

      const drawing = page.getByRole('img', { name: "A student's request goes through" })
      assert.equal(await drawing.count(), 1)
      assert.deepEqual(await drawing.locator('svg text').allTextContents().then((t) => t.map((s) => s.trim()).filter(Boolean)),
        ['port 8123', 'dropped', 'Student', 'Router', 'Web server', 'no one'])
      // The author's colours and Mermaid's are there: the policy refused neither.
      const fill = (text) => drawing.locator('.node', { hasText: text }).locator('rect, circle, polygon, path').first().evaluate((e) => getComputedStyle(e).fill)
      assert.equal(await fill('no one'), 'rgb(251, 232, 226)')
      assert.equal(await fill('Web server'), 'rgb(232, 236, 247)')
      assert.equal(await page.getByRole('img', { name: 'How a connection begins' }).count(), 1)
      const broken = page.locator('figure.diagram.wrong')
      assert.match(await broken.textContent(), /could not be drawn.*a --> --> b/s)
      assert.equal(await page.locator('.diagram-stage').count(), 0)
      await axe(page)
      await whole(page, 1440, 'prose-light')
    })
  })

  test('tabs by keyboard, the same title everywhere, and again after a reload', async () => {
    await visited({}, async (page) => {
      const [first, second] = [page.locator('.tab-set').nth(0), page.locator('.tab-set').nth(1)]
      const chosen = (set) => set.getByRole('tab', { selected: true }).textContent()
      assert.equal(await chosen(first), 'Debian')
      assert.equal(await chosen(second), 'Alpine')
      await first.getByRole('tab', { name: 'Debian' }).focus()
      await page.keyboard.press('ArrowRight')
      assert.equal(await chosen(first), 'Alpine')
      assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Alpine')
      await first.getByText("Alpine's is fast").waitFor()
      assert.equal(await first.getByText('asks first').isVisible(), false)
      await page.keyboard.press('End')
      assert.equal(await chosen(first), 'Fedora')
      assert.equal(await chosen(second), 'Alpine', 'the second set has no Fedora')
      await page.keyboard.press('ArrowRight')
      assert.equal(await chosen(first), 'Debian')
      assert.equal(await chosen(second), 'Debian')
      await page.keyboard.press('Tab')
      assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'tabpanel')

      await page.reload()
      assert.equal(await chosen(second), 'Debian')
      await first.getByRole('tab', { name: 'Alpine' }).click()
      await second.getByRole('tab', { name: 'Debian' }).click()
      await second.getByRole('link', { name: 'Back to Alpine' }).click()
      await second.getByText('/var/log/messages').waitFor()
      assert.equal(await chosen(second), 'Alpine', 'a link opens the tab that it leads into')
    })
  })

  test('code is copied, of a session the commands alone; output is not', async () => {
    await visited({}, async (page) => {
      const clipboard = () => page.evaluate(() => navigator.clipboard.readText())
      const frame = (text) => page.locator('.copyable', { hasText: text })
      await frame('import sys').getByRole('button', { name: 'Copy the code' }).click()
      await page.getByRole('button', { name: 'Copied the code' }).waitFor()
      await until('the announcement', async () => (await page.locator('#announce').textContent()) === 'Copied.')
      assert.match(await clipboard(), /^import sys\n\ndef main\(\):\n {4}print\(.*\)\n {4}return 0\n$/)
      await frame('whoami').getByRole('button').click()
      await until('the commands', async () => (await clipboard()) === 'whoami\ncat /etc/hostname \\\n/etc/issue\n')
      assert.equal(await frame('This is output').count(), 0)
      assert.equal(await page.locator('.hl').count(), 3)
    })
  })

  test('footnotes lead there and back', async () => {
    await visited({}, async (page) => {
      await page.locator('[role=doc-noteref]').first().click()
      assert.equal(new URL(page.url()).hash, '#fn:1')
      await page.locator('[role=doc-backlink]').first().click()
      assert.equal(new URL(page.url()).hash, '#fnref:1')
    })
  })

  test('in the dark, and on paper', async () => {
    await visited({ drawn: true, colorScheme: 'dark' }, async (page) => {
      const drawings = page.locator('figure.diagram').first().locator('.drawing')
      const looks = async () => [await drawings.and(page.locator('[data-look=dark]')).isVisible(), await drawings.and(page.locator('[data-look=light]')).isVisible()]
      assert.deepEqual(await looks(), [true, false])
      await axe(page)
      await whole(page, 1440, 'prose-dark')
      await page.getByRole('button', { name: 'Light or dark' }).click()
      assert.deepEqual(await looks(), [false, true])
      await page.getByRole('button', { name: 'Light or dark' }).click()
      await page.emulateMedia({ media: 'print' })
      assert.deepEqual(await looks(), [false, true])
      for (const text of ['apt-get install nginx', 'apk add nginx', 'dnf install nginx']) assert.ok(await page.getByText(text).isVisible(), text)
      assert.ok(await page.locator('.tab-title', { hasText: 'Fedora' }).isVisible())
    })
  })

  test('on a phone nothing is wider than the page', async () => {
    await visited({ drawn: true, viewport: { width: 390, height: 844 } }, async (page) => {
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
      await axe(page)
      await whole(page, 390, 'prose-narrow')
    })
  })

  test('without scripts all can be read', async () => {
    const visit = await open(browser, server.url, { javaScriptEnabled: false })
    await visit.page.goto(address)
    for (const text of ['apt-get install nginx', 'dnf install nginx', '2^{10}', 'participant C as Client']) {
      assert.ok(await visit.page.getByText(text).first().isVisible(), text)
    }
    for (const title of ['Debian', 'Alpine', 'Fedora']) assert.ok(await visit.page.locator('.tab-title', { hasText: title }).first().isVisible(), title)
    await visit.done()
  })

  test('a page without formulas and diagrams loads nothing of them', async () => {
    const visit = await open(browser, server.url)
    const loaded = []
    visit.page.on('request', (r) => loaded.push(r.url()))
    await visit.page.goto('/courses/linux-essentials/files')
    await visit.page.locator('#guest[data-state=ready]').waitFor({ timeout: patience })
    assert.deepEqual(loaded.filter((url) => /maths|diagram|chunk|KaTeX/.test(url)), [])
    await visit.done()
  })
})
