/**
 * Whether the errors that rules find in generated worlds are errors: for each finding, a request to which something
 * else happens than the object says. `npx tsx test/rules/generated.ts [recorded file…]` prints a table for the worlds
 * of test/model/recorded, or those of other recordings. Who shows it: an answer of the mesh; the
 * model's answer to another request, which agrees with the mesh on these worlds; or the model's for the objects alone,
 * where other faults of the world keep every request from them.
 */
import * as fs from 'fs';
import { AccessTable, ExternalHost, TableCaller } from '../../src/access/access-table';
import { covers } from '../../src/istio/hosts';
import { Answer } from '../../src/model';
import { checkManifests, Finding } from '../../src/rules';
import { modelOf } from '../model/compare';
import { MeshAnswer, RecordedWorld } from '../model/worlds/recorded';
import { readRecorded } from '../model/worlds/recorded-file';
import { CALLER_NAMESPACES, NAMESPACES, ROOT, STRAY_ADDRESS, tableOf, WEB_HOSTS } from '../model/worlds/table';
import { object, Request, WorldObject } from '../model/worlds/world';

type Ask = (request: Request) => Answer;
type Seen = Answer | MeshAnswer;

/** A world in which a rule found an error. */
class Case {
  constructor(
    public readonly world: RecordedWorld,
    public readonly finding: Finding,
    private readonly models: Models,
    /** The objects that the finding names. */
    public readonly named = finding.origins.map(
      (origin) => world.objects[Number(origin.slice('document '.length)) - 1],
    ),
  ) {}

  public ask(request: Request): Answer {
    return this.models.as('written', this.world.objects)(request);
  }

  /** The same with other certificates at all external hosts. */
  public askWith(certificate: ExternalHost['certificate']): Ask {
    return this.models.as(certificate!, this.world.objects, certificate);
  }

  /** The same with other objects, and in an open mesh where the manifests do not say which it is. */
  public askOf(objects: readonly WorldObject[], certificate?: ExternalHost['certificate']): Ask {
    return this.models.of(objects, certificate);
  }

  /** Whether the answer was decided by an object that the finding names. */
  public isDecided(answer: Answer): boolean {
    const refs = [...answer.causes, ...answer.steps.flatMap(({ decidedBy }) => decidedBy)];
    return this.named.some(({ kind, metadata }) =>
      refs.some((ref) => ref.kind === kind && ref.namespace === metadata.namespace && ref.name === metadata.name),
    );
  }

  /** Requests of every caller to every host that the finding's objects name. */
  public requests(): Request[] {
    const named = new Set(
      this.named.flatMap(({ spec }) => [...(spec.hosts ?? []), ...(spec.host ? [spec.host] : []), ...inPolicy(spec)]),
    );
    const { external } = tableOf({});
    const covered = external.filter(({ host }) => [...named].some((one) => covers(one, host)));
    const ports = new Set(
      this.world.objects.flatMap(({ kind, spec }) =>
        kind === 'ServiceEntry' ? (spec.ports ?? []).map(({ number }: any) => number) : [],
      ),
    );
    const urls = (covered.length > 0 ? covered : external).flatMap(({ host }) => [
      ...['/', '/api/items', '/else'].map((path) => `http://${host}${path}`),
      `https://${host}/`,
      ...[...ports]
        .filter((port) => port !== 80 && port !== 443)
        .flatMap((port) => [`http://${host}:${port}/`, `https://${host}:${port}/`, `tcp://${host}:${port}`]),
    ]);
    return CALLERS.flatMap(({ name: from }) => urls.map((request) => ({ from, request })));
  }
}

function inPolicy(spec: any): string[] {
  return (spec.rules ?? []).flatMap((rule: any) => [
    ...(rule.to ?? []).flatMap(({ operation }: any) => operation?.hosts ?? []),
    ...(rule.when ?? []).flatMap(({ values = [] }: any) => values),
  ]);
}

/** The callers of the recorded worlds, and one in each other namespace. */
const CALLERS: readonly TableCaller[] = [
  ...tableOf({}).callers,
  ...NAMESPACES.filter((namespace) => !CALLER_NAMESPACES.includes(namespace)).map((namespace) => ({
    name: `in-${namespace}`,
    namespace,
    serviceAccount: 'default',
  })),
];

/** Models of one mesh; that of the world as it is, and those with other certificates, are made once. */
class Models {
  private readonly table: AccessTable;
  private readonly known = new Map<string, Ask>();

  constructor(mesh: RecordedWorld['mesh']) {
    this.table = { ...tableOf(mesh), callers: [...CALLERS] };
  }

  public as(name: string, objects: readonly WorldObject[], certificate?: ExternalHost['certificate']): Ask {
    let ask = this.known.get(name);
    if (!ask) this.known.set(name, (ask = this.of(objects, certificate)));
    return ask;
  }

  public of(objects: readonly WorldObject[], certificate?: ExternalHost['certificate']): Ask {
    const { external } = this.table;
    return modelOf(objects, {
      ...this.table,
      external: certificate ? external.map((host) => ({ ...host, https: 'ok', certificate })) : external,
    });
  }
}

const isTls = ({ request }: Request) => request.startsWith('https:');
const isOriginated = ({ tlsOriginatedBy }: Seen) => tlsOriginatedBy === 'sidecar' || tlsOriginatedBy === 'gateway';
const isRefused = ({ outcome }: Seen) => outcome === 'refused';
const sameAnswer = (a: Answer, b: Answer) =>
  [
    'outcome',
    'status',
    'symptom',
    'by',
    'via',
    'answeredBy',
    'tlsOriginatedBy',
    'plaintextToHost',
    'destination',
  ].every((field) => a[field as keyof Answer] === b[field as keyof Answer]);
const isAnsweredByAnother = (answer: Seen, { request }: Request) =>
  answer.outcome === 'answered' && answer.answeredBy !== undefined && answer.answeredBy !== new URL(request).hostname;

/** What an answer must be to show what a rule says, where one answer shows it. */
const HARM: Readonly<Record<string, (answer: Seen, request: Request, ask: Ask) => boolean>> = {
  // At a gateway it is the certificate of the gateway that nobody verifies.
  'certificate-not-verified': (answer) =>
    answer.outcome === 'answered' && (isOriginated(answer) || answer.via === 'gateway'),
  'unverified-name': (answer) => answer.outcome === 'answered' && isOriginated(answer),
  'double-tls': (answer, request) => isRefused(answer) && isTls(request),
  'plaintext-to-tls-port': (answer) => answer.plaintextToHost === true,
  'http-route-to-tls-port': (answer) => answer.plaintextToHost === true,
  'tls-port-as-http': (answer, request) => isTls(request) && (isRefused(answer) || answer.via === 'undeclared'),
  'shared-tcp-address': (answer, request) => isRefused(answer) || isAnsweredByAnother(answer, request),
  'deny-host-without-port': (answer, request, ask) =>
    isRefused(answer) &&
    request.request.startsWith('http:') &&
    ask({ ...request, headers: { host: `${new URL(request.request).hostname}:80` } }).outcome === 'answered',
  // Nothing is denied.
  'policy-at-the-caller': (answer) => answer.outcome === 'answered',
};

/** Rules whose harm needs another world: other certificates at the external hosts. */
const CERTIFICATE: Readonly<Record<string, ExternalHost['certificate']>> = {
  'certificate-not-verified': 'unknown-ca',
  'unverified-name': 'wrong-name',
};

/** Rules whose harm shows beside the answers in another world, in which the objects are as their authors meant them. */
const MEANT: Readonly<
  Record<string, (one: Case, objects: readonly WorldObject[]) => readonly (readonly WorldObject[])[]>
> = {
  // Each of the routes, servers and entries is meant to count.
  'mesh-route-conflict': withoutOthers,
  'gateway-server-conflict': withoutOthers,
  'tcp-port-capture': withoutOthers,
  'range-takes-names': ({ named }, objects) => [objects.filter((one) => one !== named[0])],
  'sidecar-without-mode': ({ named }, objects) => [
    changed(objects, named[0], (spec) => ({ ...spec, outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } })),
  ],
  'match-gateway-not-listed': ({ named }, objects) => [
    changed(objects, named[0], (spec) => ({
      ...spec,
      gateways: [
        ...(spec.gateways ?? ['mesh']),
        ...routesOf(spec).flatMap(({ match = [] }) => match.flatMap(({ gateways = [] }: any) => gateways)),
      ],
    })),
  ],
};

function changed(objects: readonly WorldObject[], which: WorldObject, change: (spec: any) => any): WorldObject[] {
  return objects.map((one) => (one === which ? { ...one, spec: change(one.spec) } : one));
}

function withoutOthers({ named }: Case, objects: readonly WorldObject[]): WorldObject[][] {
  return named.map((kept) => objects.filter((one) => one === kept || !named.includes(one)));
}

function routesOf({ http = [], tls = [], tcp = [] }: any): any[] {
  return [...http, ...tls, ...tcp];
}

/** Who shows that a finding is right. */
export type Confirmed = 'mesh' | 'model' | 'alone' | undefined;

export function confirm(one: Case): Confirmed {
  const { code } = one.finding;
  const asked = [...one.world.answers.map(({ request }) => request), ...one.requests()];
  if (MEANT[code]) {
    const differs = (written: readonly WorldObject[], meant: readonly WorldObject[]) => {
      const [now, then] = [one.askOf(written), one.askOf(meant)];
      return [...asked, ...strays(one)].some((request) => !sameAnswer(now(request), then(request)));
    };
    if (MEANT[code](one, one.world.objects).some((meant) => differs(one.world.objects, meant))) return 'model';
    return [aloneOf(one), unhindered(one)].some((alone) =>
      MEANT[code](one, alone).some((meant) => differs(alone, meant)),
    )
      ? 'alone'
      : undefined;
  }
  const harm = HARM[code] ?? isRefused;
  const certificate = CERTIFICATE[code];
  const shows = (ask: Ask) =>
    asked.some((request) => {
      const answer = ask(request);
      return one.isDecided(answer) && harm(answer, request, ask);
    });
  if (!certificate)
    for (const { request, answer } of one.world.answers) {
      const own = one.ask(request);
      if (one.isDecided(own) && harm(own, request, (other) => one.ask(other)) && harm(answer, request, one.ask))
        return 'mesh';
    }
  if (shows(certificate ? one.askWith(certificate) : (request) => one.ask(request))) return 'model';
  const alone = [aloneOf(one), declaredAlone(one), routedAlone(one), usedAlone(one), unhindered(one)];
  if (alone.some((objects) => shows(one.askOf(objects, certificate)))) return 'alone';
  return code === 'unverified-name' && shows(one.askOf(usedAlone(one, asNobody), 'good')) ? 'alone' : undefined;
}

/** The objects of the finding, with what declares their hosts and the Gateways that they name. */
function aloneOf({ world, named }: Case): readonly WorldObject[] {
  const hosts = named.flatMap(({ spec }) => [
    ...(spec.hosts ?? []),
    ...(spec.host ? [spec.host] : []),
    ...routesOf(spec).flatMap(({ route = [] }) => route.map(({ destination }: any) => destination.host)),
  ]);
  return world.objects.filter(
    (one) =>
      named.includes(one) ||
      one.kind === 'Gateway' ||
      (one.kind === 'ServiceEntry' &&
        one.spec.hosts.some((host: string) => hosts.some((other) => covers(host, other)))),
  );
}

/** The same with hosts declared as the routes need it. */
function declaredAlone(one: Case): readonly WorldObject[] {
  const hosts = new Set(
    one.named.filter(({ kind }) => kind === 'VirtualService').flatMap(({ spec }) => spec.hosts as string[]),
  );
  return [...aloneOf(one).filter(({ kind }) => kind !== 'ServiceEntry'), ...declarations([...hosts])];
}

function declarations(hosts: readonly string[]): WorldObject[] {
  return hosts.map((host, at) =>
    object('ServiceEntry', ROOT, `declared-${at}`, {
      hosts: [host],
      resolution: 'DNS',
      ports: [
        { number: 80, name: 'http', protocol: 'HTTP' },
        { number: 443, name: 'tls', protocol: 'TLS' },
      ],
    }),
  );
}

/** The same, with the HTTP route to the host itself as the only one, for sidecars. */
function routedAlone(one: Case): readonly WorldObject[] {
  return declaredAlone(one).map((other) => {
    if (other.kind !== 'VirtualService') return other;
    const { hosts, http = [] } = other.spec;
    const [destination] = http
      .flatMap(({ route = [] }: any) => route.map((to: any) => to.destination))
      .filter(({ host }: any) => hosts.includes(host));
    const { subset: _missing, ...to } = destination ?? {};
    const { namespace, name } = other.metadata;
    return object('VirtualService', namespace, name, { hosts, http: [{ route: [{ destination: to }] }] });
  });
}

/**
 * The whole world with every host declared as routes need it, everything visible, hops that take any identity, and
 * certificates that exist.
 */
function unhindered({ world, named }: Case): readonly WorldObject[] {
  const others = world.objects.filter((one) => !named.includes(one) && !['ServiceEntry', 'Sidecar'].includes(one.kind));
  const visible = JSON.parse(JSON.stringify(others), (key, value) => {
    if (key === 'credentialName') return 'partner-client';
    return key === 'exportTo' || key === 'subjectAltNames' ? undefined : value;
  });
  const own = named.flatMap(({ kind, spec }) => (kind === 'ServiceEntry' ? spec.hosts : []));
  const hosts = new Set<string>(
    world.objects.flatMap(({ kind, spec }) => (kind === 'VirtualService' ? spec.hosts : [])),
  );
  return [...named, ...visible, ...declarations([...hosts].filter((host) => !own.includes(host)))];
}

/** A rule that asks for a name that no certificate has, and whose Secret is not in the way. */
function asNobody(rule: WorldObject): WorldObject {
  const { workloadSelector: _everyone, ...spec } = rule.spec;
  return JSON.parse(JSON.stringify({ ...rule, spec }), (key, value) =>
    key === 'tls' ? { mode: 'SIMPLE', sni: 'nobody.example', subjectAltNames: value.subjectAltNames } : value,
  );
}

/** DestinationRules of the finding, and routes of their own namespaces that use them. */
function usedAlone({ named }: Case, change = (rule: WorldObject) => rule): readonly WorldObject[] {
  return named
    .filter(({ kind }) => kind === 'DestinationRule')
    .flatMap((rule) => {
      const { namespace } = rule.metadata;
      const { host, trafficPolicy, subsets = [] } = rule.spec;
      const policies = [
        { policy: trafficPolicy },
        ...subsets.map((one: any) => ({ policy: one.trafficPolicy, subset: one.name })),
      ];
      const [use] = policies.flatMap(({ policy, subset }) => [
        ...(policy?.portLevelSettings ?? [])
          .filter(({ tls }: any) => tls)
          .map(({ port }: any) => ({ port: port.number, subset })),
        ...(policy?.tls ? [{ port: 443, subset }] : []),
      ]);
      const own = host.startsWith('*') ? WEB_HOSTS[1] : host;
      const port = use?.port ?? 443;
      return [
        change(rule),
        object('ServiceEntry', namespace, 'used', {
          hosts: [own],
          resolution: 'DNS',
          ports: [
            { number: 80, name: 'http', protocol: 'HTTP', ...(port === 80 ? { targetPort: 443 } : {}) },
            ...(port === 80 ? [] : [{ number: port, name: 'tls', protocol: 'TLS', targetPort: 443 }]),
          ],
        }),
        object('VirtualService', namespace, 'used', {
          hosts: [own],
          http: [
            {
              route: [
                { destination: { host: own, port: { number: port }, ...(use?.subset ? { subset: use.subset } : {}) } },
              ],
            },
          ],
        }),
      ];
    });
}

/** Connections to an address that belongs to no host. */
function strays(one: Case): Request[] {
  return one.requests().map((request) => ({ ...request, dial: STRAY_ADDRESS }));
}

/** The errors in a world. */
export function errorsIn(world: RecordedWorld): Case[] {
  const objects = world.objects.map((manifest, index) => ({ manifest, origin: `document ${index + 1}` }));
  const models = new Models(world.mesh);
  // Where the mesh refuses what is undeclared, a Sidecar without a mode opens nothing, which manifests do not show.
  const open = new Models({ ...world.mesh, outboundTrafficPolicy: 'ALLOW_ANY' });
  return checkManifests(objects)
    .filter(({ severity }) => severity === 'error')
    .map((finding) => new Case(world, finding, finding.code === 'sidecar-without-mode' ? open : models));
}

function main(files: readonly string[]): void {
  const worlds =
    files.length === 0
      ? readRecorded()
      : files
          .flatMap((file) => fs.readFileSync(file, 'utf8').split('\n').filter(Boolean))
          .map((line) => JSON.parse(line) as RecordedWorld)
          .filter(({ refused }) => !refused);
  const tally = new Map<string, { found: number; mesh: number; model: number; alone: number; not: string[] }>();
  for (const world of worlds) {
    for (const one of errorsIn(world)) {
      const { code } = one.finding;
      if (!tally.has(code)) tally.set(code, { found: 0, mesh: 0, model: 0, alone: 0, not: [] });
      const counts = tally.get(code)!;
      counts.found++;
      const by = confirm(one);
      if (by) counts[by]++;
      else counts.not.push(`${world.name}: ${one.finding.message}`);
    }
  }
  console.log(`${worlds.length} worlds`);
  console.log(
    '| rule | findings | shown by the mesh | by the model | for the objects alone | not shown |\n|---|---|---|---|---|---|',
  );
  for (const [code, { found, mesh, model, alone, not }] of [...tally].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`| ${code} | ${found} | ${mesh} | ${model} | ${alone} | ${not.length} |`);
  for (const [code, { not }] of tally) for (const text of not) console.log(`${code}: ${text}`);
}

if (require.main === module) main(process.argv.slice(2));
