package main

import (
	"fmt"
	"slices"
	"sync"
	"time"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"istio.io/istio/pilot/pkg/bootstrap"
	"istio.io/istio/pilot/pkg/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/resource"
	"istio.io/istio/pkg/kube"
)

// burst is how many objects are written before istiod must have seen them: the fake client's watch channel holds about
// a hundred events and panics when it is full.
const burst = 50

// stored names one object in the store.
type stored struct {
	schema    resource.Schema // nil for a kind that Istio does not know
	gvr       schema.GroupVersionResource
	namespace string
	name      string
	version   string
	unread    bool // is for another revision of istiod
}

func (o stored) key() string {
	return o.gvr.GroupResource().String() + "/" + o.namespace + "/" + o.name
}

// store is the stand-in for the API server's storage: named sets of objects, each replaced as a whole.
type store struct {
	client kube.CLIClient
	xds    *xds.DiscoveryServer

	mu      sync.Mutex
	counter int
	sets    map[string]map[string]stored
	removed []stored // since the last barrier
}

func newStore(client kube.CLIClient) *store {
	return &store{client: client, sets: map[string]map[string]stored{}}
}

// replace makes the objects of a set exactly the given ones.
func (s *store) replace(set string, objects []admitted) error {
	next := map[string]stored{}
	for i, object := range objects {
		if err := s.put(set, object, next); err != nil {
			return fmt.Errorf("%s: %w", object.key(), err)
		}
		if (i+1)%burst == 0 {
			if err := s.settle(10 * time.Second); err != nil {
				return err
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, old := range s.sets[set] {
		if _, kept := next[key]; kept {
			continue
		}
		if err := trackerOf(s.client, old.gvr.Group).Delete(old.gvr, old.namespace, old.name); err != nil && !kerrors.IsNotFound(err) {
			return err
		}
		s.removed = append(s.removed, old)
		if len(s.removed)%burst == 0 {
			time.Sleep(5 * time.Millisecond) // lets the watchers drain; nothing tells when a deletion was seen
		}
	}
	s.sets[set] = next
	return nil
}

func (s *store) put(set string, object admitted, next map[string]stored) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, twice := next[object.key()]; twice {
		return fmt.Errorf("is there twice")
	}
	for other, members := range s.sets {
		if _, taken := members[object.key()]; taken && other != set {
			return fmt.Errorf("already belongs to the set %q", other)
		}
	}
	version, err := s.write(object)
	if err != nil {
		return err
	}
	entry := object.stored
	entry.version = version
	entry.unread = !config.LabelsInRevision(object.object.GetLabels(), bootstrap.Revision)
	next[entry.key()] = entry
	if _, had := s.sets[set][entry.key()]; had {
		s.sets[set][entry.key()] = entry // else settle, halfway through a large set, would wait for the version that was
	}
	return nil
}

// write stores an object with the metadata that an API server would give it.
func (s *store) write(object admitted) (string, error) {
	s.counter++
	version := fmt.Sprint(s.counter)
	copied := object.object.DeepCopy()
	copied.SetResourceVersion(version)
	copied.SetGeneration(int64(s.counter))
	copied.SetUID(types.UID(fmt.Sprintf("00000000-0000-0000-0000-%012d", s.counter)))
	if created := copied.GetCreationTimestamp(); created.IsZero() {
		copied.SetCreationTimestamp(metav1.NewTime(time.Now()))
	}
	raw, err := copied.MarshalJSON()
	if err != nil {
		return "", err
	}
	typed, _, err := kube.IstioCodec.UniversalDeserializer().Decode(raw, nil, nil)
	if err != nil {
		return "", err
	}
	tracker := trackerOf(s.client, object.gvr.Group)
	existing, err := tracker.Get(object.gvr, object.namespace, object.name)
	if kerrors.IsNotFound(err) {
		return version, tracker.Create(object.gvr, typed, object.namespace)
	}
	if err != nil {
		return "", err
	}
	keepAge(existing, typed, object)
	return version, tracker.Update(object.gvr, typed, object.namespace)
}

// keepAge: an update does not change when an object was created, and Istio decides many conflicts by age.
func keepAge(existing, next runtime.Object, object admitted) {
	if created := object.object.GetCreationTimestamp(); !created.IsZero() {
		return
	}
	before, err1 := meta.Accessor(existing)
	after, err2 := meta.Accessor(next)
	if err1 == nil && err2 == nil {
		after.SetCreationTimestamp(before.GetCreationTimestamp())
	}
}

// listOf lists the stored objects of a built-in kind in a namespace, but for those of one set.
func listOf[T runtime.Object](s *store, plural, namespace string, without ...string) (list []T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for set, members := range s.sets {
		if slices.Contains(without, set) {
			continue
		}
		for _, entry := range members {
			if entry.gvr.Resource != plural || entry.namespace != namespace {
				continue
			}
			if object, err := trackerOf(s.client, entry.gvr.Group).Get(entry.gvr, entry.namespace, entry.name); err == nil {
				if typed, ok := object.(T); ok {
					list = append(list, typed)
				}
			}
		}
	}
	return list
}
