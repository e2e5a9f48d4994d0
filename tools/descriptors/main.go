// Command descriptors writes the FileDescriptorSet of every protobuf file that Envoy's v3 API and
// Istio's API need, as registered by the Go modules that go.mod pins. Run it only to move to another
// Envoy or Istio version: `node tools/descriptors/update.mjs`. Its output is committed.
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Files of packages that start with one of these are roots; whatever they import follows.
// Envoy's v2 API is not among them: Envoy 1.40 has none of it.
var rootPackages = []string{"envoy.", "istio.", "xds.", "udpa.", "grpc.", "opentelemetry."}

func isRoot(file protoreflect.FileDescriptor) bool {
	name := string(file.Package())
	if strings.Contains(name, ".v2") || strings.Contains(name, "v2alpha") {
		return false
	}
	for _, prefix := range rootPackages {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: descriptors OUTPUT")
		os.Exit(2)
	}
	seen := map[string]bool{}
	set := &descriptorpb.FileDescriptorSet{}
	var add func(file protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] || file.IsPlaceholder() {
			return
		}
		seen[file.Path()] = true
		imports := file.Imports()
		for i := 0; i < imports.Len(); i++ {
			add(imports.Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	var roots []protoreflect.FileDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if isRoot(file) {
			roots = append(roots, file)
		}
		return true
	})
	sort.Slice(roots, func(i, j int) bool { return roots[i].Path() < roots[j].Path() })
	for _, file := range roots {
		add(file)
	}
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err == nil {
		err = os.WriteFile(os.Args[1], bytes, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "descriptors:", err)
		os.Exit(1)
	}
	fmt.Printf("%d files, %d bytes\n", len(set.File), len(bytes))
}
