// The real server and a pretend platform beside it, for browser tests of
// launches. The tool is on localhost and the platform on 127.0.0.1, so that
// browsers take them for two sites.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { chromiumArgs, endGuests, executable, freePort, root, serve } from './harness.mjs'

export const binary = path.join(root, 'bin', 'labmark')

// gateway starts the real thing on a fresh data folder, with an administrator.
export async function gateway(...args) {
  const dir = mkdtempSync(path.join(tmpdir(), 'lm')) // a guest's socket needs a short path
  const port = await freePort()
  const url = `http://localhost:${port}`
  const run = (args, input) => execFileSync(binary, [...args, '--data-dir', dir], { input, encoding: 'utf8' })
  run(['user', 'add', '--admin', 'root'], 'open sesame\n')
  const server = await serve(binary, ['serve', '--per-user', '0', '--listen', `127.0.0.1:${port}`, '--public-url', url, '--data-dir', dir, ...args], `http://127.0.0.1:${port}/healthz`)
  return {
    ...server,
    url,
    run,
    async stop() {
      await server.stop()
      endGuests(dir)
    },
  }
}

// platform starts a pretend Moodle or Canvas.
export async function platform(kind) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  return { ...(await serve(binary, ['lms', '--kind', kind, '--listen', `127.0.0.1:${port}`], url)), url, kind }
}

// Cookies of other sites: allowed; blocked but for partitioned ones, as
// browsers do more and more; or none at all for the tool inside the platform's
// pages.
export const ALLOWED = 'allowed'
export const THIRD_PARTY_BLOCKED = 'third-party blocked'
export const NONE_IN_FRAMES = 'none in frames'

// openWith starts a browser of its own with one of these settings.
export async function openWith(cookies, tool, lms) {
  const profile = mkdtempSync(path.join(tmpdir(), 'lmprofile'))
  const preferences = { profile: { cookie_controls_mode: cookies === ALLOWED ? 0 : 1, block_third_party_cookies: cookies !== ALLOWED } }
  if (cookies === NONE_IN_FRAMES) {
    preferences.profile.content_settings = { exceptions: { cookies: { [`${tool},${lms}`]: { setting: 2 } } } }
  }
  mkdirSync(path.join(profile, 'Default'))
  writeFileSync(path.join(profile, 'Default', 'Preferences'), JSON.stringify(preferences))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: executable,
    args: [...chromiumArgs, ...(cookies === ALLOWED ? [] : ['--test-third-party-cookie-phaseout'])],
    viewport: { width: 1280, height: 1000 },
  })
  const complaints = []
  context.on('page', (page) => watch(page, complaints))
  for (const page of context.pages()) watch(page, complaints)
  return {
    context,
    complaints,
    page: context.pages()[0] ?? (await context.newPage()),
    async close() {
      await context.close()
      rmSync(profile, { recursive: true, force: true })
    },
  }
}

function watch(page, complaints) {
  page.on('console', (m) => {
    if (m.type() === 'error' || /Content.Security.Policy/i.test(m.text())) complaints.push(`console: ${m.text()} (${m.location().url})`)
  })
  page.on('pageerror', (failure) => complaints.push(`uncaught: ${failure.stack ?? failure.message}`))
}

// inFrame lets the steps of student.mjs work inside a frame of a page.
export function inFrame(page, frame) {
  return new Proxy(frame, {
    get(of, key) {
      const from = key in of ? of : page // keyboard and network are the page's
      return typeof from[key] === 'function' ? from[key].bind(from) : from[key]
    },
  })
}

// become signs in at the platform as one of its people, and opens its course.
export async function become(page, lms, username) {
  await page.goto(lms.url)
  await page.locator(`button[data-user="${username}"]`).click()
  await page.goto(lms.url)
  await page.getByRole('link', { name: 'Introduction to Linux' }).first().click()
}

// toolFrame waits for the tool's frame, once it shows what it is to show.
export async function toolFrame(page, address, { deadline = 60_000 } = {}) {
  const handle = await page.locator('iframe#tool').elementHandle({ timeout: deadline })
  const frame = await handle.contentFrame()
  await frame.waitForURL(address, { timeout: deadline })
  return inFrame(page, frame)
}
