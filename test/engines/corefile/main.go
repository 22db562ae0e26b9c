// Reads Corefiles with the parser of CoreDNS itself: a JSON array of texts comes in, and for each either its server
// blocks go out or what is wrong with it.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
	"strings"

	"github.com/coredns/caddy/caddyfile"
)

type block struct {
	Keys []string `json:"keys"`
	// By directive: its name and what follows, of all lines that start with it.
	Tokens map[string][]string `json:"tokens"`
}

type result struct {
	Error  string  `json:"error,omitempty"`
	Blocks []block `json:"blocks"`
}

func main() {
	if len(os.Args) > 1 {
		info, _ := debug.ReadBuildInfo()
		for _, dep := range info.Deps {
			fmt.Println(dep.Path, strings.TrimPrefix(dep.Version, "v"))
		}
		return
	}
	// It warns of imports that match nothing.
	log.SetOutput(io.Discard)
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	results := []result{}
	for _, text := range texts {
		results = append(results, parse(text))
	}
	json.NewEncoder(os.Stdout).Encode(results)
}

func parse(text string) result {
	parsed, err := caddyfile.Parse("Corefile", strings.NewReader(text), nil)
	if err != nil {
		return result{Error: err.Error()}
	}
	blocks := []block{}
	for _, one := range parsed {
		tokens := map[string][]string{}
		for name, words := range one.Tokens {
			for _, word := range words {
				tokens[name] = append(tokens[name], word.Text)
			}
		}
		blocks = append(blocks, block{one.Keys, tokens})
	}
	return result{Blocks: blocks}
}
