import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { Checks } from './checks';

const PAGE = path.join(__dirname, '../../docs/observe.md');

/** The alert rules of the docs, as Prometheus reads them. */
export async function checkAlerts(checks: Checks, folder: string): Promise<void> {
  await checks.run('promtool accepts the alert rules of the docs', () => {
    fs.mkdirSync(folder, { recursive: true });
    const rules = path.join(folder, 'rules.yaml');
    fs.writeFileSync(rules, /^```yaml\n(groups:[\s\S]*?)^```$/m.exec(fs.readFileSync(PAGE, 'utf8'))![1]);
    return execFileSync(promtool(folder), ['check', 'rules', rules], { encoding: 'utf8', stdio: 'pipe' })
      .trim()
      .split('\n')
      .pop()!
      .trim();
  });
}

/** Of the machine, or from Debian's package, without installing its server. */
function promtool(folder: string): string {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'pipe' });
    return 'promtool';
  } catch {
    const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: folder, stdio: 'pipe' });
    try {
      run('apt-get', 'download', 'prometheus');
    } catch {
      run('apt-get', 'update');
      run('apt-get', 'download', 'prometheus');
    }
    run('sh', '-c', 'dpkg -x prometheus_*.deb unpacked');
    return path.join(folder, 'unpacked/usr/bin/promtool');
  }
}
