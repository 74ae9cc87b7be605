import { Chart } from 'cdk8s';
import { AccessTable } from '../../../src/access/access-table';
import { GatewayEgress, GatewayHttp } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { judge, Lab, up } from '../lab';
import { must } from '../lab/processes';
import { INSTALLED } from '../recipe';
import { synthesise } from '../support';
import { figure, median } from './figures';

const VIAS: readonly {
  readonly name: string;
  readonly from: string;
  readonly host: string;
  readonly expect: { via: string; tls: string };
}[] = [
  { name: 'direct', from: 'past', host: 'sidecar.example.com', expect: { via: 'direct', tls: 'none' } },
  { name: 'sidecar', from: 'checkout', host: 'sidecar.example.com', expect: { via: 'sidecar', tls: 'none' } },
  {
    name: 'sidecar, TLS originated',
    from: 'checkout',
    host: 'sidecar-tls.example.com',
    expect: { via: 'sidecar', tls: 'sidecar' },
  },
  { name: 'gateway', from: 'checkout', host: 'gateway.example.com', expect: { via: 'gateway', tls: 'none' } },
  {
    name: 'gateway, TLS originated',
    from: 'checkout',
    host: 'gateway-tls.example.com',
    expect: { via: 'gateway', tls: 'gateway' },
  },
  { name: 'gateway, opaque', from: 'checkout', host: 'opaque.example.com', expect: { via: 'gateway', tls: 'none' } },
];

const ROUNDS = 3;
const SECONDS = 2;
const CONNECTIONS = 16;

const table: AccessTable = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  gateways: [INSTALLED],
  callers: [
    { name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' },
    { name: 'past', namespace: 'shop', serviceAccount: 'past', capture: { excludeOutboundIPRanges: '203.0.113.0/24' } },
  ],
  external: [...new Set(VIAS.map(({ host }) => host))].map((host) => ({ host, http: 'ok', https: 'ok' })),
  access: [],
};

const manifests = synthesise((app) => {
  const chart = new Chart(app, 'shop', { namespace: 'shop' });
  const gateway = new InstalledEgressGateway(chart, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });
  const callers = [Caller.serviceAccount('shop', 'checkout')];
  new SidecarEgress(chart, 'sidecar', { hosts: ['sidecar.example.com', 'sidecar-tls.example.com'] }).originateTls(
    'tls',
    { hosts: ['sidecar-tls.example.com'] },
  );
  new GatewayEgress(chart, 'gateway', {
    gateway,
    hosts: ['gateway.example.com', 'gateway-tls.example.com'],
    callers,
  }).originateTls('tls', { hosts: ['gateway-tls.example.com'] });
  new GatewayEgress(chart, 'opaque', { gateway, hosts: ['opaque.example.com'], callers, http: GatewayHttp.OPAQUE });
});

/** The same request by every egress path, in turns, so that other load on the machine affects all of them alike. */
export async function latencyAndThroughput(): Promise<void> {
  const lab = await up({ table, manifests });
  try {
    await lab.apply('manifests', manifests);
    await lab.converge();
    for (const via of VIAS) await expectPath(lab, via);
    const measured = new Map(VIAS.map(({ name }) => [name, { latency: [] as number[], rate: [] as number[] }]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const { name, from, host } of VIAS) {
        measured.get(name)!.latency.push((await load(lab, from, host, 1)).median);
        measured.get(name)!.rate.push((await load(lab, from, host, CONNECTIONS)).rate);
      }
    }
    const direct = measured.get('direct')!;
    for (const [name, { latency, rate }] of measured) {
      figure(`one request, ${name}: median latency, 1 connection`, median(latency), 'ms', 3);
      figure(`one request, ${name}: beyond the direct call`, median(latency) - median(direct.latency), 'ms', 3);
      figure(`one request, ${name}: throughput, ${CONNECTIONS} connections`, median(rate), 'requests/s');
      figure(`one request, ${name}: throughput against the direct call`, median(rate) / median(direct.rate), '', 2);
    }
  } finally {
    lab.down();
  }
}

async function expectPath(lab: Lab, { name, from, host, expect }: (typeof VIAS)[number]): Promise<void> {
  const { seen } = judge(await lab.send({ from, request: `http://${host}/`, expect: { outcome: 'answered' } }));
  if (seen.via !== expect.via || seen.tlsOriginatedBy !== expect.tls)
    throw new Error(`${name}: went by ${seen.via}, TLS by ${seen.tlsOriginatedBy}`);
}

/** Sends one request after the other on each connection, for some seconds; in the namespace of a pod. */
async function load(
  lab: Lab,
  from: string,
  host: string,
  connections: number,
): Promise<{ median: number; rate: number }> {
  const { address } = lab.hosts.find((one) => one.host === host)!;
  return JSON.parse(
    await must('ip', [
      'netns',
      'exec',
      lab.namespaceOf(from),
      process.execPath,
      '-e',
      CLIENT,
      address,
      host,
      String(connections),
      String(SECONDS),
    ]),
  );
}

/** Bare sockets: an HTTP client would cost more than the proxies. */
const CLIENT = `
  const [address, host, connections, seconds] = process.argv.slice(1);
  const request = 'GET / HTTP/1.1\\r\\nhost: ' + host + '\\r\\n\\r\\n';
  const times = [];
  let warm = false, open = 0;
  const finished = text => {
    const head = text.indexOf('\\r\\n\\r\\n');
    if (head < 0) return false;
    const length = /\\r\\ncontent-length: (\\d+)/i.exec(text.slice(0, head));
    return length ? text.length >= head + 4 + Number(length[1]) : text.endsWith('\\r\\n0\\r\\n\\r\\n');
  };
  const fail = why => { console.error(why); process.exit(1); };
  for (let i = 0; i < Number(connections); i++) {
    const socket = require('net').connect({ host: address, port: 80, noDelay: true });
    let text = '', began;
    const next = () => { text = ''; began = process.hrtime.bigint(); socket.write(request); };
    socket.setEncoding('latin1').on('connect', next);
    socket.on('error', error => fail(error.message)).on('close', () => fail('closed'));
    socket.on('data', data => {
      text += data;
      if (!finished(text)) return;
      if (!text.startsWith('HTTP/1.1 200')) fail(text);
      if (warm) times.push(Number(process.hrtime.bigint() - began) / 1e6);
      next();
    });
  }
  setTimeout(() => {
    warm = true;
    const start = process.hrtime.bigint();
    setTimeout(() => {
      const took = Number(process.hrtime.bigint() - start) / 1e9;
      times.sort((a, b) => a - b);
      console.log(JSON.stringify({ median: times[Math.floor(times.length / 2)], rate: times.length / took }));
      process.exit(0);
    }, Number(seconds) * 1000);
  }, 500);
`;
