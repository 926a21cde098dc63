// What blocks do in real machines: answers judged there, checks that look by
// themselves, files, and three machines on networks of which one is cut.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { slow } from './day.mjs'
import { gateway } from './gateway.mjs'
import { axe, launch, open, screenshot, until } from './harness.mjs'
import * as student from './student.mjs'

describe('blocks and real machines', () => {
  let server, browser, visit, page
  before(async () => {
    server = await gateway(['e2e/blocks', 'examples/three-machines'])
    browser = await launch()
    visit = await open(browser, server.url)
    page = visit.page
    await student.login(page)
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  // enter goes to a step by its link beside the text.
  const enter = async (step) => {
    const entered = page.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith(`/steps/${step}`))
    await page.locator(`a[href="#${step}"]`).first().click()
    assert.equal((await entered).status(), 202)
  }
  const shows = (wanted, guest) => student.waitForTerminal(page, wanted, { ...slow, guest })

  test('a list that was drawn is the same in the text and in the file', async () => {
    await student.openTutorial(page, '/courses/blocks/machine', slow)
    const names = (await page.locator('.prose strong').first().textContent()).split(' ')
    assert.equal(new Set(names).size, 4)
    await student.typeInTerminal(page, 'cat /srv/list.txt; echo that is "all"')
    const text = await shows(/^that is all/m)
    const lines = text.match(/^[a-z]+:[0-9a-f]{8}$/gm)
    assert.deepEqual(lines?.map((l) => l.split(':')[0]), names)
  })

  test('an answer is judged in the machine, and a hint has its price', async () => {
    const first = (await page.locator('.prose strong').first().textContent()).split(' ')[0]
    const answer = student.check(page, 'bytes').getByRole('textbox')
    await answer.fill('99')
    assert.equal(await student.runCheck(page, 'bytes', 'fail', slow), 'You say 99, the machine says otherwise.')
    const hint = page.locator('#hint-count')
    await hint.locator('summary').click()
    await hint.getByRole('button', { name: 'Show it for 0.5 points' }).click()
    await hint.getByText('prints that line').waitFor()
    await answer.fill(String(first.length))
    assert.equal(await student.runCheck(page, 'bytes', 'pass', slow), `${first.length} bytes, indeed.`)
    await until('two points without the price', async () => (await student.score(page)) === 1.5)
    // The machine decides, not what was drawn: its file has changed.
    await student.typeInTerminal(page, "sudo sed -i '2s/.*/a-name-of-nobody:0/' /srv/list.txt; echo changed")
    await shows(/^changed/m)
    await student.runCheck(page, 'bytes', 'fail', slow)
    assert.equal(await student.score(page), 1.5, 'points once won stay')
  })

  test('entering a step prepares it, and a file is written by its button', async () => {
    await enter('write-something')
    await page.locator('#write-something .step-setup').getByText('Your machine is prepared for this step.').waitFor({ timeout: slow.deadline })
    const names = await page.locator('.prose strong').first().textContent()
    await page.locator('#file-greeting .file-write').click()
    await page.getByText('Written to /home/student/greeting').first().waitFor({ timeout: slow.deadline })
    await student.typeInTerminal(page, 'cat entered greeting; stat -c "%U owns it" greeting')
    await shows(/^student owns it/m)
    const text = await student.terminalText(page)
    assert.match(text, /^as of the step$/m)
    assert.ok(text.includes(`Hello ${names}`), text)
  })

  test('a check that looks by itself passes once the work is typed', async () => {
    assert.equal(await student.check(page, 'made').getAttribute('data-state'), 'idle')
    await student.typeInTerminal(page, 'mkdir work')
    assert.equal(await student.waitForCheck(page, 'made', 'pass', slow), 'The folder is there.')
    await until('its point', async () => (await student.score(page)) === 2.5)
    assert.equal(await student.check(page, 'made').locator('.check-attempts').textContent(), '', 'it costs no attempt')
  })

  test('three machines have a terminal each, and know each other', async () => {
    await page.goto('/courses/three-machines/lines')
    await student.guestState(page, 'ready', slow)
    for (const guest of ['client', 'router', 'server']) {
      await page.getByRole('tab', { name: guest }).click()
      await student.terminalReady(page, { ...slow, guest })
      await student.typeInTerminal(page, 'echo "I am $(hostname)"')
      const text = await shows(/^I am \w+$/m, guest)
      assert.match(text, new RegExp(`^I am ${guest}$`, 'm'))
    }
    await axe(page)
    await screenshot(page, 'real-machines')
  })

  test('the cable is cut while one is at the step that says so', async () => {
    await page.getByRole('tab', { name: 'client' }).click()
    const wait = (condition, words) => student.typeInTerminal(page, `until ${condition} ping -c1 -W1 10.77.2.2 >/dev/null; do sleep 0.2; done; echo the cable is "${words}"`)
    await wait('', 'whole')
    await shows(/^the cable is whole/m, 'client')
    await enter('storm')
    await wait('!', 'cut')
    await shows(/^the cable is cut/m, 'client')
    await student.typeInTerminal(page, 'ping -c1 -W2 10.77.1.1 >/dev/null && echo the other one is "whole"')
    await shows(/^the other one is whole/m, 'client')
    await enter('how-far-how-wide-how-good')
    await wait('', 'mended')
    await shows(/^the cable is mended/m, 'client')
  })

  test('pages complained of nothing', () => assert.deepEqual(visit.complaints, []))
})
