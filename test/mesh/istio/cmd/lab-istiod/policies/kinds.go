package policies

import (
	"fmt"
	"os"
	"strings"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	kubescheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/yaml"
)

// Kinds are the kinds that an API server with Istio serves, in every version, with their schemas.
type Kinds struct {
	mapper      *meta.DefaultRESTMapper
	equivalents runtime.EquivalentResourceRegistry
	resources   map[schema.GroupVersionKind]schema.GroupVersionResource
	schemas     map[schema.GroupVersionKind]*spec.Schema
}

// builtIn are the kinds of Kubernetes itself that a policy may be about, with an empty object each.
var builtIn = map[schema.GroupVersionKind]any{
	core.SchemeGroupVersion.WithKind("Service"):            core.Service{},
	core.SchemeGroupVersion.WithKind("Endpoints"):          core.Endpoints{},
	core.SchemeGroupVersion.WithKind("Pod"):                core.Pod{},
	core.SchemeGroupVersion.WithKind("Binding"):            core.Binding{},
	discovery.SchemeGroupVersion.WithKind("EndpointSlice"): discovery.EndpointSlice{},
}

// gatewayAPI is served in every version that its CRDs have had.
var gatewayAPI = map[string][]string{
	"Gateway":          {"v1", "v1beta1"},
	"ListenerSet":      {"v1"},
	"HTTPRoute":        {"v1", "v1beta1"},
	"GRPCRoute":        {"v1", "v1alpha2"},
	"TLSRoute":         {"v1", "v1alpha3", "v1alpha2"},
	"TCPRoute":         {"v1alpha2"},
	"UDPRoute":         {"v1alpha2"},
	"BackendTLSPolicy": {"v1", "v1alpha3"},
}

// NewKinds reads CustomResourceDefinitions.
func NewKinds(crdFile string) (*Kinds, error) {
	kinds := &Kinds{
		mapper:      meta.NewDefaultRESTMapper(nil),
		equivalents: runtime.NewEquivalentResourceRegistry(),
		resources:   map[schema.GroupVersionKind]schema.GroupVersionResource{},
		schemas:     map[schema.GroupVersionKind]*spec.Schema{},
	}
	text, err := os.ReadFile(crdFile)
	if err != nil {
		return nil, err
	}
	for _, document := range strings.Split(string(text), "\n---") {
		var definition struct {
			Spec struct {
				Group    string
				Names    struct{ Kind, Plural, Singular string }
				Scope    string
				Versions []struct {
					Name   string
					Served bool
					Schema struct{ OpenAPIV3Schema *spec.Schema }
				}
			}
		}
		if err := yaml.Unmarshal([]byte(document), &definition); err != nil {
			return nil, err
		}
		for _, version := range definition.Spec.Versions {
			if !version.Served {
				continue
			}
			gv := schema.GroupVersion{Group: definition.Spec.Group, Version: version.Name}
			kinds.add(gv.WithKind(definition.Spec.Names.Kind), gv.WithResource(definition.Spec.Names.Plural))
			kinds.schemas[gv.WithKind(definition.Spec.Names.Kind)] = withMetadata(version.Schema.OpenAPIV3Schema)
		}
	}
	for gvk := range kubescheme.Scheme.AllKnownTypes() {
		if gvr, _ := meta.UnsafeGuessKindToResource(gvk); gvk.Version != runtime.APIVersionInternal {
			if gvk.Kind == "Endpoints" {
				gvr.Resource = "endpoints"
			}
			kinds.add(gvk, gvr)
		}
	}
	for gvk, empty := range builtIn {
		kinds.schemas[gvk] = withMetadata(schemaOf(empty))
	}
	for kind, versions := range gatewayAPI {
		for _, version := range versions {
			gvk := schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: version, Kind: kind}
			gvr, _ := meta.UnsafeGuessKindToResource(gvk)
			if kind == "Gateway" {
				gvr.Resource = "gateways"
			}
			kinds.add(gvk, gvr)
		}
	}
	experimental := schema.GroupVersionKind{
		Group: "gateway.networking.x-k8s.io", Version: "v1alpha1", Kind: "XBackendTrafficPolicy",
	}
	gvr, _ := meta.UnsafeGuessKindToResource(experimental)
	kinds.add(experimental, gvr)
	return kinds, nil
}

func (k *Kinds) add(gvk schema.GroupVersionKind, gvr schema.GroupVersionResource) {
	k.resources[gvk] = gvr
	k.mapper.AddSpecific(gvk, gvr, gvr, meta.RESTScopeNamespace)
	k.equivalents.RegisterKindFor(gvr, "", gvk)
}

func (k *Kinds) resource(gvk schema.GroupVersionKind) (schema.GroupVersionResource, error) {
	gvr, known := k.resources[gvk]
	if !known {
		return gvr, fmt.Errorf("%s is not served", gvk)
	}
	return gvr, nil
}

// ResolveSchema makes the kinds a resolver for the type checker.
func (k *Kinds) ResolveSchema(gvk schema.GroupVersionKind) (*spec.Schema, error) {
	if found, known := k.schemas[gvk]; known {
		return found, nil
	}
	return nil, fmt.Errorf("%s: %w", gvk, resolver.ErrSchemaNotFound)
}

// The plugin asks for these to convert an object from the version of the request into that of a policy. Istio's CRDs
// have no conversion: another version is another apiVersion.

func (k *Kinds) GetObjectCreater() runtime.ObjectCreater                       { return k }
func (k *Kinds) GetObjectTyper() runtime.ObjectTyper                           { return kubescheme.Scheme }
func (k *Kinds) GetObjectDefaulter() runtime.ObjectDefaulter                   { return kubescheme.Scheme }
func (k *Kinds) GetObjectConvertor() runtime.ObjectConvertor                   { return convertor{kubescheme.Scheme} }
func (k *Kinds) GetEquivalentResourceMapper() runtime.EquivalentResourceMapper { return k.equivalents }
func (k *Kinds) New(gvk schema.GroupVersionKind) (runtime.Object, error) {
	if kubescheme.Scheme.Recognizes(gvk) {
		return kubescheme.Scheme.New(gvk)
	}
	return &unstructured.Unstructured{}, nil
}

type convertor struct{ runtime.ObjectConvertor }

func (c convertor) Convert(in, out, context any) error {
	from, custom := in.(*unstructured.Unstructured)
	to, same := out.(*unstructured.Unstructured)
	if !custom || !same {
		return c.ObjectConvertor.Convert(in, out, context)
	}
	to.Object = from.DeepCopy().Object
	return nil
}

func withMetadata(of *spec.Schema) *spec.Schema {
	copied := *of
	copied.Properties = map[string]spec.Schema{
		"apiVersion": *spec.StringProperty(),
		"kind":       *spec.StringProperty(),
	}
	for name, property := range of.Properties {
		copied.Properties[name] = property
	}
	copied.Properties["metadata"] = *schemaOf(metav1.ObjectMeta{})
	return &copied
}
