/** Objects that somebody writes beside a guard, in the namespace `other`. */
import { KubeObject } from '../lab';

export const many = <T>(count: number, one: (n: number) => T) => Array.from({ length: count }, (_, n) => one(n));

export function istio(kind: string, spec: object, metadata: object = {}): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name: 'x', namespace: 'other', ...metadata },
    spec,
  };
}

export function service(spec: object, metadata: object = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x', namespace: 'other', ...metadata }, spec };
}

export const tcp = { number: 80, name: 'tcp', protocol: 'TCP' };
export const mutual = (name: string, host: string) => ({
  port: { number: 443, name, protocol: 'HTTPS' },
  hosts: [host],
  tls: { mode: 'ISTIO_MUTUAL' },
});
export const OUR_PODS = { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' };
export const THEIR_PODS = { app: 'istio-egressgateway', istio: 'egressgateway' };

export function pod(metadata: object, spec: object = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'x', namespace: 'other', ...metadata },
    spec: { containers: [{ name: 'app', image: 'none' }], ...spec },
  };
}

/** A pod, with the address that its status has. */
export function podAt(ip?: string): KubeObject {
  return { ...pod({}), status: ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] } };
}

/** A route of the namespace's own Service `x`, which other namespaces see. */
export function ownRoute(http: object): KubeObject {
  return istio('VirtualService', { hosts: ['x'], http: [{ route: [{ destination: { host: 'x' } }], ...http }] });
}

/** A rule of the namespace's own Service `x`, which other namespaces see. */
export function ownHash(consistentHash: object): KubeObject {
  return istio('DestinationRule', { host: 'x', trafficPolicy: { loadBalancer: { consistentHash } } });
}

export function telemetry(...tracing: object[]): KubeObject {
  return { ...istio('Telemetry', { tracing }), apiVersion: 'telemetry.istio.io/v1' };
}

export function gatewayApi(kind: string, parent: object, rule: object = {}, version = 'v1'): KubeObject {
  return {
    apiVersion: `gateway.networking.k8s.io/${version}`,
    kind,
    metadata: { name: 'x', namespace: 'other' },
    spec: { parentRefs: [parent], rules: [{ backendRefs: [{ name: 'x', port: 80 }], ...rule }] },
  };
}

/** A Gateway for which istiod makes the pods. */
export function managedGateway(annotations: Record<string, string> = {}, infrastructure: object = {}): KubeObject {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'x', namespace: 'other', annotations },
    spec: {
      gatewayClassName: 'istio',
      listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }],
      infrastructure,
    },
  };
}

/** One whose pods are as a ConfigMap `x` says. istiod need not note at it that it makes them, which the lab has no place for. */
export const GATEWAY_BY_CONFIG_MAP = managedGateway(
  { 'gateway.istio.io/controller-version': '5' },
  { parametersRef: { group: '', kind: 'ConfigMap', name: 'x' } },
);

/** How everybody calls the namespace's own Service `x` over TLS. */
export function tlsPolicy(validation: object): KubeObject {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'BackendTLSPolicy',
    metadata: { name: 'x', namespace: 'other' },
    spec: {
      targetRefs: [{ group: '', kind: 'Service', name: 'x' }],
      validation: { hostname: 'x.example.com', ...validation },
    },
  };
}

export const AUTHORITIES_OF_CONFIG_MAP = { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'no-such' }] };

/** A policy for retries of calls to the namespace's own Service `x`, with the budget that API servers write into it. */
export function retryPolicy(minRetryRate: object): KubeObject {
  const budget = { percent: 20, interval: '10s' };
  return {
    apiVersion: 'gateway.networking.x-k8s.io/v1alpha1',
    kind: 'XBackendTrafficPolicy',
    metadata: { name: 'x', namespace: 'other' },
    spec: { targetRefs: [{ group: '', kind: 'Service', name: 'x' }], retryConstraint: { budget, minRetryRate } },
  };
}

export function proxyConfig(environmentVariables: Record<string, string>): KubeObject {
  return { ...istio('ProxyConfig', { environmentVariables }), apiVersion: 'networking.istio.io/v1beta1' };
}

export function extension(spec: object): KubeObject {
  return { ...istio('TrafficExtension', spec), apiVersion: 'extensions.istio.io/v1alpha1' };
}

export const PROXY_USER = { securityContext: { runAsUser: 1337 } };
