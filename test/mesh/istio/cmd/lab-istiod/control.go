package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	core "k8s.io/api/core/v1"

	"cdk8s-istio-egress.test/mesh/istio/cmd/lab-istiod/policies"
)

// The control interface:
//
//	POST /validate            YAML in, findings out; nothing is stored
//	PUT  /sets/NAME           YAML in; the set's objects become exactly these (an empty body removes them); 422 with findings
//	POST /review              one request as JSON, judged by the stored ValidatingAdmissionPolicies alone; nothing is stored
//	POST /inject              a pod as JSON in; the pod as Istio's injector leaves it
//	POST /policies            what an API server says about the expressions of the policies that are stored
//	POST /costs               YAML of one object in; what the stored policies about its kind cost
//	POST /barrier?proxies=N&timeout=5s   waits until N proxies have acknowledged everything written so far
//	GET  /proxies             what each proxy has been sent and has acknowledged
func handler(s *store, a *admission, i injector) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /validate", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, findings := a.admit(string(body), "")
		reply(w, statusOf(findings), map[string]any{"findings": findings})
	})
	mux.HandleFunc("PUT /sets/{name}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		objects, findings := a.admit(string(body), r.PathValue("name"))
		if status := statusOf(findings); status != http.StatusOK {
			reply(w, status, map[string]any{"findings": findings})
			return
		}
		if err := s.replace(r.PathValue("name"), objects); err != nil {
			reply(w, http.StatusConflict, map[string]any{"error": err.Error()})
			return
		}
		reply(w, http.StatusOK, map[string]any{"findings": findings})
	})
	mux.HandleFunc("POST /review", func(w http.ResponseWriter, r *http.Request) {
		var one asked
		err := json.NewDecoder(r.Body).Decode(&one)
		var request policies.Request
		if err == nil {
			request, err = one.request()
		}
		var verdict policies.Verdict
		if err == nil {
			verdict, err = a.police.inForce("").review(request)
		}
		answer(w, verdict, err)
	})
	mux.HandleFunc("POST /inject", func(w http.ResponseWriter, r *http.Request) {
		var one toInject
		var pod *core.Pod
		err := json.NewDecoder(r.Body).Decode(&one)
		if err == nil {
			pod, err = i.inject(one)
		}
		answer(w, pod, err)
	})
	mux.HandleFunc("POST /policies", func(w http.ResponseWriter, _ *http.Request) {
		report, err := a.police.inForce("").report()
		answer(w, report, err)
	})
	mux.HandleFunc("POST /costs", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		object, err := parse(string(body))
		var costs []policies.Cost
		if err == nil {
			costs, err = a.police.inForce("").costs(object)
		}
		answer(w, costs, err)
	})
	mux.HandleFunc("POST /barrier", func(w http.ResponseWriter, r *http.Request) {
		proxies, _ := strconv.Atoi(r.URL.Query().Get("proxies"))
		timeout, err := time.ParseDuration(r.URL.Query().Get("timeout"))
		if err != nil {
			timeout = 10 * time.Second
		}
		state, err := s.barrier(proxies, timeout)
		if err != nil {
			reply(w, http.StatusGatewayTimeout, map[string]any{"proxies": state, "error": err.Error()})
			return
		}
		reply(w, http.StatusOK, map[string]any{"proxies": state})
	})
	mux.HandleFunc("GET /proxies", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.proxies()) })
	return mux
}

func statusOf(findings []finding) int {
	for _, one := range findings {
		if one.Error != "" {
			return http.StatusUnprocessableEntity
		}
	}
	return http.StatusOK
}

func answer(w http.ResponseWriter, body any, err error) {
	if err != nil {
		reply(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	reply(w, http.StatusOK, body)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func serve(socket string, h http.Handler) error {
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	return http.Serve(listener, h)
}
