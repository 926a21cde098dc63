// A student's day with a guest by User-Mode Linux, the embedded default.
import { gateway } from './gateway.mjs'
import { studentsDay } from './day.mjs'

studentsDay('a student with a real guest', 'real', () => gateway(['e2e/course', 'examples/linux-essentials']))
