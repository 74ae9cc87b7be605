package main

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"istio.io/istio/pilot/pkg/bootstrap"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/gvr"
	"istio.io/istio/pkg/kube"
)

// setKubeClient hands the client to the server: the field has no setter, and the server keeps a client that it finds
// there.
func setKubeClient(s *bootstrap.Server, client kube.Client) error {
	field := reflect.ValueOf(s).Elem().FieldByName("kubeClient")
	if !field.IsValid() || field.Type() != reflect.TypeOf((*kube.Client)(nil)).Elem() {
		return fmt.Errorf("bootstrap.Server has no field kubeClient of type kube.Client")
	}
	reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Set(reflect.ValueOf(&client).Elem())
	return nil
}

// pretendInstalled names Istio's CRDs to the metadata client: istiod starts no informer for a kind whose CRD it does
// not find.
func pretendInstalled(client kube.CLIClient) error {
	tracker := client.Metadata().(*metafake.FakeMetadataClient).Tracker()
	for _, schema := range collections.PilotGatewayAPI().All() {
		if schema.IsBuiltin() || schema.IsSynthetic() {
			continue
		}
		name := schema.GroupVersionResource().GroupResource().String()
		crd := &metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition"},
			ObjectMeta: metav1.ObjectMeta{Name: name},
		}
		if strings.Contains(name, "gateway.networking") {
			// istiod refuses Gateway API CRDs whose version it cannot read.
			crd.Annotations = map[string]string{"gateway.networking.k8s.io/bundle-version": "v1.6.0"}
		}
		if err := tracker.Create(gvr.CustomResourceDefinition, crd, ""); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// trackerOf is the storage of the fake client that holds a group's objects.
func trackerOf(client kube.CLIClient, group string) clienttesting.ObjectTracker {
	type tracked interface {
		Tracker() clienttesting.ObjectTracker
	}
	switch {
	case strings.HasSuffix(group, ".istio.io"):
		return client.Istio().(tracked).Tracker()
	case strings.HasPrefix(group, "gateway.networking."):
		return client.GatewayAPI().(tracked).Tracker()
	default:
		return client.Kube().(tracked).Tracker()
	}
}
