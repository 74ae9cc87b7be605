/**
 * The mesh lab: a real istiod and real Envoys, in a world made from an access table.
 *
 *     const lab = await up({ table, manifests });     // namespaces, pods, proxies, external hosts; nothing applied yet
 *     try {
 *       await lab.apply('manifests', manifests);      // throws Refused where admission refuses; returns its warnings
 *       await lab.converge();                         // every proxy has acknowledged it; throws where one has refused
 *       const evidence = await lab.send(row);         // one request, and everything that was seen of it
 *       const { passed, differences } = judge(evidence);
 *       lab.errors();                                 // errors that istiod and the proxies have logged
 *     } finally {
 *       lab.down();                                   // also on Ctrl-C; after a crash the next lab cleans up
 *     }
 *
 * `apply(set, objects)` makes a named set of objects exactly these: a second call with other objects creates, changes
 * and deletes the difference, and `[]` removes the set. An object belongs to one set. Services get their address and
 * EndpointSlices as a cluster would give them. NetworkPolicies are enforced by a packet filter in each pod. Inputs of
 * istioctl and Helm, which no API server takes, are ignored. istiod caches for five minutes that an account may read
 * Secrets: to see the effect of a removed Role, start a new lab.
 */
import * as fs from 'fs';
import * as path from 'path';
import { AccessLine, addressOf, known, Tail } from './access-log';
import { binaries, Binaries } from './binaries';
import { complete, Evidence, lacksGatewayLine } from './evidence';
import { ExternalEvent, Placed, placed } from './external';
import { ExternalHosts } from './external-hosts';
import { Finding, Istiod, MeshConfiguration, NotAcknowledged } from './istiod';
import { idOf, KubeObject, ServiceController } from './kubernetes';
import { makeNetwork, serveNames } from './network';
import { Pair, Pki } from './pki';
import { PodShell } from './pod-shell';
import { PolicyEnforcer } from './policy-enforcer';
import { until } from './processes';
import { program } from './programs';
import { Proxy, tail } from './proxy';
import type { RawConnection } from './raw-client';
import { send } from './request';
import { requireSystem } from './requirements';
import { newRun, removeRun, RunFolder } from './run-folder';
import { gatewayId, secretObject, Workload, workloads, worldObjects } from './world';
import { mutated, mutation } from '../mutations';
import { AccessRow, AccessTable, GatewayPods, TableSecret } from '../../../src/access/access-table';

export { binaries, ISTIO_LINES, type Binaries } from './binaries';
export type { Evidence } from './evidence';
export { Refused, type Finding } from './istiod';
export { judge, type Judgement } from './judgement';
export { idOf, type KubeObject } from './kubernetes';
export { NotPossible } from './processes';
export { hops, rowText, seenText } from './report';
export { requireSystem } from './requirements';
export { leftOvers, watchForTheEnd } from './run-folder';
export { seen, type Seen } from './seen';
export type { Workload } from './world';

export interface LabOptions {
  /** The pods, external hosts, Secrets and mesh settings. Its rows are not sent by themselves. */
  readonly table: AccessTable;
  /** Searched for the pod templates that give the pods their annotations. They are not applied by themselves. */
  readonly manifests?: KubeObject[];
  /**
   * A values file for the Helm chart `istiod`, as text: its `meshConfig` is merged into the lab's, as Helm does, and
   * istiod gets its `pilot.env`.
   */
  readonly helmValues?: string;
  /** Whether external hosts speak HTTP/2 without TLS, which those of a table do not. @default false */
  readonly plaintextHttp2?: boolean;
  /** What it starts with, if that is replaced later. @default what MESH_ISTIO and MESH_PROXIES name */
  readonly files?: Binaries;
}

export interface ConvergeOptions {
  /**
   * How long to wait; a busy machine may need longer. @default 60, but 15 where a proxy has refused
   */
  readonly seconds?: number;
  /**
   * Goes on while proxies wait for something that never comes, such as a Secret that does not exist: Envoy then
   * acknowledges its clusters late or never. @default false
   */
  readonly tolerateWarming?: boolean;
  /**
   * Whether to wait until old listeners and filter chains are gone, which takes a second. New connections never use
   * them, and those that proxies keep open are closed in any case. @default true
   */
  readonly awaitDraining?: boolean;
}

/** API groups whose objects are inputs of installers: an API server never sees them. */
const NOT_FOR_A_CLUSTER = ['install.istio.io/', 'helm.'];
const ALWAYS_THERE = ['Namespace', 'ServiceAccount'];

/** Envoy's gauges: of a proxy's connections, except to istiod. */
const CONNECTIONS = '^cluster\\.(outbound|PassthroughCluster).*upstream_cx_active$';
/** Of the connections of applications, and of sidecars at a gateway. */
const ACCEPTED = '^listener\\.[^a].*downstream_cx_active$';
/** Of requests that it has not answered, and of bytes that are not in its access log yet. */
const AT_WORK = '^http\\.(in|out)bound.*downstream_rq_active$|^filesystem\\.write_total_buffered$';

/** Starts a lab. */
export async function up(options: LabOptions): Promise<Lab> {
  await requireSystem();
  const files = options.files ?? (await binaries());
  const run = newRun();
  try {
    return await Lab.start(run, files, options);
  } catch (error) {
    removeRun(run);
    throw error;
  }
}

/** A running lab. Requests are sent one at a time. */
export class Lab {
  /** Use `up`. */
  public static async start(run: RunFolder, files: Binaries, options: LabOptions): Promise<Lab> {
    const manifests = mutated(options.manifests ?? []);
    const { helmValues = options.helmValues } = mutation() ?? {};
    const table = { ...options.table, mesh: { ...options.table.mesh, ...mutation()?.mesh } };
    const pki = await Pki.make(path.join(run.folder, 'pki'));
    const pods = workloads(table, manifests);
    const hosts = placed(table);
    await makeNetwork(
      run,
      pods.map((pod) => ({ name: pod.id, addresses: pod.addresses })),
      hosts,
      pki.authority('public'),
    );
    const shells = new Map(pods.map(({ id }) => [id, PodShell.start(run, id)]));
    const shellOf = (pod: string) => shells.get(pod)!;
    // Envoy, which is not root, listens on the gateway's port 443.
    const ports = ['-qw', 'net.ipv4.ip_unprivileged_port_start=0'];
    await Promise.all(pods.map(({ id }) => shellOf(id).must('sysctl', ports)));
    // istiod looks for it below its working directory.
    pki.giveMeshAuthority(path.join(run.folder, 'etc/cacerts'));
    const [istiod, external] = await Promise.all([
      Istiod.start(run, files, { mesh: table.mesh, helmValues }),
      ExternalHosts.start(run, hosts, pki, options.plaintextHttp2 ?? false),
    ]);
    const services = new ServiceController(pods, table.gateways ?? []);
    const world = services.complete(await worldObjects(table, pods, manifests, pki));
    await istiod.put('world', world);
    const proxies = await Promise.all(
      pods.filter((pod) => pod.injected).map((pod) => Proxy.start(run, pod, files, table.mesh ?? {}, shellOf(pod.id))),
    );
    await Promise.all(proxies.map((proxy) => until(`${proxy.pod.id} being ready`, () => proxy.ready(), 60_000, 50)));
    const lab = new Lab(
      run,
      files,
      pods,
      hosts,
      istiod,
      services,
      new PolicyEnforcer(pods, shellOf),
      shellOf,
      proxies,
      pki,
      external,
      { mesh: table.mesh, helmValues },
    );
    lab.sets.set('world', world);
    await lab.converge();
    return lab;
  }

  /** What is in force, by set. */
  private readonly sets = new Map<string, KubeObject[]>();
  /** When objects were last created, in seconds. */
  private clock = 0;
  private replacements = 0;
  private errorsBefore: string[] = [];

  private constructor(
    private readonly run: RunFolder,
    /** The binaries that it runs. */
    public files: Binaries,
    public readonly pods: Workload[],
    public readonly hosts: Placed[],
    public istiod: Istiod,
    private readonly services: ServiceController,
    private readonly policies: PolicyEnforcer,
    /** The shell in the network namespace of a pod. */
    public readonly shellOf: (pod: string) => PodShell,
    public readonly proxies: Proxy[],
    private readonly pki: Pki,
    public readonly external: ExternalHosts,
    private readonly configuration: MeshConfiguration,
  ) {}

  /**
   * Puts another istiod in the place of the one that runs, as a rolling update does: it starts beside it and reads the
   * same objects, then it gets the proxies' connections and the other one ends. Returns when every proxy has its
   * configuration from it.
   */
  public async replaceIstiod(files: Binaries): Promise<void> {
    const next = await Istiod.start(this.run, files, this.configuration, ++this.replacements);
    for (const [set, objects] of this.sets) await next.put(set, objects);
    await next.barrier(0, 60);
    this.errorsBefore = this.errors();
    await next.replace(this.istiod);
    this.istiod = next;
    this.files = files;
    await next.barrier(this.proxies.length, 60);
  }

  /** Makes a named set of objects exactly these. */
  public async apply(set: string, objects: KubeObject[]): Promise<Finding[]> {
    const installer = (object: KubeObject) => NOT_FOR_A_CLUSTER.some((group) => object.apiVersion?.startsWith(group));
    const applied = mutated(objects);
    const forCluster = applied.filter((object) => !installer(object) && !ALWAYS_THERE.includes(object.kind));
    const completed = this.aged(set, this.services.complete(forCluster));
    const findings = await this.istiod.put(set, completed);
    this.sets.set(set, completed);
    await this.policies.apply(set, applied);
    return findings;
  }

  /**
   * Objects with the time at which they were created: all that come together at the same second, and later than those
   * that were there. Istio decides conflicts by age, and by name between equals.
   */
  private aged(set: string, objects: KubeObject[]): KubeObject[] {
    this.clock = Math.max(this.clock + 1, Math.floor(Date.now() / 1000));
    const now = new Date(1000 * this.clock).toISOString().replace('.000', '');
    const created = new Map((this.sets.get(set) ?? []).map((one) => [idOf(one), one.metadata.creationTimestamp]));
    return objects.map((object) => {
      const creationTimestamp = object.metadata.creationTimestamp ?? created.get(idOf(object)) ?? now;
      return { ...object, metadata: { ...object.metadata, creationTimestamp } };
    });
  }

  /** A Secret that is not in the table. */
  public secret(secret: TableSecret): Promise<KubeObject> {
    return secretObject(secret, this.pki);
  }

  /** What admission says about these objects. */
  public validate(objects: KubeObject[]): Promise<Finding[]> {
    return this.istiod.validate(objects);
  }

  /**
   * Waits until the applied objects are in force: acknowledged by every proxy, nothing warming, no old listener or
   * filter chain draining. Closes the connections that proxies keep open, which still follow the old configuration.
   */
  public async converge({
    seconds = 60,
    tolerateWarming = false,
    awaitDraining = true,
  }: ConvergeOptions = {}): Promise<void> {
    await this.acknowledged(seconds, tolerateWarming);
    const warming = tolerateWarming ? [] : ['warming_clusters', 'total_listeners_warming'];
    const draining = awaitDraining ? ['total_listeners_draining', 'total_filter_chains_draining'] : [];
    await this.rest([...warming, ...draining], seconds);
    // A listener may wait for what never comes, too.
    if (tolerateWarming) await this.gone(this.proxies, 'total_listeners_warming$', 2).catch(() => undefined);
  }

  /** Waits until every proxy has acknowledged the objects, or all of them but the clusters. */
  private async acknowledged(
    seconds: number,
    tolerateWarming: boolean,
    patience = tolerateWarming ? 2 : 15,
  ): Promise<void> {
    try {
      await this.istiod.barrier(this.proxies.length, Math.min(seconds, patience));
    } catch (error) {
      if (tolerateWarming && error instanceof NotAcknowledged && error.lacksOnlyClusters) return;
      if (/ refused /.test((error as Error).message) || seconds <= patience) throw error;
      await this.acknowledged(seconds - patience, tolerateWarming, 15);
    }
  }

  /**
   * Closes the connections that proxies keep open, except to istiod: the next request follows the configuration that is
   * now in force.
   */
  public dropConnections(seconds = 60): Promise<void> {
    return this.rest([], seconds);
  }

  /** Closes connections until no proxy has any and all of these gauges are zero; earlier requests are in the logs then. */
  private async rest(gauges: string[], seconds: number): Promise<void> {
    const filter = [CONNECTIONS, AT_WORK, ...gauges.map((name) => `${name}$`)].join('|');
    await this.gone(this.proxies, filter, seconds, async (proxy, left) => {
      if (left.some((name) => new RegExp(CONNECTIONS).test(name))) await proxy.dropConnections();
    });
  }

  /** Waits until these gauges of these proxies are zero. */
  private async gone(
    proxies: Proxy[],
    filter: string,
    seconds = 60,
    act: (proxy: Proxy, left: string[]) => Promise<void> = async () => undefined,
  ): Promise<void> {
    const isZero = async (proxy: Proxy) => {
      const left = [...(await proxy.stats(filter))]
        .filter(([name, value]) => value > 0 && !name.includes('|15010|')) // to istiod
        .map(([name]) => name);
      await act(proxy, left);
      return left.length === 0;
    };
    await Promise.all(
      proxies.map((proxy) => until(`${proxy.pod.id} coming to rest`, () => isZero(proxy), seconds * 1000, 5)),
    );
  }

  /**
   * From now on DNS leads a name of the table to another address, and the connections of proxies are closed: a failover.
   * Returns when every proxy that resolves the name has noticed.
   */
  public async moveName(host: string, address: string): Promise<void> {
    const before = this.hosts.find((one) => one.host === host)!.addresses;
    await serveNames(this.run, [...this.hosts.filter((one) => one.host !== host), { host, addresses: [address] }]);
    await Promise.all(
      this.proxies.map((proxy) =>
        until(
          `${proxy.pod.id} resolving ${host} again`,
          async () => {
            const clusters = await proxy.admin('/clusters');
            return !before.some((old) => clusters.includes(`::${old}:`) || clusters.includes(`::[${old}]:`));
          },
          30_000,
          100,
        ),
      ),
    );
    await this.dropConnections();
  }

  /**
   * From now on external hosts show other kinds of certificates: `good`, `wrong-name`, `unknown-ca`, `private-ca`,
   * `expired`. Nothing survives from the old ones: connections are closed, TLS sessions cannot be resumed, unless it
   * `resumes` them.
   */
  public async showCertificates(
    kinds: Record<string, NonNullable<Placed['certificate']>>,
    resumes = false,
  ): Promise<void> {
    await this.external.show(
      await Promise.all(
        Object.entries(kinds).map(async ([host, certificate]) => {
          const placedHost = this.hosts.find((one) => one.host === host);
          if (placedHost === undefined) throw new Error(`the table has no external host "${host}"`);
          return { host, resumes, ...(await this.pki.server({ ...placedHost, certificate })) };
        }),
      ),
    );
    await this.dropConnections();
  }

  /** The same for one host. */
  public showCertificate(host: string, kind: NonNullable<Placed['certificate']>, resumes = false): Promise<void> {
    return this.showCertificates({ [host]: kind }, resumes);
  }

  /**
   * From now on the certificate of a host with the private authority has these names, in openssl's words.
   *
   * @param constrained whether an authority below that gives them, which may give DNS names below example.org alone
   */
  public async showNames(host: string, names: string, constrained = false): Promise<void> {
    const pair = await (constrained ? this.pki.serverConstrained(names, host) : this.pki.serverWith(names, host));
    await this.external.show([{ host, ...pair }]);
    await this.dropConnections();
  }

  /**
   * The status of a request straight to the pod of a gateway, under the name of a hop, with the certificate of this
   * SPIFFE identity. No sidecar may capture the caller's traffic.
   */
  public async callGateway(from: string, gateway: GatewayPods, hopName: string, spiffe: string): Promise<number> {
    const { address } = this.pods.find(({ id }) => id === gatewayId(gateway))!;
    const { certificate, key } = await this.pki.identity(spiffe);
    const options = ['-sk', '-m', '5', '-o', '/dev/null', '-w', '%{http_code}', '--cert', certificate, '--key', key];
    const to = ['--connect-to', `${hopName}:443:${address}:${gateway.targetPort}`, `https://${hopName}/`];
    return Number((await this.shellOf(from).run('curl', [...options, ...to])).out);
  }

  /** A certificate with this SPIFFE identity, which has run out after so many seconds. */
  public briefIdentity(spiffe: string, seconds: number): Promise<Pair> {
    return this.pki.brief(spiffe, seconds);
  }

  /**
   * Sends exactly these bytes from a pod, each on a connection of its own, and returns what came back; those with `as`
   * inside TLS with the certificate of that SPIFFE identity, or with none.
   */
  public async sendBytes(from: string, connections: (RawConnection & { readonly as?: string })[]): Promise<string[]> {
    const dressed = connections.map(async ({ as, ...connection }): Promise<RawConnection> => ({
      ...connection,
      ...(connection.tls && { tls: { ...connection.tls, ...(as !== undefined && (await this.pki.identity(as))) } }),
    }));
    const file = path.join(this.run.folder, `bytes-${from}.json`);
    fs.writeFileSync(file, JSON.stringify(await Promise.all(dressed)));
    return JSON.parse(await this.shellOf(from).must(process.execPath, [program('raw-client'), file]));
  }

  /** curl's exit code for a request: 28 where packets are dropped. Where a host notices it, that is an error. */
  public async knock(from: string, url: string): Promise<number> {
    const seen = this.watchExternalHosts();
    const { code } = await this.shellOf(from).run('curl', ['-skg', '-m', '3', '-o', '/dev/null', url]);
    if (code === 28 && (await seen.read()).length > 0)
      throw new Error(`${from} reached ${url}, and did not wait for the answer`);
    return code;
  }

  /** What external hosts see from now on, whoever calls them. */
  public watchExternalHosts(): { read(): Promise<ExternalEvent[]> } {
    const events = new Tail<ExternalEvent>(this.external.events);
    return { read: () => this.external.caughtUp().then(() => events.read()) };
  }

  /** Waits until proxies have done all that comes of the connections that applications have closed. */
  public async settled(): Promise<void> {
    const [sidecars, gateways] = (['sidecar', 'router'] as const).map((role) =>
      this.proxies.filter(({ pod }) => pod.role === role),
    );
    await this.gone(sidecars, `${ACCEPTED}|${AT_WORK}`);
    await Promise.all(sidecars.map((proxy) => proxy.dropConnections()));
    await this.gone(gateways, `${ACCEPTED}|${AT_WORK}`);
  }

  /** Sends a row's request and collects what every hop saw of it. The row's `without` is not evaluated here. */
  public async send(row: AccessRow): Promise<Evidence> {
    const caller = this.pods.find((pod) => pod.role === 'sidecar' && pod.id === row.from);
    if (caller === undefined) throw new Error(`the table has no caller "${row.from}"`);
    const gateways = this.pods.filter((pod) => pod.role === 'router');
    // A line is written when its request or connection ends, so lines of earlier requests may still come. Only the
    // connections of a gateway may be older than the request: a sidecar keeps them open for the next one.
    const began = Date.now() / 1000;
    const isLater = ({ start }: AccessLine) => Number(start) >= began;
    const senders = [caller, ...gateways];
    const external = new Tail<ExternalEvent>(this.external.events);
    const tails = new Map(
      this.proxies.map((proxy) => [proxy.pod.id, new Tail<Record<string, unknown>>(proxy.accessLog)]),
    );
    const lines = (id: string): AccessLine[] => (tails.get(id)?.read() ?? []).map(known);
    const curl = await send(this.shellOf(caller.id), row, this.pki.trustedByApplications);
    const collect = (): Evidence => ({
      row,
      caller,
      gateways,
      hosts: this.hosts,
      curl,
      external: external.read(),
      sidecar: lines(caller.id).filter((line) => isLater(line) && !line.route?.startsWith('inbound')),
      atGateway: gateways.flatMap((gateway) =>
        lines(gateway.id)
          .filter(
            (line) =>
              (line.method === undefined || isLater(line)) &&
              (line.from === undefined || senders.some(({ addresses }) => addresses.includes(addressOf(line.from!)))),
          )
          .map((line) => ({ gateway: gateway.id, line })),
      ),
    });
    const finished = async () => {
      await this.external.caughtUp();
      return complete(collect(), caller.injected);
    };
    const wait = (milliseconds: number) => until('the logs', finished, milliseconds, 5).catch(() => false);
    const involved = this.proxies.filter(({ pod }) => senders.includes(pod));
    if (!(await wait(300))) {
      await this.gone(involved, AT_WORK, 15).catch(() => undefined);
      // A gateway that passes TLS through writes its line when the connection ends, and the sidecar keeps that open for
      // the next request.
      if (!(await finished())) await this.proxies.find(({ pod }) => pod === caller)?.dropConnections();
      await wait(this.isEverythingLogged(caller) ? 15_000 : 1500);
    }
    // What a gateway refuses has no line, unless one is still on its way.
    if (lacksGatewayLine(collect())) await this.gone(involved, AT_WORK, 15).catch(() => undefined);
    return collect();
  }

  /** Whether every request of a caller leaves a line: none does past a sidecar, and a Telemetry may choose. */
  private isEverythingLogged({ capture }: Workload): boolean {
    const chooses = ({ kind, spec }: KubeObject) => kind === 'Telemetry' && spec.accessLogging !== undefined;
    return Object.keys(capture).length === 0 && ![...this.sets.values()].flat().some(chooses);
  }

  /** Failures that no row shows: errors that istiod or a proxy has logged, processes that have ended. */
  public errors(): string[] {
    return [
      ...this.errorsBefore,
      ...this.istiod.errors().map((line) => `istiod: ${line}`),
      ...this.proxies.flatMap((proxy) => [
        ...(proxy.alive ? [] : [`${proxy.pod.id} has ended: ${tail(proxy.log)}`]),
        ...fs
          .readFileSync(proxy.log, 'utf8')
          .split('\n')
          .filter((line) => /rejected|\[critical\]/i.test(line))
          .map((line) => `${proxy.pod.id}: ${line}`),
      ]),
    ];
  }

  /** Whether every proxy is still running. */
  public get isWhole(): boolean {
    return this.proxies.every(({ alive }) => alive);
  }

  /** The log file of `istiod`, `dns` or a pod, by its id. */
  public logFile(name: string): string {
    return path.join(this.run.folder, `${name}.log`);
  }

  /** The network namespace of a pod. */
  public namespaceOf(pod: string): string {
    return this.run.namespace(pod);
  }

  /** Stops everything that this lab has started. */
  public down(): void {
    removeRun(this.run);
  }
}

/** The objects except those in a row's `without`. An unknown name is an error: the row would prove nothing. */
export function without(objects: KubeObject[], left: AccessRow['without']): KubeObject[] {
  if (left === undefined) return objects;
  if (left === 'manifests') return [];
  const away = new Set([left].flat());
  const missing = [...away].filter((id) => !objects.some((object) => idOf(object) === id));
  if (missing.length > 0) throw new Error(`without ${missing.join(', ')}: the manifests have no such object`);
  return objects.filter((object) => !away.has(idOf(object)));
}
