// KaTeX, in a file of its own: only pages with maths need it.
export { render } from 'katex'
