import * as fs from 'fs';
import { isIPv6 } from 'net';
import * as path from 'path';
import { Placed } from './external';
import { must, run, until } from './processes';
import { RunFolder } from './run-folder';

export const ISTIOD_ADDRESS = '10.77.0.1';
/** DNS server, and default route to the external hosts. */
export const EXTERNAL_ADDRESS = '10.77.0.2';

/** The DNS server answers no question for a name in this domain, not even that there is none. */
export const UNANSWERED = 'unanswered.example.com';

/** Names of the two namespaces that are not pods. */
export const CONTROL_PLANE = 'cp';
export const EXTERNAL = 'out';

/** The IPv6 address beside an IPv4 address of the cluster, in a dual-stack mesh. */
export function ipv6Of(address: string): string {
  const [, network, high, low] = address.split('.').map(Number);
  return `fd${network}::${(high * 256 + low).toString(16)}`;
}

/** The address of the nth pod. */
export function podAddress(index: number): string {
  return `10.77.${Math.floor((index + 10) / 250)}.${((index + 10) % 250) + 1}`;
}

/**
 * A bridge, and a network namespace each for istiod, the external hosts and every pod. Everything is inside namespaces
 * of this run: the machine's own network is not touched, and two runs can use the same addresses.
 */
export async function makeNetwork(
  run_: RunFolder,
  pods: { name: string; addresses: readonly string[] }[],
  hosts: Placed[],
  trusted: string,
): Promise<void> {
  const bridge = run_.namespace('sw');
  const isDual = pods.some(({ addresses }) => addresses.length > 1);
  const members = [
    { name: CONTROL_PLANE, addresses: [ISTIOD_ADDRESS] },
    { name: EXTERNAL, addresses: isDual ? [EXTERNAL_ADDRESS, ipv6Of(EXTERNAL_ADDRESS)] : [EXTERNAL_ADDRESS] },
    ...pods,
  ];
  const namespaces = [bridge, ...members.map(({ name }) => run_.namespace(name))];
  const added = namespaces.map((namespace) => `netns add ${namespace}\n`).join('');
  await must('ip', ['-batch', '-'], { input: added });
  await batch(bridge, ['link add br0 type bridge forward_delay 0', 'link set br0 up']);
  await Promise.all(
    members.map(({ name, addresses }, index) =>
      batch(run_.namespace(name), [
        'link set lo up',
        `link add eth0 type veth peer name p${index} netns ${bridge}`,
        // Nobody else has them: no time is lost to find out (DAD).
        ...addresses.map((address) =>
          isIPv6(address) ? `addr add ${address}/64 dev eth0 nodad` : `addr add ${address}/16 dev eth0`,
        ),
        'link set eth0 up',
        ...(name === EXTERNAL
          ? []
          : addresses.map((address) =>
              isIPv6(address)
                ? `route add default via ${ipv6Of(EXTERNAL_ADDRESS)}`
                : `route add default via ${EXTERNAL_ADDRESS}`,
            )),
      ]),
    ),
  );
  await batch(
    bridge,
    members.flatMap((_, index) => [`link set p${index} master br0`, `link set p${index} up`]),
  );
  // Every address of the documentation ranges is local here: where nothing listens, a connection is refused at once.
  const elsewhere = hosts
    .flatMap(({ addresses }) => addresses)
    .filter((address) => !/^(203\.0\.113\.|2001:db8:)/.test(address))
    .map((address) => `route add local ${address} dev lo`);
  await batch(run_.namespace(EXTERNAL), [
    'route add local 203.0.113.0/24 dev lo',
    ...(isDual ? ['route add local 2001:db8::/32 dev lo'] : []),
    ...elsewhere,
  ]);
  // Unlike those of IPv4, such addresses can be listened on only if this allows it.
  const anyAddress = ['sysctl', '-qw', 'net.ipv6.ip_nonlocal_bind=1'];
  if (isDual) await must('ip', ['netns', 'exec', run_.namespace(EXTERNAL), ...anyAddress]);
  for (const pod of pods) dress(run_.namespace(pod.name), trusted);
  await serveNames(run_, hosts);
}

function batch(namespace: string, lines: string[]): Promise<string> {
  return must('ip', ['-n', namespace, '-batch', '-'], { input: lines.join('\n') + '\n' });
}

/** Files that `ip netns exec` mounts over /etc: the lab's DNS server, and only the lab's authorities. */
function dress(namespace: string, trusted: string): void {
  const etc = path.join('/etc/netns', namespace);
  fs.mkdirSync(path.join(etc, 'ssl/certs'), { recursive: true });
  fs.writeFileSync(path.join(etc, 'resolv.conf'), `nameserver ${EXTERNAL_ADDRESS}\n`);
  if (fs.existsSync('/etc/ssl/openssl.cnf')) fs.copyFileSync('/etc/ssl/openssl.cnf', path.join(etc, 'ssl/openssl.cnf'));
  fs.copyFileSync(trusted, path.join(etc, 'ssl/certs/ca-certificates.crt'));
}

/** Answers the names of these hosts with their addresses, and no others. Called again, it forgets the former ones. */
export async function serveNames(run_: RunFolder, hosts: Pick<Placed, 'host' | 'addresses'>[]): Promise<void> {
  const pidFile = path.join(run_.folder, 'dns.pid');
  if (fs.existsSync(pidFile)) {
    const pid = Number(fs.readFileSync(pidFile, 'utf8'));
    process.kill(pid, 'SIGTERM');
    await until('the end of dnsmasq', () => !fs.existsSync(`/proc/${pid}`));
  }
  const started = await run('ip', [
    'netns',
    'exec',
    run_.namespace(EXTERNAL),
    'dnsmasq',
    '--conf-file=/dev/null',
    '--no-resolv',
    '--no-hosts',
    '--local=/#/',
    // Nobody listens there.
    `--server=/${UNANSWERED}/127.0.0.1#9`,
    '--user=root',
    `--listen-address=${EXTERNAL_ADDRESS}`,
    '--bind-interfaces',
    `--pid-file=${pidFile}`,
    `--log-facility=${path.join(run_.folder, 'dns.log')}`,
    ...hosts.map((host) => `--host-record=${[host.host, ...host.addresses].join()}`),
  ]);
  if (started.code !== 0) throw new Error(`dnsmasq did not start: ${started.err}`);
}
