import * as fs from 'fs';
import { parse } from 'yaml';
import { CaptureRules, captureRules } from './capture';
import { KubeObject, Pod } from './kubernetes';
import { ipv6Of, podAddress } from './network';
import { Pki } from './pki';
import { AccessTable, GatewayPods, TableSecret } from '../../../src/access/access-table';
import { INJECT } from '../../../src/istio/injection';
import { podPorts } from '../../../src/model/objects/gateways/standard';

/** A pod with a proxy, or without one where its template says so. */
export interface Workload extends Pod {
  /** Its name in rows, evidence and log files. */
  readonly id: string;
  readonly role: 'sidecar' | 'router';
  readonly capture: CaptureRules;
  /** Whether there is a proxy at all. */
  readonly injected: boolean;
  /** ProxyConfig from the pod's `proxy.istio.io/config`. */
  readonly proxyConfig: Record<string, any>;
}

/** The injector puts it on pods with a sidecar, not on gateways: sidecars do not use mutual TLS to those unasked. */
const AUTO_MUTUAL_TLS = { 'security.istio.io/tlsMode': 'istio' };

const POD_TEMPLATES = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicaSet'];

/**
 * The callers and gateways of a table as pods; annotations come from the pod templates among the manifests that fit
 * them.
 */
export function workloads(table: AccessTable, manifests: KubeObject[]): Workload[] {
  const callers = table.callers.map((caller, index): Workload => {
    const labels = caller.labels ?? { app: caller.name };
    const template = templateFor(caller.namespace, labels, manifests);
    const annotations = {
      ...template.annotations,
      ...Object.fromEntries(
        Object.entries(caller.capture ?? {}).map(([key, value]) => [`traffic.sidecar.istio.io/${key}`, value]),
      ),
    };
    return {
      id: caller.name,
      name: `${caller.name}-0`,
      namespace: caller.namespace,
      labels,
      serviceAccount: caller.serviceAccount,
      ...addressesOf(index, table),
      role: 'sidecar',
      capture: captureRules(annotations),
      injected: (template.labels?.[INJECT] ?? annotations[INJECT]) !== 'false',
      proxyConfig: proxyConfigOf(annotations, {
        ...meshMetadata(table),
        ...((caller.dnsCapture ?? table.mesh?.dnsCapture) && { ISTIO_META_DNS_CAPTURE: 'true' }),
      }),
    };
  });
  const gateways = (table.gateways ?? []).map((gateway, index): Workload => ({
    id: gatewayId(gateway),
    name: `${gatewayId(gateway)}-0`,
    namespace: gateway.namespace,
    labels: gateway.labels,
    serviceAccount: gateway.serviceAccount,
    ...addressesOf(callers.length + index, table),
    role: 'router',
    capture: {},
    injected: true,
    proxyConfig: proxyConfigOf(
      templateFor(gateway.namespace, gateway.labels, manifests).annotations ?? {},
      meshMetadata(table),
    ),
  }));
  return [...callers, ...gateways];
}

export function gatewayId(gateway: GatewayPods): string {
  return `gateway-${gateway.name ?? gateway.namespace}`;
}

/**
 * What a cluster holds before the manifests come: namespaces, pods and their accounts, what installing Istio brings
 * that matters to a request (a Service with an HTTP port 80; a gateway's right to read Secrets), and what the table
 * lists. A gateway whose service account is among the manifests is installed by them, and the world adds nothing to it.
 */
export async function worldObjects(
  table: AccessTable,
  pods: Workload[],
  manifests: KubeObject[],
  pki: Pki,
): Promise<KubeObject[]> {
  const root = table.mesh?.rootNamespace ?? 'istio-system';
  const there = new Set(
    manifests.map((object) => `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`),
  );
  const namespaces = new Set([
    root,
    'istio-system',
    'default',
    ...pods.map((pod) => pod.namespace),
    ...manifests.flatMap((object) => object.metadata.namespace ?? []),
  ]);
  const objects: KubeObject[] = [
    ...[...namespaces].map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    })),
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'lab', labels: { 'topology.kubernetes.io/region': 'lab' } } },
    ...pods.flatMap(podObjects),
    ingressGateway(),
    ...(table.gateways ?? [])
      .filter((gateway) => !there.has(`ServiceAccount/${gateway.namespace}/${gateway.serviceAccount}`))
      .flatMap(gatewayObjects),
    ...(await Promise.all((table.secrets ?? []).map((secret) => secretObject(secret, pki)))),
    ...(table.configMaps ?? []).map((map) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: map.name, namespace: map.namespace },
      data: { 'ca.crt': fs.readFileSync(pki.authority('private'), 'utf8') },
    })),
  ];
  const unique = new Map(
    objects.map((object) => [`${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`, object]),
  );
  return [...unique]
    .filter(([id]) => !there.has(id) || id.startsWith('Namespace/') || id.startsWith('ServiceAccount/'))
    .map(([, object]) => ({ ...object, metadata: { ...object.metadata, creationTimestamp: INSTALLED } }));
}

/** The date of the installation, before those that manifests give themselves. */
const INSTALLED = '2020-01-01T00:00:00Z';

function podObjects(pod: Workload): KubeObject[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: pod.serviceAccount, namespace: pod.namespace } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: pod.name,
        namespace: pod.namespace,
        labels: { ...pod.labels, ...(pod.injected && pod.role === 'sidecar' && AUTO_MUTUAL_TLS) },
      },
      spec: { serviceAccountName: pod.serviceAccount, nodeName: 'lab', containers: [{ name: 'main', image: 'none' }] },
      status: {
        phase: 'Running',
        podIP: pod.address,
        podIPs: pod.addresses.map((ip) => ({ ip })),
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    },
  ];
}

/**
 * The Service of the ingress gateway that Istio's default profile installs; its port 80 gives every sidecar an HTTP
 * listener there.
 */
function ingressGateway(): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'istio-ingressgateway', namespace: 'istio-system', labels: { istio: 'ingressgateway' } },
    spec: {
      type: 'LoadBalancer',
      selector: { istio: 'ingressgateway' },
      ports: [
        { name: 'status-port', port: 15021, targetPort: 15021 },
        { name: 'http2', port: 80, targetPort: 8080 },
        { name: 'https', port: 443, targetPort: 8443 },
      ],
    },
  };
}

/**
 * What an installation of a gateway brings: the right to read Secrets in its namespace and, where the table names the
 * gateway, its Service.
 */
function gatewayObjects(gateway: GatewayPods): KubeObject[] {
  const metadata = { name: `${gateway.serviceAccount}-sds`, namespace: gateway.namespace };
  const roleAndBinding: KubeObject[] = [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata,
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'watch', 'list'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: gateway.serviceAccount, namespace: gateway.namespace }],
    },
  ];
  if (gateway.name === undefined) return roleAndBinding;
  return [
    ...roleAndBinding,
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: gateway.name, namespace: gateway.namespace, labels: gateway.labels },
      spec: {
        type: 'ClusterIP',
        selector: gateway.labels,
        ports: [
          { name: 'http2', port: 80, targetPort: podPorts(gateway.targetPort)[80] },
          { name: 'https', port: 443, targetPort: gateway.targetPort },
        ],
      },
    },
  ];
}

/** A Secret of a table. */
export async function secretObject(secret: TableSecret, pki: Pki): Promise<KubeObject> {
  const { name, namespace } = secret;
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, ...(await contents(secret, pki)) };
}

async function contents({ holds, commonName }: TableSecret, pki: Pki): Promise<Record<string, any>> {
  const authority = base64(pki.authority('private'));
  if (holds === 'ca-certificates') return { type: 'Opaque', data: { 'ca.crt': authority } };
  const pair = await pki.client(holds, commonName);
  return {
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': base64(pair.certificate), 'tls.key': base64(pair.key), 'ca.crt': authority },
  };
}

interface Template {
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

/** The metadata of the pod template with these labels. */
function templateFor(namespace: string, labels: Record<string, string>, manifests: KubeObject[]): Template {
  const template = manifests
    .filter((object) => POD_TEMPLATES.includes(object.kind) && (object.metadata.namespace ?? 'default') === namespace)
    .map((object) => object.spec?.template?.metadata)
    .find((metadata) => Object.entries(labels).every(([key, value]) => metadata?.labels?.[key] === value));
  return template ?? {};
}

function addressesOf(index: number, { mesh }: AccessTable): Pick<Pod, 'address' | 'addresses'> {
  const address = podAddress(index);
  return { address, addresses: mesh?.dualStack ? [address, ipv6Of(address)] : [address] };
}

function meshMetadata({ mesh }: AccessTable): Record<string, string> {
  return mesh?.dualStack ? { ISTIO_DUAL_STACK: 'true' } : {};
}

/** @param metadata as in `meshConfig.defaultConfig.proxyMetadata`; what the pod itself says counts more */
function proxyConfigOf(annotations: Record<string, string>, metadata: Record<string, string>): Record<string, any> {
  const own = parse(annotations['proxy.istio.io/config'] ?? '{}') ?? {};
  return { ...own, proxyMetadata: { ...metadata, ...own.proxyMetadata } };
}

function base64(file: string): string {
  return fs.readFileSync(file).toString('base64');
}
