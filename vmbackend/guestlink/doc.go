// Package guestlink carries SSH connections between host and guest over one
// raw byte stream: a serial line, never the guest's own network.
//
// # Layers
//
// From below: the byte stream; frames (this file); hashicorp/yamux with the
// host as its client; a first control stream, on which the host makes the
// guest personal; then one stream for each SSH connection, and one that the
// guest opens for each of its connections to a package mirror, if it may.
//
// # Frames
//
// A frame is FLAG body FLAG, with FLAG = 0x7E. The body is the frame's type
// (one byte), its payload and the CRC-32 (IEEE, little endian) of both; in it
// 0x7E and 0x7D are sent as 0x7D 0x5E and 0x7D 0x5D, as HDLC does (RFC 1662,
// section 4.2). So a FLAG always ends a frame, and whoever joins in the middle
// of one is in step again after a single FLAG.
//
//	type  direction      payload
//	'H'   guest → host   version: "I am here and in no session"
//	'S'   host → guest   version, nonce of 16 bytes: "start a new session"
//	'E'   guest → host   version, the same nonce: "it starts here"
//	'D'   both           data of the session
//	'A'   guest → host   how many 'D' frames the guest has taken out of the
//	                     line in this session, modulo 2³² (little endian)
//	'B'   guest → host   "reboot" or "poweroff": the guest ends by itself
//
// # Joining
//
// The guest says 'H' now and then until it hears 'S'. The host sends 'S' when
// it hears anything at all, or after a second of silence, and throws away all
// that comes before the 'E' with its own nonce. An 'S' with a new nonce ends
// the guest's present session, so a host that lost its stream, or a new one
// after a crash, simply joins again. 'H' in a session says that the guest's
// agent has started anew; the host ends the session.
//
// # Credit
//
// UML's serial line hangs when the host runs about 4 KB ahead of the guest.
// So the host keeps at most Options.Window bytes (as they are on the wire) of
// frames that no 'A' has covered yet. Guest to host needs no credit.
//
// # Trust
//
// The guest trusts the host. The host trusts nothing: frames and yamux's
// messages are bounded before they are stored, guests may open streams only
// where Options.Accept takes them, few and not fast, and any breach ends the
// link.
package guestlink
