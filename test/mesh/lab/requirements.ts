import { existsSync } from 'fs';
import * as path from 'path';
import { NotPossible, run } from './processes';

/** Tools, with the Debian package of each. */
const TOOLS: Record<string, string> = {
  ip: 'iproute2',
  ss: 'iproute2',
  'iptables-nft': 'iptables',
  dnsmasq: 'dnsmasq-base',
  bash: 'bash',
  curl: 'curl',
  openssl: 'openssl',
  setpriv: 'util-linux',
};

/** Throws a one-line error where the lab cannot run; on Debian it installs missing tools first. */
export async function requireSystem(): Promise<void> {
  if (process.platform !== 'linux')
    throw new NotPossible(`the mesh lab needs Linux (network namespaces); this is ${process.platform}`);
  if (process.getuid?.() !== 0)
    throw new NotPossible('the mesh lab needs root, to make network namespaces; run it with sudo');
  const missing = Object.keys(TOOLS).filter((tool) => !found(tool));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => TOOLS[tool]))];
  if (!found('apt-get'))
    throw new NotPossible(`the mesh lab needs ${missing.join(', ')} (on Debian: ${packages.join(' ')})`);
  console.log(`installing ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { env });
  const installed = await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env });
  const still = missing.filter((tool) => !found(tool));
  if (still.length > 0)
    throw new NotPossible(
      `the mesh lab needs ${still.join(', ')}, and apt-get could not install ${packages.join(' ')}: ` +
        `${installed.err.trim().split('\n').pop()}`,
    );
}

/** Whether a tool is on the path. */
export function found(tool: string): boolean {
  return `${process.env.PATH}:/usr/sbin:/sbin`.split(':').some((folder) => existsSync(path.join(folder, tool)));
}
