// What a student presses beyond checks: questions of every type, checks that
// look by themselves, files, steps that prepare a machine, and the terminals of
// three machines. Against themes/demo.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { demo } from './demo.mjs'
import { axe, launch, open, printed, screenshot, until } from './harness.mjs'
import * as student from './student.mjs'

const address = '/courses/linux-essentials/widgets'

describe('widgets', () => {
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
  const form = (id) => student.check(page, id)
  const answer = async (id, verdict) => student.runCheck(page, id, verdict)
  const ready = () => student.openTutorial(page, address)

  test('a choice: nothing chosen, wrong with its feedback, right', async () => {
    await ready()
    await form('layer').getByRole('button', { name: 'Answer' }).click()
    await form('layer').getByText('Choose an answer first.').waitFor()
    await page.getByRole('radio', { name: 'The client' }).check()
    assert.equal(await answer('layer', 'fail'), 'That is not right.')
    await form('layer').getByText('The client sends; look at its routes').waitFor()
    await announced('Not yet. That is not right.')
    await axe(page)
    await page.reload()
    await form('layer').getByText('The client sends; look at its routes').waitFor()
    assert.equal(await page.getByRole('radio', { name: 'The client' }).isChecked(), true)
    await page.getByLabel(/The router, by its/).check()
    await answer('layer', 'pass')
    assert.equal(await form('layer').locator('.answer-feedback').isVisible(), false)
    await announced('Passed. That is right. 1 of 1 points.')
    await until('the point', async () => (await student.score(page)) === 1)
  })

  test('several choices give a part of the points', async () => {
    await ready()
    await page.getByLabel('10.77.1.4').check()
    await page.getByLabel('8.8.4.4').check()
    await answer('private', 'part')
    await page.getByLabel('8.8.4.4').uncheck()
    await page.getByLabel('192.168.3.1').check()
    await page.getByLabel('172.16.0.9').check()
    await answer('private', 'pass')
    assert.equal(await form('private').locator('.check-won').textContent(), '2')
  })

  test('a text takes Enter; when no answers are left the form is closed', async () => {
    await ready()
    const text = form('gateway').getByRole('textbox')
    await form('gateway').getByText('2 answers left').waitFor()
    await text.press('Enter')
    await form('gateway').getByText('Write an answer first.').waitFor()
    await text.fill('10.77.1.9')
    await text.press('Enter')
    await student.waitForCheck(page, 'gateway', 'fail')
    await form('gateway').getByText('1 answer left').waitFor()
    await text.fill('10.77.1.8')
    await text.press('Enter')
    await form('gateway').getByText('No answers left').waitFor()
    assert.equal(await text.isDisabled(), true)
    assert.equal(await form('gateway').getByRole('button', { name: 'Answer' }).isVisible(), false)
    await axe(page)
    await page.reload()
    await form('gateway').getByText('No answers left').waitFor()
    assert.equal(await text.inputValue(), '10.77.1.8')
  })

  test('an answer that the server refuses is no attempt', async () => {
    await ready()
    const second = await visit.context.newPage()
    await second.goto(address)
    for (const wrong of ['1', '2']) {
      await second.locator('#check-gateway .answer-text').fill(wrong)
      await student.runCheck(second, 'gateway', 'fail')
    }
    await second.close()
    // The first window was told of it; take the form back to before that.
    await form('gateway').getByText('No answers left').waitFor()
    await form('gateway').evaluate((f) => {
      f.querySelector('fieldset').disabled = false
      f.querySelector('.check-button').hidden = false
    })
    await form('gateway').getByRole('textbox').fill('10.77.1.1')
    await form('gateway').getByRole('button', { name: 'Answer' }).click()
    await form('gateway').getByText('There are no answers left.').waitFor()
    assert.equal(await form('gateway').getAttribute('data-state'), 'fail')
    visit.forgive(/409/)
  })

  test('a number says what a wrong answer costs, and needs no machine', async () => {
    await ready()
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await student.guestState(page, 'none')
    await form('hosts').getByText('each wrong answer costs 0.5 points').waitFor()
    const number = form('hosts').getByRole('textbox')
    assert.equal(await number.getAttribute('inputmode'), 'decimal')
    await number.fill('256')
    // The demo decides nothing while its machine is off, as a guest would.
    await answer('hosts', 'fail')
    await number.fill('254')
    await answer('hosts', 'pass')
  })

  test('an order is made by keyboard and by dragging', async () => {
    await ready()
    const order = () => form('order').locator('.order li').evaluateAll((all) => all.map((e) => e.dataset.choice).join(' '))
    await answer('order', 'fail')
    await form('order').getByRole('button', { name: 'Up: The client sends' }).focus()
    await page.keyboard.press('Enter')
    await announced('The client sends an echo request: now 2 of 4.')
    await page.keyboard.press('Enter')
    await announced('now 1 of 4.')
    assert.equal(await order(), 'a1 r4 s6 t2')
    await page.keyboard.press('Enter') // there is no further up
    assert.equal(await page.evaluate(() => document.activeElement.id), 'up-order-a1')
    const box = (id) => form('order').locator(`[data-choice="${id}"] .order-grip`).boundingBox()
    await form('order').locator('[data-choice="t2"]').scrollIntoViewIfNeeded()
    const [from, to] = [await box('s6'), await box('t2')]
    await page.mouse.move(from.x + 10, from.y + 10)
    await page.mouse.down()
    await page.mouse.move(to.x + 10, to.y + to.height - 2, { steps: 6 })
    await page.mouse.up()
    assert.equal(await order(), 'a1 r4 t2 s6')
    await answer('order', 'pass')
    await page.reload()
    assert.equal(await order(), 'a1 r4 t2 s6')
    await axe(page)
  })

  const auto = () => {
    const seen = []
    page.on('request', (r) => r.url().endsWith('/checks/reach') && seen.push(r.postDataJSON()))
    return seen
  }

  test('a check looks by itself, quietly, until it passes', async () => {
    const asked = auto()
    await ready()
    const reach = form('reach')
    await reach.getByText('Last seen: ping: connect: Network is unreachable').waitFor()
    assert.equal(await reach.getAttribute('data-state'), 'idle')
    assert.equal(await reach.locator('.check-attempts').textContent(), '')
    assert.doesNotMatch(await page.locator('#announce').textContent(), /unreachable/)
    assert.ok(asked.every((a) => a.auto === true && /^[0-9a-f-]{36}$/.test(a.attempt)))
    await student.typeInTerminal(page, 'ip route add default via 10.77.1.1')
    await student.waitForCheck(page, 'reach', 'pass')
    await announced('Passed. The server answers. 1 of 1 points.')
    assert.equal(await page.evaluate(() => document.activeElement.className), 'xterm-helper-textarea', 'the focus stays')
    assert.equal(await reach.getByText('Looks by itself').isVisible(), false)
    await until('the point', async () => (await student.score(page)) === 1)
    const n = asked.length
    await page.waitForRequest((r) => r.url().endsWith('/checks/reach'), { timeout: 4000 }).then(() => assert.fail('it looks on'), () => {})
    assert.equal(asked.length, n)
  })

  test('it does not look while the page is hidden, nor for one who is away', async () => {
    const asked = auto()
    await page.clock.install()
    await ready()
    await until('a first look', () => asked.length > 0)
    const hide = (hidden) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }, hidden)
    await hide(true)
    await form('reach').getByText('Last seen').waitFor()
    let n = asked.length
    await page.clock.runFor(30_000)
    assert.equal(asked.length, n)
    await hide(false)
    await page.clock.runFor(3_000)
    await until('a look at the page', () => asked.length > n)
    await page.clock.fastForward(150_000)
    await until('the result', async () => (await page.clock.runFor(1000), true))
    n = asked.length
    await page.clock.runFor(30_000)
    assert.equal(asked.length, n, 'nobody is there')
    await page.keyboard.press('Shift')
    await page.clock.runFor(4_000)
    await until('a look for one who is back', () => asked.length > n)
  })

  test('it asks less when the server is busy', async () => {
    await server.lever('busy')
    const asked = auto()
    await page.clock.install()
    await ready()
    const rounds = async (ms) => {
      for (let t = 0; t < ms; t += 500) {
        await page.clock.runFor(500)
        await page.evaluate(() => fetch('/assets/none').catch(() => {})) // let answers in
      }
    }
    await page.mouse.move(300, 300)
    await rounds(40_000)
    assert.ok(asked.length >= 2 && asked.length <= 7, `${asked.length} times in 40 s`)
    await server.lever('idle')
    await page.mouse.move(310, 300)
    await rounds(70_000)
    await form('reach').getByText('Last seen').waitFor()
    visit.forgive(/429|404/)
  })

  test('each machine has a terminal, connected when it is first looked at', async () => {
    const sockets = []
    page.on('websocket', (s) => sockets.push(new URL(s.url()).searchParams.get('guest')))
    await ready()
    assert.deepEqual(sockets, ['client'])
    await page.getByText('I am the router').first().waitFor()
    await page.getByRole('button', { name: 'Type it into router' }).click()
    await student.waitForTerminal(page, /student@router.*\nI am the router\n/, { guest: 'router' })
    assert.equal(await page.getByRole('tab', { name: 'router' }).getAttribute('aria-selected'), 'true')
    assert.deepEqual(sockets, ['client', 'router'])
    // Two lines wait for Enter, though the shell was started for them.
    await page.getByRole('button', { name: 'Type it into server' }).click()
    await student.waitForTerminal(page, /\$ echo one\n> echo two$/, { guest: 'server' })
    await page.getByRole('tab', { name: 'client' }).click()
    await student.typeInTerminal(page, 'echo on-the-client')
    await student.waitForTerminal(page, /\non-the-client/, { guest: 'client' })
    assert.doesNotMatch(await student.terminalText(page, 'router'), /on-the-client/)
    await axe(page)
    await screenshot(page, 'machines')
  })

  test('a reset of one machine leaves the others; of all, none', async () => {
    await ready()
    const state = (name) => page.locator(`#machines [data-machine="${name}"]`).getAttribute('data-state')
    for (const name of ['server', 'client']) {
      await page.getByRole('tab', { name }).click()
      await student.typeInTerminal(page, `echo on-the-${name}`)
      await student.waitForTerminal(page, new RegExp(`\\non-the-${name}`), { guest: name })
    }
    await page.getByRole('button', { name: 'Reset', exact: true }).click()
    await page.getByLabel('Only server').check()
    await axe(page)
    await screenshot(page, 'reset-one')
    await server.lever('hold')
    await page.getByRole('button', { name: 'Reset the machine' }).click()
    await until('the server to be reset', async () => (await state('server')) === 'resetting')
    assert.equal(await state('client'), 'ready')
    await page.getByRole('tab', { name: 'server (resetting…)' }).click()
    await page.getByText('You will have a fresh machine in a moment.').waitFor()
    await server.lever('release')
    await student.guestState(page, 'ready')
    await until('a fresh terminal', async () => /^student@server:~\$$/.test(await student.terminalText(page, 'server')))
    assert.match(await student.terminalText(page, 'client'), /on-the-client/)
    await page.getByRole('button', { name: 'Reset', exact: true }).click()
    await page.getByLabel('All of them').check()
    await page.getByRole('button', { name: 'Reset the machine' }).click()
    await until('a fresh client', async () => /^student@client:~\$$/.test(await student.terminalText(page, 'client')))
  })

  test('a file is written into the machine, or copied', async () => {
    await ready()
    const file = page.locator('#file-file-1')
    await file.getByText('/etc/network/interfaces.d/lan').waitFor()
    await file.getByRole('button', { name: 'Copy' }).click()
    await file.getByText('Copied').waitFor()
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^iface lan inet static\n {2}address/)
    await file.getByRole('button', { name: 'Write it into client' }).click()
    await file.getByText('Written to /etc/network/interfaces.d/lan in client.').waitFor()
    await announced('Written to')
    await server.lever('break')
    await file.getByRole('button', { name: 'Write it into client' }).click()
    await file.getByText('The file could not be written. Try again in a moment.').waitFor()
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await student.guestState(page, 'none')
    await file.getByRole('button', { name: 'Write it into client' }).click()
    await file.getByRole('button', { name: 'Start it' }).click()
    await student.guestState(page, 'ready')
    visit.forgive(/502/)
  })

  test('entering a step prepares the machine, once for each visit', async () => {
    const entered = []
    page.on('request', (r) => r.url().includes('/steps/') && entered.push(r.url().split('/').pop()))
    await ready()
    await server.lever('hold')
    await page.getByRole('link', { name: /Set the way/ }).click()
    const setup = page.locator('#route .step-setup')
    await setup.getByText('Preparing your machine for this step…').waitFor()
    await server.lever('release')
    await setup.getByText('Your machine is prepared for this step.').waitFor()
    const count = (step) => entered.filter((s) => s === step).length
    assert.equal(count('route'), 1)
    await server.lever('break')
    await page.getByRole('link', { name: /A ping's way/ }).click()
    await until('the last step to be entered', () => count('ping') === 1)
    await page.getByRole('link', { name: /Set the way/ }).click()
    await setup.getByText('The router could not be prepared. That is not your fault').waitFor()
    await announced('not your fault')
    assert.equal(count('route'), 2)
    await axe(page)
    // A fresh machine has seen no step.
    await student.resetMachine(page)
    await until('the fresh machine to be told', () => count('route') === 3)
    // Reading enters a step, too; scrolling past it does not.
    await page.locator('#tutorial').evaluate((e) => e.scrollTo({ top: e.scrollHeight, behavior: 'instant' }))
    await until('the step read to be entered', () => count('ping') === 2)
    assert.equal(count('look') <= 1, true)
  })

  test('a machine that could not be prepared says so until there is a fresh one', async () => {
    await ready()
    await server.lever('trouble')
    await page.locator('#trouble').getByText('The exercise could not be prepared. That is not your fault.').waitFor()
    await announced('not your fault')
    await axe(page)
    await screenshot(page, 'trouble')
    await student.resetMachine(page)
    assert.equal(await page.locator('#trouble').isVisible(), false)
  })

  for (const [view, options] of Object.entries({
    wide: {},
    dark: { colorScheme: 'dark' },
    phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  })) {
    test(`every widget, ${view}`, async () => {
      const seen = await open(browser, server.url, options)
      await seen.page.goto(address)
      await student.guestState(seen.page, 'ready')
      await seen.page.getByRole('radio', { name: 'The client' }).check()
      await student.runCheck(seen.page, 'layer', 'fail')
      await seen.page.locator('#check-gateway .answer-text').fill('10.77.1.1')
      await student.runCheck(seen.page, 'gateway', 'pass')
      await seen.page.locator('#file-file-1 .file-write').click()
      await axe(seen.page)
      const { scroll, client } = await seen.page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth }))
      assert.ok(scroll <= client, `the page is ${scroll} px wide on a screen of ${client} px`)
      for (const step of ['look', 'route', 'ping']) {
        await seen.page.locator(`#${step}`).evaluate((e) => e.scrollIntoView({ behavior: 'instant' }))
        await screenshot(seen.page, `widgets-${step}-${view}`)
      }
      if (view === 'phone') {
        await student.showTerminal(seen.page)
        await axe(seen.page)
        await screenshot(seen.page, 'widgets-machines-phone')
      }
      if (view === 'wide') await printed(seen.page, 'widgets')
      await seen.done()
    })
  }

  test('without scripts the form says what it needs, and sends nothing', async () => {
    const plain = await open(browser, server.url, { javaScriptEnabled: false })
    await plain.page.goto(address)
    await plain.page.locator('#check-gateway .answer-needs').waitFor()
    assert.equal(await plain.page.locator('#check-gateway .check-button').isDisabled(), true)
    await plain.page.locator('#check-gateway .answer-text').fill('x')
    await plain.page.locator('#check-gateway .answer-text').press('Enter')
    assert.equal(new URL(plain.page.url()).search, '')
    await plain.done()
  })
})
