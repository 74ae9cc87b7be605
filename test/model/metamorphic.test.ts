/**
 * Relations between the answers in two worlds that must hold whatever the answers are. The worlds are those of the
 * differential tests, many of which are misconfigured.
 */
import * as fc from '../support/fast-check';
import { modelOf } from './compare';
import { generateWorld } from './worlds/generate';
import { Random } from './worlds/random';
import { tableOf } from './worlds/table';
import { object, plain, World, WorldObject } from './worlds/world';
import { AccessTable } from '../../src/access/access-table';
import { Answer } from '../../src/model';
import { valueIn } from '../../src/values/grouping';

const RUNS = fc.cases(150);
/** The same worlds for each relation of one world, so that their answers are asked for once. */
const world = fc.noShrink(fc.nat({ max: 1_000_000 })).map(memoised(generateWorld));
const usualAnswers = memoised((made: World) => asked(made));

test('an unrelated object changes no answer', () => {
  fc.assert(
    fc.property(world, (made) => {
      const unrelated = [
        object('ServiceEntry', 'elsewhere', 'unrelated', {
          hosts: ['unrelated.invalid'],
          location: 'MESH_EXTERNAL',
          resolution: 'DNS',
          ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
          exportTo: ['.'],
        }),
        object('VirtualService', 'elsewhere', 'unrelated', {
          hosts: ['unrelated.invalid'],
          exportTo: ['.'],
          http: [{ directResponse: { status: 418 } }],
        }),
        object('DestinationRule', 'elsewhere', 'unrelated', {
          host: 'unrelated.invalid',
          trafficPolicy: { tls: { mode: 'SIMPLE' } },
          exportTo: ['.'],
        }),
        object('Gateway', 'elsewhere', 'unrelated', {
          selector: { istio: 'nobody' },
          servers: [{ port: { number: 443, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
        }),
        object('AuthorizationPolicy', 'elsewhere', 'unrelated', { action: 'DENY', rules: [{}] }),
        object('Sidecar', 'elsewhere', 'default', {
          egress: [{ hosts: ['~/*'] }],
          outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
        }),
      ];
      expect(answers({ ...made, objects: [...unrelated, ...made.objects] })).toEqual(usualAnswers(made).map(outline));
    }),
    RUNS,
  );
});

test('the order of the documents does not matter if all objects differ in age', () => {
  fc.assert(
    fc.property(world, fc.nat(), (made, seed) => {
      const objects = made.objects.map((one, index) => ({
        ...one,
        metadata: { ...one.metadata, creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString() },
      }));
      expect(answers({ ...made, objects: new Random(seed).shuffled(objects) })).toEqual(answers({ ...made, objects }));
    }),
    RUNS,
  );
});

test('the order of the documents does not matter without ages either: names decide', () => {
  fc.assert(
    fc.property(world, fc.nat(), (made, seed) => {
      const objects = made.objects.map(({ metadata: { creationTimestamp: _age, ...metadata }, ...one }) => ({
        ...one,
        metadata,
      }));
      expect(answers({ ...made, objects: new Random(seed).shuffled(objects) })).toEqual(answers({ ...made, objects }));
    }),
    RUNS,
  );
});

test('removing DENY policies leaves every answered request as it was', () => {
  fc.assert(
    fc.property(world, (made) => {
      const denies = (one: WorldObject) => one.kind === 'AuthorizationPolicy' && one.spec.action === 'DENY';
      const before = usualAnswers(made);
      const after = asked({ ...made, objects: made.objects.filter((one) => !denies(one)) });
      before.forEach((answer, index) => {
        if (answer.outcome === 'answered') expect(outline(after[index])).toEqual(outline(answer));
      });
    }),
    RUNS,
  );
});

test('renaming namespaces, accounts and hosts renames them in the answers and changes nothing else', () => {
  fc.assert(
    fc.property(world, (made) => {
      const renamed: World = rename(made);
      const table: AccessTable = rename(tableOf(made.mesh));
      // Without the reason: its prose contains words that are also names.
      expect(asked(renamed, table).map(withoutReason)).toEqual(rename(usualAnswers(made).map(withoutReason)));
    }),
    RUNS,
  );
});

/** New names of equal length and order, so that nothing that depends on length or alphabet changes. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/\bshop\b/g, 'shoq'],
  [/\bother\b/g, 'othes'],
  [/\bcheckout\b/g, 'checkouu'],
  [/\bcrawler\b/g, 'crawles'],
  [/\bexample\b/g, 'examplf'],
  [/\bEXAMPLE\b/g, 'EXAMPLF'],
  [/\bnews\b/g, 'newt'],
  [/\bNEWS\b/g, 'NEWT'],
];

function rename<T>(value: T): T {
  return JSON.parse(NAMES.reduce((text, [from, to]) => text.replace(from, to), JSON.stringify(value)));
}

function memoised<K, V>(make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => valueIn(known, key, () => make(key));
}

function asked(made: World, table = tableOf(made.mesh)): Answer[] {
  const ask = modelOf(plain(made.objects), table);
  return made.requests.map(ask);
}

function answers(made: World): unknown[] {
  return asked(made).map(outline);
}

function withoutReason(answer: Answer): unknown {
  return outline({ ...answer, reason: '' });
}

/** The fields that do not depend on the position of objects in the list of documents. */
function outline(answer: Answer): unknown {
  const { steps: _steps, causes: _causes, remarks: _remarks, alternatives, ...rest } = answer;
  return plain({ ...rest, alternatives: alternatives.length });
}
