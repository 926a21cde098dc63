// How machines live: idle ones are suspended after a warning, whoever finds no
// room waits in a queue, and people with an SSH client of their own add keys.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { slow } from './day.mjs'
import { gateway } from './gateway.mjs'
import { axe, freePort, launch, open, screenshot, until } from './harness.mjs'
import * as student from './student.mjs'

const tutorial = '/courses/trials/work'

describe('machines of a class', () => {
  let server, browser, ann, ben
  before(async () => {
    server = await gateway(['e2e/course'], { args: ['--idle', '45s', '--max-running', '1', '--ssh', `127.0.0.1:${await freePort()}`] })
    browser = await launch()
    const visits = []
    for (const name of ['ann', 'ben']) {
      server.addUser(name, 'open sesame')
      const visit = await open(browser, server.url)
      await student.login(visit.page, name, 'open sesame')
      visits.push(visit)
    }
    ;[ann, ben] = visits
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  test('who does nothing is warned, and stays by one click', async () => {
    const { page } = ann
    await student.openTutorial(page, tutorial, slow)
    await student.typeInTerminal(page, 'kept=here; echo ready to "rest"')
    await student.waitForTerminal(page, /^ready to rest/m, slow)
    const notice = page.locator('[data-notice=idle]')
    await notice.waitFor({ timeout: slow.deadline })
    assert.match(await notice.textContent(), /It will be suspended; nothing in it is lost\./)
    await until('the tab to tell the time', async () => /^\(\d+ s\) /.test(await page.title()))
    await axe(page)
    await screenshot(page, 'idle-warning')
    await page.setViewportSize({ width: 360, height: 740 })
    await screenshot(page, 'idle-warning-narrow')
    await page.setViewportSize({ width: 1440, height: 900 })
    await notice.getByRole('button', { name: 'Keep using my machine' }).click()
    await notice.waitFor({ state: 'detached' })
    assert.equal(await page.locator('#guest').getAttribute('data-state'), 'ready')
  })

  test('a suspended machine goes on where it stood', async () => {
    const { page } = ann
    await student.guestState(page, 'suspended', slow)
    await axe(page)
    await screenshot(page, 'suspended')
    await page.locator('#terminal-notice').getByRole('button', { name: 'Go on', exact: true }).click()
    await student.guestState(page, 'ready', slow)
    await until('the same shell', async () => {
      await student.typeInTerminal(page, 'echo still $kept')
      return /^still here/m.test(await student.terminalText(page))
    }, slow)
  })

  test('who finds no room waits in a queue, and reads on', async () => {
    await student.typeInTerminal(ann.page, 'echo at "work"')
    await ben.page.goto(tutorial)
    await student.guestState(ben.page, 'queued', slow)
    await ben.page.getByText('You are in the queue.').first().waitFor()
    await ben.page.getByText('You are number 1 in the queue.').first().waitFor()
    await ben.page.locator('.prose').first().waitFor()
    await axe(ben.page)
    await screenshot(ben.page, 'queued')
    await ben.page.reload()
    await student.guestState(ben.page, 'queued', slow)
    await ann.page.getByRole('button', { name: 'Stop', exact: true }).click()
    await student.guestState(ben.page, 'ready', slow)
    await student.terminalReady(ben.page, slow)
  })

  test('a key is added, told by its fingerprint, and taken away', async () => {
    const { page } = ann
    const file = path.join(server.dir, 'key')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'ann at home', '-f', file])
    const line = readFileSync(`${file}.pub`, 'utf8')
    const [, fingerprint] = execFileSync('ssh-keygen', ['-lf', `${file}.pub`], { encoding: 'utf8' }).split(' ')
    await page.goto('/profile')
    await page.getByRole('textbox').first().fill('ssh-rsa nonsense')
    await page.getByRole('button', { name: /Add/ }).click()
    await page.getByRole('alert').first().waitFor()
    ann.forgive(/422|400/)
    await page.getByRole('textbox').first().fill(line)
    await page.getByRole('button', { name: /Add/ }).click()
    await page.getByText(fingerprint).waitFor()
    await axe(page)
    await screenshot(page, 'profile')
    await page.getByRole('button', { name: /Remove/ }).first().click()
    await page.getByText(fingerprint).waitFor({ state: 'detached' })
  })

  test('pages complained of nothing', () => assert.deepEqual([...ann.complaints, ...ben.complaints], []))
})
