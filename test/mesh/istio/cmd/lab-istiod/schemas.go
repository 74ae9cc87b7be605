//go:build !istio130

package main

import crdschema "istio.io/istio/pkg/config/crd"

// newSchemas reads the CRDs; that Kubernetes would take them is not what the lab is about, and slow.
func newSchemas(crdFile string) (*crdschema.Validator, error) {
	return crdschema.NewValidatorFromFilesWithOptions([]string{crdFile}, crdschema.WithoutCRDValidation())
}
