package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	k8sadmission "k8s.io/apiserver/pkg/admission"

	"cdk8s-istio-egress.test/mesh/istio/cmd/lab-istiod/policies"
)

// writtenBy is the annotation by which the harness says who writes an object.
const writtenBy = "lab/written-by"

// police holds objects against the ValidatingAdmissionPolicies that are stored.
type police struct {
	kinds func() (*policies.Kinds, error) // read when the first policy asks for them: most labs have none
	store *store

	mu    sync.Mutex
	judge *policies.Judge // of the policies that were in force last
	of    string
}

// force is the policies and bindings that a stream of objects meets: those stored, and those earlier in the stream.
type force struct {
	police   *police
	policies []*admissionregistration.ValidatingAdmissionPolicy
	bindings []*admissionregistration.ValidatingAdmissionPolicyBinding
}

// inForce leaves out what a set holds that is about to be replaced.
func (p *police) inForce(replaced string) *force {
	f := &force{
		police:   p,
		policies: listOf[*admissionregistration.ValidatingAdmissionPolicy](p.store, "validatingadmissionpolicies", "", replaced),
		bindings: listOf[*admissionregistration.ValidatingAdmissionPolicyBinding](p.store, "validatingadmissionpolicybindings", "", replaced),
	}
	// The store lists them in any order; in one order they keep their judge.
	slices.SortFunc(f.policies, func(a, b *admissionregistration.ValidatingAdmissionPolicy) int {
		return strings.Compare(a.Name, b.Name)
	})
	slices.SortFunc(f.bindings, func(a, b *admissionregistration.ValidatingAdmissionPolicyBinding) int {
		return strings.Compare(a.Name, b.Name)
	})
	return f
}

func (f *force) add(object *unstructured.Unstructured) error {
	switch object.GetKind() {
	case "ValidatingAdmissionPolicy":
		policy := &admissionregistration.ValidatingAdmissionPolicy{}
		f.policies = append(f.policies, policy)
		return runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, policy)
	case "ValidatingAdmissionPolicyBinding":
		binding := &admissionregistration.ValidatingAdmissionPolicyBinding{}
		f.bindings = append(f.bindings, binding)
		return runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, binding)
	}
	return nil
}

func (f *force) review(request policies.Request) (policies.Verdict, error) {
	// The plugin asks no policy about policies; without it, a stream of them needs no judge for each of its beginnings.
	if len(f.policies) == 0 || isPolicy(request.Object.GetKind()) {
		return policies.Verdict{}, nil
	}
	judge, err := f.police.judgeOf(f)
	if err != nil {
		return policies.Verdict{}, err
	}
	return judge.Review(request)
}

func (p *police) judgeOf(f *force) (*policies.Judge, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	identity, err := json.Marshal([]any{f.policies, f.bindings})
	if err != nil {
		return nil, err
	}
	if p.judge != nil && p.of == string(identity) {
		return p.judge, nil
	}
	if p.judge != nil {
		p.judge.Close()
		p.judge = nil
	}
	kinds, err := p.kinds()
	if err != nil {
		return nil, err
	}
	if p.judge, err = policies.NewJudge(kinds, f.policies, f.bindings); err != nil {
		return nil, err
	}
	p.of = string(identity)
	return p.judge, nil
}

// request is the storing of an object: an update, if it is there already.
func (p *police) request(object *unstructured.Unstructured, entry stored) (policies.Request, error) {
	request := policies.Request{Operation: k8sadmission.Create, Object: object, User: "lab"}
	if writer := object.GetAnnotations()[writtenBy]; writer != "" {
		request.User = writer
	}
	before, err := trackerOf(p.store.client, entry.gvr.Group).Get(entry.gvr, entry.namespace, entry.name)
	if err != nil {
		return request, nil
	}
	raw, err := json.Marshal(before)
	if err != nil {
		return request, err
	}
	old := &unstructured.Unstructured{}
	fields := map[string]any{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return request, err
	}
	old.Object = fields
	old.SetGroupVersionKind(object.GroupVersionKind())
	request.Operation, request.OldObject = k8sadmission.Update, old
	return request, nil
}

// asked is one request as the harness sends it.
type asked struct {
	Operation   string
	Object      json.RawMessage
	OldObject   json.RawMessage
	Subresource string
	User        string
	Groups      []string
	Namespace   *core.Namespace
}

func (a asked) request() (policies.Request, error) {
	request := policies.Request{
		Operation:   k8sadmission.Operation(a.Operation),
		Subresource: a.Subresource,
		User:        a.User,
		Groups:      a.Groups,
		Namespace:   a.Namespace,
	}
	var err error
	if request.Object, err = parse(string(a.Object)); err != nil || request.Object == nil {
		return request, fmt.Errorf("no object: %v", err)
	}
	if len(a.OldObject) > 0 {
		request.OldObject, err = parse(string(a.OldObject))
	}
	return request, err
}

// policyReport is what an API server says about the policies in force.
type policyReport struct {
	Policies int                 `json:"policies"`
	Types    map[string]int      `json:"types"`    // by policy: against how many kinds and versions it was type-checked
	Problems map[string][]string `json:"problems"` // by release of Kubernetes
}

var releases = []uint{30, 31, 32, 33, 34, 35, 36}

func (f *force) report() (policyReport, error) {
	kinds, err := f.police.kinds()
	if err != nil {
		return policyReport{}, err
	}
	report := policyReport{Policies: len(f.policies), Types: map[string]int{}, Problems: map[string][]string{}}
	for _, policy := range f.policies {
		report.Types[policy.Name] = kinds.TypesChecked(policy)
		for _, minor := range releases {
			release := fmt.Sprintf("1.%d", minor)
			report.Problems[release] = append(report.Problems[release], kinds.Problems(policy, minor)...)
		}
	}
	return report, nil
}

// costs are those of the policies that are about the kind of an object, whatever its namespace.
func (f *force) costs(object *unstructured.Unstructured) (list []policies.Cost, err error) {
	kinds, err := f.police.kinds()
	if err != nil {
		return nil, err
	}
	for _, policy := range f.policies {
		if !kinds.Concerns(policy, object.GroupVersionKind()) {
			continue
		}
		cost, err := kinds.Costs(policy, policies.Request{Object: object})
		if err != nil {
			return nil, err
		}
		list = append(list, cost)
	}
	return list, nil
}

func isPolicy(kind string) bool { return strings.HasPrefix(kind, "ValidatingAdmissionPolicy") }
