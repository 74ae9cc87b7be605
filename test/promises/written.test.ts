import * as fs from 'fs';
import * as path from 'path';
import { ApiObject, App, Chart, IResolver, ImplicitTokenResolver, Lazy, ResolutionContext, Testing } from 'cdk8s';
import { build, forAll, serialised } from './plans';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { RegistryOnlyMesh } from '../../src/constructs/registry-only-mesh';
import { SidecarEgress } from '../../src/constructs/sidecar-egress';
import { Caller } from '../../src/values/caller';
import { errorOf, manifestsOf, newApp, the } from '../support/app';
import { helmGateway } from '../support/helm-gateway';

const replacing = (from: string, to: string): IResolver => ({
  resolve: (context) => {
    if (context.value === from) context.replaceValue(to);
  },
});

/**
 * An app with one host straight from the sidecar, whose TLS it originates, and these resolvers before those of cdk8s.
 */
function resolvedBy(...resolvers: IResolver[]): App {
  const app = new App({ outdir: newApp().outdir, resolvers });
  new SidecarEgress(new Chart(app, 'chart', { namespace: 'payments' }), 'egress', {
    hosts: ['api.example.com'],
  }).originateTls('tls');
  return app;
}

describe('a manifest is what cdk8s itself makes of the object', () => {
  test('for any declarations', () => {
    forAll((plans) => {
      const general = build(plans);
      general.resolvers.unshift({ resolve: () => undefined }); // With a resolver of somebody's, cdk8s itself writes every object.
      expect(serialised(build(plans))).toEqual(serialised(general));
    });
  });

  test('of the fields that have another name in the class than in the schema, one is in use', () => {
    const folder = path.join(__dirname, '../../imports');
    const code = fs
      .readdirSync(folder)
      .map((file) => fs.readFileSync(path.join(folder, file), 'utf8'))
      .join('\n');
    const fields = [...code.matchAll(/'(\w+)': (?:toJson_\w+\()?obj\.(\w+)/g)];
    expect(fields.length).toBeGreaterThan(300);
    const otherwise = fields.filter(([, written, describe]) => written !== describe);
    expect(new Set(otherwise.map(([, written]) => written))).toEqual(
      new Set(['consecutive5xxErrors', 'mirror_percent']),
    );
    const sources = fs
      .readdirSync(path.join(__dirname, '../../src/constructs'))
      .map((file) => fs.readFileSync(path.join(__dirname, '../../src/constructs', file), 'utf8'));
    expect(sources.join()).not.toMatch(/mirror_?percent/i);
  });

  test('with labels named like such a field', () => {
    const labels = { mirrorPercent: 'a', consecutive5XxErrors: 'b' };
    const [sidecar] = manifestsOf(
      (chart) => new RegistryOnlyMesh(chart, 'lock', { workloads: [{ namespace: 'payments', labels }] }),
    );
    expect(sidecar.spec.workloadSelector).toEqual({ labels });
  });

  test('without the options that are null in plain JavaScript', () => {
    const props = {
      hosts: ['api.example.com'],
      addresses: null,
      connectionPool: { maxConnections: 3 },
      loadBalancing: null,
    } as any;
    const entry = the(
      'ServiceEntry',
      manifestsOf((chart) => new SidecarEgress(chart, 'egress', props)),
    );
    expect(entry.spec).not.toHaveProperty('addresses');
  });

  test('unsorted on request', () => {
    const written = () =>
      Object.keys(
        manifestsOf(
          (chart) =>
            new RegistryOnlyMesh(chart, 'lock', { workloads: [{ namespace: 'payments', labels: { z: '1', a: '2' } }] }),
        )[0].spec.workloadSelector.labels,
      );
    expect(written()).toEqual(['a', 'z']);
    process.env.CDK8S_DISABLE_SORT = 'true';
    try {
      expect(written()).toEqual(['z', 'a']);
    } finally {
      delete process.env.CDK8S_DISABLE_SORT;
    }
  });

  test('with whatever users do to its metadata', () => {
    const written = (...resolvers: IResolver[]) => {
      const app = resolvedBy(...resolvers);
      const [object, other] = app.node.findAll().filter((one) => ApiObject.isApiObject(one));
      object.metadata.addLabel('audited', 'yes');
      object.metadata.addAnnotation(
        'note',
        Lazy.any({ produce: () => ({ z: '1', a: undefined, b: '2' }) }) as unknown as string,
      );
      object.metadata.addFinalizers('example.com/kept');
      object.metadata.addOwnerReference({ apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: '1' });
      object.metadata.add('finalizers', ['not written']);
      object.metadata.add('managedFields', [{ manager: 'a', fieldsV1: { list: [], map: { none: null } } }, {}]);
      other.metadata.add('selfLink', { resolve: () => 'resolved' });
      return serialised(app);
    };
    expect(written()).toEqual(written({ resolve: () => undefined }));
    expect(written().join()).toContain('resolved');
    expect(written().join()).toContain('example.com/kept');
  });

  test('with metadata that a release of cdk8s keeps otherwise', () => {
    const app = resolvedBy();
    const [object] = app.node.findAll().filter((one) => ApiObject.isApiObject(one));
    // This one does not write it.
    Object.assign(object.metadata, { ofLaterRelease: true });
    expect(serialised(app).join()).not.toContain('ofLaterRelease');
  });

  test('or cdk8s reports which object cannot be written', () => {
    const note = Lazy.any({
      produce: () => {
        throw new Error('no note');
      },
    }) as unknown as string;
    const chart = new Chart(newApp(), 'chart', { namespace: 'payments' });
    new SidecarEgress(chart, 'egress', { hosts: ['api.example.com'] }).apiObjects[0].metadata.addAnnotation(
      'note',
      note,
    );
    expect(errorOf(() => chart.toJson())).toMatch(/^Failed serializing construct at path 'chart\/.*no note/);
  });
});

describe('resolvers of the app are applied', () => {
  test('in the manifest', () => {
    const text = serialised(resolvedBy(replacing('MESH_EXTERNAL', 'MESH_INTERNAL'))).join();
    expect(text).toContain('MESH_INTERNAL');
    expect(text).not.toContain('MESH_EXTERNAL');
  });

  test('also when it extends one of cdk8s', () => {
    class Own extends ImplicitTokenResolver {
      public resolve(context: ResolutionContext): void {
        if (context.value === 'MESH_EXTERNAL') context.replaceValue('MESH_INTERNAL');
        else super.resolve(context);
      }
    }
    expect(serialised(resolvedBy(new Own())).join()).not.toContain('MESH_EXTERNAL');
  });

  test('before the rules check', () => {
    const nameless: IResolver = {
      resolve: (context) => {
        if (context.key[context.key.length - 1] === 'subjectAltNames' && context.value.length > 0)
          context.replaceValue([]);
      },
    };
    expect(errorOf(() => resolvedBy(nameless).synth())).toContain('unverified-name');
  });
});

describe('what an app has written once is not cached', () => {
  test('when a caller is added that no server can check', () => {
    const written = (look: boolean) => {
      const chart = new Chart(newApp(), 'chart', { namespace: 'payments' });
      const gateway = helmGateway(chart);
      const egress = new GatewayEgress(chart, 'egress', {
        gateway,
        hosts: ['api.example.com'],
        callers: [Caller.serviceAccount('payments', 'checkout')],
      });
      if (look) chart.toJson();
      egress.allowCaller(Caller.wholeNamespace('payments'));
      return Testing.synth(chart);
    };
    expect(written(true)).toEqual(written(false));
  });

  test('when a second construct declares the same host differently', () => {
    const chart = new Chart(newApp(), 'chart', { namespace: 'payments' });
    new SidecarEgress(chart, 'one', { hosts: ['api.example.com'] });
    chart.toJson();
    new SidecarEgress(chart, 'two', { hosts: ['api.example.com'], namePrefix: 'x' });
    expect(errorOf(() => chart.toJson())).toContain('egress-path-conflict');
  });
});
