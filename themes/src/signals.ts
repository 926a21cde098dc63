// What the scripts of one page tell each other, as events of the document. They
// are bundled apart: students' pages know nothing of the author's.

// courseSaved comes from the stream of events, in a preview only.
export const courseSaved = 'labmark:course'
// pageGrew says that blocks were put into the page, which must be brought to
// life; what was there may be gone.
export const pageGrew = 'labmark:grew'

export function signal<D>(name: string, detail: D): void {
  document.dispatchEvent(new CustomEvent(name, { detail }))
}

export function heed<D>(name: string, heard: (detail: D) => void): void {
  document.addEventListener(name, (e) => heard((e as CustomEvent<D>).detail))
}
