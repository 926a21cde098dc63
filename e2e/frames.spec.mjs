// Pages in a platform's frame: between the hops of a launch, and at work.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { demo } from './demo.mjs'
import { axe, launch, open, screenshot, until } from './harness.mjs'
import { platform } from './platform.mjs'

const favicon = /favicon\.ico/

describe('in a frame', () => {
  let server, browser, lms
  before(async () => {
    server = await demo()
    lms = await platform(server.url)
    browser = await launch()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
    await lms?.stop()
  })

  // visit opens a page of the platform with the tool in its frame.
  async function visit(path, options = {}, context = {}) {
    const v = await open(browser, server.url, { allowed: [favicon, ...(options.allowed ?? [])], ...context })
    await v.page.goto(lms.frames(path, options))
    return { ...v, tool: v.page.frameLocator('[name=tool]'), frame: () => v.page.frame({ name: 'tool' }) }
  }
  const heard = (page) => page.evaluate(() => window.heard)

  test('a browser that keeps cookies goes on by itself', async () => {
    const v = await visit('/lti/continue')
    await v.tool.getByText('GET /lti/went-on').waitFor()
    await v.tool.getByText('state=s.t').waitFor()
    assert.deepEqual(await heard(v.page), [], 'the platform should not be asked')
    await v.done()
  })

  test('without cookies and storage a new tab is offered, with the whole initiation', async () => {
    const v = await visit('/lti/continue', { sandbox: true })
    await v.tool.getByRole('heading', { name: 'One more step' }).waitFor()
    await screenshot(v.page, 'continue-blocked')
    const [tab] = await Promise.all([v.context.waitForEvent('page'), v.tool.getByRole('button', { name: 'Open in a new tab' }).click()])
    await tab.getByText('POST /lti/login').waitFor()
    const said = await tab.locator('body').textContent()
    for (const field of ['iss=https://moodle', 'login_hint=4', 'lti_message_hint={"cmid":7}']) assert.ok(said.includes(field), said)
    await v.tool.getByText('Your lab is in the other tab').waitFor()
    await v.done()
  })

  for (const [way, target] of [['parent', '_parent'], ['frame', 'storage']]) {
    test(`without cookies the platform keeps the value: ${target}`, async () => {
      const v = await visit('/lti/continue', { sandbox: true, storage: way, query: { store: target } })
      await v.tool.getByText('GET /lti/went-on').waitFor()
      const keeper = way === 'frame' ? v.page.frame({ name: 'storage' }) : v.page
      assert.deepEqual(await keeper.evaluate(() => window.kept), { 'labmark-s1': 's3cret' })
      await v.done()
    })
  }

  for (const way of ['none', 'confused', 'full']) {
    test(`a platform whose storage is ${way} leads to a new tab`, async () => {
      const v = await visit('/lti/continue', { sandbox: true, storage: way, query: { store: '_parent' } })
      await v.tool.getByRole('button', { name: 'Open in a new tab' }).waitFor({ timeout: 30_000 })
      await v.done()
    })
  }

  test('a value is given to the platform it is meant for, and to no other', async () => {
    // The frame is allowed, but the storage is said to be elsewhere.
    const inner = new URL('/lti/continue', server.url)
    inner.search = new URLSearchParams([['frame', 'https://other.example'], ['frame', lms.origin], ['store', '_parent']])
    const outer = new URL(lms.origin)
    outer.search = new URLSearchParams({ tool: inner.href, storage: 'parent', sandbox: '' })
    const v = await open(browser, server.url, { allowed: [favicon, /postMessage/] })
    await v.page.goto(outer.href)
    await v.page.frameLocator('[name=tool]').getByRole('button', { name: 'Open in a new tab' }).waitFor({ timeout: 30_000 })
    assert.ok((await heard(v.page)).every((m) => m.subject === 'lti.capabilities'))
    await v.done()
  })

  test('a launch without its cookie reads the value back and posts again', async () => {
    const v = await visit('/lti/storage', { storage: 'frame', query: { store: 'storage' } })
    await v.tool.getByText('POST /lti/launch').waitFor()
    const said = await v.tool.locator('body').textContent()
    for (const field of ['id_token=ey.token', 'state=s.t', 'stored=s3cret']) assert.ok(said.includes(field), said)
    await v.done()
  })

  test('a launch whose value is gone says what to do', async () => {
    const v = await visit('/lti/storage', { storage: 'empty', query: { store: '_parent' } })
    await v.tool.getByRole('heading', { name: 'Your lab could not be opened here' }).waitFor()
    assert.equal(await v.tool.getByRole('link', { name: 'Back to your course' }).getAttribute('target'), '_top')
    await v.done()
  })

  test('what was picked goes back to the platform', async () => {
    const v = await visit('/lti/return', { query: { to: lms.origin } })
    await v.tool.getByText('/return JWT=ey.answer').waitFor()
    await v.done()
  })

  test('a registration closes its window', async () => {
    const v = await visit('/lti/close')
    await until('the platform to hear of it', async () => (await heard(v.page)).some((m) => m.subject === 'org.imsglobal.lti.close'))
    await v.done()
  })

  test('a page tells its height to its platform', async () => {
    const v = await visit('/at/7Q2XK/progress')
    // The page is laid out again when its fonts have come, and says so again.
    const { height, from } = await until('the height that the page has', async () => {
      const said = (await heard(v.page)).findLast((m) => m.subject === 'lti.frameResize')
      const whole = await v.frame().evaluate(async () => (await document.fonts.ready, document.documentElement.scrollHeight))
      if (Math.abs(said?.height - whole) > 1) throw new Error(`said ${said.height}, is ${whole}`)
      return said
    })
    assert.equal(from, server.url)
    // It must not grow by what it has itself caused.
    await v.page.locator('[name=tool]').evaluate((frame, height) => (frame.height = height), height)
    await v.frame().evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
    assert.equal((await heard(v.page)).findLast((m) => m.subject === 'lti.frameResize').height, height)
    await v.done()
  })

  test('a page is shown in no frame but those that it is meant for', async () => {
    const v = await visit('/at/7Q2XK/progress', { permitted: false, allowed: [/frame-ancestors/, /ERR_BLOCKED/] })
    await until('the browser to refuse', () => v.complaints.some((c) => c.includes('frame-ancestors')))
    assert.equal(await v.tool.getByText('My progress').count(), 0)
    await v.done()
  })

  test('a student works in a frame of 800 × 600', async () => {
    await server.lever('forget')
    const v = await visit('/at/7Q2XK/tutorial')
    await until('the height', async () => (await heard(v.page)).some((m) => m.subject === 'lti.frameResize'))
    const { height } = (await heard(v.page)).find((m) => m.subject === 'lti.frameResize')
    assert.ok(height >= 600 && height <= 1000, `asked for ${height}`)
    await v.tool.getByText('Ada Ansah').waitFor()
    await v.tool.getByRole('link', { name: 'Open in a new window' }).waitFor()
    await v.tool.getByText('is waiting to be sent to Moodle').waitFor()
    await screenshot(v.page, 'framed-tutorial')
    await v.tool.getByRole('button', { name: 'Terminal' }).click()
    await until('the terminal', () => v.frame().evaluate(() => window.labmark?.terminalText().includes('$')))
    const box = await v.tool.locator('.screen').boundingBox()
    assert.ok(box.height > 250 && box.width > 600, `the terminal is ${box.width} × ${box.height}`)
    await v.tool.locator('.xterm-helper-textarea').focus()
    await v.page.keyboard.type('mkdir work\n')
    await until('the command', () => v.frame().evaluate(() => window.labmark.terminalText().includes('mkdir work')))
    await screenshot(v.page, 'framed-terminal')
    await v.tool.getByRole('button', { name: 'Tutorial' }).click()
    await v.tool.locator('[data-check=folder]').getByRole('button').click()
    await v.tool.locator('.check-message', { hasText: 'The folder work is there.' }).waitFor()
    await server.lever('grade')
    await v.tool.getByText('was sent to Moodle').waitFor()
    await v.done()
  })

  test('the framed pages have nothing that axe finds', async () => {
    for (const path of ['/at/7Q2XK/progress', '/at/7Q2XK/tutorial']) {
      const v = await open(browser, server.url)
      await v.page.goto(`${path}?frame=${lms.origin}`)
      await axe(v.page)
      await v.done()
    }
  })

  test('each hop can be walked without script', async () => {
    const v = await open(browser, server.url, { javaScriptEnabled: false })
    await v.page.goto('/lti/continue')
    await v.page.getByRole('button', { name: 'Open in a new tab' }).waitFor()
    await v.page.getByRole('link', { name: 'go on here' }).click()
    await v.page.getByText('GET /lti/went-on').waitFor()
    await v.page.goto(`/lti/return?to=${lms.origin}`)
    await v.page.getByRole('button', { name: 'Go on' }).click()
    await v.page.getByText('JWT=ey.answer').waitFor()
    v.forgive(favicon)
    await v.done()
  })
})
