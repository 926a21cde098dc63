// noVNC, in a file of its own: it is large, and only who looks at a desktop
// needs it. It waits for the browser at its top level, so it is a module.
import { initLogging } from '../node_modules/@novnc/novnc/core/util/logging.js'

// A lost connection is told in words on the page; it is no error of the page.
initLogging('none')

export { default } from '@novnc/novnc'
