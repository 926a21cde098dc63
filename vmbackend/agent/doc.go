// Package agent is the program inside every guest: its first process, and the
// SSH server by which terminals and checks come in.
//
// # How to boot it
//
// The agent is a static binary. It is /init of an initial RAM file system that
// package initrd writes; the guest's image needs to hold nothing of Labmark's.
// Build it with
//
//	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' ./cmd/labmark-agent
//
// User-Mode Linux is started with
//
//	initrd=INITRD ubd0=COW,BASE root=/dev/ubda con=null con0=null,fd:1 ssl=null ssl0=fd:3 quiet
//
// where file descriptor 1 takes the console's text (write only; the agent
// reports what it cannot do there) and file descriptor 3 is one end of a
// stream socketpair. The other end belongs to guestlink.Connect. Debian's 6.1
// kernel wants setarch -R before all that.
//
// QEMU is started with what image.Store.Machine gives: Debian's kernel, an
// initrd that also holds the modules for virtio, which the agent loads before
// it looks for the disk, and a virtio-serial port called org.labmark.agent.0.
// The agent opens that port once and never lets go of it, so that no program in
// the guest can take its place; it serves one host after another there.
//
// A cloud image boots by itself, with systemd as its first process. There the
// seed disk (package image) installs the agent as a service: labmark-agent serve.
//
// The agent understands these words of the kernel's command line:
//
//	root=DEVICE          the root file system's device; waited for, up to 30 s
//	rootfstype=TYPE      ext4 unless told
//	ro                   mount it read-only; otherwise read-write
//	labmark.link=DEVICE  the serial line, /dev/ttyS0 unless told, or
//	                     virtio:NAME for the virtio-serial port of that name
//	labmark.pids=N       how many processes the student may run (default: half
//	                     of what the kernel allows, at most 1024)
//
// # How it ends
//
// poweroff, halt, shutdown and reboot in the guest end User-Mode Linux as a
// power-off does, after guestlink.Host.Bye has said which it was; UML cannot
// reboot inside a jail, so the host starts it again. QEMU's machine reboots in
// place, and the agent begins anew. Stopping the process from
// outside is a power cut: synced data survive.
//
// # What runs inside
//
// The agent is process 1 and cannot be killed from within. Sessions with a
// terminal are the student's: they run in a control group with a limit of
// processes and little weight. Sessions without one are Labmark's own, checks
// above all; they run outside it, so that a fork bomb cannot keep them out.
//
// A session ends with its channel: when the client closes it, or sends the
// signal TERM, KILL, INT or HUP, all processes of the session get it. What has
// called setsid for itself, as daemons do, lives on. When the command itself
// ends first, what it left in the background lives on too, as with sshd.
//
// What a person's own SSH client starts is the student's, with a terminal or
// without one; the gateway says so by the variable LABMARK_PERSON. Files move by
// the subsystem sftp, as the account that has logged in, and ports of the guest
// are reached by direct-tcpip.
//
// # Copies of a running machine
//
// A machine may be saved while its agent waits for a first host, and copied.
// Until a host has made it personal the agent has drawn no random number and
// started no program. Whoever comes with another host key than the one before
// makes the guest another's: the kernel's random numbers begin anew with what
// the host sends, machine-id (where the image has one), clock, name and network
// are set, and kept terminals end.
//
// # Kept terminals
//
// A shell request with the variable LABMARK_TERMINAL=NAME attaches to the
// user's terminal of that name; the first one creates it. It lives on when the
// connection goes. The agent first sends the channel request
// "kept-terminal@labmark" with one byte: 1 if the terminal was there already,
// in which case its last 256 KB follow, 0 if it is new. Several clients may be
// attached; the last resize counts for all. A client that does not read misses
// output, and never holds up the terminal for longer than stallLimit.
package agent
