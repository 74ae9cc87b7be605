//go:build istio130

package main

import crdschema "istio.io/istio/pkg/config/crd"

// newSchemas reads the CRDs.
func newSchemas(crdFile string) (*crdschema.Validator, error) {
	return crdschema.NewValidatorFromFiles(crdFile)
}
