// What the page's scripts say, in the language of the interface: the catalogs
// themes/words/*/script*.yaml, which the page loads as words-TAG.js before it.

type Entry = string | { one: string; other: string }

const sentences = (globalThis as { labmarkWords?: Record<string, Entry> }).labmarkWords ?? {}

// language is the interface's.
export const language = document.documentElement.lang || 'en'

const plurals = new Intl.PluralRules(language)
const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 2 })

type Holes = Record<string, string | number>

const fill = (sentence: string, holes: Holes) => sentence.replace(/\{([a-z]+)\}/g, (whole, name: string) => (name in holes ? String(holes[name]) : whole))

// t says an English sentence, with its holes filled: t('Signed in as {name}', { name }).
export function t(english: string, holes: Holes = {}): string {
  const entry = sentences[english]
  return fill(typeof entry === 'string' ? entry : english, holes)
}

// count says a number with its noun; {n} is the number:
// count(3, '{n} point', '{n} points').
export function count(n: number, one: string, many: string, holes: Holes = {}): string {
  const entry = sentences[many]
  const forms = typeof entry === 'object' ? entry : { one, other: many }
  return fill(plurals.select(n) === 'one' ? forms.one : forms.other, { n: numbers.format(n), ...holes })
}
