// Command labmark-shim supervises one User-Mode Linux guest. Labmark starts
// it; people do not.
package main

import (
	"fmt"
	"os"

	"github.com/labmark/labmark/vmbackend/jail"
	"github.com/labmark/labmark/vmbackend/uml/shim"
)

func main() {
	jail.Enter()
	if err := shim.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "labmark-shim:", err)
		os.Exit(1)
	}
}
