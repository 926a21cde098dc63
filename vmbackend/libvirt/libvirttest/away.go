package libvirttest

type namespace struct{}
type sshd struct{}
