package image

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// ext4Features are named one by one, so that images do not depend on the
// defaults of the building machine's mke2fs. The journal stays: a guest ends
// by the plug being pulled and nothing checks its disk before the next start.
const ext4Features = "none,has_journal,ext_attr,dir_index,filetype,extent,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize"

// journalMiB is the smallest journal that ext4 takes: each guest writes its
// own copy of it.
const journalMiB = "4"

// writeDisk turns root/ into disk.ext4, a raw file without partitions.
func (w *workshop) writeDisk(ctx context.Context, r *Recipe, m *meter) error {
	disk := w.path("disk.ext4")
	f, err := os.Create(disk)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Truncate(disk, r.diskSize()); err != nil {
		return err
	}
	if err := os.Chmod(disk, 0o666); err != nil { // the helper is another user
		return err
	}
	id := diskID(r)
	args := append(append([]string{}, w.helper...), "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-m", "1",
		"-L", "root", "-U", id, "-O", ext4Features, "-J", "size="+journalMiB,
		// Ready-made tables spare every guest the background writes of
		// ext4's lazy initialisation.
		"-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard,root_owner=0:0,hash_seed="+id,
		"-d", w.path("root"), disk)
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		args = append([]string{"env", "E2FSPROGS_FAKE_TIME=" + epoch}, args...)
	}
	err = w.run(ctx, func(text string) { m.at(0, text) }, "", args...)
	if err != nil && strings.Contains(err.Error(), "Could not allocate block") {
		return fmt.Errorf("the packages do not fit on a disk of %s: raise disk in the recipe: %w", r.Disk, err)
	}
	return err
}

// diskID is the file system's UUID: the same for the same recipe.
func diskID(r *Recipe) string {
	h := strings.TrimPrefix(r.Digest(), "sha256:")
	raw, _ := hex.DecodeString(h[:32]) // hex by Digest
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	x := hex.EncodeToString(raw)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
