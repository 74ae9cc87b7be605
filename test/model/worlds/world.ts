import { AccessRow, MeshSettings } from '../../../src/access/access-table';

/** A plain Kubernetes object. */
export interface WorldObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; labels?: Record<string, string>; creationTimestamp?: string };
  spec?: any;
  rules?: any[];
  subjects?: any[];
  roleRef?: any;
}

/** A row of an access table without its expectation. */
export type Request = Omit<AccessRow, 'expect' | 'without'>;

/** Objects and requests that are put to two judges. */
export interface World {
  readonly name: string;
  readonly mesh: MeshSettings;
  readonly objects: WorldObject[];
  readonly requests: Request[];
}

const API: Record<string, string> = {
  Sidecar: 'networking.istio.io/v1',
  ServiceEntry: 'networking.istio.io/v1',
  VirtualService: 'networking.istio.io/v1',
  DestinationRule: 'networking.istio.io/v1',
  Gateway: 'networking.istio.io/v1',
  AuthorizationPolicy: 'security.istio.io/v1',
  RequestAuthentication: 'security.istio.io/v1',
  PeerAuthentication: 'security.istio.io/v1',
  EnvoyFilter: 'networking.istio.io/v1alpha3',
  ProxyConfig: 'networking.istio.io/v1beta1',
  WorkloadEntry: 'networking.istio.io/v1',
  Telemetry: 'telemetry.istio.io/v1',
  Service: 'v1',
  EndpointSlice: 'discovery.k8s.io/v1',
  Role: 'rbac.authorization.k8s.io/v1',
  RoleBinding: 'rbac.authorization.k8s.io/v1',
};

export function object(kind: string, namespace: string, name: string, spec: any): WorldObject {
  return { apiVersion: API[kind], kind, metadata: { name, namespace }, spec };
}

/** A deep copy without anything `undefined`. */
export function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
