// One binary for the components of a Kubernetes cluster that the tests start: argv[1] names the component,
// the rest are its own flags. It adds no behaviour.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// Only the chosen component's command is built: they register flags and feature gates in shared registries,
// and two of them in one process collide.
var components = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"kube-proxy":              proxy.NewProxyCommand,
}

func main() {
	if len(os.Args) < 2 {
		refuse("no component given")
	}
	name := os.Args[1]
	os.Args = slices.Delete(os.Args, 1, 2)
	if name == "etcd" {
		etcdmain.Main(os.Args)
		return
	}
	build, isKnown := components[name]
	if !isKnown {
		refuse(fmt.Sprintf("unknown component %q", name))
	}
	os.Exit(cli.Run(build()))
}

func refuse(reason string) {
	fmt.Fprintln(os.Stderr, "usage: cluster COMPONENT [FLAG...]:", reason)
	os.Exit(2)
}
