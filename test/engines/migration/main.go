// What kubeadm does to a Corefile when it upgrades CoreDNS: FROM and TO are versions, the Corefile comes and goes by
// the standard streams, and what the library does not know of it is said on standard error.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/coredns/corefile-migration/migration"
)

func main() {
	switch len(os.Args) {
	case 2:
		fmt.Println(version(), strings.Join(migration.ValidVersions(), " "))
	case 3:
		migrate(os.Args[1], os.Args[2])
	default:
		fail("usage: corefile-migration versions | corefile-migration FROM TO < Corefile")
	}
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if dep.Path == "github.com/coredns/corefile-migration" {
			return strings.TrimPrefix(dep.Version, "v")
		}
	}
	return "unknown"
}

func migrate(from, to string) {
	corefile, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	// kubeadm refuses to go on where there is anything in this list.
	unsupported, err := migration.Unsupported(from, to, string(corefile))
	if err != nil {
		fail(err)
	}
	for _, notice := range unsupported {
		fmt.Fprintln(os.Stderr, notice.ToString())
	}
	migrated, err := migration.Migrate(from, to, string(corefile), false)
	if err != nil {
		fail(err)
	}
	fmt.Print(migrated)
}

func fail(problem any) {
	fmt.Fprintln(os.Stderr, problem)
	os.Exit(1)
}
