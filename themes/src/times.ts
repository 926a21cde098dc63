// Times as people say them, in the reader's own zone.
import { locale, t } from './words'

const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })

// timeWords is "just now", "4 min ago", "in 4 min", "at 14:05" or "on 3 Nov, 14:05".
export function timeWords(at: Date, now: Date): string {
  const seconds = (now.getTime() - at.getTime()) / 1000
  if (seconds < -50 * 60) return at.toDateString() === now.toDateString() ? t('at {time}', { time: clock.format(at) }) : t('on {time}', { time: day.format(at) })
  if (seconds < -5) return seconds > -60 ? t('in a minute') : t('in {n} min', { n: Math.round(-seconds / 60) })
  if (seconds < 45) return t('just now')
  if (seconds < 50 * 60) return t('{n} min ago', { n: Math.max(1, Math.round(seconds / 60)) })
  if (at.toDateString() === now.toDateString()) return t('at {time}', { time: clock.format(at) })
  return t('on {time}', { time: day.format(at) })
}

// clockWords is a time of the day.
export const clockWords = (at: Date) => clock.format(at)

// elapsedWords is "7 s" or "1 min 05 s", in all languages the same.
export function elapsedWords(milliseconds: number): string {
  const s = Math.max(0, Math.floor(milliseconds / 1000))
  if (s < 60) return `${s} s`
  return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`
}

// showTimes writes all time elements below root anew.
export function showTimes(root: ParentNode): void {
  const now = new Date()
  for (const el of root.querySelectorAll<HTMLTimeElement>('time[datetime]')) {
    const at = new Date(el.dateTime)
    if (isNaN(at.getTime())) continue
    // What was planned for a time that is past is about to happen.
    el.textContent = 'planned' in el.dataset && at <= now ? t('in a moment') : timeWords(at, now)
    el.title = at.toLocaleString(locale)
  }
}
