// Package policies judges requests by ValidatingAdmissionPolicies. What judges is the API server's own admission
// plugin: matching, conversion between versions, CEL, budgets and bindings are its code. Around it stand only the
// things that the API server takes from elsewhere: the kinds there are, the namespaces, the defaults of the policies.
package policies

import (
	"context"
	"fmt"
	"sync"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/warning"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	kubescheme "k8s.io/client-go/kubernetes/scheme"
)

// Request is what somebody asks the API server to store or to delete.
type Request struct {
	Operation   admission.Operation
	Object      *unstructured.Unstructured // of a DELETE: what is deleted
	OldObject   *unstructured.Unstructured // of an UPDATE
	Subresource string                     // such as "status"
	User        string
	Groups      []string
	Namespace   *core.Namespace // where it is no ordinary one
}

// Verdict is the answer: why it is refused, or nothing; who is warned; what the audit log says.
type Verdict struct {
	Refused  string            `json:"refused,omitempty"`
	Warnings []string          `json:"warnings,omitempty"`
	Audit    map[string]string `json:"audit,omitempty"`
}

// Judge holds one set of policies and bindings; another set needs another judge.
type Judge struct {
	kinds  *Kinds
	plugin *validating.Plugin
	stop   chan struct{}

	mu         sync.Mutex
	namespaces *namespaces
}

func NewJudge(kinds *Kinds, policies []*admissionregistration.ValidatingAdmissionPolicy, bindings []*admissionregistration.ValidatingAdmissionPolicyBinding) (*Judge, error) {
	var objects []runtime.Object
	for _, policy := range policies {
		objects = append(objects, withDefaults(policy))
	}
	for _, binding := range bindings {
		objects = append(objects, binding)
	}
	plugin, err := newPlugin()
	if err != nil {
		return nil, err
	}
	judge := &Judge{kinds: kinds, plugin: plugin, stop: make(chan struct{}), namespaces: &namespaces{}}
	client := fake.NewClientset(objects...)
	factory := informers.NewSharedInformerFactory(client, 0)
	factory.Core().V1().Namespaces().Informer() // the plugin waits for it, although our own lister answers
	plugin.SetExternalKubeClientSet(client)
	plugin.SetExternalKubeInformerFactory(withNamespaces{factory, judge.namespaces})
	plugin.SetRESTMapper(kinds.mapper)
	plugin.SetDynamicClient(dynamicfake.NewSimpleDynamicClient(kubescheme.Scheme))
	plugin.SetAuthorizer(authorizerfactory.NewAlwaysDenyAuthorizer())
	plugin.SetDrainedNotification(judge.stop)
	if err := plugin.ValidateInitialization(); err != nil {
		return nil, err
	}
	factory.Start(judge.stop)
	factory.WaitForCacheSync(judge.stop)
	if !plugin.WaitForReady() {
		return nil, fmt.Errorf("the admission plugin does not get ready")
	}
	return judge, nil
}

func (j *Judge) Close() { close(j.stop) }

func (j *Judge) Review(request Request) (Verdict, error) {
	attributes, err := j.attributes(request)
	if err != nil {
		return Verdict{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.namespaces.special = request.Namespace
	recorder := &warnings{}
	err = j.plugin.Validate(warning.WithWarningRecorder(context.Background(), recorder), attributes, j.kinds)
	verdict := Verdict{Warnings: recorder.texts, Audit: attributes.annotations}
	if err != nil {
		verdict.Refused = err.Error()
	}
	return verdict, nil
}

func (j *Judge) attributes(request Request) (*audited, error) {
	about := request.Object
	gvk := about.GroupVersionKind()
	gvr, err := j.kinds.resource(gvk)
	if err != nil {
		return nil, err
	}
	if request.Subresource == "binding" || request.Subresource == "exec" {
		gvr.Resource = "pods"
	}
	object, err := typed(request.Object)
	if err != nil {
		return nil, err
	}
	var old runtime.Object
	switch request.Operation {
	case admission.Delete:
		object, old = nil, object
	case admission.Update:
		if old, err = typed(request.OldObject); err != nil {
			return nil, err
		}
	case admission.Create, admission.Connect:
	default:
		return nil, fmt.Errorf("no operation %q", request.Operation)
	}
	who := &user.DefaultInfo{Name: request.User, Groups: append([]string{"system:authenticated"}, request.Groups...)}
	record := admission.NewAttributesRecord(object, old, gvk, about.GetNamespace(), about.GetName(), gvr, request.Subresource, request.Operation, nil, false, who)
	return &audited{Attributes: record, annotations: map[string]string{}}, nil
}

// typed makes of Kubernetes' own kinds what the API server holds in its hands: fields that are always written are
// there.
func typed(object *unstructured.Unstructured) (runtime.Object, error) {
	if object == nil {
		return nil, nil
	}
	if !kubescheme.Scheme.Recognizes(object.GroupVersionKind()) {
		return object.DeepCopy(), nil
	}
	raw, err := object.MarshalJSON()
	if err != nil {
		return nil, err
	}
	decoded, _, err := kubescheme.Codecs.UniversalDeserializer().Decode(raw, nil, nil)
	return decoded, err
}

func withDefaults(policy *admissionregistration.ValidatingAdmissionPolicy) *admissionregistration.ValidatingAdmissionPolicy {
	policy = policy.DeepCopy()
	if policy.Spec.FailurePolicy == nil {
		fail := admissionregistration.Fail
		policy.Spec.FailurePolicy = &fail
	}
	if match := policy.Spec.MatchConstraints; match != nil {
		if match.MatchPolicy == nil {
			equivalent := admissionregistration.Equivalent
			match.MatchPolicy = &equivalent
		}
		if match.NamespaceSelector == nil {
			match.NamespaceSelector = &metav1.LabelSelector{}
		}
		if match.ObjectSelector == nil {
			match.ObjectSelector = &metav1.LabelSelector{}
		}
		for i := range match.ResourceRules {
			if match.ResourceRules[i].Scope == nil {
				all := admissionregistration.AllScopes
				match.ResourceRules[i].Scope = &all
			}
		}
	}
	return policy
}

type warnings struct{ texts []string }

func (w *warnings) AddWarning(_, text string) { w.texts = append(w.texts, text) }

// audited keeps what the plugin would write into the audit log.
type audited struct {
	admission.Attributes
	annotations map[string]string
}

func (a *audited) AddAnnotation(key, value string) error {
	a.annotations[key] = value
	return nil
}
