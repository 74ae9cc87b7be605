import { disturbed, policy, sidecar } from './disturbances';
import { database, declared, HopKind, plainRoute, sidecarOrigination, throughGateway, wildcard } from './egress-paths';
import { exampleManifests } from './examples';
import { Random } from './random';
import { setting } from './settings';
import { ADDRESS, DATABASES, EDGE, EGRESS, STRAY_ADDRESS, WEB_HOSTS } from './table';
import { object, plain, Request, World, WorldObject } from './world';
import { MeshSettings } from '../../../src/access/access-table';

/** Objects written for some hosts. */
interface Written {
  readonly objects: WorldObject[];
  readonly hosts: string[];
  readonly tcp?: boolean;
}

const examples = exampleManifests();

/**
 * Makes the world of a number; the same number always gives the same world. Those of the first series have no settings:
 * in them the model has no known disagreement. docs/model.md lists those of the second.
 */
export function generateWorld(seed: number, series: 'first' | 'second' = 'second'): World {
  const random = new Random(seed);
  const written = Array.from(
    {
      length: random.weighted([
        [5, 1],
        [4, 2],
        [1, 3],
      ]),
    },
    (_, index) => write(random, `w${index}`),
  );
  const hosts = [...new Set(written.flatMap((one) => one.hosts))];
  let objects = written.flatMap((one) => one.objects);
  if (random.chance(0.12)) objects.push(sidecar(random, hosts));
  if (random.chance(0.15)) objects.push(policy(random, random.pick(hosts), 'callers'));
  const disturbances = random.weighted([
    [3, 0],
    [4, 1],
    [3, 2],
    [1, 3],
  ]);
  for (let index = 0; index < disturbances; index++) objects = disturbed(random, objects, hosts, `other-${index}`);
  const asked = requests(
    random,
    hosts,
    written.some((one) => one.tcp),
  );
  const meshes = series === 'first' ? MESHES.slice(0, FIRST) : MESHES;
  const mesh = meshes[seed % meshes.length];
  const settings = Array.from({ length: series === 'first' ? 0 : random.weighted(SETTINGS) }, (_, index) =>
    setting(random, { host: random.pick(hosts), name: `set-${index}`, gateway: EGRESS, mesh }),
  );
  return {
    name: String(seed),
    mesh,
    objects: aged(random, unique([...settings.flatMap((one) => one.objects), ...objects])),
    requests: believed([
      ...settings.flatMap((one) => one.requests),
      ...(settings.length > 0 ? asked.slice(0, 4) : asked),
    ]),
  };
}

const ONLY: MeshSettings = { outboundTrafficPolicy: 'REGISTRY_ONLY' };
const ANY: MeshSettings = { outboundTrafficPolicy: 'ALLOW_ANY' };
/** The meshes of the worlds, in turn. Each needs a lab of its own. */
const MESHES: readonly MeshSettings[] = [
  ...[ONLY, ONLY, ONLY, ANY, ONLY],
  { ...ONLY, pathNormalization: 'DECODE_AND_MERGE_SLASHES' },
  { ...ONLY, dnsCapture: true },
  ANY,
];
/** How many of the meshes the first series has. */
const FIRST = 5;
/** How many settings a world has. */
const SETTINGS: readonly (readonly [number, number])[] = [
  [1, 0],
  [4, 1],
  [2, 2],
];

function write(random: Random, name: string): Written {
  const host = random.weighted([
    [12, random.pick(WEB_HOSTS)],
    [2, 'partner.example.net'],
    [1, 'odd.example.net'],
    [1, 'self.example.net'],
  ]);
  const gateway = random.chance(0.85) ? EGRESS : EDGE;
  const through = (kind: HopKind) => ({ objects: throughGateway(random, host, name, kind, gateway), hosts: [host] });
  return random.weighted<() => Written>([
    [5, () => ({ objects: [declared(random, host, name)], hosts: [host] })],
    [3, () => ({ objects: [declared(random, host, name), plainRoute(random, host, `${name}-route`)], hosts: [host] })],
    [5, () => ({ objects: sidecarOrigination(random, host, name), hosts: [host] })],
    [3, () => through('plain')],
    [4, () => through('mutual')],
    [2, () => through('passthrough')],
    [3, () => through('tls-in-mutual')],
    [
      1,
      () => ({
        objects: throughGateway(
          random,
          'db.example.org',
          name,
          random.pick(['tcp', 'tcp-in-mutual', 'tcp-in-mutual']),
          gateway,
        ),
        hosts: ['db.example.org'],
        tcp: true,
      }),
    ],
    [2, () => ({ objects: [wildcard(random, name)], hosts: ['www.example.com', 'api.example.com'] })],
    [2, () => ({ objects: [database(random, random.pick(DATABASES), name)], hosts: ['db.example.org'], tcp: true })],
    [
      3,
      () => {
        const example = random.pick(examples);
        return { objects: plain(example.objects), hosts: example.hosts };
      },
    ],
    [
      0.5,
      () => ({
        objects: [
          object(
            'ServiceEntry',
            'shop',
            name,
            plain({
              hosts: ['news.example.com', 'api.example.com'],
              location: 'MESH_EXTERNAL',
              resolution: random.pick(['DNS', 'NONE']),
              ports: [
                { number: 80, name: 'http', protocol: 'HTTP' },
                { number: 443, name: 'tls', protocol: 'TLS' },
              ],
            }),
          ),
        ],
        hosts: ['news.example.com', 'api.example.com'],
      }),
    ],
  ])();
}

/** An API server holds one object of a kind, namespace and name. */
function unique(objects: WorldObject[]): WorldObject[] {
  return [
    ...new Map(objects.map((one) => [`${one.kind}/${one.metadata.namespace}/${one.metadata.name}`, one])).values(),
  ];
}

/** Istio settles many conflicts by age, so every object has one; some are equal. */
function aged(random: Random, objects: WorldObject[]): WorldObject[] {
  const order = random.shuffled(objects.map((_, index) => index));
  const ties = random.chance(0.1);
  return objects.map((one, index) => {
    const seconds = ties ? Math.floor(order[index] / 2) : order[index];
    return {
      ...one,
      metadata: {
        ...one.metadata,
        creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString().replace('.000', ''),
      },
    };
  });
}

function requests(random: Random, hosts: string[], tcp: boolean): Request[] {
  const caller = () =>
    random.weighted([
      [6, 'checkout'],
      [3, 'crawler'],
      [3, 'stranger'],
    ]);
  const web = hosts.filter((host) => !DATABASES.includes(host));
  const asked: Request[] = web.flatMap((host): Request[] => [
    { from: 'checkout', request: `http://${host}/` },
    { from: 'checkout', request: `https://${host}/` },
    { from: random.pick(['crawler', 'stranger']), request: `http://${host}/` },
    { from: random.pick(['crawler', 'stranger']), request: `https://${host}/` },
  ]);
  const host = web.length > 0 ? random.pick(web) : random.pick(WEB_HOSTS);
  const other = random.pick(WEB_HOSTS.filter((one) => one !== host));
  const variants: (readonly [number, () => Request])[] = [
    [2, () => ({ from: caller(), request: `http://${other}/` })],
    [2, () => ({ from: caller(), request: `https://${other}/` })],
    [1, () => ({ from: caller(), request: `http://${host}/`, dial: random.pick([ADDRESS[other], STRAY_ADDRESS]) })],
    [1, () => ({ from: caller(), request: `https://${host}/`, dial: random.pick([ADDRESS[other], STRAY_ADDRESS]) })],
    [
      1,
      () => ({
        from: caller(),
        request: `http://${host}/`,
        headers: { Host: random.pick([`${host}:80`, host.toUpperCase(), `${host}.`, other]) },
      }),
    ],
    [1, () => ({ from: caller(), request: `http://${host}:8080/` })],
    [0.5, () => ({ from: caller(), request: `https://${host}:8443/` })],
    [1, () => ({ from: caller(), request: `http://${host}/api/orders`, method: 'POST' })],
    [1, () => ({ from: caller(), request: `http://${host}/`, headers: { 'x-env': 'canary' } })],
    [tcp ? 6 : 0.5, () => ({ from: caller(), request: 'tcp://db.example.org:5432' })],
    [tcp ? 2 : 0.2, () => ({ from: caller(), request: 'tcp://db2.example.org:5432' })],
    [tcp ? 1 : 0.1, () => ({ from: caller(), request: 'tcp://db.example.org:3306' })],
  ];
  const plainly = random.some(asked, Math.min(3, asked.length), 5);
  const chosen = [
    ...plainly,
    ...Array.from({ length: 2 + random.below(2) + (tcp ? 2 : 0) }, () => random.weighted(variants)()),
  ];
  return chosen;
}

/**
 * Each request once. An application rejects a certificate for another name; that answer does not come from the mesh.
 */
function believed(asked: Request[]): Request[] {
  const heard = asked.filter((request) => !/^https:\/\/(odd|self)\./.test(request.request));
  return [...new Map(heard.map((request) => [JSON.stringify(request), request])).values()];
}
