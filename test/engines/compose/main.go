// Reads a compose file with the library of docker compose: what it comes to goes out as JSON, or what is wrong with it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if os.Args[1] == "version" {
		info, _ := debug.ReadBuildInfo()
		for _, dep := range info.Deps {
			if strings.HasPrefix(dep.Path, "github.com/compose-spec/") {
				fmt.Println(strings.TrimPrefix(dep.Version, "v"))
			}
		}
		return
	}
	// Its variables have the values that they have without an environment.
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithInterpolation(true), cli.WithResolvedPaths(false))
	if err == nil {
		var model any
		model, err = options.LoadProject(context.Background())
		if err == nil {
			err = json.NewEncoder(os.Stdout).Encode(model)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
