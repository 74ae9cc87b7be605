package main

import (
	"slices"
	"strings"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"istio.io/istio/pkg/kube"
)

// answerReviews makes the client answer the two questions that istiod asks the API server about proxies.
func answerReviews(client kube.CLIClient, s *store) {
	clientset := client.Kube().(*fake.Clientset)
	clientset.PrependReactor("create", "tokenreviews", reviewToken)
	clientset.PrependReactor("create", "subjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorization.SubjectAccessReview).DeepCopy()
		review.Status.Allowed = s.allows(review.Spec.User, review.Spec.ResourceAttributes)
		return true, review, nil
	})
}

// reviewToken: a pod's token is the text "lab:<namespace>:<service account>".
func reviewToken(action clienttesting.Action) (bool, runtime.Object, error) {
	review := action.(clienttesting.CreateAction).GetObject().(*authentication.TokenReview).DeepCopy()
	part := strings.Split(strings.TrimSpace(review.Spec.Token), ":")
	if len(part) != 3 || part[0] != "lab" {
		review.Status.Error = "not a token of this lab"
		return true, review, nil
	}
	review.Status = authentication.TokenReviewStatus{
		Authenticated: true,
		Audiences:     review.Spec.Audiences,
		User: authentication.UserInfo{
			Username: "system:serviceaccount:" + part[1] + ":" + part[2],
			Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + part[1], "system:authenticated"},
		},
	}
	return true, review, nil
}

// allows answers from the Roles and RoleBindings that exist, so that a missing one is noticed.
func (s *store) allows(user string, want *authorization.ResourceAttributes) bool {
	part := strings.Split(user, ":")
	if want == nil || len(part) != 4 {
		return false
	}
	for _, binding := range listOf[*rbac.RoleBinding](s, "rolebindings", want.Namespace) {
		if binding.RoleRef.Kind != "Role" || !slices.ContainsFunc(binding.Subjects, func(subject rbac.Subject) bool {
			return subject.Kind == rbac.ServiceAccountKind && subject.Namespace == part[2] && subject.Name == part[3]
		}) {
			continue
		}
		for _, role := range listOf[*rbac.Role](s, "roles", want.Namespace) {
			if role.Name == binding.RoleRef.Name && slices.ContainsFunc(role.Rules, func(rule rbac.PolicyRule) bool { return grants(rule, want) }) {
				return true
			}
		}
	}
	return false
}

func grants(rule rbac.PolicyRule, want *authorization.ResourceAttributes) bool {
	has := func(list []string, value string) bool {
		return slices.Contains(list, value) || slices.Contains(list, "*")
	}
	return has(rule.APIGroups, want.Group) && has(rule.Resources, want.Resource) && has(rule.Verbs, want.Verb) &&
		(len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, want.Name))
}
