/** What happens to good manifests in practice: objects are lost, edited, copied, or meet another author's. */
import { declared, exportTo, originatingRule, plainRoute } from './egress-paths';
import { Random } from './random';
import { CALLER_NAMESPACES, EDGE, EGRESS, NAMESPACES, PRINCIPALS, ROOT, WEB_HOSTS } from './table';
import { object, plain, WorldObject } from './world';

/** Common values of fields with these names, so that an edited object is usually still admitted. */
const USUAL: Record<string, readonly any[]> = {
  number: [80, 443, 8080, 5432],
  targetPort: [80, 443, 8443],
  port: [80, 443],
  protocol: ['HTTP', 'HTTPS', 'TLS', 'TCP', 'HTTP2'],
  resolution: ['DNS', 'NONE', 'STATIC', 'DNS_ROUND_ROBIN'],
  location: ['MESH_EXTERNAL', 'MESH_INTERNAL'],
  sni: [...WEB_HOSTS, 'outbound.example.com'],
  host: [...WEB_HOSTS, EGRESS.service, EDGE.service, '*.example.com'],
  subset: ['tls', 'out', 'w0', 'wrong'],
  authority: [...WEB_HOSTS],
};

/** Top-level parts without which hardly any object is admitted. */
const KEPT = ['hosts', 'host', 'servers', 'ports', 'selector', 'http', 'tls', 'tcp'];
/** Fields without which an object is not admitted; they are changed, but not removed. */
const REQUIRED = [
  'host',
  'hosts',
  'destination',
  'name',
  'number',
  'protocol',
  'port',
  'mode',
  'servers',
  'ports',
  'route',
  'trafficPolicy',
  'match',
];

type Place = { parent: any; key: string | number; path: (string | number)[] };

/** Every place in a tree: objects, lists and leaves. */
function places(value: any, path: (string | number)[] = []): Place[] {
  if (value === null || typeof value !== 'object') return [];
  const keys: (string | number)[] = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
  return keys.flatMap((key) => [{ parent: value, key, path: [...path, key] }, ...places(value[key], [...path, key])]);
}

/** Changes or removes one field of one object. */
export function edit(random: Random, objects: WorldObject[]): WorldObject[] {
  const copy = plain(objects);
  const victims = copy.filter((one) => one.spec !== undefined && one.kind !== 'Service');
  if (victims.length === 0) return copy;
  const place = random.pick(
    places(random.pick(victims).spec).filter((one) => one.path.length > 1 || !KEPT.includes(String(one.key))),
  );
  if (place === undefined) return copy;
  const name = String(typeof place.key === 'number' ? place.path[place.path.length - 2] : place.key);
  const inUse = copy
    .flatMap((one) => places(one.spec))
    .filter((one) => one.key === place.key && typeof one.key === 'string')
    .map((one) => one.parent[one.key]);
  const now = place.parent[place.key];
  const values: any[] = [...inUse, ...(USUAL[name] ?? [])].filter(
    (value) => typeof value === typeof now && JSON.stringify(value) !== JSON.stringify(now),
  );
  if (values.length > 0 && random.chance(0.65)) place.parent[place.key] = plain(random.pick(values));
  else if (Array.isArray(place.parent) && place.parent.length > 1) place.parent.splice(place.key as number, 1);
  else if (typeof place.key === 'string' && !REQUIRED.includes(place.key)) delete place.parent[place.key];
  return copy;
}

export function drop(random: Random, objects: WorldObject[]): WorldObject[] {
  const lost = random.below(objects.length);
  return objects.length > 1 ? objects.filter((_, index) => index !== lost) : objects;
}

/** A copy of an object beside the original, perhaps edited or in another namespace. */
export function copied(random: Random, objects: WorldObject[], name: string): WorldObject[] {
  const copy = plain(random.pick(objects.filter((one) => one.kind !== 'Service')));
  if (copy === undefined) return objects;
  copy.metadata.name = name;
  if (random.chance(0.5)) copy.metadata.namespace = random.pick(NAMESPACES);
  const [edited] = random.chance(0.6) ? edit(random, [copy]) : [copy];
  return [...objects, edited];
}

function moved(random: Random, objects: WorldObject[]): WorldObject[] {
  const copy = plain(objects);
  random.pick(copy).metadata.namespace = random.pick(NAMESPACES);
  return copy;
}

function reexported(random: Random, objects: WorldObject[]): WorldObject[] {
  const copy = plain(objects);
  const victim = random.pick(
    copy.filter((one) => ['ServiceEntry', 'VirtualService', 'DestinationRule'].includes(one.kind)),
  );
  if (victim) victim.spec.exportTo = exportTo(random);
  return plain(copy);
}

/** A Sidecar: the lock of a mesh, the scope of a team, or one that omits something. */
export function sidecar(random: Random, hosts: string[]): WorldObject {
  const namespace = random.pick([ROOT, ROOT, 'shop', 'other']);
  const egressHosts = random.weighted<string[] | undefined>([
    [3, undefined],
    [2, ['*/*']],
    [2, ['./*', `${ROOT}/*`]],
    [2, ['./*', 'egress/*', `${ROOT}/*`]],
    [1, ['./*']],
    [1, [`*/${random.pick(hosts)}`, `${ROOT}/*`]],
    [1, ['~/*']],
    [1, ['*/*.example.com', 'egress/*']],
  ]);
  return object(
    'Sidecar',
    namespace,
    random.pick(['default', 'scope']),
    plain({
      workloadSelector: namespace !== ROOT && random.chance(0.3) ? { labels: { app: 'checkout' } } : undefined,
      egress: egressHosts && [{ hosts: egressHosts }],
      outboundTrafficPolicy: random.weighted<any>([
        [egressHosts ? 3 : 0, undefined],
        [3, { mode: 'REGISTRY_ONLY' }],
        [2, { mode: 'ALLOW_ANY' }],
        [0.5, {}],
      ]),
    }),
  );
}

/** A policy at a gateway, or at a caller, where it has no effect on outbound traffic. */
export function policy(random: Random, host: string, name: string): WorldObject {
  const gateway = random.chance(0.85) ? EGRESS : EDGE;
  const namespace = random.weighted([
    [7, gateway.namespace],
    [2, ROOT],
    [1, 'shop'],
  ]);
  const action = random.weighted([
    [5, 'ALLOW'],
    [3, 'DENY'],
  ]);
  const principals = random.some(PRINCIPALS, 1, 2);
  const from = random.weighted<any>([
    [4, [{ source: { principals } }]],
    [2, [{ source: { namespaces: [random.pick(CALLER_NAMESPACES)] } }]],
    [1, [{ source: { notPrincipals: principals } }]],
    [1, [{ source: { serviceAccounts: [random.pick(['shop/checkout', 'other/checkout'])] } }]],
    [1, [{ source: { principals: ['*'] } }]],
    [2, undefined],
  ]);
  const operation = random.weighted<any>([
    [3, undefined],
    [2, { hosts: [host] }],
    [1, { hosts: [host, `${host}:*`] }],
    [1, { notHosts: [host] }],
    [1, { ports: [random.pick(['443', '80', '8080', '8443'])] }],
    [1, { methods: ['GET'] }],
    [1, { paths: ['/api*'] }],
    [1, { hosts: [host], ports: ['443'] }],
  ]);
  const when = random.weighted<any>([
    [5, undefined],
    [2, [{ key: 'connection.sni', values: [host] }]],
    [0.5, [{ key: 'connection.sni', notValues: [host] }]],
    [0.5, [{ key: 'source.namespace', values: ['shop'] }]],
    [0.5, [{ key: 'request.headers[x-env]', values: ['canary'] }]],
  ]);
  const empty = action === 'ALLOW' && random.chance(0.1);
  return object(
    'AuthorizationPolicy',
    namespace,
    name,
    plain({
      selector: random.chance(0.8)
        ? { matchLabels: namespace === 'shop' ? { app: 'checkout' } : gateway.selector }
        : undefined,
      action: random.chance(0.2) && action === 'ALLOW' ? undefined : action,
      rules: empty ? undefined : [{ from, to: operation && [{ operation }], when }],
    }),
  );
}

/** An entry for a range of addresses, which captures whatever goes there. */
function range(random: Random, name: string): WorldObject {
  return object(
    'ServiceEntry',
    random.pick(['shop', 'other', ROOT]),
    name,
    plain({
      hosts: ['legacy.internal'],
      addresses: random.pick([['203.0.113.0/28'], ['203.0.113.0/24'], ['203.0.113.10'], ['203.0.113.50/32']]),
      location: 'MESH_EXTERNAL',
      ports: [{ number: random.pick([80, 443, 443, 5432]), name: 'tcp', protocol: 'TCP' }],
      resolution: random.pick(['NONE', 'NONE', 'STATIC']),
      exportTo: exportTo(random),
    }),
  );
}

/** Another author's rule for the host, a gateway's Service or a whole domain. */
function otherRule(random: Random, host: string, name: string): WorldObject {
  const target = random.weighted([
    [4, host],
    [2, EGRESS.service],
    [1, '*.example.com'],
    [1, '*.com'],
  ]);
  return object(
    'DestinationRule',
    random.pick(['shop', 'other', 'egress', ROOT]),
    name,
    plain({
      host: target,
      trafficPolicy: random.weighted<any>([
        [3, { loadBalancer: { simple: 'ROUND_ROBIN' } }],
        [2, { tls: { mode: 'DISABLE' } }],
        [2, { tls: { mode: 'SIMPLE' } }],
        [1, { tls: { mode: 'ISTIO_MUTUAL' } }],
        [1, { connectionPool: { tcp: { maxConnections: 100 } } }],
        [1, undefined],
      ]),
      subsets: random.weighted<any>([
        [3, undefined],
        [1, [{ name: 'tls' }]],
        [1, [{ name: random.pick(['w0', 'w1', 'out']) }]],
      ]),
      exportTo: exportTo(random, ['shop']),
    }),
  );
}

/** Applies one disturbance. */
export function disturbed(random: Random, objects: WorldObject[], hosts: string[], name: string): WorldObject[] {
  const host = random.pick(hosts);
  return random.weighted<() => WorldObject[]>([
    [4, () => drop(random, objects)],
    [6, () => edit(random, objects)],
    [2, () => copied(random, objects, name)],
    [1.5, () => moved(random, objects)],
    [1.5, () => reexported(random, objects)],
    [2, () => [...objects, sidecar(random, hosts)]],
    [2.5, () => [...objects, policy(random, host, name)]],
    [1, () => [...objects, range(random, name)]],
    [2, () => [...objects, otherRule(random, host, name)]],
    [1.5, () => [...objects, plainRoute(random, host, name)]],
    [2, () => [...objects, declared(random, host, name)]],
    [1, () => [...objects, originatingRule(random, host, name, random.pick(NAMESPACES))]],
  ])();
}
