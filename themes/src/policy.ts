// xterm.js makes style elements and style attributes while it runs, which the
// page's Content-Security-Policy refuses. Style elements get the nonce of this
// response; attributes are set through the style object, which the policy
// allows (CSP3, section 6.1.2: style-src governs the attribute, not CSSOM).
export function obeyPolicy(): void {
  const nonce = document.querySelector<HTMLLinkElement>('link[nonce]')?.nonce ?? ''
  const create = document.createElement.bind(document) as typeof document.createElement
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const element = create(name, options)
    if (element instanceof HTMLStyleElement) element.nonce = nonce
    else element.setAttribute = setAttribute
    return element
  }) as typeof document.createElement
}

function setAttribute(this: HTMLElement, name: string, value: string): void {
  if (name === 'style') this.style.cssText = value
  else Element.prototype.setAttribute.call(this, name, value)
}
