// An author's hour: "labmark preview" on a course, with a real guest.
import assert from 'node:assert/strict'
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { axe, endGuests, freePort, launch, open, root, screenshot, serve, until } from './harness.mjs'
import { guestState, typeInTerminal, terminalReady, waitForTerminal } from './student.mjs'

const check = '```check {#note-written}\n:pass: The note says $word.\n:fail: The note should say "$word".\ntest "$(cat /root/note 2>/dev/null)" = "$word"\n```\n\n' +
  '```solve {for=note-written}\necho "solving for $word"\necho "$word" >/root/note\n```\n\n' +
  '```mistake {for=note-written expect="should say"}\necho wrong >/root/note\n```\n'

// lesson has about 200 blocks.
const lesson =
  '---\ntitle: A long lesson\nguests: {lab: {image: debian-12}}\nvars: {word: {hex: 8}}\n---\n\nAn opening.\n\n' +
  `## The work\n\n:::task {#note title="Leave a note"}\nWrite **{{word}}** into /root/note.\n\n${check}:::\n\n` +
  ':::question {#port type=text}\nWhich port?\n\n- [x] 22\n:::\n\n' +
  Array.from({ length: 4 }, (_, part) => `## Part ${part + 1}\n\n` + Array.from({ length: 48 }, (_, i) => `Paragraph ${part * 48 + i} of a long text that goes on and on.\n`).join('\n')).join('\n')

let dir, data, file, server, browser
const save = (text) => writeFileSync(file, text)

before(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'lmp'))
  data = path.join(dir, 'd')
  const course = path.join(dir, 'course')
  mkdirSync(path.join(course, 'tutorials'), { recursive: true })
  writeFileSync(path.join(course, 'course.yaml'), 'id: mine\ntitle: My course\n')
  file = path.join(course, 'tutorials', 'long.md')
  save(lesson)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  server = await serve(path.join(root, 'bin', 'labmark'), ['preview', '--listen', `127.0.0.1:${port}`, '--data-dir', data, course], `${url}/healthz`)
  browser = await launch()
})

after(async () => {
  await browser?.close()
  await server?.stop()
  endGuests(data)
  rmSync(dir, { recursive: true, force: true })
})

const paragraph = (page, n) => page.locator('article.prose p', { hasText: new RegExp(`^Paragraph ${n} `) })
const topOf = async (locator) => (await locator.boundingBox()).y

test('an author writes, breaks, mends and proves a tutorial', { timeout: 300_000 }, async () => {
  const visit = await open(browser, server.url, { permissions: ['clipboard-read', 'clipboard-write'] })
  const { page } = visit
  const report = page.locator('#check-note-written .author-report')
  const press = (name) => page.getByRole('button', { name: `${name}: note-written` }).click()
  const said = (words) => until(`the report to say ${words}`, async () => {
    const text = await report.textContent()
    if (text.includes(words)) return text
    throw new Error(`it says ${text}`)
  }, { deadline: 90_000 })
  await page.goto('/courses/mine/long')
  await guestState(page, 'ready')
  await terminalReady(page)
  await page.locator('#check-port .answer-text').fill('23, I think')
  await page.evaluate(() => (window.neverReloaded = true))

  // A save far above, and one right below, leave the reader where they are.
  await paragraph(page, 60).evaluate((e) => e.scrollIntoView({ behavior: 'instant' }))
  const place = await topOf(paragraph(page, 62))
  const times = []
  for (let round = 1; round <= 5; round++) {
    await page.evaluate((round) => {
      window.appeared = new Promise((resolve) => {
        new MutationObserver((_, o) => {
          if (!document.querySelector('article.prose').textContent.includes(`Version ${round}.`)) return
          o.disconnect()
          requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()))
        }).observe(document.querySelector('article.prose'), { childList: true, subtree: true })
      })
    }, round)
    const begun = performance.timeOrigin + performance.now()
    save(lesson.replace('Paragraph 5 of', `Version ${round}.\n\n`.repeat(round) + 'Paragraph 5 of').replace('Paragraph 63 of', `${'New words. '.repeat(40 * round)} Paragraph 63 of`))
    times.push((await page.evaluate(() => window.appeared)) - begun)
    assert.ok(Math.abs((await topOf(paragraph(page, 62))) - place) <= 1, 'the paragraph being read has moved')
  }
  times.sort((a, b) => a - b)
  console.log(`# save to page, a tutorial of 200 blocks: median ${times[2].toFixed(0)} ms of ${times.map((t) => t.toFixed(0)).join(', ')}`)
  assert.equal(await page.locator('#check-port .answer-text').inputValue(), '23, I think')
  assert.equal(await page.evaluate(() => window.neverReloaded), true)

  // A task that changes takes its question and its buttons along.
  save(lesson.replace('Which port?', 'Which port has SSH?'))
  await page.getByText('Which port has SSH?').waitFor()
  assert.equal(await page.locator('#check-port .answer-text').inputValue(), '23, I think')
  await page.locator('#check-port .check-button').click()
  await until('the verdict', async () => (await page.locator('#check-port').getAttribute('data-state')) === 'fail')

  // What is broken is told at its place, and the last good page stays.
  save(lesson.replace('{#note-written}', '{#note-written pionts=2}').replace('An opening.', 'A new opening.'))
  const finding = page.locator('.author-findings li[data-severity=error]')
  await finding.waitFor()
  assert.match(await finding.textContent(), /tutorials\/long\.md:\d+:\d+.*pionts/)
  assert.match(await page.locator('#author-says').textContent(), /last good/)
  await page.locator('#check-note-written .author-mark[data-severity=error]').waitFor()
  assert.ok(await page.getByText('An opening.', { exact: true }).count())
  await finding.getByRole('button').click()
  const line = lesson.split('\n').findIndex((l) => l.includes('{#note-written}')) + 1
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `tutorials/long.md:${line}`)
  await page.locator('#note').evaluate((e) => e.scrollIntoView({ behavior: 'instant' }))
  await screenshot(page, 'preview-broken')
  await axe(page, { skip: ['.xterm'] })
  save(lesson.replace('An opening.', 'A mended opening.'))
  await page.getByText('A mended opening.').waitFor()
  await until('no finding', async () => (await finding.count()) === 0)

  // Check, solution and mistake, in the guest.
  await press('Run check')
  assert.match(await said('The check fails.'), /exit status 1/)
  await press('Do the solution')
  const solved = await said('With the solution the check passes.')
  assert.match(solved, /solving for [0-9a-f]{8}/)
  assert.match(solved, /exit status 0/)
  await typeInTerminal(page, 'cat /root/note')
  await waitForTerminal(page, await page.locator('#note strong').first().textContent())
  const generation = () => page.locator('#guest').getAttribute('data-generation')
  const old = await generation()
  await page.keyboard.press('Alt+r') // while the terminal has the focus
  await until('a fresh machine', async () => (await generation()) !== old && (await page.locator('#guest').getAttribute('data-state')) === 'ready', { deadline: 60_000 })
  await press('Do mistake 1')
  await said('The check notices the mistake, in the words that are expected.')
  await page.locator('.author-code summary').first().click()
  await page.getByText('echo wrong >/root/note').waitFor()
  await screenshot(page, 'preview-tried')
  assert.equal(await page.locator('#score-points').textContent(), '0', 'what an author tries wins no points')

  // Another student has other words.
  const word = () => page.locator('#note strong').first().textContent()
  const mine = await word()
  await page.getByLabel('You are student').fill('2')
  await page.getByRole('button', { name: 'Become' }).click()
  await until('the other word', async () => (await word()) !== mine && (await page.getByLabel('You are student').inputValue()) === '2')
  await page.getByLabel('You are student').fill('1')
  await page.getByRole('button', { name: 'Become' }).click()
  await until('the first word again', async () => (await word()) === mine)
  assert.equal(readFileSync(file, 'utf8').includes('mended'), true)
  await visit.done()
})
