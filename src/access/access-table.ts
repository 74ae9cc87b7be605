import { hostOf, urlOf } from './request-url';

/**
 * The access table: who calls what, and what must happen. See docs/access-table.md; docs/access-table.schema.json is
 * the same as a JSON schema.
 */

export const OUTBOUND_MODES = ['ALLOW_ANY', 'REGISTRY_ONLY'] as const;
export const PATH_NORMALIZATIONS = ['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'] as const;

/** The mesh that the manifests are applied to. */
export interface MeshSettings {
  readonly outboundTrafficPolicy?: (typeof OUTBOUND_MODES)[number];
  readonly rootNamespace?: string;
  readonly trustDomain?: string;
  /** The domain of Kubernetes Services. */
  readonly clusterDomain?: string;
  /** Trust domains that policies may name instead of the mesh's own. */
  readonly trustDomainAliases?: string[];
  /** How proxies normalise the paths of requests. @default "BASE" */
  readonly pathNormalization?: (typeof PATH_NORMALIZATIONS)[number];
  /** Whether sidecars answer DNS themselves (`ISTIO_META_DNS_CAPTURE`). */
  readonly dnsCapture?: boolean;
  /** Whether pods have addresses of both families, and Istio's `ISTIO_DUAL_STACK` is on, in istiod and in proxies. */
  readonly dualStack?: boolean;
  /** Who may see the ServiceEntries of a namespace, whatever they say. */
  readonly serviceEntryVisibility?: ServiceEntryVisibility;
  /** Whether Gateways act on pods of their own namespace only (istiod's `PILOT_SCOPE_GATEWAY_TO_NAMESPACE`). */
  readonly scopeGatewayToNamespace?: boolean;
}

/** As in MeshConfig, from Istio 1.31 on. */
export interface ServiceEntryVisibility {
  readonly defaultVisibility?: Visibility;
  /** Without it, only ambient mode heeds the rest. */
  readonly applyToSidecars?: boolean;
  /** The first of which all rules match decides. */
  readonly policies?: readonly {
    readonly visibility?: Visibility;
    readonly matchingRules?: readonly { readonly namespaceSelector?: LabelSelector }[];
  }[];
}

/** A Kubernetes label selector. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export type Visibility = 'VISIBILITY_UNSPECIFIED' | 'NONE' | 'NAMESPACE' | 'PUBLIC';

/** The pods of an egress gateway. */
export interface GatewayPods {
  readonly name?: string;
  readonly namespace: string;
  readonly labels: Record<string, string>;
  readonly serviceAccount: string;
  readonly targetPort: number;
}

/**
 * A workload that makes requests. Its capture annotations come from the pod template in the manifests that has its
 * labels, if there is one.
 */
export interface TableCaller {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly labels?: Record<string, string>;
  readonly capture?: Record<string, string>;
  /** Whether its sidecar answers DNS; the mesh's setting unless given. */
  readonly dnsCapture?: boolean;
}

/** An external host and how it behaves. */
export interface ExternalHost {
  readonly host: string;
  readonly address?: string;
  readonly http?: 'ok' | 'redirect-to-https' | 'none';
  readonly https?: 'ok' | 'client-certificate' | 'none';
  readonly certificate?: 'good' | 'wrong-name' | 'unknown-ca' | 'private-ca' | 'expired';
  readonly tcp?: number[];
}

/** A Secret that exists before the manifests are applied. */
export interface TableSecret {
  readonly name: string;
  readonly namespace: string;
  readonly holds: 'client-certificate' | 'wrong-client-certificate' | 'expired-client-certificate' | 'ca-certificates';
  /** The name in a client certificate, to tell several apart. */
  readonly commonName?: string;
}

/** A ConfigMap that exists before the manifests are applied. */
export interface TableConfigMap {
  readonly name: string;
  readonly namespace: string;
  readonly holds: 'private-ca';
}

/**
 * How a request leaves the pod: past its sidecar, undeclared and let through, from the sidecar, or through a gateway.
 */
export const VIAS = ['direct', 'undeclared', 'sidecar', 'gateway'] as const;
export type Via = (typeof VIAS)[number];

export type TlsOriginator = 'application' | 'sidecar' | 'gateway' | 'none';

/** What the caller sees if it is no status. */
export const SYMPTOMS = ['tls-closed', 'closed', 'timeout', 'certificate-rejected', 'grpc-unavailable'] as const;

/** What the caller sees of a refusal: a status, curl's exit code (35; 52, 55 or 56; 28; 60), or gRPC's status 14. */
export type Symptom = number | (typeof SYMPTOMS)[number];

/** What must happen to a request. Only the fields that are given are compared. */
export interface Expectation {
  readonly outcome: 'answered' | 'refused';
  /** The external host that answers. @default - the host of the request; an answer of another host fails the row */
  readonly answeredBy?: string;
  /** The last status the caller saw. */
  readonly status?: number;
  /** The statuses of the redirects before it. */
  readonly redirects?: number[];
  readonly symptom?: Symptom;
  /** Who refused. */
  readonly by?: 'sidecar' | 'gateway' | 'host';
  readonly via?: Via;
  readonly tlsOriginatedBy?: TlsOriginator;
  /** Whether the external host received bytes that were not TLS. */
  readonly plaintextToHost?: boolean;
  /** `<namespace>/<service account>` of the caller, as the gateway's mutual TLS saw it, or `none`. */
  readonly identityAtGateway?: string;
  /** The server name that the external host was asked for. */
  readonly serverName?: string;
  /** The protocol that the external host spoke. */
  readonly protocol?: 'http/1.1' | 'h2' | 'tcp';
  /** Whether the external host saw a client certificate. */
  readonly clientCertificate?: boolean;
  /** The common name in the client certificate that the external host saw. */
  readonly clientCommonName?: string;
  /** Header names that reached the external host beyond those the application sent. */
  readonly addedHeaders?: string[];
  /** The Host header, or `:authority`, that reached the external host. */
  readonly hostHeader?: string;
  /** Names of the row's headers that did not reach the external host. */
  readonly removedHeaders?: string[];
}

/** HTTP/2 with prior knowledge, a unary gRPC call, a WebSocket. */
export const SPOKEN = ['http2', 'grpc', 'websocket'] as const;
export type Spoken = (typeof SPOKEN)[number];

/** One request. */
export interface AccessRow {
  readonly from: string;
  /** `http://`, `https://` or `tcp://host:port`. */
  readonly request: string;
  readonly method?: string;
  /** What the application speaks, if neither HTTP/1.1 nor HTTPS. */
  readonly speak?: Spoken;
  readonly headers?: Record<string, string>;
  /** An address to dial instead of the host's own, as a caller does that lies about its destination. */
  readonly dial?: string;
  /** Whether redirects are followed. */
  readonly follow?: boolean;
  /** Leaves out all manifests, or objects named `<Kind>/<namespace>/<name>`. */
  readonly without?: string | string[];
  readonly expect: Expectation;
}

export interface AccessTable {
  readonly mesh?: MeshSettings;
  readonly gateways?: GatewayPods[];
  readonly callers: TableCaller[];
  readonly external: ExternalHost[];
  readonly secrets?: TableSecret[];
  readonly configMaps?: TableConfigMap[];
  readonly access: AccessRow[];
}

/** The host of a row's request. */
export function requestHost(row: AccessRow): string {
  return hostOf(urlOf(row.request));
}
