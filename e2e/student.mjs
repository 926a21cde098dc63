// The steps that a student takes, for tests against the demo and against the
// real server alike.
import { until } from './harness.mjs'

// login signs in with a password, or by the demo's button if there is none.
export async function login(page, name, password) {
  await page.goto('/login')
  if (password === undefined) {
    await page.getByRole('button', { name: 'Try it as a guest' }).click()
  } else {
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  await page.waitForURL((url) => !url.pathname.startsWith('/login'))
}

// openTutorial opens a tutorial and waits until its terminal can be used. The
// page starts the machine by itself.
export async function openTutorial(page, address, { deadline = 60_000 } = {}) {
  await page.goto(address)
  await guestState(page, 'ready', { deadline })
  await terminalReady(page, { deadline })
}

// guestState waits for a state of the machine: none, starting, ready,
// resetting, stopping or failed.
export function guestState(page, state, { deadline = 60_000 } = {}) {
  return until(
    `the machine to be ${state}`,
    async () => {
      const now = await page.locator('#guest').getAttribute('data-state')
      if (now !== state) throw new Error(`it is ${now}: ${await page.locator('#guest-detail').textContent()}`)
      return true
    },
    { deadline },
  )
}

// terminalReady waits until the shell has said something.
export function terminalReady(page, { deadline = 30_000, guest } = {}) {
  return until('a prompt in the terminal', async () => (await terminalText(page, guest)) !== '', { deadline })
}

// terminalText is all text of the terminal, with its scrollback.
export function terminalText(page, guest) {
  return page.evaluate((guest) => window.labmark?.terminalText(guest) ?? '', guest)
}

// waitForTerminal waits until the terminal shows a text or matches a pattern.
export function waitForTerminal(page, wanted, { deadline = 30_000, guest } = {}) {
  return until(
    `the terminal to show ${wanted}`,
    async () => {
      const text = await terminalText(page, guest)
      if (wanted instanceof RegExp ? wanted.test(text) : text.includes(wanted)) return text
      throw new Error(`it shows:\n${text}`)
    },
    { deadline },
  )
}

// typeInTerminal types a line key by key and presses Enter, as a student does.
export async function typeInTerminal(page, line, { enter = true } = {}) {
  await showTerminal(page)
  await page.locator('.screen:not([hidden]) .xterm-helper-textarea').focus()
  await page.keyboard.type(line, { delay: 5 })
  if (enter) await page.keyboard.press('Enter')
}

// showTerminal brings the terminal to the front where only one pane fits.
export async function showTerminal(page) {
  const button = page.locator('.pane-switch button[data-pane="machine"]')
  if (await button.isVisible()) await button.click()
}

// check is the widget of one check.
export const check = (page, id) => page.locator(`[data-check="${id}"]`)

// pressCheck presses the button of a check.
export const pressCheck = (page, id) => check(page, id).locator('.check-button').click()

// waitForCheck waits until a check says pass, part, fail or unsure, and gives
// its message. Press it first: an earlier verdict of the same kind counts too.
export async function waitForCheck(page, id, verdict, { deadline = 60_000 } = {}) {
  const widget = check(page, id)
  await until(
    `the check ${id} to say ${verdict}`,
    async () => {
      const state = await widget.getAttribute('data-state')
      if (state === verdict) return true
      throw new Error(`it says ${state}: ${await widget.locator('.check-message').textContent()}`)
    },
    { deadline },
  )
  return widget.locator('.check-message').textContent()
}

// runCheck presses a check, sees it run, and waits for its verdict. It
// gives the message.
export async function runCheck(page, id, verdict, options) {
  const answered = page.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith(`/checks/${id}`))
  await pressCheck(page, id)
  await answered
  await until('the result', async () => (await check(page, id).getAttribute('data-state')) !== 'running', options)
  return waitForCheck(page, id, verdict, options)
}

// score is the points shown on top.
export const score = async (page) => Number(await page.locator('#score-points').textContent())

// resetMachine presses Reset, confirms, and waits for the new machine.
export async function resetMachine(page, options) {
  const generation = () => page.locator('#guest').getAttribute('data-generation')
  const before = await generation()
  await page.getByRole('button', { name: 'Reset', exact: true }).click()
  await page.getByRole('button', { name: 'Reset the machine' }).click()
  await until('a new machine', async () => (await generation()) !== before, options)
  await guestState(page, 'ready', options)
}
