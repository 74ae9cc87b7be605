import { AccessTable, ExternalHost, MeshSettings } from '../../../src/access/access-table';

/**
 * What all generated worlds have in common, so that one start of the lab serves them all: three callers, of which two
 * share a namespace and two a name; two gateways; hosts that behave differently; and a listener at an address that
 * belongs to no host.
 */
export function tableOf(mesh: MeshSettings): AccessTable {
  return {
    mesh,
    gateways: [
      {
        name: 'istio-egressgateway',
        namespace: 'egress',
        labels: { app: 'istio-egressgateway', istio: 'egressgateway' },
        serviceAccount: 'istio-egressgateway',
        targetPort: 443,
      },
      {
        name: 'edge-gateway',
        namespace: 'edge',
        labels: { app: 'edge-gateway', istio: 'edge' },
        serviceAccount: 'edge-gateway',
        targetPort: 8443,
      },
    ],
    callers: [
      { name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' },
      { name: 'crawler', namespace: 'shop', serviceAccount: 'crawler' },
      { name: 'stranger', namespace: 'other', serviceAccount: 'checkout' },
    ],
    external: [
      { host: 'news.example.com', address: '203.0.113.10', http: 'redirect-to-https', https: 'ok' },
      { host: 'api.example.com', address: '203.0.113.11', http: 'ok', https: 'ok' },
      { host: 'www.example.com', address: '203.0.113.12', http: 'ok', https: 'ok' },
      { host: 'files.example.org', address: '203.0.113.13', http: 'ok', https: 'ok' },
      {
        host: 'partner.example.net',
        address: '203.0.113.20',
        http: 'ok',
        https: 'client-certificate',
        certificate: 'private-ca',
      },
      { host: 'odd.example.net', address: '203.0.113.21', http: 'ok', https: 'ok', certificate: 'wrong-name' },
      { host: 'self.example.net', address: '203.0.113.22', http: 'ok', https: 'ok', certificate: 'unknown-ca' },
      { host: 'db.example.org', address: '203.0.113.50', tcp: [5432, 3306] },
      { host: 'db2.example.org', address: '203.0.113.51', tcp: [5432] },
      ...(mesh.dualStack ? DUAL_STACK_HOSTS : []),
    ],
    secrets: [
      { name: 'partner-client', namespace: 'egress', holds: 'client-certificate' },
      { name: 'wrong-client', namespace: 'egress', holds: 'wrong-client-certificate' },
      { name: 'partner-ca', namespace: 'egress', holds: 'ca-certificates' },
      { name: 'shop-client', namespace: 'shop', holds: 'client-certificate', commonName: 'lab shop client' },
    ],
    // Never sent: it makes the lab listen on an address that belongs to no host.
    access: [
      { from: 'checkout', request: 'http://api.example.com/', dial: STRAY_ADDRESS, expect: { outcome: 'refused' } },
    ],
  };
}

/** Names with AAAA records, alone and beside A. */
const DUAL_STACK_HOSTS: readonly ExternalHost[] = [
  { host: 'six.example.net', address: '2001:db8::60', http: 'ok', https: 'ok', tcp: [5432] },
  { host: 'both.example.net', http: 'ok', https: 'ok', tcp: [5432] },
];

/** An external address that belongs to none of the hosts. */
export const STRAY_ADDRESS = '203.0.113.99';

/** Hosts that speak HTTP and HTTPS with a good certificate. */
export const WEB_HOSTS = ['news.example.com', 'api.example.com', 'www.example.com', 'files.example.org'];
export const DATABASES = ['db.example.org', 'db2.example.org'];
export const ADDRESS: Record<string, string> = Object.fromEntries(
  tableOf({ dualStack: true }).external.flatMap(({ host, address }) =>
    address === undefined ? [] : [[host, address]],
  ),
);

/** The names that other objects use for a gateway. */
export interface GatewayNames {
  readonly namespace: string;
  readonly service: string;
  readonly selector: Record<string, string>;
  readonly spiffe: string;
}

export const EGRESS: GatewayNames = {
  namespace: 'egress',
  service: 'istio-egressgateway.egress.svc.cluster.local',
  selector: { istio: 'egressgateway' },
  spiffe: 'spiffe://cluster.local/ns/egress/sa/istio-egressgateway',
};
export const EDGE: GatewayNames = {
  namespace: 'edge',
  service: 'edge-gateway.edge.svc.cluster.local',
  selector: { istio: 'edge' },
  spiffe: 'spiffe://cluster.local/ns/edge/sa/edge-gateway',
};

export const ROOT = 'istio-system';
export const CALLER_NAMESPACES = ['shop', 'other'];
export const NAMESPACES = [...CALLER_NAMESPACES, 'egress', 'edge', ROOT];
export const PRINCIPALS = [
  'cluster.local/ns/shop/sa/checkout',
  'cluster.local/ns/shop/sa/crawler',
  'cluster.local/ns/other/sa/checkout',
];
