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
  afterEach(() => visit.done())

  test('shows the screen, and takes keys', async () => {
    assert.equal((await look(page)).colours, 1)
    await canvas(page).click()
    await page.keyboard.type('abc')
    await until('three blocks', async () => (await pixels(page)).colours === 4)
    await screenshot(page, 'desktop-wide')
    await page.keyboard.press('Enter')
    await until('an empty line', async () => (await pixels(page)).colours === 1)
    await axe(page)
    await typed(page, /^abc/m)
  })
})
