package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"

	"golang.org/x/sys/unix"
)

// misbehave writes to the line what no agent would: see package guestlink for
// what the frames mean.
func misbehave(device string) error {
	fd, err := unix.Open(device, unix.O_WRONLY|unix.O_NOCTTY, 0)
	if err != nil {
		return fmt.Errorf("opening %s: %w", device, err)
	}
	line := os.NewFile(uintptr(fd), device)
	noise := make([]byte, 256<<10)
	_, _ = rand.Read(noise)
	var syn, pings, acks, hellos, words []byte
	for i := range uint32(2000) {
		open := []byte{0, 1, 0, 1}
		open = binary.BigEndian.AppendUint32(open, 2+2*i)
		syn = append(syn, frame('D', append(open, 0, 0, 0, 0))...)
		pings = append(pings, frame('D', []byte{0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, byte(i)})...)
		acks = append(acks, frame('A', binary.LittleEndian.AppendUint32(nil, i*1000))...)
		hellos = append(hellos, frame('H', []byte{1})...)
		words = append(words, frame(byte(i), noise[:i])...)
	}
	endless := make([]byte, 1<<20)
	for _, what := range [][]byte{syn, pings, acks, hellos, words, noise, endless, frame('B', []byte("poweroff")), frame('B', noise[:4000])} {
		if _, err := line.Write(what); err != nil {
			return fmt.Errorf("writing to %s: %w", device, err)
		}
	}
	return line.Close()
}

func frame(kind byte, payload []byte) []byte {
	body := append([]byte{kind}, payload...)
	body = binary.LittleEndian.AppendUint32(body, crc32.ChecksumIEEE(body))
	out := []byte{0x7e}
	for _, b := range body {
		if b == 0x7e || b == 0x7d {
			out = append(out, 0x7d, b^0x20)
		} else {
			out = append(out, b)
		}
	}
	return append(out, 0x7e)
}
