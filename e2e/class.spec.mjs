// The pages of those who teach and of administrators, with sample data.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { demo } from './demo.mjs'
import { launch, open, printed, screenshot, until } from './harness.mjs'

const favicon = /favicon\.ico/

describe('teaching', () => {
  let server, browser
  before(async () => {
    server = await demo()
    browser = await launch()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })
  async function visit(path, options = {}) {
    const v = await open(browser, server.url, { allowed: [favicon], ...options })
    await v.page.goto(path)
    return v
  }

  test('a class of 140 is there at once, and can be searched, narrowed and sorted', async () => {
    const begun = Date.now()
    const { page, done } = await visit('/teach/class')
    await page.getByText('140 students').waitFor()
    assert.ok(Date.now() - begun < 15_000, `it took ${Date.now() - begun} ms`)
    const shown = () => page.locator('#grid tbody tr:visible .grid-name').allTextContents()

    await page.getByLabel('Find a student').fill('quentin cas')
    await page.getByText('of 140 students').waitFor()
    const found = await shown()
    assert.ok(found.length > 0 && found.every((n) => /Quentin Cas/.test(n)), found.join())
    await page.getByLabel('Find a student').fill('s214000')
    await page.getByText('1 of 140 students').waitFor()
    await page.getByLabel('Find a student').fill('')

    await page.getByLabel('Show').selectOption('who never came')
    await page.getByText('8 of 140 students').waitFor()
    await page.getByLabel('Show').selectOption('whose grade waits or was refused')
    await page.getByText('4 of 140 students').waitFor()
    await page.getByLabel('Show').selectOption('everybody')
    await page.getByText('140 students', { exact: true }).waitFor()

    await page.getByLabel('Sort by').selectOption('most points')
    const won = async () => (await page.locator('#grid tbody .grid-num').allTextContents()).map((t) => (t === '–' ? 0 : Number(t)))
    await until('the best to stand first', async () => {
      const all = await won()
      return all.every((p, i) => i === 0 || all[i - 1] >= p)
    })
    await screenshot(page, 'class-sorted')
    await done()
  })

  test('the grid lives: cells and rows change while one looks', async () => {
    const { page, done } = await visit('/teach/class', { allowed: [favicon, /503/, /ERR_INCOMPLETE/] })
    const never = page.locator('tr[data-user=u16]')
    assert.equal(await never.locator('.cell a').count(), 0)
    const before = await page.locator('[data-sum=c0] span').textContent()
    const [passed, tried] = before.split('/').map(Number)
    // The stream may not be open yet; an event sent twice is harmless.
    await until('the cell', async () => {
      await server.lever('cell')
      return (await never.locator('.cell a').count()) === 1
    })
    const cell = never.locator('.cell a')
    assert.equal(await cell.getAttribute('aria-label'), 'Passed: 1 of 1 point, 2 attempts')
    assert.equal(await page.locator('[data-sum=c0] span').textContent(), `${passed + 1}/${tried + 1}`)
    await server.lever('row')
    await never.getByText('sent').waitFor()
    await never.getByText('just now').waitFor()
    assert.equal(await never.getAttribute('data-running'), '')
    assert.equal(await never.getByRole('link', { name: 'Quentin Castillo' }).count(), 1)
    // A lost connection is told, and mends.
    await server.lever('deaf')
    await page.getByText('What you see may be old').waitFor()
    await server.lever('hear')
    await page.getByText('What you see may be old').waitFor({ state: 'hidden', timeout: 60_000 })
    await server.lever('forget')
    await done()
  })

  test('arrow keys walk through the grid, Tab passes it by', async () => {
    const { page, done } = await visit('/teach/class/small')
    const cells = page.locator('tbody .cell a')
    assert.equal(await page.locator('tbody .cell a[tabindex="0"]').count(), 1)
    await cells.first().focus()
    await page.keyboard.press('ArrowRight')
    const second = await page.evaluate(() => document.activeElement.closest('td').cellIndex)
    assert.ok(second > 3)
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    assert.equal(await page.evaluate(() => document.activeElement.closest('th')?.cellIndex), 0, 'left of the first cell is the name')
    await page.keyboard.press('ArrowRight')
    assert.match(await page.evaluate(() => document.activeElement.title), /Ada Ansah, Make a folder/)
    await page.keyboard.press('Enter')
    await page.waitForURL('**/teach/student#attempt-a4')
    assert.equal(await page.locator('#attempt-a4 details').getAttribute('open'), '')
    await done()
  })

  test('the grid prints whole', async () => {
    const { page, done } = await visit('/teach/class')
    await printed(page, 'class')
    await page.emulateMedia({ media: 'print' })
    assert.equal(await page.locator('.tools').isVisible(), false)
    const { inner, outer } = await page.locator('.grid-scroll').evaluate((e) => ({ inner: e.scrollHeight, outer: e.clientHeight }))
    assert.ok(inner <= outer + 1, `${inner - outer} px would be cut off`)
    await done()
  })

  test("a student's attempts are shown by check, with what the check saw", async () => {
    const { page, done } = await visit('/teach/student')
    await page.getByRole('button', { name: /Write a note/ }).click()
    await page.getByText('2 of 4 attempts').waitFor()
    assert.equal(await page.locator('.attempt:visible').count(), 2)
    await page.getByRole('button', { name: /Write a note/ }).click()
    assert.equal(await page.locator('.attempt:visible').count(), 4)
    await page.locator('#attempt-a4 summary').click()
    await page.getByText('18231 more bytes were not kept').waitFor()
    await screenshot(page, 'student-evidence', { fullPage: true })
    await done()
  })

  test('an override wants a reason, and says what it posts', async () => {
    const { page, done } = await visit('/teach/student')
    await page.getByLabel('Points').fill('4.5')
    await page.getByRole('button', { name: 'Set the grade' }).click()
    assert.match(page.url(), /\/teach\/student$/, 'without a reason nothing is posted')
    await page.getByLabel('Reason', { exact: true }).first().fill('Oral exam')
    await page.getByRole('button', { name: 'Set the grade' }).click()
    await page.getByText('POST /teach/student/override').waitFor()
    const said = await page.locator('body').textContent()
    assert.ok(said.includes('points=4.5') && said.includes('reason=Oral exam'), said)
    await done()
  })

  test("dates are shown and sent in the reader's time zone", async () => {
    const { page, done } = await visit('/teach/settings', { timezoneId: 'America/New_York' })
    assert.equal(await page.getByLabel('Due').inputValue(), '2026-11-27T04:30')
    await page.getByText('America/New_York').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('POST /teach/settings').waitFor()
    const said = await page.locator('body').textContent()
    for (const field of ['keep=best', 'due=2026-11-27T04:30', 'until=2026-12-04T04:30', 'zone=America/New_York', 'penalty=10', 'weight=1']) assert.ok(said.includes(field), said)
    await done()
  })

  test('tutorials are searched, previewed and picked, with points and dates', async () => {
    const { page, done } = await visit('/lti/pick', { timezoneId: 'Europe/Oslo' })
    const add = page.getByRole('button', { name: 'Add to the course' })
    await add.click({ force: true })
    await page.getByText('Choose at least one').waitFor()
    await page.getByLabel('Files and folders').check()
    await page.getByText('1 chosen').waitFor()
    const files = page.locator('.pick-one', { hasText: 'Files and folders' })
    await files.getByLabel('Points').fill('12.5')
    await files.getByLabel('Due').fill('2026-12-01T12:00')
    await page.getByLabel('Search').fill('firewalls')
    assert.equal(await page.getByLabel('First steps').isVisible(), false)
    assert.equal(await page.getByLabel('Files and folders').isVisible(), true, 'what is chosen stays in sight')
    await page.getByLabel('The first rules').check()
    await page.getByLabel('Search').fill('')
    await page.getByRole('link', { name: 'Preview of Files and folders' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('heading', { name: 'Look around' }).waitFor()
    await screenshot(page, 'pick-preview')
    await dialog.getByRole('button', { name: 'Close' }).click()
    await page.getByText('2 chosen').waitFor()
    await screenshot(page, 'pick-chosen')
    await add.click()
    await page.getByText('POST /lti/pick').waitFor()
    const said = await page.locator('body').textContent()
    for (const field of ['pick=linux-essentials/files', 'pick=firewalls/first-rules', 'points:linux-essentials/files=12.5', 'due:linux-essentials/files=2026-12-01T12:00', 'zone=Europe/Oslo', 'token=t0ken']) {
      assert.ok(said.includes(field), `${field} is not in\n${said}`)
    }
    await done()
  })

  test('where one only may be picked, one only can be', async () => {
    const { page, done } = await visit('/lti/pick?single')
    await page.getByLabel('Files and folders').check()
    await page.getByLabel('The first rules').check()
    await page.getByText('1 chosen').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('cancel=1').waitFor()
    await done()
  })

  test('addresses can be copied, and a platform tested', async () => {
    const { page, context, done } = await visit('/admin/platforms')
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.locator('dd', { hasText: '/lti/keys' }).getByRole('button', { name: 'Copy' }).click()
    await page.getByText('Copied').waitFor()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'https://labs.hill-school.example/lti/keys')
    await page.getByText('Add one by hand').click()
    await page.getByLabel('Issuer').fill('https://m.example')
    await screenshot(page, 'platforms-add', { fullPage: true })
    await page.getByRole('button', { name: 'Test' }).first().click()
    await page.getByText('POST /admin/platforms/1/test').waitFor()
    await done()
  })

  test('refused grades are tried again, one or all', async () => {
    const { page, done } = await visit('/teach/outbox')
    await page.getByRole('button', { name: 'Try now for Hana Jørgensen' }).click()
    await page.getByText('retry=1').waitFor()
    await page.goto('/teach/outbox')
    await page.getByRole('button', { name: 'Try all refused ones again' }).click()
    await page.getByText('retry=all').waitFor()
    await done()
  })

  test('without script the pages still show and post', async () => {
    const { page, done } = await visit('/teach/class', { javaScriptEnabled: false })
    assert.equal(await page.locator('#grid tbody tr').count(), 140)
    assert.equal(await page.locator('#grid-tools').isVisible(), false)
    await page.goto('/lti/pick')
    await page.getByLabel('Files and folders').check()
    assert.equal(await page.locator('.pick-one', { hasText: 'Who may do what' }).getByLabel('Due').isVisible(), true)
    await page.getByRole('button', { name: 'Add to the course' }).click()
    await page.getByText('pick=linux-essentials/files').waitFor()
    await page.getByText('zone=UTC').waitFor()
    await done()
  })
})
