// A student's day against the real server and real guests, whatever runs them.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { axe, launch, open, screenshot, until } from './harness.mjs'
import * as student from './student.mjs'

// slow is for two slow cores, shared with others.
export const slow = { deadline: 180_000 }

// studentsDay runs the tests; start gives a gateway that serves e2e/course, and
// name begins the names of screenshots.
export const studentsDay = (title, name, start) =>
  describe(title, () => {
    let server, browser, visit, page
    before(async () => {
      server = await start()
      server.addUser('ann', 'open sesame')
      browser = await launch()
      visit = await open(browser, server.url)
      page = visit.page
    })
    after(async () => {
      await visit?.context.close()
      await browser?.close()
      await server?.stop()
    })

    test('signs in', async () => {
      await page.goto('/courses/trials/work')
      await axe(page)
      await screenshot(page, `${name}-login`)
      await page.getByLabel('Name', { exact: true }).fill('ann')
      await page.getByLabel('Password').fill('wrong password')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByText("don't go together").waitFor()
      await axe(page)
      visit.forgive(/401/)
      await student.login(page, 'ann', 'open sesame')
      await page.getByRole('heading', { name: 'Courses' }).waitFor()
      await axe(page)
      await screenshot(page, `${name}-courses`)
    })

    test('opens a tutorial and gets a machine', async () => {
      await page.getByRole('link', { name: /Trials/ }).first().click()
      await page.getByRole('heading', { name: 'Trials' }).waitFor()
      await axe(page)
      await page.getByRole('link', { name: /Honest work/ }).first().click()
      await student.guestState(page, 'ready', slow)
      await student.terminalReady(page, slow)
      await axe(page)
    })

    test('sees a check fail, does the work, sees it pass', async () => {
      const message = await student.runCheck(page, 'note-written', 'fail', slow)
      const word = await page.locator('.prose strong').first().textContent()
      assert.match(word, /^[0-9a-f]{8}$/)
      assert.equal(message, `The file note should say "${word}", but it says "".`)
      await student.typeInTerminal(page, `echo ${word} > note; cat note`)
      await student.waitForTerminal(page, new RegExp(`^${word}`, 'm'), slow)
      assert.equal(await student.runCheck(page, 'note-written', 'pass', slow), `The note says ${word}.`)
      await until('two points', async () => (await student.score(page)) === 2)
      await screenshot(page, `${name}-passed`)
    })

    test('reloads and finds points and programs', async () => {
      await student.typeInTerminal(page, 'kept=programs; echo before the reload')
      await student.waitForTerminal(page, /^before the reload/m, slow)
      await page.reload()
      assert.equal(await student.score(page), 2)
      assert.match(await student.check(page, 'note-written').locator('.check-message').textContent(), /The note says/)
      await student.waitForTerminal(page, /^before the reload/m, slow)
      await student.typeInTerminal(page, 'echo the same $kept')
      await student.waitForTerminal(page, /^the same programs/m, slow)
    })

    test('cuts the network, and works on', async () => {
      await student.typeInTerminal(page, 'for i in /sys/class/net/*; do sudo ip link set ${i##*/} down; done; ip -br link')
      await student.waitForTerminal(page, /^eth0.*DOWN/m, slow)
      assert.match(await student.runCheck(page, 'links-down', 'pass', slow), /No link is up/)
      await student.typeInTerminal(page, 'echo still here')
      await student.waitForTerminal(page, /^still here/m, slow)
      await until('three points', async () => (await student.score(page)) === 3)
    })

    test('resets: the work is gone, the points stay', async () => {
      await student.resetMachine(page, slow)
      await until('a fresh shell', async () => !(await student.terminalText(page)).includes('still here'), slow)
      await student.terminalReady(page, slow)
      assert.match(await student.runCheck(page, 'note-written', 'fail', slow), /but it says ""/)
      assert.equal(await student.score(page), 3)
      await page.reload()
      assert.equal(await student.score(page), 3)
    })

    test('finds the points in "my progress"', async () => {
      await page.goto('/progress')
      await page.getByText('Honest work').first().waitFor()
      await axe(page)
      await screenshot(page, `${name}-progress`)
      await page.goto('/nowhere')
      await page.getByText('There is no such page').first().waitFor()
      await axe(page)
      visit.forgive(/404/)
    })

    test('switches the machine off and on', async () => {
      await page.goto('/courses/trials/work')
      await student.guestState(page, 'ready', slow)
      await student.typeInTerminal(page, 'touch before; sync; echo written')
      await student.waitForTerminal(page, /^written/m, slow)
      await page.getByRole('button', { name: 'Stop', exact: true }).click()
      await student.guestState(page, 'none', slow)
      await page.getByRole('button', { name: 'Start', exact: true }).click()
      await student.guestState(page, 'ready', slow)
      await student.terminalReady(page, slow)
      await student.typeInTerminal(page, 'ls')
      await student.waitForTerminal(page, /^before/m, slow)
    })

    test('pages complained of nothing', () => assert.deepEqual(visit.complaints, []))
  })
