import { istioObject } from './_examples';
import { Rule, Violation } from './rule';
import { groupBy, Grouping, valueIn } from '../values/grouping';
import { canonical, compare, describeAll, IstioObject, joinWords, ordered } from '../manifests/indexed';
import { selectorsOverlap } from '../manifests/selectors';
import { kindOf, passesThrough, ServerKind } from '../manifests/servers';
import { Server } from '../manifests/specs';

const example = (second: string) => `
${istioObject('Gateway', 'egress/a')}
spec:
  selector: { istio: exit }
  servers: [{ port: { number: 443, name: a, protocol: TLS }, hosts: [a.example.com], tls: { mode: PASSTHROUGH } }]
---
${istioObject('Gateway', 'egress/b')}
spec:
${second}
`;

export const gatewayServerConflict: Rule = {
  code: 'gateway-server-conflict',
  severity: 'error',
  title: 'Gateway servers of the same pods that claim the same TLS host and port, or mix TLS, HTTP and TCP on one port',
  reason:
    'Istio merges the Gateways of the same pods, oldest first. It silently drops a TLS host that is already claimed, ' +
    'and every server of another kind that follows a plaintext one on the port (IST0145; a warning for a TLS server, ' +
    'which stays if it is the older one). If one claim names a ' +
    'namespace and the other does not, Envoy rejects the listener, and every host on the port is down.',
  cure: 'Give each server on the port its own host, or use another port.',
  see: 'https://istio.io/latest/docs/reference/config/analysis/ist0145/',
  good: example(`  selector: { istio: exit }
  servers: [{ port: { number: 443, name: b, protocol: TLS }, hosts: [b.example.com], tls: { mode: PASSTHROUGH } }]`),
  bad: example(`  selector: { istio: exit, app: exit }
  servers: [{ port: { number: 443, name: b, protocol: HTTPS }, hosts: [a.example.com], tls: { mode: ISTIO_MUTUAL } }]`),
  *check(index) {
    const claims = new Map<string, Grouping<string, Claim>>();
    const kinds = new Map<string, Map<string, IstioObject<'Gateway'>[]>>();
    for (const { gateway, server } of index.servers) {
      if (!server.port) continue;
      const port = placeOf(server);
      const kind = kindOf(server);
      const byKind = valueIn(kinds, port, () => new Map());
      const gateways = valueIn(byKind, kind, () => []);
      gateways.push(gateway);
      if (kind !== 'TLS') continue;
      const hosts = valueIn(claims, port, () => new Grouping());
      for (const written of server.hosts ?? []) {
        const slash = written.indexOf('/');
        hosts.add(slash < 0 ? written : written.slice(slash + 1), {
          gateway,
          server,
          namespace: slash < 0 ? '*' : written.slice(0, slash),
        });
      }
    }
    for (const [port, hosts] of claims)
      for (const [host, several] of hosts.several) yield* sameHost(port, host, several);
    for (const [port, byKind] of kinds) yield* mixed(port, byKind);
  },
};

/** The port, with the address that it is bound to. */
function placeOf({ bind, port }: Server): string {
  return bind ? `${bind}:${port?.number}` : String(port?.number);
}

function serverField({ spec }: IstioObject<'Gateway'>, port: string, kind?: ServerKind): string {
  const position = spec.servers!.findIndex(
    (server) => server.port && placeOf(server) === port && (kind === undefined || kindOf(server) === kind),
  );
  return `spec.servers[${position}]`;
}

interface Claim {
  readonly gateway: IstioObject<'Gateway'>;
  readonly server: Server;
  /** The namespace whose VirtualServices may bind; `*` if the host is written without one. */
  readonly namespace: string;
}

function* sameHost(port: string, host: string, claims: Claim[]): Iterable<Violation> {
  const names = (claim: Claim) => (claim.namespace === '.' ? claim.gateway.namespace : claim.namespace);
  const skipped = new Set<IstioObject<'Gateway'>>();
  const refused = new Set<IstioObject<'Gateway'>>();
  for (const [position, a] of claims.entries()) {
    for (const b of claims.slice(position + 1)) {
      if (a.server === b.server || !selectorsOverlap(a.gateway.spec.selector, b.gateway.spec.selector)) continue;
      if (names(a) === names(b)) skipped.add(a.gateway).add(b.gateway);
      else if (!passesThrough(a.server) || !passesThrough(b.server)) refused.add(a.gateway).add(b.gateway);
    }
  }
  if (skipped.size > 0) {
    const all = ordered(skipped);
    const claim = all.length > 1 ? `${describeAll(all)} all claim` : `${describeAll(all)} claims more than once`;
    yield {
      message: `${claim} "${host}" with TLS on port ${port} of the same pods; only the oldest claim counts.`,
      field: serverField(all[0], port, 'TLS'),
      objects: all,
    };
  }
  if (refused.size > 0) {
    const all = ordered(refused);
    yield {
      message:
        `${describeAll(all)} claim "${host}" with TLS on port ${port} of the same pods for different namespaces; ` +
        'Envoy rejects the listener, and every host on the port is down.',
      field: serverField(all[0], port, 'TLS'),
      objects: all,
    };
  }
}

function* mixed(port: string, byKind: Map<string, IstioObject<'Gateway'>[]>): Iterable<Violation> {
  yield* twoTcp(port, byKind.get('TCP') ?? []);
  if (byKind.size < 2) return;
  // One Gateway of each selector is enough: there may be thousands of Gateways for a few sets of pods.
  const representatives = [...byKind].flatMap(([kind, gateways]) => {
    const bySelector = groupBy(ordered(gateways), ({ spec }) => canonical(spec.selector ?? {}));
    return [...bySelector.keys()].map((selector) => ({ kind, gateway: bySelector.get(selector)[0] }));
  });
  for (const [position, a] of representatives.entries()) {
    for (const b of representatives.slice(position + 1)) {
      if (a.kind === b.kind || !selectorsOverlap(a.gateway.spec.selector, b.gateway.spec.selector)) continue;
      const all = ordered([a.gateway, b.gateway]);
      const isTls = a.kind === 'TLS' || b.kind === 'TLS';
      const outcome = isTls
        ? 'if the plaintext server is older, the TLS server is dropped'
        : 'only the older one counts';
      yield {
        message:
          `${describeAll(all)} serve ${joinWords([a.kind, b.kind].sort(compare))} on port ${port} of the same ` +
          `pods; ${outcome}.`,
        field: serverField(all[0], port),
        objects: all,
        severity: isTls ? 'warning' : 'error',
      };
    }
  }
}

function* twoTcp(port: string, gateways: IstioObject<'Gateway'>[]): Iterable<Violation> {
  const found = new Set<IstioObject<'Gateway'>>();
  for (const [position, a] of gateways.entries()) {
    for (const b of gateways.slice(position + 1))
      if (selectorsOverlap(a.spec.selector, b.spec.selector)) found.add(a).add(b);
  }
  if (found.size === 0) return;
  const all = ordered(found);
  yield {
    message:
      `${describeAll(all)} serve plain TCP on port ${port} of the same pods, where connections cannot be told ` +
      'apart; only the oldest server counts.',
    field: serverField(all[0], port, 'TCP'),
    objects: all,
  };
}
