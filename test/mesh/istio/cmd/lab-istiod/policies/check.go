package policies

import (
	"context"
	"fmt"
	"math"
	"slices"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// Problems says what an API server would say about the expressions of a policy when it is stored: what does not compile
// there, and what the type checker would write into its status.
//
// minor is the release of Kubernetes, 1.<minor>. A server takes into new policies only what the release before it knew
// too.
func (k *Kinds) Problems(policy *admissionregistration.ValidatingAdmissionPolicy, minor uint) (problems []string) {
	compiler, err := cel.NewCompositedCompiler(environment.MustBaseEnvSet(version.MajorMinor(1, minor-1)))
	if err != nil {
		return []string{err.Error()}
	}
	options := cel.OptionalVariableDeclarations{HasAuthorizer: true}
	compile := func(where string, expression cel.ExpressionAccessor) {
		if result := compiler.CompileCELExpression(expression, options, environment.NewExpressions); result.Error != nil {
			problems = append(problems, fmt.Sprintf("%s %s: %v", policy.Name, where, result.Error))
		}
	}
	for _, condition := range policy.Spec.MatchConditions {
		compile("matchConditions "+condition.Name, &validating.ValidationCondition{Expression: condition.Expression})
	}
	for _, variable := range policy.Spec.Variables {
		accessor := &validating.Variable{Name: variable.Name, Expression: variable.Expression}
		if result := compiler.CompileAndStoreVariable(accessor, options, environment.NewExpressions); result.Error != nil {
			problems = append(problems, fmt.Sprintf("%s variables %s: %v", policy.Name, variable.Name, result.Error))
		}
	}
	for i, validation := range policy.Spec.Validations {
		compile(fmt.Sprintf("validations[%d]", i), &validating.ValidationCondition{Expression: validation.Expression})
	}
	checker := &validating.TypeChecker{SchemaResolver: k, RestMapper: k.mapper}
	for _, warning := range checker.Check(policy) {
		problems = append(problems, fmt.Sprintf("%s %s: %s", policy.Name, warning.FieldRef, warning.Warning))
	}
	return problems
}

// TypesChecked counts the kinds, in their versions, that the type checker holds a policy against.
func (k *Kinds) TypesChecked(policy *admissionregistration.ValidatingAdmissionPolicy) (count int) {
	for gvk := range k.schemas {
		if k.Concerns(policy, gvk) {
			count++
		}
	}
	return count
}

// Concerns says whether a policy names a kind in this version.
func (k *Kinds) Concerns(policy *admissionregistration.ValidatingAdmissionPolicy, gvk schema.GroupVersionKind) bool {
	gvr := k.resources[gvk]
	for _, rule := range policy.Spec.MatchConstraints.ResourceRules {
		if slices.Contains(rule.APIGroups, gvr.Group) && slices.Contains(rule.APIVersions, gvr.Version) && slices.Contains(rule.Resources, gvr.Resource) {
			return true
		}
	}
	return false
}

// Cost is what the expressions of a policy cost for one object, in the API server's own units, and what they may.
type Cost struct {
	Policy   string  `json:"policy"`
	Total    int64   `json:"total"`
	Dearest  int64   `json:"dearest"` // of one expression
	OfBudget float64 `json:"ofBudget"`
	OfCall   float64 `json:"ofCallLimit"`
	Error    string  `json:"error,omitempty"`
}

// Costs evaluates the expressions of a policy for an object, whether or not the policy is about it in this namespace.
func (k *Kinds) Costs(policy *admissionregistration.ValidatingAdmissionPolicy, request Request) (Cost, error) {
	cost := Cost{Policy: policy.Name}
	gvk := request.Object.GroupVersionKind()
	gvr, err := k.resource(gvk)
	if err != nil {
		return cost, err
	}
	object, err := typed(request.Object)
	if err != nil {
		return cost, err
	}
	record := admission.NewAttributesRecord(object, nil, gvk, request.Object.GetNamespace(), request.Object.GetName(), gvr, "", admission.Create, nil, false, nil)
	versioned, err := admission.NewVersionedAttributes(record, gvk, k)
	if err != nil {
		return cost, err
	}
	asked := cel.CreateAdmissionRequest(record, metav1.GroupVersionResource(gvr), metav1.GroupVersionKind(gvk))
	for _, validation := range policy.Spec.Validations {
		compiler, err := cel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
		if err != nil {
			return cost, err
		}
		options := cel.OptionalVariableDeclarations{}
		for _, variable := range policy.Spec.Variables {
			accessor := &validating.Variable{Name: variable.Name, Expression: variable.Expression}
			compiler.CompileAndStoreVariable(accessor, options, environment.StoredExpressions)
		}
		accessors := []cel.ExpressionAccessor{&validating.ValidationCondition{Expression: validation.Expression}}
		evaluator := compiler.CompileCondition(accessors, options, environment.StoredExpressions)
		results, remaining, err := evaluator.ForInput(context.Background(), versioned, asked, cel.OptionalVariableBindings{}, nil, math.MaxInt64)
		if err != nil {
			cost.Error = err.Error()
			continue
		}
		if results[0].Error != nil {
			cost.Error = results[0].Error.Error()
		}
		one := math.MaxInt64 - remaining
		cost.Total += one
		cost.Dearest = max(cost.Dearest, one)
	}
	cost.OfBudget = float64(cost.Total) / celconfig.RuntimeCELCostBudget
	cost.OfCall = float64(cost.Dearest) / celconfig.PerCallLimit
	return cost, nil
}
