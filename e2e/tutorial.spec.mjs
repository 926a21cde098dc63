// What a student does on a tutorial's page, and what the page does when the
// server, the machine or the network misbehave. Against themes/demo.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { demo } from './demo.mjs'
import { axe, launch, open, screenshot, until } from './harness.mjs'
import * as student from './student.mjs'

const address = '/courses/linux-essentials/files'

describe('tutorial', () => {
  let server, browser, visit, page
  before(async () => {
    server = await demo()
    browser = await launch()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })
  beforeEach(async () => {
    await server.lever('forget')
    visit = await open(browser, server.url)
    page = visit.page
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  })
  afterEach(() => visit.done())

  const announced = (words) =>
    until(`an announcement of ${words}`, async () => (await page.locator('#announce').textContent()).includes(words))

  test('the machine starts by itself and says what it does', async () => {
    await server.lever('hold')
    await page.goto(address)
    await page.locator('#guest-state').getByText('Booting your machine…').waitFor()
    await page.locator('#guest-detail').getByText('Taking a machine from the shelf').waitFor()
    await until('the time that it took', async () => /^\d+ s$/.test(await page.locator('#guest-elapsed').textContent()))
    await axe(page)
    await server.lever('release')
    await student.guestState(page, 'ready')
    await page.locator('#guest-state').getByText('Ready.').waitFor()
    await announced('Ready.')
  })

  test('a check fails, then passes, and the points rise', async () => {
    await student.openTutorial(page, address)
    assert.equal(await student.score(page), 2.5)
    assert.equal(await student.runCheck(page, 'folder', 'fail'), 'There is no folder work in /home/student.')
    await announced('Not yet. There is no folder')
    await student.typeInTerminal(page, 'mkdir work')
    await student.waitForTerminal(page, /mkdir work\n.*\$/)
    assert.equal(await student.runCheck(page, 'folder', 'pass'), 'The folder work is there.')
    await until('3.5 points', async () => (await student.score(page)) === 3.5)
    const widget = student.check(page, 'folder')
    assert.equal(await widget.locator('.check-won').textContent(), '1')
    assert.match(await widget.locator('.check-meta').textContent(), /2 attempts.*just now/)
    await announced('Passed. The folder work is there. 1 of 1 points.')
    await until('the step to be marked as done', () => page.locator('.steps a[data-step="look"][data-done]').count())
    await screenshot(page, 'check-passed')
  })

  test('a message is text, with its lines', async () => {
    await student.openTutorial(page, address)
    const message = await student.runCheck(page, 'copy', 'fail')
    assert.match(message, /expected: <b>something<\/b>\nfound: {4}nothing/)
  })

  test('a part of the points, and a check that could not tell', async () => {
    await student.openTutorial(page, address)
    await student.runCheck(page, 'tidy', 'part')
    assert.match(await student.runCheck(page, 'archive', 'unsure'), /does not count/)
    assert.equal((await student.check(page, 'archive').locator('.check-attempts').textContent()).trim(), '')
  })

  test('pressing twice makes one attempt', async () => {
    await student.openTutorial(page, address)
    const ids = new Set()
    page.on('request', (r) => r.url().endsWith('/checks/folder') && ids.add(r.postDataJSON().attempt))
    await student.check(page, 'folder').locator('.check-button').dblclick()
    await student.waitForCheck(page, 'folder', 'fail')
    assert.equal(ids.size, 1)
    assert.match(await student.check(page, 'folder').locator('.check-meta').textContent(), /1 attempt/)
  })

  test('a result whose event is lost is asked for after the connection is back', async () => {
    await student.openTutorial(page, address)
    await server.lever('silence')
    await student.pressCheck(page, 'folder')
    await student.waitForCheck(page, 'folder', 'running')
    await server.lever('cut')
    await student.waitForCheck(page, 'folder', 'fail')
    visit.forgive(/ERR_INCOMPLETE_CHUNKED|WebSocket/)
  })

  test('without a machine a check offers to start one', async () => {
    await student.openTutorial(page, address)
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await student.guestState(page, 'none')
    await student.pressCheck(page, 'folder')
    await page.getByText('Your machine is off, so there is nothing to look at.').first().waitFor()
    await screenshot(page, 'machine-off')
    await axe(page)
    await student.check(page, 'folder').getByRole('button', { name: 'Start it' }).click()
    await student.guestState(page, 'ready')
    assert.equal(await student.check(page, 'folder').locator('.check-action').isVisible(), false)
  })

  test('reset asks first, then brings a fresh machine and a fresh terminal', async () => {
    await student.openTutorial(page, address)
    await student.typeInTerminal(page, 'echo before-the-reset')
    await student.waitForTerminal(page, /\nbefore-the-reset/)
    await page.getByRole('button', { name: 'Reset', exact: true }).click()
    await screenshot(page, 'reset-dialog')
    await axe(page)
    await page.getByRole('button', { name: 'Keep my machine' }).click()
    assert.equal(await page.locator('#guest').getAttribute('data-state'), 'ready')
    await student.resetMachine(page)
    await until('an empty terminal', async () => /^student@main:~\$$/.test(await student.terminalText(page)))
    assert.equal(await student.score(page), 2.5)
  })

  test('a machine that fails says so and can be started again', async () => {
    await student.openTutorial(page, address)
    await server.lever('fail')
    await page.getByText('The machine ran out of memory.').first().waitFor()
    await axe(page)
    await page.getByRole('button', { name: 'Start again' }).click()
    await student.guestState(page, 'ready')
    await student.terminalReady(page)
  })

  test('hints: free, with a price, and not yet due', async () => {
    await student.openTutorial(page, address)
    await page.locator('#hint-hint-1 summary').click()
    await page.locator('#hint-hint-1').getByText('makes a folder').waitFor()
    await page.locator('#hint-hint-2 summary').click()
    await page.locator('#hint-hint-2').getByText('It takes 1 point').waitFor()
    await page.getByRole('button', { name: 'Show it for 1 point' }).click()
    await page.locator('#hint-hint-2').getByText('makes a folder').waitFor()
    const late = page.locator('#hint-hint-3')
    await late.locator('summary').click()
    await late.getByText('This hint opens after 2 failed tries.').waitFor()
    await axe(page)
    await student.runCheck(page, 'folder', 'fail')
    await student.runCheck(page, 'copy', 'fail')
    await late.getByText('makes a folder').waitFor() // it stood open, so it appears
    await page.locator('#solution-notes summary').click()
    await page.locator('#solution-notes').getByText('mkdir -p ~/work').waitFor()
  })

  test('commands are typed for the student: one line is run, several wait for Enter', async () => {
    await student.openTutorial(page, address)
    const runs = page.locator('.run')
    await runs.nth(0).getByRole('button', { name: 'Type it for me' }).click()
    await student.waitForTerminal(page, /pwd; ls -l\n\/home\/student\n/)
    await runs.nth(1).getByRole('button', { name: 'Type it for me' }).click()
    const text = await student.waitForTerminal(page, /cd ~\n> tar -czf work.tar.gz work\n> tar -tzf work.tar.gz$/)
    assert.doesNotMatch(text, /not found/)
    await runs.nth(0).getByRole('button', { name: 'Copy' }).click()
    await runs.nth(0).getByText('Copied').waitFor()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'pwd; ls -l')
  })

  test('the terminal copies, pastes and interrupts by keys', async () => {
    await student.openTutorial(page, address)
    await page.evaluate(() => navigator.clipboard.writeText('echo pasted'))
    await student.typeInTerminal(page, '', { enter: false })
    await page.keyboard.press('Control+Shift+V')
    await student.waitForTerminal(page, '$ echo pasted')
    await page.keyboard.press('Control+C')
    await student.waitForTerminal(page, '^C')
  })

  test('a lost connection is said and mended, and the scrollback is there once', async () => {
    await student.openTutorial(page, address)
    await student.typeInTerminal(page, 'echo remember-me')
    await student.waitForTerminal(page, /\nremember-me/)
    await server.lever('deaf')
    await page.getByText("The terminal's connection is lost.").waitFor()
    await page.getByText('The connection to the server is lost.').waitFor()
    await screenshot(page, 'offline')
    await axe(page)
    await server.lever('hear')
    // The page tries by itself, too, and may be first: then the button goes.
    await page.getByRole('button', { name: 'Try now' }).click({ timeout: 3000 }).catch(() => {})
    await until('the notice to go', async () => !(await page.locator('#terminal-notice').isVisible()))
    await until('the banner to go', async () => !(await page.locator('#offline').isVisible()), { deadline: 60_000 })
    const text = await student.waitForTerminal(page, 'remember-me')
    assert.equal(text.match(/echo remember-me/g).length, 1)
    await student.typeInTerminal(page, 'echo again')
    await student.waitForTerminal(page, /\nagain/)
    visit.forgive(/503|ERR_INCOMPLETE_CHUNKED|WebSocket/)
  })

  test('old questions of programs are not answered again after a reload', async () => {
    await student.openTutorial(page, address)
    await student.typeInTerminal(page, 'ask')
    await until('the answers', async () => /\$ .*R.*c$/s.test(await student.terminalText(page)))
    const before = await student.terminalText(page)
    await page.reload()
    await student.waitForTerminal(page, before)
    await student.typeInTerminal(page, 'X', { enter: false })
    const text = await student.waitForTerminal(page, /X$/)
    assert.equal(text, before + 'X')
  })

  test('when the shell ends, Enter brings a new one', async () => {
    await student.openTutorial(page, address)
    await student.typeInTerminal(page, 'exit')
    await student.waitForTerminal(page, 'The shell has ended. Press Enter for a new one.')
    await page.keyboard.press('Enter')
    await student.typeInTerminal(page, 'echo reborn')
    await student.waitForTerminal(page, /\nreborn/)
  })

  test('a flood of output leaves the page alive', async () => {
    await student.openTutorial(page, address)
    for (let i = 0; i < 4; i++) await student.typeInTerminal(page, 'flood')
    await student.typeInTerminal(page, 'echo after-the-flood')
    await student.waitForTerminal(page, /\nafter-the-flood/, { deadline: 60_000 })
    assert.match(await student.runCheck(page, 'folder', 'fail'), /no folder/)
  })

  test('everything is reached by keyboard, and Ctrl+F6 leaves the terminal', async () => {
    await student.openTutorial(page, address)
    await student.typeInTerminal(page, '', { enter: false })
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement.className), 'xterm-helper-textarea', 'Tab belongs to the shell')
    await page.keyboard.press('Control+F6')
    assert.equal(await page.evaluate(() => document.getElementById('tutorial').contains(document.activeElement)), true)
    await page.locator('#check-folder .check-button').focus()
    await page.keyboard.press('Control+F6')
    await page.keyboard.type('ls\r')
    await student.waitForTerminal(page, 'notes.txt')
    await page.keyboard.press('Control+F6')
    await page.keyboard.press('Enter')
    await student.waitForCheck(page, 'folder', 'fail')
  })

  test('the splitter obeys arrow keys and the mouse, and is remembered', async () => {
    await student.openTutorial(page, address)
    const splitter = page.getByRole('separator', { name: 'Width of the tutorial' })
    const width = () => page.locator('#tutorial').evaluate((e) => e.clientWidth)
    const cols = () => page.locator('.xterm-rows').evaluate((e) => e.clientWidth)
    const [before, colsBefore] = [await width(), await cols()]
    await splitter.focus()
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowLeft')
    assert.equal(await splitter.getAttribute('aria-valuenow'), '38')
    assert.ok((await width()) < before - 100)
    await until('a wider terminal', async () => (await cols()) > colsBefore)
    const box = await splitter.boundingBox()
    await page.mouse.move(box.x + 4, box.y + 300)
    await page.mouse.down()
    await page.mouse.move(900, box.y + 300, { steps: 5 })
    await page.mouse.up()
    assert.equal(await splitter.getAttribute('aria-valuenow'), '63')
    await page.reload()
    await until('the width to be as before', async () => (await splitter.getAttribute('aria-valuenow')) === '63')
  })

  test('several machines have a terminal each', async () => {
    await student.openTutorial(page, '/courses/linux-essentials/permissions')
    await page.getByRole('tab', { name: 'web' }).focus()
    await page.keyboard.press('ArrowRight')
    assert.equal(await page.getByRole('tab', { name: 'db' }).getAttribute('aria-selected'), 'true')
    await student.typeInTerminal(page, 'echo in-the-second')
    await student.waitForTerminal(page, /\nin-the-second/, { guest: 'db' })
    await axe(page)
  })

  test('letters grow, and a screen reader gets lines', async () => {
    await student.openTutorial(page, address)
    const size = () => page.locator('.xterm-rows > div').first().evaluate((e) => e.clientHeight)
    const before = await size()
    for (let i = 0; i < 4; i++) await page.getByRole('button', { name: 'Larger text' }).click()
    await until('larger lines', async () => (await size()) > before)
    await page.getByRole('button', { name: 'Screen reader' }).click()
    await page.locator('.xterm-accessibility').waitFor({ state: 'attached' })
    await axe(page)
  })

  test('a page without a secure context still draws attempts and copies', async () => {
    await page.addInitScript(() => {
      Object.defineProperty(crypto, 'randomUUID', { value: undefined })
      Object.defineProperty(navigator, 'clipboard', { value: undefined })
    })
    await student.openTutorial(page, address)
    const request = page.waitForRequest((r) => r.url().endsWith('/checks/folder'))
    await student.pressCheck(page, 'folder')
    assert.match((await request).postDataJSON().attempt, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    await student.waitForCheck(page, 'folder', 'fail')
    await page.locator('.run').nth(0).getByRole('button', { name: 'Copy' }).click()
    await page.locator('.run').nth(0).getByText('Copied').waitFor()
  })
})
