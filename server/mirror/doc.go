// Package mirror is the gateway's proxy to package mirrors, for guests whose
// course says `network: {open: [mirror]}`.
//
// A guest has no network that leads anywhere. Its agent takes connections on
// the guest's own loopback and carries them through the line to the host's end
// of the link (guestlink.ToMirror), which hands them to this proxy's unix
// socket with the guest's name in the first line. What comes then was written
// by root in a guest, and nothing of it is believed.
//
// The proxy speaks HTTP/1.1 and answers GET and HEAD below addresses that the
// administrator has named (Target), nothing else. It looks names up and dials
// by itself, and never private, loopback or link-local addresses, nor its own,
// except the very address that was named. It follows no redirections, sends
// none of the guest's headers but those of caching and ranges, and gives each
// guest a share of requests and bytes.
package mirror
