/**
 * A caller that is taken out of `callers` is refused, and one that is added is let in, while other authors' Gateways on
 * the same pods try to keep the old state. What they can do where istiod lets Gateways act on pods of other namespaces,
 * docs/tenants.md says; with `PILOT_SCOPE_GATEWAY_TO_NAMESPACE` they can do nothing. And who holds up istiod, and what
 * outlives a caller.
 */
import * as fs from 'fs';
import { setTimeout as sleep } from 'timers/promises';
import { Chart } from 'cdk8s';
import { EgressGateway } from '../../../src/constructs/egress-gateway';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { Caller } from '../../../src/values/caller';
import { chosen } from '../cover';
import { KubeObject } from '../lab';
import { ISTIOD_ADDRESS } from '../lab/network';
import { until } from '../lab/processes';
import {
  AFTER,
  BEFORE,
  happens,
  HELD_SECONDS,
  HOP_NAMES,
  isAnswered,
  LABELS,
  manifests,
  manifestsWith,
  table,
} from '../leaving-caller';
import { describeMesh, Mesh, synthesise } from '../support';

const mutual = (tls: object = {}, ...hosts: string[]) => ({
  port: { number: 443, name: 'foreign', protocol: 'HTTPS' },
  hosts: hosts.length > 0 ? hosts : ['open.example.com'],
  tls: { mode: 'ISTIO_MUTUAL', ...tls },
});
const names = (prefix: string) => HOP_NAMES.map((name) => `${prefix}${name}`);

/** Who is answered once `leaves` has been taken out and `comes` has been added; and before. */
const NEW_STATE = ['stays', 'comes'];
const OLD_STATE = ['stays', 'leaves'];

const SECRET = 'a Secret that does not exist';
const FILES = 'a certificate file that does not exist';
/** Envoy waits for these, and then goes on without them. */
const WAITS = [SECRET, FILES];

const FREEZES = { older: OLD_STATE, younger: OLD_STATE };
/** The port is the older server's. */
const TAKES = { older: [], younger: NEW_STATE };

/** Servers on the same pods, in another namespace, and who is then answered where they act there. */
const SERVERS: Record<string, { server: object; effect: Record<'older' | 'younger', string[]> }> = {
  'our names': { server: mutual({}, ...names('')), effect: FREEZES },
  'our names, for every namespace': { server: mutual({}, ...names('*/')), effect: FREEZES },
  'our names, for its own namespace': { server: mutual({}, ...names('./')), effect: FREEZES },
  'our names, for a namespace by name': { server: mutual({}, ...names('other/')), effect: FREEZES },
  [SECRET]: { server: mutual({ mode: 'SIMPLE', credentialName: 'nowhere' }), effect: FREEZES },
  [FILES]: {
    server: mutual({ mode: 'SIMPLE', serverCertificate: '/none/tls.crt', privateKey: '/none/tls.key' }),
    effect: FREEZES,
  },
  'HTTP on our port': {
    server: { port: { number: 443, name: 'foreign', protocol: 'HTTP' }, hosts: ['*'] },
    effect: TAKES,
  },
  'TCP on our port': {
    server: { port: { number: 443, name: 'foreign', protocol: 'TCP' }, hosts: ['*'] },
    effect: TAKES,
  },
};
const AGES = { older: '2020-01-01T00:00:00Z', younger: '2026-01-01T00:00:00Z' };

function foreign(server: object, creationTimestamp: string): KubeObject[] {
  return [
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Gateway',
      metadata: { name: 'foreign', namespace: 'other', creationTimestamp },
      spec: { selector: LABELS, servers: [server] },
    },
  ];
}

/** Applies objects and waits until they are in force, or until it is clear that they never will be. */
async function force(mesh: Mesh, set: string, objects: KubeObject[]): Promise<void> {
  await mesh.lab.apply(set, objects);
  try {
    await mesh.lab.converge({ tolerateWarming: true });
  } catch (error) {
    if (!/ refused /.test((error as Error).message)) throw error;
    await mesh.lab.dropConnections();
  }
}

/** Who is answered on new connections after the change. */
async function afterwards(mesh: Mesh, objects: KubeObject[]): Promise<string[]> {
  await force(mesh, 'foreign', []);
  await mesh.apply(BEFORE);
  await force(mesh, 'foreign', objects);
  await force(mesh, 'manifests', AFTER);
  const answered: string[] = [];
  for (const from of ['stays', 'leaves', 'comes']) if (await isAnswered(mesh, from)) answered.push(from);
  return answered;
}

const worlds = [false, true].flatMap((isScoped) =>
  // Where these have an effect, it ends by itself: they have a test of their own.
  Object.keys(SERVERS)
    .filter((what) => isScoped || !WAITS.includes(what))
    .flatMap((what) => (['older', 'younger'] as const).map((age) => ({ isScoped, what: what, age }))),
);
const asked = chosen(worlds, [({ isScoped }) => String(isScoped), ({ what }) => what, ({ age }) => age]);

for (const isScoped of [false, true]) {
  const title = isScoped ? 'Gateways act on pods of their own namespace' : 'Gateways act on pods of every namespace';
  // A proxy that rejects a listener says so; what it then does is what counts.
  const world = { table: table(isScoped), manifests: BEFORE, tolerate: [/rejected/] };
  describeMesh(title, world, (mesh) => {
    test.each(asked.filter((one) => one.isScoped === isScoped).map((one) => [`${one.what}, ${one.age}`, one] as const))(
      '%s',
      async (_title, { what, age }) => {
        const { server, effect } = SERVERS[what];
        expect(await afterwards(mesh, foreign(server, AGES[age]))).toEqual(isScoped ? NEW_STATE : effect[age]);
      },
    );

    if (isScoped) return;

    test.each(WAITS)('%s delays it by the time for which Envoy waits for one', async (what) => {
      await force(mesh, 'foreign', []);
      await mesh.apply(BEFORE);
      await force(mesh, 'foreign', foreign(SERVERS[what].server, AGES.older));
      await mesh.lab.apply('manifests', AFTER);
      expect(await happens(mesh, 'leaves', false, 5)).toBe(false);
      expect(await happens(mesh, 'leaves', false, 35)).toBe(true);
      expect(await happens(mesh, 'comes', true, 10)).toBe(true);
    });

    test('without others it takes as long as istiod and the gateway need', async () => {
      await force(mesh, 'foreign', []);
      await mesh.apply(BEFORE);
      await mesh.apply(AFTER, 'manifests', { awaitDraining: false });
      expect(await isAnswered(mesh, 'leaves')).toBe(false);
      expect(await isAnswered(mesh, 'comes')).toBe(true);
    });
  });
}

/** What `kubectl apply` leaves in the cluster, which deletes nothing. */
function applied(before: KubeObject[], after: KubeObject[]): KubeObject[] {
  const key = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.namespace}/${metadata.name}`;
  const renewed = after.map(key);
  return [...before.filter((object) => !renewed.includes(key(object))), ...after];
}

const isGatewayOf = (namespace: string, object: KubeObject) =>
  object.kind === 'Gateway' && JSON.stringify(object).includes(`/ns/${namespace}/`);

const ELSEWHERE = { name: 'elsewhere', namespace: 'web', serviceAccount: 'elsewhere' };
const TWO_NAMESPACES = { ...table(true), callers: [...table(true).callers, ELSEWHERE] };

describeMesh('the last caller of a namespace', { table: TWO_NAMESPACES, manifests: BEFORE }, (mesh) => {
  test('the last caller of a namespace is let in until its Gateway is deleted', async () => {
    const left = applied(manifests('stays', 'elsewhere'), manifests('stays'));
    await mesh.apply(left);
    expect(await isAnswered(mesh, 'elsewhere')).toBe(true);
    await mesh.apply(left.filter((object) => !isGatewayOf('web', object)));
    expect(await isAnswered(mesh, 'elsewhere')).toBe(false);
    expect(await isAnswered(mesh, 'stays')).toBe(true);
  });

  test.each(['owner', 'namePrefix'])(
    'with another %s the former callers are let in until the former objects are deleted',
    async (prop) => {
      const renamed = manifestsWith({ [prop]: 'other' }, 'stays').map(({ metadata, ...object }) => ({
        ...object,
        metadata: { ...metadata, creationTimestamp: '2025-01-01T00:00:00Z' },
      }));
      await mesh.apply(applied(BEFORE, renamed));
      expect(await isAnswered(mesh, 'leaves')).toBe(true);
      await mesh.apply(renamed);
      expect(await isAnswered(mesh, 'leaves')).toBe(false);
      expect(await isAnswered(mesh, 'stays')).toBe(true);
    },
  );
});

describeMesh('a gateway without istiod', { table: table(true), manifests: BEFORE }, (mesh) => {
  test('a pod of the gateway that does not hear from istiod goes on letting it in', async () => {
    await mesh.apply(BEFORE);
    const { id } = mesh.lab.pods.find(({ role }) => role === 'router')!;
    const istiod = (action: '-I' | '-D') =>
      mesh.lab.shellOf(id).must('iptables-nft', [action, 'INPUT', '-s', ISTIOD_ADDRESS, '-j', 'DROP']);
    await istiod('-I');
    await mesh.lab.apply('manifests', AFTER);
    expect(await happens(mesh, 'leaves', false, HELD_SECONDS)).toBe(false);
    await istiod('-D');
    expect(await happens(mesh, 'leaves', false)).toBe(true);
  });
});

/**
 * Asks a gateway for a page with a certificate, keeping the TLS session in a file, or without one in that session; once
 * more on the same connection when another file is there. It prints the statuses.
 */
const KEEPING = `
  const fs = require('fs');
  const [host, name, kept, again, certificate, key] = process.argv.slice(1);
  const own = certificate
    ? { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) }
    : { session: fs.readFileSync(kept) };
  const socket = require('tls').connect({ host, port: 8443, servername: name, rejectUnauthorized: false, ...own });
  const ask = () => socket.write('GET / HTTP/1.1\\r\\nHost: ' + name + '\\r\\n\\r\\n');
  let text = '';
  const statuses = () => (text.match(/^HTTP.1.1 \\d+/gm) || []).map((line) => line.slice(9));
  const end = () => { console.log(statuses().join()); process.exit(); };
  socket.on('secureConnect', ask).on('data', (more) => (text += more)).on('error', end).on('close', end);
  socket.on('session', (session) => certificate && fs.writeFileSync(kept, session));
  let isAsked = false;
  setInterval(() => {
    if (statuses().length === 0) return;
    if (!again || statuses().length === 2) end();
    fs.writeFileSync(again + '-began', '');
    if (isAsked || !fs.existsSync(again)) return;
    isAsked = true;
    ask();
  }, 50);
`;

/** Long enough to call twice. */
const BRIEF_SECONDS = 10;
const RAW = { name: 'raw', namespace: 'shop', serviceAccount: 'raw', capture: { includeOutboundIPRanges: '' } };
const withRaw = { ...table(true), callers: [...table(true).callers, RAW] };

describeMesh('a certificate that runs out', { table: withRaw, manifests: BEFORE }, (mesh) => {
  test('a certificate that runs out takes nobody out', async () => {
    await mesh.apply(BEFORE);
    const gateway = mesh.lab.pods.find(({ role }) => role === 'router')!.address;
    const name = HOP_NAMES.find((one) => one.startsWith('http-'))!;
    const [kept, again] = ['kept', 'again'].map((file) => mesh.lab.logFile(file));
    const end = Date.now() + 1000 * (BRIEF_SECONDS + 1);
    const pair = await mesh.lab.briefIdentity('spiffe://cluster.local/ns/shop/sa/leaves', BRIEF_SECONDS);
    const ask = async (...args: string[]) =>
      (await mesh.lab.shellOf('raw').must(process.execPath, ['-e', KEEPING, gateway, name, kept, ...args])).trim();
    const dressed = [pair.certificate, pair.key];
    const open = ask(again, ...dressed);
    await Promise.race([open, until('the connection', () => fs.existsSync(`${again}-began`))]);
    expect(await ask('', ...dressed)).toBe('200');
    await sleep(end - Date.now());
    expect(await ask('', ...dressed)).toBe('');
    expect(await ask('')).toBe('200');
    fs.writeFileSync(again, '');
    expect(await open).toBe('200,200');
    await mesh.apply(AFTER);
    expect(await ask('')).toBe('');
  });
});

const TENANTS = ['shop', 'web'];
const OF_TENANTS = synthesise((app) => {
  const gateway = new EgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit');
  gateway.lockdown();
  for (const namespace of TENANTS) {
    new GatewayEgress(new Chart(app, namespace, { namespace }), 'partner', {
      gateway,
      hosts: [`${namespace}.partner.com`],
      callers: [Caller.serviceAccount(namespace, 'one')],
    });
  }
});
const tenants = {
  ...withRaw,
  external: TENANTS.map((namespace) => ({
    host: `${namespace}.partner.com`,
    http: 'ok' as const,
    https: 'ok' as const,
  })),
};
/** The private name by which a namespace's only caller reaches the gateway by HTTP. */
const hopOf = (namespace: string): string =>
  OF_TENANTS.flatMap(({ kind, spec }) => (kind === 'Gateway' ? spec.servers : []))
    .filter(({ tls }) => tls.subjectAltNames?.includes(`spiffe://cluster.local/ns/${namespace}/sa/one`))
    .flatMap(({ hosts }) => hosts.map((host: string) => host.split('/').pop()!))
    .find((name: string) => name.startsWith('http-'));

describeMesh('sessions with the gateway', { table: tenants, manifests: OF_TENANTS }, (mesh) => {
  test.each(['1.2', '1.3'])('a session with one hop does not open another, by TLS %s', async (version) => {
    await mesh.apply(OF_TENANTS);
    const gateway = mesh.lab.pods.find(({ role }) => role === 'router')!.address;
    const kept = mesh.lab.logFile(`kept-${version}`);
    const pair = await mesh.lab.briefIdentity('spiffe://cluster.local/ns/shop/sa/one', 600);
    const ask = async (name: string, ...args: string[]) => {
      const program = [`--tls-max-v${version}`, '-e', KEEPING, gateway, name, kept, '', ...args];
      return (await mesh.lab.shellOf('raw').must(process.execPath, program)).trim();
    };
    expect(await ask(hopOf('shop'), pair.certificate, pair.key)).toBe('200');
    expect([await ask(hopOf('shop')), await ask(hopOf('web'))]).toEqual(['200', '']);
  });
});

/** Writes a file when it listens, takes connections and says nothing, until another is there; prints how many it took. */
const SILENT = `
  const fs = require('fs');
  const [listening, end] = process.argv.slice(1);
  let taken = 0;
  const server = require('net').createServer((socket) => { taken++; socket.on('error', () => undefined); });
  server.listen(7000, () => fs.writeFileSync(listening, ''));
  setInterval(() => {
    if (!fs.existsSync(end)) return;
    console.log(taken);
    process.exit();
  }, 100);
`;

/** Where istiod serves no more proxies at a time than wait for them. */
const HELD_UP = 'keys that do not come delay it, where istiod fetches them';
const NOT_HELD_UP = 'keys that do not come delay nothing, where proxies fetch them';

/** For so long istiod waits at most, while something changes all the time; it is all the time if it is so often. */
const DEBOUNCE_SECONDS = { max: 8, after: 2 };

/** Who fetches the keys of RequestAuthentications. */
for (const isFetchedByIstiod of [true, false]) {
  const env = {
    PILOT_PUSH_THROTTLE: '2',
    PILOT_JWT_ENABLE_REMOTE_JWKS: isFetchedByIstiod ? 'istiod' : 'envoy',
    ...(!isFetchedByIstiod && {
      PILOT_DEBOUNCE_AFTER: `${DEBOUNCE_SECONDS.after}s`,
      PILOT_DEBOUNCE_MAX: `${DEBOUNCE_SECONDS.max}s`,
    }),
  };
  const callers = [
    ...table(true).callers,
    ...['a', 'b', 'c'].map((name) => ({ name, namespace: 'other', serviceAccount: name })),
    { name: 'silent', namespace: 'other', serviceAccount: 'silent', capture: { excludeInboundPorts: '7000' } },
  ];
  const world = {
    table: { ...table(true), callers },
    manifests: BEFORE,
    helmValues: JSON.stringify({ pilot: { env } }),
    // That there are no keys is no fault of the objects under test.
    tolerate: [/jwks|public key/i],
  };
  describeMesh(isFetchedByIstiod ? 'istiod fetches keys' : 'proxies fetch keys', world, (mesh) => {
    test(isFetchedByIstiod ? HELD_UP : NOT_HELD_UP, async () => {
      await mesh.apply(BEFORE);
      const { address } = mesh.lab.pods.find(({ id }) => id === 'silent')!;
      const [listening, end] = ['listening', 'end'].map((name) => mesh.lab.logFile(`silent-${name}`));
      const silent = mesh.lab.shellOf('silent').must(process.execPath, ['-e', SILENT, listening, end]);
      await until('a host that says nothing', () => fs.existsSync(listening));
      await mesh.lab.apply('foreign', [
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'RequestAuthentication',
          metadata: { name: 'foreign', namespace: 'other' },
          spec: { jwtRules: [{ issuer: 'own', timeout: '3600s', jwksUri: `http://${address}:7000/` }] },
        },
      ]);
      const served = mesh.lab.istiod.barrier(mesh.lab.proxies.length, isFetchedByIstiod ? 3 : 60);
      if (isFetchedByIstiod) await expect(served).rejects.toThrow(/not acknowledged/);
      await served.catch(() => undefined);
      await mesh.lab.apply('manifests', AFTER);
      if (isFetchedByIstiod) expect(await happens(mesh, 'leaves', false, HELD_SECONDS)).toBe(false);
      else expect(await happens(mesh, 'leaves', false)).toBe(true);
      fs.writeFileSync(end, '');
      expect(await happens(mesh, 'leaves', false)).toBe(true);
      expect(Number(await silent) > 0).toBe(isFetchedByIstiod);
    });

    if (isFetchedByIstiod) return;

    test('whoever changes something all the time delays it by as long as istiod waits', async () => {
      await force(mesh, 'foreign', []);
      await mesh.apply(BEFORE);
      let isRefused = false;
      const changing = (async () => {
        for (let number = 1; !isRefused; number++) {
          await mesh.lab.apply('foreign', [
            {
              apiVersion: 'v1',
              kind: 'Service',
              metadata: { name: 'foreign', namespace: 'other', labels: { number: String(number) } },
              spec: { selector: { app: 'nobody' }, ports: [{ name: 'http', port: 80 + (number % 2) }] },
            },
          ]);
          await sleep(100);
        }
      })();
      await sleep(DEBOUNCE_SECONDS.max * 100);
      await mesh.lab.apply('manifests', AFTER);
      const [soon, late] = [
        await happens(mesh, 'leaves', false, DEBOUNCE_SECONDS.max / 2),
        await happens(mesh, 'leaves', false, DEBOUNCE_SECONDS.max * 2),
      ];
      isRefused = true;
      await changing;
      expect([soon, late]).toEqual([false, true]);
    });
  });
}

const PROVIDER = 'keys.example.com';
/** A private entry for the host that has the keys. */
const keysIn = (namespace: string): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'keys', namespace },
  spec: {
    hosts: [PROVIDER],
    exportTo: ['.'],
    resolution: 'NONE',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
  },
});
const CHECKED: KubeObject = {
  apiVersion: 'security.istio.io/v1',
  kind: 'RequestAuthentication',
  metadata: { name: 'checked', namespace: 'egress' },
  spec: { jwtRules: [{ issuer: 'own', jwksUri: `http://${PROVIDER}/` }] },
};

const DECIDES_NOTHING = 'a private entry of another team for their host does not decide who fetches keys';
const DECIDES = 'a private entry of another team for their host decides who fetches keys';

for (const mode of ['envoy', 'hybrid']) {
  const world = {
    table: table(true),
    manifests: BEFORE,
    helmValues: JSON.stringify({ pilot: { env: { PILOT_JWT_ENABLE_REMOTE_JWKS: mode } } }),
    // That there are no keys is no fault of the objects under test.
    tolerate: [/jwks|public key/i],
  };
  describeMesh(`who fetches keys, by ${mode}`, world, (mesh) => {
    test(mode === 'envoy' ? DECIDES_NOTHING : DECIDES, async () => {
      const gateway = mesh.lab.proxies.find(({ pod }) => pod.role === 'router')!;
      const isFetchedByProxy = async (...namespaces: string[]) => {
        await mesh.apply([...BEFORE, CHECKED, ...namespaces.map(keysIn)]);
        const dump = JSON.parse(await gateway.admin('/config_dump?resource=dynamic_listeners'));
        const listeners = JSON.stringify(dump.configs.map((one: { active_state: object }) => one.active_state));
        return listeners.includes('remote_jwks');
      };
      const alone = [await isFetchedByProxy(), await isFetchedByProxy('other')];
      const beside = [await isFetchedByProxy('egress'), await isFetchedByProxy('egress', 'other')];
      if (mode === 'envoy') expect([...alone, ...beside]).toEqual([true, true, true, true]);
      else expect({ alone, beside }).toEqual({ alone: [false, true], beside: [true, false] });
    });
  });
}
