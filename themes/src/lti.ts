// The pages between the hops of a launch; see themes/pages_lti.go.
import { inside, part } from './page'
import { get, put, Store } from './storage'

const main = part('main')
const data = main.dataset

function store(): Store | null {
  if (data.storeKey === undefined) return null
  return { target: data.storeTarget ?? '', origin: data.storeOrigin ?? '', key: data.storeKey }
}

// keepsCookies tries with a cookie of the same kind as the login's. In a
// sandboxed frame even asking throws.
function keepsCookies(name: string): boolean {
  const kind = '; SameSite=None; Secure; Partitioned'
  try {
    document.cookie = `${name}=1; Max-Age=60${kind}`
    const kept = document.cookie.split('; ').includes(`${name}=1`)
    document.cookie = `${name}=; Max-Age=0${kind}`
    return kept
  } catch {
    return false
  }
}

function giveUp(): void {
  part('under-way').hidden = true
  part('blocked').hidden = false
  inside(main, 'h1').textContent = data.blocked ?? ''
}

async function goOn(): Promise<void> {
  const place = store()
  if (keepsCookies(data.cookie!) || (place && (await put(place, data.storeValue ?? '')))) {
    location.replace(part<HTMLAnchorElement>('continue').href)
    return
  }
  giveUp()
  inside<HTMLFormElement>(main, '#blocked form').addEventListener('submit', () => {
    part('gone').hidden = false
  })
}

async function readBack(): Promise<void> {
  const place = store()
  const value = place && (await get(place))
  if (!value) {
    giveUp()
    return
  }
  const form = inside<HTMLFormElement>(main, '#go')
  inside<HTMLInputElement>(form, '[name=stored]').value = value
  form.submit()
}

switch (data.lti) {
  case 'continue':
    void goOn()
    break
  case 'storage':
    void readBack()
    break
  case 'return':
    inside<HTMLFormElement>(main, '#go').submit()
    break
  case 'close':
    // Nothing secret: it only asks the platform to close this window.
    ;((window.opener as Window | null) ?? window.parent).postMessage({ subject: 'org.imsglobal.lti.close' }, '*')
    break
}
