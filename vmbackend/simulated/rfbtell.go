package simulated

import "encoding/binary"

// tell sends what there is to be told, until either side has gone.
func (v *viewer) tell() {
	for {
		news := v.next()
		if news == nil {
			return
		}
		if _, err := v.conn.Write(news); err != nil {
			return
		}
	}
}

// next waits for something to tell; nil means that the viewer has gone.
func (v *viewer) next() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	for {
		if v.gone {
			return nil
		}
		if b := append(v.cut(), v.update()...); len(b) > 0 {
			return b
		}
		v.changed.Wait()
	}
}

// cut is the guest's clipboard, where it is new.
func (v *viewer) cut() []byte {
	if v.copied == v.copies {
		return nil
	}
	v.copied = v.copies
	var latin []byte
	for _, c := range v.taken {
		if c > 0xff {
			c = '?' // Latin 1 has no more
		}
		latin = append(latin, byte(c))
	}
	b := binary.BigEndian.AppendUint32([]byte{toViewerCut, 0, 0, 0}, uint32(len(latin)))
	return append(b, latin...)
}

// update answers a request for the picture: news of its size, or the picture
// where it has changed or all of it is wanted.
func (v *viewer) update() []byte {
	if !v.asked {
		return nil
	}
	if v.extended && len(v.sizeNews) == 0 && (v.width != v.knownWidth || v.height != v.knownHeight) {
		v.sizeNews = append(v.sizeNews, sizeNews{sizeByOther, sizeDone})
	}
	b := []byte{toViewerUpdate, 0, 0, 1}
	switch {
	case len(v.sizeNews) > 0:
		b = v.appendSize(b, v.sizeNews[0])
		v.sizeNews = v.sizeNews[1:]
		v.knownWidth, v.knownHeight = v.width, v.height
		v.asked, v.whole = false, true // the viewer asks anew, and has nothing to keep
	case v.whole || v.seen != v.version:
		b = v.appendPicture(b)
		v.asked, v.whole, v.seen = false, false, v.version
	default:
		return nil
	}
	return b
}

func (v *viewer) appendSize(b []byte, n sizeNews) []byte {
	b = appendRectangle(b, n.reason, n.status, v.width, v.height, encodingSize)
	b = append(b, 1, 0, 0, 0)                  // one screen
	b = binary.BigEndian.AppendUint64(b, 0)    // number 0, at 0,0
	b = appendPair(b, v.width, v.height)       // as large as the desktop
	return binary.BigEndian.AppendUint32(b, 0) // without flags
}

func (v *viewer) appendPicture(b []byte) []byte {
	blocks := v.blocks()
	b = appendRectangle(b, 0, 0, v.width, v.height, encodingRRE)
	b = binary.BigEndian.AppendUint32(b, uint32(len(blocks)))
	b = v.appendPixel(b, v.ground)
	for _, k := range blocks {
		b = v.appendPixel(b, k.colour)
		b = appendPair(b, int(k.x), int(k.y))
		b = appendPair(b, int(k.w), int(k.h))
	}
	return b
}

func appendRectangle(b []byte, x, y uint16, w, h int, encoding int32) []byte {
	b = appendPair(b, int(x), int(y))
	b = appendPair(b, w, h)
	return binary.BigEndian.AppendUint32(b, uint32(encoding))
}

func appendPair(b []byte, x, y int) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(x))
	return binary.BigEndian.AppendUint16(b, uint16(y))
}

// appendPixel writes a colour, 0xRRGGBB, as the viewer wants it.
func (v *viewer) appendPixel(b []byte, colour uint32) []byte {
	p := colour>>16&0xff<<v.shifts[0] | colour>>8&0xff<<v.shifts[1] | colour&0xff<<v.shifts[2]
	return binary.LittleEndian.AppendUint32(b, p)
}
