/**
 * Can a request for a host that is declared for a gateway bypass the gateway? On a locked mesh, with every gateway
 * example: no; with `--everything` every caller sends every form, otherwise a pairwise cover. On a mesh that lets
 * undeclared traffic out: see the table in docs/round-the-gateway.md, measured here.
 */
import * as fs from 'fs';
import * as path from 'path';
import { AccessRow, AccessTable, requestHost, TableCaller } from '../../../src/access/access-table';
import { chosen } from '../cover';
import { meshExamples } from '../examples';
import { KubeObject } from '../lab';
import { everyRequest, isLock } from '../promises';
import { describeMesh, Mesh } from '../support';

const ELSEWHERE = '203.0.113.99';
const PAGE = path.join(__dirname, '../../../docs/round-the-gateway.md');

/** Forms of a request for a host, with the names that the page uses. */
const REQUESTS: {
  readonly name: string;
  readonly row?: (host: string, address: string) => Omit<AccessRow, 'from' | 'expect'>;
  /** The server name of HTTPS that curl cannot send. */
  readonly serverName?: (host: string) => string;
}[] = [
  { name: 'HTTP on port 80', row: (host) => ({ request: `http://${host}/` }) },
  { name: 'HTTPS on port 443', row: (host) => ({ request: `https://${host}/` }) },
  {
    name: 'HTTP, name in capitals',
    row: (host) => ({ request: `http://${host}/`, headers: { Host: host.toUpperCase() } }),
  },
  {
    name: 'HTTP, name with a dot at the end',
    row: (host) => ({ request: `http://${host}/`, headers: { Host: `${host}.` } }),
  },
  {
    name: 'HTTP, name with the port',
    row: (host) => ({ request: `http://${host}/`, headers: { Host: `${host}:80` } }),
  },
  { name: 'HTTP, dialling another address', row: (host) => ({ request: `http://${host}/`, dial: ELSEWHERE }) },
  { name: 'HTTPS, dialling another address', row: (host) => ({ request: `https://${host}/`, dial: ELSEWHERE }) },
  { name: 'HTTPS, server name in capitals', serverName: (host) => host.toUpperCase() },
  { name: 'HTTPS, server name with a dot at the end', serverName: (host) => `${host}.` },
  { name: 'HTTP, the address as name', row: (_, address) => ({ request: `http://${address}/` }) },
  { name: 'HTTPS, the address, no server name', row: (_, address) => ({ request: `https://${address}/` }) },
  { name: 'HTTP on port 443', row: (host) => ({ request: `http://${host}:443/` }) },
  { name: 'TLS on port 80', row: (host) => ({ request: `https://${host}:80/` }) },
  { name: 'HTTP on port 8080', row: (host) => ({ request: `http://${host}:8080/` }) },
  { name: 'TLS on port 8443', row: (host) => ({ request: `https://${host}:8443/` }) },
];

/** Plain HTTP that a sidecar does not take for HTTP: version 1.0, and a request after an empty line. */
const UNRECOGNISED = ['GET / HTTP/1.0', '\r\nGET / HTTP/1.1'];

/** From where such requests arrive. */
async function arrivals(mesh: Mesh, caller: string, host: string, to: string): Promise<string[]> {
  const external = mesh.lab.watchExternalHosts();
  const bytes = (first: string) => `${first}\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await mesh.lab.sendBytes(
    caller,
    UNRECOGNISED.map((first) => ({ to, port: 80, bytes: bytes(first) })),
  );
  return (await external.read()).filter(({ event }) => event === 'request').map(({ from }) => from);
}

/** From where an external host was reached. A connection from the caller itself counts even without a byte. */
async function arrival(mesh: Mesh, caller: string, index: number, host: string, address: string): Promise<string> {
  const gateways = mesh.lab.pods.filter(({ role }) => role === 'router').map((pod) => pod.address);
  const seen = (await seenOf(mesh, caller, index, host, address)).filter(({ from }) => from !== '');
  if (seen.some(({ from }) => !gateways.includes(from))) return 'round it';
  // A gateway connects before it has seen the caller's certificate; the connection may be logged too late to be seen.
  return seen.every(({ event }) => event === 'connect') ? '-' : 'gateway';
}

async function seenOf(mesh: Mesh, from: string, index: number, host: string, address: string) {
  const { row, serverName } = REQUESTS[index];
  if (row) return (await mesh.see({ ...row(host, address), from })).evidence.external;
  const external = mesh.lab.watchExternalHosts();
  const bytes = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await mesh.lab.sendBytes(from, [{ to: address, port: 443, bytes, tls: { serverName: serverName!(host) } }]);
  await mesh.lab.settled();
  return external.read();
}

/** The table with this policy, with every address that the requests dial and every port that they ask for. */
function opened(table: AccessTable, outboundTrafficPolicy: 'ALLOW_ANY' | 'REGISTRY_ONLY'): AccessTable {
  return {
    ...table,
    mesh: { ...table.mesh, outboundTrafficPolicy },
    external: table.external.map((host) => ({ ...host, tcp: [...new Set([...(host.tcp ?? []), 8080, 8443])] })),
    access: [
      ...table.access,
      {
        from: table.callers[0].name,
        request: `http://${table.external[0].host}/`,
        dial: ELSEWHERE,
        expect: { outcome: 'refused' },
      },
    ],
  };
}

/** Hosts that a caller reaches through a gateway. */
async function gatewayHosts(mesh: Mesh, table: AccessTable): Promise<{ host: string; address: string }[]> {
  const found = new Set<string>();
  for (const row of everyRequest(table)) {
    const { judgement } = await mesh.see(row);
    if (judgement.seen.via === 'gateway') found.add(requestHost(row));
  }
  return mesh.lab.hosts.filter(({ host, address }) => found.has(host) || found.has(address));
}

/**
 * Whether the caller's namespace also declares the host for its sidecars, by an entry that leads to the host itself.
 */
function declaredForSidecars(host: string, namespace: string, manifests: KubeObject[]): boolean {
  return manifests.some(
    ({ kind, metadata, spec }) =>
      kind === 'ServiceEntry' &&
      metadata.namespace === namespace &&
      spec.resolution !== 'STATIC' &&
      spec.hosts.some((name: string) => name === host || name.startsWith(`${host}.`)),
  );
}

/** Callers whose traffic a sidecar captures: Istio can stop no others. */
function captured(table: AccessTable, mesh: Mesh): TableCaller[] {
  const whole = mesh.lab.pods.filter(({ injected, capture }) => injected && Object.keys(capture).length === 0);
  return table.callers.filter(({ name }) => whole.some(({ id }) => id === name));
}

// Without NetworkPolicies: a packet filter would stop what bypasses the gateway, which Istio must do here.
const withGateway = meshExamples()
  .filter(
    ({ table, manifests }) => (table.gateways ?? []).length > 0 && manifests.some(({ kind }) => kind === 'Gateway'),
  )
  .map((example) => ({ ...example, manifests: example.manifests.filter(({ kind }) => kind !== 'NetworkPolicy') }));

describe('a locked mesh', () => {
  for (const { name, table, manifests } of withGateway) {
    describeMesh(name, { table: opened(table, 'REGISTRY_ONLY'), manifests }, (mesh) => {
      test('every form of request arrives from the gateway or not at all', async () => {
        await mesh.apply(manifests);
        const hosts = await gatewayHosts(mesh, table);
        expect(hosts).not.toEqual([]);
        const product = hosts.flatMap(({ host, address }) =>
          captured(table, mesh)
            .filter(({ namespace }) => !declaredForSidecars(host, namespace, manifests))
            .flatMap((caller) => REQUESTS.map(({ name: form }, index) => ({ host, address, caller, form, index }))),
        );
        const asked = chosen(product, [({ host }) => host, ({ caller }) => caller.name, ({ form }) => form]);
        const wrong: string[] = [];
        for (const { host, address, caller, form, index } of asked) {
          const from = await arrival(mesh, caller.name, index, host, address);
          if (from === 'round it') wrong.push(`${caller.name} to ${host}: ${form}: ${from}`);
        }
        const [{ host, address, caller }] = product;
        wrong.push(...(await arrivals(mesh, caller.name, host, address)));
        expect(wrong).toEqual([]);
      });
    });
  }
});

const MODEL = 'f-tls-at-gateway';
const CALLERS = { checkout: 'named caller', crawler: 'its namespace, not named', stranger: 'another namespace' };

for (const { table, manifests } of withGateway.filter(({ name }) => name === MODEL)) {
  const open = { table: opened(table, 'ALLOW_ANY'), manifests: manifests.filter((object) => !isLock(object, table)) };
  describeMesh('a mesh that lets undeclared traffic out', open, (mesh) => {
    const ask = async (index: number): Promise<string[]> => {
      const cells = [];
      const { host, address } = mesh.lab.hosts[0];
      for (const caller of Object.keys(CALLERS)) cells.push(await arrival(mesh, caller, index, host, address));
      return cells;
    };

    test('what a sidecar does not take for HTTP bypasses it in plaintext', async () => {
      await mesh.apply(open.manifests);
      const [{ host, address }] = mesh.lab.hosts;
      const caller = mesh.lab.pods.find(({ id }) => id === 'checkout')!;
      expect(await arrivals(mesh, caller.id, host, address)).toEqual(UNRECOGNISED.map(() => caller.address));
    });

    test('what bypasses the gateway is what the page says', async () => {
      const lines: string[] = [];
      await mesh.apply(open.manifests);
      for (const [index, { name }] of REQUESTS.entries()) lines.push(line(name, await ask(index)));
      for (const away of open.manifests.filter(({ metadata }) => metadata.namespace === table.callers[0].namespace)) {
        await mesh.apply(open.manifests.filter((object) => object !== away));
        for (const index of [0, 1])
          lines.push(line(`${REQUESTS[index].name}, the callers' ${away.kind} missing`, await ask(index)));
      }
      expect(fs.readFileSync(PAGE, 'utf8')).toContain(
        [line('request', Object.values(CALLERS)), '|---|---|---|---|', ...lines].join('\n'),
      );
    });
  });
}

/** Asks for a host, three seconds after it has opened the connection. */
const SLOW = `
  const [host, address] = process.argv.slice(1);
  const socket = require('net').connect(80, address).on('close', () => process.exit()).resume();
  setTimeout(() => socket.write('GET / HTTP/1.1\\r\\nHost: ' + host + '\\r\\nConnection: close\\r\\n\\r\\n'), 3000);
`;

for (const { table, manifests } of withGateway.filter(({ name }) => name === MODEL)) {
  const helmValues = 'meshConfig: { protocolDetectionTimeout: 1s, outboundTrafficPolicy: { mode: ALLOW_ANY } }';
  const waiting = { table: { ...opened(table, 'ALLOW_ANY'), mesh: undefined }, manifests, helmValues };
  describeMesh('a mesh that waits a second for the first bytes', waiting, (mesh) => {
    test('what comes later bypasses it', async () => {
      await mesh.apply(manifests.filter((object) => !isLock(object, table)));
      const [{ host, address }] = mesh.lab.hosts;
      const caller = mesh.lab.pods.find(({ id }) => id === 'checkout')!;
      const external = mesh.lab.watchExternalHosts();
      await mesh.lab.shellOf(caller.id).must(process.execPath, ['-e', SLOW, host, address]);
      const asked = (await external.read()).filter(({ event }) => event === 'request');
      expect(asked.map(({ from }) => from)).toEqual([caller.address]);
    });
  });
}

function line(first: string, cells: string[]): string {
  return `| ${[first, ...cells].join(' | ')} |`;
}
