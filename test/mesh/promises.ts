/** The promise "fail closed", as a comparison: what a request does with all objects in place, and without one. */
import { hops, KubeObject, rowText, seenText } from './lab';
import { failureText, Mesh, Sight } from './support';
import { AccessRow, AccessTable, ExternalHost, requestHost } from '../../src/access/access-table';

/** What proxies do for a request; none of it may change as long as the request is answered. */
const CHECKS = ['via', 'tlsOriginatedBy', 'identityAtGateway', 'serverName', 'protocol', 'clientCertificate'] as const;

/**
 * Headers that a sidecar adds to every request and that identify no workload: they break no promise. The route that
 * removes them may be the object that is missing.
 */
const HARMLESS_HEADERS = [
  'x-forwarded-proto',
  'x-request-id',
  'x-envoy-attempt-count',
  'x-envoy-expected-rq-timeout-ms',
];

/**
 * From every caller to every external host, over HTTP, HTTPS and every TCP port; and every other request of the table's
 * rows.
 */
export function everyRequest(table: AccessTable): AccessRow[] {
  const urls = table.external.flatMap(({ host, address, tcp = [], http, https }) => [
    ...(http === undefined && https === undefined ? [] : [`http://${host}/`, `https://${host}/`]),
    ...tcp.map((port) => `tcp://${address ?? host}:${port}`),
  ]);
  const all = table.callers.flatMap(({ name }) =>
    urls.map((request): AccessRow => ({ from: name, request, expect: { outcome: 'answered' } })),
  );
  const special = table.access.filter((row) => row.without === undefined && !row.follow);
  const key = ({ expect: _expect, ...row }: AccessRow) => JSON.stringify(Object.entries(row).sort());
  return [...new Map([...all, ...special].map((row) => [key(row), row])).values()];
}

/**
 * What is worse now than with all objects in place: answered instead of refused, another egress path or fewer checks
 * for a request that is still answered, plaintext where there was none, a connection that bypasses the gateway. Refused
 * instead of answered is not worse.
 */
export function worse(complete: Sight, now: Sight): string[] {
  const before = complete.judgement.seen;
  const after = now.judgement.seen;
  const found: string[] = [];
  if (before.outcome === 'refused' && after.outcome === 'answered') found.push('it was refused, and is now answered');
  if (before.outcome === 'answered' && after.outcome === 'answered') {
    for (const field of CHECKS)
      if (before[field] !== after[field])
        found.push(`${field} was ${before[field] ?? 'nothing'}, and is now ${after[field] ?? 'nothing'}`);
    const more = (after.addedHeaders ?? []).filter((name) => !before.addedHeaders?.includes(name));
    const telling = more.filter((name) => !HARMLESS_HEADERS.includes(name));
    if (telling.length > 0) found.push(`the external host now receives ${telling.join(', ')}`);
    found.push(...after.contradictions);
  }
  if (after.plaintextToHost && !before.plaintextToHost) found.push('plaintext reached the external host');
  const gateways = now.evidence.gateways.map(({ address }) => address);
  const round = now.evidence.external.filter((event) => event.from !== '' && !gateways.includes(event.from));
  if (before.via === 'gateway' && round.length > 0)
    found.push(
      'it bypassed the gateway: ' +
        `${round.map(({ event, server, from }) => `${event} at ${server} from ${from}`).join(', ')}`,
    );
  if (before.outcome === 'refused' && heard(now) > 0 && heard(complete) === 0)
    found.push('bytes of it reached the external host');
  return found;
}

/** The same as text, with everything that was seen. */
export function worseText(complete: Sight, now: Sight): string[] {
  const found = worse(complete, now);
  if (found.length === 0) return [];
  return [
    [
      rowText(now.evidence.row),
      `  complete: ${seenText(complete.judgement)}`,
      `  now:      ${seenText(now.judgement)}`,
      ...[...found, ...hops(now.evidence)].map((line) => `  ${line}`),
    ].join('\n'),
  ];
}

/** How often the external host received bytes; a connection without any does not count. */
function heard({ evidence }: Sight): number {
  return evidence.external.filter(({ event }) => event !== 'connect').length;
}

/**
 * Requests for which a proxy originates TLS, and which are still answered when the external host shows a bad
 * certificate.
 */
export async function uncheckedCertificates(mesh: Mesh, sights: Sight[]): Promise<string[]> {
  const originated = sights.filter(
    ({ judgement: { seen } }) =>
      seen.outcome === 'answered' && (seen.tlsOriginatedBy === 'sidecar' || seen.tlsOriginatedBy === 'gateway'),
  );
  if (originated.length === 0) return [];
  const hosts = [...new Set(originated.map(({ evidence }) => evidence.external[evidence.external.length - 1].server))];
  const showing = (kindOf: (host: string) => NonNullable<ExternalHost['certificate']>) =>
    mesh.lab.showCertificates(Object.fromEntries(hosts.map((host) => [host, kindOf(host)])));
  const found: string[] = [];
  for (const kind of ['wrong-name', 'unknown-ca'] as const) {
    await showing(() => kind);
    for (const {
      evidence: { row },
    } of originated) {
      const sight = await mesh.see({ ...row, expect: { outcome: 'refused', plaintextToHost: false } });
      if (!sight.judgement.passed) found.push(`${kind}: ${failureText(sight.evidence.row, sight)}`);
    }
  }
  await showing((host) => mesh.lab.hosts.find((one) => one.host === host)?.certificate ?? 'good');
  return found;
}

/**
 * Whether a request may pass when an object is missing whose only purpose is to refuse it: without the mesh's lock,
 * hosts that the caller's namespace has not declared; without a gateway's lockdown, hosts that no construct declares.
 */
export function meantToRefuse(object: KubeObject, before: Sight, table: AccessTable, emitted: KubeObject[]): boolean {
  if (isLock(object, table)) return undeclared(before);
  const host = requestHost(before.evidence.row);
  return (
    object.kind === 'AuthorizationPolicy' &&
    !emitted.some(
      ({ kind, spec }) => kind === 'ServiceEntry' && [...spec.hosts, ...(spec.addresses ?? [])].includes(host),
    )
  );
}

/** Whether the sidecar refused it because the host is not declared in the caller's namespace. */
function undeclared({ evidence, judgement }: Sight): boolean {
  const last = evidence.sidecar[evidence.sidecar.length - 1];
  return (
    judgement.seen.outcome === 'refused' &&
    judgement.seen.by === 'sidecar' &&
    (last?.cluster === 'BlackHoleCluster' || last?.route === 'block_all')
  );
}

/** The Sidecar that locks a whole mesh. */
export function isLock(object: KubeObject, table: Pick<AccessTable, 'mesh'>): boolean {
  return object.kind === 'Sidecar' && object.metadata.namespace === (table.mesh?.rootNamespace ?? 'istio-system');
}
