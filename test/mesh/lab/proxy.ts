import { ChildProcess } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { Binaries } from './binaries';
import { captureArguments } from './capture';
import { ISTIOD_ADDRESS } from './network';
import { PodShell } from './pod-shell';
import { must, stay, until } from './processes';
import { RunFolder } from './run-folder';
import { Workload } from './world';
import { MeshSettings } from '../../../src/access/access-table';
import { DEFAULT_CLUSTER_DOMAIN } from '../../../src/istio/service-names';

const XDS = `${ISTIOD_ADDRESS}:15010`;

/** Envoy's user, whose packets the capture rules leave alone. */
const PROXY_USER = '1337';

/** A running pilot-agent with its Envoy, in the namespace of a pod. */
export class Proxy {
  /** Starts it, with the packet capture of an injected sidecar. */
  public static async start(
    run_: RunFolder,
    pod: Workload,
    files: Binaries,
    mesh: MeshSettings,
    shell: PodShell,
  ): Promise<Proxy> {
    const { trustDomain = DEFAULT_CLUSTER_DOMAIN, clusterDomain = DEFAULT_CLUSTER_DOMAIN } = mesh;
    const folder = path.join(run_.folder, 'pods', pod.id);
    for (const name of ['etc/istio/pod', 'etc/istio/proxy', 'var/run/secrets/tokens'])
      fs.mkdirSync(path.join(folder, name), { recursive: true });
    fs.writeFileSync(
      path.join(folder, 'etc/istio/pod/labels'),
      Object.entries(pod.labels)
        .map(([key, value]) => `${key}="${value}"\n`)
        .join(''),
    );
    fs.writeFileSync(
      path.join(folder, 'var/run/secrets/tokens/istio-token'),
      `lab:${pod.namespace}:${pod.serviceAccount}`,
    );
    await must('chown', ['-R', `${PROXY_USER}:${PROXY_USER}`, folder]);
    const namespace = run_.namespace(pod.id);
    const metadata: Record<string, string> = pod.proxyConfig.proxyMetadata ?? {};
    if (pod.role === 'sidecar') {
      const rules = captureArguments(pod.capture, {
        dns: metadata.ISTIO_META_DNS_CAPTURE === 'true',
        dualStack: metadata.ISTIO_DUAL_STACK === 'true',
      });
      await shell.must(files.pilotAgent, rules);
    }
    const log = path.join(run_.folder, `${pod.id}.log`);
    const launch = ({ pilotAgent, ...others }: Binaries) =>
      stay(
        'ip',
        [
          'netns',
          'exec',
          namespace,
          'setpriv',
          `--reuid=${PROXY_USER}`,
          `--regid=${PROXY_USER}`,
          '--clear-groups',
          pilotAgent,
          'proxy',
          pod.role,
          '--domain',
          `${pod.namespace}.svc.${clusterDomain}`,
          '--proxyLogLevel=warning',
        ],
        log,
        {
          cwd: folder,
          env: {
            PATH: '/usr/bin:/bin',
            HOME: '/tmp',
            CLOUD_PLATFORM: 'none', // otherwise the agent asks cloud metadata servers
            POD_NAME: pod.name,
            POD_NAMESPACE: pod.namespace,
            INSTANCE_IP: pod.address,
            SERVICE_ACCOUNT: pod.serviceAccount,
            TRUST_DOMAIN: trustDomain,
            ISTIO_META_CLUSTER_ID: 'Kubernetes',
            ISTIO_META_NODE_NAME: 'lab',
            ISTIO_META_INTERCEPTION_MODE: 'REDIRECT',
            ISTIO_META_WORKLOAD_NAME: pod.serviceAccount,
            ISTIO_META_MESH_ID: trustDomain,
            ...metadata,
            PROXY_CONFIG: JSON.stringify(proxyConfig(pod, others)),
          },
        },
      );
    return new Proxy(pod, shell, path.join(folder, 'access.log'), log, launch, launch(files));
  }

  private constructor(
    public readonly pod: Workload,
    private readonly shell: PodShell,
    public readonly accessLog: string,
    public readonly log: string,
    private readonly launch: (files: Binaries) => ChildProcess,
    private child: ChildProcess,
  ) {}

  /** Ends it and starts it again, with other binaries: a pod's next life. */
  public async replace(files: Binaries): Promise<void> {
    process.kill(this.child.pid!, 'SIGTERM');
    await until(`the end of ${this.pod.id}`, () => !this.alive);
    this.child = this.launch(files);
    await until(`${this.pod.id} being ready`, () => this.ready(), 60_000, 50);
  }

  /** Whether the agent is still running. */
  public get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  public async ready(): Promise<boolean> {
    if (!this.alive) throw new Error(`${this.pod.id} has ended: ${tail(this.log)}`);
    const asked = ['-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1:15021/healthz/ready'];
    return (await this.shell.run('curl', asked)).out === '200';
  }

  /** Asks Envoy's admin interface. */
  public async admin(query: string, method = 'GET'): Promise<string> {
    return this.shell.must('curl', ['-s', '-X', method, `http://127.0.0.1:15000${query}`]);
  }

  /** Envoy's statistics, by name. */
  public async stats(filter: string): Promise<Map<string, number>> {
    const text = await this.admin(`/stats?filter=${encodeURIComponent(filter)}`);
    return new Map(
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => [line.slice(0, line.lastIndexOf(': ')), Number(line.slice(line.lastIndexOf(': ') + 2))]),
    );
  }

  /**
   * Closes the connections that the proxy keeps open, except to istiod, so that the next request opens new ones.
   */
  public async dropConnections(): Promise<void> {
    const others = '( not dport = :15010 and not dst 127.0.0.0/8 )';
    await this.shell.run('ss', ['-K', '-Htn', 'state', 'established', others]);
  }
}

/** The end of a log file. */
export function tail(file: string, lines = 5): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n') : '';
}

function proxyConfig(pod: Workload, files: Pick<Binaries, 'envoy' | 'bootstrap'>): Record<string, unknown> {
  const fromPod = pod.proxyConfig;
  return {
    ...fromPod,
    discoveryAddress: XDS,
    controlPlaneAuthPolicy: 'NONE', // XDS without TLS; the token still identifies the proxy
    binaryPath: files.envoy,
    proxyBootstrapTemplatePath: files.bootstrap,
    concurrency: 1,
    drainDuration: fromPod.drainDuration ?? '1s', // how long old connections live on
    terminationDrainDuration: '1s',
    fileFlushInterval: '0.005s', // the harness waits for the access log
    fileFlushMinSizeKb: 1,
    proxyStatsMatcher: fromPod.proxyStatsMatcher ?? { inclusionRegexps: ['.*'] },
  };
}
