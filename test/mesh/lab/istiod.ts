import { ChildProcess } from 'child_process';
import * as fs from 'fs';
import * as http from 'http';
import * as path from 'path';
import { parse } from 'yaml';
import { ACCESS_LOG_FORMAT } from './access-log';
import { Binaries } from './binaries';
import { KubeObject } from './kubernetes';
import { CONTROL_PLANE, ISTIOD_ADDRESS } from './network';
import { must, stay, until } from './processes';
import { tail } from './proxy';
import { RunFolder } from './run-folder';
import { MeshSettings } from '../../../src/access/access-table';
import { DEFAULT_CLUSTER_DOMAIN } from '../../../src/istio/service-names';

/** What admission says about an object. */
export interface Finding {
  readonly object: string;
  readonly source: string;
  readonly error?: string;
  readonly warnings?: string[];
}

/** Objects that an API server with Istio's webhook would refuse. */
export class Refused extends Error {
  public constructor(public readonly findings: Finding[]) {
    super(
      findings
        .filter((finding) => finding.error)
        .map((finding) => `${finding.object} was refused (${finding.source}): ${finding.error}`)
        .join('\n'),
    );
  }
}

/** How far a proxy is with one type of resource: the number of the last push that it was sent and has acknowledged. */
interface TypeState {
  readonly sent: number;
  /** 0 as long as it has not acknowledged the last. */
  readonly acked: number;
}

/** A proxy that is connected, by the short name of each type that it watches. */
interface ProxyState {
  readonly id: string;
  readonly types: Record<string, TypeState>;
}

/** Some proxies have not acknowledged in time what they were sent, or have refused it. */
export class NotAcknowledged extends Error {
  public constructor(
    reason: string,
    private readonly proxies: ProxyState[] = [],
  ) {
    super(`the proxies have not acknowledged the configuration: ${reason}`);
  }

  /** Whether it is only clusters, which each proxy has been sent: it acknowledges none while one waits for a Secret. */
  public get lacksOnlyClusters(): boolean {
    const wanted = Number(/ has CDS \d+, wants (\d+)$/.exec(this.message)?.[1]);
    return this.proxies.every(
      ({ types: { CDS, ...others } }) =>
        CDS?.sent === wanted &&
        Object.entries(others).every(([type, { acked }]) => acked !== 0 && (type === 'SDS' || acked >= wanted)),
    );
  }
}

/** A request to an API server: who wants what with which object, in which version. */
export interface ReviewRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  /** Of a DELETE: what is deleted. */
  readonly object: KubeObject;
  /** Of an UPDATE: what is there. */
  readonly oldObject?: KubeObject;
  /** Such as `status`. */
  readonly subresource?: string;
  readonly user?: string;
  readonly groups?: string[];
  /** The object's namespace, where it is not an ordinary one. */
  readonly namespace?: object;
}

/** What of an installation of Istio decides what its injector writes into a pod. */
export interface Injection {
  /** The provider of istio-cni. @default - an init container sets up the capture */
  readonly cni?: string;
  /** Of the whole mesh. */
  readonly proxyMetadata?: Record<string, string>;
}

/** What the admission plugin answers. */
export interface Verdict {
  readonly refused?: string;
  readonly warnings?: string[];
  readonly audit?: Record<string, string>;
}

export interface PolicyReport {
  readonly policies: number;
  /** By policy: against how many kinds, in their versions, it was type-checked. */
  readonly types: Record<string, number>;
  /** By release of Kubernetes. */
  readonly problems: Record<string, string[] | null>;
}

/** In the API server's own units. */
export interface PolicyCost {
  readonly policy: string;
  readonly total: number;
  readonly dearest: number;
  /** Of what all expressions of a policy may cost together. */
  readonly ofBudget: number;
  /** Of what one expression may cost. */
  readonly ofCallLimit: number;
  readonly error?: string;
}

/** The port that proxies dial. */
const PORT = 15010;

/** What it is told of the mesh: settings of a table, and over them a values file for Helm, as text. */
export interface MeshConfiguration {
  readonly mesh?: MeshSettings;
  readonly helmValues?: string;
}

/** The running control plane. */
export class Istiod {
  /** @param number which istiod of its lab it is; each listens on a port of its own */
  public static async start(
    run: RunFolder,
    files: Binaries,
    { mesh = {}, helmValues = '' }: MeshConfiguration,
    number = 0,
  ): Promise<Istiod> {
    const meshFile = path.join(run.folder, 'mesh.yaml');
    const values = parse(helmValues) ?? {};
    // JSON, because istiod reads YAML 1.1, where OFF is a boolean.
    fs.writeFileSync(meshFile, JSON.stringify(merged(meshConfig(mesh), values.meshConfig)));
    const name = number === 0 ? '' : `-${number}`;
    const socket = path.join(run.folder, `control${name}.sock`);
    const log = path.join(run.folder, `istiod${name}.log`);
    const child = stay(
      'ip',
      [
        'netns',
        'exec',
        run.namespace(CONTROL_PLANE),
        files.istiod,
        '-xds',
        `${ISTIOD_ADDRESS}:${PORT + number}`,
        '-control',
        socket,
        '-mesh',
        meshFile,
        '-domain',
        mesh.clusterDomain ?? DEFAULT_CLUSTER_DOMAIN,
        '-crds',
        files.crds,
      ],
      log,
      {
        cwd: run.folder,
        env: {
          PATH: '/usr/sbin:/usr/bin:/bin',
          HOME: run.folder,
          POD_NAME: 'istiod-lab',
          POD_NAMESPACE: mesh.rootNamespace ?? 'istio-system',
          ENABLE_LEADER_ELECTION: 'false',
          XDS_AUTH_PLAINTEXT: 'true',
          // The two filters that upstream Envoy does not have.
          PILOT_ENABLE_METADATA_EXCHANGE: 'false',
          PILOT_ENABLE_ALPN_FILTER: 'false',
          // The controllers of the Gateway API write objects: the storage here takes a status for the whole object, and the
          // controller for classes sometimes fails on an object that it has created itself ("already exists").
          PILOT_ENABLE_GATEWAY_API_STATUS: 'false',
          PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER: 'false',
          PILOT_ENABLE_GATEWAY_API_GATEWAYCLASS_CONTROLLER: 'false',
          INJECTION_WEBHOOK_CONFIG_NAME: '',
          VALIDATION_WEBHOOK_CONFIG_NAME: '',
          PILOT_SCOPE_GATEWAY_TO_NAMESPACE: String(mesh.scopeGatewayToNamespace ?? false),
          ISTIO_DUAL_STACK: String(mesh.dualStack ?? false),
          PILOT_DEBOUNCE_AFTER: '10ms',
          PILOT_DEBOUNCE_MAX: '500ms',
          ...values.pilot?.env,
        },
      },
    );
    const istiod = new Istiod(run, number, socket, log, child);
    await until('istiod', async () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${tail(log)}`);
      return (await istiod.ask('GET', '/proxies')).status === 200;
    });
    return istiod;
  }

  private constructor(
    private readonly run: RunFolder,
    private readonly number: number,
    private readonly socket: string,
    private readonly log: string,
    private readonly child: ChildProcess,
  ) {}

  /** Takes the place of another: new connections of proxies come here, and those that the other has are closed. */
  public async replace(other: Istiod): Promise<void> {
    const redirect = `-t nat -I PREROUTING -p tcp --dport ${PORT} -j REDIRECT --to-ports ${PORT + this.number}`;
    const namespace = this.run.namespace(CONTROL_PLANE);
    await must('ip', ['netns', 'exec', namespace, 'iptables-nft', ...redirect.split(' ')]);
    process.kill(other.child.pid!, 'SIGTERM');
    await until('the end of istiod', () => other.child.exitCode !== null || other.child.signalCode !== null);
  }

  /** Makes a named set of objects exactly these; returns the warnings from admission. */
  public async put(set: string, objects: KubeObject[]): Promise<Finding[]> {
    const answer = await this.ask('PUT', `/sets/${encodeURIComponent(set)}`, stream(objects));
    if (answer.status === 422) throw new Refused(answer.body.findings);
    if (answer.status !== 200) throw new Error(`${set}: ${answer.body.error}`);
    return answer.body.findings ?? [];
  }

  /** What admission would say; nothing is stored. */
  public async validate(objects: KubeObject[]): Promise<Finding[]> {
    return (await this.ask('POST', '/validate', stream(objects))).body.findings ?? [];
  }

  /** How the stored ValidatingAdmissionPolicies judge one request; nothing is stored. */
  public async review(request: ReviewRequest): Promise<Verdict> {
    return this.answer('/review', JSON.stringify(request));
  }

  /** The pod as Istio's injector leaves it. */
  public async inject(pod: KubeObject, injection: Injection = {}): Promise<KubeObject> {
    const injected = await this.answer<KubeObject>('/inject', JSON.stringify({ pod, ...injection }));
    // API servers take a volume without a source for an empty directory.
    const volumes = ((injected.spec as any).volumes ?? []).map((volume: object) =>
      Object.keys(volume).length > 1 ? volume : { ...volume, emptyDir: {} },
    );
    return { ...injected, spec: { ...injected.spec, volumes } };
  }

  /** What API servers say about the expressions of the stored policies. */
  public async checkPolicies(): Promise<PolicyReport> {
    return this.answer('/policies');
  }

  /** What the stored policies about its kind cost for one object. */
  public async costs(object: KubeObject): Promise<PolicyCost[]> {
    return this.answer('/costs', JSON.stringify(object));
  }

  private async answer<T>(target: string, body?: string): Promise<T> {
    const answer = await this.ask('POST', target, body);
    if (answer.status !== 200) throw new Error(`${target}: ${answer.body.error}`);
    return answer.body;
  }

  /** Waits until this many proxies have acknowledged everything that was put. */
  public async barrier(proxies: number, seconds: number): Promise<void> {
    const answer = await this.ask('POST', `/barrier?proxies=${proxies}&timeout=${seconds}s`);
    if (answer.status !== 200) throw new NotAcknowledged(answer.body.error, answer.body.proxies);
  }

  /** What each proxy has been sent. */
  public async proxies(): Promise<ProxyState[]> {
    return (await this.ask('GET', '/proxies')).body;
  }

  /** Lines of its log that report an error. */
  public errors(): string[] {
    return fs
      .readFileSync(this.log, 'utf8')
      .split('\n')
      .filter((line) => /\t(error|fatal)\t/.test(line) && !HARMLESS.some((known) => line.includes(known)));
  }

  private ask(method: string, target: string, body = ''): Promise<{ status: number; body: any }> {
    return new Promise((resolve, reject) => {
      const request = http.request({ socketPath: this.socket, method, path: target, timeout: 600_000 }, (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (chunk) => {
            text += chunk;
          })
          .on('end', () => {
            try {
              resolve({ status: response.statusCode!, body: JSON.parse(text) });
            } catch {
              reject(new Error(`istiod's control interface answered ${response.statusCode}: ${text}`));
            }
          });
      });
      request
        .on('error', reject)
        .on('timeout', () => request.destroy(new Error('istiod does not answer')))
        .end(body);
    });
  }
}

/** The Service of the tracing providers. */
const TRACER = 'tracer.tracing.svc.cluster.local';

/**
 * Errors that concern no request. On a busy machine Envoy asks again for routes to which it has subscribed already:
 * istiod says so, and sends nothing. A listener that waited for them would still be warming when a lab converges.
 */
const HARMLESS = ['ADS:RDS: Subscribed resources check mismatch: true vs false'];

function meshConfig(mesh: MeshSettings): Record<string, unknown> {
  return {
    trustDomain: mesh.trustDomain ?? DEFAULT_CLUSTER_DOMAIN,
    trustDomainAliases: mesh.trustDomainAliases ?? [],
    pathNormalization: { normalization: mesh.pathNormalization ?? 'DEFAULT' },
    rootNamespace: mesh.rootNamespace ?? 'istio-system',
    serviceEntryVisibility: mesh.serviceEntryVisibility,
    outboundTrafficPolicy: { mode: mesh.outboundTrafficPolicy ?? 'ALLOW_ANY' },
    enableTracing: false,
    enablePrometheusMerge: false,
    ingressControllerMode: 'OFF',
    dnsRefreshRate: '5s',
    // Relative to the proxy, so one file each; Envoy's user cannot open a /dev/stdout that belongs to root.
    accessLogFile: 'access.log',
    accessLogEncoding: 'JSON',
    accessLogFormat: `${JSON.stringify(ACCESS_LOG_FORMAT)}\n`,
    // Istio's own provider of this name, with a file that proxies can open, and lines that can be told apart.
    extensionProviders: [
      {
        name: 'envoy',
        envoyFileAccessLog: { path: 'access.log', logFormat: { labels: { ...ACCESS_LOG_FORMAT, lab: 'provider' } } },
      },
      // Used where a Telemetry names them, with a Service that the suite applies.
      { name: 'zipkin', zipkin: { service: TRACER, port: 9411 } },
      { name: 'zipkin-placed', zipkin: { service: `tracing/${TRACER}`, port: 9411 } },
      { name: 'skywalking', skywalking: { service: TRACER, port: 11800 } },
      { name: 'opentelemetry', opentelemetry: { service: TRACER, port: 4317 } },
      { name: 'collector', envoyOtelAls: { service: TRACER, port: 4317 } },
      { name: 'collector-placed', envoyOtelAls: { service: `tracing/${TRACER}`, port: 4317 } },
      { name: 'authorizer', envoyExtAuthzHttp: { service: TRACER, port: 9411, failOpen: true } },
      { name: 'authorizer-placed', envoyExtAuthzHttp: { service: `tracing/${TRACER}`, port: 9411, failOpen: true } },
    ],
    defaultConfig: { discoveryAddress: `${ISTIOD_ADDRESS}:15010`, controlPlaneAuthPolicy: 'NONE' },
  };
}

/** As Helm merges values: maps key by key, everything else is replaced. */
function merged(base: Record<string, unknown>, over: Record<string, unknown> = {}): Record<string, unknown> {
  const isMap = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const both = Object.entries(over).map(([key, value]) => {
    const below = base[key];
    return [key, isMap(below) && isMap(value) ? merged(below, value) : value];
  });
  return { ...base, ...Object.fromEntries(both) };
}

function stream(objects: KubeObject[]): string {
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}
