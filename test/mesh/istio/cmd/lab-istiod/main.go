// lab-istiod runs Istio's own discovery server without Kubernetes.
//
// The server is the real one (pilot/pkg/bootstrap), with the Kubernetes config store and registry. Its Kubernetes
// client is the in-memory one that Istio ships for tests, so every object lives in this process. What a kube-apiserver
// would do is in this package: admission (admit.go), storage (store.go), access reviews (reviews.go). The harness
// talks to it over a unix socket (control.go), because istiod itself is shut into a network namespace.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"istio.io/istio/pilot/pkg/bootstrap"
	"istio.io/istio/pkg/cluster"
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/log"
)

func main() {
	xdsAddress := flag.String("xds", "127.0.0.1:15010", "address of plaintext XDS and of the CA")
	socket := flag.String("control", "control.sock", "unix socket of the control interface")
	meshFile := flag.String("mesh", "mesh.yaml", "mesh configuration")
	domain := flag.String("domain", "cluster.local", "the domain of Kubernetes Services")
	crdFile := flag.String("crds", "", "the CustomResourceDefinitions to admit by")
	flag.Parse()

	options := log.DefaultOptions()
	options.SetDefaultOutputLevel("default", log.InfoLevel)
	check("logging", log.Configure(options))

	client := kube.NewFakeClient()
	check("CRDs", pretendInstalled(client))
	store := newStore(client)
	answerReviews(client, store)
	admission, err := newAdmission(*crdFile, store)
	check("admission", err)

	arguments := bootstrap.NewPilotArgs(func(a *bootstrap.PilotArgs) {
		a.MeshConfigFile = *meshFile
		a.NetworksConfigFile = "/nonexistent"
		a.ShutdownDuration = time.Second
		a.RegistryOptions.Registries = []string{"Kubernetes"}
		a.RegistryOptions.KubeOptions.ClusterID = cluster.ID("Kubernetes")
		a.RegistryOptions.KubeOptions.DomainSuffix = *domain
		a.ServerOptions.GRPCAddr = *xdsAddress
		a.ServerOptions.TLSOptions.TLSMinVersion = bootstrap.TLSMinVersion1_2
		a.InjectionOptions.InjectionDirectory = filepath.Join(filepath.Dir(*crdFile), "injection")
	})
	check("arguments", arguments.Complete())
	server, err := bootstrap.NewServer(arguments, func(s *bootstrap.Server) { check("this Istio version", setKubeClient(s, client)) })
	check("new server", err)
	store.xds = server.XDSServer

	stop := make(chan struct{})
	check("start", server.Start(stop))
	go func() {
		check("control interface", serve(*socket, handler(store, admission, injector{filepath.Dir(*crdFile)})))
	}()

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	<-signals
	close(stop)
	server.WaitUntilCompletion()
}

func check(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "lab-istiod: %s: %v\n", what, err)
		os.Exit(1)
	}
}
