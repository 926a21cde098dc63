// Launches from a pretend Moodle and a pretend Canvas, in a browser that keeps
// cookies of other sites, and in browsers that do not: from registration to
// the grade in the platform's gradebook, with real guests.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { axe, freePort, screenshot, until } from './harness.mjs'
import { ALLOWED, NONE_IN_FRAMES, THIRD_PARTY_BLOCKED, become, gateway, inFrame, openWith, platform, toolFrame } from './lms.mjs'
import * as student from './student.mjs'

const slow = { deadline: 120_000 } // two slow cores, shared with others

// register makes tool and platform known to each other, as an administrator of
// both does: by dynamic registration.
async function register(visit, tool, lms) {
  const { page } = visit
  const signIn = await visit.context.newPage()
  await signIn.goto(`${tool.url}/login`)
  await signIn.getByLabel('Name', { exact: true }).fill('root')
  await signIn.getByLabel('Password').fill('open sesame')
  await signIn.getByRole('button', { name: 'Sign in' }).click()
  await signIn.waitForURL(`${tool.url}/`)
  await signIn.goto(`${tool.url}/admin/platforms`)
  await axe(signIn)
  await screenshot(signIn, 'lti-platforms-empty', { fullPage: true })
  await signIn.locator('form[action$="/invite"] button').click()
  const address = await signIn.evaluate(() => {
    const text = [...document.querySelectorAll('input, code')].map((e) => e.value ?? e.textContent)
    return text.find((t) => t.includes('/lti/register?invitation='))
  })
  assert.ok(address, 'the page shows the address for registration')
  await page.goto(`${lms.url}/admin`)
  await page.locator('input[name=registration]').fill(address)
  await page.locator('button[data-register]').click()
  const row = page.locator('tr[data-tool]')
  await row.waitFor({ timeout: slow.deadline })
  if ((await row.getAttribute('data-state')) === 'pending') await row.locator('button[data-activate]').click()
  await page.locator('tr[data-tool][data-state=active]').waitFor()
  return signIn
}

// addTutorials lets the teacher pick tutorials inside the platform.
async function addTutorials(page, lms, titles) {
  await become(page, lms, 'tessa')
  await page.locator('a[data-add=many]').click()
  const frame = await toolFrame(page, /\/pick$/, slow)
  await axe(frame)
  await screenshot(page, `lti-pick-${lms.kind}`)
  for (const title of titles) await frame.getByLabel(title, { exact: false }).first().check()
  await frame.locator('button[type=submit]:not([name=cancel])').last().click()
  await page.locator('[data-added]').waitFor({ timeout: slow.deadline })
  for (const title of titles) await page.locator(`a[data-activity]`, { hasText: title }).first().waitFor()
}

const note = 'Honest work'

// registered makes the two known to each other without a browser's help.
async function registered(visit, tool, lms) {
  const address = tool.run(['platform', 'invite', '--public-url', tool.url]).match(/http\S+/)[0]
  await visit.page.goto(`${lms.url}/admin`)
  await visit.page.locator('input[name=registration]').fill(address)
  await visit.page.locator('button[data-register]').click()
  const row = visit.page.locator('tr[data-tool]')
  await row.waitFor({ timeout: slow.deadline })
  if ((await row.getAttribute('data-state')) === 'pending') await row.locator('button[data-activate]').click()
  await visit.page.locator('tr[data-tool][data-state=active]').waitFor()
}

// graded waits for ada's points in the platform's gradebook.
async function graded(page, lms, points) {
  await become(page, lms, 'tessa')
  await page.locator('a[data-grades]').first().click()
  const cell = page.locator(`td[data-grade][data-user=ada][data-activity="${note}"]`)
  await until('the grade in the gradebook', async () => (await cell.locator('span').textContent()).trim() === points, slow)
}

// passes does the work of the trials' first check, in a page or a frame.
async function passes(work) {
  await student.guestState(work, 'ready', slow)
  await student.terminalReady(work, slow)
  await student.runCheck(work, 'note-written', 'fail', slow)
  const word = await work.locator('.prose strong').filter({ hasText: /^[0-9a-f]{8}$/ }).first().textContent()
  await student.typeInTerminal(work, `echo ${word} > note; cat note`)
  await student.waitForTerminal(work, new RegExp(`^${word}`, 'm'), slow)
  await student.runCheck(work, 'note-written', 'pass', slow)
  await until('two points', async () => (await student.score(work)) === 2, slow)
}

for (const kind of (process.env.LABMARK_KINDS ?? 'moodle canvas').split(' ')) {
  for (const cookies of [ALLOWED, THIRD_PARTY_BLOCKED]) {
    describe(`${kind}, cookies of other sites ${cookies}`, () => {
      let tool, lms, visit, page
      before(async () => {
        tool = await gateway('e2e/course', 'examples/linux-essentials')
        lms = await platform(kind)
        visit = await openWith(cookies, tool.url, lms.url)
        page = visit.page
      })
      after(async () => {
        await visit?.close()
        await lms?.stop()
        await tool?.stop()
      })

      test('an administrator registers', async () => {
        const admin = await register(visit, tool, lms)
        await admin.goto(`${tool.url}/admin/platforms`)
        await admin.getByText('active').first().waitFor()
        await axe(admin)
        await screenshot(admin, `lti-platforms-${kind}`, { fullPage: true })
        await admin.close()
      })

      test('a teacher picks two tutorials', () => addTutorials(page, lms, [note, 'Shell']))

      test('a student works inside the platform, and the grade arrives', async () => {
        await become(page, lms, 'ada')
        await page.locator('a[data-activity]', { hasText: note }).first().click()
        const work = await toolFrame(page, /\/courses\/trials\/work$/, slow)
        await work.getByText('Ada Lovelace').first().waitFor()
        await passes(work)
        await axe(work)
        await screenshot(page, `lti-embedded-${kind}`)
        await until('the student to read that the grade was sent', async () => (await work.locator('#grade-lamp').getAttribute('data-state')) === 'pass', slow)
        await graded(page, lms, '2')
        await screenshot(page, `lti-gradebook-${kind}`)
      })

      test('the teacher reviews it from the gradebook', async () => {
        await page.locator(`td[data-grade][data-user=ada][data-activity="${note}"] a[data-review]`).click()
        const review = await toolFrame(page, /\/class\/students\//, slow)
        await review.getByText('The note says').first().waitFor()
        await axe(review)
        await screenshot(page, `lti-review-${kind}`)
      })

      test('the teacher sees the class', async () => {
        await become(page, lms, 'tessa')
        await page.locator('a[data-activity]', { hasText: note }).first().click()
        const work = await toolFrame(page, /\/courses\/trials\/work$/, slow)
        await work.locator('a[href$="/class"], a[href*="/class?"]').first().click()
        await work.getByText('Ada Lovelace').first().waitFor()
        await work.getByText('Chen').first().waitFor() // from the roster alone
        await axe(work)
        await screenshot(page, `lti-class-${kind}`)
      })

      test('pages complained of nothing', () => assert.deepEqual(visit.complaints, []))
    })
  }
}

describe('a browser that keeps no cookies for pages inside other pages', () => {
  let tool
  before(async () => {
    tool = await gateway('e2e/course', 'examples/linux-essentials')
  })
  after(() => tool?.stop())

  // seated registers and adds the tutorial in a browser that keeps cookies:
  // the teacher is not the one with the strict browser.
  async function seated(kind) {
    const lms = await platform(kind)
    const other = await openWith(ALLOWED, tool.url, lms.url)
    await registered(other, tool, lms)
    await addTutorials(other.page, lms, [note])
    const visit = await openWith(NONE_IN_FRAMES, tool.url, lms.url)
    await become(visit.page, lms, 'ada')
    await visit.page.locator('a[data-activity]', { hasText: note }).first().click()
    return { lms, other, visit, page: visit.page }
  }
  async function leave(seat) {
    await seat.visit.close()
    await seat.other.close()
    await seat.lms.stop()
  }

  test('Canvas keeps what is needed, and the work goes on inside it', async () => {
    const seat = await seated('canvas')
    const work = await toolFrame(seat.page, /\/courses\/trials\/work$/, slow)
    await passes(work)
    // The address is all that there is of the session: copied into a window it opens nothing.
    const thief = await seat.visit.context.newPage()
    await thief.goto(work.url())
    await thief.getByText('This visit is over').first().waitFor()
    await thief.close()
    await graded(seat.other.page, seat.lms, '2')
    await leave(seat)
  })

  test('Moodle has no place for it: a new tab is offered, and works', async () => {
    const seat = await seated('moodle')
    const frame = await toolFrame(seat.page, /\/lti\/login/, slow)
    const [tab] = await Promise.all([
      seat.visit.context.waitForEvent('page'),
      frame.getByRole('button', { name: 'Open in a new tab' }).click({ timeout: slow.deadline }),
    ])
    await tab.waitForURL(/\/courses\/trials\/work$/, { timeout: slow.deadline })
    await passes(tab)
    await screenshot(tab, 'lti-window')
    await graded(seat.other.page, seat.lms, '2')
    await leave(seat)
  })
})

describe('an embedded page', () => {
  test('opens in a window of its own, on the same machine', async () => {
    const tool = await gateway('e2e/course', 'examples/linux-essentials')
    const lms = await platform('moodle')
    const visit = await openWith(THIRD_PARTY_BLOCKED, tool.url, lms.url)
    const { page } = visit
    await registered(visit, tool, lms)
    await addTutorials(page, lms, [note])
    await become(page, lms, 'ada')
    await page.locator('a[data-activity]', { hasText: note }).first().click()
    const work = await toolFrame(page, /\/courses\/trials\/work$/, slow)
    await student.guestState(work, 'ready', slow)
    const [tab] = await Promise.all([visit.context.waitForEvent('page'), work.locator('a[href^="/enter?"]').click()])
    await tab.waitForURL(/\/courses\/trials\/work$/, { timeout: slow.deadline })
    await tab.getByText('Ada Lovelace').first().waitFor()
    await passes(tab)
    await until('the points in the frame too', async () => (await student.score(work)) === 2, slow)
    await visit.close()
    await lms.stop()
    await tool.stop()
  })
})

test('the demo has a pretend platform beside it, where grades arrive', async () => {
  const port = await freePort()
  const tool = await gateway('--demo', '--pretend-lms', `127.0.0.1:${port}`, 'e2e/course')
  const lms = { url: `http://127.0.0.1:${port}` }
  const visit = await openWith(ALLOWED, tool.url, lms.url)
  await visit.page.goto(`${tool.url}/login`)
  await visit.page.getByRole('link', { name: 'Launch as a student from a pretend LMS' }).click()
  await become(visit.page, lms, 'ada')
  await visit.page.locator('a[data-activity]', { hasText: note }).first().click()
  await passes(await toolFrame(visit.page, /\/courses\/trials\/work$/, slow))
  await graded(visit.page, lms, '2')
  assert.deepEqual(visit.complaints, [])
  await visit.close()
  await tool.stop()
})
