// Runs before the first paint, so that a chosen theme never flickers.
import { storedTheme } from './choice'

const chosen = storedTheme()
if (chosen) document.documentElement.dataset.theme = chosen
