/**
 * What a table's rows do not ask: the same hosts with bad certificates, other callers, other forms of the requests,
 * another gateway, an open mesh. Whatever differs in an answer to one of them is an effect.
 */
import { isIP } from 'net';
import { AccessRow, AccessTable, ExternalHost, TableCaller } from '../../src/access/access-table';
import { urlOf } from '../../src/access/request-url';
import { judgeTable } from '../../src/explain';
import { Answer, EgressObject } from '../../src/model';

const ANSWERED = { outcome: 'answered' } as const;
const UNDECLARED = 'undeclared.invalid';
const ELSEWHERE = '203.0.113.99';

/** Tables beside an example's own; what their rows expect is not looked at. */
export function probesOf(table: AccessTable): AccessTable[] {
  const plain = table.access.filter(({ without }) => without === undefined);
  const byProxies = plain.filter(({ request, expect }) => expect.outcome === 'answered' && !/^https:/.test(request));
  const throughGateway = plain.filter(({ expect }) => expect.outcome === 'answered');
  const strangers: TableCaller[] = [...new Set([...table.callers.map(({ namespace }) => namespace), 'elsewhere'])].map(
    (namespace) => ({ name: `stranger-${namespace}`, namespace, serviceAccount: 'stranger' }),
  );
  const callers = [...table.callers, ...strangers];
  const certified = (certificate: 'wrong-name' | 'unknown-ca') =>
    table.external.map((host) => ({ ...host, certificate }));
  const isOpen = table.mesh?.outboundTrafficPolicy !== 'REGISTRY_ONLY';
  return [
    { ...table, external: certified('wrong-name'), access: byProxies },
    { ...table, external: certified('unknown-ca'), access: byProxies },
    {
      ...table,
      gateways: table.gateways?.map((one) => ({ ...one, serviceAccount: 'impostor' })),
      access: throughGateway,
    },
    {
      ...table,
      callers,
      external: hostsOf(table),
      access: distinct([...otherCallers(plain, callers), ...plain.flatMap(otherForms)]),
    },
    {
      ...table,
      mesh: { ...table.mesh, outboundTrafficPolicy: isOpen ? 'REGISTRY_ONLY' : 'ALLOW_ANY' },
      external: hostsOf(table),
      access: [...plain, ...distinct(plain.flatMap(({ from }) => undeclared(from)))],
    },
  ];
}

function otherCallers(rows: readonly AccessRow[], callers: readonly TableCaller[]): AccessRow[] {
  return rows.flatMap((row) => callers.map(({ name }) => ({ ...row, from: name, expect: ANSWERED })));
}

/** The request with the other scheme, to another port or address, for another path, and for another name. */
function otherForms(row: AccessRow): AccessRow[] {
  const { protocol, hostname, pathname, port } = urlOf(row.request);
  const other = { ...row, expect: ANSWERED };
  if (protocol === 'tcp:')
    return [
      { ...other, request: `tcp://${hostname}:${Number(port) + 1}` },
      { ...other, dial: ELSEWHERE },
    ];
  const scheme = protocol === 'http:' ? 'https' : 'http';
  return [
    { ...other, speak: undefined, request: `${scheme}://${hostname}${pathname}` },
    { ...other, request: `${protocol}//${hostname}:8081${pathname}` },
    { ...other, request: `${protocol}//${hostname}${pathname}x`, method: 'DELETE' },
    ...(isIP(hostname) === 0 ? [{ ...other, request: `${protocol}//x${hostname}${pathname}` }] : []),
    { ...other, dial: ELSEWHERE },
  ];
}

function undeclared(from: string): AccessRow[] {
  return ['http', 'https'].map((scheme) => ({ from, request: `${scheme}://${UNDECLARED}/`, expect: ANSWERED }));
}

/** The table's hosts, each answering as far as it does not say how, and those that only its rows or probes name. */
function hostsOf(table: AccessTable): ExternalHost[] {
  const named = [...table.access.map(({ request }) => urlOf(request).hostname), UNDECLARED];
  const missing = [...new Set(named)].filter(
    (name) => isIP(name) === 0 && !table.external.some(({ host }) => host === name),
  );
  return [...table.external, ...missing.map((host) => ({ host }))].map((host) => ({
    http: 'ok',
    https: 'ok',
    ...host,
  }));
}

function distinct(rows: readonly AccessRow[]): AccessRow[] {
  return [...new Map(rows.map((row) => [JSON.stringify({ ...row, expect: undefined }), row])).values()];
}

/** Everything that a caller, a host or a gateway could tell of the answers, and the hops, without the wording. */
export function seen(objects: readonly EgressObject[], table: AccessTable): string {
  return JSON.stringify(judgeTable(objects, table).map(({ answer }) => observable(answer)));
}

export function observable(answer: Answer): object {
  const { reason: _reason, causes: _causes, steps, alternatives, remarks: _remarks, assumptions: _, ...rest } = answer;
  return {
    ...rest,
    condition: answer.condition?.holds,
    steps: steps.map(({ hop, kind }) => `${hop} ${kind}`),
    alternatives: alternatives.map(({ weight, answer: other }) => [weight, observable(other)]),
  };
}
