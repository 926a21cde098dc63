// A platform's storage for tools whose cookies are blocked, by messages
// between windows (Client Side postMessages 0.1, Platform Storage 0.1).

export interface Store {
  target: string // "_parent", or the name of a frame beside this one
  origin: string
  key: string
}

interface Answer {
  subject?: unknown
  message_id?: unknown
  value?: unknown
  error?: unknown
  supported_messages?: unknown
}

// patience is how long an answer may take: apps for phones never answer.
const patience = 2000

// put has the platform keep a value; false if it does not say that it did.
export async function put(store: Store, value: string): Promise<boolean> {
  return (await talk(store, 'lti.put_data', { value })) !== null
}

// get reads a value back; null if it is not there.
export async function get(store: Store): Promise<string | null> {
  const value = (await talk(store, 'lti.get_data', {}))?.value
  return typeof value === 'string' ? value : null
}

async function talk(store: Store, subject: string, data: object): Promise<Answer | null> {
  const platform = window.parent !== window ? window.parent : (window.opener as Window | null)
  if (!platform) return null
  // Nothing secret is in this question, and the page around us may have
  // another origin than the storage: so it goes to anybody.
  const able = await ask(platform, '*', 'lti.capabilities', {})
  if (!able || !supports(able.supported_messages, subject)) return null
  const frame = store.target === '_parent' ? platform : frameOf(platform, store.target)
  return frame && ask(frame, store.origin, subject, { key: store.key, ...data })
}

function supports(messages: unknown, subject: string): boolean {
  return Array.isArray(messages) && messages.some((m) => m !== null && typeof m === 'object' && m.subject === subject)
}

// frameOf finds a frame by its name. Across origins an unknown name throws.
function frameOf(platform: Window, name: string): Window | null {
  try {
    return (platform.frames as unknown as Record<string, Window>)[name] ?? null
  } catch {
    return null
  }
}

function ask(to: Window, origin: string, subject: string, data: object): Promise<Answer | null> {
  const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
  return new Promise((resolve) => {
    const end = (answer: Answer | null) => {
      removeEventListener('message', hear)
      clearTimeout(timer)
      resolve(answer)
    }
    const hear = (e: MessageEvent<Answer | null>) => {
      const answer = e.data
      if (e.source !== to || (origin !== '*' && e.origin !== origin)) return
      if (answer === null || typeof answer !== 'object' || answer.message_id !== id) return
      if (answer.subject === `${subject}.response`) end(answer.error ? null : answer)
    }
    const timer = setTimeout(() => end(null), patience)
    addEventListener('message', hear)
    try {
      to.postMessage({ subject, message_id: id, ...data }, origin)
    } catch {
      end(null) // no such origin can be
    }
  })
}
