package main

import (
	"fmt"
	"time"

	"istio.io/istio/pilot/pkg/model"
)

// barrier returns when istiod's own store shows everything that was written, a full push has been made after that, and
// all proxies have acknowledged that push for every type they watch.
func (s *store) barrier(proxies int, timeout time.Duration) ([]proxyState, error) {
	deadline := time.Now().Add(timeout)
	if err := s.settle(time.Until(deadline)); err != nil {
		return s.proxies(), err
	}
	s.xds.ConfigUpdate(&model.PushRequest{Forced: true, Reason: model.NewReasonStats(model.DebugTrigger)})
	mark := s.xds.InboundUpdates.Load()
	if err := until(deadline, "push", func() string {
		if s.xds.CommittedUpdates.Load() < mark {
			return "not built yet"
		}
		return ""
	}); err != nil {
		return s.proxies(), err
	}
	version := pushNumber(s.xds.Env.PushContext().PushVersion)
	err := until(deadline, "proxies", func() string { return missing(s.proxies(), proxies, version) })
	return s.proxies(), err
}

// settle waits until istiod has taken in what was written.
func (s *store) settle(timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	if err := until(deadline, "istiod's store", s.notInConfigStore); err != nil {
		return err
	}
	// Core kinds have no store to ask. The fake watch hands events on within microseconds: let their count come to rest.
	last, since := s.xds.InboundUpdates.Load(), time.Now()
	return until(deadline, "event queue", func() string {
		if now := s.xds.InboundUpdates.Load(); now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) < 15*time.Millisecond {
			return "events keep coming"
		}
		return ""
	})
}

// notInConfigStore names an object that istiod's config store does not show as it was written, or still shows.
func (s *store) notInConfigStore() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	members := map[string]bool{}
	for _, set := range s.sets {
		for key, entry := range set {
			members[key] = true
			if entry.schema == nil || entry.schema.IsBuiltin() || entry.unread {
				continue
			}
			if config := s.xds.Env.ConfigStore.Get(entry.schema.GroupVersionKind(), entry.name, entry.namespace); config == nil || config.ResourceVersion != entry.version {
				return key + " is not there yet"
			}
		}
	}
	for _, entry := range s.removed {
		if entry.schema == nil || entry.schema.IsBuiltin() || members[entry.key()] {
			continue
		}
		if s.xds.Env.ConfigStore.Get(entry.schema.GroupVersionKind(), entry.name, entry.namespace) != nil {
			return entry.key() + " is still there"
		}
	}
	s.removed = nil
	return ""
}

// until polls a condition, which answers what is still missing.
func until(deadline time.Time, what string, why func() string) error {
	for {
		reason := why()
		if reason == "" {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: %s", what, reason)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
