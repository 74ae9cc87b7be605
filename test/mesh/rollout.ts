/** What the suites about rolling out have in common: a host, its callers, and one look at what each of them gets. */
import { Chart } from 'cdk8s';
import { KubeObject } from './lab';
import { INSTALLED_PODS } from './recipe';
import { failureText, Mesh, plain, Sight, synthesise } from './support';
import { AccessRow, AccessTable, MeshSettings } from '../../src/access/access-table';
import { ApplyOrder } from '../../src/constructs/apply-order';
import { GatewayEgress, GatewayHttp } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { SidecarEgress } from '../../src/constructs/sidecar-egress';
import { Caller } from '../../src/values/caller';
import { GatewayInstallation } from '../../src/values/gateway-installation';

export const HOST = 'api.partner.com';
export const OTHER = 'www.partner.com';

export const table = (outboundTrafficPolicy: MeshSettings['outboundTrafficPolicy']): Omit<AccessTable, 'access'> => ({
  mesh: { outboundTrafficPolicy },
  gateways: [INSTALLED_PODS],
  callers: [
    { name: 'named', namespace: 'payments', serviceAccount: 'checkout' },
    { name: 'unnamed', namespace: 'payments', serviceAccount: 'refunds' },
    { name: 'stranger', namespace: 'other', serviceAccount: 'checkout' },
  ],
  external: [
    { host: HOST, http: 'ok', https: 'ok' },
    { host: OTHER, http: 'ok', https: 'ok' },
  ],
});

export interface Wanted {
  readonly hosts?: string[];
  readonly callers?: string[];
  readonly tls?: boolean;
  /** The port to which TLS is originated. */
  readonly port?: number;
  readonly http?: GatewayHttp;
  readonly id?: string;
  readonly waves?: boolean;
  readonly gateway?: string;
}

export const gatewayEgress = ({
  hosts = [HOST],
  callers = ['checkout'],
  tls = true,
  port,
  http,
  id = 'partner',
  waves = false,
  gateway: namespace = 'egress',
}: Wanted = {}) =>
  synthesise((app) => {
    if (waves) ApplyOrder.argoCd(app);
    const chart = new Chart(app, 'payments', { namespace: 'payments' });
    const gateway = new InstalledEgressGateway(chart, 'exit', {
      installation: GatewayInstallation.helmChart({ namespace }),
    });
    const egress = new GatewayEgress(chart, id, {
      gateway,
      hosts,
      http,
      callers: callers.map((name) => Caller.serviceAccount('payments', name)),
    });
    if (tls) egress.originateTls('tls', { port });
  });
export const sidecarEgress = ({ hosts = [HOST], tls = true, port, id = 'partner', waves = false }: Wanted = {}) =>
  synthesise((app) => {
    if (waves) ApplyOrder.argoCd(app);
    const egress = new SidecarEgress(new Chart(app, 'payments', { namespace: 'payments' }), id, { hosts });
    if (tls) egress.originateTls('tls', { port });
  });

/** A namespace's own entry, written without these constructs. */
export const ENTRY: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'partner', namespace: 'payments' },
  spec: {
    hosts: [HOST],
    exportTo: ['.'],
    location: 'MESH_EXTERNAL',
    resolution: 'DNS',
    ports: [
      { number: 80, name: 'http', protocol: 'HTTP' },
      { number: 443, name: 'tls', protocol: 'TLS' },
    ],
  },
};

/** The result of one request, as far as this suite compares it. */
export type Via = 'old' | 'new' | 'refused';

const viaOf = ({ judgement: { seen } }: Sight, gateway: boolean, tls: boolean): Via => {
  if (seen.outcome === 'refused') return 'refused';
  if (gateway) return seen.via === 'gateway' ? 'new' : 'old';
  // At the sidecar, old and new differ only in the TLS originator.
  return !tls || seen.tlsOriginatedBy === 'sidecar' ? 'new' : 'old';
};

export interface Look {
  readonly step: string;
  readonly named: Via;
  readonly unnamed: Via;
  readonly stranger: Via;
  /** Whether a request of anybody reached the host in plaintext. */
  readonly plaintext: boolean;
}

/** Sends one request from each caller; throws on what must never happen. */
export async function look(
  mesh: Mesh,
  scheme: 'http' | 'https',
  step: string,
  gateway: boolean,
  tls: boolean,
): Promise<Look> {
  const paths: Record<string, Via> = {};
  let plaintext = false;
  for (const from of ['named', 'unnamed', 'stranger']) {
    const row: AccessRow = { from, request: `${scheme}://${HOST}/`, expect: { outcome: 'answered' } };
    const sight = await mesh.see(row);
    plaintext ||= sight.judgement.seen.plaintextToHost === true;
    paths[from] = viaOf(sight, gateway, tls && scheme === 'http');
    const byGateway = sight.evidence.external.filter((event) =>
      sight.evidence.gateways.some(({ address }) => address === event.from),
    );
    const fromGateway = byGateway.filter(
      ({ event, tls: secure }) => event === 'plaintext' || event === 'not-http' || (event === 'request' && !secure),
    );
    const wrong = [
      ...sight.judgement.seen.contradictions,
      ...(tls && fromGateway.length > 0 ? ['plaintext from the gateway'] : []),
      ...(paths[from] === 'new' && tls && sight.judgement.seen.plaintextToHost
        ? ['plaintext by the new egress path']
        : []),
    ];
    if (wrong.length > 0) throw plain(`${step}: ${wrong.join('; ')}\n${failureText(row, sight)}`);
  }
  return { step, named: paths.named, unnamed: paths.unnamed, stranger: paths.stranger, plaintext };
}
