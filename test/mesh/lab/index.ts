/**
 * The mesh lab: real istiod, real Envoys, a world made from an access table.
 *
 *     const lab = await up({ table, manifests });     // namespaces, pods, proxies, external hosts; nothing applied yet
 *     try {
 *       await lab.apply('manifests', manifests);      // throws Refused where admission refuses; answers its warnings
 *       await lab.converge();                         // every proxy has taken it over; throws where one has refused
 *       const evidence = await lab.send(row);         // one request, and all that was seen of it
 *       const { passed, differences } = judge(evidence);
 *       lab.errors();                                 // what istiod and the proxies complained about
 *     } finally {
 *       lab.down();                                   // also at Ctrl-C; after a crash the next lab cleans up
 *     }
 *
 * `apply(set, objects)` makes a named set of objects exactly these: apply it again with others and the difference is
 * created, changed and deleted; with `[]` all are gone. An object belongs to one set. Services get their address and
 * EndpointSlices as a cluster would give them; NetworkPolicies are enforced by a packet filter in each pod; objects
 * that no API server takes (inputs of istioctl and Helm) are left out. istiod remembers for five minutes that an
 * account may read Secrets: to see a Role go, make a new lab.
 */
import * as fs from 'fs';
import * as path from 'path';
import { AccessLine, known, Tail } from './access-log';
import { binaries, Binaries } from './binaries';
import { complete, Evidence } from './evidence';
import { Finding, Istiod } from './istiod';
import { idOf, KubeObject, ServiceController } from './kubernetes';
import { makeNetwork } from './network';
import { ExternalEvent, Placed, placed } from './external';
import { ExternalHosts } from './external-hosts';
import { Pki } from './pki';
import { PolicyEnforcer } from './policy-enforcer';
import { until } from './processes';
import { Proxy, tail } from './proxy';
import { send } from './request';
import { requireSystem } from './requirements';
import { newRun, removeRun, RunFolder } from './run-folder';
import { Workload, workloads, worldObjects } from './world';
import { AccessRow, AccessTable } from '../../../src/access/access-table';

export { binaries } from './binaries';
export type { Binaries } from './binaries';
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
  /** Says which pods, external hosts, Secrets and mesh settings there are. Its rows are not sent by themselves. */
  readonly table: AccessTable;
  /** Where pod templates are looked for that give the pods their annotations. They are not applied by themselves. */
  readonly manifests?: KubeObject[];
}

export interface ConvergeOptions {
  /**
   * How long to wait; a machine that is busy with other things may need long. @default 60, but 15 where a proxy has
   * refused
   */
  readonly seconds?: number;
  /**
   * Goes on when proxies wait for something that never comes, as a Secret that does not exist: Envoy then acknowledges
   * its clusters late or never. @default false
   */
  readonly tolerateWarming?: boolean;
  /**
   * Whether to wait until old listeners and filter chains have ended. A second each time; new connections do not meet
   * them, and those that proxies keep open are broken anyway. @default true
   */
  readonly awaitDraining?: boolean;
}

/** The API groups whose objects an API server never sees: they are inputs of installers. */
const NOT_FOR_A_CLUSTER = ['install.istio.io/', 'helm.'];
const ALWAYS_THERE = ['Namespace', 'ServiceAccount'];

/** Brings a lab up. */
export async function up(options: LabOptions): Promise<Lab> {
  await requireSystem();
  const files = await binaries();
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
    const { table, manifests = [] } = options;
    const pki = await Pki.make(path.join(run.folder, 'pki'));
    const pods = workloads(table, manifests);
    const hosts = placed(table);
    await makeNetwork(
      run,
      pods.map((pod) => ({ name: pod.id, address: pod.address })),
      hosts,
      pki.authority('public'),
    );
    const [istiod, external] = await Promise.all([
      Istiod.start(run, files, table.mesh ?? {}),
      ExternalHosts.start(run, hosts, pki),
    ]);
    const services = new ServiceController(pods, table.gateways ?? []);
    await istiod.put('world', services.complete(await worldObjects(table, pods, manifests, pki)));
    const proxies = await Promise.all(
      pods.filter((pod) => pod.injected).map((pod) => Proxy.start(run, pod, files, table.mesh ?? {})),
    );
    await until(
      'the proxies',
      async () => (await Promise.all(proxies.map((proxy) => proxy.ready()))).every(Boolean),
      60_000,
      30,
    );
    const lab = new Lab(
      run,
      files,
      pods,
      hosts,
      istiod,
      services,
      new PolicyEnforcer(run, pods),
      proxies,
      pki,
      external,
    );
    await lab.converge();
    return lab;
  }

  private constructor(
    private readonly run: RunFolder,
    /** The binaries that it runs. */
    public readonly files: Binaries,
    public readonly pods: Workload[],
    public readonly hosts: Placed[],
    public readonly istiod: Istiod,
    private readonly services: ServiceController,
    private readonly policies: PolicyEnforcer,
    public readonly proxies: Proxy[],
    private readonly pki: Pki,
    private readonly external: ExternalHosts,
  ) {}

  /** Makes a named set of objects exactly these. */
  public async apply(set: string, objects: KubeObject[]): Promise<Finding[]> {
    const installer = (object: KubeObject) => NOT_FOR_A_CLUSTER.some((group) => object.apiVersion?.startsWith(group));
    const forCluster = objects.filter((object) => !installer(object) && !ALWAYS_THERE.includes(object.kind));
    const findings = await this.istiod.put(set, this.services.complete(forCluster));
    await this.policies.apply(set, objects);
    return findings;
  }

  /** What admission says to these objects. */
  public validate(objects: KubeObject[]): Promise<Finding[]> {
    return this.istiod.validate(objects);
  }

  /**
   * Waits until what was applied is in force: acknowledged by every proxy, nothing warming, no old listener or filter
   * chain left to drain; and breaks the connections that proxies keep open, which would still lead the old way.
   */
  public async converge({
    seconds = 60,
    tolerateWarming = false,
    awaitDraining = true,
  }: ConvergeOptions = {}): Promise<void> {
    try {
      await this.istiod.barrier(this.proxies.length, Math.min(seconds, tolerateWarming ? 2 : 15));
    } catch (error) {
      if (/ refused /.test((error as Error).message) || (!tolerateWarming && seconds <= 15)) throw error;
      if (!tolerateWarming) await this.istiod.barrier(this.proxies.length, seconds - 15);
    }
    const warming = tolerateWarming ? [] : ['warming_clusters', 'total_listeners_warming'];
    const draining = awaitDraining ? ['total_listeners_draining', 'total_filter_chains_draining'] : [];
    const unsettled = `(${[...warming, ...draining, 'nothing'].join('|')})$`;
    await Promise.all(
      this.proxies.map((proxy) =>
        until(
          `${proxy.pod.id} coming to rest`,
          async () => [...(await proxy.stats(unsettled)).values()].every((value) => value === 0),
          seconds * 1000,
          20,
        ),
      ),
    );
    await this.dropConnections(seconds);
  }

  /**
   * Breaks the connections that proxies keep open to others than istiod: what is asked next goes the way that is in
   * force now.
   */
  public async dropConnections(seconds = 15): Promise<void> {
    await Promise.all(
      this.proxies.map(async (proxy) => {
        await until(
          `${proxy.pod.id} dropping its connections`,
          async () => {
            const open = [
              ...(await proxy.stats('^cluster\\.(outbound|PassthroughCluster).*upstream_cx_active$')),
            ].filter(([, value]) => value > 0);
            if (open.length === 0) return true;
            await proxy.dropConnections();
            return false;
          },
          seconds * 1000,
          20,
        );
      }),
    );
  }

  /**
   * From now on external hosts show other kinds of certificates: `good`, `wrong-name`, `unknown-ca`, `private-ca`,
   * `expired`. Nothing of what was agreed under the old ones is remembered: connections are broken, TLS sessions cannot
   * be resumed.
   */
  public async showCertificates(kinds: Record<string, NonNullable<Placed['certificate']>>): Promise<void> {
    await this.external.show(
      await Promise.all(
        Object.entries(kinds).map(async ([host, certificate]) => {
          const placedHost = this.hosts.find((one) => one.host === host);
          if (placedHost === undefined) throw new Error(`there is no external host "${host}"`);
          return { host, ...(await this.pki.server({ ...placedHost, certificate })) };
        }),
      ),
    );
    await this.dropConnections();
  }

  /** The same for one host. */
  public showCertificate(host: string, kind: NonNullable<Placed['certificate']>): Promise<void> {
    return this.showCertificates({ [host]: kind });
  }

  /** Sends a row's request and collects what everybody saw of it. Whether objects are left away is up to the caller. */
  public async send(row: AccessRow): Promise<Evidence> {
    const caller = this.pods.find((pod) => pod.role === 'sidecar' && pod.id === row.from);
    if (caller === undefined) throw new Error(`there is no caller "${row.from}"`);
    const gateways = this.pods.filter((pod) => pod.role === 'router');
    // A line is written when its connection ends: what others have sent belongs to a request before this one.
    const senders = [caller, ...gateways];
    const external = new Tail<ExternalEvent>(this.external.events);
    const tails = new Map(
      this.proxies.map((proxy) => [proxy.pod.id, new Tail<Record<string, unknown>>(proxy.accessLog)]),
    );
    const lines = (id: string): AccessLine[] => (tails.get(id)?.read() ?? []).map(known);
    const curl = await send(this.run.namespace(caller.id), row, this.pki.trustedByApplications);
    const collect = (): Evidence => ({
      row,
      caller,
      gateways,
      hosts: this.hosts,
      curl,
      external: external.read(),
      sidecar: lines(caller.id).filter((line) => !line.route?.startsWith('inbound')),
      atGateway: gateways.flatMap((gateway) =>
        lines(gateway.id)
          .filter(
            (line) => line.from === undefined || senders.some(({ address }) => line.from!.split(':')[0] === address),
          )
          .map((line) => ({ gateway: gateway.id, line })),
      ),
    });
    const finished = () => complete(collect(), caller.injected);
    // A gateway that passes bytes writes its line when the connection ends, and the sidecar had kept it for the next
    // request.
    await until('the logs', finished, 300, 5).catch(() =>
      this.proxies.find((proxy) => proxy.pod === caller)?.dropConnections(),
    );
    // What never comes is not waited for longer than this; only a call past the sidecar that nobody answers has nothing
    // to show.
    await until('the logs', finished, 1500, 5).catch(() => undefined);
    return collect();
  }

  /** What went wrong without a row to show it: errors that istiod or a proxy has logged, processes that have ended. */
  public errors(): string[] {
    return [
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

  /** A log file, for the curious: `istiod`, a pod's id, `dns`. */
  public logFile(name: string): string {
    return path.join(this.run.folder, `${name}.log`);
  }

  /** The network namespace of a pod. */
  public namespaceOf(pod: string): string {
    return this.run.namespace(pod);
  }

  /** Ends everything that this lab has started. */
  public down(): void {
    removeRun(this.run);
  }
}

/**
 * The objects without those that a row leaves away. A name that nothing has is an error: the row would prove nothing.
 */
export function without(objects: KubeObject[], left: AccessRow['without']): KubeObject[] {
  if (left === undefined) return objects;
  if (left === 'manifests') return [];
  const away = new Set([left].flat());
  const missing = [...away].filter((id) => !objects.some((object) => idOf(object) === id));
  if (missing.length > 0) throw new Error(`without ${missing.join(', ')}: the manifests have no such object`);
  return objects.filter((object) => !away.has(idOf(object)));
}
