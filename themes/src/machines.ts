// The states of several machines: in their list, and on the terminals' tabs.
import { Guest, Machine, machineOf } from './api'
import { inside } from './page'
import { t } from './words'

const words: Record<Guest['state'], string> = {
  none: t('off##machine'),
  queued: t('in the queue##machine'),
  starting: t('booting…##machine'),
  ready: t('ready##machine'),
  resetting: t('resetting…##machine'),
  stopping: t('stopping…##machine'),
  failed: t('failed##machine'),
  suspended: t('suspended##machine'),
}

// readMachines takes the list as the server drew it; undefined where there is
// one machine only.
export function readMachines(): Machine[] | undefined {
  const entries = [...document.querySelectorAll<HTMLElement>('#machines [data-machine]')]
  if (entries.length === 0) return undefined
  return entries.map(({ dataset: d }) => ({
    name: d.machine!,
    state: (d.state || 'none') as Guest['state'],
    detail: d.detail ?? '',
    generation: Number(d.generation),
  }))
}

export function drawMachines(guest: Guest): void {
  for (const entry of document.querySelectorAll<HTMLElement>('#machines [data-machine]')) {
    const { state, detail, generation } = machineOf(guest, entry.dataset.machine!)
    entry.dataset.state = state
    entry.dataset.generation = String(generation)
    entry.dataset.detail = detail
    inside(entry, '.machine-state').textContent = guest.machines && detail ? t('{what}: {why}##machine', { what: words[state], why: detail }) : words[state]
  }
  for (const tab of document.querySelectorAll<HTMLElement>('.tab:has(.tab-state)')) {
    const { state } = machineOf(guest, tab.dataset.guest!)
    tab.dataset.state = state
    inside(tab, '.tab-state').textContent = ` (${words[state]})`
  }
}
