package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/yaml"

	"cdk8s-istio-egress.test/mesh/istio/cmd/lab-istiod/policies"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pkg/config"
	crdschema "istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/resource"
	"istio.io/istio/pkg/kube"
)

// finding is what admission has to say about one object.
type finding struct {
	Object   string   `json:"object"`
	Source   string   `json:"source"` // yaml, schema (CRD, unknown fields, CEL), policy (a ValidatingAdmissionPolicy) or istio (its webhook)
	Error    string   `json:"error,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// noWebhook is the annotation of an object that Istio's webhook is not asked about.
const noWebhook = "lab/no-webhook"

// admitted is an object that passed, ready to be stored.
type admitted struct {
	stored
	object *unstructured.Unstructured
}

type admission struct {
	schemas *crdschema.Validator
	police  *police
}

func newAdmission(crdFile string, s *store) (*admission, error) {
	kinds := sync.OnceValues(func() (*policies.Kinds, error) { return policies.NewKinds(crdFile) })
	schemas, err := newSchemas(crdFile)
	if err != nil {
		return nil, err
	}
	schemas.SkipMissing = true // built-in kinds have no CRD; strictlyDecodes checks those
	return &admission{schemas: schemas, police: &police{kinds: kinds, store: s}}, nil
}

// admit checks every object of a YAML stream as an API server with Istio's webhook would, and by the
// ValidatingAdmissionPolicies that are stored in other sets than the one it replaces or come earlier in the stream.
func (a *admission) admit(stream, replaced string) (passed []admitted, findings []finding) {
	inForce := a.police.inForce(replaced)
	for _, document := range documents(stream) {
		object, err := parse(document)
		if err != nil {
			findings = append(findings, finding{Object: "?", Source: "yaml", Error: err.Error()})
			continue
		}
		if object == nil {
			continue
		}
		one, found := a.admitOne(object, inForce)
		findings = append(findings, found...)
		if one == nil {
			continue
		}
		passed = append(passed, *one)
		if err := inForce.add(object); err != nil {
			findings = append(findings, finding{Object: object.GetName(), Source: "yaml", Error: err.Error()})
		}
	}
	return passed, findings
}

func (a *admission) admitOne(object *unstructured.Unstructured, inForce *force) (*admitted, []finding) {
	label := object.GetKind() + "/" + object.GetNamespace() + "/" + object.GetName()
	refuse := func(source string, err error) (*admitted, []finding) {
		return nil, []finding{{Object: label, Source: source, Error: err.Error()}}
	}
	if object.GetKind() == "" || object.GetAPIVersion() == "" || object.GetName() == "" {
		return refuse("yaml", fmt.Errorf("apiVersion, kind and metadata.name are required"))
	}
	kind := object.GroupVersionKind()
	schema, known := collections.All.FindByGroupVersionAliasesKind(config.FromKubernetesGVK(kind))
	entry := stored{name: object.GetName()}
	if known {
		entry.schema, entry.gvr = schema, schema.GroupVersionResource()
	} else {
		entry.gvr, _ = meta.UnsafeGuessKindToResource(kind)
	}
	if entry.gvr.Group == "core" {
		entry.gvr.Group = ""
	}
	if !clusterScoped(kind.Kind, schema) {
		if object.GetNamespace() == "" {
			object.SetNamespace("default")
		}
		entry.namespace = object.GetNamespace()
	}
	if err := a.schemas.ValidateCustomResource(object); err != nil {
		return refuse("schema", err)
	}
	builtin := !known || schema.IsBuiltin()
	if builtin {
		if err := strictlyDecodes(object); err != nil {
			return refuse("schema", err)
		}
	}
	var verdict policies.Verdict
	request, err := a.police.request(object, entry)
	if err == nil {
		verdict, err = inForce.review(request)
	}
	if err == nil && verdict.Refused != "" {
		err = errors.New(verdict.Refused)
	}
	if err != nil {
		return refuse("policy", err)
	}
	var said []finding
	if len(verdict.Warnings) > 0 {
		said = append(said, finding{Object: label, Source: "policy", Warnings: verdict.Warnings})
	}
	if builtin {
		return &admitted{entry, object}, said
	}
	var warnings []string
	if _, unchecked := object.GetAnnotations()[noWebhook]; !unchecked {
		if warnings, err = webhookRules(schema, object); err != nil {
			return refuse("istio", err)
		}
	}
	object.SetAPIVersion(schema.APIVersion()) // every served version is stored as one
	if len(warnings) > 0 {
		said = append(said, finding{Object: label, Source: "istio", Warnings: warnings})
	}
	return &admitted{entry, object}, said
}

// webhookRules runs the validators behind istiod's admission webhook.
func webhookRules(schema resource.Schema, object *unstructured.Unstructured) ([]string, error) {
	raw, err := object.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var typed crd.IstioKind
	if err := json.Unmarshal(raw, &typed); err != nil {
		return nil, err
	}
	converted, err := crd.ConvertObject(schema, &typed, "cluster.local")
	if err != nil {
		return nil, err
	}
	warning, err := schema.ValidateConfig(*converted)
	if err != nil || warning == nil {
		return nil, err
	}
	return []string{warning.Error()}, nil
}

var strict = serializer.NewCodecFactory(kube.IstioScheme, serializer.EnableStrict).UniversalDeserializer()

// strictlyDecodes refuses unknown kinds and unknown fields, as kubectl has the API server do.
func strictlyDecodes(object *unstructured.Unstructured) error {
	raw, err := object.MarshalJSON()
	if err == nil {
		_, _, err = strict.Decode(raw, nil, nil)
	}
	return err
}

func clusterScoped(kind string, schema resource.Schema) bool {
	if schema != nil {
		return schema.IsClusterScoped()
	}
	return isPolicy(kind) || kind == "Namespace" || kind == "Node" || strings.HasPrefix(kind, "Cluster")
}

// parse goes by way of JSON, so that whole numbers become int64: CEL rules and the fake trackers refuse floats.
func parse(document string) (*unstructured.Unstructured, error) {
	raw, err := yaml.YAMLToJSONStrict([]byte(document))
	if err != nil || string(raw) == "null" {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	return object, object.UnmarshalJSON(raw)
}

func documents(stream string) (list []string) {
	for _, document := range strings.Split("\n"+stream, "\n---") {
		if strings.TrimSpace(document) != "" {
			list = append(list, document)
		}
	}
	return list
}
