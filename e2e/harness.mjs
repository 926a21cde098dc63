// What browser tests share: starting a command that serves, a browser that
// notices every complaint of a page, and the steps that a student takes.
// It needs Node 18 and Debian's package "chromium".
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const here = path.dirname(fileURLToPath(import.meta.url))
export const root = path.dirname(here)
export const results = path.join(here, 'results')
mkdirSync(results, { recursive: true })

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

// until polls a condition; its last failure is what it throws at the deadline.
export async function until(what, condition, { deadline = 30_000, pause = 50 } = {}) {
  const end = Date.now() + deadline
  let last
  for (;;) {
    try {
      const value = await condition()
      if (value) return value
      last = undefined
    } catch (failure) {
      last = failure
    }
    if (Date.now() > end) throw new Error(`waited ${deadline} ms for: ${what}${last ? ` (${last.message})` : ''}`)
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

// freePort asks the system for a port that nobody uses.
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

const answers = async (url) => {
  const response = await fetch(url, { redirect: 'manual' })
  await response.arrayBuffer()
  return true
}

// serve starts a command and waits until url answers. Its output is kept for
// when it fails. stop ends it, by SIGTERM and, if that is not enough, SIGKILL.
export async function serve(command, args, url, { cwd = root, env = {}, deadline = 60_000 } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let gone = null
  child.stdout.on('data', (b) => (output += b))
  child.stderr.on('data', (b) => (output += b))
  child.on('error', (failure) => (gone = failure.message))
  const ended = new Promise((resolve) =>
    child.on('exit', (code, signal) => {
      gone ??= `exit ${code ?? signal}`
      resolve()
    }),
  )
  const server = {
    url,
    pid: child.pid,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      if (gone) return
      child.kill(signal)
      const hard = setTimeout(() => child.kill('SIGKILL'), 20_000)
      await ended
      clearTimeout(hard)
    },
  }
  try {
    await until(`${command} to answer on ${url}`, () => gone !== null || answers(url), { deadline })
  } catch (failure) {
    await server.stop()
    throw new Error(`${failure.message}\n${output}`)
  }
  if (gone !== null) throw new Error(`${command} ended before it served: ${gone}\n${output}`)
  return server
}

export const executable = process.env.CHROMIUM ?? '/usr/bin/chromium'

// chromiumArgs keep Chromium from asking for the outside, and Playwright from
// losing a frame now and then that hops from site to site.
export const chromiumArgs = [
  '--disable-site-isolation-trials',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

// launch starts Chromium.
export function launch() {
  return chromium.launch({ executablePath: executable, args: chromiumArgs })
}

// open makes a fresh browser context with one page. complaints collects all
// console errors, warnings of the policy, uncaught errors and failed requests;
// a test that expects some takes them out with forgive, and ends with
// visit.done(), which throws if any are left.
export async function open(browser, url, { allowed = [], ...options } = {}) {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1440, height: 900 }, ...options })
  const page = await context.newPage()
  const complaints = []
  page.on('console', (m) => {
    if (m.type() === 'error' || /Content.Security.Policy/i.test(m.text())) complaints.push(`console: ${m.text()} (${m.location().url})`)
  })
  page.on('pageerror', (failure) => complaints.push(`uncaught: ${failure.stack ?? failure.message}`))
  page.on('response', (r) => {
    if (r.status() >= 400 && new URL(r.url()).pathname.startsWith('/assets/')) complaints.push(`${r.status()}: ${r.url()}`)
  })
  const visit = {
    page,
    context,
    complaints,
    forgive(pattern) {
      for (let i = complaints.length - 1; i >= 0; i--) if (pattern.test(complaints[i])) complaints.splice(i, 1)
    },
    async done() {
      for (const pattern of allowed) visit.forgive(pattern)
      await context.close()
      if (complaints.length) throw new Error(`the page complained:\n${complaints.join('\n')}`)
    },
  }
  return visit
}

// screenshot writes results/NAME.png.
export async function screenshot(page, name, options = {}) {
  await page.evaluate(() => document.fonts.ready)
  await page.screenshot({ path: path.join(results, `${name}.png`), animations: 'disabled', ...options })
}

// printed writes results/NAME.pdf as the page would be printed.
export function printed(page, name) {
  return page.pdf({ path: path.join(results, `${name}.pdf`), format: 'A4', margin: { top: '15mm', bottom: '15mm', left: '12mm', right: '12mm' } })
}

// axe throws if the page has accessibility violations, naming each element.
export async function axe(page, { skip = [] } = {}) {
  await page.evaluate(() => document.fonts.ready)
  // What is half hidden below a fixed bar would count as too small to press.
  await page.evaluate(() => document.querySelector('#tutorial')?.scrollTo({ top: 0, behavior: 'instant' }))
  // The page's policy refuses injected scripts; the browser's own door is open.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource)
  const violations = await page.evaluate(async (skip) => {
    const found = await window.axe.run(
      { exclude: skip },
      { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] },
    )
    return found.violations.map((v) => `${v.id} (${v.impact}): ${v.help}\n${v.nodes.map((n) => `    ${n.html.slice(0, 160)}\n      ${n.any.concat(n.all, n.none).map((c) => c.message).join('; ')}`).join('\n')}`)
  }, skip)
  if (violations.length) throw new Error(`axe found on ${page.url()}:\n${violations.join('\n')}`)
}

// forget removes earlier screenshots.
export function forgetResults() {
  rmSync(results, { recursive: true, force: true })
  mkdirSync(results, { recursive: true })
}

// endGuests ends what outlives a server, its guests and what looks after them,
// and removes its data folder.
export function endGuests(dir) {
  const guests = path.join(dir, 'uml', 'guests')
  for (const id of existsSync(guests) ? readdirSync(guests) : []) {
    end(() => readFileSync(path.join(guests, id, 'shim.pid'), 'utf8'))
  }
  // libvirtd, its keeper and QEMU name their files in their command lines.
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    end(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${dir}-libvirt/`) && pid)
  }
  rmSync(dir, { recursive: true, force: true })
  rmSync(`${dir}-libvirt`, { recursive: true, force: true })
}

function end(whom) {
  try {
    const pid = whom()
    if (pid) process.kill(Number(pid), 'SIGKILL')
  } catch {} // it has ended already
}
