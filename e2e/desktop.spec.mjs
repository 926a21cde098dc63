// The desktop in the page, against the real server with simulated guests, whose
// screens show a block of colour for each character that is typed.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { axe, freePort, launch, open, root, screenshot, serve, until } from './harness.mjs'
import * as student from './student.mjs'

const address = '/courses/screens/screen'
const slow = { deadline: 60_000 }

// screens serves a course with screens; see e2e/screens.
async function screens(...args) {
  const dir = mkdtempSync(path.join(tmpdir(), 'labmark-screens-'))
  const binary = path.join(dir, 'screens')
  execFileSync('go', ['build', '-o', binary, './e2e/screens'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  const listen = `127.0.0.1:${await freePort()}`
  const server = await serve(binary, ['-listen', listen, ...args], `http://${listen}/healthz`)
  return {
    ...server,
    url: `http://${listen}`,
    // cut ends all connections to screens, and lets nobody have a new one until
    // they are joined.
    cut: () => process.kill(server.pid, 'SIGUSR1'),
    join: () => process.kill(server.pid, 'SIGUSR2'),
    async stop() {
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

const tab = (page, name) => page.getByRole('tab', { name })
const canvas = (page) => page.locator('#desktop-place canvas')

// pixels counts the colours of the screen: 1 is an empty one.
const pixels = (page) =>
  canvas(page).evaluate((c) => {
    const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height)
    const colours = new Set(new Uint32Array(data.buffer))
    return { width: c.width, height: c.height, colours: colours.size, ground: data.slice(-4, -1).join() }
  })

// look opens the desktop's tab and waits for a picture.
async function look(page) {
  await tab(page, 'Desktop').click()
  return until('a picture', async () => {
    const p = await pixels(page)
    return p.ground !== '0,0,0' && p
  }, slow)
}

async function enter(page) {
  await student.login(page)
  await student.openTutorial(page, address)
}

// typed waits for what the machine has got by its screen's keyboard.
async function typed(page, wanted) {
  await tab(page, 'Terminal').click()
  await student.typeInTerminal(page, 'cat /screen/typed')
  await student.waitForTerminal(page, wanted, slow)
  await tab(page, 'Desktop').click()
  await until('the desktop to be back', () => canvas(page).isVisible(), slow)
}

describe('desktop', () => {
  let server, browser, visit, page
  before(async () => {
    server = await screens()
    browser = await launch()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })
  beforeEach(async () => {
    visit = await open(browser, server.url)
    page = visit.page
    await enter(page)
  })
  afterEach(() => {
    server.join()
    return visit.done()
  })

  test('shows the screen, and takes keys', async () => {
    assert.equal((await look(page)).colours, 1)
    await canvas(page).click()
    await page.keyboard.type('abc')
    await until('three blocks', async () => (await pixels(page)).colours === 4)
    await screenshot(page, 'desktop-wide')
    await axe(page)
    await page.keyboard.press('Enter')
    await until('an empty line', async () => (await pixels(page)).colours === 1)
    await typed(page, /^abc/m)
  })

  test('is loaded only by who looks at it', async () => {
    const loaded = () => page.evaluate(() => performance.getEntriesByType('resource').some((e) => e.name.includes('novnc')))
    assert.equal(await loaded(), false)
    await look(page)
    assert.equal(await loaded(), true)
  })

  test('is reached and left by the keyboard, and says what it is', async () => {
    await tab(page, 'Terminal').focus()
    await page.keyboard.press('ArrowRight')
    await until('the choice to be told', async () => /picture.*Terminal/.test(await page.locator('#announce').textContent()))
    await until('the screen', () => canvas(page).isVisible(), slow)
    const focused = (what) => page.evaluate((what) => document.activeElement.matches(what), what)
    await until('the screen to have the keys', async () => {
      await page.keyboard.press('Tab')
      return focused('canvas')
    })
    assert.match(await canvas(page).getAttribute('aria-label'), /screen reader.*Control F6 leaves/)
    await page.keyboard.type('no')
    await page.keyboard.press('Tab')
    assert.ok(await focused('canvas'), 'Tab belongs to the machine')
    await page.keyboard.press('Control+F6')
    assert.ok(!(await focused('#machine *')), 'Ctrl+F6 should lead out')
    await page.keyboard.press('Control+F6')
    await until('the way back', () => focused('canvas'))
    await page.keyboard.type('w') // with a Ctrl that is stuck it would be lost
    await page.keyboard.press('Enter')
    await typed(page, /^now/m)
  })

  test('takes the size of its place', async () => {
    const box = () => page.locator('#desktop-place').boundingBox()
    const fits = async () => {
      const { width, height } = await box()
      const p = await pixels(page)
      return p.width === Math.floor(width) && p.height === Math.floor(height)
    }
    await look(page)
    await until('the size of the place', fits)
    const before = (await box()).width
    await page.locator('#splitter').focus()
    await page.keyboard.press('Home')
    assert.ok((await box()).width > before)
    await until('the size of the wider place', fits)
  })

  test('shares the clipboard through the browser, where that is allowed', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await look(page)
    await page.evaluate(() => navigator.clipboard.writeText('from outside'))
    await canvas(page).click()
    await until('the clipboard to be given', async () => (await page.locator('#clipboard-field').inputValue()) === 'from outside')
    await page.keyboard.press('Control+v')
    await page.keyboard.type('!')
    await page.keyboard.press('Enter') // which copies the line, in this machine
    await until('what was copied', () => page.evaluate(async () => (await navigator.clipboard.readText()) === 'from outside!'))
    await typed(page, /^from outside!/m)
  })

  test('shares the clipboard by a field, where it is not', async () => {
    await look(page)
    await page.getByRole('button', { name: 'Clipboard' }).click()
    const field = page.getByLabel("The machine's clipboard")
    await field.fill('by hand')
    await screenshot(page, 'desktop-clipboard')
    await axe(page)
    await field.press('Escape')
    assert.equal(await field.isVisible(), false)
    await canvas(page).click()
    await page.keyboard.press('Control+v')
    await page.keyboard.type(' and back')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Clipboard' }).click()
    await until('what was copied', async () => (await field.inputValue()) === 'by hand and back')
  })

  test('has buttons for Ctrl+Alt+Del and the full screen', async () => {
    await look(page)
    await canvas(page).click()
    await page.keyboard.type('away')
    await until('blocks', async () => (await pixels(page)).colours > 1)
    await page.getByRole('button', { name: 'Ctrl+Alt+Del' }).click()
    await until('a wiped screen', async () => (await pixels(page)).colours === 1)
    await page.getByRole('button', { name: 'Full screen' }).click()
    // The page's place is a whole number of times 16 pixels wide.
    await until('the full screen', async () => (await pixels(page)).width > (await page.evaluate(() => innerWidth)) - 24)
    await screenshot(page, 'desktop-full')
    await page.getByRole('button', { name: 'Full screen' }).click()
    await until('the page again', () => page.locator('#tutorial').isVisible())
  })

  test('comes back when the connection is lost', async () => {
    await look(page)
    await canvas(page).click()
    await page.keyboard.type('kept')
    await until('blocks', async () => (await pixels(page)).colours > 1)
    server.cut()
    await page.getByText('The connection to the desktop is lost.').waitFor(slow)
    await screenshot(page, 'desktop-lost')
    await axe(page)
    server.join()
    await page.getByRole('button', { name: 'Try now' }).click()
    await until('the same screen on a new connection', async () => (await pixels(page)).colours > 1, slow)
    await page.keyboard.type('!') // the keys still go there
    await page.keyboard.press('Enter')
    await typed(page, /^kept!/m)
  })

  test('ends with the machine, and is another after a reset', async () => {
    const { ground } = await look(page)
    await student.resetMachine(page, slow)
    const fresh = await until('another screen', async () => {
      const p = await pixels(page)
      return p.ground !== '0,0,0' && p.ground !== ground
    }, slow)
    assert.ok(fresh)
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await student.guestState(page, 'none', slow)
    await page.getByText('This is where your machine will appear.').waitFor()
    assert.equal(await canvas(page).count(), 0)
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await until('the screen again', () => canvas(page).isVisible(), slow)
  })

  test('is no part of a tutorial without one', async () => {
    await student.openTutorial(page, '/courses/screens/plain')
    assert.equal(await tab(page, 'Desktop').count(), 0)
    assert.equal(await page.locator('.tab').textContent(), 'box')
  })

  for (const [view, options] of Object.entries({
    dark: { colorScheme: 'dark' },
    phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  })) {
    test(`fits, ${view}`, async () => {
      const other = await open(browser, server.url, options)
      await enter(other.page)
      await student.showTerminal(other.page)
      await look(other.page)
      await screenshot(other.page, `desktop-${view}`)
      await axe(other.page)
      const { scroll, client } = await other.page.evaluate(() => ({
        scroll: document.documentElement.scrollWidth,
        client: document.documentElement.clientWidth,
      }))
      assert.ok(scroll <= client, `the page is ${scroll} px wide on a screen of ${client} px`)
      await other.done()
    })
  }
})

describe('desktop on a server whose machines have none', () => {
  let server, browser, visit, page
  before(async () => {
    server = await screens('-blind')
    browser = await launch()
    visit = await open(browser, server.url)
    page = visit.page
    await enter(page)
  })
  after(async () => {
    await visit?.context.close()
    await browser?.close()
    await server?.stop()
  })

  test('says so, and leaves the terminal usable', async () => {
    await tab(page, 'Desktop').click()
    await page.getByText('Machines on this server have no screen. Work in the terminal').waitFor(slow)
    await screenshot(page, 'desktop-none')
    await axe(page)
    await tab(page, 'Terminal').click()
    assert.equal(await page.locator('#terminal-notice').isVisible(), false)
    await student.typeInTerminal(page, 'echo still here')
    await student.waitForTerminal(page, /^still here/m, slow)
    assert.deepEqual(visit.complaints, [])
  })
})
