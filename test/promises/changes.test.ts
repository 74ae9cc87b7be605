import { Chart } from 'cdk8s';
import { AccessTable } from '../../src/access/access-table';
import { EgressGateway } from '../../src/constructs/egress-gateway';
import { GatewayEgress, GatewayEgressProps, GatewayHttp, GatewayRefusal } from '../../src/constructs/gateway-egress';
import { SidecarEgress, SidecarEgressProps } from '../../src/constructs/sidecar-egress';
import { TlsOriginationOptions } from '../../src/constructs/tls-origination-options';
import { Answer } from '../../src/model';
import { Caller } from '../../src/values/caller';
import { EgressPort } from '../../src/values/egress-port';
import { modelOf } from '../model/compare';
import { allManifests, newApp } from '../support/app';
import { identity } from './plans';

const HOST = 'api.example.com';

interface Options<P> {
  readonly props?: Partial<P>;
  readonly tls?: TlsOriginationOptions;
}

const COMMON: Record<string, Options<SidecarEgressProps & GatewayEgressProps>> = {
  plain: {},
  tls: { tls: {} },
  'tls on 8443': { tls: { port: 8443 } },
  'http2, tls': { props: { ports: [EgressPort.http2(80), EgressPort.tls()] }, tls: {} },
  'http alone, tls': { props: { ports: [EgressPort.http()] }, tls: {} },
};

const AT_GATEWAY: Record<string, Options<GatewayEgressProps>> = {
  ...COMMON,
  opaque: { props: { http: GatewayHttp.OPAQUE } },
  'opaque, tls': { props: { http: GatewayHttp.OPAQUE }, tls: {} },
  forbidden: { props: { refusal: GatewayRefusal.FORBIDDEN }, tls: {} },
  'a whole namespace': { props: { callers: [Caller.wholeNamespace('shop')] }, tls: {} },
};

const TABLE: AccessTable = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  gateways: [
    {
      namespace: 'egress',
      labels: { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' },
      serviceAccount: 'egress-gateway',
      targetPort: 8443,
    },
  ],
  callers: ['checkout', 'crawler'].map((name) => ({ name, namespace: 'shop', serviceAccount: name })),
  external: [{ host: HOST, address: '203.0.113.10', http: 'ok', https: 'ok' }],
  access: [],
};

function manifests(kind: 'gateway' | 'sidecar', { props, tls }: Options<any>): any[] {
  const app = newApp();
  const gateway = new EgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit');
  gateway.lockdown();
  const chart = new Chart(app, 'shop', { namespace: 'shop' });
  const callers = [Caller.serviceAccount('shop', 'checkout')];
  const egress =
    kind === 'gateway'
      ? new GatewayEgress(chart, 'partner', { gateway, hosts: [HOST], callers, ...props })
      : new SidecarEgress(chart, 'partner', { hosts: [HOST], ...props });
  if (tls) egress.originateTls('tls', tls);
  return allManifests(app);
}

const asked = (objects: Iterable<any>): Answer[] => {
  const ask = modelOf([...objects], TABLE);
  return TABLE.callers.flatMap(({ name: from }) =>
    ['http', 'https'].map((scheme) => ask({ from, request: `${scheme}://${HOST}/` })),
  );
};

/** What an external host learns of a request. */
const told = ({ via, hostHeader, serverName, plaintextToHost }: Answer) =>
  JSON.stringify([via, hostHeader, serverName, plaintextToHost]);

describe.each([
  ['gateway', AT_GATEWAY],
  ['sidecar', COMMON],
] as const)('other options for a host in use, object by object as they are applied (%s)', (kind, variants) => {
  const names = Object.keys(variants);
  const made = new Map(names.map((name) => [name, manifests(kind, variants[name])]));
  const ends = new Map(names.map((name) => [name, asked(made.get(name)!)]));

  test.each(names)('"%s" leads there', (name) => {
    expect(ends.get(name)!.map(({ outcome }) => outcome)).toContain('answered');
  });

  test.each(names)('from "%s": each request takes the old or the new path, or is refused', (old) => {
    const found: string[] = [];
    for (const next of names.filter((name) => name !== old)) {
      const now = new Map(made.get(old)!.map((object) => [identity(object), object]));
      const hold = (changed: any) =>
        asked(now.values()).forEach((answer, index) => {
          const [before, after] = [ends.get(old)![index], ends.get(next)![index]];
          const plaintext = answer.plaintextToHost && !before.plaintextToHost && !after.plaintextToHost;
          const answered = answer.outcome !== 'refused' && ![told(before), told(after)].includes(told(answer));
          if (plaintext || answered) found.push(`to "${next}", with ${identity(changed)}: ${answer.reason}`);
        });
      for (const object of made.get(next)!) {
        if (JSON.stringify(now.get(identity(object))) === JSON.stringify(object)) continue;
        now.set(identity(object), object);
        hold(object);
      }
      const left = new Set(made.get(next)!.map(identity));
      for (const object of made
        .get(old)!
        .filter((one) => !left.has(identity(one)))
        .reverse()) {
        now.delete(identity(object));
        hold(object);
      }
    }
    expect(found).toEqual([]);
  });
});
