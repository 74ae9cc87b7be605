import { isIP } from 'net';
import { AccessTable, requestHost } from './access-table';
import { ACCESS_TABLE_SCHEMA } from './access-table-schema';
import { formerWordProblems } from './former-words';
import { hostOf, isTcpRequest, portOfRequest, urlOf } from './request-url';
import { shapeProblems } from '../schema/shape';

/**
 * What is wrong with a table's shape: unknown fields, values that are not allowed, wrong types. A table that uses
 * former words is told only those, with the command that rewrites it.
 */
export function accessTableShapeProblems(table: unknown, file?: string): string[] {
  const former = formerWordProblems(table, file);
  return former.length > 0 ? former : shapeProblems(table, ACCESS_TABLE_SCHEMA);
}

/** What is wrong with a table of the right shape: unknown callers and hosts, rows that contradict themselves. */
export function accessTableProblems(table: AccessTable): string[] {
  const problems: string[] = [];
  const callers = new Set(table.callers.map((caller) => caller.name));
  const hosts = new Set(table.external.map((external) => external.host));
  if (callers.size !== table.callers.length) problems.push('callers: two have the same name');
  if (hosts.size !== table.external.length) problems.push('external: a host is listed twice');
  for (const external of table.external) {
    const problem = addressProblem(external.address, table);
    if (problem) problems.push(`external ${external.host}: ${problem}`);
  }
  table.access.forEach((row, index) => {
    const where = `access[${index}] (${row.from} ${row.request})`;
    if (!callers.has(row.from))
      problems.push(`${where}: unknown caller "${row.from}"; the callers are ${[...callers].join(', ')}`);
    if (!/^(https?|tcp):\/\//.test(row.request))
      problems.push(`${where}: a request begins with http://, https:// or tcp://`);
    else if (!hosts.has(requestHost(row)) && isIP(requestHost(row)) === 0)
      problems.push(`${where}: "${requestHost(row)}" is not among the external hosts`);
    else if (portOfRequest(row.request) === undefined) problems.push(`${where}: a tcp:// request needs a port`);
    if (row.speak && isTcpRequest(row.request)) problems.push(`${where}: a tcp:// request cannot speak ${row.speak}`);
    if (row.expect.outcome === 'answered' && row.expect.symptom !== undefined)
      problems.push(`${where}: an answered request has a status, not a symptom`);
    const { answeredBy } = row.expect;
    if (row.expect.outcome === 'refused' && answeredBy !== undefined)
      problems.push(`${where}: a refused request is answered by no host`);
    else if (answeredBy !== undefined && !hosts.has(answeredBy) && isIP(answeredBy) === 0)
      problems.push(`${where}: "${answeredBy}", which must answer, is not among the external hosts`);
    if (row.expect.outcome === 'refused' && row.expect.status !== undefined)
      problems.push(`${where}: a refused request has a symptom; for a proxy's status write symptom, not status`);
    const dialProblem = addressProblem(
      row.dial ?? (isIP(requestHost(row)) === 0 ? undefined : requestHost(row)),
      table,
    );
    if (dialProblem) problems.push(`${where}: ${dialProblem}`);
    if (row.expect.redirects && !row.follow)
      problems.push(`${where}: redirects are followed only with \`follow: true\``);
  });
  return problems;
}

/** Addresses of IPv6 are for worlds that have it, in the short form that proxies and hosts write. */
function addressProblem(address: string | undefined, { mesh }: AccessTable): string | undefined {
  if (address === undefined || isIP(address) === 4) return undefined;
  if (isIP(address) === 0) return `"${address}" is not an IP address`;
  if (!mesh?.dualStack) return `"${address}" is an IPv6 address; pods have those with \`mesh: { dualStack: true }\``;
  const short = hostOf(urlOf(`http://[${address}]`));
  return short === address ? undefined : `write "${address}" as "${short}"`;
}
