/** A locked gateway and three callers: one that stays, one that is taken out, and one that is added. */
import { Chart } from 'cdk8s';
import { parse } from 'yaml';
import { KubeObject } from './lab';
import { Mesh, synthesise } from './support';
import { AccessRow, AccessTable } from '../../src/access/access-table';
import { EgressGateway } from '../../src/constructs/egress-gateway';
import { GatewayEgress, GatewayEgressProps } from '../../src/constructs/gateway-egress';
import { Caller } from '../../src/values/caller';

export const HOST = 'api.partner.com';
export const LABELS = { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' };

export const table = (scopeGatewayToNamespace: boolean): Omit<AccessTable, 'access'> => ({
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY', scopeGatewayToNamespace },
  gateways: [{ namespace: 'egress', labels: LABELS, serviceAccount: 'egress-gateway', targetPort: 8443 }],
  callers: ['stays', 'leaves', 'comes'].map((name) => ({ name, namespace: 'shop', serviceAccount: name })),
  external: [{ host: HOST, http: 'ok', https: 'ok', tcp: [7000] }],
});

export const CONFIG = 'proxy.istio.io/config';

/** Long enough to tell it from everything else that takes its time. */
export const DRAIN_SECONDS = 3;

export const manifests = (...callers: string[]) => manifestsWith({}, ...callers);

export function manifestsWith(props: Partial<GatewayEgressProps>, ...callers: string[]): KubeObject[] {
  return synthesise((app) => {
    const platform = new Chart(app, 'platform', { namespace: 'egress' });
    const gateway = new EgressGateway(platform, 'exit');
    gateway.lockdown();
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    new GatewayEgress(shop, 'partner', {
      gateway,
      hosts: [HOST],
      callers: callers.map((name) => Caller.serviceAccount(name === 'elsewhere' ? 'web' : 'shop', name)),
      ...props,
    }).originateTls('tls');
  }).map((object) => {
    const annotations = object.kind === 'Deployment' && object.spec.template.metadata.annotations;
    if (annotations)
      annotations[CONFIG] = JSON.stringify({ ...parse(annotations[CONFIG]), drainDuration: `${DRAIN_SECONDS}s` });
    return { ...object, metadata: { ...object.metadata, creationTimestamp: '2024-01-01T00:00:00Z' } };
  });
}

export const BEFORE = manifests('stays', 'leaves');
export const AFTER = manifests('stays', 'comes');
export const HOP_NAMES: string[] = BEFORE.filter(({ kind }) => kind === 'Gateway').flatMap(({ spec }) =>
  spec.servers.flatMap(({ hosts }: { hosts: string[] }) => hosts.map((host) => host.split('/').pop()!)),
);

export const rowOf = (from: string): AccessRow => ({
  from,
  request: `http://${HOST}/`,
  expect: { outcome: 'answered' },
});

export async function isAnswered(mesh: Mesh, from: string): Promise<boolean> {
  const { judgement } = await mesh.see(rowOf(from));
  return judgement.seen.outcome === 'answered';
}

/** Whether a caller is answered on a new connection, or no longer is, within so many seconds. */
export async function happens(mesh: Mesh, caller: string, isWanted: boolean, seconds = 60): Promise<boolean> {
  for (const end = Date.now() + 1000 * seconds; Date.now() < end;) {
    if ((await isAnswered(mesh, caller)) === isWanted) return true;
    if (!isWanted) await mesh.lab.dropConnections(); // an open one lives on
  }
  return false;
}

/** So long a change is seen to be held up, before whatever holds it up is let go. */
export const HELD_SECONDS = 10;
