// What a person chose is kept in this browser only. Storage may be refused
// (private windows, embedded pages); then choices last as long as the page.

const prefix = 'labmark.'

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(prefix + key)
  } catch {
    return null
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(prefix + key, value)
  } catch {
    // Not kept; nothing else is lost.
  }
}

export type Theme = 'light' | 'dark'

export function storedTheme(): Theme | null {
  const value = remembered('theme')
  return value === 'light' || value === 'dark' ? value : null
}

const darkPreferred = () => matchMedia('(prefers-color-scheme: dark)')

// shownTheme is what the page looks like now, chosen or preferred.
export function shownTheme(): Theme {
  const chosen = document.documentElement.dataset.theme
  if (chosen === 'light' || chosen === 'dark') return chosen
  return darkPreferred().matches ? 'dark' : 'light'
}

// onTheme calls back at every change, whoever made it.
export function onTheme(changed: (theme: Theme) => void): void {
  darkPreferred().addEventListener('change', () => changed(shownTheme()))
  document.addEventListener('labmark:theme', () => changed(shownTheme()))
}

export function toggleTheme(): void {
  const next: Theme = shownTheme() === 'dark' ? 'light' : 'dark'
  document.documentElement.dataset.theme = next
  remember('theme', next)
  document.dispatchEvent(new Event('labmark:theme'))
}
