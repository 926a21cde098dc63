// The colours of diagrams, as tokens.css has them: Mermaid reckons with them,
// and so can't take those that depend on the page.
import type { Theme } from './choice'

const looks = {
  light: { sheet: '#fffdf8', sunken: '#ebe5d8', ink: '#1d2333', soft: '#555b6b', line: '#8c8674', note: '#faefd3', warm: '#fbe8e2', cool: '#e8ecf7', green: '#e3f1e2' },
  dark: { sheet: '#1a1e28', sunken: '#0f1218', ink: '#e6e3da', soft: '#a9aebb', line: '#6c7488', note: '#2e2718', warm: '#321d1e', cool: '#1e2438', green: '#18291f' },
}

function variables(theme: Theme): Record<string, string | boolean> {
  const c = looks[theme]
  return {
    darkMode: theme === 'dark',
    background: c.sheet,
    mainBkg: c.cool,
    primaryColor: c.cool,
    secondaryColor: c.green,
    tertiaryColor: c.note,
    primaryTextColor: c.ink,
    secondaryTextColor: c.ink,
    tertiaryTextColor: c.ink,
    primaryBorderColor: c.line,
    secondaryBorderColor: c.line,
    tertiaryBorderColor: c.line,
    textColor: c.ink,
    lineColor: c.soft,
    noteBkgColor: c.note,
    noteTextColor: c.ink,
    noteBorderColor: c.line,
    edgeLabelBackground: c.sheet,
    clusterBkg: c.sunken,
    clusterBorder: c.line,
    titleColor: c.ink,
    errorBkgColor: c.warm,
    errorTextColor: c.ink,
    fontSize: '15px',
  }
}

export const colours: Record<Theme, Record<string, string | boolean>> = { light: variables('light'), dark: variables('dark') }
