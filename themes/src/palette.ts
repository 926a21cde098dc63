// The terminal's colours on light and dark pages. All sixteen reach 4.5:1 on
// their background but for black on dark and white on light, which programs
// use as backgrounds; xterm mends those where they are text.
import type { ITheme } from '@xterm/xterm'
import type { Theme } from './choice'

export const palettes: Record<Theme, ITheme> = {
  dark: {
    background: '#10131a',
    foreground: '#e4e2da',
    cursor: '#ff8a73',
    cursorAccent: '#10131a',
    selectionBackground: '#3b4a6b',
    black: '#2a303d',
    red: '#ff7a6b',
    green: '#7fd08a',
    yellow: '#e6c261',
    blue: '#86b4ff',
    magenta: '#d79bf0',
    cyan: '#67d0d4',
    white: '#cfcdc4',
    brightBlack: '#8790a3',
    brightRed: '#ff9d90',
    brightGreen: '#a2e3a9',
    brightYellow: '#f4d88a',
    brightBlue: '#adcdff',
    brightMagenta: '#e6bdf7',
    brightCyan: '#96e3e6',
    brightWhite: '#fbfaf5',
  },
  light: {
    background: '#fffdf8',
    foreground: '#1d2333',
    cursor: '#c8321f',
    cursorAccent: '#fffdf8',
    selectionBackground: '#c5d6f5',
    black: '#1d2333',
    red: '#b3261e',
    green: '#1c6b36',
    yellow: '#7d5600',
    blue: '#1f52b5',
    magenta: '#85309b',
    cyan: '#0c6770',
    white: '#d9d4c7',
    brightBlack: '#5d6472',
    brightRed: '#c8321f',
    brightGreen: '#23783f',
    brightYellow: '#8a6000',
    brightBlue: '#2a62cf',
    brightMagenta: '#9a3fb0',
    brightCyan: '#13767f',
    brightWhite: '#f4f0e6',
  },
}
