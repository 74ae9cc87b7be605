package main

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	xdsv3 "istio.io/istio/pilot/pkg/xds/v3"
)

// typeState is how far a proxy is with one type of resource: the number of the last push that it was sent and has
// acknowledged.
type typeState struct {
	Sent  int    `json:"sent"`
	Acked int    `json:"acked"`
	Error string `json:"error,omitempty"`
}

type proxyState struct {
	ID    string               `json:"id"`
	Types map[string]typeState `json:"types"`
}

var watchedTypes = []string{xdsv3.ClusterType, xdsv3.EndpointType, xdsv3.ListenerType, xdsv3.RouteType, xdsv3.SecretType}

func (s *store) proxies() []proxyState {
	list := []proxyState{}
	for _, connection := range s.xds.Clients() {
		state := proxyState{ID: connection.Proxy().ID, Types: map[string]typeState{}}
		for _, kind := range watchedTypes {
			watched := connection.Proxy().GetWatchedResource(kind)
			if watched == nil || watched.NonceSent == "" {
				continue
			}
			// A proxy that needs no route or endpoint any more keeps an empty subscription, and gets no pushes for it.
			if (kind == xdsv3.RouteType || kind == xdsv3.EndpointType) && len(watched.ResourceNames) == 0 {
				continue
			}
			one := typeState{Sent: nonceNumber(watched.NonceSent), Error: watched.LastError}
			if watched.NonceSent == watched.NonceAcked {
				one.Acked = one.Sent
			}
			state.Types[xdsv3.GetShortType(kind)] = one
		}
		list = append(list, state)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// missing says which proxy has not acknowledged which type, or "".
func missing(states []proxyState, proxies, version int) string {
	if len(states) < proxies {
		return fmt.Sprintf("%d of %d connected", len(states), proxies)
	}
	for _, state := range states {
		for name, one := range state.Types {
			if one.Error != "" {
				return fmt.Sprintf("%s refused %s: %s", state.ID, name, one.Error)
			}
			// Secrets are not pushed again with every version.
			if one.Acked == 0 || (name != "SDS" && one.Acked < version) {
				return fmt.Sprintf("%s has %s %d, wants %d", state.ID, name, one.Acked, version)
			}
		}
	}
	return ""
}

// nonceNumber: a nonce is the push version followed, without a separator, by a UUID of 36 characters.
func nonceNumber(nonce string) int {
	if len(nonce) <= 36 {
		return 0
	}
	return pushNumber(nonce[:len(nonce)-36])
}

// pushNumber reads the running number out of a push version "<time>/<number>".
func pushNumber(version string) int {
	_, tail, found := strings.Cut(version, "/")
	if !found {
		return 0
	}
	number, _ := strconv.Atoi(tail)
	return number
}
