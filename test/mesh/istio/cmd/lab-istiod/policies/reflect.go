package policies

import (
	"encoding/json"
	"reflect"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
)

var marshals = reflect.TypeOf((*json.Marshaler)(nil)).Elem()

// schemaOf reads the schema of a type of Kubernetes' own off its Go type: the generated schemas are not among the
// modules here, and the type checker asks for names and types of fields only.
func schemaOf(value any) *spec.Schema { return reflected(reflect.TypeOf(value)) }

func reflected(kind reflect.Type) *spec.Schema {
	switch kind.Kind() {
	case reflect.Pointer:
		return reflected(kind.Elem())
	case reflect.String:
		return spec.StringProperty()
	case reflect.Bool:
		return spec.BooleanProperty()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return spec.Int64Property()
	case reflect.Slice:
		if kind.Elem().Kind() == reflect.Uint8 {
			return spec.StrFmtProperty("byte")
		}
		return spec.ArrayProperty(reflected(kind.Elem()))
	case reflect.Map:
		return spec.MapProperty(reflected(kind.Elem()))
	case reflect.Struct:
		if kind.Implements(marshals) || reflect.PointerTo(kind).Implements(marshals) { // times, quantities, texts or numbers
			return spec.StringProperty()
		}
		object := &spec.Schema{SchemaProps: spec.SchemaProps{Type: []string{"object"}, Properties: map[string]spec.Schema{}}}
		for i := range kind.NumField() {
			field := kind.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch {
			case name == "-" || !field.IsExported():
			case name == "":
				for inlined, property := range reflected(field.Type).Properties {
					object.Properties[inlined] = property
				}
			default:
				object.Properties[name] = *reflected(field.Type)
			}
		}
		return object
	}
	return &spec.Schema{}
}
