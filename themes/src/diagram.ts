// Mermaid, in files of its own: only pages with diagrams need it.
export { default } from 'mermaid'
