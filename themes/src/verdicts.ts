// How a check stands, in words.
import { t } from './words'

export type Outcome = 'idle' | 'running' | 'pass' | 'part' | 'fail' | 'unsure'

export const verdicts: Record<Outcome, string> = {
  idle: t('Not tried yet'),
  running: t('Checking…'),
  pass: t('Passed'),
  part: t('Partly there'),
  fail: t('Not yet'),
  unsure: t('Could not tell'),
}
