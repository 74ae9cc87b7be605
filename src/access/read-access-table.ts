import { isIP } from 'net';
import { AccessTable, requestHost } from './access-table';
import { ACCESS_TABLE_SCHEMA } from './access-table-schema';
import { formerWordProblems } from './former-words';
import { isTcpRequest, portOfRequest } from './request-url';
import { shapeProblems } from './shape';

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
    if (external.address !== undefined && isIP(external.address) !== 4)
      problems.push(`external ${external.host}: "${external.address}" is not an IPv4 address`);
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
    if (row.expect.outcome === 'refused' && row.expect.status !== undefined)
      problems.push(`${where}: a refused request has a symptom; for a proxy's status write symptom, not status`);
    if (row.dial !== undefined && isIP(row.dial) !== 4)
      problems.push(`${where}: "${row.dial}" is not an IPv4 address to dial`);
    if (row.expect.redirects && !row.follow)
      problems.push(`${where}: redirects are followed only with \`follow: true\``);
  });
  return problems;
}
