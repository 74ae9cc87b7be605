import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { Checks, demand } from './checks';

const APP = path.join(__dirname, 'app/java');

/** The package from a Maven repository in a folder, and the same app as in TypeScript. */
export async function checkJava(checks: Checks, repository: string, folder: string, manifest: string): Promise<void> {
  await checks.run('a Java app (Maven) synthesises the same manifest as TypeScript', () => {
    fs.cpSync(APP, folder, { recursive: true });
    // What a published package needs not: where it is.
    const settings = path.join(folder, 'settings.xml');
    fs.writeFileSync(
      settings,
      '<settings><profiles><profile><id>built</id><repositories><repository><id>built</id>' +
        `<url>file://${repository}</url></repository></repositories></profile></profiles>` +
        '<activeProfiles><activeProfile>built</activeProfile></activeProfiles></settings>',
    );
    // Maven keeps what it has read, also if the next build has the same version.
    fs.rmSync(path.join(localRepository(), 'io/github/cdk8s-istio-egress'), { recursive: true, force: true });
    execFileSync(
      'mvn',
      [
        '-q',
        '-B',
        '-s',
        settings,
        'compile',
        'org.codehaus.mojo:exec-maven-plugin:3.1.0:java',
        '-Dexec.mainClass=Main',
      ],
      { cwd: folder, encoding: 'utf8', stdio: 'pipe', env: { ...process.env, CDK8S_OUTDIR: 'dist' } },
    );
    const synthesised = fs.readFileSync(path.join(folder, 'dist/payments.k8s.yaml'), 'utf8');
    demand(manifest !== '' && synthesised === manifest, 'another manifest than from JavaScript');
    return execFileSync('java', ['--version'], { encoding: 'utf8' }).split('\n')[0];
  });
}

function localRepository(): string {
  return path.join(process.env.HOME ?? '/root', '.m2/repository');
}
