/**
 * Istio is upgraded under live objects: from the older line to the newer one, istiod first, while callers go on calling;
 * then the gateways, then the sidecars. Whatever is replaced, every request is answered or refused as its row says.
 */
import { AccessRow } from '../../../src/access/access-table';
import { meshExamples } from '../examples';
import { binaries, ISTIO_LINES, judge, Lab, up } from '../lab';
import { failureText, titleOf } from '../support';

const [NEWER, OLDER] = ISTIO_LINES;

/** Callers by name at a gateway, with client certificates, over TCP, straight from the sidecar, and those refused. */
const EXAMPLES = ['certificate-per-caller', 'database', 'two-teams'];

for (const name of EXAMPLES) {
  const [{ table, manifests }] = meshExamples(name);
  const rows = table.access.filter(({ without }) => without === undefined);

  describe(name, () => {
    let lab: Lab;

    beforeAll(async () => {
      lab = await up({ table, manifests, files: await binaries(OLDER, OLDER) });
      await lab.apply('manifests', manifests);
      await lab.converge();
    });
    afterAll(() => lab?.down());

    /** What goes otherwise than its row says. */
    const wrongOf = async (row: AccessRow): Promise<string[]> => {
      const evidence = await lab.send(row);
      const judgement = judge(evidence);
      return judgement.passed ? [] : [`${titleOf(row)}\n${failureText(row, { evidence, judgement })}`];
    };
    const wrong = async () => {
      const found: string[] = [];
      for (const row of rows) found.push(...(await wrongOf(row)));
      return found;
    };

    /** The releases of Envoy, as they say themselves, of these proxies. */
    const envoys = async (role: string) => {
      const infos = lab.proxies.filter(({ pod }) => pod.role === role).map((proxy) => proxy.admin('/server_info'));
      return [...new Set((await Promise.all(infos)).map((info) => /\/(\d+\.\d+)\./.exec(info)![1]))];
    };

    test(`istiod and proxies of ${OLDER}`, async () => {
      expect(await Promise.all(['router', 'sidecar'].map(envoys))).toEqual([['1.38'], ['1.38']]);
      expect(rows.length).toBeGreaterThan(4);
      expect(await wrong()).toEqual([]);
    });

    test(`istiod of ${NEWER} takes over: no request that is made meanwhile goes otherwise`, async () => {
      let done = false;
      const found: string[] = [];
      const replaced = lab.replaceIstiod(await binaries(NEWER, OLDER)).finally(() => (done = true));
      let requests = 0;
      // At least every row once after it has taken over.
      for (let left = rows.length; left > 0; requests++) {
        found.push(...(await wrongOf(rows[requests % rows.length])));
        if (done) left--;
      }
      await replaced;
      expect(requests).toBeGreaterThan(rows.length);
      expect(found).toEqual([]);
    });

    test.each(['router', 'sidecar'])(`every %s of ${NEWER}`, async (role) => {
      const files = await binaries(NEWER, NEWER);
      for (const proxy of lab.proxies.filter(({ pod }) => pod.role === role)) await proxy.replace(files);
      await lab.converge();
      expect(await envoys(role)).toEqual(['1.39']);
      expect(await wrong()).toEqual([]);
    });

    test('nothing was rejected or failed behind the requests', () => expect(lab.errors()).toEqual([]));
  });
}
