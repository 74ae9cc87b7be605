//go:build !istio130

package policies

import "k8s.io/apiserver/pkg/admission/plugin/policy/validating"

func newPlugin() (*validating.Plugin, error) { return validating.NewPlugin(nil) }
