import { parseAllDocuments } from 'yaml';
import { ManifestIndex } from '../../src/manifests/manifest-index';
import { RULES } from '../../src/rules';
import { isReadByRules } from '../../src/rules/_read-by-rules';

/** Kinds that are asked for while the rules judge their own examples. */
test('every kind that a rule asks for is one that rules read', () => {
  const asked = new Set<string>();
  class Recording extends ManifestIndex {
    public override ofKind(kind: any): any {
      asked.add(`istio.io/v1 ${kind}`);
      return super.ofKind(kind);
    }
    public override inGroup(group: string, kind: string): any {
      if (kind !== 'ConfigMap') asked.add(`${group === '' ? 'v1' : `${group}/v1`} ${kind}`);
      return super.inGroup(group, kind);
    }
  }
  for (const rule of RULES)
    for (const text of [rule.good, rule.bad]) {
      const objects = parseAllDocuments(text).map((one, at) => ({ manifest: one.toJS(), origin: `object ${at}` }));
      for (const each of RULES) [...each.check(new Recording(objects))];
    }
  const isRead = (key: string) => {
    const [apiVersion, kind] = key.split(' ');
    const groups = apiVersion.startsWith('istio.io') ? ['networking.', 'security.', 'telemetry.'] : [''];
    return groups.some((group) =>
      isReadByRules({ apiVersion: `${group}${apiVersion}`, kind, metadata: { name: 'a' } }),
    );
  };
  expect([...asked].filter((key) => !isRead(key))).toEqual([]);
  expect(asked.size).toBeGreaterThan(5);
});
