package uml

import (
	"encoding/binary"
	"fmt"
	"os"
)

// The layout of User-Mode Linux's copy-on-write files, version 3
// (arch/um/drivers/cow_user.c). All numbers are big endian.
const (
	cowMagic      = 0x4f4f4f4d // "OOOM"
	cowVersion    = 3
	cowSector     = 512
	cowAlignment  = 4096
	cowPathLength = 4096
	cowHeader     = 32 + cowPathLength
)

// Paths of the guest's disk inside the jail. A disk file records its base's
// path, so these must never change.
const (
	jailedDisk = "/disk/cow"
	jailedBase = "/disk/base"
)

// createDisk makes an empty copy-on-write file over an image and gives it to
// the user who runs the guest. The kernel could make it itself, but then it
// would need a folder to write in; so it has only this file.
func createDisk(path, base string, owner int) error {
	info, err := os.Stat(base)
	if err != nil {
		return fmt.Errorf("the image's file: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	header := binary.BigEndian.AppendUint32(nil, cowMagic)
	header = binary.BigEndian.AppendUint32(header, cowVersion)
	header = binary.BigEndian.AppendUint32(header, uint32(info.ModTime().Unix()))
	header = binary.BigEndian.AppendUint64(header, uint64(info.Size()))
	header = binary.BigEndian.AppendUint32(header, cowSector)
	header = binary.BigEndian.AppendUint32(header, cowAlignment)
	header = binary.BigEndian.AppendUint32(header, 0) // format: a bitmap
	header = append(header, jailedBase...)
	if _, err := file.Write(header); err != nil {
		return err
	}
	if err := file.Truncate(diskLimit(info.Size())); err != nil {
		return err
	}
	if os.Getuid() == 0 {
		if err := file.Chown(owner, owner); err != nil {
			return err
		}
	}
	return file.Close()
}

// diskLimit is the length of a disk file over an image of a given size, which
// no guest can exceed: header, bitmap of changed sectors, and the sectors.
func diskLimit(size int64) int64 {
	sectors := (size + cowSector - 1) / cowSector
	data := cowHeader + (sectors+7)/8
	data = (data + cowAlignment - 1) / cowAlignment * cowAlignment
	return data + size
}
