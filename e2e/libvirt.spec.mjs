// A student's day with a guest by libvirt: the server starts a private libvirtd
// of its own, and QEMU emulates the machine where there is no KVM.
import { gateway } from './gateway.mjs'
import { studentsDay } from './day.mjs'

studentsDay('a student with a guest by libvirt', 'libvirt', () =>
  gateway(['e2e/course', 'examples/linux-essentials'], { nodes: [['here', 'qemu:///session', '--capacity', '4']] }),
)
