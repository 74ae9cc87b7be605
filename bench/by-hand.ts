/**
 * The objects that `GatewayEgress` with `TlsOrigination` emits for one host, written by hand as an expert would:
 * literals, no checks, no options.
 */
import { createHash } from 'crypto';
import { MESH_REQUEST_HEADERS } from '../src/values/request-headers';

export interface Written {
  readonly kind: 'DestinationRule' | 'ServiceEntry' | 'VirtualService' | 'Gateway';
  readonly metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
  };
  readonly spec: any;
}

const HOP = 'istio-egressgateway-hop.egress.svc.cluster.local';
const GATEWAY = 'spiffe://cluster.local/ns/egress/sa/istio-egressgateway';
const CALLER = 'spiffe://cluster.local/ns/payments/sa/checkout';

/**
 * One host for namespace `payments` through the gateway in `egress`: the gateway's DestinationRule, the other objects
 * of the gateway side, and the caller side.
 *
 * @param construct the path that the objects say they come from
 */
export function writtenByHand(
  host: string,
  construct: string,
): { rule: Written; gateway: Written[]; caller: Written[] } {
  const key = createHash('sha256')
    .update(JSON.stringify(['gateway', 'payments', 'payments', host, 'egress', 'istio-egressgateway']))
    .digest('hex')
    .slice(0, 20);
  const name = `${host.replace(/\./g, '-')}-${key}`;
  const external = `${host}.${key}.egress.internal`;
  const http = `http-80.${key}.egress.internal`;
  const tls = `tls-443.${key}.egress.internal`;
  const metadata = (namespace: string, suffix = '') => ({
    name: `${name}${suffix}`,
    namespace,
    labels: { 'cdk8s-istio-egress/owner': 'payments' },
    annotations: { 'cdk8s-istio-egress/constructs': construct, 'cdk8s-istio-egress/host': host },
  });
  const hop = (sni: string) => ({
    portLevelSettings: [{ port: { number: 443 }, tls: { mode: 'ISTIO_MUTUAL', sni, subjectAltNames: [GATEWAY] } }],
  });
  const server = (port: string, protocol: string, hopName: string) => ({
    port: { number: 443, name: `${port}-${key}`, protocol },
    hosts: [`egress/${hopName}`],
    tls: { mode: 'ISTIO_MUTUAL', subjectAltNames: [CALLER] },
  });
  return {
    rule: {
      kind: 'DestinationRule',
      metadata: metadata('egress'),
      spec: {
        host: external,
        exportTo: ['.'],
        subsets: [
          {
            name: 'tls',
            trafficPolicy: {
              portLevelSettings: [
                {
                  port: { number: 443 },
                  tls: { mode: 'SIMPLE', caCertificates: 'system', sni: host, subjectAltNames: [host] },
                },
              ],
            },
          },
        ],
      },
    },
    gateway: [
      {
        kind: 'VirtualService',
        metadata: metadata('egress', '-http-80'),
        spec: {
          hosts: [http],
          exportTo: ['.'],
          gateways: [`egress/${name}`],
          http: [
            {
              match: [{ port: 443 }],
              rewrite: { authority: host },
              headers: { request: { remove: MESH_REQUEST_HEADERS } },
              route: [{ destination: { host: external, subset: 'tls', port: { number: 443 } } }],
            },
          ],
        },
      },
      {
        kind: 'VirtualService',
        metadata: metadata('egress', '-tls-443'),
        spec: {
          hosts: [tls],
          exportTo: ['.'],
          gateways: [`egress/${name}`],
          tcp: [{ match: [{ port: 443 }], route: [{ destination: { host: external, port: { number: 443 } } }] }],
        },
      },
      {
        kind: 'ServiceEntry',
        metadata: metadata('egress'),
        spec: {
          hosts: [external],
          exportTo: ['.'],
          location: 'MESH_EXTERNAL',
          resolution: 'DNS',
          endpoints: [{ address: host }],
          ports: [{ number: 443, name: 'tls-443', protocol: 'TLS' }],
        },
      },
      {
        kind: 'Gateway',
        metadata: metadata('egress'),
        spec: {
          selector: { app: 'istio-egressgateway', istio: 'egressgateway' },
          servers: [server('http-80', 'HTTPS', http), server('tls-443', 'TLS', tls)],
        },
      },
    ],
    caller: [
      {
        kind: 'DestinationRule',
        metadata: metadata('payments'),
        spec: {
          host: HOP,
          exportTo: ['.'],
          subsets: [
            { name: `${key}-http-80`, trafficPolicy: hop(http) },
            { name: `${key}-tls-443`, trafficPolicy: hop(tls) },
          ],
        },
      },
      {
        kind: 'VirtualService',
        metadata: metadata('payments'),
        spec: {
          hosts: [host],
          exportTo: ['.'],
          gateways: ['mesh'],
          http: [
            {
              match: [{ port: 80 }],
              retries: { attempts: 2, retryOn: 'connect-failure,refused-stream' },
              rewrite: { authority: http },
              route: [{ destination: { host: HOP, subset: `${key}-http-80`, port: { number: 443 } } }],
            },
          ],
          tls: [
            {
              match: [{ port: 443, sniHosts: [host] }],
              route: [{ destination: { host: HOP, subset: `${key}-tls-443`, port: { number: 443 } } }],
            },
          ],
        },
      },
      {
        kind: 'ServiceEntry',
        metadata: metadata('payments'),
        spec: {
          hosts: [host],
          exportTo: ['.'],
          location: 'MESH_EXTERNAL',
          resolution: 'STATIC',
          ports: [
            { number: 80, name: 'http-80', protocol: 'HTTP' },
            { number: 443, name: 'tls-443', protocol: 'TLS' },
          ],
        },
      },
    ],
  };
}
