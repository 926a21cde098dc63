// What the page's scripts say, in the language of the interface: the catalogs
// themes/words/*/script*.yaml, which the page loads as words-TAG.js before it.

type Entry = string | { one: string; other: string }

const sentences = (globalThis as { labmarkWords?: Record<string, Entry> }).labmarkWords ?? {}

// language is the interface's.
export const language = document.documentElement.lang || 'en'

// locale is the reader's own kind of it, for times: "en-GB" has no PM.
export const locale = navigator.languages.find((l) => l.split('-')[0] === language) ?? language

const plurals = new Intl.PluralRules(language)
const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 2, useGrouping: false })

// number writes a number as words.Language.Number does.
export function number(n: number): string {
  return numbers.format(Math.round(n * 100) / 100)
}

type Holes = Record<string, string | number>

const hole = /\{([a-z]+)\}/g

const fill = (sentence: string, holes: Holes) => sentence.replace(hole, (whole, name: string) => (name in holes ? String(holes[name]) : whole))

// say gives a sentence with its holes. What stands behind "##" tells it from
// others that are the same in English only.
function say(english: string): string {
  const entry = sentences[english]
  return typeof entry === 'string' ? entry : english.split('##')[0]!
}

// t says an English sentence, with its holes filled: t('Signed in as {name}', { name }).
export function t(english: string, holes: Holes = {}): string {
  return fill(say(english), holes)
}

// rich is t with elements in its holes.
export function rich(english: string, holes: Record<string, string | Node>): (string | Node)[] {
  // Every other piece is the name of a hole.
  const pieces = say(english).split(hole).map((piece, i) => (i % 2 === 0 ? piece : (holes[piece] ?? `{${piece}}`)))
  return pieces.filter((piece) => piece !== '')
}

// count says a number with its noun; {n} is the number:
// count(3, '{n} point', '{n} points').
export function count(n: number, one: string, many: string, holes: Holes = {}): string {
  const entry = sentences[many]
  const forms = typeof entry === 'object' ? entry : { one, other: many }
  return fill(plurals.select(n) === 'one' ? forms.one : forms.other, { n: number(n), ...holes })
}
