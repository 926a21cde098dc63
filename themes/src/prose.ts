// What the text of a tutorial can do: code to copy, tabs, formulas, diagrams.
// All of it can be read as it comes from the server, without any of this.
import { drawDiagrams } from './diagrams'
import { setFormulas } from './formulas'
import { copyButtons, wideCode } from './listings'
import { tabSets } from './tabs'

// dress is called for all that comes onto the page, once for each piece.
export function dress(root: ParentNode): void {
  copyButtons(root)
  tabSets(root)
  wideCode(root)
  void setFormulas(root)
  void drawDiagrams(root)
}

// asset gives the address of a file that only some pages need.
export function asset(name: 'maths' | 'mathsStyle' | 'diagram'): string {
  return document.getElementById('main')!.dataset[name]!
}
