package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/kube/inject"
)

// injector writes sidecars into pods, with the template and the values of Istio's own chart.
type injector struct{ folder string }

// toInject is a pod as somebody sends it, and what of the installation decides what is written into it.
type toInject struct {
	Pod           json.RawMessage
	CNI           string            // the provider of istio-cni; none without it
	ProxyMetadata map[string]string // of the whole mesh
}

func (i injector) inject(one toInject) (*core.Pod, error) {
	template, err := os.ReadFile(filepath.Join(i.folder, "injection-template.yaml"))
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(i.folder, "injection-values.yaml"))
	if err != nil {
		return nil, err
	}
	var chart struct {
		Defaults map[string]any `json:"_internal_defaults_do_not_set"`
	}
	if err := yaml.Unmarshal(raw, &chart); err != nil {
		return nil, err
	}
	picked, err := json.Marshal(map[string]any{
		"global":                 chart.Defaults["global"],
		"sidecarInjectorWebhook": chart.Defaults["sidecarInjectorWebhook"],
		"revision":               chart.Defaults["revision"],
		"gateways":               map[string]any{},
		"pilot": map[string]any{
			"env": chart.Defaults["env"],
			"cni": map[string]any{"enabled": one.CNI != "", "provider": one.CNI},
		},
	})
	if err != nil {
		return nil, err
	}
	values, err := inject.NewValuesConfig(string(picked))
	if err != nil {
		return nil, err
	}
	templates, err := inject.ParseTemplates(inject.RawTemplates{inject.SidecarTemplateName: string(template)})
	if err != nil {
		return nil, err
	}
	pod := &core.Pod{}
	if err := json.Unmarshal(one.Pod, pod); err != nil {
		return nil, err
	}
	config := mesh.DefaultMeshConfig()
	config.DefaultConfig.ProxyMetadata = one.ProxyMetadata
	injected, err := inject.IntoObject(nil, templates, values, "", config, pod, func(string) {})
	if err != nil {
		return nil, err
	}
	result, ok := injected.(*core.Pod)
	if !ok {
		return nil, fmt.Errorf("no pod: %T", injected)
	}
	result.APIVersion, result.Kind = "v1", "Pod"
	return result, nil
}
