// What the pages' scripts say, to readers of other languages than English.
// Against themes/demo, whose pages are in the browser's language.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { demo } from './demo.mjs'
import { launch, open, screenshot, until } from './harness.mjs'
import * as student from './student.mjs'

const files = '/courses/linux-essentials/files'
const widgets = '/courses/linux-essentials/widgets'

describe('the words of scripts', () => {
  let server, browser, visit, page
  before(async () => {
    server = await demo()
    browser = await launch()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })
  beforeEach(() => server.lever('forget'))
  afterEach(() => visit?.done())

  const read = async (locale, options = {}) => {
    visit = await open(browser, server.url, { locale, ...options })
    page = visit.page
  }
  const announced = (words) =>
    until(`an announcement of ${words}`, async () => (await page.locator('#announce').textContent()).includes(words))
  const says = (locator, wanted) =>
    until(`${wanted}`, async () => {
      const words = (await locator.textContent()).trim()
      if (wanted instanceof RegExp ? wanted.test(words) : words === wanted) return true
      throw new Error(`it says ${words}`)
    })

  test('the machine, the terminal and a check speak German', async () => {
    await read('de-DE')
    await page.clock.install()
    await server.lever('hold')
    await page.goto(files)
    await says(page.locator('#guest-state'), 'Ihre Maschine startet…')
    await page.getByText('Sie können inzwischen weiterlesen.').waitFor()
    await server.lever('release')
    await says(page.locator('#guest-state'), 'Bereit.')
    await announced('Bereit.')
    await student.terminalReady(page)
    assert.equal(await page.locator('.xterm-helper-textarea').first().getAttribute('aria-label'), 'Terminal von main. Strg F6 führt hinaus.')

    await student.runCheck(page, 'folder', 'fail')
    const folder = student.check(page, 'folder')
    await says(folder.locator('.check-verdict'), 'Noch nicht')
    await says(folder.locator('.check-attempts'), '1 Versuch')
    await says(folder.locator('.check-when'), 'zuletzt versucht gerade eben')
    await announced('Noch nicht. ')
    await page.clock.fastForward('04:10')
    await says(folder.locator('.check-when'), 'zuletzt versucht vor 4 Min.')
    await student.runCheck(page, 'tidy', 'part')
    await says(student.check(page, 'tidy').locator('.check-verdict'), 'Teilweise')
    await announced('0,5 von 1 Punkt.')
    await says(page.locator('#score-points'), '2,5')

    await server.lever('deaf')
    await page.getByText('Die Verbindung zum Terminal ist unterbrochen.').waitFor()
    await page.clock.fastForward('00:02')
    await page.getByText('Die Verbindung zum Server ist unterbrochen.').waitFor()
    await page.getByRole('button', { name: 'Jetzt versuchen' }).waitFor()
    await server.lever('hear')
    visit.forgive(/ERR_INCOMPLETE_CHUNKED|WebSocket|503/)
  })

  test('a question speaks German, and counts as German does', async () => {
    await read('de')
    await student.openTutorial(page, widgets)
    const gateway = student.check(page, 'gateway')
    await says(gateway.locator('.answer-left'), 'noch 2 Antworten')
    await gateway.getByRole('textbox').press('Enter')
    await says(gateway.locator('.check-action'), 'Schreiben Sie zuerst eine Antwort.')
    await gateway.getByRole('textbox').fill('10.77.1.9')
    await gateway.getByRole('textbox').press('Enter')
    await says(gateway.locator('.answer-left'), 'noch 1 Antwort')
    await says(page.locator('[data-machine="router"] .machine-state'), 'bereit')
    await student.check(page, 'reach').getByText('Zuletzt gesehen: ping').waitFor()
  })

  // Words of two lengths: a button or a bar that English fits need not fit others.
  for (const [locale, ready, never] of [['de', 'Bereit.', 'Noch nicht'], ['fr', 'Prête.', 'Pas encore'], ['es', 'Lista.', 'Todavía no']]) {
    test(`a phone is wide enough in ${locale}`, async () => {
      await read(locale, { viewport: { width: 360, height: 740 } })
      await page.goto(files)
      await student.guestState(page, 'ready')
      await student.terminalReady(page)
      await says(page.locator('#guest-state'), ready)
      const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)
      await student.showTerminal(page)
      assert.ok(await fits(), 'the machine is wider than the screen')
      await screenshot(page, `words-${locale}-machine`)
      await page.locator('.pane-switch button[data-pane="tutorial"]').click()
      await student.runCheck(page, 'folder', 'fail')
      await says(student.check(page, 'folder').locator('.check-verdict'), never)
      assert.ok(await fits(), 'the tutorial is wider than the screen')
      await screenshot(page, `words-${locale}-tutorial`)
    })
  }
})
