// Package simulated is a backend without machines. Every guest is an SSH
// server in this process with a tiny fake machine behind it; nothing is ever
// run on the host. It is there for tests of what stands above the contract:
// whatever can go wrong with guests can be made to go wrong, on purpose and
// at once (see Faults), and thousands of guests cost next to nothing.
//
//	faults := &simulated.Faults{}
//	b, err := simulated.New(simulated.Options{
//		Dir:    t.TempDir(),
//		Faults: faults,
//		Machine: func(spec vmbackend.Spec, disk *simulated.Disk) simulated.Machine {
//			return simulated.Machine{Exec: func(command, stdin string) (stdout, stderr string, status int) {
//				if strings.Contains(stdin, "test -d ~/work") {
//					return simulated.CheckAnswer(stdin, "fail", "There is no folder work yet.")
//				}
//				return simulated.CheckAnswer(stdin, "pass", "")
//			}}
//		},
//	})
//	faults.Add(simulated.Fault{Call: simulated.Start, Times: 1, Err: errors.New("no luck")})
//
// A guest's disk is kept in Options.Dir, so that a new Backend over the same
// folder finds the guests of one that is gone, the running ones running. Time
// is the clock's: in testing/synctest's bubble delays cost nothing.
package simulated
